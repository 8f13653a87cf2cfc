//! The state that both loops share: the connections of one generator thread, the request in flight on each of them, and
//! how each request ends. All instants are nanoseconds of the thread's [`Clock`].

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

/// The longest interval between two reads of the clock, nanoseconds: another thread can move the window's end, and a
/// timer that fires late reveals a pause of this thread.
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
    /// The earliest instant at which a request can exceed the time-out.
    no_timeout_before: u64,
    /// The pauses of this thread.
    pauses: PauseLog,
    /// The last reading of the clock, which is the start of the current turn.
    looked: u64,
    /// The number of requests in flight, and the instant since which it has been that.
    n_requests: u32,
    since: u64,
    /// Requests that were taken up, sent or not, and those of them that ended outside the window and are not counted.
    begun: u64,
    left_out: u64,
    /// If a number of requests ends the window: whether all of them were taken up.
    is_exhausted: bool,
    cost: Cost,
    /// The costs that are known before the window ends.
    own: ThreadCost,
}

/// The state of measuring what the window costs this thread.
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

    /// Reads the clock after a turn that did not wait.
    #[inline]
    pub(super) fn read_clock(&mut self) -> u64 {
        self.end_turn(Turn::Worked)
    }

    #[inline]
    fn end_turn(&mut self, turn: Turn) -> u64 {
        let now = self.clock.now();
        if let Some(length) = self.pauses.record_turn(turn, self.looked, now, &self.clock) {
            let since_begin = now.saturating_sub(self.window.begin).min(length);
            // The drain is not part of the window.
            let after_end = now.saturating_sub(self.window.end()).min(since_begin);
            self.own.paused(since_begin, since_begin - after_end);
        }
        self.looked = now;
        now
    }

    /// Returns how long the generator stood still between two instants, nanoseconds.
    pub(super) fn paused_between(&self, from: u64, to: u64) -> u64 {
        self.pauses.paused_between(from, to)
    }

    /// Returns the number of pauses so far.
    pub(super) fn n_pauses(&self) -> u64 {
        self.pauses.count()
    }

    /// Returns the number of pauses during which another program had the CPU.
    pub(super) fn n_lost_cpu(&self) -> u64 {
        self.pauses.lost_cpu()
    }

    /// Returns the start and end of the last pause.
    pub(super) fn last_pause(&self) -> Option<(u64, u64)> {
        self.pauses.last()
    }

    /// Counts a request that is or was due. Each one is then either sent or ended by one of the `unsent` methods.
    #[inline]
    pub(super) fn count_planned(&mut self) {
        self.begun += 1;
    }

    /// Records that no further request of the window will be taken up, if their number ends the window.
    pub(super) fn exhaust(&mut self) {
        self.is_exhausted = true;
    }

    /// Sends a request that was taken up, on a connection without a request in flight.
    #[inline]
    pub(super) fn send(&mut self, k: usize, request: PendingRequest) {
        self.count_in_flight(request.submitted, 1);
        // A request that waited for a connection times out earlier than one that is due now.
        self.no_timeout_before = self.no_timeout_before.min(request.intended.saturating_add(self.timeout));
        self.connections[k].pending = Some(request);
        self.client.send(k, request.heavy, request.number);
    }

    /// Waits for the end of a request, at most until this instant. Returns the ended request, if any, and the time.
    #[inline]
    pub(super) fn next(&mut self, until: u64) -> (Option<Ended>, u64) {
        let event = self.client.next(until);
        let now = self.end_turn(if self.client.has_waited() { Turn::Waited { until } } else { Turn::Worked });
        (event.map(|(k, event)| self.handle(k, event, now)), now)
    }

    #[inline]
    fn handle(&mut self, k: usize, event: ClientEvent, now: u64) -> Ended {
        match event {
            ClientEvent::Answered(response) => {
                match self.plan.expected.as_ref().and_then(|expected| expected.check(&response)) {
                    None => self.answered(k, response, now),
                    Some(error) => self.failed(k, error, now),
                }
            }
            ClientEvent::Failed(error) => self.failed(k, error, now),
            ClientEvent::Opened => unreachable!("connections are opened before the window or by a request"),
        }
        Ended { connection: k, is_answered: matches!(event, ClientEvent::Answered(_)) }
    }

    /// Ends a request that failed. If its response was only unexpected, the connection stays open.
    fn failed(&mut self, k: usize, error: RequestError, now: u64) {
        if self.end_unanswered(k, now).is_some() {
            self.metrics.failed(error, now);
        } else {
            self.metrics.warmup_requests.failed += 1;
        }
    }

    #[inline]
    fn answered(&mut self, k: usize, response: ReceivedResponse, now: u64) {
        let request = self.take(k, now).expect("the event ends a request of this connection");
        let inside = self.inside(k, &request, now);
        let in_window = now >= self.window.begin && now <= self.window.end();
        // The rate counts all responses in the window: if requests queue, some belong to requests from before it.
        self.metrics.in_window += u64::from(in_window);
        self.connections[k].answers += u64::from(in_window);
        if !self.belongs(request.in_window, self.is_past_window(now)) {
            self.metrics.warmed_up(&request, now);
            self.metrics.at_the_edges_ns -= inside as i64;
            return;
        }
        self.count(k, &request);
        // On an open connection, a request is sent as soon as it is taken up; using that instant saves a clock read.
        let sent = response.sent.unwrap_or(request.submitted);
        self.metrics.at_the_edges_ns += (now - sent) as i64 - inside as i64;
        let paused = Paused {
            connecting: self.pauses.paused_between(request.submitted, sent),
            service: self.pauses.paused_between(sent, now),
            response: self.pauses.paused_between(request.intended, now),
        };
        self.metrics.answered(&request, &response, sent, now, paused);
    }

    /// Ends a request that got no response. Returns the request if it belongs to the window, and how long the generator
    /// stood still during it, nanoseconds.
    fn end_unanswered(&mut self, k: usize, now: u64) -> Option<(PendingRequest, u64)> {
        let request = self.take(k, now).expect("the request that ends was sent");
        let inside = self.inside(k, &request, now);
        self.metrics.at_the_edges_ns -= inside as i64;
        self.metrics.unanswered_ns += inside;
        if !self.counts_unanswered(request.in_window, now) {
            return None;
        }
        self.count(k, &request);
        self.connections[k].lost += 1;
        Some((request, self.pauses.paused_between(request.intended, now)))
    }

    /// Counts a request that belongs to the window.
    #[inline]
    fn count(&mut self, k: usize, request: &PendingRequest) {
        self.connections[k].requests += 1;
        self.metrics.sent_in_window += u64::from(request.submitted <= self.window.end());
    }

    /// Returns whether a request that ends now without a response belongs to the window.
    fn counts_unanswered(&mut self, in_window: bool, now: u64) -> bool {
        let has_lasted = self.is_past_window(now) || self.is_exhausted && self.window.end() == u64::MAX;
        self.belongs(in_window, has_lasted)
    }

    /// Returns whether a request belongs to the window; otherwise counts it as left out. A request that was due earlier
    /// belongs if it lasted through the whole window: only this reveals a connection that has hung since the warm-up.
    #[inline]
    fn belongs(&mut self, in_window: bool, has_lasted: bool) -> bool {
        let belongs = in_window || has_lasted;
        self.left_out += u64::from(!belongs);
        self.metrics.carried_over += u64::from(belongs && !in_window);
        belongs
    }

    /// Returns whether the window has ended. A window that a number of requests ends has no end yet.
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

    /// Returns how long a request that ends now was in flight within the window, nanoseconds, and adds it to its
    /// connection.
    #[inline]
    fn inside(&mut self, k: usize, request: &PendingRequest, now: u64) -> u64 {
        let inside = now.min(self.window.end()).saturating_sub(request.submitted.max(self.window.begin));
        self.connections[k].waited += inside;
        inside
    }

    /// Adds the number of requests in flight, times the nanoseconds since the last change that lie in the window.
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

    /// Handles what depends on the clock alone and is the same in both loops. Returns the latest instant for the next
    /// call.
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

    /// Ends the requests in flight that have exceeded the time-out.
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
            match self.end_unanswered(k, now) {
                Some((request, paused)) => self.metrics.timed_out(&request, error, now, paused),
                None => self.metrics.warmup_requests.timed_out += 1,
            }
            ended.push(Ended { connection: k, is_answered: false });
        }
        ended
    }

    /// Ends a request that was taken up and has exceeded the time-out while it waited for a free connection.
    pub(super) fn timed_out_unsent(&mut self, heavy: bool, intended: u64, in_window: bool, now: u64) {
        if self.counts_unanswered(in_window, now) {
            let paused = self.pauses.paused_between(intended, now);
            self.metrics.timed_out_unsent(heavy, intended, now, paused);
        } else {
            self.metrics.warmup_requests.timed_out += 1;
        }
    }

    /// Records a request that was taken up and still waits for a connection when the drain has ended.
    pub(super) fn unsent(&mut self, heavy: bool, intended: u64, in_window: bool, now: u64) {
        if self.counts_unanswered(in_window, now) {
            let paused = self.pauses.paused_between(intended, now);
            self.metrics.unsent_since(heavy, intended, now, paused);
        } else {
            self.metrics.warmup_requests.unsent += 1;
        }
    }

    /// Adds time that was spent busy-waiting, nanoseconds.
    pub(super) fn busy_waited(&mut self, nanos: u64) {
        if let Cost::Since(_) = self.cost {
            self.own.busy_waited_ns += nanos;
        }
    }

    /// Adds time of the window in which only the timer woke this thread, because busy-waiting had cost it its CPU.
    pub(super) fn stepped_down(&mut self, nanos: u64) {
        if let Cost::Since(_) = self.cost {
            self.own.timer_only_ns += nanos;
        }
    }

    /// Measures what the window has cost this thread, once it has ended.
    fn measure(&mut self) {
        if let Cost::Since(scheduled) = std::mem::replace(&mut self.cost, Cost::Measured) {
            self.own.scheduled = self.clock.scheduled().zip(scheduled).map(|(now, then)| now.since(then));
        }
    }

    /// Records the requests still in flight when the drain has ended.
    pub(super) fn abandon(&mut self, now: u64) {
        for k in 0..self.connections.len() {
            if self.connections[k].pending.is_none() {
                continue;
            }
            if let Some((request, paused)) = self.end_unanswered(k, now) {
                self.metrics.unfinished(&request, now, paused);
            } else {
                self.metrics.warmup_requests.unfinished += 1;
            }
        }
    }

    /// Records requests of a closed loop for which no connection was left: they were never due.
    pub(super) fn record_never_due(&mut self, requests: u64) {
        self.begun += requests;
        self.metrics.unsent(requests);
    }

    /// Hands in the last metrics. Planned requests are counted when they are taken up, not when they end, so that a
    /// lost one would show.
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
