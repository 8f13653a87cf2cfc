//! `avt advise`: the scenario that it writes, and what it concludes.

use std::io::Read as _;
use std::process::Stdio;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Running, avt, exit_code, run, send, wait_for};

/// Runs `avt advise` with these arguments for one round, and returns its JSON.
fn advise(arguments: &str) -> Value {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let mut command = avt(["advise", "--rounds", "1", "--json", "--out"]);
    command.arg(&out).args(arguments.split_whitespace());
    let ended = run(command);
    // On a machine that is busy with other tests, no model may be known to meet an objective.
    assert!(matches!(ended.code, Some(0 | 1 | 4)), "{ended:?}");
    let kept: Value = serde_json::from_slice(&std::fs::read(out.join("run.json")).unwrap()).unwrap();
    let toml = kept["scenarios"][0]["toml"].as_str().unwrap();
    assert!(toml.starts_with("# Written by avt advise."), "the scenario can be edited and run again: {toml}");
    let page = std::fs::read_to_string(out.join("advise.html")).unwrap();
    assert_eq!(
        page.contains("<h2 id=\"which\">Which model?</h2>"),
        toml.contains("workload = \"echo\""),
        "{arguments}"
    );
    serde_json::from_str(&ended.stdout).unwrap()
}

fn row<'a>(json: &'a Value, model: &str) -> &'a Value {
    let rows = json["advice"]["advise"]["rows"].as_array().unwrap();
    rows.iter().find(|row| row["model"] == model).unwrap_or_else(|| panic!("{model}: {rows:?}"))
}

#[test]
fn a_model_that_arithmetic_excludes_is_not_recommended() {
    // Each request holds the one thread of `async` for 2 ms, so at most 500 per second get through.
    let json = advise("--block 2ms --connections 8 --rate 2000 --slo p99<10s -m threads -m async");
    let advice = &json["advice"]["advise"];
    assert_eq!((&advice["slo"], &advice["offered_per_s"]), (&"p99<10s".into(), &2000.0.into()), "{advice}");
    assert_ne!(row(&json, "async")["meets"], "yes", "{advice}");
    assert_ne!(advice["model"], "async", "{advice}");
    let capacities = ["async", "threads"].map(|model| row(&json, model)["capacity_per_s"].as_f64().unwrap());
    assert_eq!(capacities, [500.0, 4_000.0]);
    let largest = row(&json, "async")["largest_rate_per_s"].as_f64();
    assert!(largest.is_none_or(|rate| rate <= 510.0), "{advice}");
    assert!(!advice["says"].as_array().unwrap().is_empty(), "{advice}");
}

#[test]
fn jobs_are_compared_by_their_wall_time() {
    let json = advise("--wait 30ms --jobs 8 -m pool/1 -m async");
    let advice = &json["advice"]["advise"];
    assert_eq!((&advice["slo"], &advice["offered_per_s"]), (&Value::Null, &Value::Null));
    let walls = ["pool/1", "async"].map(|model| row(&json, model)["time_ns"].as_f64().unwrap());
    assert!(walls[0] >= 240e6 && walls[1] >= 30e6, "{advice}");
    assert!(row(&json, "async")["largest_rate_per_s"].is_null(), "{advice}");
}

#[test]
fn descriptions_that_cannot_be_measured_are_refused() {
    for (arguments, expected) in [
        ("--jobs 3", "the jobs do nothing; add --wait"),
        ("--slo p99<5ms", "--rate <N>"),
        ("--rate 0", "must be greater than 0"),
        ("--rate 100 --slo p99", "expected <, <=, > or >="),
        ("--wait 5", "missing unit"),
        ("--compute 5ms --jobs 3 --rate 5", "cannot be used with"),
        ("--jobs 3 --wait 5ms --permits 2", "--permits with --jobs needs --block"),
        ("-m rayon/2", "rayon/2 runs jobs, and serves no connections"),
        ("-m hybrid/blocking", "is now called `async+blocking`"),
    ] {
        let mut command = avt(["advise"]);
        command.args(arguments.split_whitespace());
        let ended = run(command);
        assert_eq!(ended.code, Some(2), "{arguments}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{arguments}: {}", ended.stderr);
    }
}

#[test]
fn a_signal_ends_the_measurement_with_what_is_known() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let mut command =
        avt(["advise", "--jobs", "4", "--wait", "20ms", "--rounds", "1000", "-m", "pool/1", "-m", "async"]);
    command.arg("--out").arg(&out).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = Running(command.spawn().unwrap());
    let records = || std::fs::read_to_string(out.join("trials.jsonl")).ok().filter(|lines| lines.lines().count() >= 12);
    wait_for("a few rounds", records);
    send(&process.0, Signal::SIGINT);
    let mut stdout = String::new();
    process.0.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    assert_eq!(exit_code(&mut process), Some(130), "{stdout}");
    for expected in ["model", "pool/1", "async", "report: "] {
        assert!(stdout.contains(expected), "{expected}: {stdout}");
    }
    let page = std::fs::read_to_string(out.join("index.html")).unwrap();
    assert!(page.contains("This run is partial: SIGINT ended it early"), "{page}");
}
