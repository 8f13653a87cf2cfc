//! `sleep`: every job waits. The least a model can be asked to do, a million times over.

use super::{Checksum, JobId, Pool, Steps, Workload};

/// Jobs that do nothing but their steps.
#[derive(Clone, Debug)]
pub struct Sleep {
    /// What each of them does.
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
