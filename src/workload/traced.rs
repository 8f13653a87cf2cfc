//! Jobs that record spans on the lanes of the threads that run them. Only for trials that are recorded: it boxes wakers
//! and reads the clock, which no measured trial does.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};

use crate::lanes;

use super::{Checksum, JobId, Pool, Workload};

/// A workload whose jobs record spans.
#[derive(Debug)]
pub struct TracedWorkload<W>(pub Arc<W>);

impl<W: Workload> Workload for TracedWorkload<W> {
    fn run_blocking(&self, job: JobId) -> Checksum {
        lanes::run(job.0, || self.0.run_blocking(job))
    }

    async fn run_async<P: Pool>(&self, job: JobId, pool: &P) -> Checksum {
        polls(job, self.0.run_async(job, pool)).await
    }
}

/// Runs a job's future and records a span for each poll, and for each time between a wake-up and the next poll.
pub async fn polls<F: Future>(job: JobId, future: F) -> F::Output {
    let mut future = pin!(future);
    let timed = Arc::new(TimedWaker::default());
    poll_fn(|cx| {
        if let Some(since) = timed.answered() {
            lanes::ready(job.0, since);
        }
        timed.is_for(cx.waker());
        let waker = Waker::from(Arc::clone(&timed));
        lanes::run(job.0, || future.as_mut().poll(&mut Context::from_waker(&waker)))
    })
    .await
}

/// A waker that records when it was first called after the last poll.
#[derive(Debug, Default)]
struct TimedWaker {
    /// Nanoseconds of the recording plus 1; 0 if not called.
    rang: AtomicU64,
    task: Mutex<Option<Waker>>,
}

impl TimedWaker {
    /// Returns when the waker was called, if it was, and resets it.
    fn answered(&self) -> Option<u64> {
        self.rang.swap(0, Ordering::Relaxed).checked_sub(1)
    }

    fn is_for(&self, waker: &Waker) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(|known| !known.will_wake(waker)) {
            *task = Some(waker.clone());
        }
    }
}

impl Wake for TimedWaker {
    fn wake(self: Arc<Self>) {
        let _ = self.rang.compare_exchange(0, lanes::now() + 1, Ordering::Relaxed, Ordering::Relaxed);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timed_waker_records_its_first_wake_up() {
        let timed = Arc::new(TimedWaker::default());
        timed.is_for(Waker::noop());
        assert_eq!(timed.answered(), None);
        Arc::clone(&timed).wake();
        Arc::clone(&timed).wake();
        assert!(timed.answered().is_some());
        assert_eq!(timed.answered(), None);
    }
}
