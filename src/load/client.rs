//! The interface between the loops, which decide which requests are sent, and the client that sends them.

use std::io;
use std::sync::Arc;

use crate::http1::TextSearch;

use super::LoadPlan;
use super::request_error::RequestError;

/// A group of requests that differ only in their targets, independent of any client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestTemplate {
    /// The method, such as `GET`.
    pub method: String,
    /// Host and port, as sent in the `Host` field.
    pub authority: String,
    /// Path and query of each request, at least one; requested in turn.
    pub targets: Vec<String>,
    /// Further header fields.
    pub headers: Vec<(String, String)>,
    /// The body; if empty, none is sent.
    pub body: Vec<u8>,
}

/// The response that counts as a success. Any other counts as a failed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedResponse {
    /// The status code.
    pub status: u16,
    /// The text that the body contains; `None` for any body.
    pub contains: Option<Arc<str>>,
}

impl ExpectedResponse {
    /// Returns the search for the text in a body, if there is one.
    pub(super) fn search(&self) -> Option<TextSearch> {
        self.contains.as_deref().map(|text| TextSearch::new(text.as_bytes()))
    }

    /// Returns the error of a response that is not the expected one.
    pub(super) fn check(&self, response: &ReceivedResponse) -> Option<RequestError> {
        if response.status != self.status {
            return Some(RequestError::UnexpectedStatus(response.status));
        }
        (!response.has_text).then_some(RequestError::UnexpectedBody)
    }
}

/// A response that was read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReceivedResponse {
    pub(super) status: u16,
    /// Whether the body contains the text of [`ExpectedResponse`]; true if no text is expected.
    pub(super) has_text: bool,
    /// Bytes received for this response, as far as the client knows.
    pub(super) bytes: u64,
    /// The instant at which the request was sent, if a connection had to be opened for it first; in nanoseconds of
    /// [`clock::now`](super::clock::now), like all instants here.
    pub(super) sent: Option<u64>,
    /// Whether unrequested bytes followed this response, or the one before it on the connection, as far as the client
    /// can detect.
    pub(super) has_surplus: bool,
}

/// The event that ends a call of [`Client::open`] or [`Client::send`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientEvent {
    Opened,
    Answered(ReceivedResponse),
    /// The connection is closed. The next request opens it again.
    Failed(RequestError),
}

/// An instant that is always in the past: [`Client::next`] returns at once.
pub(super) const POLL_NOW: u64 = 0;

/// The connections of one generator thread, numbered from 0. Each carries out one operation at a time, which ends with
/// one [`ClientEvent`].
pub(super) trait Client: Sized {
    /// The time beyond the time-out that opening a connection may take, nanoseconds.
    const GRACE: u64 = 0;

    /// Creates a client with this number of connections, all of them closed.
    fn new(plan: &LoadPlan, connections: u32) -> io::Result<Self>;

    /// Opens a connection before its first request.
    fn open(&mut self, connection: usize);

    /// Sends one request, after opening the connection if it is closed. `number` is its position in the schedule, if
    /// there is one.
    fn send(&mut self, connection: usize, heavy: bool, number: Option<u64>);

    /// Returns whether a connection is being opened.
    fn is_connecting(&self, _connection: usize) -> bool {
        false
    }

    /// Aborts the operation of a connection without an event, and closes it.
    fn close(&mut self, connection: usize);

    /// Returns the next event. Returns `None` at the instant `until`, or earlier if the loop should read the clock.
    fn next(&mut self, until: u64) -> Option<(usize, ClientEvent)>;

    /// Returns whether the last [`next`](Self::next) waited for an event, instead of only checking for one.
    fn has_waited(&self) -> bool;
}
