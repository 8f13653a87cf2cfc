//! Finds out which part of a load or of a run this process is, from the command line or from the launcher that started
//! it.
//!
//! A launcher of a cluster starts the same command several times, and tells each process its rank in the environment.
//! A load that each of them runs as a whole would hit the server several times, and a run would be repeated, so such a
//! process is refused unless its command line says which of the two is meant.

use std::str::FromStr;

use crate::schedule::{Shard, ShardError};
use crate::session::output::Stop;

/// Launchers that number the processes they start, with the variables of rank and size, in the order in which they
/// count. Under `mpirun` in a Slurm allocation, the variables of Slurm number the nodes; so Open MPI comes first.
/// `SLURM_NTASKS` is not used, because it is also set in a batch script, which runs once; nor is
/// `SLURM_ARRAY_TASK_ID`, because the tasks of an array do not run at the same time.
const LAUNCHERS: [(&str, &str, &str); 4] = [
    ("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("Slurm", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    ("PMI", "PMI_RANK", "PMI_SIZE"),
    ("Flux", "FLUX_TASK_RANK", "FLUX_JOB_SIZE"),
];

/// The variable with the position of a pod in a Kubernetes Indexed Job, which has none with the number of pods.
const INDEX: &str = "JOB_COMPLETION_INDEX";

/// The value of `--shard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShardArg {
    /// This shard.
    Number(Shard),
    /// The shard that the launcher assigns.
    Auto,
    /// The whole, whatever the launcher assigns.
    None,
}

impl FromStr for ShardArg {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        match text {
            "auto" => Ok(Self::Auto),
            "none" => Ok(Self::None),
            number => number.parse().map(Self::Number),
        }
    }
}

/// The part of a load or of a run that this process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The shard.
    pub(super) shard: Shard,
    /// The launcher that assigned it; `None` if the command line did.
    pub(super) launcher: Option<&'static str>,
}

/// What the environment tells about a launcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Launched {
    launcher: &'static str,
    rank: u32,
    /// The number of processes; `None` if the launcher does not tell it.
    size: Option<u32>,
}

/// Returns the part of the whole that this process is; `None` for the whole itself, a "load" or a "run". `shards` is the
/// value of `--shards`, `var` reads a variable of the environment.
pub(super) fn part(
    arg: Option<ShardArg>,
    shards: Option<u32>,
    whole: &str,
    var: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Part>, Stop> {
    if let (Some(n), Some(ShardArg::Number(_) | ShardArg::None) | None) = (shards, arg) {
        return Err(Stop::input(format_args!("--shards {n}: only for --shard auto; write --shard K/{n} instead")));
    }
    match arg {
        Some(ShardArg::None) => Ok(None),
        Some(ShardArg::Number(shard)) => Ok(Some(Part { shard, launcher: None })),
        Some(ShardArg::Auto) => match launched(var)? {
            Some(Launched { launcher, rank, size }) => {
                let size = number_of_shards(launcher, size, shards)?;
                let shard = Shard::new(rank.saturating_add(1), size);
                let shard = shard.map_err(|error| Stop::input(format_args!("--shard auto: {launcher}: {error}")))?;
                Ok(Some(Part { shard, launcher: Some(launcher) }))
            }
            None => Err(not_launched(var)),
        },
        None => match launched(var)? {
            Some(Launched { size: Some(1), .. }) | None => Ok(None),
            Some(Launched { launcher, rank, size: Some(size) }) => Err(Stop::input(format_args!(
                "rank {rank} of {size} by {launcher}: use `--shard auto` for one {whole}, or `--shard none` for {size} \
                 whole ones"
            ))),
            Some(Launched { launcher, rank, size: None }) => Err(Stop::input(format_args!(
                "index {rank} of a job by {launcher}: use `--shard auto --shards N` for one {whole} by N pods, or `--shard \
                 none` for a whole one by each"
            ))),
        },
    }
}

fn number_of_shards(launcher: &str, size: Option<u32>, shards: Option<u32>) -> Result<u32, Stop> {
    match (size, shards) {
        (Some(size), Some(shards)) if size != shards => Err(Stop::input(format_args!(
            "--shards {shards}: {launcher} started {size} processes; remove --shards, or start as many"
        ))),
        (Some(size), _) => Ok(size),
        (None, Some(shards)) => Ok(shards),
        (None, None) => Err(Stop::input(format_args!(
            "--shard auto: {launcher} does not tell the number of pods; add --shards N, as in `completions` of the job"
        ))),
    }
}

/// Returns what the environment tells about a launcher; `None` if there is none. Returns an error if variables
/// contradict each other.
fn launched(var: &dyn Fn(&str) -> Option<String>) -> Result<Option<Launched>, Stop> {
    let mut found: Vec<(Launched, String)> = Vec::new();
    for (launcher, rank_var, size_var) in LAUNCHERS {
        let (Some(rank), Some(size)) = (var(rank_var), var(size_var)) else { continue };
        let words = format!("{rank_var}={rank} and {size_var}={size}");
        let numbers = rank.trim().parse::<u32>().ok().zip(size.trim().parse::<u32>().ok());
        let Some((rank, size)) = numbers.filter(|(rank, size)| rank < size) else {
            return Err(Stop::input(format_args!(
                "{launcher} set {words}, which are not a rank below a size; use --shard K/N"
            )));
        };
        found.push((Launched { launcher, rank, size: Some(size) }, words));
    }
    match &found[..] {
        [] => {}
        [(first, _), ..] if first.launcher == LAUNCHERS[0].0 => return Ok(Some(*first)),
        [(first, words), others @ ..] => {
            let place = |one: &Launched| (one.rank, one.size);
            return match others.iter().find(|(other, _)| place(other) != place(first)) {
                None => Ok(Some(*first)),
                Some((other, others_words)) => Err(Stop::input(format_args!(
                    "{} set {words}, but {} set {others_words}; use --shard K/N",
                    first.launcher, other.launcher
                ))),
            };
        }
    }
    let Some(index) = var(INDEX) else { return Ok(None) };
    match index.trim().parse() {
        Ok(rank) => Ok(Some(Launched { launcher: "Kubernetes", rank, size: None })),
        Err(_) => Err(Stop::input(format_args!("{INDEX}={index}: expected a number; use --shard K/N"))),
    }
}

/// Returns the error for `--shard auto` without a launcher.
fn not_launched(var: &dyn Fn(&str) -> Option<String>) -> Stop {
    let is_in_slurm = var("SLURM_JOB_ID").is_some();
    let remedy = if is_in_slurm {
        "this is a Slurm job, but not a step of it; start avt with srun, or use --shard K/N"
    } else {
        "expected Open MPI, a Slurm step, PMI (MPICH), Flux, or a Kubernetes Indexed Job with --shards N; otherwise use \
         --shard K/N"
    };
    Stop::input(format_args!("--shard auto: no launcher found: {remedy}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTO: Option<ShardArg> = Some(ShardArg::Auto);

    /// Returns the part, or the words of the error, for an environment such as `PMI_RANK=1 PMI_SIZE=4`.
    fn found(arg: Option<ShardArg>, shards: Option<u32>, environment: &str) -> Result<Option<String>, String> {
        let var = |name: &str| {
            let mut pairs = environment.split_whitespace().filter_map(|pair| pair.split_once('='));
            pairs.find_map(|(key, value)| (key == name).then(|| value.to_owned()))
        };
        let words = |part: Part| format!("{} {}", part.shard, part.launcher.unwrap_or("given"));
        part(arg, shards, "load", &var).map(|part| part.map(words)).map_err(|stop| format!("{stop:?}"))
    }

    #[test]
    fn the_first_complete_launcher_assigns_the_shard() {
        for (environment, expected) in [
            ("OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4", "3/4 Open MPI"),
            ("SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=4", "1/4 Slurm"),
            ("PMI_RANK=3 PMI_SIZE=4", "4/4 PMI"),
            ("FLUX_TASK_RANK=1 FLUX_JOB_SIZE=2", "2/2 Flux"),
            // `mpirun` in an allocation of two nodes: the variables of Slurm are those of its daemons.
            ("SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=2 OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4", "4/4 Open MPI"),
            ("SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=2 PMI_RANK=1 PMI_SIZE=2", "2/2 Slurm"),
        ] {
            assert_eq!(found(AUTO, None, environment), Ok(Some(expected.into())), "{environment}");
        }
        assert_eq!(found(AUTO, Some(4), "JOB_COMPLETION_INDEX=3"), Ok(Some("4/4 Kubernetes".into())));
    }

    #[test]
    fn contradictions_and_gaps_are_refused() {
        for (arg, shards, environment, expected) in [
            (AUTO, None, "SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=2 PMI_RANK=3 PMI_SIZE=4", "PMI_RANK=3 and PMI_SIZE=4"),
            (AUTO, None, "PMI_RANK=4 PMI_SIZE=4", "not a rank below a size"),
            (AUTO, None, "PMI_RANK=x PMI_SIZE=4", "not a rank below a size"),
            (AUTO, None, "JOB_COMPLETION_INDEX=0", "add --shards N"),
            (AUTO, Some(2), "JOB_COMPLETION_INDEX=2", "there is no shard 3 of 2"),
            (AUTO, Some(2), "PMI_RANK=0 PMI_SIZE=4", "PMI started 4 processes"),
            (AUTO, None, "", "no launcher found"),
            // A batch script is nobody's rank 0.
            (AUTO, None, "SLURM_JOB_ID=7 SLURM_PROCID=0 SLURM_NTASKS=4", "start avt with srun"),
            (None, None, "SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=4", "rank 1 of 4 by Slurm"),
            (None, None, "JOB_COMPLETION_INDEX=0", "--shard none"),
            (None, Some(4), "", "--shards 4"),
        ] {
            let error = found(arg, shards, environment).unwrap_err();
            assert!(error.contains(expected), "{environment}: {error}");
        }
    }

    #[test]
    fn a_process_that_is_not_one_of_several_runs_the_whole_load() {
        for environment in ["", "SLURM_PROCID=0 SLURM_NTASKS=4", "SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=1"] {
            assert_eq!(found(None, None, environment), Ok(None), "{environment}");
        }
        assert_eq!(found(Some(ShardArg::None), None, "PMI_RANK=1 PMI_SIZE=4"), Ok(None));
        let given = Some(ShardArg::Number(Shard::new(2, 3).unwrap()));
        assert_eq!(found(given, None, "PMI_RANK=0 PMI_SIZE=4"), Ok(Some("2/3 given".into())));
    }
}
