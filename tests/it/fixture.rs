//! A made-up run: scenarios, and records that a seeded generator makes up for them.

mod loads;

use std::time::Duration;

use async_vs_threads::analysis::{Analysis, analyze};
use async_vs_threads::histogram::Histogram;
use async_vs_threads::host::{Host, ThreadLimit};
use async_vs_threads::lanes::{Lanes, Span, What};
use async_vs_threads::record::{
    CalibrationOrigin, Ceiling, Conditions, Failure, HeartbeatRecord, LoadRecord, Measured, Outcome, Pass, Record,
    Requests, Run, RunState, SCHEMA, SendLag, Series, Source, Traced, Waits,
};
use async_vs_threads::scenario::{
    ArrivalSpec, Cell, ClientKind, EchoSpec, Family, Finite, HeartbeatSpec, HeavySpec, LoadSpec, Model, OffloadSpec,
    Parallel, Pin, Point, PointSpec, PoolKind, Rounds, Scenario, SleepSpec, StepsSpec, SweptValue, Work, expect,
};
use async_vs_threads::schedule::{Arrivals, Pacing};
use async_vs_threads::timeline::Timeline;
use async_vs_threads::units;
use async_vs_threads::usage::{Footprint, Gaps, Stolen, Usage};

/// A complete run, as the analysis takes it.
pub(crate) struct Fixture {
    pub(crate) run: Run,
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) records: Vec<Record>,
}

impl Fixture {
    /// Analyzes the run.
    pub(crate) fn analysis(&self) -> Analysis<'_> {
        analyze(&self.run, &self.scenarios, &self.records)
    }
}

/// The number of jobs in flight in every trial of echo.
const IN_FLIGHT: u64 = 8;

/// The conditions on an otherwise idle machine.
pub(crate) const QUIET: Conditions = Conditions {
    throttled_ns: None,
    stolen: Some(Stolen { cpu_ns: 0, of_ns: 200_000_000 }),
    cpus: 2,
    cpus_wanted: None,
    calibrated_ns: None,
};

/// The seed of the run.
pub(crate) const SEED: u64 = 42;

const MS: Duration = Duration::from_millis(1);

/// Returns six rounds of six scenarios on two CPUs.
pub(crate) fn tour() -> Fixture {
    let scenarios = vec![waiting(), computing(), heartbeat(), echo(), rates(), sweep()];
    let records = records(&scenarios, 6);
    Fixture { run: run(&scenarios, records.len() as u64), scenarios, records }
}

/// Returns the description of a run and its machine.
pub(crate) fn run(scenarios: &[Scenario], trials_planned: u64) -> Run {
    Run {
        schema: SCHEMA,
        started: "2026-11-20T10:00:00Z".into(),
        state: RunState::Complete,
        seed: SEED,
        rounds: "quick".into(),
        shard: None,
        host: Host {
            hostname: None,
            boot_id: None,
            cpu: Some("Example CPU @ 2.00GHz".into()),
            cpus: 2,
            cpu_quota: None,
            memory_bytes: Some(8 << 30),
            kernel: Some("6.1.0".into()),
            clocksource: Some("tsc".into()),
            governor: Some("performance".into()),
            open_files: Some(1_048_576),
            thread_limits: vec![ThreadLimit { name: "vm.max_map_count".into(), value: 65_530, allows: 15_882 }],
            rustc: "1.95.0".into(),
            tokio: "1.54.1".into(),
            rayon: "1.12.0".into(),
            avt: "0.1.0".into(),
            debug_build: false,
        },
        iterations_per_s: 412_000_000,
        calibration: CalibrationOrigin::New,
        parallel: Parallel::ideal(2).into(),
        ceilings: vec![Ceiling {
            client: ClientKind::Raw,
            threads: 1,
            pin: Pin::Split,
            server_cpus: None,
            floor_ns: 18_000,
            connections: 50,
            per_s: 180_000.0,
            goes: 3,
            lowest_per_s: 150_000.0,
            generator_cpu: 0.99,
            server_cpu: 0.9,
        }],
        scenarios: scenarios
            .iter()
            .map(|s| Source { name: s.name.clone(), given: s.name.clone(), toml: s.source.clone() })
            .collect(),
        models: Vec::new(),
        skipped: Vec::new(),
        trials_planned,
        judged: None,
    }
}

/// Returns the records of every cell of every scenario, round by round.
pub(crate) fn records(scenarios: &[Scenario], rounds: u32) -> Vec<Record> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut records = Vec::new();
    for scenario in scenarios {
        for pass in Pass::rounds(rounds) {
            for cell in scenario.cells().into_iter().chain(scenario.control_cells()) {
                let outcome = outcome(&cell, &mut random);
                records.push(record(&cell, pass, records.len() as u64 + 1, outcome));
            }
        }
        for cell in scenario.cells() {
            records.push(record(&cell, Pass::Lanes, records.len() as u64 + 1, traced(&cell)));
        }
    }
    records
}

/// Returns a recorded trial with two threads and two jobs, one of which waits.
fn traced(cell: &Cell) -> Outcome {
    let span = |lane, what, start, end| Span { lane, job: lane, what, start, end };
    let spans = vec![
        span(0, What::Wait, 1_000, 60_000),
        span(0, What::Run, 0, 70_000),
        span(1, What::Ready, 5_000, 61_000),
        span(1, What::Compute, 62_000, 90_000),
        span(1, What::Run, 61_000, 91_000),
    ];
    let lanes = Lanes {
        jobs_are: "job".into(),
        names: vec!["main".into(), "worker 1".into()],
        spans,
        left_out: 0,
        run_queue_ns: Some(1_500_000),
        busiest: None,
    };
    let waiting = u64::from(cell.work.jobs().unwrap_or(0));
    let (resident, kernel) = if cell.id.model == Model::Threads { (9_000, 16_384) } else { (450, 0) };
    let footprint = Footprint {
        resident_bytes: resident * waiting,
        page_table_bytes: kernel / 4 * waiting,
        kernel_stack_bytes: kernel * waiting,
        slab_bytes: kernel / 2 * waiting,
    };
    let footprint = cell.work.jobs().map(|_| footprint);
    let (wall_ns, jobs, cpu_ns) = (100_000_000, waiting.max(1), 195_000_000);
    Outcome::Traced(Box::new(Traced { cpus: 2, wall_ns, jobs, cpu_ns, lanes, footprint }))
}

/// Returns a record of a cell.
pub(crate) fn record(cell: &Cell, pass: Pass, order: u64, outcome: Outcome) -> Record {
    Record { schema: SCHEMA, run: SEED, cell: cell.id.clone(), pass, order, seed: order, conditions: QUIET, outcome }
}

/// Returns the point of a sweep over one key.
pub(crate) fn swept(key: &str, value: SweptValue) -> Point {
    Point::from_iter([(key.to_owned(), value)])
}

/// Returns a scenario with one point.
pub(crate) fn scenario(name: &str, question: &str, analysis: &str, models: &[&str], work: Work) -> Scenario {
    Scenario {
        name: name.into(),
        question: question.into(),
        analysis: analysis.into(),
        models: models.iter().map(|name| name.parse().expect("a model of the fixture")).collect(),
        rounds: Rounds { quick: 6, full: 15 },
        max_jobs: Vec::new(),
        may_refuse: Vec::new(),
        points: vec![PointSpec { at: Point::default(), work }],
        baseline: None,
        slo: None,
        claims: Vec::new(),
        source: format!("question = \"{question}\"\nworkload = \"sleep\"\n"),
    }
}

fn waiting() -> Scenario {
    let analysis = "A job that only waits needs nobody to do anything.\nExpect one thread to be enough.\n\n\
                    The sequential model would need 100 seconds, so it runs ten of the thousand jobs.";
    let work = Work::Sleep(SleepSpec { jobs: 1_000, wait: MS * 100, ..SleepSpec::default() });
    let models = ["sequential", "threads", "pool/100", "async", "async/2", "async+blocking"];
    let scenario =
        scenario("waiting", "How many threads does it take to wait for 1,000 things?", analysis, &models, work);
    Scenario { max_jobs: vec![(Model::Sequential, 10)], ..scenario }
}

fn computing() -> Scenario {
    let steps = StepsSpec { compute: MS * 50, ..StepsSpec::default() };
    let work = Work::Offload(OffloadSpec { jobs: 8, steps, ..OffloadSpec::default() });
    let models = ["sequential", "threads", "async", "async/2", "async+blocking", "async+rayon/2"];
    scenario("computing", "Does async make arithmetic faster?", "Eight computations on two processors.", &models, work)
}

fn heartbeat() -> Scenario {
    let steps = StepsSpec { block: MS * 300, ..StepsSpec::default() };
    let heartbeat = Some(HeartbeatSpec { every: MS * 10, beats: 41 });
    let work = Work::Offload(OffloadSpec { jobs: 1, steps, heartbeat, ..OffloadSpec::default() });
    let models = ["threads", "async", "async/2", "async+blocking", "async+rayon/2"];
    let question = "What happens to everybody else while one job holds its thread?";
    scenario("heartbeat", question, "A beat every 10 ms beside a call of 300 ms.", &models, work)
}

fn echo() -> Scenario {
    let compute = |length| StepsSpec { compute: length, ..StepsSpec::default() };
    let work = Work::Echo(EchoSpec {
        what: "hello".into(),
        steps: StepsSpec::default(),
        heavy: Some(HeavySpec { share: 0.05, steps: compute(MS * 5) }),
        request: None,
        bench: None,
        servers: Vec::new(),
        load: LoadSpec {
            client: ClientKind::Raw,
            connections: 64,
            threads: 1,
            warmup: MS * 200,
            duration: MS * 1_000,
            arrival: ArrivalSpec::Closed { think: Duration::ZERO },
            timeout: MS * 2_000,
            drain: MS * 500,
            pin: Pin::Split,
            server_cpus: None,
            cpu_limit: None,
        },
    });
    let models = ["threads", "pool/16", "async", "async/2", "async+blocking", "async+rayon/2"];
    let question = "Can one slow request in twenty spoil the other nineteen?";
    scenario("echo", question, "An HTTP echo of which some requests compute.", &models, work)
}

fn rates() -> Scenario {
    let point = |rate, arrival| {
        let load = LoadSpec {
            client: ClientKind::Raw,
            connections: 50,
            threads: 1,
            warmup: MS * 50,
            duration: MS * 200,
            arrival,
            timeout: MS * 2_000,
            drain: MS * 50,
            pin: Pin::Split,
            server_cpus: None,
            cpu_limit: None,
        };
        let steps = StepsSpec::default();
        let work = Work::Echo(EchoSpec {
            what: "hello".into(),
            steps,
            heavy: None,
            request: None,
            bench: None,
            servers: Vec::new(),
            load,
        });
        PointSpec { at: swept("load.rate", rate), work }
    };
    let open = |per_s| {
        let rate = SweptValue::Rate(Finite::new(per_s).expect("a rate of the fixture"));
        point(rate, ArrivalSpec::Open { rate: per_s, arrivals: Arrivals::Poisson, pacing: Pacing::Hybrid })
    };
    let closed = point(SweptValue::MaxRate, ArrivalSpec::Closed { think: Duration::ZERO });
    let points = vec![open(20_000.0), open(100_000.0), closed];
    let question = "At which rate does a model saturate?";
    let scenario =
        scenario("rates", question, "Two rates and a maximum.", &["threads", "async"], points[0].work.clone());
    Scenario { points, ..scenario }
}

fn sweep() -> Scenario {
    let point = |jobs: u32| PointSpec {
        at: swept("jobs", SweptValue::Count(jobs)),
        work: Work::Sleep(SleepSpec { jobs, wait: MS * 100, ..SleepSpec::default() }),
    };
    let first = point(100);
    let models = ["threads", "async", "async/2"];
    let question = "What does each waiting job cost?";
    let scenario = scenario("price", question, "The same wait for more and more jobs.", &models, first.work.clone());
    Scenario { points: vec![first, point(1_000), point(20_000)], ..scenario }
}

fn outcome(cell: &Cell, random: &mut fastrand::Rng) -> Outcome {
    if cell.id.model == Model::Threads && cell.work.jobs() == Some(20_000) {
        let limit = "vm.max_map_count".into();
        return Outcome::Failed(Failure::ThreadLimit { needed: 20_000, limit, value: 65_530, allows: 15_882 });
    }
    Outcome::Measured(Box::new(match &cell.work {
        Work::Echo(echo) if echo.heavy.is_none() => loads::open_loop(cell.id.model, echo, random),
        Work::Echo(echo) => loads::closed_loop(cell.id.model, echo, random),
        _ => measured_jobs(cell, random),
    }))
}

/// Returns a measurement of jobs that take the predicted time and slightly more.
fn measured_jobs(cell: &Cell, random: &mut fastrand::Rng) -> Measured {
    let jobs = cell.work.jobs().expect("jobs, as echo has a function of its own");
    let wall =
        expect::wall(&cell.work, cell.id.model, &Parallel::ideal(2)).as_nanos() as f64 * (1.005 + 0.03 * random.f64());
    let times = || (Histogram::default(), Histogram::default());
    let (mut response, mut service) = times();
    let alone = cell.work.steps().alone().as_nanos() as f64;
    for job in 0..jobs {
        let grain = if cell.id.model.family() == Family::Threads {
            8e4 * random.f64()
        } else {
            1e6 * f64::from(random.u8(1..=2))
        };
        let share = if cell.work.steps().wait.is_zero() { f64::from(job + 1) / f64::from(jobs) } else { 0.0 };
        let time = (alone + grain + 1e4 * random.f64()).max(wall * share);
        response.record(time as u64);
        service.record((alone + grain) as u64);
    }
    let mut series = vec![Series::of_jobs("jobs", response, service)];
    let heartbeat = match &cell.work {
        Work::Offload(offload) => offload.heartbeat.map(|spec| {
            let longest =
                expect::longest_gap(offload, cell.id.model).expect("this work has a heartbeat").as_nanos() as f64;
            let (mut response, mut service) = times();
            for beat in 0..spec.beats {
                let late = (longest - 1e7 * f64::from(beat)).max(0.0) * f64::from(u8::from(longest > 2e7));
                response.record((late + 1e5 + 1e6 * random.f64()) as u64);
                service.record(1_000 + random.u64(0..500));
            }
            series.push(Series::of_jobs("beats", response, service));
            let longest_gap_ns = (longest + 1.2e6 * random.f64()) as u64;
            HeartbeatRecord { every_ns: spec.every.as_nanos() as u64, beats: spec.beats, longest_gap_ns }
        }),
        _ => None,
    };
    let threads = match cell.id.model {
        Model::Sequential | Model::External(_) => 1,
        Model::Threads => u64::from(jobs) + u64::from(heartbeat.is_some()),
        Model::Pool(n) | Model::Rayon(n) => u64::from(n.get()),
        Model::Async(runtime, pool) => {
            let steps = cell.work.steps();
            let is_handed_over = pool != PoolKind::Inline && steps.block + steps.compute > Duration::ZERO;
            u64::from(runtime.threads()) + if is_handed_over { cell.id.model.step_threads(jobs).into() } else { 0 }
        }
    };
    Measured {
        most_in_flight: cell.work.jobs().map_or(IN_FLIGHT, u64::from),
        others: None,
        runtime: None,
        cores: Vec::new(),
        waits: Waits::default(),
        throttled_ns: None,
        server_window_ns: None,
        wall_ns: wall as u64,
        jobs: jobs.into(),
        threads,
        series,
        heartbeat,
        usage: usage(threads, u64::from(jobs), cell.work.steps().compute.as_nanos() as u64 * u64::from(jobs)),
        load: None,
    }
}

fn usage(threads: u64, jobs: u64, computed_ns: u64) -> Usage {
    Usage {
        cpu_user_ns: computed_ns + jobs * 1_500,
        cpu_system_ns: threads * 40_000 + jobs * 900,
        switches_voluntary: jobs + threads * 2,
        switches_involuntary: threads / 3,
        faults_minor: 100 + threads * 6,
        faults_major: 0,
        memory_peak_bytes: Some((5 << 20) + threads * 9_500 + jobs * 400),
        memory_start_bytes: Some(4 << 20),
        threads_at_end: Some(1),
        gaps: Gaps::default(),
    }
}
