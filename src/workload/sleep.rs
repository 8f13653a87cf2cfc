//! `sleep`: every job waits. The least a model can be asked to do, a million times over.

use super::{Job, Pool, Receipt, Steps, Workload};

/// Jobs that do nothing but their steps.
#[derive(Clone, Debug)]
pub struct Sleep {
    /// What each of them does.
    pub steps: Steps,
}

impl Workload for Sleep {
    fn block(&self, _: Job) -> Receipt {
        self.steps.block()
    }

    async fn task<P: Pool>(&self, _: Job, pool: &P) -> Receipt {
        self.steps.task(pool).await
    }
}
