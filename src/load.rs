//! The load generator. In a **closed loop**, each connection sends its next request once it has the response to the
//! last one. In an **open loop**, a schedule decides when requests are due, regardless of how fast the server responds.
//!
//! The same code loads every server, ours or an external one. Each generator thread drives its share of the connections
//! in one event loop and keeps its own metrics: the path of a request has no lock, no shared state and no allocation.
//! All connections are open and all requests encoded before the clock starts. If there are several targets, each thread
//! requests them in turn, starting at a different one.
//!
//! **Which requests count.** Requests that were due in the measured window, and requests that were due before it and
//! lasted through all of it: a connection that has hung since the warm-up is starved, and its request unfinished. A
//! closed loop has no schedule: a request is due when its connection is free, so overload shows as a low rate, not as
//! long response times. Requests that began before the window and ended within it are left out. They would give long
//! requests too much weight, since those are more often in flight when the window begins. Requests still in flight or
//! queued when the drain ends are `unfinished` or `unsent`; they enter the response times with the time they have
//! waited, a lower bound.
//!
//! **Three instants.** A request is *intended* when it is due, then *sent*, then *done*. Response time runs from
//! intended to done, service time from sent to done, and send lag from intended to sent. One part of the send lag is
//! time without a free connection, caused by the server; the other part is the generator's own lateness.
//!
//! **Pauses of the generator.** Each turn of a loop knows when it was meant to continue. If it continued much later,
//! the generator stood still ([`pauses`]). The part of a request that such a pause covers counts as the generator's
//! lateness, or is recorded beside the service time as its pause.

mod client;
mod clock;
mod closed;
mod collect;
mod in_flight;
#[cfg(test)]
mod known_answers;
mod metrics;
mod open;
mod pauses;
mod plan;
mod raw;
mod request;
mod request_error;
#[cfg(feature = "cli")]
mod reqwest_client;
#[cfg(test)]
mod simulation;
mod step_down;
#[cfg(feature = "tls")]
mod tls;
mod turns;
mod worker;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::histogram::Histogram;
use crate::host;
use crate::record::{LoadRecord, Requests, Series};
use crate::scenario::{ArrivalSpec, ClientKind};
use crate::units;
use crate::usage::{Meter, StealMeter};

pub use client::{ExpectedResponse, RequestTemplate};
pub use plan::{Endpoint, LoadError, LoadPlan, Secure, Until, is_nothing_due};
pub use raw::refuse_own_end;
pub use request_error::RequestError;
#[cfg(feature = "cli")]
pub use reqwest_client::normalize_target;

use collect::Collector;

/// The results of a load in its window.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The start of the schedule or of the closed loop, in nanoseconds of the kernel's `CLOCK_MONOTONIC`, which is the
    /// same for all processes of this machine.
    pub started_ns: u64,
    /// The length of the window, nanoseconds.
    pub wall_ns: u64,
    /// Responses within the window, whenever their requests were due. Divided by the window's length, they are the
    /// rate.
    pub requests_in_window: u64,
    /// The times of `requests`, and of `heavy requests` if there were any.
    pub series: Vec<Series>,
    /// The number of requests of each connection, as a distribution.
    pub per_connection: Histogram,
    /// All other results.
    pub load: LoadRecord,
}

/// The metrics of one second of the window or of the drain after it; the last interval may be shorter.
#[derive(Clone, Debug)]
pub struct LoadInterval {
    /// Requests that ended in this interval.
    pub requests: Requests,
    /// Response times of the requests that were answered, and waiting times of those that timed out or remained
    /// unanswered.
    pub response_time: Histogram,
    /// Service times of the requests that were answered.
    pub service_time: Histogram,
}

/// Observes a load while it runs.
pub trait Observer {
    /// Called when the window begins.
    fn begin(&mut self) {}

    /// Called when the window has ended.
    fn end(&mut self) {}

    /// Returns whether to end the load now. Called 20 times a second while connections are opened, in the window, and
    /// in the drain.
    fn stop(&self) -> bool {
        false
    }

    /// Whether [`interval`](Self::interval) is called.
    const LISTENS: bool = false;

    /// Called with the metrics of each interval.
    fn interval(&mut self, _interval: LoadInterval) {}
}

/// An observer that does nothing.
impl Observer for () {}

/// The start of the schedule and the limits of the window, in nanoseconds of the generator's clock.
#[derive(Debug)]
struct Window {
    start: u64,
    begin: u64,
    /// The end of the window; `u64::MAX` while it depends on a number of requests that has not been reached.
    end: AtomicU64,
    /// The end of a shortened drain; `u64::MAX` if the drain is not shortened.
    cut: AtomicU64,
}

impl Window {
    /// Returns the window of a plan whose connections are open. Returns an error if its start has passed.
    fn new(plan: &LoadPlan) -> Result<Self, LoadError> {
        /// The time for every thread to get ready before the first request is due, nanoseconds.
        const TO_GET_READY: u64 = 2_000_000;
        let start = match (plan.start_at, plan.arrival) {
            (Some(instant), _) => clock::at(instant).map_err(|by| LoadError::Late { by })?,
            (None, ArrivalSpec::Closed { .. }) => clock::now(),
            (None, ArrivalSpec::Open { .. }) => clock::now() + TO_GET_READY,
        };
        let begin = start.saturating_add(units::nanos(plan.warmup));
        let end = match plan.until {
            Until::Elapsed(duration) => begin.saturating_add(units::nanos(duration)),
            Until::Requests(_) => u64::MAX,
        };
        Ok(Self { start, begin, end: AtomicU64::new(end), cut: AtomicU64::new(u64::MAX) })
    }

    #[inline]
    fn end(&self) -> u64 {
        self.end.load(Ordering::Relaxed)
    }

    /// Returns when the drain ends, given its planned length.
    #[inline]
    fn drained(&self, drain: u64) -> u64 {
        self.end().saturating_add(drain).min(self.cut.load(Ordering::Relaxed))
    }

    /// Ends the window now unless it has already ended, and shortens the drain.
    fn cut_short(&self) {
        /// Long enough for the responses of a healthy server, nanoseconds.
        const MOMENT: u64 = 500_000_000;
        let now = clock::now();
        self.end.fetch_min(now, Ordering::Relaxed);
        self.cut.fetch_min(now + MOMENT, Ordering::Relaxed);
    }
}

/// Runs a load against a server. Returns an error if the load cannot start.
pub fn run<O: Observer>(plan: &LoadPlan, observer: &mut O) -> Result<Loaded, LoadError> {
    check_descriptors(plan)?;
    check_tls(plan)?;
    let threads = u32::from(plan.threads).min(plan.connections_used());
    let opening = Opening::default();
    let (mut collector, metrics_txs) = Collector::new(threads as usize, O::LISTENS.then_some(collect::INTERVAL));
    thread::scope(|scope| {
        let (report, reports) = mpsc::channel();
        let mut starts = Vec::new();
        for (k, metrics_tx) in (0..threads).zip(metrics_txs) {
            let (start, window) = mpsc::channel();
            let barrier = StartBarrier { report: report.clone(), window, opening: &opening };
            let assignment = Assignment::new(plan, k, threads);
            let plan = plan.of_thread(k, threads);
            let work = move || match plan.client {
                ClientKind::Raw => worker::run::<raw::RawClient>(&plan, assignment, barrier, metrics_tx),
                #[cfg(feature = "cli")]
                ClientKind::Reqwest => {
                    worker::run::<reqwest_client::ReqwestClient>(&plan, assignment, barrier, metrics_tx)
                }
                #[cfg(not(feature = "cli"))]
                ClientKind::Reqwest => unreachable!("only the command line offers this client"),
            };
            // If this fails, the channels of the threads already started close, and those threads end.
            let thread = thread::Builder::new().name(format!("generator {}", k + 1)).spawn_scoped(scope, work);
            thread.inspect_err(|_| opening.abandon())?;
            starts.push(start);
        }
        drop(report);
        wait_for_connections(plan, &opening, &reports, observer)?;
        let window = Arc::new(Window::new(plan)?);
        for start in starts {
            start.send(Arc::clone(&window)).expect("a thread that has opened its connections waits for the window");
        }

        let mut is_done = wait_until(window.begin, &mut collector, observer);
        let (meter, steal) = (Meter::start(), StealMeter::start());
        observer.begin();
        if !is_done {
            is_done = wait_until(window.end(), &mut collector, observer);
        }
        // If the observer ended the window early, the window ends for the connections too.
        window.end.fetch_min(clock::now(), Ordering::Relaxed);
        let (usage, steal) = (meter.stop(), steal.stop());
        observer.end();
        if !is_done && !wait_until(u64::MAX, &mut collector, observer) {
            window.cut_short();
            while !collect(Duration::MAX, &mut collector, observer) {}
        }
        if O::LISTENS
            && let Some(last) = collector.rest()
        {
            observer.interval(last);
        }
        let all = collector.close();
        let (requests_in_window, per_connection) = (all.in_window, all.per_connection.clone());
        let until = match plan.until {
            Until::Elapsed(_) => window.end(),
            Until::Requests(_) => all.last_done,
        };
        let wall_ns = until.saturating_sub(window.begin);
        let (series, load) = all.close(plan, threads, wall_ns, usage, steal, host::cpus());
        Ok(Loaded { started_ns: window.start, wall_ns, requests_in_window, series, per_connection, load })
    })
}

/// A generator thread's report after opening its connections: the number of open ones, and the error if one failed.
#[derive(Clone, Copy, Debug)]
struct Opened {
    connections: u32,
    error: Option<RequestError>,
}

/// The channels of a generator thread: it reports its connections, then waits for the window. If the window's channel
/// closes, the load does not run.
#[derive(Debug)]
struct StartBarrier<'a> {
    report: mpsc::Sender<Opened>,
    window: mpsc::Receiver<Arc<Window>>,
    opening: &'a Opening,
}

/// The state that threads share while they open connections.
#[derive(Debug, Default)]
struct Opening {
    has_failed: AtomicBool,
    is_abandoned: AtomicBool,
}

impl Opening {
    /// Records that a connection could not be opened. After that, no thread begins to open another one.
    fn fail(&self) {
        self.has_failed.store(true, Ordering::Relaxed);
    }

    /// Makes every thread stop at once.
    fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Relaxed);
    }

    fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Relaxed)
    }
}

/// Waits until every thread has opened its connections. If one could not be opened, the error counts the open
/// connections of all threads.
fn wait_for_connections<O: Observer>(
    plan: &LoadPlan,
    opening: &Opening,
    reports: &mpsc::Receiver<Opened>,
    observer: &O,
) -> Result<(), LoadError> {
    let mut all = Vec::new();
    loop {
        match reports.recv_timeout(LOOK_UP) {
            Ok(opened) => all.push(opened),
            Err(mpsc::RecvTimeoutError::Timeout) if observer.stop() => opening.abandon(),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    let opened = all.iter().map(|opened| opened.connections).sum();
    let (server, planned) = (plan.server.clone(), plan.connections_used());
    match all.iter().find_map(|opened| opened.error) {
        _ if opening.is_abandoned() => Err(LoadError::Stopped { server, opened, planned }),
        Some(error) => Err(LoadError::Connect { server, opened, planned, error }),
        None => Ok(()),
    }
}

/// The interval between two checks whether the observer ends the load.
const LOOK_UP: Duration = Duration::from_millis(50);

/// The part of a plan that one generator thread carries out.
#[derive(Clone, Copy, Debug)]
struct Assignment {
    thread: u32,
    threads: u32,
    connections: u32,
    /// The number of requests in a closed loop that ends with a number of them.
    requests: u64,
}

impl Assignment {
    /// Returns the part of thread `k` of `n`. The first threads take the remainder.
    fn new(plan: &LoadPlan, k: u32, n: u32) -> Self {
        let part = |whole: u64| whole / u64::from(n) + u64::from(u64::from(k) < whole % u64::from(n));
        let requests = match plan.until {
            Until::Elapsed(_) => u64::MAX,
            Until::Requests(requests) => part(plan.shard.part(requests)),
        };
        Self { thread: k, threads: n, connections: part(plan.connections_used().into()) as u32, requests }
    }
}

/// Waits until an instant, or until the observer ends the load, which is checked 20 times a second. Returns true if all
/// threads have ended before that.
fn wait_until<O: Observer>(instant: u64, collector: &mut Collector, observer: &mut O) -> bool {
    while !observer.stop() {
        let left = instant.saturating_sub(clock::now());
        if left == 0 {
            break;
        }
        if collect(Duration::from_nanos(left).min(LOOK_UP), collector, observer) {
            return true;
        }
    }
    false
}

fn collect<O: Observer>(at_most: Duration, collector: &mut Collector, observer: &mut O) -> bool {
    collector.collect(at_most, |metrics| {
        if O::LISTENS {
            observer.interval(metrics.interval());
        }
    })
}

/// Detects TLS errors that would affect every connection, before opening the first one.
fn check_tls(plan: &LoadPlan) -> Result<(), LoadError> {
    match (&plan.secure, plan.client) {
        (None, _) => Ok(()),
        (Some(_), ClientKind::Raw) => Err(LoadError::Tls("the raw client speaks none; reqwest does".into())),
        #[cfg(feature = "tls")]
        (secure, ClientKind::Reqwest) => tls::config(secure.as_ref()).map(drop).map_err(LoadError::Tls),
        #[cfg(not(feature = "tls"))]
        (_, ClientKind::Reqwest) => Err(LoadError::Tls("this avt is built without it".into())),
    }
}

/// Raises the soft limit of open files. Returns an error if the plan needs more than the hard limit.
fn check_descriptors(plan: &LoadPlan) -> Result<(), LoadError> {
    /// Standard streams, and for each runtime an epoll, a timer, an eventfd and a socket pair.
    const OWN: u64 = 16;
    let limit = host::raise_open_files().map_err(std::io::Error::from)?;
    let connections = plan.connections_used();
    let needed = u64::from(connections) + OWN + 5 * u64::from(plan.threads);
    if needed > limit {
        return Err(LoadError::Descriptors { connections, needed, limit });
    }
    Ok(())
}
