//! What taking a sample costs, and what a report costs.
//!
//! A large run is seven models at six rates in ten rounds. Its peak memory is that of this process, printed first.

#[path = "common/with_criterion.rs"]
mod with_criterion;

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use async_vs_threads::analysis::analyze;
use async_vs_threads::histogram::Histogram;
use async_vs_threads::host::Host;
use async_vs_threads::job_log::{Checksum, JobId, JobLog};
use async_vs_threads::lanes::{self, What};
use async_vs_threads::record::{
    CalibrationOrigin, Conditions, Folder, LoadRecord, Measured, Outcome, Pass, Record, Run, RunState, SCHEMA, SendLag,
    Series, Waits,
};
use async_vs_threads::scenario::{Finite, Parallel, PointSpec, Scenario, SweptValue, builtin};
use async_vs_threads::timeline::Timeline;
use async_vs_threads::usage::{Meter, Usage};
use async_vs_threads::{random, report, thread_count, units};
use criterion::{Criterion, SamplingMode};

fn overhead(c: &mut Criterion) {
    let mut group = c.benchmark_group("overhead");
    group.bench_function("clock read", |b| b.iter(Instant::now));
    group.bench_function("thread_count, after the first call", |b| b.iter(thread_count::mark_current));

    let mut histogram = Histogram::default();
    let mut times = (0..u64::MAX).map(|k| 50_000 + k.wrapping_mul(2_654_435_761) % 100_000);
    group.bench_function("histogram record", |b| {
        b.iter(|| histogram.record(black_box(times.next().expect("the times do not end"))));
    });

    // Two clock reads, the histogram and its place in time: a request of the load generator.
    let (start, mut over_time) = (Instant::now(), Timeline::default());
    group.bench_function("sample of a request", |b| {
        b.iter(|| {
            let sent = start.elapsed().as_nanos() as u64;
            let done = start.elapsed().as_nanos() as u64;
            histogram.record(done - sent);
            over_time.record(sent, done - sent);
        });
    });

    // Two clock reads and a row: a job of sleep or offload.
    let log = JobLog::new(1_024);
    log.start();
    let mut jobs = (0..1_024).map(JobId).cycle();
    group.bench_function("record of a job", |b| {
        b.iter(|| {
            let begun = log.now();
            log.finish(jobs.next().expect("the jobs go round"), begun, Checksum(0));
        });
    });

    // Around each step of a job, where its lanes are not recorded: in every measured trial.
    group.bench_function("span that is not recorded", |b| b.iter(|| lanes::span(What::Compute, || black_box(1))));

    // Once a trial at either end, outside the window.
    group.bench_function("meter, both ends", |b| b.iter(|| Meter::start().stop()));
    group.finish();
}

/// A run as large as they come, read from its folder.
fn large_run() -> (Run, Scenario, Vec<Record>) {
    let mut scenario = builtin::find("echo").expect("a built-in scenario").scenario();
    let names = ["sequential", "threads", "pool/2", "async", "async/2", "async+blocking", "async+rayon/2"];
    scenario.models = names.iter().filter_map(|name| name.parse().ok()).collect();
    let point = scenario.points[0].clone();
    let rate = |k: u32| SweptValue::Rate(Finite::new(f64::from(k)).expect("a small number"));
    let at = |k| [("load.rate".to_owned(), rate(k))].into_iter().collect();
    scenario.points = (1..=6).map(|k| PointSpec { at: at(k), ..point.clone() }).collect();
    let mut rng = random::stream(1, 1);
    let mut times = || {
        let mut times = Histogram::default();
        (0..10_000).for_each(|_| times.record((50_000.0 - 30_000.0 * (1.0 - rng.f64()).ln()) as u64));
        times
    };
    let over_time = || {
        let mut timeline = Timeline::default();
        (0..10_000).for_each(|k| timeline.record(k * 100_000, 50_000 + k % 999 * 100));
        timeline
    };
    let run = Run {
        schema: SCHEMA,
        started: "2026-11-20T10:00:00Z".into(),
        state: RunState::Complete,
        seed: 1,
        rounds: "full".into(),
        shard: None,
        host: Host::read(),
        iterations_per_s: 1,
        calibration: CalibrationOrigin::New,
        parallel: Parallel::ideal(2).into(),
        ceilings: Vec::new(),
        scenarios: Vec::new(),
        models: Vec::new(),
        skipped: Vec::new(),
        trials_planned: 480,
        judged: None,
    };
    let home = tempfile::tempdir().expect("a temporary folder");
    let path = home.path().join("run");
    let mut folder = Folder::create(&path, &run).expect("a folder");
    for (order, cell) in scenario.cells().into_iter().chain(scenario.control_cells()).enumerate() {
        for pass in Pass::rounds(10) {
            let series = Series::of_jobs("requests", times(), times());
            let lag = SendLag { total: times(), late: times(), no_connection: Histogram::default() };
            let measured = Measured {
                wall_ns: 1_000_000_000,
                jobs: 10_000,
                threads: 1,
                most_in_flight: 100,
                series: vec![series],
                heartbeat: None,
                others: None,
                runtime: None,
                cores: Vec::new(),
                waits: Waits::default(),
                throttled_ns: None,
                server_window_ns: None,
                usage: Usage { cpu_user_ns: 1_000_000, ..Usage::default() },
                load: Some(LoadRecord {
                    offered_per_s: Some(10_000.0),
                    send_lag: lag,
                    over_time: over_time(),
                    warmup: over_time(),
                    threads: 1,
                    ..LoadRecord::default()
                }),
            };
            let record = Record {
                schema: SCHEMA,
                run: run.seed,
                cell: cell.id.clone(),
                pass,
                order: order as u64 + 1,
                seed: 1,
                conditions: Conditions { cpus: 2, ..Conditions::default() },
                outcome: Outcome::Measured(Box::new(measured)),
            };
            folder.append(&record).expect("a record");
        }
    }
    let (run, records) = Folder::read(&path).expect("what was written");
    (run, scenario, records)
}

fn reports(c: &mut Criterion) {
    let (run, scenario, records) = large_run();
    let scenarios = [scenario];
    let pages = report::pages(&analyze(&run, &scenarios, &records));
    let bytes: usize = pages.iter().map(|page| page.html.len()).sum();
    let memory = Meter::start().stop().memory_peak_bytes.map_or_else(|| "n/a".into(), units::bytes);
    println!("{} records, {} of pages, peak memory {memory}", records.len(), units::bytes(bytes as u64));
    let mut group = c.benchmark_group("report");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.bench_function("analysis and pages of a large run", |b| {
        b.iter(|| report::pages(&analyze(&run, &scenarios, &records)))
    });
    // The largest page of `reports/sample`.
    let (run, records) = Folder::read(Path::new("reports/sample")).expect("the sample");
    let scenarios = [builtin::find("sleep").expect("a built-in scenario").scenario()];
    let analysis = analyze(&run, &scenarios, &records);
    group.bench_function("one page of the tour", |b| b.iter(|| report::page(&analysis, 0)));
    group.finish();
}

fn main() {
    with_criterion::run(None, Duration::from_secs(1), &[reports, overhead]);
}
