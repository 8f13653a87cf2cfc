//! `avt report`: the pages of a run, written again from its records.

use std::path::{Path, PathBuf};

use crate::record::{Folder, Record, Run};
use crate::report;
use crate::scenario::{Scenario, parse};

use super::output::{Stop, color, note, note_color, print};

/// Write the report of a run again from its records
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: avt report reports/20261122-101500")]
pub(super) struct Args {
    /// The folder that holds run.json and trials.jsonl
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn main(args: &Args) -> Result<(), Stop> {
    let (run, records) = Folder::read(&args.folder).map_err(Stop::input)?;
    let scenarios: Vec<Scenario> = run.scenarios.iter().map(again).collect::<Result<_, _>>()?;
    for scenario in &scenarios {
        print(report::terminal::table(scenario, &run, &records, None, color()))?;
    }
    let index = write(&args.folder, &run, &scenarios, &records)?;
    print(format_args!("report: {}", index.display()))?;
    if records.is_empty() { Err(Stop::not_well()) } else { Ok(()) }
}

/// Parses a scenario as it stands in `run.json`.
fn again(source: &crate::record::Source) -> Result<Scenario, Stop> {
    parse(&format!("{}.toml", source.name), &source.toml).map_err(|mistakes| {
        note(mistakes.render(note_color()));
        Stop::input(format_args!("run.json: the scenario `{}` is none that this avt can read", source.name))
    })
}

/// Writes all pages into a run's folder; the path of the first.
pub(super) fn write(folder: &Path, run: &Run, scenarios: &[Scenario], records: &[Record]) -> Result<PathBuf, Stop> {
    let pages = report::pages(run, scenarios, records);
    for page in &pages {
        Folder::write_page(folder, &page.name, &page.html).map_err(Stop::machine)?;
    }
    Ok(folder.join(&pages[0].name))
}
