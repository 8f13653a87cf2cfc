//! Distributions over the rounds.

use crate::histogram::Histogram;
use crate::record::Measured;
use crate::report::words;
use crate::stats::{self, Band, Bound, Spread};

/// The times of one kind of job over the rounds.
#[derive(Clone, Debug)]
pub struct SeriesSummary {
    /// `jobs`, `beats`, `requests`, `heavy requests`.
    pub name: String,
    /// From when it was due until it was done.
    pub response: Times,
    /// From when it was begun until it was done.
    pub service: Times,
    /// The shortest response time that is only a lower bound, in nanoseconds.
    pub lower_bound_from_ns: Option<u64>,
}

/// A distribution: percentiles of each round, and all rounds in one.
#[derive(Clone, Debug)]
pub struct Times {
    /// Half were faster.
    pub p50: Option<Percentile>,
    /// 9 of 10 were faster.
    pub p90: Option<Percentile>,
    /// 99 of 100 were faster.
    pub p99: Option<Percentile>,
    /// The slowest.
    pub max: Option<Percentile>,
    /// Every time of every round.
    pub merged: Histogram,
    /// Where the percentile curve of all rounds together could as well have run; empty of too few rounds or times.
    pub band: Vec<Band>,
}

/// A percentile over the rounds, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percentile {
    /// The percentiles of the rounds.
    pub spread: Spread,
    /// Whether the median rests on jobs that never finished: then it is a lower bound.
    pub at_least: bool,
    /// The same of the upper end of its interval or range.
    pub high_at_least: bool,
}

impl Percentile {
    /// From one percentile a round, and whether it is a lower bound.
    fn of_rounds(rounds: &[(f64, Bound)]) -> Option<Self> {
        let spread = Spread::of(rounds.iter().map(|(time, _)| *time))?;
        // What is longer than the median in any case does not change it.
        let has_bound = |up_to: f64| rounds.iter().any(|(time, bound)| *bound != Bound::Exact && *time <= up_to);
        Some(Self { spread, at_least: has_bound(spread.median), high_at_least: has_bound(spread.range().high) })
    }

    /// Whether the median is only a bound.
    pub fn bound(&self) -> Bound {
        if self.at_least { Bound::AtLeast } else { Bound::Exact }
    }

    /// `≥ 26.6 ms`; without the sign where it is exact.
    pub fn in_words(&self) -> String {
        format!("{}{}", self.bound().sign(), words::time(self.spread.median))
    }

    /// `20.1 to ≥ 54.5 ms`; nothing where both ends read the same.
    pub fn range_in_words(&self) -> Option<String> {
        let range = words::range(&self.spread, words::time)?;
        let (low, high) = range.split_once(" to ")?;
        Some(if self.high_at_least { format!("{low} to {}{high}", Bound::AtLeast.sign()) } else { range })
    }
}

/// With bands where there is a seed to resample with.
pub(super) fn series(name: &str, rounds: &[&Measured], bands: Option<u64>) -> SeriesSummary {
    let found: Vec<_> = rounds.iter().filter_map(|round| round.series.iter().find(|s| s.name == name)).collect();
    let lower_bound_from_ns = found.iter().filter_map(|series| series.lower_bound_from_ns).min();
    let response: Vec<&Histogram> = found.iter().map(|series| &series.response_time).collect();
    let service: Vec<&Histogram> = found.iter().map(|series| &series.service_time).collect();
    let in_response = |share: f64| {
        let filled = found.iter().filter(|series| !series.response_time.is_empty());
        filled.map(|series| series.response_quantile(share)).collect()
    };
    let in_service = |share: f64| {
        let filled = service.iter().filter(|times| !times.is_empty());
        filled.map(|times| Some((times.credible_quantile(share)?, Bound::Exact))).collect()
    };
    let longest_response = found.iter().filter_map(|series| {
        let time = series.response_time.max()?;
        let is_bound = series.lower_bound_from_ns.is_some_and(|bound| time >= bound);
        Some((time, if is_bound { Bound::AtLeast } else { Bound::Exact }))
    });
    let longest_service = service.iter().filter_map(|times| Some((times.max()?, Bound::Exact)));
    SeriesSummary {
        name: name.to_owned(),
        response: Times {
            band: bands.map_or_else(Vec::new, |seed| band(&response, seed)),
            ..times(&response, &in_response, longest_response.collect())
        },
        service: times(&service, &in_service, longest_service.collect()),
        lower_bound_from_ns,
    }
}

/// A percentile of every round that has times; nothing of one that has too few.
type ByRound = Vec<Option<(u64, Bound)>>;

fn times(rounds: &[&Histogram], quantile: &dyn Fn(f64) -> ByRound, longest: Vec<(u64, Bound)>) -> Times {
    let mut merged = Histogram::default();
    rounds.iter().for_each(|round| merged.merge(round));
    let over_rounds = |rounds: Vec<(u64, Bound)>| {
        let rounds: Vec<(f64, Bound)> = rounds.into_iter().map(|(time, bound)| (time as f64, bound)).collect();
        Percentile::of_rounds(&rounds)
    };
    // Of all rounds or of none: the median of those that happened to have enough would be another figure.
    let percentile = |share: f64| {
        let rounds: Option<Vec<(u64, Bound)>> = quantile(share).into_iter().collect();
        over_rounds(rounds?)
    };
    Times {
        p50: percentile(0.5),
        p90: percentile(0.9),
        p99: percentile(0.99),
        max: over_rounds(longest),
        merged,
        band: Vec::new(),
    }
}

/// The places of a curve of so many times, in nines: 0 is the fastest, 1 is 90 %, 2 is 99 %. The last is the last percentile
/// with ten times beyond it; none of fewer than twenty.
pub(in crate::report) fn nines(times: u64) -> Vec<f64> {
    const PER_NINE: f64 = 60.0;
    if times < 20 {
        return Vec::new();
    }
    let last = (times as f64 / 10.0).log10();
    (0..=(last * PER_NINE) as u32).map(|step| f64::from(step) / PER_NINE).chain([last]).collect()
}

/// The ribbon in the places of a curve.
fn band(rounds: &[&Histogram], seed: u64) -> Vec<Band> {
    let places = nines(rounds.iter().map(|round| round.len()).sum());
    let shares: Vec<f64> = places.into_iter().map(|nines| 1.0 - 10_f64.powf(-nines)).collect();
    stats::ribbon(rounds, &shares, seed).unwrap_or_default()
}
