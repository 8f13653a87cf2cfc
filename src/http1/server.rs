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

/// The beginning of a request whose answer has no body.
const HEAD: &[u8] = b"HEAD ";

/// One connection's bytes in, requests out; answers in, bytes out.
///
/// The loop around it: [`next`](Self::next) until there is nothing, answering each; write all
/// [`output`](Self::output), and if there was some ask `next` again; end if it [is closing](Self::is_closing);
/// otherwise read into [`space`](Self::space). A codec that waits for its output to leave takes no further request, so
/// a loop that reads before it has asked again could wait for a peer that waits for it.
///
/// About 4.5 KiB while idle, and then at most [`limits::KEPT_WHEN_IDLE`] of either buffer; never much more than
/// [`limits::GROWTH`] beyond what waits in them. Nothing is allocated per request once the buffers have their size, but
/// for bodies over the former.
#[derive(Debug)]
pub struct ServerCodec {
    input: Input,
    output: OutputBuffer,
    reading: RequestState,
    n_empty_lines: u8,
    has_ended: bool,
    is_finishing: bool,
}

/// What a connection expects its peer to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expects {
    /// The next request, of which nothing has arrived. A connection may rest here.
    Request,
    /// The rest of a head. No connection may be here for long.
    Head,
    /// The rest of a body. No connection may be here for long.
    Body,
}

#[derive(Debug)]
enum RequestState {
    Head(Scan),
    /// The head waits at the front of the input, and behind it so many bytes of the body: all that came of a POST's,
    /// nothing of any other's.
    Body(RequestHead, Body, usize),
}

/// What the input amounts to.
enum ReadSoFar {
    /// One with a head and nothing else.
    Request(RequestHead),
    /// The head, how many bytes of body are kept behind it, and how many bytes of input both took up.
    WithBody(RequestHead, usize, usize),
    Nothing,
}

impl ServerCodec {
    /// A fresh connection. Every answer carries the stamp, if there is one, as `Avt-Nonce`: printable ASCII, at most 64
    /// bytes.
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

    /// Where the next bytes from the peer go. Never empty after [`next`](Self::next) gave nothing and the output was
    /// written. While closing it takes what is still to be drained.
    #[inline]
    pub fn space(&mut self) -> &mut [u8] {
        if self.output.is_last {
            self.input.clear();
        }
        self.input.space()
    }

    /// `n` bytes were read there; 0 means that the peer has ended its side.
    #[inline]
    pub fn received(&mut self, n: usize) {
        self.has_ended |= n == 0;
        self.input.received(n);
    }

    /// The next complete request and the way to answer it. Nothing while more input is
    /// needed, while more than [`limits::OUTPUT`] bytes of output wait, or once it is closing.
    ///
    /// What breaks the rules is refused here, in plain words and for good: after the answers that are owed comes one
    /// 4xx or 5xx, then the end. `date` is for the refusals.
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
                // Whatever is incomplete now stays so. The answers before it still leave.
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

    /// Says so and ends: for what the loop around the codec finds, such as a head that takes too long (408). Says
    /// nothing if the last word is already spoken.
    #[cold]
    pub fn refuse(&mut self, status: Status, date: &Date) {
        if !self.output.is_last {
            // The refused request is still at the front of the input. The answer to a HEAD has no body, whatever else
            // is wrong with the request (RFC 9110 section 9.3.2); the answer to an incomplete request that may become a
            // HEAD has an empty one.
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

    /// The next answer is the last one, says so, and ends the connection.
    pub fn finish(&mut self) {
        self.is_finishing = true;
    }

    /// What is expected from the peer, when [`next`](Self::next) gave nothing and the output was written.
    #[inline]
    pub fn expects(&self) -> Expects {
        match self.reading {
            RequestState::Body(..) => Expects::Body,
            RequestState::Head(_) if self.input.waiting().is_empty() => Expects::Request,
            RequestState::Head(_) => Expects::Head,
        }
    }

    /// The bytes to write.
    #[inline]
    pub fn output(&self) -> &[u8] {
        self.output.waiting()
    }

    /// The first `n` bytes of the output were written.
    #[inline]
    pub fn sent(&mut self, n: usize) {
        self.output.sent(n);
    }

    /// Whether, once the output is written, the connection ends: shut down writing, drain what still comes, briefly and
    /// boundedly, and close. Closing with unread input would destroy the answer on its way.
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
                // Also when the body is already here: what is answered must not hang on how the bytes were cut.
                self.output.go_on();
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
        // The way of nearly every request: here as a whole, and good.
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
            let (used, _, is_complete) = body.skip(&self.input.waiting()[kept..])?;
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

/// The way to answer one request. One that is dropped instead answers 500 and ends the connection.
#[derive(Debug)]
pub struct Responder<'a> {
    output: &'a mut OutputBuffer,
    manner: Manner,
    date: &'a Date,
    is_answered: bool,
}

impl Responder<'_> {
    /// Answers. `date` is the time of the answer.
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
        // With an answer too large for a further request to be taken, and with a small one.
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
            assert_eq!(codec.input.held(), limits::INPUT_AT_FIRST);
        }
    }
}
