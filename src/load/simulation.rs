//! Runs a load in simulated time, for tests: the real loops, a clock that advances only when they wait or read it, and
//! a server that is a function. Uses no thread and no socket, and gives the same result every time.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::client::{Client, ClientEvent, POLL_NOW, ReceivedResponse};
use super::clock::Clock;
use super::closed::ClosedLoop;
use super::collect::Collector;
use super::in_flight::InFlight;
use super::open::OpenLoop;
use super::{Assignment, LoadPlan, RequestTemplate, Until, Window};
use crate::gate::{self, Finding};
use crate::record::{LoadRecord, Series};
use crate::scenario::{self, ArrivalSpec};
use crate::schedule::{Schedule, Shard};
use crate::units;
use crate::usage::{Scheduled, Usage};

pub(super) const US: u64 = 1_000;
pub(super) const MS: u64 = 1_000_000;

/// The simulated durations of a clock read, a poll and a timer's lateness, nanoseconds.
const CLOCK: u64 = 50;
const POLL: u64 = 1_000;
const TIMER: u64 = 40_000;

/// A simulated server. Returns when the request that a connection sends at this instant is answered; `None` for never.
pub(super) trait SimulatedServer {
    fn respond(&mut self, connection: usize, at: u64) -> Option<u64>;

    /// Called when the generator closes a connection. Returns the connections that are answered as a result, and when.
    fn hang_up(&mut self, _connection: usize, _at: u64) -> Vec<(usize, u64)> {
        Vec::new()
    }

    /// Returns how long opening a connection takes if the server closes it after each response; `None` if it keeps it
    /// open.
    fn connect_ns(&self) -> Option<u64> {
        None
    }
}

impl<F: FnMut(usize, u64) -> Option<u64>> SimulatedServer for F {
    fn respond(&mut self, connection: usize, at: u64) -> Option<u64> {
        self(connection, at)
    }
}

/// The clock of a simulated generator thread, including stops of the process and losses of the CPU.
#[derive(Debug, Default)]
struct Time {
    now: Cell<u64>,
    /// The start and end of each stop of the process.
    stops: RefCell<Vec<(u64, u64)>>,
    /// The time that another program runs whenever this thread yields its CPU, nanoseconds.
    hog_ns: Cell<u64>,
    waited_ns: Cell<u64>,
}

impl Time {
    /// Advances to an instant, or to the end of a stop that begins before it.
    fn advance_to(&self, instant: u64) {
        let before = self.now.get();
        let mut now = instant.max(before);
        for (start, end) in self.stops.borrow().iter() {
            if before < *start && *start <= now {
                now = now.max(*end);
            }
        }
        self.now.set(now);
    }
}

#[derive(Clone)]
struct SimulatedClock(Rc<Time>);

impl Clock for SimulatedClock {
    fn now(&self) -> u64 {
        self.0.advance_to(self.0.now.get() + CLOCK);
        self.0.now.get()
    }

    fn yield_now(&self) {
        let hog = self.0.hog_ns.get();
        self.0.waited_ns.set(self.0.waited_ns.get() + hog);
        self.0.advance_to(self.0.now.get() + hog);
    }

    fn scheduled(&self) -> Option<Scheduled> {
        Some(Scheduled { ran_ns: 0, waited_ns: self.0.waited_ns.get() })
    }
}

struct SimulatedClient<S> {
    time: Rc<Time>,
    server: S,
    /// The future responses: their instants and connections.
    coming: BinaryHeap<Reverse<(u64, usize)>>,
    connected: Vec<Option<u64>>,
    has_waited: bool,
}

impl<S: SimulatedServer> SimulatedClient<S> {
    fn arrived(&mut self) -> Option<(usize, ClientEvent)> {
        let Reverse((at, connection)) = *self.coming.peek()?;
        (at <= self.time.now.get()).then(|| {
            self.coming.pop();
            let sent = self.connected[connection].take();
            (
                connection,
                ClientEvent::Answered(ReceivedResponse {
                    status: 200,
                    has_text: true,
                    bytes: 100,
                    sent,
                    has_surplus: false,
                }),
            )
        })
    }
}

impl<S: SimulatedServer> Client for SimulatedClient<S> {
    fn new(_plan: &LoadPlan, _connections: u32) -> io::Result<Self> {
        unreachable!("a simulated client is created with its server")
    }

    fn open(&mut self, _connection: usize) {}

    fn send(&mut self, connection: usize, _heavy: bool, _number: Option<u64>) {
        let now = self.time.now.get();
        let connected = self.server.connect_ns().map(|takes| now + takes);
        self.connected[connection] = connected;
        if let Some(done) = self.server.respond(connection, connected.unwrap_or(now)) {
            self.coming.push(Reverse((done, connection)));
        }
    }

    fn close(&mut self, connection: usize) {
        self.coming.retain(|Reverse((_, other))| *other != connection);
        let now = self.time.now.get();
        self.coming.extend(self.server.hang_up(connection, now).into_iter().map(|(k, done)| Reverse((done, k))));
    }

    fn next(&mut self, until: u64) -> Option<(usize, ClientEvent)> {
        self.has_waited = false;
        if let Some(arrived) = self.arrived() {
            return Some(arrived);
        }
        let now = self.time.now.get();
        if until == POLL_NOW {
            self.time.advance_to(now + POLL);
        } else {
            self.has_waited = true;
            let timer_at = until.max(now).saturating_add(TIMER);
            let next = self.coming.peek().map_or(u64::MAX, |Reverse((at, _))| *at);
            self.time.advance_to(next.min(timer_at));
        }
        self.arrived()
    }

    fn has_waited(&self) -> bool {
        self.has_waited
    }
}

/// The results of a simulated load.
pub(super) struct Simulated {
    pub(super) load: LoadRecord,
    pub(super) series: Vec<Series>,
    pub(super) findings: Vec<Finding>,
    /// The number of responses within the window.
    pub(super) in_window: u64,
}

impl Simulated {
    pub(super) fn verdict(&self) -> gate::Verdict {
        gate::verdict(&self.findings)
    }

    /// Returns a percentile of the response times, nanoseconds.
    pub(super) fn response(&self, share: f64) -> u64 {
        self.series[0].response_time.quantile(share).expect("the load has at least one request")
    }
}

/// A simulated load, and the disturbances of its generator.
#[derive(Clone, Debug)]
pub(super) struct Simulation {
    pub(super) plan: LoadPlan,
    pub(super) stops: Vec<(u64, u64)>,
    pub(super) hog_ns: u64,
}

/// The instant at which the schedule of every simulation starts, nanoseconds.
pub(super) const START: u64 = 1_000 * MS;

impl Simulation {
    /// Creates a load of one thread without a warm-up, and with a time-out that is never reached.
    pub(super) fn new(arrival: ArrivalSpec, connections: u32, window: Duration) -> Self {
        let template = RequestTemplate {
            method: "GET".into(),
            authority: "localhost".into(),
            targets: vec!["/".into()],
            headers: Vec::new(),
            body: Vec::new(),
        };
        let plan = LoadPlan {
            server: std::net::SocketAddr::from(([127, 0, 0, 1], 1)).into(),
            secure: None,
            request: template,
            heavy: None,
            client: scenario::ClientKind::Raw,
            shard: Shard::WHOLE,
            connections,
            threads: 1,
            warmup: Duration::ZERO,
            until: Until::Elapsed(window),
            arrival,
            start_at: None,
            timeout: Duration::from_secs(60),
            drain: Duration::from_secs(1),
            stamp: None,
            expected: None,
            server_cpus: Vec::new(),
            seed: 1,
        };
        Self { plan, stops: Vec::new(), hog_ns: 0 }
    }

    pub(super) fn run(&self, server: impl SimulatedServer) -> Simulated {
        let plan = &self.plan;
        let time = Rc::new(Time::default());
        // As in `Window::new`: a closed loop starts at once, an open one has time to get ready.
        let lead = if plan.arrival.offered().is_some() { MS } else { 0 };
        time.now.set(START - lead);
        time.stops.replace(self.stops.clone());
        time.hog_ns.set(self.hog_ns);
        let begin = START + units::nanos(plan.warmup);
        let end = match plan.until {
            Until::Elapsed(length) => begin + units::nanos(length),
            Until::Requests(_) => u64::MAX,
        };
        let window = Window { start: START, begin, end: end.into(), cut: u64::MAX.into() };
        let (mut collector, mut ends) = Collector::new(1, Some(super::collect::INTERVAL));
        let mut metrics_tx = ends.remove(0);
        metrics_tx.open(&window);
        let client = SimulatedClient {
            time: Rc::clone(&time),
            server,
            coming: BinaryHeap::new(),
            connected: vec![None; plan.connections as usize],
            has_waited: false,
        };
        let in_flight = InFlight::new(plan, client, SimulatedClock(time), plan.connections, &window, metrics_tx);
        let assignment = Assignment::new(plan, 0, 1);
        match plan.arrival {
            ArrivalSpec::Closed { think } => ClosedLoop::new(in_flight, assignment, think).run(),
            ArrivalSpec::Open { rate, arrivals, pacing } => {
                OpenLoop::new(in_flight, assignment, Schedule { rate, arrivals, seed: plan.seed }, pacing).run();
            }
        }
        while !collector.collect(Duration::ZERO, |_| ()) {}
        let metrics = collector.close();
        let in_window = metrics.in_window;
        let wall_ns = if end == u64::MAX { metrics.last_done } else { end } - begin;
        let (series, load) = metrics.close(plan, 1, wall_ns, Usage::default(), None, Vec::new());
        assert!(load.requests.add_up() && load.warmup_requests.add_up(), "{load:?}");
        assert!(load.most_in_flight <= plan.connections.into(), "{load:?}");
        let findings = gate::check_load(&load, &series, wall_ns, in_window);
        Simulated { load, series, findings, in_window }
    }
}

/// Returns a server that takes this long for every request and never queues.
pub(super) fn constant(service: u64) -> impl SimulatedServer {
    move |_: usize, at: u64| Some(at + service)
}

/// A server with this number of threads, each of which serves one connection for as long as it is open.
pub(super) struct ThreadPool {
    threads: usize,
    service: u64,
    served: Vec<usize>,
    waiting: Vec<usize>,
}

impl ThreadPool {
    pub(super) fn new(threads: usize, service: u64) -> Self {
        Self { threads, service, served: Vec::new(), waiting: Vec::new() }
    }
}

impl SimulatedServer for ThreadPool {
    fn respond(&mut self, connection: usize, at: u64) -> Option<u64> {
        if !self.served.contains(&connection) {
            if self.served.len() == self.threads {
                self.waiting.push(connection);
                return None;
            }
            self.served.push(connection);
        }
        Some(at + self.service)
    }

    fn hang_up(&mut self, connection: usize, at: u64) -> Vec<(usize, u64)> {
        self.waiting.retain(|other| *other != connection);
        let before = self.served.len();
        self.served.retain(|other| *other != connection);
        if self.served.len() == before || self.waiting.is_empty() {
            return Vec::new();
        }
        let next = self.waiting.remove(0);
        self.served.push(next);
        vec![(next, at + self.service)]
    }
}

/// A server that handles one request at a time, each taking this long, and that freezes between two instants.
pub(super) struct Frozen {
    service: u64,
    from: u64,
    until: u64,
    free_at: u64,
}

impl Frozen {
    pub(super) fn new(service: u64, from: u64, until: u64) -> Self {
        Self { service, from, until, free_at: 0 }
    }
}

impl SimulatedServer for Frozen {
    fn respond(&mut self, _connection: usize, at: u64) -> Option<u64> {
        let begun = at.max(self.free_at);
        let done = begun + self.service;
        let is_held = begun < self.until && done > self.from;
        self.free_at = if is_held { begun.max(self.until) + self.service } else { done };
        Some(self.free_at)
    }
}
