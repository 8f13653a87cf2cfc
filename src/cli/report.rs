//! `avt report`: the pages of a run, written again from its records.

use std::path::{Path, PathBuf};

use crate::record::{Folder, Record, Run, Source};
use crate::report;
use crate::scenario::{Model, Scenario, parse};

use super::output::{Stop, color, note, note_color, print, width};

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
    if records.len() as u64 != run.trials_planned {
        note(format_args!("avt: {} of {} planned trials have a record", records.len(), run.trials_planned));
    }
    let scenarios = scenarios(&run)?;
    let index = write(&args.folder, &run, &scenarios, &records)?;
    let mut tables =
        scenarios.iter().map(|scenario| report::terminal::table(scenario, &run, &records, width(), color()));
    let printed = tables.try_for_each(print);
    let printed = printed.and_then(|()| print(format_args!("report: {}", index.display())));
    if records.is_empty() { Err(Stop::not_well()) } else { printed }
}

/// The scenarios of a run, with the models that were run.
pub(super) fn scenarios(run: &Run) -> Result<Vec<Scenario>, Stop> {
    run.scenarios.iter().map(|source| again(source, run)).collect()
}

/// Parses a scenario as it stands in `run.json`, with the models that were run.
fn again(source: &Source, run: &Run) -> Result<Scenario, Stop> {
    let scenario = parse(&format!("{}.toml", source.name), &source.toml).map_err(|mistakes| {
        note(mistakes.render(note_color()));
        Stop::input(format_args!("run.json: the scenario `{}` is none that this avt can read", source.name))
    })?;
    Ok(only(scenario, &run.models))
}

/// The scenario with only these of its models, or with all where none is named.
pub(super) fn only(mut scenario: Scenario, models: &[Model]) -> Scenario {
    scenario.models.retain(|model| models.is_empty() || models.contains(model));
    scenario
}

/// Writes all pages and traces into a run's folder; the path of the first page.
pub(super) fn write(folder: &Path, run: &Run, scenarios: &[Scenario], records: &[Record]) -> Result<PathBuf, Stop> {
    let pages = report::pages(run, scenarios, records);
    for page in &pages {
        Folder::write_page(folder, &page.name, &page.html).map_err(Stop::machine)?;
    }
    for (name, text) in report::traces(scenarios, records) {
        Folder::write_page(folder, &name, &text).map_err(Stop::machine)?;
    }
    Ok(folder.join(&pages[0].name))
}
