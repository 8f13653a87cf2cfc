//! What measuring costs: the ruler's own thickness.

use std::hint::black_box;
use std::time::Instant;

use async_vs_threads::census;
use async_vs_threads::histogram::Histogram;
use async_vs_threads::ledger::Ledger;
use async_vs_threads::usage::Meter;
use criterion::{Criterion, criterion_group, criterion_main};

fn overhead(c: &mut Criterion) {
    let mut group = c.benchmark_group("overhead");
    group.bench_function("clock read", |b| b.iter(Instant::now));
    group.bench_function("census, after the first time", |b| b.iter(census::touch));

    let mut histogram = Histogram::default();
    let mut times = (0..u64::MAX).map(|k| 50_000 + k.wrapping_mul(2_654_435_761) % 100_000);
    group.bench_function("histogram record", |b| {
        b.iter(|| histogram.record(black_box(times.next().expect("the times do not end"))));
    });

    // Two clock reads and the histogram: a request of the load generator.
    let start = Instant::now();
    group.bench_function("sample of a request", |b| {
        b.iter(|| {
            let sent = start.elapsed().as_nanos() as u64;
            let done = start.elapsed().as_nanos() as u64;
            histogram.record(done - sent);
        });
    });

    // Two clock reads and a row: a job of sleep or offload.
    let ledger = Ledger::new(1_024);
    ledger.start();
    let mut jobs = (0..1_024).cycle();
    group.bench_function("row of a job", |b| {
        b.iter(|| {
            let begun = ledger.now();
            ledger.enter(jobs.next().expect("the jobs go round"), begun, 0);
        });
    });

    // Once a trial at either end, outside the window.
    group.bench_function("meter, both ends", |b| b.iter(|| Meter::start().stop()));
    group.finish();
}

criterion_group!(benches, overhead);
criterion_main!(benches);
