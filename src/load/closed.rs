//! The closed loop: each connection sends a request, waits for the response, thinks, and sends the next one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use fastrand::Rng;

use crate::random;
use crate::units;

use super::client::Client;
use super::clock::Clock;
use super::in_flight::{InFlight, LOOK_UP};
use super::request::{Ended, PendingRequest};
use super::{Assignment, Until};

/// The pause after a failed request; doubled after each further failure, up to the longest one, until a request is
/// answered.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// One generator thread in a closed loop.
pub(super) struct ClosedLoop<'a, C, K> {
    in_flight: InFlight<'a, C, K>,
    think: Duration,
    connections: Vec<LoopConnection>,
    /// The connections that pause or think, each with the end of its rest.
    resting: BinaryHeap<Reverse<(u64, usize)>>,
    /// The instant at which to call `on_timer` next.
    next_deadline: u64,
    /// The number of connections that still send requests or rest.
    busy: usize,
    /// Requests of the window that are still to be sent, if their number ends it.
    budget: u64,
}

/// The state of one connection.
struct LoopConnection {
    /// The pause after its last failure; zero after a response.
    pause: Duration,
    /// Determines which of the connection's requests are heavy.
    rng: Rng,
}

impl<'a, C: Client, K: Clock> ClosedLoop<'a, C, K> {
    pub(super) fn new(in_flight: InFlight<'a, C, K>, assignment: Assignment, think: Duration) -> Self {
        let number = |k: usize| u64::from(assignment.thread) << 32 | k as u64;
        let rng = |k| random::stream(in_flight.plan.seed, number(k));
        let connection = |k| LoopConnection { pause: Duration::ZERO, rng: rng(k) };
        Self {
            think,
            connections: (0..in_flight.len()).map(connection).collect(),
            resting: BinaryHeap::new(),
            next_deadline: 0,
            busy: in_flight.len(),
            budget: assignment.requests,
            in_flight,
        }
    }

    /// Lets every connection send requests until the window ends, then waits until the drain is over.
    pub(super) fn run(mut self) {
        let mut now = self.wait_for_start();
        for k in 0..self.connections.len() {
            self.begin(k, now, now);
            now = self.in_flight.read_clock();
        }
        while self.busy > 0 {
            if now >= self.next_deadline && self.on_timer(now) {
                break;
            }
            let ended;
            (ended, now) = self.in_flight.next(self.next_deadline);
            if let Some(ended) = ended {
                self.finish(ended, now);
            }
        }
        self.in_flight.abandon(now);
        if let Until::Requests(_) = self.in_flight.plan.until {
            self.in_flight.record_never_due(self.budget);
        }
        self.in_flight.close(now);
    }

    /// Waits until the load starts, or until it ends before that.
    fn wait_for_start(&mut self) -> u64 {
        let mut now = self.in_flight.read_clock();
        let window = self.in_flight.window;
        while now < window.start.min(window.end()) {
            (_, now) = self.in_flight.next(window.start.min(now + LOOK_UP));
        }
        now
    }

    /// Begins a connection's next request, which is due. A connection without a further request stays open: closing it
    /// could free a server thread and so let other waiting connections be answered.
    #[inline]
    fn begin(&mut self, k: usize, intended: u64, now: u64) {
        if !self.may_begin(intended, now) {
            self.busy -= 1;
            return;
        }
        self.in_flight.count_planned();
        let heavy = self.in_flight.plan.heavy.as_ref().is_some_and(|(share, _)| self.connections[k].rng.f64() < *share);
        let in_window = intended >= self.in_flight.window.begin;
        let late = now - intended;
        let request = PendingRequest { intended, late, submitted: now, heavy, number: None, in_window };
        self.in_flight.send(k, request);
    }

    /// Returns whether another request may begin now; if so, takes it from the budget.
    #[inline]
    fn may_begin(&mut self, intended: u64, now: u64) -> bool {
        let window = self.in_flight.window;
        match self.in_flight.plan.until {
            _ if now >= window.end() => false,
            Until::Elapsed(_) => true,
            Until::Requests(_) if intended < window.begin => true,
            Until::Requests(_) => {
                let may = self.budget > 0;
                self.budget = self.budget.saturating_sub(1);
                if self.budget == 0 {
                    self.in_flight.exhaust();
                }
                may
            }
        }
    }

    #[inline]
    fn finish(&mut self, ended: Ended, now: u64) {
        let k = ended.connection;
        let pause = &mut self.connections[k].pause;
        if !ended.is_answered {
            *pause = (*pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
            let pause = *pause;
            self.pause(k, now, pause);
            return;
        }
        *pause = Duration::ZERO;
        if self.think.is_zero() {
            self.begin(k, now, now);
        } else {
            self.pause(k, now, self.think);
        }
    }

    fn pause(&mut self, k: usize, now: u64, pause: Duration) {
        let until = now + units::nanos(pause);
        self.resting.push(Reverse((until, k)));
        self.next_deadline = self.next_deadline.min(until);
    }

    /// Handles what depends on the clock alone. Returns whether the window and the drain have ended.
    fn on_timer(&mut self, now: u64) -> bool {
        for ended in self.in_flight.time_out(now) {
            self.finish(ended, now);
        }
        while let Some(&Reverse((until, k))) = self.resting.peek()
            && until <= now
        {
            self.resting.pop();
            self.begin(k, until, now);
        }
        let over = self.in_flight.window.drained(units::nanos(self.in_flight.plan.drain));
        let rested = self.resting.peek().map_or(u64::MAX, |Reverse((until, _))| *until);
        self.next_deadline = self.in_flight.on_timer(now).min(over).min(rested);
        now >= over
    }
}
