//! Starts the runtimes and the pool of an async model, and names their threads.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime, RuntimeMetrics};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::histogram::SharedHistogram;
use crate::host;
use crate::record::RuntimeUsage;
use crate::scenario::{PoolKind, RuntimeKind};
use crate::units;
use crate::workload::Pool;

use super::pool::{BlockingPool, InPlace, Inline, RayonPool, RuntimePool, ThreadCounts};

/// The time for which an idle thread of tokio's blocking pool lives: longer than any trial, so that a pool that has a
/// thread keeps one. Work that waits for a thread, and gets none from the kernel, then runs later instead of never.
const KEEP_ALIVE: Duration = Duration::from_secs(24 * 3600);

/// The time that a worker, and the first thread of a blocking pool, gets to start.
const FIRST_THREAD: Duration = Duration::from_secs(5);

/// An async model that was started: its runtimes, and the pool for steps that hold a thread.
pub(super) struct AsyncModel {
    /// One runtime, or one per core.
    pub(super) runtimes: Vec<Runtime>,
    pub(super) kind: RuntimeKind,
    pool: StartedPool,
    /// The threads of the runtimes, and the work that needs them; `None` if no thread is started on demand.
    pub(super) counts: Option<Arc<ThreadCounts>>,
    /// The times for which steps waited in the queue of the pool; `None` if they do not queue.
    pub(super) queue_waits: Option<Arc<SharedHistogram>>,
}

enum StartedPool {
    Inline,
    Blocking(BlockingPool),
    InPlace(InPlace),
    Rayon(RayonPool),
    /// Holds the runtime, which ends when the model does.
    Runtime(RuntimePool, #[expect(dead_code, reason = "held so that the runtime ends when the model does")] Runtime),
}

/// A use of an async model, whatever the type of its pool.
pub(super) trait UsePool {
    type Output;

    /// Uses the runtimes and the pool.
    fn with<P: Pool>(self, model: &AsyncModel, pool: P) -> Self::Output;
}

/// Returns the number of threads that an async model starts at once, before any work.
pub(super) fn threads_at_start(runtime: RuntimeKind, pool: PoolKind) -> u64 {
    let tasks = match runtime {
        RuntimeKind::OneThread => 0,
        RuntimeKind::Workers(n) | RuntimeKind::PerCore(n) => u64::from(n.get()),
    };
    let steps = match pool {
        PoolKind::Inline => 0,
        PoolKind::Blocking(_) | PoolKind::InPlace => runtime.runtimes().into(),
        PoolKind::Rayon(k) | PoolKind::Runtime(k) => k.get().into(),
    };
    tasks + steps
}

impl AsyncModel {
    /// Starts the runtimes and the pool. The error contains the number of the thread that could not be started, from 1.
    pub(super) fn start(kind: RuntimeKind, pool: PoolKind) -> Result<Self, (u64, io::Error)> {
        // tokio panics and then waits forever if the kernel refuses it a worker (tokio-rs/tokio #6167).
        try_threads(threads_at_start(kind, pool))?;
        let counts = match pool {
            // With a runtime per core, all work may be on one of them, so no more threads than its own pool has are missed.
            PoolKind::Blocking(_) | PoolKind::InPlace => Some(pool.most_blocking().into()),
            PoolKind::Inline | PoolKind::Rayon(_) | PoolKind::Runtime(_) => None,
        };
        // The threads of per-core runtimes are the model's own, not the runtime's.
        let workers = if let RuntimeKind::Workers(n) = kind { u64::from(n.get()) } else { 0 };
        let counts = counts.map(|limit| ThreadCounts::new(workers, limit));
        let names = ThreadNames::new(workers, pool);
        let build = |_| {
            let names = Arc::clone(&names);
            let mut builder = match kind {
                RuntimeKind::OneThread | RuntimeKind::PerCore(_) => Builder::new_current_thread(),
                RuntimeKind::Workers(_) => Builder::new_multi_thread(),
            };
            builder.enable_all().thread_name_fn(move || names.next());
            builder.max_blocking_threads(pool.most_blocking() as usize).thread_keep_alive(KEEP_ALIVE);
            let counts = counts.clone();
            start_workers(builder, workers, move || {
                if let Some(counts) = &counts {
                    counts.thread_started();
                }
            })
        };
        let runtimes = (0..kind.runtimes()).map(build).collect::<Result<Vec<Runtime>, _>>()?;
        let waits = Arc::<SharedHistogram>::default();
        let queues = matches!(pool, PoolKind::Blocking(_) | PoolKind::Rayon(_) | PoolKind::Runtime(_));
        let queue_waits = queues.then(|| Arc::clone(&waits));
        let pool = match (pool, &counts) {
            (PoolKind::Blocking(_), Some(counts)) => {
                runtimes.iter().try_for_each(start_blocking).map_err(|error| (workers + 1, error))?;
                StartedPool::Blocking(BlockingPool::new(Arc::clone(counts), waits))
            }
            (PoolKind::InPlace, Some(counts)) => {
                runtimes.iter().try_for_each(start_blocking).map_err(|error| (workers + 1, error))?;
                StartedPool::InPlace(InPlace::new(Arc::clone(counts)))
            }
            (PoolKind::Rayon(k), _) => {
                StartedPool::Rayon(RayonPool::new(k.get(), waits).map_err(|(at, error)| (workers + at, error))?)
            }
            (PoolKind::Runtime(k), _) => {
                let number = AtomicU32::new(1);
                let name = move || format!("runtime {}", number.fetch_add(1, Ordering::Relaxed));
                let mut builder = Builder::new_multi_thread();
                builder.thread_name_fn(name);
                let second = start_workers(builder, k.get().into(), || ());
                let second = second.map_err(|(at, error)| (workers + at, error))?;
                StartedPool::Runtime(RuntimePool::new(&second, waits), second)
            }
            (PoolKind::Inline | PoolKind::Blocking(_) | PoolKind::InPlace, _) => StartedPool::Inline,
        };
        Ok(Self { runtimes, kind, pool, counts, queue_waits })
    }

    /// Calls `usage` with the pool.
    pub(super) fn with_pool<U: UsePool>(&self, usage: U) -> U::Output {
        match &self.pool {
            StartedPool::Inline => usage.with(self, Inline),
            StartedPool::Blocking(pool) => usage.with(self, pool.clone()),
            StartedPool::InPlace(pool) => usage.with(self, pool.clone()),
            StartedPool::Rayon(pool) => usage.with(self, pool.clone()),
            StartedPool::Runtime(pool, _) => usage.with(self, pool.clone()),
        }
    }

    /// Returns the counters of the runtimes that poll tasks, added up.
    pub(super) fn usage(&self) -> RuntimeUsage {
        counted(self.runtimes.iter().map(Runtime::metrics))
    }
}

/// Starts the first thread of a runtime's blocking pool. If the kernel refuses a pool without any its first one, tokio
/// panics, loses the worker that wanted to block in place, or never runs the work (tokio-rs/tokio #8406).
fn start_blocking(runtime: &Runtime) -> io::Result<()> {
    let first = runtime.block_on(async { timeout(FIRST_THREAD, spawn_blocking(|| ())).await });
    first.map_err(|_| io::Error::other("tokio's blocking pool got no thread"))?.map_err(io::Error::other)
}

/// Builds a runtime, and waits until all its workers run. If the kernel refuses it one after [`try_threads`], tokio
/// starts without that worker and never polls some of its tasks; this returns an error instead. Calls `on_start` on each
/// thread of the runtime.
fn start_workers(
    mut builder: Builder,
    workers: u64,
    on_start: impl Fn() + Send + Sync + 'static,
) -> Result<Runtime, (u64, io::Error)> {
    let (started, starts) = mpsc::channel();
    builder.on_thread_start(move || {
        on_start();
        // Nobody counts the threads that start later.
        let _ = started.send(());
    });
    if workers > 0 {
        builder.worker_threads(workers as usize);
    }
    let runtime = builder.build().map_err(|error| (1, error))?;
    for at in 1..=workers {
        if starts.recv_timeout(FIRST_THREAD).is_err() {
            runtime.shutdown_background();
            return Err((at, io::Error::other("tokio's worker did not start")));
        }
    }
    Ok(runtime)
}

/// The names of the threads that runtimes start: workers first, then those of their blocking pools.
struct ThreadNames {
    workers: u64,
    is_in_place: bool,
    started: AtomicU32,
}

impl ThreadNames {
    fn new(workers: u64, pool: PoolKind) -> Arc<Self> {
        Arc::new(Self { workers, is_in_place: pool == PoolKind::InPlace, started: AtomicU32::new(0) })
    }

    fn next(&self) -> String {
        let number = u64::from(self.started.fetch_add(1, Ordering::Relaxed)) + 1;
        // A thread that takes over from one that blocks in place is a worker from then on.
        if number <= self.workers || self.is_in_place {
            format!("worker {number}")
        } else {
            format!("blocking {}", number - self.workers)
        }
    }
}

/// Returns the counters of runtimes, added up.
pub(super) fn counted(all: impl Iterator<Item = RuntimeMetrics>) -> RuntimeUsage {
    let mut sum = RuntimeUsage { workers: 0, busy_ns: 0, parks: 0 };
    for metrics in all {
        sum.workers += metrics.num_workers() as u32;
        for worker in 0..metrics.num_workers() {
            sum.busy_ns += units::nanos(metrics.worker_total_busy_duration(worker));
            sum.parks += metrics.worker_park_count(worker);
        }
    }
    sum
}

/// Checks that this number of threads can be started at the same time; otherwise returns the number of the first that
/// cannot, from 1, and the error. Returns once the kernel no longer counts them.
fn try_threads(threads: u64) -> Result<(), (u64, io::Error)> {
    let before = host::own_threads();
    let tried = thread::scope(|scope| {
        let mut holders = Vec::new();
        for k in 1..=threads {
            let (holder, closed) = mpsc::channel::<()>();
            // All threads exist at the same time, until the channels close at the end of this block.
            let started = thread::Builder::new().spawn_scoped(scope, move || closed.recv().is_ok());
            started.map_err(|error| (k, error))?;
            holders.push(holder);
        }
        Ok(())
    });
    // A thread that has been joined counts for its user's limit until the kernel has released it.
    let since = Instant::now();
    while host::own_threads() > before && since.elapsed() < FIRST_THREAD {
        thread::yield_now();
    }
    tried
}
