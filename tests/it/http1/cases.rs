//! The policy as one table: input bytes, and the output bytes that every model must send. `served.rs` runs it against
//! the codec alone, `tests/it/serve.rs` over sockets.
//!
//! Time-outs have no case here, since they need a clock.

mod chunks;
mod connections;
mod expected;
mod fields;
mod framing;
mod heads;
mod limits;
mod posts;
mod request_lines;
mod routes;

use expected::expand;

/// The rows of the policy. The compiler warns about a row without a case, since it is never constructed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Row {
    /// `GET`, `HEAD /echo/{what}`: 200, `what` decoded once, HEAD without it.
    Echo,
    /// Any other method on `/echo/{what}`: 405, OPTIONS 204, both with `Allow: GET, HEAD`.
    EchoMethods,
    /// `POST /echo`: 200, the body byte for byte, its type kept.
    Post,
    /// Any other method on `/echo`: 405, OPTIONS 204, both with `Allow: POST`.
    PostMethods,
    /// An unknown path, whatever the method: 404.
    Unknown,
    /// `GET`, `HEAD`, `POST /`: 200.
    Root,
    /// OPTIONS `/` and `*`: 204 with Allow and without Content-Length; any other method on `*`: 400.
    Options,
    /// DELETE, PUT `/`: 405 with Allow; CONNECT, TRACE, unknown and lower-case methods: 405 or 501.
    Methods,
    /// Absolute-form: accepted.
    Absolute,
    /// Upgrade: ignored.
    Upgrade,
    /// HTTP/2.0, HTTP/9.9: 505; an invalid version: 400.
    Versions,
    /// HTTP/1.0: no Host needed, no 1xx, no Transfer-Encoding; closed unless kept alive, with `Connection: keep-alive`.
    Http10,
    /// Host missing, twice, empty, blank, with user, path or comma: 400.
    Host,
    /// An invalid request line: 400.
    RequestLine,
    /// Content-Length beside Transfer-Encoding, repeated, in a list, or not a plain number: 400 and close.
    Length,
    /// Transfer-Encoding unknown: 501; chunked not last or repeated, or an empty list: 400; always close.
    Coding,
    /// Folded lines, a space before the colon, control bytes, a bare CR, an invalid name: 400 and close.
    FieldLines,
    /// A bare line feed as a line ending: 400 and close.
    BareLineFeed,
    /// An invalid chunk size, or an invalid end of its line or data: 400 and close.
    Chunks,
    /// Valid extensions and trailers: ignored; invalid ones: 400 and close.
    Extensions,
    /// `Expect: 100-continue`: 100, then the response; any other expectation: 417.
    Expect,
    /// A target over 8 KiB: 414; a head over its limit or 100 fields: 431; a method over its limit: 501; a body: 413.
    Limits,
    /// Nothing is sent after a refusal, whatever follows it.
    AfterRefusal,
    /// Responses in order, an error after the responses before it.
    Pipelining,
    /// HTTP/1.1 persists unless the request has `Connection: close`; the response then has it too.
    KeepAlive,
}

/// A request and the response it must get.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) row: Row,
    pub(crate) request: Vec<u8>,
    /// Every Date is [`DATE`](super::oracle::DATE).
    pub(crate) answer: Vec<u8>,
    /// Whether the server closes the connection afterwards.
    pub(crate) closes: bool,
}

impl Case {
    /// Returns the row and the start of the request, for failure messages.
    pub(crate) fn name(&self) -> String {
        let begin = &self.request[..self.request.len().min(200)];
        format!("{:?}: {:?}", self.row, String::from_utf8_lossy(begin))
    }
}

impl Row {
    /// Returns a case of this row, with the expected response in the notation of [`expand`].
    fn case(self, request: impl AsRef<[u8]>, expected: impl AsRef<[u8]>) -> Case {
        let (answer, closes) = expand(expected.as_ref());
        Case { row: self, request: request.as_ref().to_vec(), answer, closes }
    }

    fn cases<R: AsRef<[u8]>>(self, table: &[(R, &str)]) -> Vec<Case> {
        table.iter().map(|(request, expected)| self.case(request, expected)).collect()
    }
}

/// Returns all cases by file.
pub(crate) fn tables() -> [(&'static str, Vec<Case>); 9] {
    let tables = [
        ("routes", routes::cases()),
        ("posts", posts::cases()),
        ("request_lines", request_lines::cases()),
        ("fields", fields::cases()),
        ("framing", framing::cases()),
        ("chunks", chunks::cases()),
        ("connections", connections::cases()),
        ("limits", limits::cases()),
    ];
    let heads = tables.iter().flat_map(|(_, cases)| cases).filter_map(heads::as_head).collect();
    let [a, b, c, d, e, f, g, h] = tables;
    [a, b, c, d, e, f, g, h, ("heads", heads)]
}

/// A valid request to send after another one.
pub(crate) const NEXT: &str = "GET /echo/next HTTP/1.1\r\nHost: h\r\n\r\n";

/// The response to [`NEXT`].
pub(crate) fn next_answer() -> Vec<u8> {
    text("next")
}

/// Returns a 200 response with this text.
pub(crate) fn text(word: &str) -> Vec<u8> {
    expand(format!("={word}").as_bytes()).0
}

/// Returns a request with this method and target, without a body.
fn request(method: &str, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: h\r\n\r\n")
}

/// Returns a GET request with these additional header lines.
fn get(lines: &str) -> String {
    format!("GET /echo/x HTTP/1.1\r\nHost: h\r\n{lines}\r\n")
}

/// Returns a POST request with these additional header lines and this body.
pub(super) fn post(lines: &str, body: &str) -> String {
    format!("POST /echo HTTP/1.1\r\nHost: h\r\n{lines}\r\n{body}")
}

/// Returns a POST request with this chunked body.
fn chunked(body: &str) -> String {
    post("Transfer-Encoding: chunked\r\n", body)
}
