//! The concurrency models, which run jobs and serve connections.
//!
//! `threads.rs` and `tasks.rs` are twins: the same functions in the same order under the same names, one with OS
//! threads that block, the other with tasks that yield their thread. Their diff is the difference between the models,
//! and nothing else. An async model is a runtime and a pool: `runtime.rs` starts both, `per_core.rs` runs `tasks.rs` once
//! per core, and the hybrid models are `tasks.rs` with another [`Pool`].

mod accept;
mod compose;
mod per_core;
mod pool;
mod read_deadlines;
mod read_timer;
mod rejected;
mod runtime;
mod server;
mod tasks;
mod threads;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::panic;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

use crate::histogram::Histogram;
use crate::host;
use crate::job_log::JobLog;
use crate::record::{Failure, RuntimeUsage};
use crate::scenario::{Composition, Model, RuntimeKind};
use crate::service::Handler;
use crate::usage::{Meter, Usage};
use crate::workload::{Pool, Workload};

use pool::ThreadCounts;
use runtime::{AsyncModel, UsePool};

pub use pool::{BlockingPool, InPlace, Inline, RayonPool, RuntimePool};
pub use read_deadlines::Timeouts;
pub use server::{Server, Tally};

/// The backlog of listening sockets: connections that the kernel holds until the server accepts them. With the 128 of
/// std and mio, SYNs are dropped when a thousand clients connect at once, which shows as outliers of a second.
pub const BACKLOG: i32 = 4096;

/// The time and the number of reads for which a closing connection waits for its peer to close too.
const LINGER: Linger = Linger { time: Duration::from_millis(500), reads: 64 };

struct Linger {
    time: Duration,
    reads: u32,
}

/// The outcome of running all jobs under a model. The [`JobLog`] holds the times of each job.
#[derive(Clone, Debug)]
pub struct JobsOutcome {
    /// Time from the start until the last job was joined, nanoseconds.
    pub wall_ns: u64,
    /// The usage of the process in that time.
    pub usage: Usage,
    /// The runtime's own counters, if the model has a runtime.
    pub runtime: Option<RuntimeUsage>,
    /// The times for which steps waited in the queue of the model's pool; `None` if it has no such queue.
    pub queue_waits: Option<Histogram>,
}

/// Runs every job of the log under a model. Runtimes and pools start before the clock; threads and tasks that a model
/// starts per job are part of the measurement. The thread models start every job by itself, whatever `compose` says.
pub fn run<W: Workload>(
    model: Model,
    compose: Composition,
    workload: Arc<W>,
    log: &Arc<JobLog>,
) -> Result<JobsOutcome, Failure> {
    let budget = ThreadBudget::read();
    let admitted = budget.for_threads(match model {
        Model::Threads => log.len().into(),
        model => threads_at_start(model),
    })?;
    let refusal = |(at, error)| admitted.refusal(at, &error);
    match model {
        Model::Sequential => Ok(threads::run_sequential(&*workload, log)),
        Model::Threads => threads::run_each(&workload, log).map_err(refusal),
        Model::Pool(n) => threads::run_pool(n.get(), &workload, log).map_err(refusal),
        Model::Rayon(n) => Ok(RayonPool::new(n.get(), Arc::default()).map_err(refusal)?.run_jobs(&*workload, log)),
        Model::Async(runtime, pool) => {
            let model = AsyncModel::start(runtime, pool).map_err(refusal)?;
            let outcome = model.with_pool(RunJobs { compose, workload, log }).map_err(refusal)?;
            let queue_waits = model.queue_waits.as_ref().map(|waits| waits.read());
            let outcome = JobsOutcome { queue_waits, ..outcome };
            model.counts.map_or(Ok(()), |counts| admitted.check(&counts)).map(|()| outcome)
        }
        Model::External(_) => Err(Failure::WrongWork { what: "an external server runs no jobs".into() }),
    }
}

/// Returns the time that a model takes for this number of jobs. Suits a bench of your own workload.
pub fn wall<W: Workload>(model: Model, workload: &Arc<W>, jobs: u32) -> Result<Duration, Failure> {
    let outcome = run(model, Composition::Spawn, Arc::clone(workload), &Arc::new(JobLog::new(jobs)))?;
    Ok(Duration::from_nanos(outcome.wall_ns))
}

struct RunJobs<'a, W> {
    compose: Composition,
    workload: Arc<W>,
    log: &'a Arc<JobLog>,
}

impl<W: Workload> UsePool for RunJobs<'_, W> {
    type Output = Result<JobsOutcome, (u64, io::Error)>;

    fn with<P: Pool>(self, model: &AsyncModel, pool: P) -> Self::Output {
        let Self { compose, workload, log } = self;
        match model.kind {
            RuntimeKind::PerCore(_) => per_core::run(model, &pool, compose, &workload, log),
            _ => Ok(tasks::run(model, pool, compose, &workload, log)),
        }
    }
}

/// Serves connections under a model until the server is [stopped](Server::stop) and the last of them has ended.
/// `listeners` are those of [`listen`] for the same model.
pub fn serve<H: Handler>(
    model: Model,
    listeners: Vec<TcpListener>,
    server: Arc<Server>,
    service: Arc<H>,
) -> Result<(), ServeError> {
    let first = || listeners.first().ok_or_else(|| io::Error::other("no listener"));
    match model {
        Model::Sequential => Ok(threads::serve_sequential(first()?, &server, &service)?),
        Model::Threads => Ok(threads::serve_each(first()?, &server, &service, ThreadBudget::read().most())?),
        Model::Pool(n) => threads::serve_pool(n.get(), first()?, &server, &service),
        Model::Async(runtime, pool) => {
            let model = AsyncModel::start(runtime, pool).map_err(ServeError::thread)?;
            server.watches(&model);
            model.with_pool(Serve { listeners, server, service })
        }
        Model::Rayon(_) => Err(io::Error::other("rayon serves no connections").into()),
        Model::External(_) => Err(io::Error::other("an external server opens its own listener").into()),
    }
}

struct Serve<H> {
    listeners: Vec<TcpListener>,
    server: Arc<Server>,
    service: Arc<H>,
}

impl<H: Handler> UsePool for Serve<H> {
    type Output = Result<(), ServeError>;

    fn with<P: Pool>(self, model: &AsyncModel, pool: P) -> Self::Output {
        let Self { mut listeners, server, service } = self;
        match (model.kind, listeners.pop()) {
            (RuntimeKind::PerCore(_), Some(last)) => {
                listeners.push(last);
                per_core::serve(model, &pool, listeners, &server, &service)
            }
            (_, Some(listener)) => Ok(tasks::serve(&model.runtimes[0], pool, listener, server, service, None)?),
            (_, None) => Err(io::Error::other("no listener").into()),
        }
    }
}

/// Calls `report` if tokio panics because the kernel refuses it a thread, on whichever thread that happens: unwinding
/// from there may lose a worker with its tasks, and building a runtime then never returns (tokio-rs/tokio #6167).
pub fn on_refused_thread(report: impl Fn(Failure) + Send + Sync + 'static) {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref().copied());
        match text.filter(|text| text.starts_with("OS can't spawn worker thread")) {
            Some(text) => {
                let at = host::own_threads() + 1;
                report(ServeError::Thread { at, error: io::Error::other(text) }.failure());
            }
            None => usual(info),
        }
    }));
}

/// Checks that this machine allows the threads that a server of this model needs for this number of connections.
pub fn check_server(model: Model, connections: u32) -> Result<(), Failure> {
    let threads = match model {
        Model::Threads => connections.into(),
        model => threads_at_start(model),
    };
    ThreadBudget::read().for_threads(threads).map(drop)
}

/// Checks that the server's runtime got the threads that its work needed.
pub fn check_threads(server: &Server) -> Result<(), Failure> {
    server.thread_counts().map_or(Ok(()), |counts| ThreadBudget::read().for_threads(0)?.check(counts))
}

/// Returns the number of threads that a model starts before the first job or connection.
fn threads_at_start(model: Model) -> u64 {
    match model {
        Model::Pool(n) | Model::Rayon(n) => n.get().into(),
        Model::Async(runtime, pool) => runtime::threads_at_start(runtime, pool),
        Model::Sequential | Model::Threads | Model::External(_) => 0,
    }
}

/// Listens at an address, with the same address reuse and backlog for every model. Returns the listeners that
/// [`serve`] needs: one, or one for each core.
pub fn listen(model: Model, address: SocketAddr) -> io::Result<Vec<TcpListener>> {
    let Model::Async(RuntimeKind::PerCore(n), _) = model else { return Ok(vec![listener(address, Sharing::Alone)?]) };
    if address.port() != 0 {
        // A port that may be shared is also shared with a server that is there already, so this asks for it alone first.
        listener(address, Sharing::Alone)?;
    }
    let first = listener(address, Sharing::Shared)?;
    let address = first.local_addr()?;
    let mut all = vec![first];
    for _ in 1..n.get() {
        all.push(listener(address, Sharing::Shared)?);
    }
    Ok(all)
}

/// Whether other listeners of this process may have the same port.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Alone,
    Shared,
}

fn listener(address: SocketAddr, sharing: Sharing) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Lets a server reuse its port while old connections are in TIME_WAIT. Does not allow two listeners.
    socket.set_reuse_address(true)?;
    // The kernel spreads connections over all listeners of the port, by a hash of the addresses (socket(7)).
    socket.set_reuse_port(sharing == Sharing::Shared)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The reason why a server ended by itself.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The kernel refused a thread that the model needs from the start.
    #[error("thread {at} could not be started: {error}")]
    Thread {
        /// The number of the thread, from 1.
        at: u64,
        /// The kernel's error.
        error: io::Error,
    },
    /// Accepting connections failed, or the model serves none.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ServeError {
    fn thread((at, error): (u64, io::Error)) -> Self {
        Self::Thread { at, error }
    }

    /// Returns the failure of the trial, with the limit that is nearest if the kernel refused a thread.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Thread { at, error } => match ThreadBudget::read().for_threads(0) {
                Ok(admitted) => Admitted { needed: *at, ..admitted }.refusal(*at, error),
                Err(failure) => failure,
            },
            Self::Io(error) => Failure::Refused { what: format!("the server failed: {error}") },
        }
    }
}

/// The number of further threads that this process may start, by each limit.
struct ThreadBudget {
    limits: Vec<host::ThreadLimit>,
}

/// Proof that the thread budget was checked; builds the error if the kernel refuses a thread anyway.
#[derive(Clone)]
struct Admitted {
    needed: u64,
    nearest: Option<host::ThreadLimit>,
}

impl ThreadBudget {
    fn read() -> Self {
        Self { limits: host::thread_limits() }
    }

    /// Returns the maximum number of threads.
    fn most(&self) -> u64 {
        self.limits.first().map_or(u64::MAX, |lowest| lowest.allows)
    }

    fn for_threads(&self, needed: u64) -> Result<Admitted, Failure> {
        match self.limits.first() {
            Some(lowest) if needed > lowest.allows => Err(Failure::ThreadLimit {
                needed,
                limit: lowest.name.clone(),
                value: lowest.value,
                allows: lowest.allows,
            }),
            lowest => Ok(Admitted { needed, nearest: lowest.cloned() }),
        }
    }
}

impl Admitted {
    /// Fails if the runtime lacked threads, and so did less work in parallel than its limit promises.
    fn check(&self, counts: &ThreadCounts) -> Result<(), Failure> {
        counts.missing().map_or(Ok(()), |(started, needed)| {
            let error = io::Error::other(format!(
                "tokio's blocking pool could start only {started} threads, so work had to queue"
            ));
            Err(Self { needed, ..self.clone() }.refusal(started + 1, &error))
        })
    }

    fn refusal(&self, at: u64, error: &io::Error) -> Failure {
        let (limit, value) = match &self.nearest {
            Some(limit) => (limit.name.clone(), limit.value),
            None => ("unknown".into(), 0),
        };
        Failure::ThreadRefused { at, needed: self.needed, error: error.to_string(), limit, value }
    }
}

/// Measures the time and usage of a run.
struct Stopwatch {
    meter: Meter,
}

impl Stopwatch {
    /// Reads the meter, then starts the clock.
    fn start(log: &JobLog) -> Self {
        let meter = Meter::start();
        log.start();
        Self { meter }
    }

    /// Reads the clock, then the meter.
    fn stop(self, log: &JobLog) -> JobsOutcome {
        let wall_ns = log.now();
        JobsOutcome { wall_ns, usage: self.meter.stop(), runtime: None, queue_waits: None }
    }
}
