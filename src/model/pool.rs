//! The destinations of work that would block an async thread: the thread itself, tokio's blocking pool, or rayon.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::lanes;
use crate::workload::Pool;

/// No pool: the polling thread does the work, and every other task on it waits. A hand-over costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct Inline;

impl Pool for Inline {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        work()
    }
}

/// tokio's blocking pool: up to 512 threads, started on demand. A hand-over allocates a task and wakes a thread.
///
/// If the kernel refuses a thread, tokio silently queues the work behind that of other threads (tokio-rs/tokio #8406).
/// So this pool counts the work in progress and the threads that were started.
#[derive(Clone, Debug, Default)]
pub struct BlockingPool(Arc<PoolCounts>);

#[derive(Debug, Default)]
struct PoolCounts {
    /// The number of threads that were started.
    started: AtomicU64,
    /// The number of work items handed over and not done; briefly below 0 if one is done before it is counted.
    under_way: AtomicI64,
    /// The highest value of `under_way`.
    most: AtomicI64,
    /// The number of times that tokio panicked instead of accepting work.
    refused: AtomicU64,
}

/// Counts a refused thread when dropped by a panic: tokio panics if the pool has no thread at all.
struct Refused<'a>(&'a PoolCounts);

impl Drop for Refused<'_> {
    fn drop(&mut self) {
        self.0.refused.fetch_add(1, Ordering::Relaxed);
    }
}

impl BlockingPool {
    /// Counts a thread that the runtime has started for this pool.
    pub(super) fn thread_started(&self) {
        self.0.started.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of threads started and needed for the work in progress; `None` if none were missing.
    pub(super) fn missing(&self) -> Option<(u64, u64)> {
        let most = u64::try_from(self.0.most.load(Ordering::Relaxed)).unwrap_or(0);
        let (started, needed) = (self.0.started.load(Ordering::Relaxed), most.min(super::BLOCKING_THREADS as u64));
        let needed = if self.0.refused.load(Ordering::Relaxed) > 0 { needed.max(started + 1) } else { needed };
        (started < needed).then_some((started, needed))
    }
}

impl Pool for BlockingPool {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (counts, work) = (Arc::clone(&self.0), lanes::carry(work));
        let refused = Refused(&self.0);
        let done = spawn_blocking(move || {
            let outcome = work();
            // The thread is still busy here, so work counted before this point has another thread.
            counts.under_way.fetch_sub(1, Ordering::Relaxed);
            outcome
        });
        std::mem::forget(refused);
        let under_way = self.0.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.most.fetch_max(under_way, Ordering::Relaxed);
        done.await.expect("the work does not panic and the pool outlives it")
    }
}

/// A rayon pool of its own. A hand-over allocates a job and a channel, wakes a rayon thread, and then the thread of the
/// task.
#[derive(Clone, Debug)]
pub struct RayonPool(Arc<ThreadPool>);

impl RayonPool {
    /// Starts this number of threads. The error contains the number of the thread that could not be started, from 1.
    pub fn new(threads: u16) -> Result<Self, (u64, io::Error)> {
        let last = Arc::new(AtomicU64::new(0));
        let named = Arc::clone(&last);
        // rayon requests the name of a thread just before it starts it.
        let builder = ThreadPoolBuilder::new().num_threads(threads.into()).thread_name(move |k| {
            named.store(k as u64 + 1, Ordering::Relaxed);
            format!("rayon {}", k + 1)
        });
        let pool = builder.build().map(|pool| Self(Arc::new(pool)));
        pool.map_err(|error| (last.load(Ordering::Relaxed), io::Error::other(error)))
    }
}

impl Pool for RayonPool {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (sender, receiver) = oneshot::channel();
        // If the task was dropped, the receiver is gone, and the result is discarded.
        let work = lanes::carry(work);
        self.0.spawn(move || drop(sender.send(work())));
        receiver.await.expect("the work does not panic and the pool outlives it")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use tokio::runtime::Builder;

    use super::*;

    /// Returns what a pool of `threads` lacks for this many work items, each of which waits for the others.
    fn missing(pieces: usize, threads: usize) -> Option<(u64, u64)> {
        let pool = BlockingPool::default();
        let counts = pool.clone();
        let mut builder = Builder::new_current_thread();
        builder.on_thread_start(move || counts.thread_started()).max_blocking_threads(threads);
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
        pool.missing()
    }

    #[test]
    fn a_pool_short_of_threads_reports_the_shortage() {
        assert_eq!(missing(4, 4), None);
        assert_eq!(missing(4, 64), None);
        assert_eq!(missing(4, 1), Some((1, 4)));
        assert_eq!(missing(6, 2), Some((2, 6)));
    }

    #[test]
    fn a_pool_without_threads_reports_the_shortage() {
        let pool = BlockingPool::default();
        drop(Refused(&pool.0));
        assert_eq!(pool.missing(), Some((0, 1)));
    }
}
