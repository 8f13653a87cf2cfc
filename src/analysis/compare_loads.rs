//! Compares two outputs of `avt load --json`, figure by figure.
//!
//! One load a side does not show how much two loads of the same thing differ, so the comparison holds ratios and no
//! verdicts. Only a limit of `--fail-over` on the figures themselves decides.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::fail_over::{FailOver, FigureName};
use crate::gate::Verdict;
use crate::record::Requests;
use crate::scenario::{Metric, Unit};
use crate::stats::Bound;
use crate::units;

/// The schema of `avt load --json` that [`LoadOutput`] reads.
pub const LOAD_SCHEMA: u32 = 1;

/// The part of the output of `avt load --json` that is compared.
#[derive(Clone, Debug, Deserialize)]
pub struct LoadOutput {
    /// The number of the schema.
    pub schema: u32,
    /// The URLs that were requested.
    pub urls: Vec<String>,
    /// `open` or `closed`.
    #[serde(rename = "loop")]
    pub kind: String,
    /// The arrivals of an open loop.
    pub arrivals: Option<String>,
    /// Whether a signal ended the load early.
    pub partial: bool,
    /// The connections.
    pub connections: LoadConnections,
    /// The length of the window, in seconds.
    pub duration_s: f64,
    /// The requests by outcome.
    pub requests: Requests,
    /// The rates.
    pub rate: LoadRates,
    /// The percentiles of the response time in microseconds, by name, beside the count, the mean and the maximum.
    pub response_time_us: BTreeMap<String, Option<f64>>,
    /// The time from which on percentiles are lower bounds, in microseconds.
    pub response_time_lower_bound_from_us: Option<f64>,
    /// The processes of the server, if they ran on the same machine.
    pub server: Option<LoadServer>,
    /// The verdict on the measurement.
    pub verdict: Verdict,
    /// The reasons for the verdict.
    pub reasons: Vec<LoadReason>,
}

/// The connections of a load.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct LoadConnections {
    /// The number that was opened.
    pub opened: u64,
}

/// The rates of a load.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct LoadRates {
    /// The offered rate; `None` in a closed loop.
    pub offered: Option<f64>,
    /// The responses per second; `None` for an empty window.
    pub achieved: Option<f64>,
}

/// The server of a load.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct LoadServer {
    /// CPU time per response, in microseconds.
    pub cpu_us_per_request: Option<f64>,
}

/// A reason for the verdict on a load.
#[derive(Clone, Debug, Deserialize)]
pub struct LoadReason {
    /// The verdict that follows from it.
    pub verdict: Verdict,
    /// The reason in words.
    pub reason: String,
}

/// The comparison of two loads.
#[derive(Clone, Debug)]
pub struct LoadComparison<'a> {
    /// The load before the change.
    pub before: &'a LoadOutput,
    /// The load after the change.
    pub after: &'a LoadOutput,
    /// The differences in conditions: a name, then the values before and after.
    pub differences: Vec<(&'static str, String, String)>,
    /// The figures that both loads have.
    pub changes: Vec<LoadChange>,
}

/// The change of one figure between two loads.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadChange {
    /// The name, as `--fail-over` takes it: `throughput`, `p99`, `cpu`.
    pub name: String,
    /// The unit of the two figures.
    pub unit: Unit,
    /// Whether a smaller figure is better.
    pub less_is_better: bool,
    /// The figure before, and whether it is exact.
    pub before: (f64, Bound),
    /// The figure after, and whether it is exact.
    pub after: (f64, Bound),
}

/// Compares two loads. A figure is compared if both have it.
pub fn compare_loads<'a>(before: &'a LoadOutput, after: &'a LoadOutput) -> LoadComparison<'a> {
    let of_load = |name: &str, unit: Unit, less_is_better: bool, find: fn(&LoadOutput) -> Option<f64>| {
        let exact = |load: &LoadOutput| Some((find(load).filter(|value| *value > 0.0)?, Bound::Exact));
        Some(LoadChange { name: name.to_owned(), unit, less_is_better, before: exact(before)?, after: exact(after)? })
    };
    let of_percentile = |name: &String| {
        let (before, after) = (before.response_time(name)?, after.response_time(name)?);
        Some(LoadChange { name: name.clone(), unit: Unit::Nanoseconds, less_is_better: true, before, after })
    };
    let rate = of_load(Metric::Rate.name(), Unit::PerSecond, false, |load| load.rate.achieved);
    let cpu = of_load(Metric::Cpu.name(), Unit::Nanoseconds, true, |load| {
        load.server?.cpu_us_per_request.map(|micros| micros * 1e3)
    });
    let mut times: Vec<&String> = before.response_time_us.keys().filter(|name| *name != "count").collect();
    times.sort_by(|one, other| order(one).total_cmp(&order(other)));
    LoadComparison {
        before,
        after,
        differences: differences(before, after),
        changes: rate.into_iter().chain(times.into_iter().filter_map(of_percentile)).chain(cpu).collect(),
    }
}

/// Returns the place of a time in the table: the mean, the percentiles in ascending order, the maximum.
fn order(name: &str) -> f64 {
    match name {
        "mean" => -1.0,
        _ => name.strip_prefix('p').and_then(|share| share.parse().ok()).unwrap_or(f64::INFINITY),
    }
}

fn differences(before: &LoadOutput, after: &LoadOutput) -> Vec<(&'static str, String, String)> {
    let conditions = |load: &LoadOutput| {
        [
            ("The URLs", load.urls.join(" ")),
            ("The loop", load.kind.clone()),
            ("The offered rate", load.rate.offered.map_or_else(|| "none".into(), units::rate)),
            ("The arrivals", load.arrivals.clone().unwrap_or_else(|| "none".into())),
            ("The number of connections", units::count(load.connections.opened)),
            ("The length of the window", format!("{:.1} s", load.duration_s)),
        ]
    };
    let pairs = conditions(before).into_iter().zip(conditions(after));
    pairs.filter(|(one, other)| one != other).map(|((name, one), (_, other))| (name, one, other)).collect()
}

impl LoadOutput {
    /// Returns a response time in nanoseconds, and whether it is a lower bound; `None` if the load lacks it.
    fn response_time(&self, name: &str) -> Option<(f64, Bound)> {
        let micros = (*self.response_time_us.get(name)?).filter(|micros| *micros > 0.0)?;
        // A mean rests on all requests, so any request that never ended makes it a lower bound.
        let is_bound = |from: f64| micros >= from || name == "mean";
        let is_bound = self.response_time_lower_bound_from_us.is_some_and(is_bound);
        Some((micros * 1e3, if is_bound { Bound::AtLeast } else { Bound::Exact }))
    }
}

impl LoadComparison<'_> {
    /// Returns whether a conclusion would rest on an INVALID load.
    pub fn is_invalid(&self) -> bool {
        [self.before, self.after].iter().any(|load| load.verdict == Verdict::Invalid)
    }

    /// Returns the names of the figures.
    pub fn names(&self) -> Vec<FigureName> {
        self.changes.iter().map(LoadChange::figure_name).collect()
    }

    /// Returns the figures that are worse than the limits allow.
    pub fn regressions(&self, limits: &FailOver) -> Vec<&LoadChange> {
        self.changes.iter().filter(|change| change.exceeds(limits)).collect()
    }
}

impl LoadChange {
    /// Returns the name of the figure.
    pub fn figure_name(&self) -> FigureName {
        FigureName { metric: self.name.clone(), model: None }
    }

    /// Returns the figure after divided by the figure before, and whether this is exact.
    pub fn ratio(&self) -> (f64, Bound) {
        (self.after.0 / self.before.0, self.after.1.and(self.before.1.inverse()))
    }

    /// Returns the reason of a comparison that decides nothing: the figure before rests on requests that never ended.
    pub fn is_undecidable(&self) -> bool {
        matches!(self.ratio().1, Bound::AtMost | Bound::Unknown)
    }

    /// Returns whether the figure is worse by more than its limit.
    pub fn exceeds(&self, limits: &FailOver) -> bool {
        let ratio = self.ratio().0;
        let worse_by = if self.less_is_better { ratio } else { 1.0 / ratio };
        !self.is_undecidable() && limits.limit(&self.figure_name()).is_some_and(|limit| worse_by > limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(less_is_better: bool, before: (f64, Bound), after: (f64, Bound)) -> LoadChange {
        LoadChange { name: "p99".into(), unit: Unit::Nanoseconds, less_is_better, before, after }
    }

    #[test]
    fn a_limit_is_exceeded_only_in_the_worse_direction_and_only_by_known_figures() {
        let limits = FailOver(vec!["p99=10%".parse().unwrap()]);
        let exact = |value| (value, Bound::Exact);
        for (less_is_better, before, after, expected) in [
            (true, exact(100.0), exact(111.0), true),
            (true, exact(100.0), exact(110.0), false),
            (true, exact(111.0), exact(50.0), false),
            (false, exact(111.0), exact(100.0), true),
            (false, exact(100.0), exact(111.0), false),
            // The time after is at least this long.
            (true, exact(100.0), (111.0, Bound::AtLeast), true),
            // The time before may have been longer.
            (true, (100.0, Bound::AtLeast), exact(200.0), false),
            (true, (100.0, Bound::AtLeast), (200.0, Bound::AtLeast), false),
        ] {
            let change = change(less_is_better, before, after);
            assert_eq!(change.exceeds(&limits), expected, "{change:?}");
        }
        assert!(!change(true, exact(1.0), exact(9.0)).exceeds(&FailOver::default()), "no limit");
    }

    #[test]
    fn times_are_in_ascending_order() {
        let mut names = ["p99", "max", "p50", "p99.9", "mean", "p90"];
        names.sort_by(|one, other| order(one).total_cmp(&order(other)));
        assert_eq!(names, ["mean", "p50", "p90", "p99", "p99.9", "max"]);
    }
}
