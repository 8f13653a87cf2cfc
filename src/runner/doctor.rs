//! A check-up of the machine: what clock, timers and load generator can do here, and what follows from it.
//!
//! [`examine`] measures, one thing after the other; [`Checkup::diagnose`] judges the figures and is pure. How either is
//! worded is the command line's.

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
    /// How much the machine computes at once.
    Parallel,
    /// How late a timer rings that is asked for so much time.
    Timer(Timer, Duration),
    /// What the load generator can do at most.
    Ceiling,
    /// How late requests of a schedule leave: requests a second, and how the schedule is kept.
    Pacing(f64, Pacing),
}

/// What a check-up measured. What was not reached is missing.
#[derive(Debug)]
pub struct Checkup {
    /// The machine.
    pub host: Host,
    /// Ports for connections from here to one server; nothing where the kernel does not tell.
    pub ports: Option<u64>,
    /// The clock.
    pub clock: ClockCost,
    /// How much the machine computes at once.
    pub parallel: Parallel,
    /// The share of the time in which ready tasks had no CPU while this program alone was at work on one thread; nothing
    /// where the kernel does not tell.
    pub pressure: Option<f64>,
    /// The share of all CPU time that the host gave to others meanwhile; nothing where the kernel does not tell.
    pub steal: Option<f64>,
    /// What one thread lost that ran alone and never stopped.
    pub pauses: CpuPauses,
    /// How late the timers ring.
    pub timers: Vec<TimerLateness>,
    /// What the load generator can do at most, one a round.
    pub ceilings: Vec<Ceiling>,
    /// How late requests leave, by rate and pacing.
    pub pacing: Vec<PacedLoad>,
    /// The measurements that failed, and why.
    pub failures: Vec<(Probe, String)>,
    /// Whether a signal came before all was measured.
    pub partial: bool,
}

/// How late a timer rings.
#[derive(Debug)]
pub struct TimerLateness {
    /// The timer.
    pub timer: Timer,
    /// The time that it was asked for.
    pub asked: Duration,
    /// How much later than that it rang.
    pub late: Histogram,
}

/// A schedule kept in one way, round by round.
#[derive(Debug)]
pub struct PacedLoad {
    /// Requests a second.
    pub rate: f64,
    /// How the schedule is kept.
    pub pacing: Pacing,
    /// What each round measured.
    pub rounds: Vec<PacedRound>,
}

/// What one round of a schedule measured.
#[derive(Clone, Copy, Debug)]
pub struct PacedRound {
    /// How late requests left at the median, nanoseconds.
    pub late_p50_ns: f64,
    /// The 99th percentile of that; nothing where there were too few requests.
    pub late_p99_ns: Option<f64>,
    /// The median response time, nanoseconds.
    pub response_p50_ns: f64,
    /// CPU time of the generator's one thread for each second, looking at the clock included, 0 to 1.
    pub cpu_share: f64,
    /// Answers a second.
    pub per_s: f64,
}

impl Depth {
    /// How many measurements a check-up has.
    pub fn probes(self) -> usize {
        measure::probes(self)
    }
}

impl Checkup {
    /// A figure of the ceiling over the rounds.
    pub fn ceiling(&self, figure: impl Fn(&Ceiling) -> f64) -> Option<Spread> {
        Spread::summarize(self.ceilings.iter().map(figure))
    }
}

impl PacedLoad {
    /// A figure over the rounds; nothing where one of them has none.
    pub fn over_rounds(&self, figure: impl Fn(&PacedRound) -> Option<f64>) -> Option<Spread> {
        Spread::summarize(self.rounds.iter().map(figure).collect::<Option<Vec<f64>>>()?)
    }
}
