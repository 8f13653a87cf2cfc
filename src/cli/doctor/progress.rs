//! The progress of a check-up, on standard error.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::runner::doctor::{Depth, Probe};
use crate::session::output::{note, note_redraws};
use crate::session::width_of_bar;
use crate::units;

/// A progress bar on a terminal, one line elsewhere. Drawn only between two measurements.
pub(super) struct DoctorProgress {
    bar: ProgressBar,
}

impl DoctorProgress {
    pub(super) fn new(depth: Depth) -> Self {
        let probes = depth.probes();
        let target = if note_redraws() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(probes as u64), target);
        let style = match width_of_bar(50) {
            None => ProgressStyle::with_template("{wide_msg} {pos} of {len}"),
            Some(wide) => ProgressStyle::with_template(&format!("{{wide_msg}} {{bar:{wide}}} {{pos}} of {{len}}")),
        };
        bar.set_style(style.expect("the template is a constant").progress_chars("━╸─"));
        if bar.is_hidden() {
            let seconds = match depth {
                Depth::Quick => 10,
                Depth::Thorough => 50,
            };
            note(format_args!("{probes} measurements, about {seconds} s"));
        }
        Self { bar }
    }

    /// Shows a measurement that begins.
    pub(super) fn begin(&self, probe: Probe) {
        self.bar.set_message(describe(probe));
        self.bar.inc(1);
    }

    /// Removes the bar after the last measurement.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Returns a measurement in words: `timerfd, set to 1ms`; `1,000/s, hybrid pacing`.
pub(super) fn describe(probe: Probe) -> String {
    match probe {
        Probe::Parallel => "parallel computing capacity".into(),
        Probe::Timer(timer, requested) => format!("{}, set to {}", timer.name(), units::exact(requested)),
        Probe::Ceiling => "load generator, closed loop".into(),
        Probe::Pacing(rate, pacing) => format!("{}, {} pacing", units::rate(rate), pacing.name()),
    }
}
