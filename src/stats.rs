//! What rounds can tell: medians with intervals, ratios with intervals, drift.
//!
//! The round is the unit, not the request: requests of one round share its process, its memory layout and whatever else
//! the machine did meanwhile, so an interval over requests would be far too narrow. Everything here is a pure function of
//! its numbers and, where it resamples, of a seed.

use serde::Serialize;

mod power;
mod ratio;
mod ribbon;
mod slope;
mod student;

pub use power::Noise;
pub use ratio::{Ratio, Significance, ratio, ratio_of_runs, ratio_unpaired};
pub use ribbon::{Band, curve_places, ribbon};
pub use slope::{Slope, slope};

/// How sure an interval is to hold what it is an interval of.
pub const CONFIDENCE: f64 = 0.95;

/// From so many rounds on there are intervals: the lowest and the highest of five hold the median in 93.75 of 100 cases,
/// of six in 96.9.
pub const FEWEST: usize = 6;

/// From one value to another, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether it holds a value.
    pub fn holds(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// Whether a figure is what it stands for, or only a bound of it: a request that never got its answer took at least as long
/// as it was waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// It is the figure itself.
    #[default]
    Exact,
    /// The true figure is this or more.
    AtLeast,
    /// The true figure is this or less.
    AtMost,
    /// The true figure may be more or less.
    Unknown,
}

impl Bound {
    /// That of a figure made of two, each of which raises it.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Exact, bound) | (bound, Self::Exact) => bound,
            (one, other) if one == other => one,
            _ => Self::Unknown,
        }
    }

    /// That of one divided by the figure.
    #[must_use]
    pub fn inverse(self) -> Self {
        match self {
            Self::AtLeast => Self::AtMost,
            Self::AtMost => Self::AtLeast,
            bound => bound,
        }
    }

    /// What stands before a figure: `≥ `, and nothing before an exact one.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Exact => "",
            Self::AtLeast => "≥ ",
            Self::AtMost => "≤ ",
            Self::Unknown => "about ",
        }
    }
}

/// The middle of some rounds, and how far it may be trusted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median; between the two in the middle of an even number.
    pub median: f64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
    /// The interval of the median from order statistics; nothing of fewer than [`FEWEST`] rounds.
    pub interval: Option<Interval>,
    /// How many rounds.
    pub rounds: usize,
}

impl Spread {
    /// Of one value a round; nothing of no value.
    pub fn summarize(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let rounds = values.len();
        let median = f64::midpoint(values[(rounds - 1) / 2], values[rounds / 2]);
        let interval = place(rounds).map(|(k, _)| Interval { low: values[k - 1], high: values[rounds - k] });
        Some(Self { median, min, max, interval, rounds })
    }

    /// The interval where there is one, else from the lowest to the highest.
    pub fn range(&self) -> Interval {
        self.interval.unwrap_or(Interval { low: self.min, high: self.max })
    }
}

/// How often the interval of a [`Spread`] of so many rounds holds the median of what they were drawn from, whatever its
/// distribution, 0 to 1; nothing of fewer than [`FEWEST`].
pub fn coverage(rounds: usize) -> Option<f64> {
    place(rounds).map(|(_, coverage)| coverage)
}

/// The k for which the k-th lowest and the k-th highest of so many values are the narrowest interval of the median that
/// is at least as sure as [`CONFIDENCE`], and how sure it is: 1 - 2 P(B < k), B being binomial with p = 1/2 (David and
/// Nagaraja, Order Statistics, 7.1).
fn place(rounds: usize) -> Option<(usize, f64)> {
    let n = rounds as f64;
    // ln P(B = i), in logarithms because 2^-n ends at 1,074 rounds.
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

/// The interval of a figure with [`CONFIDENCE`], from what it came to in resamples that spread too little by `t_factor`.
fn resampled(figure: f64, mut resamples: Vec<f64>, t_factor: f64) -> Interval {
    resamples.sort_unstable_by(f64::total_cmp);
    let end = |share: f64| figure + (at_share(&resamples, share) - figure) * t_factor;
    Interval { low: end((1.0 - CONFIDENCE) / 2.0), high: end(f64::midpoint(1.0, CONFIDENCE)) }
}

/// The value at a share (0 to 1) of values that rise, between two of them where it lies there.
fn at_share(rising: &[f64], share: f64) -> f64 {
    let place = share.clamp(0.0, 1.0) * (rising.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    rising[below] + (rising[above] - rising[below]) * (place - place.floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_the_median_is_that_of_the_tables() {
        let table = [(6, 1, 96.9), (7, 1, 98.4), (8, 1, 99.2), (9, 2, 96.1), (10, 2, 97.9), (12, 3, 96.1)];
        for (rounds, k, percent) in table.into_iter().chain([(15, 4, 96.5), (20, 6, 95.9), (30, 10, 95.7)]) {
            let (found, coverage) = place(rounds).unwrap();
            assert_eq!(found, k, "{rounds} rounds");
            assert!((coverage * 100.0 - percent).abs() < 0.05, "{rounds} rounds: {coverage}");
        }
        assert_eq!(place(5), None);
        assert_eq!(place(0), None);
        // Beyond where 2^-n is a number: by the normal law k is near n/2 - 1.96 sqrt(n)/2.
        assert!(place(10_000).is_some_and(|(k, coverage)| k.abs_diff(4_902) < 3 && coverage < 0.953));
    }

    #[test]
    fn a_spread_tells_the_middle_and_its_interval() {
        let spread = Spread::summarize([5.0, 1.0, 9.0, 2.0, 8.0, 3.0, 7.0, 4.0, 6.0, 10.0]).unwrap();
        assert_eq!((spread.median, spread.min, spread.max, spread.rounds), (5.5, 1.0, 10.0, 10));
        assert_eq!(spread.interval, Some(Interval { low: 2.0, high: 9.0 }));
        let few = Spread::summarize([2.0, 1.0]).unwrap();
        assert_eq!((few.interval, few.range()), (None, Interval { low: 1.0, high: 2.0 }));
        assert_eq!(Spread::summarize([]), None);
    }

    #[test]
    fn a_share_lies_between_two_values() {
        assert_eq!(at_share(&[1.0, 2.0, 4.0], 0.5), 2.0);
        assert_eq!(at_share(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!((at_share(&[1.0, 2.0], 0.0), at_share(&[1.0, 2.0], 1.0)), (1.0, 2.0));
    }
}
