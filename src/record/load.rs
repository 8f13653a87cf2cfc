//! What a load generator leaves behind: every request of the window, and what the window cost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;
use crate::schedule::Pacing;
use crate::timeline::Timeline;
use crate::usage::{Stolen, Usage};

/// What the load generator did in the measured window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadRecord {
    /// The rate of the schedule, requests a second; nothing in a closed loop, which has none.
    pub offered_per_s: Option<f64>,
    /// How the schedule was kept; nothing in a closed loop.
    pub pacing: Option<Pacing>,
    /// Connections asked for.
    pub connections_asked: u32,
    /// Connections that were open when the clock started.
    pub connections_opened: u32,
    /// Connections that got no answer in the whole window, whenever their requests were sent: each lost a request, or waited
    /// for half of the window or more.
    pub connections_starved: u32,
    /// Requests of the connection that was asked least, of the one in the middle, and of the one asked most.
    pub requests_per_connection: [u64; 3],
    /// Every request of the window, by what became of it.
    pub requests: Requests,
    /// Those of them that were due before the window, and lasted through all of it.
    pub carried_over: u64,
    /// Those of them that were sent before the window ended.
    pub sent_in_window: u64,
    /// Requests of the warm-up that are left out, by what became of them. One that lasted through the whole window is not
    /// among them, but in `requests`.
    pub warmup_requests: Requests,
    /// What failed or timed out, by class, as `http1` and the generator name them.
    pub errors: BTreeMap<String, u64>,
    /// Answers by status code.
    pub status: BTreeMap<u16, u64>,
    /// Answers that were followed by unrequested bytes, as far as the client can detect: only `raw` can. Their
    /// connections were closed.
    #[serde(default)]
    pub answers_with_surplus: u64,
    /// Bytes received, as far as the client tells: head and body by `raw`, bodies alone by `reqwest`.
    pub bytes_received: u64,
    /// From when a request was due until it was sent.
    pub send_lag: SendLag,
    /// How much of each service time the generator itself stood still, of all that were answered.
    pub service_pauses: Histogram,
    /// Response times by when the requests were due, from the beginning of the window on; the lower bounds of those that
    /// were never answered among them.
    pub over_time: Timeline,
    /// Response times of the warm-up before it, from its own beginning on: in no other figure.
    pub warmup: Timeline,
    /// The most requests that were under way, the sum of what each thread had at its most.
    pub most_in_flight: u64,
    /// Requests that were under way on a connection, on the average over the window.
    pub mean_in_flight: f64,
    /// Service times, less the time that all requests were under way within the window, nanoseconds: what stands between
    /// service times and `mean_in_flight`.
    pub at_the_edges_ns: i64,
    /// How long requests that got no answer were under way within the window, nanoseconds.
    pub unanswered_ns: u64,
    /// Generator threads.
    pub threads: u32,
    /// What the window cost each of them.
    pub thread_costs: Vec<GeneratorThread>,
    /// What the generator's process used in the window.
    pub usage: Usage,
    /// CPU time of this machine that its host gave to others in the window; nothing where the kernel does not count it.
    pub stolen: Option<Stolen>,
    /// CPUs that the server and the generator could run on: the same where neither was pinned.
    pub cpus: (Vec<usize>, Vec<usize>),
}

/// From when a request was due until it was sent, of all that were answered: nothing else of a response time than this
/// is not the server's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SendLag {
    /// All of it.
    pub total: Histogram,
    /// It was its turn, a connection was free, and the generator was late; or the generator stood still: the error of the
    /// pacing.
    pub late: Histogram,
    /// No connection was free, or it had to be opened again.
    pub no_connection: Histogram,
}

/// What a window cost one generator thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratorThread {
    /// Time on a CPU, nanoseconds; nothing where the kernel does not tell.
    pub ran_ns: Option<u64>,
    /// Time it was ready to run and waited for a CPU, nanoseconds.
    pub waited_ns: Option<u64>,
    /// Time it spent looking at the clock until a request was due, nanoseconds: on the CPU, but free for an answer.
    pub spun_ns: u64,
    /// Time for which hybrid pacing kept to the timer alone, nanoseconds, because looking at the clock had cost it its CPU.
    pub timer_only_ns: u64,
    /// How often it stood still for 200 us or longer, from the beginning of the window to the end of the drain.
    pub pauses: u64,
    /// For how long within the window, nanoseconds.
    pub paused_ns: u64,
    /// The longest of these pauses, nanoseconds.
    pub longest_pause_ns: u64,
}

/// What became of every request. The parts always add up to `planned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// All of them.
    pub planned: u64,
    /// Answered, whatever the status.
    pub completed: u64,
    /// Ended by a transport error.
    pub failed: u64,
    /// Given up after the time-out.
    pub timed_out: u64,
    /// Due but never sent.
    pub unsent: u64,
    /// Still under way when the drain ended.
    pub unfinished: u64,
}

impl LoadRecord {
    /// Requests that were due in the window.
    pub fn due(&self) -> u64 {
        self.requests.planned - self.carried_over
    }

    /// So many answers within the window by the requests that were due in it; of a schedule that is kept about 1, as what
    /// ends just after the window stands for what began just before it.
    pub fn answered_share(&self, in_window: u64) -> f64 {
        in_window as f64 / self.due().max(1) as f64
    }
}

impl Requests {
    /// Adds others to these.
    pub fn add(&mut self, other: &Self) {
        let Self { planned, completed, failed, timed_out, unsent, unfinished } = *other;
        self.planned += planned;
        self.completed += completed;
        self.failed += failed;
        self.timed_out += timed_out;
        self.unsent += unsent;
        self.unfinished += unfinished;
    }

    /// Whether nothing was lost.
    pub fn add_up(&self) -> bool {
        self.planned == self.completed + self.failed + self.timed_out + self.unsent + self.unfinished
    }
}
