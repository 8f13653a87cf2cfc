//! What a job does, written twice: one face that holds its thread, one that hands it back.
//!
//! Both faces of a workload stand side by side in one file, do the same work and return the same checksum; neither
//! spawns, and neither is the other in a coat. Implement [`Workload`] for your own code and every model runs it:
//! `benches/custom.rs` shows how.

mod compute;
mod narrated;
pub mod offload;
mod sleep;
mod steps;
mod traced;

use std::future::Future;

pub use compute::{Computation, calibrate, compute, machine, parallel};
pub use narrated::{Moment, Narrated};
pub use sleep::Sleep;
pub use steps::{Step, Steps};
pub use traced::{TracedWorkload, polls};

/// Which job of a trial: 0 to jobs - 1.
pub type JobId = u32;

/// What a job says it did: a checksum that is the same whoever did it.
pub type Checksum = u64;

/// What a job does, for the models that block and for the models that await.
pub trait Workload: Send + Sync + 'static {
    /// Does the job on the calling thread and holds it until the end.
    fn run_blocking(&self, job: JobId) -> Checksum;

    /// Does the same as one state machine. What would hold a thread goes to `pool`.
    fn run_async<P: Pool>(&self, job: JobId, pool: &P) -> impl Future<Output = Checksum> + Send;
}

/// Where a task sends work that would hold its thread. What a hand-over costs is measured in `benches/primitives.rs`.
pub trait Pool: Clone + Send + Sync + 'static {
    /// Runs the work where this pool runs it, and is ready when it is done.
    fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + Send;
}
