//! The load generator of an echo trial.

use std::net::SocketAddr;

use crate::http1::encode_target;
use crate::load::{self, ExpectedResponse, LoadPlan, Loaded, Observer, RequestTemplate, Until};
use crate::protocol::{Generated, TrialReply, TrialSpec};
use crate::record::Failure;
use crate::scenario::{EchoSpec, HeavySpec, RequestSpec, Work};
use crate::schedule::Shard;
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
    let Loaded { started_ns, wall_ns, requests_in_window, series, load, .. } =
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
    let request = match &work.request {
        None => template(targets(&work.what)),
        Some(request) => own_template(request, server),
    };
    LoadPlan {
        server: server.into(),
        secure: None,
        request,
        heavy: work.heavy.map(|heavy| (heavy.share, template(vec![format!("/echo/{}", HeavySpec::WHAT)]))),
        client: work.load.client,
        shard: Shard::WHOLE,
        connections: work.load.connections,
        threads: work.load.threads,
        warmup: work.load.warmup,
        until: Until::Elapsed(work.load.duration),
        arrival: work.load.arrival,
        start_at: None,
        timeout: work.load.timeout,
        drain: work.load.drain,
        stamp: nonce.map(Into::into),
        expected: work.request.as_ref().map(|request| ExpectedResponse {
            status: request.expect.status,
            contains: request.expect.contains.as_deref().map(Into::into),
        }),
        server_cpus: server_cpus.to_vec(),
        seed,
    }
}

/// Returns the template of a scenario's own request.
fn own_template(request: &RequestSpec, server: SocketAddr) -> RequestTemplate {
    let is_host = |(name, _): &(String, String)| name.eq_ignore_ascii_case("host");
    let (hosts, headers): (Vec<_>, Vec<_>) = request.headers.iter().cloned().partition(is_host);
    RequestTemplate {
        method: request.method.clone(),
        authority: hosts.into_iter().next().map_or_else(|| server.to_string(), |(_, value)| value),
        targets: vec![request.path.clone()],
        headers,
        body: request.body.clone().into_bytes(),
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
