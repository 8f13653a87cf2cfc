//! Shows the two switches: how a job waits, blocking or async, and how many threads there are, one or more. Each
//! combination appears once for waiting and once for computing, with its measurement.

use super::wording;
use crate::analysis::{CellSummary, Difference, PointSummary, ScenarioAnalysis};
use crate::scenario::{Metric, Model, OffloadSpec, PoolKind, RuntimeKind, Scenario, Work};
use crate::units;

/// One kind of work under the four combinations.
pub(super) struct Quadrants {
    /// The kind of work: `Waiting`, `Computing`.
    pub(super) kind: &'static str,
    /// The work: `1,000 waits of 100 ms`.
    pub(super) what: String,
    /// The ideal wall time: `100 ms`.
    pub(super) ideal: String,
    /// The row of blocking, then the row of async.
    pub(super) rows: [QuadrantRow; 2],
    /// The page with all figures.
    pub(super) href: String,
}

/// The combinations of one way of waiting.
pub(super) struct QuadrantRow {
    pub(super) name: &'static str,
    /// The combination with one thread, then the one with more; `None` if not measured.
    pub(super) cells: [Option<Combination>; 2],
}

/// One of the four combinations.
pub(super) struct Combination {
    pub(super) model: String,
    pub(super) class: &'static str,
    pub(super) wall: String,
    pub(super) range: Option<String>,
    /// The length of the bar and the position of the ideal in it, in percent.
    pub(super) percent: f64,
    pub(super) ideal_percent: f64,
    /// The ratio to the ideal, `1.02 × ideal`, or that the model ran fewer jobs.
    pub(super) about: String,
    pub(super) fewer: bool,
    /// The number of threads: `1 thread`, `1,000 threads`.
    pub(super) threads: String,
    /// One square per thread, as many as can be distinguished.
    pub(super) squares: String,
    /// The counts at one instant: `in flight 1,000, executing 1`.
    pub(super) at_once: String,
}

/// Returns the grids of a run, waiting first. For each kind of work, the grid is of the first scenario that does
/// nothing else.
pub(super) fn from_scenarios(scenarios: &[ScenarioAnalysis<'_>]) -> Vec<Quadrants> {
    let waiting = pick(scenarios, waits).and_then(|(scenario, point)| grid("Waiting", scenario, point));
    let computing = pick(scenarios, computes).and_then(|(scenario, point)| grid("Computing", scenario, point));
    waiting.into_iter().chain(computing).collect()
}

/// Returns at most three sentences with the run's own figures: on waiting, on computing, and the conclusion.
pub(super) fn sentences(scenarios: &[ScenarioAnalysis<'_>]) -> Vec<String> {
    let mut all = Vec::new();
    if let Some((_, point)) = pick(scenarios, waits)
        && let (Some(what), Some(one), Some(many)) =
            (waits(&point.work), wall(point, Some(Model::ASYNC)), wall(point, many_blocking(point)))
    {
        all.push(format!("{what} took {one} and {many}."));
    }
    if let Some((_, point)) = pick(scenarios, computes)
        && let (Some(what), Some(one), Some(many)) =
            (computes(&point.work), wall(point, Some(Model::ASYNC)), wall(point, many_async(point)))
    {
        all.push(format!("{what} took {one} and {many}."));
        let slower = many_async(point).and_then(|many| point.ratio(Metric::Wall, Model::ASYNC, many));
        if slower.is_some_and(|slower| slower.difference == Difference::More && slower.ratio.ratio > 1.3) {
            all.push("async adds no thread: its tasks share one.".into());
        }
    }
    all
}

/// States a wall time, `102 ms on one async thread` or `171 ms on 1,000 blocking threads`; `None` if the model ran
/// fewer jobs.
fn wall(point: &PointSummary, model: Option<Model>) -> Option<String> {
    let model = model?;
    let cell = point.cell(model).filter(|cell| cell.ran_all_jobs())?;
    let [wall, threads] = [Metric::Wall, Metric::Threads].map(|metric| cell.figure(metric).map(wording::estimate));
    let (wall, threads) = (wall?, threads?);
    Some(match model {
        Model::ASYNC => format!("{wall} on one async thread"),
        Model::Async(_, PoolKind::Inline) => format!("{wall} on {threads} async threads"),
        _ => format!("{wall} on {threads} blocking threads"),
    })
}

fn pick<'a>(
    scenarios: &'a [ScenarioAnalysis<'a>],
    kind: fn(&Work) -> Option<String>,
) -> Option<(&'a Scenario, &'a PointSummary)> {
    scenarios.iter().find_map(|scenario| {
        let point = scenario.points.last().filter(|point| kind(&point.work).is_some())?;
        Some((scenario.scenario, point))
    })
}

/// Describes the work if it only waits.
fn waits(work: &Work) -> Option<String> {
    let Work::Sleep(sleep) = work else { return None };
    Some(format!("{} waits of {}", units::count(sleep.jobs.into()), wording::exact(sleep.wait)))
}

/// Describes the work if it only computes.
fn computes(work: &Work) -> Option<String> {
    let Work::Offload(OffloadSpec { jobs, steps, heartbeat: None, .. }) = work else { return None };
    let only = (steps.wait + steps.block + steps.lock).is_zero() && !steps.compute.is_zero();
    only.then(|| format!("{} computations of {}", units::count((*jobs).into()), wording::exact(steps.compute)))
}

/// Returns the model that blocks on more than one thread.
fn many_blocking(point: &PointSummary) -> Option<Model> {
    let mut models = point.cells.iter().map(|cell| cell.cell.id.model);
    let pool = models.clone().find(|model| matches!(model, Model::Pool(n) if n.get() > 1));
    models.find(|model| *model == Model::Threads).or(pool)
}

/// Returns the async model with more than one thread.
fn many_async(point: &PointSummary) -> Option<Model> {
    let mut models = point.cells.iter().map(|cell| cell.cell.id.model);
    models.find(|model| matches!(model, Model::Async(RuntimeKind::Workers(n), PoolKind::Inline) if n.get() > 1))
}

fn grid(kind: &'static str, scenario: &Scenario, point: &PointSummary) -> Option<Quadrants> {
    let models = [[Some(Model::Sequential), many_blocking(point)], [Some(Model::ASYNC), many_async(point)]];
    let cells = models.map(|row| row.map(|model| point.cell(model?)));
    let ideal = point.cells.iter().find(|cell| cell.ran_all_jobs())?.ideal_ns? as f64;
    let wall = |cell: &CellSummary| cell.value(Metric::Wall);
    let most = cells.iter().flatten().flatten().filter_map(|cell| wall(cell)).fold(ideal, f64::max);
    let [blocking, tasks] = cells.map(|row| row.map(|cell| combination(cell?, ideal, most)));
    if blocking.iter().chain(&tasks).flatten().count() < 2 {
        return None;
    }
    Some(Quadrants {
        kind,
        what: waits(&point.work).or_else(|| computes(&point.work))?,
        ideal: wording::time(ideal),
        rows: [QuadrantRow { name: "blocking", cells: blocking }, QuadrantRow { name: "async", cells: tasks }],
        href: format!("{}.html", scenario.name),
    })
}

fn combination(cell: &CellSummary, ideal: f64, most: f64) -> Option<Combination> {
    /// The largest number of squares that a reader would count.
    const SQUARES: usize = 8;
    let (of_wall, flight) = (cell.figure(Metric::Wall)?, cell.figure(Metric::InFlight)?);
    let (wall, threads) = (of_wall.value(), cell.value(Metric::Threads)?.round().max(1.0));
    let fewer = wording::fewer_jobs(&cell.cell);
    let executing = cell.figure(Metric::Executing).map_or_else(|| "–".into(), wording::estimate);
    let more = if threads as usize > SQUARES { " …" } else { "" };
    Some(Combination {
        model: cell.cell.id.model.to_string(),
        class: super::html::class(cell.cell.id.model.family()),
        wall: wording::time(wall),
        range: wording::estimate_range(of_wall),
        percent: (100.0 * wall / most).max(0.5),
        ideal_percent: 100.0 * ideal / most,
        fewer: fewer.is_some(),
        about: match fewer {
            Some(fewer) => format!("for only {fewer}"),
            None => format!("{} × ideal", units::three_digits(wall / ideal)),
        },
        threads: if threads == 1.0 { "1 thread".into() } else { format!("{} threads", wording::count(threads)) },
        squares: format!("{}{more}", "■".repeat((threads as usize).min(SQUARES))),
        at_once: format!("in flight {}, executing {executing}", wording::estimate(flight)),
    })
}
