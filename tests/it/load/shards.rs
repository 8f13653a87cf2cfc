//! A load by several processes: together they send exactly what one would send, and `avt merge` accounts for what any of
//! them did not send.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::*;
use crate::support::{exit_code, send};

/// Poisson arrivals over half a second, 100 in the mean.
const LOAD: [&str; 8] = ["--rate", "200", "-c", "6", "-d", "500ms", "--seed", "7"];

/// The time for all shards to be started and connected, even on a busy machine.
const AHEAD: Duration = Duration::from_secs(4);

fn in_future(ahead: Duration) -> String {
    humantime::format_rfc3339(SystemTime::now() + ahead).to_string()
}

fn shard(server: &Server, shard: &str, out: &Path, more: &[&str]) -> Running {
    let mut command = avt(["load", &format!("http://{}/echo/hello", server.address), "--shard", shard, "--out"]);
    command.arg(out).args(LOAD).args(more).stdout(Stdio::null()).stderr(Stdio::piped());
    Running(command.spawn().unwrap())
}

/// Runs these shards at the same time.
fn shards(server: &Server, which: &[&str], out: &Path, more: &[&str]) {
    let start = in_future(AHEAD);
    let more = [&["--start-at", &start], more].concat();
    let mut all: Vec<Running> = which.iter().map(|one| shard(server, one, out, &more)).collect();
    for running in &mut all {
        let code = exit_code(running);
        let mut words = String::new();
        running.0.stderr.take().unwrap().read_to_string(&mut words).unwrap();
        assert_eq!(code, Some(0), "{words}");
    }
}

fn merge(from: &[&Path], more: &[&str]) -> (Ended, Value) {
    let mut command = avt(["merge", "--json"]);
    command.args(from).args(more);
    let ended = run(command);
    let json = serde_json::from_str(&ended.stdout).unwrap_or(Value::Null);
    (ended, json)
}

/// Checks that the requests of a merged load add up, with those that were lost.
fn check_lost(json: &Value) -> u64 {
    let requests = json["requests"].as_object().unwrap();
    let planned = requests["planned"].as_u64().unwrap();
    let parts: u64 = requests.iter().filter(|(name, _)| *name != "planned").map(|(_, n)| n.as_u64().unwrap()).sum();
    assert_eq!(planned, parts, "{json}");
    requests.get("lost").map_or(0, |lost| lost.as_u64().unwrap())
}

fn states(json: &Value) -> Vec<&str> {
    json["merged"]["shards"].as_array().unwrap().iter().map(|shard| shard["state"].as_str().unwrap()).collect()
}

fn record(folder: &Path, name: &str) -> PathBuf {
    folder.join(name)
}

#[test]
fn shards_send_together_what_one_process_sends() {
    let server = Server::start("async");
    let folder = tempfile::tempdir().unwrap();
    for (arrivals, more) in [("poisson", &[][..]), ("even", &["--arrivals", "even"]), ("counted", &["-n", "90"])] {
        // A number of requests replaces the duration.
        let args: Vec<&str> = match arrivals {
            "counted" => LOAD.iter().copied().filter(|word| !matches!(*word, "-d" | "500ms")).collect(),
            _ => LOAD.to_vec(),
        };
        let (ended, whole) = load(server.address, "/echo/hello", &[&args[..], more].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let out = folder.path().join(arrivals);
        if arrivals == "counted" {
            let start = in_future(AHEAD);
            let mut all: Vec<Running> = ["1/3", "2/3", "3/3"]
                .iter()
                .map(|one| {
                    let url = format!("http://{}/echo/hello", server.address);
                    let mut command = avt(["load", &url, "--shard", one, "--start-at", &start, "--out"]);
                    command.arg(&out).args(&args).args(more).stdout(Stdio::null()).stderr(Stdio::null());
                    Running(command.spawn().unwrap())
                })
                .collect();
            assert!(all.iter_mut().all(|running| exit_code(running) == Some(0)));
        } else {
            shards(&server, &["1/3", "2/3", "3/3"], &out, more);
        }
        let (ended, merged) = merge(&[&out], &[]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(check_lost(&merged), 0, "{merged}");
        assert_eq!(merged["requests"]["planned"], whole["requests"]["planned"], "{arrivals}");
        assert_eq!(states(&merged), ["complete"; 3], "{arrivals}");
        assert_eq!(merged["connections"]["opened"], 6, "{merged}");
        assert_eq!(merged["merged"]["machines"], 1, "{merged}");
        assert_eq!(merged["rate"]["offered"], 200.0, "{merged}");
        let parts = merged["merged"]["shards"].as_array().unwrap();
        let count = |one: &Value| one["response_time_us"]["count"].as_u64().unwrap();
        assert_eq!(count(&merged), parts.iter().map(count).sum::<u64>(), "{merged}");
        let highest = |one: &Value| one["response_time_us"]["max"].as_f64().unwrap();
        assert_eq!(highest(&merged), parts.iter().map(highest).fold(0.0, f64::max), "{merged}");
    }
}

#[test]
fn one_shard_of_one_is_that_load_and_every_output_can_be_written() {
    let server = Server::start("async");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("records");
    shards(&server, &["1/1"], &out, &[]);
    let file = |name: &str| folder.path().join(name).display().to_string();
    let files = ["a.html", "a.hgrm", "a.hlog", "a.md", "a.xml", "a.bmf"].map(file);
    let options = ["--html", "--hgrm", "--hlog", "--markdown", "--junit", "--bmf"];
    let args: Vec<&str> = options.into_iter().zip(&files).flat_map(|(option, file)| [option, file]).collect();
    let (ended, json) = merge(&[&out], &args);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(json["response_time_us"], json["merged"]["shards"][0]["response_time_us"]);
    // Figures of an INVALID measurement are left out of the last file, and a busy machine may make it one.
    let bmf = if json["verdict"] == "invalid" { "{" } else { "latency-p50" };
    for (file, expected) in files.iter().zip(["Shards", "Total count", "response_time", "| shard |", "<testsuite", bmf])
    {
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains(expected), "{file}: {text}");
    }
    let (ended, _) = merge(&[&out], &["--slo", "p50<1ns"]);
    assert!(matches!(ended.code, Some(1 | 4)), "{ended:?}");
    let stream =
        avt(["merge", "-", "--json"]).stdin(fs::File::open(record(&out, "shard-001-of-001.jsonl")).unwrap()).output();
    let streamed: Value = serde_json::from_slice(&stream.unwrap().stdout).unwrap();
    assert_eq!(streamed["requests"], json["requests"]);
}

#[test]
fn a_killed_and_a_missing_shard_leave_lost_requests() {
    let server = Server::start("async");
    let folder = tempfile::tempdir().unwrap();
    let (_, whole) = load(server.address, "/echo/hello", &["--rate", "200", "-c", "6", "-d", "3s", "--seed", "7"]);
    let planned = &whole["requests"]["planned"];
    let start = |shard: &str| {
        let url = format!("http://{}/echo/hello", server.address);
        let mut command =
            avt(["load", &url, "--rate", "200", "-c", "6", "-d", "3s", "--seed", "7", "--shard", shard, "--out"]);
        command.arg(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        Running(command.spawn().unwrap())
    };
    let (mut first, mut second) = (start("1/3"), start("2/3"));
    let killed = record(folder.path(), "shard-002-of-003.jsonl");
    wait_for("a second in the record", || {
        fs::read_to_string(&killed).ok().filter(|text| text.contains(r#""event":{"second""#))
    });
    second.0.kill().unwrap();
    assert_eq!(exit_code(&mut first), Some(0));
    // The kill may also have hit the last line.
    fs::OpenOptions::new().append(true).open(&killed).unwrap().write_all(br#"{"crc32":"00000000","avt_lo"#).unwrap();
    let (ended, json) = merge(&[folder.path()], &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(states(&json), ["complete", "killed", "missing"]);
    assert_eq!((&json["requests"]["planned"], &json["verdict"]), (planned, &json!("invalid")), "{json}");
    let lost = check_lost(&json);
    let of_missing = json["merged"]["shards"][2]["requests"]["lost"].as_u64().unwrap();
    let of_killed = &json["merged"]["shards"][1]["requests"];
    assert!(of_killed["completed"].as_u64().unwrap() > 0 && of_killed["lost"].as_u64().unwrap() > 0, "{json}");
    assert_eq!(lost, of_missing + of_killed["lost"].as_u64().unwrap(), "{json}");
    let reasons = json["reasons"].to_string();
    assert!(
        reasons.contains("the record of shard 2 of 3 ends after") && reasons.contains("shard 3 of 3 left no record"),
        "{reasons}"
    );
    assert_eq!(json["response_time_lower_bound_from_us"], 0.0, "{json}");
    assert_eq!((&json["rate"]["achieved"], &json["response_time_us"]["mean"]), (&Value::Null, &Value::Null), "{json}");
    assert_eq!(json["merged"]["shards"][1]["response_time_lower_bound_from_us"], 0.0, "{json}");
    let hgrm = folder.path().join("a.hgrm");
    for more in [&["--strict"][..], &["--slo", "p99<1h"], &["--slo", "rate>0", "--hgrm", hgrm.to_str().unwrap()]] {
        let (ended, _) = merge(&[folder.path()], more);
        assert_eq!(ended.code, Some(4), "{ended:?}");
    }
    let hgrm = fs::read_to_string(hgrm).unwrap();
    assert!(hgrm.contains("#[without ") && hgrm.contains("not every shard ran to the end"), "{hgrm}");
    // Without its last line, a complete record is that of a killed shard, with the requests of the drain.
    let whole = record(folder.path(), "shard-001-of-003.jsonl");
    let text = fs::read_to_string(&whole).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    fs::write(&whole, lines[..lines.len() - 1].join("\n") + "\n").unwrap();
    let (_, json) = merge(&[folder.path()], &[]);
    assert_eq!(states(&json), ["killed", "killed", "missing"]);
    assert_eq!(&json["requests"]["planned"], planned, "{json}");
    check_lost(&json);
    for (kept, expected) in [(0..1, 2..4), (1..lines.len(), 0..0)].map(|(kept, more)| {
        let lines = [&lines[kept.clone()], &lines[more]].concat();
        (lines, if kept.start == 0 { "lines are missing" } else { "the first line of shard 1/3 is missing" })
    }) {
        fs::write(&whole, kept.join("\n") + "\n").unwrap();
        let (ended, _) = merge(&[folder.path()], &[]);
        assert!(ended.code == Some(2) && ended.stderr.contains(expected), "{expected}: {ended:?}");
    }
}

#[test]
fn several_targets_are_requested_as_often_as_by_one_process() {
    let server = Server::start("async");
    let urls = ["/echo/hello", "/nosuch", "/echo/a"].map(|path| format!("http://{}{path}", server.address));
    let folder = tempfile::tempdir().unwrap();
    for (k, more) in [&["-n", "12"][..], &["-n", "30", "--rate", "300"]].into_iter().enumerate() {
        let load = |shard: &[&str]| {
            let mut command = avt(["load", "-c", "4"]);
            command.args(&urls).args(more).args(shard);
            run(command)
        };
        let whole: Value = serde_json::from_str(&load(&["--json"]).stdout).unwrap();
        let out = folder.path().join(k.to_string());
        for shard in ["1/4", "2/4", "3/4", "4/4"] {
            let ended = load(&["--shard", shard, "--out", out.to_str().unwrap()]);
            assert_eq!(ended.code, Some(0), "{ended:?}");
        }
        let (_, merged) = merge(&[&out], &[]);
        assert_eq!(merged["status"], whole["status"], "{more:?}");
    }
}

#[test]
fn an_interrupted_shard_is_partial() {
    let server = Server::start("async");
    let folder = tempfile::tempdir().unwrap();
    let mut running = shard(&server, "1/2", folder.path(), &["--start-at", &in_future(Duration::from_secs(3_000))]);
    let path = record(folder.path(), "shard-001-of-002.jsonl");
    wait_for("the record", || fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n')));
    // Its connections may not be open yet: then it sent nothing, which the record says as well.
    send(&running.0, Signal::SIGTERM);
    assert_eq!(exit_code(&mut running), Some(143));
    let (_, json) = merge(&[folder.path()], &[]);
    assert!(matches!(states(&json)[..], ["partial" | "refused", "missing"]), "{json}");
    assert_eq!(check_lost(&json), json["requests"]["planned"].as_u64().unwrap(), "{json}");
}

#[test]
fn a_late_shard_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start("async");
    let mut late = shard(&server, "1/2", folder.path(), &["--start-at", "2026-01-01T00:00:00Z"]);
    assert_eq!(exit_code(&mut late), Some(3));
    let (ended, json) = merge(&[folder.path()], &[]);
    assert_eq!((ended.code, states(&json)), (Some(1), vec!["refused", "missing"]), "{ended:?}");
    assert!(json["reasons"].to_string().contains("after the start"), "{json}");
    // A further attempt at the same shard has a record of its own, and the one that sent nothing does not count.
    shards(&server, &["1/2", "2/2"], folder.path(), &[]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    let (ended, _) = merge(&[folder.path()], &[]);
    assert_eq!(ended.code, Some(2), "another start is another load: {ended:?}");
    assert!(ended.stderr.contains("start_at"), "{ended:?}");
}

#[test]
fn records_of_different_loads_and_records_merged_twice_are_refused() {
    let server = Server::start("async");
    let folder = tempfile::tempdir().unwrap();
    let [one, other, twice] = ["one", "other", "twice"].map(|name| folder.path().join(name));
    shards(&server, &["1/2", "2/2"], &one, &[]);
    let mut with_seed = avt(["load", &format!("http://{}/echo/hello", server.address), "--shard", "2/2", "--out"]);
    with_seed.arg(&other).args(["--rate", "200", "-c", "6", "-d", "500ms", "--seed", "8"]);
    assert_eq!(run(with_seed).code, Some(0));
    let first = record(&one, "shard-001-of-002.jsonl");
    fs::create_dir(&twice).unwrap();
    fs::copy(&first, twice.join("shard-copy.jsonl")).unwrap();
    for (from, expected) in [
        (vec![first.as_path(), &other], "seed: 7 and 8"),
        (vec![one.as_path(), &twice], "the same record as in"),
        (vec![Path::new("nowhere")], "nowhere"),
        (vec![folder.path()], "no record of a shard (shard-*.jsonl) in this folder"),
    ] {
        let (ended, _) = merge(&from, &[]);
        assert!(ended.code == Some(2) && ended.stderr.contains(expected), "{expected}: {ended:?}");
    }
    let text = fs::read_to_string(&first).unwrap();
    let damaged = folder.path().join("damaged.jsonl");
    fs::write(&damaged, text.replacen("200", "300", 1)).unwrap();
    let (ended, _) = merge(&[&damaged], &[]);
    assert!(ended.code == Some(2) && ended.stderr.contains("damaged.jsonl:1: damaged"), "{ended:?}");
}

#[test]
fn a_process_that_a_launcher_started_must_say_which_load_it_means() {
    let server = Server::start("async");
    let url = format!("http://{}/echo/hello", server.address);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let launched = |args: &[&str], environment: &[(&str, &str)]| {
        let mut command = avt(["load", &url, "-n", "12", "-c", "4"]);
        command.args(args).envs(environment.iter().copied());
        run(command)
    };
    let mpi = [("PMI_RANK", "1"), ("PMI_SIZE", "2")];
    for (args, environment, code, expected) in [
        (&[][..], &mpi[..], 2, "rank 1 of 2 by PMI"),
        (&["--shard", "none"], &mpi, 0, ""),
        (&["--shard", "auto", "--out", &out], &mpi, 0, "shard 2 of 2"),
        (&["--shard", "auto", "--out", &out], &[], 2, "no launcher found"),
        (&["--shard", "0/4", "--out", &out], &[], 2, "numbered from 1"),
        (&["--shard", "5/4", "--out", &out], &[], 2, "no shard 5 of 4"),
        (&["--shard", "1/0", "--out", &out], &[], 2, "greater than 0"),
        (&["--shard", "1/5", "--out", &out], &[], 2, "each shard needs at least one"),
        (&["--shard", "1/2"], &[], 2, "--out DIR"),
        (&["--shard", "1/2", "--out", &out, "--json"], &[], 2, "`avt merge`"),
        (&["--shard", "1/2", "--out", &out, "--slo", "p99<1s"], &[], 2, "`avt merge`"),
        (&["--out", &out], &[], 2, "--shard"),
        (&["--start-at", "soon"], &[], 2, "expected a time in UTC"),
        (&["--start-at", "2099-01-01T00:00:00Z"], &[], 2, "at most a day ahead"),
        (&["--start-at", "2026-01-01T00:00:00Z"], &[], 3, "set a later --start-at"),
    ] {
        let ended = launched(args, environment);
        assert!(ended.code == Some(code) && ended.stderr.contains(expected), "{args:?}: {ended:?}");
    }
}
