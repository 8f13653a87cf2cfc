//! Summarizes one cell over its rounds: its figures, its findings, and its failed or refused trials.
//!
//! A percentile is taken in each round, and the median of these is shown: percentiles are never averaged or added. The
//! merged histogram of all rounds serves to draw curves only.

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

/// The summary of one cell over its rounds.
#[derive(Clone, Debug)]
pub struct CellSummary {
    /// The cell that was measured.
    pub cell: Cell,
    /// The figures of the measured rounds; `None` if no round was measured.
    pub measures: Option<Measures>,
    /// Each measured round with its position in the run.
    pub orders: Vec<(u32, u64)>,
    /// Each measured round that did not pass a gate, with its findings.
    pub flagged: Vec<(u32, Vec<Finding>)>,
    /// The figures taken from the recorded lanes; `None` if no lanes were recorded.
    pub traced: Option<TracedSummary>,
    /// The recorded lanes; empty if none were recorded.
    pub lanes: Lanes,
    /// The reason why recording lanes failed; `None` if it did not fail.
    pub untraced: Option<Failure>,
    /// Each round that failed, with the reason.
    pub failures: Vec<(u32, Failure)>,
    /// Each round to which the machine refused threads as the scenario expects, with the reason.
    pub refusals: Vec<(u32, Failure)>,
    /// The reason why the machine refused threads, as the scenario expects, to the trial that records lanes.
    pub refused_lanes: Option<Failure>,
    /// The shortest wall time that any model could reach, in nanoseconds; `None` for echo.
    pub ideal_ns: Option<u64>,
    /// The wall time that arithmetic predicts for this model, in nanoseconds; `None` for echo.
    pub predicted_ns: Option<u64>,
    /// The longest gap between two heartbeats that arithmetic predicts for this model, in nanoseconds.
    pub predicted_gap_ns: Option<u64>,
}

/// The reason why a cell has no figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmeasured {
    /// None of the cell's trials was run.
    NotRun,
    /// Some of the cell's trials failed, and none was measured.
    Failed,
    /// The machine refused threads to all of the cell's trials, as the scenario expects.
    Refused,
}

/// The figures of a cell that are taken from its recorded lanes.
#[derive(Clone, Debug)]
pub struct TracedSummary {
    /// The largest number of jobs that were on a CPU at one instant.
    pub most_executing: Executing,
    /// The wall time of the trial that recorded lanes, in nanoseconds.
    pub wall_ns: u64,
    /// The CPU time per job or request of the process that ran the model, in nanoseconds.
    pub cpu_per_job_ns: f64,
    /// The share of the time in which threads worked on jobs for which they had a CPU, 0 to 1: the CPU time of the process
    /// divided by the time that its threads recorded. The rest they were ready and waited for a CPU.
    pub on_cpu: f64,
    /// The memory of all waiting jobs, beyond what the process held before, in bytes; `None` if no job waited.
    pub waiting_bytes: Option<Waiting>,
    figures: Vec<Estimate>,
}

/// The memory of all waiting jobs, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waiting {
    /// The total: resident memory, page tables, kernel stacks and slabs.
    pub all: f64,
    /// The resident part.
    pub resident: f64,
}

/// The figures of the measured rounds of a cell.
#[derive(Clone, Debug)]
pub struct Measures {
    /// The distributions of times, the headline series first.
    pub series: Vec<SeriesSummary>,
    /// The load generator's side of an echo.
    pub load: Option<LoadSummary>,
    rounds: usize,
    figures: Vec<Estimate>,
}

impl CellSummary {
    /// Returns a figure of the cell; `None` if the cell lacks it.
    pub fn figure(&self, metric: Metric) -> Option<&Estimate> {
        let figures =
            if metric.is_of_one_trial() { &self.traced.as_ref()?.figures } else { &self.measures.as_ref()?.figures };
        figures.iter().find(|figure| figure.metric == metric)
    }

    /// Returns the value of a figure: the median of the rounds, or the largest, depending on the metric.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        self.figure(metric).map(Estimate::value)
    }

    /// Returns whether the model ran all jobs of the scenario.
    pub fn ran_all_jobs(&self) -> bool {
        self.cell.jobs_wanted.is_none()
    }

    /// Returns the number of measured rounds.
    pub fn rounds(&self) -> usize {
        self.measures.as_ref().map_or(0, |measures| measures.rounds)
    }

    /// Returns why the cell has no figures; `None` if it has figures.
    pub fn unmeasured(&self) -> Option<Unmeasured> {
        match (&self.measures, self.failures.is_empty(), self.refusals.is_empty()) {
            (Some(_), ..) => None,
            (None, false, _) => Some(Unmeasured::Failed),
            (None, true, false) => Some(Unmeasured::Refused),
            (None, true, true) => Some(Unmeasured::NotRun),
        }
    }

    /// Returns the number of trials to which the machine refused threads as the scenario expects, including the trial
    /// that records lanes.
    pub fn refused_trials(&self) -> usize {
        self.refusals.len() + usize::from(self.refused_lanes.is_some())
    }

    /// Returns the rounds that were disturbed from outside the trial.
    pub fn disturbed(&self) -> Vec<u32> {
        let is_disturbed = |findings: &[Finding]| findings.iter().any(Finding::is_disturbance);
        self.flagged.iter().filter(|(_, findings)| is_disturbed(findings)).map(|(round, _)| *round).collect()
    }

    /// Returns a figure over the undisturbed rounds only; `None` if no round was disturbed, or all were.
    pub fn undisturbed(&self, metric: Metric) -> Option<Estimate> {
        self.figure(metric)?.without(&self.disturbed())
    }

    /// Returns the verdict on one round.
    pub fn verdict(&self, round: u32) -> Verdict {
        let findings = self.flagged.iter().find(|(other, _)| *other == round).map(|(_, findings)| findings.as_slice());
        gate::verdict(findings.unwrap_or_default())
    }

    /// Returns the number of measured rounds with this verdict.
    pub fn rounds_that_are(&self, verdict: Verdict) -> usize {
        let flagged = self.flagged.iter().filter(|(round, _)| self.verdict(*round) == verdict).count();
        if verdict == Verdict::Valid { self.rounds() - self.flagged.len() + flagged } else { flagged }
    }

    /// Returns the times of one kind of job.
    pub fn series(&self, name: &str) -> Option<&SeriesSummary> {
        self.measures.as_ref()?.series.iter().find(|series| series.name == name)
    }
}

impl Measures {
    /// Returns a figure over the rounds.
    pub fn figure(&self, metric: Metric) -> Option<&Estimate> {
        self.figures.iter().find(|figure| figure.metric == metric)
    }
}

/// Summarizes the records of one cell of a scenario.
pub(super) fn summarize(cell: Cell, scenario: &Scenario, run: &Run, records: &[Record]) -> CellSummary {
    let (mut measured, mut orders, mut flagged) = (Vec::new(), Vec::new(), Vec::new());
    let (mut traced, mut untraced, mut failures) = (None, None, Vec::new());
    let (mut refused_lanes, mut refusals) = (None, Vec::new());
    let may_refuse = scenario.may_refuse.contains(&cell.id.model);
    let is_expected = |why: &Failure| may_refuse && why.is_refusal_of_threads();
    for record in records.iter().filter(|record| record.cell == cell.id) {
        match (&record.outcome, record.round()) {
            (Outcome::Measured(found), Some(round)) => {
                let findings = gate::check_trial(&record.conditions, found);
                flagged.extend((!findings.is_empty()).then_some((round, findings)));
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
    let (is_predictable, machine) =
        (cell.work.jobs().is_some() && !cell.work.is_own(), run.parallel.for_work(&cell.work));
    let gap = match &cell.work {
        Work::Offload(offload) => expect::longest_gap(offload, cell.id.model),
        Work::Sleep(_) | Work::Echo(_) | Work::Own(_) => None,
    };
    CellSummary {
        orders,
        flagged,
        traced: traced.map(|traced| self::traced(traced, measures.as_ref())),
        measures,
        lanes: traced.map(|traced| traced.lanes.clone()).unwrap_or_default(),
        untraced,
        failures,
        refusals,
        refused_lanes,
        ideal_ns: expect::ideal(&cell.work, &machine).map(units::nanos),
        predicted_ns: is_predictable.then(|| units::nanos(expect::wall(&cell.work, cell.id.model, &machine))),
        predicted_gap_ns: gap.map(units::nanos),
        cell,
    }
}

fn measures(rounds: &[(u32, &Measured)], seed: u64) -> Option<Measures> {
    let (_, first) = rounds.first()?;
    let names = first.series.iter().map(|series| series.name.as_str());
    let figure = |metric: Metric| {
        let figures =
            rounds.iter().map(|(round, measured)| Some((Some(*round), metric::from_trial(metric, measured)?)));
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
        let figure: RoundFigure = metric::from_lanes(metric, traced, in_flight)?;
        Estimate::from_rounds(metric, vec![(None, figure)])
    };
    TracedSummary {
        most_executing: Executing::from_traced(traced),
        wall_ns: traced.wall_ns,
        on_cpu: (traced.cpu_ns as f64 / traced.lanes.executed_ns().max(1) as f64).min(1.0),
        cpu_per_job_ns: traced.cpu_ns as f64 / traced.jobs.max(1) as f64,
        waiting_bytes: traced
            .footprint
            .map(|footprint| Waiting { all: footprint.total() as f64, resident: footprint.resident_bytes as f64 }),
        figures: Metric::ALL.into_iter().filter(|metric| metric.origin() == Origin::Lanes).filter_map(figure).collect(),
    }
}
