//! The progress of a run, on standard error.

use std::time::{Duration, Instant};

use crate::runner::{Plan, Planned};
use crate::scenario::CellId;
use crate::text;
use crate::units;

use super::bar::RunBar;
use super::output::note;

/// A progress bar on a terminal; elsewhere one line per scenario. Drawn only between trials, so that it never runs
/// during a measurement.
#[derive(Debug)]
pub(crate) struct RunProgress {
    bar: RunBar,
    trials: u64,
    began: Instant,
    /// The expected time of all trials, and of those that are done.
    expected: Duration,
    done: Duration,
    scenario: String,
}

impl RunProgress {
    /// Creates the progress display before the first trial.
    pub(crate) fn new(plan: &Plan, quiet: bool) -> Self {
        Self {
            bar: RunBar::new(millis(plan.expected()), quiet),
            trials: plan.trials.len() as u64,
            began: Instant::now(),
            expected: plan.expected(),
            done: Duration::ZERO,
            scenario: String::new(),
        }
    }

    /// Shows a trial that begins.
    pub(crate) fn begin(&mut self, trial: &Planned) {
        let Planned { cell, pass, order, .. } = trial;
        let CellId { scenario, model, point, .. } = &cell.id;
        let trials = self.trials;
        if self.bar.is_hidden() && self.scenario != *scenario {
            note(format_args!("{scenario}: trial {order} of {trials}, {} left", self.left()));
        }
        self.scenario.clone_from(scenario);
        let point = if point.is_empty() { String::new() } else { format!(", {point}") };
        let message = text::one_line(&format!("{scenario}{point} · {model} · {pass} · trial {order} of {trials}"));
        self.bar.show(message, format!("{} left", self.left()));
    }

    /// Advances the bar past a trial.
    pub(crate) fn end(&mut self, trial: &Planned) {
        self.done += trial.expected;
        self.bar.set_position(millis(self.done));
    }

    /// Hides the bar while `write` uses the terminal.
    pub(crate) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Removes the bar after the last trial.
    pub(crate) fn finish(&self) {
        self.bar.finish();
    }

    /// Returns the remaining time at the pace so far: `about 48 s`.
    fn left(&self) -> String {
        let left = self.expected.saturating_sub(self.done).as_secs_f64();
        // Before a few seconds have been measured, the plan is the better estimate.
        let pace = if self.done < Duration::from_secs(3) {
            1.0
        } else {
            self.began.elapsed().as_secs_f64() / self.done.as_secs_f64()
        };
        let seconds = (left * pace).ceil() as u64;
        match seconds {
            0..=90 => format!("about {seconds} s"),
            91..=5_400 => format!("about {} min", seconds.div_ceil(60)),
            _ => format!("about {} h", units::three_digits(seconds as f64 / 3_600.0)),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
