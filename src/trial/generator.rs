//! The load generator of an echo trial.

use std::net::SocketAddr;

use crate::http1::encode_target;
use crate::load::{self, LoadPlan, Loaded, Observer, RequestTemplate, Until};
use crate::protocol::{Generated, TrialReply, TrialSpec};
use crate::record::Failure;
use crate::scenario::{EchoSpec, HeavySpec, Work};
use crate::units;

use super::write_reply;

/// The number of targets of ordinary requests, so that no server can profit from repeated ones.
const TARGETS: usize = 1_024;

pub(super) fn run(
    spec: &TrialSpec,
    server: SocketAddr,
    nonce: Option<&str>,
    server_cpus: &[usize],
) -> Result<(), Failure> {
    let Work::Echo(work) = &spec.work else {
        return Err(Failure::WrongWork { what: format!("`{}` has no generator", spec.work.workload()) });
    };
    let plan = plan(work, server, nonce, server_cpus, spec.seed);
    let loaded = load::run(&plan, &mut ReplySender);
    let Loaded { started_ns, wall_ns, requests_in_window, series, load } =
        loaded.map_err(|error| Failure::Refused { what: error.to_string() })?;
    let begin_ns = started_ns.saturating_add(units::nanos(work.load.warmup));
    write_reply(&TrialReply::Generated(Box::new(Generated { begin_ns, wall_ns, requests_in_window, series, load })))
}

/// Reports when the window begins and ends. Ignores write errors: if the runner is gone, the last reply fails too and
/// ends the process.
struct ReplySender;

impl Observer for ReplySender {
    fn begin(&mut self) {
        let _ = write_reply(&TrialReply::Begin);
    }

    fn end(&mut self) {
        let _ = write_reply(&TrialReply::End);
    }
}

fn plan(work: &EchoSpec, server: SocketAddr, nonce: Option<&str>, server_cpus: &[usize], seed: u64) -> LoadPlan {
    let template = |targets: Vec<String>| RequestTemplate {
        method: "GET".into(),
        authority: server.to_string(),
        targets,
        headers: Vec::new(),
        body: Vec::new(),
    };
    LoadPlan {
        server: server.into(),
        secure: None,
        request: template(targets(&work.what)),
        heavy: work.heavy.map(|heavy| (heavy.share, template(vec![format!("/echo/{}", HeavySpec::WHAT)]))),
        client: work.load.client,
        connections: work.load.connections,
        threads: work.load.threads,
        warmup: work.load.warmup,
        until: Until::Elapsed(work.load.duration),
        arrival: work.load.arrival,
        timeout: work.load.timeout,
        drain: work.load.drain,
        stamp: nonce.map(Into::into),
        server_cpus: server_cpus.to_vec(),
        seed,
    }
}

/// Returns targets of equal length, so that all answers have equal length too.
fn targets(what: &str) -> Vec<String> {
    let what = encode_target(what);
    (0..TARGETS).map(|k| format!("/echo/{what}-{k:04}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn all_targets_differ_and_have_the_same_length() {
        let targets = targets("hello");
        assert_eq!(targets.iter().collect::<BTreeSet<_>>().len(), TARGETS);
        assert_eq!((targets[0].as_str(), targets[TARGETS - 1].as_str()), ("/echo/hello-0000", "/echo/hello-1023"));
        assert!(targets.iter().all(|target| target.len() == targets[0].len()), "{targets:?}");
    }
}
