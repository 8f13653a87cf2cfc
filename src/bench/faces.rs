//! Work of which only the blocking or only the async version exists.

use std::future::Future;
use std::sync::Arc;

use crate::scenario::{Model, PoolKind};
use crate::workload::{Checksum, JobId, Pool, Workload};

/// The versions of a workload that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Faces {
    Both,
    Blocking,
    Async,
}

impl Faces {
    /// Returns whether the workload can run under this model.
    pub(super) fn allow(self, model: Model) -> bool {
        match (self, model) {
            (_, Model::External(_)) => false,
            (Self::Both, _) => true,
            (Self::Blocking, Model::Async(_, pool)) => pool != PoolKind::Inline,
            (Self::Blocking, _) => true,
            (Self::Async, model) => matches!(model, Model::Async(..)),
        }
    }

    /// Returns why other models are left out.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Both => "no server is started for a workload",
            Self::Blocking => "the work is blocking code, which only threads and pools can run",
            Self::Async => "the work is a future, which only async models can run",
        }
    }
}

/// Blocking code, which an async model hands to its pool.
pub(super) struct BlockingOnly<J>(pub(super) Arc<J>);

impl<J: Fn(JobId) -> Checksum + Send + Sync + 'static> Workload for BlockingOnly<J> {
    fn run_blocking(&self, job: JobId) -> Checksum {
        (self.0)(job)
    }

    async fn run_async<P: Pool>(&self, job: JobId, pool: &P) -> Checksum {
        let work = Arc::clone(&self.0);
        pool.run(move || work(job)).await
    }
}

/// Futures, which only an async model can run.
pub(super) struct AsyncOnly<J>(pub(super) J);

impl<J, F> Workload for AsyncOnly<J>
where
    J: Fn(JobId) -> F + Send + Sync + 'static,
    F: Future<Output = Checksum> + Send,
{
    fn run_blocking(&self, _job: JobId) -> Checksum {
        unreachable!("the models that run blocking code are left out")
    }

    async fn run_async<P: Pool>(&self, job: JobId, _pool: &P) -> Checksum {
        (self.0)(job).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_does_not_exist_excludes_models() {
        for (name, blocking, future) in [
            ("sequential", true, false),
            ("threads", true, false),
            ("pool/2", true, false),
            ("rayon/2", true, false),
            ("async", false, true),
            ("async/2", false, true),
            ("async+blocking", true, true),
            ("async/2+in-place", true, true),
            ("external", false, false),
        ] {
            let model: Model = name.parse().unwrap();
            assert_eq!((Faces::Blocking.allow(model), Faces::Async.allow(model)), (blocking, future), "{name}");
            assert_eq!(Faces::Both.allow(model), name != "external");
        }
    }
}
