//! The three ways in which async code composes jobs: a task each, all joined in one task, or one after the other.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::job_log::{JobId, JobLog};
use crate::scenario::Composition;
use crate::workload::{Pool, Workload};

use super::tasks::{job, join};

/// Runs these jobs: each in a task of its own, or all in this one.
pub(super) async fn run_jobs<W: Workload, P: Pool>(
    jobs: Vec<JobId>,
    compose: Composition,
    pool: P,
    workload: Arc<W>,
    log: Arc<JobLog>,
) {
    match compose {
        Composition::Spawn => {
            let mut handles = Vec::with_capacity(jobs.len());
            for id in jobs {
                let (workload, log, pool) = (Arc::clone(&workload), Arc::clone(&log), pool.clone());
                handles.push(tokio::spawn(async move { job(&*workload, &log, &pool, id).await }));
            }
            join(handles).await;
        }
        Composition::Join => {
            let all = jobs.into_iter().map(|id| job(&*workload, &log, &pool, id));
            drop(join_all(all).await);
        }
        Composition::InTurn => {
            for id in jobs {
                job(&*workload, &log, &pool, id).await;
            }
        }
    }
}
