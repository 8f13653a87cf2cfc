//! The metrics of one thread's requests, merged with those of the other threads at the end.

use std::collections::BTreeMap;

use crate::histogram::Histogram;
use crate::record::{GeneratorThread, LoadRecord, Requests, SendLag, Series};
use crate::timeline::Timeline;
use crate::usage::{Scheduled, Stolen, Usage};

use super::client::ReceivedResponse;
use super::request::PendingRequest;
use super::request_error::RequestError;
use super::{LoadInterval, LoadPlan};

/// The metrics of one generator thread.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub(super) began: Began,
    /// The metrics of ordinary requests, then of heavy ones.
    kinds: [KindMetrics; 2],
    /// Time from when a request was due until it was sent. It has two parts: the generator's lateness, and the wait for
    /// a connection to become free or to be opened.
    send_lag: Histogram,
    late: Histogram,
    no_connection: Histogram,
    /// The time that the generator stood still during a service time; recorded only if it did.
    service_pauses: Histogram,
    requests: Requests,
    /// Requests of the warm-up that do not belong to the window.
    pub(super) warmup_requests: Requests,
    errors: BTreeMap<&'static str, u64>,
    status: BTreeMap<u16, u64>,
    bytes: u64,
    /// Responses within the window, whenever their requests were due.
    pub(super) in_window: u64,
    /// The number of requests on each connection.
    pub(super) per_connection: Histogram,
    starved: u32,
    /// Requests in flight within the window, integrated over time: requests times nanoseconds.
    pub(super) in_flight_ns: u128,
    /// Requests that were due before the window and count for it because they lasted through it.
    pub(super) carried_over: u64,
    /// Responses that were followed by unrequested bytes.
    pub(super) with_surplus: u64,
    /// Requests of the window that were sent before it ended.
    pub(super) sent_in_window: u64,
    /// The sum of the service times, minus the time that requests were in flight within the window, nanoseconds.
    pub(super) at_the_edges_ns: i64,
    /// The time that requests without a response were in flight within the window, nanoseconds.
    pub(super) unanswered_ns: u64,
    pub(super) threads: Vec<ThreadCost>,
    over_time: Timeline,
    warmup: Timeline,
    /// The instant at which the last request of the window was answered, failed or timed out.
    pub(super) last_done: u64,
}

/// The origins of the times in the two timelines.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Began {
    /// The start of the warm-up.
    pub(super) warmup: u64,
    /// The start of the window.
    pub(super) window: u64,
}

#[derive(Debug, Default)]
struct KindMetrics {
    /// Requests sent the instant they were due, as in nearly all of a closed loop: one record instead of five.
    both: Histogram,
    /// The times of all other requests.
    response_time: Histogram,
    service_time: Histogram,
    /// Response times during half or more of which the generator stood still.
    paused: Histogram,
    lower_bound_from: Option<u64>,
}

/// The costs of the window for one generator thread.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ThreadCost {
    pub(super) scheduled: Option<Scheduled>,
    /// Time spent busy-waiting, nanoseconds.
    pub(super) busy_waited_ns: u64,
    /// Time in which only the timer woke the thread, because busy-waiting had cost it its CPU, nanoseconds.
    pub(super) timer_only_ns: u64,
    /// The number of pauses since the window began, their total length within the window, and the longest one.
    pauses: u64,
    paused_ns: u64,
    longest_pause_ns: u64,
    /// The largest number of requests in flight at one instant.
    pub(super) most_in_flight: u32,
}

/// The time that the generator stood still during a request, nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Paused {
    /// The pauses while the connection was opened for the request.
    pub(super) connecting: u64,
    /// The pauses since the request was sent.
    pub(super) service: u64,
    /// The pauses since the request was due.
    pub(super) response: u64,
}

impl ThreadCost {
    /// Adds a pause: its length since the window began, and the part of it within the window, nanoseconds.
    pub(super) fn paused(&mut self, nanos: u64, in_window: u64) {
        if nanos > 0 {
            self.pauses += 1;
            self.paused_ns += in_window;
            self.longest_pause_ns = self.longest_pause_ns.max(nanos);
        }
    }
}

impl KindMetrics {
    /// Records a response time if the generator stood still during half or more of it.
    #[inline]
    fn paused(&mut self, response: u64, paused: u64) {
        if paused > 0 && paused >= response / 2 {
            self.paused.record(response);
        }
    }
}

impl Metrics {
    /// Counts requests of the window when they are taken up, however they will end.
    pub(super) fn plan(&mut self, requests: u64) {
        self.requests.planned += requests;
    }

    /// Records a request of the window whose response was complete at `done`, in the window or after it.
    #[inline]
    pub(super) fn answered(
        &mut self,
        request: &PendingRequest,
        received: &ReceivedResponse,
        sent: u64,
        done: u64,
        paused: Paused,
    ) {
        let kind = &mut self.kinds[usize::from(request.heavy)];
        let response = done - request.intended;
        if sent == request.intended {
            kind.both.record(response);
        } else {
            kind.response_time.record(response);
            kind.service_time.record(done - sent);
            let lag = sent - request.intended;
            let late = lag.min(request.late + paused.connecting);
            self.send_lag.record(lag);
            self.late.record(late);
            self.no_connection.record(lag - late);
        }
        if paused.response > 0 {
            self.service_pauses.record(paused.service);
            kind.paused(response, paused.response);
        }
        self.over_time.record(request.intended.saturating_sub(self.began.window), response);
        self.requests.completed += 1;
        self.bytes += received.bytes;
        self.last_done = done;
        self.with_surplus += u64::from(received.has_surplus);
        *self.status.entry(received.status).or_default() += 1;
    }

    /// Records a response to a request that does not belong to the window.
    pub(super) fn warmed_up(&mut self, request: &PendingRequest, done: u64) {
        self.warmup.record(request.intended.saturating_sub(self.began.warmup), done - request.intended);
        self.warmup_requests.completed += 1;
    }

    /// Records a request that failed with an error. A failure has no response time.
    pub(super) fn failed(&mut self, error: RequestError, now: u64) {
        self.requests.failed += 1;
        self.last_done = now;
        *self.errors.entry(error.class()).or_default() += 1;
    }

    /// Records a request in flight that exceeded the time-out. The generator stood still for `paused` of its
    /// nanoseconds.
    pub(super) fn timed_out(&mut self, request: &PendingRequest, error: RequestError, now: u64, paused: u64) {
        self.requests.timed_out += 1;
        *self.errors.entry(error.class()).or_default() += 1;
        self.last_done = now;
        self.record_wait(request.heavy, request.intended, now, paused);
    }

    /// Records a request that exceeded the time-out while it waited for a connection.
    pub(super) fn timed_out_unsent(&mut self, heavy: bool, intended: u64, now: u64, paused: u64) {
        self.requests.timed_out += 1;
        *self.errors.entry(RequestError::TimeoutUnsent.class()).or_default() += 1;
        self.last_done = now;
        self.record_wait(heavy, intended, now, paused);
    }

    /// Records a request still in flight when the drain ended.
    pub(super) fn unfinished(&mut self, request: &PendingRequest, now: u64, paused: u64) {
        self.requests.unfinished += 1;
        self.record_wait(request.heavy, request.intended, now, paused);
    }

    /// Records a request that still waited for a connection when the drain ended.
    pub(super) fn unsent_since(&mut self, heavy: bool, intended: u64, now: u64, paused: u64) {
        self.requests.unsent += 1;
        self.record_wait(heavy, intended, now, paused);
    }

    /// Records requests of a closed loop for which no connection was left: they were never due.
    pub(super) fn unsent(&mut self, requests: u64) {
        self.requests.unsent += requests;
    }

    /// Records a connection at the end of the load: its requests of the window, and whether it was starved.
    pub(super) fn connection(&mut self, requests: u64, is_starved: bool) {
        self.per_connection.record(requests);
        self.starved += u32::from(is_starved);
    }

    fn record_wait(&mut self, heavy: bool, intended: u64, now: u64, paused: u64) {
        let waited = now.saturating_sub(intended);
        self.over_time.record(intended.saturating_sub(self.began.window), waited);
        let kind = &mut self.kinds[usize::from(heavy)];
        kind.response_time.record(waited);
        kind.paused(waited, paused);
        kind.lower_bound_from = Some(kind.lower_bound_from.map_or(waited, |least| least.min(waited)));
    }

    /// Adds other metrics to these.
    pub(super) fn merge(&mut self, other: &Self) {
        for (kind, others) in self.kinds.iter_mut().zip(&other.kinds) {
            kind.both.merge(&others.both);
            kind.response_time.merge(&others.response_time);
            kind.service_time.merge(&others.service_time);
            kind.paused.merge(&others.paused);
            kind.lower_bound_from = [kind.lower_bound_from, others.lower_bound_from].into_iter().flatten().min();
        }
        self.send_lag.merge(&other.send_lag);
        self.late.merge(&other.late);
        self.no_connection.merge(&other.no_connection);
        self.service_pauses.merge(&other.service_pauses);
        self.requests.add(&other.requests);
        self.warmup_requests.add(&other.warmup_requests);
        other.errors.iter().for_each(|(class, n)| *self.errors.entry(class).or_default() += n);
        other.status.iter().for_each(|(status, n)| *self.status.entry(*status).or_default() += n);
        self.bytes += other.bytes;
        self.in_window += other.in_window;
        self.per_connection.merge(&other.per_connection);
        self.starved += other.starved;
        self.in_flight_ns += other.in_flight_ns;
        self.at_the_edges_ns += other.at_the_edges_ns;
        self.unanswered_ns += other.unanswered_ns;
        self.sent_in_window += other.sent_in_window;
        self.carried_over += other.carried_over;
        self.with_surplus += other.with_surplus;
        self.over_time.merge(&other.over_time);
        self.warmup.merge(&other.warmup);
        self.threads.extend(&other.threads);
        self.last_done = self.last_done.max(other.last_done);
    }

    /// Resets the metrics and keeps their memory.
    pub(super) fn clear(&mut self) {
        for kind in &mut self.kinds {
            kind.both.clear();
            kind.response_time.clear();
            kind.service_time.clear();
            kind.paused.clear();
            kind.lower_bound_from = None;
        }
        for histogram in [&mut self.send_lag, &mut self.late, &mut self.no_connection, &mut self.service_pauses] {
            histogram.clear();
        }
        self.per_connection.clear();
        self.over_time.clear();
        self.warmup.clear();
        (self.requests, self.warmup_requests) = Default::default();
        self.with_surplus = 0;
        self.errors.clear();
        self.status.clear();
        self.threads.clear();
        (self.bytes, self.in_window, self.sent_in_window, self.starved, self.last_done) = (0, 0, 0, 0, 0);
        (self.in_flight_ns, self.at_the_edges_ns, self.unanswered_ns, self.carried_over) = (0, 0, 0, 0);
    }

    /// Returns the part of these metrics that an observer receives for an interval.
    pub(super) fn interval(&self) -> LoadInterval {
        let mut all = LoadInterval {
            requests: self.requests,
            response_time: Histogram::default(),
            service_time: Histogram::default(),
        };
        for kind in &self.kinds {
            all.response_time.merge(&kind.both);
            all.response_time.merge(&kind.response_time);
            all.service_time.merge(&kind.both);
            all.service_time.merge(&kind.service_time);
        }
        all
    }

    /// Returns the times and all other results. `usage` is that of the generator's process in the window, `cpus` are
    /// those that it may run on.
    pub(super) fn close(
        self,
        plan: &LoadPlan,
        threads: u32,
        wall_ns: u64,
        usage: Usage,
        stolen: Option<Stolen>,
        cpus: Vec<usize>,
    ) -> (Vec<Series>, LoadRecord) {
        let Self { kinds, mut send_lag, mut late, mut no_connection, mut service_pauses, .. } = self;
        for kind in &kinds {
            for lag in [&mut send_lag, &mut late, &mut no_connection] {
                lag.record_many(0, kind.both.len());
            }
        }
        service_pauses.record_many(0, self.requests.completed - service_pauses.len());
        let series = |(name, kind): (&str, KindMetrics)| {
            let KindMetrics { both, mut response_time, mut service_time, paused, lower_bound_from } = kind;
            response_time.merge(&both);
            service_time.merge(&both);
            Series {
                name: name.to_owned(),
                response_time,
                service_time,
                paused_response_time: paused,
                lower_bound_from_ns: lower_bound_from,
            }
        };
        let n_kinds = if plan.heavy.is_some() { 2 } else { 1 };
        let per_connection = |share| self.per_connection.quantile(share).unwrap_or(0);
        let cost = |cost: &ThreadCost| GeneratorThread {
            ran_ns: cost.scheduled.map(|scheduled| scheduled.ran_ns),
            waited_ns: cost.scheduled.map(|scheduled| scheduled.waited_ns),
            busy_waited_ns: cost.busy_waited_ns,
            timer_only_ns: cost.timer_only_ns,
            pauses: cost.pauses,
            paused_ns: cost.paused_ns,
            longest_pause_ns: cost.longest_pause_ns,
        };
        let series = ["requests", "heavy requests"].into_iter().zip(kinds).take(n_kinds).map(series).collect();
        let load = LoadRecord {
            offered_per_s: plan.offered(),
            pacing: plan.arrival.pacing(),
            connections_planned: plan.connections,
            connections_opened: self.per_connection.len() as u32,
            connections_starved: self.starved,
            requests_per_connection: [per_connection(0.0), per_connection(0.5), per_connection(1.0)],
            requests: self.requests,
            carried_over: self.carried_over,
            answers_with_surplus: self.with_surplus,
            sent_in_window: self.sent_in_window,
            warmup_requests: self.warmup_requests,
            errors: self.errors.into_iter().map(|(class, n)| (class.to_owned(), n)).collect(),
            status: self.status,
            bytes_received: self.bytes,
            send_lag: SendLag { total: send_lag, late, no_connection },
            service_pauses,
            over_time: self.over_time,
            warmup: self.warmup,
            most_in_flight: self.threads.iter().map(|thread| u64::from(thread.most_in_flight)).sum(),
            mean_in_flight: self.in_flight_ns as f64 / wall_ns.max(1) as f64,
            at_the_edges_ns: self.at_the_edges_ns,
            unanswered_ns: self.unanswered_ns,
            threads,
            thread_costs: self.threads.iter().map(cost).collect(),
            usage,
            stolen,
            cpus: (plan.server_cpus.clone(), cpus),
        };
        (series, load)
    }
}
