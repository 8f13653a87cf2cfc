//! What the building blocks of the models cost: starting a thread or a task, a hop between two of them, an offload and
//! back, a lock, a schedule, and the harness around a job. `codec.rs` measures the codec.
//!
//! Everything under a runtime is timed inside a task that runs on it, because `Bencher::to_async` would add a wake-up
//! of the benching thread to every iteration (bheisler/criterion.rs#819).

#[path = "common/with_criterion.rs"]
mod with_criterion;

use std::future::Future;
use std::hint::black_box;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use async_vs_threads::model::{self, BlockingPool, Inline, RayonPool};
use async_vs_threads::scenario::Model;
use async_vs_threads::schedule::{Arrivals, Schedule};
use async_vs_threads::{Checksum, JobId, Pool, Workload};
use criterion::{Criterion, PlottingBackend, Throughput};
use tokio::runtime::{Builder, Runtime};

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime can be built")
}

fn two_workers() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built")
}

/// Times what a task does, from inside it.
fn timed<F: Future<Output = ()> + Send + 'static>(runtime: &Runtime, work: F) -> Duration {
    let task = async {
        let start = Instant::now();
        work.await;
        start.elapsed()
    };
    runtime.block_on(async { tokio::spawn(task).await.expect("no task panics") })
}

/// Start one that does nothing, and wait for its end.
fn spawn(c: &mut Criterion) {
    let mut group = c.benchmark_group("spawn");
    group.bench_function("thread", |b| b.iter(|| thread::spawn(|| ()).join().expect("no thread panics")));
    for (name, runtime) in [("task/async", one_thread()), ("task/async-2", two_workers())] {
        group.bench_function(name, |b| {
            b.iter_custom(|n| {
                timed(&runtime, async move {
                    for _ in 0..n {
                        tokio::spawn(async {}).await.expect("no task panics");
                    }
                })
            });
        });
    }
    group.finish();
}

/// A message to another one and an answer back: two hops.
fn hop(c: &mut Criterion) {
    let mut group = c.benchmark_group("hop-and-back");
    group.bench_function("threads", |b| {
        let (to, inbox) = mpsc::sync_channel::<()>(1);
        let (back, outbox) = mpsc::sync_channel::<()>(1);
        let echo = thread::spawn(move || while inbox.recv().is_ok() && back.send(()).is_ok() {});
        b.iter(|| {
            to.send(()).expect("the other thread listens");
            outbox.recv().expect("the other thread answers");
        });
        drop(to);
        echo.join().expect("no thread panics");
    });
    for (name, runtime) in [("tasks/async", one_thread()), ("tasks/async-2", two_workers())] {
        group.bench_function(name, |b| {
            b.iter_custom(|n| {
                timed(&runtime, async move {
                    let (to, mut inbox) = tokio::sync::mpsc::channel::<()>(1);
                    let (back, mut outbox) = tokio::sync::mpsc::channel::<()>(1);
                    let echo =
                        tokio::spawn(
                            async move { while inbox.recv().await.is_some() && back.send(()).await.is_ok() {} },
                        );
                    for _ in 0..n {
                        to.send(()).await.expect("the other task listens");
                        outbox.recv().await.expect("the other task answers");
                    }
                    drop(to);
                    echo.await.expect("no task panics");
                })
            });
        });
    }
    group.finish();
}

/// Send work that does nothing to a pool and wait for its answer.
fn offload(c: &mut Criterion) {
    let mut group = c.benchmark_group("offload-and-back");
    let runtime = one_thread();
    let rayon = RayonPool::new(2, Arc::default()).expect("two threads can be started");
    group.bench_function("inline", |b| b.iter_custom(|n| timed(&runtime, empty(Inline, n))));
    group.bench_function("blocking", |b| b.iter_custom(|n| timed(&runtime, empty(BlockingPool::default(), n))));
    group.bench_function("rayon-2", |b| b.iter_custom(|n| timed(&runtime, empty(rayon.clone(), n))));
    group.bench_function("own-thread", |b| b.iter(|| thread::spawn(|| 7).join().expect("no thread panics")));
    group.finish();
}

async fn empty<P: Pool>(pool: P, n: u64) {
    for _ in 0..n {
        pool.run(|| black_box(())).await;
    }
}

/// Take a lock that nobody holds, and release it.
fn lock(c: &mut Criterion) {
    let mut group = c.benchmark_group("lock");
    let mutex = Mutex::new(0_u64);
    group.bench_function("std", |b| b.iter(|| *mutex.lock().expect("no thread panics") += 1));
    let runtime = one_thread();
    group.bench_function("tokio", |b| {
        b.iter_custom(|n| {
            timed(&runtime, async move {
                let mutex = tokio::sync::Mutex::new(0_u64);
                for _ in 0..n {
                    *mutex.lock().await += 1;
                }
                black_box(mutex);
            })
        });
    });
    group.finish();
}

/// Compute when requests are due.
fn schedule(c: &mut Criterion) {
    const REQUESTS: usize = 10_000;
    let mut group = c.benchmark_group("schedule");
    group.throughput(Throughput::Elements(REQUESTS as u64));
    for arrivals in [Arrivals::Poisson, Arrivals::Even] {
        let schedule = Schedule { rate: 1_000.0, arrivals, seed: 1 };
        group.bench_function(arrivals.name(), |b| {
            b.iter(|| {
                schedule.offsets().take(REQUESTS).for_each(|due| {
                    black_box(due);
                })
            });
        });
    }
    group.finish();
}

/// Work that takes hardly any time, so that what is left is the harness.
struct Empty;

impl Workload for Empty {
    fn run_blocking(&self, job: JobId) -> Checksum {
        black_box(Checksum(job.0.into()))
    }

    async fn run_async<P: Pool>(&self, job: JobId, _: &P) -> Checksum {
        self.run_blocking(job)
    }
}

/// Run jobs that do nothing: in a loop, and as `bench::main` runs them under `sequential`, with their times and
/// checksums in the log. Per job, the difference is what the harness adds to a measured job.
fn seam(c: &mut Criterion) {
    const JOBS: u32 = 10_000;
    let workload = Arc::new(Empty);
    let mut group = c.benchmark_group("job-of-nothing");
    group.throughput(Throughput::Elements(JOBS.into()));
    group.bench_function("loop", |b| {
        b.iter(|| (0..JOBS).map(|job| workload.run_blocking(JobId(job))).sum::<Checksum>());
    });
    // A job in the log needs both, so the rest of the difference is what could be saved.
    group.bench_function("loop with two clock reads", |b| {
        let job = |job| (black_box(Instant::now()), workload.run_blocking(JobId(job)), black_box(Instant::now())).1;
        b.iter(|| (0..JOBS).map(job).sum::<Checksum>());
    });
    group.bench_function("sequential", |b| {
        b.iter_custom(|n| {
            (0..n).map(|_| model::wall(Model::Sequential, &workload, JOBS).expect("no thread is started")).sum()
        });
    });
    group.finish();
}

fn main() {
    with_criterion::run(
        Some(PlottingBackend::Plotters),
        Duration::from_secs(1),
        &[spawn, hop, offload, lock, schedule, seam],
    );
}
