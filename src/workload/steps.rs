//! The steps of a job, run in order by blocking or async code.

use std::thread;
use std::time::Duration;

use crate::lanes::{What, span};
use crate::protocol::Calibration;
use crate::scenario::StepsSpec;
use crate::thread_count;

use super::compute::{Computation, compute};
use super::{Checksum, Pool};

/// One step of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A wait that can be awaited: `thread::sleep` or `tokio::time::sleep`.
    Wait(Duration),
    /// A call that blocks its thread without using a CPU: `thread::sleep` under every model.
    Block(Duration),
    /// CPU work.
    Compute(Computation),
}

/// The steps of a job, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps(Vec<Step>);

impl Steps {
    /// Creates the steps of a spec: wait, block, compute, without those of zero length. Returns `None` if the
    /// calibration lacks the checksum of a computation.
    pub fn new(spec: &StepsSpec, calibration: &Calibration) -> Option<Self> {
        let mut steps = Vec::new();
        if !spec.wait.is_zero() {
            steps.push(Step::Wait(spec.wait));
        }
        if !spec.block.is_zero() {
            steps.push(Step::Block(spec.block));
        }
        if !spec.compute.is_zero() {
            let iterations = calibration.iterations(spec.compute);
            steps
                .push(Step::Compute(Computation { iterations, checksum: Checksum(calibration.checksum(iterations)?) }));
        }
        Some(Self(steps))
    }

    /// Returns the expected checksum: the sum of the checksums of all steps.
    pub fn checksum(&self) -> Checksum {
        let checksum = |step: &Step| match step {
            Step::Compute(computation) => computation.checksum,
            Step::Wait(_) | Step::Block(_) => Checksum::default(),
        };
        self.0.iter().map(checksum).sum()
    }

    /// Returns whether there are no steps.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Runs all steps on the calling thread.
    pub fn run_blocking(&self) -> Checksum {
        let mut checksum = Checksum::default();
        for step in &self.0 {
            match *step {
                Step::Wait(length) => span(What::Wait, || thread::sleep(length)),
                Step::Block(length) => span(What::Block, || thread::sleep(length)),
                Step::Compute(computation) => {
                    checksum += span(What::Compute, || compute(computation.iterations));
                }
            }
        }
        checksum
    }

    /// Runs all steps as a future: yields the thread during waits, and hands work that would block it to the pool.
    pub async fn run_async<P: Pool>(&self, pool: &P) -> Checksum {
        let mut checksum = Checksum::default();
        for step in &self.0 {
            match *step {
                Step::Wait(length) => {
                    tokio::time::sleep(length).await;
                    thread_count::mark_current();
                }
                Step::Block(length) => pool.run(counted(move || span(What::Block, || thread::sleep(length)))).await,
                Step::Compute(computation) => {
                    let work = counted(move || span(What::Compute, || compute(computation.iterations)));
                    checksum += pool.run(work).await;
                }
            }
        }
        checksum
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

    const SPEC: StepsSpec =
        StepsSpec { wait: Duration::ZERO, block: Duration::from_nanos(1), compute: Duration::from_micros(1) };

    #[test]
    fn steps_of_zero_length_are_left_out_and_unknown_checksums_refused() {
        let calibration = Calibration { iterations_per_s: 1_000_000_000, checksums: vec![(1_000, compute(1_000).0)] };
        let steps = Steps::new(&SPEC, &calibration).unwrap();
        assert_eq!(steps.0.len(), 2);
        assert_eq!(steps.run_blocking(), steps.checksum());
        assert_eq!(Steps::new(&SPEC, &Calibration::default()), None);
    }
}
