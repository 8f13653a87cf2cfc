//! The outputs of a load: of one that `avt load` ran, and of one that `avt merge` put together.

mod hdr;
mod json;
mod picture;
mod text;

use std::path::PathBuf;

use crate::analysis::Strictness;
use crate::report::{self, LoadReport};
use crate::text as untrusted;

use super::ended;
use super::exports::{ExportFormat, ExportPaths, Exports, bmf_text};
use super::output::{Stop, print, print_json, width};
use super::output_file::{OutputFile, OutputPlaces, first_failure};

pub(crate) use hdr::{IntervalLog, partial_reason};
pub(crate) use text::connections;

/// The requested outputs of a load.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoadOutputPaths {
    pub(crate) hgrm: Option<PathBuf>,
    pub(crate) hlog: Option<PathBuf>,
    pub(crate) html: Option<PathBuf>,
    pub(crate) exports: ExportPaths,
    /// Whether JSON is printed instead of text.
    pub(crate) json: bool,
}

/// The output files of a load, begun but not written.
#[derive(Debug)]
pub(crate) struct LoadOutputs {
    hgrm: Option<OutputFile>,
    /// The interval log, which is written while the load runs.
    pub(crate) hlog: Option<OutputFile>,
    html: Option<OutputFile>,
    exports: Exports,
    json: bool,
}

/// How a load ends, beside its figures.
#[derive(Debug, Default)]
pub(crate) struct LoadEnding {
    /// The result of writing the interval log, if there is one.
    pub(crate) hlog: Option<Result<(), Stop>>,
    /// The verdict from which on the verb ends with exit code 4.
    pub(crate) strictness: Strictness,
    /// The reason why objectives that were set are not judged.
    pub(crate) unjudged: Option<&'static str>,
    /// The signal that ended the load early.
    pub(crate) signal: Option<i32>,
}

impl LoadOutputs {
    /// Begins to write every file. Refuses a path that cannot be written, and one that two outputs would share, or an
    /// output and an input in `places`.
    pub(crate) fn begin(paths: &LoadOutputPaths, mut places: OutputPlaces) -> Result<Self, Stop> {
        let asked = [("--hgrm", &paths.hgrm), ("--hlog", &paths.hlog), ("--html", &paths.html)];
        for (option, path) in asked.into_iter().filter_map(|(option, path)| Some((option, path.as_ref()?))) {
            places.add_output(option, path)?;
        }
        let exports = paths.exports.begin(paths.json, &mut places)?;
        let begin =
            |option, path: &Option<PathBuf>| path.as_deref().map(|path| OutputFile::begin(option, path)).transpose();
        let [hgrm, hlog, html] = asked;
        let [hgrm, hlog, html] = [begin(hgrm.0, hgrm.1)?, begin(hlog.0, hlog.1)?, begin(html.0, html.1)?];
        Ok(Self { hgrm, hlog, html, exports, json: paths.json })
    }

    /// Writes every output except the interval log, which was written before. Returns how the verb ends.
    pub(crate) fn finish(self, report: &LoadReport<'_>, ending: LoadEnding) -> Result<(), Stop> {
        let Self { hgrm, hlog: _, html, exports, json } = self;
        let LoadEnding { hlog, strictness, unjudged, signal } = ending;
        let hgrm = hgrm.map(|output| output.write(&hdr::distribution(report)));
        let html = html.map(|output| output.write(&report::load(report)));
        let prints_text = !exports.is_printed();
        let exported = exports.write(|format| match format {
            ExportFormat::Markdown => report::markdown::load(report),
            ExportFormat::Junit => report::junit::load(report),
            ExportFormat::Bmf => bmf_text(&report::bmf::load(report)),
        });
        let written = first_failure([hgrm, hlog, html].into_iter().flatten().chain([exported.files]));
        let printed = if json {
            print_json(&json::json(report))
        } else if !prints_text {
            exported.printed
        } else {
            let unjudged = unjudged.map_or_else(String::new, |why| format!("\nslo        not judged: {why}"));
            let page = format!("{}{unjudged}", text::text(report));
            print(untrusted::fitted(&untrusted::printable(&page), width()))
        };
        match signal {
            // The signal matters more than output that could not be written.
            Some(signal) => {
                if let Err(stop) = written {
                    stop.print();
                }
                Err(Stop::signal(signal))
            }
            None => {
                let standing = report.analysis.standing(strictness);
                written.and(ended(standing, || text::unmet_requirements(report))).and(printed)
            }
        }
    }
}
