//! What the building blocks of the models cost: starting a thread or a task, a hop between two of them, an offload and
//! back.
//!
//! Everything under a runtime is timed inside a task that runs on it, because `Bencher::to_async` would add a wake-up
//! of the benching thread to every iteration (bheisler/criterion.rs#819).

use std::future::Future;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use async_vs_threads::model::{BlockingPool, Inline, RayonPool};
use async_vs_threads::workload::Pool;
use criterion::{Criterion, criterion_group, criterion_main};
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
        pool.run(|| std::hint::black_box(())).await;
    }
}

criterion_group!(benches, spawn, hop, offload);
criterion_main!(benches);
