//! The files for continuous integration that a verb writes beside its own output: Markdown, JUnit XML and the Bencher
//! Metric Format.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::analysis::Analysis;
use crate::analysis::compare::Comparison;
use crate::analysis::fail_over::FailOver;
#[cfg(feature = "cli")]
use crate::report::{self, bmf, junit, markdown};
use crate::text;

use super::output::{Stop, print};
use super::output_file::{OutputFile, OutputPlaces, first_failure};

/// The paths of the requested files; `-` is standard output.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExportPaths {
    pub(crate) markdown: Option<PathBuf>,
    pub(crate) junit: Option<PathBuf>,
    pub(crate) bmf: Option<PathBuf>,
}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExportFormat {
    /// GitHub-flavoured Markdown.
    Markdown,
    /// JUnit XML.
    Junit,
    /// The Bencher Metric Format.
    Bmf,
}

/// The unfinished files.
#[derive(Debug, Default)]
pub(crate) struct Exports {
    files: Vec<(ExportFormat, OutputFile)>,
    /// The format that standard output holds instead of the verb's own output.
    printed: Option<ExportFormat>,
}

/// The results of writing. A reader that closed standard output early is no failure, so it must not hide one.
#[derive(Debug)]
pub(crate) struct Written {
    /// The result of writing the files.
    pub(crate) files: Result<(), Stop>,
    /// The result of writing to standard output.
    pub(crate) printed: Result<(), Stop>,
}

impl ExportPaths {
    /// Begins to write every file, so that a path that cannot be written is refused before anything is measured.
    /// `is_json` is whether standard output is taken by `--json`.
    pub(crate) fn begin(&self, is_json: bool, places: &mut OutputPlaces) -> Result<Exports, Stop> {
        let asked = [
            (ExportFormat::Markdown, "--markdown", &self.markdown),
            (ExportFormat::Junit, "--junit", &self.junit),
            (ExportFormat::Bmf, "--bmf", &self.bmf),
        ];
        let mut exports = Exports::default();
        let mut files = Vec::new();
        let mut stdout = is_json.then_some("--json");
        for (format, option, path) in
            asked.into_iter().filter_map(|(f, option, path)| Some((f, option, path.as_ref()?)))
        {
            if path != Path::new("-") {
                places.add_output(option, path)?;
                files.push((format, option, path));
            } else if let Some(other) = stdout.replace(option) {
                return Err(Stop::input(format_args!("{option}: {other} uses standard output too; name a file")));
            } else {
                exports.printed = Some(format);
            }
        }
        for (format, option, path) in files {
            exports.files.push((format, OutputFile::begin(option, path)?));
        }
        Ok(exports)
    }
}

impl Exports {
    /// Returns whether standard output holds one of the formats, so that the verb prints nothing else there.
    pub(crate) fn is_printed(&self) -> bool {
        self.printed.is_some()
    }

    /// Writes every file, then prints the format that standard output holds. `render` returns the text of a format.
    pub(crate) fn write(self, render: impl Fn(ExportFormat) -> String) -> Written {
        let files = self.files.into_iter().map(|(format, file)| file.write(&render(format)));
        let files = first_failure(files);
        Written { files, printed: self.printed.map_or(Ok(()), |format| print(render(format).trim_end())) }
    }
}

#[cfg(feature = "cli")]
impl Exports {
    /// Writes every format of a run whose report begins at `index`.
    pub(crate) fn write_run(self, analysis: &Analysis<'_>, index: &Path) -> Written {
        self.write(|format| match format {
            ExportFormat::Markdown => markdown::run(analysis, Some(&index.to_string_lossy())),
            ExportFormat::Junit => junit::run(analysis),
            ExportFormat::Bmf => bmf_text(&bmf::run(analysis)),
        })
    }

    /// Writes every format of a comparison, and its page.
    pub(crate) fn write_comparison(
        self,
        found: &Comparison,
        before: &[Analysis<'_>],
        after: &[Analysis<'_>],
        limits: &FailOver,
        html: Option<OutputFile>,
    ) -> Written {
        let Written { files, printed } = self.write(|format| match format {
            ExportFormat::Markdown => markdown::compare(found, before, after, limits),
            ExportFormat::Junit => junit::compare(found, limits),
            ExportFormat::Bmf => bmf_text(&bmf::compare(found)),
        });
        let page = html.map_or(Ok(()), |html| html.write(&report::comparison(found, before, after)));
        Written { files: first_failure([files, page]), printed }
    }
}

/// A bench without the command line writes no such files, and is not compiled with what renders them.
#[cfg(not(feature = "cli"))]
impl Exports {
    pub(crate) fn write_run(self, _: &Analysis<'_>, _: &Path) -> Written {
        Written { files: Ok(()), printed: Ok(()) }
    }

    pub(crate) fn write_comparison(
        self,
        _: &Comparison,
        _: &[Analysis<'_>],
        _: &[Analysis<'_>],
        _: &FailOver,
        _: Option<OutputFile>,
    ) -> Written {
        Written { files: Ok(()), printed: Ok(()) }
    }
}

/// Formats the Bencher Metric Format.
pub(crate) fn bmf_text(value: &Value) -> String {
    let json = serde_json::to_string_pretty(value).expect("what is written is plain data");
    text::printable_json(&json).into_owned() + "\n"
}
