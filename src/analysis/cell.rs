//! One cell over its rounds: every figure, its findings, and the trials that failed or were refused.
//!
//! A percentile is taken in each round and its median shown: percentiles are never averaged and never added. The
//! histogram of all rounds draws curves only.

use super::executing::Executing;
use super::load::{LoadSummary, load};
use super::metric;
use super::round::{Estimate, RoundFigure};
use super::times::{SeriesSummary, series};
use crate::gate::{self, Finding, Verdict};
use crate::lanes::Lanes;
use crate::record::{Failure, Measured, Outcome, Record, Run, Traced};
use crate::scenario::{Cell, Metric, Origin, Scenario, Work, expect};
use crate::units;

/// One cell over its rounds.
#[derive(Clone, Debug)]
pub struct CellSummary {
    /// What was measured.
    pub cell: Cell,
    /// What its rounds measured; nothing when none did.
    pub measures: Option<Measures>,
    /// The position in the run of each measured round.
    pub orders: Vec<(u32, u64)>,
    /// Every measured round with a gate that it did not pass.
    pub doubts: Vec<(u32, Vec<Finding>)>,
    /// What its lanes show; nothing where they were not recorded.
    pub traced: Option<TracedSummary>,
    /// The lanes themselves; none where they were not recorded.
    pub lanes: Lanes,
    /// Why they were not recorded, where that failed.
    pub untraced: Option<Failure>,
    /// Every round that failed, and why.
    pub failures: Vec<(u32, Failure)>,
    /// Every round to which the machine refused threads as the scenario expects, and why.
    pub refusals: Vec<(u32, Failure)>,
    /// Why the machine refused threads to the trial that records lanes, as the scenario expects.
    pub refused_lanes: Option<Failure>,
    /// The shortest wall time any model could reach, in nanoseconds; nothing for echo.
    pub ideal_ns: Option<u64>,
    /// The wall time arithmetic gives this model, in nanoseconds; nothing for echo.
    pub predicted_ns: Option<u64>,
    /// The longest gap between two beats that arithmetic gives this model, in nanoseconds.
    pub predicted_gap_ns: Option<u64>,
}

/// Why a cell has no figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmeasured {
    /// None of its trials was run.
    NotRun,
    /// Some of its trials failed, and no other was measured.
    Failed,
    /// The machine refused threads to all of its trials, as the scenario expects.
    Refused,
}

/// What the lanes of a cell show.
#[derive(Clone, Debug)]
pub struct TracedSummary {
    /// The most jobs executed at one instant.
    pub most_executing: Executing,
    /// Wall time of the trial that was recorded, nanoseconds.
    pub wall_ns: u64,
    /// CPU time of the process that ran the model for a job or request, nanoseconds.
    pub cpu_per_job_ns: f64,
    /// Memory of all waiting jobs, beyond what the process held before, in bytes; nothing where none waited.
    pub waiting_bytes: Option<Waiting>,
    figures: Vec<Estimate>,
}

/// Memory of all waiting jobs, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waiting {
    /// All of it: resident, page tables, kernel stacks, slabs.
    pub all: f64,
    /// The part that is resident.
    pub resident: f64,
}

/// What the measured rounds of a cell say.
#[derive(Clone, Debug)]
pub struct Measures {
    /// The distributions, the headline first.
    pub series: Vec<SeriesSummary>,
    /// The generator's side of an echo.
    pub load: Option<LoadSummary>,
    rounds: usize,
    figures: Vec<Estimate>,
}

impl CellSummary {
    /// A figure of the cell; nothing where it has none.
    pub fn figure(&self, metric: Metric) -> Option<&Estimate> {
        let figures =
            if metric.is_of_one_trial() { &self.traced.as_ref()?.figures } else { &self.measures.as_ref()?.figures };
        figures.iter().find(|figure| figure.metric == metric)
    }

    /// The value of a figure: the median of the rounds, or the largest of all.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        self.figure(metric).map(Estimate::value)
    }

    /// Whether the model ran all jobs of the scenario.
    pub fn ran_all_jobs(&self) -> bool {
        self.cell.jobs_wanted.is_none()
    }

    /// How many rounds were measured.
    pub fn rounds(&self) -> usize {
        self.measures.as_ref().map_or(0, |measures| measures.rounds)
    }

    /// Why the cell has no figure; `None` if it has one.
    pub fn unmeasured(&self) -> Option<Unmeasured> {
        match (&self.measures, self.failures.is_empty(), self.refusals.is_empty()) {
            (Some(_), ..) => None,
            (None, false, _) => Some(Unmeasured::Failed),
            (None, true, false) => Some(Unmeasured::Refused),
            (None, true, true) => Some(Unmeasured::NotRun),
        }
    }

    /// The number of trials to which the machine refused threads as the scenario expects, the one that records lanes
    /// included.
    pub fn refused_trials(&self) -> usize {
        self.refusals.len() + usize::from(self.refused_lanes.is_some())
    }

    /// The rounds that something beside them disturbed.
    pub fn disturbed(&self) -> Vec<u32> {
        let is_disturbed = |findings: &[Finding]| findings.iter().any(Finding::is_disturbance);
        self.doubts.iter().filter(|(_, findings)| is_disturbed(findings)).map(|(round, _)| *round).collect()
    }

    /// A figure of the rounds that nothing disturbed; nothing where none was disturbed, or all were.
    pub fn undisturbed(&self, metric: Metric) -> Option<Estimate> {
        self.figure(metric)?.without(&self.disturbed())
    }

    /// The verdict on one round.
    pub fn verdict(&self, round: u32) -> Verdict {
        let findings = self.doubts.iter().find(|(other, _)| *other == round).map(|(_, findings)| findings.as_slice());
        gate::verdict(findings.unwrap_or_default())
    }

    /// The number of measured rounds with this verdict.
    pub fn rounds_that_are(&self, verdict: Verdict) -> usize {
        let flagged = self.doubts.iter().filter(|(round, _)| self.verdict(*round) == verdict).count();
        if verdict == Verdict::Valid { self.rounds() - self.doubts.len() + flagged } else { flagged }
    }

    /// The times of one kind of job.
    pub fn series(&self, name: &str) -> Option<&SeriesSummary> {
        self.measures.as_ref()?.series.iter().find(|series| series.name == name)
    }
}

impl Measures {
    /// A figure of the rounds.
    pub fn figure(&self, metric: Metric) -> Option<&Estimate> {
        self.figures.iter().find(|figure| figure.metric == metric)
    }
}

/// Summarizes the records of one cell of a scenario.
pub(super) fn summarize(cell: Cell, scenario: &Scenario, run: &Run, records: &[Record]) -> CellSummary {
    let (mut measured, mut orders, mut doubts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut traced, mut untraced, mut failures) = (None, None, Vec::new());
    let (mut refused_lanes, mut refusals) = (None, Vec::new());
    let may_refuse = scenario.may_refuse.contains(&cell.id.model);
    let is_expected = |why: &Failure| may_refuse && why.is_refusal_of_threads();
    for record in records.iter().filter(|record| record.cell == cell.id) {
        match (&record.outcome, record.round()) {
            (Outcome::Measured(found), Some(round)) => {
                let findings = gate::of_trial(&record.conditions, found);
                doubts.extend((!findings.is_empty()).then_some((round, findings)));
                measured.push((round, found.as_ref()));
                orders.push((round, record.order));
            }
            (Outcome::Failed(why), Some(round)) if is_expected(why) => refusals.push((round, why.clone())),
            (Outcome::Failed(why), Some(round)) => failures.push((round, why.clone())),
            (Outcome::Traced(found), _) => traced = Some(found.as_ref()),
            (Outcome::Failed(why), None) if is_expected(why) => refused_lanes = Some(why.clone()),
            (Outcome::Failed(why), None) => untraced = Some(why.clone()),
            (Outcome::Measured(_), None) => {}
        }
    }
    let measures = measures(&measured, run.seed);
    let (has_jobs, machine) = (cell.work.jobs().is_some(), run.parallel.for_work(&cell.work));
    let gap = match &cell.work {
        Work::Offload(offload) => expect::longest_gap(offload, cell.id.model),
        Work::Sleep(_) | Work::Echo(_) => None,
    };
    CellSummary {
        orders,
        doubts,
        traced: traced.map(|traced| self::traced(traced, measures.as_ref())),
        measures,
        lanes: traced.map(|traced| traced.lanes.clone()).unwrap_or_default(),
        untraced,
        failures,
        refusals,
        refused_lanes,
        ideal_ns: expect::ideal(&cell.work, &machine).map(units::nanos),
        predicted_ns: has_jobs.then(|| units::nanos(expect::wall(&cell.work, cell.id.model, &machine))),
        predicted_gap_ns: gap.map(units::nanos),
        cell,
    }
}

fn measures(rounds: &[(u32, &Measured)], seed: u64) -> Option<Measures> {
    let (_, first) = rounds.first()?;
    let names = first.series.iter().map(|series| series.name.as_str());
    let figure = |metric: Metric| {
        let figures = rounds.iter().map(|(round, measured)| Some((Some(*round), metric::of_trial(metric, measured)?)));
        Estimate::from_rounds(metric, figures.collect::<Option<Vec<_>>>()?)
    };
    Some(Measures {
        series: names.map(|name| series(name, rounds, seed)).collect(),
        load: load(rounds),
        rounds: rounds.len(),
        figures: Metric::ALL.into_iter().filter_map(figure).collect(),
    })
}

fn traced(traced: &Traced, measures: Option<&Measures>) -> TracedSummary {
    let in_flight = measures.and_then(|measures| measures.figure(Metric::InFlight)).map(Estimate::value);
    let figure = |metric: Metric| {
        let figure: RoundFigure = metric::of_lanes(metric, traced, in_flight)?;
        Estimate::from_rounds(metric, vec![(None, figure)])
    };
    TracedSummary {
        most_executing: Executing::from_traced(traced),
        wall_ns: traced.wall_ns,
        cpu_per_job_ns: traced.cpu_ns as f64 / traced.jobs.max(1) as f64,
        waiting_bytes: traced
            .footprint
            .map(|footprint| Waiting { all: footprint.total() as f64, resident: footprint.resident_bytes as f64 }),
        figures: Metric::ALL.into_iter().filter(|metric| metric.origin() == Origin::Lanes).filter_map(figure).collect(),
    }
}
