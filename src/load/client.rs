//! The seam between the loop that decides what is asked and the client that carries it.

use std::io;

use super::Plan;
use super::trouble::Trouble;

/// Requests that differ in their target alone, before any client has put them into its own form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// `GET`.
    pub method: String,
    /// Host and port as the `Host` header names them.
    pub authority: String,
    /// Path and query of each, at least one; asked for in turn.
    pub targets: Vec<String>,
    /// Further header fields.
    pub headers: Vec<(String, String)>,
    /// The body; none is sent when it is empty.
    pub body: Vec<u8>,
}

/// An answer, read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Bytes received for it, as far as the client knows.
    pub(super) bytes: u64,
    /// When its question was sent, where that was not at once: a connection had to be opened first. Nanoseconds, as
    /// all instants here, of [`clock::now`](super::clock::now).
    pub(super) sent: Option<u64>,
    /// Whether unrequested bytes followed this answer, or the one before it on the connection, as far as the client can
    /// detect.
    pub(super) has_surplus: bool,
}

/// What became of what a connection was told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Opened,
    Answered(Answer),
    /// The connection is closed, and opened again by the next question.
    Failed(Trouble),
}

/// An instant that has always come: only a look at what has happened.
pub(super) const LOOK: u64 = 0;

/// All connections of one generator thread, known by their numbers from 0. Each does one thing at a time, and whatever
/// it was told to do ends with one [`Event`].
pub(super) trait Client: Sized {
    /// How much longer than the time-out opening a connection may take, nanoseconds.
    const GRACE: u64 = 0;

    /// So many connections, all of them closed.
    fn new(plan: &Plan, connections: u32) -> io::Result<Self>;

    /// Opens a connection ahead of its first question.
    fn open(&mut self, connection: usize);

    /// Asks one question, after opening the connection where it is closed.
    fn ask(&mut self, connection: usize, heavy: bool);

    /// Whether a connection is being opened.
    fn is_connecting(&self, _connection: usize) -> bool {
        false
    }

    /// Gives up what a connection is doing, without an event, and closes it.
    fn close(&mut self, connection: usize);

    /// The next event. Nothing when this instant has come, or when it is worth a look at the clock.
    fn next(&mut self, until: u64) -> Option<(usize, Event)>;

    /// Whether the last [`next`](Self::next) waited for an event, and not only looked for one.
    fn has_waited(&self) -> bool;
}
