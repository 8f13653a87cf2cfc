//! Evaluates the gates of response times over the window: one event that makes the tail, and a steady rise or fall.

use super::{Finding, LONG_WINDOW, ONE_EVENT, UNSTEADY, distance, ratio};
use crate::record::LoadRecord;
use crate::stats::{self, Spread};
use crate::timeline::Timeline;

/// Checks whether the 99th percentile comes from requests that were due in one short stretch of the window.
pub(super) fn check_single_event(load: &LoadRecord, wall_ns: u64) -> Option<Finding> {
    /// The longest stretch that counts as short, as a share of the window.
    const SHORT: f64 = 0.1;
    // Requests of a starved connection are due at the beginning, and have a gate of their own.
    let burst = load.over_time.burst(0.99).filter(|_| load.connections_starved == 0)?;
    let is_short = ratio(burst.length_ns, wall_ns) <= SHORT;
    let is_one = burst.share > ONE_EVENT.0 && ratio(burst.quantile_ns, burst.without_ns) > ONE_EVENT.1;
    (is_short && is_one).then_some(Finding::OneEvent {
        share: burst.share,
        from_ns: burst.from_ns,
        length_ns: burst.length_ns,
        p99_ns: burst.quantile_ns,
        without_ns: burst.without_ns,
    })
}

/// Checks whether the medians of ten stretches of the window rise or fall steadily, as [`check_drift`](super::check_drift) does for
/// rounds.
pub(super) fn check_steadiness(times: &Timeline, wall_ns: u64) -> Option<Finding> {
    /// The number of stretches, of which each third has at least three.
    const STRETCHES: usize = 10;
    /// The fewest times in a stretch for a useful median.
    const FEWEST: u64 = 20;
    let stretches = times.stretches(STRETCHES);
    if wall_ns < LONG_WINDOW || stretches.len() < STRETCHES || stretches.iter().any(|stretch| stretch.len() < FEWEST) {
        return None;
    }
    let medians: Vec<f64> = stretches.iter().map(|stretch| stretch.median().map_or(0.0, f64::ln)).collect();
    let points: Vec<(f64, f64)> = (0_u32..).map(f64::from).zip(medians.iter().copied()).collect();
    let goes_one_way = stats::slope(&points)?.interval.is_some_and(|interval| !interval.holds(0.0));
    let third = STRETCHES / 3;
    let middle = |part: &[f64]| Spread::summarize(part.iter().copied()).map(|spread| spread.median);
    let ratio = (middle(&medians[STRETCHES - third..])? - middle(&medians[..third])?).exp();
    (goes_one_way && distance(ratio) > 1.0 + UNSTEADY).then_some(Finding::Unsteady { ratio })
}
