//! The output files of a load.

use std::path::PathBuf;

use crate::session::exports::Exports;
use crate::session::output::Stop;
use crate::session::output_file::{OutputFile, OutputPlaces};

use super::args::LoadArgs;

/// The output files that the options request.
#[derive(Debug)]
pub(super) struct Outputs {
    pub(super) hgrm: Option<OutputFile>,
    pub(super) hlog: Option<OutputFile>,
    pub(super) html: Option<OutputFile>,
    pub(super) exports: Exports,
}

impl Outputs {
    /// Begins to write every file. Refuses a path that cannot be written, and one that two outputs would share.
    pub(super) fn begin(args: &LoadArgs) -> Result<Self, Stop> {
        let asked = [("--hgrm", &args.hgrm), ("--hlog", &args.hlog), ("--html", &args.html)];
        let mut places = OutputPlaces::default();
        // The file of a body would be overwritten after it is read.
        args.body_file().into_iter().for_each(|path| places.add_input("--body", path));
        for (option, path) in asked.into_iter().filter_map(|(option, path)| Some((option, path.as_ref()?))) {
            places.add_output(option, path)?;
        }
        let exports = args.exports.paths().begin(args.json, &mut places)?;
        let begin =
            |option, path: &Option<PathBuf>| path.as_deref().map(|path| OutputFile::begin(option, path)).transpose();
        let [hgrm, hlog, html] = asked;
        let [hgrm, hlog, html] = [begin(hgrm.0, hgrm.1)?, begin(hlog.0, hlog.1)?, begin(html.0, html.1)?];
        Ok(Self { hgrm, hlog, html, exports })
    }
}
