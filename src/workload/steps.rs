//! The steps a job is made of, done in order by either face.

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
    /// A call that holds its thread without using a CPU: `thread::sleep` under every model.
    Block(Duration),
    /// CPU work.
    Compute(Computation),
}

/// What a job does, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps(Vec<Step>);

impl Steps {
    /// The steps of a spec: wait, block, compute, without those of no length. `None` when the calibration does not know
    /// the checksum of a computation.
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
            steps.push(Step::Compute(Computation { iterations, checksum: calibration.checksum(iterations)? }));
        }
        Some(Self(steps))
    }

    /// What either face must return: the sum of all checksums.
    pub fn checksum(&self) -> Checksum {
        let checksum = |step: &Step| match step {
            Step::Compute(computation) => computation.checksum,
            Step::Wait(_) | Step::Block(_) => 0,
        };
        self.0.iter().map(checksum).fold(0, Checksum::wrapping_add)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Does them all on the calling thread.
    pub fn run_blocking(&self) -> Checksum {
        let mut checksum: Checksum = 0;
        for step in &self.0 {
            match *step {
                Step::Wait(length) => span(What::Wait, || thread::sleep(length)),
                Step::Block(length) => span(What::Block, || thread::sleep(length)),
                Step::Compute(computation) => {
                    checksum = checksum.wrapping_add(span(What::Compute, || compute(computation.iterations)));
                }
            }
        }
        checksum
    }

    /// Does them all, handing the thread back while it waits and leaving to the pool what would hold it.
    pub async fn run_async<P: Pool>(&self, pool: &P) -> Checksum {
        let mut checksum: Checksum = 0;
        for step in &self.0 {
            match *step {
                Step::Wait(length) => {
                    tokio::time::sleep(length).await;
                    thread_count::mark_current();
                }
                Step::Block(length) => pool.run(counted(move || span(What::Block, || thread::sleep(length)))).await,
                Step::Compute(computation) => {
                    let work = counted(move || span(What::Compute, || compute(computation.iterations)));
                    checksum = checksum.wrapping_add(pool.run(work).await);
                }
            }
        }
        checksum
    }
}

/// The work, with the thread it lands on counted.
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
    fn steps_of_no_length_are_left_out_and_checksums_are_known() {
        let calibration = Calibration { iterations_per_s: 1_000_000_000, checksums: vec![(1_000, compute(1_000))] };
        let steps = Steps::new(&SPEC, &calibration).unwrap();
        assert_eq!(steps.0.len(), 2);
        assert_eq!(steps.run_blocking(), steps.checksum());
        assert_eq!(Steps::new(&SPEC, &Calibration::default()), None);
    }
}
