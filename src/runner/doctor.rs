//! A check-up of the machine: how precise clock, timers and load generator are here, and what follows from it.
//!
//! [`examine`] takes the measurements in sequence; [`Checkup::diagnose`] judges them and is pure. The command line
//! words the results.

mod diagnosis;
mod measure;

use std::time::Duration;

use crate::clock_cost::{ClockCost, CpuPauses, Timer};
use crate::histogram::Histogram;
use crate::host::Host;
use crate::record::Ceiling;
use crate::scenario::Parallel;
use crate::schedule::Pacing;
use crate::stats::Spread;

pub use diagnosis::Diagnosis;
pub use measure::examine;

/// How thorough a check-up is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// One round of short loads: about 10 s.
    Quick,
    /// Three rounds of longer ones: about 50 s.
    Thorough,
}

/// One measurement of a check-up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Probe {
    /// How much the machine computes in parallel.
    Parallel,
    /// How late a timer set for this duration fires.
    Timer(Timer, Duration),
    /// The load generator's ceiling.
    Ceiling,
    /// How late requests of a schedule leave, for a rate in requests per second and a pacing.
    Pacing(f64, Pacing),
}

/// The measurements of a check-up. Those it did not reach are missing.
#[derive(Debug)]
pub struct Checkup {
    /// The machine.
    pub host: Host,
    /// Ports for connections from this machine to one server; `None` if the kernel does not report them.
    pub ports: Option<u64>,
    /// The clock.
    pub clock: ClockCost,
    /// How much the machine computes in parallel.
    pub parallel: Parallel,
    /// The share of time in which ready tasks had no CPU while this program kept one thread busy; `None` if the kernel
    /// does not report it.
    pub pressure: Option<f64>,
    /// The share of all CPU time that the host gave to others meanwhile; `None` if the kernel does not report it.
    pub steal: Option<f64>,
    /// The time lost by one thread that ran alone and never yielded.
    pub pauses: CpuPauses,
    /// How late the timers fire.
    pub timers: Vec<TimerLateness>,
    /// The load generator's ceiling, one per round.
    pub ceilings: Vec<Ceiling>,
    /// How late requests leave, by rate and pacing.
    pub pacing: Vec<PacedLoad>,
    /// The measurements that failed, and why.
    pub failures: Vec<(Probe, String)>,
    /// Whether a signal arrived before everything was measured.
    pub partial: bool,
}

/// How late a timer fires.
#[derive(Debug)]
pub struct TimerLateness {
    /// The timer.
    pub timer: Timer,
    /// The duration the timer was set for.
    pub requested: Duration,
    /// The time from when the timer was due until it fired.
    pub late: Histogram,
}

/// A schedule kept by one pacing, round by round.
#[derive(Debug)]
pub struct PacedLoad {
    /// Requests per second.
    pub rate: f64,
    /// How the generator keeps the schedule.
    pub pacing: Pacing,
    /// The measurement of each round.
    pub rounds: Vec<PacedRound>,
}

/// The measurement of one round of a schedule.
#[derive(Clone, Copy, Debug)]
pub struct PacedRound {
    /// The median of how late requests left, nanoseconds.
    pub late_p50_ns: f64,
    /// The 99th percentile of how late requests left, nanoseconds; `None` if there were too few requests.
    pub late_p99_ns: Option<f64>,
    /// The median response time, nanoseconds.
    pub response_p50_ns: f64,
    /// CPU time of the generator's one thread per second, polling the clock included, 0 to 1.
    pub cpu_share: f64,
    /// Answers per second.
    pub per_s: f64,
}

impl Depth {
    /// Returns the number of measurements in a check-up.
    pub fn probes(self) -> usize {
        measure::probes(self)
    }
}

impl Checkup {
    /// Summarizes a figure of the ceiling over the rounds.
    pub fn ceiling(&self, figure: impl Fn(&Ceiling) -> f64) -> Option<Spread> {
        Spread::summarize(self.ceilings.iter().map(figure))
    }
}

impl PacedLoad {
    /// Summarizes a figure over the rounds; `None` if any round lacks it.
    pub fn over_rounds(&self, figure: impl Fn(&PacedRound) -> Option<f64>) -> Option<Spread> {
        Spread::summarize(self.rounds.iter().map(figure).collect::<Option<Vec<f64>>>()?)
    }
}
