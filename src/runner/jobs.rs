//! A trial of `sleep` or `offload`: one process.

use crate::host::{self, CpuLimit};
use crate::protocol::{TrialReply, TrialSpec};
use crate::record::{Failure, Outcome};
use crate::usage::OthersMeter;

use super::child::{Child, Halt, cpu_limit, next_reply};
use super::trial::Deadline;
use super::{Interrupt, Program};

pub(super) fn run(
    program: &Program,
    spec: &TrialSpec,
    deadline: Deadline,
    check: &mut dyn FnMut(Vec<u64>) -> Result<(), Failure>,
    interrupt: &Interrupt,
) -> Result<Outcome, Halt> {
    let cpus = if spec.cpus.is_empty() { host::cpus() } else { spec.cpus.clone() };
    // Declared before the process, so that it is dropped after it.
    let limit = cpu_limit(&spec.work)?;
    let meter = OthersMeter::start(cpus);
    let mut trial = Child::start(program, "trial", spec, limit.as_ref())?;
    let mut reply = next_reply(&mut [&mut trial], deadline, interrupt)?;
    if let (_, TrialReply::Checksums(found)) = reply {
        check(found)?;
        reply = next_reply(&mut [&mut trial], deadline, interrupt)?;
    }
    match reply {
        (_, TrialReply::Done(mut measured)) => {
            measured.others = meter.stop(&[trial.id(), std::process::id()], measured.usage.cpu_ns());
            measured.throttled_ns = limit.as_ref().and_then(CpuLimit::throttled_ns);
            Ok(Outcome::Measured(measured))
        }
        (_, TrialReply::Traced(traced)) => Ok(Outcome::Traced(traced)),
        (_, other) => Err(Failure::WrongWork { what: format!("unexpected reply from the trial: {other:?}") }.into()),
    }
}

/// Returns the first `wanted` of these CPUs, or all if there are fewer. Returns none, for no pinning, if the scenario
/// requests no number.
pub(super) fn pinned(cpus: &[usize], wanted: Option<u32>) -> Vec<usize> {
    cpus.iter().copied().take(wanted.map_or(0, |wanted| wanted as usize)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_is_pinned_to_the_first_cpus() {
        for (cpus, wanted, expected) in [
            (vec![0, 1], None, vec![]),
            (vec![0], Some(1), vec![0]),
            (vec![0], Some(64), vec![0]),
            (vec![3, 5], Some(1), vec![3]),
            (vec![0, 1, 2, 3], Some(2), vec![0, 1]),
            ((0..16).collect(), Some(4), vec![0, 1, 2, 3]),
            ((0..16).collect(), Some(64), (0..16).collect()),
        ] {
            assert_eq!(pinned(&cpus, wanted), expected, "{wanted:?} of {cpus:?}");
        }
    }
}
