//! Compares runs before a change with runs after it, cell by cell.
//!
//! The run is the unit. Two runs of the same thing, minutes apart, differ by more than the rounds within each of them
//! suggest, because the state of the CPUs, the neighbours and the memory layout changed in between. With several runs a
//! side, a difference is judged by how much the runs of a side differ. With one pair, it is judged by how much two runs
//! of the same thing have been observed to differ ([`between_runs`]), and by the rounds.

use super::fail_over::{FailOver, FigureName};
use super::point::PointSummary;
use super::ratios::Obstacle;
use super::round::Estimate;
use super::{Analysis, ScenarioAnalysis};
use crate::record::{Run, RunState};
use crate::scenario::{Metric, Model, Point, Work};
use crate::stats::{self, Bound, Interval, Noise, Ratio, Significance};

/// The comparison of two sides: their common figures, and the differences in their conditions.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The differences in conditions that may explain a change in a figure.
    pub warnings: Vec<Warning>,
    /// The changes of all figures that both sides have.
    pub changes: Vec<Change>,
}

/// A difference in conditions that may explain a change in a figure.
#[derive(Clone, Debug, PartialEq)]
pub enum Warning {
    /// A property of the machine or of the build differs: its name, then its values.
    Differs(&'static str, String, String),
    /// A scenario of this side is missing from some or all runs of the other side.
    OnlyIn(SideName, String),
    /// The text of a scenario differs between runs.
    OtherText(String),
    /// The calibrations differ: the ratio of iterations per second, after to before.
    Calibration(f64),
    /// A run of this side is incomplete.
    Unfinished(SideName),
    /// A run of this side lost this number of records after its end.
    MissingRecords(SideName, u64),
    /// A run of this side was built without optimisation.
    DebugBuild(SideName),
}

/// A side of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SideName {
    /// Before the change.
    Before,
    /// After the change.
    After,
}

/// The change of one figure of one cell between the two sides.
#[derive(Clone, Debug)]
pub struct Change {
    /// The name of the scenario.
    pub scenario: String,
    /// The point of the sweep; empty if nothing is swept.
    pub point: Point,
    /// The model that ran the jobs.
    pub model: Model,
    /// The metric of the figure.
    pub metric: Metric,
    /// The work, for headings.
    pub work: Work,
    /// The ratio of the figure after to the figure before, with the two geometric means.
    pub ratio: Ratio,
    /// The number of runs before and after.
    pub runs: [usize; 2],
    /// The difference to exceed, as a ratio of at least 1: the observed difference between two runs of the same thing,
    /// or the noise floor of several runs a side.
    pub seen: f64,
    /// The conclusion.
    pub direction: Direction,
}

/// The direction of a [`Change`] from the user's point of view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Direction {
    /// Less time, less CPU, more responses.
    Better,
    /// More time, more CPU, fewer responses.
    Worse,
    /// No difference beyond that between two runs of the same thing.
    Same,
    /// The figures cannot be compared.
    Incomparable(Why),
}

/// The reason why two sides cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Why {
    /// More than a third of the cell's rounds on this side are INVALID, or a gate over its rounds is.
    Invalid(SideName),
    /// The figure itself cannot be compared.
    Figure(Obstacle),
}

/// Compares each figure of each cell that both sides have. A side is one or several runs of the same scenarios; a
/// figure is compared if every run has it.
pub fn compare(before: &[Analysis<'_>], after: &[Analysis<'_>]) -> Comparison {
    let mut warnings = machine_warnings(before, after);
    let mut changes = Vec::new();
    let Some(first) = before.first() else { return Comparison { warnings, changes } };
    for scenario in &first.scenarios {
        let name = &scenario.scenario.name;
        let of_side = |side: &'_ [Analysis<'_>]| side.iter().all(|run| run.scenario(name).is_some());
        if !of_side(before) || !of_side(after) {
            warnings.push(Warning::OnlyIn(SideName::Before, name.clone()));
            continue;
        }
        let all: Vec<&ScenarioAnalysis<'_>> = before.iter().chain(after).filter_map(|run| run.scenario(name)).collect();
        if all.iter().any(|other| other.scenario.source != scenario.scenario.source) {
            warnings.push(Warning::OtherText(name.clone()));
        }
        let (first, second) = all.split_at(before.len());
        changes.extend(scenario.points.iter().flat_map(|point| changes_at(name, point, first, second)));
    }
    let only_after = after.first().into_iter().flat_map(|run| &run.scenarios);
    let only_after = only_after.map(|scenario| &scenario.scenario.name).filter(|name| first.scenario(name).is_none());
    warnings.extend(only_after.map(|name| Warning::OnlyIn(SideName::After, name.clone())));
    let speed = calibration(before, after);
    changes.iter_mut().for_each(|change| change.judge(speed));
    Comparison { warnings, changes }
}

fn changes_at(
    scenario: &str,
    point: &PointSummary,
    before: &[&ScenarioAnalysis<'_>],
    after: &[&ScenarioAnalysis<'_>],
) -> Vec<Change> {
    let (Some(before), Some(after)) = (at_point(before, point), at_point(after, point)) else { return Vec::new() };
    let mut changes = Vec::new();
    for cell in &point.cells {
        for metric in Metric::compared(&point.work) {
            changes.extend(change(scenario, (&before, &after), cell.cell.id.model, *metric));
        }
    }
    changes
}

/// Returns the same point of each run of a side; `None` if a run lacks it.
fn at_point<'a>(side: &[&'a ScenarioAnalysis<'_>], point: &PointSummary) -> Option<Vec<&'a PointSummary>> {
    side.iter().map(|one| one.points.iter().find(|other| other.at == point.at)).collect()
}

fn change(
    scenario: &str,
    (before, after): (&[&PointSummary], &[&PointSummary]),
    model: Model,
    metric: Metric,
) -> Option<Change> {
    let first = before.first()?;
    let [one, other] = [before, after].map(|side| figures(side, model, metric));
    let (one, other) = (one?, other?);
    let bound = other.bound.and(one.bound.inverse());
    let ratio = match (one.runs.as_slice(), other.runs.as_slice()) {
        ([_], [_]) => stats::ratio_unpaired(&one.rounds, &other.rounds, first.seed)?,
        (one, other) => stats::ratio_of_runs(one, other)?,
    };
    let noise = before.iter().chain(after).filter_map(|point| point.control.as_ref()?.noise(metric)).reduce(Noise::and);
    let floor = noise.map_or(1.0, |noise| noise.floor(one.rounds.len().min(other.rounds.len())));
    let runs = [before.len(), after.len()];
    // With several runs a side, the interval already covers how much the runs of a side differ. Either way, no
    // difference below the noise floor of their rounds counts.
    let seen = if runs == [1, 1] { between_runs(metric, &first.work).max(floor) } else { floor };
    let invalid = |side: &[&PointSummary]| side.iter().any(|point| point.invalidity(model).is_some());
    let direction = match (invalid(before), invalid(after)) {
        (true, _) => Direction::Incomparable(Why::Invalid(SideName::Before)),
        (_, true) => Direction::Incomparable(Why::Invalid(SideName::After)),
        _ => match first.find_single_stall(metric, &[model]) {
            Some(stall) => Direction::Incomparable(Why::Figure(stall)),
            None => Direction::Same,
        },
    };
    Some(Change {
        scenario: scenario.to_owned(),
        point: first.at.clone(),
        model,
        metric,
        work: first.work.clone(),
        ratio: ratio.with_bound(bound),
        runs,
        seen,
        direction,
    })
}

/// The figures of a cell on one side.
struct Figures {
    /// The figure of each round, all runs together.
    rounds: Vec<f64>,
    /// The geometric mean of each run.
    runs: Vec<f64>,
    bound: Bound,
}

/// Returns the figures of a cell on one side; `None` if a run lacks the figure.
fn figures(side: &[&PointSummary], model: Model, metric: Metric) -> Option<Figures> {
    let mut all = Figures { rounds: Vec::new(), runs: Vec::new(), bound: Bound::Exact };
    for point in side {
        let estimate: &Estimate = point.cell(model)?.figure(metric)?;
        let (values, bounds): (Vec<f64>, Vec<Bound>) =
            estimate.rounds.iter().map(|(_, figure)| figure.in_ratio()).unzip();
        let logs: f64 = values.iter().map(|value| value.ln()).sum();
        all.runs.push((logs / values.len() as f64).exp());
        all.rounds.extend(values);
        all.bound = bounds.into_iter().fold(all.bound, Bound::and);
    }
    Some(all)
}

/// Returns the observed difference between two runs of the same thing, as a ratio of at least 1: of the pairs of nine
/// to eleven runs on a virtual machine, 19 of 20 differed by less (`benches/README.md`, section "Two runs of the same
/// thing").
pub fn between_runs(metric: Metric, work: &Work) -> f64 {
    match (metric, work) {
        (Metric::Cpu, Work::Sleep(_) | Work::Offload(_) | Work::Own(_)) => 1.05,
        (Metric::Wall, _) => 1.08,
        (Metric::Cpu, Work::Echo(_)) => 1.12,
        (Metric::Rate, _) => 1.1,
        (Metric::P99, _) => 3.3,
        _ => 1.3,
    }
}

impl Comparison {
    /// Returns the names of the figures.
    pub fn names(&self) -> Vec<FigureName> {
        self.changes.iter().map(Change::figure_name).collect()
    }

    /// Returns the figures that are certainly worse by more than the limits allow.
    pub fn regressions(&self, limits: &FailOver) -> Vec<&Change> {
        self.changes.iter().filter(|change| change.exceeds(limits)).collect()
    }
}

impl Change {
    /// Returns the name of the figure.
    pub fn figure_name(&self) -> FigureName {
        FigureName { metric: self.metric.name().to_owned(), model: Some(self.model.to_string()) }
    }

    /// Returns whether the figure is certainly worse by more than its limit.
    pub fn exceeds(&self, limits: &FailOver) -> bool {
        limits.limit(&self.figure_name()).is_some_and(|limit| self.is_beyond(limit))
    }

    /// Decides the direction of the change, unless an obstacle forbids it. `speed` is the ratio of the calibrations,
    /// after to before: a difference of that size does not count.
    fn judge(&mut self, speed: f64) {
        let computes = !self.work.steps().compute.is_zero() && self.metric != Metric::P99;
        if computes {
            self.seen *= speed.max(1.0 / speed);
        }
        if self.direction != Direction::Same {
            return;
        }
        let less_is_better = self.metric.less_is_better();
        let unanswered = self.ratio.bound != Bound::Exact;
        self.direction = match self.ratio.significance(1.0) {
            Significance::More if self.ratio.ratio > self.seen => direction(less_is_better),
            Significance::Less if self.ratio.ratio < 1.0 / self.seen => direction(!less_is_better),
            Significance::TooFew => {
                Direction::Incomparable(Why::Figure(Obstacle::TooFewRounds { rounds: self.ratio.rounds }))
            }
            Significance::None if unanswered => Direction::Incomparable(Why::Figure(Obstacle::Unanswered)),
            Significance::More | Significance::Less | Significance::None => Direction::Same,
        };
    }

    /// Returns the difference between the two sides, as a ratio of at least 1.
    pub fn distance(&self) -> f64 {
        self.ratio.distance()
    }

    /// Returns whether the figure is certainly worse by more than this ratio: the better end of the interval lies
    /// beyond it.
    pub fn is_beyond(&self, limit: f64) -> bool {
        let least = self.ratio.interval.map(|Interval { low, high }| low.max(1.0 / high));
        self.direction == Direction::Worse && least.is_some_and(|least| least > limit)
    }

    /// Returns whether an INVALID measurement prevents comparing the figure.
    pub fn rests_on_invalid(&self) -> bool {
        matches!(self.direction, Direction::Incomparable(Why::Invalid(_)))
    }
}

fn direction(is_worse: bool) -> Direction {
    if is_worse { Direction::Worse } else { Direction::Better }
}

/// Returns the ratio of the iterations per second in the first run after to those in the first run before.
fn calibration(before: &[Analysis<'_>], after: &[Analysis<'_>]) -> f64 {
    let iterations = |side: &[Analysis<'_>]| side.first().map_or(1, |run| run.run.iterations_per_s.max(1)) as f64;
    iterations(after) / iterations(before)
}

/// Returns the differences in machine, versions, calibration and completeness.
fn machine_warnings(before: &[Analysis<'_>], after: &[Analysis<'_>]) -> Vec<Warning> {
    /// The relative difference above which two calibrations count as different.
    const SAME: f64 = 1e-6;
    let Some(first) = before.first() else { return Vec::new() };
    let mut warnings: Vec<Warning> = Vec::new();
    for other in before.iter().chain(after).skip(1) {
        for (one, two) in properties(first.run).into_iter().zip(properties(other.run)) {
            let warning = Warning::Differs(one.0, one.1, two.1);
            if let Warning::Differs(_, first, second) = &warning
                && first != second
                && !warnings.contains(&warning)
            {
                warnings.push(warning);
            }
        }
    }
    let speed = calibration(before, after);
    if (speed - 1.0).abs() > SAME {
        warnings.push(Warning::Calibration(speed));
    }
    for (side, name) in [(before, SideName::Before), (after, SideName::After)] {
        if side.iter().any(|run| run.run.state != RunState::Complete) {
            warnings.push(Warning::Unfinished(name));
        }
        let missing = side.iter().map(Analysis::missing_records).sum();
        if missing > 0 {
            warnings.push(Warning::MissingRecords(name, missing));
        }
        if side.iter().any(|run| run.run.host.debug_build) {
            warnings.push(Warning::DebugBuild(name));
        }
    }
    warnings
}

/// Returns the properties that should be the same in two runs.
fn properties(run: &Run) -> [(&'static str, String); 10] {
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".into());
    let host = &run.host;
    [
        ("The processor", known(&host.cpu)),
        ("The number of CPUs", host.cpus.to_string()),
        ("The CPU quota", host.cpu_quota.map_or_else(|| "none".into(), |quota| quota.to_string())),
        ("The memory", host.memory_bytes.map_or_else(|| "unknown".into(), crate::units::bytes)),
        ("The kernel", known(&host.kernel)),
        ("The clock", known(&host.clocksource)),
        ("avt", host.avt.clone()),
        ("rustc", host.rustc.clone()),
        ("tokio", host.tokio.clone()),
        ("rayon", host.rayon.clone()),
    ]
}
