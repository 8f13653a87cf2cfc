//! Writes the record of a shard, line by line.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{SHARD_SCHEMA, ShardEvent, ShardLine};
use crate::record::line;
use crate::schedule::Shard;

/// The record of a shard, open for its lines.
pub struct ShardFile {
    shard: Shard,
    plan: String,
    attempt: String,
    path: Option<PathBuf>,
    out: Box<dyn Write>,
}

impl ShardFile {
    /// Creates the record in a folder, which is created if it does not exist. Never writes into an existing file: a
    /// second attempt at a shard gets a file of its own.
    pub fn create(folder: &Path, shard: Shard, plan: String, attempt: String) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let name = shard.file_name();
        let new = |name: String| {
            let path = folder.join(name);
            OpenOptions::new().append(true).create_new(true).open(&path).map(|file| (path, file))
        };
        let (path, file) = match new(format!("{name}.jsonl")) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => new(format!("{name}.{attempt}.jsonl"))?,
            created => created?,
        };
        Ok(Self { shard, plan, attempt, path: Some(path), out: Box::new(file) })
    }

    /// Writes the record to standard output.
    pub fn standard_output(shard: Shard, plan: String, attempt: String) -> Self {
        Self { shard, plan, attempt, path: None, out: Box::new(io::stdout()) }
    }

    /// Returns the path of the file; `None` for standard output.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Appends a line in one write, so that a kill costs at most the last line.
    pub fn append(&mut self, event: ShardEvent) -> io::Result<()> {
        let line = ShardLine {
            avt_load_shard: SHARD_SCHEMA,
            shard: self.shard,
            plan: self.plan.clone(),
            attempt: self.attempt.clone(),
            event,
        };
        self.out.write_all(&line::written(&line))?;
        self.out.flush()
    }
}
