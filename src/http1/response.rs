//! A response and its encoding.

use std::sync::Arc;

use super::request::Version;
use super::{Date, Status};

/// A server's response. The codec adds Date, Content-Length, Connection and the stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response<'a> {
    /// The status. 204 has no body and omits the fields that describe one.
    pub status: Status,
    /// The value of Content-Type; the field is omitted if empty.
    pub content_type: &'a str,
    /// The value of Allow, if any.
    pub allow: Option<&'a str>,
    /// The body. The response to HEAD omits it but includes its length.
    pub body: &'a [u8],
}

/// The content type of plain text.
const TEXT: &str = "text/plain; charset=utf-8";
const TEXT_LINE: &[u8; 41] = b"Content-Type: text/plain; charset=utf-8\r\n";

/// The space for a head with a stamp and all other fields, bytes.
const MOST_OF_A_HEAD: usize = 384;

impl<'a> Response<'a> {
    /// Returns a response of plain text.
    pub const fn text(status: Status, body: &'a [u8]) -> Self {
        Self { status, content_type: TEXT, allow: None, body }
    }

    /// Returns a response with code and reason as plain text, such as `404: Not Found`; empty for 204.
    pub const fn plain(status: Status) -> Self {
        match status {
            Status::NoContent => Self { status, content_type: "", allow: None, body: b"" },
            _ => Self::text(status, status.text().as_bytes()),
        }
    }
}

/// The properties of the exchange that affect how a response is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) version: Version,
    pub(super) is_kept_alive: bool,
    pub(super) to_head: bool,
}

/// Bytes that wait to be sent to the peer.
#[derive(Debug)]
pub(super) struct OutputBuffer {
    bytes: Vec<u8>,
    sent: usize,
    stamp: Option<Arc<str>>,
    /// Whether nothing may follow the bytes that wait here.
    pub(super) is_last: bool,
}

impl OutputBuffer {
    pub(super) fn new(stamp: Option<Arc<str>>) -> Self {
        Self { bytes: Vec::new(), sent: 0, stamp, is_last: false }
    }

    pub(super) fn waiting(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    pub(super) fn sent(&mut self, n: usize) {
        assert!(n <= self.waiting().len(), "more bytes sent than there were");
        self.sent += n;
        if self.sent == self.bytes.len() {
            self.sent = 0;
            self.bytes.clear();
            if self.bytes.capacity() > super::limits::KEPT_WHEN_IDLE {
                self.bytes = Vec::new();
            }
        }
    }

    /// Writes `100 Continue` to a peer that waits for it before it sends the body.
    pub(super) fn send_continue(&mut self) {
        self.reserve(32);
        self.bytes.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
    }

    /// Reserves space for `n` more bytes; a large buffer is not doubled, as `Vec` would do.
    #[inline]
    fn reserve(&mut self, n: usize) {
        if self.bytes.capacity() - self.bytes.len() < n {
            self.grow(n);
        }
    }

    #[cold]
    fn grow(&mut self, n: usize) {
        self.bytes.reserve_exact(n.max(self.bytes.len().min(super::limits::KEPT_WHEN_IDLE)));
    }

    /// Writes head and body in one piece, so that they can be sent in one write.
    #[inline]
    pub(super) fn answer(&mut self, response: &Response<'_>, date: &Date, manner: Manner) {
        self.reserve(MOST_OF_A_HEAD + response.content_type.len() + response.body.len());
        let out = &mut self.bytes;
        match (manner.version, response.status) {
            (Version::Http11, Status::Ok) => out.extend_from_slice(b"HTTP/1.1 200 OK\r\n"),
            (version, status) => {
                let version: &[u8; 9] = if version == Version::Http11 { b"HTTP/1.1 " } else { b"HTTP/1.0 " };
                out.extend_from_slice(version);
                put(out, [status.code(), status.reason(), "\r\n"]);
            }
        }
        match response.content_type {
            "" => {}
            TEXT => out.extend_from_slice(TEXT_LINE),
            other => put(out, ["Content-Type: ", other, "\r\n"]),
        }
        if response.status != Status::NoContent {
            out.extend_from_slice(b"Content-Length: ");
            put_decimal(out, response.body.len());
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"Date: ");
        out.extend_from_slice(&date.0);
        out.extend_from_slice(b"\r\n");
        if let Some(allow) = response.allow {
            put(out, ["Allow: ", allow, "\r\n"]);
        }
        if let Some(stamp) = &self.stamp {
            put(out, ["Avt-Nonce: ", stamp, "\r\n"]);
        }
        match (manner.version, manner.is_kept_alive) {
            (Version::Http11, true) => out.extend_from_slice(b"\r\n"),
            (Version::Http10, true) => out.extend_from_slice(b"Connection: keep-alive\r\n\r\n"),
            (_, false) => out.extend_from_slice(b"Connection: close\r\n\r\n"),
        }
        if !manner.to_head && response.status != Status::NoContent {
            out.extend_from_slice(response.body);
        }
        self.is_last |= !manner.is_kept_alive;
    }
}

#[inline]
fn put(out: &mut Vec<u8>, parts: [&str; 3]) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}

#[inline]
pub(super) fn put_decimal(out: &mut Vec<u8>, number: usize) {
    if number < 10 {
        return out.push(b'0' + number as u8);
    }
    let mut digits = [0; 20];
    let (mut at, mut rest) = (digits.len(), number);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits;
    use super::*;

    #[test]
    fn the_output_buffer_is_little_larger_than_the_unsent_bytes() {
        let manner = Manner { version: Version::Http11, is_kept_alive: true, to_head: false };
        let mut output = OutputBuffer::new(None);
        let mut answer = |body: &[u8]| {
            output.answer(&Response::text(Status::Ok, body), &Date(*b"Sun, 06 Nov 1994 08:49:37 GMT"), manner);
            assert!(output.bytes.capacity() - output.waiting().len() <= limits::KEPT_WHEN_IDLE + MOST_OF_A_HEAD);
            output.waiting().len()
        };
        while answer(b"hello") < limits::OUTPUT {}
        answer(&vec![b'x'; 1024 * 1024]);
        output.sent(output.waiting().len());
        assert!(output.bytes.capacity() <= limits::KEPT_WHEN_IDLE);
    }
}
