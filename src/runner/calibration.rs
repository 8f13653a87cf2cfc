//! How fast this machine computes, measured once before the first trial of a run.

use std::time::Duration;

use crate::host;
use crate::message::Calibration;
use crate::scenario::{Machine, Scenario};
use crate::workload::{self, compute};

/// Measures how fast this machine computes, and what each computation of these scenarios must give. Takes about 100 ms
/// and once the length of every different computation.
pub fn calibrate(scenarios: &[Scenario]) -> Calibration {
    let computes = scenarios.iter().flat_map(|scenario| &scenario.points).flat_map(|point| point.work.computes());
    let mut lengths: Vec<Duration> = computes.collect();
    lengths.sort_unstable();
    lengths.dedup();
    let mut calibration = Calibration { iterations_per_s: workload::calibrate(), checksums: Vec::new() };
    for length in lengths {
        let iterations = calibration.iterations(length);
        calibration.checksums.push((iterations, compute(iterations)));
    }
    calibration
}

/// Measures how much this machine computes at once: on all its CPUs, and on as few of them as a scenario pins to. The
/// better of two measurements, as what disturbs one of them only takes away. About a second with two CPUs.
pub(super) fn measure_parallel(scenarios: &[Scenario], iterations_per_s: u64) -> Machine {
    let cpus = host::cpus();
    let pinned = || scenarios.iter().flat_map(|scenario| &scenario.points).filter_map(|point| point.work.cpus());
    let measure = || workload::machine(&cpus, pinned(), iterations_per_s);
    measure().best(&measure())
}
