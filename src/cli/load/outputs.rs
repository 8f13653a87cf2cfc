//! The output files of a load. A new file replaces an earlier one only when it is complete.

use std::io::{LineWriter, Write as _};
use std::path::{Path, PathBuf};

use crate::replace::{Destination, Replacement};
use crate::session::output::Stop;

use super::args::LoadArgs;

/// The output files that the options request.
#[derive(Debug)]
pub(super) struct Outputs {
    pub(super) hgrm: Option<OutputFile>,
    pub(super) hlog: Option<OutputFile>,
    pub(super) html: Option<OutputFile>,
}

/// An unfinished output file, and the option that requests it.
#[derive(Debug)]
pub(super) struct OutputFile {
    option: &'static str,
    path: PathBuf,
    pub(super) file: LineWriter<Replacement>,
}

impl Outputs {
    /// Begins to write every file. Refuses a path that cannot be written, and one that two outputs would share.
    pub(super) fn begin(args: &LoadArgs) -> Result<Self, Stop> {
        let asked = [("--hgrm", &args.hgrm), ("--hlog", &args.hlog), ("--html", &args.html)];
        // The file of a body would be overwritten after it is read.
        let body = args.body_file().and_then(|path| Some(("--body", Destination::resolve(path).ok()?)));
        let mut places: Vec<(&str, Destination)> = body.into_iter().collect();
        for (option, path) in asked.into_iter().filter_map(|(option, path)| Some((option, path.as_ref()?))) {
            let refused = |why: &str| Stop::input(format_args!("{option}: {}: {why}", path.display()));
            let place = Destination::resolve(path).map_err(|error| refused(&error.to_string()))?;
            if let Some((other, _)) = places.iter().find(|(_, other)| place.is_same(other)) {
                return Err(refused(&format!("same file as {other}; use another one")));
            }
            if place.is_standard_output() {
                return Err(refused("same file as standard output; use another one"));
            }
            places.push((option, place));
        }
        let begin =
            |option, path: &Option<PathBuf>| path.as_deref().map(|path| OutputFile::begin(option, path)).transpose();
        let [hgrm, hlog, html] = asked;
        Ok(Self { hgrm: begin(hgrm.0, hgrm.1)?, hlog: begin(hlog.0, hlog.1)?, html: begin(html.0, html.1)? })
    }
}

impl OutputFile {
    fn begin(option: &'static str, path: &Path) -> Result<Self, Stop> {
        let file = Replacement::begin(path)
            .map_err(|error| Stop::input(format_args!("{option}: {}: {error}", path.display())))?;
        Ok(Self { option, path: path.to_owned(), file: LineWriter::new(file) })
    }

    /// Returns an error that names the option and path of this output.
    pub(super) fn failed(&self, why: impl std::fmt::Display) -> Stop {
        Stop::machine(format_args!("{}: {}: {why}", self.option, self.path.display()))
    }

    /// Writes the contents and moves the file to its path.
    pub(super) fn write(mut self, text: &str) -> Result<(), Stop> {
        self.file.write_all(text.as_bytes()).map_err(|error| self.failed(error))?;
        self.finish()
    }

    /// Moves the complete file to its path.
    pub(super) fn finish(mut self) -> Result<(), Stop> {
        self.file.flush().map_err(|error| self.failed(error))?;
        let Self { option, path, file } = self;
        let finished = file.into_inner().map_err(std::io::IntoInnerError::into_error).and_then(Replacement::finish);
        finished.map_err(|error| Stop::machine(format_args!("{option}: {}: {error}", path.display())))
    }
}
