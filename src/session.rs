//! One measurement from plan to report, for every program that runs scenarios: the command line and a user's own bench.
//!
//! Shows progress, stores the records, prints the tables and writes the pages.

mod bar;
#[cfg(feature = "cli")]
pub(crate) mod by_machine;
mod comparison;
pub(crate) mod exports;
pub(crate) mod grid;
mod head_to_base;
#[cfg(feature = "cli")]
pub(crate) mod load;
pub(crate) mod output;
pub(crate) mod output_file;
pub(crate) mod pages;
mod progress;
mod run_listener;

use std::fmt::Display;
use std::path::{Path, PathBuf};

use crate::analysis::{Standing, Strictness};
use crate::host::{CpuLimit, Host};
use crate::record::{Folder, Run, RunTally, Skipped, Source};
use crate::report;
use crate::runner::{self, CalibrationSource, Effort, Ending, Interrupt, KeptCalibration, Plan, Program, RunSpec};
use crate::scenario::{Model, Scenario};
use crate::schedule::Shard;
use crate::units;

use exports::ExportPaths;
use output::{Stop, note};
use output_file::OutputPlaces;
use run_listener::RunListener;

#[cfg(feature = "cli")]
pub(crate) use bar::width_of_bar;
#[cfg(feature = "cli")]
pub(crate) use comparison::compare;
pub(crate) use comparison::{ComparisonSpec, compare_runs};

/// A scenario, and the name it was given by.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) given: String,
    pub(crate) scenario: Scenario,
}

/// The scenarios to measure, and where the results go.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The scenarios, restricted to `models`.
    pub(crate) scenarios: Vec<Named>,
    /// The models that the scenarios were restricted to; empty for all.
    pub(crate) models: Vec<Model>,
    /// The number of rounds.
    pub(crate) effort: Effort,
    /// The part of the rounds to run; `None` for all.
    pub(crate) shard: Option<Shard>,
    /// The seed; `None` for a random one.
    pub(crate) seed: Option<u64>,
    /// The folder of the run whose calibration is used, or `new`; `None` for that of the newest run beside this one.
    pub(crate) calibration: Option<PathBuf>,
    /// The folder to create for the records and the report; `None` for one in `runs` that is named after the time.
    pub(crate) out: Option<PathBuf>,
    /// The folder of all runs.
    pub(crate) runs: PathBuf,
    /// Whether the result is printed as JSON.
    pub(crate) json: bool,
    /// The view of each scenario that is printed otherwise.
    pub(crate) view: View,
    /// The verdicts on the measurement that make the session fail.
    pub(crate) strictness: Strictness,
    /// The files for continuous integration.
    pub(crate) exports: ExportPaths,
}

/// The view of each scenario that is printed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum View {
    /// The table of each point, and the claims.
    Tables,
    /// The advice on which model suits the load.
    Advice,
    /// The table of a point only where a trial failed.
    Failures,
    /// The tables, and at the end whether the second model differs from the first.
    HeadToBase {
        /// The ratio by which the second may be worse before the session fails; `None` for any.
        fail_over: Option<f64>,
    },
}

impl Session {
    /// Runs the scenarios, prints the view of each, and writes the report.
    pub(crate) fn run(&self) -> Result<(), Stop> {
        self.run_into(&mut None)
    }

    /// Runs as [`run`](Self::run), and sets `folder` to that of the run once it exists.
    pub(crate) fn run_into(&self, folder: &mut Option<PathBuf>) -> Result<(), Stop> {
        let host = Host::read();
        let (named, skipped) = measurable(self.scenarios.clone(), |cpus| CpuLimit::new(cpus).map(drop))?;
        let calibration = self.calibration(&host)?;
        let plan = Plan::new(self.spec(named, skipped, calibration), host).map_err(Stop::input)?;
        let interrupt = Interrupt::listen().map_err(Stop::machine)?;
        let exports = self.exports.begin(self.json, &mut OutputPlaces::default())?;
        announce(&plan);
        let mut listener = RunListener::new(self, &plan, exports);
        let (run, ending) = runner::run(&plan, &Program::this(), &interrupt, |event| listener.hear(event))?;
        *folder = listener.folder.as_ref().map(|folder| folder.path().to_owned());
        let (standing, judged, unmet) = listener.finish(run)?;
        // The end of the run matters more than output that could not be written.
        match ending {
            Ending::Interrupted(signal) => {
                if let Err(stop) = listener.exported {
                    stop.print();
                }
                Err(Stop::signal(signal))
            }
            Ending::Complete => {
                let ended = ended(standing, || unmet_requirements(&judged));
                listener.exported.and(ended).and(listener.printed).and(unmet)
            }
        }
    }

    fn spec(&self, named: Vec<Named>, skipped: Vec<Skipped>, calibration: CalibrationSource) -> RunSpec {
        RunSpec {
            scenarios: named.iter().map(|named| named.scenario.clone()).collect(),
            sources: named.into_iter().map(source).collect(),
            models: self.models.clone(),
            skipped,
            effort: self.effort,
            shard: self.shard,
            seed: self.seed.unwrap_or_else(|| fastrand::u64(..1 << 48)),
            calibration,
        }
    }

    /// Returns the requested calibration, or that of the newest run beside this one on the same machine. The runs beside a
    /// shard are those of other machines, so its own machine is calibrated.
    fn calibration(&self, host: &Host) -> Result<CalibrationSource, Stop> {
        let kept = |path: &Path, run: &Run| KeptCalibration {
            run: path.to_string_lossy().into_owned(),
            iterations_per_s: run.iterations_per_s,
        };
        match self.calibration.as_deref() {
            Some(new) if new == Path::new("new") => return Ok(CalibrationSource::New),
            Some(path) => {
                let run = Folder::read_run(path).map_err(Stop::input)?;
                return Ok(CalibrationSource::Kept(kept(path, &run)));
            }
            None if self.shard.is_some() => return Ok(CalibrationSource::New),
            None => {}
        }
        let beside = match self.out.as_deref().map(Path::parent) {
            None => &*self.runs,
            Some(None) => return Ok(CalibrationSource::New),
            Some(Some(parent)) if parent == Path::new("") => Path::new("."),
            Some(Some(parent)) => parent,
        };
        let is_like = |run: &Run| {
            let other = &run.host;
            (&other.cpu, &other.avt, other.debug_build) == (&host.cpu, &host.avt, host.debug_build)
        };
        let names = Folder::runs(beside).unwrap_or_default();
        let runs = names.iter().filter_map(|name| {
            let path = beside.join(name);
            let run = Folder::read_run(&path).ok().filter(is_like)?;
            Some((run.started.clone(), kept(&path, &run)))
        });
        let newest = runs.max_by(|(one, _), (other, _)| one.cmp(other));
        Ok(newest.map_or(CalibrationSource::New, |(_, kept)| CalibrationSource::Near(kept)))
    }
}

fn source(named: Named) -> Source {
    Source { name: named.scenario.name, given: named.given, toml: named.scenario.source }
}

/// Returns in a sentence which requirements of the run do not hold.
fn unmet_requirements(judged: &RunTally) -> String {
    let of = |n: u64, one: &str, many: &str| (n > 0).then(|| units::counted(n, one, many));
    let parts = [
        of(judged.failed, "trial failed", "trials failed"),
        of(judged.refuted_anew(), "claim refuted", "claims refuted"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Separates the scenarios that this machine can measure from those that it must skip because it cannot limit the CPUs of
/// a process. Returns an error if none is left.
fn measurable<E: Display>(
    named: Vec<Named>,
    limit_cpus: impl Fn(f64) -> Result<(), E>,
) -> Result<(Vec<Named>, Vec<Skipped>), Stop> {
    let mut skipped = Vec::new();
    let mut left = Vec::new();
    for named in named {
        let limit = named.scenario.points.first().and_then(|point| point.work.cpu_limit());
        match limit.map(&limit_cpus) {
            Some(Err(error)) => {
                skipped.push(Skipped { scenario: named.scenario.name, why: error.to_string() });
            }
            Some(Ok(())) | None => left.push(named),
        }
    }
    let sentences = skipped.iter().map(report::skipped_sentence);
    if left.is_empty() {
        return Err(Stop::machine(sentences.collect::<Vec<_>>().join(" ")));
    }
    sentences.for_each(|sentence| note(format_args!("avt: {sentence}")));
    Ok((left, skipped))
}

/// Returns the result of a verb whose measurement has this standing. `why` returns the reason in words.
pub(crate) fn ended(standing: Standing, why: impl FnOnce() -> String) -> Result<(), Stop> {
    match standing {
        Standing::Good => Ok(()),
        Standing::Bad => Err(Stop::unmet(why())),
        Standing::NotCredible => Err(Stop::invalid()),
    }
}

/// Prints what will be measured and how long it takes.
fn announce(plan: &Plan) {
    let Plan { spec, host, trials } = plan;
    if let Some(shard) = spec.shard {
        note(report::shard_sentence(shard));
    }
    let time = units::duration(units::nanos(plan.expected()));
    let trials = units::counted(trials.len() as u64, "trial", "trials");
    let cpus = units::counted(host.cpus.into(), "CPU", "CPUs");
    note(format_args!("{trials}, about {time}, on {cpus}; seed {}", spec.seed));
    if host.debug_build {
        note("avt: built without optimisation, so its figures are meaningless; use `cargo run --release -- run`");
    }
    spec.scenarios.iter().for_each(|scenario| warn_of_few_cpus(scenario, host.cpus));
}

/// Warns that no trial of a scenario, or of some of its models, will be valid if it needs more CPUs than there are.
fn warn_of_few_cpus(scenario: &Scenario, cpus: u32) {
    let Some(point) = scenario.points.first() else { return };
    let wanted = |model: &Model| point.work.cpus_wanted(*model).filter(|wanted| wanted.all() > cpus);
    let models: Vec<&Model> = scenario.models.iter().filter(|model| wanted(model).is_some()).collect();
    let Some(wanted) = models.iter().filter_map(|model| wanted(model)).max_by_key(|wanted| wanted.all()) else {
        return;
    };
    let of = if models.len() == scenario.models.len() {
        String::new()
    } else {
        format!(" of {}", models.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    };
    let name = &scenario.name;
    note(format_args!("avt: {name} needs {wanted}, but avt may use only {cpus}: every trial{of} will be INVALID"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::builtin;

    #[test]
    fn scenarios_whose_cpu_limit_is_refused_are_skipped() {
        let named = |names: &[&str]| {
            let named =
                |name: &&str| Named { given: (*name).into(), scenario: builtin::find(name).unwrap().scenario() };
            names.iter().map(named).collect::<Vec<_>>()
        };
        let names = |named: &[Named]| named.iter().map(|named| named.scenario.name.clone()).collect::<Vec<_>>();
        let refuse = |cpus: f64| Err(format!("no limit of {cpus}"));
        let (left, skipped) = measurable(named(&["sleep", "cpu-limit"]), refuse).unwrap();
        assert_eq!(names(&left), ["sleep"]);
        assert_eq!(skipped, [Skipped { scenario: "cpu-limit".into(), why: "no limit of 1".into() }]);
        assert!(measurable(named(&["cpu-limit"]), refuse).is_err(), "nothing is left to measure");
        let (left, skipped) = measurable(named(&["sleep", "cpu-limit"]), |_| Ok::<_, String>(())).unwrap();
        assert_eq!((names(&left), skipped), (vec!["sleep".to_owned(), "cpu-limit".to_owned()], Vec::new()));
    }
}
