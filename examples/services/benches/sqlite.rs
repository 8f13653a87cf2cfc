//! Where should a service run its SQLite queries?
//!
//! 64 requests come in at once, and each makes one query of about a millisecond. SQLite has no async interface: a query
//! holds its thread. `async` runs it in the task, `async+blocking` on `spawn_blocking`, `async+blocking/4` on a blocking
//! pool of four, and `threads` and `pool/4` without a runtime.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use async_vs_threads::bench::BenchClaim;
use async_vs_threads::{Checksum, JobId, Pool, Workload, bench};
use services::{Connections, USERS, orders};

struct Queries(Arc<Connections>);

impl Queries {
    fn new() -> Self {
        Self(Arc::new(Connections::new(orders(Path::new(env!("CARGO_TARGET_TMPDIR"))))))
    }
}

impl Workload for Queries {
    fn run_blocking(&self, job: JobId) -> Checksum {
        Checksum(self.0.sum_of_orders(job.0 % USERS))
    }

    async fn run_async<P: Pool>(&self, job: JobId, pool: &P) -> Checksum {
        let connections = Arc::clone(&self.0);
        pool.run(move || Checksum(connections.sum_of_orders(job.0 % USERS))).await
    }
}

fn main() -> ExitCode {
    bench::main(|b| {
        b.workload("sqlite", Queries::new)
            .question("Where should a service run its SQLite queries?")
            .analysis(
                "64 requests make one query each, of about a millisecond, in a file that the page cache holds. The query \
                 is CPU work, so two CPUs should halve the time of one. In our runs they did not: all connections of \
                 one process share the lock of a page cache, as rusqlite builds SQLite. README.md shows how to build it \
                 without that lock. The caveat: nothing is written, and no disk is read.",
            )
            .jobs(64)
            .models(["threads", "pool/4", "async", "async/2", "async+blocking", "async+blocking/4"])
            .claim(
                BenchClaim::ratio("wall", "async/2", "async", [0.45, 0.75])
                    .says("Two workers take about half as long as one thread")
                    .refuted_before(
                        "2026-11, two vCPUs of an AMD EPYC: 1.3 times; with SQLITE_ENABLE_MEMORY_MANAGEMENT, as in \
                         rusqlite, all connections share the lock of one page cache, and without it 0.6 times",
                    ),
            )
    })
}
