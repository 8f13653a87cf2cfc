//! Measures how fast this machine computes, once before the first trial of a run, or keeps the speed of an earlier run.
//!
//! A job that computes "for 10 ms" does the iterations that an idle CPU does in that time. Two measurements of that
//! number differ by up to 1.3 %, which would make the same job different work in two runs. So a run keeps the number of
//! an earlier run as long as it still describes the machine.

use std::io;
use std::time::Duration;

use crate::host;
use crate::protocol::Calibration;
use crate::record::{CalibrationOrigin, Failure};
use crate::scenario::{Machine, Scenario};
use crate::workload::{self, compute};

/// Where the calibration of a run comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CalibrationSource {
    /// Measure the speed anew.
    #[default]
    New,
    /// Keep the calibration of an earlier run if this machine's speed is within 5 % of it.
    Near(KeptCalibration),
    /// Keep the calibration of an earlier run in any case.
    Kept(KeptCalibration),
}

/// The calibration of an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCalibration {
    /// The folder of the earlier run.
    pub run: String,
    /// Iterations per second in the earlier run.
    pub iterations_per_s: u64,
}

/// The largest relative difference in speed at which a machine counts as unchanged.
const SAME_SPEED: f64 = 0.05;

/// Measures how fast this machine computes, and the checksum of each computation in these scenarios. Takes about 100 ms
/// plus the length of every different computation.
pub fn calibrate(scenarios: &[Scenario]) -> Calibration {
    calibrate_as(scenarios, &CalibrationSource::New).0
}

/// Calibrates as [`calibrate`], but uses the speed of an earlier run if `source` requires it; also returns where the
/// speed comes from.
pub(super) fn calibrate_as(scenarios: &[Scenario], source: &CalibrationSource) -> (Calibration, CalibrationOrigin) {
    let (iterations_per_s, origin) = choose(source, workload::calibrate());
    let computes = scenarios.iter().flat_map(|scenario| &scenario.points).flat_map(|point| point.work.computes());
    let mut lengths: Vec<Duration> = computes.collect();
    lengths.sort_unstable();
    lengths.dedup();
    let mut calibration = Calibration { iterations_per_s, checksums: Vec::new() };
    for length in lengths {
        let iterations = calibration.iterations(length);
        calibration.checksums.push((iterations, compute(iterations).0));
    }
    (calibration, origin)
}

/// Chooses the iterations per second that a run uses; `measured` is the machine's speed now.
fn choose(source: &CalibrationSource, measured: u64) -> (u64, CalibrationOrigin) {
    let keep = |kept: &KeptCalibration| {
        let origin = CalibrationOrigin::Kept { run: kept.run.clone(), measured_per_s: measured };
        (kept.iterations_per_s, origin)
    };
    match source {
        CalibrationSource::New => (measured, CalibrationOrigin::New),
        CalibrationSource::Kept(kept) => keep(kept),
        CalibrationSource::Near(kept) => {
            let speed = measured as f64 / kept.iterations_per_s.max(1) as f64;
            if (speed - 1.0).abs() <= SAME_SPEED {
                return keep(kept);
            }
            (measured, CalibrationOrigin::Changed { run: kept.run.clone(), kept_per_s: kept.iterations_per_s })
        }
    }
}

/// Measures how much this machine computes in parallel: on all its CPUs, and on each smaller number of CPUs that a
/// scenario pins to. Keeps the better of two measurements, because disturbances only reduce the result. Takes about a
/// second with two CPUs. Also returns the reason if all CPUs together could not be measured.
pub(super) fn measure_parallel(scenarios: &[Scenario], iterations_per_s: u64) -> (Machine, Option<Failure>) {
    let cpus = host::cpus();
    let pinned = || scenarios.iter().flat_map(|scenario| &scenario.points).filter_map(|point| point.work.cpus());
    let measure = || workload::machine(&cpus, pinned(), iterations_per_s);
    let ((first, refused), (second, refused_again)) = (measure(), measure());
    let failure = |error: io::Error| Failure::Refused { what: error.to_string() };
    (first.best(&second), refused.or(refused_again).map(failure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calibration_is_kept_while_it_matches_the_machine() {
        let kept = KeptCalibration { run: "reports/1".into(), iterations_per_s: 1_000 };
        let choose_from =
            |source: fn(KeptCalibration) -> CalibrationSource, measured| choose(&source(kept.clone()), measured);
        let is_kept = |origin: &CalibrationOrigin| matches!(origin, CalibrationOrigin::Kept { .. });
        for (measured, expected) in [(1_000, 1_000), (1_049, 1_000), (951, 1_000), (1_051, 1_051), (949, 949)] {
            let (used, origin) = choose_from(CalibrationSource::Near, measured);
            assert_eq!((used, is_kept(&origin)), (expected, expected == 1_000), "{measured}");
        }
        assert_eq!(choose_from(CalibrationSource::Kept, 2_000).0, 1_000);
        assert_eq!(choose(&CalibrationSource::New, 7), (7, CalibrationOrigin::New));
    }
}
