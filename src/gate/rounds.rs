//! Evaluates the gates of a cell over its rounds.

use super::{CONTROL, DISTURBED, DRIFT, Finding, distance};
use crate::stats::{self, Ratio};

/// Checks whether a figure rose or fell from round to round; rounds with 0 are left out. Theil's line through its
/// logarithms must rise or fall with 95 % confidence, by more than a tenth from the first round to the last.
pub fn check_drift(by_round: &[(u32, f64)]) -> Option<Finding> {
    let positive = by_round.iter().filter(|(_, figure)| *figure > 0.0);
    let points: Vec<(f64, f64)> = positive.map(|(round, figure)| (f64::from(*round), figure.ln())).collect();
    let slope = stats::slope(&points)?;
    let (first, last) = (points.first()?.0, points.last()?.0);
    let ratio = (slope.slope * (last - first)).exp();
    let goes_one_way = slope.interval.is_some_and(|interval| !interval.holds(0.0));
    (goes_one_way && distance(ratio) > 1.0 + DRIFT.0).then_some(Finding::Drift { ratio })
}

/// Checks whether more than [`DISTURBED`] of the rounds of a cell were disturbed.
pub fn check_disturbed(rounds: usize, of: usize) -> Option<Finding> {
    are_too_many(rounds, of).then_some(Finding::Disturbed { rounds, of })
}

/// Returns whether so many rounds of a cell are bad that its median may come from one of them: more than [`DISTURBED`].
pub fn are_too_many(bad: usize, of: usize) -> bool {
    bad as f64 > DISTURBED * of as f64
}

/// Checks whether two identical cells differ: the interval of their ratio leaves out 1, and they differ by more than 5
/// %.
pub fn check_control(ratio: &Ratio) -> Option<Finding> {
    let differ = ratio.interval.is_some_and(|interval| !interval.holds(1.0));
    (differ && ratio.distance() > 1.0 + CONTROL.0).then_some(Finding::Control { ratio: ratio.ratio })
}

/// Checks whether models that compute have different numbers of workers.
pub fn check_workers(numbers: impl Iterator<Item = u16> + Clone) -> Option<Finding> {
    let (least, most) = (numbers.clone().min()?, numbers.max()?);
    (least < most).then_some(Finding::Workers { least, most })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Bound, Interval};

    fn rounds(figures: [f64; 8]) -> Vec<(u32, f64)> {
        (1..).zip(figures).collect()
    }

    #[test]
    fn a_steady_rise_over_the_rounds_is_drift_and_a_jump_is_not() {
        let rising = rounds([100.0, 103.0, 104.0, 108.0, 109.0, 113.0, 115.0, 118.0]);
        let Some(Finding::Drift { ratio }) = check_drift(&rising) else { panic!("{:?}", check_drift(&rising)) };
        assert!((1.1..1.25).contains(&ratio), "{ratio}");
        assert_eq!(check_drift(&rounds([100.0, 104.0, 97.0, 101.0, 150.0, 99.0, 103.0, 98.0])), None);
        assert_eq!(check_drift(&rounds([100.0, 100.1, 100.2, 100.3, 100.4, 100.5, 100.6, 100.7])), None, "too little");
        assert_eq!((check_drift(&[]), check_drift(&[(1, 1.0)])), (None, None));
    }

    #[test]
    fn disturbances_in_more_than_a_third_of_the_rounds_are_reported() {
        assert_eq!((check_disturbed(0, 6), check_disturbed(2, 6), check_disturbed(0, 0)), (None, None, None));
        assert_eq!(check_disturbed(3, 6), Some(Finding::Disturbed { rounds: 3, of: 6 }));
    }

    #[test]
    fn pools_of_different_sizes_are_reported() {
        assert_eq!(check_workers([2, 2, 2].into_iter()), None);
        assert_eq!(check_workers([2, 8, 4].into_iter()), Some(Finding::Workers { least: 2, most: 8 }));
        assert_eq!(check_workers([].into_iter()), None);
    }

    #[test]
    fn the_control_differs_if_its_interval_excludes_1_and_the_gap_is_large() {
        let ratio = |low, high| Ratio {
            ratio: 1.1,
            means: [1.0, 1.1],
            variance: 0.0,
            interval: Some(Interval { low, high }),
            rounds: 6,
            agreeing: 6,
            bound: Bound::Exact,
        };
        assert_eq!(check_control(&ratio(0.9, 1.3)), None);
        assert_eq!(check_control(&ratio(1.05, 1.15)), Some(Finding::Control { ratio: 1.1 }));
        assert_eq!(check_control(&Ratio { interval: None, ..ratio(2.0, 3.0) }), None);
    }
}
