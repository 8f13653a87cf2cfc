//! Your own code under every model, as a bench target of your crate.
//!
//! [`main`] measures it as `avt run` measures a scenario: each trial in a fresh process, in shuffled rounds with a
//! control, judged by the same gates, with the same tables and the same report. For that, the bench program starts
//! itself again for each trial. It takes the arguments that benches of criterion take; `--help` lists them.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use async_vs_threads::{Checksum, JobId, Pool, Workload, bench};
//!
//! /// Waits for 5 ms, then squares a number.
//! struct Square;
//!
//! impl Workload for Square {
//!     fn run_blocking(&self, job: JobId) -> Checksum {
//!         std::thread::sleep(Duration::from_millis(5));
//!         Checksum(u64::from(job.0).pow(2))
//!     }
//!
//!     async fn run_async<P: Pool>(&self, job: JobId, pool: &P) -> Checksum {
//!         tokio::time::sleep(Duration::from_millis(5)).await;
//!         pool.run(move || Checksum(u64::from(job.0).pow(2))).await
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     bench::main(|b| b.workload("square", || Square).jobs(64).models(["threads", "pool/8", "async/2"]))
//! }
//! ```
//!
//! The bench target needs `harness = false` in `Cargo.toml`.

mod args;
mod claim;
mod faces;
mod toml_text;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crate::host;
use crate::protocol::TrialSpec;
use crate::record::Failure;
use crate::runner;
use crate::scenario::{Model, OwnSpec, Work};
use crate::session::output::{Stop, note, print};
use crate::session::{Named, Session, View};
use crate::text;
use crate::trial;
use crate::workload::{Checksum, JobId, Workload};

use args::{Args, Parsed};
use faces::{AsyncOnly, BlockingOnly, Faces};

pub use claim::BenchClaim;

/// The workloads of a bench program.
#[derive(Debug, Default)]
pub struct Bench {
    workloads: Vec<WorkloadBench>,
}

/// Runs one trial of a workload in this process.
type RunTrial = Box<dyn Fn(&TrialSpec) -> Result<(), Failure>>;

/// One workload, and how it is measured.
pub struct WorkloadBench {
    name: String,
    faces: Faces,
    models: Vec<String>,
    jobs: u32,
    sizes: Vec<u32>,
    rounds: u32,
    timeout: Duration,
    baseline: Option<String>,
    question: Option<String>,
    analysis: Option<String>,
    claims: Vec<BenchClaim>,
    run: RunTrial,
}

impl Bench {
    /// Adds a workload under a name of `a-z 0-9 . _ -`. `make` is called in the process of each trial, before its clock
    /// starts.
    pub fn workload<W: Workload>(&mut self, name: &str, make: impl Fn() -> W + 'static) -> &mut WorkloadBench {
        self.add(name, Faces::Both, move |_| make())
    }

    /// Adds a workload that depends on a size: [`sizes`](WorkloadBench::sizes) sets those that are measured. `make` gets
    /// the size of the trial.
    pub fn sized_workload<W: Workload>(&mut self, name: &str, make: impl Fn(u32) -> W + 'static) -> &mut WorkloadBench {
        self.add(name, Faces::Both, make)
    }

    /// Adds work that exists only as blocking code. It runs under the thread models, and on the pool of those async
    /// models that have one.
    pub fn blocking_only<J>(&mut self, name: &str, make: impl Fn() -> J + 'static) -> &mut WorkloadBench
    where
        J: Fn(JobId) -> Checksum + Send + Sync + 'static,
    {
        self.add(name, Faces::Blocking, move |_| BlockingOnly(Arc::new(make())))
    }

    /// Adds work that exists only as futures. It runs under the async models.
    pub fn async_only<J, F>(&mut self, name: &str, make: impl Fn() -> J + 'static) -> &mut WorkloadBench
    where
        J: Fn(JobId) -> F + Send + Sync + 'static,
        F: Future<Output = Checksum> + Send,
    {
        self.add(name, Faces::Async, move |_| AsyncOnly(make()))
    }

    fn add<W: Workload>(&mut self, name: &str, faces: Faces, make: impl Fn(u32) -> W + 'static) -> &mut WorkloadBench {
        let run = move |spec: &TrialSpec| {
            let size = own(spec).map_or(0, |own| own.size.unwrap_or(0));
            trial::run_own(spec, Arc::new(make(size)))
        };
        self.workloads.push(WorkloadBench {
            name: name.to_owned(),
            faces,
            models: Vec::new(),
            jobs: 64,
            sizes: Vec::new(),
            rounds: 10,
            timeout: Duration::from_secs(60),
            baseline: None,
            question: None,
            analysis: None,
            claims: Vec::new(),
            run: Box::new(run),
        });
        self.workloads.last_mut().expect("one was just added")
    }

    /// Runs the trial of this spec.
    fn run_trial(&self, spec: &TrialSpec) -> Result<(), Failure> {
        let wanted = own(spec).map(|own| own.bench.as_str());
        let found = self.workloads.iter().find(|workload| Some(workload.name.as_str()) == wanted);
        let unknown = || Failure::WrongWork { what: format!("this bench has no workload {wanted:?}") };
        (found.ok_or_else(unknown)?.run)(spec)
    }
}

fn own(spec: &TrialSpec) -> Option<&OwnSpec> {
    if let Work::Own(own) = &spec.work { Some(own) } else { None }
}

impl WorkloadBench {
    /// Sets the number of jobs in a trial, all of which start at once. The default is 64.
    pub fn jobs(&mut self, jobs: u32) -> &mut Self {
        self.jobs = jobs;
        self
    }

    /// Sets the models, by their names. By default these are `threads`, `async`, and, with a thread or worker per CPU,
    /// `pool/N`, `async/N`, `async/N+blocking` and `async+rayon/N`.
    pub fn models<S: Into<String>>(&mut self, models: impl IntoIterator<Item = S>) -> &mut Self {
        self.models = models.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the sizes, each of which becomes a point of the report.
    pub fn sizes(&mut self, sizes: impl IntoIterator<Item = u32>) -> &mut Self {
        self.sizes = sizes.into_iter().collect();
        self
    }

    /// Sets the number of rounds. The default is 10.
    pub fn rounds(&mut self, rounds: u32) -> &mut Self {
        self.rounds = rounds;
        self
    }

    /// Sets the time after which a trial has failed. The default is a minute.
    pub fn timeout(&mut self, timeout: Duration) -> &mut Self {
        self.timeout = timeout;
        self
    }

    /// Sets the model that the others are compared with. The default is `async`, or the first model.
    pub fn baseline(&mut self, model: impl Into<String>) -> &mut Self {
        self.baseline = Some(model.into());
        self
    }

    /// Sets the question at the head of the report.
    pub fn question(&mut self, question: impl Into<String>) -> &mut Self {
        self.question = Some(question.into());
        self
    }

    /// Sets the text below the question: what to expect, and why.
    pub fn analysis(&mut self, analysis: impl Into<String>) -> &mut Self {
        self.analysis = Some(analysis.into());
        self
    }

    /// Adds a claim, which the run reproduces or refutes. A refuted claim makes the bench fail with exit code 1.
    pub fn claim(&mut self, claim: BenchClaim) -> &mut Self {
        self.claims.push(claim);
        self
    }

    /// Returns the models that the workload can run under, and those that it cannot.
    fn split_models(&self) -> Result<(Vec<Model>, Vec<Model>), Stop> {
        let cpus = host::cpus().len().clamp(2, usize::from(Model::MOST_WORKERS));
        let usual = || {
            let counted = ["pool/N", "async/N", "async/N+blocking", "async+rayon/N"];
            let counted = counted.into_iter().map(|name| name.replace('N', &cpus.to_string()));
            ["threads", "async"].into_iter().map(str::to_owned).chain(counted).collect()
        };
        let names: Vec<String> = if self.models.is_empty() { usual() } else { self.models.clone() };
        let parse =
            |name: &String| name.parse::<Model>().map_err(|error| Stop::input(format_args!("{}: {error}", self.name)));
        let models = names.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        Ok(models.into_iter().partition(|model| self.faces.allow(*model)))
    }

    /// Returns the scenario, and notes the models that are left out.
    fn scenario(&self) -> Result<Named, Stop> {
        let (models, left_out) = self.split_models()?;
        if !left_out.is_empty() {
            let left_out = text::listed(&names(&left_out));
            note(format_args!("{}: left out {left_out}: {}", self.name, self.faces.reason()));
        }
        if models.is_empty() {
            return Err(Stop::input(format_args!("{}: no model is left: {}", self.name, self.faces.reason())));
        }
        toml_text::scenario(self, &models).map(|scenario| Named { given: self.name.clone(), scenario })
    }
}

impl std::fmt::Debug for WorkloadBench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkloadBench").field("name", &self.name).field("jobs", &self.jobs).finish_non_exhaustive()
    }
}

/// Measures the workloads that `describe` adds, writes the report, and returns the exit code: 0, or 1 if a trial failed
/// or a claim was refuted, 2 for invalid arguments, 3 if the system refused something, 4 if `--baseline` or `--strict`
/// needs a measurement that is INVALID.
///
/// Must be the whole of the program's `main`, because the program starts itself again for each trial.
pub fn main(describe: impl FnOnce(&mut Bench) -> &mut WorkloadBench) -> ExitCode {
    let mut bench = Bench::default();
    describe(&mut bench);
    if std::env::args_os().nth(1).is_some_and(|verb| verb == "trial") {
        return trial::run(&|spec| bench.run_trial(spec));
    }
    if let Err(error) = runner::obey_signals() {
        return Stop::machine(format_args!("signals: {error}")).print();
    }
    let done = match args::parse(std::env::args_os().skip(1)) {
        Ok(Parsed::Run(args)) => measure(&bench, args),
        Ok(Parsed::Help) => args::help(),
        Err(message) => Err(Stop::input(message)),
    };
    let code = done.map_or_else(Stop::print, |()| ExitCode::SUCCESS);
    runner::signal().map_or(code, |signal| Stop::signal(signal).print())
}

fn measure(bench: &Bench, args: Args) -> Result<(), Stop> {
    let wanted = bench.workloads.iter().filter(|workload| args.wants(&workload.name));
    if args.list {
        return wanted.into_iter().try_for_each(|workload| print(format_args!("{}: benchmark", workload.name)));
    }
    let scenarios = wanted.map(WorkloadBench::scenario).collect::<Result<Vec<_>, _>>()?;
    if scenarios.is_empty() {
        // As with criterion, a filter that matches nothing is no failure: `cargo bench FILTER` runs every bench.
        return Ok(());
    }
    let folder = runs();
    let session = args.session(scenarios, &folder);
    if args.test { test(&session, &folder) } else { args.with_baselines(&folder, &session) }
}

/// Runs each model once, to see whether everything works, and keeps nothing.
fn test(session: &Session, folder: &Path) -> Result<(), Stop> {
    let out = folder.join(format!("test-{}", std::process::id()));
    let done = Session { out: Some(out.clone()), view: View::Failures, ..session.clone() }.run();
    let _ = std::fs::remove_dir_all(&out);
    done?;
    session.scenarios.iter().try_for_each(|Named { scenario, .. }| {
        print(format_args!("{}: works under {}", scenario.name, text::listed(&names(&scenario.models))))
    })
}

fn names(models: &[Model]) -> Vec<String> {
    models.iter().map(ToString::to_string).collect()
}

/// Returns the folder of the runs: `avt/NAME` in cargo's target folder, where NAME is that of the bench target.
fn runs() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let stem = program.file_stem().and_then(|stem| stem.to_str()).unwrap_or("bench");
    // Cargo adds a hash: thumbnail-0f3a5c7e9b1d2c4a.
    let name = match stem.rsplit_once('-') {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => stem,
    };
    // target/release/deps/thumbnail-0f3a5c7e9b1d2c4a, target/release/examples/thumbnail
    let is_cargos = |folder: &&Path| folder.file_name().is_some_and(|name| name == "deps" || name == "examples");
    let target = program.ancestors().find(is_cargos).and_then(|folder| folder.parent()?.parent());
    target.map_or_else(|| PathBuf::from("target"), PathBuf::from).join("avt").join(name)
}
