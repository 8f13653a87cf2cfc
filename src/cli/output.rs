//! What reaches the terminal, and how a verb ends.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd;
use std::process::ExitCode;

use serde::Serialize;

use crate::text;

/// A verb that did not end with 0.
#[derive(Debug)]
pub(super) struct Stop {
    code: u8,
    message: Option<String>,
}

impl Stop {
    /// Done, but not everything that was asked for holds: why.
    pub(super) fn not_well(message: impl Display) -> Self {
        Self { code: 1, message: Some(message.to_string()) }
    }

    /// Bad input: nothing was started.
    pub(super) fn input(message: impl Display) -> Self {
        Self { code: 2, message: Some(message.to_string()) }
    }

    /// The machine refused: a port, a limit, a disk.
    pub(super) fn machine(message: impl Display) -> Self {
        Self { code: 3, message: Some(message.to_string()) }
    }

    /// Done, but the measurement is INVALID; why has been printed.
    pub(super) fn invalid() -> Self {
        Self { code: 4, message: None }
    }

    /// Ended by a signal; what was measured has been kept and told.
    pub(super) fn signal(number: i32) -> Self {
        Self { code: u8::try_from(128 + number).unwrap_or(130), message: None }
    }

    /// Writes the message and gives the exit code.
    pub(super) fn tell(self) -> ExitCode {
        if let Some(message) = self.message {
            note(format_args!("avt: {message}"));
        }
        ExitCode::from(self.code)
    }
}

/// The first of some failures; the others are told at once.
pub(super) fn first_failure(done: impl IntoIterator<Item = Result<(), Stop>>) -> Result<(), Stop> {
    let mut failures = done.into_iter().filter_map(Result::err);
    let Some(first) = failures.next() else { return Ok(()) };
    for stop in failures {
        stop.tell();
    }
    Err(first)
}

/// Writes a result to standard output. A reader that has gone away ends the program quietly: it has what it wanted.
pub(super) fn print(text: impl Display) -> Result<(), Stop> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Stop { code: 0, message: None }),
        Err(error) => Err(Stop::machine(format_args!("standard output: {error}"))),
    }
}

/// Writes a value as JSON to standard output.
pub(super) fn print_json(value: &impl Serialize) -> Result<(), Stop> {
    print(text::printable_json(&serde_json::to_string_pretty(value).expect("what is printed is plain data")))
}

/// Writes a message to standard error, lines of the terminal's width where it is one. Whatever others wrote of it is shown
/// as [`text`] has it. Whether anyone reads it changes nothing.
pub(super) fn note(message: impl Display) {
    let message = message.to_string();
    let message = text::printable(&message);
    note_styled(note_width().map_or_else(|| message.to_string(), |width| text::fitted(&message, width)));
}

/// Writes a message that may hold colours of ours to standard error.
pub(super) fn note_styled(message: impl Display) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// How many columns what is written to standard output may take.
pub(super) fn width() -> usize {
    width_of(io::stdout())
}

/// How many columns a message on standard error may take. Nothing where that is no terminal: whoever reads messages line by
/// line wants each on one.
pub(super) fn note_width() -> Option<usize> {
    io::stderr().is_terminal().then(|| width_of(io::stderr()))
}

/// `COLUMNS` where it is set, as for `ls`; else what the terminal says; 80 where there is none, or it says nothing. Never
/// fewer than 20, which no text can be read in.
fn width_of(stream: impl AsFd) -> usize {
    let set = || std::env::var("COLUMNS").ok()?.trim().parse::<usize>().ok().filter(|columns| *columns > 0);
    let told = || terminal_size::terminal_size_of(stream).map(|(columns, _)| usize::from(columns.0));
    set().or_else(|| told().filter(|columns| *columns > 0)).unwrap_or(80).clamp(20, 1_000)
}

/// Whether standard output wants colour.
pub(super) fn color() -> bool {
    wants_color(io::stdout().is_terminal())
}

/// Whether standard error wants colour.
pub(super) fn note_color() -> bool {
    wants_color(io::stderr().is_terminal())
}

/// Whether a line of standard error can be drawn anew: whether it is a terminal that knows how to move.
pub(super) fn note_redraws() -> bool {
    io::stderr().is_terminal() && obeys_escapes()
}

/// Only a terminal that knows colours, and never with `NO_COLOR` (no-color.org: present and not empty).
fn wants_color(terminal: bool) -> bool {
    terminal && obeys_escapes() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether the terminal is one that obeys escape sequences, by its name: `dumb`, `unknown` and none at all do not.
pub(super) fn obeys_escapes() -> bool {
    let name = std::env::var_os("TERM").unwrap_or_default();
    !matches!(name.as_encoded_bytes(), b"" | b"dumb" | b"unknown")
}
