//! Runs one trial of a run, for any workload.

use std::os::unix::ffi::OsStringExt as _;
use std::time::{Duration, Instant};

use crate::host;
use crate::protocol::{Calibration, Role, TrialSpec};
use crate::record::{Conditions, Failure, Outcome, Pass, Record, SCHEMA};
use crate::scenario::{Cell, Model, Work};
use crate::units;

use super::checksums::Checksums;
use super::child::Halt;
use super::plan::Planned;
use super::{Interrupt, Program, echo, jobs};

pub(super) fn spec(cell: &Cell, calibration: &Calibration, seed: u64, role: Role, cpus: Vec<usize>) -> TrialSpec {
    TrialSpec {
        model: cell.id.model,
        work: cell.work.clone(),
        calibration: calibration.clone(),
        role,
        cpus,
        seed,
        parent: std::process::id(),
    }
}

pub(super) fn run(
    planned: &Planned,
    program: &Program,
    calibration: &Calibration,
    checksums: &mut Checksums,
    interrupt: &Interrupt,
) -> Result<Outcome, Halt> {
    let deadline = Deadline::after(planned.limit);
    let spec = |role, cpus| spec(&planned.cell, calibration, planned.seed, role, cpus);
    let traced = planned.pass == Pass::Lanes;
    match &planned.cell.work {
        Work::Echo(work) => {
            let server = |nonce| match planned.cell.id.model {
                Model::External(_) => Role::External { nonce, environment: environment() },
                _ => Role::Server { nonce, traced },
            };
            Ok(match echo::run(program, work, &server, &spec, deadline, interrupt)? {
                (_, Some(traced)) => Outcome::Traced(Box::new(traced)),
                (measured, None) => Outcome::Measured(Box::new(measured)),
            })
        }
        work @ (Work::Sleep(_) | Work::Offload(_) | Work::Own(_)) => {
            let cpus = jobs::pinned(&host::cpus(), work.cpus());
            let mut check = |found| checksums.check(&planned.cell, found);
            jobs::run(program, &spec(Role::Jobs { traced }, cpus), deadline, &mut check, interrupt)
        }
    }
}

/// Returns the environment variables that an external server needs to find its programs.
fn environment() -> Vec<(String, Vec<u8>)> {
    let variables = ["PATH", "HOME", "VIRTUAL_ENV", "LANG"];
    variables.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var_os(name)?.into_vec()))).collect()
}

pub(super) fn record(planned: &Planned, run: u64, conditions: Conditions, outcome: Outcome) -> Record {
    Record {
        schema: SCHEMA,
        run,
        cell: planned.cell.id.clone(),
        pass: planned.pass,
        order: planned.order,
        seed: planned.seed,
        conditions,
        outcome,
    }
}

/// The time at which a trial has taken too long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Instant,
    limit: Duration,
}

impl Deadline {
    pub(super) fn after(limit: Duration) -> Self {
        Self { at: Instant::now() + limit, limit }
    }

    pub(super) fn left(self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    pub(super) fn passed(self) -> Halt {
        Halt::Failed(Failure::TimedOut { after_ns: units::nanos(self.limit) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{CellId, Point, SleepSpec};

    /// Returns the failure of a trial whose program is this script.
    fn outcome(script: &str, limit: Duration) -> Failure {
        let home = tempfile::tempdir().unwrap();
        let [text, path] = ["text", "program"].map(|name| home.path().join(name));
        std::fs::write(&text, format!("#!/bin/sh\n{script}\n")).unwrap();
        // Written by another process: a concurrent fork in another test would keep our file open for writing, and a
        // file that is open for writing cannot be run.
        let installed = std::process::Command::new("install").args(["-m", "755"]).args([&text, &path]).status();
        assert!(installed.unwrap().success());
        let cell = Cell {
            id: CellId { scenario: "test".into(), model: Model::ASYNC, point: Point::default(), control: false },
            work: Work::Sleep(SleepSpec { jobs: 1, wait: Duration::from_millis(1), ..SleepSpec::default() }),
            jobs_wanted: None,
        };
        let planned = Planned { cell, pass: Pass::Lanes, order: 1, seed: 1, expected: limit, limit };
        let interrupt = Interrupt::listen().unwrap();
        match run(&planned, &Program(path), &Calibration::default(), &mut Checksums::default(), &interrupt) {
            Err(Halt::Failed(failure)) => failure,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_trial_that_takes_too_long_is_ended() {
        let limit = Duration::from_millis(100);
        assert_eq!(outcome("exec sleep 60", limit), Failure::TimedOut { after_ns: 100_000_000 });
    }

    #[test]
    fn a_failed_trial_reports_its_exit_code_and_last_words() {
        let long = Duration::from_secs(60);
        let Failure::Died { how, last_words, .. } = outcome("echo oh dear >&2; exit 101", long) else { panic!() };
        assert_eq!(
            (how.as_str(), last_words.as_str()),
            ("ended with exit code 101 and without a measurement", "oh dear")
        );
        let Failure::WrongWork { what } = outcome("echo nonsense; sleep 60", long) else { panic!() };
        assert!(what.contains("invalid reply from the trial"), "{what}");
    }
}
