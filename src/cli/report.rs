//! `avt report`: rewrites the pages of a run from its records.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::analysis::{Analysis, Standing, analyze};
use crate::record::{Folder, RUN, Run, Source};
use crate::report;
use crate::scenario::{Model, Scenario, parse};
use crate::text;

use super::output::{Stop, color, note, note_color, note_styled, note_width, print, print_json, width};
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
    let index = write(&args.folder, &analysis)?;
    let printed = if args.json {
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

/// Prints the state of the claims, if there are any, and the path of the report.
pub(super) fn print_end(analysis: &Analysis<'_>, index: &Path) -> Result<(), Stop> {
    let scoreboard = report::terminal::scoreboard(&analysis.scoreboard, Some(width()));
    if !scoreboard.is_empty() {
        print(scoreboard)?;
    }
    print(format_args!("report: {}", text::of_path(index)))
}

/// Writes the page that lists the runs of a folder, and returns its path; `None` if the folder holds no runs.
pub(super) fn list(folder: &Path) -> Result<Option<PathBuf>, Stop> {
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

/// Returns the scenarios of a run, with the models that were run.
pub(super) fn scenarios(run: &Run) -> Result<Vec<Scenario>, Stop> {
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
pub(super) fn keep_models(mut scenario: Scenario, models: &[Model]) -> Scenario {
    let is_wanted = |model: &Model| models.is_empty() || models.contains(model);
    scenario.models.retain(is_wanted);
    scenario.claims = scenario.claims.into_iter().filter_map(|claim| claim.among(is_wanted)).collect();
    scenario
}

/// Writes all pages and traces into a run's folder, and returns the path of the first page.
pub(super) fn write(folder: &Path, analysis: &Analysis<'_>) -> Result<PathBuf, Stop> {
    let pages = report::pages(analysis);
    for page in &pages {
        Folder::write_page(folder, &page.name, &page.html).map_err(Stop::machine)?;
    }
    for (name, text) in report::traces(analysis) {
        Folder::write_page(folder, &name, &text).map_err(Stop::machine)?;
    }
    Ok(folder.join(&pages[0].name))
}
