//! Which pictures and tables a point of a sweep gets, and what stands beside them.

pub(super) mod claims;
mod lanes;
mod order;
pub(super) mod sweep;
mod titles;

use super::chart::bars::{Bar, Bars, Unit};
use super::chart::curve::{Curve, Curves};
use super::chart::density::{Densities, Density};
use super::chart::forest::{Forest, Panel};
use super::chart::heat::{Heat, Map};
use super::chart::{Caption, Look, Size};
use super::summary::{CellSummary, Percentile, PointSummary};
use super::table::{self, Table};
use super::versus;
use super::words;
use super::{answer, doubts};
use crate::scenario::{Metric, OffloadSpec, Work};
use crate::stats::{self, Bound, Interval, Ratio, Spread};
use crate::units;

/// A picture with its words and its table.
pub(super) struct Figure {
    pub(super) heading: String,
    /// What to know before looking.
    pub(super) text: Vec<String>,
    /// Both sizes; empty where there is too little to draw.
    pub(super) svg: String,
    pub(super) legend: Vec<Sign>,
    /// Its caption and figures.
    pub(super) table: (String, Table),
}

/// A sign of a chart that needs a word.
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

/// Every figure of a point; `id` is unique in the page.
pub(super) fn of(point: &PointSummary, id: &str) -> Vec<Figure> {
    if point.cells.iter().all(|cell| cell.measures.is_none()) {
        let heading = "No measurement".to_owned();
        let table = (caption(&heading, point), table::full(point));
        return vec![Figure { heading, text: Vec::new(), svg: String::new(), legend: Vec::new(), table }];
    }
    let mut figures = vec![of_bars(bars(point), point, id)];
    if beats(point).is_some() {
        figures.push(of_bars(wall_bars(point), point, &format!("{id}-wall")));
    }
    figures.extend(lanes::of(point, id));
    figures.push(of_bars(cpu_bars(point), point, &format!("{id}-cpu")));
    for (i, name) in point.series_names().into_iter().enumerate() {
        figures.extend(times(point, name, &format!("{id}-s{i}")));
    }
    figures.extend(heat(point, &format!("{id}-h")));
    figures.extend(sureness(point, &format!("{id}-v")));
    figures.extend(order::of(point, &format!("{id}-o")));
    figures
}

/// What the gates say of a model that stands alone; nothing where they say nothing.
fn doubts_alone(point: &PointSummary) -> Option<Figure> {
    let text: Vec<String> = doubts::of_point(point).into_iter().chain(doubts::without_disturbed(point)).collect();
    let heading = "How sure are we?".to_owned();
    let table = (caption(&heading, point), table::brief(point));
    (!text.is_empty()).then(|| Figure { heading, text, svg: String::new(), legend: Vec::new(), table })
}

/// The models as multiples of the reference.
fn sureness(point: &PointSummary, id: &str) -> Option<Figure> {
    let Some(twin) = point.twin.as_ref() else { return doubts_alone(point) };
    let reference = twin.cell.id.model;
    let table = table::against_reference(point)?;
    let noises: Vec<(&str, Ratio)> = Metric::of(&point.work)
        .iter()
        .filter_map(|metric| Some((metric.heading(&point.work), versus::noise(point, *metric)?)))
        .collect();
    let mut text = vec![format!(
        "Each figure as a multiple of that of {reference} in the same rounds: the geometric mean of the rounds and its 95 % \
         interval (a bootstrap over rounds)."
    )];
    if !noises.is_empty() {
        let noise = |(what, noise): &(&str, Ratio)| format!("{} in {what}", words::excess(noise.distance()));
        text.push(format!(
            "{reference} was run twice in every round. The two differ by {}: no smaller difference is called one.",
            noises.iter().map(noise).collect::<Vec<_>>().join(", ")
        ));
    }
    text.extend(doubts::of_point(point));
    text.extend(doubts::without_disturbed(point));
    let panel = |metric: &Metric| {
        let others = point.cells.iter().filter(|cell| cell.cell.id.model != reference);
        let row = |cell: &CellSummary| {
            let versus = versus::between(point, *metric, cell.cell.id.model, reference)?;
            Some((cell.cell.id.model.to_string(), look(point, cell), versus.ratio))
        };
        let noise = versus::noise(point, *metric)?;
        let again = (format!("{reference} again"), look(point, twin), noise);
        let rows: Vec<_> = others.filter_map(row).chain([again]).collect();
        Some(Panel { title: metric.heading(&point.work).into(), band: around_one(noise.distance()), rows })
    };
    let forest = Forest { panels: Metric::of(&point.work).iter().filter_map(panel).collect() };
    let heading = match noises.first() {
        Some((what, noise)) => {
            format!("How sure are we? The same model twice differed by {} in {what}", words::excess(noise.distance()))
        }
        None => "How sure are we?".to_owned(),
    };
    let title = format!("Each model as a multiple of {reference}");
    let finding = text[..noises.len().min(1) + 1].join(" ");
    let drawn = !forest.panels.is_empty();
    let svg =
        if drawn { both(id, &title, &finding, |size, caption| forest.draw(size, caption)) } else { String::new() };
    let legend = if drawn { vec![Sign::Noise, Sign::Likely] } else { Vec::new() };
    let caption = named(&format!("Multiples of {reference}"), point, "means over the rounds, with 95 % intervals");
    Some(Figure { heading, text, svg, legend, table: (caption, table) })
}

/// As far above 1 as below.
fn around_one(ratio: f64) -> Interval {
    Interval { low: 1.0 / ratio, high: ratio }
}

/// The chart that answers the question, in one size, for a card.
pub(super) fn small(point: &PointSummary, id: &str) -> Option<String> {
    let (bars, title) = bars(point);
    let drawn = bars.rows.iter().any(|bar| bar.value.is_some());
    let finding = finding(point);
    drawn.then(|| bars.draw(Size::Narrow, &Caption { id, title: &title, finding: &finding }))
}

fn of_bars((bars, title): (Bars, String), point: &PointSummary, id: &str) -> Figure {
    let finding = finding(point);
    let svg = both(id, &title, &finding, |size, caption| bars.draw(size, caption));
    let mut legend = Vec::new();
    if bars.line.is_some() {
        legend.push(if title.contains("gap") { Sign::Interval } else { Sign::Ideal });
    }
    if bars.rows.iter().any(|bar| bar.predicted.is_some()) {
        legend.push(Sign::Predicted);
    }
    let spread = bars.rows.iter().filter_map(|bar| bar.value).filter(|value| value.range().low < value.range().high);
    for sign in spread.map(|value| if value.interval.is_some() { Sign::Sure } else { Sign::Range }) {
        if !legend.contains(&sign) {
            legend.push(sign);
        }
    }
    if bars.rows.iter().any(|bar| bar.fewer.is_some()) {
        legend.push(Sign::Fewer);
    }
    let table = (caption(&title, point), table::full(point));
    let alike = bars.rows.iter().filter(|bar| bar.fewer.is_none());
    let figures = alike.filter_map(|bar| Some((bar.label.clone(), bar.value?.median, Bound::Exact)));
    let unit = bars.unit;
    let heading = titles::extremes(&title, figures, |figure| unit.show(figure));
    Figure { heading, text: Vec::new(), svg, legend, table }
}

/// The bars of the headline, and what they are called.
fn bars(point: &PointSummary) -> (Bars, String) {
    match (&point.work, beats(point)) {
        (_, Some(every)) => {
            let rows = rows(point, |cell| {
                let value = cell.measures.as_ref().and_then(|m| m.longest_gap_ns);
                (value, Some(every), cell.predicted_gap_ns.map(|ns| ns as f64))
            });
            let line = Some(format!("planned: every {}", words::exact(std::time::Duration::from_nanos(every as u64))));
            (Bars { rows, unit: Unit::Time, line }, "The longest gap between two beats".into())
        }
        (Work::Echo(_), None) => {
            let rows = rows(point, |cell| (cell.measures.as_ref().map(|m| m.throughput), None, None));
            (Bars { rows, unit: Unit::PerSecond, line: None }, "Requests answered a second".into())
        }
        _ => wall_bars(point),
    }
}

fn wall_bars(point: &PointSummary) -> (Bars, String) {
    let rows = rows(point, |cell| {
        let line = cell.ideal_ns.map(|ns| ns as f64);
        (cell.measures.as_ref().map(|m| m.wall_ns), line, cell.predicted_ns.map(|ns| ns as f64))
    });
    let ideals = || rows.iter().filter_map(|row| row.line);
    let line = ideals().next().map(|first| {
        let same = ideals().all(|ideal| ideal == first);
        if same {
            // Arithmetic on what a machine computes at once seldom gives a round number.
            format!("ideal {}", words::time(first))
        } else {
            "ideal".into()
        }
    });
    (Bars { rows, unit: Unit::Time, line }, "Wall time".into())
}

fn cpu_bars(point: &PointSummary) -> (Bars, String) {
    let rows = rows(point, |cell| (cell.measures.as_ref().and_then(|m| m.cpu_per_job_ns), None, None));
    (Bars { rows, unit: Unit::Time, line: None }, Metric::Cpu.heading(&point.work).to_owned())
}

type Values = (Option<Spread>, Option<f64>, Option<f64>);

fn rows(point: &PointSummary, values: impl Fn(&CellSummary) -> Values) -> Vec<Bar> {
    let row = |cell: &CellSummary| {
        let (value, line, predicted) = values(cell);
        let fewer = words::fewer_jobs(&cell.cell);
        Bar { label: cell.cell.id.model.to_string(), look: look(point, cell), value, line, predicted, fewer }
    };
    point.cells.iter().map(row).collect()
}

/// The curve of one kind of job, then its histograms.
fn times(point: &PointSummary, name: &str, id: &str) -> Vec<Figure> {
    let found = || point.cells.iter().filter_map(|cell| Some((cell, cell.series(name)?)));
    let curve = |(cell, series): (&CellSummary, &super::summary::SeriesSummary)| {
        // Waiting for a turn is the question of an echo; where jobs start all at once the two tell the same story.
        let is_echo = point.work.is_echo();
        let times = (&series.response.merged, is_echo.then_some(&series.service.merged));
        let curve = Curve::of(cell.cell.id.model.to_string(), look(point, cell), times, series.lower_bound_from_ns)?;
        Some(curve.within(&series.response.band))
    };
    let curves = Curves { series: found().filter_map(curve).collect() };
    let title = format!("How long the {name} took");
    let finding = finding_of_series(point, name);
    let mut text = Vec::new();
    let mut svg = String::new();
    if curves.series.is_empty() {
        text.push(format!("Fewer than twenty {name} a model are too few for a curve."));
    } else {
        svg = both(id, &title, &finding, |size, caption| curves.draw(size, caption));
        text.push(format!(
            "From when each of the {name} was due until it was done, all rounds together. A curve ends where fewer than ten \
             samples lie beyond it."
        ));
    }
    let signs = [(curves.has_bands(), Sign::Ribbon), (curves.has_service(), Sign::Service)];
    let legend = signs.into_iter().filter(|(shown, _)| *shown).map(|(_, sign)| sign).collect();
    let table = |title: &str| (caption(title, point), table::of_series(point, name));
    let named = |cell: &CellSummary, percentile: Option<Percentile>| {
        let percentile = percentile?;
        Some((cell.cell.id.model.to_string(), percentile.spread.median, percentile.bound()))
    };
    let p99 = found().filter_map(|(cell, series)| named(cell, series.response.p99));
    let heading = titles::extremes(&format!("{title}, 99 of 100"), p99, words::time);
    let mut figures = vec![Figure { table: table(&title), heading, text, svg, legend }];

    let rows: Vec<Density> = found()
        .filter(|(_, series)| series.response.merged.len() >= 20)
        .map(|(cell, series)| Density {
            label: cell.cell.id.model.to_string(),
            look: look(point, cell),
            times: &series.response.merged,
        })
        .collect();
    if !rows.is_empty() {
        let heading = format!("Where the times of the {name} cluster");
        let densities = Densities { rows };
        let svg = both(&format!("{id}-d"), &heading, &finding, |size, caption| densities.draw(size, caption));
        let table = table(&heading);
        let medians = found().filter_map(|(cell, series)| named(cell, series.response.p50));
        let heading = titles::extremes(&format!("{heading}, their median"), medians, words::time);
        figures.push(Figure { heading, text: comb(&point.work), svg, legend: Vec::new(), table });
    }
    figures
}

/// The response times of an echo over time.
fn heat(point: &PointSummary, id: &str) -> Option<Figure> {
    let Work::Echo(echo) = &point.work else { return None };
    let map = |cell| {
        let cell: &CellSummary = cell;
        let load = cell.measures.as_ref()?.load.as_ref()?;
        let (warmup, window) = (&load.warmup, &load.over_time);
        let is_empty = window.columns().is_empty();
        (!is_empty).then(|| Map { label: cell.cell.id.model.to_string(), look: look(point, cell), warmup, window })
    };
    let rows: Vec<Map> = point.cells.iter().filter_map(map).collect();
    if rows.is_empty() {
        return None;
    }
    let heat = Heat { rows, warmup_ns: units::nanos(echo.load.warmup), window_ns: units::nanos(echo.load.duration) };
    let name = point.series_names().first().copied().unwrap_or_default();
    let heading = "When the times were long".to_owned();
    let svg = both(id, &heading, &finding_of_series(point, name), |size, caption| heat.draw(size, caption));
    let longest = point
        .cells
        .iter()
        .filter_map(|cell| Some((cell, cell.series(name)?.response.max?)))
        .map(|(cell, longest)| (cell.cell.id.model.to_string(), longest.spread.median, longest.bound()));
    let table = (named(&heading, point, "medians of the rounds"), table::of_series(point, name));
    let heading = titles::extremes(&format!("{heading}, the longest of a round"), longest, words::time);
    let text = "By when a request was due, all rounds together: the darker, the more were like it (in equal \
                ratios). A line that climbs is a server that falls behind; a slope that falls is a stall, of which who came \
                first waited longest. What lies before the dashed line is the warm-up, which is in no other figure.";
    Some(Figure { heading, text: vec![text.into()], svg, legend: vec![Sign::Warm, Sign::Median], table })
}

/// Why async waits come in teeth, where waits are drawn.
fn comb(work: &Work) -> Vec<String> {
    let waits = !work.steps().wait.is_zero() || matches!(work, Work::Offload(OffloadSpec { heartbeat: Some(_), .. }));
    let text = "tokio's timer counts whole milliseconds and rounds up, so async waits end up to about 1 ms late and in bursts, \
                the teeth of a comb. A thread's own sleep is late by some 50 µs. That is the grain of a timer, not a \
                cost of the model.";
    if waits { vec![text.into()] } else { Vec::new() }
}

/// A picture in both sizes.
pub(super) fn both(id: &str, title: &str, finding: &str, draw: impl Fn(Size, &Caption) -> String) -> String {
    Size::BOTH.map(|size| draw(size, &Caption { id, title, finding })).concat()
}

fn look(point: &PointSummary, cell: &CellSummary) -> Look {
    Look::of(cell.cell.id.model, point.cells.iter().map(|cell| cell.cell.id.model))
}

/// The interval of the heartbeat, where there is one.
fn beats(point: &PointSummary) -> Option<f64> {
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
                Some(coverage) => format!("{:.1} % intervals", coverage * 100.0),
                None if least >= stats::FEWEST => "95 % intervals".into(),
                None => "range".into(),
            };
            format!("medians of {rounds} rounds, and their {around}")
        }
        None => "no round was measured".into(),
    };
    named(title, point, &of)
}

/// A caption that says where in the sweep it is.
fn named(title: &str, point: &PointSummary, of: &str) -> String {
    if point.label.is_empty() {
        format!("{title}: {of}")
    } else {
        format!("{title}, {}: {of}", words::one_line(&point.label))
    }
}

/// The fewest and the most rounds that a model has.
fn rounds(point: &PointSummary) -> Option<(usize, usize)> {
    let rounds = point.cells.iter().filter_map(|cell| Some(cell.measures.as_ref()?.rounds()));
    Some((rounds.clone().min()?, rounds.max()?))
}

fn finding(point: &PointSummary) -> String {
    answer::at(point).join(" ")
}

fn finding_of_series(point: &PointSummary, name: &str) -> String {
    let said = |percentile: Option<Percentile>| match percentile {
        Some(p) => format!("{}{}", if p.at_least { "at least " } else { "" }, words::time(p.spread.median)),
        None => "too few samples".into(),
    };
    let texts = point.cells.iter().filter_map(|cell| {
        let times = &cell.series(name)?.response;
        let (p50, p99, max) = (said(times.p50), said(times.p99), said(times.max));
        Some(format!("{}: half within {p50}, 99 of 100 within {p99}, longest {max}.", cell.cell.id.model))
    });
    texts.collect::<Vec<_>>().join(" ")
}
