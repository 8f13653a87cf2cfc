//! Jobs that report each moment of their work, for `avt run --narrate`. Never measured.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::offload::Offload;
use super::{Checksum, JobId, Pool, Workload};

/// A moment of a job, reported on the thread where it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The heartbeat beats. Holds the number of the beat, from 1.
    Beat(u32),
    /// A thread begins work that blocks it.
    Begins(JobId),
    /// The work is done. Holds its duration.
    Ends(JobId, Duration),
}

type MomentListener = Arc<dyn Fn(Moment) + Send + Sync>;

/// The workload `offload`, with every moment reported to a listener.
pub struct Narrated {
    offload: Offload,
    listener: MomentListener,
}

impl Narrated {
    /// Creates the workload. The listener is called on the thread of each moment.
    pub fn new(offload: Offload, listener: impl Fn(Moment) + Send + Sync + 'static) -> Self {
        Self { offload, listener: Arc::new(listener) }
    }
}

impl fmt::Debug for Narrated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Narrated").field("offload", &self.offload).finish_non_exhaustive()
    }
}

impl Workload for Narrated {
    fn run_blocking(&self, job: JobId) -> Checksum {
        match &self.offload.heartbeat {
            Some(heartbeat) if job == JobId(0) => heartbeat.run_blocking(|k| (self.listener)(Moment::Beat(k + 1))),
            _ => narrate(job, &self.listener, || self.offload.steps.run_blocking()),
        }
    }

    async fn run_async<P: Pool>(&self, job: JobId, pool: &P) -> Checksum {
        match &self.offload.heartbeat {
            Some(heartbeat) if job == JobId(0) => heartbeat.run_async(|k| (self.listener)(Moment::Beat(k + 1))).await,
            _ => {
                let pool = NarratedPool { job, pool: pool.clone(), listener: Arc::clone(&self.listener) };
                self.offload.steps.run_async(&pool).await
            }
        }
    }
}

/// A pool that reports the beginning and end of work, on the thread that does it.
#[derive(Clone)]
struct NarratedPool<P> {
    job: JobId,
    pool: P,
    listener: MomentListener,
}

impl<P: Pool> Pool for NarratedPool<P> {
    fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + Send {
        let (job, listener) = (self.job, Arc::clone(&self.listener));
        self.pool.run(move || narrate(job, &listener, work))
    }
}

fn narrate<T>(job: JobId, listener: &MomentListener, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    listener(Moment::Begins(job));
    let done = work();
    listener(Moment::Ends(job, began.elapsed()));
    done
}
