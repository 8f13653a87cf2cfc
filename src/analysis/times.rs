//! Summarizes distributions of times over the rounds.

use std::cell::OnceCell;

use super::metric;
use super::round::Estimate;
use crate::histogram::Histogram;
use crate::record::{Measured, Series};
use crate::scenario::{Metric, Origin};
use crate::stats::{self, Band};

/// The times of one kind of job over the rounds of a cell.
#[derive(Clone, Debug)]
pub struct SeriesSummary {
    /// The name: `jobs`, `beats`, `requests` or `heavy requests`.
    pub name: String,
    /// The response times of all rounds, for curves only: percentiles are taken round by round.
    pub response: Histogram,
    /// The service times of all rounds, for curves only.
    pub service: Histogram,
    /// The shortest response time that is only a lower bound, in nanoseconds.
    pub lower_bound_from_ns: Option<u64>,
    figures: Vec<Estimate>,
    /// The response times of each round, and the seed for resampling the band.
    rounds: (Vec<Histogram>, u64),
    band: OnceCell<Vec<Band>>,
}

impl SeriesSummary {
    /// Returns the confidence band of the percentile curve of all response times; empty if there are too few rounds or
    /// times. Computed on first use, as it takes some milliseconds and only charts need it.
    pub fn band(&self) -> &[Band] {
        self.band.get_or_init(|| {
            let (rounds, seed) = &self.rounds;
            let places = stats::curve_places(self.response.len());
            let shares: Vec<f64> = places.into_iter().map(|nines| 1.0 - 10_f64.powf(-nines)).collect();
            stats::ribbon(&rounds.iter().collect::<Vec<_>>(), &shares, *seed).unwrap_or_default()
        })
    }

    /// Returns a percentile or the maximum of the times; `None` if a round has too few times.
    pub fn figure(&self, metric: Metric) -> Option<&Estimate> {
        self.figures.iter().find(|figure| figure.metric == metric)
    }
}

/// Collects the series of this name from all rounds; `seed` is for the band.
pub(super) fn series(name: &str, rounds: &[(u32, &Measured)], seed: u64) -> SeriesSummary {
    let mut found: Vec<(u32, &Series)> = Vec::new();
    for (round, measured) in rounds {
        let series = measured.series.iter().find(|series| series.name == name);
        found.extend(series.map(|series| (*round, series)));
    }
    let merged = |part: fn(&Series) -> &Histogram| {
        let mut all = Histogram::default();
        found.iter().for_each(|(_, series)| all.merge(part(series)));
        all
    };
    let of_series = Metric::ALL.into_iter().filter(|metric| metric.origin() == Origin::Series);
    SeriesSummary {
        name: name.to_owned(),
        response: merged(|series| &series.response_time),
        service: merged(|series| &series.service_time),
        lower_bound_from_ns: found.iter().filter_map(|(_, series)| series.lower_bound_from_ns).min(),
        figures: of_series.filter_map(|metric| estimate(metric, &found)).collect(),
        rounds: (found.iter().map(|(_, series)| series.response_time.clone()).collect(), seed),
        band: OnceCell::new(),
    }
}

/// Returns a figure over the rounds that have times; `None` if one of these lacks the figure.
fn estimate(metric: Metric, rounds: &[(u32, &Series)]) -> Option<Estimate> {
    let filled = rounds.iter().filter(|(_, series)| !series.response_time.is_empty());
    let figures = filled.map(|(round, series)| Some((Some(*round), metric::from_series(metric, series)?)));
    Estimate::from_rounds(metric, figures.collect::<Option<Vec<_>>>()?)
}
