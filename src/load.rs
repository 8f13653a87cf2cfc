//! The load generator: so many connections, each of which asks again when it has its answer.
//!
//! One implementation for every server, ours or not. Each generator thread drives its share of the connections in one
//! event loop and keeps its own books, so that nothing on the way of a request is shared, locked or allocated. All
//! connections are open before the clock starts.
//!
//! **Which requests count.** A request belongs to the measured window when it was under way at any moment of it. What
//! was answered before the window began is warm-up; what is still under way when the drain ends is `unfinished`, and
//! stands in the response times with the time it has waited, a lower bound. A closed loop has no schedule: a request is
//! due when its connection is free, so overload shows as a low rate, not as long response times.

mod books;
mod client;
mod closed;
mod ordinary;
mod raw;
mod trouble;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::host;
use crate::record::{LoadRecord, Series};
use crate::scenario::Client;
use crate::units;
use crate::usage::Meter;

pub use client::Question;
pub use trouble::Trouble;

use books::Books;

/// Everything a load needs to know.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where to connect to.
    pub server: SocketAddr,
    /// What is asked.
    pub question: Question,
    /// What is asked instead for a share of the requests.
    pub heavy: Option<(f64, Question)>,
    /// Which client asks.
    pub client: Client,
    /// Connections, at least one.
    pub connections: u32,
    /// Generator threads, at least one; no more are started than there are connections.
    pub threads: u16,
    /// What is sent before the window.
    pub warmup: Duration,
    /// When the window ends.
    pub until: Until,
    /// The pause between an answer and the next question. Waits round it up to the next millisecond.
    pub think: Duration,
    /// How long an answer may take, from when it was sent.
    pub timeout: Duration,
    /// How long answers are waited for after the window.
    pub drain: Duration,
    /// The `Avt-Nonce` every answer must show.
    pub stamp: Option<Arc<str>>,
    /// What the mix of heavy requests is drawn from.
    pub seed: u64,
}

/// When the window ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// After so long.
    Elapsed(Duration),
    /// After so many requests.
    Requests(u64),
}

/// A load that could not begin.
#[derive(Debug, Error)]
pub enum LoadError {
    /// Not every connection could be opened.
    #[error("{server}: only {opened} of {asked} connections could be opened: {trouble}")]
    Connect {
        /// Where to.
        server: SocketAddr,
        /// How many were.
        opened: u32,
        /// How many should have been.
        asked: u32,
        /// The first thing that went wrong.
        trouble: Trouble,
    },
    /// The process may not have so many files open.
    #[error(
        "{} connections need {} open files, but the hard limit is {}; raise it (`ulimit -Hn`) or ask for fewer",
        units::count((*.connections).into()), units::count(*.needed), units::count(*.limit)
    )]
    Descriptors {
        /// Connections asked for.
        connections: u32,
        /// Descriptors they take, with the process's own.
        needed: u64,
        /// The hard limit.
        limit: u64,
    },
    /// A thread or a runtime could not be started.
    #[error("no generator thread could be started: {0}")]
    Start(#[from] std::io::Error),
}

/// What a load did in its window.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The window, nanoseconds.
    pub wall_ns: u64,
    /// Requests answered before the window ended.
    pub requests_in_window: u64,
    /// The times of `requests`, and of `heavy requests` where there were any.
    pub series: Vec<Series>,
    /// Everything else.
    pub load: LoadRecord,
}

/// The ends of the window, in nanoseconds from the common start of all generator threads.
#[derive(Debug)]
struct Window {
    start: Instant,
    begin: u64,
    /// `u64::MAX` while only the number of requests will tell.
    end: AtomicU64,
}

impl Window {
    fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    fn at(&self, instant: Instant) -> u64 {
        instant.saturating_duration_since(self.start).as_nanos() as u64
    }

    fn end(&self) -> u64 {
        self.end.load(Ordering::Relaxed)
    }
}

/// Puts a load on a server. `begin` and `end` are called at the two ends of the window; when `stop` says so, which is
/// asked 20 times a second, the window ends early.
pub fn run(
    plan: &Plan,
    begin: impl FnOnce(),
    end: impl FnOnce(),
    stop: impl Fn() -> bool,
) -> Result<Loaded, LoadError> {
    check_descriptors(plan)?;
    let threads = u32::from(plan.threads).min(plan.connections);
    let (books, wall_ns, usage) = thread::scope(|scope| {
        let (report, reports) = mpsc::channel();
        let (mut handles, mut doors) = (Vec::new(), Vec::new());
        for k in 0..threads {
            let (door, window) = mpsc::channel();
            let (share, gate) = (Share::of(plan, k, threads), Gate { report: report.clone(), window });
            let work = move || match plan.client {
                Client::Raw => closed::run::<raw::RawClient>(plan, share, gate),
                Client::Reqwest => closed::run::<ordinary::ReqwestClient>(plan, share, gate),
            };
            // Where this fails, the doors of the threads before it close, and they end.
            handles.push(thread::Builder::new().name(format!("generator {}", k + 1)).spawn_scoped(scope, work)?);
            doors.push(door);
        }
        drop(report);
        let opened: Vec<Opened> = reports.iter().collect();
        if let Some(trouble) = opened.iter().find_map(|opened| opened.trouble) {
            let opened = opened.iter().map(|opened| opened.connections).sum();
            return Err(LoadError::Connect { server: plan.server, opened, asked: plan.connections, trouble });
        }
        let window = Arc::new(Window::of(plan));
        for door in doors {
            door.send(Arc::clone(&window)).expect("a thread that has opened its connections waits at its door");
        }

        let done = || handles.iter().all(thread::ScopedJoinHandle::is_finished);
        sleep_until(&window, window.begin, &|| stop() || done());
        let meter = Meter::start();
        begin();
        sleep_until(&window, window.end(), &|| stop() || done());
        // An early end by `stop` becomes the end for the connections too.
        let now = window.now();
        window.end.fetch_min(now, Ordering::Relaxed);
        let usage = meter.stop();
        end();
        let books: Vec<Books> = handles.into_iter().map(|handle| handle.join().expect("no generator panics")).collect();
        let last_done = books.iter().map(|books| books.last_done).max().unwrap_or(0);
        let until = match plan.until {
            Until::Elapsed(_) => window.end(),
            Until::Requests(_) => last_done,
        };
        Ok((books, until.saturating_sub(window.begin), usage))
    })?;

    let mut all = Books::default();
    books.iter().for_each(|books| all.merge(books));
    Ok(all.close(plan, threads, wall_ns, usage))
}

/// What a generator thread says when it has opened its connections, or could not.
#[derive(Clone, Copy, Debug)]
struct Opened {
    connections: u32,
    trouble: Option<Trouble>,
}

/// Where a generator thread reports, and then waits for the window. A closed door means that there will be none.
#[derive(Debug)]
struct Gate {
    report: mpsc::Sender<Opened>,
    window: mpsc::Receiver<Arc<Window>>,
}

/// One generator thread's part of a plan.
#[derive(Clone, Copy, Debug)]
struct Share {
    thread: u32,
    connections: u32,
    requests: u64,
}

impl Share {
    /// The part of thread k of n; the first ones take what does not divide evenly.
    fn of(plan: &Plan, k: u32, n: u32) -> Self {
        let part = |whole: u64| whole / u64::from(n) + u64::from(u64::from(k) < whole % u64::from(n));
        let requests = match plan.until {
            Until::Elapsed(_) => u64::MAX,
            Until::Requests(requests) => part(requests),
        };
        Self { thread: k, connections: part(plan.connections.into()) as u32, requests }
    }
}

impl Window {
    fn of(plan: &Plan) -> Self {
        let begin = units::nanos(plan.warmup);
        let end = match plan.until {
            Until::Elapsed(duration) => begin.saturating_add(units::nanos(duration)),
            Until::Requests(_) => u64::MAX,
        };
        Self { start: Instant::now(), begin, end: AtomicU64::new(end) }
    }
}

/// Sleeps until an instant of the window, looking up 20 times a second whether there is a reason not to.
fn sleep_until(window: &Window, instant: u64, enough: &dyn Fn() -> bool) {
    const LOOK_UP: Duration = Duration::from_millis(50);
    while !enough() {
        let left = instant.saturating_sub(window.now());
        if left == 0 {
            break;
        }
        thread::sleep(Duration::from_nanos(left).min(LOOK_UP));
    }
}

/// Raises the soft limit of open files, and refuses what the hard one cannot hold.
fn check_descriptors(plan: &Plan) -> Result<(), LoadError> {
    /// Standard streams, and an epoll, an eventfd and a socket pair for each runtime.
    const OWN: u64 = 16;
    let limit = host::raise_open_files().map_err(std::io::Error::from)?;
    let needed = u64::from(plan.connections) + OWN + 4 * u64::from(plan.threads);
    if needed > limit {
        return Err(LoadError::Descriptors { connections: plan.connections, needed, limit });
    }
    Ok(())
}
