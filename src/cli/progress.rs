//! The progress of a run, on standard error.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::runner::{Plan, Planned};
use crate::scenario::CellId;
use crate::text;
use crate::units;

use super::output::{note, note_redraws, note_width};

/// A progress bar on a terminal; elsewhere one line per scenario. Drawn only between trials, so that it never runs
/// during a measurement.
#[derive(Debug)]
pub(super) struct RunProgress {
    bar: ProgressBar,
    trials: u64,
    began: Instant,
    /// The expected time of all trials, and of those that are done.
    expected: Duration,
    done: Duration,
    scenario: String,
}

impl RunProgress {
    /// Creates the progress display before the first trial.
    pub(super) fn new(plan: &Plan, quiet: bool) -> Self {
        let draws = !quiet && note_redraws();
        let target = if draws { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(millis(plan.expected())), target);
        // On a narrow terminal, the bar is the first part to be left out.
        let style = match width_of_bar(70) {
            None => ProgressStyle::with_template("{wide_msg} {percent:>3} %  {prefix}"),
            Some(wide) => {
                ProgressStyle::with_template(&format!("{{wide_msg}} {{bar:{wide}}} {{percent:>3}} %  {{prefix}}"))
            }
        };
        bar.set_style(style.expect("the template is a constant").progress_chars("━╸─"));
        Self {
            bar,
            trials: plan.trials.len() as u64,
            began: Instant::now(),
            expected: plan.expected(),
            done: Duration::ZERO,
            scenario: String::new(),
        }
    }

    /// Shows a trial that begins.
    pub(super) fn begin(&mut self, trial: &Planned) {
        let Planned { cell, pass, order, .. } = trial;
        let CellId { scenario, model, point, .. } = &cell.id;
        let trials = self.trials;
        if self.bar.is_hidden() && self.scenario != *scenario {
            note(format_args!("{scenario}: trial {order} of {trials}, {} left", self.left()));
        }
        self.scenario.clone_from(scenario);
        let point = if point.is_empty() { String::new() } else { format!(", {point}") };
        self.bar
            .set_message(text::one_line(&format!("{scenario}{point} · {model} · {pass} · trial {order} of {trials}")));
        self.bar.set_prefix(format!("{} left", self.left()));
        self.bar.tick();
    }

    /// Advances the bar past a trial.
    pub(super) fn end(&mut self, trial: &Planned) {
        self.done += trial.expected;
        self.bar.set_position(millis(self.done));
    }

    /// Hides the bar while `write` uses the terminal.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Removes the bar after the last trial.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
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

/// Returns the width of a bar beside a text of this many columns, on one line of standard error; `None` if it does not
/// fit.
pub(super) fn width_of_bar(text: usize) -> Option<usize> {
    let width = note_width().unwrap_or(0).saturating_sub(text).min(40);
    (width >= 8).then_some(width)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
