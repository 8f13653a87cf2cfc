//! The load generator's side of one connection: replies are judged as strictly as requests are, and counted.

use std::sync::Arc;

use super::body::Body;
use super::chunked::Chunked;
use super::fault::Fault;
use super::input::Input;
use super::limits;
use super::reply::{Reply, ReplyError, ReplyFraming, ReplyHead};
use super::scan::{Scan, Start};

/// One connection's bytes in, replies out. Bodies are counted and never kept; memory is bounded by
/// [`limits::INPUT_AT_MOST`]. Knows no time: a peer that says nothing is the caller's to give up on.
#[derive(Debug)]
pub struct ClientCodec {
    input: Input,
    reading: ReplyState,
    stamp: Option<Arc<str>>,
    /// All bytes of the current reply so far.
    bytes: u64,
    n_interim: u8,
    has_served: bool,
    has_ended: bool,
    failed: Option<ReplyError>,
}

#[derive(Debug)]
enum ReplyState {
    Head(Scan),
    Body(ReplyHead, Body, u64),
}

impl ClientCodec {
    /// A fresh connection. With a stamp, a reply without exactly one `Avt-Nonce` of this value is
    /// [`ReplyError::Stranger`].
    pub fn new(expected_stamp: Option<Arc<str>>) -> Self {
        Self {
            input: Input::new(limits::INPUT_AT_MOST),
            reading: ReplyState::Head(Scan::default()),
            stamp: expected_stamp,
            bytes: 0,
            n_interim: 0,
            has_served: false,
            has_ended: false,
            failed: None,
        }
    }

    /// Takes up another connection, which has had a reply or not. Only [at rest](Self::is_at_rest): then it holds
    /// nothing of the one before.
    #[inline]
    pub fn take_up(&mut self, has_served: bool) {
        debug_assert!(self.is_at_rest() && self.failed.is_none(), "half a reply belongs to its connection");
        self.has_served = has_served;
    }

    /// Where the next bytes from the server go. Never empty after [`next`](Self::next) gave nothing.
    #[inline]
    pub fn space(&mut self) -> &mut [u8] {
        self.input.space()
    }

    /// `n` bytes were read there; 0 means that the server has ended its side.
    #[inline]
    pub fn received(&mut self, n: usize) {
        self.has_ended |= n == 0;
        self.input.received(n);
    }

    /// The next complete reply; `to_head` says whether it answers a HEAD, and so has no body whatever its head says.
    /// Nothing means that more input is needed.
    ///
    /// # Errors
    ///
    /// See [`ReplyError`]. The same one again and again, once there is one.
    #[inline]
    pub fn next(&mut self, to_head: bool) -> Result<Option<Reply>, ReplyError> {
        match self.failed {
            Some(error) => Err(error),
            None => self.advance(to_head).inspect_err(|error| self.failed = Some(*error)),
        }
    }

    /// Whether bytes have arrived that belong to no reply yet. Behind a complete reply they are unrequested.
    pub fn has_more(&self) -> bool {
        !self.input.waiting().is_empty()
    }

    /// Whether nothing of a further reply has arrived, and the server has not ended its side as far as is known.
    pub fn is_at_rest(&self) -> bool {
        self.bytes == 0 && self.input.waiting().is_empty() && !self.has_ended
    }

    /// Whether the connection has served before and has not answered its current request with a single byte: an end or a
    /// reset now is [`ReplyError::Stale`].
    pub fn is_unanswered(&self) -> bool {
        self.has_served && self.bytes == 0 && self.input.waiting().is_empty()
    }

    /// Whether the head of a final reply is complete and its body is not.
    pub fn is_within_body(&self) -> bool {
        matches!(self.reading, ReplyState::Body(..))
    }

    #[inline]
    fn advance(&mut self, to_head: bool) -> Result<Option<Reply>, ReplyError> {
        while let ReplyState::Head(scan) = &mut self.reading {
            let Some(head) = find_head(&self.input, scan, self.stamp.as_deref())? else {
                return self.nothing();
            };
            *scan = Scan::default();
            self.input.consume(head.len);
            self.bytes += head.len as u64;
            if head.status < 200 {
                self.n_interim += 1;
                // Nobody asked for other protocols.
                if head.status == 101 || self.n_interim > limits::N_INTERIM {
                    return Err(ReplyError::Parse);
                }
                continue;
            }
            if !head.is_stamped {
                return Err(ReplyError::Stranger);
            }
            let body = match head.framing {
                _ if to_head || matches!(head.status, 204 | 304) => Body::Length(0),
                ReplyFraming::Length(length) => Body::Length(length),
                ReplyFraming::Chunked => Body::Chunked(Chunked::new(limits::REPLY_BODY)),
                ReplyFraming::UntilEnd => Body::UntilEnd { room: limits::REPLY_BODY },
            };
            self.reading = ReplyState::Body(head, body, 0);
        }
        self.skip_body()
    }

    #[inline]
    fn skip_body(&mut self) -> Result<Option<Reply>, ReplyError> {
        let ReplyState::Body(head, body, body_bytes) = &mut self.reading else { return Ok(None) };
        let (used, length, mut is_complete) = body.skip(self.input.waiting())?;
        self.input.consume(used);
        self.bytes += used as u64;
        *body_bytes += length;
        let is_closed = matches!(body, Body::UntilEnd { .. });
        is_complete |= is_closed && self.has_ended;
        let reply = Reply {
            status: head.status,
            body_bytes: *body_bytes,
            bytes: self.bytes,
            keep_alive: head.is_kept_alive && !is_closed,
        };
        if !is_complete {
            return self.nothing();
        }
        self.reading = ReplyState::Head(Scan::default());
        (self.bytes, self.n_interim, self.has_served) = (0, 0, true);
        Ok(Some(reply))
    }

    /// Not yet, or never any more.
    fn nothing(&self) -> Result<Option<Reply>, ReplyError> {
        match &self.reading {
            _ if !self.has_ended => Ok(None),
            ReplyState::Body(..) => Err(ReplyError::EofInBody),
            ReplyState::Head(_) if self.is_unanswered() => Err(ReplyError::Stale),
            ReplyState::Head(_) => Err(ReplyError::EofBeforeHead),
        }
    }
}

#[inline]
fn find_head(input: &Input, scan: &mut Scan, stamp: Option<&str>) -> Result<Option<ReplyHead>, Fault> {
    let waiting = input.waiting();
    // The way of nearly every reply: here as a whole, and good.
    if scan.is_fresh()
        && waiting.first().is_some_and(|first| *first > b' ')
        && let Ok(Some(head)) = ReplyHead::parse(waiting, stamp)
    {
        return Ok(Some(head));
    }
    match scan.advance(waiting, Start::Reply)? {
        Some(len) => ReplyHead::parse(&waiting[..len], stamp),
        None => Ok(None),
    }
}
