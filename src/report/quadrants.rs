//! Shows the two switches: how a job waits, blocking or async, and how many threads there are, one or more. Each
//! combination appears once for waiting and once for computing, with the lanes of a trial and its measurement.

use super::chart::Caption;
use super::chart::trial_lanes::TrialLanes;
use super::wording;
use crate::analysis::{CellSummary, Difference, PointSummary, ScenarioAnalysis};
use crate::lanes::{Span, What};
use crate::scenario::{Machine, Metric, Model, OffloadSpec, PoolKind, RuntimeKind, Scenario, Work};
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
    /// The lanes of a trial; empty if none were recorded.
    pub(super) lanes: String,
    pub(super) wall: String,
    /// The interval of the wall time, or its ratio to the ideal.
    pub(super) about: String,
    /// The number of threads: `1 thread`, `1,000 threads`.
    pub(super) threads: String,
    /// The jobs in flight and on a CPU at one instant.
    pub(super) in_flight: String,
    pub(super) executing: String,
    /// What the picture shows, in a few words.
    pub(super) note: Option<String>,
}

/// Returns the grids of a run, waiting first. For each kind of work, the grid is of the first scenario that does
/// nothing else.
pub(super) fn from_scenarios(scenarios: &[ScenarioAnalysis<'_>], machine: &Machine) -> Vec<Quadrants> {
    let waiting = pick(scenarios, waits).and_then(|(scenario, point)| grid("Waiting", scenario, point));
    let computing = pick(scenarios, computes).and_then(|(scenario, point)| {
        let cpus = machine.for_work(&point.work).cpus();
        let grid = grid("Computing", scenario, point)?;
        Some(Quadrants { what: format!("{} on {}", grid.what, units::counted(cpus.into(), "CPU", "CPUs")), ..grid })
    });
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
pub(super) fn waits(work: &Work) -> Option<String> {
    let Work::Sleep(sleep) = work else { return None };
    Some(format!("{} waits of {}", units::count(sleep.jobs.into()), wording::exact(sleep.wait)))
}

/// Describes the work if it only computes.
pub(super) fn computes(work: &Work) -> Option<String> {
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
    // One axis for all: as long as the longest trial with all jobs, and a little more.
    let complete = cells.iter().flatten().flatten().filter(|cell| cell.ran_all_jobs());
    let walls = complete.flat_map(|cell| {
        [cell.value(Metric::Wall), cell.traced.as_ref().map(|traced| traced.wall_ns as f64)].into_iter().flatten()
    });
    let axis = Axis { kind, ideal, until: (walls.fold(ideal, f64::max) * 1.06) as u64 };
    let [blocking, tasks] = cells.map(|row| row.map(|cell| combination(cell?, point, &axis)));
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

/// What the cells of a grid share.
struct Axis {
    kind: &'static str,
    ideal: f64,
    /// The end of the time axis, in nanoseconds.
    until: u64,
}

fn combination(cell: &CellSummary, point: &PointSummary, axis: &Axis) -> Option<Combination> {
    let (of_wall, flight) = (cell.figure(Metric::Wall)?, cell.figure(Metric::InFlight)?);
    let threads = cell.value(Metric::Threads)?.round().max(1.0);
    let all = all_jobs(cell, point);
    let (wall, about) = match &all {
        None => {
            let ratio = units::three_digits(of_wall.value() / axis.ideal);
            (wording::estimate(of_wall), format!("{}; {ratio} times the ideal", wording::with_rounds(of_wall)))
        }
        Some(all) => (format!("about {}", wording::time(all.ns)), "by arithmetic, from the jobs that ran".to_owned()),
    };
    Some(Combination {
        lanes: lanes(cell, axis, all.as_ref(), &wall),
        wall,
        about,
        threads: units::counted(threads as u64, "thread", "threads"),
        in_flight: wording::estimate(flight),
        executing: cell.figure(Metric::Executing).map_or_else(|| "–".into(), wording::estimate),
        note: note(cell, point, axis, all.as_ref(), flight.value()),
    })
}

/// The time that all jobs would take under a model that ran fewer, which follows one after the other.
struct AllJobs {
    ns: f64,
    ran: String,
}

fn all_jobs(cell: &CellSummary, point: &PointSummary) -> Option<AllJobs> {
    let ran = wording::fewer_jobs(&cell.cell)?;
    let (all, done) = (f64::from(point.work.jobs()?), f64::from(cell.cell.work.jobs()?));
    Some(AllJobs { ns: cell.predicted_ns? as f64 * all / done.max(1.0), ran })
}

/// Explains what a reader of the picture may wonder about.
fn note(
    cell: &CellSummary,
    point: &PointSummary,
    axis: &Axis,
    all: Option<&AllJobs>,
    in_flight: f64,
) -> Option<String> {
    let is_waiting = axis.kind == "Waiting";
    let jobs = f64::from(point.work.jobs()?);
    match cell.cell.id.model {
        _ if all.is_some() => {
            let (all, wall) = (all?, cell.figure(Metric::Wall)?);
            Some(format!("by arithmetic: {} took {}", all.ran, wording::estimate(wall)))
        }
        Model::Sequential => Some("one job after the other".into()),
        Model::Threads if is_waiting => Some("threads start and end in turn".into()),
        Model::Threads => Some("filled: its share of the CPUs".into()),
        Model::Async(..) if is_waiting => Some(format!("{} waits hold no thread", units::count(jobs as u64))),
        Model::Async(..) if in_flight < jobs => Some("no await, so jobs take turns".into()),
        _ => None,
    }
}

/// Draws the lanes of a cell's trial; empty if none were recorded.
fn lanes(cell: &CellSummary, axis: &Axis, all: Option<&AllJobs>, wall: &str) -> String {
    let Some(traced) = cell.traced.as_ref().filter(|_| !cell.lanes.spans.is_empty()) else { return String::new() };
    let mut rows: Vec<Vec<&Span>> = vec![Vec::new(); cell.lanes.names.len()];
    for span in &cell.lanes.spans {
        rows[span.lane as usize].push(span);
    }
    rows.retain(|spans| !spans.is_empty());
    rows.sort_by_key(|spans| spans.iter().map(|span| span.start).min());
    let model = cell.cell.id.model;
    let is_async = matches!(model, Model::Async(..));
    let mut notes = Vec::new();
    if axis.kind == "Waiting" && is_async {
        let runs = || cell.lanes.spans.iter().filter(|span| span.what == What::Run);
        let last = runs().map(|span| span.end).max().unwrap_or(0) as f64;
        notes = vec![(0.0, "all start".to_owned()), (last, "all end".to_owned())];
    }
    let wall_ns = if all.is_some() { f64::INFINITY } else { cell.value(Metric::Wall).unwrap_or(0.0) };
    let id = format!("q-{}-{}", axis.kind.to_lowercase(), model.to_string().replace(['/', '+'], "-"));
    let title = format!("{}: {model}", axis.kind);
    let finding = format!("{wall}. A row for each thread.");
    let drawn = TrialLanes { rows, until: axis.until, wall_ns, on_cpu: traced.on_cpu, notes, model };
    drawn.draw(&Caption { id: &id, title: &title, finding: &finding })
}
