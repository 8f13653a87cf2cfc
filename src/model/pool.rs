//! Where the async models send work that would hold their thread: nowhere, to tokio's blocking pool, or to rayon.

use std::io;
use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::lanes;
use crate::workload::Pool;

/// Nowhere: the work is done on the thread that polls, and everyone else on it waits. Costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct Inline;

impl Pool for Inline {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        work()
    }
}

/// tokio's blocking pool: up to 512 threads, started on demand. A hand-over allocates a task and wakes a thread.
#[derive(Clone, Copy, Debug)]
pub struct BlockingPool;

impl Pool for BlockingPool {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        spawn_blocking(lanes::carry(work)).await.expect("the work does not panic and the pool outlives it")
    }
}

/// A rayon pool of its own. A hand-over allocates a job and a channel, and wakes a thread twice.
#[derive(Clone, Debug)]
pub struct RayonPool(Arc<ThreadPool>);

impl RayonPool {
    /// Starts so many threads.
    pub fn new(threads: u16) -> io::Result<Self> {
        let builder = ThreadPoolBuilder::new().num_threads(threads.into()).thread_name(|k| format!("rayon {}", k + 1));
        builder.build().map(|pool| Self(Arc::new(pool))).map_err(io::Error::other)
    }
}

impl Pool for RayonPool {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (sender, receiver) = oneshot::channel();
        // The receiver is gone when the task was dropped; then nobody wants the answer.
        let work = lanes::carry(work);
        self.0.spawn(move || drop(sender.send(work())));
        receiver.await.expect("the work does not panic and the pool outlives it")
    }
}
