//! `avt report`: rewrites the pages of a run from its records.

use std::path::PathBuf;

use crate::analysis::{Standing, analyze};
use crate::record::{Folder, RUN};
use crate::report;
use crate::session::exports::ExportPaths;
use crate::session::output::{Stop, color, note, print, print_json, width};
use crate::session::output_file::OutputPlaces;
use crate::session::pages::{list, print_end, scenarios, write};
use crate::text;

use super::strict::Strict;

/// Write the report of a run again from its records, or the page that lists all runs
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  avt report reports/20261122-101500\n  avt report")]
pub(super) struct ReportArgs {
    /// Folder of a run (with run.json and trials.jsonl), or a folder of such folders
    #[arg(value_name = "DIR", default_value = RUNS)]
    folder: PathBuf,
    #[command(flatten)]
    strict: Strict,
    /// Write a summary in Markdown: verdicts, tables, claims and findings; - for standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "pairs"])]
    markdown: Option<PathBuf>,
    /// Print the ratio of every model to every other as well
    #[arg(long, conflicts_with = "json")]
    pairs: bool,
    /// Print the analysis as JSON instead of tables
    #[arg(long)]
    json: bool,
}

/// The default folder of runs.
pub(super) const RUNS: &str = "reports";

pub(super) fn main(args: &ReportArgs) -> Result<(), Stop> {
    if !args.folder.join(RUN).exists() {
        return match list(&args.folder)? {
            Some(index) => print(format_args!("runs: {}", text::of_path(&index))),
            None => Err(Stop::input(format_args!(
                "{}: no {RUN} in this folder or the folders in it; `avt run` creates one",
                args.folder.display()
            ))),
        };
    }
    let (run, records) = Folder::read(&args.folder).map_err(Stop::input)?;
    if records.len() as u64 != run.trials_planned {
        note(format_args!("avt: {} of {} planned trials have a record", records.len(), run.trials_planned));
    }
    let scenarios = scenarios(&run)?;
    let analysis = analyze(&run, &scenarios, &records);
    if let Some(strays) = report::warn_of_strays(&analysis) {
        note(format_args!("avt: {strays}"));
    }
    let paths = ExportPaths { markdown: args.markdown.clone(), ..ExportPaths::default() };
    let exports = paths.begin(args.json, &mut OutputPlaces::default())?;
    let index = write(&args.folder, &analysis)?;
    let is_exported = exports.is_printed();
    let written = exports.write(|_| report::markdown::run(&analysis, Some(&index.to_string_lossy())));
    written.files?;
    let printed = if is_exported {
        written.printed
    } else if args.json {
        let (folder, index) = (args.folder.to_string_lossy(), index.to_string_lossy());
        print_json(&report::json::run(&analysis, &folder, &index))
    } else {
        let table = |scenario| {
            let pairs = if args.pairs { report::terminal::pairs(scenario, Some(width())) } else { String::new() };
            report::terminal::table(scenario, Some(width()), color()) + &pairs
        };
        let mut tables = analysis.scenarios.iter().map(table);
        tables.try_for_each(print).and_then(|()| print_end(&analysis, &index))
    };
    if records.is_empty() {
        let folder = args.folder.display();
        return Err(Stop::unmet(format_args!("{folder}: contains no trial records")));
    }
    // The end of the run determined its own exit code; here only `--strict` matters.
    match analysis.standing(args.strict.strictness()) {
        Standing::NotCredible => Err(Stop::invalid()),
        Standing::Good | Standing::Bad => printed,
    }
}
