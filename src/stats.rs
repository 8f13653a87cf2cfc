//! Computes statistics over rounds: medians and ratios with confidence intervals, and drift.
//!
//! The round is the unit, not the request: requests of one round share its process, its memory layout and whatever else
//! the machine did meanwhile, so an interval over requests would be far too narrow. Everything here is a pure function
//! of its numbers and, if it resamples, of a seed.

use serde::Serialize;

#[cfg(feature = "cli")]
mod blocks;
mod power;
mod ratio;
mod ribbon;
mod slope;
mod student;

#[cfg(feature = "cli")]
pub use blocks::{BlockRatio, ratio_of_blocks};
pub use power::Noise;
pub use ratio::{Ratio, Significance, ratio, ratio_of_runs, ratio_unpaired};
pub use ribbon::{Band, curve_places, ribbon};
pub use slope::{Slope, slope};

/// The confidence level of all intervals.
pub const CONFIDENCE: f64 = 0.95;

/// The fewest rounds for an interval: the lowest and the highest of five values contain the median in 93.75 of 100
/// cases, of six in 96.9.
pub const FEWEST: usize = 6;

/// An interval, both ends included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Returns whether the interval contains a value.
    pub fn holds(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// Whether a figure is exact or only a bound, as for a request that was still unanswered when the drain ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The figure is exact.
    #[default]
    Exact,
    /// The figure is a lower bound.
    AtLeast,
    /// The figure is an upper bound.
    AtMost,
    /// The true figure may be more or less.
    Unknown,
}

impl Bound {
    /// Returns the bound of a figure made of two figures, each of which raises it.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Exact, bound) | (bound, Self::Exact) => bound,
            (one, other) if one == other => one,
            _ => Self::Unknown,
        }
    }

    /// Returns the bound of the figure's reciprocal.
    #[must_use]
    pub fn inverse(self) -> Self {
        match self {
            Self::AtLeast => Self::AtMost,
            Self::AtMost => Self::AtLeast,
            bound => bound,
        }
    }

    /// Returns the sign to put before a figure: `≥ `, or nothing if it is exact.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Exact => "",
            Self::AtLeast => "≥ ",
            Self::AtMost => "≤ ",
            Self::Unknown => "about ",
        }
    }
}

/// The median of some rounds, with its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median; the mean of the two middle values if their number is even.
    pub median: f64,
    /// The lowest value.
    pub min: f64,
    /// The highest value.
    pub max: f64,
    /// The interval of the median from order statistics; `None` with fewer than [`FEWEST`] rounds.
    pub interval: Option<Interval>,
    /// The number of rounds.
    pub rounds: usize,
}

impl Spread {
    /// Summarizes one value per round; `None` if there are no values.
    pub fn summarize(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_unstable_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let rounds = values.len();
        let median = f64::midpoint(values[(rounds - 1) / 2], values[rounds / 2]);
        let interval = place(rounds).map(|(k, _)| Interval { low: values[k - 1], high: values[rounds - k] });
        Some(Self { median, min, max, interval, rounds })
    }

    /// Returns the interval, or the range from the lowest to the highest value if there is no interval.
    pub fn range(&self) -> Interval {
        self.interval.unwrap_or(Interval { low: self.min, high: self.max })
    }
}

/// Returns the probability that the interval of a [`Spread`] of this many rounds contains the median of any
/// distribution they were drawn from; `None` with fewer than [`FEWEST`] rounds.
pub fn coverage(rounds: usize) -> Option<f64> {
    place(rounds).map(|(_, coverage)| coverage)
}

/// Returns the k for which the k-th lowest and the k-th highest of this many values are the narrowest interval of the
/// median with at least [`CONFIDENCE`], and its coverage: 1 - 2 P(B < k), B being binomial with p = 1/2 (David and
/// Nagaraja, Order Statistics, 7.1).
fn place(rounds: usize) -> Option<(usize, f64)> {
    let n = rounds as f64;
    // ln P(B = i), in logarithms because 2^-n underflows from 1,075 rounds on.
    let mut ln = -n * std::f64::consts::LN_2;
    let mut below = 0.0;
    let mut found = None;
    for i in 0..rounds / 2 {
        below += ln.exp();
        let coverage = 1.0 - 2.0 * below;
        if coverage < CONFIDENCE {
            break;
        }
        found = Some((i + 1, coverage));
        ln += ((n - i as f64) / (i as f64 + 1.0)).ln();
    }
    found
}

/// Returns the interval of a figure with [`CONFIDENCE`] from its resamples, widened by `t_factor` because they spread
/// too little.
fn resampled(figure: f64, mut resamples: Vec<f64>, t_factor: f64) -> Interval {
    resamples.sort_unstable_by(f64::total_cmp);
    let end = |share: f64| figure + (at_share(&resamples, share) - figure) * t_factor;
    Interval { low: end((1.0 - CONFIDENCE) / 2.0), high: end(f64::midpoint(1.0, CONFIDENCE)) }
}

/// Returns the value at a share (0 to 1) of rising values, interpolated between neighbours.
fn at_share(rising: &[f64], share: f64) -> f64 {
    let place = share.clamp(0.0, 1.0) * (rising.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    rising[below] + (rising[above] - rising[below]) * (place - place.floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_the_median_matches_the_tables() {
        let table = [(6, 1, 96.9), (7, 1, 98.4), (8, 1, 99.2), (9, 2, 96.1), (10, 2, 97.9), (12, 3, 96.1)];
        for (rounds, k, percent) in table.into_iter().chain([(15, 4, 96.5), (20, 6, 95.9), (30, 10, 95.7)]) {
            let (found, coverage) = place(rounds).unwrap();
            assert_eq!(found, k, "{rounds} rounds");
            assert!((coverage * 100.0 - percent).abs() < 0.05, "{rounds} rounds: {coverage}");
        }
        assert_eq!(place(5), None);
        assert_eq!(place(0), None);
        // 2^-n underflows here; by the normal law k is near n/2 - 1.96 sqrt(n)/2.
        assert!(place(10_000).is_some_and(|(k, coverage)| k.abs_diff(4_902) < 3 && coverage < 0.953));
    }

    #[test]
    fn a_spread_holds_the_median_and_its_interval() {
        let spread = Spread::summarize([5.0, 1.0, 9.0, 2.0, 8.0, 3.0, 7.0, 4.0, 6.0, 10.0]).unwrap();
        assert_eq!((spread.median, spread.min, spread.max, spread.rounds), (5.5, 1.0, 10.0, 10));
        assert_eq!(spread.interval, Some(Interval { low: 2.0, high: 9.0 }));
        let few = Spread::summarize([2.0, 1.0]).unwrap();
        assert_eq!((few.interval, few.range()), (None, Interval { low: 1.0, high: 2.0 }));
        assert_eq!(Spread::summarize([]), None);
    }

    #[test]
    fn quantiles_are_interpolated_between_values() {
        assert_eq!(at_share(&[1.0, 2.0, 4.0], 0.5), 2.0);
        assert_eq!(at_share(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!((at_share(&[1.0, 2.0], 0.0), at_share(&[1.0, 2.0], 1.0)), (1.0, 2.0));
    }
}
