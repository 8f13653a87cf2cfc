//! The page of `avt compare --html`: the runs after a change against those before it.

use askama::Template;

use super::{ICON, SCRIPT, SCRIPT_HASH, STYLE, class, switches};
use crate::analysis::compare::{Change, Comparison, Direction, SideName};
use crate::analysis::{Analysis, PointSummary, SeriesSummary};
use crate::report::chart::curve::{Curve, Curves};
use crate::report::chart::forest::{Forest, ForestPanel, ForestRow};
use crate::report::chart::{Caption, Look, Size};
use crate::report::compare as wording;
use crate::report::figures::draw_both;
use crate::scenario::{Family, Metric};
use crate::stats::Interval;
use crate::text;

/// The most pairs of curves on the page.
const MOST_CURVES: usize = 8;

#[derive(Template)]
#[template(path = "comparison.html", config = "src/report/templates/askama.toml")]
struct ComparisonPage {
    conclusion: String,
    warnings: Vec<String>,
    facts: Vec<(&'static str, String)>,
    /// The models that are compared, with the class of their family and their description.
    models: Vec<(&'static str, String, String)>,
    places: Vec<PlaceView>,
    curves: Vec<CurvesView>,
    findings: Vec<String>,
}

/// The changes of the cells at one point of a scenario.
struct PlaceView {
    id: String,
    name: String,
    finding: String,
    svg: String,
    rows: Vec<ChangeRow>,
}

struct ChangeRow {
    class: &'static str,
    model: String,
    figure: &'static str,
    columns: [String; 5],
    is_worse: bool,
}

/// The percentile curves of a model before and after the change.
struct CurvesView {
    heading: String,
    svg: String,
}

/// Renders the page, complete in itself.
pub(in crate::floors::report) fn page(found: &Comparison, before: &[Analysis<'_>], after: &[Analysis<'_>]) -> String {
    let places: Vec<&[Change]> =
        found.changes.chunk_by(|one, next| wording::place(one) == wording::place(next)).collect();
    let findings = [(SideName::Before, before), (SideName::After, after)];
    let page = ComparisonPage {
        conclusion: wording::conclusion(found),
        warnings: found.warnings.iter().map(wording::warning).collect(),
        facts: [("before", before), ("after", after)].map(|(name, runs)| (name, started(runs))).into(),
        models: switches(found.changes.iter().map(|change| change.model)),
        places: places.iter().enumerate().map(|(i, changes)| place(changes, i)).collect(),
        curves: curves(found, before, after),
        findings: findings.into_iter().filter_map(|(side, runs)| wording::findings(side, runs)).collect(),
    };
    page.render().expect("writing into a string")
}

/// Returns when the runs of a side began.
fn started(runs: &[Analysis<'_>]) -> String {
    let times: Vec<String> = runs.iter().map(|run| text::one_line(&run.run.started)).collect();
    times.join(", ")
}

fn place(changes: &[Change], number: usize) -> PlaceView {
    let name = wording::place(&changes[0]);
    let looks: Vec<_> = changes.iter().map(|change| change.model).collect();
    let mut metrics: Vec<Metric> = Vec::new();
    for change in changes {
        if !metrics.contains(&change.metric) {
            metrics.push(change.metric);
        }
    }
    let panel = |metric: &Metric| {
        let of_metric: Vec<&Change> = changes.iter().filter(|change| change.metric == *metric).collect();
        let seen = of_metric.iter().map(|change| change.seen).fold(1.0, f64::max);
        let row = |change: &&Change| ForestRow {
            label: change.model.to_string(),
            look: Look::for_model(change.model, looks.iter().copied()),
            ratio: change.ratio,
            rounds: Vec::new(),
        };
        ForestPanel {
            title: format!("{}, after / before", wording::heading(of_metric[0])),
            band: Interval { low: 1.0 / seen, high: seen },
            rows: of_metric.iter().map(row).collect(),
        }
    };
    let forest = Forest { panels: metrics.iter().map(panel).collect() };
    let changed: Vec<String> = changes
        .iter()
        .filter(|change| matches!(change.direction, Direction::Worse | Direction::Better))
        .map(|change| format!("{} under {}: {}", wording::heading(change), change.model, wording::verdict(change)))
        .collect();
    let incomparable = changes.iter().filter(|change| matches!(change.direction, Direction::Incomparable(_))).count();
    let finding = match (changed.is_empty(), incomparable) {
        (true, n) if n == changes.len() => "Nothing here can be compared.".into(),
        (true, 0) => "No difference found.".into(),
        (true, n) => format!("No difference found; {n} of {} figures cannot be compared.", changes.len()),
        (false, _) => changed.join("; "),
    };
    let title = format!("{name}: figures after the change as multiples of those before it");
    let svg = draw_both(&format!("f{number}"), &title, &finding, |size: Size, caption: &Caption<'_>| {
        forest.draw(size, caption)
    });
    let row = |change: &Change| ChangeRow {
        class: class(change.model.family()),
        model: change.model.to_string(),
        figure: wording::heading(change),
        columns: wording::columns(change),
        is_worse: change.direction == Direction::Worse,
    };
    PlaceView { id: format!("place-{number}"), name, finding, svg, rows: changes.iter().map(row).collect() }
}

/// Returns the curves of the cells with a figure that changed, or of the first cells if none did.
fn curves(found: &Comparison, before: &[Analysis<'_>], after: &[Analysis<'_>]) -> Vec<CurvesView> {
    let has_changed = |change: &&Change| matches!(change.direction, Direction::Worse | Direction::Better);
    let mut cells: Vec<&Change> = Vec::new();
    let is_same = |one: &Change, other: &Change| {
        (&one.scenario, &one.point, one.model) == (&other.scenario, &other.point, other.model)
    };
    for change in found.changes.iter().filter(has_changed).chain(&found.changes) {
        if cells.iter().all(|known| !is_same(known, change)) {
            cells.push(change);
        }
    }
    let view = |(i, change): (usize, &&Change)| {
        let sides = [("before", before, Family::External), ("after", after, change.model.family())];
        let series = sides.into_iter().filter_map(|(label, runs, family)| {
            let series = series(runs.first()?, change)?;
            let look = Look { family, variant: 0 };
            Curve::from_times(label.into(), look, (&series.response, None), series.lower_bound_from_ns)
        });
        let curves = Curves { series: series.collect() };
        let heading = format!("{}, {}", wording::place(change), change.model);
        (curves.series.len() == 2).then(|| CurvesView {
            svg: draw_both(&format!("c{i}"), &heading, &heading, |size: Size, caption: &Caption<'_>| {
                curves.draw(size, caption)
            }),
            heading,
        })
    };
    cells.iter().enumerate().filter_map(view).take(MOST_CURVES).collect()
}

/// Returns the times of the cell of a change in a run.
fn series<'a>(run: &'a Analysis<'_>, change: &Change) -> Option<&'a SeriesSummary> {
    let point: &PointSummary = run.scenario(&change.scenario)?.points.iter().find(|point| point.at == change.point)?;
    let name = point.series_names().first().copied()?;
    point.cell(change.model)?.series(name)
}
