//! The parent of all trials: scenarios in, records out.
//!
//! A run has a fixed order, which [`run`] keeps: make the [`Plan`] of every trial, calibrate the machine, measure the
//! load generator's ceiling, run the trials one after the other in processes of their own ([`Child`](child::Child)),
//! and record how the run ended. The caller receives each step as a [`RunEvent`]. This module writes no report and
//! draws no progress.

mod calibration;
mod ceiling;
mod checksums;
mod child;
mod conditions;
#[cfg(feature = "cli")]
pub mod doctor;
mod echo;
mod interrupt;
mod jobs;
mod orphans;
mod plan;
mod trial;

use std::path::PathBuf;
use std::time::SystemTime;

use crate::protocol::Calibration;
use crate::record::{CalibrationOrigin, Failure, Outcome, Record, Run, RunState, SCHEMA};
use crate::scenario::{Machine, Scenario};

use checksums::Checksums;
use conditions::Lookout;

pub use calibration::{CalibrationSource, KeptCalibration, calibrate};
pub use ceiling::{ceiling, measure_null_server};
pub use child::Halt;
pub use interrupt::{Interrupt, TIME_TO_END, name as signal_name, obey_signals, signal};
pub use plan::{Effort, Plan, PlanError, Planned, RunSpec, expected};

/// Events of a run, in the order in which they occur.
#[derive(Debug)]
pub enum RunEvent<'a> {
    /// The machine has been calibrated.
    Calibrated(&'a Run),
    /// The capacity of all CPUs together could not be measured; the run goes on with what was measured.
    ParallelUnknown(Failure),
    /// The generator's ceiling could not be measured for a kind of load; the run goes on.
    CeilingUnknown(Failure),
    /// Everything measured before the first trial is known: `run` is final except for its end.
    Ready(&'a Run),
    /// A trial begins.
    Began(&'a Planned),
    /// A trial ended and left this record.
    Ended(&'a Planned, Box<Record>),
    /// The last trial of a scenario has ended, or a signal has ended the run after at least one of them.
    ScenarioEnded(&'a Run, &'a Scenario),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every trial was done.
    Complete,
    /// A signal, given by its number, ended the run early.
    Interrupted(i32),
}

/// The program that is started for every trial, with the argument `trial`.
#[derive(Clone, Debug)]
pub struct Program(PathBuf);

impl Program {
    /// Returns this program, even if its file has been replaced since it was started.
    pub fn this() -> Self {
        Self("/proc/self/exe".into())
    }
}

/// Carries out a plan. A failed trial becomes a record and the run goes on; only a signal or an error of `listen` ends
/// the run. Must be called by the main thread: a child is killed when the thread that started it ends.
pub fn run<E>(
    plan: &Plan,
    program: &Program,
    interrupt: &Interrupt,
    mut listen: impl FnMut(RunEvent<'_>) -> Result<(), E>,
) -> Result<(Run, Ending), E> {
    let (calibration, origin) = calibration::calibrate_as(&plan.spec.scenarios, &plan.spec.calibration);
    // Measured before the first trial, so that every view judges by the same number.
    let (machine, refused) = calibration::measure_parallel(&plan.spec.scenarios, calibration.iterations_per_s);
    let mut run = begin(plan, &calibration, origin, machine);
    listen(RunEvent::Calibrated(&run))?;
    refused.map_or(Ok(()), |why| listen(RunEvent::ParallelUnknown(why)))?;
    let unknown = |why| listen(RunEvent::CeilingUnknown(why));
    run.ceilings = ceiling::measure_all(&plan.spec.scenarios, program, interrupt, unknown)?;
    listen(RunEvent::Ready(&run))?;
    let ending = run_trials(plan, &run, program, &calibration, interrupt, listen)?;
    run.state = match ending {
        Ending::Complete => RunState::Complete,
        Ending::Interrupted(signal) => RunState::Partial(signal_name(signal)),
    };
    Ok((run, ending))
}

/// Returns the record of a run that has just begun.
fn begin(plan: &Plan, calibration: &Calibration, origin: CalibrationOrigin, parallel: Machine) -> Run {
    let RunSpec { sources, models, skipped, effort, shard, seed, .. } = &plan.spec;
    Run {
        schema: SCHEMA,
        started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        state: RunState::Running,
        seed: *seed,
        rounds: effort.to_string(),
        shard: *shard,
        host: plan.host.clone(),
        iterations_per_s: calibration.iterations_per_s,
        calibration: origin,
        parallel,
        ceilings: Vec::new(),
        scenarios: sources.clone(),
        models: models.clone(),
        skipped: skipped.clone(),
        trials_planned: plan.trials.len() as u64,
        judged: None,
    }
}

/// Runs every trial of a plan, scenario by scenario.
fn run_trials<E>(
    plan: &Plan,
    run: &Run,
    program: &Program,
    calibration: &Calibration,
    interrupt: &Interrupt,
    mut listen: impl FnMut(RunEvent<'_>) -> Result<(), E>,
) -> Result<Ending, E> {
    let mut checksums = Checksums::default();
    for scenario in &plan.spec.scenarios {
        let mut ending = Ending::Complete;
        let mut has_records = false;
        for planned in plan.trials.iter().filter(|planned| planned.cell.id.scenario == scenario.name) {
            if let Some(signal) = interrupt.signal() {
                ending = Ending::Interrupted(signal);
                break;
            }
            listen(RunEvent::Began(planned))?;
            let lookout = Lookout::begin();
            let outcome = match trial::run(planned, program, calibration, &mut checksums, interrupt) {
                Ok(outcome) => outcome,
                Err(Halt::Failed(failure)) => Outcome::Failed(failure),
                Err(Halt::Interrupted(signal)) => {
                    ending = Ending::Interrupted(signal);
                    break;
                }
            };
            let record =
                trial::record(planned, run.seed, lookout.end(planned.cell.id.model, &planned.cell.work, run), outcome);
            listen(RunEvent::Ended(planned, Box::new(record)))?;
            has_records = true;
        }
        if has_records {
            listen(RunEvent::ScenarioEnded(run, scenario))?;
        }
        if let Ending::Interrupted(_) = ending {
            return Ok(ending);
        }
    }
    Ok(Ending::Complete)
}
