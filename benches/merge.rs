//! What it costs to merge the records of a large load: 64 shards of ten minutes, each with a line a second.
//!
//! The records are written by this bench, with times as a server on loopback gives them; `avt merge` then runs as a
//! process of its own, and its time and peak memory are printed.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use async_vs_threads::histogram::Histogram;
use async_vs_threads::host::{Host, MachineClocks};
use async_vs_threads::record::{
    LoadRecord, PlannedLoad, Requests, SendLag, Series, ShardBegin, ShardEnd, ShardEvent, ShardFile, ShardSecond,
};
use async_vs_threads::scenario::{ArrivalSpec, ClientKind};
use async_vs_threads::schedule::{Arrivals, Pacing, Shard};
use async_vs_threads::{random, units};
use nix::sys::resource::{UsageWho, getrusage};

/// Requests per second of each shard.
const RATE: u64 = 1_000;

fn main() {
    let is_test = std::env::args().any(|arg| arg == "--test");
    let (shards, seconds, rounds) = if is_test { (4, 3, 1) } else { (64, 600, 3) };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bytes = write(folder.path(), shards, seconds);
    println!("{shards} records of {seconds} s: {}", units::bytes(bytes));
    let mut least = Duration::MAX;
    for _ in 0..rounds {
        let begun = Instant::now();
        let merge =
            Command::new(env!("CARGO_BIN_EXE_avt")).arg("merge").arg(folder.path()).stdout(Stdio::null()).status();
        assert!(merge.expect("avt runs").success());
        least = least.min(begun.elapsed());
        println!("avt merge: {}", units::duration(units::nanos(begun.elapsed())));
    }
    // This process has had no other children.
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN).expect("Linux knows it").max_rss() as u64 * 1_024;
    println!("fastest {}, peak memory {}", units::duration(units::nanos(least)), units::bytes(peak));
}

/// Writes the records. Returns their size in bytes.
fn write(folder: &Path, shards: u32, seconds: u64) -> u64 {
    let plan = PlannedLoad {
        urls: vec!["http://127.0.0.1:8080/".into()],
        unix_socket: None,
        targets: vec!["/".into()],
        method: "GET".into(),
        headers: Vec::new(),
        content: String::new(),
        client: ClientKind::Raw,
        connections: 50 * shards,
        warmup_ns: 0,
        window_ns: Some(seconds * 1_000_000_000),
        requests: None,
        arrival: ArrivalSpec::Open {
            rate: (RATE * u64::from(shards)) as f64,
            arrivals: Arrivals::Poisson,
            pacing: Pacing::Hybrid,
        },
        timeout_ns: 5_000_000_000,
        drain_ns: 5_000_000_000,
        seed: 1,
        start_at: None,
        shards,
    };
    let (host, clock) = (Host::read(), MachineClocks::now());
    for shard in Shard::all(shards) {
        let mut file = ShardFile::create(folder, shard, plan.hash(), "bench".into()).expect("an empty folder");
        let mut append = |event| file.append(event).expect("there is room");
        append(ShardEvent::Begin(Box::new(ShardBegin {
            plan: plan.clone(),
            command: "avt load".into(),
            ready: "2026-11-28T12:00:00Z".into(),
            host: Host { hostname: Some(format!("n{}", shard.number())), ..host.clone() },
            clock: clock.clone(),
            launcher: None,
        })));
        let mut all = Histogram::default();
        for second in 0..seconds {
            let times = times(u64::from(shard.number()) << 32 | second, RATE);
            all.merge(&times);
            let requests = Requests { planned: 0, completed: RATE, ..Requests::default() };
            append(ShardEvent::Second(Box::new(ShardSecond {
                second,
                requests,
                response_time: times.clone(),
                service_time: times,
            })));
        }
        append(ShardEvent::End(Box::new(end(&clock, all, seconds))));
    }
    let files = std::fs::read_dir(folder).expect("it was just written").flatten();
    files.map(|file| file.metadata().map_or(0, |data| data.len())).sum()
}

/// Returns response times around 100 us, with a long tail.
fn times(stream: u64, n: u64) -> Histogram {
    let mut rng = random::stream(1, stream);
    (0..n).map(|_| 60_000 + (-(1.0 - rng.f64()).ln() * 60_000.0) as u64).collect()
}

fn end(clock: &MachineClocks, times: Histogram, seconds: u64) -> ShardEnd {
    let n = RATE * seconds;
    let lag = Histogram::from_iter((0..n).map(|k| 500 + k % 700));
    ShardEnd {
        started_realtime_ns: clock.realtime_ns,
        started_boottime_ns: clock.boottime_ns,
        wall_ns: seconds * 1_000_000_000,
        requests_in_window: n,
        per_connection: (0..50).map(|_| n / 50).collect(),
        load: LoadRecord {
            offered_per_s: Some(RATE as f64),
            pacing: Some(Pacing::Hybrid),
            connections_planned: 50,
            connections_opened: 50,
            requests: Requests { planned: n, completed: n, ..Requests::default() },
            sent_in_window: n,
            send_lag: SendLag { total: lag.clone(), late: lag, no_connection: Histogram::default() },
            threads: 1,
            ..LoadRecord::default()
        },
        series: Series {
            name: "requests".into(),
            response_time: times.clone(),
            service_time: times,
            paused_response_time: Histogram::default(),
            lower_bound_from_ns: None,
        },
        partial: false,
        server_ended_after_ns: None,
    }
}
