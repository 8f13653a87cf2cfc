//! `avt man`: man pages, written from the help texts.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use crate::replace;
use crate::session::output::{Stop, print};
use crate::text;

/// Print the man page avt(1), or write it and a page for each verb into a folder
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: avt man --out ~/.local/share/man/man1, then: man avt-run")]
pub(super) struct ManArgs {
    /// Folder for avt.1 and a page for each verb, such as avt-run.1; created if it does not exist
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn main(args: &ManArgs) -> Result<(), Stop> {
    let mut avt = super::Cli::command();
    // Gives each verb the name `avt-VERB` and its full usage.
    avt.build();
    match &args.out {
        None => print(page(&avt).trim_end()),
        Some(folder) => write_pages(&avt, folder),
    }
}

/// Writes the page of the program and those of its verbs.
fn write_pages(avt: &Command, folder: &Path) -> Result<(), Stop> {
    let refused = |path: &Path, error| Stop::machine(format_args!("{}: {error}", text::of_path(path)));
    fs::create_dir_all(folder).map_err(|error| refused(folder, error))?;
    // `help` repeats what the other pages say.
    let verbs = avt.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help");
    for command in std::iter::once(avt).chain(verbs) {
        let path = folder.join(format!("{}.1", command.get_display_name().unwrap_or(command.get_name())));
        replace::write(&path, page(command).as_bytes()).map_err(|error| refused(&path, error))?;
    }
    Ok(())
}

/// Returns a page in the man macros of roff.
fn page(command: &Command) -> String {
    let mut page = Vec::new();
    let man = Man::new(command.clone().disable_help_subcommand(true));
    man.render(&mut page).expect("a vector takes every write");
    String::from_utf8_lossy(&page).into_owned()
}
