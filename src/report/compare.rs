//! Describes the comparison of two sides in words, and renders it as JSON, for `avt compare`.

use serde_json::{Value, json};

use super::wording::SideBySide;
use super::{json as run_json, ratios, warnings, wording};
use crate::analysis::compare::{Change, Comparison, Direction, SideName, Warning, Why};
use crate::analysis::{Analysis, Obstacle, STALL_NS};
use crate::stats::Interval;
use crate::text;
use crate::units;

/// The headings of a table of changes, after the model and the figure.
pub const HEADINGS: [&str; 5] = ["before", "after", "change", "95 % interval", "verdict"];

/// Returns the two means, their ratio, its interval and the verdict, under [`HEADINGS`].
pub fn columns(change: &Change) -> [String; 5] {
    let ratio = &change.ratio;
    let SideBySide { below: before, above: after, ratio: shown } = wording::side_by_side(change.metric, ratio);
    let sign = ratio.bound.sign();
    let interval = ratio.interval.map_or_else(
        || "n/a".into(),
        |Interval { low, high }| format!("{sign}{} to {sign}{}", wording::change(low), wording::change(high)),
    );
    [before, after, format!("{sign}{}", wording::change(shown)), interval, verdict(change)]
}

/// Returns the cell without its model: `echo, load.rate = max`.
pub fn place(change: &Change) -> String {
    wording::place(&change.scenario, &change.point)
}

/// Returns the figure as a column heading names it.
pub fn heading(change: &Change) -> &'static str {
    change.metric.heading(&change.work)
}

/// Formats the verdict: `worse by 12 %`; `no more than two runs of the same thing differ by (22 %)`.
pub fn verdict(change: &Change) -> String {
    match change.direction {
        Direction::Worse => format!("worse by {}", wording::excess(change.distance())),
        Direction::Better => format!("better by {}", wording::excess(change.distance())),
        Direction::Same if change.runs == [1, 1] => {
            format!("no verdict: identical runs differ by up to {}", wording::excess(change.seen))
        }
        Direction::Same => "no difference found".into(),
        Direction::Incomparable(why) => format!("not comparable: {}", describe_obstacle(&why)),
    }
}

/// States that a figure is over its limit: `over the limit: echo, async p99: worse by 30 %`.
pub fn over_the_limit(change: &Change) -> String {
    format!("over the limit: {}, {} {}: {}", place(change), change.model, heading(change), verdict(change))
}

/// Returns a summary of all figures.
pub fn conclusion(found: &Comparison) -> String {
    let count = |wanted: fn(Direction) -> bool| {
        units::count(found.changes.iter().filter(|change| wanted(change.direction)).count() as u64)
    };
    let mut close = format!(
        "{}: {} worse, {} better, {} without a difference, {} not comparable.",
        units::counted(found.changes.len() as u64, "figure", "figures"),
        count(|direction| direction == Direction::Worse),
        count(|direction| direction == Direction::Better),
        count(|direction| direction == Direction::Same),
        count(|direction| matches!(direction, Direction::Incomparable(_))),
    );
    if found.changes.iter().any(|change| change.runs == [1, 1]) {
        close += " Figures before and after are geometric means over rounds. One run per side does not show how much \
                  two runs differ; compare several (--before A B C --after D E F) to detect smaller differences.";
    } else {
        close += " Figures before and after are geometric means over runs, and intervals are computed over runs.";
    }
    close
}

fn describe_obstacle(why: &Why) -> String {
    match why {
        Why::Invalid(side) => format!("INVALID {}", side_name(*side)),
        Why::Figure(Obstacle::OneStall { .. }) => {
            format!("a single stall of {} decides it", units::duration(STALL_NS))
        }
        Why::Figure(obstacle) => ratios::obstacle(obstacle),
    }
}

fn side_name(side: SideName) -> &'static str {
    match side {
        SideName::Before => "before",
        SideName::After => "after",
    }
}

/// Returns a warning as a sentence.
pub fn warning(warning: &Warning) -> String {
    let line = text::one_line;
    match warning {
        Warning::Differs(what, first, second) => format!("{what} differs: {}, then {}.", line(first), line(second)),
        Warning::OnlyIn(SideName::Before, name) => format!("Some runs after lack the scenario {name}."),
        Warning::OnlyIn(SideName::After, name) => format!("Only the runs after have the scenario {name}."),
        Warning::OtherText(name) => format!("The text of the scenario {name} differs between the runs."),
        Warning::Calibration(speed) => format!(
            "Computations have {} as many iterations after as before, because the CPU was recalibrated; reuse the \
             calibration with `avt run --calibration DIR`.",
            times(*speed)
        ),
        Warning::Unfinished(side) => {
            format!("A run {} is partial: it has fewer rounds than planned.", side_name(*side))
        }
        Warning::MissingRecords(side, missing) => {
            format!("Of the runs {}, {}", side_name(*side), warnings::missing_records(*missing))
        }
        Warning::DebugBuild(side) => {
            format!(
                "A run {} used an avt built without optimisation, so its figures are meaningless.",
                side_name(*side)
            )
        }
    }
}

/// Formats a ratio with enough digits to show a small difference: `1.013 times`.
fn times(ratio: f64) -> String {
    format!("{ratio:.3} times")
}

/// Returns the findings on one side: `before: 3 of 48 trials suspect; drift in wall time under async (SUSPECT)`; `None`
/// if there are none.
pub fn findings(side: SideName, runs: &[Analysis<'_>]) -> Option<String> {
    let mut found = Vec::new();
    for run in runs {
        let points = run.scenarios.iter().flat_map(|scenario| &scenario.points);
        found.extend(warnings::flagged_measurements(points));
    }
    (!found.is_empty()).then(|| format!("{}: {}", side_name(side), found.join(" ")))
}

/// Renders the comparison as JSON; `over` is the number of figures beyond `--fail-over`.
pub fn json(found: &Comparison, before: &[Analysis<'_>], after: &[Analysis<'_>], over: Option<usize>) -> Value {
    let side = |runs: &[Analysis<'_>]| -> Vec<Value> {
        let of_run = |run: &Analysis<'_>| {
            json!({
                "started": run.run.started,
                "iterations_per_s": run.run.iterations_per_s,
                "verdict": run.verdict(),
                "judged": run.judged,
                "findings": run_json::findings(run),
                "strays": run_json::strays(run),
            })
        };
        runs.iter().map(of_run).collect()
    };
    json!({
        "warnings": found.warnings.iter().map(warning).collect::<Vec<_>>(),
        "before": side(before),
        "after": side(after),
        "changes": found.changes.iter().map(change).collect::<Vec<_>>(),
        "over_the_limit": over,
    })
}

fn change(change: &Change) -> Value {
    let direction = match change.direction {
        Direction::Better => "better",
        Direction::Worse => "worse",
        Direction::Same => "same",
        Direction::Incomparable(_) => "not_comparable",
    };
    let [before, after] = change.ratio.means;
    json!({
        "scenario": change.scenario,
        "point": change.point.to_string(),
        "model": change.model,
        "metric": change.metric.name(),
        "runs": change.runs,
        "before": before,
        "after": after,
        "ratio": change.ratio.ratio,
        "ratio_bound": change.ratio.bound,
        "interval": change.ratio.interval.map(|Interval { low, high }| [low, high]),
        "between_runs": change.seen,
        "verdict": direction,
        "why": verdict(change),
    })
}
