//! `avt advise`: measures which model suits a job that is described in one line.

use std::path::PathBuf;
use std::time::Duration;

use crate::analysis::Strictness;
use crate::host;
use crate::report;
use crate::scenario::{Model, Parallel, Scenario, Slo, Work, capacity, parse};
use crate::units;

use super::model_name::ModelName;
use super::report::RUNS;
use super::run::effort;
use super::times::some_time;
use crate::session::exports::ExportPaths;
use crate::session::output::{Stop, note};
use crate::session::{Named, Session, View};

/// Measure which model suits a job on this machine, in one or two minutes
///
/// Describe one request, and the load: the time that it waits, spends in a blocking call, and computes. The sensible
/// models are measured at the offered rate and at their maximum. The scenario is kept in the folder of the run.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  avt advise --wait 5ms --block 3ms --compute 200us --connections 200 --rate 2000 --slo 'p99<50ms'
  avt advise --wait 20ms --permits 20 --connections 200 --rate 500
  avt advise --compute 5ms --jobs 64")]
pub(super) struct AdviseArgs {
    /// Time that a request waits for something that async code can await
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    wait: Option<Duration>,
    /// Time that a request spends in a call that holds its thread without using a CPU
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    block: Option<Duration>,
    /// CPU time that a request needs
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    compute: Option<Duration>,
    /// CPU time that a request needs while it holds a lock that all requests share
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    lock: Option<Duration>,
    /// Number of requests that may run their steps at the same time, as with a pool of database connections
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20_000))]
    permits: Option<u32>,
    /// Number of connections, each with one request at a time
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    connections: u32,
    /// Offered rate, in requests per second; without it only the largest rate is measured
    #[arg(long, value_name = "N", value_parser = some_rate)]
    rate: Option<f64>,
    /// Objective at this rate, as that of `avt load`: p99<50ms,errors<0.1%
    #[arg(long, value_name = "CONDITIONS", requires = "rate")]
    slo: Option<Slo>,
    /// Compare N jobs instead of a server
    #[arg(long, value_name = "N", conflicts_with_all = ["connections", "rate", "slo"], value_parser = clap::value_parser!(u32).range(1..=100_000))]
    jobs: Option<u32>,
    /// Models to measure instead of the sensible ones, as in `-m threads,async`; may be repeated
    #[arg(long, short, value_name = "MODEL", value_delimiter = ',', value_parser = ModelName, hide_possible_values = true)]
    model: Vec<Model>,
    /// Run ten rounds instead of six
    #[arg(long, conflicts_with = "rounds")]
    full: bool,
    /// Run exactly N rounds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Seed of the order of trials [default: a random one, printed]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Folder to create for the records and the report [default: reports/ and the current time]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the analysis as JSON instead of the table; `advice` holds the answer
    #[arg(long)]
    json: bool,
}

pub(super) fn main(args: &AdviseArgs) -> Result<(), Stop> {
    let cpus = host::cpus().len().try_into().unwrap_or(u32::MAX);
    let read = |text: &str| {
        parse("advise.toml", text).map_err(|mistakes| {
            Stop::input(format_args!("these values do not describe a job that can be measured: {mistakes}"))
        })
    };
    let turn = longest_turn(&read(&scenario_text(args, cpus, Duration::ZERO)?)?, cpus);
    let scenario = read(&scenario_text(args, cpus, turn)?)?;
    for line in expectations(&scenario, cpus) {
        note(line);
    }
    let session = Session {
        scenarios: vec![Named { given: "advise".into(), scenario }],
        models: Vec::new(),
        effort: effort(args.rounds, args.full),
        shard: None,
        seed: args.seed,
        calibration: None,
        out: args.out.clone(),
        runs: RUNS.into(),
        json: args.json,
        view: View::Advice,
        strictness: Strictness::Lenient,
        exports: ExportPaths::default(),
    };
    session.run()
}

pub(super) fn some_rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.replace(['_', ','], "").parse().map_err(|_| "expected a number of requests per second")?;
    if rate.is_finite() && rate > 0.0 && rate <= 1e8 {
        Ok(rate)
    } else {
        Err("must be greater than 0 and at most 100,000,000".into())
    }
}

/// Returns the largest rates that arithmetic allows, before anything is measured, each CPU counted as a whole core.
fn expectations(scenario: &Scenario, cpus: u32) -> Vec<String> {
    let Some(Work::Echo(echo)) = scenario.points.first().map(|point| &point.work) else { return Vec::new() };
    let server_cpus = echo.load.cpus_left_for_server(cpus);
    let machine = Parallel::ideal(server_cpus);
    let rates: Vec<_> = scenario.models.iter().map(|model| (*model, capacity(echo, *model, &machine))).collect();
    let mut lines =
        vec![format!("By arithmetic, on {} for the server:", units::counted(server_cpus.into(), "CPU", "CPUs"))];
    lines.extend(report::advice::expectations(&rates).into_iter().map(|line| format!("  {line}")));
    lines
}

/// Returns the time in which every connection gets a response under the slowest model, if all wait for one.
fn longest_turn(scenario: &Scenario, cpus: u32) -> Duration {
    let Some(Work::Echo(echo)) = scenario.points.first().map(|point| &point.work) else { return Duration::ZERO };
    let machine = Parallel::ideal(echo.load.cpus_left_for_server(cpus));
    let rates = scenario.models.iter().filter_map(|model| capacity(echo, *model, &machine));
    let slowest = rates.map(|capacity| capacity.per_s).fold(f64::INFINITY, f64::min);
    Duration::try_from_secs_f64(f64::from(echo.load.connections) / slowest).unwrap_or_default()
}

/// Returns the models that make sense for the steps: threads, async on one thread and on several, and a pool where
/// steps would hold an async thread.
fn sensible(args: &AdviseArgs, workers: u32) -> Vec<String> {
    let runtime = if workers > 1 { format!("async/{workers}") } else { "async".into() };
    let mut models = vec!["threads".to_owned(), "async".into()];
    if workers > 1 {
        models.push(runtime.clone());
    }
    if args.block.is_some() || args.compute.is_some() || args.lock.is_some() {
        models.push(format!("{runtime}+blocking"));
    }
    if args.compute.is_some() {
        models.push(format!("{runtime}+rayon/{workers}"));
    }
    models
}

fn scenario_text(args: &AdviseArgs, cpus: u32, turn: Duration) -> Result<String, Stop> {
    let steps = [("wait", args.wait), ("block", args.block), ("compute", args.compute), ("lock", args.lock)];
    let steps: Vec<(&str, String)> =
        steps.into_iter().filter_map(|(name, length)| Some((name, units::exact(length?)))).collect();
    let words: Vec<String> = steps.iter().map(|(name, length)| format!("{name} {length}")).collect();
    let what = if words.is_empty() { "nothing".into() } else { words.join(", ") };
    // The load generator has one thread, and so one CPU of its own.
    let workers = if args.jobs.is_some() { cpus } else { cpus.saturating_sub(1).max(1) };
    let models = if args.model.is_empty() {
        sensible(args, workers)
    } else {
        args.model.iter().map(ToString::to_string).collect()
    };
    let mut lines = vec!["# Written by avt advise. Edit it and run it again: avt run FILE.".to_owned(), String::new()];
    lines.push(match args.jobs {
        Some(jobs) => format!("question = \"Which model suits {jobs} jobs ({what})?\""),
        None => format!("question = \"Which model suits {} connections ({what} per request)?\"", args.connections),
    });
    lines.push("analysis = \"avt advise wrote this scenario from its arguments.\"".into());
    let workload = match (args.jobs, args.block.is_some() || args.compute.is_some() || args.lock.is_some()) {
        (None, _) => "echo",
        (Some(_), false) if args.permits.is_some() => {
            return Err(Stop::input("--permits with --jobs needs --block, --compute or --lock"));
        }
        (Some(_), true) => "offload",
        (Some(_), false) if args.wait.is_some() => "sleep",
        (Some(_), false) => return Err(Stop::input("the jobs do nothing; add --wait, --block, --compute or --lock")),
    };
    lines.push(format!("workload = \"{workload}\""));
    lines.push(format!("models = {models:?}"));
    lines.extend(args.jobs.map(|jobs| format!("jobs = {jobs}")));
    lines.extend(steps.iter().map(|(name, length)| format!("{name} = \"{length}\"")));
    lines.extend(args.permits.map(|permits| format!("permits = {permits}")));
    lines.extend(["".into(), "[rounds]".into(), "quick = 6".into(), "full = 10".into()]);
    if args.jobs.is_none() {
        lines.extend(load(args, turn));
    }
    Ok(lines.join("\n") + "\n")
}

/// Returns the load: at the offered rate and at the maximum, long enough for a p99, with a warm-up in which each
/// connection gets a response, unless that takes more than two seconds.
fn load(args: &AdviseArgs, turn: Duration) -> Vec<String> {
    let request = [args.wait, args.block, args.compute, args.lock].into_iter().flatten().sum::<Duration>();
    // A p99 needs more than a thousand requests, in a round or in all rounds together, and must not be decided by one
    // stall of a kernel tick.
    let for_p99 = args.rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64((1_300.0 / rate).min(1.3)));
    let most = Duration::from_secs(2);
    let duration = Duration::from_millis(500).max(for_p99).max((request * 10).max(turn * 3 / 2).min(most));
    let warmup = Duration::from_millis(150).max((request * 3).max(turn).min(most));
    let mut lines = vec![String::new(), "[load]".to_owned(), "loop = \"open\"".into()];
    lines.push(match args.rate {
        Some(rate) => format!("rate = [{rate}, \"max\"]"),
        None => "rate = \"max\"".into(),
    });
    lines.push(format!("connections = {}", args.connections));
    lines.push(format!("warmup = \"{}\"", units::exact(warmup)));
    lines.push(format!("duration = \"{}\"", units::exact(duration)));
    lines.push(format!(
        "drain = \"{}\"",
        units::exact(Duration::from_millis(100).max(request * 2).min(Duration::from_secs(10)))
    ));
    lines.extend(args.slo.as_ref().map(|slo| format!("slo = \"{slo}\"")));
    lines
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: AdviseArgs,
    }

    /// Returns the scenario of these arguments on a machine with this many CPUs.
    fn scenario(arguments: &str, cpus: u32) -> Scenario {
        let words = std::iter::once("avt").chain(arguments.split_whitespace());
        let args = Command::try_parse_from(words).unwrap_or_else(|error| panic!("{error}")).args;
        let text = scenario_text(&args, cpus, Duration::from_millis(600)).unwrap_or_else(|error| panic!("{error:?}"));
        parse("advise.toml", &text).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"))
    }

    #[test]
    fn every_description_of_a_job_gives_a_valid_scenario() {
        for (arguments, cpus, models) in [
            ("", 2, "threads async"),
            ("--wait 5ms --connections 1000 --rate 2_000", 2, "threads async"),
            ("--block 3ms --connections 200", 2, "threads async async+blocking"),
            ("--compute 5ms --rate 100 --slo p99<50ms", 4, "threads async async/3 async/3+blocking async/3+rayon/3"),
            ("--wait 20ms --permits 20 --rate 900", 1, "threads async"),
            ("--jobs 64 --compute 5ms", 2, "threads async async/2 async/2+blocking async/2+rayon/2"),
            ("--jobs 64 --wait 1.5s", 2, "threads async async/2"),
            ("--lock 10us -m pool/4 -m async", 2, "pool/4 async"),
            ("--lock 10us -m pool/4,async -m threads", 2, "pool/4 async threads"),
        ] {
            let scenario = scenario(arguments, cpus);
            let names: Vec<String> = scenario.models.iter().map(ToString::to_string).collect();
            assert_eq!(names.join(" "), models, "{arguments}");
        }
    }
}
