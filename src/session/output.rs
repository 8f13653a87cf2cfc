//! Writes to the terminal, and ends a verb with its exit code.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd;
use std::process::ExitCode;

use serde::Serialize;

use crate::text;

/// The end of a verb that did not exit with 0.
#[derive(Debug)]
pub(crate) struct Stop {
    code: u8,
    message: Option<String>,
}

impl Stop {
    /// Exit code 1: the run is complete, but a requirement does not hold. `message` is the reason.
    pub(crate) fn unmet(message: impl Display) -> Self {
        Self { code: 1, message: Some(message.to_string()) }
    }

    /// Exit code 2: the input is invalid, and nothing was started.
    pub(crate) fn input(message: impl Display) -> Self {
        Self { code: 2, message: Some(message.to_string()) }
    }

    /// Exit code 3: the machine refused something, such as a port, a limit or a disk.
    pub(crate) fn machine(message: impl Display) -> Self {
        Self { code: 3, message: Some(message.to_string()) }
    }

    /// Exit code 4: the measurement is complete but INVALID; the reason has been printed.
    pub(crate) fn invalid() -> Self {
        Self { code: 4, message: None }
    }

    /// Exit code 128 plus the signal's number: a signal ended the verb; its measurements have been kept and shown.
    pub(crate) fn signal(number: i32) -> Self {
        Self { code: u8::try_from(128 + number).unwrap_or(130), message: None }
    }

    /// Writes the message and returns the exit code.
    pub(crate) fn print(self) -> ExitCode {
        if let Some(message) = self.message {
            note(format_args!("avt: {message}"));
        }
        ExitCode::from(self.code)
    }
}

/// Writes a result to standard output. If the reader has closed it, the program ends quietly.
pub(crate) fn print(text: impl Display) -> Result<(), Stop> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Stop { code: 0, message: None }),
        Err(error) => Err(Stop::machine(format_args!("standard output: {error}"))),
    }
}

/// Writes a value as JSON to standard output.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Stop> {
    print(text::printable_json(&serde_json::to_string_pretty(value).expect("what is printed is plain data")))
}

/// Writes a message to standard error, wrapped to the width of a terminal and made [`printable`](text::printable). A
/// closed standard error is ignored.
pub(crate) fn note(message: impl Display) {
    let message = message.to_string();
    let message = text::printable(&message);
    note_styled(note_width().map_or_else(|| message.to_string(), |width| text::fitted(&message, width)));
}

/// Writes a message to standard error; it may hold our own colour sequences.
pub(crate) fn note_styled(message: impl Display) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// Returns the width of standard output, in columns.
pub(crate) fn width() -> usize {
    width_of(io::stdout())
}

/// Returns the width of standard error, in columns; `None` if it is not a terminal, so that each message stays on one
/// line.
pub(crate) fn note_width() -> Option<usize> {
    io::stderr().is_terminal().then(|| width_of(io::stderr()))
}

/// Returns `COLUMNS` if it is set, as `ls` does; else the terminal's width; else 80. At least 20 columns, since fewer
/// are unreadable.
fn width_of(stream: impl AsFd) -> usize {
    let set = || std::env::var("COLUMNS").ok()?.trim().parse::<usize>().ok().filter(|columns| *columns > 0);
    let size = || terminal_size::terminal_size_of(stream).map(|(columns, _)| usize::from(columns.0));
    set().or_else(|| size().filter(|columns| *columns > 0)).unwrap_or(80).clamp(20, 1_000)
}

/// Returns whether standard output should be coloured.
pub(crate) fn color() -> bool {
    wants_color(io::stdout().is_terminal())
}

/// Returns whether standard error should be coloured.
pub(crate) fn note_color() -> bool {
    wants_color(io::stderr().is_terminal())
}

/// Returns whether standard error is a terminal that can redraw a line.
#[cfg(feature = "cli")]
pub(crate) fn note_redraws() -> bool {
    io::stderr().is_terminal() && supports_escapes()
}

/// Returns whether the terminal supports colours and `NO_COLOR` (no-color.org: present and not empty) is not set.
fn wants_color(terminal: bool) -> bool {
    terminal && supports_escapes() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Returns whether the terminal supports escape sequences, by `TERM`: not if it is `dumb`, `unknown`, empty or unset.
pub(crate) fn supports_escapes() -> bool {
    let name = std::env::var_os("TERM").unwrap_or_default();
    !matches!(name.as_encoded_bytes(), b"" | b"dumb" | b"unknown")
}
