//! 8 computations of 5 ms under every model: async adds no CPU.

#[path = "common/with_criterion.rs"]
mod with_criterion;

use std::sync::Arc;
use std::time::Duration;

use async_vs_threads::model;
use async_vs_threads::protocol::Calibration;
use async_vs_threads::scenario::{Model, StepsSpec};
use async_vs_threads::workload::offload::Offload;
use async_vs_threads::workload::{Shared, Steps, calibrate, compute};
use criterion::{Criterion, SamplingMode};

const JOBS: u32 = 8;

fn offload(c: &mut Criterion) {
    let spec = StepsSpec { compute: Duration::from_millis(5), ..StepsSpec::default() };
    let mut calibration = Calibration { iterations_per_s: calibrate(), checksums: Vec::new() };
    let iterations = calibration.iterations(spec.compute);
    calibration.checksums.push((iterations, compute(iterations).0));
    let steps = Steps::new(&spec, &calibration, Shared::new(None)).expect("its checksum is known");
    let workload = Arc::new(Offload { steps, heartbeat: None });
    let mut group = c.benchmark_group("offload");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    for name in Model::EXAMPLES {
        let model: Model = name.parse().expect("it names a model");
        group.bench_function(name, |b| {
            b.iter_custom(|n| {
                (0..n).map(|_| model::wall(model, &workload, JOBS).expect("the machine allows it")).sum()
            });
        });
    }
    group.finish();
}

fn main() {
    with_criterion::run(None, Duration::from_secs(1), &[offload]);
}
