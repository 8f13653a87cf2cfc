//! A bench program with workloads that work and workloads that fail in every way that a bench reports.
//!
//! `cargo run --example bench_program -- --list` prints their names, and with the name of one as the filter it is
//! measured: `cargo run --release --example bench_program -- square`. A program of your own is a bench target with
//! `harness = false`; see `benches/custom.rs`.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use async_vs_threads::bench::{BenchClaim, Service, ServiceRequest, ServiceResponse};
use async_vs_threads::{Checksum, JobId, Pool, Workload, bench};

const WAIT: Duration = Duration::from_millis(2);

/// Waits, then squares the job's number.
struct Square;

impl Workload for Square {
    fn run_blocking(&self, job: JobId) -> Checksum {
        thread::sleep(WAIT);
        Checksum(u64::from(job.0).pow(2))
    }

    async fn run_async<P: Pool>(&self, job: JobId, pool: &P) -> Checksum {
        tokio::time::sleep(WAIT).await;
        pool.run(move || Checksum(u64::from(job.0).pow(2))).await
    }
}

/// Adds up the numbers below its size.
struct Sum(u32);

impl Workload for Sum {
    fn run_blocking(&self, job: JobId) -> Checksum {
        Checksum((0..u64::from(self.0)).sum::<u64>() + u64::from(job.0))
    }

    async fn run_async<P: Pool>(&self, job: JobId, _pool: &P) -> Checksum {
        self.run_blocking(job)
    }
}

/// Does other work as a future than as blocking code.
struct Unequal;

impl Workload for Unequal {
    fn run_blocking(&self, job: JobId) -> Checksum {
        Checksum(job.0.into())
    }

    async fn run_async<P: Pool>(&self, job: JobId, _pool: &P) -> Checksum {
        Checksum(u64::from(job.0) + u64::from(job.0 == 3))
    }
}

/// Waits, then answers with the path and the body of the request.
struct Mirror;

fn mirror(request: ServiceRequest<'_>) -> ServiceResponse {
    match request.path {
        "/mirror" => ServiceResponse::ok("text/plain", [request.query.as_bytes(), request.body].concat()),
        "/panic" => panic!("no handler for {}", request.path),
        _ => ServiceResponse::not_found(),
    }
}

impl Service for Mirror {
    fn respond_blocking(&self, request: ServiceRequest<'_>) -> ServiceResponse {
        thread::sleep(WAIT);
        mirror(request)
    }

    async fn respond_async<P: Pool>(&self, request: ServiceRequest<'_>, _pool: &P) -> ServiceResponse {
        tokio::time::sleep(WAIT).await;
        mirror(request)
    }
}

fn main() -> ExitCode {
    bench::main(|b| {
        let models = ["threads", "pool/2", "async", "async/2+blocking"];
        b.workload("square", || Square).jobs(8).models(models).rounds(2).claim(
            BenchClaim::value("wall", "pool/2", "jobs / 2 * 2ms", [0.9, f64::INFINITY])
                .says("Two threads wait in turn"),
        );
        b.sized_workload("sum", Sum).sizes([10, 1_000]).jobs(4).models(models).rounds(2);
        for (name, path) in [("mirror", "/mirror?seen"), ("lost", "/elsewhere"), ("panicking", "/panic")] {
            b.service(name, || Mirror)
                .post(path, "body")
                .connections(4)
                .duration(Duration::from_millis(100))
                .models(["threads", "async", "rayon/2"])
                .rounds(1);
        }
        b.workload("unequal", || Unequal).jobs(4).models(["threads", "async"]).rounds(1);
        b.blocking_only("panics", || {
            |job: JobId| {
                assert!(job.0 != 2, "job 2 has no input");
                Checksum(0)
            }
        })
        .jobs(4)
        .models(models)
        .rounds(1);
        b.async_only("endless", || |_| std::future::pending())
            .jobs(2)
            .models(["threads", "async"])
            .timeout(Duration::from_millis(300))
            .rounds(1);
        b.blocking_only("counter", || {
            let done = AtomicU64::new(0);
            move |job: JobId| {
                done.fetch_add(1, Ordering::Relaxed);
                Checksum(job.0.into())
            }
        })
        .jobs(4)
        .models(models)
        .rounds(1)
    })
}
