//! The responses that the load generator receives, and the errors in them.

use std::mem::MaybeUninit;

use thiserror::Error;

use super::fault::Fault;
use super::{field, limits, scan};

/// A complete response, without its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedResponse {
    /// The status code, 200 to 999 (RFC 9110 section 15: an unknown class counts as a server error).
    pub status: u16,
    /// Whether the body contains the text that the codec searches for; true if it searches for none.
    pub has_text: bool,
    /// The size of the body without chunk framing, bytes.
    pub body_bytes: u64,
    /// The size of the response, including interim responses before it, bytes.
    pub bytes: u64,
    /// Whether the connection can be reused.
    pub keep_alive: bool,
}

/// The reason why there is no response. The connection cannot be used after any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ResponseError {
    /// The data is not an HTTP/1 response, or could be read in two ways.
    #[error("invalid HTTP/1 response")]
    Parse,
    /// The head is over [`limits::HEAD`] bytes or [`limits::N_FIELDS`] fields, or the trailers are over their limit.
    #[error("the head of the response exceeds its limit")]
    HeadTooLarge,
    /// The chunks add up to more than [`limits::RESPONSE_BODY`].
    #[error("the body of the response is too long to be counted")]
    BodyTooLarge,
    /// The connection ended before the head was complete.
    #[error("the connection was closed before the head of the response was complete")]
    EofBeforeHead,
    /// The connection ended inside the body.
    #[error("the connection was closed inside the body of the response")]
    EofInBody,
    /// A reused connection ended or was reset before the first byte.
    #[error("a reused connection was closed before the first byte of the response")]
    Stale,
    /// A well-formed response, but not from the server of this trial.
    #[error("another server answered: its response lacks the nonce of this trial")]
    OtherServer,
}

impl ResponseError {
    /// Returns the name of the error's counter in the JSON, under `errors`.
    pub fn class(self) -> &'static str {
        match self {
            Self::Parse => "parse_error",
            Self::HeadTooLarge => "header_too_large",
            Self::BodyTooLarge => "body_too_large",
            Self::EofBeforeHead => "eof_before_head",
            Self::EofInBody => "eof_in_body",
            Self::Stale => "stale_connection",
            Self::OtherServer => "stranger",
        }
    }
}

impl From<Fault> for ResponseError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::HeadTooLarge => Self::HeadTooLarge,
            Fault::BodyTooLarge => Self::BodyTooLarge,
            _ => Self::Parse,
        }
    }
}

/// The parts of a response's head that the codec needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResponseHead {
    pub(super) len: usize,
    pub(super) status: u16,
    pub(super) framing: ResponseFraming,
    pub(super) is_kept_alive: bool,
    pub(super) is_stamped: bool,
}

/// The framing of a response's body, if it may have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseFraming {
    Length(u64),
    Chunked,
    UntilEnd,
}

impl ResponseHead {
    /// Parses the head at the start of the bytes. Returns `None` if it is incomplete. Never accepts a head that
    /// [`scan::Scan`] refuses.
    pub(super) fn parse(bytes: &[u8], stamp: Option<&str>) -> Result<Option<Self>, Fault> {
        let mut fields = [const { MaybeUninit::uninit() }; limits::N_FIELDS];
        let mut response = httparse::Response::new(&mut []);
        let parsed =
            httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, &mut fields);
        let len = match parsed {
            Ok(httparse::Status::Complete(len)) => len,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(Fault::Malformed),
        };
        let (Some(minor), Some(status @ 100..=999)) = (response.version, response.code) else {
            return Err(Fault::Malformed);
        };
        if len > limits::HEAD {
            return Err(Fault::HeadTooLarge);
        }
        if !scan::has_no_bare_line_feed(&bytes[..len], response.headers) {
            return Err(Fault::Malformed);
        }
        let fields = ResponseFields::gather(response.headers.iter().map(|field| (field.name, field.value)), stamp)?;
        Ok(Some(Self {
            len,
            status,
            framing: fields.framing(minor == 1)?,
            is_kept_alive: fields.is_kept_alive(minor == 1),
            is_stamped: fields.n_stamps == 1 || stamp.is_none(),
        }))
    }
}

#[derive(Default)]
struct ResponseFields<'a> {
    length: Option<u64>,
    coding: Option<&'a [u8]>,
    n_stamps: usize,
    close: bool,
    keep_alive: bool,
}

impl<'a> ResponseFields<'a> {
    #[inline]
    fn gather(headers: impl Iterator<Item = (&'a str, &'a [u8])>, stamp: Option<&str>) -> Result<Self, Fault> {
        let mut fields = Self::default();
        for (name, value) in headers {
            match name.len() {
                9 if name.eq_ignore_ascii_case("avt-nonce") => {
                    fields.n_stamps += usize::from(stamp.is_some_and(|stamp| stamp.as_bytes() == value));
                }
                10 if name.eq_ignore_ascii_case("connection") => {
                    fields.close |= field::has_token(value, "close");
                    fields.keep_alive |= field::has_token(value, "keep-alive");
                }
                14 if name.eq_ignore_ascii_case("content-length") => {
                    let length = field::length(value).ok_or(Fault::Malformed)?;
                    // A repeated length is harmless if equal (RFC 9112 section 6.3 allows it), but an attack if
                    // different.
                    if fields.length.replace(length).is_some_and(|other| other != length) {
                        return Err(Fault::Malformed);
                    }
                }
                17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                    field::set_once(&mut fields.coding, value, Fault::Malformed)?;
                }
                _ => {}
            }
        }
        Ok(fields)
    }

    fn framing(&self, is_http11: bool) -> Result<ResponseFraming, Fault> {
        match (self.coding, self.length) {
            (None, Some(length)) => Ok(ResponseFraming::Length(length)),
            (None, None) => Ok(ResponseFraming::UntilEnd),
            (Some(coding), None) if is_http11 && coding.eq_ignore_ascii_case(b"chunked") => {
                Ok(ResponseFraming::Chunked)
            }
            _ => Err(Fault::Malformed),
        }
    }

    fn is_kept_alive(&self, is_http11: bool) -> bool {
        !self.close && (is_http11 || self.keep_alive)
    }
}

/// Checks the head of a final response that another parser has parsed, by the rules of
/// [`ClientCodec`](super::ClientCodec). Returns whether the connection can be reused. `to_head` is whether the response
/// answers a HEAD.
///
/// # Errors
///
/// Returns the codec's errors: the framing is ambiguous, 101 switches to an unrequested protocol, the head is over its
/// limit, or the stamp is missing.
pub fn check_head<'a>(
    status: u16,
    is_http11: bool,
    fields: impl Iterator<Item = (&'a str, &'a [u8])>,
    stamp: Option<&str>,
    to_head: bool,
) -> Result<bool, ResponseError> {
    let mut length = "HTTP/1.1 200 \r\n\r\n".len();
    let measured = fields.inspect(|(name, value)| length += name.len() + ": \r\n".len() + value.len());
    let fields = ResponseFields::gather(measured, stamp);
    if length > limits::HEAD {
        return Err(ResponseError::HeadTooLarge);
    }
    let fields = fields?;
    let framing = fields.framing(is_http11)?;
    if status == 101 {
        return Err(ResponseError::Parse);
    }
    if stamp.is_some() && fields.n_stamps != 1 {
        return Err(ResponseError::OtherServer);
    }
    let is_delimited = framing != ResponseFraming::UntilEnd || to_head || matches!(status, 204 | 304);
    Ok(is_delimited && fields.is_kept_alive(is_http11))
}
