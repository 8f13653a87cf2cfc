//! Writes the pages of a run, and reads its scenarios again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::analysis::{Analysis, analyze};
use crate::record::{Folder, Record, Run, Source};
use crate::report;
use crate::scenario::{Model, Scenario, parse};
use crate::text;

use super::output::{Stop, note, note_color, note_styled, note_width, print, width};

/// Prints the state of the claims, if there are any, the part of the rounds that a shard holds, and the path of the
/// report.
pub(crate) fn print_end(analysis: &Analysis<'_>, index: &Path) -> Result<(), Stop> {
    let scoreboard = report::terminal::scoreboard(&analysis.scoreboard, Some(width()));
    if !scoreboard.is_empty() {
        print(scoreboard)?;
    }
    if let Some(shard) = analysis.run.shard {
        print(text::fitted(&report::shard_sentence(shard), width()))?;
    }
    print(format_args!("report: {}", text::of_path(index)))
}

/// Writes the page that lists the runs of a folder, and returns its path; `None` if the folder holds no runs.
pub(crate) fn list(folder: &Path) -> Result<Option<PathBuf>, Stop> {
    let names = Folder::runs(folder).map_err(Stop::input)?;
    if names.is_empty() {
        return Ok(None);
    }
    let read = |name: OsString| {
        let run = Folder::read_run(&folder.join(&name)).map_err(|error| error.to_string());
        (name, run)
    };
    let runs: Vec<_> = names.into_iter().map(read).collect();
    let page = report::list(&runs);
    Folder::write_page(folder, &page.name, &page.html).map_err(Stop::machine)?;
    Ok(Some(folder.join(page.name)))
}

/// A run that was read from its folder, with its scenarios and records.
pub(crate) struct ReadRun {
    run: Run,
    scenarios: Vec<Scenario>,
    records: Vec<Record>,
}

impl ReadRun {
    /// Reads a run.
    pub(crate) fn from(folder: &Path) -> Result<Self, Stop> {
        let (run, records) = Folder::read(folder).map_err(Stop::input)?;
        Ok(Self { scenarios: scenarios(&run)?, run, records })
    }

    /// Analyzes the run.
    pub(crate) fn analyzed(&self) -> Analysis<'_> {
        analyze(&self.run, &self.scenarios, &self.records)
    }
}

/// Notes which records of the run in a folder belong to none of its cells, if any do.
pub(crate) fn note_strays(folder: &str, analysis: &Analysis<'_>) {
    if let Some(strays) = report::warn_of_strays(analysis) {
        note(format_args!("avt: {folder}: {strays}"));
    }
}

/// Returns the scenarios of a run, with the models that were run.
pub(crate) fn scenarios(run: &Run) -> Result<Vec<Scenario>, Stop> {
    run.scenarios.iter().map(|source| parse_again(source, run)).collect()
}

/// Parses a scenario from `run.json`, with the models that were run.
fn parse_again(source: &Source, run: &Run) -> Result<Scenario, Stop> {
    let scenario = parse(&format!("{}.toml", source.name), &source.toml).map_err(|mistakes| {
        note_styled(mistakes.render(note_width(), note_color()));
        Stop::input(format_args!("run.json: scenario `{}` cannot be read by this version of avt", source.name))
    })?;
    if scenario.name != source.name {
        return Err(Stop::input(format_args!(
            "run.json: scenarios: `{}` has the text of the scenario `{}`",
            source.name, scenario.name
        )));
    }
    Ok(keep_models(scenario, &run.models))
}

/// Restricts a scenario to these models; keeps all if `models` is empty.
pub(crate) fn keep_models(mut scenario: Scenario, models: &[Model]) -> Scenario {
    let is_wanted = |model: &Model| models.is_empty() || models.contains(model);
    scenario.models.retain(is_wanted);
    scenario.claims = scenario.claims.into_iter().filter_map(|claim| claim.among(is_wanted)).collect();
    scenario
}

/// Writes all pages and traces into a run's folder, and returns the path of the first page.
pub(crate) fn write(folder: &Path, analysis: &Analysis<'_>) -> Result<PathBuf, Stop> {
    let pages = report::pages(analysis);
    for page in &pages {
        Folder::write_page(folder, &page.name, &page.html).map_err(Stop::machine)?;
    }
    for (name, text) in report::traces(analysis) {
        Folder::write_page(folder, &name, &text).map_err(Stop::machine)?;
    }
    Ok(folder.join(&pages[0].name))
}
