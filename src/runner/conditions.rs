//! What the machine was like around a trial: whether something else had its CPUs.

use std::time::Instant;

use crate::message::Calibration;
use crate::record::Conditions;
use crate::units;
use crate::usage::{Pressure, Scheduled, StealMeter};
use crate::workload::compute;

/// How long the canary sings on an idle machine: long against a timer interrupt, short against a trial.
const CANARY: std::time::Duration = std::time::Duration::from_millis(5);

/// Looks at the machine from before a trial until after it.
#[derive(Debug)]
pub(super) struct Lookout {
    conditions: Conditions,
    steal: StealMeter,
}

impl Lookout {
    /// Does a fixed piece of work, which takes longer where a CPU is slower or shared. Takes 5 ms.
    pub(super) fn begin(calibration: &Calibration) -> Self {
        let (scheduled, pressure) = (Scheduled::of_this_thread(), Pressure::read());
        let begun = Instant::now();
        compute(calibration.iterations(CANARY));
        let canary_ns = units::nanos(begun.elapsed());
        let waited = Scheduled::of_this_thread().zip(scheduled).map(|(now, before)| now.since(before).waited_ns);
        let conditions = Conditions {
            canary_ns,
            canary_waited_ns: waited,
            pressure_ns: Pressure::read().zip(pressure).map(|(now, before)| now.since(before)),
            steal: None,
        };
        Self { conditions, steal: StealMeter::start() }
    }

    /// After the trial.
    pub(super) fn end(self) -> Conditions {
        Conditions { steal: self.steal.stop(), ..self.conditions }
    }
}
