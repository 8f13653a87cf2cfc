//! Compares runs before a change with runs after it, and prints each figure.

use std::path::{Path, PathBuf};

use crate::analysis::compare::{Change, Comparison, Direction, SideName, compare as pair};
use crate::analysis::{Analysis, analyze};
use crate::record::{Folder, Record, Run};
use crate::report::{self, compare as wording};
use crate::scenario::Scenario;
use crate::text::{self, wrapped};
use crate::units;

use super::grid::Grid;
use super::output::{Stop, note, print, print_json, width};
use super::pages::scenarios;

/// A run with its scenarios and records.
struct Read {
    run: Run,
    scenarios: Vec<Scenario>,
    records: Vec<Record>,
}

impl Read {
    fn from(folder: &Path) -> Result<Self, Stop> {
        let (run, records) = Folder::read(folder).map_err(Stop::input)?;
        Ok(Self { scenarios: scenarios(&run)?, run, records })
    }
}

fn read(folders: &[PathBuf]) -> Result<Vec<Read>, Stop> {
    folders.iter().map(|folder| Read::from(folder)).collect()
}

fn analyzed(side: &[Read]) -> Vec<Analysis<'_>> {
    side.iter().map(|read| analyze(&read.run, &read.scenarios, &read.records)).collect()
}

/// Compares the runs in these folders and prints each figure. Returns an error if a figure got worse by more than
/// `fail_over`, a factor, even at the better end of its interval, or if the comparison rests on INVALID trials.
pub(crate) fn compare(
    of_before: &[PathBuf],
    of_after: &[PathBuf],
    fail_over: Option<f64>,
    is_json: bool,
) -> Result<(), Stop> {
    let (before, after) = (read(of_before)?, read(of_after)?);
    let (before, after) = (analyzed(&before), analyzed(&after));
    for (folder, analysis) in of_before.iter().zip(&before).chain(of_after.iter().zip(&after)) {
        if let Some(strays) = report::warn_of_strays(analysis) {
            note(format_args!("avt: {}: {strays}", text::of_path(folder)));
        }
    }
    let found = pair(&before, &after);
    if found.changes.is_empty() {
        return Err(Stop::input("no cell was measured in every run before and after the change"));
    }
    let is_over = |change: &&Change| fail_over.is_some_and(|limit| change.is_beyond(limit));
    let regressions: Vec<&Change> = found.changes.iter().filter(is_over).collect();
    if is_json {
        print_json(&wording::json(&found, &before, &after, fail_over.map(|_| regressions.len())))?;
    } else {
        print(text(&found, &before, &after))?;
        for change in &regressions {
            let figure = format!("{} {}", change.model, wording::heading(change));
            let line = format!("over the limit: {}, {figure}: {}", wording::place(change), wording::verdict(change));
            print(wrapped(&line, width(), "  ").join("\n"))?;
        }
    }
    if !regressions.is_empty() {
        let figures = units::counted(regressions.len() as u64, "figure", "figures");
        Err(Stop::unmet(format_args!("{figures} got worse by more than --fail-over allows")))
    } else if found.changes.iter().any(Change::rests_on_invalid) {
        Err(Stop::invalid())
    } else {
        Ok(())
    }
}

fn text(found: &Comparison, before: &[Analysis<'_>], after: &[Analysis<'_>]) -> String {
    let mut text = String::new();
    let wide = width();
    let findings = [(SideName::Before, before), (SideName::After, after)];
    let findings = findings.into_iter().filter_map(|(side, runs)| wording::findings(side, runs));
    for warning in found.warnings.iter().map(wording::warning).chain(findings) {
        text += &wrapped(&format!("Warning: {warning}"), wide, "  ").join("\n");
        text.push('\n');
    }
    for here in found.changes.chunk_by(|one, next| wording::place(one) == wording::place(next)) {
        text += &format!("\n{}\n", wrapped(&wording::place(&here[0]), wide, "  ").join("\n"));
        let mut grid = Grid::new(&["model", "figure"], &wording::HEADINGS);
        for change in here {
            grid.row(
                [change.model.to_string(), wording::heading(change).into()].into_iter().chain(wording::columns(change)),
            );
        }
        text += &grid.lines(wide).join("\n");
        text.push('\n');
    }
    text + "\n" + &wrapped(&conclusion(found), wide, "").join("\n")
}

/// Returns a summary of all figures.
fn conclusion(found: &Comparison) -> String {
    let count = |wanted: fn(Direction) -> bool| {
        units::count(found.changes.iter().filter(|change| wanted(change.direction)).count() as u64)
    };
    let mut close = format!(
        "{}: {} worse, {} better, {} without a difference, {} not comparable.",
        units::counted(found.changes.len() as u64, "figure", "figures"),
        count(|direction| direction == Direction::Worse),
        count(|direction| direction == Direction::Better),
        count(|direction| direction == Direction::Same),
        count(|direction| matches!(direction, Direction::Incomparable(_))),
    );
    if found.changes.iter().any(|change| change.runs == [1, 1]) {
        close += " Figures before and after are geometric means over rounds. One run per side does not show how much \
                  two runs differ; compare several (--before A B C --after D E F) to detect smaller differences.";
    } else {
        close += " Figures before and after are geometric means over runs, and intervals are computed over runs.";
    }
    close
}
