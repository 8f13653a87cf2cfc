//! `avt run`: runs scenarios, and writes their records and a report.

mod narrate;

use std::ffi::OsString;
use std::path::PathBuf;

use crate::runner::Effort;
use crate::scenario::Model;
use crate::schedule::Shard;
use crate::session::output::Stop;
use crate::session::pages::keep_models;
use crate::session::{Named, Session, View};

use super::exports::ExportArgs;
use super::launcher::{self, ShardArg};
use super::model_name::ModelName;
use super::report::RUNS;
use super::scenario_name::ScenarioName;
use super::sources::{every, scenarios};
use super::strict::Strict;

/// Run scenarios on this machine and write a report
///
/// Without a name it runs the tour: the built-in scenarios that `avt list` marks.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  avt run\n  avt run sleep offload\n  avt run my-scenario.toml --rounds 3\n  \
                        avt run --strict --markdown summary.md --junit avt.xml\n  \
                        avt run echo --rounds 40 --seed 1 --shard 2/4 --out rounds")]
pub(super) struct RunArgs {
    /// Names of built-in scenarios, or scenario files
    #[arg(value_name = "NAME|FILE", conflicts_with = "all", value_parser = ScenarioName, hide_possible_values = true)]
    scenarios: Vec<OsString>,
    /// Run every built-in scenario, including those outside the tour
    #[arg(long)]
    all: bool,
    /// Run the full number of rounds of each scenario instead of the quick one
    #[arg(long, conflicts_with = "rounds")]
    full: bool,
    /// Run exactly N rounds of each scenario
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Run only these models of the scenarios, as in `-m threads,async`; may be repeated
    #[arg(long, short, value_name = "MODEL", value_delimiter = ',', value_parser = ModelName, hide_possible_values = true)]
    model: Vec<Model>,
    /// Seed of the order of trials [default: a random one, printed]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Run only part K of N of the rounds, counted from 1, in --out/shard-K-of-N; `avt merge` puts the shards together
    ///
    /// All shards draw the same orders and trials from --seed. A round, with all models, stays on one machine: if models
    /// ran on different machines, the machines would be compared, not the models. `auto` takes K and N from Open MPI, a
    /// Slurm step, PMI (MPICH), Flux or Kubernetes; `none` runs all rounds even if a launcher started several processes.
    #[arg(long, value_name = "K/N|auto|none", value_parser = str::parse::<ShardArg>)]
    shard: Option<ShardArg>,
    /// Number of shards, for `--shard auto` in a Kubernetes Indexed Job, whose pods know only their own number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    shards: Option<u32>,
    /// Folder to create for the records and the report [default: reports/ and the current time]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Use the calibration of an earlier run, so that both do the same work; `new` calibrates again [default: the
    /// newest run in the same folder, if the machine still computes as fast]
    #[arg(long, value_name = "DIR|new")]
    calibration: Option<PathBuf>,
    #[command(flatten)]
    strict: Strict,
    #[command(flatten)]
    exports: ExportArgs,
    /// Run the jobs of a scenario once without measuring them, and print each event with its time and thread
    #[arg(long, conflicts_with_all = ["all", "full", "rounds", "seed", "shard", "shards", "out", "strict", "json", "markdown", "junit", "bmf"])]
    narrate: bool,
    /// Print a summary as JSON instead of tables
    #[arg(long)]
    json: bool,
}

pub(super) fn main(args: &RunArgs) -> Result<(), Stop> {
    let named = chosen(args)?;
    if args.narrate {
        return narrate::main(&named, &args.model);
    }
    let shard = shard(args)?;
    let out = match shard {
        Some(shard) => Some(folder_of_shard(args, shard)?),
        None => args.out.clone(),
    };
    let session = Session {
        scenarios: named,
        models: args.model.clone(),
        effort: effort(args.rounds, args.full),
        shard,
        seed: args.seed,
        calibration: args.calibration.clone(),
        out,
        runs: RUNS.into(),
        json: args.json,
        view: View::Tables,
        strictness: args.strict.strictness(),
        exports: args.exports.paths(),
    };
    session.run()
}

/// Returns the part of the rounds to run; `None` for all.
fn shard(args: &RunArgs) -> Result<Option<Shard>, Stop> {
    let part = launcher::part(args.shard, args.shards, "run", &|name| std::env::var(name).ok())?;
    Ok(part.map(|part| part.shard))
}

/// Returns the folder of a shard. Its name is that of the shard, so that all shards can have the same command line.
fn folder_of_shard(args: &RunArgs, shard: Shard) -> Result<PathBuf, Stop> {
    if args.seed.is_none() {
        return Err(Stop::input("--shard: add --seed N, the same for all shards, so that they draw the same orders"));
    }
    let out = args.out.as_ref().ok_or_else(|| Stop::input("--shard: add --out DIR for the folders of all shards"))?;
    if out.as_os_str() == "-" {
        return Err(Stop::input("--out: expected a folder for the runs of all shards, found `-`"));
    }
    Ok(out.join(shard.file_name()))
}

/// Returns the number of rounds that `--rounds` and `--full` ask for.
pub(super) fn effort(rounds: Option<u32>, is_full: bool) -> Effort {
    match rounds {
        Some(rounds) => Effort::Rounds(rounds),
        None if is_full => Effort::Full,
        None => Effort::Quick,
    }
}

/// Returns the named scenarios, restricted to the named models.
fn chosen(args: &RunArgs) -> Result<Vec<Named>, Stop> {
    let found = if args.all { every() } else { scenarios(&args.scenarios)? };
    let named = found.into_iter().map(|Named { given, scenario }| {
        if scenario.points.iter().any(|point| point.work.bench().is_some()) {
            return Err(Stop::input(format_args!(
                "{}: only its own bench program can run this workload; use `cargo bench`",
                scenario.name
            )));
        }
        let scenario = keep_models(scenario, &args.model);
        if scenario.models.is_empty() {
            let wanted: Vec<String> = args.model.iter().map(ToString::to_string).collect();
            return Err(Stop::input(format_args!(
                "{}: no model {} in this scenario",
                scenario.name,
                wanted.join(" or ")
            )));
        }
        Ok(Named { given, scenario })
    });
    named.collect()
}
