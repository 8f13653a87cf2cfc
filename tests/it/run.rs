//! `avt run` end to end: its records and reports, and how it handles signals, crashes and invalid arguments.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use async_vs_threads::record::{Failure, Folder, Outcome, Pass, Record, RunState, SCHEMA};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{LONG, Running, avt, children, run, runs, scenario, wait_for};

/// A few short waits under every model.
const SMALL: &str = r#"
question = "do all models run?"
analysis = "They should."
workload = "sleep"
models = ["sequential", "threads", "pool/2", "async", "async/2", "async+blocking", "async+rayon/2"]
jobs = 4
wait = "5ms"
rounds = { quick = 2, full = 2 }
"#;

fn read(folder: &Path) -> (async_vs_threads::record::Run, Vec<Record>) {
    Folder::read(folder).unwrap()
}

#[test]
fn every_model_leaves_a_record_and_the_report_can_be_recreated() {
    let home = tempfile::tempdir().unwrap();
    let (file, out) = (scenario(home.path(), "small", SMALL), home.path().join("out"));
    let ended = run(avt([file.as_os_str(), "--out".as_ref(), out.as_os_str(), "--seed".as_ref(), "7".as_ref()]
        .iter()
        .fold(vec!["run".into()], |mut args: Vec<std::ffi::OsString>, arg| {
            args.push((*arg).to_owned());
            args
        })));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("report: ") && ended.stdout.contains("async+rayon/2"), "{}", ended.stdout);

    let (made, records) = read(&out);
    assert_eq!((made.state, made.seed, made.trials_planned), (RunState::Complete, 7, 23));
    assert_eq!(records.len(), 23, "two rounds of seven models and the control, and a recorded trial each");
    let control = records.iter().filter(|record| record.cell.control);
    let control: Vec<String> = control.map(|record| record.cell.model.to_string()).collect();
    assert_eq!(control, ["async", "async"], "the A/A control");
    for record in records.iter().filter(|record| record.pass == Pass::Lanes) {
        let Outcome::Traced(traced) = &record.outcome else { panic!("{record:?}") };
        let (names, model) = (&traced.lanes.names, record.cell.model.to_string());
        let (lanes, name) = match model.as_str() {
            "threads" => (4..=4, "job "),
            "pool/2" => (1..=2, "pool "),
            "async/2" => (1..=2, "worker "),
            _ => (1..=1, "main"),
        };
        assert!(lanes.contains(&names.len()) && names[0].starts_with(name), "{model}: {names:?}");
        let jobs: std::collections::BTreeSet<u32> = traced.lanes.spans.iter().map(|span| span.job).collect();
        assert!(jobs.into_iter().eq(0..4) && traced.lanes.left_out == 0, "{model}: {traced:?}");
        let has_schedstat = async_vs_threads::usage::Scheduled::of_this_thread().is_some();
        assert_eq!(traced.lanes.run_queue_ns.is_some(), has_schedstat, "{model}: threads that ended are counted too");
        let worked_on = traced.lanes.max_executing();
        assert!((1..=names.len() as u32).contains(&worked_on), "{model}: {worked_on}");
    }
    let trace: serde_json::Value = serde_json::from_slice(&fs::read(out.join("small.trace.json")).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let named = |kind: &str| events.iter().filter(|event| event["name"] == kind).count();
    assert_eq!(named("process_name"), 7);
    assert!(events.iter().any(|event| event["ph"] == "X" && event["name"] == "job 3"), "{trace}");
    assert!(events.iter().any(|event| event["ph"] == "b" && event["name"] == "job 3 is ready"), "{trace}");

    for record in records.iter().filter(|record| record.pass != Pass::Lanes) {
        let Outcome::Measured(measured) = &record.outcome else { panic!("{record:?}") };
        assert!((1..=4).contains(&measured.most_in_flight), "{}: {measured:?}", record.cell.model);
        if record.cell.model.to_string() == "sequential" {
            assert_eq!(measured.most_in_flight, 1);
        }
        assert_eq!((measured.jobs, measured.series[0].response_time.len()), (4, 4), "{}", record.cell.model);
        // At least one wait; for `sequential`, the sum of all.
        let least = if record.cell.model.to_string() == "sequential" { 20_000_000 } else { 5_000_000 };
        assert!(measured.wall_ns >= least, "{}: {}", record.cell.model, measured.wall_ns);
        let threads = match record.cell.model.to_string().as_str() {
            "threads" => 4..=4,
            "pool/2" | "async/2" => 1..=2,
            _ => 1..=1,
        };
        assert!(threads.contains(&measured.threads), "{}: {} threads", record.cell.model, measured.threads);
    }

    let pages = ["index.html", "small.html"].map(|page| out.join(page));
    let before = pages.each_ref().map(|page| fs::read(page).unwrap());
    pages.iter().for_each(|page| fs::remove_file(page).unwrap());
    let ended = run(avt(["report".as_ref(), out.as_os_str()]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(before, pages.each_ref().map(|page| fs::read(page).unwrap()));
}

#[test]
fn the_same_seed_gives_the_same_order() {
    let home = tempfile::tempdir().unwrap();
    let file = scenario(home.path(), "small", SMALL);
    let order = |out: &str| {
        let out = home.path().join(out);
        let mut command = avt(["run"]);
        command.arg(&file).arg("--out").arg(&out).args(["--seed", "11", "--rounds", "1"]);
        assert_eq!(run(command).code, Some(0));
        read(&out).1.into_iter().map(|record| (record.cell, record.seed)).collect::<Vec<_>>()
    };
    assert_eq!(order("first"), order("second"));
}

#[test]
fn standard_output_is_only_json() {
    let home = tempfile::tempdir().unwrap();
    let mut command = avt(["run"]);
    command
        .arg(scenario(home.path(), "small", SMALL))
        .args(["--json", "--rounds", "1", "--out"])
        .arg(home.path().join("out"));
    let ended = run(command);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    assert_eq!((json["schema"].as_u64(), json["state"].as_str()), (Some(SCHEMA.into()), Some("complete")));
    assert_eq!(json["cells"].as_array().map(Vec::len), Some(7), "{json}");
}

#[test]
fn too_many_threads_leave_a_failed_record() {
    let home = tempfile::tempdir().unwrap();
    let (out, limits) = (home.path().join("out"), async_vs_threads::host::thread_limits());
    let lowest = limits.first().expect("every Linux has a pid_max");
    let jobs = (lowest.allows + 1).min(1_000_000);
    let toml = SMALL.replace("jobs = 4", &format!("jobs = {jobs}")).replace("\"sequential\", ", "");
    let toml = toml.replace(r#""pool/2", "async", "async/2", "async+blocking", "async+rayon/2""#, r#""pool/2""#);
    let toml = toml.replace("wait = \"5ms\"", "wait = \"1us\"");
    let mut command = avt(["run", "--rounds", "1", "--out"]);
    command.arg(&out).arg(scenario(home.path(), "many", &toml));
    let ended = run(command);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let (_, records) = read(&out);
    let threads = records.iter().find(|record| record.cell.model.to_string() == "threads").unwrap();
    let Outcome::Failed(Failure::ThreadLimit { needed, limit, .. }) = &threads.outcome else { panic!("{threads:?}") };
    assert_eq!((*needed, limit), (jobs, &lowest.name));
    assert!(ended.stdout.contains(&lowest.name), "the table names the limit: {}", ended.stdout);
    let pool = records.iter().find(|record| record.cell.model.to_string() == "pool/2").unwrap();
    assert!(matches!(pool.outcome, Outcome::Measured(_)), "the run continues: {pool:?}");
}

/// Starts a run of [`LONG`] and waits until the process of its first trial exists.
fn long_run(home: &Path) -> (Running, u32) {
    let mut command = avt(["run", "--out"]);
    command.arg(home.join("out")).arg(scenario(home, "long", LONG)).stderr(Stdio::piped()).stdout(Stdio::null());
    let mut parent = Running(command.spawn().unwrap());
    let pid = parent.0.id();
    let mut stderr = BufReader::new(parent.0.stderr.take().unwrap()).lines();
    stderr.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("long: trial 1"))).unwrap().unwrap();
    // Kept open by a thread of its own, or the parent could not write to it any more.
    std::thread::spawn(move || stderr.for_each(drop));
    let child = wait_for("the trial's process", || children(pid).first().copied());
    (parent, child)
}

fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid as i32), signal).unwrap();
}

#[test]
fn a_signal_leaves_a_partial_report_and_no_process() {
    for (signal, code, name) in [(Signal::SIGINT, 130, "SIGINT"), (Signal::SIGTERM, 143, "SIGTERM")] {
        let home = tempfile::tempdir().unwrap();
        let (mut parent, child) = long_run(home.path());
        send(parent.0.id(), signal);
        assert_eq!(parent.0.wait().unwrap().code(), Some(code));
        assert!(!runs(child), "the trial still runs");
        let (made, records) = read(&home.path().join("out"));
        assert_eq!((made.state, records.len()), (RunState::Partial(name.into()), 0));
        let index = fs::read_to_string(home.path().join("out/index.html")).unwrap();
        assert!(index.to_lowercase().contains("partial"), "the report is not labelled as partial");
    }
}

#[test]
fn a_killed_trial_leaves_a_record_and_the_run_continues() {
    let home = tempfile::tempdir().unwrap();
    let (mut parent, mut child) = long_run(home.path());
    // Three rounds of the model and its control, and the trial whose lanes are recorded.
    for _ in 0..7 {
        send(child, Signal::SIGKILL);
        let before = child;
        let next = || children(parent.0.id()).into_iter().find(|pid| *pid != before && runs(*pid));
        child = wait_for("the next trial or the end", || next().or_else(|| (!runs(parent.0.id())).then_some(0)));
    }
    assert_eq!(parent.0.wait().unwrap().code(), Some(1));
    let (made, records) = read(&home.path().join("out"));
    assert_eq!((made.state, records.len()), (RunState::Complete, 7));
    for record in records {
        let Outcome::Failed(Failure::Died { how, .. }) = &record.outcome else { panic!("{record:?}") };
        assert!(how.contains("signal 9"), "{how}");
    }
}

#[test]
fn no_trial_outlives_a_killed_parent() {
    let home = tempfile::tempdir().unwrap();
    let (mut parent, child) = long_run(home.path());
    parent.0.kill().unwrap();
    parent.0.wait().unwrap();
    wait_for("the end of the trial", || (!runs(child)).then_some(()));
}

#[test]
fn invalid_arguments_start_no_trial() {
    let home = tempfile::tempdir().unwrap();
    let check = |args: &[&str], code: i32, expected: &str| {
        let mut command = avt(["run"]);
        command.args(args).current_dir(home.path());
        let ended = run(command);
        assert_eq!(ended.code, Some(code), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{args:?}: {}", ended.stderr);
        assert!(ended.stdout.is_empty(), "{args:?}: {}", ended.stdout);
    };
    scenario(home.path(), "bad", &SMALL.replace("jobs = 4", "jobs = 0").replace("\"async\",", "\"asinc\","));
    check(&["bad.toml"], 2, "did you mean \"async\"?");
    check(&["bad.toml"], 2, "bad.toml:6:8: jobs: must be greater than 0, found 0");
    check(&["slep"], 2, "did you mean `sleep`?");
    check(&["nowhere/at-all.toml"], 2, "nowhere/at-all.toml");
    check(&["smoke", "smoke"], 2, "two scenarios have the name `smoke`");
    check(&["smoke", "--rounds", "0"], 2, "0 is not in 1..=1000");
    check(&["sleepers", "--rounds", "1000", "--model", "pool/1"], 2, "no model pool/1");
    scenario(home.path(), "day", &SMALL.replace("wait = \"5ms\"", "wait = \"1h\""));
    check(&["day.toml", "--rounds", "1000"], 2, "more than a day");
    check(&["/dev/zero"], 2, "/dev/zero");
    check(&["smoke", "--model", "asinc"], 2, "did you mean `async`?");
    check(&["smoke", "--model", "pool/7"], 2, "no model pool/7");
    fs::create_dir(home.path().join("taken")).unwrap();
    check(
        &["smoke", "--out", "taken"],
        3,
        "taken: already exists, and a run never overwrites another; choose another --out",
    );
    check(&["smoke", "--out", "/dev/full/x"], 3, "/dev/full");
    assert!(!home.path().join("reports").exists());
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let mut child = avt(["list"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_report_shows_only_the_models_of_the_run() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let file = scenario(home.path(), "small", SMALL);
    let mut command = avt(["run", "--rounds", "1", "--model", "async", "--out"]);
    command.arg(&out).arg(&file);
    assert_eq!(run(command).code, Some(0));
    let page = || fs::read_to_string(out.join("index.html")).unwrap();
    let first = page();
    assert_eq!(run(avt(["report".as_ref(), out.as_os_str()])).code, Some(0));
    assert_eq!(first, page());
    assert!(!first.contains("async+blocking"), "a model that was not requested");
    assert!(first.contains(&format!("avt run {} --model async --seed ", file.display())), "{first}");
}

#[test]
fn mistakes_are_also_printed_as_json() {
    let home = tempfile::tempdir().unwrap();
    let file = scenario(home.path(), "bad", &SMALL.replace("jobs = 4", "jobs = 0"));
    let ended = run(avt(["check".as_ref(), file.as_os_str(), "--json".as_ref()]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let mistake = &json[0]["mistakes"][0];
    assert_eq!(
        (&mistake["line"], &mistake["column"], &mistake["key"]),
        (&6.into(), &8.into(), &"jobs".into()),
        "{json}"
    );
}

#[test]
fn a_closed_pipe_does_not_end_the_run() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let mut command = avt(["run", "--rounds", "1", "--out"]);
    command.arg(&out).arg(scenario(home.path(), "small", SMALL)).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(read(&out).0.state, RunState::Complete);
    assert!(out.join("index.html").exists());
}

#[test]
fn runs_in_the_default_folder_are_listed() {
    let home = tempfile::tempdir().unwrap();
    let file = scenario(home.path(), "small", SMALL);
    let within = |args: &[&str]| {
        let mut command = avt(args.iter().copied());
        command.current_dir(home.path());
        run(command)
    };
    let ended = within(&["report"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for _ in 0..2 {
        let ended = within(&["run", file.to_str().unwrap(), "--rounds", "1", "--model", "async"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let reports = home.path().join("reports");
    let hostile = reports.join("<b>é & \"quoted\"");
    fs::create_dir(&hostile).unwrap();
    fs::write(hostile.join("run.json"), "{\"schema\": 1}").unwrap();
    fs::create_dir(reports.join("no run")).unwrap();

    let ended = within(&["report"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "runs: reports/index.html\n"), "{ended:?}");
    let page = fs::read_to_string(reports.join("index.html")).unwrap();
    let rows: Vec<&str> = page.split("<tr>").skip(2).collect();
    assert_eq!(rows.len(), 3, "two runs, and one of another version: {page}");
    assert!(rows[..2].iter().all(|row| row.contains("small") && row.contains(" × ")), "{page}");
    assert!(rows[2].contains("another version of avt with schema 1") && !page.contains("<b>"), "{page}");
    assert!(rows[2].contains("%3Cb%3E%C3%A9%20%26%20%22quoted%22/index.html"), "{page}");
    assert!(!page.contains("no run"), "{page}");
    let runs = Folder::runs(&reports).unwrap();
    let judged = Folder::read_run(&reports.join(&runs[0])).unwrap().judged.unwrap();
    assert_eq!((judged.measured, judged.failed), (2, 0), "one round of one model and its control");
}

#[test]
fn all_runs_more_trials_than_the_tour() {
    let home = tempfile::tempdir().unwrap();
    let trials = |args: &[&str]| {
        let mut command = avt(["run"]);
        command.args(args).current_dir(home.path()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut run = Running(command.spawn().unwrap());
        let mut stderr = BufReader::new(run.0.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        kill(Pid::from_raw(run.0.id() as i32), Signal::SIGINT).unwrap();
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        assert_eq!(run.0.wait().unwrap().code(), Some(130), "{line}");
        line.split(' ').next().unwrap().replace(',', "").parse::<u32>().unwrap()
    };
    assert!(trials(&["--all"]) > trials(&[]) + 10);
    assert_eq!(
        run({
            let mut command = avt(["run", "--all", "sleep"]);
            command.current_dir(home.path());
            command
        })
        .code,
        Some(2)
    );
}

#[test]
fn a_narration_shows_thread_and_event() {
    let ended = run({
        let mut command = avt(["run", "offload", "--narrate", "--model", "async+blocking"]);
        command.stdin(Stdio::null());
        command
    });
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines = |what: &str| ended.stdout.lines().filter(|line| line.contains(what)).collect::<Vec<_>>();
    assert_eq!(lines("MESSAGE: ").len(), 41);
    assert!(lines("MESSAGE: ").iter().all(|line| line.contains(" main ")), "{}", ended.stdout);
    for moment in ["BEGINS", "ENDS"] {
        let found = lines(moment);
        assert!(found.len() == 1 && found[0].contains(" blocking 1 "), "{found:?}");
    }
    // The heartbeat continues while the job holds its thread.
    let at = |what: &str| ended.stdout.lines().position(|line| line.contains(what)).unwrap();
    assert!(at("ENDS") > at("BEGINS") + 1, "{}", ended.stdout);

    let refused = run(avt(["run", "echo", "--narrate"]));
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("workload = \"offload\"") && refused.stdout.is_empty(), "{refused:?}");
}

#[test]
fn records_deleted_during_a_run_are_an_error() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let text = "question = \"Q?\"\nanalysis = \"A.\"\nworkload = \"sleep\"\nmodels = [\"async\"]\njobs = 1\nwait = \"300ms\"\n\
                rounds = { quick = 2, full = 2 }\n";
    let mut command = avt(["run", "--out"]);
    command.arg(&out).arg(scenario(home.path(), "vanishes", text)).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut parent = Running(command.spawn().unwrap());
    let records = out.join("trials.jsonl");
    wait_for("the first record", || fs::metadata(&records).is_ok_and(|file| file.len() > 0).then_some(()));
    fs::remove_file(&records).unwrap();
    let mut stderr = String::new();
    std::io::Read::read_to_string(&mut parent.0.stderr.take().unwrap(), &mut stderr).unwrap();
    assert_eq!(parent.0.wait().unwrap().code(), Some(3), "{stderr}");
    assert!(stderr.contains("trials.jsonl: No such file"), "{stderr}");
}
