//! Describes the comparison of two loads in words, and renders it as JSON, for `avt compare A.json B.json`.

use serde_json::{Value, json};

use super::wording;
use crate::analysis::compare_loads::{LoadChange, LoadComparison, LoadOutput};
use crate::gate::Verdict;
use crate::scenario::Unit;
use crate::stats::Bound;
use crate::text;
use crate::units;

/// The headings of a table of changes, after the figure.
pub const HEADINGS: [&str; 3] = ["before", "after", "change"];

/// The statement below every comparison of two loads.
pub const CONCLUSION: &str = "One load per side does not show how much two loads of the same thing differ, so there is no verdict on \
    a change. Repeat both loads, or compare several runs of a scenario (avt compare --before A B C --after D E F).";

/// Returns the two figures and the change, under [`HEADINGS`].
pub fn columns(change: &LoadChange) -> [String; 3] {
    let (ratio, bound) = change.ratio();
    [figure(change, change.before), figure(change, change.after), format!("{}{}", bound.sign(), wording::change(ratio))]
}

fn figure(change: &LoadChange, (value, bound): (f64, Bound)) -> String {
    let text = if change.unit == Unit::PerSecond { units::rate(value) } else { wording::time(value) };
    format!("{}{text}", bound.sign())
}

/// States that a figure is over its limit: `over the limit: p99: worse by 30 %`.
pub fn over_the_limit(change: &LoadChange) -> String {
    format!("over the limit: {}: {}", change.name, worse_by(change))
}

/// States by how much a figure got worse: `worse by 30 %`.
pub fn worse_by(change: &LoadChange) -> String {
    let ratio = change.ratio().0;
    format!("worse by {}", wording::excess(if change.less_is_better { ratio } else { 1.0 / ratio }))
}

/// States why a figure decides nothing.
pub const UNDECIDABLE: &str = "not comparable: the figure before includes requests that never got a response";

/// Returns the differences in conditions, and the reasons why a load is not VALID, one sentence each.
pub fn warnings(found: &LoadComparison<'_>) -> Vec<String> {
    let line = text::one_line;
    let mut warnings: Vec<String> = found
        .differences
        .iter()
        .map(|(what, one, other)| format!("{what} differs: {}, then {}.", line(one), line(other)))
        .collect();
    for (side, load) in [("before", found.before), ("after", found.after)] {
        if load.partial {
            warnings.push(format!("The load {side} is partial: a signal ended it early."));
        }
        let unanswered = load.requests.planned - load.requests.completed.min(load.requests.planned);
        if unanswered > 0 {
            let (lost, planned) = (units::count(unanswered), units::count(load.requests.planned));
            warnings.push(format!("{side}: {lost} of {planned} requests got no response."));
        }
        if load.verdict != Verdict::Valid {
            let reasons: Vec<String> = load.reasons.iter().map(|reason| line(&reason.reason)).collect();
            warnings.push(format!("The load {side} is {}: {}.", load.verdict, reasons.join("; ")));
        }
    }
    warnings
}

/// Renders the comparison as JSON; `over` is the number of figures beyond `--fail-over`.
pub fn json(found: &LoadComparison<'_>, over: Option<usize>) -> Value {
    let side = |load: &LoadOutput| json!({ "urls": load.urls, "verdict": load.verdict, "partial": load.partial });
    let change = |change: &LoadChange| {
        let (ratio, bound) = change.ratio();
        json!({
            "figure": change.name,
            "unit": change.unit.name(),
            "before": change.before.0,
            "after": change.after.0,
            "ratio": ratio,
            "ratio_bound": bound,
        })
    };
    json!({
        "warnings": warnings(found),
        "before": side(found.before),
        "after": side(found.after),
        "changes": found.changes.iter().map(change).collect::<Vec<_>>(),
        "over_the_limit": over,
    })
}
