//! Distributions over the rounds.

use crate::histogram::Histogram;
use crate::record::Measured;
use crate::stats::{self, Band, Spread};

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
    /// Whether it rests on jobs that never finished: then it is a lower bound.
    pub at_least: bool,
}

/// With bands where there is a seed to resample with.
pub(super) fn series(name: &str, rounds: &[&Measured], bands: Option<u64>) -> SeriesSummary {
    let found: Vec<_> = rounds.iter().filter_map(|round| round.series.iter().find(|s| s.name == name)).collect();
    let lower_bound_from_ns = found.iter().filter_map(|series| series.lower_bound_from_ns).min();
    let response: Vec<&Histogram> = found.iter().map(|series| &series.response_time).collect();
    let service: Vec<&Histogram> = found.iter().map(|series| &series.service_time).collect();
    SeriesSummary {
        name: name.to_owned(),
        response: Times {
            band: bands.map_or_else(Vec::new, |seed| band(&response, seed)),
            ..times(&response, lower_bound_from_ns)
        },
        service: times(&service, None),
        lower_bound_from_ns,
    }
}

fn times(rounds: &[&Histogram], lower_bound_from_ns: Option<u64>) -> Times {
    let mut merged = Histogram::default();
    rounds.iter().for_each(|round| merged.merge(round));
    let filled = || rounds.iter().filter(|round| !round.is_empty());
    // Of all rounds or of none: the median of those that happened to have enough would be another figure.
    let percentile = |value: &dyn Fn(&Histogram) -> Option<u64>| {
        let values: Option<Vec<f64>> = filled().map(|round| value(round).map(|ns| ns as f64)).collect();
        let spread = Spread::of(values?)?;
        Some(Percentile { spread, at_least: lower_bound_from_ns.is_some_and(|bound| spread.median >= bound as f64) })
    };
    Times {
        p50: percentile(&|round| round.credible_quantile(0.5)),
        p90: percentile(&|round| round.credible_quantile(0.9)),
        p99: percentile(&|round| round.credible_quantile(0.99)),
        max: percentile(&|round| round.max()),
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
