//! `avt ab`: the scenario that it writes, what it concludes, and its exit codes.

use std::path::Path;

use async_vs_threads::record::{Folder, Outcome};
use serde_json::Value;

use crate::support::{Ended, avt, run};

/// The command of a server, as a user types it.
fn serve(model: &str) -> String {
    format!("{} serve --model {model} --addr 127.0.0.1:{{port}}", env!("CARGO_BIN_EXE_avt"))
}

/// Runs `avt ab` for six short rounds.
fn ab(out: &Path, base: &str, head: &str, more: &[&str]) -> Ended {
    let mut command = avt(["ab", "--base", base, "--head", head, "--rounds", "6", "--duration", "150ms"]);
    command.args(["--connections", "4", "--out"]).arg(out).args(more);
    run(command)
}

/// Returns whether a sentence is the conclusion that belongs to this exit code. The figures of a machine that is busy
/// with other tests may be INVALID.
fn is_conclusion(sentence: &str, code: Option<i32>) -> bool {
    let differs = sentence.starts_with("head: throughput ")
        && ["times base (95 % CI ", "of 6 rounds; the control differs by "].iter().all(|part| sentence.contains(part));
    let alike = sentence.starts_with("head and base cannot be told apart by throughput: a difference of ")
        && sentence.ends_with(" would have been found (6 rounds)");
    match code {
        Some(0) => differs || alike,
        Some(4) => sentence.starts_with("not measurable here: "),
        _ => false,
    }
}

#[test]
fn a_server_compared_with_itself_ends_with_one_sentence() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let ended = ab(&out, &serve("async"), &serve("async"), &["--path", "/echo/hi", "--seed", "1"]);
    // Lines are wrapped to the width of a terminal.
    let text = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let start =
        ["head: throughput", "head and base cannot", "not measurable here"].iter().find_map(|start| text.rfind(start));
    let sentence = &text[start.unwrap_or_else(|| panic!("{ended:?}"))..];
    assert!(is_conclusion(sentence, ended.code), "{sentence}: {ended:?}");
    assert!(ended.stdout.contains("report: ") && text.contains("throughput: base "), "{ended:?}");
    let kept: Value = serde_json::from_slice(&std::fs::read(out.join("run.json")).unwrap()).unwrap();
    let toml = kept["scenarios"][0]["toml"].as_str().unwrap();
    assert!(toml.starts_with("# Written by avt ab."), "the scenario can be edited and run again: {toml}");
    assert_eq!(std::fs::read_to_string(out.join("trials.jsonl")).unwrap().lines().count(), 18);
}

#[test]
fn a_slower_server_is_worse_by_more_than_the_limit() {
    let home = tempfile::tempdir().unwrap();
    // A server that closes each connection, in Python: its throughput is a small part of that of base.
    let files = home.path().join("echo");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(files.join("hi"), "hi").unwrap();
    let head = format!("python3 -m http.server --bind 127.0.0.1 --directory '{}' {{port}}", home.path().display());
    let more = ["--path", "/echo/hi", "--json", "--fail-over", "5%"];
    let ended = ab(&home.path().join("out"), &serve("async"), &head, &more);
    let json: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    let found = &json["ab"];
    assert_eq!((&found["metric"], &found["fail_over"]), (&"throughput".into(), &1.05.into()), "{found}");
    assert!(matches!(ended.code, Some(1 | 4)), "{ended:?}");
    assert_eq!(found["is_over"], ended.code == Some(1), "{found}");
    assert_eq!(found["outcome"], if ended.code == Some(1) { "differ" } else { "not_measurable" }, "{found}");
    assert!(found["ratio"].as_f64().is_some_and(|ratio| ratio < 0.8), "{found}");
    if ended.code == Some(1) {
        assert!(ended.stderr.contains("head is worse than base by more than --fail-over allows"), "{}", ended.stderr);
    }
}

#[test]
fn a_command_that_dies_is_a_failed_trial_with_its_last_words() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let head = "sh -c 'echo no wood for {port} >&2; exit 3'";
    let ended = ab(&out, &serve("async"), head, &["--path", "/echo/hi"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for expected in [
        "avt: not measurable here: the first trial of head failed:",
        "exit status: 3; its last output: no wood for ",
        &format!("its records are in {}", out.display()),
    ] {
        assert!(ended.stderr.contains(expected), "{expected}: {}", ended.stderr);
    }
    let (run, records) = Folder::read(&out).unwrap();
    let failed = records.iter().filter(|record| matches!(record.outcome, Outcome::Failed(_))).count();
    assert_eq!((failed, run.trials_planned), (1, 18), "the run ends with the first failure");
}

#[test]
fn a_path_that_is_not_answered_with_200_ends_the_comparison() {
    let home = tempfile::tempdir().unwrap();
    let ended = ab(&home.path().join("out"), &serve("async"), &serve("async"), &["--path", "/nowhere"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for expected in ["the server was not ready within 10 s: GET http://", "/nowhere: no response with status 200"] {
        assert!(ended.stderr.contains(expected), "{expected}: {}", ended.stderr);
    }
}

#[test]
fn arguments_that_cannot_be_measured_are_refused() {
    let good = serve("async");
    for (base, more, expected) in [
        ("server --port 80", &[][..], "--base: no {port} in `server --port 80`; write {port} where"),
        ("server '{port}", &[], "--base: invalid command `server '{port}`: the closing ' is missing"),
        ("", &[], "--base: invalid command ``: a program to start is missing"),
        (&good, &["--path", "echo"], "request.path: \"echo\" does not start with /"),
        (&good, &["--rounds", "5"], "5 is not in 6..=1000"),
        (&good, &["--rate", "0"], "must be greater than 0"),
        (&good, &["--fail-over", "x"], "expected a percentage"),
        (&good, &["--duration", "5"], "missing unit"),
    ] {
        let mut command = avt(["ab", "--base", base, "--head", &good]);
        command.args(more);
        let ended = run(command);
        assert_eq!(ended.code, Some(2), "{base} {more:?}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{base} {more:?}: {}", ended.stderr);
    }
}
