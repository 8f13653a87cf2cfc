//! Reads the runs of several machines, and prints them side by side.

use std::path::{Path, PathBuf};

use crate::analysis::Strictness;
use crate::analysis::by_machine::{ByMachine, MachineRun, by_machine};
use crate::record::{Folder, RUN};
use crate::report::{by_machine as wording, markdown};
use crate::text::{self, wrapped};

use super::exports::ExportPaths;
use super::grid::Grid;
use super::output::{Stop, print, print_json, width};
use super::output_file::OutputPlaces;
use super::pages::{ReadRun, note_strays};

/// The runs to put side by side, and where the result goes.
#[derive(Clone, Debug)]
pub(crate) struct RunsByMachine {
    /// The folders of the runs.
    pub(crate) folders: Vec<PathBuf>,
    /// Whether the result is printed as JSON.
    pub(crate) json: bool,
    /// The file with a summary in Markdown; `-` prints it instead of the tables.
    pub(crate) markdown: Option<PathBuf>,
    /// The verdicts on the runs that make the verb fail.
    pub(crate) strictness: Strictness,
}

/// Returns the folders of the runs at a path: the path itself, or those in it, sorted; none if there are none.
pub(crate) fn runs_at(path: &Path) -> Result<Vec<PathBuf>, Stop> {
    if path.join(RUN).is_file() {
        return Ok(vec![path.to_owned()]);
    }
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let names = Folder::runs(path).map_err(Stop::input)?;
    Ok(names.into_iter().map(|name| path.join(name)).collect())
}

impl RunsByMachine {
    /// Reads the runs, and prints a table by machine for each point of their common scenarios.
    pub(crate) fn print(&self) -> Result<(), Stop> {
        let paths = ExportPaths { markdown: self.markdown.clone(), ..ExportPaths::default() };
        let exports = paths.begin(self.json, &mut OutputPlaces::default())?;
        let read = self.folders.iter().map(|folder| ReadRun::from(folder)).collect::<Result<Vec<_>, Stop>>()?;
        let runs: Vec<MachineRun<'_>> = self
            .folders
            .iter()
            .zip(&read)
            .map(|(folder, read)| MachineRun { folder: text::of_path(folder), analysis: read.analyzed() })
            .collect();
        runs.iter().for_each(|run| note_strays(&run.folder, &run.analysis));
        let found = by_machine(&runs).map_err(Stop::input)?;
        let is_exported = exports.is_printed();
        let written = exports.write(|_| markdown::by_machine(&found));
        written.files?;
        let printed = if self.json {
            print_json(&wording::json(&found))
        } else if is_exported {
            written.printed
        } else {
            print(rendered(&found))
        };
        if found.is_credible(self.strictness) { printed } else { Err(Stop::invalid()) }
    }
}

fn rendered(found: &ByMachine<'_>) -> String {
    let wide = width();
    let mut text = String::new();
    for warning in wording::warnings(found) {
        text += &wrapped(&format!("Warning: {warning}"), wide, "  ").join("\n");
        text.push('\n');
    }
    text += &grid(&wording::machines(found), 2, wide);
    for point in &found.points {
        text += &format!("\n{}\n", wrapped(&wording::title(point), wide, "  ").join("\n"));
        text += &grid(&wording::table(found, point), 1, wide);
    }
    text + "\n" + &wrapped(&wording::conclusion(found), wide, "").join("\n")
}

/// Formats a table whose first columns are names.
fn grid(table: &wording::TextTable, names: usize, wide: usize) -> String {
    let headings: Vec<&str> = table.headings.iter().map(String::as_str).collect();
    let (names, figures) = headings.split_at(names);
    let mut grid = Grid::new(names, figures);
    table.rows.iter().for_each(|row| grid.row(row.iter().cloned()));
    grid.lines(wide).join("\n") + "\n"
}
