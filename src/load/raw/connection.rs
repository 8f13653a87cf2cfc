//! One connection of the raw client, as a state machine driven by events.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{self, RecvFlags, SendFlags, sockopt};

use crate::http1::{ClientCodec, ResponseError, encode_request};
use crate::load::client::{ClientEvent, ExpectedResponse, ReceivedResponse, RequestTemplate};
use crate::load::request_error::RequestError;
use crate::load::{LoadPlan, clock};

use super::server::ServerAddress;

/// The maximum number of reads in a row from one connection, before the others get their turn.
const READS: u32 = 16;

/// The state that all connections share.
#[derive(Debug)]
pub(super) struct RawShared {
    server: ServerAddress,
    /// The plan's requests, encoded.
    requests: Vec<Vec<u8>>,
    to_head: bool,
    stamp: Option<Arc<str>>,
    expected: Option<ExpectedResponse>,
}

#[derive(Debug)]
pub(super) struct RawConnection {
    state: RawState,
    /// The socket; `None` if the connection is closed.
    socket: Option<OwnedFd>,
    /// The codec of a partly received response; `None` otherwise.
    http: Option<Box<ClientCodec>>,
    /// Whether the connection has served a response.
    has_served: bool,
    /// The index of the current request, and the number of its bytes that were sent.
    request: usize,
    sent: usize,
    /// The instant at which the connection was established, if it was opened for the current request, nanoseconds.
    connected: Option<u64>,
    /// Whether the connection cannot be reused: the server has closed its side, or sent unrequested bytes.
    spent: bool,
    /// Whether a send found the connection reset. Data received before that can still be read; then the stream ends.
    reset: bool,
    /// Whether unrequested bytes have arrived since the last response that reported them.
    had_surplus: bool,
    /// The number of times that the connection was closed. Identifies events of earlier sockets.
    generation: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RawState {
    Closed,
    Connecting {
        /// Whether a request is to be sent once connected.
        to_send: bool,
    },
    Open,
    Awaiting,
}

/// All events, edge-triggered.
const INTEREST: EventFlags = EventFlags::IN.union(EventFlags::OUT).union(EventFlags::RDHUP).union(EventFlags::ET);

/// The events that show the end of the server's side, whether orderly or not.
const END: EventFlags = EventFlags::RDHUP.union(EventFlags::HUP).union(EventFlags::ERR);

/// The reason why advancing a connection gave no event.
#[derive(Clone, Copy, Debug)]
pub(super) enum NoEvent {
    /// The connection has used up its turn, and more data is waiting.
    Again,
    Failed(RequestError),
}

/// Codecs without a partial response, reused by whichever connection reads next: the most recently used buffer is still
/// in the CPU's cache, and thousands of connections need no buffer each.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "what goes to and fro is a pointer")]
pub(super) struct Codecs(Vec<Box<ClientCodec>>);

impl Codecs {
    #[inline]
    fn take(&mut self, has_served: bool, shared: &RawShared) -> Box<ClientCodec> {
        let mut http = self.0.pop().unwrap_or_else(|| Box::new(shared.codec()));
        http.reset(has_served);
        http
    }

    #[inline]
    fn give_back(&mut self, http: Box<ClientCodec>) {
        self.0.push(http);
    }
}

impl RawShared {
    pub(super) fn new(plan: &LoadPlan) -> Self {
        let encode = |(template, target): (&RequestTemplate, &str)| {
            let RequestTemplate { method, authority, targets: _, headers, body } = template;
            let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            encode_request(method, target, authority, &headers, body)
        };
        Self {
            server: ServerAddress::new(&plan.server),
            requests: plan.requests().map(encode).collect(),
            to_head: plan.request.method == "HEAD",
            stamp: plan.stamp.clone(),
            expected: plan.expected.clone(),
        }
    }

    fn codec(&self) -> ClientCodec {
        let codec = ClientCodec::new(self.stamp.clone());
        match self.expected.as_ref().and_then(ExpectedResponse::search) {
            None => codec,
            Some(search) => codec.searching(search),
        }
    }
}

impl RawConnection {
    pub(super) fn closed() -> Self {
        Self {
            state: RawState::Closed,
            socket: None,
            http: None,
            has_served: false,
            request: 0,
            sent: 0,
            connected: None,
            spent: false,
            reset: false,
            had_surplus: false,
            generation: 0,
        }
    }

    pub(super) fn is_connecting(&self) -> bool {
        matches!(self.state, RawState::Connecting { .. })
    }

    /// Returns whether an event of this generation belongs to the current socket.
    #[inline]
    pub(super) fn has_generation(&self, generation: u32) -> bool {
        self.generation == generation
    }

    pub(super) fn close(&mut self) {
        self.state = RawState::Closed;
        self.socket = None;
        self.http = None;
        self.has_served = false;
        self.generation = self.generation.wrapping_add(1);
    }

    /// Sends a request on an open connection. Returns false if the connection must be opened first.
    #[inline]
    pub(super) fn send(&mut self, request: usize, shared: &RawShared) -> Result<bool, RequestError> {
        (self.request, self.sent, self.connected) = (request, 0, None);
        if self.state != RawState::Open || self.spent {
            self.close();
            return Ok(false);
        }
        self.state = RawState::Awaiting;
        self.send_rest(shared)?;
        Ok(true)
    }

    /// Begins to open the connection.
    pub(super) fn connect(
        &mut self,
        epoll: &OwnedFd,
        shared: &RawShared,
        k: usize,
        to_send: bool,
    ) -> Result<(), RequestError> {
        self.state = RawState::Connecting { to_send };
        (self.spent, self.reset) = (false, false);
        let socket = shared.server.connect().and_then(|socket| {
            epoll::add(epoll, &socket, self.data(k), INTEREST)?;
            Ok(socket)
        });
        self.socket = Some(socket.map_err(|errno| shared.server.connect_error(errno))?);
        Ok(())
    }

    /// Requests the event again, since it was not handled completely.
    pub(super) fn request_event(&self, epoll: &OwnedFd, k: usize) {
        let socket = self.socket.as_ref().expect("a connection that is read from has a socket");
        let renewed = epoll::modify(epoll, socket, self.data(k), INTEREST);
        renewed.expect("a registered socket can be registered again");
    }

    /// Returns the data that epoll delivers with the events of this socket; see [`unpack`].
    fn data(&self, k: usize) -> EventData {
        EventData::new_u64(u64::from(self.generation) << 32 | k as u64)
    }

    /// Handles an event: continues to send, to read or to connect.
    #[inline]
    pub(super) fn advance(
        &mut self,
        flags: EventFlags,
        shared: &RawShared,
        codecs: &mut Codecs,
    ) -> Result<Option<ClientEvent>, NoEvent> {
        self.spent |= flags.intersects(END);
        match self.state {
            RawState::Awaiting => {
                if flags.contains(EventFlags::OUT) && self.sent < self.request(shared).len() {
                    self.send_rest(shared)?;
                }
                self.read(shared, codecs)
            }
            RawState::Connecting { to_send } => {
                let socket = self.socket.as_ref().expect("a connection that is being opened has a socket");
                if let Err(errno) = sockopt::socket_error(socket).map_err(io::Error::from)? {
                    return Err(io::Error::from(errno).into());
                }
                if !flags.contains(EventFlags::OUT) {
                    return Ok(None);
                }
                shared.server.refuse_own_end(socket)?;
                if to_send {
                    self.connected = Some(clock::now());
                    self.state = RawState::Awaiting;
                    self.send_rest(shared)?;
                    // Events that arrived together with the connection are not reported again.
                    return if flags.intersects(END | EventFlags::IN) { self.read(shared, codecs) } else { Ok(None) };
                }
                self.spent |= flags.contains(EventFlags::IN);
                self.state = RawState::Open;
                Ok(Some(ClientEvent::Opened))
            }
            RawState::Open => {
                self.spent |= flags.contains(EventFlags::IN);
                self.had_surplus |= flags.contains(EventFlags::IN) && !flags.intersects(END);
                Ok(None)
            }
            RawState::Closed => Ok(None),
        }
    }

    #[inline]
    fn request<'a>(&self, shared: &'a RawShared) -> &'a [u8] {
        &shared.requests[self.request]
    }

    /// Sends the rest of the request, as far as the socket accepts it. A server that accepts no more of it is not an
    /// error yet: it may have answered early, which the next read shows.
    #[inline]
    fn send_rest(&mut self, shared: &RawShared) -> Result<(), RequestError> {
        let request = self.request(shared);
        let socket = self.socket.as_ref().expect("a connection with a request has a socket");
        while self.sent < request.len() {
            match net::send(socket, &request[self.sent..], SendFlags::NOSIGNAL) {
                Ok(n) => self.sent += n,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(errno @ (Errno::CONNRESET | Errno::PIPE)) => {
                    self.spent = true;
                    self.reset |= errno == Errno::CONNRESET;
                    break;
                }
                Err(errno) => return Err(io::Error::from(errno).into()),
            }
        }
        Ok(())
    }

    /// Reads until the response is complete or no more data is available.
    #[inline]
    fn read(&mut self, shared: &RawShared, codecs: &mut Codecs) -> Result<Option<ClientEvent>, NoEvent> {
        let mut http = match self.http.take() {
            Some(http) => http,
            None => codecs.take(self.has_served, shared),
        };
        let read = self.read_with(&mut http, shared);
        match read {
            Ok(_) | Err(NoEvent::Again) if http.is_at_rest() => codecs.give_back(http),
            Ok(None) | Err(NoEvent::Again) => self.http = Some(http),
            // The codec holds data that will not be read further, so it is dropped.
            Ok(Some(_)) | Err(NoEvent::Failed(_)) => {}
        }
        read
    }

    #[inline]
    fn read_with(&mut self, http: &mut ClientCodec, shared: &RawShared) -> Result<Option<ClientEvent>, NoEvent> {
        let socket = self.socket.as_ref().expect("a connection with a request has a socket");
        for _ in 0..READS {
            let space = http.space();
            let capacity = space.len();
            let n = match net::recv(socket, space, RecvFlags::empty()) {
                Ok((n, _)) => n,
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => continue,
                Err(Errno::CONNRESET) => return Err(reset(http).into()),
                Err(errno) => return Err(io::Error::from(errno).into()),
            };
            if n == 0 && self.reset {
                return Err(reset(http).into());
            }
            http.received(n);
            if let Some(parsed) = http.next(shared.to_head)? {
                let has_surplus = std::mem::take(&mut self.had_surplus) || http.has_more();
                let response = ReceivedResponse {
                    status: parsed.status,
                    has_text: parsed.has_text,
                    bytes: parsed.bytes,
                    sent: self.connected,
                    has_surplus,
                };
                // Bytes after the response would be read as the next one, and a partly sent request would be completed
                // by the next request. Such a connection is not reused.
                let is_whole = http.is_at_rest() && self.sent == self.request(shared).len();
                if parsed.keep_alive && is_whole && !self.spent {
                    self.state = RawState::Open;
                    self.has_served = true;
                } else {
                    self.close();
                }
                return Ok(Some(ClientEvent::Answered(response)));
            }
            if n < capacity && !self.spent {
                return Ok(None);
            }
        }
        Err(NoEvent::Again)
    }
}

/// Returns the error of a reset, depending on how much of the response had arrived. On a reused connection without any
/// byte of the response, an end and a reset are the same error: which of them appears depends on whether the request or
/// the server's close came first.
fn reset(http: &ClientCodec) -> RequestError {
    if http.is_unanswered() {
        ResponseError::Stale.into()
    } else if http.is_within_body() {
        RequestError::ResetInBody
    } else {
        RequestError::ResetInHead
    }
}

/// Returns the generation and the number of a connection.
pub(super) fn unpack(data: u64) -> (u32, usize) {
    ((data >> 32) as u32, data as u32 as usize)
}

impl From<ResponseError> for RequestError {
    fn from(error: ResponseError) -> Self {
        Self::Response(error.class())
    }
}

impl<T: Into<RequestError>> From<T> for NoEvent {
    fn from(error: T) -> Self {
        Self::Failed(error.into())
    }
}
