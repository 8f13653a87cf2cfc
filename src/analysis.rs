//! What follows from the records of a run: figures and verdicts, computed once.
//!
//! ```text
//! Record --cell--> every figure of each cell --point--> ratios, control, findings --+--claims--> verdicts
//!                                              (all models side by side)            +--sweep--> what all points show
//! ```
//!
//! [`analyze`] gives everything that pages, terminal, JSON and exit code show. Nothing here has words, and nothing above
//! this floor judges: a view that needs a verdict finds it here.

pub mod claims;
pub mod compare;
pub mod slo;

mod cell;
mod executing;
mod findings;
mod load;
mod metric;
mod point;
mod ratios;
mod round;
mod scoreboard;
mod single_load;
mod sweep;
mod times;

pub use cell::{CellSummary, Measures, TracedSummary, Unmeasured, Waiting};
pub use claims::JudgedClaim;
pub use executing::Executing;
pub use findings::{Invalidity, PointFinding, TrialFindings};
pub use load::LoadSummary;
pub use point::{Answered, Beats, CeilingUse, PointSummary};
pub use ratios::{AIM, Control, Difference, ModelRatio, Obstacle, STALL_NS};
pub use round::{Estimate, RoundFigure};
pub use scoreboard::Scoreboard;
pub use single_load::{LoadAnalysis, LoadFigures, analyze_load};
pub use sweep::{KeptUp, PriceOfWaiting};
pub use times::SeriesSummary;

use std::collections::{BTreeMap, BTreeSet};

use crate::gate::Verdict;
use crate::record::{Outcome, Record, Run, RunTally};
use crate::scenario::{CellId, Scenario};
use crate::stats::Spread;

/// Everything that follows from a run.
#[derive(Debug)]
pub struct Analysis<'a> {
    /// What was asked of which machine.
    pub run: &'a Run,
    /// Its records.
    pub records: &'a [Record],
    /// Each scenario, in the order of the report.
    pub scenarios: Vec<ScenarioAnalysis<'a>>,
    /// The cells of records that belong to no scenario of the run, each with its number of records.
    pub strays: BTreeMap<&'a CellId, u64>,
    /// What became of the trials, the rounds and the claims, in numbers.
    pub judged: RunTally,
    /// What became of the claims of each kind.
    pub scoreboard: Scoreboard,
}

/// Everything that follows from the records of one scenario.
#[derive(Debug)]
pub struct ScenarioAnalysis<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Each point of its sweep.
    pub points: Vec<PointSummary>,
    /// Each claim at each point that it is about.
    pub claims: Vec<JudgedClaim<'a>>,
    /// What became of the claims of each kind.
    pub scoreboard: Scoreboard,
    /// The highest of the offered rates that the models kept up with; empty where there is one rate or none.
    pub kept_up: Vec<KeptUp>,
    /// What a waiting job costs under each model; empty where the number of waiting jobs is not swept.
    pub prices_of_waiting: Vec<PriceOfWaiting>,
    /// What recording lanes cost: the figure with recording by the figure without, over the cells.
    pub recording: Option<Spread>,
}

/// What has to be in order for a run to end well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// No trial fails and no claim is refuted. A trial that the machine refuses as its scenario expects does not fail.
    #[default]
    Lenient,
    /// Besides, no trial and no finding over the rounds is INVALID.
    Invalid,
    /// Besides, none is SUSPECT.
    Suspect,
}

/// How a run stands at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Everything asked for holds.
    Good,
    /// A trial failed, or a claim was refuted that had not been refuted before.
    Bad,
    /// The measurement itself cannot be believed, so nothing may rest on it.
    Unbelievable,
}

/// Analyzes a run. About 20 ms for the tour.
pub fn analyze<'a>(run: &'a Run, scenarios: &'a [Scenario], records: &'a [Record]) -> Analysis<'a> {
    let scenarios: Vec<_> = scenarios.iter().map(|scenario| analyze_scenario(scenario, run, records)).collect();
    let scoreboard = Scoreboard::from_claims(scenarios.iter().flat_map(|scenario| &scenario.claims));
    let judged = judge(&scenarios, &scoreboard, records);
    Analysis { run, records, strays: strays(&scenarios, records), scenarios, judged, scoreboard }
}

/// Analyzes the records of one scenario, and passes over those of others.
pub fn analyze_scenario<'a>(scenario: &'a Scenario, run: &Run, records: &[Record]) -> ScenarioAnalysis<'a> {
    let points = point::points(scenario, run, records);
    let claims = claims::judge_all(scenario, &points, &run.parallel);
    ScenarioAnalysis {
        scenario,
        scoreboard: Scoreboard::from_claims(&claims),
        claims,
        kept_up: sweep::kept_up(&points),
        prices_of_waiting: sweep::prices_of_waiting(&points),
        recording: point::recording(&points),
        points,
    }
}

impl Analysis<'_> {
    /// The analysis of a scenario.
    pub fn scenario(&self, name: &str) -> Option<&ScenarioAnalysis<'_>> {
        self.scenarios.iter().find(|scenario| scenario.scenario.name == name)
    }

    /// The worst verdict on a trial, or on the rounds of a cell.
    pub fn verdict(&self) -> Verdict {
        let RunTally { suspect, invalid, rounds_suspect, rounds_invalid, .. } = self.judged;
        match (suspect + rounds_suspect, invalid + rounds_invalid) {
            (0, 0) => Verdict::Valid,
            (_, 0) => Verdict::Suspect,
            _ => Verdict::Invalid,
        }
    }

    /// How the run stands. What cannot be believed comes first: a claim refuted by it says nothing.
    pub fn standing(&self, strictness: Strictness) -> Standing {
        let least = match strictness {
            Strictness::Lenient => None,
            Strictness::Invalid => Some(Verdict::Invalid),
            Strictness::Suspect => Some(Verdict::Suspect),
        };
        if least.is_some_and(|least| self.verdict() >= least) {
            return Standing::Unbelievable;
        }
        let is_good = self.judged.failed == 0 && self.judged.refuted_anew() == 0;
        if is_good { Standing::Good } else { Standing::Bad }
    }
}

/// Counts the records of each cell that is in none of these scenarios.
fn strays<'a>(scenarios: &[ScenarioAnalysis<'_>], records: &'a [Record]) -> BTreeMap<&'a CellId, u64> {
    let cells = scenarios.iter().flat_map(|of| &of.points).flat_map(PointSummary::all_cells);
    let known: BTreeSet<&CellId> = cells.map(|cell| &cell.cell.id).collect();
    let mut strays = BTreeMap::new();
    for record in records.iter().filter(|record| !known.contains(&record.cell)) {
        *strays.entry(&record.cell).or_insert(0) += 1;
    }
    strays
}

/// Counts what became of the trials, the rounds and the claims.
fn judge(scenarios: &[ScenarioAnalysis<'_>], scoreboard: &Scoreboard, records: &[Record]) -> RunTally {
    let points = || scenarios.iter().flat_map(|scenario| &scenario.points);
    let cells = || points().flat_map(PointSummary::all_cells);
    let trials = |verdict| points().map(|point| point.trials_that_are(verdict)).sum::<usize>() as u64;
    let findings = |verdict| {
        let found = points().flat_map(|point| &point.findings).filter(|finding| finding.found.verdict() == verdict);
        found.count() as u64
    };
    let unmeasured = records.iter().filter(|record| matches!(record.outcome, Outcome::Failed(_))).count();
    let refused = cells().map(CellSummary::refused_trials).sum::<usize>();
    RunTally {
        measured: cells().map(CellSummary::rounds).sum::<usize>() as u64,
        suspect: trials(Verdict::Suspect),
        invalid: trials(Verdict::Invalid),
        // A refusal is expected of the cells of a scenario only: a record of none of them has failed.
        failed: (unmeasured - refused) as u64,
        refused: refused as u64,
        rounds_suspect: findings(Verdict::Suspect),
        rounds_invalid: findings(Verdict::Invalid),
        claims_reproduced: scoreboard.total(claims::ClaimVerdict::Reproduced),
        claims_inconclusive: scoreboard.total(claims::ClaimVerdict::Inconclusive),
        claims_refuted: scoreboard.total(claims::ClaimVerdict::Refuted),
        claims_refuted_again: scoreboard.refuted_again(),
    }
}
