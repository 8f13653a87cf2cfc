//! `bench::main` as a user's bench program: `examples/bench_program.rs`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::SystemTime;

use async_vs_threads::record::{Failure, Folder, Outcome, Record};
use serde_json::Value;

use crate::support::{Ended, run};

/// Returns the path of the program. `cargo test` builds it; if only these tests are built, it may be older than the code
/// under test.
fn program() -> PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let find = || {
        let tests = std::env::current_exe().unwrap();
        let path = tests.ancestors().nth(2).unwrap().join("examples/bench_program");
        let built = |path: &str| fs::metadata(path).and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        if built(path.to_str().unwrap()) < built(env!("CARGO_BIN_EXE_avt")) {
            let build = Command::new(env!("CARGO")).args(["build", "--locked", "--example", "bench_program"]).status();
            assert!(build.unwrap().success());
        }
        path
    };
    PROGRAM.get_or_init(find).clone()
}

/// Runs the program with these arguments, in which `OUT` is the folder of the run. Returns its exit and its records.
fn bench(arguments: &str) -> (Ended, Vec<Record>) {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let mut command = Command::new(program());
    let arguments = arguments.split(' ').map(|word| if word == "OUT" { out.to_str().unwrap() } else { word });
    command.args(arguments).stdin(Stdio::null()).current_dir(home.path());
    let ended = run(command);
    let records = if out.exists() { Folder::read(&out).unwrap().1 } else { Vec::new() };
    (ended, records)
}

/// Returns the failures of measured trials, with their models.
fn failures(records: &[Record]) -> Vec<(String, &Failure)> {
    let failed = records.iter().filter(|record| record.round().is_some()).filter_map(|record| match &record.outcome {
        Outcome::Failed(failure) => Some((record.cell.model.to_string(), failure)),
        Outcome::Measured(_) | Outcome::Traced(_) => None,
    });
    failed.collect()
}

#[test]
fn a_workload_is_measured_as_a_scenario_is() {
    let (ended, records) = bench("square --exact --json --out OUT");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let json: Value = serde_json::from_str(&ended.stdout).unwrap();
    // Four models and the control in two rounds, and the lanes of each model.
    assert_eq!(records.len(), 14, "{json}");
    assert_eq!(failures(&records), []);
    // Whether the machine was quiet enough to reproduce it is not this test's business.
    let claim = &json["claims"][0];
    assert_eq!((&claim["says"], &claim["model"]), (&"Two threads wait in turn".into(), &"pool/2".into()));
    assert_ne!(claim["verdict"], "refuted", "{claim}");
    assert!(std::path::Path::new(json["report"].as_str().unwrap()).ends_with("out/index.html"), "{json}");
}

#[test]
fn a_service_answers_a_load_under_every_model_that_serves() {
    let (ended, records) = bench("mirror --out OUT");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("mirror: left out rayon/2: they serve no connections"), "{ended:?}");
    assert_eq!(failures(&records), []);
    let measured = records.iter().filter_map(|record| match &record.outcome {
        Outcome::Measured(measured) => Some((record.cell.model.to_string(), measured)),
        Outcome::Traced(_) | Outcome::Failed(_) => None,
    });
    for (model, measured) in measured {
        let load = measured.load.as_ref().unwrap();
        assert!(measured.jobs > 0 && load.status.keys().all(|status| *status == 200), "{model}: {load:?}");
        // Four connections wait at least 2 ms for each response.
        assert!(measured.jobs <= 4 * 50, "{model}: {} responses", measured.jobs);
    }
}

#[test]
fn a_service_that_does_not_answer_with_200_fails() {
    let (ended, records) = bench("lost --out OUT");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for (model, failure) in failures(&records) {
        let Failure::WrongWork { what } = failure else { panic!("{model}: {failure:?}") };
        assert!(what.contains(" unexpected_status_4xx"), "{model}: {what}");
    }
    let (ended, records) = bench("panicking --out OUT");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for (model, failure) in failures(&records) {
        let Failure::Panicked { message } = failure else { panic!("{model}: {failure:?}") };
        assert!(message.starts_with("no handler for /panic, at examples/bench_program.rs:"), "{model}: {message}");
    }
}

#[test]
fn each_size_is_a_point() {
    let (ended, records) = bench("sum --out OUT");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("size = 10") && ended.stdout.contains("size = 1000"), "{ended:?}");
    assert_eq!(records.len(), 2 * 14);
}

#[test]
fn a_panic_leaves_a_record_with_its_message() {
    let (ended, records) = bench("panics --out OUT");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let failures = failures(&records);
    assert_eq!(failures.len(), 4, "three models and the control: {records:?}");
    for (model, failure) in failures {
        let Failure::Panicked { message } = failure else { panic!("{model}: {failure:?}") };
        assert!(message.starts_with("job 2 has no input, at examples/bench_program.rs:"), "{model}: {message}");
    }
}

#[test]
fn unequal_checksums_fail_and_name_the_job() {
    let (ended, records) = bench("unequal --out OUT --seed 1");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let failures = failures(&records);
    assert!(!failures.is_empty(), "{records:?}");
    for (model, failure) in failures {
        let Failure::WrongWork { what } = failure else { panic!("{model}: {failure:?}") };
        assert!(what.starts_with("job 3 has checksum ") && what.contains(&model), "{what}");
    }
}

#[test]
fn an_endless_job_meets_the_time_out() {
    let (ended, records) = bench("endless --out OUT");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for (model, failure) in failures(&records) {
        assert_eq!((model.as_str(), failure), ("async", &Failure::TimedOut { after_ns: 300_000_000 }));
    }
    assert!(ended.stderr.contains("endless: left out threads: the work is a future"), "{ended:?}");
}

#[test]
fn blocking_code_runs_on_threads_and_pools_only() {
    let (ended, records) = bench("counter --out OUT");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("counter: left out async: the work is blocking code"), "{ended:?}");
    let models: std::collections::BTreeSet<String> =
        records.iter().map(|record| record.cell.model.to_string()).collect();
    assert_eq!(models.into_iter().collect::<Vec<_>>(), ["async/2+blocking", "pool/2", "threads"]);
}

#[test]
fn a_bench_compares_with_a_run_that_was_kept() {
    let home = tempfile::tempdir().unwrap();
    let bench = |arguments: &str| {
        let mut command = Command::new(program());
        command.args(arguments.split(' ')).stdin(Stdio::null()).current_dir(home.path());
        run(command)
    };
    let name = format!("test-{}", std::process::id());
    let missing = bench(&format!("sum --baseline {name}"));
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(missing.stderr.contains(&format!("keep a run as one with --save-baseline {name}")), "{missing:?}");
    let kept = bench(&format!("sum --save-baseline {name} --out {}", home.path().join("one").display()));
    assert_eq!(kept.code, Some(0), "{kept:?}");
    let compared = bench(&format!("sum --baseline {name} --out {}", home.path().join("two").display()));
    assert!(compared.stdout.contains("wall time") && compared.stdout.contains("not comparable"), "{compared:?}");
    let target = program().ancestors().nth(3).unwrap().to_owned();
    fs::remove_file(target.join(format!("avt/bench_program/{name}.baseline"))).unwrap();
}

#[test]
fn names_are_listed_and_a_quick_pass_keeps_nothing() {
    let (listed, _) = bench("--list");
    assert!(listed.stdout.starts_with("square: benchmark\nsum: benchmark\n"), "{listed:?}");
    let (ended, records) = bench("--test square");
    assert_eq!((ended.code, records.len()), (Some(0), 0), "{ended:?}");
    assert_eq!(ended.stdout, "square: works under threads, pool/2, async and async/2+blocking\n");
    let (broken, _) = bench("--test panics");
    assert_eq!(broken.code, Some(1), "{broken:?}");
    assert!(broken.stdout.contains("panicked: job 2 has no input"), "{broken:?}");
    let (nothing, _) = bench("no-such-name");
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(0), ""), "{nothing:?}");
    let (wrong, _) = bench("--rounds none");
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
}

#[test]
fn avt_does_not_run_the_workload_of_a_bench() {
    let home = tempfile::tempdir().unwrap();
    let text = "question = \"Q?\"\nanalysis = \"A.\"\nworkload = \"own\"\nbench = \"square\"\nmodels = [\"async\"]\njobs = 1\n";
    let file = crate::support::scenario(home.path(), "own", text);
    let mut command = crate::support::avt(["run"]);
    command.arg(file);
    let ended = run(command);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("own: only its own bench program can run this workload"), "{ended:?}");
}
