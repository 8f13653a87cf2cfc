//! Checks that runs of several machines can be put side by side.

use thiserror::Error;

use super::{MachineRun, MachineWarning, ShardedRounds};
use crate::analysis::ScenarioAnalysis;
use crate::record::Run;
use crate::scenario::Model;
use crate::schedule::Shard;

/// Why runs of several machines cannot be put side by side.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ByMachineError {
    /// There is no run.
    #[error("no run found")]
    Empty,
    /// No scenario is the same in all runs.
    #[error("no scenario is in all runs with the same text, so there is nothing to put side by side")]
    NothingInCommon,
    /// A shard and a whole run.
    #[error("{shard} is a shard of a run and {whole} is a whole run; merge either shards or whole runs")]
    ShardAndWhole {
        /// The folder of the shard.
        shard: String,
        /// The folder of the whole run.
        whole: String,
    },
    /// Two runs hold different models or scenarios.
    #[error(
        "{first} and {second} hold different {what}: {}; models measured on different machines: the machines would be \
         compared, not the models; run all of them on each machine, and deal out rounds with --shard", values.join(" and ")
    )]
    Split {
        /// The folder of one run.
        first: String,
        /// The folder of the other.
        second: String,
        /// What differs.
        what: &'static str,
        /// The two values.
        values: [String; 2],
    },
    /// Two shards belong to different runs.
    #[error("{first} and {second} are shards of different runs: {what}: {}", values.join(" and "))]
    DifferentRuns {
        /// The folder of one shard.
        first: String,
        /// The folder of the other.
        second: String,
        /// What differs.
        what: &'static str,
        /// The two values.
        values: [String; 2],
    },
    /// A shard was run twice.
    #[error("{first} and {second} are both shard {} of {}; merge one of them", shard.number(), shard.of())]
    SameShard {
        /// The shard.
        shard: Shard,
        /// The folder of one run.
        first: String,
        /// The folder of the other.
        second: String,
    },
}

/// Returns what the shards together are, or `None` for whole runs. Returns an error if the runs are some of each, or
/// shards of different runs.
pub(super) fn sharded(runs: &[MachineRun<'_>]) -> Result<Option<ShardedRounds>, ByMachineError> {
    let shard_of = |run: &MachineRun<'_>| run.analysis.run.shard;
    let Some(first) = runs.iter().find(|run| shard_of(run).is_some()) else { return Ok(None) };
    if let Some(whole) = runs.iter().find(|run| shard_of(run).is_none()) {
        return Err(ByMachineError::ShardAndWhole { shard: first.folder.clone(), whole: whole.folder.clone() });
    }
    for other in runs {
        same_run(first, other)?;
    }
    let of = shard_of(first).map_or(1, Shard::of);
    let mut missing = Vec::new();
    for shard in Shard::all(of) {
        let found: Vec<_> = runs.iter().filter(|run| shard_of(run) == Some(shard)).collect();
        match found[..] {
            [] => missing.push(shard),
            [_] => {}
            [one, other, ..] => {
                let (first, second) = (one.folder.clone(), other.folder.clone());
                return Err(ByMachineError::SameShard { shard, first, second });
            }
        }
    }
    Ok(Some(ShardedRounds { of, missing, seed: first.analysis.run.seed }))
}

/// Fails unless two shards belong to one run.
fn same_run(first: &MachineRun<'_>, other: &MachineRun<'_>) -> Result<(), ByMachineError> {
    let folders = || (first.folder.clone(), other.folder.clone());
    let [one, two] = [first, other].map(|run| run.analysis.run);
    let named = [("models", [one, two].map(|run| models(&run.models))), ("scenarios", [one, two].map(names))];
    let split = named.into_iter().find(|(_, [one, two])| one != two);
    if let Some((what, values)) = split.or_else(|| changed_text(one, two)) {
        let (first, second) = folders();
        return Err(ByMachineError::Split { first, second, what, values });
    }
    let plan = [
        ("seed", [one, two].map(|run| run.seed.to_string())),
        ("rounds", [one, two].map(|run| run.rounds.clone())),
        ("shards", [one, two].map(|run| run.shard.map_or_else(String::new, |shard| shard.of().to_string()))),
    ];
    match plan.into_iter().find(|(_, [one, two])| one != two) {
        Some((what, values)) => {
            let (first, second) = folders();
            Err(ByMachineError::DifferentRuns { first, second, what, values })
        }
        None => Ok(()),
    }
}

fn models(models: &[Model]) -> String {
    let names: Vec<String> = models.iter().map(Model::to_string).collect();
    if names.is_empty() { "all".into() } else { names.join(", ") }
}

fn names(run: &Run) -> String {
    run.scenarios.iter().map(|source| source.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Returns the names by which the first scenario was given whose text differs; `None` if all texts are the same.
fn changed_text(one: &Run, two: &Run) -> Option<(&'static str, [String; 2])> {
    let mut pairs = one.scenarios.iter().zip(&two.scenarios);
    let (first, second) = pairs.find(|(first, second)| first.toml != second.toml)?;
    Some(("texts of a scenario", [first, second].map(|source| source.given.clone())))
}

/// Returns a scenario as each run has it, or the reason why it is not in all runs.
pub(super) fn common<'a>(
    scenario: &ScenarioAnalysis<'_>,
    runs: &'a [MachineRun<'a>],
) -> Result<Vec<&'a ScenarioAnalysis<'a>>, MachineWarning> {
    let name = &scenario.scenario.name;
    let of_run = |run: &'a MachineRun<'a>| match run.analysis.scenario(name) {
        None => Err(MachineWarning::OnlyInSome(name.clone(), run.folder.clone())),
        Some(other) if other.scenario.source != scenario.scenario.source => {
            Err(MachineWarning::OtherText(name.clone(), run.folder.clone()))
        }
        Some(other) => Ok(other),
    };
    runs.iter().map(of_run).collect()
}

/// Fails unless a scenario was run with the same models in all runs. `all` holds the scenario of each run.
pub(super) fn same_models(all: &[&ScenarioAnalysis<'_>], runs: &[MachineRun<'_>]) -> Result<(), ByMachineError> {
    let models_of = |scenario: &ScenarioAnalysis<'_>| models(&scenario.scenario.models);
    match all.iter().position(|other| models_of(other) != models_of(all[0])) {
        None => Ok(()),
        Some(at) => Err(ByMachineError::Split {
            first: runs[0].folder.clone(),
            second: runs[at].folder.clone(),
            what: "models",
            values: [models_of(all[0]), models_of(all[at])],
        }),
    }
}
