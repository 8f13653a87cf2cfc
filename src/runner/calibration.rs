//! How fast this machine computes, measured once before the first trial of a run, or kept from an earlier run.
//!
//! A job that computes "for 10 ms" does the iterations that an idle CPU does in that time. Two measurements of that number
//! lie up to 1.3 % apart, and then the same job is other work in both runs. So a run keeps the number of an earlier run,
//! as long as it still describes the machine.

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
    /// It is measured.
    #[default]
    New,
    /// It is that of an earlier run, if this machine computes as fast to within 5 %.
    Near(KeptCalibration),
    /// It is that of an earlier run in any case.
    Kept(KeptCalibration),
}

/// The calibration of an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCalibration {
    /// The folder of that run.
    pub run: String,
    /// Its iterations a second.
    pub iterations_per_s: u64,
}

/// A machine that computes faster or slower by more than this share is not as it was.
const SAME_SPEED: f64 = 0.05;

/// Measures how fast this machine computes, and what each computation of these scenarios must give. Takes about 100 ms
/// and once the length of every different computation.
pub fn calibrate(scenarios: &[Scenario]) -> Calibration {
    calibrate_as(scenarios, &CalibrationSource::New).0
}

/// The same, with the speed of an earlier run where that is asked for, and where the speed comes from.
pub(super) fn calibrate_as(scenarios: &[Scenario], source: &CalibrationSource) -> (Calibration, CalibrationOrigin) {
    let (iterations_per_s, origin) = choose(source, workload::calibrate());
    let computes = scenarios.iter().flat_map(|scenario| &scenario.points).flat_map(|point| point.work.computes());
    let mut lengths: Vec<Duration> = computes.collect();
    lengths.sort_unstable();
    lengths.dedup();
    let mut calibration = Calibration { iterations_per_s, checksums: Vec::new() };
    for length in lengths {
        let iterations = calibration.iterations(length);
        calibration.checksums.push((iterations, compute(iterations)));
    }
    (calibration, origin)
}

/// The iterations a second that a run uses, where `measured` is what this machine does now.
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

/// Measures how much this machine computes at once: on all its CPUs, and on as few of them as a scenario pins to. The
/// better of two measurements, as what disturbs one of them only takes away. About a second with two CPUs. Also
/// returns the reason if it could not be measured with every CPU.
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
    fn a_calibration_is_kept_as_long_as_it_describes_the_machine() {
        let kept = KeptCalibration { run: "reports/1".into(), iterations_per_s: 1_000 };
        let of = |source: fn(KeptCalibration) -> CalibrationSource, measured| choose(&source(kept.clone()), measured);
        let is_kept = |origin: &CalibrationOrigin| matches!(origin, CalibrationOrigin::Kept { .. });
        for (measured, expected) in [(1_000, 1_000), (1_049, 1_000), (951, 1_000), (1_051, 1_051), (949, 949)] {
            let (used, origin) = of(CalibrationSource::Near, measured);
            assert_eq!((used, is_kept(&origin)), (expected, expected == 1_000), "{measured}");
        }
        assert_eq!(of(CalibrationSource::Kept, 2_000).0, 1_000);
        assert_eq!(choose(&CalibrationSource::New, 7), (7, CalibrationOrigin::New));
    }
}
