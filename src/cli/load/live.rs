//! Shows the progress of a load in one line on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::load::{LoadInterval, LoadPlan, Until};
use crate::session::output::note_redraws;
use crate::units;

/// A line that is redrawn each second by the thread that waits for the end, so that the generator's threads are not
/// involved.
#[derive(Debug)]
pub(super) struct Live {
    line: ProgressBar,
    until: Until,
    offered: Option<f64>,
    seconds: u64,
    ended: u64,
    errors: u64,
}

impl Live {
    /// Creates the line; it stays hidden if standard error is not a terminal.
    pub(super) fn new(plan: &LoadPlan) -> Self {
        let target = if note_redraws() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let line = ProgressBar::with_draw_target(None, target);
        line.set_style(ProgressStyle::with_template("{wide_msg}").expect("the template is a constant"));
        Self { line, until: plan.until, offered: plan.offered(), seconds: 0, ended: 0, errors: 0 }
    }

    /// Adds the figures of one second and redraws the line.
    pub(super) fn print_second(&mut self, interval: &LoadInterval) {
        let requests = interval.requests;
        let errors = requests.failed + requests.timed_out;
        self.seconds += 1;
        self.ended += requests.completed + errors;
        self.errors += errors;
        self.line.set_message(self.message(interval));
        self.line.tick();
    }

    fn message(&self, interval: &LoadInterval) -> String {
        let far = match self.until {
            Until::Elapsed(length) => format!("{} s of {}", self.seconds, units::exact(length)),
            Until::Requests(all) => format!("{} of {} requests", units::count(self.ended), units::count(all)),
        };
        let rate = units::rate(interval.requests.completed as f64);
        let offered = self.offered.map_or_else(String::new, |rate| format!(" of {} offered", units::rate(rate)));
        let percentile = |share| interval.response_time.quantile(share).map_or_else(|| "n/a".into(), units::duration);
        let errors = match self.errors {
            0 => String::new(),
            n => format!("  {} without a response", units::count(n)),
        };
        format!("{far}  {rate}{offered}  p50 {}  p99 {}{errors}", percentile(0.5), percentile(0.99))
    }

    /// Removes the line from the terminal.
    pub(super) fn clear(&self) {
        self.line.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Histogram;
    use crate::record::Requests;

    #[test]
    fn the_line_shows_the_last_second_and_the_total_number_of_errors() {
        let mut response_time = Histogram::default();
        response_time.record_many(1_000_000, 900);
        let requests = Requests { completed: 900, failed: 3, timed_out: 1, ..Requests::default() };
        let interval = LoadInterval { requests, service_time: response_time.clone(), response_time };
        let mut live = Live {
            line: ProgressBar::hidden(),
            until: Until::Requests(10_000),
            offered: Some(1_000.0),
            seconds: 0,
            ended: 0,
            errors: 0,
        };
        live.print_second(&interval);
        live.print_second(&interval);
        assert_eq!(
            live.message(&interval),
            "1,808 of 10,000 requests  900/s of 1,000/s offered  p50 1.00 ms  p99 1.00 ms  8 without a response"
        );
    }
}
