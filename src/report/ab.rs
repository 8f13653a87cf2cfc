//! Words the comparison of two servers: a line for each figure, one sentence, and JSON.

use serde_json::{Value, json};

use super::{ratios, wording};
use crate::analysis::{AbOutcome, HeadToBase, ModelRatio, Unmeasurable};
use crate::record::Failure;
use crate::scenario::{Metric, Model};
use crate::stats::{Interval, Ratio};
use crate::text::one_line;
use crate::units;

/// Returns a line for each figure that both servers have: `p99: base 12.3 ms, head 16.1 ms, 1.31 times (95 % CI 1.22 to
/// 1.41)`.
pub fn figures(found: &HeadToBase) -> Vec<String> {
    let line = |versus: &ModelRatio| {
        let wording::SideBySide { below, above, ratio } = wording::side_by_side(versus.metric, &versus.ratio);
        let [base, head] = [versus.reference, versus.model].map(server);
        let sign = versus.ratio.bound.sign();
        format!(
            "{}: {base} {below}, {head} {above}, {sign}{} times{}",
            name(versus.metric),
            units::three_digits(ratio),
            interval(&versus.ratio)
        )
    };
    found.ratios.iter().map(line).collect()
}

/// Returns the conclusion in one sentence.
pub fn sentence(found: &HeadToBase) -> String {
    match &found.outcome {
        AbOutcome::Differ(versus) => {
            let Ratio { rounds, agreeing, .. } = versus.ratio;
            let control = found.control.map_or_else(String::new, |control| {
                format!("; the control differs by {}", wording::excess(control.distance()))
            });
            format!(
                "{}: {} {} times {}{}, {agreeing} of {rounds} rounds{control}",
                server(versus.model),
                name(versus.metric),
                units::three_digits(versus.ratio.ratio),
                server(versus.reference),
                interval(&versus.ratio),
            )
        }
        AbOutcome::Alike { detectable, rounds } => format!(
            "head and base cannot be told apart by {}: a difference of {} would have been found ({rounds} rounds)",
            name(found.metric),
            wording::excess(*detectable)
        ),
        AbOutcome::NotMeasurable(reason) => format!("not measurable here: {}", unmeasurable(reason, found.metric)),
    }
}

/// Returns the conclusion if the first trial of a server failed.
pub fn failed_at_once(model: Model, why: &Failure) -> String {
    let why = one_line(&why.to_string());
    format!("not measurable here: the first trial of {} failed: {why}", server(model))
}

/// Renders the comparison as JSON; `fail_over` is the limit as a ratio.
pub fn json(found: &HeadToBase, fail_over: Option<f64>) -> Value {
    let ratio = found.ratios.iter().find(|ratio| ratio.metric == found.metric).map(|versus| versus.ratio);
    let (outcome, detectable) = match &found.outcome {
        AbOutcome::Differ(_) => ("differ", None),
        AbOutcome::Alike { detectable, .. } => ("alike", Some(detectable)),
        AbOutcome::NotMeasurable(_) => ("not_measurable", None),
    };
    json!({
        "metric": found.metric.name(),
        "outcome": outcome,
        "ratio": ratio.map(|ratio| ratio.ratio),
        "interval": ratio.and_then(|ratio| ratio.interval).map(|Interval { low, high }| [low, high]),
        "rounds": ratio.map(|ratio| ratio.rounds),
        "agreeing": ratio.map(|ratio| ratio.agreeing),
        "control_ratio": found.control.map(|control| control.ratio),
        "would_be_found": detectable,
        "fail_over": fail_over,
        "is_over": fail_over.map(|limit| found.is_worse_than(limit)),
        "says": sentence(found),
    })
}

fn interval(ratio: &Ratio) -> String {
    ratios::confidence(ratio).map_or_else(String::new, |interval| format!(" ({interval})"))
}

/// Returns the name of a server: `head` for the model `external/head`.
fn server(model: Model) -> String {
    match model {
        Model::External(Some(name)) => name.to_string(),
        other => other.to_string(),
    }
}

fn name(metric: Metric) -> &'static str {
    match metric {
        Metric::Rate => "throughput",
        Metric::Cpu => "CPU per request",
        other => other.name(),
    }
}

fn unmeasurable(reason: &Unmeasurable, metric: Metric) -> String {
    match reason {
        Unmeasurable::Failed { model, trials, why } => {
            let trials = units::counted(*trials as u64, "trial", "trials");
            format!("{trials} of {} failed: {}", server(*model), one_line(&why.to_string()))
        }
        Unmeasurable::Invalid { model, trials: Some((invalid, rounds)), finding } => {
            format!("{invalid} of {rounds} trials of {} are INVALID: {finding}", server(*model))
        }
        Unmeasurable::Invalid { model, trials: None, finding } => {
            format!("the rounds of {} are INVALID: {finding}", server(*model))
        }
        Unmeasurable::NoFigure(model) if metric == Metric::P99 => format!(
            "too few requests of {} were answered in a round for a p99; use a longer window (--duration) or a higher rate",
            server(*model)
        ),
        Unmeasurable::NoFigure(model) => format!("no request of {} was answered in some round", server(*model)),
        Unmeasurable::Rounds(obstacle) => ratios::obstacle(obstacle),
    }
}
