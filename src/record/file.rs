//! The folder of a run: `run.json` replaced whole, `trials.jsonl` grown line by line.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::scenario::CellId;

use super::{Pass, Record, Run, SCHEMA};

/// The name of the file that says what was asked.
pub const RUN: &str = "run.json";
/// The name of the file that holds the records.
pub const RECORDS: &str = "trials.jsonl";

/// Why a folder cannot be read or written.
#[derive(Debug, Error)]
pub enum FolderError {
    /// The system's own reason.
    #[error("{}: {error}", path.display())]
    Io {
        /// What was opened, read or written.
        path: PathBuf,
        /// Why it failed.
        error: io::Error,
    },
    /// A file that is there but says something else.
    #[error("{}{}: {what}", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The line, from 1, in a file of lines.
        line: Option<usize>,
        /// What is wrong with it.
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
    /// Makes the folder, which must not exist yet, and writes both files.
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

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `run.json` anew.
    pub fn write_run(&self, run: &Run) -> Result<(), FolderError> {
        let mut text = serde_json::to_vec_pretty(run).expect("a run is plain data");
        text.push(b'\n');
        replace(&self.path.join(RUN), &text)
    }

    /// Appends one record as one line in one write, so that a crash costs at most the last line.
    pub fn append(&mut self, record: &Record) -> Result<(), FolderError> {
        let mut line = serde_json::to_vec(record).expect("a record is plain data");
        line.push(b'\n');
        self.records.write_all(&line).map_err(|error| failed(&self.path.join(RECORDS), error))
    }

    /// The names of the folders in a folder that hold a run, in their order.
    pub fn runs(path: &Path) -> Result<Vec<String>, FolderError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path).map_err(|error| failed(path, error))? {
            let folder = entry.map_err(|error| failed(path, error))?.path();
            let name = folder.file_name().and_then(|name| name.to_str());
            names.extend(name.filter(|_| folder.join(RUN).is_file()).map(str::to_owned));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Reads what a run says of itself, without its records.
    pub fn read_run(path: &Path) -> Result<Run, FolderError> {
        let path = path.join(RUN);
        let text = fs::read(&path).map_err(|error| failed(&path, error))?;
        parsed(&text).map_err(|what| FolderError::Unreadable { path, line: None, what })
    }

    /// Reads a run and its records back. A last line cut short by a crash is left out.
    pub fn read(path: &Path) -> Result<(Run, Vec<Record>), FolderError> {
        let run = Self::read_run(path)?;
        let records_path = path.join(RECORDS);
        let unreadable =
            |line: usize, what| FolderError::Unreadable { path: records_path.clone(), line: Some(line), what };
        let text = fs::read(&records_path).map_err(|error| failed(&records_path, error))?;
        let (mut records, mut seen) = (Vec::new(), BTreeSet::new());
        let complete = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        for (i, line) in text[..complete].split(|byte| *byte == b'\n').enumerate() {
            if !line.is_empty() {
                let record = parsed(line).and_then(|record| fits(record, run.seed, &mut seen));
                records.push(record.map_err(|what| unreadable(i + 1, what))?);
            }
        }
        Ok((run, records))
    }

    /// Writes a page of the report into a run's folder.
    pub fn write_page(path: &Path, name: &str, text: &str) -> Result<(), FolderError> {
        replace(&path.join(name), text.as_bytes())
    }
}

/// A run or a record, if it is of our version.
fn parsed<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    /// What every version of both has.
    #[derive(Deserialize)]
    struct Versioned {
        schema: u32,
    }
    match serde_json::from_slice(text) {
        Ok(Versioned { schema }) if schema != SCHEMA => {
            Err(format!("written by another version of avt: schema {schema}, this one reads schema {SCHEMA}"))
        }
        // What has no version at all is told by what is missing or wrong.
        _ => serde_json::from_slice(text).map_err(|error| error.to_string()),
    }
}

/// The record, if it is of this run, and no other of the same cell and round came before it.
fn fits(record: Record, run: u64, seen: &mut BTreeSet<(CellId, Pass)>) -> Result<Record, String> {
    if record.run != run {
        return Err(format!(
            "a record of the run with seed {}, and run.json is of the one with seed {run}",
            record.run
        ));
    }
    if seen.insert((record.cell.clone(), record.pass)) {
        Ok(record)
    } else {
        Err("a second record of the same cell and round".into())
    }
}

fn failed(path: &Path, error: io::Error) -> FolderError {
    FolderError::Io { path: path.to_owned(), error }
}

/// Writes a file whole or not at all: a new file in the same folder, synced, then renamed over the old one. A link in
/// the way of the new file is refused, not followed.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let mut name = path.file_name().expect("a file has a name").to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = OpenOptions::new().write(true).create_new(true).open(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    });
    written.map_err(|error| {
        if error.kind() != io::ErrorKind::AlreadyExists {
            // The message that counts is the first one; a leftover is only untidy.
            let _ = fs::remove_file(&temporary);
        }
        failed(path, error)
    })
}
