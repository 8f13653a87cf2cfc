//! What became of every request: one thread's books, merged when all have closed theirs.

use std::collections::BTreeMap;

use crate::histogram::Histogram;
use crate::record::{GeneratorThread, LoadRecord, Requests, SendLag, Series};
use crate::timeline::Timeline;
use crate::usage::{Scheduled, Usage};

use super::client::Answer;
use super::desk::Request;
use super::trouble::Trouble;
use super::{Interval, Plan};

/// One generator thread's books.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) began: Began,
    /// Ordinary requests, then heavy ones.
    kinds: [Kind; 2],
    /// From when a request was due until it was sent, in two parts: it was our turn and we were late; it waited for a
    /// connection to be free, or to be opened.
    send_lag: Histogram,
    late: Histogram,
    no_connection: Histogram,
    requests: Requests,
    errors: BTreeMap<&'static str, u64>,
    status: BTreeMap<u16, u64>,
    bytes: u64,
    /// Answers within the window, whenever their requests were due.
    pub(super) in_window: u64,
    /// Requests of each connection.
    per_connection: Histogram,
    starved: u32,
    /// Requests under way times the nanoseconds that as many were.
    pub(super) in_flight_ns: u128,
    /// The most at one instant; added up over threads.
    pub(super) most_in_flight: u64,
    /// For how long requests of the window were under way outside of it, less how long others were in it.
    pub(super) at_the_edges_ns: i64,
    pub(super) threads: Vec<ThreadCost>,
    over_time: Timeline,
    warmup: Timeline,
    /// When the last request of the window was answered or failed.
    pub(super) last_done: u64,
}

/// What times over time are counted from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Began {
    /// The warm-up.
    pub(super) warmup: u64,
    /// The window.
    pub(super) window: u64,
}

#[derive(Debug, Default)]
struct Kind {
    /// Requests that were sent the instant they were due: nearly all of a closed loop, and one record instead of five.
    both: Histogram,
    /// The others.
    response_time: Histogram,
    service_time: Histogram,
    lower_bound_from: Option<u64>,
}

/// What the window cost one generator thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct ThreadCost {
    pub(super) scheduled: Option<Scheduled>,
    /// Time that went into looking at the clock, not into work.
    pub(super) spun_ns: u64,
}

impl Books {
    /// Requests of the window, whatever will become of them.
    pub(super) fn plan(&mut self, requests: u64) {
        self.requests.planned += requests;
    }

    /// A request that was answered at this instant, within the window or after it.
    #[inline]
    pub(super) fn answered(&mut self, request: &Request, answer: Answer, done: u64) {
        let kind = &mut self.kinds[usize::from(request.heavy)];
        // Where the connection is open, a request is sent the instant it is asked: one clock read fewer.
        let sent = answer.sent.unwrap_or(request.asked);
        if sent == request.intended {
            kind.both.record(done - sent);
        } else {
            kind.response_time.record(done - request.intended);
            kind.service_time.record(done - sent);
            let (lag, late) = (sent - request.intended, request.asked - request.ready);
            self.send_lag.record(lag);
            self.late.record(late);
            self.no_connection.record(lag - late);
        }
        self.over_time.record(request.intended.saturating_sub(self.began.window), done - request.intended);
        self.requests.completed += 1;
        self.bytes += answer.bytes;
        self.last_done = done;
        *self.status.entry(answer.status).or_default() += 1;
    }

    /// A request that does not belong to the window was answered.
    pub(super) fn warmed_up(&mut self, request: &Request, done: u64) {
        if request.intended < self.began.window {
            self.warmup.record(request.intended.saturating_sub(self.began.warmup), done - request.intended);
        }
    }

    /// A request that ended by an error: it has no time.
    pub(super) fn failed(&mut self, trouble: Trouble, now: u64) {
        self.requests.failed += 1;
        self.last_done = now;
        *self.errors.entry(trouble.class()).or_default() += 1;
    }

    /// A request that was given up.
    pub(super) fn timed_out(&mut self, request: &Request, trouble: Trouble, now: u64) {
        self.requests.timed_out += 1;
        *self.errors.entry(trouble.class()).or_default() += 1;
        self.last_done = now;
        self.waited(request.heavy, request.intended, now);
    }

    /// A request that was given up while it waited for a connection.
    pub(super) fn timed_out_unsent(&mut self, heavy: bool, intended: u64, now: u64) {
        self.requests.timed_out += 1;
        *self.errors.entry(Trouble::TimeoutUnsent.class()).or_default() += 1;
        self.last_done = now;
        self.waited(heavy, intended, now);
    }

    /// A request still under way when the drain ended.
    pub(super) fn unfinished(&mut self, request: &Request, now: u64) {
        self.requests.unfinished += 1;
        self.waited(request.heavy, request.intended, now);
    }

    /// A request that still waited for a connection when the drain ended.
    pub(super) fn unsent_since(&mut self, heavy: bool, intended: u64, now: u64) {
        self.requests.unsent += 1;
        self.waited(heavy, intended, now);
    }

    /// Requests of a closed loop that no connection was left to send: they were never due.
    pub(super) fn unsent(&mut self, requests: u64) {
        self.requests.unsent += requests;
    }

    /// A connection at its end: how often it was asked in the window, and answered.
    pub(super) fn connection(&mut self, requests: u64, answers: u64) {
        self.per_connection.record(requests);
        self.starved += u32::from(requests > 0 && answers == 0);
    }

    fn waited(&mut self, heavy: bool, intended: u64, now: u64) {
        let waited = now.saturating_sub(intended);
        self.over_time.record(intended.saturating_sub(self.began.window), waited);
        let kind = &mut self.kinds[usize::from(heavy)];
        kind.response_time.record(waited);
        kind.lower_bound_from = Some(kind.lower_bound_from.map_or(waited, |least| least.min(waited)));
    }

    /// Adds other books to these.
    pub(super) fn merge(&mut self, other: &Self) {
        for (kind, others) in self.kinds.iter_mut().zip(&other.kinds) {
            kind.both.merge(&others.both);
            kind.response_time.merge(&others.response_time);
            kind.service_time.merge(&others.service_time);
            kind.lower_bound_from = [kind.lower_bound_from, others.lower_bound_from].into_iter().flatten().min();
        }
        self.send_lag.merge(&other.send_lag);
        self.late.merge(&other.late);
        self.no_connection.merge(&other.no_connection);
        let Requests { planned, completed, failed, timed_out, unsent, unfinished } = other.requests;
        self.requests.planned += planned;
        self.requests.completed += completed;
        self.requests.failed += failed;
        self.requests.timed_out += timed_out;
        self.requests.unsent += unsent;
        self.requests.unfinished += unfinished;
        other.errors.iter().for_each(|(class, n)| *self.errors.entry(class).or_default() += n);
        other.status.iter().for_each(|(status, n)| *self.status.entry(*status).or_default() += n);
        self.bytes += other.bytes;
        self.in_window += other.in_window;
        self.per_connection.merge(&other.per_connection);
        self.starved += other.starved;
        self.in_flight_ns += other.in_flight_ns;
        self.most_in_flight += other.most_in_flight;
        self.at_the_edges_ns += other.at_the_edges_ns;
        self.over_time.merge(&other.over_time);
        self.warmup.merge(&other.warmup);
        self.threads.extend(&other.threads);
        self.last_done = self.last_done.max(other.last_done);
    }

    /// Makes them new, without giving memory back.
    pub(super) fn clear(&mut self) {
        for kind in &mut self.kinds {
            kind.both.clear();
            kind.response_time.clear();
            kind.service_time.clear();
            kind.lower_bound_from = None;
        }
        for histogram in [&mut self.send_lag, &mut self.late, &mut self.no_connection, &mut self.per_connection] {
            histogram.clear();
        }
        self.over_time.clear();
        self.warmup.clear();
        self.requests = Requests::default();
        self.errors.clear();
        self.status.clear();
        self.threads.clear();
        (self.bytes, self.in_window, self.starved, self.last_done) = (0, 0, 0, 0);
        (self.in_flight_ns, self.at_the_edges_ns, self.most_in_flight) = (0, 0, 0);
    }

    /// What is told of an interval.
    pub(super) fn interval(&self) -> Interval {
        let mut all = Interval {
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

    /// Closes the books: the times, and everything else.
    pub(super) fn close(
        self,
        plan: &Plan,
        threads: u32,
        wall_ns: u64,
        usage: Usage,
        steal: Option<f64>,
    ) -> (Vec<Series>, LoadRecord) {
        let Self { kinds, mut send_lag, mut late, mut no_connection, .. } = self;
        for kind in &kinds {
            for lag in [&mut send_lag, &mut late, &mut no_connection] {
                lag.record_many(0, kind.both.len());
            }
        }
        let series = |(name, kind): (&str, Kind)| {
            let Kind { both, mut response_time, mut service_time, lower_bound_from } = kind;
            response_time.merge(&both);
            service_time.merge(&both);
            Series { name: name.to_owned(), response_time, service_time, lower_bound_from_ns: lower_bound_from }
        };
        let n_kinds = if plan.heavy.is_some() { 2 } else { 1 };
        let per_connection = |share| self.per_connection.quantile(share).unwrap_or(0);
        let cost = |cost: &ThreadCost| GeneratorThread {
            ran_ns: cost.scheduled.map(|scheduled| scheduled.ran_ns),
            waited_ns: cost.scheduled.map(|scheduled| scheduled.waited_ns),
            spun_ns: cost.spun_ns,
        };
        let series = ["requests", "heavy requests"].into_iter().zip(kinds).take(n_kinds).map(series).collect();
        let load = LoadRecord {
            offered_per_s: plan.arrival.offered(),
            connections_asked: plan.connections,
            connections_opened: self.per_connection.len() as u32,
            connections_starved: self.starved,
            requests_per_connection: [per_connection(0.0), per_connection(0.5), per_connection(1.0)],
            requests: self.requests,
            errors: self.errors.into_iter().map(|(class, n)| (class.to_owned(), n)).collect(),
            status: self.status,
            bytes_received: self.bytes,
            send_lag: SendLag { total: send_lag, late, no_connection },
            over_time: self.over_time,
            warmup: self.warmup,
            most_in_flight: self.most_in_flight,
            mean_in_flight: self.in_flight_ns as f64 / wall_ns.max(1) as f64,
            at_the_edges_ns: self.at_the_edges_ns,
            threads,
            thread_costs: self.threads.iter().map(cost).collect(),
            usage,
            steal,
            cpus: (Vec::new(), Vec::new()),
        };
        (series, load)
    }
}
