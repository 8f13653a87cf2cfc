//! Workloads: what a job does, implemented once for blocking threads and once for async tasks.
//!
//! Both implementations of a workload are in one file, do the same work and return the same checksum. Neither spawns
//! anything, and neither calls the other. Implement [`Workload`] for your own code to run it under every model: see
//! `benches/custom.rs`.

mod compute;
mod narrated;
pub mod offload;
mod shared;
mod sleep;
mod steps;
mod traced;

use std::future::Future;

pub use crate::job_log::{Checksum, JobId};
pub use compute::{Computation, calibrate, compute, machine, parallel};
pub use narrated::{Moment, Narrated};
pub use shared::Shared;
pub use sleep::Sleep;
pub use steps::{Step, Steps};
pub use traced::{TracedWorkload, polls};

/// The work of a job, for the blocking models and for the async models.
pub trait Workload: Send + Sync + 'static {
    /// Does the job on the calling thread, and blocks it until the end.
    fn run_blocking(&self, job: JobId) -> Checksum;

    /// Does the same as a future. Work that would block a thread goes to `pool`.
    fn run_async<P: Pool>(&self, job: JobId, pool: &P) -> impl Future<Output = Checksum> + Send;
}

/// The destination of work that would block a task's thread. `benches/primitives.rs` measures the cost of a hand-over.
pub trait Pool: Clone + Send + Sync + 'static {
    /// Runs the work where this pool runs it. The future completes when the work is done.
    fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + Send;
}
