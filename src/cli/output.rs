//! What reaches the terminal, and how a verb ends.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use serde::Serialize;

/// A verb that did not end with 0.
#[derive(Debug)]
pub(super) struct Stop {
    code: u8,
    message: Option<String>,
}

impl Stop {
    /// Done, but not everything is well; what is wrong has been told.
    pub(super) fn not_well() -> Self {
        Self { code: 1, message: None }
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
    print(serde_json::to_string_pretty(value).expect("what is printed is plain data"))
}

/// Writes a message to standard error. Whether anyone reads it changes nothing.
pub(super) fn note(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// How many columns standard output has, where it is a terminal.
pub(super) fn width() -> Option<u16> {
    terminal_size::terminal_size_of(io::stdout()).map(|(columns, _)| columns.0)
}

/// Whether standard output wants colour.
pub(super) fn color() -> bool {
    wants_color(io::stdout().is_terminal())
}

/// Whether standard error wants colour.
pub(super) fn note_color() -> bool {
    wants_color(io::stderr().is_terminal())
}

/// Only a terminal, and never with `NO_COLOR` (no-color.org: present and not empty).
fn wants_color(terminal: bool) -> bool {
    terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
