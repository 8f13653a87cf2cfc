//! Workloads: what a job does, implemented once for blocking threads and once for async tasks.
//!
//! Both implementations of a workload are in one file, do the same work and return the same checksum. Neither spawns
//! anything, and neither calls the other. Implement [`Workload`] for your own code to run it under every model: see
//! `benches/custom.rs`.

mod compute;
#[cfg(feature = "cli")]
mod narrated;
#[cfg(feature = "cli")]
pub mod offload;
mod shared;
#[cfg(feature = "cli")]
mod sleep;
mod steps;
mod traced;

use std::future::Future;

pub use crate::job_log::{Checksum, JobId};
pub use compute::{Computation, calibrate, compute, machine, parallel};
#[cfg(feature = "cli")]
pub use narrated::{Moment, Narrated};
pub use shared::Shared;
#[cfg(feature = "cli")]
pub use sleep::Sleep;
pub use steps::{Step, Steps};
pub use traced::{TracedWorkload, polls};

/// The work of a job, for the blocking models and for the async models.
///
/// Both methods do the same work: blocking code that waits on the thread, and a future that waits without one. Each
/// model calls the method that suits it.
///
/// ```
/// use std::time::Duration;
///
/// use async_vs_threads::{Checksum, JobId, Pool, Workload};
///
/// /// Waits for its input, then adds up some numbers.
/// struct Report;
///
/// const INPUT: Duration = Duration::from_millis(1);
///
/// fn add_up(job: JobId) -> Checksum {
///     Checksum((0..=u64::from(job.0)).sum())
/// }
///
/// impl Workload for Report {
///     fn run_blocking(&self, job: JobId) -> Checksum {
///         std::thread::sleep(INPUT);
///         add_up(job)
///     }
///
///     async fn run_async<P: Pool>(&self, job: JobId, pool: &P) -> Checksum {
///         tokio::time::sleep(INPUT).await;
///         pool.run(move || add_up(job)).await
///     }
/// }
///
/// assert_eq!(Report.run_blocking(JobId(4)), Checksum(10));
/// ```
pub trait Workload: Send + Sync + 'static {
    /// Does the job on the calling thread, and blocks it until the end.
    fn run_blocking(&self, job: JobId) -> Checksum;

    /// Does the same as a future. Work that would block a thread goes to `pool`.
    fn run_async<P: Pool>(&self, job: JobId, pool: &P) -> impl Future<Output = Checksum> + Send;
}

/// The destination of work that would block a task's thread. `benches/primitives.rs` measures the cost of a hand-over.
///
/// The model determines the pool: under `async` the work runs in the task, under `async+blocking` on tokio's blocking
/// pool, under `async+rayon/2` on two rayon threads. A pool for a test of your workload can run it at once:
///
/// ```
/// use async_vs_threads::Pool;
///
/// #[derive(Clone)]
/// struct InTheTask;
///
/// impl Pool for InTheTask {
///     async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
///         work()
///     }
/// }
///
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// assert_eq!(runtime.block_on(InTheTask.run(|| 6 * 7)), 42);
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait Pool: Clone + Send + Sync + 'static {
    /// Runs the work where this pool runs it. The future completes when the work is done.
    fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + Send;
}
