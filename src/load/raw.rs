//! The cheapest possible client: the project's own codec on a dedicated event loop.
//!
//! Each thread has one edge-triggered epoll. A request costs two system calls, a write and a read, apart from the wait
//! that all connections share. A read that does not fill its buffer has emptied the socket, so no read is made in vain,
//! and the next request is written as soon as the last response was read. Deadlines use a timer in the same epoll: the
//! time-out of `epoll_wait` counts milliseconds and is also up to 50 us late.

mod connection;
mod server;

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};

use super::LoadPlan;
use super::client::{Client, ClientEvent, POLL_NOW};
use super::request_error::RequestError;
use super::turns::Turns;

use connection::{Codecs, NoEvent, RawConnection, RawShared, unpack};

#[cfg(feature = "cli")]
pub(super) use server::is_chosen_by_kernel;
pub use server::refuse_own_end;

/// The maximum number of events per wait. Further events stay in the kernel, which serves descriptors in turn.
const EVENTS: usize = 256;

/// The timer's number among the connections; their numbers are lower.
const TIMER: u64 = u64::MAX;

/// The connections of one generator thread.
pub(super) struct RawClient {
    epoll: OwnedFd,
    shared: RawShared,
    turns: Turns,
    codecs: Codecs,
    connections: Vec<RawConnection>,
    /// The events of the last wait, and the number of them that were handled.
    ready: Vec<epoll::Event>,
    seen: usize,
    /// Events of operations that ended without a wait.
    pending_events: VecDeque<(usize, ClientEvent)>,
    timer: OwnedFd,
    /// The instant that the timer is set to, nanoseconds.
    deadline: Option<u64>,
    has_waited: bool,
}

impl Client for RawClient {
    fn new(plan: &LoadPlan, connections: u32) -> io::Result<Self> {
        let shared = RawShared::new(plan);
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        // Edge-triggered: one event per expiration, even if the expiration count is never read.
        epoll::add(&epoll, &timer, EventData::new_u64(TIMER), EventFlags::IN | EventFlags::ET)?;
        Ok(Self {
            epoll,
            timer,
            deadline: None,
            has_waited: false,
            connections: (0..connections).map(|_| RawConnection::closed()).collect(),
            shared,
            turns: Turns::new(plan),
            codecs: Codecs::default(),
            ready: Vec::with_capacity(EVENTS),
            seen: 0,
            pending_events: VecDeque::new(),
        })
    }

    fn open(&mut self, k: usize) {
        self.connect(k, false);
    }

    #[inline]
    fn send(&mut self, k: usize, heavy: bool, number: Option<u64>) {
        let request = self.turns.next(heavy, number);
        match self.connections[k].send(request, &self.shared) {
            Ok(true) => {}
            Ok(false) => self.connect(k, true),
            Err(error) => self.push_failed(k, error),
        }
    }

    fn is_connecting(&self, k: usize) -> bool {
        self.connections[k].is_connecting()
    }

    fn close(&mut self, k: usize) {
        self.connections[k].close();
    }

    #[inline]
    fn next(&mut self, until: u64) -> Option<(usize, ClientEvent)> {
        self.has_waited = false;
        if let Some(found) = self.next_ready() {
            return Some(found);
        }
        self.wait(until);
        self.has_waited = until != POLL_NOW;
        self.next_ready()
    }

    #[inline]
    fn has_waited(&self) -> bool {
        self.has_waited
    }
}

impl RawClient {
    /// Returns the next event among those that have already happened.
    #[inline]
    fn next_ready(&mut self) -> Option<(usize, ClientEvent)> {
        if let Some(pending) = self.pending_events.pop_front() {
            return Some(pending);
        }
        while let Some(&epoll::Event { flags, data, .. }) = self.ready.get(self.seen) {
            self.seen += 1;
            if data.u64() == TIMER {
                self.deadline = None;
                continue;
            }
            let (generation, k) = unpack(data.u64());
            let connection = &mut self.connections[k];
            if !connection.has_generation(generation) {
                continue;
            }
            match connection.advance(flags, &self.shared, &mut self.codecs) {
                Ok(None) => {}
                Ok(Some(event)) => return Some((k, event)),
                Err(NoEvent::Again) => connection.request_event(&self.epoll, k),
                Err(NoEvent::Failed(error)) => {
                    connection.close();
                    return Some((k, ClientEvent::Failed(error)));
                }
            }
        }
        None
    }

    fn wait(&mut self, until: u64) {
        let at_most = match until {
            POLL_NOW => Some(&Timespec { tv_sec: 0, tv_nsec: 0 }),
            _ => None,
        };
        if at_most.is_none() && self.deadline != Some(until) {
            self.set_timer(until);
        }
        self.ready.clear();
        self.seen = 0;
        match epoll::wait(&self.epoll, spare_capacity(&mut self.ready), at_most) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => panic!("waiting on an open epoll instance cannot fail: {error}"),
        }
    }

    /// Sets the timer. After it has fired, it stays silent until it is set again.
    fn set_timer(&mut self, at: u64) {
        let at_ns = Timespec { tv_sec: (at / 1_000_000_000) as i64, tv_nsec: (at % 1_000_000_000) as i64 };
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let setting = Itimerspec { it_interval: never, it_value: at_ns };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &setting)
            .expect("a timerfd accepts every absolute time");
        self.deadline = Some(at);
    }

    fn connect(&mut self, k: usize, to_send: bool) {
        if let Err(error) = self.connections[k].connect(&self.epoll, &self.shared, k, to_send) {
            self.push_failed(k, error);
        }
    }

    fn push_failed(&mut self, k: usize, error: RequestError) {
        self.connections[k].close();
        self.pending_events.push_back((k, ClientEvent::Failed(error)));
    }
}
