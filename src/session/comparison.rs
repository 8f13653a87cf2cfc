//! Compares runs, or two loads, before a change with those after it, and prints each figure.

#[cfg(feature = "cli")]
mod loads;
mod runs;

use std::path::PathBuf;

use crate::analysis::fail_over::FailOver;
use crate::text;
use crate::units;

use super::exports::{ExportPaths, Exports};
use super::output::Stop;
use super::output_file::{OutputFile, OutputPlaces};

/// The runs to compare, and where the results go.
#[derive(Clone, Debug, Default)]
pub(crate) struct ComparisonSpec {
    /// The folders of the runs before the change, or the output of one load.
    pub(crate) before: Vec<PathBuf>,
    /// The same after the change.
    pub(crate) after: Vec<PathBuf>,
    /// How much worse each figure may get.
    pub(crate) fail_over: FailOver,
    /// Whether the result is printed as JSON.
    pub(crate) json: bool,
    /// The page to write.
    pub(crate) html: Option<PathBuf>,
    /// The files for continuous integration.
    pub(crate) exports: ExportPaths,
}

/// Compares the two sides and prints each figure. Returns an error if a figure got worse by more than its limit, even
/// at the better end of its interval, or if the comparison rests on an INVALID measurement.
#[cfg(feature = "cli")]
pub(crate) fn compare(spec: &ComparisonSpec) -> Result<(), Stop> {
    let mut places = OutputPlaces::default();
    let all = || spec.before.iter().chain(&spec.after);
    all().for_each(|path| places.add_input("a load to compare", path));
    let exports = spec.exports.begin(spec.json, &mut places)?;
    if let Some(path) = &spec.html {
        places.add_output("--html", path)?;
    }
    let Some(file) = all().find(|path| path.is_file()) else {
        let html = spec.html.as_ref().map(|path| OutputFile::begin("--html", path)).transpose()?;
        return runs::compare(spec, exports, html);
    };
    if spec.html.is_some() {
        return Err(Stop::input("--html: two loads have no page together; write one for each with `avt load --html`"));
    }
    if let Some(other) = all().find(|path| !path.is_file()) {
        let (file, other) = (text::of_path(file), text::of_path(other));
        return Err(Stop::input(format_args!(
            "{file} is a file and {other} is not: compare two folders of runs, or two outputs of `avt load --json`"
        )));
    }
    match (spec.before.as_slice(), spec.after.as_slice()) {
        ([before], [after]) => loads::compare(before, after, spec, exports),
        _ => Err(Stop::input(
            "--before, --after: outputs of `avt load --json` are compared one with one; several a side must be folders \
             of runs",
        )),
    }
}

/// Compares runs as [`compare`] does, and writes nothing but the table or the JSON.
pub(crate) fn compare_runs(spec: &ComparisonSpec) -> Result<(), Stop> {
    runs::compare(spec, Exports::default(), None)
}

/// Returns an error if any figure is over its limit.
fn refuse_regressions(over: usize) -> Result<(), Stop> {
    let figures = units::counted(over as u64, "figure", "figures");
    match over {
        0 => Ok(()),
        _ => Err(Stop::unmet(format_args!("{figures} got worse by more than --fail-over allows"))),
    }
}
