//! What the machine was like around a trial: whether something else had its CPUs.

use std::time::{Duration, Instant};

use crate::host;
use crate::message::Calibration;
use crate::record::Conditions;
use crate::scenario::Work;
use crate::units;
use crate::usage::{Pressure, Scheduled, StealMeter, throttled_ns};
use crate::workload::compute;

/// How long the canary sings on an idle machine: long against a timer interrupt, short against a trial.
const CANARY: Duration = Duration::from_millis(5);

/// Looks at the machine from before a trial until after it.
#[derive(Debug)]
pub(super) struct Lookout {
    canary_ns: u64,
    canary_waited_ns: Option<u64>,
    begun: Instant,
    pressure: Option<Pressure>,
    throttled_ns: Option<u64>,
    steal: StealMeter,
}

impl Lookout {
    /// Does a fixed piece of work, which takes longer where a CPU is slower or shared. Takes 5 ms.
    pub(super) fn begin(calibration: &Calibration) -> Self {
        let scheduled = Scheduled::of_this_thread();
        let begun = Instant::now();
        compute(calibration.iterations(CANARY));
        let canary_ns = units::nanos(begun.elapsed());
        let waited = Scheduled::of_this_thread().zip(scheduled).map(|(now, before)| now.since(before).waited_ns);
        Self {
            canary_ns,
            canary_waited_ns: waited,
            pressure: Pressure::read(),
            throttled_ns: throttled_ns(),
            steal: StealMeter::start(),
            begun: Instant::now(),
        }
    }

    /// After the trial of this work.
    pub(super) fn end(self, work: &Work) -> Conditions {
        let length = units::nanos(self.begun.elapsed()).max(1) as f64;
        let pressure = Pressure::read().zip(self.pressure).map(|(now, before)| now.since(before) as f64 / length);
        Conditions {
            canary_ns: self.canary_ns,
            canary_waited_ns: self.canary_waited_ns,
            // Its books are kept in steps of some milliseconds, and may be late.
            pressure: pressure.map(|share| share.min(1.0)),
            throttled_ns: throttled_ns().zip(self.throttled_ns).map(|(now, before)| now.saturating_sub(before)),
            stolen: self.steal.stop(),
            cpus: host::cpus().len() as u32,
            cpus_wanted: work.cpus_wanted(),
        }
    }
}
