//! The folder of a run: `run.json` is replaced as a whole, `trials.jsonl` grows line by line.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

use super::{Pass, Record, Run, SCHEMA, line, plausible};
use crate::replace;
use crate::scenario::CellId;
use crate::text;

/// The name of the file that describes the run.
pub const RUN: &str = "run.json";
/// The name of the file that holds the records.
pub const RECORDS: &str = "trials.jsonl";

/// The longest `run.json`, and the longest line of `trials.jsonl`: a hundred times our largest.
const MOST_BYTES: u64 = 64 << 20;

/// Why a folder cannot be read or written.
#[derive(Debug, Error)]
pub enum FolderError {
    /// The system reported an error.
    #[error("{}: {error}", text::of_path(path))]
    Io {
        /// The path that was opened, read or written.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// A file has unexpected contents.
    #[error("{}{}: {what}", text::of_path(path), line.map(|line| format!(":{line}")).unwrap_or_default())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The number of the line, from 1, in a file of lines.
        line: Option<usize>,
        /// The mistake in the file.
        what: String,
    },
}

/// A run's folder, open for its records.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    records: File,
}

impl Folder {
    /// Creates the folder, which must not exist yet, and writes both files.
    pub fn create(path: &Path, run: &Run) -> Result<Self, FolderError> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
        }
        fs::create_dir(path).map_err(|error| failed(path, error))?;
        let records_path = path.join(RECORDS);
        let records = OpenOptions::new().append(true).create_new(true).open(&records_path);
        let folder = Self { path: path.to_owned(), records: records.map_err(|error| failed(&records_path, error))? };
        folder.write_run(run)?;
        Ok(folder)
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces `run.json`.
    pub fn write_run(&self, run: &Run) -> Result<(), FolderError> {
        let mut text = serde_json::to_vec_pretty(run).expect("a run is plain data");
        text.push(b'\n');
        write(&self.path.join(RUN), &text)
    }

    /// Appends one record as one line in one write, so that a crash costs at most the last line.
    pub fn append(&mut self, record: &Record) -> Result<(), FolderError> {
        self.records.write_all(&line::written(record)).map_err(|error| failed(&self.path.join(RECORDS), error))
    }

    /// Fails unless the appended records are still at the path where a reader looks for them.
    pub fn check_in_place(&self) -> Result<(), FolderError> {
        let path = self.path.join(RECORDS);
        let is_same = |there: fs::Metadata, open: fs::Metadata| (there.dev(), there.ino()) == (open.dev(), open.ino());
        match fs::metadata(&path).and_then(|there| Ok(is_same(there, self.records.metadata()?))) {
            Ok(true) => Ok(()),
            Ok(false) => Err(failed(&path, io::Error::other("replaced by another file during the run"))),
            Err(error) => Err(failed(&path, error)),
        }
    }

    /// Returns the names of the folders in a folder that hold a run, sorted. A name may hold any bytes.
    pub fn runs(path: &Path) -> Result<Vec<OsString>, FolderError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path).map_err(|error| failed(path, error))? {
            let folder = entry.map_err(|error| failed(path, error))?.path();
            let name = folder.file_name().filter(|_| folder.join(RUN).is_file());
            names.extend(name.map(OsStr::to_owned));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Reads the description of a run, without its records.
    pub fn read_run(path: &Path) -> Result<Run, FolderError> {
        let path = path.join(RUN);
        let mut text = Vec::new();
        let file = opened(&path)?;
        file.take(MOST_BYTES + 1).read_to_end(&mut text).map_err(|error| failed(&path, error))?;
        let run = bounded(&text).and_then(parsed::<Run>);
        let run = run.and_then(|run| plausible::run(&run).map(|()| run));
        run.map_err(|what| FolderError::Unreadable { path, line: None, what })
    }

    /// Reads a run and its records. Leaves out a last line that a crash cut short.
    pub fn read(path: &Path) -> Result<(Run, Vec<Record>), FolderError> {
        let run = Self::read_run(path)?;
        let records_path = path.join(RECORDS);
        let mut file = BufReader::new(opened(&records_path)?);
        let (mut records, mut seen, mut line) = (Vec::new(), BTreeSet::new(), Vec::new());
        for number in 1.. {
            line.clear();
            let read = (&mut file).take(MOST_BYTES + 1).read_until(b'\n', &mut line);
            read.map_err(|error| failed(&records_path, error))?;
            let is_whole = line.pop_if(|last| *last == b'\n').is_some();
            if !is_whole && line.len() as u64 <= MOST_BYTES {
                break;
            }
            if line.is_empty() {
                continue;
            }
            let record = bounded(&line).and_then(|line| record(line, run.seed, &mut seen));
            let unreadable = |what| FolderError::Unreadable { path: records_path.clone(), line: Some(number), what };
            records.push(record.map_err(unreadable)?);
        }
        Ok((run, records))
    }

    /// Writes a page of the report into a run's folder.
    pub fn write_page(path: &Path, name: &str, text: &str) -> Result<(), FolderError> {
        write(&path.join(name), text.as_bytes())
    }
}

/// Opens a regular file. Refuses a folder, device or pipe, which may have no end.
fn opened(path: &Path) -> Result<File, FolderError> {
    let is_file = fs::metadata(path).map_err(|error| failed(path, error))?.is_file();
    if is_file {
        File::open(path).map_err(|error| failed(path, error))
    } else {
        Err(FolderError::Unreadable { path: path.to_owned(), line: None, what: "not a regular file".into() })
    }
}

/// Returns the bytes unless they are more than [`MOST_BYTES`].
fn bounded(bytes: &[u8]) -> Result<&[u8], String> {
    if bytes.len() as u64 <= MOST_BYTES { Ok(bytes) } else { Err(format!("more than {MOST_BYTES} bytes")) }
}

/// Parses a line into a plausible record of this run.
fn record(line: &[u8], run: u64, seen: &mut BTreeSet<(CellId, Pass)>) -> Result<Record, String> {
    let json = line::verified(line).map_err(|damaged| versioned(line).err().unwrap_or(damaged))?;
    let record: Record = parsed(&json)?;
    plausible::record(&record)?;
    fits(record, run, seen)
}

/// Parses a run or a record of our version whose numbers are in range.
fn parsed<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    // Text without a version falls through, so the error names what is missing or wrong.
    versioned(text)?;
    let value: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    plausible::numbers(&value)?;
    // Parsing the text instead of the value gives errors with line and column.
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

/// Fails if a run or a record has another version.
fn versioned(text: &[u8]) -> Result<(), String> {
    /// The fields that every version of both files has; for a run also its machine, with the version of avt.
    #[derive(Deserialize)]
    struct Versioned {
        schema: u32,
        host: Option<Writer>,
    }
    #[derive(Deserialize)]
    struct Writer {
        avt: String,
    }
    match serde_json::from_slice(text) {
        Ok(Versioned { schema, host }) if schema != SCHEMA => {
            let by = host.map_or_else(|| "another version of avt".to_owned(), |host| format!("avt {}", host.avt));
            Err(format!("written by {by} with schema {schema}; this avt reads schema {SCHEMA}"))
        }
        _ => Ok(()),
    }
}

/// Returns the record if it belongs to this run and is the first of its cell and pass.
fn fits(record: Record, run: u64, seen: &mut BTreeSet<(CellId, Pass)>) -> Result<Record, String> {
    if record.run != run {
        return Err(format!("record of a run with seed {}, but run.json has seed {run}", record.run));
    }
    if seen.insert((record.cell.clone(), record.pass)) {
        Ok(record)
    } else {
        Err("duplicate record of a cell and round".into())
    }
}

fn failed(path: &Path, error: io::Error) -> FolderError {
    FolderError::Io { path: path.to_owned(), error }
}

/// Writes a file completely or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    replace::write(path, bytes).map_err(|error| failed(path, error))
}
