//! Takes the measurements of a check-up in sequence, until a signal arrives.

use std::time::{Duration, Instant};

use crate::clock_cost::{self, Timer};
use crate::histogram::Histogram;
use crate::host::{self, Host};
use crate::record::Measured;
use crate::runner::{self, Halt, Interrupt, Program};
use crate::scenario::{ArrivalSpec, ClientKind, LoadSpec, Parallel, Pin};
use crate::schedule::{Arrivals, Pacing};
use crate::units;
use crate::usage::{Pressure, StealMeter};
use crate::workload::{calibrate, parallel};

use super::{Checkup, Depth, PacedLoad, PacedRound, Probe, TimerLateness};

const RATES: [f64; 3] = [1_000.0, 10_000.0, 50_000.0];
const PACINGS: [Pacing; 3] = [Pacing::Sleep, Pacing::Hybrid, Pacing::Spin];

/// The durations the timers are set for: one shorter and one longer than their own slack.
const TIMER_LENGTHS: [Duration; 2] = [Duration::from_micros(100), Duration::from_millis(1)];

/// The number of requests that a 99th percentile needs.
const ENOUGH: f64 = 1_050.0;

/// The number and the length of each measurement.
#[derive(Clone, Copy, Debug)]
struct Extent {
    rounds: u32,
    /// The length of a closed loop, and of a schedule if that gives enough requests.
    length: Duration,
    /// How often each timer is set.
    timers: u32,
}

impl Extent {
    fn for_depth(depth: Depth) -> Self {
        match depth {
            Depth::Quick => Self { rounds: 1, length: Duration::from_millis(300), timers: 300 },
            Depth::Thorough => Self { rounds: 3, length: Duration::from_secs(1), timers: 1_200 },
        }
    }
}

/// Returns the number of measurements in a check-up.
pub(super) fn probes(depth: Depth) -> usize {
    TIMER_LENGTHS.len() * Timer::ALL.len()
        + Extent::for_depth(depth).rounds as usize * (1 + RATES.len() * PACINGS.len())
}

/// Takes all measurements, and returns the signal if one arrived first. Calls `begin` before each measurement.
pub fn examine(depth: Depth, interrupt: &Interrupt, mut begin: impl FnMut(Probe)) -> (Checkup, Option<i32>) {
    let extent = Extent::for_depth(depth);
    let mut checkup = measure_machine(extent, interrupt);
    let signal = measure_timers(extent, &mut checkup, &mut begin, interrupt)
        .and_then(|()| measure_generator(extent, &mut checkup, &mut begin, interrupt))
        .err();
    checkup.partial = signal.is_some();
    checkup.pacing.retain(|paced| !paced.rounds.is_empty());
    (checkup, signal)
}

/// Measures what one thread can do. After a signal, takes only the measurements that need no time.
fn measure_machine(extent: Extent, interrupt: &Interrupt) -> Checkup {
    let host = Host::read();
    let (begun, pressure, steal) = (Instant::now(), Pressure::read(), StealMeter::start());
    let pauses = clock_cost::measure_pauses(extent.length, || interrupt.signal().is_some());
    let waited = Pressure::read().zip(pressure).map(|(now, before)| now.since(before) as f64);
    let (parallel, refused) = match interrupt.signal() {
        None => parallel(host.cpus, calibrate()),
        Some(_) => (Parallel::measured([]), None),
    };
    let pairs = RATES.iter().flat_map(|rate| PACINGS.map(|pacing| (*rate, pacing)));
    Checkup {
        ports: host::outgoing_ports(),
        clock: clock_cost::measure_clock(),
        pressure: waited.map(|waited| (waited / units::nanos(begun.elapsed()).max(1) as f64).min(1.0)),
        steal: steal.stop().map(|stolen| stolen.share()),
        parallel,
        pauses,
        host,
        timers: Vec::new(),
        ceilings: Vec::new(),
        pacing: pairs.map(|(rate, pacing)| PacedLoad { rate, pacing, rounds: Vec::new() }).collect(),
        failures: refused.map(|error| (Probe::Parallel, error.to_string())).into_iter().collect(),
        partial: false,
    }
}

fn measure_timers(
    extent: Extent,
    checkup: &mut Checkup,
    begin: &mut impl FnMut(Probe),
    interrupt: &Interrupt,
) -> Result<(), i32> {
    /// The number of sleeps between two checks for a signal.
    const AT_ONCE: u32 = 50;
    for requested in TIMER_LENGTHS {
        for timer in Timer::ALL {
            let probe = Probe::Timer(timer, requested);
            begin(probe);
            let mut late = Histogram::default();
            for _ in 0..extent.timers / AT_ONCE {
                interrupt.signal().map_or(Ok(()), Err)?;
                match timer.overshoot(requested, AT_ONCE) {
                    Ok(some) => late.merge(&some),
                    Err(error) => {
                        checkup.failures.push((probe, error.to_string()));
                        break;
                    }
                }
            }
            checkup.timers.push(TimerLateness { timer, requested, late });
        }
    }
    Ok(())
}

fn measure_generator(
    extent: Extent,
    checkup: &mut Checkup,
    begin: &mut impl FnMut(Probe),
    interrupt: &Interrupt,
) -> Result<(), i32> {
    let program = Program::this();
    for _ in 0..extent.rounds {
        begin(Probe::Ceiling);
        match runner::ceiling(&load(extent, None), extent.length, &program, interrupt) {
            Ok(ceiling) => checkup.ceilings.push(ceiling),
            Err(halt) => checkup.failures.push((Probe::Ceiling, failure(halt)?)),
        }
        for k in 0..checkup.pacing.len() {
            let PacedLoad { rate, pacing, .. } = checkup.pacing[k];
            let probe = Probe::Pacing(rate, pacing);
            begin(probe);
            match runner::measure_null_server(load(extent, Some((rate, pacing))), 0, &program, interrupt) {
                Ok(measured) => checkup.pacing[k].rounds.extend(round(&measured)),
                Err(halt) => checkup.failures.push((probe, failure(halt)?)),
            }
        }
    }
    Ok(())
}

/// Returns the failure as text, or the signal as the error.
fn failure(halt: Halt) -> Result<String, i32> {
    match halt {
        Halt::Failed(why) => Ok(why.to_string()),
        Halt::Interrupted(signal) => Err(signal),
    }
}

fn load(extent: Extent, schedule: Option<(f64, Pacing)>) -> LoadSpec {
    let (duration, arrival) = match schedule {
        None => (extent.length, ArrivalSpec::Closed { think: Duration::ZERO }),
        Some((rate, pacing)) => {
            let duration = extent.length.max(Duration::from_secs_f64(ENOUGH / rate));
            (duration, ArrivalSpec::Open { rate, arrivals: Arrivals::Even, pacing })
        }
    };
    LoadSpec {
        client: ClientKind::Raw,
        connections: 50,
        threads: 1,
        warmup: duration / 10,
        duration,
        arrival,
        timeout: Duration::from_secs(5),
        drain: Duration::from_millis(200),
        pin: Pin::Split,
        server_cpus: None,
        cpu_limit: None,
    }
}

fn round(measured: &Measured) -> Option<PacedRound> {
    let load = measured.load.as_ref()?;
    let late = &load.send_lag.late;
    Some(PacedRound {
        late_p50_ns: late.quantile(0.5)? as f64,
        late_p99_ns: late.credible_quantile(0.99).map(|late| late as f64),
        response_p50_ns: measured.series.first()?.response_time.quantile(0.5)? as f64,
        cpu_share: load.usage.cpu_ns() as f64 / measured.wall_ns.max(1) as f64,
        per_s: measured.throughput(),
    })
}
