//! Jobs that say what they do while they do it, for `avt run --narrate`. Nothing of it is measured.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::offload::Offload;
use super::{Job, Pool, Receipt, Workload};

/// What a job has to say, on the thread that it is said from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The heartbeat beats, for the how manieth time.
    Beat(u32),
    /// A thread begins what holds it.
    Begins(Job),
    /// It is done, after so long.
    Ends(Job, Duration),
}

type Listener = Arc<dyn Fn(Moment) + Send + Sync>;

/// `offload`, told moment by moment.
pub struct Narrated {
    offload: Offload,
    listener: Listener,
}

impl Narrated {
    /// The same jobs, with somebody who listens.
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
    fn block(&self, job: Job) -> Receipt {
        match &self.offload.heartbeat {
            Some(heartbeat) if job == 0 => heartbeat.block(|k| (self.listener)(Moment::Beat(k + 1))),
            _ => told(job, &self.listener, || self.offload.steps.block()),
        }
    }

    async fn task<P: Pool>(&self, job: Job, pool: &P) -> Receipt {
        match &self.offload.heartbeat {
            Some(heartbeat) if job == 0 => heartbeat.task(|k| (self.listener)(Moment::Beat(k + 1))).await,
            _ => {
                let pool = Told { job, pool: pool.clone(), listener: Arc::clone(&self.listener) };
                self.offload.steps.task(&pool).await
            }
        }
    }
}

/// A pool that says when it begins and when it is done, on the thread where it does it.
#[derive(Clone)]
struct Told<P> {
    job: Job,
    pool: P,
    listener: Listener,
}

impl<P: Pool> Pool for Told<P> {
    fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + Send {
        let (job, listener) = (self.job, Arc::clone(&self.listener));
        self.pool.run(move || told(job, &listener, work))
    }
}

fn told<T>(job: Job, listener: &Listener, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    listener(Moment::Begins(job));
    let done = work();
    listener(Moment::Ends(job, began.elapsed()));
    done
}
