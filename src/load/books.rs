//! What became of every request: one thread's books, merged when all have closed theirs.

use std::collections::BTreeMap;

use crate::histogram::Histogram;
use crate::record::{LoadRecord, Requests, Series};
use crate::usage::Usage;

use super::client::Answer;
use super::trouble::Trouble;
use super::{Loaded, Plan, Window};

/// One generator thread's books.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// Ordinary requests, then heavy ones.
    kinds: [Kind; 2],
    requests: Requests,
    errors: BTreeMap<&'static str, u64>,
    status: BTreeMap<u16, u64>,
    bytes: u64,
    in_window: u64,
    connections: u32,
    starved: u32,
    /// When the last request of the window was answered or failed, nanoseconds from the common start.
    pub(super) last_done: u64,
}

#[derive(Debug, Default)]
struct Kind {
    /// Requests that were sent the instant they were due: nearly all of a closed loop, and one record instead of two.
    both: Histogram,
    /// The others.
    response_time: Histogram,
    service_time: Histogram,
    lower_bound_from: Option<u64>,
}

/// The three instants of a request, in nanoseconds from the common start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instants {
    pub(super) intended: u64,
    pub(super) sent: u64,
    pub(super) done: u64,
}

impl Books {
    /// Requests of the window, whatever will become of them.
    pub(super) fn plan(&mut self, requests: u64) {
        self.requests.planned += requests;
    }

    /// A request that was answered.
    #[inline]
    pub(super) fn answered(&mut self, heavy: bool, at: Instants, answer: Answer, window: &Window) {
        let kind = &mut self.kinds[usize::from(heavy)];
        if at.sent == at.intended {
            kind.both.record(at.done - at.sent);
        } else {
            kind.response_time.record(at.done - at.intended);
            kind.service_time.record(at.done - at.sent);
        }
        self.requests.completed += 1;
        self.bytes += answer.bytes;
        self.in_window += u64::from(at.done <= window.end());
        self.last_done = at.done;
        *self.status.entry(answer.status).or_default() += 1;
    }

    /// A request that ended by an error: it has no time.
    pub(super) fn failed(&mut self, trouble: Trouble, now: u64) {
        self.requests.failed += 1;
        self.last_done = now;
        *self.errors.entry(trouble.class()).or_default() += 1;
    }

    /// A request that was given up.
    pub(super) fn timed_out(&mut self, heavy: bool, waited: u64, now: u64) {
        self.requests.timed_out += 1;
        self.last_done = now;
        self.waited(heavy, waited);
    }

    /// A request still under way when the drain ended.
    pub(super) fn unfinished(&mut self, heavy: bool, waited: u64) {
        self.requests.unfinished += 1;
        self.waited(heavy, waited);
    }

    /// Requests of a number to be sent that no connection was left to send.
    pub(super) fn unsent(&mut self, requests: u64) {
        self.requests.unsent += requests;
    }

    /// A connection at its end, and whether it asked in the window and got no answer.
    pub(super) fn connection(&mut self, starved: bool) {
        self.connections += 1;
        self.starved += u32::from(starved);
    }

    fn waited(&mut self, heavy: bool, waited: u64) {
        let kind = &mut self.kinds[usize::from(heavy)];
        kind.response_time.record(waited);
        kind.lower_bound_from = Some(kind.lower_bound_from.map_or(waited, |least| least.min(waited)));
    }

    /// Adds a thread's books to those of all, which no request was ever entered in.
    pub(super) fn merge(&mut self, other: &Self) {
        for (kind, others) in self.kinds.iter_mut().zip(&other.kinds) {
            for times in [&mut kind.response_time, &mut kind.service_time] {
                times.merge(&others.both);
            }
            kind.response_time.merge(&others.response_time);
            kind.service_time.merge(&others.service_time);
            kind.lower_bound_from = [kind.lower_bound_from, others.lower_bound_from].into_iter().flatten().min();
        }
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
        self.connections += other.connections;
        self.starved += other.starved;
        self.last_done = self.last_done.max(other.last_done);
    }

    /// Closes the books.
    pub(super) fn close(self, plan: &Plan, threads: u32, wall_ns: u64, usage: Usage) -> Loaded {
        let series = |(name, kind): (&str, Kind)| Series {
            name: name.to_owned(),
            response_time: kind.response_time,
            service_time: kind.service_time,
            lower_bound_from_ns: kind.lower_bound_from,
        };
        let kinds = if plan.heavy.is_some() { 2 } else { 1 };
        Loaded {
            wall_ns,
            requests_in_window: self.in_window,
            series: ["requests", "heavy requests"].into_iter().zip(self.kinds).take(kinds).map(series).collect(),
            load: LoadRecord {
                connections_asked: plan.connections,
                connections_opened: self.connections,
                connections_starved: self.starved,
                requests: self.requests,
                errors: self.errors.into_iter().map(|(class, n)| (class.to_owned(), n)).collect(),
                status: self.status,
                bytes_received: self.bytes,
                threads,
                usage,
                cpus: (Vec::new(), Vec::new()),
            },
        }
    }
}
