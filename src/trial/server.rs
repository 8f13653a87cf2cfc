//! The server of a trial.
//!
//! Its main thread belongs to the harness: it blocks reading standard input until the window begins or ends, or the
//! runner is gone. The model runs on a thread of its own and on those it starts.

use std::io::{self, BufRead as _};
use std::net::Ipv4Addr;
use std::process;
use std::sync::Arc;
use std::thread;

use crate::histogram::Histogram;
use crate::host;
use crate::lanes;
use crate::model::{self, Server, Timeouts};
use crate::protocol::{Role, Served, ServerOrder, TrialReply, TrialSpec};
use crate::record::{Failure, Waits};
use crate::scenario::{EchoSpec, Work};
use crate::service::Handler;
use crate::thread_count;
use crate::usage::Meter;

use super::{now_ns, write_reply};

/// Runs the server of a user's own service.
pub fn run_own_service<H: Handler>(spec: &TrialSpec, service: Arc<H>) -> Result<(), Failure> {
    let Role::Server { nonce, traced } = &spec.role else {
        return Err(Failure::WrongWork { what: format!("a service cannot be a {:?}", spec.role) });
    };
    serve(spec, nonce, *traced, service, || (), || Ok(None))
}

pub(super) fn work(spec: &TrialSpec) -> Result<&EchoSpec, Failure> {
    match &spec.work {
        Work::Echo(work) => Ok(work),
        other => Err(Failure::WrongWork { what: format!("`{}` has no server", other.workload()) }),
    }
}

/// Serves until the process ends. Calls `begin` when the window begins, and `check` when it has ended, which returns the
/// waits for a permit.
pub(super) fn serve<H: Handler>(
    spec: &TrialSpec,
    nonce: &str,
    traced: bool,
    service: Arc<H>,
    begin: impl Fn(),
    check: impl Fn() -> Result<Option<Histogram>, Failure>,
) -> Result<(), Failure> {
    let work = work(spec)?;
    let server = Arc::new(Server::new(Some(nonce.into()), Timeouts::default(), u64::MAX));
    check_descriptors(work.load.connections)?;
    model::check_server(spec.model, work.load.connections)?;
    let refused = |error: io::Error| Failure::Refused { what: format!("no port on 127.0.0.1: {error}") };
    let listeners = model::listen(spec.model, (Ipv4Addr::LOCALHOST, 0).into()).map_err(refused)?;
    let port = listeners[0].local_addr().map_err(refused)?.port();

    if traced {
        lanes::prepare("connection");
    }
    let (model, served) = (spec.model, Arc::clone(&server));
    let run = move || {
        let ended = model::serve(model, listeners, served, service);
        let early = || Failure::Refused { what: "the server failed: it ended early".into() };
        let _ = write_reply(&TrialReply::Failed(ended.map_or_else(|error| error.failure(), |()| early())));
        process::exit(1);
    };
    // Never joined: it serves until the process ends.
    let started = thread::Builder::new().name("server".into()).spawn(run);
    started.map_err(|error| Failure::Refused { what: format!("cannot start a thread for the server: {error}") })?;
    write_reply(&TrialReply::Ready { port, nonce: nonce.to_owned() })?;
    let begin = || {
        begin();
        lanes::start(lanes::LENGTH.min(work.load.duration));
        server.clear_queue_waits();
        (server.runtime(), Meter::start())
    };
    obey(begin, |(before, meter), window_ns| {
        let usage = Meter::stop(meter);
        model::check_threads(&server)?;
        // The runtime may have started only within the window.
        let runtime = server.runtime().map(|now| before.map_or(now, |before| now.since(before)));
        let waits = Waits { queue: server.queue_waits(), permit: check()? };
        let (threads, lanes) = (thread_count::count(), traced.then(lanes::end));
        Ok(Served { threads, usage, runtime, cores: server.cores(), waits, lanes, window_ns })
    })
}

/// Raises the soft limit of open files, and fails if the hard one is too low: a server that ran out of descriptors
/// would starve connections that the kernel had already accepted for it.
pub(super) fn check_descriptors(connections: u32) -> Result<(), Failure> {
    /// Descriptors for standard streams, the listener, the runtime and files read briefly.
    const OWN: u64 = 64;
    let limit = host::raise_open_files()
        .map_err(|error| Failure::Refused { what: format!("cannot raise the limit of open files: {error}") })?;
    let needed = u64::from(connections) + OWN;
    if needed > limit {
        let what = format!("{connections} connections need {needed} open files, but the hard limit is {limit}");
        return Err(Failure::Refused { what });
    }
    Ok(())
}

/// Measures between the two orders, and returns at the end of standard input. `served` computes the reply for the
/// window, or fails if the work was wrong.
pub(super) fn obey<T>(
    begin: impl Fn() -> T,
    served: impl Fn(T, (u64, u64)) -> Result<Served, Failure>,
) -> Result<(), Failure> {
    let nonsense = || Failure::WrongWork { what: "unexpected order from the runner".into() };
    let mut begun = None;
    let mut outcome = Ok(());
    each_order(|order| {
        outcome = match (order, begun.take()) {
            (ServerOrder::Begin, _) => {
                begun = Some((now_ns(), begin()));
                Ok(())
            }
            (ServerOrder::End, None) => Err(nonsense()),
            (ServerOrder::End, Some((begin_ns, start))) => {
                let window_ns = (begin_ns, now_ns());
                served(start, window_ns).and_then(|served| write_reply(&TrialReply::Served(Box::new(served))))
            }
        };
        outcome.is_ok()
    });
    outcome
}

/// Passes each order of standard input to `take`, until the input ends, a line is not an order, or `take` returns
/// `false`.
pub(super) fn each_order(mut take: impl FnMut(ServerOrder) -> bool) {
    let lines = io::stdin().lock().lines();
    for order in lines.map_while(|line| serde_json::from_slice(line.ok()?.as_bytes()).ok()) {
        if !take(order) {
            return;
        }
    }
}
