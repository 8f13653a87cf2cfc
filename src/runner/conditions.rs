//! What the machine was like around a trial: whether something else had its CPUs.

use crate::host;
use crate::record::Conditions;
use crate::scenario::Work;
use crate::usage::{StealMeter, throttled_ns};

/// Looks at the machine from before a trial until after it.
#[derive(Debug)]
pub(super) struct Lookout {
    throttled_ns: Option<u64>,
    steal: StealMeter,
}

impl Lookout {
    /// Reads the counters before a trial.
    pub(super) fn begin() -> Self {
        Self { throttled_ns: throttled_ns(), steal: StealMeter::start() }
    }

    /// Reads them again after the trial of this work.
    pub(super) fn end(self, work: &Work) -> Conditions {
        Conditions {
            throttled_ns: throttled_ns().zip(self.throttled_ns).map(|(now, before)| now.saturating_sub(before)),
            stolen: self.steal.stop(),
            cpus: host::cpus().len() as u32,
            cpus_wanted: work.cpus_wanted(),
        }
    }
}
