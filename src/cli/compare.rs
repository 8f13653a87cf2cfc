//! `avt compare`: compares runs, or two loads, before a change with those after it.

use std::path::PathBuf;

use crate::analysis::fail_over::{FailOver, FailOverRule};
use crate::session::output::Stop;
use crate::session::{self, ComparisonSpec};

use super::exports::ExportArgs;

/// Compare runs, or two loads, before a change with those after it, figure by figure
///
/// Prints each figure after the change as a multiple of the figure before it, with its 95 % confidence interval. One
/// run per side does not show how much runs of the same thing differ, so a change gets a verdict only if it exceeds the
/// differences in benches/README.md; several runs per side show that difference themselves. Two loads get no verdict.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  avt compare reports/before reports/after --fail-over 10%\n  \
                        avt compare before.json after.json --fail-over p99=20%,throughput=5%\n  \
                        avt compare --before reports/a1 reports/a2 reports/a3 --after reports/b1 reports/b2 reports/b3")]
pub(super) struct CompareArgs {
    /// The folders of one run before the change and one run after it, or two files with the output of `avt load --json`
    #[arg(value_names = ["BEFORE", "AFTER"], num_args = 2, required_unless_present_all = ["before", "after"],
          conflicts_with_all = ["before", "after"])]
    pair: Vec<PathBuf>,
    /// The folders of the runs before the change
    #[arg(long, value_name = "DIR", num_args = 1.., requires = "after")]
    before: Vec<PathBuf>,
    /// The folders of the runs after the change
    #[arg(long, value_name = "DIR", num_args = 1.., requires = "before")]
    after: Vec<PathBuf>,
    /// Exit with 1 if a figure got worse by more than this, even at the better end of its interval: 10% for all
    /// figures, p99=10% for one, p99@async=10% for one of a model; separate several by commas
    ///
    /// The most specific limit of a figure counts. Loads have no intervals, so the figures themselves count.
    #[arg(long, value_name = "[METRIC[@MODEL]=]PERCENT", value_delimiter = ',')]
    fail_over: Vec<FailOverRule>,
    /// Write a page with the ratios, their intervals and the percentile curves of both sides
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    exports: ExportArgs,
    /// Print the comparison as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn main(args: &CompareArgs) -> Result<(), Stop> {
    let (before, after) = match args.pair.as_slice() {
        [before, after] => (vec![before.clone()], vec![after.clone()]),
        _ => (args.before.clone(), args.after.clone()),
    };
    session::compare(&ComparisonSpec {
        before,
        after,
        fail_over: FailOver(args.fail_over.clone()),
        json: args.json,
        html: args.html.clone(),
        exports: args.exports.paths(),
    })
}
