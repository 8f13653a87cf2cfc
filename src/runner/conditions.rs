//! Conditions of the machine during a trial: whether anything else used its CPUs.

use std::time::Duration;

use crate::host;
use crate::record::{Conditions, Run};
use crate::scenario::{Machine, Model, Work};
use crate::units;
use crate::usage::StealMeter;

/// The shortest computation whose CPU time is compared with the calibration. Starting a thread for it takes about 20
/// us, which must be negligible.
const LONG_ENOUGH: Duration = Duration::from_millis(10);

/// Observes the machine from before a trial until after it.
#[derive(Debug)]
pub(super) struct Lookout {
    throttled_ns: Option<u64>,
    steal: StealMeter,
}

impl Lookout {
    /// Reads the counters before a trial.
    pub(super) fn begin() -> Self {
        Self { throttled_ns: host::throttled_ns(&[std::process::id()]), steal: StealMeter::start() }
    }

    /// Reads the counters again, after a trial of this model with this work in this run.
    pub(super) fn end(self, model: Model, work: &Work, run: &Run) -> Conditions {
        Conditions {
            throttled_ns: host::throttled_ns(&[std::process::id()])
                .zip(self.throttled_ns)
                .map(|(now, before)| now.saturating_sub(before)),
            stolen: self.steal.stop(),
            cpus: host::cpus().len() as u32,
            cpus_wanted: work.cpus_wanted(model),
            calibrated_ns: calibrated(work, &run.parallel).map(|time| units::nanos(time.mul_f64(run.slowness()))),
        }
    }
}

/// Returns the CPU time that computing takes for all jobs, when every CPU computes: two CPUs may be halves of one core,
/// and then each takes longer than it would alone.
fn calibrated(work: &Work, machine: &Machine) -> Option<Duration> {
    let steps = work.steps();
    let compute = Some(steps.compute).filter(|compute| *compute >= LONG_ENOUGH && steps.lock.is_zero())?;
    let parallel = machine.for_work(work);
    Some((compute * work.jobs()?).mul_f64(f64::from(parallel.cpus()) / parallel.factor(parallel.cpus())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{OffloadSpec, Parallel, SleepSpec, StepsSpec};

    const MS: Duration = Duration::from_millis(1);

    fn computing(jobs: u32, compute: Duration, cpus: Option<u32>) -> Work {
        let steps = StepsSpec { compute, ..StepsSpec::default() };
        Work::Offload(OffloadSpec { jobs, steps, heartbeat: None, cpus, ..OffloadSpec::default() })
    }

    #[test]
    fn only_long_computations_have_a_calibrated_time() {
        let cores = Machine::from(Parallel::ideal(2));
        let halves = Machine::from(Parallel::measured([(2, 1.25)]));
        for (work, machine, expected) in [
            (computing(8, 50 * MS, None), &cores, Some(400 * MS)),
            (computing(8, 50 * MS, None), &halves, Some(640 * MS)),
            (computing(8, 50 * MS, Some(1)), &halves, Some(400 * MS)),
            (computing(8, 10 * MS, None), &cores, Some(80 * MS)),
            (computing(8, 9 * MS, None), &cores, None),
            (Work::Sleep(SleepSpec { jobs: 8, wait: 50 * MS, ..SleepSpec::default() }), &cores, None),
        ] {
            assert_eq!(calibrated(&work, machine), expected, "{work:?}");
        }
    }
}
