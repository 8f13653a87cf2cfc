//! The server's side of one connection.

use std::sync::Arc;

use super::body::Body;
use super::chunked::Chunked;
use super::fault::Fault;
use super::input::Input;
use super::request::{RequestFraming, RequestHead, Version};
use super::response::{Manner, OutputBuffer};
use super::scan::{Scan, Start};
use super::{Date, Method, Request, Response, Status, limits};

/// The start of a request whose response has no body.
const HEAD: &[u8] = b"HEAD ";

/// Turns the bytes of one connection into requests, and responses into bytes.
///
/// The loop around it: call [`next`](Self::next) and answer each request until it returns `None`; write all
/// [`output`](Self::output), and if there was any, call `next` again; end if it [is closing](Self::is_closing);
/// otherwise read into [`space`](Self::space). While too much output waits, the codec takes no further request. So a
/// loop that reads without calling `next` again could wait for a peer that waits for it.
///
/// Uses about 4.5 KiB at first, and at most [`limits::KEPT_WHEN_IDLE`] per buffer when idle later; never much more than
/// [`limits::GROWTH`] beyond the waiting bytes. Once the buffers have their size, only bodies over the former limit
/// cause allocations.
#[derive(Debug)]
pub struct ServerCodec {
    input: Input,
    output: OutputBuffer,
    reading: RequestState,
    n_empty_lines: u8,
    has_ended: bool,
    is_finishing: bool,
}

/// The part of a request that a connection expects from its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expects {
    /// The next request, of which nothing has arrived. A connection may stay in this state.
    Request,
    /// The rest of a head. No connection may stay in this state for long.
    Head,
    /// The rest of a body. No connection may stay in this state for long.
    Body,
}

#[derive(Debug)]
enum RequestState {
    Head(Scan),
    /// The head waits at the start of the input, followed by this many bytes of the body: all received ones for a POST,
    /// none for other methods.
    Body(RequestHead, Body, usize),
}

/// The result of reading the input so far.
enum ReadSoFar {
    /// A request that consists of a head only.
    Request(RequestHead),
    /// The head, the number of bytes of the body kept after it, and the number of input bytes that both used.
    WithBody(RequestHead, usize, usize),
    Nothing,
}

impl ServerCodec {
    /// Creates the codec of a new connection. Every response contains the stamp, if any, as `Avt-Nonce`: printable
    /// ASCII, at most 64 bytes.
    pub fn new(stamp: Option<Arc<str>>) -> Self {
        debug_assert!(
            stamp.as_ref().is_none_or(|stamp| stamp.len() <= 64 && stamp.bytes().all(|b| b.is_ascii_graphic()))
        );
        Self {
            input: Input::new(limits::SERVER_INPUT_AT_MOST),
            output: OutputBuffer::new(stamp),
            reading: RequestState::Head(Scan::default()),
            n_empty_lines: 0,
            has_ended: false,
            is_finishing: false,
        }
    }

    /// Returns the space for the next bytes from the peer. Never empty after [`next`](Self::next) returned `None` and
    /// the output was written. While closing, it receives bytes to be discarded.
    #[inline]
    pub fn space(&mut self) -> &mut [u8] {
        if self.output.is_last {
            self.input.clear();
        }
        self.input.space()
    }

    /// Reports that `n` bytes were read into the space; 0 means that the peer has closed its side.
    #[inline]
    pub fn received(&mut self, n: usize) {
        self.has_ended |= n == 0;
        self.input.received(n);
    }

    /// Returns the next complete request, and the responder for it. Returns `None` if more input is needed, while more
    /// than [`limits::OUTPUT`] bytes of output wait, or once the codec is closing.
    ///
    /// An invalid request is refused: after the pending responses, the codec writes one 4xx or 5xx with a plain-text
    /// body, and the connection ends. `date` is the date of refusals.
    #[inline]
    pub fn next<'a>(&'a mut self, date: &'a Date) -> Option<(Request<'a>, Responder<'a>)> {
        if self.output.is_last || self.output.waiting().len() > limits::OUTPUT {
            self.input.give_back();
            return None;
        }
        let (head, bytes, content) = match self.find() {
            Ok(ReadSoFar::Request(head)) => (head, self.input.take(head.len), None),
            Ok(ReadSoFar::WithBody(head, body, used)) => {
                let bytes = self.input.take(used);
                (head, bytes, head.content(bytes, body))
            }
            Ok(ReadSoFar::Nothing) => {
                self.input.give_back();
                // Incomplete data stays incomplete. Earlier responses are still sent.
                self.output.is_last |= self.has_ended;
                return None;
            }
            Err(fault) => {
                self.refuse(fault.status(), date);
                return None;
            }
        };
        let request = Request { method: head.method, target: head.target(bytes), content };
        let manner = Manner {
            version: head.version,
            is_kept_alive: head.is_kept_alive && !self.is_finishing,
            to_head: head.method == Method::Head,
        };
        Some((request, Responder { output: &mut self.output, manner, date, is_answered: false }))
    }

    /// Refuses the request and ends the connection, for faults that the caller detects, such as a head that takes too
    /// long (408). Does nothing if the last response is already written.
    #[cold]
    pub fn refuse(&mut self, status: Status, date: &Date) {
        if !self.output.is_last {
            // The refused request is still at the start of the input. The response to a HEAD has no body, whatever else
            // is wrong with the request (RFC 9110 section 9.3.2); the response to an incomplete request that may become
            // a HEAD has an empty one.
            let waiting = self.input.waiting();
            let to_head = waiting.starts_with(HEAD);
            let may_be_head = !to_head && HEAD.starts_with(waiting);
            let response = if may_be_head { Response::text(status, b"") } else { Response::plain(status) };
            let manner = Manner { version: Version::Http11, is_kept_alive: false, to_head };
            self.output.answer(&response, date, manner);
            self.input.clear();
            self.input.give_back();
        }
    }

    /// Makes the next response the last one: it announces that the connection ends, and the codec closes it.
    pub fn finish(&mut self) {
        self.is_finishing = true;
    }

    /// Returns what the peer is expected to send. Valid after [`next`](Self::next) returned `None` and the output was
    /// written.
    #[inline]
    pub fn expects(&self) -> Expects {
        match self.reading {
            RequestState::Body(..) => Expects::Body,
            RequestState::Head(_) if self.input.waiting().is_empty() => Expects::Request,
            RequestState::Head(_) => Expects::Head,
        }
    }

    /// Returns the bytes to write.
    #[inline]
    pub fn output(&self) -> &[u8] {
        self.output.waiting()
    }

    /// Reports that the first `n` bytes of the output were written.
    #[inline]
    pub fn sent(&mut self, n: usize) {
        self.output.sent(n);
    }

    /// Returns whether the connection ends once the output is written: shut down writing, discard further input up to a
    /// limit, and close. Closing with unread input would destroy the response in transit.
    #[inline]
    pub fn is_closing(&self) -> bool {
        self.output.is_last
    }

    #[inline]
    fn find(&mut self) -> Result<ReadSoFar, Fault> {
        if matches!(self.reading, RequestState::Head(_)) {
            let Some(head) = self.find_head()? else { return Ok(ReadSoFar::Nothing) };
            let body = match head.framing {
                RequestFraming::Empty if head.method != Method::Post => return Ok(ReadSoFar::Request(head)),
                RequestFraming::Empty => Body::Length(0),
                RequestFraming::Length(length) => Body::Length(length.into()),
                RequestFraming::Chunked => Body::Chunked(Chunked::new(limits::REQUEST_BODY)),
            };
            if head.awaits_continue {
                // Also if the body has already arrived: the response must not depend on how the bytes were split.
                self.output.send_continue();
            }
            self.reading = RequestState::Body(head, body, 0);
        }
        self.read_body()
    }

    #[inline]
    fn find_head(&mut self) -> Result<Option<RequestHead>, Fault> {
        while self.n_empty_lines < limits::N_EMPTY_LINES && self.input.waiting().starts_with(b"\r\n") {
            self.input.consume(2);
            self.n_empty_lines += 1;
            self.reading = RequestState::Head(Scan::default());
        }
        let RequestState::Head(scan) = &mut self.reading else { return Ok(None) };
        let waiting = self.input.waiting();
        // The fast path of nearly every request: it is complete and valid.
        if scan.is_fresh()
            && waiting.first().is_some_and(|first| *first > b' ')
            && let Ok(Some(head)) = RequestHead::parse(waiting)
        {
            self.n_empty_lines = 0;
            return Ok(Some(head));
        }
        let Some(len) = scan.advance(waiting, Start::Request)? else { return Ok(None) };
        *scan = Scan::default();
        self.n_empty_lines = 0;
        RequestHead::parse(&waiting[..len])
    }

    fn read_body(&mut self) -> Result<ReadSoFar, Fault> {
        let RequestState::Body(head, body, length) = &mut self.reading else { return Ok(ReadSoFar::Nothing) };
        let (head, kept) = (*head, head.len + *length);
        let (end, used, is_complete) = if head.method == Method::Post {
            body.keep(self.input.waiting_mut(), kept)?
        } else {
            let (used, _, is_complete) = body.skip(&self.input.waiting()[kept..], |_| ())?;
            (kept, kept + used, is_complete)
        };
        *length = end - head.len;
        if !is_complete {
            self.input.truncate(end);
            return Ok(ReadSoFar::Nothing);
        }
        self.reading = RequestState::Head(Scan::default());
        Ok(ReadSoFar::WithBody(head, end - head.len, used))
    }
}

/// Answers one request. If dropped without a response, it answers 500 and ends the connection.
#[derive(Debug)]
pub struct Responder<'a> {
    output: &'a mut OutputBuffer,
    manner: Manner,
    date: &'a Date,
    is_answered: bool,
}

impl Responder<'_> {
    /// Writes the response. `date` is its date.
    #[inline]
    pub fn send(mut self, response: &Response<'_>, date: &Date) {
        self.is_answered = true;
        self.output.answer(response, date, self.manner);
    }
}

impl Drop for Responder<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_answered {
            self.manner.is_kept_alive = false;
            self.output.answer(&Response::plain(Status::InternalServerError), self.date, self.manner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answered_body_is_not_held_while_its_answer_waits() {
        let date = &Date(*b"Sun, 06 Nov 1994 08:49:37 GMT");
        let length = limits::REQUEST_BODY as usize;
        let head = format!("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n");
        let request = [head.as_bytes(), &vec![b'x'; length]].concat();
        // With a response so large that no further request is taken, and with a small one.
        for is_echoed in [true, false] {
            let (mut codec, mut rest) = (ServerCodec::new(None), &request[..]);
            while !rest.is_empty() {
                let n = codec.space().len().min(rest.len());
                codec.space()[..n].copy_from_slice(&rest[..n]);
                codec.received(n);
                rest = &rest[n..];
                while let Some((request, responder)) = codec.next(date) {
                    let body = request.content.map_or(&b""[..], |content| content.body);
                    assert_eq!(body.len(), length);
                    responder.send(&Response::text(Status::Ok, if is_echoed { body } else { b"" }), date);
                }
            }
            assert!(codec.output().len() > if is_echoed { length } else { 0 });
            assert_eq!(codec.input.capacity(), limits::INPUT_AT_FIRST);
        }
    }
}
