//! The files as the verbs write them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::{check_bmf, check_tables, xml};
use crate::support::{LONG, Running, Server, avt, children, exit_code, run, scenario, send, wait_for};

const SMALL: &str = r#"
question = "do <both> models | run?"
analysis = "They should."
workload = "sleep"
models = ["threads", "async"]
jobs = 2
wait = "1ms"
rounds = { quick = 1, full = 1 }
"#;

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_run_writes_all_formats_and_prints_one_instead_of_its_tables() {
    let home = tempfile::tempdir().unwrap();
    let file = scenario(home.path(), "small", SMALL);
    let [out, junit, bmf] = ["out", "junit.xml", "bmf.json"].map(|name| home.path().join(name));
    fs::write(&junit, "earlier").unwrap();
    let mut command = avt(["run"]);
    command.arg(file).arg("--out").arg(&out).args(["--markdown", "-", "--junit"]).arg(&junit);
    let ended = run({
        command.arg("--bmf").arg(&bmf);
        command
    });
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with("## avt run: "), "{}", ended.stdout);
    assert!(ended.stdout.contains("### small: do &lt;both&gt; models \\| run?"), "{}", ended.stdout);
    let index = out.join("index.html").display().to_string();
    assert!(ended.stdout.replace('\\', "").contains(&format!("Report: {index}")), "{}", ended.stdout);
    assert!(!ended.stdout.contains("\nreport: "), "the tables are not printed: {}", ended.stdout);
    check_tables(&ended.stdout);
    let cases = xml::cases(&read(&junit));
    assert!(cases.iter().any(|case| case.class == "small" && case.name == "measurement"), "{cases:?}");
    check_bmf(&serde_json::from_str(&read(&bmf)).unwrap());
}

#[test]
fn an_interrupted_run_writes_what_it_has() {
    let home = tempfile::tempdir().unwrap();
    let file = scenario(home.path(), "long", LONG);
    let markdown = home.path().join("summary.md");
    fs::write(&markdown, "earlier").unwrap();
    let mut command = avt(["run"]);
    command.arg(file).arg("--out").arg(home.path().join("out")).arg("--markdown").arg(&markdown);
    let mut running = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_for("a trial", || {
        let has_begun = home.path().join("out").join("run.json").exists();
        (has_begun && !children(running.0.id()).is_empty()).then_some(())
    });
    assert_eq!(read(&markdown), "earlier");
    send(&running.0, Signal::SIGINT);
    assert_eq!(exit_code(&mut running), Some(130));
    assert!(read(&markdown).contains("**Partial: SIGINT ended the run early.**"), "{}", read(&markdown));
}

#[test]
fn a_path_that_cannot_be_written_ends_the_verb_before_anything_runs() {
    let home = tempfile::tempdir().unwrap();
    let file = scenario(home.path(), "small", SMALL);
    let out = home.path().join("out");
    let (one, link) = (home.path().join("one"), home.path().join("link"));
    fs::write(&one, "earlier").unwrap();
    symlink(&one, &link).unwrap();
    let [one, link] = [&one, &link].map(|path| path.to_str().unwrap());
    for (code, options, words) in [
        (3, &["--markdown", "/nowhere/at/all"][..], "--markdown: /nowhere/at/all: No such file or directory"),
        (3, &["--markdown", one, "--junit", home.path().to_str().unwrap()], "--junit: "),
        (3, &["--bmf", "/nowhere/at/all"], "--bmf: /nowhere/at/all"),
        (2, &["--markdown", one, "--bmf", link], "same file as --markdown; use another one"),
        (2, &["--markdown", "-", "--json"], "--markdown: --json uses standard output too; name a file"),
        (2, &["--markdown", "-", "--junit", "-"], "--junit: --markdown uses standard output too; name a file"),
        (2, &["--markdown", one, "--narrate"], "cannot be used with"),
    ] {
        let mut command = avt(["run"]);
        command.arg(&file).args(options);
        if !options.contains(&"--narrate") {
            command.arg("--out").arg(&out);
        }
        let ended = run(command);
        assert_eq!(ended.code, Some(code), "{options:?}: {ended:?}");
        assert!(ended.stderr.contains(words) && ended.stdout.is_empty(), "{options:?}: {ended:?}");
        assert!(!out.exists(), "{options:?}: nothing was measured");
    }
    assert_eq!(read(Path::new(one)), "earlier");
}

#[test]
fn a_load_writes_all_formats() {
    let server = Server::start("async");
    let home = tempfile::tempdir().unwrap();
    let [markdown, junit, bmf] = ["load.md", "junit.xml", "bmf.json"].map(|name| home.path().join(name));
    let url = format!("http://{}/echo/hello", server.address);
    let mut command =
        avt(["load", &url, "-n", "2000", "-c", "2", "--slo", "p50<1ns,errors<1%", "--json", "--markdown"]);
    command.arg(&markdown).arg("--junit").arg(&junit).arg("--bmf").arg(&bmf);
    let ended = run(command);
    let json: Value = serde_json::from_str(&ended.stdout).unwrap();
    let text = read(&markdown);
    check_tables(&text);
    assert!(text.starts_with("## avt load: ") && text.contains("| p50&lt;1ns | "), "{text}");
    let results: Vec<&str> = xml::cases(&read(&junit)).into_iter().map(|case| case.result).collect();
    let written: Value = serde_json::from_str(&read(&bmf)).unwrap();
    // The measurement may be INVALID, since tests run in parallel; then nothing is decided.
    if json["verdict"] == "invalid" {
        assert_eq!((ended.code, results), (Some(4), vec!["skipped"; 3]), "{ended:?}");
        assert_eq!(written, serde_json::json!({}));
    } else {
        assert_eq!((ended.code, results), (Some(1), vec!["passed", "failure", "passed"]), "{ended:?}");
        assert!(text.contains("| p50&lt;1ns | VIOLATED | "), "{text}");
        check_bmf(&written);
        let p50 = &written[format!("load {url}")]["latency-p50"]["value"];
        assert_eq!(p50.as_f64(), json["response_time_us"]["p50"].as_f64().map(|micros| micros * 1e3), "{written}");
    }
}
