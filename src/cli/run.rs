//! `avt run`: scenarios to records to a report.

mod narrate;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::host::{self, Host};
use crate::record::{Ceiling, Folder, FolderError, Record, Run, SCHEMA, Source, State};
use crate::analysis;
use crate::report;
use crate::runner::{self, Effort, Ending, Event, Halt, Interrupt, Plan, Program, plan};
use crate::scenario::{EchoSpec, Model, Scenario, Work};
use crate::units;
use crate::workload::machine;

use super::output::{Stop, color, note, print, print_json, width};
use super::progress::Progress;
use super::report::{RUNS, list, only, write};
use super::sources::{Named, every, scenarios};
use super::strict::{Strict, ended};

/// Run scenarios on this machine and write a report
///
/// Without a name it runs the tour: the built-in scenarios that `avt list` marks.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  avt run\n  avt run sleep offload\n  avt run my-scenario.toml --rounds 3")]
pub(super) struct Args {
    /// Names of built-in scenarios, or scenario files
    #[arg(value_name = "NAME|FILE", conflicts_with = "all")]
    scenarios: Vec<OsString>,
    /// Run every built-in scenario, the ones that are not in the tour as well
    #[arg(long)]
    all: bool,
    /// Run each scenario's full number of rounds instead of its quick one
    #[arg(long, conflicts_with = "rounds")]
    full: bool,
    /// Run this many rounds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Run only these models of the scenarios
    #[arg(long, short, value_name = "MODEL")]
    model: Vec<Model>,
    /// What the order of the trials is drawn from [default: a new one, printed]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The folder to make for the records and the report [default: reports/ and the time]
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    strict: Strict,
    /// Do the work of a scenario once, without measuring it, and print what happens while it happens: when, on which thread,
    /// what
    #[arg(long, conflicts_with_all = ["all", "full", "rounds", "seed", "out", "strict", "json"])]
    narrate: bool,
    /// Print a summary as JSON instead of tables
    #[arg(long)]
    json: bool,
}

/// The longest run that is begun: a day, as for the full rounds of one scenario.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

pub(super) fn main(args: &Args) -> Result<(), Stop> {
    let named = chosen(args)?;
    if args.narrate {
        return narrate::main(&named, &args.model);
    }
    let scenarios: Vec<Scenario> = named.iter().map(|named| named.scenario.clone()).collect();
    let host = Host::read();
    let effort = match args.rounds {
        Some(rounds) => Effort::Rounds(rounds),
        None if args.full => Effort::Full,
        None => Effort::Quick,
    };
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1 << 48));
    let plan = plan(&scenarios, effort, seed, host.cpus);
    if plan.expected() > LONGEST {
        return Err(Stop::input(format_args!(
            "{} trials would take {} hours, more than a day; ask for fewer rounds or scenarios",
            plan.trials.len(),
            plan.expected().as_secs() / 3_600,
        )));
    }
    let interrupt = Interrupt::listen().map_err(Stop::machine)?;
    announce(&plan, &host, seed);
    scenarios.iter().for_each(|scenario| warn_of_few_cpus(scenario, host.cpus));

    let (calibration, cpus) = (runner::calibrate_for(&scenarios), host::cpus());
    let pinned = || scenarios.iter().flat_map(|scenario| &scenario.points).filter_map(|point| point.work.cpus());
    let computes_at_once = || machine(&cpus, pinned(), calibration.iterations_per_s);
    let mut run = Run {
        schema: SCHEMA,
        started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        state: State::Running,
        seed,
        rounds: match effort {
            Effort::Quick => "quick".into(),
            Effort::Full => "full".into(),
            Effort::Rounds(rounds) => rounds.to_string(),
        },
        host,
        iterations_per_s: calibration.iterations_per_s,
        // All of it before the first trial, so that every view judges by the same number.
        parallel: computes_at_once().best(&computes_at_once()),
        ceilings: Vec::new(),
        scenarios: named.into_iter().map(source).collect(),
        models: args.model.clone(),
        trials_planned: plan.trials.len() as u64,
        judged: None,
    };
    let mut folder = make_folder(args.out.as_deref(), &run)?;

    run.ceilings = ceilings(&scenarios, &interrupt);
    folder.write_run(&run).map_err(Stop::machine)?;

    let mut records: Vec<Record> = Vec::new();
    let mut progress = Progress::new(&plan, args.json);
    // A reader of standard output that goes away, or a full disk behind it, ends the tables but not the run.
    let mut printed = Ok(());
    let ending = runner::run(&plan, &Program::this(), &calibration, &interrupt, |event| {
        match event {
            Event::Began(trial) => progress.begin(trial),
            Event::Ended(trial, record) => {
                folder.append(&record).map_err(Stop::machine)?;
                records.push(*record);
                progress.end(trial);
                let last =
                    plan.trials.get(records.len()).is_none_or(|next| next.cell.id.scenario != trial.cell.id.scenario);
                if last && !args.json && printed.is_ok() {
                    printed = progress.suspend(|| tell(&scenarios, &trial.cell.id.scenario, &run, &records));
                }
            }
        }
        Ok::<(), Stop>(())
    })?;
    progress.finish();

    run.state = match ending {
        Ending::Complete => State::Complete,
        Ending::Interrupted(signal) => State::Partial(runner::signal_name(signal)),
    };
    run.judged = Some(analysis::analyze(&run, &scenarios, &records).judged);
    folder.write_run(&run).map_err(Stop::machine)?;
    let analysis = analysis::analyze(&run, &scenarios, &records);
    let index = write(folder.path(), &analysis)?;
    if args.out.is_none() {
        list(Path::new(RUNS))?;
    }
    if args.json {
        let (folder, report_path) = (folder.path().to_string_lossy(), index.to_string_lossy());
        printed = print_json(&report::json::run(&analysis, &folder, &report_path));
    } else {
        printed = printed.and_then(|()| print(format_args!("report: {}", index.display())));
    }
    // How the run ended counts for more than whether somebody still reads about it.
    match ending {
        Ending::Interrupted(signal) => {
            note(format_args!(
                "avt: ended early after {} of {} trials; the report says so",
                records.len(),
                run.trials_planned
            ));
            Err(Stop::signal(signal))
        }
        Ending::Complete => ended(analysis.standing(args.strict.strictness())).and(printed),
    }
}

/// The scenarios that were named, with the models that were.
fn chosen(args: &Args) -> Result<Vec<Named>, Stop> {
    let found = if args.all { every() } else { scenarios(&args.scenarios)? };
    let named = found.into_iter().map(|Named { given, scenario }| {
        let scenario = only(scenario, &args.model);
        if scenario.models.is_empty() {
            let wanted: Vec<String> = args.model.iter().map(ToString::to_string).collect();
            return Err(Stop::input(format_args!("{}: it has no model {}", scenario.name, wanted.join(" and no "))));
        }
        Ok(Named { given, scenario })
    });
    named.collect()
}

/// What the load generator can do here, once for each kind of load. Where that cannot be found out, the run goes on.
fn ceilings(scenarios: &[Scenario], interrupt: &Interrupt) -> Vec<Ceiling> {
    const LENGTH: Duration = Duration::from_millis(300);
    let mut ceilings: Vec<Ceiling> = Vec::new();
    for point in scenarios.iter().flat_map(|scenario| &scenario.points) {
        let Work::Echo(EchoSpec { load, .. }) = &point.work else { continue };
        if ceilings.iter().any(|ceiling| ceiling.is_of(load)) {
            continue;
        }
        match runner::ceiling(load, LENGTH, &Program::this(), interrupt) {
            Ok(ceiling) => ceilings.push(ceiling),
            // Which ends the run itself, before its first trial.
            Err(Halt::Interrupted(_)) => break,
            Err(Halt::Failed(why)) => {
                note(format_args!("avt: what the load generator can do here is not known: {why}"));
            }
        }
    }
    ceilings
}

fn source(named: Named) -> Source {
    Source { name: named.scenario.name, given: named.given, toml: named.scenario.source }
}

fn announce(plan: &Plan, host: &Host, seed: u64) {
    let time = units::duration(units::nanos(plan.expected()));
    note(format_args!("{} trials, about {time}, on {} CPUs; seed {seed}", plan.trials.len(), host.cpus));
    if host.debug_build {
        note("avt: built without optimisation, so no figure means anything; use `cargo run --release -- run`");
    }
}

/// Says beforehand that no trial of a scenario will be valid, where it asks for more CPUs than there are.
fn warn_of_few_cpus(scenario: &Scenario, cpus: u32) {
    let wanted = scenario.points.iter().filter_map(|point| point.work.cpus_wanted()).next();
    if let Some(wanted) = wanted.filter(|wanted| wanted.all() > cpus) {
        let name = &scenario.name;
        note(format_args!(
            "avt: {name} asks for {wanted}, this machine has {cpus} for it: every trial will be INVALID"
        ));
    }
}

/// Makes the folder that was named, or a new one named after the time.
fn make_folder(named: Option<&Path>, run: &Run) -> Result<Folder, Stop> {
    if let Some(path) = named {
        return Folder::create(path, run).map_err(|error| match error {
            FolderError::Io { error, .. } if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let path = path.display();
                Stop::machine(format_args!("{path}: it exists, and no run writes over another; give another --out"))
            }
            error => Stop::machine(error),
        });
    }
    // 2026-11-22T10:15:00Z as 20261122-101500.
    let digits: String = run.started.chars().filter(char::is_ascii_digit).collect();
    let stamp = format!("{}-{}", &digits[..8], &digits[8..14]);
    // Two runs may begin in the same second.
    for attempt in 1.. {
        let name = if attempt == 1 { stamp.clone() } else { format!("{stamp}-{attempt}") };
        match Folder::create(&Path::new(RUNS).join(name), run) {
            Err(FolderError::Io { error, .. })
                if error.kind() == std::io::ErrorKind::AlreadyExists && attempt < 100 => {}
            made => return made.map_err(Stop::machine),
        }
    }
    unreachable!("the loop returns at the hundredth attempt")
}

/// Prints the table of a scenario whose last trial has ended.
fn tell(scenarios: &[Scenario], name: &str, run: &Run, records: &[Record]) -> Result<(), Stop> {
    match scenarios.iter().find(|scenario| scenario.name == name) {
        Some(scenario) => {
            let analysis = analysis::analyze_scenario(scenario, run, records);
            print(report::terminal::table(&analysis, width(), color()))
        }
        None => Ok(()),
    }
}
