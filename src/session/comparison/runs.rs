//! Compares the folders of runs.

use std::path::PathBuf;

use crate::analysis::Analysis;
use crate::analysis::compare::{Change, Comparison, SideName, compare as pair};
use crate::report::compare as wording;
use crate::session::exports::Exports;
use crate::session::grid::Grid;
use crate::session::output::{Stop, print, print_json, width};
use crate::session::output_file::OutputFile;
use crate::session::pages::{ReadRun, note_strays};
use crate::text::{self, wrapped};

use super::{ComparisonSpec, refuse_regressions};

fn read(folders: &[PathBuf]) -> Result<Vec<ReadRun>, Stop> {
    folders.iter().map(|folder| ReadRun::from(folder)).collect()
}

fn analyzed(side: &[ReadRun]) -> Vec<Analysis<'_>> {
    side.iter().map(ReadRun::analyzed).collect()
}

/// Compares the runs in the folders and prints each figure.
pub(super) fn compare(spec: &ComparisonSpec, exports: Exports, html: Option<OutputFile>) -> Result<(), Stop> {
    let (before, after) = (read(&spec.before)?, read(&spec.after)?);
    let (before, after) = (analyzed(&before), analyzed(&after));
    for (folder, analysis) in spec.before.iter().zip(&before).chain(spec.after.iter().zip(&after)) {
        note_strays(&text::of_path(folder), analysis);
    }
    let found = pair(&before, &after);
    if found.changes.is_empty() {
        return Err(Stop::input("no cell was measured in every run before and after the change"));
    }
    let limits = &spec.fail_over;
    limits.check(&found.names()).map_err(Stop::input)?;
    let regressions = found.regressions(limits);
    let is_exported = exports.is_printed();
    let written = exports.write_comparison(&found, &before, &after, limits, html);
    written.files?;
    let printed = if spec.json {
        print_json(&wording::json(&found, &before, &after, limits.is_given().then_some(regressions.len())))
    } else if is_exported {
        written.printed
    } else {
        print(text(&found, &before, &after, &regressions))
    };
    let is_invalid = regressions.is_empty() && found.changes.iter().any(Change::rests_on_invalid);
    if is_invalid { Err(Stop::invalid()) } else { refuse_regressions(regressions.len()).and(printed) }
}

fn text(found: &Comparison, before: &[Analysis<'_>], after: &[Analysis<'_>], over: &[&Change]) -> String {
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
    text += &format!("\n{}", wrapped(&wording::conclusion(found), wide, "").join("\n"));
    for change in over {
        text += &format!("\n{}", wrapped(&wording::over_the_limit(change), wide, "  ").join("\n"));
    }
    text
}
