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
//! The bench target needs `harness = false` in `Cargo.toml`. [`Bench`] lists what it can measure.

mod args;
mod claim;
mod faces;
mod served;
mod service;
mod subject;
mod workload;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::protocol::{Role, TrialSpec};
use crate::record::Failure;
use crate::runner;
use crate::scenario::Work;
use crate::session::output::{Stop, print};
use crate::session::{Named, Session, View};
use crate::text;
use crate::trial;
use crate::workload::{Checksum, JobId, Workload};

use args::{Args, Parsed};
use faces::{AsyncOnly, BlockingOnly, Faces};
use service::ServiceHandler;

pub use claim::BenchClaim;
pub use served::ServiceBench;
pub use service::{Service, ServiceRequest, ServiceResponse};
pub use workload::WorkloadBench;

/// The workloads and services of a bench program.
///
/// ```
/// use async_vs_threads::bench::Bench;
/// use async_vs_threads::{Checksum, JobId};
///
/// fn describe(bench: &mut Bench) -> &mut Bench {
///     bench.blocking_only("parse", || |job: JobId| Checksum(format!("{job}").len() as u64)).jobs(100);
///     bench.async_only("yield", || {
///         |job: JobId| async move {
///             tokio::task::yield_now().await;
///             Checksum(job.0.into())
///         }
///     });
///     bench
/// }
///
/// // The main function of the bench program is `bench::main(describe)`.
/// let mut bench = Bench::default();
/// describe(&mut bench);
/// ```
#[derive(Debug, Default)]
pub struct Bench {
    workloads: Vec<WorkloadBench>,
    services: Vec<ServiceBench>,
}

/// Runs one trial in this process.
type RunTrial = Box<dyn Fn(&TrialSpec) -> Result<(), Failure>>;

impl Bench {
    /// Adds a workload under a name of `a-z 0-9 . _ -`. `make` is called in the process of each trial, before its clock
    /// starts. See the example of the module [`bench`](mod@crate::bench).
    pub fn workload<W: Workload>(&mut self, name: &str, make: impl Fn() -> W + 'static) -> &mut WorkloadBench {
        self.add(name, Faces::Both, move |_| make())
    }

    /// Adds a workload that depends on a size: [`sizes`](WorkloadBench::sizes) sets those that are measured. `make` gets
    /// the size of the trial.
    ///
    /// ```
    /// use async_vs_threads::bench::Bench;
    /// use async_vs_threads::{Checksum, JobId, Pool, Workload};
    ///
    /// /// Adds up the bytes of a buffer of this size.
    /// struct Sum(Vec<u8>);
    ///
    /// impl Workload for Sum {
    ///     fn run_blocking(&self, _job: JobId) -> Checksum {
    ///         self.0.iter().map(|byte| Checksum(u64::from(*byte))).sum()
    ///     }
    ///
    ///     async fn run_async<P: Pool>(&self, job: JobId, _pool: &P) -> Checksum {
    ///         self.run_blocking(job)
    ///     }
    /// }
    ///
    /// let mut bench = Bench::default();
    /// bench.sized_workload("sum", |bytes| Sum(vec![1; bytes as usize])).sizes([1 << 10, 1 << 20]);
    /// ```
    pub fn sized_workload<W: Workload>(&mut self, name: &str, make: impl Fn(u32) -> W + 'static) -> &mut WorkloadBench {
        self.add(name, Faces::Both, make)
    }

    /// Adds work that exists only as blocking code. It runs under the thread models, and on the pool of those async
    /// models that have one. What `make` returns is called with the number of each job.
    ///
    /// ```
    /// use async_vs_threads::bench::Bench;
    /// use async_vs_threads::{Checksum, JobId};
    ///
    /// let mut bench = Bench::default();
    /// bench.blocking_only("length", || {
    ///     let text = "read once, before the clock starts".to_owned();
    ///     move |job: JobId| Checksum(text.len() as u64 + u64::from(job.0))
    /// });
    /// ```
    pub fn blocking_only<J>(&mut self, name: &str, make: impl Fn() -> J + 'static) -> &mut WorkloadBench
    where
        J: Fn(JobId) -> Checksum + Send + Sync + 'static,
    {
        self.add(name, Faces::Blocking, move |_| BlockingOnly(Arc::new(make())))
    }

    /// Adds work that exists only as futures. It runs under the async models. What `make` returns is called with the
    /// number of each job.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use async_vs_threads::bench::Bench;
    /// use async_vs_threads::{Checksum, JobId};
    ///
    /// let mut bench = Bench::default();
    /// bench.async_only("wait", || {
    ///     |job: JobId| async move {
    ///         tokio::time::sleep(Duration::from_millis(2)).await;
    ///         Checksum(job.0.into())
    ///     }
    /// });
    /// ```
    pub fn async_only<J, F>(&mut self, name: &str, make: impl Fn() -> J + 'static) -> &mut WorkloadBench
    where
        J: Fn(JobId) -> F + Send + Sync + 'static,
        F: Future<Output = Checksum> + Send,
    {
        self.add(name, Faces::Async, move |_| AsyncOnly(make()))
    }

    fn add<W: Workload>(&mut self, name: &str, faces: Faces, make: impl Fn(u32) -> W + 'static) -> &mut WorkloadBench {
        let run = move |spec: &TrialSpec| {
            let size = if let Work::Own(own) = &spec.work { own.size.unwrap_or(0) } else { 0 };
            trial::run_own(spec, Arc::new(make(size)))
        };
        self.workloads.push(WorkloadBench::new(name, faces, Box::new(run)));
        self.workloads.last_mut().expect("one was just added")
    }

    /// Adds a service under a name of `a-z 0-9 . _ -`. `make` is called in the server's process of each trial, before
    /// its first request. See the example of [`Service`].
    pub fn service<S: Service>(&mut self, name: &str, make: impl Fn() -> S + 'static) -> &mut ServiceBench {
        let run = move |spec: &TrialSpec| trial::run_own_service(spec, Arc::new(ServiceHandler(make())));
        self.services.push(ServiceBench::new(name, Box::new(run)));
        self.services.last_mut().expect("one was just added")
    }

    /// Runs the trial of this spec.
    fn run_trial(&self, spec: &TrialSpec) -> Result<(), Failure> {
        let wanted = spec.work.bench().unwrap_or_default();
        let workload = self.workloads.iter().find(|workload| workload.name() == wanted);
        let service = self.services.iter().find(|service| service.name() == wanted);
        match (&spec.role, workload, service) {
            (Role::Jobs { .. }, Some(workload), _) => workload.run(spec),
            (Role::Server { .. }, _, Some(service)) => service.run(spec),
            _ => Err(Failure::WrongWork { what: format!("this bench has no {wanted:?} for {:?}", spec.role) }),
        }
    }

    /// Returns the names of everything that is measured.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.workloads.iter().map(WorkloadBench::name).chain(self.services.iter().map(ServiceBench::name))
    }

    /// Returns the scenarios that these arguments ask for.
    fn scenarios(&self, args: &Args) -> Result<Vec<Named>, Stop> {
        let workloads = self.workloads.iter().filter(|workload| args.wants(workload.name()));
        let services = self.services.iter().filter(|service| args.wants(service.name()));
        workloads.map(WorkloadBench::scenario).chain(services.map(ServiceBench::scenario)).collect()
    }
}

/// Measures the workloads and services that `describe` adds, writes the report, and returns the exit code: 0, or 1 if a trial failed
/// or a claim was refuted, 2 for invalid arguments, 3 if the system refused something, 4 if `--baseline` or `--strict`
/// needs a measurement that is INVALID.
///
/// Must be the whole of the program's `main`, because the program starts itself again for each trial.
pub fn main<B>(describe: impl for<'a> FnOnce(&'a mut Bench) -> &'a mut B) -> ExitCode {
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
    if args.list {
        let mut wanted = bench.names().filter(|name| args.wants(name));
        return wanted.try_for_each(|name| print(format_args!("{name}: benchmark")));
    }
    let scenarios = bench.scenarios(&args)?;
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
        print(format_args!(
            "{}: works under {}",
            scenario.name,
            text::listed(&scenario.models.iter().map(ToString::to_string).collect::<Vec<_>>())
        ))
    })
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
