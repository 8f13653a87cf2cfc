//! The closed loop: each connection asks, waits for its answer, thinks, and asks again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use fastrand::Rng;

use crate::random;
use crate::units;

use super::client::Client;
use super::desk::{Desk, Ended, Request};
use super::{Share, Until, clock};

/// The pause after a request that failed, doubled up to the longest until one is answered again.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// One generator thread in a closed loop.
pub(super) struct Closed<'a, C> {
    desk: Desk<'a, C>,
    think: Duration,
    connections: Vec<Connection>,
    /// Connections that pause or think, and until when.
    resting: BinaryHeap<Reverse<(u64, usize)>>,
    /// When to look at the clock for another reason than an event.
    alarm: u64,
    /// Connections that still ask or rest.
    busy: usize,
    /// Requests of this thread, and those still to be sent, where their number ends the window.
    share: u64,
    budget: u64,
    /// Requests that were begun, and those of them that ended before the window began.
    begun: u64,
    early: u64,
}

/// What a connection keeps for itself.
struct Connection {
    /// The pause after its last failure; none after an answer.
    pause: Duration,
    /// Decides which of its requests are heavy.
    rng: Rng,
}

impl<'a, C: Client> Closed<'a, C> {
    pub(super) fn new(desk: Desk<'a, C>, share: Share, think: Duration) -> Self {
        let number = |k: usize| u64::from(share.thread) << 32 | k as u64;
        let rng = |k| random::stream(desk.plan.seed, number(k));
        let connection = |k| Connection { pause: Duration::ZERO, rng: rng(k) };
        Self {
            think,
            connections: (0..desk.len()).map(connection).collect(),
            resting: BinaryHeap::new(),
            alarm: 0,
            busy: desk.len(),
            share: share.requests,
            budget: share.requests,
            begun: 0,
            early: 0,
            desk,
        }
    }

    /// Lets every connection ask until the window ends and the drain is over.
    pub(super) fn run(mut self) {
        let mut now = clock::now();
        (0..self.connections.len()).for_each(|k| self.begin(k, now, now));
        while self.busy > 0 {
            if now >= self.alarm && self.ring(now) {
                break;
            }
            let ended;
            (ended, now) = self.desk.next(self.alarm);
            if let Some(ended) = ended {
                self.ended(ended, now);
            }
        }
        self.early += self.desk.give_up(now);
        // What was planned is counted where requests begin, not where they end: so a lost one would show.
        match self.desk.plan.until {
            Until::Elapsed(_) => self.desk.books.plan(self.begun - self.early),
            Until::Requests(_) => {
                self.desk.books.unsent(self.budget);
                self.desk.books.plan(self.share);
            }
        }
        self.desk.close();
    }

    /// Begins a connection's next request, which is due; one that has none left is closed, as it may keep others waiting.
    #[inline]
    fn begin(&mut self, k: usize, intended: u64, now: u64) {
        let Some(counts_from) = self.due(now) else {
            self.desk.client.close(k);
            self.busy -= 1;
            return;
        };
        self.begun += 1;
        let heavy = self.desk.plan.heavy.as_ref().is_some_and(|(share, _)| self.connections[k].rng.f64() < *share);
        self.desk.ask(k, Request { intended, ready: intended, asked: now, heavy, counts_from });
    }

    /// Whether a request may begin now, and from when on it counts.
    #[inline]
    fn due(&mut self, now: u64) -> Option<u64> {
        let window = self.desk.window;
        if now >= window.end() {
            return None;
        }
        match self.desk.plan.until {
            Until::Elapsed(_) => Some(window.begin),
            Until::Requests(_) if now < window.begin => Some(u64::MAX),
            Until::Requests(_) => {
                self.budget = self.budget.checked_sub(1)?;
                Some(0)
            }
        }
    }

    #[inline]
    fn ended(&mut self, ended: Ended, now: u64) {
        let k = ended.connection;
        self.early += u64::from(!ended.counts);
        let pause = &mut self.connections[k].pause;
        if !ended.is_answered {
            *pause = (*pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
            let pause = *pause;
            self.rest(k, now, pause);
            return;
        }
        *pause = Duration::ZERO;
        if self.think.is_zero() {
            self.begin(k, now, now);
        } else {
            self.rest(k, now, self.think);
        }
    }

    fn rest(&mut self, k: usize, now: u64, pause: Duration) {
        let until = now + units::nanos(pause);
        self.resting.push(Reverse((until, k)));
        self.alarm = self.alarm.min(until);
    }

    /// Does what the clock alone brings about: whether the window and the drain after it have ended.
    fn ring(&mut self, now: u64) -> bool {
        for ended in self.desk.time_out(now) {
            self.ended(ended, now);
        }
        while let Some(&Reverse((until, k))) = self.resting.peek()
            && until <= now
        {
            self.resting.pop();
            self.begin(k, until, now);
        }
        let over = self.desk.window.end().saturating_add(units::nanos(self.desk.plan.drain));
        let rested = self.resting.peek().map_or(u64::MAX, |Reverse((until, _))| *until);
        self.alarm = self.desk.ring(now).min(over).min(rested);
        now >= over
    }
}
