//! `avt compare`, and which run folders it refuses.

mod loads;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use async_vs_threads::record::{Folder, Outcome, RECORDS, RUN, Record, Run, SCHEMA};
use async_vs_threads::scenario::{Model, builtin};

use crate::fixture;
use crate::support::{Ended, avt, run};

/// Writes a made-up run of a built-in scenario, after changing it.
fn write(home: &Path, name: &str, change: impl FnOnce(&mut Run, &mut [Record])) -> PathBuf {
    let scenarios = [builtin::find("compute").unwrap().scenario()];
    let mut records = fixture::records(&scenarios, 6);
    let mut run = fixture::run(&scenarios, records.len() as u64);
    change(&mut run, &mut records);
    let path = home.join(name);
    let mut folder = Folder::create(&path, &run).unwrap();
    records.iter().for_each(|record| folder.append(record).unwrap());
    path
}

/// Multiplies the wall times of a model.
fn slow_down(records: &mut [Record], model: Model, times: f64) {
    for record in records.iter_mut().filter(|record| record.cell.model == model) {
        if let Outcome::Measured(measured) = &mut record.outcome {
            measured.wall_ns = (measured.wall_ns as f64 * times) as u64;
        }
    }
}

fn compare(before: &Path, after: &Path, more: &[&str]) -> Ended {
    let mut command = avt(["compare"]);
    command.arg(before).arg(after).args(more);
    run(command)
}

#[test]
fn a_slowdown_is_reported_and_ends_with_exit_code_1_on_request() {
    let home = tempfile::tempdir().unwrap();
    let before = write(home.path(), "before", |_, _| ());
    let same = write(home.path(), "same", |_, _| ());
    let after = write(home.path(), "after", |_, records| slow_down(records, Model::Threads, 1.3));

    let ended = compare(&before, &same, &["--fail-over", "0%"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("0 worse, 0 better") && !ended.stdout.contains("Warning:"), "{}", ended.stdout);

    let ended = compare(&before, &after, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("worse by 30 %") && ended.stdout.contains("1 worse"), "{}", ended.stdout);
    let ended = compare(&before, &after, &["--fail-over", "10%"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("over the limit: compute, threads wall time"), "{}", ended.stdout);
    assert_eq!(compare(&before, &after, &["--fail-over", "40%"]).code, Some(0));
    let ended = compare(&after, &before, &["--fail-over", "10%"]);
    assert_eq!(ended.code, Some(0), "it got faster: {ended:?}");
    assert!(ended.stdout.contains("better by 30 %"), "{}", ended.stdout);

    let ended = compare(&before, &after, &["--json", "--fail-over", "10%"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let changes = json["changes"].as_array().unwrap();
    let worse: Vec<_> = changes.iter().filter(|change| change["verdict"] == "worse").collect();
    assert_eq!((worse.len(), &worse[0]["model"], &worse[0]["metric"]), (1, &"threads".into(), &"wall".into()));
    assert!(worse[0]["interval"][0].as_f64().is_some_and(|low| (1.2..1.3).contains(&low)), "{json}");
    assert_eq!(json["over_the_limit"], 1);
}

#[test]
fn a_page_shows_the_comparison_and_a_summary_the_run() {
    let home = tempfile::tempdir().unwrap();
    let before = write(home.path(), "before", |_, _| ());
    let after = write(home.path(), "after", |_, records| slow_down(records, Model::Threads, 1.3));
    let page = home.path().join("compared.html");
    let ended = compare(&before, &after, &["--html", page.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("wall time under threads: worse by 30 %"), "{html}");
    assert!(html.contains("1 worse, 0 better") && html.contains("data-m=\"threads\""), "{html}");
    for foreign in ["http://", "https://", "<script ", " src=", "url("] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    let ended = compare(&before, &after, &["--html", home.path().join("none/page.html").to_str().unwrap()]);
    assert_eq!(ended.code, Some(3), "{ended:?}");

    let mut command = avt(["report"]);
    command.arg(&before).args(["--markdown", "-"]);
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("| model |") && !ended.stdout.contains("report: "), "{ended:?}");
}

#[test]
fn a_limit_can_be_set_for_one_figure_of_one_model() {
    let home = tempfile::tempdir().unwrap();
    let before = write(home.path(), "before", |_, _| ());
    let after = write(home.path(), "after", |_, records| slow_down(records, Model::Threads, 1.3));
    for (code, limits) in [
        (1, &["--fail-over", "wall=10%"][..]),
        (1, &["--fail-over", "wall@threads=10%"]),
        (1, &["--fail-over", "cpu=10%,wall@threads=10%"]),
        (1, &["--fail-over", "cpu=10%", "--fail-over", "wall=10%"]),
        // The most specific limit counts.
        (0, &["--fail-over", "10%,wall@threads=40%"]),
        (1, &["--fail-over", "wall=40%,wall@threads=10%"]),
        // Other figures and models have not changed.
        (0, &["--fail-over", "cpu=10%"]),
        (0, &["--fail-over", "wall@async=10%"]),
    ] {
        let ended = compare(&before, &after, limits);
        assert_eq!(ended.code, Some(code), "{limits:?}: {ended:?}");
    }
    let interval = |change: &serde_json::Value| {
        (change["model"] == "threads" && change["metric"] == "wall").then(|| change["interval"].clone())
    };
    let json = compare(&before, &after, &["--json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let interval = json["changes"].as_array().unwrap().iter().find_map(interval).unwrap();
    let [low, ratio] = [interval[0].as_f64().unwrap(), 1.3];
    assert!(low < ratio, "{interval}");
    // The limit lies between the better end of the interval and the figure itself.
    let between = format!("wall@threads={}%", ((low + ratio) / 2.0 - 1.0) * 100.0);
    assert_eq!(compare(&before, &after, &["--fail-over", &between]).code, Some(0), "{between} {interval}");
}

#[test]
fn a_limit_for_an_unknown_figure_is_refused_with_a_remedy() {
    let home = tempfile::tempdir().unwrap();
    let run = write(home.path(), "run", |_, _| ());
    for (limit, words) in [
        ("wal=5%", "no figure is called `wal`; did you mean `wall`?"),
        ("p99=5%", "no figure is called `p99`; this comparison has wall and cpu"),
        ("wall@thread=5%", "no model is called `thread`; did you mean `threads`?"),
        ("10%,wall@external=5%", "no model is called `external`; this comparison has "),
        ("wall=", "expected a percentage of at least 0"),
        ("wall@=5%", "expected METRIC=PERCENT or METRIC@MODEL=PERCENT"),
        ("@async=5%", "expected METRIC=PERCENT or METRIC@MODEL=PERCENT"),
    ] {
        let ended = compare(&run, &run, &["--fail-over", limit]);
        assert_eq!(ended.code, Some(2), "{limit}: {ended:?}");
        assert!(ended.stderr.contains(words) && ended.stdout.is_empty(), "{limit}: {ended:?}");
    }
}

#[test]
fn several_runs_per_side_are_compared_run_by_run() {
    let home = tempfile::tempdir().unwrap();
    let runs = |name: &str, times: [f64; 3]| {
        let of_one = |(i, times): (usize, f64)| {
            write(home.path(), &format!("{name}{i}"), |_, records| {
                for model in [Model::Threads, Model::ASYNC] {
                    slow_down(records, model, times);
                }
            })
        };
        times.into_iter().enumerate().map(of_one).collect::<Vec<PathBuf>>()
    };
    let (before, after) = (runs("before", [1.0, 1.04, 0.97]), runs("after", [1.28, 1.33, 1.3]));
    let same = runs("same", [1.05, 0.98, 1.02]);
    let compare = |before: &[PathBuf], after: &[PathBuf]| {
        let mut command = avt(["compare", "--json", "--before"]);
        command.args(before).arg("--after").args(after);
        let ended = run(command);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        let is_wall = |change: &&serde_json::Value| change["metric"] == "wall" && change["model"] == "threads";
        json["changes"].as_array().unwrap().iter().find(is_wall).unwrap().clone()
    };
    let change = compare(&before, &after);
    assert_eq!((&change["verdict"], &change["runs"]), (&"worse".into(), &serde_json::json!([3, 3])), "{change}");
    assert!(change["ratio"].as_f64().is_some_and(|ratio| (1.25..1.35).contains(&ratio)), "{change}");
    // The rounds of each run agree to within 1 %, but the runs do not, and the verdict is based on runs.
    assert_eq!(compare(&before, &same)["verdict"], "same");
    assert_eq!(compare(&before[..1], &same)["verdict"], "same", "a single run before");
}

#[test]
fn nothing_is_concluded_from_an_invalid_measurement() {
    let home = tempfile::tempdir().unwrap();
    let before = write(home.path(), "before", |_, _| ());
    let throttled = |name: &str, rounds: u32| {
        write(home.path(), name, |_, records| {
            slow_down(records, Model::Threads, 1.3);
            let of_threads = records.iter_mut().filter(|record| record.cell.model == Model::Threads);
            for record in of_threads.filter(|record| record.round().is_some_and(|round| round <= rounds)) {
                record.conditions.throttled_ns = Some(1_000_000);
            }
        })
    };
    for (before, after, side) in
        [(&before, &throttled("after", 6), "after"), (&throttled("first", 3), &before, "before")]
    {
        let ended = compare(before, after, &["--fail-over", "10%"]);
        assert_eq!(ended.code, Some(4), "{ended:?}");
        assert!(ended.stdout.contains(&format!("not comparable: INVALID {side}")), "{}", ended.stdout);
        assert!(ended.stdout.contains(&format!("Warning: {side}: Of ")), "the findings are shown: {}", ended.stdout);
        let ended = compare(before, after, &["--json"]);
        let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!((ended.code, &json[side][0]["verdict"]), (Some(4), &"invalid".into()), "{json}");
        let verdicts = json["changes"].as_array().unwrap().iter();
        let refused = verdicts.filter(|change| change["verdict"] == "not_comparable");
        assert!(
            refused.clone().count() > 0 && refused.into_iter().all(|change| change["model"] == "threads"),
            "{json}"
        );
    }
    // One throttled round of six does not make the comparison invalid.
    assert_eq!(compare(&before, &throttled("once", 1), &["--fail-over", "10%"]).code, Some(1));
}

#[test]
fn other_differences_between_the_runs_are_pointed_out() {
    let home = tempfile::tempdir().unwrap();
    let before = write(home.path(), "before", |_, _| ());
    let after = write(home.path(), "after", |run, _| {
        run.host.kernel = Some("7.0.0".into());
        run.host.tokio = "1.55.0".into();
        run.iterations_per_s *= 2;
        run.scenarios[0].toml = run.scenarios[0].toml.replacen("quick = 6", "quick = 7", 1);
    });
    let ended = compare(&before, &after, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for words in [
        "The kernel differs: 6.1.0, then 7.0.0",
        "tokio differs",
        "2.000 times as many iterations",
        "The text of the scenario compute differs between the runs.",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
}

#[test]
fn folders_without_a_valid_run_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let good = write(home.path(), "good", |_, _| ());
    let refused = |other: &Path, more: &[&str], words: &str| {
        let ended = compare(&good, other, more);
        assert_eq!(ended.code, Some(2), "{words}: {ended:?}");
        assert!(ended.stderr.contains(words) && ended.stdout.is_empty(), "{words}: {ended:?}");
    };
    refused(&home.path().join("nowhere"), &[], "No such file or directory");
    refused(&good, &["--fail-over", "much"], "expected a percentage of at least 0, such as 10%");
    refused(&good, &["--fail-over=-3%"], "expected a percentage of at least 0");

    let mixed = write(home.path(), "mixed", |_, records| records[7].run += 1);
    refused(&mixed, &[], "trials.jsonl:8: record of a run with seed 43, but run.json has seed 42");

    let old = write(home.path(), "old", |run, _| run.schema = 1);
    refused(
        &old,
        &[],
        &format!(
            "run.json: written by avt {} with schema 1; this avt reads schema {SCHEMA}",
            env!("CARGO_PKG_VERSION")
        ),
    );
    let foreign = write(home.path(), "foreign", |_, _| ());
    let mut records = fs::OpenOptions::new().append(true).open(foreign.join(RECORDS)).unwrap();
    writeln!(records, "{{\"schema\": 2, \"scenario\": \"compute\"}}").unwrap();
    refused(&foreign, &[], &format!("written by another version of avt with schema 2; this avt reads schema {SCHEMA}"));

    let other = write(home.path(), "other", |_, records| {
        records.iter_mut().for_each(|record| record.cell.scenario = "another".into());
    });
    refused(&other, &[], "no cell was measured in every run before and after the change");
    fs::write(home.path().join("good").join(RUN), "{").unwrap();
    refused(&good, &[], "run.json: EOF");
}

#[test]
fn a_line_cut_short_by_a_crash_loses_only_that_trial() {
    let home = tempfile::tempdir().unwrap();
    let (before, after) = (write(home.path(), "before", |_, _| ()), write(home.path(), "after", |_, _| ()));
    let path = after.join(RECORDS);
    let text = fs::read(&path).unwrap();
    fs::write(&path, &text[..text.len() - 40]).unwrap();
    let lines = |path: &Path| Folder::read(path).unwrap().1.len();
    assert_eq!(lines(&after), lines(&before) - 1);
    let ended = compare(&before, &after, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let warning = "Of the runs after, 1 record is missing from trials.jsonl";
    assert!(ended.stdout.contains(warning), "{}", ended.stdout);
}
