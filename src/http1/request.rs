//! A request's head: parsed by `httparse`, then checked against RFC 9112 and RFC 9110.

use std::mem::MaybeUninit;

use super::fault::Fault;
use super::{field, limits, scan};

/// The method of a request. Methods are case-sensitive: `get` is [`Method::Other`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`: like GET, but the codec omits the body of the response.
    Head,
    /// `POST`
    Post,
    /// `OPTIONS`
    Options,
    /// Any other token.
    Other,
}

/// A complete request, borrowed from the connection's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// The target as sent: printable ASCII, at most [`limits::TARGET`] bytes. In origin-form (`/path?query`),
    /// absolute-form (`http://host/path`) or, with OPTIONS only, `*`.
    pub target: &'a [u8],
    /// The content of a POST, which may be empty. The body of any other method is read and discarded.
    pub content: Option<Content<'a>>,
}

/// A body and its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content<'a> {
    /// The value of Content-Type as sent; empty if there is none or more than one.
    pub content_type: &'a [u8],
    /// The decoded body, at most [`limits::REQUEST_BODY`] bytes.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// Returns the path as sent, without scheme, host, query and fragment; `*` for OPTIONS `*`.
    pub fn path(&self) -> &'a [u8] {
        let origin = match self.target.first() {
            Some(b'/' | b'*') => self.target,
            _ => split_absolute(self.target).map_or(self.target, |(_, origin)| origin),
        };
        let end = origin.iter().position(|b| matches!(b, b'?' | b'#')).unwrap_or(origin.len());
        if end == 0 { b"/" } else { &origin[..end] }
    }
}

/// The parts of a head that the exchange needs. Kept small, since it is stored while the body is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestHead {
    pub(super) len: usize,
    pub(super) method: Method,
    target: (u16, u16),
    content_type: (u16, u16),
    pub(super) version: Version,
    pub(super) is_kept_alive: bool,
    pub(super) awaits_continue: bool,
    pub(super) framing: RequestFraming,
}

/// The version of HTTP that a peer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http10,
    Http11,
}

/// The framing of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestFraming {
    Empty,
    /// At most [`limits::REQUEST_BODY`] bytes.
    Length(u32),
    Chunked,
}

impl RequestHead {
    /// Returns the target, given the bytes that the head was parsed from.
    pub(super) fn target<'a>(&self, head: &'a [u8]) -> &'a [u8] {
        &head[usize::from(self.target.0)..usize::from(self.target.1)]
    }

    /// Returns the content of a POST, given the head's bytes followed by the body, and the size of the body.
    pub(super) fn content<'a>(&self, bytes: &'a [u8], body: usize) -> Option<Content<'a>> {
        let content_type = &bytes[usize::from(self.content_type.0)..usize::from(self.content_type.1)];
        (self.method == Method::Post).then(|| Content { content_type, body: &bytes[self.len..self.len + body] })
    }

    /// Parses the head at the start of the bytes. Returns `None` if it is incomplete. Never accepts a head that
    /// [`scan::Scan`] refuses.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, Fault> {
        let mut fields = [const { MaybeUninit::uninit() }; limits::N_FIELDS];
        let mut request = httparse::Request::new(&mut []);
        let len = match request.parse_with_uninit_headers(bytes, &mut fields) {
            Ok(httparse::Status::Complete(len)) => len,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(Fault::Malformed),
        };
        let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
            return Err(Fault::Malformed);
        };
        if method.len() > limits::METHOD || target.len() > limits::TARGET || len > limits::HEAD {
            return Err(Fault::HeadTooLarge);
        }
        if !target.is_ascii() || !scan::has_no_bare_line_feed(&bytes[..len], request.headers) {
            return Err(Fault::Malformed);
        }
        check_target(method, target.as_bytes())?;
        let version = if minor == 0 { Version::Http10 } else { Version::Http11 };
        let fields = RequestFields::gather(request.headers)?;
        if fields.host.is_none() && version == Version::Http11 {
            return Err(Fault::Malformed);
        }
        let framing = fields.framing(version)?;
        let start = method.len() as u16 + 1;
        Ok(Some(Self {
            len,
            method: match method {
                "GET" => Method::Get,
                "HEAD" => Method::Head,
                "POST" => Method::Post,
                "OPTIONS" => Method::Options,
                _ => Method::Other,
            },
            target: (start, start + target.len() as u16),
            content_type: match fields.content_type {
                None | Some([]) => (0, 0),
                Some(value) => {
                    let start = (value.as_ptr().addr() - bytes.as_ptr().addr()) as u16;
                    (start, start + value.len() as u16)
                }
            },
            version,
            is_kept_alive: !fields.close && (version == Version::Http11 || fields.keep_alive),
            awaits_continue: match fields.expect {
                Some(expected) if version == Version::Http11 => {
                    if !expected.eq_ignore_ascii_case(b"100-continue") {
                        return Err(Fault::UnknownExpectation);
                    }
                    framing != RequestFraming::Empty
                }
                _ => false,
            },
            framing,
        }))
    }
}

/// The fields that affect the connection and the body; all others are ignored.
#[derive(Default)]
struct RequestFields<'a> {
    host: Option<&'a [u8]>,
    length: Option<u64>,
    coding: Option<&'a [u8]>,
    expect: Option<&'a [u8]>,
    /// Empty if the field occurs twice, since it is ambiguous which one is meant.
    content_type: Option<&'a [u8]>,
    close: bool,
    keep_alive: bool,
}

impl<'a> RequestFields<'a> {
    #[inline]
    fn gather(headers: &[httparse::Header<'a>]) -> Result<Self, Fault> {
        let mut fields = Self::default();
        for httparse::Header { name, value } in headers {
            match name.len() {
                4 if name.eq_ignore_ascii_case("host") => {
                    let host = field::is_host(value).then_some(*value).ok_or(Fault::Malformed)?;
                    field::set_once(&mut fields.host, host, Fault::Malformed)?;
                }
                6 if name.eq_ignore_ascii_case("expect") => {
                    field::set_once(&mut fields.expect, value, Fault::UnknownExpectation)?;
                }
                10 if name.eq_ignore_ascii_case("connection") => {
                    fields.close |= field::has_token(value, "close");
                    fields.keep_alive |= field::has_token(value, "keep-alive");
                }
                12 if name.eq_ignore_ascii_case("content-type") => {
                    fields.content_type = Some(if fields.content_type.is_some() { &[] } else { value });
                }
                14 if name.eq_ignore_ascii_case("content-length") => {
                    let length = field::length(value).ok_or(Fault::Malformed)?;
                    field::set_once(&mut fields.length, length, Fault::Malformed)?;
                }
                17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                    field::set_once(&mut fields.coding, value, Fault::Malformed)?;
                }
                _ => {}
            }
        }
        Ok(fields)
    }

    fn framing(&self, version: Version) -> Result<RequestFraming, Fault> {
        match (self.coding, self.length) {
            (Some(_), Some(_)) => Err(Fault::Malformed),
            (Some(_), None) if version == Version::Http10 => Err(Fault::Malformed),
            (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Ok(RequestFraming::Chunked),
            (Some(coding), None) => Err(coding_fault(coding)),
            (None, Some(length)) if length > limits::REQUEST_BODY => Err(Fault::BodyTooLarge),
            (None, None | Some(0)) => Ok(RequestFraming::Empty),
            (None, Some(length)) => Ok(RequestFraming::Length(length as u32)),
        }
    }
}

/// Judges codings other than a single `chunked`: unknown ones are not implemented; an invalid list, or one with
/// `chunked` repeated or not last, is malformed.
fn coding_fault(value: &[u8]) -> Fault {
    let mut items = value.split(|b| *b == b',').map(<[u8]>::trim_ascii).rev();
    let last_is_good = items.next().is_some_and(|last| !last.is_empty());
    let others_are_good = items.all(|item| !item.is_empty() && !item.eq_ignore_ascii_case(b"chunked"));
    if last_is_good && others_are_good { Fault::NotImplemented } else { Fault::Malformed }
}

#[inline]
fn check_target(method: &str, target: &[u8]) -> Result<(), Fault> {
    match target {
        _ if method == "CONNECT" => Err(Fault::NotImplemented),
        [b'/', ..] => Ok(()),
        b"*" if method == "OPTIONS" => Ok(()),
        _ => match split_absolute(target) {
            Some((authority, _)) if field::is_host(authority) => Ok(()),
            _ => Err(Fault::Malformed),
        },
    }
}

/// Splits `http://host/path?query` into the authority and the path with its query.
fn split_absolute(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let scheme = ["http://", "https://"]
        .into_iter()
        .find(|scheme| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes())))?;
    let rest = &target[scheme.len()..];
    Some(rest.split_at(rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(rest.len())))
}
