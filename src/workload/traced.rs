//! A workload whose jobs leave spans on the lanes of the threads that work for them. Only in trials that are recorded: it
//! boxes futures and reads the clock, which no measured trial does.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};

use crate::lanes;
use crate::scenario::Model;

use super::{Job, Pool, Receipt, Workload};

/// The workload, and what the threads of the model are called.
#[derive(Debug)]
pub struct Traced<W> {
    inner: Arc<W>,
    model: Model,
}

impl<W> Traced<W> {
    /// As it runs under this model.
    pub fn new(inner: Arc<W>, model: Model) -> Self {
        Self { inner, model }
    }
}

impl<W: Workload> Workload for Traced<W> {
    fn block(&self, job: Job) -> Receipt {
        let name = |k: usize| match self.model {
            Model::Threads => format!("job {job}"),
            Model::Pool(_) => format!("pool {k}"),
            _ => "main".into(),
        };
        lanes::run(&name, job, || self.inner.block(job))
    }

    async fn task<P: Pool>(&self, job: Job, pool: &P) -> Receipt {
        let name = |k: usize| match self.model {
            Model::AsyncWorkers(_) => format!("worker {k}"),
            _ => "main".into(),
        };
        let pool = TracedPool { inner: pool.clone(), model: self.model, job };
        let mut future = pin!(self.inner.task(job, &pool));
        let alarm = Arc::new(Alarm::default());
        poll_fn(|cx| {
            if let Some(since) = alarm.answered() {
                lanes::ready(job, since);
            }
            alarm.is_for(cx.waker());
            let waker = Waker::from(Arc::clone(&alarm));
            lanes::run(&name, job, || future.as_mut().poll(&mut Context::from_waker(&waker)))
        })
        .await
    }
}

/// A waker that knows when it was first called after the last poll.
#[derive(Debug, Default)]
struct Alarm {
    /// Nanoseconds of the recording and one more; 0 for not at all.
    rang: AtomicU64,
    task: Mutex<Option<Waker>>,
}

impl Alarm {
    /// When it was called, if it was; from now on it has not been.
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

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        let _ = self.rang.compare_exchange(0, lanes::now() + 1, Ordering::Relaxed, Ordering::Relaxed);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}

/// The pool, whose threads have lanes of their own; work that is done on the thread that polls stays on that one's.
#[derive(Clone, Debug)]
struct TracedPool<P> {
    inner: P,
    model: Model,
    job: Job,
}

impl<P: Pool> Pool for TracedPool<P> {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (model, job) = (self.model, self.job);
        let name = move |k: usize| match model {
            Model::HybridRayon(_) => format!("rayon {k}"),
            _ => format!("blocking {k}"),
        };
        let is_elsewhere = matches!(model, Model::HybridBlocking | Model::HybridRayon(_));
        self.inner.run(move || if is_elsewhere { lanes::run(&name, job, work) } else { work() }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_tells_when_it_first_rang() {
        let alarm = Arc::new(Alarm::default());
        alarm.is_for(Waker::noop());
        assert_eq!(alarm.answered(), None);
        Arc::clone(&alarm).wake();
        Arc::clone(&alarm).wake();
        assert!(alarm.answered().is_some());
        assert_eq!(alarm.answered(), None);
    }
}
