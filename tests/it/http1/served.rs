//! A connection as a model serves it, and what it is expected to answer.

use async_vs_threads::http1::ServerCodec;
use async_vs_threads::workload::route::route;

use super::cuts;

pub(super) const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
pub(super) const NEXT: &str = "GET /echo/next HTTP/1.1\r\nHost: h\r\n\r\n";

/// The codec and the answers of its route, in the loop that every model runs around them.
pub(super) struct Served {
    codec: ServerCodec,
    pub(super) output: Vec<u8>,
}

impl Served {
    pub(super) fn new() -> Self {
        Self { codec: ServerCodec::new(None), output: Vec::new() }
    }

    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = self.codec.space();
            assert!(!space.is_empty());
            let n = space.len().min(bytes.len());
            space[..n].copy_from_slice(&bytes[..n]);
            bytes = &bytes[n..];
            self.received(n);
        }
    }

    fn received(&mut self, n: usize) {
        self.codec.received(n);
        loop {
            while let Some((request, responder)) = self.codec.next(DATE) {
                route(&request).respond(responder, DATE);
            }
            let output = self.codec.output();
            if output.is_empty() {
                return;
            }
            self.output.extend_from_slice(output);
            let n = output.len();
            self.codec.sent(n);
        }
    }

    pub(super) fn end(&mut self) {
        self.received(0);
        assert!(self.codec.is_closing(), "an ended connection closes");
    }

    pub(super) fn is_closing(&self) -> bool {
        self.codec.is_closing()
    }
}

/// The bytes that a short expectation stands for, and whether the connection ends with them.
///
/// `=x` 200 with the body x; `^5` the same to HEAD, with its length; `~x` the same to HTTP/1.0 that is kept alive;
/// `100`, `204`, `404`, `405` the status; a `!` behind one: and then the connection ends. `_` stands for a blank.
fn expand(expected: &str) -> (String, bool) {
    let mut bytes = String::new();
    for item in expected.split_whitespace() {
        let (what, version, connection) = match (item.strip_suffix('!'), item.starts_with('~')) {
            (Some(what), true) => (what, "1.0", "Connection: close\r\n"),
            (Some(what), false) => (what, "1.1", "Connection: close\r\n"),
            (None, true) => (item, "1.0", "Connection: keep-alive\r\n"),
            (None, false) => (item, "1.1", ""),
        };
        let text = "Content-Type: text/plain; charset=utf-8\r\n";
        let what = what.replace('_', " ");
        let (status, body, length) = match what.chars().next() {
            Some('=' | '~') => ("200 OK", what[1..].to_string(), what.len() - 1),
            Some('^') => ("200 OK", String::new(), what[1..].parse().expect("a length")),
            _ => {
                let status = match what.as_str() {
                    "100" => {
                        bytes += "HTTP/1.1 100 Continue\r\n\r\n";
                        continue;
                    }
                    "204" => {
                        bytes +=
                            &format!("HTTP/1.1 204 No Content\r\nDate: {DATE}\r\nAllow: GET, HEAD\r\n{connection}\r\n");
                        continue;
                    }
                    "400" => "400 Bad Request",
                    "404" => "404 Not Found",
                    "405" => "405 Method Not Allowed",
                    "413" => "413 Content Too Large",
                    "414" => "414 URI Too Long",
                    "417" => "417 Expectation Failed",
                    "431" => "431 Request Header Fields Too Large",
                    "501" => "501 Not Implemented",
                    "505" => "505 HTTP Version Not Supported",
                    other => panic!("{other}?"),
                };
                (status, status.replacen(' ', ": ", 1), status.len() + 1)
            }
        };
        let allow = if what == "405" { "Allow: GET, HEAD\r\n" } else { "" };
        bytes += &format!(
            "HTTP/{version} {status}\r\n{text}Content-Length: {length}\r\nDate: {DATE}\r\n{allow}{connection}\r\n{body}"
        );
    }
    (bytes, expected.ends_with('!'))
}

pub(super) fn check(request: &[u8], expected: &str) {
    let name = String::from_utf8_lossy(&request[..request.len().min(200)]).into_owned();
    let verify = |pieces: &[&[u8]], (answer, is_closing): (String, bool)| {
        let mut served = Served::new();
        pieces.iter().for_each(|piece| served.read(piece));
        assert_eq!(String::from_utf8_lossy(&served.output), answer, "{name:?}");
        assert_eq!(served.is_closing(), is_closing, "{name:?}");
        served.end();
        assert_eq!(served.output.len(), answer.len(), "{name:?}: nothing is said at the end");
    };
    for pieces in cuts(request) {
        verify(&pieces, expand(expected));
    }
    let with_next = [request, NEXT.as_bytes()].concat();
    let behind = if expected.ends_with('!') { expected.to_string() } else { format!("{expected} =next") };
    verify(&[&with_next], expand(&behind));
    verify(&with_next.chunks(1).collect::<Vec<_>>(), expand(&behind));
}

pub(super) fn check_all(cases: &[(&str, &str)]) {
    cases.iter().for_each(|(request, expected)| check(request.as_bytes(), expected));
}

/// A good request line and Host with these lines behind, and the empty one.
pub(super) fn with(lines: &str) -> String {
    format!("GET /echo/x HTTP/1.1\r\nHost: h\r\n{lines}\r\n")
}

/// A POST with these lines and this body. It finds no route, which is all the same here: it was understood.
pub(super) fn post(lines: &str, body: &str) -> String {
    format!("POST /echo HTTP/1.1\r\nHost: h\r\n{lines}\r\n{body}")
}
