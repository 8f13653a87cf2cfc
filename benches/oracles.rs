//! Loads with known results, on a real clock and real sockets: whether `avt load` finds them and attributes delays to
//! the right side.
//!
//! `cargo bench --bench oracles [-- NAME]`. Servers run on CPU 0 and the generator on CPU 1. The bench takes about
//! three minutes on a quiet machine. Each line prints what was expected, what was found, and whether it passes; the
//! exit code is 1 if any does not. `src/load/known_answers.rs` tests the same in simulated time, without a clock.

#![expect(dead_code, reason = "not every bench of servers needs everything that they share")]

mod common;

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use async_vs_threads::{host, random};
use common::{Scale, Server, on_cpu};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// What was checked, and what did not pass.
struct Checks {
    is_test: bool,
    failed: u32,
}

type Oracle = (&'static str, fn(&mut Checks));

const ORACLES: &[Oracle] = &[
    ("rates", rates),
    ("freeze", freeze),
    ("pause", pause),
    ("starved", starved),
    ("never", never),
    ("closing", closing),
    ("constant", constant),
    ("bimodal", bimodal),
    ("line", line),
    ("busy-cpu", busy_cpu),
];

fn main() -> ExitCode {
    let is_test = Scale::read().is_test;
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let mut checks = Checks { is_test, failed: 0 };
    for (name, oracle) in ORACLES.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|one| one == name)) {
        println!("{name}");
        oracle(&mut checks);
    }
    println!("{}", if checks.failed == 0 { "all pass".to_owned() } else { format!("{} do not pass", checks.failed) });
    if checks.failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

impl Checks {
    /// Milliseconds in a test, where whether it runs is all that is wanted.
    fn millis(&self, millis: u64) -> u64 {
        if self.is_test { (millis / 40).max(50) } else { millis }
    }

    /// What depends on times, and in a test on how busy the machine is: there it is not judged.
    fn check(&mut self, passes: bool, what: &str, expected: &str, found: &str) {
        if self.is_test {
            println!("  ran   {what}");
        } else {
            self.judge(passes, what, expected, found);
        }
    }

    fn judge(&mut self, passes: bool, what: &str, expected: &str, found: &str) {
        self.failed += u32::from(!passes);
        println!("  {}  {what}: expected {expected}, found {found}", if passes { "pass" } else { "FAIL" });
    }

    /// Within this share of what is expected, and the unit of both.
    fn near(&mut self, what: &str, expected: f64, found: f64, share: f64, unit: &str) {
        let passes = (found - expected).abs() <= share * expected;
        let expected = format!("{expected:.2} {unit} within {:.0} %", share * 100.0);
        self.check(passes, what, &expected, &format!("{found:.2} {unit}"));
    }

    /// A count, which holds on any machine.
    fn equal(&mut self, what: &str, expected: u64, found: u64) {
        self.judge(expected == found, what, &expected.to_string(), &found.to_string());
    }

    /// What holds for every load, however short: nothing is lost.
    fn adds_up(&mut self, what: &str, json: &Value) {
        let part = |name: &str| count(json, name);
        let parts = ["completed", "failed", "timed_out", "unsent", "unfinished"].map(part);
        self.equal(&format!("{what}: planned is the sum of the rest"), part("planned"), parts.iter().sum());
    }
}

fn count(json: &Value, name: &str) -> u64 {
    json["requests"][name].as_u64().unwrap_or_else(|| panic!("no {name} in {json}"))
}

/// A percentile of the response times, milliseconds.
fn response(json: &Value, name: &str) -> f64 {
    json["response_time_us"][name].as_f64().map_or(f64::NAN, |micros| micros / 1e3)
}

fn is_blamed(json: &Value, on: &str) -> bool {
    json["reasons"].as_array().into_iter().flatten().any(|one| one["reason"].as_str().unwrap_or("").contains(on))
}

/// Starts `avt load` on CPU 1.
fn start(url: &str, args: &[&str]) -> Child {
    let mut command = on_cpu(1, env!("CARGO_BIN_EXE_avt"));
    command.args(["load", url, "--json"]).args(args);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("avt can be started")
}

fn finish(load: Child) -> Value {
    let output = load.wait_with_output().expect("it was started");
    serde_json::from_slice(&output.stdout).expect("avt load prints JSON")
}

/// What is asked of a server of ours.
fn url(server: &Server) -> String {
    format!("http://{}/echo/hello", server.address)
}

fn load(url: &str, args: &[&str]) -> Value {
    finish(start(url, args))
}

fn ms(millis: u64) -> String {
    format!("{millis}ms")
}

/// Stops a process at this time from now, for so long.
fn stop(pid: u32, at: Duration, length: Duration) {
    let pid = Pid::from_raw(pid as i32);
    thread::sleep(at);
    kill(pid, Signal::SIGSTOP).expect("a process of this bench");
    thread::sleep(length);
    kill(pid, Signal::SIGCONT).expect("a process of this bench");
}

/// A server on CPU 0 that does this with every request of a connection: true to go on with the connection.
fn serve(behave: impl Fn(&mut TcpStream) -> bool + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
    thread::spawn(move || {
        let _ = host::pin(&host::cpus()[..1]);
        for stream in listener.incoming().flatten() {
            let _ = stream.set_nodelay(true);
            let (behave, mut stream) = (behave.clone(), stream);
            thread::spawn(move || while head(&mut stream) && behave(&mut stream) {});
        }
    });
    url
}

/// Reads one request; false at the end. The generator sends the next one only after an answer.
fn head(stream: &mut TcpStream) -> bool {
    let mut bytes = [0; 1024];
    let mut read = 0;
    while !bytes[..read].ends_with(b"\r\n\r\n") {
        match stream.read(&mut bytes[read..]) {
            Ok(0) | Err(_) => return false,
            Ok(n) => read += n,
        }
    }
    true
}

/// A schedule is what it is at every rate.
fn rates(checks: &mut Checks) {
    let server = Server::avt("async");
    for (rate, length) in [(0.1, 21_000), (1.0, 5_500), (100.0, 3_000), (10_000.0, 2_000), (100_000.0, 2_000)] {
        let length = checks.millis(length);
        let (rate_text, length_text) = (rate.to_string(), ms(length));
        let json = load(&url(&server), &["-c", "50", "-d", &length_text, "--rate", &rate_text, "--arrivals", "even"]);
        let what = format!("{rate}/s for {length_text}");
        checks.adds_up(&what, &json);
        let expected = (rate * length as f64 / 1e3).floor() as u64 + u64::from(rate * length as f64 % 1e3 > 0.0);
        checks.equal(&format!("{what}: requests due"), expected, count(&json, "planned"));
        checks.equal(&format!("{what}: all answered"), expected, count(&json, "completed"));
    }
}

/// A server that stands still for 400 ms of 4 s at 1,000/s: p95 200 ms, p99 360 ms, the longest 400 ms, and never ours.
fn freeze(checks: &mut Checks) {
    for at in [300, 1_000, 2_000, 3_300, 3_800] {
        let server = Server::avt("async");
        let (at, length) = (checks.millis(at), checks.millis(4_000));
        let held = if checks.is_test { 20 } else { 400 };
        let args = ["-c", "500", "-d", &ms(length), "--rate", "1000", "--arrivals", "even"];
        let load = start(&url(&server), &args);
        stop(server.process.id(), Duration::from_millis(at), Duration::from_millis(held));
        let json = finish(load);
        let what = format!("frozen at {at} ms");
        checks.adds_up(&what, &json);
        checks.near(&format!("{what}: longest"), held as f64, response(&json, "max"), 0.05, "ms");
        if at + held <= length {
            checks.near(&format!("{what}: p95"), held as f64 / 2.0, response(&json, "p95"), 0.06, "ms");
            checks.near(&format!("{what}: p99"), held as f64 * 0.9, response(&json, "p99"), 0.06, "ms");
        }
        let ours = is_blamed(&json, "fell behind");
        checks.check(
            !ours,
            &format!("{what}: attributed to"),
            "the server",
            if ours { "the generator" } else { "the server" },
        );
    }
}

/// A generator that is stopped for 300 ms says so, at every rate, in open and closed loop, and blames nobody else.
fn pause(checks: &mut Checks) {
    let server = Server::avt("async");
    let length = checks.millis(4_000);
    for connections in ["10", "50"] {
        for rate in [Some("1000"), Some("20000"), None] {
            let args = ["-c", connections, "-d", &ms(length)];
            let args: Vec<&str> = args.into_iter().chain(rate.into_iter().flat_map(|rate| ["--rate", rate])).collect();
            let what = format!("{} over {connections}", rate.map_or("closed loop".into(), |rate| format!("{rate}/s")));
            let load = start(&url(&server), &args);
            let (at, held) = (checks.millis(1_500), checks.millis(300));
            stop(load.id(), Duration::from_millis(at), Duration::from_millis(held));
            let stopped = finish(load);
            checks.check(stopped["verdict"] == "invalid", &what, "INVALID", stopped["verdict"].as_str().unwrap_or("?"));
            if rate.is_some() {
                let mean = |name: &str| stopped[name]["mean"].as_f64().unwrap_or(f64::NAN);
                let ours = mean("send_lag_late_us") / mean("send_lag_us");
                let (passes, found) = (ours > 0.95, format!("{:.1} %", ours * 100.0));
                checks.check(passes, &format!("{what}: generator's share of the delay"), "95 % or more", &found);
            }
            let left_alone = self::load(&url(&server), &args);
            let verdict = left_alone["verdict"].as_str().unwrap_or("?");
            checks.check(verdict != "invalid", &format!("{what}, left alone"), "not INVALID", verdict);
        }
    }
}

/// Connections that hang since the warm-up are starved.
fn starved(checks: &mut Checks) {
    for rate in [Some("2000"), None] {
        for warmup in ["0s", "300ms"] {
            let server = Server::avt("pool/16");
            let length = ms(checks.millis(2_000));
            let args = ["-c", "200", "-d", &length, "--warmup", warmup, "--drain", "100ms"];
            let args: Vec<&str> = args.into_iter().chain(rate.into_iter().flat_map(|rate| ["--rate", rate])).collect();
            let json = load(&url(&server), &args);
            let what = format!("{} after {warmup}", rate.map_or("closed loop".into(), |rate| format!("{rate}/s")));
            checks.adds_up(&what, &json);
            let starved = json["connections"]["starved"].as_u64().unwrap_or(0);
            // In a test the schedule is over before every connection has had its turn.
            if !checks.is_test {
                checks.equal(&format!("{what}: starved"), 184, starved);
                checks.equal(&format!("{what}: unfinished"), 184, count(&json, "unfinished"));
            }
        }
    }
}

/// One request of a hundred is never answered, and times out after a second.
fn never(checks: &mut Checks) {
    let asked = Arc::new(AtomicU64::new(0));
    let url = serve(move |stream| asked.fetch_add(1, Ordering::Relaxed) % 100 == 99 || stream.write_all(OK).is_ok());
    let length = ms(checks.millis(5_000));
    let args = ["-c", "50", "-d", &length, "--rate", "500", "--arrivals", "even", "--timeout", "1s"];
    let json = load(&url, &args);
    checks.adds_up("1 of 100 never answered", &json);
    let planned = count(&json, "planned");
    checks.equal("timed out", planned / 100, count(&json, "timed_out"));
    let bound = json["response_time_lower_bound_from_us"].as_f64().unwrap_or(0.0);
    checks.check(bound >= 1e6 || planned < 100, "lower bounds from", "1 s or more", &format!("{:.3} s", bound / 1e6));
}

/// A server that closes after each answer, said and unsaid, loses nothing and breaks no law.
fn closing(checks: &mut Checks) {
    for (what, answer) in [
        ("announces that it closes", &b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"[..]),
        ("closes without notice", OK),
    ] {
        let url = serve(move |stream| {
            let _ = stream.write_all(answer);
            false
        });
        let length = ms(checks.millis(4_000));
        let json = load(&url, &["-c", "10", "-d", &length, "--rate", "1000"]);
        checks.adds_up(what, &json);
        let (planned, completed) = (count(&json, "planned"), count(&json, "completed"));
        let what_answered = format!("{what}: all answered");
        checks.check(planned == completed, &what_answered, &planned.to_string(), &completed.to_string());
        let broken = is_blamed(&json, "in flight");
        checks.check(!broken, &format!("{what}: Little's law"), "kept", if broken { "broken" } else { "kept" });
    }
}

fn constant(checks: &mut Checks) {
    let url = serve(|stream| {
        thread::sleep(Duration::from_millis(5));
        stream.write_all(OK).is_ok()
    });
    let length = ms(checks.millis(4_000));
    let json = load(&url, &["-c", "50", "-d", &length, "--rate", "1000"]);
    checks.adds_up("constant", &json);
    checks.near("5 ms: p50", 5.0, response(&json, "p50"), 0.05, "ms");
}

fn bimodal(checks: &mut Checks) {
    let asked = Arc::new(AtomicU64::new(0));
    let url = serve(move |stream| {
        let is_slow = asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(50);
        thread::sleep(Duration::from_millis(if is_slow { 100 } else { 1 }));
        stream.write_all(OK).is_ok()
    });
    let length = ms(checks.millis(4_000));
    let json = load(&url, &["-c", "100", "-d", &length, "--rate", "1000"]);
    checks.adds_up("bimodal", &json);
    checks.near("1 and 100 ms: p50", 1.0, response(&json, "p50"), 0.2, "ms");
    checks.near("1 and 100 ms: p99", 100.0, response(&json, "p99"), 0.03, "ms");
}

/// One worker behind one line, M/M/1 at a load of 0.8, against its own log of arrivals and ends.
fn line(checks: &mut Checks) {
    type Line = (Mutex<VecDeque<(TcpStream, Instant)>>, Condvar);
    let (waiting, log) = (Arc::new(Line::default()), Arc::new(Mutex::new(Vec::new())));
    let (worker, worker_log) = (Arc::clone(&waiting), Arc::clone(&log));
    thread::spawn(move || {
        let _ = host::pin(&host::cpus()[..1]);
        let mut rng = random::stream(7, 7);
        loop {
            let mut line = worker.0.lock().expect("nobody panics");
            while line.is_empty() {
                line = worker.1.wait(line).expect("nobody panics");
            }
            let (mut stream, arrived) = line.pop_front().expect("it is not empty");
            drop(line);
            // A timer would be late by a twentieth of it.
            let until = Instant::now() + Duration::from_secs_f64(-2e-3 * (1.0 - rng.f64()).ln());
            while Instant::now() < until {
                thread::yield_now();
            }
            let _ = stream.write_all(OK);
            worker_log.lock().expect("nobody panics").push(arrived.elapsed().as_secs_f64() * 1e3);
        }
    });
    let url = serve(move |stream| {
        let Ok(own) = stream.try_clone() else { return false };
        waiting.0.lock().expect("nobody panics").push_back((own, Instant::now()));
        waiting.1.notify_one();
        true
    });
    let length = ms(checks.millis(30_000));
    let json = load(&url, &["-c", "500", "-d", &length, "--rate", "400"]);
    checks.adds_up("M/M/1", &json);
    let mut log = log.lock().expect("nobody panics").clone();
    log.sort_by(f64::total_cmp);
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
        let expected = log.get((share * log.len() as f64) as usize).copied().unwrap_or(f64::NAN);
        checks.near(&format!("M/M/1: {name}, by the server's log"), expected, response(&json, name), 0.04, "ms");
    }
}

/// Beside one busy loop a CPU, the default pacing is no slower than the timer alone.
fn busy_cpu(checks: &mut Checks) {
    let server = Server::avt("async");
    let busy = || {
        let mut hogs: Vec<Child> = (0..2)
            .map(|cpu| on_cpu(cpu, "sh").args(["-c", "while :; do :; done"]).spawn().expect("every system has sh"))
            .collect();
        let length = ms(checks.millis(4_000));
        let p50 = |pacing: &str| {
            let json = load(&url(&server), &["-c", "10", "-d", &length, "--rate", "1000", "--pacing", pacing]);
            response(&json, "p50")
        };
        let ratios: Vec<f64> = (0..3).map(|_| p50("hybrid") / p50("sleep")).collect();
        for hog in &mut hogs {
            let _ = hog.kill();
            let _ = hog.wait();
        }
        common::spread(ratios.into_iter())
    };
    let (ratio, low, high) = busy();
    let found = format!("{ratio:.2} ({low:.2} to {high:.2})");
    checks.check(ratio <= 1.2, "p50 of hybrid / p50 of sleep, 1,000/s", "at most 1.2", &found);
}
