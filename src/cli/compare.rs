//! `avt compare`: compares runs before a change with runs after it.

use std::path::PathBuf;

use crate::session;
use crate::session::output::Stop;

/// Compare runs before a change with runs after it, cell by cell
///
/// Prints each figure after the change as a multiple of the figure before it, with its 95 % confidence interval. One
/// run per side does not show how much runs of the same thing differ, so a change gets a verdict only if it exceeds the
/// differences in benches/README.md; several runs per side show that difference themselves.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  avt compare reports/before reports/after --fail-over 10%\n  \
                        avt compare --before reports/a1 reports/a2 reports/a3 --after reports/b1 reports/b2 reports/b3")]
pub(super) struct CompareArgs {
    /// The folders of one run before the change and one run after it
    #[arg(value_names = ["BEFORE", "AFTER"], num_args = 2, required_unless_present_all = ["before", "after"],
          conflicts_with_all = ["before", "after"])]
    pair: Vec<PathBuf>,
    /// The folders of the runs before the change
    #[arg(long, value_name = "DIR", num_args = 1.., requires = "after")]
    before: Vec<PathBuf>,
    /// The folders of the runs after the change
    #[arg(long, value_name = "DIR", num_args = 1.., requires = "before")]
    after: Vec<PathBuf>,
    /// Exit with 1 if a figure got worse by more than this (such as 10%), even at the better end of its interval
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_over: Option<f64>,
    /// Print the comparison as JSON
    #[arg(long)]
    json: bool,
}

/// Parses a percentage as a factor: `10%` as 1.1.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>().ok();
    let percent = number.filter(|percent| percent.is_finite() && *percent >= 0.0);
    percent
        .map(|percent| 1.0 + percent / 100.0)
        .ok_or_else(|| "expected a percentage of at least 0, such as 10%".into())
}

pub(super) fn main(args: &CompareArgs) -> Result<(), Stop> {
    let (before, after) = match args.pair.as_slice() {
        [before, after] => (std::slice::from_ref(before), std::slice::from_ref(after)),
        _ => (args.before.as_slice(), args.after.as_slice()),
    };
    session::compare(before, after, args.fail_over, args.json)
}
