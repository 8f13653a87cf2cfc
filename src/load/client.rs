//! The interface between the loop that decides which requests are sent and the client that sends them.

use std::io;

use super::LoadPlan;
use super::request_error::RequestError;

/// Requests that differ in their target alone, before any client has put them into its own form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestTemplate {
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

/// A response, read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReceivedResponse {
    pub(super) status: u16,
    /// Bytes received for it, as far as the client knows.
    pub(super) bytes: u64,
    /// When its request was sent, if that was not at once: a connection had to be opened first. Nanoseconds, as
    /// all instants here, of [`clock::now`](super::clock::now).
    pub(super) sent: Option<u64>,
    /// Whether unrequested bytes followed this response, or the one before it on the connection, as far as the client can
    /// detect.
    pub(super) has_surplus: bool,
}

/// What happened on a connection: every call of [`Client::open`] and [`Client::send`] ends with one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientEvent {
    Opened,
    Answered(ReceivedResponse),
    /// The connection is closed, and opened again by the next request.
    Failed(RequestError),
}

/// An instant that has always come: [`Client::next`] returns at once.
pub(super) const POLL_NOW: u64 = 0;

/// All connections of one generator thread, known by their numbers from 0. Each does one thing at a time, which
/// ends with one [`ClientEvent`].
pub(super) trait Client: Sized {
    /// How much longer than the time-out opening a connection may take, nanoseconds.
    const GRACE: u64 = 0;

    /// So many connections, all of them closed.
    fn new(plan: &LoadPlan, connections: u32) -> io::Result<Self>;

    /// Opens a connection ahead of its first request.
    fn open(&mut self, connection: usize);

    /// Sends one request, after opening the connection if it is closed.
    fn send(&mut self, connection: usize, heavy: bool);

    /// Whether a connection is being opened.
    fn is_connecting(&self, _connection: usize) -> bool {
        false
    }

    /// Gives up what a connection is doing, without an event, and closes it.
    fn close(&mut self, connection: usize);

    /// The next event. Nothing when this instant has come, or when it is worth a look at the clock.
    fn next(&mut self, until: u64) -> Option<(usize, ClientEvent)>;

    /// Whether the last [`next`](Self::next) waited for an event, and not only looked for one.
    fn has_waited(&self) -> bool;
}
