//! The child of a trial: one spec in, one measurement out.
//!
//! `avt trial` is a verb that only the [`runner`](crate::runner) calls. Its process reads one [`TrialSpec`] line from
//! standard input, acts in the role it names, and writes [`TrialReply`] lines to standard output. It ends with its
//! parent: by the parent-death signal, or at the end of standard input if it still reads.

mod external;
mod generator;
mod jobs;
mod null;
mod server;

pub use external::launch;
pub use jobs::run_own;
pub use server::run_own_service;

use std::io::{self, BufRead as _, Write as _};
use std::panic;
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_gettime};

use crate::host;
use crate::model;
use crate::protocol::{Role, TrialReply, TrialSpec};
use crate::record::Failure;
use crate::scenario::StepsSpec;
use crate::workload::{Shared, Steps};

/// Runs a trial of a user's own workload, and writes its replies.
pub type RunOwn<'a> = &'a dyn Fn(&TrialSpec) -> Result<(), Failure>;

/// Refuses to run a user's own workload, in programs that do not contain it.
pub fn refuse_own(_: &TrialSpec) -> Result<(), Failure> {
    Err(Failure::WrongWork { what: "only its own bench program can run this workload".into() })
}

/// Runs one trial from the spec on standard input; `own` runs it if it is one of a user's own workload. Reports a failure
/// as a reply if possible, not as an exit code.
pub fn run(own: RunOwn<'_>) -> ExitCode {
    // Never fails on Linux; elsewhere the end of standard input must suffice.
    let _ = prctl::set_pdeathsig(Signal::SIGKILL);
    let spec = match read_spec() {
        Ok(spec) => spec,
        Err(error) => {
            let _ = writeln!(io::stderr(), "avt trial: {error}; only `avt run` starts trials");
            return ExitCode::from(2);
        }
    };
    // The parent may have ended before its death could send a signal.
    if nix::unistd::getppid().as_raw() != spec.parent as i32 {
        return ExitCode::FAILURE;
    }
    let is_own = spec.work.bench().is_some() && matches!(spec.role, Role::Jobs { .. } | Role::Server { .. });
    if is_own {
        on_panic(|message| {
            let _ = write_reply(&TrialReply::Failed(Failure::Panicked { message }));
            process::exit(1);
        });
    }
    model::on_refused_thread(|failure| {
        // No other thread of this process can report more than this.
        let _ = write_reply(&TrialReply::Failed(failure));
        process::exit(1);
    });
    let pinned = match &spec.role {
        // Only the external server is pinned, not the process that watches it.
        Role::External { .. } => Ok(()),
        _ => pin(&spec),
    };
    let outcome = pinned.and_then(|()| match &spec.role {
        _ if is_own => own(&spec),
        Role::Jobs { traced } => jobs::run(&spec, *traced),
        Role::Server { nonce, traced } => server::run(&spec, nonce, *traced),
        Role::NullServer { nonce } => null::run(&spec, nonce),
        Role::External { nonce, environment } => external::run(&spec, nonce, environment),
        Role::Generator { server, nonce, server_cpus } => generator::run(&spec, *server, nonce.as_deref(), server_cpus),
    });
    match outcome.or_else(|failure| write_reply(&TrialReply::Failed(failure))) {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody reads the replies any more: the parent is gone.
        Err(_) => ExitCode::FAILURE,
    }
}

/// Calls `report` with the message of the first panic of any thread: its text and its place in the source.
fn on_panic(report: impl Fn(String) + Send + Sync + 'static) {
    panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref().copied());
        let text = text.unwrap_or("without a message");
        report(match info.location() {
            Some(place) => format!("{text}, at {place}"),
            None => text.to_owned(),
        });
    }));
}

fn read_spec() -> Result<TrialSpec, String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| error.to_string())?;
    serde_json::from_str(&line).map_err(|error| format!("no valid spec on standard input: {error}"))
}

fn pin(spec: &TrialSpec) -> Result<(), Failure> {
    if spec.cpus.is_empty() {
        return Ok(());
    }
    host::pin(&spec.cpus)
        .map_err(|error| Failure::Refused { what: format!("cannot pin to CPUs {:?}: {error}", spec.cpus) })
}

/// Returns the time of `CLOCK_MONOTONIC`, which all processes of this machine share, in nanoseconds.
fn now_ns() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("Linux has this clock");
    Duration::from(time).as_nanos() as u64
}

/// Writes one reply as one line.
fn write_reply(reply: &TrialReply) -> Result<(), Failure> {
    let mut line = serde_json::to_vec(reply).expect("a reply is plain data");
    line.push(b'\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(&line).and_then(|()| stdout.flush()).map_err(|error| Failure::Refused { what: error.to_string() })
}

/// Builds the steps of a spec, with the checksums they must return. All jobs of the trial must get the same `shared`.
fn steps(spec: &StepsSpec, shared: &Arc<Shared>, trial: &TrialSpec) -> Result<Steps, Failure> {
    let unknown = || Failure::WrongWork { what: format!("no checksum is known for `{}`", spec.in_words()) };
    Steps::new(spec, &trial.calibration, Arc::clone(shared)).ok_or_else(unknown)
}
