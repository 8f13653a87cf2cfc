//! Finds the end of a head that arrives in pieces, and the first byte that makes it invalid.

use super::fault::Fault;
use super::{field, limits};

/// The kind of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// A head that begins with a request line.
    Request,
    /// A head that begins with a status line.
    StatusLine,
}

/// The state of scanning a head. Each byte is scanned once, so a head that arrives in pieces costs no more than one
/// that arrives whole, and the result does not depend on how the bytes were split.
#[derive(Debug, Default)]
pub(super) struct Scan {
    at: usize,
    line: usize,
    n_lines: usize,
    blank: usize,
}

impl Scan {
    /// Returns whether no byte has been scanned yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.at == 0
    }

    /// Continues to scan a head, given the same bytes as before and perhaps more. Returns the length of the head once
    /// it is complete; each of its lines is then well-formed.
    pub(super) fn advance(&mut self, head: &[u8], start: Start) -> Result<Option<usize>, Fault> {
        let seen = head.len().min(limits::HEAD);
        while self.at < seen {
            let (byte, before) = (head[self.at], self.at.checked_sub(1).map(|before| head[before]));
            self.at += 1;
            match byte {
                b'\n' if before != Some(b'\r') => return Err(Fault::Malformed),
                b'\n' => {
                    let line = &head[self.line..self.at];
                    match (self.n_lines, line) {
                        (0, b"\r\n") => return Err(Fault::Malformed),
                        (0, line) => check_start_line(line, start)?,
                        (_, b"\r\n") => return Ok(Some(self.at)),
                        (_, line) => check_field(line)?,
                    }
                    self.n_lines += 1;
                    self.line = self.at;
                    if self.n_lines > limits::N_FIELDS + 1 {
                        return Err(Fault::HeadTooLarge);
                    }
                }
                _ if before == Some(b'\r') => return Err(Fault::Malformed),
                b'\r' | b'\t' | b' '..=b'~' => {}
                0x80.. if self.n_lines > 0 || start == Start::StatusLine => {}
                _ => return Err(Fault::Malformed),
            }
            if self.n_lines == 0 && start == Start::Request {
                self.bound_request_line(byte)?;
            }
        }
        if self.at == limits::HEAD { Err(Fault::HeadTooLarge) } else { Ok(None) }
    }

    fn bound_request_line(&mut self, byte: u8) -> Result<(), Fault> {
        match self.blank {
            0 if byte == b' ' => self.blank = self.at,
            0 if !field::is_token(byte) && byte != b'\r' => return Err(Fault::Malformed),
            0 if self.at > limits::METHOD => return Err(Fault::MethodTooLong),
            // After the second blank, only the version remains, which is short.
            blank if self.at - blank > limits::TARGET + " HTTP/1.1\r".len() => {
                return Err(Fault::TargetTooLong);
            }
            _ => {}
        }
        Ok(())
    }
}

fn check_start_line(line: &[u8], start: Start) -> Result<(), Fault> {
    match start {
        Start::Request => {
            let mut request = httparse::Request::new(&mut []);
            match request.parse(line) {
                Ok(_) if request.path.is_some_and(|target| target.len() > limits::TARGET) => Err(Fault::TargetTooLong),
                Ok(_) => Ok(()),
                Err(httparse::Error::Version) => Err(version_fault(line)),
                Err(_) => Err(Fault::Malformed),
            }
        }
        Start::StatusLine => match httparse::Response::new(&mut []).parse(line) {
            Ok(_) => Ok(()),
            Err(_) => Err(Fault::Malformed),
        },
    }
}

/// Returns the fault of a version: `HTTP/`, digit, dot, digit is an unsupported version; anything else is malformed.
fn version_fault(line: &[u8]) -> Fault {
    let mut parts = line.split(|b| *b == b' ').skip(2);
    match (parts.next(), parts.next()) {
        (Some([b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9', b'\r', b'\n']), None) => {
            Fault::UnknownVersion
        }
        _ => Fault::Malformed,
    }
}

fn check_field(line: &[u8]) -> Result<(), Fault> {
    // A valid field line alone is a head whose final empty line is missing.
    match httparse::parse_headers(line, &mut [httparse::EMPTY_HEADER]) {
        Ok(httparse::Status::Partial) => Ok(()),
        _ => Err(Fault::Malformed),
    }
}

/// Returns whether every line of a head that httparse accepted ends in CR LF. httparse also accepts bare line feeds,
/// but the names of its fields show where the lines begin.
#[inline]
pub(super) fn has_no_bare_line_feed(head: &[u8], fields: &[httparse::Header<'_>]) -> bool {
    let begins_after_return = |field: &httparse::Header<'_>| {
        let begin = field.name.as_ptr().addr() - head.as_ptr().addr();
        head[begin - 2] == b'\r'
    };
    head.ends_with(b"\r\n\r\n") && fields.iter().all(begins_after_return)
}
