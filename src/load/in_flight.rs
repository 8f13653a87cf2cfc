//! What both loops share: the connections of one generator thread, the request that each of them carries, and what
//! becomes of it. All instants are nanoseconds of the thread's [`Clock`].

use crate::units;
use crate::usage::Scheduled;

use super::client::{Client, ClientEvent, ReceivedResponse};
use super::clock::Clock;
use super::collect::MetricsTx;
use super::metrics::{Began, Metrics, Paused, ThreadCost};
use super::pauses::{PauseLog, Turn};
use super::request::{ConnectionState, Ended, PendingRequest};
use super::request_error::RequestError;
use super::{LoadPlan, Window};

/// How often the clock is looked at while nothing happens: the window's end can be moved from outside, and a pause of the
/// thread itself is seen by the timer that it oversleeps.
pub(super) const LOOK_UP: u64 = 5_000_000;

/// The connections of one generator thread and the requests in flight on them.
pub(super) struct InFlight<'a, C, K> {
    pub(super) plan: &'a LoadPlan,
    pub(super) window: &'a Window,
    pub(super) client: C,
    pub(super) clock: K,
    pub(super) metrics: Box<Metrics>,
    metrics_tx: MetricsTx,
    connections: Vec<ConnectionState>,
    timeout: u64,
    /// Before this no request can have taken longer than the time-out.
    no_timeout_before: u64,
    /// When this thread itself stood still.
    pauses: PauseLog,
    /// The last look at the clock: the current turn began then.
    looked: u64,
    /// Requests under way, and since when there are as many.
    n_requests: u32,
    since: u64,
    /// Requests that were taken up, sent or not, and those of them that ended without belonging to the window.
    begun: u64,
    left_out: u64,
    /// Where a number of requests ends the window: whether all of them were taken up.
    is_exhausted: bool,
    cost: Cost,
    /// What is known of it before the window ends.
    own: ThreadCost,
}

/// What the window costs this thread.
#[derive(Debug, Default)]
enum Cost {
    #[default]
    NotBegun,
    Since(Option<Scheduled>),
    Measured,
}

impl<'a, C: Client, K: Clock> InFlight<'a, C, K> {
    pub(super) fn new(
        plan: &'a LoadPlan,
        client: C,
        clock: K,
        connections: u32,
        window: &'a Window,
        metrics_tx: MetricsTx,
    ) -> Self {
        let mut metrics = Box::<Metrics>::default();
        metrics.began = Began { warmup: window.start, window: window.begin };
        let timeout = units::nanos(plan.timeout);
        let mut pauses = PauseLog::new(timeout);
        pauses.forget_queued(&clock);
        Self {
            plan,
            window,
            client,
            metrics,
            metrics_tx,
            connections: (0..connections).map(|_| ConnectionState::default()).collect(),
            timeout,
            no_timeout_before: 0,
            pauses,
            looked: clock.now(),
            n_requests: 0,
            since: window.begin,
            begun: 0,
            left_out: 0,
            is_exhausted: false,
            cost: Cost::default(),
            own: ThreadCost::default(),
            clock,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.connections.len()
    }

    pub(super) fn n_requests(&self) -> u32 {
        self.n_requests
    }

    /// Reads the clock after work that was to take no time.
    #[inline]
    pub(super) fn look(&mut self) -> u64 {
        self.end_turn(Turn::Worked)
    }

    #[inline]
    fn end_turn(&mut self, turn: Turn) -> u64 {
        let now = self.clock.now();
        if let Some(length) = self.pauses.turn(turn, self.looked, now, &self.clock) {
            let since_begin = now.saturating_sub(self.window.begin).min(length);
            // The drain is no part of the window.
            let after_end = now.saturating_sub(self.window.end()).min(since_begin);
            self.own.paused(since_begin, since_begin - after_end);
        }
        self.looked = now;
        now
    }

    /// The generator's own part of the time between two instants: all of its pauses.
    pub(super) fn paused_between(&self, from: u64, to: u64) -> u64 {
        self.pauses.between(from, to)
    }

    /// How many pauses there were.
    pub(super) fn n_pauses(&self) -> u64 {
        self.pauses.count()
    }

    /// How many of them were another program's doing, which had the CPU.
    pub(super) fn n_lost_cpu(&self) -> u64 {
        self.pauses.lost_cpu()
    }

    /// When the last pause began and ended.
    pub(super) fn last_pause(&self) -> Option<(u64, u64)> {
        self.pauses.last()
    }

    /// Takes note of a request that is due, or was; every one is either sent or ended by one of the `unsent` methods.
    #[inline]
    pub(super) fn take_up(&mut self) {
        self.begun += 1;
    }

    /// No further request of the window will be taken up, where their number ends it.
    pub(super) fn exhaust(&mut self) {
        self.is_exhausted = true;
    }

    /// Sends a request that was taken up, on a connection that carries none.
    #[inline]
    pub(super) fn send(&mut self, k: usize, request: PendingRequest) {
        self.count_in_flight(request.asked, 1);
        // One that waited for a connection runs out earlier than one that is due now.
        self.no_timeout_before = self.no_timeout_before.min(request.intended.saturating_add(self.timeout));
        self.connections[k].pending = Some(request);
        self.client.send(k, request.heavy);
    }

    /// Waits for the end of a request; not beyond this instant.
    #[inline]
    pub(super) fn next(&mut self, until: u64) -> (Option<Ended>, u64) {
        let event = self.client.next(until);
        let now = self.end_turn(if self.client.has_waited() { Turn::Waited { until } } else { Turn::Worked });
        (event.map(|(k, event)| self.happened(k, event, now)), now)
    }

    #[inline]
    fn happened(&mut self, k: usize, event: ClientEvent, now: u64) -> Ended {
        match event {
            ClientEvent::Answered(response) => self.answered(k, response, now),
            ClientEvent::Failed(error) => {
                if self.lost(k, now).is_some() {
                    self.metrics.failed(error, now);
                } else {
                    self.metrics.warmup_requests.failed += 1;
                }
            }
            ClientEvent::Opened => unreachable!("connections are opened before the window, or by what is asked"),
        }
        Ended { connection: k, is_answered: matches!(event, ClientEvent::Answered(_)) }
    }

    #[inline]
    fn answered(&mut self, k: usize, response: ReceivedResponse, now: u64) {
        let request = self.take(k, now).expect("an event ends what a connection was asked");
        let inside = self.inside(k, &request, now);
        let in_window = now >= self.window.begin && now <= self.window.end();
        // The rate is that of all answers in the window: behind a line they are to requests from before it.
        self.metrics.in_window += u64::from(in_window);
        self.connections[k].answers += u64::from(in_window);
        if !self.belongs(request.in_window, self.is_past_window(now)) {
            self.metrics.warmed_up(&request, now);
            self.metrics.at_the_edges_ns -= inside as i64;
            return;
        }
        self.count(k, &request);
        // Where the connection is open, a request is sent the instant it is asked: one clock read fewer.
        let sent = response.sent.unwrap_or(request.asked);
        self.metrics.at_the_edges_ns += (now - sent) as i64 - inside as i64;
        let paused = Paused {
            connecting: self.pauses.between(request.asked, sent),
            service: self.pauses.between(sent, now),
            response: self.pauses.between(request.intended, now),
        };
        self.metrics.answered(&request, &response, sent, now, paused);
    }

    /// Ends a request that got no answer: the request, if it belongs to the window, and what part of its time the
    /// generator stood still.
    fn lost(&mut self, k: usize, now: u64) -> Option<(PendingRequest, u64)> {
        let request = self.take(k, now).expect("what ends was asked");
        let inside = self.inside(k, &request, now);
        self.metrics.at_the_edges_ns -= inside as i64;
        self.metrics.unanswered_ns += inside;
        if !self.counts_unanswered(request.in_window, now) {
            return None;
        }
        self.count(k, &request);
        self.connections[k].lost += 1;
        Some((request, self.pauses.between(request.intended, now)))
    }

    /// Counts a request that belongs to the window.
    #[inline]
    fn count(&mut self, k: usize, request: &PendingRequest) {
        self.connections[k].requests += 1;
        self.metrics.sent_in_window += u64::from(request.asked <= self.window.end());
    }

    /// Whether a request that ends now without an answer belongs to the window.
    fn counts_unanswered(&mut self, in_window: bool, now: u64) -> bool {
        let has_lasted = self.is_past_window(now) || self.is_exhausted && self.window.end() == u64::MAX;
        self.belongs(in_window, has_lasted)
    }

    /// Whether a request belongs to the window; it is left out where not. One that was due before it does if it lasted
    /// through all of it: nothing else would show a connection that hangs since then.
    #[inline]
    fn belongs(&mut self, in_window: bool, has_lasted: bool) -> bool {
        let belongs = in_window || has_lasted;
        self.left_out += u64::from(!belongs);
        self.metrics.carried_over += u64::from(belongs && !in_window);
        belongs
    }

    /// Whether the window has ended. One that a number of requests ends has no end yet.
    #[inline]
    fn is_past_window(&self, now: u64) -> bool {
        let end = self.window.end();
        now > end && end > self.window.begin
    }

    #[inline]
    fn take(&mut self, k: usize, now: u64) -> Option<PendingRequest> {
        let request = self.connections[k].pending.take()?;
        self.count_in_flight(now, -1);
        Some(request)
    }

    /// How long a request that ends now was under way within the window.
    #[inline]
    fn inside(&mut self, k: usize, request: &PendingRequest, now: u64) -> u64 {
        let inside = now.min(self.window.end()).saturating_sub(request.asked.max(self.window.begin));
        self.connections[k].waited += inside;
        inside
    }

    /// Requests under way, added up over the time of the window: nanoseconds times requests.
    #[inline]
    fn count_in_flight(&mut self, now: u64, change: i32) {
        if now > self.since {
            let until = now.min(self.window.end());
            self.metrics.in_flight_ns += u128::from(until.saturating_sub(self.since)) * u128::from(self.n_requests);
            self.since = now;
            if self.n_requests > self.own.most_in_flight && until > self.window.begin {
                self.own.most_in_flight = self.n_requests;
            }
        }
        self.n_requests = self.n_requests.wrapping_add_signed(change);
    }

    /// Does what the clock alone brings about for both loops, and says when to look at it again at the latest.
    pub(super) fn on_timer(&mut self, now: u64) -> u64 {
        let mut begin = u64::MAX;
        if let Cost::NotBegun = self.cost {
            begin = self.window.begin;
            if now >= begin {
                self.cost = Cost::Since(self.clock.scheduled());
                begin = u64::MAX;
            }
        }
        if now >= self.window.end() {
            self.measure();
        }
        self.pauses.forget_queued(&self.clock);
        self.metrics_tx.on_timer(&mut self.metrics, now);
        let end = Some(self.window.end()).filter(|end| *end > now).unwrap_or(u64::MAX);
        (now + LOOK_UP).min(self.no_timeout_before).min(self.metrics_tx.next()).min(begin).min(end)
    }

    /// Gives up what has been waited for too long.
    pub(super) fn time_out(&mut self, now: u64) -> Vec<Ended> {
        let mut ended = Vec::new();
        if now < self.no_timeout_before {
            return ended;
        }
        self.no_timeout_before = now.saturating_add(self.timeout);
        for k in 0..self.connections.len() {
            let Some(request) = self.connections[k].pending else { continue };
            let deadline = request.intended.saturating_add(self.timeout);
            if deadline > now {
                self.no_timeout_before = self.no_timeout_before.min(deadline);
                continue;
            }
            let error = if self.client.is_connecting(k) { RequestError::ConnectTimeout } else { RequestError::Timeout };
            self.client.close(k);
            match self.lost(k, now) {
                Some((request, paused)) => self.metrics.timed_out(&request, error, now, paused),
                None => self.metrics.warmup_requests.timed_out += 1,
            }
            ended.push(Ended { connection: k, is_answered: false });
        }
        ended
    }

    /// Gives up a request that was taken up and has waited too long for a free connection.
    pub(super) fn timed_out_unsent(&mut self, heavy: bool, intended: u64, in_window: bool, now: u64) {
        if self.counts_unanswered(in_window, now) {
            let paused = self.pauses.between(intended, now);
            self.metrics.timed_out_unsent(heavy, intended, now, paused);
        } else {
            self.metrics.warmup_requests.timed_out += 1;
        }
    }

    /// Records a request that was taken up and still waits for a connection when the drain has ended.
    pub(super) fn unsent(&mut self, heavy: bool, intended: u64, in_window: bool, now: u64) {
        if self.counts_unanswered(in_window, now) {
            let paused = self.pauses.between(intended, now);
            self.metrics.unsent_since(heavy, intended, now, paused);
        } else {
            self.metrics.warmup_requests.unsent += 1;
        }
    }

    /// Time that was spent looking at the clock.
    pub(super) fn busy_waited(&mut self, nanos: u64) {
        if let Cost::Since(_) = self.cost {
            self.own.spun_ns += nanos;
        }
    }

    /// Time of the window for which the timer alone woke this thread, because looking at the clock had cost it its CPU.
    pub(super) fn stepped_down(&mut self, nanos: u64) {
        if let Cost::Since(_) = self.cost {
            self.own.timer_only_ns += nanos;
        }
    }

    /// Reads what the window has cost this thread, when it has ended.
    fn measure(&mut self) {
        if let Cost::Since(scheduled) = std::mem::replace(&mut self.cost, Cost::Measured) {
            self.own.scheduled = self.clock.scheduled().zip(scheduled).map(|(now, then)| now.since(then));
        }
    }

    /// Records what is still under way when the drain has ended.
    pub(super) fn abandon(&mut self, now: u64) {
        for k in 0..self.connections.len() {
            if self.connections[k].pending.is_none() {
                continue;
            }
            if let Some((request, paused)) = self.lost(k, now) {
                self.metrics.unfinished(&request, now, paused);
            } else {
                self.metrics.warmup_requests.unfinished += 1;
            }
        }
    }

    /// Requests of a closed loop that no connection was left to send: they were never due.
    pub(super) fn never_due(&mut self, requests: u64) {
        self.begun += requests;
        self.metrics.unsent(requests);
    }

    /// Hands in the last metrics. What was planned is counted where requests are taken up, not where they end: so a lost one
    /// would show.
    pub(super) fn close(mut self, now: u64) {
        self.measure();
        let window = now.min(self.window.end()).saturating_sub(self.window.begin);
        for connection in &self.connections {
            self.metrics.connection(connection.requests, connection.is_starved(window));
        }
        self.metrics.plan(self.begun - self.left_out);
        self.metrics.warmup_requests.planned = self.left_out;
        self.metrics.threads.push(self.own);
        self.metrics_tx.last(self.metrics);
    }
}
