//! The load generator of an echo trial.

use std::net::SocketAddr;

use crate::load::{self, Loaded, Observer, Plan, Question, Until};
use crate::message::{Generated, Reply, TrialSpec};
use crate::record::Failure;
use crate::scenario::{EchoSpec, HeavySpec, Work};

use super::say;

pub(super) fn run(spec: &TrialSpec, server: SocketAddr, nonce: Option<&str>) -> Result<(), Failure> {
    let Work::Echo(work) = &spec.work else {
        return Err(Failure::WrongWork { what: format!("`{}` has no generator", spec.work.workload()) });
    };
    let plan = plan(work, server, nonce, spec.seed);
    let loaded = load::run(&plan, &mut Teller);
    let Loaded { wall_ns, requests_in_window, series, load, .. } =
        loaded.map_err(|error| Failure::Refused { what: error.to_string() })?;
    say(&Reply::Generated(Box::new(Generated { wall_ns, requests_in_window, series, load })))
}

/// Says when the window begins and ends. When nobody hears it any more, the last reply fails too and ends the process.
struct Teller;

impl Observer for Teller {
    fn begin(&mut self) {
        let _ = say(&Reply::Begin);
    }

    fn end(&mut self) {
        let _ = say(&Reply::End);
    }
}

fn plan(work: &EchoSpec, server: SocketAddr, nonce: Option<&str>, seed: u64) -> Plan {
    let question = |what: &str| Question {
        method: "GET".into(),
        authority: server.to_string(),
        targets: vec![format!("/echo/{what}")],
        headers: Vec::new(),
        body: Vec::new(),
    };
    Plan {
        server: server.into(),
        secure: None,
        question: question(&work.what),
        heavy: work.heavy.map(|heavy| (heavy.share, question(HeavySpec::WHAT))),
        client: work.load.client,
        connections: work.load.connections,
        threads: work.load.threads,
        warmup: work.load.warmup,
        until: Until::Elapsed(work.load.duration),
        arrival: work.load.arrival,
        timeout: work.load.timeout,
        drain: work.load.drain,
        stamp: nonce.map(Into::into),
        seed,
    }
}
