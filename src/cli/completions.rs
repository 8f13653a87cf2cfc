//! `avt completions`: completion scripts for the shells.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::session::output::{Stop, print};

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: avt completions bash > ~/.local/share/bash-completion/completions/avt")]
pub(super) struct CompletionsArgs {
    /// bash, elvish, fish, powershell or zsh
    shell: Shell,
}

pub(super) fn main(args: &CompletionsArgs) -> Result<(), Stop> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "avt", &mut script);
    print(String::from_utf8_lossy(&script).trim_end())
}
