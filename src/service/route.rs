//! Maps a request to its response: a pure function, the same for every model.

use std::borrow::Cow;

use crate::http1::{Content, Date, Method, Request, Responder, Response, Status, is_segment, percent};

/// The route of a request to the echo server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// `GET /echo/{what}`: the decoded text. Borrowed if nothing was encoded.
    Echo {
        /// The body of the response; never empty.
        what: Cow<'a, [u8]>,
    },
    /// `POST /echo` or `POST /`: the body and its type.
    Body {
        /// The content type, in printable ASCII.
        content_type: &'a str,
        /// The body of the request and of the response.
        bytes: &'a [u8],
    },
    /// `GET /`: one line of help.
    Help,
    /// OPTIONS for a known path: 204.
    Options {
        /// The methods that the path supports.
        allow: &'static str,
    },
    /// A known path with a method that it does not support: 405.
    MethodNotAllowed {
        /// The methods that the path supports.
        allow: &'static str,
    },
    /// An unknown path, with any method: 404.
    NotFound,
}

const HELP: &[u8] = b"async-vs-threads: GET /echo/{what} returns what, POST /echo returns its body\n";

/// The type of a body that was sent without one, or with one that cannot be echoed.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// Routes a request by its path, then by its method. Allocates only to decode an escape.
#[inline]
pub fn route<'a>(request: &Request<'a>) -> Route<'a> {
    let path = find(request);
    let allow = path.allow();
    match (path, request.method) {
        (Path::Echo(what), Method::Get | Method::Head) => Route::Echo { what },
        (Path::Root, Method::Get | Method::Head) => Route::Help,
        (Path::Body | Path::Root, Method::Post) => body(request.content),
        (Path::Other, _) => Route::NotFound,
        (_, Method::Options) => Route::Options { allow },
        _ => Route::MethodNotAllowed { allow },
    }
}

fn body(content: Option<Content<'_>>) -> Route<'_> {
    let Content { content_type, body } = content.unwrap_or(Content { content_type: b"", body: b"" });
    let content_type = match str::from_utf8(content_type) {
        Ok(text) if !text.is_empty() && text.bytes().all(|b| matches!(b, b' '..=b'~')) => text,
        _ => UNKNOWN_TYPE,
    };
    Route::Body { content_type, bytes: body }
}

impl Route<'_> {
    /// Sends the response. `date` is its date.
    #[inline]
    pub fn respond(self, responder: Responder<'_>, date: &Date) {
        let plain = Response::plain;
        let response = match &self {
            Self::Echo { what } => Response::text(Status::Ok, what),
            Self::Body { content_type, bytes } => Response { content_type, ..Response::text(Status::Ok, bytes) },
            Self::Help => Response::text(Status::Ok, HELP),
            Self::Options { allow } => Response { allow: Some(allow), ..plain(Status::NoContent) },
            Self::MethodNotAllowed { allow } => Response { allow: Some(allow), ..plain(Status::MethodNotAllowed) },
            Self::NotFound => plain(Status::NotFound),
        };
        responder.send(&response, date);
    }
}

enum Path<'a> {
    Echo(Cow<'a, [u8]>),
    /// `/echo`, to which bodies are posted.
    Body,
    Root,
    /// `*`, the server as a whole; only with OPTIONS.
    Server,
    Other,
}

impl Path<'_> {
    /// Returns the methods that the path supports.
    fn allow(&self) -> &'static str {
        match self {
            Self::Echo(_) => "GET, HEAD",
            Self::Body => "POST",
            Self::Root | Self::Server => "GET, HEAD, POST",
            Self::Other => "",
        }
    }
}

#[inline]
fn find<'a>(request: &Request<'a>) -> Path<'a> {
    // The fast path of nearly every request: a single pass over its target.
    match request.target.strip_prefix(b"/echo/") {
        Some(what) if !what.is_empty() && what.iter().all(|b| PLAIN[usize::from(*b)]) => {
            Path::Echo(Cow::Borrowed(what))
        }
        _ => decode(request.path()),
    }
}

/// The bytes that stand for themselves and do not end a segment.
static PLAIN: [bool; 256] = {
    let mut table = [true; 256];
    let mut others: &[u8] = b"/{}%?#";
    while let [other, rest @ ..] = others {
        table[*other as usize] = false;
        others = rest;
    }
    table
};

fn decode(path: &[u8]) -> Path<'_> {
    match percent::decode_path(path) {
        Cow::Borrowed(path) => match path.strip_prefix(b"/echo/") {
            Some(what) if is_segment(what) => Path::Echo(Cow::Borrowed(what)),
            _ => match path {
                b"/echo" => Path::Body,
                b"/" => Path::Root,
                b"*" => Path::Server,
                _ => Path::Other,
            },
        },
        Cow::Owned(path) => match path.strip_prefix(b"/echo/") {
            Some(what) if is_segment(what) => Path::Echo(Cow::Owned(percent::decode_rest(what.into()).into_owned())),
            _ if path == b"/echo" => Path::Body,
            _ => Path::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::ServerCodec;
    use crate::scenario::parse;

    #[test]
    fn every_text_that_a_scenario_may_request_is_echoed() {
        let scenario = |what: char| {
            let text = format!(
                "question = \"x\"\nanalysis = \"x. The caveat: y.\"\nworkload = \"echo\"\nmodels = [\"async\"]\nwhat = \
                 \"a\\u{:04X}b\"\n [load]\nloop = \"closed\"\nconnections = 1\nduration = \"1s\"\nwarmup = \"0s\"\n",
                u32::from(what)
            );
            parse("x.toml", &text)
        };
        let mut taken = String::new();
        for what in '!'..='~' {
            if scenario(what).is_err() {
                continue;
            }
            taken.push(what);
            let date = &crate::service::date::now();
            let mut codec = ServerCodec::new(None);
            let request = format!("GET /echo/a{what}b-0001 HTTP/1.1\r\nHost: h\r\n\r\n");
            codec.space()[..request.len()].copy_from_slice(request.as_bytes());
            codec.received(request.len());
            let (request, responder) = codec.next(date).expect("a whole request");
            let expected = format!("a{what}b-0001");
            assert_eq!(route(&request), Route::Echo { what: expected.as_bytes().into() });
            drop(responder);
        }
        assert_eq!(taken.len(), 87, "all printable ASCII except / \\ ? # % {{ }}: {taken}");
    }
}
