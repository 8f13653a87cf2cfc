//! Summarizes all cells at one point of a sweep, and compares them.

use super::cell::{self, CellSummary};
use super::findings::{self, PointFinding};
use super::ratios::{self, Control, ModelRatio, Obstacle};
use crate::gate::{self, PointLimit};
use crate::record::{Ceiling, Measured, Outcome, Record, Run};
use crate::scenario::{Cell, Metric, Model, Point, PointSpec, Scenario, Work};
use crate::stats::{Noise, Spread};
use crate::units;

/// The cells at one point of the sweep, and the conclusions from comparing them.
#[derive(Clone, Debug)]
pub struct PointSummary {
    /// The swept keys and their values; empty if nothing is swept.
    pub at: Point,
    /// The work of a model that runs all jobs.
    pub work: Work,
    /// The load generator's ceiling; `None` if there is no generator or it was not measured.
    pub ceiling: Option<Ceiling>,
    /// One cell per model, in the order of the scenario.
    pub cells: Vec<CellSummary>,
    /// The A/A control.
    pub control: Option<Control>,
    /// The ratios of every pair of models that ran all jobs, for each metric that models are compared by.
    pub ratios: Vec<ModelRatio>,
    /// The findings of the gates over the rounds.
    pub findings: Vec<PointFinding>,
    /// The limits that the load met.
    pub limits: Vec<PointLimit>,
    /// In an open loop, the share of the due requests that each model answered.
    pub answered: Vec<Answered>,
    /// In a closed loop, the share of the generator's ceiling that the fastest model used.
    pub ceiling_use: Option<CeilingUse>,
    /// The seed for resampling intervals.
    pub seed: u64,
}

/// How far a model kept up with an offered rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answered {
    /// The model that served.
    pub model: Model,
    /// Answered requests divided by due requests.
    pub share: f64,
    /// Whether the model kept up.
    pub kept_up: bool,
}

/// The share of the generator's ceiling that the fastest model used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CeilingUse {
    /// The fastest model.
    pub model: Model,
    /// The model's rate divided by the generator's ceiling.
    pub share: f64,
    /// Whether the ceiling is so near that a faster server would hardly look faster.
    pub is_near: bool,
}

/// The share of the offered rate from which a model counts as keeping up: requests due at the end of the window are
/// answered after it.
pub(super) const KEPT_UP: f64 = 0.98;

/// The share of the ceiling from which a faster server would hardly look faster.
const NEAR_THE_CEILING: f64 = 0.9;

/// Summarizes every point of a scenario.
pub(super) fn points(scenario: &Scenario, run: &Run, records: &[Record]) -> Vec<PointSummary> {
    let (cells, controls) = (scenario.cells(), scenario.control_cells());
    let summarize = |cell: &Cell| cell::summarize(cell.clone(), scenario, run, records);
    let point = |point: &PointSpec| PointSummary {
        at: point.at.clone(),
        work: point.work.clone(),
        ceiling: match &point.work {
            Work::Echo(echo) => run.ceilings.iter().find(|ceiling| ceiling.is_of(&echo.load)).copied(),
            Work::Sleep(_) | Work::Offload(_) | Work::Own(_) => None,
        },
        cells: cells.iter().filter(|cell| cell.id.point == point.at).map(summarize).collect(),
        control: None,
        ratios: Vec::new(),
        findings: Vec::new(),
        limits: gate::find_limits(records.iter().filter_map(|record| load_at(record, scenario, &point.at))),
        answered: Vec::new(),
        ceiling_use: None,
        seed: run.seed,
    };
    let mut points: Vec<PointSummary> = scenario.points.iter().map(point).collect();
    for point in &mut points {
        let cell = controls.iter().find(|cell| cell.id.point == point.at).map(summarize);
        point.control = cell.map(|cell| point.control_of(cell));
    }
    pool_noise(&mut points);
    for point in &mut points {
        point.ratios = point.all_ratios();
        point.answered = point.answered_shares();
        point.ceiling_use = point.use_of_ceiling();
        point.findings = findings::evaluate(point);
    }
    points
}

/// Returns the model and the measured trial of a record, if it is a load at this point of the scenario.
fn load_at<'a>(record: &'a Record, scenario: &Scenario, at: &Point) -> Option<(Model, &'a Measured)> {
    match &record.outcome {
        Outcome::Measured(measured) if record.cell.scenario == scenario.name && record.cell.point == *at => {
            measured.load.is_some().then_some((record.cell.model, measured.as_ref()))
        }
        _ => None,
    }
}

/// Pools the noise of each metric over all points of the scenario, and stores it in every control.
fn pool_noise(points: &mut [PointSummary]) {
    let mut pooled: Vec<(Metric, Noise)> = Vec::new();
    for (metric, noise) in points.iter().filter_map(|point| point.control.as_ref()).flat_map(|control| &control.noise) {
        match pooled.iter_mut().find(|(other, _)| other == metric) {
            Some((_, all)) => *all = all.and(*noise),
            None => pooled.push((*metric, *noise)),
        }
    }
    points.iter_mut().filter_map(|point| point.control.as_mut()).for_each(|control| control.noise.clone_from(&pooled));
}

impl PointSummary {
    /// Returns the cell of a model.
    pub fn cell(&self, model: Model) -> Option<&CellSummary> {
        self.cells.iter().find(|cell| cell.cell.id.model == model)
    }

    /// Iterates over every cell, the control's last.
    pub fn all_cells(&self) -> impl Iterator<Item = &CellSummary> {
        self.cells.iter().chain(self.control.as_ref().map(|control| &control.cell))
    }

    /// Returns the ratio of one model to another in a metric that models are compared by; `None` if either lacks the
    /// figure or ran fewer jobs.
    pub fn ratio(&self, metric: Metric, model: Model, reference: Model) -> Option<ModelRatio> {
        self.ratios.iter().filter(|ratio| ratio.metric == metric).find_map(|ratio| {
            if (ratio.model, ratio.reference) == (model, reference) {
                Some(*ratio)
            } else {
                ((ratio.reference, ratio.model) == (model, reference)).then(|| ratio.inverse())
            }
        })
    }

    /// Returns the ratio of one cell's figure to another's in each round that both have.
    pub fn round_ratios(&self, metric: Metric, above: &CellSummary, below: &CellSummary) -> Vec<f64> {
        let (pairs, _) = ratios::pairs(below, above, metric);
        pairs.into_iter().map(|(below, above)| above / below).filter(|ratio| ratio.is_finite()).collect()
    }

    /// Returns the names of the cells' series, in the order of their first appearance.
    pub fn series_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for series in self.cells.iter().filter_map(|cell| cell.measures.as_ref()).flat_map(|m| &m.series) {
            if !names.contains(&series.name.as_str()) {
                names.push(&series.name);
            }
        }
        names
    }

    /// Returns the offered rate; `None` for jobs and for a closed loop.
    pub fn offered(&self) -> Option<f64> {
        match &self.work {
            Work::Echo(echo) => echo.load.arrival.offered(),
            Work::Sleep(_) | Work::Offload(_) | Work::Own(_) => None,
        }
    }

    /// Returns the cost of recording lanes for each cell of this point: the ratio of wall time with recording to wall
    /// time without. For a server, whose window has a fixed length, it is the ratio of CPU time per request.
    pub fn recording_costs(&self) -> Vec<f64> {
        let cost = |cell: &CellSummary| {
            let traced = cell.traced.as_ref()?;
            Some(if self.work.is_echo() {
                traced.cpu_per_job_ns / cell.value(Metric::Cpu)?
            } else {
                traced.wall_ns as f64 / cell.value(Metric::Wall)?
            })
        };
        self.cells.iter().filter_map(cost).filter(|cost| cost.is_finite()).collect()
    }

    pub(super) fn with_all_jobs(&self, model: Model) -> Option<&CellSummary> {
        self.cell(model).filter(|cell| cell.ran_all_jobs())
    }

    /// Returns the obstacle if one stall can decide this figure for any of these models.
    pub(super) fn find_single_stall(&self, metric: Metric, models: &[Model]) -> Option<Obstacle> {
        let stall =
            |model: Model| ratios::find_single_stall(metric, &self.work, self.cell(model)?.figure(Metric::Jobs));
        models.iter().copied().find_map(stall)
    }

    fn control_of(&self, cell: CellSummary) -> Control {
        let first = self.with_all_jobs(cell.cell.id.model);
        let metrics = || Metric::compared(&self.work).iter().copied();
        let ratio = |metric| Some((metric, ratios::ratio(first?, &cell, metric, self.seed)?));
        let noise = |metric| Some((metric, Noise::from_pairs(&ratios::pairs(first?, &cell, metric).0)?));
        let (ratios, noise) = (metrics().filter_map(ratio).collect(), metrics().filter_map(noise).collect());
        Control { cell, ratios, noise }
    }

    fn all_ratios(&self) -> Vec<ModelRatio> {
        let models: Vec<Model> =
            self.cells.iter().filter(|cell| cell.ran_all_jobs()).map(|c| c.cell.id.model).collect();
        let pairs = models.iter().enumerate().flat_map(|(i, a)| models[i + 1..].iter().map(move |b| (*a, *b)));
        let metrics = Metric::compared(&self.work);
        pairs.flat_map(|(a, b)| metrics.iter().filter_map(move |metric| self.compare(*metric, b, a))).collect()
    }

    /// Compares two models by any metric.
    pub(super) fn compare(&self, metric: Metric, model: Model, reference: Model) -> Option<ModelRatio> {
        let (below, above) = (self.with_all_jobs(reference)?, self.with_all_jobs(model)?);
        let ratio = ratios::ratio(below, above, metric, self.seed)?;
        let noise = self.control.as_ref().and_then(|control| control.noise(metric));
        let stall = self.find_single_stall(metric, &[model, reference]);
        let (floor, difference) = ratios::difference(&ratio, noise, stall);
        Some(ModelRatio { metric, model, reference, ratio, floor, difference })
    }

    fn answered_shares(&self) -> Vec<Answered> {
        let answered = |cell: &CellSummary| {
            let share = cell.value(Metric::AnsweredShare)?;
            Some(Answered { model: cell.cell.id.model, share, kept_up: share >= KEPT_UP })
        };
        self.cells.iter().filter_map(answered).collect()
    }

    fn use_of_ceiling(&self) -> Option<CeilingUse> {
        let ceiling = self.ceiling?.per_s;
        let rates = self.cells.iter().filter_map(|cell| Some((cell.value(Metric::Rate)?, cell.cell.id.model)));
        let (most, model) = rates.max_by(|one, other| one.0.total_cmp(&other.0))?;
        let share = most / ceiling;
        Some(CeilingUse { model, share, is_near: share > NEAR_THE_CEILING })
    }
}

/// How the heartbeat of a cell fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beats {
    /// The heartbeat stopped while a job held its thread.
    Stalled,
    /// The heartbeat went on.
    Steady,
}

impl PointSummary {
    /// Returns how the heartbeat of a model fared: it stalled if its longest gap exceeds three beats and is at least
    /// half the time for which a job holds a thread. `None` if there is no heartbeat.
    pub fn beats(&self, cell: &CellSummary) -> Option<Beats> {
        let Work::Offload(offload) = &self.work else { return None };
        let (every, held) = (offload.heartbeat?.every, offload.steps.block + offload.steps.compute);
        let gap = cell.value(Metric::Gap)?;
        let stalled = gap > 3.0 * units::nanos(every) as f64 && gap >= 0.5 * units::nanos(held) as f64;
        Some(if stalled { Beats::Stalled } else { Beats::Steady })
    }
}

/// Returns the median and the largest cost of recording lanes over the cells of these points.
pub(super) fn recording(points: &[PointSummary]) -> Option<Spread> {
    Spread::summarize(points.iter().flat_map(PointSummary::recording_costs))
}
