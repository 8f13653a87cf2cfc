//! The policy as one table: bytes in, and the bytes out that every model must give. `served.rs` runs it against the codec
//! alone, `tests/it/serve.rs` over sockets.
//!
//! What a server does when nothing comes has no case here: that takes a clock.

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

/// The rows of the policy. One without a case is never constructed, and then the compiler says so.
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
    /// Absolute-form: taken.
    Absolute,
    /// Upgrade: ignored.
    Upgrade,
    /// HTTP/2.0, HTTP/9.9: 505; what is no version: 400.
    Versions,
    /// HTTP/1.0: no Host needed, no 1xx, no Transfer-Encoding; closed unless kept alive, which is said.
    Http10,
    /// Host missing, twice, empty, blank, with user, path or comma: 400.
    Host,
    /// A request line out of its grammar: 400.
    RequestLine,
    /// Content-Length beside Transfer-Encoding, twice, in a list, or no plain number: 400 and close.
    Length,
    /// Transfer-Encoding unknown: 501; chunked not last, twice or empty: 400; always close.
    Coding,
    /// Folded lines, a blank before the colon, control bytes, a bare CR, a bad name: 400 and close.
    FieldLines,
    /// A bare line feed as a line's end: 400 and close.
    BareLineFeed,
    /// A chunk's size, its line's end or its data's end out of the grammar: 400 and close.
    Chunks,
    /// Legal extensions and trailers: ignored; illegal ones: 400 and close.
    Extensions,
    /// Expect: 100, then the answer; any other expectation: 417.
    Expect,
    /// Target over 8 KiB: 414; head over its limit or 100 fields: 431; method: 501; body: 413.
    Limits,
    /// After a refusal nothing more is said, whatever follows.
    LastWord,
    /// Answers in order, an error after those before it.
    Pipelining,
    /// HTTP/1.1 persists unless `Connection: close`, which is answered in kind.
    KeepAlive,
}

/// What is sent, and what must come back.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) row: Row,
    pub(crate) request: Vec<u8>,
    /// With [`DATE`](super::oracle::DATE) for every Date.
    pub(crate) answer: Vec<u8>,
    /// Whether the server ends the connection then, unasked.
    pub(crate) closes: bool,
}

impl Case {
    /// The row and the begin of the request: what a failure is called.
    pub(crate) fn name(&self) -> String {
        let begin = &self.request[..self.request.len().min(200)];
        format!("{:?}: {:?}", self.row, String::from_utf8_lossy(begin))
    }
}

impl Row {
    /// A case of this row. What is expected is written as in [`expand`].
    fn case(self, request: impl AsRef<[u8]>, expected: impl AsRef<[u8]>) -> Case {
        let (answer, closes) = expand(expected.as_ref());
        Case { row: self, request: request.as_ref().to_vec(), answer, closes }
    }

    fn cases<R: AsRef<[u8]>>(self, table: &[(R, &str)]) -> Vec<Case> {
        table.iter().map(|(request, expected)| self.case(request, expected)).collect()
    }
}

/// Every case, by the file that it stands in.
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

/// A good request and nothing else, to be sent behind another, and what it is answered.
pub(crate) const NEXT: &str = "GET /echo/next HTTP/1.1\r\nHost: h\r\n\r\n";

pub(crate) fn next_answer() -> Vec<u8> {
    text("next")
}

/// The answer 200 with this word.
pub(crate) fn text(word: &str) -> Vec<u8> {
    expand(format!("={word}").as_bytes()).0
}

/// A request of this method for this target, and no body.
fn ask(method: &str, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: h\r\n\r\n")
}

/// A good request line and Host with these lines behind, and the empty one.
fn with(lines: &str) -> String {
    format!("GET /echo/x HTTP/1.1\r\nHost: h\r\n{lines}\r\n")
}

/// A POST with these lines and this body.
pub(super) fn post(lines: &str, body: &str) -> String {
    format!("POST /echo HTTP/1.1\r\nHost: h\r\n{lines}\r\n{body}")
}

/// A POST whose body is chunked as it stands here.
fn chunked(body: &str) -> String {
    post("Transfer-Encoding: chunked\r\n", body)
}
