//! Requests to the echo server of every model, from 50 connections that ask again when they have their answer.
//!
//! The server is `avt serve` in a process of its own. `sequential` gets one connection: it serves one at a time.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use async_vs_threads::load::{self, Plan, Question, Until};
use async_vs_threads::scenario::Client;
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};

const CONNECTIONS: u32 = 50;

struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(model: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_avt"));
        command.args(["serve", "--model", model, "--addr", "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut process = command.spawn().expect("avt can be started");
        let mut line = String::new();
        let stdout = process.stdout.as_mut().expect("it was asked for");
        BufReader::new(stdout).read_line(&mut line).expect("avt says where it listens");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()?.parse().ok());
        Self { process, address: address.expect("the line names an address") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How long so many requests take.
fn wall(server: &Server, connections: u32, requests: u64) -> Duration {
    let plan = Plan {
        server: server.address,
        question: Question {
            method: "GET".into(),
            authority: server.address.to_string(),
            target: "/echo/hello".into(),
            headers: Vec::new(),
            body: Vec::new(),
        },
        heavy: None,
        client: Client::Raw,
        connections,
        threads: 1,
        warmup: Duration::ZERO,
        until: Until::Requests(requests),
        think: Duration::ZERO,
        timeout: Duration::from_secs(5),
        drain: Duration::from_secs(5),
        stamp: None,
        seed: 1,
    };
    let loaded = load::run(&plan, || (), || (), || false).expect("the server accepts connections");
    assert_eq!(loaded.load.requests.completed, requests, "{:?}", loaded.load);
    Duration::from_nanos(loaded.wall_ns)
}

fn echo(c: &mut Criterion) {
    let mut group = c.benchmark_group("echo");
    // An iteration is one request, whichever connection it comes from.
    group.sampling_mode(SamplingMode::Flat).sample_size(10).throughput(Throughput::Elements(1));
    for model in ["sequential", "threads", "pool/64", "async", "async/2", "hybrid/blocking", "hybrid/rayon-2"] {
        let server = Server::start(model);
        let connections = if model == "sequential" { 1 } else { CONNECTIONS };
        group.bench_function(format!("{connections}-connections/{model}"), |b| {
            b.iter_custom(|n| wall(&server, connections.min(n as u32), n));
        });
    }
    group.finish();
}

criterion_group!(benches, echo);
criterion_main!(benches);
