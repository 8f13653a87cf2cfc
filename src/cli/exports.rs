//! `--markdown`, `--junit` and `--bmf`: files for continuous integration.

use std::path::PathBuf;

use crate::session::exports::ExportPaths;

/// The options of every verb whose result such files can hold.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct ExportArgs {
    /// Write a summary in GitHub-flavoured Markdown, for a job summary or a comment on a pull request; `-` prints it
    /// instead of the tables
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write the verdicts as test cases in JUnit XML: what exits with 1 fails, what is undecided is skipped
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the figures in the Bencher Metric Format (JSON), without those of an INVALID measurement
    #[arg(long, value_name = "FILE")]
    bmf: Option<PathBuf>,
}

impl ExportArgs {
    /// Returns the requested paths.
    pub(super) fn paths(&self) -> ExportPaths {
        ExportPaths { markdown: self.markdown.clone(), junit: self.junit.clone(), bmf: self.bmf.clone() }
    }
}
