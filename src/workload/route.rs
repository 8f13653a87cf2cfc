//! Which answer a request gets: pure, the same under every model.

use std::borrow::Cow;

use crate::http1::{Method, Request, Responder, Response, Status, percent};

/// What a request asks of the echo server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// `GET /echo/{what}`: what, decoded. Borrowed where nothing was encoded.
    Echo {
        /// The body of the answer. Never empty.
        what: Cow<'a, [u8]>,
    },
    /// `GET /`: a line of help.
    Help,
    /// A known path asked with OPTIONS: 204.
    Options {
        /// The methods that it takes.
        allow: &'static str,
    },
    /// A known path asked with a method that it does not take: 405.
    MethodNotAllowed {
        /// The methods that it takes.
        allow: &'static str,
    },
    /// Any other path, whatever the method: 404.
    NotFound,
}

const ALLOW: &str = "GET, HEAD";
const HELP: &[u8] = b"async-vs-threads: GET /echo/{what} answers what\n";

/// Judges the path, then the method. Allocates only where an escape is to be decoded.
#[inline]
pub fn route<'a>(request: &Request<'a>) -> Route<'a> {
    let found = match find(request) {
        Path::Echo(what) => Route::Echo { what },
        Path::Root => Route::Help,
        Path::Server if request.method == Method::Options => Route::Options { allow: ALLOW },
        Path::Server | Path::Other => return Route::NotFound,
    };
    match request.method {
        Method::Get | Method::Head => found,
        Method::Options => Route::Options { allow: ALLOW },
        Method::Post | Method::Other => Route::MethodNotAllowed { allow: ALLOW },
    }
}

impl Route<'_> {
    /// Sends the answer; `date` is the time of it as IMF-fixdate.
    #[inline]
    pub fn respond(self, responder: Responder<'_>, date: &str) {
        let plain = Response::plain;
        let response = match &self {
            Self::Echo { what } => Response::text(Status::Ok, what),
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
    Root,
    /// `*`, the server as a whole.
    Server,
    Other,
}

#[inline]
fn find<'a>(request: &Request<'a>) -> Path<'a> {
    // Nearly every request, in one pass over its target.
    match request.target.strip_prefix(b"/echo/") {
        Some(what) if !what.is_empty() && what.iter().all(|b| PLAIN[usize::from(*b)]) => {
            Path::Echo(Cow::Borrowed(what))
        }
        _ => decode(request.path()),
    }
}

/// Bytes that neither end a segment nor stand for others.
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
            _ if path == b"/" => Path::Root,
            _ if path == b"*" => Path::Server,
            _ => Path::Other,
        },
        Cow::Owned(path) => match path.strip_prefix(b"/echo/") {
            Some(what) if is_segment(what) => Path::Echo(Cow::Owned(percent::decode_rest(what.into()).into_owned())),
            _ => Path::Other,
        },
    }
}

/// What aiohttp matches as `{what}`: `[^{}/]+`.
fn is_segment(text: &[u8]) -> bool {
    !text.is_empty() && !text.iter().any(|b| matches!(b, b'/' | b'{' | b'}'))
}
