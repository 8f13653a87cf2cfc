//! The client's side of one connection, for the load generator: checks responses as strictly as the server checks
//! requests, and counts them.

use std::sync::Arc;

use super::body::Body;
use super::chunked::Chunked;
use super::fault::Fault;
use super::input::Input;
use super::limits;
use super::parsed_response::{ParsedResponse, ResponseError, ResponseFraming, ResponseHead};
use super::scan::{Scan, Start};
use super::text_search::TextSearch;

/// Turns the bytes of one connection into responses. Bodies are counted and not kept; memory is bounded by
/// [`limits::INPUT_AT_MOST`]. The codec has no time-outs: the caller must give up on a silent peer.
#[derive(Debug)]
pub struct ClientCodec {
    input: Input,
    reading: ResponseState,
    stamp: Option<Arc<str>>,
    /// The number of bytes of the current response so far.
    bytes: u64,
    n_interim: u8,
    has_served: bool,
    has_ended: bool,
    /// The text to find in each body, if any.
    search: Option<TextSearch>,
    failed: Option<ResponseError>,
}

#[derive(Debug)]
enum ResponseState {
    Head(Scan),
    Body(ResponseHead, Body, u64),
}

impl ClientCodec {
    /// Creates the codec of a new connection. With a stamp, a response without exactly one `Avt-Nonce` of this value
    /// gives
    /// [`ResponseError::OtherServer`].
    pub fn new(expected_stamp: Option<Arc<str>>) -> Self {
        Self {
            input: Input::new(limits::INPUT_AT_MOST),
            reading: ResponseState::Head(Scan::default()),
            stamp: expected_stamp,
            bytes: 0,
            n_interim: 0,
            has_served: false,
            has_ended: false,
            search: None,
            failed: None,
        }
    }

    /// Searches each body for a text; [`ParsedResponse::has_text`] holds the result.
    #[must_use]
    pub fn searching(self, search: TextSearch) -> Self {
        Self { search: Some(search), ..self }
    }

    /// Switches to another connection, whether or not it has served a response. Requires
    /// [`is_at_rest`](Self::is_at_rest): the codec then holds nothing of the previous connection.
    #[inline]
    pub fn reset(&mut self, has_served: bool) {
        debug_assert!(self.is_at_rest() && self.failed.is_none(), "an incomplete response belongs to its connection");
        self.has_served = has_served;
    }

    /// Returns the space for the next bytes from the server. Never empty after [`next`](Self::next) returned `None`.
    #[inline]
    pub fn space(&mut self) -> &mut [u8] {
        self.input.space()
    }

    /// Reports that `n` bytes were read into the space; 0 means that the server has closed its side.
    #[inline]
    pub fn received(&mut self, n: usize) {
        self.has_ended |= n == 0;
        self.input.received(n);
    }

    /// Returns the next complete response, or `None` if more input is needed. `to_head` is whether the response answers
    /// a HEAD, and so has no body whatever its head contains.
    ///
    /// # Errors
    ///
    /// See [`ResponseError`]. After an error, every call returns the same one.
    #[inline]
    pub fn next(&mut self, to_head: bool) -> Result<Option<ParsedResponse>, ResponseError> {
        match self.failed {
            Some(error) => Err(error),
            None => self.advance(to_head).inspect_err(|error| self.failed = Some(*error)),
        }
    }

    /// Returns whether bytes have arrived that belong to no response yet. After a complete response, they are
    /// unrequested.
    pub fn has_more(&self) -> bool {
        !self.input.waiting().is_empty()
    }

    /// Returns whether no byte of a further response has arrived and the server is not known to have closed its side.
    pub fn is_at_rest(&self) -> bool {
        self.bytes == 0 && self.input.waiting().is_empty() && !self.has_ended
    }

    /// Returns whether the connection has served before and no byte of the current response has arrived. An end or a
    /// reset is then [`ResponseError::Stale`].
    pub fn is_unanswered(&self) -> bool {
        self.has_served && self.bytes == 0 && self.input.waiting().is_empty()
    }

    /// Returns whether the head of a final response is complete and its body is not.
    pub fn is_within_body(&self) -> bool {
        matches!(self.reading, ResponseState::Body(..))
    }

    #[inline]
    fn advance(&mut self, to_head: bool) -> Result<Option<ParsedResponse>, ResponseError> {
        while let ResponseState::Head(scan) = &mut self.reading {
            let Some(head) = find_head(&self.input, scan, self.stamp.as_deref())? else {
                return self.check_end();
            };
            *scan = Scan::default();
            self.input.consume(head.len);
            self.bytes += head.len as u64;
            if head.status < 200 {
                self.n_interim += 1;
                // The client never requests a switch of protocols.
                if head.status == 101 || self.n_interim > limits::N_INTERIM {
                    return Err(ResponseError::Parse);
                }
                continue;
            }
            if !head.is_stamped {
                return Err(ResponseError::OtherServer);
            }
            let body = match head.framing {
                _ if to_head || matches!(head.status, 204 | 304) => Body::Length(0),
                ResponseFraming::Length(length) => Body::Length(length),
                ResponseFraming::Chunked => Body::Chunked(Chunked::new(limits::RESPONSE_BODY)),
                ResponseFraming::UntilEnd => Body::UntilEnd { left: limits::RESPONSE_BODY },
            };
            if let Some(search) = &mut self.search {
                search.restart();
            }
            self.reading = ResponseState::Body(head, body, 0);
        }
        self.skip_body()
    }

    #[inline]
    fn skip_body(&mut self) -> Result<Option<ParsedResponse>, ResponseError> {
        let ResponseState::Body(head, body, body_bytes) = &mut self.reading else { return Ok(None) };
        let search = &mut self.search;
        let (used, length, mut is_complete) = body.skip(self.input.waiting(), |piece| {
            if let Some(search) = search {
                search.read(piece);
            }
        })?;
        self.input.consume(used);
        self.bytes += used as u64;
        *body_bytes += length;
        let is_closed = matches!(body, Body::UntilEnd { .. });
        is_complete |= is_closed && self.has_ended;
        let response = ParsedResponse {
            status: head.status,
            body_bytes: *body_bytes,
            has_text: self.search.as_ref().is_none_or(TextSearch::has_found),
            bytes: self.bytes,
            keep_alive: head.is_kept_alive && !is_closed,
        };
        if !is_complete {
            return self.check_end();
        }
        self.reading = ResponseState::Head(Scan::default());
        (self.bytes, self.n_interim, self.has_served) = (0, 0, true);
        Ok(Some(response))
    }

    /// Returns `None` if a response may still come, otherwise the error.
    fn check_end(&self) -> Result<Option<ParsedResponse>, ResponseError> {
        match &self.reading {
            _ if !self.has_ended => Ok(None),
            ResponseState::Body(..) => Err(ResponseError::EofInBody),
            ResponseState::Head(_) if self.is_unanswered() => Err(ResponseError::Stale),
            ResponseState::Head(_) => Err(ResponseError::EofBeforeHead),
        }
    }
}

#[inline]
fn find_head(input: &Input, scan: &mut Scan, stamp: Option<&str>) -> Result<Option<ResponseHead>, Fault> {
    let waiting = input.waiting();
    // The fast path of nearly every response: it is complete and valid.
    if scan.is_fresh()
        && waiting.first().is_some_and(|first| *first > b' ')
        && let Ok(Some(head)) = ResponseHead::parse(waiting, stamp)
    {
        return Ok(Some(head));
    }
    match scan.advance(waiting, Start::StatusLine)? {
        Some(len) => ResponseHead::parse(&waiting[..len], stamp),
        None => Ok(None),
    }
}
