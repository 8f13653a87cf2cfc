//! Plans every trial of a run before the first one starts: a randomised complete block design.
//!
//! A round is a block: every cell of a scenario once, and those of one model twice to show by how much two runs of the
//! same thing differ, in an order shuffled anew for each round. Drift of the machine thus affects all models alike, and
//! the printed seed reproduces the order. All trials of a round draw their schedules and heavy requests from one seed,
//! so that its models get identical work and not only the same odds.
//!
//! A block can stay on one machine while others hold other blocks: a shard of a run is planned as the whole run, and then
//! keeps only some of the rounds.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::host::Host;
use crate::lanes;
use crate::random;
use crate::record::{Pass, Skipped, Source};
use crate::scenario::{Cell, Model, Parallel, Scenario, Work, expect};
use crate::schedule::Shard;
use crate::units;

use super::calibration::CalibrationSource;

/// The number of rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// The scenario's number of quick rounds.
    Quick,
    /// The scenario's number of full rounds.
    Full,
    /// This number of rounds, regardless of the scenario.
    Rounds(u32),
}

impl Effort {
    /// Returns the number of rounds of a scenario.
    fn rounds(self, scenario: &Scenario) -> u32 {
        match self {
            Self::Quick => scenario.rounds.quick,
            Self::Full => scenario.rounds.full,
            Self::Rounds(rounds) => rounds,
        }
    }
}

/// Writes `quick`, `full` or a number such as `6`.
impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quick => f.write_str("quick"),
            Self::Full => f.write_str("full"),
            Self::Rounds(rounds) => write!(f, "{rounds}"),
        }
    }
}

/// The specification of a run.
#[derive(Clone, Debug)]
pub struct RunSpec {
    /// The scenarios, in the order of the report.
    pub scenarios: Vec<Scenario>,
    /// The source texts of the scenarios.
    pub sources: Vec<Source>,
    /// The models that the scenarios were restricted to; empty for all.
    pub models: Vec<Model>,
    /// The scenarios that were requested and are left out.
    pub skipped: Vec<Skipped>,
    /// The number of rounds.
    pub effort: Effort,
    /// The part of the rounds to run; `None` for all.
    pub shard: Option<Shard>,
    /// The seed of the order of the trials and of their own seeds.
    pub seed: u64,
    /// Where the calibration comes from.
    pub calibration: CalibrationSource,
}

/// A run before it begins: its specification, the machine and every trial.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The specification.
    pub spec: RunSpec,
    /// The machine.
    pub host: Host,
    /// The trials in the order they are run, grouped by scenario.
    pub trials: Vec<Planned>,
}

/// Why a run cannot be planned.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PlanError {
    /// The run would take more than a day, which the full rounds of no scenario do.
    #[error("{trials} trials would take {hours} hours, more than a day; run fewer rounds or scenarios")]
    TooLong {
        /// The number of trials in the plan.
        trials: usize,
        /// The time the trials would take, in whole hours.
        hours: u64,
    },
    /// A shard would hold no round of a scenario.
    #[error(
        "--shard: {scenario} has only {} for {shards} shards, and each shard needs at least one; raise --rounds",
        units::counted((*rounds).into(), "round", "rounds")
    )]
    TooManyShards {
        /// The name of the scenario.
        scenario: String,
        /// The number of rounds of all shards together.
        rounds: u32,
        /// The number of shards.
        shards: u32,
    },
}

/// A planned trial.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The cell to measure.
    pub cell: Cell,
    /// The kind of pass, with its position among the cell's trials.
    pub pass: Pass,
    /// The trial's position in the whole run, from 1.
    pub order: u64,
    /// The seed of the trial's own random choices: the same for all trials of a round.
    pub seed: u64,
    /// The expected time, process start included.
    pub expected: Duration,
    /// The time after which the trial is ended.
    pub limit: Duration,
}

impl Plan {
    /// Plans every trial of a run, or of its shard, on this machine.
    pub fn new(spec: RunSpec, host: Host) -> Result<Self, PlanError> {
        const LONGEST: Duration = Duration::from_secs(24 * 3_600);
        let mut trials = trials(&spec.scenarios, spec.effort, spec.seed, host.cpus);
        if let Some(shard) = spec.shard {
            check_rounds(&spec, shard)?;
            trials.retain(|planned| is_in(shard, planned.pass));
        }
        let plan = Self { spec, host, trials };
        let expected = plan.expected();
        if expected > LONGEST {
            return Err(PlanError::TooLong { trials: plan.trials.len(), hours: expected.as_secs() / 3_600 });
        }
        Ok(plan)
    }

    /// Returns the expected time of all trials.
    pub fn expected(&self) -> Duration {
        total(&self.trials)
    }
}

/// Fails unless each shard holds at least one round of every scenario.
fn check_rounds(spec: &RunSpec, shard: Shard) -> Result<(), PlanError> {
    let too_few = spec.scenarios.iter().find(|scenario| spec.effort.rounds(scenario) < shard.of());
    too_few.map_or(Ok(()), |scenario| {
        let (scenario, rounds) = (scenario.name.clone(), spec.effort.rounds(scenario));
        Err(PlanError::TooManyShards { scenario, rounds, shards: shard.of() })
    })
}

/// Returns whether a shard holds a pass. The first shard records the lanes.
fn is_in(shard: Shard, pass: Pass) -> bool {
    pass.round().map_or(shard.number() == 1, |round| shard.has_round(round))
}

/// Returns the expected time of all trials of a scenario on this number of CPUs.
pub fn expected(scenario: &Scenario, effort: Effort, cpus: u32) -> Duration {
    total(&trials(std::slice::from_ref(scenario), effort, 0, cpus))
}

fn total(trials: &[Planned]) -> Duration {
    trials.iter().map(|trial| trial.expected).sum()
}

/// The time a trial takes besides its work: starting a process and reading its record. Measured at 15 to 35 ms.
const OVERHEAD: Duration = Duration::from_millis(30);

/// The time a trial may take beyond three times the expected time.
pub(super) const GRACE: Duration = Duration::from_secs(30);

/// Plans all rounds of all scenarios, one scenario after the other.
fn trials(scenarios: &[Scenario], effort: Effort, seed: u64, cpus: u32) -> Vec<Planned> {
    let mut rng = random::stream(seed, 0);
    let machine = Parallel::ideal(cpus);
    let mut trials = Vec::new();
    for scenario in scenarios {
        let mut blocks: Vec<(Pass, Vec<Cell>)> = Vec::new();
        for round in Pass::rounds(effort.rounds(scenario)) {
            let mut cells = scenario.cells();
            cells.extend(scenario.control_cells());
            rng.shuffle(&mut cells);
            blocks.push((round, cells));
        }
        // Lanes are recorded after all measurements.
        let ours = scenario.cells().into_iter().filter(|cell| !cell.id.model.is_external());
        blocks.push((Pass::Lanes, ours.map(recorded).collect()));
        for (pass, cells) in blocks {
            let of_block = rng.u64(..);
            for cell in cells {
                let expected = expect::wall(&cell.work, cell.id.model, &machine) + OVERHEAD;
                let order = trials.len() as u64 + 1;
                let limit = match &cell.work {
                    Work::Own(own) => own.timeout,
                    _ => expected * 3 + GRACE,
                };
                trials.push(Planned { cell, pass, order, seed: of_block, expected, limit });
            }
        }
    }
    trials
}

/// Shortens a load to the length of its recording.
fn recorded(mut cell: Cell) -> Cell {
    if let Work::Echo(echo) = &mut cell.work {
        echo.load.duration = echo.load.duration.min(lanes::LENGTH);
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::builtin;

    #[test]
    fn the_models_of_a_round_get_the_same_work() {
        let scenario = builtin::find("echo-heavy").unwrap().scenario();
        let trials = trials(&[scenario], Effort::Rounds(4), 1, 2);
        let mut seeds = Vec::new();
        for pass in Pass::rounds(4).chain([Pass::Lanes]) {
            let of_pass: Vec<u64> = trials.iter().filter(|trial| trial.pass == pass).map(|trial| trial.seed).collect();
            assert!(of_pass.len() > 1 && of_pass.iter().all(|seed| *seed == of_pass[0]), "{pass}: {of_pass:?}");
            seeds.push(of_pass[0]);
        }
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 5, "each round has a seed of its own");
    }

    fn spec(effort: Effort, shard: Option<Shard>) -> RunSpec {
        let scenarios = ["sleep", "echo-heavy"].map(|name| builtin::find(name).unwrap().scenario());
        RunSpec {
            scenarios: scenarios.into(),
            sources: Vec::new(),
            models: Vec::new(),
            skipped: Vec::new(),
            effort,
            shard,
            seed: 1,
            calibration: CalibrationSource::New,
        }
    }

    #[test]
    fn the_shards_together_are_the_whole_run() {
        let planned = |shard: Option<Shard>| {
            let plan = Plan::new(spec(Effort::Rounds(7), shard), Host::read()).unwrap();
            plan.trials.into_iter().map(|trial| (trial.order, trial.cell.id, trial.pass, trial.seed))
        };
        let whole: Vec<_> = planned(None).collect();
        for of in 1..=6 {
            let mut union: Vec<_> = Shard::all(of).flat_map(|shard| planned(Some(shard))).collect();
            union.sort_by_key(|(order, ..)| *order);
            assert_eq!(union, whole, "{of} shards");
        }
        let second = planned(Some(Shard::new(2, 3).unwrap()));
        let rounds: std::collections::BTreeSet<_> = second.map(|(_, _, pass, _)| pass.round()).collect();
        assert_eq!(rounds.into_iter().collect::<Vec<_>>(), [Some(2), Some(5)], "and no lanes");
    }

    #[test]
    fn more_shards_than_rounds_are_refused() {
        let error = Plan::new(spec(Effort::Rounds(2), Some(Shard::new(1, 3).unwrap())), Host::read()).unwrap_err();
        assert_eq!(error, PlanError::TooManyShards { scenario: "sleep".into(), rounds: 2, shards: 3 });
        assert!(error.to_string().contains("sleep has only 2 rounds for 3 shards"), "{error}");
    }
}
