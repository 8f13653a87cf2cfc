//! `avt compare` of two outputs of `avt load --json`.

use serde_json::{Value, json};

use super::*;
use crate::support::Server;

/// Returns the output of a load, after changing it.
fn output(change: impl FnOnce(&mut Value)) -> Value {
    let times = |p50: f64, p99: f64| {
        json!({ "count": 5_000, "mean": p50, "p50": p50, "p75": p50, "p90": p50, "p95": p50, "p99": p99,
                "p99.9": null, "p99.99": null, "max": 2.0 * p99 })
    };
    let mut output = json!({
        "schema": 1,
        "url": "http://127.0.0.1:8080/",
        "urls": ["http://127.0.0.1:8080/"],
        "loop": "open",
        "arrivals": "poisson",
        "partial": false,
        "connections": { "planned": 10, "opened": 10, "starved": 0 },
        "duration_s": 10.0,
        "requests": { "planned": 10_000, "completed": 10_000, "failed": 0, "timed_out": 0, "unsent": 0, "unfinished": 0 },
        "rate": { "offered": 1000.0, "achieved": 1000.0 },
        "response_time_us": times(200.0, 1_000.0),
        "response_time_lower_bound_from_us": null,
        "server": { "cpu_us_per_request": 20.0 },
        "verdict": "valid",
        "reasons": [],
    });
    change(&mut output);
    output
}

fn write(home: &Path, name: &str, change: impl FnOnce(&mut Value)) -> PathBuf {
    let path = home.join(name);
    fs::write(&path, serde_json::to_string_pretty(&output(change)).unwrap()).unwrap();
    path
}

#[test]
fn two_loads_are_shown_side_by_side_without_a_verdict() {
    let home = tempfile::tempdir().unwrap();
    let before = write(home.path(), "before.json", |_| ());
    let after = write(home.path(), "after.json", |load| {
        load["response_time_us"]["p99"] = json!(1_500.0);
        load["rate"]["achieved"] = json!(950.0);
        load["connections"]["opened"] = json!(20);
        load["verdict"] = json!("suspect");
        load["reasons"] = json!([{ "verdict": "suspect", "reason": "a \u{1b}[31m noise", "advice": "wait" }]);
    });
    let ended = compare(&before, &after, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    insta::assert_snapshot!(ended.stdout);

    let ended = compare(&before, &after, &["--json", "--fail-over", "p99=10%"]);
    let json: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, &json["over_the_limit"]), (Some(1), &json!(1)), "{json}");
    let p99 = json["changes"].as_array().unwrap().iter().find(|change| change["figure"] == "p99").unwrap();
    assert_eq!((&p99["before"], &p99["after"], &p99["ratio"]), (&json!(1e6), &json!(1.5e6), &json!(1.5)));
}

#[test]
fn a_limit_decides_by_the_figures_themselves() {
    let home = tempfile::tempdir().unwrap();
    let before = write(home.path(), "before.json", |_| ());
    let after = write(home.path(), "after.json", |load| {
        load["response_time_us"]["p99"] = json!(1_200.0);
        load["rate"]["achieved"] = json!(900.0);
    });
    let unanswered = write(home.path(), "unanswered.json", |load| {
        load["response_time_us"]["p99"] = json!(500.0);
        load["response_time_lower_bound_from_us"] = json!(500.0);
    });
    for (code, one, other, limits) in [
        (1, &before, &after, "10%"),
        (1, &before, &after, "p99=10%"),
        (0, &before, &after, "p99=25%"),
        (1, &before, &after, "throughput=5%"),
        (0, &before, &after, "throughput=15%,cpu=1%"),
        (0, &after, &before, "0%"),
        // The p99 before may have been as long as the one after.
        (0, &unanswered, &before, "p99=10%"),
    ] {
        let ended = compare(one, other, &["--fail-over", limits]);
        assert_eq!(ended.code, Some(code), "{limits}: {ended:?}");
    }
    for (limit, words) in [
        ("p9=5%", "no figure is called `p9`; did you mean `p9"),
        ("p99@async=5%", "a load has no models; write `p99` instead of `p99@async`"),
        ("wall=5%", "no figure is called `wall`; this comparison has throughput, mean, p50"),
        ("p99.9=5%", "no figure is called `p99.9`"),
    ] {
        let ended = compare(&before, &after, &["--fail-over", limit]);
        assert_eq!(ended.code, Some(2), "{limit}: {ended:?}");
        assert!(ended.stderr.contains(words) && ended.stdout.is_empty(), "{limit}: {ended:?}");
    }
}

#[test]
fn an_invalid_load_decides_nothing() {
    let home = tempfile::tempdir().unwrap();
    let good = write(home.path(), "good.json", |_| ());
    let invalid = write(home.path(), "invalid.json", |load| {
        load["verdict"] = json!("invalid");
        load["response_time_us"]["p99"] = json!(9_000.0);
        load["reasons"] = json!([{ "verdict": "invalid", "reason": "the host took the CPU", "advice": "wait" }]);
    });
    let junit = home.path().join("junit.xml");
    for (one, other, side) in [(&good, &invalid, "after"), (&invalid, &good, "before")] {
        let ended = compare(one, other, &["--fail-over", "0%", "--junit", junit.to_str().unwrap()]);
        assert_eq!(ended.code, Some(4), "{ended:?}");
        let words = format!("Warning: The load {side} is INVALID: the host took the CPU.");
        assert!(ended.stdout.contains(&words), "{}", ended.stdout);
        let xml = fs::read_to_string(&junit).unwrap();
        assert!(xml.contains("failures=\"0\"") && !xml.contains("skipped=\"0\""), "{xml}");
    }
}

#[test]
fn files_that_are_no_loads_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let good = write(home.path(), "good.json", |_| ());
    let folder = super::write(home.path(), "run", |_, _| ());
    let other = |name: &str, text: &str| {
        let path = home.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let schema = write(home.path(), "schema.json", |load| load["schema"] = json!(2));
    for (path, words) in [
        (other("empty.json", ""), "empty.json: expected the output of `avt load --json`: EOF"),
        (other("array.json", "[]"), "array.json: expected the output of `avt load --json`: "),
        (folder.join(RUN), "run.json: expected the output of `avt load --json`: missing field"),
        (schema, "schema.json: output of a load with schema 2; this avt reads schema 1"),
        (folder, "compare two folders of runs, or two outputs of `avt load --json`"),
    ] {
        let ended = compare(&good, &path, &[]);
        assert_eq!(ended.code, Some(2), "{words}: {ended:?}");
        assert!(ended.stderr.contains(words) && ended.stdout.is_empty(), "{words}: {ended:?}");
    }
    let mut command = avt(["compare", "--before"]);
    command.args([&good, &good]).arg("--after").arg(&good);
    let ended = run(command);
    assert!(ended.code == Some(2) && ended.stderr.contains("are compared one with one"), "{ended:?}");
    let ended = compare(&good, &good, &["--markdown", good.to_str().unwrap()]);
    assert!(ended.code == Some(2) && ended.stderr.contains("same file as a load to compare"), "{ended:?}");
}

#[test]
fn the_output_of_a_load_can_be_compared_with_itself() {
    let server = Server::start("async");
    let home = tempfile::tempdir().unwrap();
    let url = format!("http://{}/echo/hello", server.address);
    let ended = run(avt(["load", &url, "-n", "2000", "-c", "2", "--json"]));
    let file = home.path().join("load.json");
    fs::write(&file, &ended.stdout).unwrap();
    let is_invalid = serde_json::from_str::<Value>(&ended.stdout).unwrap()["verdict"] == "invalid";
    let ended = compare(&file, &file, &["--fail-over", "0%"]);
    // The measurement may be INVALID, since tests run in parallel.
    assert_eq!(ended.code, Some(if is_invalid { 4 } else { 0 }), "{ended:?}");
    assert!(ended.stdout.contains("throughput") && ended.stdout.contains("p99"), "{}", ended.stdout);
}
