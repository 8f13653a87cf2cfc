//! `avt run` of an echo scenario: two processes, and what happens when one of them is lost.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use async_vs_threads::record::{Failure, Folder, Outcome, Record};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{MODELS, Running, avt, children, run, runs, scenario, wait_for};

fn echo(models: &str, load: &str) -> String {
    format!(
        r#"
question = "does it echo?"
analysis = "It should."
workload = "echo"
models = {models}
rounds = {{ quick = 1, full = 1 }}

[heavy]
share = 0.5
compute = "10us"

[load]
loop = "closed"
{load}
"#
    )
}

#[test]
fn every_model_is_measured_from_both_sides() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let load = "connections = 3\nwarmup = \"50ms\"\nduration = \"300ms\"\ndrain = \"50ms\"";
    let mut command = avt(["run", "--out"]);
    command.arg(&out).arg(scenario(home.path(), "echo-all", &echo(&format!("{MODELS:?}"), load)));
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (_, records) = Folder::read(&out).unwrap();
    assert_eq!(records.len(), MODELS.len() + 1, "and async twice");
    for Record { model, outcome, .. } in &records {
        let Outcome::Measured(measured) = outcome else { panic!("{model}: {outcome:?}") };
        let load = measured.load.as_ref().unwrap();
        assert!(load.requests.add_up() && load.requests.failed == 0 && load.errors.is_empty(), "{model}: {load:?}");
        assert!(load.status.keys().eq([&200]), "{model}: {load:?}");
        let names: Vec<&str> = measured.series.iter().map(|series| series.name.as_str()).collect();
        assert_eq!(names, ["requests", "heavy requests"]);
        let timed: u64 = measured.series.iter().map(|series| series.response_time.len()).sum();
        assert_eq!(timed, load.requests.completed + load.requests.unfinished + load.requests.timed_out, "{model}");
        assert!(measured.series.iter().all(|series| !series.response_time.is_empty()), "{model}: half are heavy");
        // One handler thread a connection, or as many as the model has; `sequential` and `pool/2` starve the rest.
        let (threads, starved) = match model.to_string().as_str() {
            "threads" => (3..=3, 0),
            "sequential" => (1..=1, 2),
            "pool/2" => (2..=2, 1),
            "async" => (1..=1, 0),
            "async/2" => (1..=2, 0),
            "hybrid/rayon-2" => (2..=3, 0),
            // The async thread and as many of the blocking pool as tokio saw fit to start.
            _ => (2..=513, 0),
        };
        assert!(threads.contains(&measured.threads), "{model}: {} threads", measured.threads);
        assert_eq!(load.connections_starved, starved, "{model}");
        assert!(measured.usage.cpu_ns() > 0 && load.usage.cpu_ns() > 0, "{model}");
    }
}

#[test]
fn a_lost_server_or_generator_is_a_record_and_takes_the_other_with_it() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let load = "connections = 2\nduration = \"60s\"";
    let mut command = avt(["run", "--rounds", "2", "--out"]);
    command.arg(&out).arg(scenario(home.path(), "long-echo", &echo(r#"["async"]"#, load)));
    let mut parent = Running(command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
    let mut stderr = BufReader::new(parent.0.stderr.take().unwrap()).lines();
    // Before the trials the generator itself is measured, by pairs of its own.
    assert!(stderr.any(|line| line.unwrap().contains("from trial 1 of 2")));
    // Read to its end by a thread of its own, or the parent could not write to it any more.
    std::thread::spawn(move || stderr.for_each(drop));
    let pid = parent.0.id();
    let mut gone: Vec<u32> = Vec::new();
    for lost in 0..2 {
        // The server is started first; a pid is not used again so soon.
        let mut pair = wait_for("server and generator", || {
            let pair: Vec<u32> = children(pid).into_iter().filter(|child| !gone.contains(child)).collect();
            (pair.len() == 2).then_some(pair)
        });
        pair.sort_unstable();
        kill(Pid::from_raw(pair[lost] as i32), Signal::SIGKILL).unwrap();
        wait_for("the end of both", || (!pair.iter().any(|child| runs(*child))).then_some(()));
        gone.extend(pair);
    }
    assert_eq!(parent.0.wait().unwrap().code(), Some(1));
    let (_, records) = Folder::read(&out).unwrap();
    let lost: Vec<String> = records
        .iter()
        .map(|record| match &record.outcome {
            Outcome::Failed(Failure::Died { process, how, .. }) if how.contains("signal 9") => process.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(lost, ["server", "generator"]);
}
