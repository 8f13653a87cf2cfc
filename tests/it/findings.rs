//! Findings over the rounds are the same on the page, in the terminal, in JSON and in the exit code.

use std::fs;
use std::path::Path;

use async_vs_threads::record::{Folder, Outcome, Record};
use async_vs_threads::scenario::{Model, builtin};
use async_vs_threads::usage::Others;
use serde_json::Value;

use crate::fixture;
use crate::support::{avt, run};

/// Writes a made-up run of `compute`, after changing its records.
fn write(folder: &Path, change: impl Fn(&mut Record)) {
    let scenarios = [builtin::find("compute").unwrap().scenario()];
    let mut records = fixture::records(&scenarios, 6);
    records.iter_mut().for_each(change);
    let run = fixture::run(&scenarios, records.len() as u64);
    let mut folder = Folder::create(folder, &run).unwrap();
    records.iter().for_each(|record| folder.append(record).unwrap());
}

/// Multiplies the wall time of a measured trial.
fn stretch(record: &mut Record, times: f64) {
    if let Outcome::Measured(measured) = &mut record.outcome {
        measured.wall_ns = (measured.wall_ns as f64 * times) as u64;
    }
}

/// Checks that the change causes one finding over the rounds with this name, verdict and model, and that every view
/// shows it.
fn check(name: &str, verdict: &str, model: &str, change: impl Fn(&mut Record)) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("run");
    write(&path, change);
    let report = |more: &[&str]| {
        let mut command = avt(["report"]);
        command.arg(&path).args(more);
        run(command)
    };
    let json = |value: &str| -> Value { serde_json::from_str(value).unwrap() };

    let ended = report(&["--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let json = json(&ended.stdout);
    let with_name: Vec<&Value> =
        json["findings"].as_array().unwrap().iter().filter(|finding| finding["name"] == name).collect();
    let [finding] = with_name.as_slice() else { panic!("{name}: {}", json["findings"]) };
    assert_eq!((&finding["verdict"], &finding["model"]), (&verdict.into(), &model.into()), "{finding}");
    assert_eq!(json["verdict"], verdict, "{json}");
    let counted = &json["judged"][format!("rounds_{verdict}")];
    assert!(counted.as_u64().is_some_and(|count| count >= 1), "{}", json["judged"]);

    let sentence = format!("{name}: {} for ", verdict.to_uppercase());
    let terminal = report(&[]).stdout;
    let flat = terminal.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(&sentence), "{name}: {terminal}");
    let index = fs::read_to_string(path.join("index.html")).unwrap();
    assert!(index.contains(&format!("{name} ({}): ", verdict.to_uppercase())), "not among the doubts: {name}");
    // Only an INVALID figure is worth a banner.
    for page in ["index.html", "compute.html"] {
        let page = fs::read_to_string(path.join(page)).unwrap();
        assert_eq!(page.contains("These figures rest on INVALID trials"), verdict == "invalid", "{name}");
    }
    assert!(fs::read_to_string(path.join("compute.html")).unwrap().contains(&sentence), "{name}");

    let codes = [&["--strict"][..], &["--strict=suspect"]].map(|strict| report(strict).code);
    assert_eq!(codes, [Some(if verdict == "invalid" { 4 } else { 0 }), Some(4)], "{name}");

    // An INVALID figure decides neither a claim nor a comparison; a SUSPECT one does.
    let is_of_model = |claim: &&Value| [&claim["model"], &claim["than"]].iter().any(|side| **side == model);
    let claims: Vec<&Value> = json["claims"].as_array().unwrap().iter().filter(is_of_model).collect();
    for claim in &claims {
        let is_left_open = claim["verdict"] == "inconclusive" && claim["why"] == format!("INVALID: {name}");
        assert_eq!(is_left_open, verdict == "invalid", "{name}: {claim}");
    }
    assert!(!claims.is_empty(), "{name}: {json}");
    let mut compare = avt(["compare", "--json"]);
    compare.args([&path, &path]);
    let compared: Value = serde_json::from_str(&run(compare).stdout).unwrap();
    let mut changes = compared["changes"].as_array().unwrap().iter().filter(|change| change["model"] == model);
    assert_eq!(changes.all(|change| change["verdict"] == "not_comparable"), verdict == "invalid", "{name}: {compared}");
}

/// Returns the round of a record of `threads`, from 1 to 6.
fn round_of_threads(record: &Record) -> Option<f64> {
    record.round().filter(|_| record.cell.model == Model::Threads).map(f64::from)
}

#[test]
fn drift_is_reported_everywhere() {
    let by = |share: f64| {
        move |record: &mut Record| {
            if let Some(round) = round_of_threads(record) {
                stretch(record, 1.0 + share * (round - 1.0) / 5.0);
            }
        }
    };
    check("drift", "suspect", "threads", by(0.3));
    check("drift", "invalid", "threads", by(0.8));
}

#[test]
fn a_chart_title_names_the_drift() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("run");
    write(&path, |record| {
        if let Some(round) = round_of_threads(record) {
            stretch(record, 1.0 + 0.3 * round);
        }
    });
    let mut command = avt(["report"]);
    command.arg(&path);
    run(command);
    let page = fs::read_to_string(path.join("compute.html")).unwrap();
    assert!(
        page.contains("Trial by trial: wall time drifted under threads") && !page.contains("no drift in"),
        "{page}"
    );
}

#[test]
fn a_differing_control_is_reported_everywhere() {
    let by = |times: f64| {
        move |record: &mut Record| {
            if record.cell.control {
                stretch(record, times);
            }
        }
    };
    check("control differs", "suspect", "async", by(1.1));
    check("control differs", "invalid", "async", by(1.5));
}

#[test]
fn frequent_disturbances_are_reported_everywhere() {
    let in_rounds = |most: f64| {
        move |record: &mut Record| {
            let is_hit = round_of_threads(record).is_some_and(|round| round <= most);
            if let Outcome::Measured(measured) = &mut record.outcome
                && is_hit
            {
                measured.others = Some(Others { cpu_ns: 300, of_ns: 1_000, most: None });
            }
        }
    };
    check("disturbed rounds", "suspect", "threads", in_rounds(3.0));
    check("disturbed rounds", "invalid", "threads", in_rounds(4.0));
}
