//! `sleep`: every job only waits. The smallest possible job, run up to a million times.

use super::{Checksum, JobId, Pool, Steps, Workload};

/// Jobs that only run their steps.
#[derive(Clone, Debug)]
pub struct Sleep {
    /// The steps of each job.
    pub steps: Steps,
}

impl Workload for Sleep {
    fn run_blocking(&self, _: JobId) -> Checksum {
        self.steps.run_blocking()
    }

    async fn run_async<P: Pool>(&self, _: JobId, pool: &P) -> Checksum {
        self.steps.run_async(pool).await
    }
}
