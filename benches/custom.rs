//! Your own work under every model. Replace [`Thumbnail`] in this file, and run `cargo bench --bench custom`.
//!
//! A workload has two methods: one written as in a thread, one written as in a future. Work that would hold the thread
//! goes through the pool; the model decides where the pool runs it.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use async_vs_threads::{Checksum, JobId, Pool, Workload, bench};

/// Waits for a picture to arrive, then makes it smaller.
struct Thumbnail;

const ARRIVES: Duration = Duration::from_millis(5);

/// Shrinks a picture of 256 x 256 grey pixels by 8: the mean of each square; the checksum is the sum of all means.
fn shrink(job: JobId) -> Checksum {
    const SIDE: usize = 256;
    const BY: usize = 8;
    let pixels: Vec<u8> = (0..SIDE * SIDE).map(|k| (k as u32 ^ job.0) as u8).collect();
    let mean = |row: usize, column: usize| -> u64 {
        let square = (0..BY * BY).map(|k| pixels[(row * BY + k / BY) * SIDE + column * BY + k % BY]);
        square.map(u64::from).sum::<u64>() / (BY * BY) as u64
    };
    let side = SIDE / BY;
    Checksum((0..side * side).map(|k| mean(k / side, k % side)).sum())
}

impl Workload for Thumbnail {
    fn run_blocking(&self, job: JobId) -> Checksum {
        thread::sleep(ARRIVES);
        shrink(job)
    }

    async fn run_async<P: Pool>(&self, job: JobId, pool: &P) -> Checksum {
        tokio::time::sleep(ARRIVES).await;
        pool.run(move || shrink(job)).await
    }
}

fn main() -> ExitCode {
    bench::main(|b| {
        b.workload("thumbnail", || Thumbnail).question("Which model makes 64 thumbnails fastest?").jobs(64).models([
            "threads",
            "pool/8",
            "async",
            "async/2",
            "async+blocking",
            "async+rayon/2",
        ])
    })
}
