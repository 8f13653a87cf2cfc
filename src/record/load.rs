//! The record of a load: every request of the window, and the cost of the window.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;
use crate::schedule::Pacing;
use crate::timeline::Timeline;
use crate::usage::{Stolen, Usage};

/// The load generator's account of the measured window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadRecord {
    /// The rate of the schedule, requests per second; `None` in a closed loop, which has no schedule.
    pub offered_per_s: Option<f64>,
    /// How the schedule was kept; `None` in a closed loop.
    pub pacing: Option<Pacing>,
    /// The requested number of connections.
    pub connections_planned: u32,
    /// Connections that were open when the clock started.
    pub connections_opened: u32,
    /// Connections without an answer in the whole window, whenever their requests were sent: each lost a request, or
    /// waited for half of the window or more.
    pub connections_starved: u32,
    /// Requests of the connection with the fewest, of the one in the middle, and of the one with the most.
    pub requests_per_connection: [u64; 3],
    /// Every request of the window, by outcome.
    pub requests: Requests,
    /// Requests in `requests` that were due before the window and lasted through all of it.
    pub carried_over: u64,
    /// Requests in `requests` that were sent before the window ended.
    pub sent_in_window: u64,
    /// Requests of the warm-up that are left out, by outcome. One that lasted through the whole window is counted in
    /// `requests` instead.
    pub warmup_requests: Requests,
    /// Failed and timed-out requests by class, as `http1` and the generator name them.
    pub errors: BTreeMap<String, u64>,
    /// Answers by status code.
    pub status: BTreeMap<u16, u64>,
    /// Answers followed by unrequested bytes, which only the client `raw` can detect. Their connections were closed.
    #[serde(default)]
    pub answers_with_surplus: u64,
    /// Bytes received, as far as the client reports them: head and body by `raw`, bodies alone by `reqwest`.
    pub bytes_received: u64,
    /// The times from when a request was due until it was sent.
    pub send_lag: SendLag,
    /// The part of each answered request's service time in which the generator itself was stalled.
    pub service_pauses: Histogram,
    /// Response times by when the requests were due, from the beginning of the window; includes the lower bounds of
    /// requests that were never answered.
    pub over_time: Timeline,
    /// Response times of the warm-up, from its own beginning; no other figure includes them.
    pub warmup: Timeline,
    /// The largest number of requests in flight, summed over each thread's own maximum.
    pub most_in_flight: u64,
    /// The average number of requests in flight on a connection over the window.
    pub mean_in_flight: f64,
    /// Service times, less the time that all requests were in flight within the window, nanoseconds: the difference
    /// between service times and `mean_in_flight`.
    pub at_the_edges_ns: i64,
    /// The time that unanswered requests were in flight within the window, nanoseconds.
    pub unanswered_ns: u64,
    /// The number of generator threads.
    pub threads: u32,
    /// The cost of the window for each generator thread.
    pub thread_costs: Vec<GeneratorThread>,
    /// The resources used by the generator's process in the window.
    pub usage: Usage,
    /// CPU time of this machine that its host gave to others in the window; `None` if the kernel does not count it.
    pub stolen: Option<Stolen>,
    /// The CPUs of the server and of the generator; equal if neither was pinned.
    pub cpus: (Vec<usize>, Vec<usize>),
}

/// The times from when a request was due until it was sent, of all that were answered: the only part of a response time
/// that is not the server's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SendLag {
    /// The send lag as a whole, from when a request was due until it was sent.
    pub total: Histogram,
    /// The part in which it was the request's turn and a connection was free, but the generator was late or stalled:
    /// the error of the pacing.
    pub late: Histogram,
    /// The part in which no connection was free, or one had to be reopened.
    pub no_connection: Histogram,
}

/// The cost of a window for one generator thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratorThread {
    /// Time on a CPU, nanoseconds; `None` if the kernel does not report it.
    pub ran_ns: Option<u64>,
    /// Time ready to run without a CPU, nanoseconds.
    pub waited_ns: Option<u64>,
    /// Time spent polling the clock until a request was due, nanoseconds: on the CPU, but free for an answer.
    pub busy_waited_ns: u64,
    /// Time in which hybrid pacing used the timer alone, nanoseconds, because polling had cost the thread its CPU.
    pub timer_only_ns: u64,
    /// The number of stalls of 200 us or longer, from the beginning of the window to the end of the drain.
    pub pauses: u64,
    /// The time stalled within the window, nanoseconds.
    pub paused_ns: u64,
    /// The longest stall, nanoseconds.
    pub longest_pause_ns: u64,
}

/// Requests by outcome. The parts always add up to `planned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// The number of requests due or sent.
    pub planned: u64,
    /// The number of requests that got a response, with any status.
    pub completed: u64,
    /// The number of requests that ended with a transport error, or with a response other than the expected one.
    pub failed: u64,
    /// The number of requests that were abandoned after the time-out.
    pub timed_out: u64,
    /// The number of requests that were due and never sent.
    pub unsent: u64,
    /// The number of requests still in flight when the drain ended.
    pub unfinished: u64,
    /// The number of requests of a lost shard whose outcome is unknown; only of a merged load.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl LoadRecord {
    /// Returns the number of requests that were due in the window.
    pub fn due(&self) -> u64 {
        self.requests.planned - self.carried_over
    }

    /// Adds the record of another shard of the same load. The CPUs stay as they are; so does the number of requests of the
    /// connection in the middle, which the caller knows from all connections.
    pub fn add_shard(&mut self, other: &Self) {
        let Self { offered_per_s, pacing, connections_planned, connections_opened, connections_starved, .. } = other;
        let Self { requests_per_connection, requests, carried_over, sent_in_window, warmup_requests, .. } = other;
        let Self { errors, status, answers_with_surplus, bytes_received, send_lag, service_pauses, .. } = other;
        let Self { over_time, warmup, most_in_flight, mean_in_flight, at_the_edges_ns, unanswered_ns, .. } = other;
        let Self { threads, thread_costs, usage, stolen, cpus: _, .. } = other;
        self.offered_per_s = sum(self.offered_per_s, *offered_per_s);
        self.pacing = self.pacing.or(*pacing);
        self.connections_planned += connections_planned;
        self.connections_opened += connections_opened;
        self.connections_starved += connections_starved;
        let ([least, middle, most], [others_least, _, others_most]) =
            (self.requests_per_connection, *requests_per_connection);
        self.requests_per_connection = [least.min(others_least), middle, most.max(others_most)];
        self.requests.add(requests);
        self.carried_over += carried_over;
        self.sent_in_window += sent_in_window;
        self.warmup_requests.add(warmup_requests);
        errors.iter().for_each(|(class, n)| *self.errors.entry(class.clone()).or_default() += n);
        status.iter().for_each(|(status, n)| *self.status.entry(*status).or_default() += n);
        self.answers_with_surplus += answers_with_surplus;
        self.bytes_received += bytes_received;
        let SendLag { total, late, no_connection } = send_lag;
        self.send_lag.total.merge(total);
        self.send_lag.late.merge(late);
        self.send_lag.no_connection.merge(no_connection);
        self.service_pauses.merge(service_pauses);
        self.over_time.merge(over_time);
        self.warmup.merge(warmup);
        self.most_in_flight += most_in_flight;
        self.mean_in_flight += mean_in_flight;
        self.at_the_edges_ns += at_the_edges_ns;
        self.unanswered_ns += unanswered_ns;
        self.threads += threads;
        self.thread_costs.extend(thread_costs);
        self.usage.add(usage);
        self.stolen = match (self.stolen, *stolen) {
            (Some(one), Some(other)) => Some(one.plus(other)),
            (one, other) => one.or(other),
        };
    }

    /// Returns `in_window` answers as a share of the requests due in the window. About 1 if a schedule is kept, because
    /// requests that end just after the window make up for those that began just before it.
    pub fn answered_share(&self, in_window: u64) -> f64 {
        in_window as f64 / self.due().max(1) as f64
    }
}

impl Requests {
    /// Adds other requests to these.
    pub fn add(&mut self, other: &Self) {
        let Self { planned, completed, failed, timed_out, unsent, unfinished, lost } = *other;
        self.planned += planned;
        self.completed += completed;
        self.failed += failed;
        self.timed_out += timed_out;
        self.unsent += unsent;
        self.unfinished += unfinished;
        self.lost += lost;
    }

    /// Returns whether the parts add up to `planned`.
    pub fn add_up(&self) -> bool {
        self.planned == self.outcomes()
    }

    /// Returns the sum of all outcomes.
    pub fn outcomes(&self) -> u64 {
        let Self { planned: _, completed, failed, timed_out, unsent, unfinished, lost } = *self;
        [completed, failed, timed_out, unsent, unfinished, lost].into_iter().fold(0, u64::saturating_add)
    }
}

fn sum(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.zip(other).map(|(one, other)| one + other).or(one).or(other)
}
