//! `avt run` of an echo scenario: two processes, and what happens when one of them is lost.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use async_vs_threads::lanes::What;
use async_vs_threads::record::{Failure, Folder, Outcome, Record, Traced};
use async_vs_threads::scenario::{CellId, Family, Model, PoolKind, RuntimeKind};
use async_vs_threads::stats::Bound;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Running, avt, children, models, run, runs, scenario, wait_for};

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
fn every_model_is_measured_by_server_and_generator() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let load = "connections = 3\nwarmup = \"50ms\"\nduration = \"300ms\"\ndrain = \"50ms\"";
    let mut command = avt(["run", "--out"]);
    command.arg(&out).arg(scenario(home.path(), "echo-all", &echo(&format!("{:?}", models()), load)));
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (_, records) = Folder::read(&out).unwrap();
    assert_eq!(records.len(), 2 * models().len() + 1, "every model measured and recorded, and async measured twice");
    for Record { cell: CellId { model, .. }, outcome, .. } in &records {
        let measured = match outcome {
            Outcome::Measured(measured) => measured,
            Outcome::Traced(traced) => {
                check_lanes(&model.to_string(), traced);
                continue;
            }
            Outcome::Failed(failure) => panic!("{model}: {failure:?}"),
        };
        let load = measured.load.as_ref().unwrap();
        assert!(load.requests.add_up() && load.requests.failed == 0 && load.errors.is_empty(), "{model}: {load:?}");
        assert!(load.status.keys().eq([&200]), "{model}: {load:?}");
        let names: Vec<&str> = measured.series.iter().map(|series| series.name.as_str()).collect();
        assert_eq!(names, ["requests", "heavy requests"]);
        let timed: u64 = measured.series.iter().map(|series| series.response_time.len()).sum();
        assert_eq!(timed, load.requests.completed + load.requests.unfinished + load.requests.timed_out, "{model}");
        assert!(measured.series.iter().all(|series| !series.response_time.is_empty()), "{model}: half are heavy");
        // One handler thread per connection, or as many as the model has; `sequential` and `pool/2` starve the others.
        let (threads, starved) = match model {
            Model::Threads => (3..=3, 0),
            Model::Sequential => (1..=1, 2),
            Model::Pool(n) => (2..=2, 3 - u32::from(n.get())),
            Model::Async(runtime, pool) => {
                let tasks = u64::from(runtime.threads());
                let most = match *pool {
                    PoolKind::Inline => 0,
                    // As many threads as tokio started.
                    PoolKind::Blocking(_) | PoolKind::InPlace => pool.most_blocking() * u32::from(runtime.runtimes()),
                    PoolKind::Rayon(k) | PoolKind::Runtime(k) => k.get().into(),
                };
                (1 + u64::from(most > 0 && *pool != PoolKind::InPlace)..=tasks + u64::from(most), 0)
            }
            Model::Rayon(_) | Model::External(_) => unreachable!("not among the models"),
        };
        assert!(threads.contains(&measured.threads), "{model}: {} threads", measured.threads);
        assert_eq!(load.connections_starved, starved, "{model}");
        let of_tasks = model.family() != Family::Threads;
        let workers = if let Model::Async(runtime, _) = model { runtime.threads().into() } else { 0 };
        assert_eq!(measured.runtime.map(|runtime| runtime.workers), of_tasks.then_some(workers), "{model}");
        assert!(measured.runtime.is_none_or(|runtime| runtime.busy_ns > 0), "{model}: {:?}", measured.runtime);
        let (warm, window) = (load.warmup.stretches(1), load.over_time.stretches(1));
        assert!(!warm[0].is_empty() && window[0].len() == timed, "{model}: {load:?}");
        assert!(measured.usage.cpu_ns() > 0 && load.usage.cpu_ns() > 0, "{model}");
    }
}

/// Checks the lanes of a server with three connections.
fn check_lanes(model: &str, traced: &Traced) {
    let (names, spans) = (&traced.lanes.names, &traced.lanes.spans);
    // The threads that wait, and those that compute.
    let kinds = match model.parse().unwrap() {
        Model::Threads => ["connection"; 2],
        Model::Pool(_) => ["pool"; 2],
        Model::Async(runtime, pool) => {
            let own = match runtime {
                RuntimeKind::OneThread => "server",
                RuntimeKind::Workers(_) => "worker",
                RuntimeKind::PerCore(_) => "core",
            };
            let other = match pool {
                PoolKind::Inline | PoolKind::InPlace => own,
                PoolKind::Blocking(_) => "blocking",
                PoolKind::Rayon(_) => "rayon",
                PoolKind::Runtime(_) => "runtime",
            };
            [own, other]
        }
        _ => ["server"; 2],
    };
    let is_named = |name: &String| kinds.contains(&name.trim_end_matches(|c: char| c == ' ' || c.is_ascii_digit()));
    assert!(!names.is_empty() && names.iter().all(is_named), "{model}: {names:?}");
    let connections: BTreeSet<u32> = spans.iter().map(|span| span.job).collect();
    let served = match model {
        "sequential" => 1,
        "pool/2" => 2,
        _ => 3,
    };
    // The server's window ends slightly after the generator's, which closes its connections: the next one may be served
    // then.
    assert!((served..=3).contains(&connections.len()), "{model}: one span per connection, {connections:?}");
    assert!(spans.iter().any(|span| span.what == What::Compute), "{model}: half of the requests compute");
    // Spans that are open at the end are recorded too: a thread that waits for its peer, and the connection it serves.
    let holds = |what| spans.iter().any(|span| span.what == what);
    assert_eq!(
        holds(What::Wait),
        ["sequential", "threads", "pool/2"].contains(&model),
        "{model}: only thread models wait on a thread"
    );
    assert!(spans.iter().all(|span| span.start <= span.end && span.end <= traced.wall_ns + 100_000_000), "{model}");
    assert!(traced.lanes.max_executing() >= 1, "{model}");
}

#[test]
fn a_killed_server_or_generator_fails_the_trial_and_ends_the_other() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let load = "connections = 2\nduration = \"60s\"";
    let mut command = avt(["run", "--rounds", "1", "--out"]);
    command.arg(&out).arg(scenario(home.path(), "long-echo", &echo(r#"["async"]"#, load)));
    let mut parent = Running(command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
    let mut stderr = BufReader::new(parent.0.stderr.take().unwrap()).lines();
    // Before the trials the generator itself is measured, by pairs of its own.
    assert!(stderr.any(|line| line.unwrap().contains("trial 1 of 3")));
    // Read to its end by a thread of its own, or the parent could not write to it any more.
    std::thread::spawn(move || stderr.for_each(drop));
    let pid = parent.0.id();
    let mut gone: Vec<u32> = Vec::new();
    for lost in 0..2 {
        // The server starts first, so its process id is lower.
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
    assert!(matches!(records.last().unwrap().outcome, Outcome::Traced(_)), "the run continued: {records:?}");
    let lost: Vec<String> = records[..records.len() - 1]
        .iter()
        .map(|record| match &record.outcome {
            Outcome::Failed(Failure::Died { process, how, .. }) if how.contains("signal 9") => process.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(lost, ["server", "generator"]);
}

#[test]
fn a_server_that_never_answers_is_measured_and_judged() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    // Each response takes longer than the window and the drain together.
    let text = r#"
question = "does it answer?"
analysis = "Not in time."
workload = "echo"
models = ["threads", "async"]
wait = "1s"
rounds = { quick = 6, full = 6 }

[load]
loop = "closed"
connections = 12
warmup = "10ms"
duration = "40ms"
drain = "10ms"

[[claim]]
says = "It answers a thousand a second"
metric = "throughput"
model = "threads"
expect = "connections / wait"
ratio = [0.5, 2]

[[claim]]
says = "Half of the requests are answered in a millisecond"
metric = "p50"
model = "async"
expect = "1ms"
ratio = [0, 1]
"#;
    let mut command = avt(["run", "--json", "--out"]);
    command.arg(&out).arg(scenario(home.path(), "silent", text));
    let ended = run(command);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let (made, records) = Folder::read(&out).unwrap();
    assert_eq!(made.judged.unwrap().failed, 0);
    let measured = records.iter().filter_map(|record| match &record.outcome {
        Outcome::Measured(measured) => Some(measured),
        _ => None,
    });
    let mut rounds = 0;
    for measured in measured {
        let load = measured.load.as_ref().unwrap();
        assert_eq!((measured.jobs, load.requests.completed, load.connections_starved), (0, 0, 12));
        assert_eq!((load.requests.unfinished, load.requests.planned), (12, 12));
        assert!(load.mean_in_flight <= 12.0 && load.most_in_flight <= 12, "{load:?}");
        let (p50, bound) = measured.series[0].response_quantile(0.5).unwrap();
        assert!(p50 >= 40_000_000 && bound == Bound::AtLeast, "{p50} {bound:?}");
        rounds += 1;
    }
    assert_eq!(rounds, 18, "six rounds of two models and the control");
    // No response refutes both claims, the second by its lower bound.
    let claims: Vec<&str> =
        json["claims"].as_array().unwrap().iter().map(|one| one["verdict"].as_str().unwrap()).collect();
    let is_disturbed = made.judged.unwrap().invalid > 2;
    assert!(claims == ["refuted", "refuted"] || is_disturbed, "{json}");
    assert_eq!(json["claims"][0]["measured"]["median"], 0.0, "{json}");
    let page = std::fs::read_to_string(out.join("silent.html")).unwrap();
    assert!(page.contains("≥ ") && page.contains("12 of 12"), "{page}");
}
