//! Compares two outputs of `avt load --json`.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::analysis::compare_loads::{LOAD_SCHEMA, LoadComparison, LoadOutput, compare_loads};
use crate::report::{bmf, compare_loads as wording, junit, markdown};
use crate::session::exports::{ExportFormat, Exports, bmf_text};
use crate::session::grid::Grid;
use crate::session::output::{Stop, print, print_json, width};
use crate::text::{self, wrapped};

use super::{ComparisonSpec, refuse_regressions};

/// Reads the output of a load.
fn read(path: &Path) -> Result<LoadOutput, Stop> {
    /// The most bytes to read; an output has a few thousand.
    const MOST: u64 = 16 << 20;
    let wrong = |why: String| Stop::input(format_args!("{}: {why}", text::of_path(path)));
    let mut json = String::new();
    let read = File::open(path).and_then(|file| file.take(MOST).read_to_string(&mut json));
    read.map_err(|error| wrong(error.to_string()))?;
    let value: serde_json::Value = serde_json::from_slice(json.as_bytes())
        .map_err(|error| wrong(format!("expected the output of `avt load --json`: {error}")))?;
    // Another schema may lack fields, so it is checked first.
    match value.get("schema").and_then(serde_json::Value::as_u64) {
        Some(schema) if schema != u64::from(LOAD_SCHEMA) && value.get("response_time_us").is_some() => {
            Err(wrong(format!("output of a load with schema {schema}; this avt reads schema {LOAD_SCHEMA}")))
        }
        _ => serde_json::from_value(value)
            .map_err(|error| wrong(format!("expected the output of `avt load --json`: {error}"))),
    }
}

/// Compares two loads and prints each figure.
pub(super) fn compare(before: &Path, after: &Path, spec: &ComparisonSpec, exports: Exports) -> Result<(), Stop> {
    let (before, after) = (read(before)?, read(after)?);
    let found = compare_loads(&before, &after);
    if found.changes.is_empty() {
        return Err(Stop::input("no figure was measured in both loads"));
    }
    spec.fail_over.check(&found.names()).map_err(Stop::input)?;
    let over = found.regressions(&spec.fail_over).len();
    let is_exported = exports.is_printed();
    let written = exports.write(|format| match format {
        ExportFormat::Markdown => markdown::compare_of_loads(&found, &spec.fail_over),
        ExportFormat::Junit => junit::compare_of_loads(&found, &spec.fail_over),
        ExportFormat::Bmf => bmf_text(&bmf::compare_of_loads(&found)),
    });
    written.files?;
    let printed = if spec.json {
        print_json(&wording::json(&found, spec.fail_over.is_given().then_some(over)))
    } else if is_exported {
        written.printed
    } else {
        print(text(&found, spec))
    };
    if found.is_invalid() { Err(Stop::invalid()) } else { refuse_regressions(over).and(printed) }
}

fn text(found: &LoadComparison<'_>, spec: &ComparisonSpec) -> String {
    let wide = width();
    let mut text = String::new();
    for warning in wording::warnings(found) {
        text += &wrapped(&format!("Warning: {warning}"), wide, "  ").join("\n");
        text.push('\n');
    }
    let mut grid = Grid::new(&["figure"], &wording::HEADINGS);
    for change in &found.changes {
        grid.row([text::one_line(&change.name)].into_iter().chain(wording::columns(change)));
    }
    text += &format!("\n{}\n\n", grid.lines(wide).join("\n"));
    for change in found.regressions(&spec.fail_over) {
        text += &format!("{}\n", wrapped(&text::one_line(&wording::over_the_limit(change)), wide, "  ").join("\n"));
    }
    text + &wrapped(wording::CONCLUSION, wide, "").join("\n")
}
