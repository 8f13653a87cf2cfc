//! Stores the results of a run while it goes on, and shows them.

use std::io;

use crate::analysis::{self, Choice, ScenarioAnalysis, Standing, analyze, analyze_scenario};
use crate::record::{CalibrationOrigin, Folder, FolderError, Outcome, Record, Run, RunState, RunTally};
use crate::report;
use crate::runner::{Plan, RunEvent};
use crate::text;

use super::exports::Exports;
use super::output::{Stop, color, note, print, print_json, width};
use super::pages::{list, print_end, write};
use super::progress::RunProgress;
use super::{Session, View, head_to_base};

/// Stores the results of a run in its folder, and shows its progress.
pub(super) struct RunListener<'a> {
    session: &'a Session,
    plan: &'a Plan,
    /// The folder, created once there is something to store.
    pub(super) folder: Option<Folder>,
    records: Vec<Record>,
    progress: RunProgress,
    /// The result of printing: a closed standard output or a full disk ends the tables but not the run.
    pub(super) printed: Result<(), Stop>,
    /// The unfinished files for continuous integration.
    exports: Exports,
    /// The result of writing these files.
    pub(super) exported: Result<(), Stop>,
}

impl<'a> RunListener<'a> {
    pub(super) fn new(session: &'a Session, plan: &'a Plan, exports: Exports) -> Self {
        let progress = RunProgress::new(plan, session.json || exports.is_printed());
        let (records, printed, exported) = (Vec::new(), Ok(()), Ok(()));
        Self { session, plan, folder: None, records, progress, printed, exports, exported }
    }

    /// Returns whether standard output shows tables, and not JSON or a format for continuous integration.
    fn prints_tables(&self) -> bool {
        !self.session.json && !self.exports.is_printed() && self.printed.is_ok()
    }

    pub(super) fn hear(&mut self, event: RunEvent<'_>) -> Result<(), Stop> {
        match event {
            RunEvent::Calibrated(run) => {
                announce_calibration(run);
                self.folder = Some(make_folder(self.session, run)?);
            }
            RunEvent::ParallelUnknown(why) => {
                note(format_args!("avt: could not measure the computing capacity of every CPU: {why}"));
            }
            RunEvent::CeilingUnknown(why) => {
                note(format_args!("avt: could not measure the limits of the load generator: {why}"));
            }
            RunEvent::Ready(run) => self.folder().write_run(run).map_err(Stop::machine)?,
            RunEvent::Began(trial) => self.progress.begin(trial),
            RunEvent::Ended(trial, record) => {
                self.folder().append(&record).map_err(Stop::machine)?;
                self.records.push(*record);
                self.progress.end(trial);
                self.check_server()?;
            }
            RunEvent::ScenarioEnded(run, scenario) => {
                if self.prints_tables() {
                    let analysis = analyze_scenario(scenario, run, &self.records);
                    let text = match (self.session.view, &analysis.advice) {
                        (View::Failures, _) if !has_failures(&analysis) => return Ok(()),
                        (View::Advice, Some(advice)) => {
                            let findings = report::terminal::findings(&analysis, Some(width()));
                            findings + &report::terminal::advice(advice, Some(width()), color())
                        }
                        _ => report::terminal::table(&analysis, Some(width()), color()),
                    };
                    let table = || print(text);
                    self.printed = self.progress.suspend(table);
                }
            }
        }
        Ok(())
    }

    /// Returns an error if two servers are compared and the last trial failed although none of its server was measured
    /// before: all others of it would fail too, each after its time-out.
    fn check_server(&mut self) -> Result<(), Stop> {
        let (View::HeadToBase { .. }, Some(last)) = (self.session.view, self.records.last()) else { return Ok(()) };
        let Outcome::Failed(why) = &last.outcome else { return Ok(()) };
        let model = last.cell.model;
        let is_measured =
            |record: &Record| record.cell.model == model && matches!(record.outcome, Outcome::Measured(_));
        if self.records.iter().any(is_measured) {
            return Ok(());
        }
        let sentence = report::ab::failed_at_once(model, why);
        self.progress.finish();
        let folder = self.folder.as_ref().expect("a run is calibrated before anything else");
        Err(Stop::unmet(format_args!("{sentence}; its records are in {}", text::of_path(folder.path()))))
    }

    fn folder(&mut self) -> &mut Folder {
        self.folder.as_mut().expect("a run is calibrated before anything else")
    }

    /// Writes the report and prints its path; returns the run's state, its tally, and the end of `avt advise` if no model
    /// meets its objective.
    pub(super) fn finish(&mut self, run: Run) -> Result<(Standing, RunTally, Result<(), Stop>), Stop> {
        self.progress.finish();
        let (prints_tables, exports) = (self.prints_tables(), std::mem::take(&mut self.exports));
        let folder = self.folder.as_ref().expect("a run is calibrated before anything else");
        let path = folder.path();
        let analysis = analyze(&run, &self.plan.spec.scenarios, &self.records);
        let kept = Run { judged: Some(analysis.judged), ..run.clone() };
        folder.check_in_place().map_err(Stop::machine)?;
        folder.write_run(&kept).map_err(Stop::machine)?;
        let head_to_base = match self.session.view {
            View::HeadToBase { fail_over } => {
                analysis.scenarios.first().and_then(analysis::head_to_base).map(|found| (found, fail_over))
            }
            View::Tables | View::Advice | View::Failures => None,
        };
        let index = write(path, &analysis)?;
        if self.session.out.is_none() {
            list(&self.session.runs)?;
        }
        if self.session.json {
            let (folder, index) = (path.to_string_lossy(), index.to_string_lossy());
            let mut value = report::json::run(&analysis, &folder, &index);
            if let Some((found, fail_over)) = &head_to_base {
                value["ab"] = report::ab::json(found, *fail_over);
            }
            self.printed = print_json(&value);
        } else if prints_tables && self.session.view != View::Failures {
            self.printed = print_end(&analysis, &index);
            if let (Some((found, _)), true) = (&head_to_base, self.printed.is_ok()) {
                self.printed = head_to_base::print_figures(found);
            }
        }
        let is_exported = exports.is_printed();
        let written = exports.write_run(&analysis, &index);
        self.exported = written.files;
        if is_exported {
            self.printed = written.printed;
        }
        if let RunState::Partial(_) = run.state {
            let (done, planned) = (self.records.len(), run.trials_planned);
            note(format_args!("avt: ended early after {done} of {planned} trials; the report is marked as partial"));
        }
        let advice = analysis.scenarios.first().and_then(|of| of.advice.as_ref());
        let advice = advice.filter(|advice| self.session.view == View::Advice && advice.slo.is_some());
        let unmet = match advice.map(|advice| &advice.choice) {
            _ if head_to_base.is_some() => {
                head_to_base.map_or(Ok(()), |(found, fail_over)| head_to_base::judge(&found, fail_over))
            }
            Some(Choice::NoneMeets { .. }) => Err(Stop::unmet("no model is known to meet the objective")),
            Some(Choice::NotMeasurable) => Err(Stop::invalid()),
            Some(Choice::Model { .. }) | None => Ok(()),
        };
        Ok((analysis.standing(self.session.strictness), analysis.judged, unmet))
    }
}

fn has_failures(scenario: &ScenarioAnalysis<'_>) -> bool {
    scenario.points.iter().flat_map(|point| &point.cells).any(|cell| !cell.failures.is_empty())
}

/// Creates the session's own folder, or a new one named after the time.
fn make_folder(session: &Session, run: &Run) -> Result<Folder, Stop> {
    if let Some(path) = &session.out {
        return Folder::create(path, run).map_err(|error| match error {
            FolderError::Io { error, .. } if error.kind() == io::ErrorKind::AlreadyExists => {
                let path = path.display();
                Stop::machine(format_args!(
                    "{path}: already exists, and a run never overwrites another; choose another --out"
                ))
            }
            error => Stop::machine(error),
        });
    }
    // Turns 2026-11-22T10:15:00Z into 20261122-101500.
    let digits: String = run.started.chars().filter(char::is_ascii_digit).collect();
    let stamp = format!("{}-{}", &digits[..8], &digits[8..14]);
    // Two runs may begin in the same second.
    for attempt in 1.. {
        let name = if attempt == 1 { stamp.clone() } else { format!("{stamp}-{attempt}") };
        match Folder::create(&session.runs.join(name), run) {
            Err(FolderError::Io { error, .. }) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => {}
            made => return made.map_err(Stop::machine),
        }
    }
    unreachable!("the loop returns at the hundredth attempt")
}

/// Prints where the calibration comes from, unless it is new.
fn announce_calibration(run: &Run) {
    let percent = |now: u64, then: u64| 100.0 * (now as f64 / then.max(1) as f64 - 1.0);
    match &run.calibration {
        CalibrationOrigin::New => {}
        CalibrationOrigin::Kept { run: kept, measured_per_s } => note(format_args!(
            "uses the calibration of {kept}; the speed of this machine has changed by {:+.1} % since",
            percent(*measured_per_s, run.iterations_per_s)
        )),
        CalibrationOrigin::Changed { run: kept, kept_per_s } => note(format_args!(
            "avt: the speed of this machine has changed by {:+.1} % since {kept}, so it was calibrated again: \
             computing jobs do different work than in that run",
            percent(run.iterations_per_s, *kept_per_s)
        )),
    }
}
