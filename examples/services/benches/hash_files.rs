//! Is `tokio::fs` worth it for reading and hashing files?
//!
//! 64 files of 256 KiB are read from the page cache and hashed. `read-async` reads with `tokio::fs` and hands the hash to
//! the pool; `read-blocking` hands both to the pool in one piece, as `std::fs` needs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use async_vs_threads::bench;
use async_vs_threads::{Checksum, JobId, Pool, Workload};

const FILES: u32 = 64;

const BYTES: usize = 256 << 10;

/// Returns the path of a file, and makes the file if there is none.
fn file(job: JobId) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("file-{}", job.0 % FILES))
}

fn make_files() {
    for job in (0..FILES).map(JobId) {
        let path = file(job);
        if fs::metadata(&path).map_or(0, |meta| meta.len()) != BYTES as u64 {
            let draft = path.with_extension(std::process::id().to_string());
            let bytes: Vec<u8> = (0..BYTES).map(|k| (k as u32 ^ job.0) as u8).collect();
            fs::write(&draft, bytes).and_then(|()| fs::rename(&draft, &path)).expect("the folder can be written");
        }
        // The first read of a trial finds it in the page cache.
        fs::read(&path).expect("the file is there");
    }
}

/// FNV-1a (Fowler, Noll and Vo), byte by byte: about 1 ns a byte.
fn hash(bytes: &[u8]) -> Checksum {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    Checksum(bytes.iter().fold(0xcbf2_9ce4_8422_2325, step))
}

fn read_and_hash(job: JobId) -> Checksum {
    hash(&fs::read(file(job)).expect("the file is there"))
}

/// Reads with `tokio::fs`, which hands each read to tokio's blocking pool, and hands the hash to the pool.
struct ReadAsync;

impl Workload for ReadAsync {
    fn run_blocking(&self, job: JobId) -> Checksum {
        read_and_hash(job)
    }

    async fn run_async<P: Pool>(&self, job: JobId, pool: &P) -> Checksum {
        let bytes = tokio::fs::read(file(job)).await.expect("the file is there");
        pool.run(move || hash(&bytes)).await
    }
}

fn main() -> ExitCode {
    bench::main(|b| {
        let models = ["threads", "pool/2", "rayon/2", "async+blocking", "async+rayon/2"];
        b.workload("read-async", || {
            make_files();
            ReadAsync
        })
        .question("What does it cost to read files with tokio::fs?")
        .jobs(FILES)
        .models(models);
        b.blocking_only("read-blocking", || {
            make_files();
            read_and_hash
        })
        .question("What if one hand-over to the pool reads and hashes?")
        .jobs(FILES)
        .models(models)
    })
}
