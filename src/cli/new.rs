//! `avt new`: writes a commented scenario to start from.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::session::output::{Stop, print};
use crate::text;

/// Write a commented scenario to start from
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: avt new echo --out mine.toml, then: avt check mine.toml, and: avt run mine.toml")]
pub(super) struct NewArgs {
    /// The kind of scenario
    #[arg(value_enum, value_name = "KIND", default_value_t = Template::Sleep)]
    template: Template,
    /// File to create instead of writing to standard output; an existing file is never overwritten
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A scenario to start from.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Template {
    /// jobs that wait
    Sleep,
    /// jobs that block or compute, and a heartbeat beside them
    Offload,
    /// avt's own server under load
    Echo,
    /// a server of your own under load, beside avt's
    Server,
}

impl Template {
    fn text(self) -> &'static str {
        match self {
            Self::Sleep => include_str!("new/sleep.toml"),
            Self::Offload => include_str!("new/offload.toml"),
            Self::Echo => include_str!("new/echo.toml"),
            Self::Server => include_str!("new/server.toml"),
        }
    }
}

pub(super) fn main(args: &NewArgs) -> Result<(), Stop> {
    let text = args.template.text();
    match &args.out {
        None => print(text.trim_end()),
        Some(path) => create(path, text),
    }
}

/// Writes a file that must not exist yet. Removes it if it cannot be written completely.
fn create(path: &Path, text: &str) -> Result<(), Stop> {
    let shown = text::of_path(path);
    let mut file = File::create_new(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Stop::machine(format_args!("{shown}: already exists, and is never overwritten; choose another --out"))
        }
        _ => Stop::machine(format_args!("{shown}: {error}")),
    })?;
    file.write_all(text.as_bytes()).map_err(|error| {
        let _ = fs::remove_file(path);
        Stop::machine(format_args!("{shown}: {error}"))
    })
}
