//! The parent of all trials: scenarios in, records out.
//!
//! It plans every trial before the first starts ([`Plan`]), runs them one after the other in processes of their own
//! ([`Child`](child::Child)), and hands each record to whoever listens as an [`Event`]. It knows no report and draws no
//! progress.

mod ceiling;
mod child;
mod conditions;
mod echo;
mod interrupt;
mod jobs;
mod plan;
mod trial;

use std::path::PathBuf;
use std::time::Duration;

use crate::message::Calibration;
use crate::record::{Outcome, Record};
use crate::scenario::Scenario;
use crate::workload::{calibrate, compute};

use conditions::Lookout;

pub use ceiling::{ceiling, load_on_nothing};
pub use child::Halt;
pub use interrupt::{Interrupt, name as signal_name};
pub use plan::{Effort, Plan, Planned, plan};

/// What happens in a run.
#[derive(Debug)]
pub enum Event<'a> {
    /// A trial begins.
    Began(&'a Planned),
    /// A trial ended, and left this.
    Ended(&'a Planned, Box<Record>),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every trial was done.
    Complete,
    /// A signal ended it early: its number.
    Interrupted(i32),
}

/// The program that is started for every trial, with the argument `trial`.
#[derive(Clone, Debug)]
pub struct Program(PathBuf);

impl Program {
    /// This very program, even when its file has been replaced since it was started.
    pub fn this() -> Self {
        Self("/proc/self/exe".into())
    }
}

/// Runs every trial of a plan. A trial that fails is a record, and the run goes on; only a signal, or a listener that
/// cannot keep a record, ends it. Must be called by the main thread: a child is killed when the thread that started it
/// ends.
pub fn run<E>(
    plan: &Plan,
    program: &Program,
    calibration: &Calibration,
    interrupt: &Interrupt,
    mut listen: impl FnMut(Event<'_>) -> Result<(), E>,
) -> Result<Ending, E> {
    for planned in &plan.trials {
        if let Some(signal) = interrupt.signal() {
            return Ok(Ending::Interrupted(signal));
        }
        listen(Event::Began(planned))?;
        let lookout = Lookout::begin(calibration);
        let outcome = match trial::run(planned, program, calibration, interrupt) {
            Ok(outcome) => outcome,
            Err(Halt::Failed(failure)) => Outcome::Failed(failure),
            Err(Halt::Interrupted(signal)) => return Ok(Ending::Interrupted(signal)),
        };
        let record = trial::record(planned, plan.seed, lookout.end(&planned.cell.work), outcome);
        listen(Event::Ended(planned, Box::new(record)))?;
    }
    Ok(Ending::Complete)
}

/// Measures how fast this machine computes, and what each computation of these scenarios must give. Takes about 100 ms
/// and once the length of every different computation.
pub fn calibrate_for(scenarios: &[Scenario]) -> Calibration {
    let computes = scenarios.iter().flat_map(|scenario| &scenario.points).flat_map(|point| point.work.computes());
    let mut lengths: Vec<Duration> = computes.collect();
    lengths.sort_unstable();
    lengths.dedup();
    let mut calibration = Calibration { iterations_per_s: calibrate(), checksums: Vec::new() };
    for length in lengths {
        let iterations = calibration.iterations(length);
        calibration.checksums.push((iterations, compute(iterations)));
    }
    calibration
}
