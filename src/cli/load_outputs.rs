//! The outputs and conditions of a load: of `avt load`, and of `avt merge`.

use std::path::PathBuf;

use crate::scenario::Slo;
use crate::session::load::LoadOutputPaths;

use super::exports::ExportArgs;
use super::strict::StrictLoad;

/// The options of every verb whose result is a load.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct LoadOutputArgs {
    /// Write the percentile distribution of response times, in the format of HdrHistogram's plotter
    #[arg(long, value_name = "FILE")]
    hgrm: Option<PathBuf>,
    /// Write an interval log of response and service times, one line each per second, in HdrHistogram's format
    #[arg(long, value_name = "FILE")]
    pub(super) hlog: Option<PathBuf>,
    /// Write an HTML page with charts
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Exit with 1 unless all conditions hold, and with 4 if the measurement is INVALID, as in
    /// 'p99<5ms,errors<0.1%,rate>=990'
    #[arg(long, value_name = "CONDITIONS")]
    pub(super) slo: Option<Slo>,
    #[command(flatten)]
    pub(super) strict: StrictLoad,
    #[command(flatten)]
    exports: ExportArgs,
    /// Print JSON instead of text
    #[arg(long)]
    pub(super) json: bool,
}

impl LoadOutputArgs {
    /// Returns the requested outputs.
    pub(super) fn paths(&self) -> LoadOutputPaths {
        LoadOutputPaths {
            hgrm: self.hgrm.clone(),
            hlog: self.hlog.clone(),
            html: self.html.clone(),
            exports: self.exports.paths(),
            json: self.json,
        }
    }

    /// Returns the first given option that runs cannot have, because it is about requests or an objective of a load.
    pub(super) fn first_of_loads_only(&self) -> Option<&'static str> {
        const ALSO_OF_RUNS: [&str; 3] = ["--strict", "--markdown", "--json"];
        self.given().find(|option| !ALSO_OF_RUNS.contains(option))
    }

    /// Returns the path of the summary in Markdown.
    pub(super) fn markdown(&self) -> Option<PathBuf> {
        self.exports.paths().markdown
    }

    /// Returns the first given option that needs a whole load.
    pub(super) fn first_given(&self) -> Option<&'static str> {
        self.given().next()
    }

    fn given(&self) -> impl Iterator<Item = &'static str> {
        let paths = self.paths();
        let given = [
            ("--hgrm", paths.hgrm.is_some()),
            ("--hlog", paths.hlog.is_some()),
            ("--html", paths.html.is_some()),
            ("--slo", self.slo.is_some()),
            ("--strict", self.strict.is_given()),
            ("--markdown", paths.exports.markdown.is_some()),
            ("--junit", paths.exports.junit.is_some()),
            ("--bmf", paths.exports.bmf.is_some()),
            ("--json", paths.json),
        ];
        given.into_iter().filter_map(|(option, is_given)| is_given.then_some(option))
    }
}
