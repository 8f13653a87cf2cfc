//! Every trial of a run, before the first one starts: a randomised complete block design.
//!
//! A round is a block: every cell of a scenario once, and those of one model twice so that it is known by how much two
//! runs of the same thing differ, in an order shuffled anew for each round. Drift of the machine then falls on all models
//! alike, and the seed that is printed gives the same order again. All trials of a round draw their schedules and their
//! heavy requests from one seed, so that the models of a round get the same work and not only the same odds.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::host::Host;
use crate::lanes;
use crate::random;
use crate::record::{Pass, Source};
use crate::scenario::{Cell, Model, Parallel, Scenario, Work, expect};

use super::calibration::CalibrationSource;

/// How many rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// The scenario's own quick number.
    Quick,
    /// The scenario's own full number.
    Full,
    /// So many, whatever the scenario says.
    Rounds(u32),
}

/// `quick`, `full`, `6`.
impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quick => f.write_str("quick"),
            Self::Full => f.write_str("full"),
            Self::Rounds(rounds) => write!(f, "{rounds}"),
        }
    }
}

/// What a run is asked to do.
#[derive(Clone, Debug)]
pub struct RunSpec {
    /// The scenarios, in the order of the report.
    pub scenarios: Vec<Scenario>,
    /// The same scenarios as they were given.
    pub sources: Vec<Source>,
    /// The only models that were kept of them; all where there is none.
    pub models: Vec<Model>,
    /// How many rounds.
    pub effort: Effort,
    /// What the order of the trials and their own seeds are drawn from.
    pub seed: u64,
    /// Where the calibration comes from.
    pub calibration: CalibrationSource,
}

/// A run before it begins: what is asked of which machine, and every trial.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is asked.
    pub spec: RunSpec,
    /// The machine.
    pub host: Host,
    /// The trials, in the order they are run: those of one scenario together.
    pub trials: Vec<Planned>,
}

/// A plan that would take more than a day, as the full rounds of no scenario may.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{trials} trials would take {hours} hours, more than a day; ask for fewer rounds or scenarios")]
pub struct TooLong {
    /// How many trials it has.
    pub trials: usize,
    /// How many whole hours they would take.
    pub hours: u64,
}

/// One trial to come.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What is measured.
    pub cell: Cell,
    /// Which of the cell's trials it is.
    pub pass: Pass,
    /// Its position in the run, from 1.
    pub order: u64,
    /// What its own random choices are drawn from: the same for all trials of a round.
    pub seed: u64,
    /// How long it should take, process start included.
    pub expected: Duration,
    /// How long it may take.
    pub limit: Duration,
}

impl Plan {
    /// Plans every trial of a run on this machine.
    pub fn new(spec: RunSpec, host: Host) -> Result<Self, TooLong> {
        const LONGEST: Duration = Duration::from_secs(24 * 3_600);
        let trials = trials(&spec.scenarios, spec.effort, spec.seed, host.cpus);
        let plan = Self { spec, host, trials };
        let expected = plan.expected();
        if expected > LONGEST {
            return Err(TooLong { trials: plan.trials.len(), hours: expected.as_secs() / 3_600 });
        }
        Ok(plan)
    }

    /// How long all trials should take.
    pub fn expected(&self) -> Duration {
        total(&self.trials)
    }
}

/// How long all trials of a scenario should take on so many CPUs.
pub fn expected(scenario: &Scenario, effort: Effort, cpus: u32) -> Duration {
    total(&trials(std::slice::from_ref(scenario), effort, 0, cpus))
}

fn total(trials: &[Planned]) -> Duration {
    trials.iter().map(|trial| trial.expected).sum()
}

/// What a trial takes beside its work: starting a process and reading its record. Measured at 15 to 35 ms.
const OVERHEAD: Duration = Duration::from_millis(30);

/// What a trial may take beyond three times what it should.
pub(super) const GRACE: Duration = Duration::from_secs(30);

/// All rounds of all scenarios, one scenario after the other.
fn trials(scenarios: &[Scenario], effort: Effort, seed: u64, cpus: u32) -> Vec<Planned> {
    let mut rng = random::stream(seed, 0);
    let machine = Parallel::ideal(cpus);
    let mut trials = Vec::new();
    for scenario in scenarios {
        let rounds = match effort {
            Effort::Quick => scenario.rounds.quick,
            Effort::Full => scenario.rounds.full,
            Effort::Rounds(rounds) => rounds,
        };
        let mut blocks: Vec<(Pass, Vec<Cell>)> = Vec::new();
        for round in Pass::rounds(rounds) {
            let mut cells = scenario.cells();
            cells.extend(scenario.control_cells());
            rng.shuffle(&mut cells);
            blocks.push((round, cells));
        }
        // Recorded when all is measured.
        let ours = scenario.cells().into_iter().filter(|cell| cell.id.model != Model::External);
        blocks.push((Pass::Lanes, ours.map(to_record).collect()));
        for (pass, cells) in blocks {
            let of_block = rng.u64(..);
            for cell in cells {
                let expected = expect::wall(&cell.work, cell.id.model, &machine) + OVERHEAD;
                let order = trials.len() as u64 + 1;
                trials.push(Planned { cell, pass, order, seed: of_block, expected, limit: expected * 3 + GRACE });
            }
        }
    }
    trials
}

/// A load is recorded for as long as its lanes are.
fn to_record(mut cell: Cell) -> Cell {
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
        assert_eq!(seeds.len(), 5, "each round its own");
    }
}
