//! Draws the figures over a sweep: of the rates offered to a server, or of the number of jobs.

use super::super::chart::sweep::{Sweep, SweepLine, SweepPoint};
use super::super::headline;
use super::super::table::{self, Column};
use super::super::wording;
use super::{Figure, draw_both, look_of, titles};
use crate::analysis::{CellSummary, PointSummary, ScenarioAnalysis, Unmeasured};
use crate::host::ThreadLimit;
use crate::scenario::{Metric, Model, Unit, Work};
use crate::stats::{Bound, Interval};

/// The fewest points for a line.
const FEWEST: usize = 3;

/// A chart over a sweep.
struct SweepChart {
    heading: &'static str,
    /// The figure that is drawn.
    drawn: SweepFigure,
    columns: &'static [Column],
}

/// A figure over a sweep.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SweepFigure {
    Figure(Metric),
    /// The memory of all waiting jobs together.
    Waiting,
}

impl SweepFigure {
    fn unit(self) -> Unit {
        match self {
            Self::Figure(metric) => metric.unit(),
            Self::Waiting => Unit::Bytes,
        }
    }

    /// Formats a value; a rate without its unit, which the heading names.
    fn show(self, value: f64) -> String {
        match self {
            Self::Figure(Metric::Rate) => wording::count(value),
            Self::Figure(metric) => wording::figure(metric, value),
            Self::Waiting => wording::memory(value),
        }
    }

    /// Returns the figure of a cell, its interval and its bound.
    fn value(self, cell: &CellSummary) -> Option<(f64, Interval, Bound)> {
        match self {
            Self::Figure(metric) => {
                let figure = cell.figure(metric)?;
                Some((figure.value(), figure.spread.range(), figure.bound()))
            }
            Self::Waiting => {
                let all = cell.traced.as_ref()?.waiting_bytes?.all;
                Some((all, Interval { low: all, high: all }, Bound::Exact))
            }
        }
    }
}

/// Returns every figure over the sweep; empty if fewer than three rates, or numbers of jobs, were measured.
pub(in crate::floors::report) fn for_scenario(
    scenario: &ScenarioAnalysis<'_>,
    limits: &[ThreadLimit],
    id: &str,
) -> Vec<Figure> {
    let points = &scenario.points;
    let mut swept: Vec<(f64, &PointSummary)> =
        points.iter().filter_map(|point| Some((swept_value(point)?, point))).collect();
    swept.sort_by(|a, b| a.0.total_cmp(&b.0));
    if swept.len() < FEWEST || swept.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Vec::new();
    }
    let is_echo = swept[0].1.work.is_echo();
    let (over, kinds): (&str, &[SweepChart]) =
        if is_echo { ("requests/s offered", &[ANSWERED, P99]) } else { ("jobs", &[WALL, MEMORY, THREADS]) };
    let mut marks = if is_echo { knees(scenario) } else { limit(points, limits) };
    marks.extend(refusals(&swept));
    let figure = |(i, kind): (usize, &SweepChart)| figure(&swept, scenario, (over, &marks), kind, &format!("{id}-{i}"));
    kinds.iter().enumerate().filter_map(figure).collect()
}

/// Returns the highest rate that each model kept up with, as marks on the axis.
fn knees(scenario: &ScenarioAnalysis<'_>) -> Vec<(f64, String)> {
    let knees = scenario.kept_up.iter().map(|kept_up| {
        let models: Vec<String> = kept_up.models.iter().map(ToString::to_string).collect();
        (kept_up.rate, format!("highest rate sustained: {}", models.join(", ")))
    });
    knees.collect()
}

/// Returns the number of threads that this machine allows, with the limit that applies, as a mark on the axis.
fn limit(points: &[PointSummary], limits: &[ThreadLimit]) -> Vec<(f64, String)> {
    let has_threads = points.iter().any(|point| point.cell(Model::Threads).is_some());
    let least = limits.iter().min_by_key(|limit| limit.allows).filter(|_| has_threads);
    let mark = |limit: &ThreadLimit| (limit.allows as f64, format!("{}: no more threads", limit.name));
    least.into_iter().map(mark).collect()
}

/// Returns the first point at which the machine refused threads to a model, as the scenario expects, as marks on the
/// axis.
fn refusals(swept: &[(f64, &PointSummary)]) -> Vec<(f64, String)> {
    let models = swept[0].1.cells.iter().map(|cell| cell.cell.id.model);
    let first = |model: Model| {
        let is_refused =
            |point: &PointSummary| point.cell(model).is_some_and(|cell| cell.unmeasured() == Some(Unmeasured::Refused));
        let (at, _) = swept.iter().find(|(_, point)| is_refused(point))?;
        Some((*at, format!("{model}: refused")))
    };
    models.filter_map(first).collect()
}

/// Returns the swept value of a point: the offered rate, or the number of jobs.
fn swept_value(point: &PointSummary) -> Option<f64> {
    match &point.work {
        Work::Echo(echo) => echo.load.arrival.offered(),
        work => Some(f64::from(work.jobs()?)),
    }
}

const ANSWERED: SweepChart = SweepChart {
    heading: "Requests/s answered by offered rate",
    drawn: SweepFigure::Figure(Metric::Rate),
    columns: &[Column::Figure(Metric::Rate), Column::Figure(Metric::WaitedP99)],
};
const P99: SweepChart = SweepChart {
    heading: "p99 response time by offered rate",
    drawn: SweepFigure::Figure(Metric::P99),
    columns: &[Column::Figure(Metric::P50), Column::Figure(Metric::P99), Column::Figure(Metric::Max)],
};
const WALL: SweepChart = SweepChart {
    heading: "Wall time by number of jobs",
    drawn: SweepFigure::Figure(Metric::Wall),
    columns: &[Column::Figure(Metric::Wall)],
};
const MEMORY: SweepChart = SweepChart {
    heading: "Memory of all waiting jobs by number of jobs",
    drawn: SweepFigure::Waiting,
    columns: &[Column::Figure(Metric::Memory), Column::Figure(Metric::PeakMemory)],
};
const THREADS: SweepChart = SweepChart {
    heading: "Threads by number of jobs",
    drawn: SweepFigure::Figure(Metric::Threads),
    columns: &[Column::Figure(Metric::Threads)],
};

fn figure(
    swept: &[(f64, &PointSummary)],
    scenario: &ScenarioAnalysis<'_>,
    (over, marks): (&str, &[(f64, String)]),
    SweepChart { heading, drawn, columns }: &SweepChart,
    id: &str,
) -> Option<Figure> {
    let models = swept[0].1.cells.iter().map(|cell| cell.cell.id.model);
    let line = |model| {
        let place = |(at, point): &(f64, &PointSummary)| {
            let cell = point.cell(model).filter(|cell| cell.ran_all_jobs())?;
            let (value, interval, bound) = drawn.value(cell)?;
            (value > 0.0).then_some(SweepPoint { at: *at, value, interval, bound })
        };
        let places: Vec<SweepPoint> = swept.iter().filter_map(place).collect();
        let cell = swept[0].1.cell(model)?;
        (places.len() >= FEWEST).then(|| SweepLine {
            label: model.to_string(),
            look: look_of(swept[0].1, cell),
            places,
        })
    };
    let lines: Vec<SweepLine> = models.filter_map(line).collect();
    if lines.is_empty() {
        return None;
    }
    let ideal = match drawn {
        SweepFigure::Figure(Metric::Rate) => {
            Some(("offered rate".to_owned(), swept.iter().map(|(at, _)| (*at, *at)).collect()))
        }
        SweepFigure::Figure(Metric::Wall) => {
            let ideal = |(at, point): &(f64, &PointSummary)| {
                let cell = point.cells.iter().find(|cell| cell.ran_all_jobs())?;
                Some((*at, cell.ideal_ns? as f64))
            };
            Some(("ideal".to_owned(), swept.iter().filter_map(ideal).collect()))
        }
        _ => None,
    };
    let sweep = Sweep { lines, over: over.to_owned(), unit: drawn.unit(), ideal, marks: marks.to_vec() };
    let finding = headline::for_scenario(scenario).join(" ");
    let svg = draw_both(id, heading, &finding, |size, caption| sweep.draw(size, caption));
    let table = (format!("{heading} (medians of the rounds)"), table::over_points(&scenario.points, columns)?);
    let knee = (*drawn == SweepFigure::Figure(Metric::Rate)).then(|| headline::highest_rates(scenario)).flatten();
    let ends = sweep.lines.iter().filter_map(|line| {
        let last = line.places.last()?;
        Some((line.label.clone(), last.value, last.bound))
    });
    let ends = ends.collect();
    let heading = titles::extremes(&format!("{heading}, at the last point"), ends, &|value| drawn.show(value));
    Some(Figure { heading, text: knee.into_iter().collect(), svg, legend: Vec::new(), table })
}
