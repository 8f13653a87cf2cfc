//! Selects the charts and tables of a point of a sweep, with the text beside them.

pub(super) mod claims;
mod lanes;
mod order;
pub(super) mod sweep;
mod titles;

use super::chart::bars::{Bar, Bars};
use super::chart::curve::{Curve, Curves};
use super::chart::density::{Densities, Density};
use super::chart::forest::{Forest, ForestPanel, ForestRow};
use super::chart::heat::{Heat, HeatMap};
use super::chart::{Caption, Look, Size};
use super::headline;
use super::table::{self, Table};
use super::warnings;
use super::wording;
use crate::analysis::{CellSummary, Control, Estimate, PointSummary, SeriesSummary, Unmeasured};
use crate::scenario::{Metric, OffloadSpec, Work};
use crate::stats::{self, Interval};
use crate::text;
use crate::units;

/// A chart with its text and its table.
pub(super) struct Figure {
    pub(super) heading: String,
    /// The paragraphs to read before looking at the chart.
    pub(super) text: Vec<String>,
    /// The chart in both sizes; empty if there is too little to draw.
    pub(super) svg: String,
    pub(super) legend: Vec<Sign>,
    /// The table's caption, and the table.
    pub(super) table: (String, Table),
}

/// A sign in a chart that needs an explanation in the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Range,
    Sure,
    Ideal,
    Interval,
    Predicted,
    Fewer,
    Ribbon,
    Noise,
    Likely,
    Service,
    Executed,
    Held,
    Ready,
    Beat,
    Warm,
    Median,
}

/// Returns every figure of a point; `id` is unique in the page.
pub(super) fn for_point(point: &PointSummary, id: &str, shows_lanes: bool) -> Vec<Figure> {
    if point.cells.iter().all(|cell| cell.measures.is_none()) {
        let heading = "No measurement".to_owned();
        let table = (caption(&heading, point), table::full(point));
        return vec![Figure { heading, text: Vec::new(), svg: String::new(), legend: Vec::new(), table }];
    }
    let mut figures = vec![bars_figure(bars(point), point, id)];
    if heartbeat_interval(point).is_some() {
        figures.push(bars_figure(wall_bars(point), point, &format!("{id}-wall")));
    }
    if shows_lanes {
        figures.extend(lanes::for_point(point, id));
    }
    figures.push(bars_figure(cpu_bars(point), point, &format!("{id}-cpu")));
    for (i, name) in point.series_names().into_iter().enumerate() {
        figures.extend(times(point, name, &format!("{id}-s{i}")));
    }
    figures.extend(heat(point, &format!("{id}-h")));
    figures.extend(ratios_figure(point, &format!("{id}-v")));
    figures.extend(order::for_point(point, &format!("{id}-o")));
    figures
}

/// Returns a figure with the findings of a point that has no control; `None` if there are none.
fn findings_figure(point: &PointSummary) -> Option<Figure> {
    let text = [warnings::point_findings(point), warnings::without_disturbed(point)].concat();
    let heading = "How sure are we?".to_owned();
    let table = (caption(&heading, point), table::brief(point));
    (!text.is_empty()).then(|| Figure { heading, text, svg: String::new(), legend: Vec::new(), table })
}

/// Returns the figure with the ratio of each model to the one that the control repeats.
fn ratios_figure(point: &PointSummary, id: &str) -> Option<Figure> {
    let Some(control) = &point.control else { return findings_figure(point) };
    let reference = control.cell.cell.id.model;
    let table = table::against_reference(point, control)?;
    let metrics = Metric::compared(&point.work);
    let mut text = vec![format!(
        "Each figure divided by that of {reference} in the same rounds: the geometric mean over the rounds and its 95 \
         % confidence interval (a bootstrap over rounds). The two means are below each ratio."
    )];
    text.extend(describe_control(point, control));
    let about = text.len();
    text.extend(warnings::point_findings(point));
    text.extend(warnings::without_disturbed(point));
    let panel = |metric: &Metric| {
        let others = point.cells.iter().filter(|cell| cell.cell.id.model != reference);
        let row = |cell: &CellSummary| {
            let versus = point.ratio(*metric, cell.cell.id.model, reference)?;
            let model = cell.cell.id.model;
            Some(ForestRow {
                label: model.to_string(),
                look: look_of(point, cell),
                ratio: versus.ratio,
                rounds: point.round_ratios(*metric, cell, point.cell(reference)?),
            })
        };
        let ratio = *control.ratio(*metric)?;
        let rounds = point.cell(reference).map(|cell| point.round_ratios(*metric, &control.cell, cell));
        let control_row = ForestRow {
            label: format!("{reference} (control)"),
            look: look_of(point, &control.cell),
            ratio,
            rounds: rounds.unwrap_or_default(),
        };
        let rows: Vec<_> = others.filter_map(row).chain([control_row]).collect();
        let floor = control.noise(*metric).map_or(1.0, |noise| noise.floor(ratio.rounds));
        Some(ForestPanel { title: metric.heading(&point.work).into(), band: interval_around_one(floor), rows })
    };
    let forest = Forest { panels: metrics.iter().filter_map(panel).collect() };
    let heading = match metrics.first().and_then(|metric| Some((metric, control.ratio(*metric)?))) {
        Some((metric, ratio)) => format!(
            "How sure are we? The A/A control differs by {} in {}",
            wording::excess(ratio.distance()),
            metric.heading(&point.work)
        ),
        None => "How sure are we?".to_owned(),
    };
    let title = format!("Ratio of each model to {reference}");
    let finding = text[..about].join(" ");
    let drawn = !forest.panels.is_empty();
    let draw = |size: Size, caption: &Caption<'_>| forest.draw(size, caption);
    let svg = if drawn { draw_both(id, &title, &finding, draw) } else { String::new() };
    let legend = if drawn { vec![Sign::Noise, Sign::Likely] } else { Vec::new() };
    let caption = caption_at(
        &format!("Ratios to {reference}"),
        point,
        "geometric means over the rounds, with 95 % confidence intervals",
    );
    Some(Figure { heading, text, svg, legend, table: (caption, table) })
}

/// States the noise floor of each metric that models are compared by; `None` if the control has none.
fn describe_control(point: &PointSummary, control: &Control) -> Option<String> {
    let reference = control.cell.cell.id.model;
    let floor = |metric: &Metric| {
        let (ratio, noise) = (control.ratio(*metric)?, control.noise(*metric)?);
        let heading = metric.heading(&point.work);
        let [seen, floor] = [ratio.distance(), noise.floor(ratio.rounds)].map(wording::excess);
        Some(format!("{seen} in {heading} (noise floor {floor})"))
    };
    let floors: Vec<String> = Metric::compared(&point.work).iter().filter_map(floor).collect();
    (!floors.is_empty()).then(|| {
        format!(
            "{reference} ran twice in every round, as an A/A control. The two runs differ by {}. A difference below \
             the noise floor is not reported: 95 % of such pairs of identical runs stay below it.",
            floors.join(", ")
        )
    })
}

/// Returns the interval that lies as far above 1 as below it, on a log scale.
fn interval_around_one(ratio: f64) -> Interval {
    Interval { low: 1.0 / ratio, high: ratio }
}

/// Returns the chart of the headline figure in the narrow size, for a card.
pub(super) fn small_chart(point: &PointSummary, id: &str) -> Option<String> {
    let (bars, title) = bars(point);
    let drawn = bars.rows.iter().any(|bar| bar.value.is_some());
    let finding = finding(point);
    drawn.then(|| bars.draw(Size::Narrow, &Caption { id, title: &title, finding: &finding }))
}

fn bars_figure((bars, title): (Bars, String), point: &PointSummary, id: &str) -> Figure {
    let finding = finding(point);
    let svg = draw_both(id, &title, &finding, |size, caption| bars.draw(size, caption));
    let mut legend = Vec::new();
    if bars.line.is_some() {
        legend.push(if title.contains("gap") { Sign::Interval } else { Sign::Ideal });
    }
    if bars.rows.iter().any(|bar| bar.predicted.is_some()) {
        legend.push(Sign::Predicted);
    }
    let spreads = bars.rows.iter().filter_map(|bar| Some(bar.value.as_ref()?.spread));
    let spreads = spreads.filter(|spread| spread.range().low < spread.range().high);
    for sign in spreads.map(|spread| if spread.interval.is_some() { Sign::Sure } else { Sign::Range }) {
        if !legend.contains(&sign) {
            legend.push(sign);
        }
    }
    if bars.rows.iter().any(|bar| bar.fewer.is_some()) {
        legend.push(Sign::Fewer);
    }
    let table = (caption(&title, point), table::full(point));
    let alike = bars.rows.iter().filter(|bar| bar.fewer.is_none());
    let figures = alike.filter_map(|bar| Some((bar.label.clone(), bar.value.as_ref()?)));
    let heading = titles::of_estimates(&title, figures);
    Figure { heading, text: Vec::new(), svg, legend, table }
}

/// Returns the bars of the headline figure, and their title.
fn bars(point: &PointSummary) -> (Bars, String) {
    match (&point.work, heartbeat_interval(point)) {
        (_, Some(every)) => {
            let rows = rows(point, |cell| (Metric::Gap, Some(every), cell.predicted_gap_ns.map(|ns| ns as f64)));
            let line =
                Some(format!("planned: every {}", wording::exact(std::time::Duration::from_nanos(every as u64))));
            (Bars { rows, unit: Metric::Gap.unit(), line }, "Longest gap between two heartbeats".into())
        }
        (Work::Echo(_), None) => {
            let rows = rows(point, |_| (Metric::Rate, None, None));
            (Bars { rows, unit: Metric::Rate.unit(), line: None }, "Requests answered per second".into())
        }
        _ => wall_bars(point),
    }
}

fn wall_bars(point: &PointSummary) -> (Bars, String) {
    let rows =
        rows(point, |cell| (Metric::Wall, cell.ideal_ns.map(|ns| ns as f64), cell.predicted_ns.map(|ns| ns as f64)));
    let ideals = || rows.iter().filter_map(|row| row.line);
    let line = ideals().next().map(|first| {
        let same = ideals().all(|ideal| ideal == first);
        if same {
            // A machine's combined computing speed seldom gives a round ideal.
            format!("ideal {}", wording::time(first))
        } else {
            "ideal".into()
        }
    });
    (Bars { rows, unit: Metric::Wall.unit(), line }, "Wall time".into())
}

fn cpu_bars(point: &PointSummary) -> (Bars, String) {
    let rows = rows(point, |_| (Metric::Cpu, None, None));
    (Bars { rows, unit: Metric::Cpu.unit(), line: None }, Metric::Cpu.heading(&point.work).to_owned())
}

/// The metric of a bar, the position of its line, and the predicted end.
type Values = (Metric, Option<f64>, Option<f64>);

fn rows(point: &PointSummary, values: impl Fn(&CellSummary) -> Values) -> Vec<Bar> {
    let row = |cell: &CellSummary| {
        let (metric, line, predicted) = values(cell);
        let (value, fewer) = (cell.figure(metric).cloned(), wording::fewer_jobs(&cell.cell));
        let missing = if cell.unmeasured() == Some(Unmeasured::Refused) { "refused" } else { "no measurement" };
        let (label, look) = (cell.cell.id.model.to_string(), look_of(point, cell));
        Bar { label, look, value, line, predicted, fewer, missing }
    };
    point.cells.iter().map(row).collect()
}

/// Returns the figure with the percentile curves of one kind of job, then the one with its histograms.
fn times(point: &PointSummary, name: &str, id: &str) -> Vec<Figure> {
    let found = || point.cells.iter().filter_map(|cell| Some((cell, cell.series(name)?)));
    let curve = |(cell, series): (&CellSummary, &SeriesSummary)| {
        // Queueing matters for an echo; if all jobs start at once, response and service time show the same.
        let is_echo = point.work.is_echo();
        let times = (&series.response, is_echo.then_some(&series.service));
        let label = cell.cell.id.model.to_string();
        let curve = Curve::from_times(label, look_of(point, cell), times, series.lower_bound_from_ns)?;
        Some(curve.within(series.band()))
    };
    let curves = Curves { series: found().filter_map(curve).collect() };
    let title = format!("Response times of {name}");
    let finding = finding_of_series(point, name);
    let mut text = Vec::new();
    let mut svg = String::new();
    if curves.series.is_empty() {
        text.push(format!("No curve: each model has fewer than twenty {name}."));
    } else {
        svg = draw_both(id, &title, &finding, |size, caption| curves.draw(size, caption));
        text.push("All rounds are pooled. A curve ends where fewer than ten samples lie beyond it.".into());
    }
    let signs = [(curves.has_bands(), Sign::Ribbon), (curves.has_service(), Sign::Service)];
    let legend = signs.into_iter().filter(|(shown, _)| *shown).map(|(_, sign)| sign).collect();
    let table = |title: &str| (caption(title, point), table::of_series(point, name));
    let of_models = |metric: Metric| {
        found().filter_map(move |(cell, series)| Some((cell.cell.id.model.to_string(), series.figure(metric)?)))
    };
    let heading = titles::of_estimates(&format!("{title}, p99"), of_models(Metric::P99));
    let mut figures = vec![Figure { table: table(&title), heading, text, svg, legend }];

    let rows: Vec<Density> = found()
        .filter(|(_, series)| series.response.len() >= 20)
        .map(|(cell, series)| Density {
            label: cell.cell.id.model.to_string(),
            look: look_of(point, cell),
            times: &series.response,
        })
        .collect();
    if !rows.is_empty() {
        let heading = format!("Distribution of the response times of {name}");
        let densities = Densities { rows };
        let svg = draw_both(&format!("{id}-d"), &heading, &finding, |size, caption| densities.draw(size, caption));
        let table = table(&heading);
        let heading = titles::of_estimates(&format!("{heading}, p50"), of_models(Metric::P50));
        figures.push(Figure { heading, text: comb(&point.work), svg, legend: Vec::new(), table });
    }
    figures
}

/// Returns the figure with the response times of an echo over time.
fn heat(point: &PointSummary, id: &str) -> Option<Figure> {
    let Work::Echo(echo) = &point.work else { return None };
    let map = |cell| {
        let cell: &CellSummary = cell;
        let load = cell.measures.as_ref()?.load.as_ref()?;
        let (warmup, window) = (&load.warmup, &load.over_time);
        let is_empty = window.columns().is_empty();
        let label = cell.cell.id.model.to_string();
        (!is_empty).then(|| HeatMap { label, look: look_of(point, cell), warmup, window })
    };
    let rows: Vec<HeatMap> = point.cells.iter().filter_map(map).collect();
    if rows.is_empty() {
        return None;
    }
    let heat = Heat { rows, warmup_ns: units::nanos(echo.load.warmup), window_ns: units::nanos(echo.load.duration) };
    let name = point.series_names().first().copied().unwrap_or_default();
    let heading = "Response times over time".to_owned();
    let svg = draw_both(id, &heading, &finding_of_series(point, name), |size, caption| heat.draw(size, caption));
    let longest =
        |cell: &'_ CellSummary| Some((cell.cell.id.model.to_string(), cell.series(name)?.figure(Metric::Max)?.clone()));
    let longest: Vec<(String, Estimate)> = point.cells.iter().filter_map(longest).collect();
    let caption = caption_at(&heading, point, "medians of the rounds, and the maximum of all rounds");
    let table = (caption, table::of_series(point, name));
    let longest = longest.iter().map(|(model, longest)| (model.clone(), longest));
    let heading = titles::of_estimates(&format!("{heading}, maximum of all rounds"), longest);
    let text = "Response times by the time at which a request was due, all rounds pooled; the darker, the more \
                requests (log scale). A rising line is a server that falls behind. A falling slope is a stall, in \
                which the first request waited longest. The warm-up, before the dashed line, is in no other figure.";
    Some(Figure { heading, text: vec![text.into()], svg, legend: vec![Sign::Warm, Sign::Median], table })
}

/// Explains the comb pattern of async waits, if the work waits.
fn comb(work: &Work) -> Vec<String> {
    let waits = !work.steps().wait.is_zero() || matches!(work, Work::Offload(OffloadSpec { heartbeat: Some(_), .. }));
    let text = "tokio's timer counts whole milliseconds and rounds up, so async waits end up to about 1 ms late and in \
                bursts: the teeth of the comb. A sleeping thread wakes about 50 µs late. This is the resolution of the \
                timer, not a cost of the model.";
    if waits { vec![text.into()] } else { Vec::new() }
}

/// Draws a chart in both sizes.
pub(super) fn draw_both(id: &str, title: &str, finding: &str, draw: impl Fn(Size, &Caption) -> String) -> String {
    Size::BOTH.map(|size| draw(size, &Caption { id, title, finding })).concat()
}

fn look_of(point: &PointSummary, cell: &CellSummary) -> Look {
    Look::for_model(cell.cell.id.model, point.cells.iter().map(|cell| cell.cell.id.model))
}

/// Returns the interval of the heartbeat; `None` if there is no heartbeat.
fn heartbeat_interval(point: &PointSummary) -> Option<f64> {
    match &point.work {
        Work::Offload(offload) => offload.heartbeat.map(|heartbeat| units::nanos(heartbeat.every) as f64),
        _ => None,
    }
}

fn caption(title: &str, point: &PointSummary) -> String {
    let of = match rounds(point) {
        Some((1, 1)) => "one round".into(),
        Some((least, most)) => {
            let rounds = if least == most { most.to_string() } else { format!("{least} to {most}") };
            let around = match stats::coverage(least).filter(|_| least == most) {
                Some(coverage) => format!("{:.1} % confidence intervals", coverage * 100.0),
                None if least >= stats::FEWEST => "95 % confidence intervals".into(),
                None => "ranges".into(),
            };
            format!("medians of {rounds} rounds, with {around}")
        }
        None => "no round was measured".into(),
    };
    caption_at(title, point, &of)
}

/// Returns a caption that names the point of the sweep.
fn caption_at(title: &str, point: &PointSummary, of: &str) -> String {
    if point.at.is_empty() {
        format!("{title} ({of})")
    } else {
        format!("{title}, {} ({of})", text::one_line(&point.at.to_string()))
    }
}

/// Returns the fewest and the most rounds of any measured model; `None` if no model was measured.
fn rounds(point: &PointSummary) -> Option<(usize, usize)> {
    let rounds = point.cells.iter().map(CellSummary::rounds).filter(|rounds| *rounds > 0);
    Some((rounds.clone().min()?, rounds.max()?))
}

fn finding(point: &PointSummary) -> String {
    headline::for_point(point).join(" ")
}

fn finding_of_series(point: &PointSummary, name: &str) -> String {
    let text = |figure: Option<&Estimate>| figure.map_or_else(|| "too few samples".into(), wording::estimate);
    let texts = point.cells.iter().filter_map(|cell| {
        let series = cell.series(name)?;
        let [p50, p99, max] = [Metric::P50, Metric::P99, Metric::Max].map(|metric| text(series.figure(metric)));
        Some(format!("{}: p50 {p50}, p99 {p99}, max {max}.", cell.cell.id.model))
    });
    texts.collect::<Vec<_>>().join(" ")
}
