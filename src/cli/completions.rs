//! `avt completions`: completion scripts for the shells.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::scenario::builtin;
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
    let script = String::from_utf8_lossy(&script);
    let names = builtin::all().iter().map(|builtin| builtin.name).collect::<Vec<_>>().join(" ");
    let script = match args.shell {
        Shell::Zsh => offer_files_in_zsh(&script, &names),
        Shell::Fish => script.into_owned() + &offer_names_in_fish(&names),
        // Bash offers files where no name matches.
        _ => script.into_owned(),
    };
    print(script.trim_end())
}

/// Returns the script with files beside the names of scenarios, for the verbs that take several of either.
fn offer_files_in_zsh(script: &str, names: &str) -> String {
    let action = format!(":({names})");
    let lines = script.lines().map(|line| match line.strip_prefix("'*::") {
        Some(_) => line.replace(&action, ":_avt_scenarios"),
        None => line.to_owned(),
    });
    let function =
        format!("_avt_scenarios() {{\n    _alternative 'scenarios:scenario:({names})' 'files:file:_files'\n}}\n");
    let (head, body): (Vec<_>, Vec<_>) = lines.enumerate().partition(|(at, _)| *at == 0);
    let join = |lines: Vec<(usize, String)>| lines.into_iter().map(|(_, line)| line + "\n").collect::<String>();
    format!("{}\n{function}{}", join(head), join(body))
}

/// Returns lines that complete the names of scenarios in fish, which the generator leaves out for arguments without an
/// option.
fn offer_names_in_fish(names: &str) -> String {
    let line = |verb: &str, files: &str| {
        format!("complete -c avt -n \"__fish_avt_using_subcommand {verb}\" {files}-a \"{names}\" -d 'scenario'\n")
    };
    line("run", "") + &line("check", "") + &line("show", "-f ")
}
