//! How exactly the generator keeps a schedule, measured at the *server*.
//!
//! `cargo bench --bench pacing [-- ROUNDS SECONDS]`. A server with one thread on CPU 0 polls its sockets without a
//! pause and stamps every request with the clock by which the generator on CPU 1 keeps its schedule. For each rate and
//! pacing the bench prints how far arrivals are off schedule (the time through the kernel included), their index of
//! dispersion (the variance of the counts per millisecond divided by their mean: 0 for even arrivals, 1 for a Poisson
//! process), the CPU time used, and the share of time that a loop which only polls the clock loses on the same CPU just
//! before. If that share exceeds 1 %, no generator can have a better p99.

#![expect(dead_code, reason = "not every bench of servers needs everything that they share")]

mod common;

use std::io::{ErrorKind, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use async_vs_threads::clock_cost;
use async_vs_threads::host;
use async_vs_threads::load::{self, LoadPlan, RequestTemplate, Until};
use async_vs_threads::scenario::{ArrivalSpec, ClientKind};
use async_vs_threads::schedule::{Arrivals, Pacing, Schedule, Shard};
use common::{Scale, spread};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::time::{ClockId, clock_gettime};

/// The least that is an answer.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

const CONNECTIONS: u32 = 50;

/// One goes.
struct Kept {
    off_p50_us: f64,
    off_p99_us: f64,
    dispersion: f64,
    cpus: f64,
}

fn main() {
    let scale = Scale::read();
    let rounds = scale.rounds.min(5);
    println!("{:8} {:8} {:>8}  off schedule (us)", "pacing", "arrivals", "rate");
    println!(
        "{:8} {:8} {:>8} {:>22} {:>24} {:>20} {:>19} {:>20}",
        "", "", "/s", "p50", "p99", "dispersion", "CPUs used", "lost by a polling loop, %"
    );
    for pacing in [Pacing::Sleep, Pacing::Hybrid, Pacing::Spin] {
        for (rate, arrivals) in [(1_000.0, Arrivals::Even), (20_000.0, Arrivals::Even), (1_000.0, Arrivals::Poisson)] {
            let schedule = Schedule { rate, arrivals, seed: 1 };
            let mut lost_shares = Vec::new();
            let mut round = || {
                lost_shares.push(lost(scale.length / 4) * 100.0);
                keep(schedule, pacing, scale.length)
            };
            let kept: Vec<Kept> = (0..rounds).map(|_| round()).collect();
            let (lost, lost_least, lost_most) = spread(lost_shares.into_iter());
            let shown = |part: fn(&Kept) -> f64, digits: usize| {
                let (median, low, high) = spread(kept.iter().map(part));
                format!("{median:.digits$} ({low:.digits$} to {high:.digits$})")
            };
            println!(
                "{:8} {:8} {rate:>8} {:>22} {:>24} {:>20} {:>19} {lost:>5.1} ({lost_least:.1} to {lost_most:.1})",
                pacing.name(),
                arrivals.name(),
                shown(|kept| kept.off_p50_us, 1),
                shown(|kept| kept.off_p99_us, 1),
                shown(|kept| kept.dispersion, 2),
                shown(|kept| kept.cpus, 2),
            );
        }
    }
    gaps(scale.length);
}

/// Whether the gaps between Poisson arrivals are exponential, by the test of Kolmogorov and Smirnov.
fn gaps(length: Duration) {
    let schedule = Schedule { rate: 1_000.0, arrivals: Arrivals::Poisson, seed: 2 };
    let (_, arrivals, _) = run(schedule, Pacing::Hybrid, length);
    let mut gaps: Vec<f64> = arrivals.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1e9 * schedule.rate).collect();
    gaps.sort_by(f64::total_cmp);
    let n = gaps.len() as f64;
    let distance = gaps.iter().enumerate().map(|(k, gap)| {
        let law = 1.0 - (-gap).exp();
        (law - k as f64 / n).abs().max((law - (k + 1) as f64 / n).abs())
    });
    let distance = distance.fold(0.0, f64::max);
    println!(
        "Poisson arrivals at {}/s as the server sees them: distance from the exponential law {distance:.4}, of which {:.4} \
         is allowed at the 1 % level",
        schedule.rate,
        1.63 / n.sqrt()
    );
}

/// The share of its time that a bare loop on the generator's CPU loses while another runs on the server's. From 1 % on
/// it, and not the generator, makes the 99th percentile.
fn lost(length: Duration) -> f64 {
    let losing = [1, 0].map(|k| {
        thread::spawn(move || {
            keep_to(k);
            clock_cost::measure_pauses(length, || false).share
        })
    });
    let [of_generator, _] = losing.map(|one| one.join().expect("a loop does not panic"));
    of_generator
}

/// Keeps this thread on the k-th CPU, or the last there is.
fn keep_to(k: usize) {
    let cpus = host::cpus();
    // Where it fails, it runs where the kernel wants.
    let _ = host::pin(&[cpus[k.min(cpus.len() - 1)]]);
}

fn keep(schedule: Schedule, pacing: Pacing, length: Duration) -> Kept {
    let (started, arrivals, cpus) = run(schedule, pacing, length);
    let end = length.as_nanos() as u64;
    let offsets: Vec<u64> = schedule.offsets().take_while(|offset| *offset < end).collect();
    assert_eq!(arrivals.len(), offsets.len(), "every request arrives");
    let mut off: Vec<f64> = arrivals
        .iter()
        .zip(&offsets)
        .map(|(arrival, offset)| arrival.abs_diff(started + offset) as f64 / 1e3)
        .collect();
    off.sort_by(f64::total_cmp);
    let mut counts = vec![0.0; (end / 1_000_000) as usize];
    for arrival in &arrivals {
        if let Some(count) = counts.get_mut((arrival.saturating_sub(started) / 1_000_000) as usize) {
            *count += 1.0;
        }
    }
    let mean = counts.iter().sum::<f64>() / counts.len() as f64;
    let variance = counts.iter().map(|count: &f64| (count - mean).powi(2)).sum::<f64>() / counts.len() as f64;
    Kept { off_p50_us: off[off.len() / 2], off_p99_us: off[off.len() * 99 / 100], dispersion: variance / mean, cpus }
}

/// Keeps a schedule once: when it started, when each request arrived, and how many CPUs' worth it took.
fn run(schedule: Schedule, pacing: Pacing, length: Duration) -> (u64, Vec<u64>, f64) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of the loopback");
    let address = listener.local_addr().expect("it is bound");
    let stop = Arc::new(AtomicBool::new(false));
    let server = serve(listener, Arc::clone(&stop));
    let plan = plan(address, schedule, pacing, length);
    let generator = move || {
        keep_to(1);
        load::run(&plan, &mut ()).expect("the server listens")
    };
    let loaded = thread::scope(|scope| scope.spawn(generator).join().expect("no generator panics"));
    stop.store(true, Ordering::SeqCst);
    let mut arrivals = server.join().expect("the server does not panic");
    arrivals.sort_unstable();
    let ran: u64 = loaded.load.thread_costs.iter().filter_map(|cost| cost.ran_ns).sum();
    (loaded.started_ns, arrivals, ran as f64 / loaded.wall_ns as f64)
}

/// A server that looks without a pause, and stamps what has arrived before it answers any of it.
fn serve(listener: TcpListener, stop: Arc<AtomicBool>) -> JoinHandle<Vec<u64>> {
    thread::spawn(move || {
        keep_to(0);
        listener.set_nonblocking(true).expect("an open socket");
        let epoll = epoll::create(CreateFlags::CLOEXEC).expect("an epoll");
        let (mut streams, mut arrivals) = (Vec::new(), Vec::new());
        let mut ready = Vec::with_capacity(64);
        while !stop.load(Ordering::Relaxed) {
            if streams.len() < CONNECTIONS as usize
                && let Some(stream) = accept(&listener, &epoll, streams.len())
            {
                streams.push(stream);
            }
            ready.clear();
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            let _ = epoll::wait(&epoll, spare_capacity(&mut ready), Some(&now));
            let stamp = now_ns();
            for event in &ready {
                let stream: &TcpStream = &streams[event.data.u64() as usize];
                answer(stream, stamp, &mut arrivals);
            }
        }
        arrivals
    })
}

fn accept(listener: &TcpListener, epoll: &OwnedFd, k: usize) -> Option<TcpStream> {
    let stream = match listener.accept() {
        Ok((stream, _)) => stream,
        Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
        Err(error) => panic!("no connection could be accepted: {error}"),
    };
    stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true)).expect("an open socket");
    epoll::add(epoll, &stream, EventData::new_u64(k as u64), EventFlags::IN).expect("a new socket");
    Some(stream)
}

/// Each connection has one request under way, and on the loopback it arrives in one piece.
fn answer(mut stream: &TcpStream, stamp: u64, arrivals: &mut Vec<u64>) {
    let mut request = [0; 1024];
    if std::io::Read::read(&mut stream, &mut request).is_ok_and(|n| n > 0) {
        arrivals.push(stamp);
        stream.write_all(ANSWER).expect("an empty socket accepts a response");
    }
}

fn now_ns() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn plan(server: SocketAddr, schedule: Schedule, pacing: Pacing, length: Duration) -> LoadPlan {
    LoadPlan {
        server: server.into(),
        secure: None,
        request: RequestTemplate {
            method: "GET".into(),
            authority: server.to_string(),
            targets: vec!["/".into()],
            headers: Vec::new(),
            body: Vec::new(),
        },
        heavy: None,
        client: ClientKind::Raw,
        shard: Shard::WHOLE,
        connections: CONNECTIONS,
        threads: 1,
        warmup: Duration::ZERO,
        until: Until::Elapsed(length),
        arrival: ArrivalSpec::Open { rate: schedule.rate, arrivals: schedule.arrivals, pacing },
        start_at: None,
        timeout: Duration::from_secs(5),
        drain: Duration::from_secs(5),
        stamp: None,
        expected: None,
        server_cpus: Vec::new(),
        seed: schedule.seed,
    }
}
