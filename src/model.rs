//! The concurrency models, which run jobs and serve connections.
//!
//! `threads.rs` and `tasks.rs` are twins: the same functions in the same order under the same names, one with OS
//! threads that block, the other with tasks that yield their thread. Their diff is the difference between the models,
//! and nothing else. The hybrid models are `tasks.rs` with another [`Pool`](crate::workload::Pool).

mod accept;
mod pool;
mod read_deadlines;
mod read_timer;
mod rejected;
mod server;
mod tasks;
mod threads;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::runtime::{Builder, Runtime, RuntimeMetrics};

use crate::host;
use crate::job_log::JobLog;
use crate::record::{Failure, RuntimeUsage};
use crate::scenario::Model;
use crate::units;
use crate::usage::{Meter, Usage};
use crate::workload::Workload;

pub use pool::{BlockingPool, Inline, RayonPool};
pub use read_deadlines::Timeouts;
pub use server::{Server, Tally};

/// The backlog of listening sockets: connections that the kernel holds until the server accepts them. With the 128 of
/// std and mio, SYNs are dropped when a thousand clients connect at once, which shows as outliers of a second.
pub const BACKLOG: i32 = 4096;

/// The maximum number of threads in tokio's blocking pool: its default, made explicit.
const BLOCKING_THREADS: usize = 512;

/// The time and the number of reads for which a closing connection waits for its peer to close too.
const LINGER: Linger = Linger { time: Duration::from_millis(500), reads: 64 };

struct Linger {
    time: Duration,
    reads: u32,
}

/// The outcome of running all jobs under a model. The [`JobLog`] holds the times of each job.
#[derive(Clone, Copy, Debug)]
pub struct JobsOutcome {
    /// Time from the start until the last job was joined, nanoseconds.
    pub wall_ns: u64,
    /// The usage of the process in that time.
    pub usage: Usage,
    /// The runtime's own counters, if the model has a runtime.
    pub runtime: Option<RuntimeUsage>,
}

/// Runs every job of the log under a model. Runtimes and pools start before the clock; threads and tasks that a model
/// starts per job are part of the measurement.
pub fn run<W: Workload>(model: Model, workload: Arc<W>, log: &Arc<JobLog>) -> Result<JobsOutcome, Failure> {
    let budget = ThreadBudget::read();
    match model {
        Model::Sequential => Ok(threads::run_sequential(&*workload, log)),
        Model::Threads => threads::run_each(&workload, log, &budget.for_threads(u64::from(log.len()))?),
        Model::Pool(n) => threads::run_pool(n.get(), &workload, log, &budget.for_threads(u64::from(n.get()))?),
        Model::Async => Ok(tasks::run(&one_thread().map_err(refused)?, Inline, &workload, log)),
        Model::AsyncWorkers(n) => {
            let admitted = budget.for_threads(u64::from(n.get()))?;
            try_threads(n.get()).map_err(|(at, error)| admitted.refusal(at, &error))?;
            Ok(tasks::run(&many_threads(n.get()).map_err(refused)?, Inline, &workload, log))
        }
        Model::HybridBlocking => {
            let admitted = budget.for_threads(1)?;
            let (runtime, pool) = blocking_threads().map_err(refused)?;
            let outcome = tasks::run(&runtime, pool.clone(), &workload, log);
            admitted.check_pool(&pool).map(|()| outcome)
        }
        Model::HybridRayon(n) => {
            let admitted = budget.for_threads(u64::from(n.get()))?;
            let pool = RayonPool::new(n.get()).map_err(|(at, error)| admitted.refusal(at, &error))?;
            Ok(tasks::run(&one_thread().map_err(refused)?, pool, &workload, log))
        }
        Model::External => Err(Failure::WrongWork { what: "an external server runs no jobs".into() }),
    }
}

/// Returns the time that a model takes for this number of jobs. Suits a bench of your own workload.
pub fn wall<W: Workload>(model: Model, workload: &Arc<W>, jobs: u32) -> Result<Duration, Failure> {
    let outcome = run(model, Arc::clone(workload), &Arc::new(JobLog::new(jobs)))?;
    Ok(Duration::from_nanos(outcome.wall_ns))
}

/// Serves connections under a model until the server is [stopped](Server::stop) and the last of them has ended.
pub fn serve(model: Model, listener: TcpListener, server: Arc<Server>) -> io::Result<()> {
    match model {
        Model::Sequential => threads::serve_sequential(&listener, &server),
        Model::Threads => threads::serve_each(&listener, &server, ThreadBudget::read().most()),
        Model::Pool(n) => threads::serve_pool(n.get(), &listener, &server),
        Model::Async => tasks::serve(&one_thread()?, Inline, listener, server),
        Model::AsyncWorkers(n) => {
            try_threads(n.get()).map_err(not_started)?;
            tasks::serve(&many_threads(n.get())?, Inline, listener, server)
        }
        Model::HybridBlocking => {
            let (runtime, pool) = blocking_threads()?;
            server.hands_over_to(&pool);
            tasks::serve(&runtime, pool, listener, server)
        }
        Model::HybridRayon(n) => {
            let pool = RayonPool::new(n.get()).map_err(not_started)?;
            tasks::serve(&one_thread()?, pool, listener, server)
        }
        Model::External => Err(io::Error::other("an external server opens its own listener")),
    }
}

/// Checks that this machine allows the threads that a server of this model needs for this number of connections.
pub fn check_server(model: Model, connections: u32) -> Result<(), Failure> {
    let threads = match model {
        Model::Threads => u64::from(connections),
        Model::HybridBlocking => 1,
        _ => 0,
    };
    ThreadBudget::read().for_threads(threads).map(drop)
}

/// Checks that the server's blocking pool got the threads that its work needed.
pub fn check_pool(server: &Server) -> Result<(), Failure> {
    server.pool().map_or(Ok(()), |pool| ThreadBudget::read().for_threads(0)?.check_pool(pool))
}

/// Listens at an address, with the same address reuse and backlog for every model.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Lets a server reuse its port while old connections are in TIME_WAIT. Does not allow two listeners.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn one_thread() -> io::Result<Runtime> {
    started(Builder::new_current_thread(), "blocking")
}

/// Builds a runtime with one thread, and its blocking pool, which counts the threads that this runtime starts.
fn blocking_threads() -> io::Result<(Runtime, BlockingPool)> {
    let pool = BlockingPool::default();
    let counts = pool.clone();
    let mut builder = Builder::new_current_thread();
    builder.on_thread_start(move || counts.thread_started());
    Ok((started(builder, "blocking")?, pool))
}

/// Builds a runtime with this number of workers. [`try_threads`] must have succeeded before.
fn many_threads(workers: u16) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers.into());
    started(builder, "worker")
}

/// Builds a runtime whose threads are numbered. A runtime with workers gets no blocking work.
fn started(mut builder: Builder, threads: &'static str) -> io::Result<Runtime> {
    let number = AtomicU32::new(1);
    let name = move || format!("{threads} {}", number.fetch_add(1, Ordering::Relaxed));
    builder.enable_all().thread_name_fn(name).max_blocking_threads(BLOCKING_THREADS).build()
}

/// Returns the runtime's counters.
fn counted(metrics: &RuntimeMetrics) -> RuntimeUsage {
    let workers = 0..metrics.num_workers();
    RuntimeUsage {
        workers: metrics.num_workers() as u32,
        busy_ns: workers.clone().map(|worker| units::nanos(metrics.worker_total_busy_duration(worker))).sum(),
        parks: workers.map(|worker| metrics.worker_park_count(worker)).sum(),
    }
}

/// Checks that this number of threads can be started at the same time; otherwise returns the number of the first that
/// cannot, from 1, and the error. tokio panics and then waits forever if the kernel refuses it a worker
/// (tokio-rs/tokio#6167).
fn try_threads(threads: u16) -> Result<(), (u64, io::Error)> {
    thread::scope(|scope| {
        let mut holders = Vec::new();
        for k in 1..=threads {
            let (holder, closed) = mpsc::channel::<()>();
            // All threads exist at the same time, until the channels close at the end of this block.
            let started = thread::Builder::new().spawn_scoped(scope, move || closed.recv().is_ok());
            started.map_err(|error| (u64::from(k), error))?;
            holders.push(holder);
        }
        Ok(())
    })
}

/// Returns the error for a server's thread that could not be started.
fn not_started((at, error): (u64, io::Error)) -> io::Error {
    io::Error::new(error.kind(), format!("thread {at} could not be started: {error}"))
}

fn refused(error: io::Error) -> Failure {
    Failure::Refused { what: error.to_string() }
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
    /// Fails if the pool lacked threads, and so did less work in parallel than its limit promises.
    fn check_pool(&self, pool: &BlockingPool) -> Result<(), Failure> {
        pool.missing().map_or(Ok(()), |(started, needed)| {
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
        JobsOutcome { wall_ns, usage: self.meter.stop(), runtime: None }
    }
}
