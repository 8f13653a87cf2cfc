//! The steps of a job, run in order by blocking or async code.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::lanes::{What, span};
use crate::protocol::Calibration;
use crate::scenario::{LockKind, LockScope, StepsSpec};
use crate::thread_count;

use super::compute::{Computation, compute};
use super::{Checksum, Pool, Shared};

/// One step of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A wait that can be awaited: `thread::sleep` or `tokio::time::sleep`.
    Wait(Duration),
    /// CPU work while the job holds the lock that all jobs share.
    Lock(Locked),
    /// A call that blocks its thread without using a CPU: `thread::sleep` under every model.
    Block(Duration),
    /// CPU work.
    Compute(Computation),
}

/// The work of a job while it holds the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locked {
    kind: LockKind,
    /// A wait before the computation; zero if the lock is not held during the job's wait.
    wait: Duration,
    computation: Computation,
}

/// The steps of a job, in order, and what all jobs share. The default has no steps.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    steps: Vec<Step>,
    shared: Arc<Shared>,
}

impl Steps {
    /// Creates the steps of a spec: wait, lock, block, compute, without those of zero length. All jobs must get the
    /// same `shared`. Returns `None` if the calibration lacks the checksum of a computation.
    pub fn new(spec: &StepsSpec, calibration: &Calibration, shared: Arc<Shared>) -> Option<Self> {
        let computation = |length: Duration| {
            let iterations = calibration.iterations(length);
            Some(Computation { iterations, checksum: Checksum(calibration.checksum(iterations)?) })
        };
        let holds_wait = spec.lock_scope == LockScope::Wait && !spec.lock.is_zero();
        let mut steps = Vec::new();
        if !spec.wait.is_zero() && !holds_wait {
            steps.push(Step::Wait(spec.wait));
        }
        if !spec.lock.is_zero() {
            let wait = if holds_wait { spec.wait } else { Duration::ZERO };
            steps.push(Step::Lock(Locked { kind: spec.lock_kind, wait, computation: computation(spec.lock)? }));
        }
        if !spec.block.is_zero() {
            steps.push(Step::Block(spec.block));
        }
        if !spec.compute.is_zero() {
            steps.push(Step::Compute(computation(spec.compute)?));
        }
        Some(Self { steps, shared })
    }

    /// Returns the expected checksum: the sum of the checksums of all steps.
    pub fn checksum(&self) -> Checksum {
        let checksum = |step: &Step| match step {
            Step::Compute(computation) | Step::Lock(Locked { computation, .. }) => computation.checksum,
            Step::Wait(_) | Step::Block(_) => Checksum::default(),
        };
        self.steps.iter().map(checksum).sum()
    }

    /// Returns whether there are no steps.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns what all jobs share.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Runs all steps on the calling thread, with a permit if their number is limited.
    pub fn run_blocking(&self) -> Checksum {
        let _permit = self.shared.permit_blocking();
        let mut checksum = Checksum::default();
        for step in &self.steps {
            match *step {
                Step::Wait(length) => span(What::Wait, || thread::sleep(length)),
                Step::Lock(Locked { wait, computation, .. }) => {
                    let _held = self.shared.lock_blocking();
                    if !wait.is_zero() {
                        span(What::Wait, || thread::sleep(wait));
                    }
                    checksum += span(What::Compute, || compute(computation.iterations));
                }
                Step::Block(length) => span(What::Block, || thread::sleep(length)),
                Step::Compute(computation) => checksum += span(What::Compute, || compute(computation.iterations)),
            }
        }
        checksum
    }

    /// Runs all steps as a future, with a permit if their number is limited: yields the thread during waits, and hands
    /// work that would block it to the pool.
    pub async fn run_async<P: Pool>(&self, pool: &P) -> Checksum {
        let _permit = self.shared.permit_async().await;
        let mut checksum = Checksum::default();
        for step in &self.steps {
            match *step {
                Step::Wait(length) => {
                    tokio::time::sleep(length).await;
                    thread_count::mark_current();
                }
                Step::Lock(locked) => checksum += self.run_locked(locked, pool).await,
                Step::Block(length) => pool.run(counted(move || span(What::Block, || thread::sleep(length)))).await,
                Step::Compute(computation) => {
                    let work = counted(move || span(What::Compute, || compute(computation.iterations)));
                    checksum += pool.run(work).await;
                }
            }
        }
        checksum
    }

    async fn run_locked<P: Pool>(&self, locked: Locked, pool: &P) -> Checksum {
        let Locked { kind, wait, computation } = locked;
        let work = move || span(What::Compute, || compute(computation.iterations));
        match kind {
            LockKind::Std => {
                // Waiting for this lock blocks a thread, so that is the pool's work as well.
                let shared = Arc::clone(&self.shared);
                let locked_work = move || {
                    let _held = shared.lock_blocking();
                    work()
                };
                pool.run(counted(locked_work)).await
            }
            LockKind::Tokio => {
                let _held = self.shared.lock_async().await;
                if !wait.is_zero() {
                    tokio::time::sleep(wait).await;
                    thread_count::mark_current();
                }
                pool.run(counted(work)).await
            }
        }
    }
}

/// Wraps work so that the thread that runs it is counted.
fn counted<T>(work: impl FnOnce() -> T + Send) -> impl FnOnce() -> T + Send {
    move || {
        thread_count::mark_current();
        work()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: StepsSpec = StepsSpec {
        wait: Duration::ZERO,
        block: Duration::from_nanos(1),
        compute: Duration::from_micros(1),
        lock: Duration::from_micros(2),
        lock_kind: LockKind::Std,
        lock_scope: LockScope::Step,
        permits: Some(1),
    };

    fn steps(spec: &StepsSpec) -> Option<Steps> {
        let checksums = [1_000, 2_000].map(|iterations| (iterations, compute(iterations).0)).to_vec();
        Steps::new(spec, &Calibration { iterations_per_s: 1_000_000_000, checksums }, Shared::new(spec.permits))
    }

    #[test]
    fn steps_of_zero_length_are_left_out_and_unknown_checksums_refused() {
        let steps = steps(&SPEC).unwrap();
        assert_eq!(steps.steps.len(), 3);
        assert_eq!(steps.run_blocking(), steps.checksum());
        assert_eq!(steps.shared().permit_waits().map(|waits| waits.len()), Some(1));
        assert!(Steps::new(&SPEC, &Calibration::default(), Shared::new(None)).is_none());
    }

    #[test]
    fn a_lock_that_is_held_during_the_wait_contains_it() {
        let wait = Duration::from_millis(1);
        let steps = steps(&StepsSpec { wait, lock_scope: LockScope::Wait, ..SPEC }).unwrap();
        assert!(matches!(steps.steps[0], Step::Lock(Locked { wait: held, .. }) if held == wait), "{steps:?}");
    }
}
