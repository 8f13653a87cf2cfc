//! The destinations of work that would hold an async thread: the thread itself, tokio's blocking pool, rayon, or a
//! second runtime.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::{block_in_place, spawn_blocking};

use crate::histogram::SharedHistogram;
use crate::job_log::JobLog;
use crate::lanes;
use crate::scenario::BLOCKING_THREADS;
use crate::units;
use crate::workload::{Pool, Workload};

use super::{JobsOutcome, Stopwatch, threads};

/// No pool: the polling thread does the work, and every other task on it waits. A hand-over costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct Inline;

impl Pool for Inline {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        work()
    }
}

/// Wraps work so that the time until a thread of the pool begins it is recorded. Takes two clock readings and one atomic
/// addition, about 60 ns of the microseconds that a hand-over takes.
fn timed<T>(waits: Arc<SharedHistogram>, work: impl FnOnce() -> T + Send) -> impl FnOnce() -> T + Send {
    let handed_over = Instant::now();
    move || {
        waits.record(units::nanos(handed_over.elapsed()));
        work()
    }
}

/// tokio's blocking pool, whose threads start on demand. A hand-over allocates a task and wakes a thread.
///
/// If the kernel refuses a thread, tokio silently queues the work behind that of other threads (tokio-rs/tokio #8406).
/// So this pool counts the work in progress and the threads that were started.
#[derive(Clone, Debug)]
pub struct BlockingPool {
    counts: Arc<ThreadCounts>,
    waits: Arc<SharedHistogram>,
}

/// `block_in_place`: the polling thread does the work, after it has given the worker's other tasks to a thread of
/// tokio's blocking pool. A hand-over costs a task and, for each worker that blocks at the same time, a thread.
#[derive(Clone, Debug)]
pub struct InPlace(Arc<ThreadCounts>);

/// The threads that a runtime has started, and the work that needs one each.
#[derive(Debug)]
pub(super) struct ThreadCounts {
    /// The number of threads that poll tasks, which need threads of their own.
    workers: u64,
    /// The largest number of threads that may do work at the same time.
    limit: u64,
    /// The number of threads that were started.
    started: AtomicU64,
    /// The number of work items handed over and not done; briefly below 0 if one is done before it is counted.
    under_way: AtomicI64,
    /// The highest value of `under_way`.
    most: AtomicI64,
}

/// The time within which a thread that the kernel has granted begins to run, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(2);

/// The pause between two looks at the number of threads.
const LOOK: Duration = Duration::from_millis(1);

impl ThreadCounts {
    /// Creates counts for a runtime that starts this number of workers, and a pool of at most `limit` threads.
    pub(super) fn new(workers: u64, limit: u64) -> Arc<Self> {
        let (started, under_way, most) = (AtomicU64::new(0), AtomicI64::new(0), AtomicI64::new(0));
        Arc::new(Self { workers, limit, started, under_way, most })
    }

    /// Counts a thread that the runtime has started.
    pub(super) fn thread_started(&self) {
        self.started.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of threads started and needed for the work in progress; `None` if none were missing. Call it
    /// after the measurement: it waits for threads that exist and have not run yet, because others did their work.
    pub(super) fn missing(&self) -> Option<(u64, u64)> {
        self.missing_after(PATIENCE)
    }

    fn missing_after(&self, patience: Duration) -> Option<(u64, u64)> {
        let deadline = Instant::now() + patience;
        loop {
            let most = u64::try_from(self.most.load(Ordering::Relaxed)).unwrap_or(0);
            let (started, needed) = (self.started.load(Ordering::Relaxed), self.workers + most.min(self.limit));
            if started >= needed {
                return None;
            }
            if Instant::now() >= deadline {
                return Some((started, needed));
            }
            thread::sleep(LOOK);
        }
    }

    fn begin(&self) {
        let under_way = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(under_way, Ordering::Relaxed);
    }

    /// Counts work that is done. Its thread is still busy when this is called, so work that was counted before has
    /// another thread.
    fn end(&self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The pool of a runtime whose threads are not counted, for a bench.
impl Default for BlockingPool {
    fn default() -> Self {
        Self::new(ThreadCounts::new(0, BLOCKING_THREADS.into()), Arc::default())
    }
}

impl BlockingPool {
    pub(super) fn new(counts: Arc<ThreadCounts>, waits: Arc<SharedHistogram>) -> Self {
        Self { counts, waits }
    }
}

impl Pool for BlockingPool {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (counts, work) = (Arc::clone(&self.counts), timed(Arc::clone(&self.waits), lanes::carry(work)));
        let done = spawn_blocking(move || {
            let outcome = work();
            counts.end();
            outcome
        });
        self.counts.begin();
        done.await.expect("the work does not panic and the pool outlives it")
    }
}

impl InPlace {
    pub(super) fn new(counts: Arc<ThreadCounts>) -> Self {
        Self(counts)
    }
}

impl Pool for InPlace {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        block_in_place(|| {
            self.0.begin();
            let outcome = work();
            self.0.end();
            outcome
        })
    }
}

/// A second tokio runtime. A hand-over allocates a task and wakes a worker of that runtime, and then the thread of the
/// first task.
#[derive(Clone, Debug)]
pub struct RuntimePool {
    handle: Handle,
    waits: Arc<SharedHistogram>,
}

impl RuntimePool {
    pub(super) fn new(runtime: &Runtime, waits: Arc<SharedHistogram>) -> Self {
        Self { handle: runtime.handle().clone(), waits }
    }
}

impl Pool for RuntimePool {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let work = timed(Arc::clone(&self.waits), lanes::carry(work));
        self.handle.spawn(async move { work() }).await.expect("the work does not panic and the runtime outlives it")
    }
}

/// A rayon pool of its own. A hand-over allocates a job and a channel, wakes a rayon thread, and then the thread of the
/// task.
#[derive(Clone, Debug)]
pub struct RayonPool {
    pool: Arc<ThreadPool>,
    waits: Arc<SharedHistogram>,
}

impl RayonPool {
    /// Starts this number of threads. The error contains the number of the thread that could not be started, from 1.
    pub fn new(threads: u16, waits: Arc<SharedHistogram>) -> Result<Self, (u64, io::Error)> {
        let last = Arc::new(AtomicU64::new(0));
        let named = Arc::clone(&last);
        // rayon requests the name of a thread just before it starts it.
        let builder = ThreadPoolBuilder::new().num_threads(threads.into()).thread_name(move |k| {
            named.store(k as u64 + 1, Ordering::Relaxed);
            format!("rayon {}", k + 1)
        });
        let pool = builder.build().map(|pool| Self { pool: Arc::new(pool), waits });
        pool.map_err(|error| (last.load(Ordering::Relaxed), io::Error::other(error)))
    }
}

impl RayonPool {
    /// Runs the jobs on the threads of this pool: the model `rayon/N`.
    pub(super) fn run_jobs<W: Workload>(&self, workload: &W, log: &JobLog) -> JobsOutcome {
        let stopwatch = Stopwatch::start(log);
        // The calling thread only hands jobs over and waits; the pool takes them in order.
        self.pool.in_place_scope_fifo(|scope| {
            for id in log.jobs() {
                scope.spawn_fifo(move |_| threads::job(workload, log, id));
            }
        });
        stopwatch.stop(log)
    }
}

impl Pool for RayonPool {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (sender, receiver) = oneshot::channel();
        // If the task was dropped, the receiver is gone, and the result is discarded.
        let work = timed(Arc::clone(&self.waits), lanes::carry(work));
        self.pool.spawn(move || drop(sender.send(work())));
        receiver.await.expect("the work does not panic and the pool outlives it")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use tokio::runtime::Builder;

    use super::*;

    /// Returns what a pool lacks of at most `limit` threads if the kernel allows it `threads`, for this many work
    /// items, each of which waits for as many others as there are threads.
    fn missing(pieces: usize, limit: u64, threads: usize) -> Option<(u64, u64)> {
        let counts = ThreadCounts::new(0, limit);
        let pool = BlockingPool::new(Arc::clone(&counts), Arc::default());
        let own_counts = Arc::clone(&counts);
        let mut builder = Builder::new_current_thread();
        builder.on_thread_start(move || own_counts.thread_started()).max_blocking_threads(threads);
        let all_there = Arc::new(Barrier::new(threads.min(pieces)));
        builder.build().unwrap().block_on(async {
            let work = |_| {
                let (pool, all_there) = (pool.clone(), Arc::clone(&all_there));
                async move { pool.run(move || all_there.wait().is_leader()).await }
            };
            let mut all = tokio::task::JoinSet::new();
            let local = tokio::task::LocalSet::new();
            (0..pieces).map(work).for_each(|piece| drop(all.spawn_local_on(piece, &local)));
            local.run_until(all.join_all()).await;
        });
        counts.missing_after(Duration::ZERO)
    }

    #[test]
    fn a_pool_short_of_threads_reports_the_shortage() {
        assert_eq!(missing(4, 512, 4), None);
        assert_eq!(missing(4, 512, 64), None);
        assert_eq!(missing(4, 512, 1), Some((1, 4)));
        assert_eq!(missing(6, 512, 2), Some((2, 6)));
    }

    #[test]
    fn a_pool_at_its_own_limit_reports_no_shortage() {
        assert_eq!(missing(6, 2, 2), None);
        assert_eq!(missing(6, 3, 2), Some((2, 3)));
    }

    #[test]
    fn work_in_place_needs_a_thread_beside_each_worker() {
        let counts = ThreadCounts::new(2, 512);
        (0..2).for_each(|_| counts.thread_started());
        let pool = InPlace::new(Arc::clone(&counts));
        pool.0.begin();
        assert_eq!(counts.missing_after(Duration::ZERO), Some((2, 3)));
        counts.thread_started();
        assert_eq!(counts.missing_after(Duration::ZERO), None);
        pool.0.end();
        pool.0.begin();
        assert_eq!(counts.missing_after(Duration::ZERO), None);
    }

    #[test]
    fn a_thread_that_has_not_run_yet_is_not_missing() {
        let counts = ThreadCounts::new(1, 512);
        counts.thread_started();
        counts.begin();
        assert_eq!(counts.missing_after(Duration::ZERO), Some((1, 2)));
        let late = Arc::clone(&counts);
        let thread = thread::spawn(move || {
            thread::sleep(LOOK * 5);
            late.thread_started();
        });
        assert_eq!(counts.missing(), None, "the wait ends when the thread runs");
        thread.join().unwrap();
    }
}
