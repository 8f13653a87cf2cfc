//! The command line: one file a verb.
//!
//! Results go to standard output, everything else to standard error. [`EXIT_CODES`] lists how a verb ends.

mod check;
mod compare;
mod completions;
mod doctor;
mod grid;
mod list;
mod load;
mod output;
mod progress;
mod report;
mod run;
mod schema;
mod serve;
mod sources;
mod strict;
mod times;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{ColorChoice, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::text;
use crate::trial;

/// How every verb ends.
const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    done, but a trial failed, a claim was refuted, or a limit that was asked for is exceeded
  2    bad input: an argument, a scenario, or a file of a run; nothing was started
  3    the machine refused: a port, a limit, a disk
  4    done, but the measurement is INVALID (with --strict, or where --slo or compare would rest on it)
  130, 143, 129    ended by a signal (INT, TERM, HUP), with a report of what was measured";

/// Async or threads? The same work under both, measured side by side.
///
/// Async is a way of waiting. Threads are a way of doing. They are two separate switches.
#[derive(Debug, Parser)]
#[command(name = "avt", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = format!("Start with `avt run`: it measures this machine for a minute or two and writes a report.\n\n{EXIT_CODES}"))]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(run::Args),
    List(list::Args),
    Check(check::Args),
    Schema(schema::Args),
    Serve(serve::Args),
    Load(Box<load::Args>),
    Report(report::Args),
    Compare(compare::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
    /// Runs one trial from a spec on standard input; only `avt run` calls it.
    #[command(hide = true)]
    Trial,
}

/// Shows help, or why the arguments are none: in colours unless an argument holds something that a terminal would obey.
fn refused(error: &clap::Error) -> ExitCode {
    let plain = error.render().to_string();
    if plain.chars().any(|c| c != '\n' && text::is_hidden(c)) {
        output::note(plain.trim_end());
    } else {
        // Whether anyone reads it changes nothing.
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Does what the command line says, and returns the exit code.
pub fn main() -> ExitCode {
    // Past a limit on the size of files a write then fails, and is told, instead of ending the process. Fails on no Linux.
    let _ = signal_hook::flag::register(nix::libc::SIGXFSZ, Arc::default());
    let color = if output::obeys_escapes() { ColorChoice::Auto } else { ColorChoice::Never };
    let parsed = Cli::command().color(color).try_get_matches().and_then(|found| Cli::from_arg_matches(&found));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    let done = match cli.verb {
        Verb::Run(args) => run::main(&args),
        Verb::List(args) => list::main(&args),
        Verb::Check(args) => check::main(&args),
        Verb::Schema(args) => schema::main(&args),
        Verb::Serve(args) => serve::main(&args),
        Verb::Load(args) => load::main(&args),
        Verb::Report(args) => report::main(&args),
        Verb::Compare(args) => compare::main(&args),
        Verb::Doctor(args) => doctor::main(&args),
        Verb::Completions(args) => completions::main(&args),
        Verb::Trial => return trial::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => stop.tell(),
    }
}
