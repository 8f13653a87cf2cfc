//! Shows what several machines measured of the same scenarios side by side.
//!
//! A machine is a block. Of the shards of one run, each machine has a ratio of its own from its own rounds, and all
//! machines together have the mean of these ratios, with an interval over machines. Whole runs are never pooled: they
//! have the figures of each machine only. Models that were measured on different machines are refused, because the
//! machines would be compared, not the models.

mod at_point;
mod check;

use std::collections::BTreeMap;

use super::round::Estimate;
use super::{Analysis, Standing, Strictness};
use crate::gate::Verdict;
use crate::record::{Run, RunState};
use crate::scenario::{Metric, Model, Point, Work};
use crate::schedule::Shard;
use crate::stats::{BlockRatio, Ratio};

pub use check::ByMachineError;

/// A run, and the folder that it was read from.
#[derive(Debug)]
pub struct MachineRun<'a> {
    /// The folder.
    pub folder: String,
    /// The analysis of the run.
    pub analysis: Analysis<'a>,
}

/// What several machines measured of the same scenarios.
#[derive(Debug)]
pub struct ByMachine<'a> {
    /// The runs, in the order of their shards or folders.
    pub runs: &'a [MachineRun<'a>],
    /// The machines, in the order of their first runs.
    pub machines: Vec<MachineSummary>,
    /// What all shards together are; `None` for whole runs.
    pub shards: Option<ShardedRounds>,
    /// The figures at each point of each common scenario.
    pub points: Vec<PointByMachine>,
    /// The doubts about the runs.
    pub warnings: Vec<MachineWarning>,
}

/// A machine and its runs.
#[derive(Clone, Debug)]
pub struct MachineSummary {
    /// The host name, with the folder if other machines have the same name; the folder if the name is unknown.
    pub name: String,
    /// The processor's model name.
    pub cpu: Option<String>,
    /// The number of CPUs that the trials may use.
    pub cpus: u32,
    /// Iterations of the compute kernel per second, by which the first run is calibrated.
    pub iterations_per_s: u64,
    /// The positions of the machine's runs in [`ByMachine::runs`].
    pub runs: Vec<usize>,
    /// The shards that the machine carried out; empty for a whole run.
    pub shards: Vec<Shard>,
    /// The number of trials that left a record.
    pub trials: usize,
    /// The worst verdict on the machine's trials and rounds.
    pub verdict: Verdict,
}

/// The run whose rounds were dealt out to shards.
#[derive(Clone, Debug)]
pub struct ShardedRounds {
    /// The number of shards.
    pub of: u32,
    /// The shards without a run.
    pub missing: Vec<Shard>,
    /// The seed of all shards.
    pub seed: u64,
}

/// A doubt about the runs as a whole.
#[derive(Clone, Debug, PartialEq)]
pub enum MachineWarning {
    /// Shards are missing.
    Missing(Vec<Shard>),
    /// The run in this folder did not go to its end.
    Unfinished(String, RunState),
    /// The run in this folder lost this number of records after its end.
    MissingRecords(String, u64),
    /// Trials of the run in this folder failed.
    FailedTrials(String, u64),
    /// The runs in these folders were made by different versions of avt.
    Versions([(String, String); 2]),
    /// This number of runs was made by an avt without optimisation.
    DebugBuilds(usize),
    /// A scenario is left out, because the run in this folder lacks it.
    OnlyInSome(String, String),
    /// A scenario is left out, because its text in the run in this folder is a different one.
    OtherText(String, String),
    /// Machines of these names run under one kernel.
    OneKernel(Vec<String>),
    /// Computations are calibrated on each machine, to a different number of iterations.
    OwnCalibrations,
}

/// The figures of all machines at one point of a scenario, in the metric that answers its question.
#[derive(Clone, Debug)]
pub struct PointByMachine {
    /// The name of the scenario.
    pub scenario: String,
    /// The swept values.
    pub at: Point,
    /// The work, for headings.
    pub work: Work,
    /// The metric.
    pub metric: Metric,
    /// The figures.
    pub figures: MachineFigures,
}

/// The figures of all machines at one point: a row for each machine, and in it a figure for each model.
#[derive(Clone, Debug)]
pub enum MachineFigures {
    /// Ratios of models to the baseline.
    Ratios {
        /// The model in the denominator.
        baseline: Model,
        /// The models in the numerators.
        models: Vec<Model>,
        /// The ratio of each model, by machine.
        rows: Vec<MachineRow<Ratio>>,
        /// The ratio of each model over all machines that have it.
        all: Vec<Option<BlockRatio>>,
    },
    /// The figures themselves.
    Values {
        /// The models.
        models: Vec<Model>,
        /// The figure of each model, by machine.
        rows: Vec<MachineRow<Estimate>>,
    },
}

/// The figures of one machine.
#[derive(Clone, Debug)]
pub struct MachineRow<T> {
    /// The position of the machine in [`ByMachine::machines`].
    pub machine: usize,
    /// The number of rounds.
    pub rounds: usize,
    /// A figure for each model; `None` if the machine lacks it.
    pub figures: Vec<Option<T>>,
    /// Whether the figure of each model rests on an INVALID measurement.
    pub invalid: Vec<bool>,
}

/// Puts runs of several machines side by side. Returns an error if they cannot be compared.
pub fn by_machine<'a>(runs: &'a [MachineRun<'a>]) -> Result<ByMachine<'a>, ByMachineError> {
    let first = runs.first().ok_or(ByMachineError::Empty)?;
    let shards = check::sharded(runs)?;
    let mut warnings = warnings(runs, shards.as_ref());
    let machines = machines(runs, shards.is_some());
    let mut points = Vec::new();
    for scenario in &first.analysis.scenarios {
        let all = match check::common(scenario, runs) {
            Ok(all) => all,
            Err(warning) => {
                warnings.push(warning);
                continue;
            }
        };
        check::same_models(&all, runs)?;
        points.extend(
            scenario.points.iter().map(|point| at_point::figures(scenario, point, &all, &machines, shards.is_some())),
        );
    }
    if points.is_empty() {
        return Err(ByMachineError::NothingInCommon);
    }
    warnings.extend(shards.as_ref().and_then(|_| one_kernel(&machines, runs)));
    let computes = |point: &PointByMachine| !point.work.steps().compute.is_zero();
    let calibrations = machines.iter().map(|machine| machine.iterations_per_s);
    if points.iter().any(computes) && calibrations.clone().min() != calibrations.max() {
        warnings.push(MachineWarning::OwnCalibrations);
    }
    Ok(ByMachine { runs, machines, shards, points, warnings })
}

impl ByMachine<'_> {
    /// Returns whether every run went to its end and no shard is missing.
    pub fn is_complete(&self) -> bool {
        let is_missing =
            |warning: &MachineWarning| matches!(warning, MachineWarning::Missing(_) | MachineWarning::Unfinished(..));
        !self.warnings.iter().any(is_missing)
    }

    /// Returns whether the verdicts on all runs are good enough, and all runs are complete if anything is demanded.
    pub fn is_credible(&self, strictness: Strictness) -> bool {
        let is_credible = |run: &MachineRun<'_>| run.analysis.standing(strictness) != Standing::NotCredible;
        strictness == Strictness::Lenient || self.is_complete() && self.runs.iter().all(is_credible)
    }
}

/// Groups the shards of a run by machine; whole runs stay apart.
fn machines(runs: &[MachineRun<'_>], is_sharded: bool) -> Vec<MachineSummary> {
    let identity = |run: &Run| (run.host.hostname.clone(), run.host.cpu.clone(), run.host.cpus);
    let mut machines: Vec<MachineSummary> = Vec::new();
    for (at, MachineRun { folder, analysis }) in runs.iter().enumerate() {
        let (run, host) = (analysis.run, &analysis.run.host);
        let is_same = |machine: &MachineSummary| {
            is_sharded && host.hostname.is_some() && identity(runs[machine.runs[0]].analysis.run) == identity(run)
        };
        if let Some(machine) = machines.iter_mut().find(|machine| is_same(machine)) {
            machine.runs.push(at);
            machine.shards.extend(run.shard);
            machine.trials += analysis.records.len();
            machine.verdict = machine.verdict.max(analysis.verdict());
            continue;
        }
        machines.push(MachineSummary {
            name: host.hostname.clone().unwrap_or_else(|| folder.clone()),
            cpu: host.cpu.clone(),
            cpus: host.cpus,
            iterations_per_s: run.iterations_per_s,
            runs: vec![at],
            shards: run.shard.into_iter().collect(),
            trials: analysis.records.len(),
            verdict: analysis.verdict(),
        });
    }
    let names: Vec<String> = machines.iter().map(|machine| machine.name.clone()).collect();
    for machine in &mut machines {
        if names.iter().filter(|name| **name == machine.name).count() > 1 {
            machine.name = format!("{} ({})", machine.name, runs[machine.runs[0]].folder);
        }
    }
    machines
}

/// Returns a warning if several of the machines are one, such as pods of one node: their mean then counts it as several.
fn one_kernel(machines: &[MachineSummary], runs: &[MachineRun<'_>]) -> Option<MachineWarning> {
    let kernel = |machine: &MachineSummary| runs[machine.runs[0]].analysis.run.host.boot_id.as_deref();
    let mut by_kernel: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for machine in machines {
        if let Some(id) = kernel(machine) {
            by_kernel.entry(id).or_default().push(machine.name.clone());
        }
    }
    by_kernel.into_values().find(|names| names.len() > 1).map(MachineWarning::OneKernel)
}

fn warnings(runs: &[MachineRun<'_>], shards: Option<&ShardedRounds>) -> Vec<MachineWarning> {
    let missing = shards.map(|shards| shards.missing.clone()).filter(|missing| !missing.is_empty());
    let mut warnings: Vec<MachineWarning> = missing.map(MachineWarning::Missing).into_iter().collect();
    let version = |run: &MachineRun<'_>| run.analysis.run.host.avt.clone();
    for run in runs {
        let (folder, of) = (&run.folder, run.analysis.run);
        if of.state != RunState::Complete {
            warnings.push(MachineWarning::Unfinished(folder.clone(), of.state.clone()));
        }
        if run.analysis.missing_records() > 0 {
            warnings.push(MachineWarning::MissingRecords(folder.clone(), run.analysis.missing_records()));
        }
        if run.analysis.judged.failed > 0 {
            warnings.push(MachineWarning::FailedTrials(folder.clone(), run.analysis.judged.failed));
        }
    }
    let debug_builds = runs.iter().filter(|run| run.analysis.run.host.debug_build).count();
    if debug_builds > 0 {
        warnings.push(MachineWarning::DebugBuilds(debug_builds));
    }
    if let Some(other) = runs.iter().find(|other| version(other) != version(&runs[0])) {
        warnings.push(MachineWarning::Versions([&runs[0], other].map(|run| (run.folder.clone(), version(run)))));
    }
    warnings
}
