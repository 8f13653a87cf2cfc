//! Every trial of a run, before the first one starts: a randomised complete block design.
//!
//! A round is a block: every cell of a scenario once, and those of one model twice so that it is known by how much two
//! runs of the same thing differ, in an order shuffled anew for each round. Drift of the machine then falls on all models
//! alike, and the seed that is printed gives the same order again. All trials of a round draw their schedules and their
//! heavy requests from one seed, so that the models of a round get the same work and not only the same odds.

use std::time::Duration;

use crate::lanes;
use crate::random;
use crate::record::Pass;
use crate::scenario::{Cell, Model, Parallel, Scenario, Work, expect};

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

/// All trials, in the order they are run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What their order and their own seeds were drawn from.
    pub seed: u64,
    /// The trials.
    pub trials: Vec<Planned>,
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
    /// How long all of it should take.
    pub fn expected(&self) -> Duration {
        self.trials.iter().map(|trial| trial.expected).sum()
    }
}

/// What a trial takes beside its work: starting a process, reading its record, and the canary. Measured at 15 to 35 ms.
const OVERHEAD: Duration = Duration::from_millis(30);

/// What a trial may take beyond three times what it should.
pub(super) const GRACE: Duration = Duration::from_secs(30);

/// Plans all rounds of all scenarios, one scenario after the other.
pub fn plan(scenarios: &[Scenario], effort: Effort, seed: u64, cpus: u32) -> Plan {
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
    Plan { seed, trials }
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
        let Plan { trials, .. } = plan(&[scenario], Effort::Rounds(4), 1, 2);
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
