//! The output files of a verb. A new file replaces an earlier one only when it is complete.

use std::fmt::Display;
use std::io::{LineWriter, Write as _};
use std::path::{Path, PathBuf};

use crate::replace::{Destination, Replacement};

use super::output::Stop;

/// The files that a verb reads or writes, each with its option: no output may share one with another.
#[derive(Debug, Default)]
pub(crate) struct OutputPlaces(Vec<(&'static str, Destination)>);

impl OutputPlaces {
    /// Adds a file that the verb reads, which an output would overwrite. A path that cannot be resolved is left to
    /// whoever reads it.
    pub(crate) fn add_input(&mut self, name: &'static str, path: &Path) {
        self.0.extend(Destination::resolve(path).ok().map(|place| (name, place)));
    }

    /// Adds an output. Refuses a path whose folder does not exist, and one that shares its file with another.
    pub(crate) fn add_output(&mut self, option: &'static str, path: &Path) -> Result<(), Stop> {
        let place = Destination::resolve(path).map_err(|error| refused(option, path, error))?;
        let shared = |with: &str| {
            Stop::input(format_args!("{option}: {}: same file as {with}; use another one", path.display()))
        };
        if let Some((other, _)) = self.0.iter().find(|(_, other)| place.is_same(other)) {
            return Err(shared(other));
        }
        if place.is_standard_output() {
            return Err(shared("standard output"));
        }
        self.0.push((option, place));
        Ok(())
    }
}

/// An unfinished output file, and the option that requests it.
#[derive(Debug)]
pub(crate) struct OutputFile {
    option: &'static str,
    path: PathBuf,
    pub(crate) file: LineWriter<Replacement>,
}

impl OutputFile {
    /// Begins to write a file.
    pub(crate) fn begin(option: &'static str, path: &Path) -> Result<Self, Stop> {
        let file = Replacement::begin(path).map_err(|error| refused(option, path, error))?;
        Ok(Self { option, path: path.to_owned(), file: LineWriter::new(file) })
    }

    /// Returns an error that names the option and path of this output.
    pub(crate) fn failed(&self, why: impl Display) -> Stop {
        refused(self.option, &self.path, why)
    }

    /// Writes the contents and moves the file to its path.
    pub(crate) fn write(mut self, text: &str) -> Result<(), Stop> {
        self.file.write_all(text.as_bytes()).map_err(|error| self.failed(error))?;
        self.finish()
    }

    /// Moves the complete file to its path.
    pub(crate) fn finish(mut self) -> Result<(), Stop> {
        self.file.flush().map_err(|error| self.failed(error))?;
        let Self { option, path, file } = self;
        let finished = file.into_inner().map_err(std::io::IntoInnerError::into_error).and_then(Replacement::finish);
        finished.map_err(|error| refused(option, &path, error))
    }
}

fn refused(option: &str, path: &Path, why: impl Display) -> Stop {
    Stop::machine(format_args!("{option}: {}: {why}", path.display()))
}

/// Returns the first failure, and prints the others at once.
pub(crate) fn first_failure(done: impl IntoIterator<Item = Result<(), Stop>>) -> Result<(), Stop> {
    let mut failures = done.into_iter().filter_map(Result::err);
    let Some(first) = failures.next() else { return Ok(()) };
    for stop in failures {
        stop.print();
    }
    Err(first)
}
