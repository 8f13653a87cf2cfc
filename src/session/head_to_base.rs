//! The end of `avt ab`: two servers side by side.

use crate::analysis::{AbOutcome, HeadToBase};
use crate::report;
use crate::text::wrapped;

use super::output::{Stop, print, width};

/// Prints the figures of two servers side by side, and the conclusion.
pub(super) fn print_figures(found: &HeadToBase) -> Result<(), Stop> {
    let lines = report::ab::figures(found).into_iter().chain([report::ab::sentence(found)]);
    let lines: Vec<String> = lines.flat_map(|line| wrapped(&line, width(), "  ")).collect();
    print(lines.join("\n"))
}

/// Returns the end of `avt ab`: an error if no conclusion can be drawn, or if the second server is certainly worse than
/// the limit allows.
pub(super) fn judge(found: &HeadToBase, fail_over: Option<f64>) -> Result<(), Stop> {
    match (&found.outcome, fail_over) {
        (AbOutcome::NotMeasurable(_), _) => Err(Stop::invalid()),
        (_, Some(limit)) if found.is_worse_than(limit) => {
            Err(Stop::unmet("head is worse than base by more than --fail-over allows"))
        }
        (AbOutcome::Differ(_) | AbOutcome::Alike { .. }, _) => Ok(()),
    }
}
