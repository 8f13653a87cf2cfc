//! 1,000 jobs that wait 10 ms, under every model: overlapping waits need no threads.

use std::sync::Arc;
use std::time::Duration;

use async_vs_threads::model;
use async_vs_threads::scenario::{Model, StepsSpec};
use async_vs_threads::workload::{Shared, Sleep, Steps};
use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};

/// `sequential` gets fewer: it needs the sum of all waits.
const JOBS: u32 = 1_000;
const JOBS_SEQUENTIAL: u32 = 10;

fn sleep(c: &mut Criterion) {
    let wait = StepsSpec { wait: Duration::from_millis(10), ..StepsSpec::default() };
    let steps = Steps::new(&wait, &Default::default(), Shared::new(None)).expect("no step computes");
    let workload = Arc::new(Sleep { steps });
    let mut group = c.benchmark_group("sleep");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    for name in ["sequential", "threads", "pool/100", "async", "async/2", "async+blocking", "async+rayon/2"] {
        let model: Model = name.parse().expect("it names a model");
        let jobs = if model == Model::Sequential { JOBS_SEQUENTIAL } else { JOBS };
        group.bench_function(format!("{jobs}-jobs/{name}"), |b| {
            b.iter_custom(|n| {
                (0..n).map(|_| model::wall(model, &workload, jobs).expect("the machine allows it")).sum()
            });
        });
    }
    group.finish();
}

/// Returns short times, so that all benches together take ten minutes.
fn short() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2))
}

criterion_group! {
    name = benches;
    config = short();
    targets = sleep
}
criterion_main!(benches);
