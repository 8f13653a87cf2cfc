//! 1,000 jobs that wait 10 ms, under every model: overlapping waits need no threads.

#[path = "common/with_criterion.rs"]
mod with_criterion;

use std::sync::Arc;
use std::time::Duration;

use async_vs_threads::model;
use async_vs_threads::scenario::{Model, StepsSpec};
use async_vs_threads::workload::{Shared, Sleep, Steps};
use criterion::{Criterion, SamplingMode};

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

fn main() {
    with_criterion::run(None, Duration::from_secs(1), &[sleep]);
}
