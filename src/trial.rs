//! The child of a trial: one spec in, one measurement out.
//!
//! `avt trial` is a verb that only the [`runner`](crate::runner) calls. Its process reads one [`TrialSpec`] line from
//! standard input, acts in the role it names, and writes [`TrialReply`] lines to standard output. It ends with its
//! parent: by the parent-death signal, or at the end of standard input if it still reads.

#[cfg(feature = "cli")]
mod builtin;
#[cfg(feature = "cli")]
mod external;
mod generator;
mod jobs;
mod null;
mod server;

#[cfg(feature = "cli")]
pub use builtin::run_builtin;
#[cfg(feature = "cli")]
pub use external::launch;
pub use jobs::run_own;
pub use server::run_own_service;

use std::io::{self, BufRead as _, Write as _};
use std::panic;
use std::process::{self, ExitCode};
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_gettime};

use crate::host;
use crate::model;
use crate::protocol::{Role, TrialReply, TrialSpec};
use crate::record::Failure;

/// Runs the jobs or the compared server of a trial, and writes its replies.
pub type RunWork<'a> = &'a dyn Fn(&TrialSpec) -> Result<(), Failure>;

/// Runs one trial from the spec on standard input; `work` runs it if it is one of jobs or of a server. Reports a failure
/// as a reply if possible, not as an exit code.
pub fn run(work: RunWork<'_>) -> ExitCode {
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
    if spec.work.bench().is_some() && matches!(spec.role, Role::Jobs { .. } | Role::Server { .. }) {
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
        Role::Jobs { .. } | Role::Server { .. } | Role::External { .. } => work(&spec),
        Role::NullServer { nonce } => null::run(&spec, nonce),
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
    serde_json::from_slice(line.as_bytes()).map_err(|error| format!("no valid spec on standard input: {error}"))
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
