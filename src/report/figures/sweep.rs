//! The figures over a sweep: of rates offered to a server, or of jobs.

use super::super::answer;
use super::super::chart::sweep::{Line, Place, Sweep, Unit};
use super::super::summary::{CellSummary, Measures, PointSummary};
use super::super::table::{self, Column};
use super::{Figure, both, look, titles};
use crate::host::ThreadLimit;
use crate::scenario::{Model, Work};
use crate::stats::{Bound, Interval, Spread};

/// Fewer points are no line.
const FEWEST: usize = 3;

/// What a chart takes of a cell: the figure, its interval, and whether it is only a lower bound.
type Value = fn(&CellSummary, &Measures) -> Option<(f64, Interval, bool)>;

/// What is drawn of a sweep: its heading, its unit, its columns in the table.
type Kind = (&'static str, Unit, Value, &'static [Column]);

/// Every figure; none where fewer than three rates, or numbers of jobs, were measured.
pub(in crate::report) fn of(points: &[PointSummary], limits: &[ThreadLimit], id: &str) -> Vec<Figure> {
    let mut swept: Vec<(f64, &PointSummary)> = points.iter().filter_map(|point| Some((at(point)?, point))).collect();
    swept.sort_by(|a, b| a.0.total_cmp(&b.0));
    if swept.len() < FEWEST || swept.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Vec::new();
    }
    let is_echo = swept[0].1.work.is_echo();
    let (over, kinds): (&str, &[Kind]) =
        if is_echo { ("requests due a second", &[ANSWERED, P99]) } else { ("jobs", &[WALL, MEMORY, THREADS]) };
    let marks = if is_echo { knees(points) } else { limit(points, limits) };
    let figure = |(i, kind): (usize, &Kind)| figure(&swept, points, (over, &marks), kind, &format!("{id}-{i}"));
    kinds.iter().enumerate().filter_map(figure).collect()
}

/// Where each model's knee lies: the highest rate that it kept up with.
fn knees(points: &[PointSummary]) -> Vec<(f64, String)> {
    let knee = |(rate, models): (f64, Vec<String>)| (rate, format!("as far as {} kept up", models.join(", ")));
    answer::kept_up(points).into_iter().map(knee).collect()
}

/// How many threads this machine has room for, and why no more.
fn limit(points: &[PointSummary], limits: &[ThreadLimit]) -> Vec<(f64, String)> {
    let has_threads = points.iter().any(|point| point.cell(Model::Threads).is_some());
    let least = limits.iter().min_by_key(|limit| limit.allows).filter(|_| has_threads);
    let mark = |limit: &ThreadLimit| (limit.allows as f64, format!("{}: no more threads", limit.name));
    least.into_iter().map(mark).collect()
}

/// What is swept.
fn at(point: &PointSummary) -> Option<f64> {
    match &point.work {
        Work::Echo(echo) => echo.load.arrival.offered(),
        work => Some(f64::from(work.jobs()?)),
    }
}

const ANSWERED: Kind = (
    "Answers over the rate that was offered",
    Unit::Number,
    |_, m| told(Some(m.throughput)),
    &[Column::Rate, Column::Waited],
);
const P99: Kind = (
    "The 99th percentile over the rate that was offered",
    Unit::Time,
    |_, m| {
        let p99 = m.series.first()?.response.p99?;
        Some((p99.spread.median, p99.spread.range(), p99.at_least))
    },
    &[Column::P50, Column::P99, Column::Max],
);
const WALL: Kind = ("Wall time over the number of jobs", Unit::Time, |_, m| told(Some(m.wall_ns)), &[Column::Wall]);
const MEMORY: Kind = (
    "Memory of all that wait over the number of jobs",
    Unit::Bytes,
    |cell, _| {
        let all = cell.traced?.footprint?.total() as f64;
        Some((all, Interval { low: all, high: all }, false))
    },
    &[Column::PerWaiting, Column::Memory],
);
const THREADS: Kind =
    ("Threads over the number of jobs", Unit::Number, |_, m| told(Some(m.threads)), &[Column::Threads]);

fn told(spread: Option<Spread>) -> Option<(f64, Interval, bool)> {
    spread.map(|spread| (spread.median, spread.range(), false))
}

fn figure(
    swept: &[(f64, &PointSummary)],
    points: &[PointSummary],
    (over, marks): (&str, &[(f64, String)]),
    (heading, unit, value, columns): &Kind,
    id: &str,
) -> Option<Figure> {
    let models = swept[0].1.cells.iter().map(|cell| cell.cell.id.model);
    let line = |model| {
        let place = |(at, point): &(f64, &PointSummary)| {
            let cell = point.cell(model).filter(|cell| cell.cell.jobs_wanted.is_none())?;
            let (value, interval, at_least) = value(cell, cell.measures.as_ref()?)?;
            (value > 0.0).then_some(Place { at: *at, value, interval, at_least })
        };
        let places: Vec<Place> = swept.iter().filter_map(place).collect();
        let cell = swept[0].1.cell(model)?;
        (places.len() >= FEWEST).then(|| Line { label: model.to_string(), look: look(swept[0].1, cell), places })
    };
    let lines: Vec<Line> = models.filter_map(line).collect();
    if lines.is_empty() {
        return None;
    }
    let ideal = match unit {
        Unit::Number if over.contains("due") => {
            Some(("all that is offered".to_owned(), swept.iter().map(|(at, _)| (*at, *at)).collect()))
        }
        Unit::Time if over == "jobs" => {
            let ideal = |(at, point): &(f64, &PointSummary)| {
                let cell = point.cells.iter().find(|cell| cell.cell.jobs_wanted.is_none())?;
                Some((*at, cell.ideal_ns? as f64))
            };
            Some(("ideal".to_owned(), swept.iter().filter_map(ideal).collect()))
        }
        _ => None,
    };
    let sweep = Sweep { lines, over: over.to_owned(), unit: *unit, ideal, marks: marks.to_vec() };
    let finding = answer::of(points).join(" ");
    let svg = both(id, heading, &finding, |size, caption| sweep.draw(size, caption));
    let table = (format!("{heading}: medians of the rounds"), table::over_points(points, columns)?);
    let knee = (*unit == Unit::Number).then(|| answer::highest_rates(points)).flatten();
    let ends = sweep.lines.iter().filter_map(|line| {
        let last = line.places.last()?;
        Some((line.label.clone(), last.value, if last.at_least { Bound::AtLeast } else { Bound::Exact }))
    });
    let heading = titles::extremes(&format!("{heading}, at the most"), ends, |value| unit.show(value));
    Some(Figure { heading, text: knee.into_iter().collect(), svg, legend: Vec::new(), table })
}
