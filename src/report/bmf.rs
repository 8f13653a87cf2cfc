//! Renders figures in the Bencher Metric Format: a benchmark per cell, a measure per figure.
//!
//! Times are nanoseconds and rates are per second, as Bencher expects. Figures of an INVALID measurement are left out,
//! because a series of results is judged by all earlier ones.

use serde_json::{Map, Value, json};

use super::load::{LoadReport, PERCENTILES, supported_percentile};
use crate::analysis::compare::Comparison;
use crate::analysis::compare_loads::LoadComparison;
use crate::analysis::{Analysis, Estimate};
use crate::gate::Verdict;
use crate::scenario::{Metric, Model, Point};
use crate::stats::{Bound, Interval};
use crate::text;

/// The figures of a cell that are exported, each with its measure.
const MEASURES: [(Metric, &str); 9] = [
    (Metric::Wall, "wall-time"),
    (Metric::Gap, "longest-gap"),
    (Metric::Rate, "throughput"),
    (Metric::P50, "latency-p50"),
    (Metric::P90, "latency-p90"),
    (Metric::P95, "latency-p95"),
    (Metric::P99, "latency-p99"),
    (Metric::Cpu, "cpu-time"),
    (Metric::PeakMemory, "peak-memory"),
];

/// Returns the name of a benchmark: `echo/async (load.rate = 20,000/s)`.
fn benchmark(scenario: &str, model: Model, point: &Point) -> String {
    let point = if point.is_empty() { String::new() } else { format!(" ({point})") };
    name(&format!("{scenario}/{model}{point}"))
}

/// Returns a text as the name of a benchmark, which has a longest length.
fn name(text: &str) -> String {
    const LONGEST: usize = 1_024;
    text::one_line(text).chars().take(LONGEST).collect()
}

/// Returns the measure of a percentile, mean or maximum of the response time. A dot is not allowed in it.
fn latency(name: &str) -> String {
    format!("latency-{}", name.replace('.', "-"))
}

/// Renders the figures of every cell of a run.
pub fn run(analysis: &Analysis<'_>) -> Value {
    let mut all = Map::new();
    for (scenario, point) in analysis.scenarios.iter().flat_map(|of| of.points.iter().map(move |point| (of, point))) {
        for cell in &point.cells {
            let model = cell.cell.id.model;
            if point.invalidity(model).is_some() {
                continue;
            }
            // The wall time of a load is the length of its window, which the scenario sets.
            let is_measured = |metric| metric != Metric::Wall || !point.work.is_echo();
            let of = |(metric, name): (Metric, &str)| Some((name.to_owned(), estimate(cell.figure(metric)?)));
            let measures = MEASURES.into_iter().filter(|(metric, _)| is_measured(*metric));
            let measures: Map<String, Value> = measures.filter_map(of).collect();
            if !measures.is_empty() {
                all.insert(benchmark(&scenario.scenario.name, model, &point.at), Value::Object(measures));
            }
        }
    }
    Value::Object(all)
}

/// Renders a figure with its interval. An end that is only a bound is left out.
fn estimate(figure: &Estimate) -> Value {
    let value = figure.value();
    let mut measure = json!({ "value": value });
    if let Some((Interval { low, high }, [of_low, of_high])) = figure.range() {
        if matches!(of_low, Bound::Exact | Bound::AtLeast) {
            measure["lower_value"] = json!(low.min(value));
        }
        if matches!(of_high, Bound::Exact | Bound::AtMost) {
            measure["upper_value"] = json!(high.max(value));
        }
    }
    measure
}

/// Renders the figures of a load, which have no intervals.
pub fn load(report: &LoadReport<'_>) -> Value {
    let (analysis, series) = (report.analysis, report.figures.series);
    if analysis.verdict == Verdict::Invalid || !analysis.has_answers {
        return json!({});
    }
    let mut measures = Map::new();
    let mut insert = |measure: String, value: Option<f64>| {
        if let Some(value) = value {
            measures.insert(measure, json!({ "value": value }));
        }
    };
    insert("throughput".into(), analysis.rate);
    for (percentile, share) in PERCENTILES {
        let time = supported_percentile(&series.response_time, share);
        insert(latency(percentile), time.map(|nanos| nanos as f64));
    }
    insert("cpu-time".into(), analysis.server_cpu_per_request_ns);
    json!({ name(&format!("load {}", &report.url())): measures })
}

/// Renders the figures after the change, as geometric means over the rounds or the runs.
pub fn compare(found: &Comparison) -> Value {
    let mut all = json!({});
    for change in found.changes.iter().filter(|change| !change.rests_on_invalid()) {
        let measure = MEASURES.iter().find(|(metric, _)| *metric == change.metric);
        if let Some((_, measure)) = measure {
            let [_, after] = change.ratio.means;
            all[benchmark(&change.scenario, change.model, &change.point)][*measure] = json!({ "value": after });
        }
    }
    all
}

/// Renders the figures of the load after the change.
pub fn compare_of_loads(found: &LoadComparison<'_>) -> Value {
    if found.after.verdict == Verdict::Invalid {
        return json!({});
    }
    let measure = |name: &str| match name {
        "cpu" => "cpu-time".to_owned(),
        "throughput" => name.to_owned(),
        _ => latency(name),
    };
    let measures: Map<String, Value> =
        found.changes.iter().map(|change| (measure(&change.name), json!({ "value": change.after.0 }))).collect();
    json!({ name(&format!("load {}", found.after.urls.join(" "))): measures })
}
