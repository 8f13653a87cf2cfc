//! The command line: one file a verb.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 done; 1 done, but a trial failed;
//! 2 bad input, nothing was started; 3 the machine refused; 130, 143 and 129 interrupted.

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

use clap::{Parser, Subcommand};

use crate::trial;

/// Async or threads? The same work under both, measured side by side.
///
/// Async is a way of waiting. Threads are a way of doing. They are two separate switches.
#[derive(Debug, Parser)]
#[command(name = "avt", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Start with `avt run`: it measures this machine for a minute or two and writes a report.")]
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

/// Does what the command line says, and returns the exit code.
pub fn main() -> ExitCode {
    // Past a limit on the size of files a write then fails, and is told, instead of ending the process. Fails on no Linux.
    let _ = signal_hook::flag::register(nix::libc::SIGXFSZ, Arc::default());
    let done = match Cli::parse().verb {
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
