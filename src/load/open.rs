//! The open loop: a schedule decides when requests are due, regardless of how fast the server responds.
//!
//! A due request takes the connection that has been free the longest. If none is free, the request queues, and its
//! response time runs from when it was due. The queue is not stored: it consists of the schedule's entries between the
//! first unsent request and now, so its length costs nothing.

use std::collections::VecDeque;
use std::iter::{Peekable, Skip, StepBy};

use crate::random;
use crate::schedule::{Pacing, Schedule, ScheduledRequest, ShardRequests};
use crate::units;

use super::client::{Client, POLL_NOW};
use super::clock::Clock;
use super::in_flight::InFlight;
use super::request::{Ended, PendingRequest};
use super::step_down::StepDown;
use super::{Assignment, LoadPlan, Until, Window};

/// The time before a request is due at which the thread wakes to busy-wait, nanoseconds: on this kernel, a timer is
/// 45 us late at the median and 74 us at the 99th percentile (`avt doctor` measures it).
const EARLY: u64 = 80_000;

/// The time for which the thread busy-waits for a response before it sleeps, nanoseconds: waking a thread takes about
/// 40 us here, which would add to the response time of a fast and idle server.
const AWAKE: u64 = 100_000;

/// One generator thread in an open loop.
pub(super) struct OpenLoop<'a, C, K> {
    in_flight: InFlight<'a, C, K>,
    pacing: Pacing,
    /// Whether hybrid pacing uses only the timer, because busy-waiting has cost this thread its CPU.
    step_down: StepDown,
    /// The instant before which the thread does not sleep while a request is in flight.
    awake_until: u64,
    timeout: u64,
    backlog: Backlog<'a>,
    /// The number of pauses handled so far, and the after-effect of the last one.
    n_pauses: u64,
    aftermath: Aftermath,
    /// The free connections, each with the instant since which it is free; the longest free one comes first.
    free: VecDeque<(usize, u64)>,
    /// The instant at which to call `on_timer` next.
    next_deadline: u64,
}

/// A thread's part of the schedule, from the first request that it has not taken up.
struct Backlog<'a> {
    window: &'a Window,
    seed: u64,
    requests: Peekable<StepBy<Skip<ShardRequests>>>,
    heavy_share: f64,
}

/// A scheduled request that has been taken up.
#[derive(Clone, Copy, Debug)]
struct Due {
    at: u64,
    heavy: bool,
    /// The position in the whole schedule.
    number: u64,
    in_window: bool,
}

/// The after-effect of a pause: requests that queue because the generator stood still when they were due, or behind
/// such requests. The generator caused that wait, even though no connection is free.
#[derive(Clone, Copy, Debug, Default)]
struct Aftermath {
    from: u64,
    until: u64,
}

impl Aftermath {
    /// Returns the after-effect of a pause before which no request waited. It lasts at most as long as the pause:
    /// within that time, a server that is less than half busy has caught up; for a busier one, the wait is the server's
    /// own.
    fn after_pause(start: u64, end: u64) -> Self {
        Self { from: start, until: end.saturating_add(end - start) }
    }

    /// Returns whether a request that was due at `due` and is sent at `now` is late because of the pause.
    #[inline]
    fn holds(&self, due: u64, now: u64) -> bool {
        now <= self.until && due >= self.from
    }
}

impl<'a> Backlog<'a> {
    fn new(schedule: Schedule, plan: &LoadPlan, assignment: Assignment, window: &'a Window) -> Self {
        let requests = match plan.until {
            Until::Elapsed(_) => schedule.requests_of(plan.shard),
            Until::Requests(n) => schedule.requests_of(plan.shard).until_requests(window.begin - window.start, n),
        };
        // The requests are the same for any number of threads. Threads have one clock, so they may take turns.
        let own = requests.skip(assignment.thread as usize).step_by(assignment.threads as usize);
        let heavy_share = plan.heavy.as_ref().map_or(0.0, |(share, _)| *share);
        Self { window, seed: schedule.seed, requests: own.peekable(), heavy_share }
    }

    /// Returns when the next request is due, if there is one.
    #[inline]
    fn next_at(&mut self) -> Option<u64> {
        let at = self.window.start.saturating_add(self.requests.peek()?.offset);
        (at < self.window.end()).then_some(at)
    }

    /// Takes up the next request.
    #[inline]
    fn take(&mut self) -> Option<Due> {
        let at = self.next_at()?;
        let ScheduledRequest { number, .. } = self.requests.next()?;
        // Drawn by the position in the whole schedule, so that the heavy requests are the same for any division of it.
        let heavy = self.heavy_share > 0.0 && random::stream(self.seed, number).f64() < self.heavy_share;
        Some(Due { at, heavy, number, in_window: at >= self.window.begin })
    }

    /// Returns whether no request is left, whenever it would be due. Only a number of requests ends a schedule.
    fn is_exhausted(&mut self) -> bool {
        self.requests.peek().is_none()
    }
}

impl<'a, C: Client, K: Clock> OpenLoop<'a, C, K> {
    pub(super) fn new(
        in_flight: InFlight<'a, C, K>,
        assignment: Assignment,
        schedule: Schedule,
        pacing: Pacing,
    ) -> Self {
        Self {
            pacing,
            step_down: StepDown::default(),
            n_pauses: 0,
            aftermath: Aftermath::default(),
            awake_until: 0,
            timeout: units::nanos(in_flight.plan.timeout),
            backlog: Backlog::new(schedule, in_flight.plan, assignment, in_flight.window),
            free: (0..in_flight.len()).map(|k| (k, 0)).collect(),
            next_deadline: 0,
            in_flight,
        }
    }

    /// Sends requests until the schedule ends, then waits for responses until the drain is over.
    pub(super) fn run(mut self) {
        let mut now = self.in_flight.read_clock();
        loop {
            now = self.send(now);
            if now >= self.next_deadline && self.on_timer(now) {
                break;
            }
            let next = self.backlog.next_at();
            if next.is_none() && self.in_flight.n_requests() == 0 && self.is_over(now) {
                break;
            }
            // If no connection is free, only a response allows the next request to be sent.
            let due = if self.free.is_empty() { None } else { next };
            now = self.wait(due, now);
        }
        self.close(now);
    }

    /// Sends every request that is due, as long as there are free connections.
    #[inline]
    fn send(&mut self, mut now: u64) -> u64 {
        if self.in_flight.n_pauses() != self.n_pauses {
            self.notice_pause();
        }
        while let Some(&(k, since)) = self.free.front()
            && self.backlog.next_at().is_some_and(|at| at <= now)
            && let Some(Due { at, heavy, number, in_window }) = self.take()
        {
            self.free.pop_front();
            // A connection that became free during a pause of this thread was free before the thread noticed it.
            let ready = at.max(since);
            let late = if self.aftermath.holds(at, now) {
                now - at
            } else {
                now - ready + self.in_flight.paused_between(at, ready)
            };
            let number = Some(number);
            self.in_flight.send(k, PendingRequest { intended: at, late, submitted: now, heavy, number, in_window });
            self.next_deadline = self.next_deadline.min(at.saturating_add(self.timeout));
            now = self.in_flight.read_clock();
            self.awake_until = now + AWAKE;
        }
        if now <= self.aftermath.until && self.backlog.next_at().is_none_or(|at| at > now) {
            // The backlog has been worked off.
            self.aftermath = Aftermath::default();
        }
        now
    }

    #[cold]
    fn notice_pause(&mut self) {
        self.n_pauses = self.in_flight.n_pauses();
        if let Some((start, end)) = self.in_flight.last_pause()
            && self.backlog.next_at().is_some_and(|at| at >= start)
        {
            self.aftermath = Aftermath::after_pause(start, end);
        }
    }

    /// Takes up the next request.
    #[inline]
    fn take(&mut self) -> Option<Due> {
        let due = self.backlog.take()?;
        self.in_flight.count_planned();
        if self.backlog.is_exhausted() {
            self.in_flight.exhaust();
        }
        Some(due)
    }

    /// Waits for an event, or until a request is due, with the precision that the pacing requires.
    #[inline]
    fn wait(&mut self, due: Option<u64>, now: u64) -> u64 {
        let pacing = match self.pacing {
            Pacing::Hybrid if self.step_down.is_down(now) => Pacing::Sleep,
            pacing => pacing,
        };
        let wake = match (due, pacing) {
            (None, _) => u64::MAX,
            (Some(at), Pacing::Sleep) => at,
            (Some(at), Pacing::Hybrid) => at.saturating_sub(EARLY),
            (Some(_), Pacing::Spin) => POLL_NOW,
        };
        let is_awake = pacing == Pacing::Hybrid
            && now < self.awake_until
            && self.in_flight.n_requests() > 0
            && self.next_deadline > now;
        if wake > now && !is_awake {
            let (ended, after) = self.in_flight.next(wake.min(self.next_deadline));
            self.finish(ended, after);
            if pacing != self.pacing {
                self.in_flight.stepped_down(after - now);
            }
            return after;
        }
        self.spin(now)
    }

    /// Checks for an event without waiting, and yields the CPU to any thread that is ready to run.
    #[inline]
    fn spin(&mut self, now: u64) -> u64 {
        let before = self.in_flight.n_lost_cpu();
        let (ended, mut after) = self.in_flight.next(POLL_NOW);
        if ended.is_none() {
            // The server may need the CPU that this thread can spare.
            self.in_flight.clock.yield_now();
            after = self.in_flight.read_clock();
            self.in_flight.busy_waited(after - now);
        }
        if self.in_flight.n_lost_cpu() > before {
            self.step_down.lost_cpu(after);
        }
        self.finish(ended, after);
        after
    }

    #[inline]
    fn finish(&mut self, ended: Option<Ended>, now: u64) {
        if let Some(ended) = ended {
            self.free.push_back((ended.connection, now));
        }
    }

    /// Handles what depends on the clock alone. Returns whether the window and the drain have ended.
    fn on_timer(&mut self, now: u64) -> bool {
        for ended in self.in_flight.time_out(now) {
            self.finish(Some(ended), now);
        }
        let mut first_out = u64::MAX;
        while let Some(at) = self.backlog.next_at() {
            first_out = at.saturating_add(self.timeout);
            if first_out > now {
                break;
            }
            if let Some(Due { at, heavy, in_window, .. }) = self.take() {
                self.in_flight.timed_out_unsent(heavy, at, in_window, now);
            }
            first_out = u64::MAX;
        }
        let over = self.in_flight.window.drained(units::nanos(self.in_flight.plan.drain));
        self.next_deadline = self.in_flight.on_timer(now).min(over).min(first_out);
        now >= over
    }

    /// Returns whether the window has ended: at its set time, even if no requests remain, or with its last request.
    fn is_over(&self, now: u64) -> bool {
        let end = self.in_flight.window.end();
        now >= end || end == u64::MAX
    }

    /// Records the requests in flight and those that were due and never sent, and hands in the metrics.
    fn close(mut self, now: u64) {
        self.in_flight.abandon(now);
        while let Some(Due { at, heavy, in_window, .. }) = self.take() {
            self.in_flight.unsent(heavy, at, in_window, now);
        }
        self.in_flight.close(now);
    }
}
