//! The least a client can cost: the project's own codec on an event loop of its own.
//!
//! One edge-triggered epoll a thread, and two system calls a request, a write and a read, beside the wait that all
//! connections share: a read that does not fill its buffer has emptied the socket, so none is tried in vain, and the
//! next question is written straight from where the last answer was read. What is due at an instant is woken by a timer
//! in the same epoll: its own time-outs count milliseconds, and are up to 50 us late beside.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};

use crate::http1::{ClientCodec, ReplyError, encode_request};

use super::client::{Answer, Client, Event, LOOK, Question};
use super::trouble::Trouble;
use super::{Plan, clock};

/// How many events one wait can bring. More wait in the kernel, which goes round.
const EVENTS: usize = 256;

/// The timer among the connections, whose numbers stay below it.
const TIMER: u64 = u64::MAX;

/// Reads in a row from one connection, before the others have their turn.
const READS: u32 = 16;

/// All connections of a generator thread.
pub(super) struct RawClient {
    epoll: OwnedFd,
    shared: Shared,
    connections: Vec<Connection>,
    /// What the last wait brought, and how much of it has been looked at.
    ready: Vec<epoll::Event>,
    seen: usize,
    /// What ended before there was anything to wait for.
    told: VecDeque<(usize, Event)>,
    timer: OwnedFd,
    /// When the timer rings.
    alarm: Option<u64>,
}

/// What is the same for all connections.
#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    /// The ordinary question and the heavy one, ready to be sent.
    questions: [Vec<u8>; 2],
    to_head: bool,
    stamp: Option<Arc<str>>,
}

#[derive(Debug)]
struct Connection {
    state: State,
    /// There unless the connection is closed.
    socket: Option<OwnedFd>,
    http: ClientCodec,
    /// Which question is asked, and how much of it has been sent.
    heavy: bool,
    sent: usize,
    /// When the connection was there, if it was opened for this question.
    connected: Option<u64>,
    /// Whether it can't be asked again: the server has ended its side, or says what nobody asked for.
    spent: bool,
    /// Whether sending has found the connection reset. What came before that can still be read, and then an end.
    reset: bool,
    /// How often it was closed: events of a socket that is gone are told by it.
    generation: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Connecting {
        /// Whether a question waits for it.
        to_ask: bool,
    },
    Open,
    Asking,
}

impl Client for RawClient {
    fn new(plan: &Plan, connections: u32) -> io::Result<Self> {
        let encode = |question: &Question| {
            let Question { method, authority, target, headers, body } = question;
            let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            encode_request(method, target, authority, &headers, body)
        };
        let heavy = plan.heavy.as_ref().map(|(_, question)| encode(question)).unwrap_or_default();
        let shared = Shared {
            server: plan.server,
            questions: [encode(&plan.question), heavy],
            to_head: plan.question.method == "HEAD",
            stamp: plan.stamp.clone(),
        };
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        // Once each time it rings, though nobody reads how often it has.
        epoll::add(&epoll, &timer, EventData::new_u64(TIMER), EventFlags::IN | EventFlags::ET)?;
        Ok(Self {
            epoll,
            timer,
            alarm: None,
            connections: (0..connections).map(|_| Connection::closed(&shared)).collect(),
            shared,
            ready: Vec::with_capacity(EVENTS),
            seen: 0,
            told: VecDeque::new(),
        })
    }

    fn open(&mut self, k: usize) {
        self.connect(k, false);
    }

    #[inline]
    fn ask(&mut self, k: usize, heavy: bool) {
        let connection = &mut self.connections[k];
        (connection.heavy, connection.sent, connection.connected) = (heavy, 0, None);
        if connection.state == State::Open && !connection.spent {
            connection.state = State::Asking;
            if let Err(trouble) = connection.send(&self.shared) {
                self.tell_failed(k, trouble);
            }
        } else {
            connection.close();
            self.connect(k, true);
        }
    }

    fn is_connecting(&self, k: usize) -> bool {
        matches!(self.connections[k].state, State::Connecting { .. })
    }

    fn close(&mut self, k: usize) {
        self.connections[k].close();
    }

    #[inline]
    fn next(&mut self, until: u64) -> Option<(usize, Event)> {
        if let Some(found) = self.found() {
            return Some(found);
        }
        self.wait(until);
        self.found()
    }
}

impl RawClient {
    /// The next event of those that have already happened.
    #[inline]
    fn found(&mut self) -> Option<(usize, Event)> {
        if let Some(told) = self.told.pop_front() {
            return Some(told);
        }
        while let Some(&epoll::Event { flags, data, .. }) = self.ready.get(self.seen) {
            self.seen += 1;
            if data.u64() == TIMER {
                self.alarm = None;
                continue;
            }
            let (generation, k) = parts(data.u64());
            let connection = &mut self.connections[k];
            if connection.generation != generation {
                continue;
            }
            match connection.advance(flags, &self.shared) {
                Ok(None) => {}
                Ok(Some(event)) => return Some((k, event)),
                Err(Halt::Again) => self.look_again(k),
                Err(Halt::Failed(trouble)) => {
                    connection.close();
                    return Some((k, Event::Failed(trouble)));
                }
            }
        }
        None
    }

    fn wait(&mut self, until: u64) {
        let at_most = match until {
            LOOK => Some(&Timespec { tv_sec: 0, tv_nsec: 0 }),
            _ => None,
        };
        if at_most.is_none() && self.alarm != Some(until) {
            self.set_alarm(until);
        }
        self.ready.clear();
        self.seen = 0;
        match epoll::wait(&self.epoll, spare_capacity(&mut self.ready), at_most) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => panic!("an epoll that is ours can be waited for: {error}"),
        }
    }

    /// Sets the timer; one that has rung is silent until it is set again.
    fn set_alarm(&mut self, at: u64) {
        let at_ns = Timespec { tv_sec: (at / 1_000_000_000) as i64, tv_nsec: (at % 1_000_000_000) as i64 };
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let setting = Itimerspec { it_interval: never, it_value: at_ns };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &setting).expect("any instant is one to be woken at");
        self.alarm = Some(at);
    }

    fn connect(&mut self, k: usize, to_ask: bool) {
        let connection = &mut self.connections[k];
        connection.state = State::Connecting { to_ask };
        match connection.connect(&self.epoll, &self.shared, k) {
            Ok(socket) => connection.socket = Some(socket),
            Err(errno) => self.tell_failed(k, io::Error::from(errno).into()),
        }
    }

    fn tell_failed(&mut self, k: usize, trouble: Trouble) {
        self.connections[k].close();
        self.told.push_back((k, Event::Failed(trouble)));
    }

    /// Asks for the event once more that was not dealt with to its end.
    fn look_again(&mut self, k: usize) {
        let connection = &self.connections[k];
        let socket = connection.socket.as_ref().expect("what is read from is open");
        let renewed = epoll::modify(&self.epoll, socket, connection.data(k), INTEREST);
        renewed.expect("a socket that was added can be asked for again");
    }
}

/// Everything, once each time it happens.
const INTEREST: EventFlags = EventFlags::IN.union(EventFlags::OUT).union(EventFlags::RDHUP).union(EventFlags::ET);

/// The server's side has ended, in order or not.
const END: EventFlags = EventFlags::RDHUP.union(EventFlags::HUP).union(EventFlags::ERR);

/// Why a connection did not come to an event.
#[derive(Clone, Copy, Debug)]
enum Halt {
    /// It had its turn, and there is more.
    Again,
    Failed(Trouble),
}

impl Connection {
    fn closed(shared: &Shared) -> Self {
        Self {
            state: State::Closed,
            socket: None,
            http: ClientCodec::new(shared.stamp.clone()),
            heavy: false,
            sent: 0,
            connected: None,
            spent: false,
            reset: false,
            generation: 0,
        }
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.socket = None;
        self.generation = self.generation.wrapping_add(1);
    }

    fn connect(&mut self, epoll: &OwnedFd, shared: &Shared, k: usize) -> Result<OwnedFd, Errno> {
        self.http = ClientCodec::new(shared.stamp.clone());
        (self.spent, self.reset) = (false, false);
        let family = if shared.server.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = net::socket_with(family, SocketType::STREAM, flags, None)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        match net::connect(&socket, &shared.server) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(errno) => return Err(errno),
        }
        epoll::add(epoll, &socket, self.data(k), INTEREST)?;
        Ok(socket)
    }

    /// What epoll says with the events of this socket; taken apart by [`parts`].
    fn data(&self, k: usize) -> EventData {
        EventData::new_u64(u64::from(self.generation) << 32 | k as u64)
    }

    /// Does what has become possible.
    #[inline]
    fn advance(&mut self, flags: EventFlags, shared: &Shared) -> Result<Option<Event>, Halt> {
        self.spent |= flags.intersects(END);
        match self.state {
            State::Asking => {
                if flags.contains(EventFlags::OUT) && self.sent < self.question(shared).len() {
                    self.send(shared)?;
                }
                self.read(shared)
            }
            State::Connecting { to_ask } => {
                let socket = self.socket.as_ref().expect("what connects has a socket");
                if let Err(errno) = sockopt::socket_error(socket).map_err(io::Error::from)? {
                    return Err(io::Error::from(errno).into());
                }
                if !flags.contains(EventFlags::OUT) {
                    return Ok(None);
                }
                if to_ask {
                    self.connected = Some(clock::now());
                    self.state = State::Asking;
                    self.send(shared)?;
                    // What came along with the connection is not told again.
                    return if flags.intersects(END | EventFlags::IN) { self.read(shared) } else { Ok(None) };
                }
                self.spent |= flags.contains(EventFlags::IN);
                self.state = State::Open;
                Ok(Some(Event::Opened))
            }
            State::Open => {
                self.spent |= flags.contains(EventFlags::IN);
                Ok(None)
            }
            State::Closed => Ok(None),
        }
    }

    #[inline]
    fn question<'a>(&self, shared: &'a Shared) -> &'a [u8] {
        &shared.questions[usize::from(self.heavy)]
    }

    /// Sends what is left of the question, as far as there is room. That the server takes no more of it is no trouble
    /// yet: it may have answered early, and reading tells.
    #[inline]
    fn send(&mut self, shared: &Shared) -> Result<(), Trouble> {
        let question = self.question(shared);
        let socket = self.socket.as_ref().expect("what asks has a socket");
        while self.sent < question.len() {
            match net::send(socket, &question[self.sent..], SendFlags::NOSIGNAL) {
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

    /// Reads until the answer is complete or there is nothing more to read.
    #[inline]
    fn read(&mut self, shared: &Shared) -> Result<Option<Event>, Halt> {
        let socket = self.socket.as_ref().expect("what asks has a socket");
        for _ in 0..READS {
            let space = self.http.space();
            let room = space.len();
            let n = match net::recv(socket, space, RecvFlags::empty()) {
                Ok((n, _)) => n,
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => continue,
                Err(Errno::CONNRESET) => return Err(self.reset().into()),
                Err(errno) => return Err(io::Error::from(errno).into()),
            };
            if n == 0 && self.reset {
                return Err(self.reset().into());
            }
            self.http.received(n);
            if let Some(reply) = self.http.next(shared.to_head)? {
                let answer = Answer { status: reply.status, bytes: reply.bytes, sent: self.connected };
                // Bytes behind the answer would be taken for the next one, and a question not sent to its end would
                // be finished by the next: such a connection is not asked again.
                let is_whole = self.http.is_at_rest() && self.sent == self.question(shared).len();
                if reply.keep_alive && is_whole && !self.spent {
                    self.state = State::Open;
                } else {
                    self.close();
                }
                return Ok(Some(Event::Answered(answer)));
            }
            if n < room && !self.spent {
                return Ok(None);
            }
        }
        Err(Halt::Again)
    }

    /// A reset, by how far the answer had come.
    fn reset(&self) -> Trouble {
        if self.http.is_within_body() { Trouble::ResetInBody } else { Trouble::ResetInHead }
    }
}

/// The generation and the number of a connection.
fn parts(data: u64) -> (u32, usize) {
    ((data >> 32) as u32, data as u32 as usize)
}

impl From<ReplyError> for Trouble {
    fn from(error: ReplyError) -> Self {
        Self::Reply(error.class())
    }
}

impl<T: Into<Trouble>> From<T> for Halt {
    fn from(trouble: T) -> Self {
        Self::Failed(trouble.into())
    }
}
