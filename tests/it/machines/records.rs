//! Records of a run on a simulated machine.
//!
//! The costs of a thread, a task and a request are the same on every machine and come from the sources that the claims
//! name; only the number of CPUs varies.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use async_vs_threads::histogram::Histogram;
use async_vs_threads::lanes::{Lanes, Slice, Span, What};
use async_vs_threads::record::{
    Conditions, Failure, GeneratorThread, HeartbeatRecord, LoadRecord, Measured, Outcome, Pass, Requests, Run, SendLag,
    Series, Traced, Waits,
};
use async_vs_threads::scenario::{
    Cell, Composition, EchoSpec, Family, LockScope, Machine as Cpus, Model, OffloadSpec, Parallel, Pin, PoolKind,
    RuntimeKind, Scenario, StepsSpec, Work,
};
use async_vs_threads::usage::{Footprint, Usage};

use super::simulate::{Item, Machine, Stage, Station};
use crate::fixture::{self, Fixture, QUIET};

/// CPU time in nanoseconds: to start a thread or a task (jimblandy/context-switch), to call another pool
/// (tokio #7757), and to handle a request on a thread, on one async thread and on several workers.
const THREAD: f64 = 20_000.0;
const TASK: f64 = 300.0;
const CALL: f64 = 8_000.0;
const REQUEST: [f64; 3] = [7_500.0, 6_500.0, 6_800.0];
/// The time of a request in the load generator, and on its way to the server and back.
const GENERATOR: f64 = 5_000.0;
const WAY: f64 = 15_000.0;
/// The lateness of a sleeping thread and of an awaited timer.
const LATE: [f64; 2] = [100_000.0, 1_100_000.0];
/// The time slice that a thread waits for a CPU while others compute on all of them.
const SLICE: f64 = 3e6;
/// The limit on threads of an ordinary Linux.
const MOST_THREADS: u32 = 15_882;

/// The simulated trial of a cell in one round.
#[derive(Clone)]
struct Trial {
    wall: f64,
    jobs: u64,
    threads: u64,
    in_flight: u64,
    /// Response and service times of the jobs or cheap requests, and of the heavy ones.
    times: [Vec<(f64, f64)>; 2],
    longest_gap: Option<f64>,
    cpu: f64,
    switches: u64,
    executing: usize,
    /// The waits for a thread of the pool, if steps go to one, and for a permit.
    waits: [Vec<f64>; 2],
    starved: u32,
    /// The number of requests that were sent or due and never finish.
    open: u64,
}

/// Simulates six rounds of these scenarios on this machine.
pub(super) fn simulate_run(scenarios: &[Scenario], machine: &Parallel) -> Fixture {
    let mut records = Vec::new();
    let mut known: HashMap<String, Trial> = HashMap::new();
    let mut random = fastrand::Rng::with_seed(11);
    for scenario in scenarios {
        for pass in Pass::rounds(6).chain([Pass::Lanes]) {
            let round = pass.round().unwrap_or(1);
            for cell in scenario.cells() {
                let cpus = machine.at_most(cell.work.cpus().unwrap_or(u32::MAX));
                // Without heavy requests, rounds differ only by noise.
                let is_drawn = matches!(&cell.work, Work::Echo(echo) if echo.heavy.is_some());
                let name = format!("{:?} {:?} {}", cell.work, cell.id.model, if is_drawn { round } else { 0 });
                let outcome = match thread_limit_failure(&cell) {
                    Some(failure) => Outcome::Failed(failure),
                    None => {
                        let trial = known.entry(name).or_insert_with(|| trial(&cell, &cpus, machine, round)).clone();
                        match pass.round() {
                            Some(_) => Outcome::Measured(Box::new(measured(
                                &trial,
                                &cell,
                                1.0 + 2e-3 * random.f64(),
                                machine.cpus(),
                            ))),
                            None => Outcome::Traced(Box::new(traced(&trial, &cell, &cpus))),
                        }
                    }
                };
                let (cpus, wanted) = (machine.cpus(), cell.work.cpus_wanted(cell.id.model));
                let mut record = fixture::record(&cell, pass, records.len() as u64 + 1, outcome);
                record.conditions = Conditions { cpus, cpus_wanted: wanted, ..QUIET };
                records.push(record);
            }
        }
    }
    let mut run: Run = fixture::run(scenarios, records.len() as u64);
    run.host.cpus = machine.cpus();
    let pinned = [1, 2].map(|cpus| (cpus, machine.at_most(cpus)));
    run.parallel = Cpus::new(machine.clone(), pinned.into());
    run.ceilings.clear();
    Fixture { run, scenarios: scenarios.to_vec(), records }
}

/// Returns the failure of a cell that needs more threads than the system allows.
fn thread_limit_failure(cell: &Cell) -> Option<Failure> {
    let needed = cell.work.jobs().filter(|jobs| *jobs > MOST_THREADS && cell.id.model == Model::Threads)?;
    let limit = "vm.max_map_count".into();
    Some(Failure::ThreadLimit { needed: needed.into(), limit, value: 65_530, allows: MOST_THREADS.into() })
}

fn nanos(length: Duration) -> f64 {
    length.as_nanos() as f64
}

/// Returns the actual length of a wait.
fn actual_wait(model: Model, wait: f64) -> f64 {
    match (wait > 0.0, model.family()) {
        (false, _) => 0.0,
        (true, Family::Threads) => wait + LATE[0],
        (true, _) => wait + LATE[1],
    }
}

fn trial(cell: &Cell, cpus: &Parallel, all: &Parallel, round: u32) -> Trial {
    match &cell.work {
        Work::Echo(echo) => {
            // A server without a number of CPUs has all CPUs except the generator's, or shares all with it.
            let cpus = match (echo.load.server_cpus, echo.load.pin) {
                (None, Pin::Split) => &all.at_most((all.cpus() - 1).max(1)),
                (None, Pin::None) => all,
                (Some(_), _) => cpus,
            };
            simulate_server(cell.id.model, echo, cpus, round)
        }
        Work::Own(_) => unreachable!("no built-in scenario has a user's own jobs"),
        Work::Sleep(sleep) => {
            let steps = StepsSpec { wait: sleep.wait, ..StepsSpec::default() };
            simulate_jobs(cell.id.model, sleep.jobs, steps, sleep.compose, None, cpus)
        }
        Work::Offload(offload) => {
            simulate_jobs(cell.id.model, offload.jobs, offload.steps, offload.compose, Some(offload), cpus)
        }
    }
}

/// The stations that run blocking steps; that create jobs, or send requests; that hold the lock; and that hold the permits.
const POOL: usize = 1;
const CREATE: usize = 2;
const LOCK: usize = 3;
const PERMITS: usize = 4;

/// Returns the station that runs the jobs, the one that runs their blocking steps, and those of what all jobs share.
fn stations(model: Model, all: usize, steps: StepsSpec, compose: Composition) -> Vec<Station> {
    let (first, second) = match model {
        Model::Sequential | Model::External(_) => (1, 0),
        Model::Threads => (all, 0),
        Model::Pool(n) | Model::Rayon(n) => (n.get().into(), 0),
        Model::Async(runtime, pool) => {
            let is_one_task = compose != Composition::Spawn && pool == PoolKind::Inline;
            let first = if is_one_task { runtime.runtimes() } else { runtime.threads() };
            let second = match pool {
                PoolKind::Inline => 0,
                PoolKind::Blocking(_) | PoolKind::InPlace => pool.most_blocking() as usize,
                PoolKind::Rayon(k) | PoolKind::Runtime(k) => k.get().into(),
            };
            (first.into(), second)
        }
    };
    let permits = steps.permits.map_or(all, |permits| permits as usize);
    [first, second, 1, 1, permits].map(Station::new).into()
}

/// Returns the stages of a job or request that computes for `around` besides its steps.
fn stages(model: Model, steps: StepsSpec, around: f64) -> Vec<Stage> {
    let (wait, blocked, computed) = (actual_wait(model, nanos(steps.wait)), nanos(steps.block), nanos(steps.compute));
    let hold = |station, blocked, computed| Stage::Hold { station, blocked, computed };
    if steps.permits.is_some() {
        // Only the permits are scarce in the scenarios that have them.
        return vec![hold(0, 0.0, around), hold(PERMITS, wait + blocked, computed)];
    }
    if !steps.lock.is_zero() {
        let held = if steps.lock_scope == LockScope::Wait { wait } else { 0.0 };
        let (begin, lock) = (hold(0, blocked, around + computed), hold(LOCK, held, nanos(steps.lock)));
        return vec![Stage::Wait(wait - held), begin, lock];
    }
    match model.family() {
        Family::Threads => vec![hold(0, wait + blocked, around + computed)],
        Family::Hybrid if blocked + computed > 0.0 => {
            vec![Stage::Wait(wait), hold(0, 0.0, around + CALL), hold(1, blocked, computed)]
        }
        _ => vec![Stage::Wait(wait), hold(0, blocked, around + computed)],
    }
}

fn threads(model: Model, machine: &Machine<'_>, all: usize) -> u64 {
    match model {
        Model::Threads => all as u64,
        Model::Pool(n) | Model::Rayon(n) => n.get().into(),
        Model::Async(runtime, _) => u64::from(runtime.threads()) + machine.stations[1].most_held as u64,
        Model::Sequential | Model::External(_) => 1,
    }
}

fn simulate_jobs(
    model: Model,
    jobs: u32,
    steps: StepsSpec,
    compose: Composition,
    offload: Option<&OffloadSpec>,
    cpus: &Parallel,
) -> Trial {
    let heartbeat = offload.and_then(|offload| offload.heartbeat);
    let mut machine = Machine::new(cpus, stations(model, jobs as usize, steps, compose));
    let around = if model.family() == Family::Threads { 0.0 } else { TASK };
    let item = || {
        // Threads or tasks are created first, one after the other.
        let creation = if model == Model::Threads { THREAD } else { TASK };
        let mut all = vec![Stage::Hold { station: CREATE, blocked: 0.0, computed: creation }];
        all.extend(stages(model, steps, around));
        Item { started_after: 1, stages: all, ..Item::default() }
    };
    let mut left = if compose == Composition::InTurn { jobs - 1 } else { 0 };
    (0..jobs - left).for_each(|_| machine.begin(item()));
    let mut times = Vec::new();
    machine.run(f64::INFINITY, |machine, done| {
        times.push((machine.now - done.due, machine.now - done.begun));
        if left > 0 {
            left -= 1;
            machine.begin(item());
        }
    });
    let overhead = if model == Model::ASYNC_BLOCKING { THREAD * machine.stations[1].most_held as f64 } else { 0.0 };
    let longest_gap = heartbeat.map(|heartbeat| {
        let every = nanos(heartbeat.every);
        let slice = if machine.most_computing > cpus.cpus() as usize { SLICE } else { 0.0 };
        match model.family() {
            Family::Async => every.max(machine.stations[0].longest_full),
            Family::Hybrid | Family::Threads | Family::External => every + slice,
        }
    });
    let beating = heartbeat.map_or(0.0, |heartbeat| nanos(heartbeat.every) * f64::from(heartbeat.beats - 1));
    let alone = if model == Model::Sequential { beating } else { 0.0 };
    Trial {
        wall: (machine.now + alone).max(beating),
        jobs: jobs.into(),
        threads: threads(model, &machine, jobs as usize),
        in_flight: if model == Model::Threads || steps.wait.is_zero() {
            machine.most_in_flight.min(jobs.into())
        } else {
            in_flight(model, jobs)
        },
        times: [times, Vec::new()],
        longest_gap,
        cpu: machine.cpu + overhead,
        switches: threads(model, &machine, jobs as usize) * 2,
        executing: machine.most_computing.min(cpus.cpus() as usize),
        waits: [POOL, PERMITS].map(|station| std::mem::take(&mut machine.stations[station].waits)),
        starved: 0,
        open: 0,
    }
}

/// Returns the number of jobs that a model begins before the first is done.
fn in_flight(model: Model, jobs: u32) -> u64 {
    match model {
        Model::Sequential => 1,
        Model::Pool(n) => u64::from(n.get()).min(jobs.into()),
        _ => jobs.into(),
    }
}

/// A load on a server under one model, with its results.
struct Load<'a> {
    model: Model,
    echo: &'a EchoSpec,
    /// The CPU time of a request besides its steps.
    around: f64,
    /// The start and the end of the measured window.
    window: (f64, f64),
    free: Vec<usize>,
    /// The requests that found no connection free: when each was due, and whether it is heavy.
    backlog: VecDeque<(f64, bool)>,
    times: [Vec<(f64, f64)>; 2],
    done_in_window: u64,
}

impl Load<'_> {
    fn request(&self, (due, is_heavy): (f64, bool), begun: f64, connection: usize) -> Item {
        let steps = self.echo.heavy.filter(|_| is_heavy).map_or(self.echo.steps, |heavy| heavy.steps);
        let mut all = vec![Stage::Wait(WAY), Stage::Hold { station: CREATE, blocked: GENERATOR, computed: 0.0 }];
        all.extend(stages(self.model, steps, self.around));
        Item { due, begun, is_heavy, connection, stages: all, ..Item::default() }
    }

    /// Counts a finished request and sends the next one over its connection.
    fn finish(&mut self, machine: &mut Machine<'_>, item: &Item) {
        let (now, (from, to)) = (machine.now, self.window);
        if item.due >= from && item.due < to {
            self.times[usize::from(item.is_heavy)].push((now - item.due, now - item.begun));
        }
        self.done_in_window += u64::from(now >= from && now < to);
        match self.echo.load.arrival.offered() {
            None if now < to => machine.begin(self.request((now, false), now, item.connection)),
            None => {}
            Some(_) => match self.backlog.pop_front() {
                Some(due) => machine.begin(self.request(due, now, item.connection)),
                None => self.free.push(item.connection),
            },
        }
    }

    fn run(&mut self, machine: &mut Machine<'_>, until: f64) {
        machine.run(until, |machine, item| self.finish(machine, item));
    }
}

/// Returns when requests are due, and which of them are heavy: the same for every model of a round.
fn arrivals(echo: &EchoSpec, until: f64, round: u32) -> Vec<(f64, bool)> {
    let Some(rate) = echo.load.arrival.offered() else { return Vec::new() };
    let mut random = fastrand::Rng::with_seed(round.into());
    let (mut at, mut all) = (0.0, Vec::new());
    loop {
        at -= 1e9 / rate * (1.0 - random.f64()).ln();
        if at >= until {
            return all;
        }
        all.push((at, echo.heavy.is_some_and(|heavy| random.f64() < heavy.share)));
    }
}

fn simulate_server(model: Model, echo: &EchoSpec, cpus: &Parallel, round: u32) -> Trial {
    let spec = &echo.load;
    let (from, to) = (nanos(spec.warmup), nanos(spec.warmup + spec.duration));
    let connections = spec.connections as usize;
    let served = if let Model::Pool(n) = model { connections.min(n.get().into()) } else { connections };
    let mut load = Load {
        model,
        echo,
        around: match model {
            Model::Async(RuntimeKind::Workers(_), _) => REQUEST[2],
            Model::Async(..) => REQUEST[1],
            _ => REQUEST[0],
        },
        window: (from, to),
        free: (0..served).collect(),
        backlog: VecDeque::new(),
        times: Default::default(),
        done_in_window: 0,
    };
    let mut machine = Machine::new(cpus, stations(model, connections, echo.steps, Composition::Spawn));
    if spec.arrival.offered().is_none() {
        let all = std::mem::take(&mut load.free);
        all.into_iter().for_each(|connection| machine.begin(load.request((0.0, false), 0.0, connection)));
    }
    let (before, within): (Vec<_>, Vec<_>) = arrivals(echo, to, round).into_iter().partition(|(at, _)| *at < from);
    let mut ask = |machine: &mut Machine<'_>, all: Vec<(f64, bool)>, until: f64| {
        for due in all {
            load.run(machine, due.0);
            match load.free.pop() {
                Some(connection) => machine.begin(load.request(due, due.0, connection)),
                None => load.backlog.push_back(due),
            }
        }
        load.run(machine, until);
        (machine.cpu, machine.stations[0].woken)
    };
    let (cpu_before, woken_before) = ask(&mut machine, before, from);
    machine.stations.iter_mut().for_each(|station| station.waits.clear());
    let (cpu, woken) = ask(&mut machine, within, to);
    let waits = [POOL, PERMITS].map(|station| machine.stations[station].waits.clone());
    ask(&mut machine, Vec::new(), to + nanos(spec.drain));
    let starved = (connections - served) as u32;
    let switches = if model.family() == Family::Threads { load.done_in_window } else { woken - woken_before };
    Trial {
        wall: to - from,
        jobs: load.done_in_window,
        threads: threads(model, &machine, connections),
        in_flight: machine.most_in_flight,
        longest_gap: None,
        cpu: cpu - cpu_before,
        switches,
        executing: machine.most_computing.min(cpus.cpus() as usize),
        waits,
        starved,
        open: load.backlog.len() as u64 + u64::from(starved),
        times: load.times,
    }
}

/// Returns the distribution of waits; `None` if nothing waited.
fn waits(times: &[f64]) -> Option<Histogram> {
    (!times.is_empty()).then(|| times.iter().map(|time| *time as u64).collect())
}

fn measured(trial: &Trial, cell: &Cell, noise: f64, cpus: u32) -> Measured {
    let is_echo = cell.work.is_echo();
    let histogram = |times: &mut dyn Iterator<Item = f64>| {
        let mut histogram = Histogram::default();
        times.for_each(|time| histogram.record((time * noise) as u64));
        histogram
    };
    let series = |name: &str, times: &[(f64, f64)]| {
        let response = histogram(&mut times.iter().map(|(response, _)| *response));
        Series::of_jobs(name, response, histogram(&mut times.iter().map(|(_, service)| *service)))
    };
    let [all, heavy] = &trial.times;
    let mut kinds = vec![series(if is_echo { "requests" } else { "jobs" }, all)];
    if !heavy.is_empty() {
        kinds.push(series("heavy requests", heavy));
    }
    let wall_ns = if is_echo { trial.wall } else { trial.wall * noise };
    let heartbeat = match (&cell.work, trial.longest_gap) {
        (Work::Offload(OffloadSpec { heartbeat: Some(spec), .. }), Some(gap)) => Some(HeartbeatRecord {
            every_ns: nanos(spec.every) as u64,
            beats: spec.beats,
            longest_gap_ns: (gap * noise) as u64,
        }),
        _ => None,
    };
    Measured {
        wall_ns: wall_ns as u64,
        jobs: trial.jobs,
        threads: trial.threads,
        most_in_flight: trial.in_flight,
        series: kinds,
        heartbeat,
        usage: Usage {
            cpu_user_ns: (trial.cpu * noise) as u64,
            switches_voluntary: trial.switches,
            memory_peak_bytes: Some(8 << 20),
            ..Usage::default()
        },
        others: None,
        runtime: None,
        cores: Vec::new(),
        waits: Waits { queue: waits(&trial.waits[0]), permit: waits(&trial.waits[1]) },
        throttled_ns: None,
        load: if let Work::Echo(echo) = &cell.work { Some(generated(trial, echo, cpus)) } else { None },
        server_window_ns: is_echo.then_some((0, 0)),
    }
}

fn generated(trial: &Trial, echo: &EchoSpec, cpus: u32) -> LoadRecord {
    let completed = trial.times.iter().map(|times| times.len() as u64).sum::<u64>();
    let served: f64 = trial.times.iter().flatten().map(|(_, service)| service).sum();
    let every: Vec<usize> = (0..cpus as usize).collect();
    // While the server uses all CPUs, the generator waits for one and is late.
    let is_crowded = echo.load.pin == Pin::None && every.len() <= 2 && trial.executing >= every.len();
    let waited_ns = if is_crowded { trial.wall as u64 / 5 } else { 0 };
    let mut send_lag = SendLag::default();
    for (response, service) in trial.times.iter().flatten() {
        send_lag.total.record((response - service) as u64);
        send_lag.no_connection.record((response - service) as u64);
        send_lag.late.record(if is_crowded { (*response / 2.0) as u64 } else { 1_000 });
    }
    LoadRecord {
        offered_per_s: echo.load.arrival.offered(),
        pacing: echo.load.arrival.pacing(),
        connections_planned: echo.load.connections,
        connections_opened: echo.load.connections,
        connections_starved: trial.starved,
        requests: Requests {
            planned: completed + trial.open,
            completed,
            unfinished: trial.open,
            ..Requests::default()
        },
        sent_in_window: completed + trial.open,
        send_lag,
        mean_in_flight: served / trial.wall,
        most_in_flight: trial.in_flight,
        threads: 1,
        cpus: match (echo.load.pin, cpus) {
            // On one CPU, no process is pinned.
            (Pin::None, _) | (_, 1) => (every.clone(), every),
            (Pin::Split, _) => (vec![0], vec![1]),
        },
        thread_costs: vec![GeneratorThread { waited_ns: Some(waited_ns), ..GeneratorThread::default() }],
        ..LoadRecord::default()
    }
}

fn traced(trial: &Trial, cell: &Cell, cpus: &Parallel) -> Traced {
    let span = |lane| Span { lane, job: lane, what: What::Run, start: 0, end: 1_000_000 };
    let lanes = Lanes {
        jobs_are: "job".into(),
        names: (0..trial.executing).map(|lane| format!("thread {lane}")).collect(),
        spans: (0..trial.executing as u32).map(span).collect(),
        busiest: Some(Slice { cpu_ns: 1_000_000 * trial.executing as u64, wall_ns: 1_000_000 }),
        ..Lanes::default()
    };
    let waiting = u64::from(cell.work.jobs().unwrap_or(0));
    let (resident, kernel) = if cell.id.model == Model::Threads { (9_500, 16_384) } else { (400, 0) };
    let footprint = matches!(cell.work, Work::Sleep(_)).then(|| Footprint {
        resident_bytes: resident * waiting,
        page_table_bytes: 0,
        kernel_stack_bytes: kernel * waiting,
        slab_bytes: 0,
    });
    Traced {
        cpus: cpus.cpus(),
        wall_ns: trial.wall as u64,
        jobs: trial.jobs.max(1),
        cpu_ns: trial.cpu as u64,
        lanes,
        footprint,
    }
}
