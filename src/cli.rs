//! The command line: one file a verb.
//!
//! Results go to standard output, everything else to standard error. Exit codes and signals: [`AFTER_HELP`].

mod ab;
mod advise;
mod check;
mod compare;
mod completions;
mod doctor;
mod exports;
mod launcher;
mod list;
mod load;
mod load_outputs;
mod man;
mod merge;
mod model_name;
mod new;
mod report;
mod run;
mod scenario_name;
mod schema;
mod serve;
mod show;
mod sources;
mod strict;
mod times;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{ColorChoice, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::session::output::{Stop, note, supports_escapes};
use crate::text;
use crate::{runner, trial};

/// The text at the end of `avt --help`.
const AFTER_HELP: &str = "\
Start with `avt run`: it measures this machine for about two minutes and writes a report.

Exit codes:
  0    success
  1    completed, but a trial failed, no request was answered, a claim was refuted, or a limit
       was exceeded; standard error gives the reason
  2    invalid input: an argument, a scenario, or a file of a run; nothing was started
  3    the system refused a resource: a port, a limit, disk space, an output file
  4    completed, but the measurement is INVALID (with --strict, or if --slo, ab or compare needs it)
  129, 130, 143    ended by SIGHUP, SIGINT or SIGTERM

Signals:
  The first SIGINT, SIGTERM or SIGHUP ends every verb within 2 seconds, even if it is blocked.
  Measurements up to then are kept, shown, and marked as partial. A second signal ends it at
  once. SIGINT and SIGTERM are handled even if they were ignored at the start, as they are for
  background jobs of a script. SIGHUP stays ignored if it was, as under nohup. `avt serve` first
  finishes the responses in flight (--stop-timeout) and exits with 0.

Files:
  An existing output file keeps its contents until the new file is complete and replaces it.";

/// Async or threads? The same work under both, measured side by side.
///
/// Async is a way of waiting. Threads are a way of doing. They are two separate switches.
#[derive(Debug, Parser)]
#[command(name = "avt", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(run::RunArgs),
    Advise(Box<advise::AdviseArgs>),
    Ab(Box<ab::AbArgs>),
    List(list::ListArgs),
    Show(show::ShowArgs),
    New(new::NewArgs),
    Check(check::CheckArgs),
    Schema(schema::SchemaArgs),
    Serve(serve::ServeArgs),
    Load(Box<load::LoadArgs>),
    Merge(Box<merge::MergeArgs>),
    Report(report::ReportArgs),
    Compare(compare::CompareArgs),
    Doctor(doctor::DoctorArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    /// Runs one trial from a spec on standard input; only `avt run` calls it.
    #[command(hide = true)]
    Trial,
    /// Becomes the server of a trial; only a trial starts it.
    #[command(hide = true)]
    Launch {
        parent: u32,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<OsString>,
    },
}

/// Prints the help or the error of invalid arguments; without colours if an argument holds terminal escape sequences.
fn print_usage_error(error: &clap::Error) -> ExitCode {
    let plain = error.render().to_string();
    if plain.chars().any(|c| c != '\n' && text::is_hidden(c)) {
        note(plain.trim_end());
    } else {
        match error.print() {
            // Requested help is a result, not an error. If its reader has gone, that is no error either.
            Err(why) if !error.use_stderr() && why.kind() != std::io::ErrorKind::BrokenPipe => {
                return Stop::machine(format_args!("standard output: {why}")).print();
            }
            _ => {}
        }
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Runs the command line, and returns the exit code.
pub fn main() -> ExitCode {
    // A write past the file size limit then returns an error instead of ending the process. Registering never fails on
    // Linux.
    let _ = signal_hook::flag::register(nix::libc::SIGXFSZ, Arc::default());
    // Trials end when their parent does, and leave signals to it.
    let is_trial = std::env::args_os().nth(1).is_some_and(|verb| verb == "trial" || verb == "launch");
    if !is_trial && let Err(error) = runner::obey_signals() {
        return Stop::machine(format_args!("signals: {error}")).print();
    }
    let color = if supports_escapes() { ColorChoice::Auto } else { ColorChoice::Never };
    let parsed = Cli::command().color(color).try_get_matches().and_then(|found| Cli::from_arg_matches(&found));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return print_usage_error(&error),
    };
    let is_server = matches!(cli.verb, Verb::Serve(_));
    let done = match cli.verb {
        Verb::Run(args) => run::main(&args),
        Verb::Advise(args) => advise::main(&args),
        Verb::Ab(args) => ab::main(&args),
        Verb::List(args) => list::main(&args),
        Verb::Show(args) => show::main(&args),
        Verb::New(args) => new::main(&args),
        Verb::Check(args) => check::main(&args),
        Verb::Schema(args) => schema::main(&args),
        Verb::Serve(args) => serve::main(&args),
        Verb::Load(args) => load::main(&args),
        Verb::Merge(args) => merge::main(&args),
        Verb::Report(args) => report::main(&args),
        Verb::Compare(args) => compare::main(&args),
        Verb::Doctor(args) => doctor::main(&args),
        Verb::Completions(args) => completions::main(&args),
        Verb::Man(args) => man::main(&args),
        Verb::Trial => return trial::run(&trial::run_builtin),
        Verb::Launch { parent, command } => return trial::launch(parent, &command),
    };
    let code = done.map_or_else(Stop::print, |()| ExitCode::SUCCESS);
    // Counts a signal that came after the last check, too.
    let signal = runner::signal().filter(|_| !is_server);
    signal.map_or(code, |signal| Stop::signal(signal).print())
}
