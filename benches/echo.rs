//! Requests to the echo server of every model, in a closed loop over 50 connections.
//!
//! The server is `avt serve`, in its own process. `sequential` gets one connection, since it serves one at a time.

#![expect(dead_code, reason = "not every bench of servers needs everything that they share")]

mod common;
#[path = "common/with_criterion.rs"]
mod with_criterion;

use std::time::Duration;

use async_vs_threads::load::{self, Endpoint, LoadPlan, RequestTemplate, Until};
use async_vs_threads::scenario::{ArrivalSpec, ClientKind};
use async_vs_threads::schedule::Shard;
use common::Server;
use criterion::{Criterion, SamplingMode, Throughput};

const CONNECTIONS: u32 = 50;

/// How long so many requests take.
fn wall(server: &Server, connections: u32, requests: u64) -> Duration {
    let plan = LoadPlan {
        server: Endpoint::Tcp(server.address.parse().expect("a server prints its address")),
        secure: None,
        request: RequestTemplate {
            method: "GET".into(),
            authority: server.address.clone(),
            targets: common::paths(),
            headers: Vec::new(),
            body: Vec::new(),
        },
        heavy: None,
        client: ClientKind::Raw,
        shard: Shard::WHOLE,
        connections,
        threads: 1,
        warmup: Duration::ZERO,
        until: Until::Requests(requests),
        arrival: ArrivalSpec::Closed { think: Duration::ZERO },
        start_at: None,
        timeout: Duration::from_secs(5),
        drain: Duration::from_secs(5),
        stamp: None,
        expected: None,
        server_cpus: Vec::new(),
        seed: 1,
    };
    let loaded = load::run(&plan, &mut ()).expect("the server accepts connections");
    assert_eq!(loaded.load.requests.completed, requests, "{:?}", loaded.load);
    Duration::from_nanos(loaded.wall_ns)
}

fn echo(c: &mut Criterion) {
    let mut group = c.benchmark_group("echo");
    // An iteration is one request, whichever connection it comes from.
    group.sampling_mode(SamplingMode::Flat).sample_size(10).throughput(Throughput::Elements(1));
    for model in ["sequential", "threads", "pool/64", "async", "async/2", "async+blocking", "async+rayon/2"] {
        let server = Server::avt(model);
        let connections = if model == "sequential" { 1 } else { CONNECTIONS };
        group.bench_function(format!("{connections}-connections/{model}"), |b| {
            b.iter_custom(|n| wall(&server, connections.min(n as u32), n));
        });
    }
    group.finish();
}

fn main() {
    with_criterion::run(None, Duration::from_secs(1), &[echo]);
}
