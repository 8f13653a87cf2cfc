//! Compares the folders of runs.

use std::path::{Path, PathBuf};

use crate::analysis::compare::{Change, Comparison, SideName, compare as pair};
use crate::analysis::{Analysis, analyze};
use crate::record::{Folder, Record, Run};
use crate::report::{self, bmf, compare as wording, junit, markdown};
use crate::scenario::Scenario;
use crate::session::exports::{ExportFormat, Exports, bmf_text};
use crate::session::grid::Grid;
use crate::session::output::{Stop, note, print, print_json, width};
use crate::session::pages::scenarios;
use crate::text::{self, wrapped};
use crate::units;

use super::ComparisonSpec;

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

/// Compares the runs in the folders and prints each figure.
pub(super) fn compare(spec: &ComparisonSpec, exports: Exports) -> Result<(), Stop> {
    let (before, after) = (read(&spec.before)?, read(&spec.after)?);
    let (before, after) = (analyzed(&before), analyzed(&after));
    for (folder, analysis) in spec.before.iter().zip(&before).chain(spec.after.iter().zip(&after)) {
        if let Some(strays) = report::warn_of_strays(analysis) {
            note(format_args!("avt: {}: {strays}", text::of_path(folder)));
        }
    }
    let found = pair(&before, &after);
    if found.changes.is_empty() {
        return Err(Stop::input("no cell was measured in every run before and after the change"));
    }
    let limits = &spec.fail_over;
    limits.check(&found.names()).map_err(Stop::input)?;
    let regressions = found.regressions(limits);
    if spec.json {
        print_json(&wording::json(&found, &before, &after, limits.is_given().then_some(regressions.len())))?;
    } else if !exports.is_printed() {
        print(text(&found, &before, &after))?;
        for change in &regressions {
            print(wrapped(&wording::over_the_limit(change), width(), "  ").join("\n"))?;
        }
    }
    exports.write(|format| match format {
        ExportFormat::Markdown => markdown::compare(&found, &before, &after, limits),
        ExportFormat::Junit => junit::compare(&found, limits),
        ExportFormat::Bmf => bmf_text(&bmf::compare(&found)),
    })?;
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
    text + "\n" + &wrapped(&wording::conclusion(found), wide, "").join("\n")
}
