//! Compares models with each other: the ratio of their figures in the same rounds, and whether it exceeds the
//! difference between two runs of the same thing.

use super::cell::CellSummary;
use super::round::Estimate;
use crate::scenario::{Metric, Model, Work};
use crate::stats::{self, Bound, Noise, Ratio, Significance};
use crate::units;

/// The ratio of one model's figure to another's.
#[derive(Clone, Copy, Debug)]
pub struct ModelRatio {
    /// The metric that is compared.
    pub metric: Metric,
    /// The model in the numerator.
    pub model: Model,
    /// The model in the denominator.
    pub reference: Model,
    /// The ratio, with the two geometric means.
    pub ratio: Ratio,
    /// The noise floor, as a ratio of at least 1: no smaller difference counts.
    pub floor: f64,
    /// The conclusion.
    pub difference: Difference,
}

/// Whether two figures differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Difference {
    /// The first is larger.
    More,
    /// The first is smaller.
    Less,
    /// No difference was found. A true difference of size `detectable` would be found four times in five.
    NoneFound {
        /// The minimum detectable difference, as a ratio of at least 1.
        detectable: f64,
    },
    /// The rounds do not allow a conclusion.
    Incomparable(Obstacle),
}

/// The reason why two figures cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Obstacle {
    /// There are fewer rounds than an interval needs.
    TooFewRounds {
        /// The number of rounds.
        rounds: usize,
    },
    /// The figures rest on requests that were never answered.
    Unanswered,
    /// A single stall of one kernel tick, [`STALL_NS`], decides the figures.
    OneStall {
        /// The window that would be long enough, in nanoseconds; `None` in a closed loop, which needs more requests per
        /// connection.
        window_ns: Option<u64>,
    },
    /// The noise is so large that only a difference of twice or more would be found, which is of no use.
    TooNoisy {
        /// The minimum detectable difference, as a ratio.
        detectable: f64,
        /// The rounds it would take to find a ratio of 1.5; `None` if they would be too many.
        rounds: Option<usize>,
    },
}

/// The length of a stall that any machine has now and then: one tick of a kernel with 250 ticks a second.
pub const STALL_NS: u64 = 4_000_000;

/// The largest minimum detectable difference, as a ratio, that is still of use.
const USEFUL: f64 = 2.0;

/// The ratio that the advice on the number of rounds aims to detect.
pub const AIM: f64 = 1.5;

/// The largest number of rounds to advise.
const MOST_ROUNDS: usize = 1_000;

/// The A/A control at one point: the second cell of a model, and its difference from the first.
#[derive(Clone, Debug)]
pub struct Control {
    /// The second cell.
    pub cell: CellSummary,
    /// The ratio of the second cell to the first, for each metric that models are compared by.
    pub ratios: Vec<(Metric, Ratio)>,
    /// The noise of each of these metrics, pooled over the points of the scenario.
    pub noise: Vec<(Metric, Noise)>,
}

impl Control {
    /// Returns the ratio of the second cell to the first.
    pub fn ratio(&self, metric: Metric) -> Option<&Ratio> {
        self.ratios.iter().find(|(other, _)| *other == metric).map(|(_, ratio)| ratio)
    }

    /// Returns the noise of a metric over the points of the scenario.
    pub fn noise(&self, metric: Metric) -> Option<Noise> {
        self.noise.iter().find(|(other, _)| *other == metric).map(|(_, noise)| *noise)
    }
}

/// Returns the figures of two cells in the rounds that both have, the reference's first, and the bound of their ratio.
pub(super) fn pairs(below: &CellSummary, above: &CellSummary, metric: Metric) -> (Vec<(f64, f64)>, Bound) {
    let (Some(below), Some(above)) = (below.figure(metric), above.figure(metric)) else {
        return (Vec::new(), Bound::Exact);
    };
    let mut all = (Vec::new(), Bound::Exact);
    for (round, figure) in &below.rounds {
        let Some((_, other)) = above.rounds.iter().find(|(other, _)| other == round) else { continue };
        let ((first, of_first), (second, of_second)) = (figure.in_ratio(), other.in_ratio());
        all.0.push((first, second));
        all.1 = all.1.and(of_second.and(of_first.inverse()));
    }
    all
}

/// Returns the ratio of one cell to another over their common rounds.
pub(super) fn ratio(below: &CellSummary, above: &CellSummary, metric: Metric, seed: u64) -> Option<Ratio> {
    let (pairs, bound) = pairs(below, above, metric);
    stats::ratio(&pairs, seed).map(|ratio| ratio.with_bound(bound))
}

/// Returns the noise floor of a ratio's metric, and the difference judged by it. `stall` is the obstacle if one stall
/// decides the figure.
pub(super) fn difference(ratio: &Ratio, noise: Option<Noise>, stall: Option<Obstacle>) -> (f64, Difference) {
    let floor = noise.map_or(1.0, |noise| noise.floor(ratio.rounds));
    let obstacle = |obstacle| (floor, Difference::Incomparable(obstacle));
    match (ratio.significance(floor), stall) {
        (Significance::TooFew, _) => obstacle(Obstacle::TooFewRounds { rounds: ratio.rounds }),
        (_, Some(stall)) => obstacle(stall),
        (Significance::More, None) => (floor, Difference::More),
        (Significance::Less, None) => (floor, Difference::Less),
        (Significance::None, None) => match ratio.detectable(noise) {
            None => obstacle(Obstacle::Unanswered),
            Some(detectable) if detectable > USEFUL => {
                let rounds = ratio.rounds_to_find(noise, AIM, MOST_ROUNDS);
                obstacle(Obstacle::TooNoisy { detectable, rounds })
            }
            Some(detectable) => (floor, Difference::NoneFound { detectable: detectable.max(floor) }),
        },
    }
}

/// Returns the obstacle if one stall decides a percentile.
///
/// In an open loop, a stall delays every request that is due in it: its share of the window. In a closed loop, it
/// delays one request per connection.
pub(super) fn find_single_stall(metric: Metric, work: &Work, requests: Option<&Estimate>) -> Option<Obstacle> {
    let beyond = match metric {
        Metric::P99 | Metric::ServiceP99 => 0.01,
        Metric::P95 => 0.05,
        _ => return None,
    };
    let Work::Echo(echo) = work else { return None };
    if echo.load.arrival.offered().is_some() {
        let needed = (STALL_NS as f64 / beyond) as u64;
        (units::nanos(echo.load.duration) <= needed).then_some(Obstacle::OneStall { window_ns: Some(needed) })
    } else {
        let requests = requests?.spread.min;
        let delayed = f64::from(echo.load.connections);
        (delayed >= beyond * requests).then_some(Obstacle::OneStall { window_ns: None })
    }
}

impl ModelRatio {
    /// Returns the ratio with numerator and denominator swapped.
    pub(super) fn inverse(&self) -> Self {
        let difference = match self.difference {
            Difference::More => Difference::Less,
            Difference::Less => Difference::More,
            other => other,
        };
        Self { model: self.reference, reference: self.model, ratio: self.ratio.inverse(), difference, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(pairs: &[(f64, f64)], bound: Bound, control: &[(f64, f64)]) -> Difference {
        let ratio = stats::ratio(pairs, 1).unwrap().with_bound(bound);
        difference(&ratio, Noise::from_pairs(control), None).1
    }

    #[test]
    fn a_difference_is_found_only_beyond_the_noise() {
        let (doubled, same) =
            ([(1.0, 2.0); 6], [(1.0, 1.01), (1.01, 1.0), (1.0, 1.01), (1.0, 1.0), (1.0, 1.0), (1.01, 1.0)]);
        assert_eq!(judge(&doubled, Bound::Exact, &same), Difference::More);
        assert_eq!(judge(&doubled.map(|(a, b)| (b, a)), Bound::Exact, &same), Difference::Less);
        let noisy = [(1.0, 3.0), (3.0, 1.0), (1.0, 3.0), (3.0, 1.0), (1.0, 3.0), (3.0, 1.0)];
        let Difference::Incomparable(Obstacle::TooNoisy { detectable, rounds }) = judge(&doubled, Bound::Exact, &noisy)
        else {
            panic!("{:?}", judge(&doubled, Bound::Exact, &noisy))
        };
        assert!(detectable > USEFUL && rounds.is_some_and(|rounds| rounds > 6), "{detectable} {rounds:?}");
        let Difference::NoneFound { detectable } = judge(&same, Bound::Exact, &same) else { panic!() };
        assert!((1.005..1.05).contains(&detectable), "{detectable}");
    }

    #[test]
    fn an_incomparable_pair_names_the_obstacle() {
        let same = [(1.0, 1.0); 6];
        let few = judge(&same[..5], Bound::Exact, &same);
        assert_eq!(few, Difference::Incomparable(Obstacle::TooFewRounds { rounds: 5 }));
        assert_eq!(judge(&same, Bound::AtLeast, &same), Difference::Incomparable(Obstacle::Unanswered));
        let ratio = stats::ratio(&[(1.0, 2.0); 6], 1).unwrap();
        let stall = Obstacle::OneStall { window_ns: Some(400_000_000) };
        assert_eq!(difference(&ratio, None, Some(stall)).1, Difference::Incomparable(stall));
    }
}
