//! Analyzes the records of a run: computes each figure and each verdict once.
//!
//! ```text
//! Record --cell--> every figure of each cell --point--> ratios, control, findings --+--claims--> verdicts
//!                                              (all models side by side)            +--sweep--> what all points show
//! ```
//!
//! [`analyze`] returns everything that pages, terminal, JSON and exit code show. This module holds no wording, and
//! the views above it judge nothing: each verdict they show comes from here.

#[cfg(feature = "cli")]
pub mod by_machine;
pub mod claims;
pub mod compare;
#[cfg(feature = "cli")]
pub mod compare_loads;
pub mod fail_over;
#[cfg(feature = "cli")]
pub mod merge;
pub mod slo;

mod ab;
mod advice;
mod cell;
mod executing;
mod findings;
mod load;
mod metric;
mod pick;
mod point;
mod ratios;
mod round;
mod scoreboard;
#[cfg(feature = "cli")]
mod single_load;
mod sweep;
mod times;

pub use ab::{AbOutcome, HeadToBase, Unmeasurable, head_to_base};
pub use advice::{Advice, AdviceRow, Choice, LargestRate, Meets};
pub use cell::{CellSummary, Measures, TracedSummary, Unmeasured, Waiting};
pub use claims::JudgedClaim;
pub use executing::Executing;
pub use findings::{Invalidity, PointFinding, TrialFindings};
pub use load::{LoadFigures, LoadSummary};
pub use pick::{Pick, SMALL, Unknown, pick};
pub use point::{Answered, Beats, CeilingUse, PointSummary};
pub use ratios::{AIM, Control, Difference, ModelRatio, Obstacle, STALL_NS};
pub use round::{Estimate, RoundFigure};
pub use scoreboard::Scoreboard;
#[cfg(feature = "cli")]
pub use single_load::{LoadAnalysis, LoadFinding, analyze_load};
pub use sweep::{KeptUp, WaitingMemory};
pub use times::SeriesSummary;

use std::collections::{BTreeMap, BTreeSet};

use crate::gate::Verdict;
use crate::record::{Outcome, Record, Run, RunState, RunTally};
use crate::scenario::{CellId, Scenario};
use crate::stats::Spread;

/// The analysis of a run.
#[derive(Debug)]
pub struct Analysis<'a> {
    /// The run: its settings and its machine.
    pub run: &'a Run,
    /// The records of the run.
    pub records: &'a [Record],
    /// Each scenario, in the order of the report.
    pub scenarios: Vec<ScenarioAnalysis<'a>>,
    /// The cells whose records belong to no scenario of the run, each with its number of records.
    pub strays: BTreeMap<&'a CellId, u64>,
    /// The number of trials, rounds and claims by outcome.
    pub judged: RunTally,
    /// The number of claims by kind and verdict.
    pub scoreboard: Scoreboard,
}

/// The analysis of the records of one scenario.
#[derive(Debug)]
pub struct ScenarioAnalysis<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The points of the scenario's sweep.
    pub points: Vec<PointSummary>,
    /// Each claim, judged at each point it is about.
    pub claims: Vec<JudgedClaim<'a>>,
    /// The number of claims by kind and verdict.
    pub scoreboard: Scoreboard,
    /// The highest offered rate that each model kept up with; empty if no rate was offered.
    pub kept_up: Vec<KeptUp>,
    /// The memory per waiting job under each model; empty unless the number of waiting jobs is swept.
    pub waiting_memory: Vec<WaitingMemory>,
    /// The advice on which model suits the load; `None` without points.
    pub advice: Option<Advice>,
    /// The cost of recording lanes, as the ratio of a figure with recording to the same figure without, over the cells.
    pub recording: Option<Spread>,
}

/// The conditions under which a run counts as good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// No trial failed and no claim was refuted. A trial whose threads the machine refuses as its scenario expects has
    /// not failed.
    #[default]
    Lenient,
    /// The conditions of `Lenient` hold, and no trial and no finding over the rounds is INVALID.
    Invalid,
    /// The conditions of `Invalid` hold, and no trial and no finding over the rounds is SUSPECT.
    Suspect,
}

/// The outcome of a run as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// All conditions hold.
    Good,
    /// A trial failed, or a claim was refuted that had not been refuted before.
    Bad,
    /// The measurement itself is not credible, so no conclusion may be drawn from it.
    NotCredible,
}

/// Analyzes a run. Takes about 20 ms for the tour.
pub fn analyze<'a>(run: &'a Run, scenarios: &'a [Scenario], records: &'a [Record]) -> Analysis<'a> {
    let scenarios: Vec<_> = scenarios.iter().map(|scenario| analyze_scenario(scenario, run, records)).collect();
    let scoreboard = Scoreboard::from_claims(scenarios.iter().flat_map(|scenario| &scenario.claims));
    let judged = judge(&scenarios, &scoreboard, records);
    Analysis { run, records, strays: count_strays(&scenarios, records), scenarios, judged, scoreboard }
}

/// Analyzes the records of one scenario and skips those of others.
pub fn analyze_scenario<'a>(scenario: &'a Scenario, run: &Run, records: &[Record]) -> ScenarioAnalysis<'a> {
    let points = point::points(scenario, run, records);
    let claims = claims::judge_all(scenario, &points, &run.parallel);
    ScenarioAnalysis {
        scenario,
        scoreboard: Scoreboard::from_claims(&claims),
        claims,
        kept_up: sweep::highest_rates(&points),
        waiting_memory: sweep::waiting_memory(&points),
        recording: point::recording(&points),
        advice: advice::advise(scenario, &points, run, records),
        points,
    }
}

impl Analysis<'_> {
    /// Returns the analysis of the scenario with this name.
    pub fn scenario(&self, name: &str) -> Option<&ScenarioAnalysis<'_>> {
        self.scenarios.iter().find(|scenario| scenario.scenario.name == name)
    }

    /// Returns the number of trials whose records are missing although the run went to its end: its file was cut short
    /// afterwards.
    pub fn missing_records(&self) -> u64 {
        let missing = self.run.trials_planned.saturating_sub(self.records.len() as u64);
        if self.run.state == RunState::Complete { missing } else { 0 }
    }

    /// Returns the worst verdict on a trial or on the rounds of a cell.
    pub fn verdict(&self) -> Verdict {
        let RunTally { suspect, invalid, rounds_suspect, rounds_invalid, .. } = self.judged;
        match (suspect + rounds_suspect, invalid + rounds_invalid) {
            (0, 0) => Verdict::Valid,
            (_, 0) => Verdict::Suspect,
            _ => Verdict::Invalid,
        }
    }

    /// Returns the outcome of the run. A measurement that is not credible takes precedence: a refuted claim is then
    /// meaningless.
    pub fn standing(&self, strictness: Strictness) -> Standing {
        let least = match strictness {
            Strictness::Lenient => None,
            Strictness::Invalid => Some(Verdict::Invalid),
            Strictness::Suspect => Some(Verdict::Suspect),
        };
        if least.is_some_and(|least| self.verdict() >= least) {
            return Standing::NotCredible;
        }
        let is_good = self.judged.failed == 0 && self.judged.refuted_anew() == 0;
        if is_good { Standing::Good } else { Standing::Bad }
    }
}

/// Counts the records of each cell that belongs to none of these scenarios.
fn count_strays<'a>(scenarios: &[ScenarioAnalysis<'_>], records: &'a [Record]) -> BTreeMap<&'a CellId, u64> {
    let cells = scenarios.iter().flat_map(|scenario| &scenario.points).flat_map(PointSummary::all_cells);
    let known: BTreeSet<&CellId> = cells.map(|cell| &cell.cell.id).collect();
    let mut strays = BTreeMap::new();
    for record in records.iter().filter(|record| !known.contains(&record.cell)) {
        *strays.entry(&record.cell).or_insert(0) += 1;
    }
    strays
}

/// Counts the trials, rounds and claims by outcome.
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
        // Only a scenario can expect a refusal, so an unmeasured record that belongs to none has failed.
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
