//! What a trial leaves behind, and the files that keep it.
//!
//! A run is a folder: [`run.json`](Run) says what was asked of which machine, and `trials.jsonl` holds one [`Record`] a
//! line, written as each trial ends. Every report is computed from these two alone.

mod ceiling;
mod failure;
mod file;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use ceiling::Ceiling;
pub use failure::Failure;
pub use file::{Folder, FolderError, RECORDS, RUN};

use crate::histogram::Histogram;
use crate::host::Host;
use crate::lanes::Lanes;
use crate::scenario::{CpusWanted, Machine, Model};
use crate::schedule::Pacing;
use crate::stats::Bound;
use crate::timeline::Timeline;
use crate::usage::{Footprint, Others, Usage};

/// The version of both files. A reader refuses any other.
pub const SCHEMA: u32 = 6;

/// `run.json`: one call of `avt run`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When it began: UTC, RFC 3339, for people. No duration is ever computed from it.
    pub started: String,
    /// Whether it ran to its end.
    pub state: State,
    /// What the order of trials and every random choice were drawn from.
    pub seed: u64,
    /// Whether rounds are the scenarios' quick or full number, or a number given.
    pub rounds: String,
    /// The machine.
    pub host: Host,
    /// Iterations of the computing kernel this machine does in a second on one CPU.
    pub iterations_per_s: u64,
    /// How much this machine computes at once, and as few of its CPUs as a scenario pins to; what arithmetic expects
    /// rests on it.
    pub parallel: Machine,
    /// What the load generator can do here, for each kind of load in the run; empty where there is none.
    pub ceilings: Vec<Ceiling>,
    /// The scenarios, in the order of the report.
    pub scenarios: Vec<Source>,
    /// The only models that were run of them; all where there is none.
    pub models: Vec<Model>,
    /// How many trials were planned.
    pub trials_planned: u64,
    /// What became of them; nothing before the run has ended.
    pub judged: Option<Judged>,
}

/// What became of the trials of a run, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Measured.
    pub measured: u64,
    /// Of these, the ones with a gate that makes them suspect.
    pub suspect: u64,
    /// And with one that makes them invalid.
    pub invalid: u64,
    /// Left no measurement, or no lanes.
    pub failed: u64,
    /// Claims of the scenarios that were reproduced.
    pub claims_reproduced: u64,
    /// Claims that these rounds could not decide.
    pub claims_inconclusive: u64,
    /// Claims that were refuted.
    pub claims_refuted: u64,
}

/// How far a run has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Still going, or cut off without a word.
    Running,
    /// Every trial was done.
    Complete,
    /// Ended early, and by what: a signal's name.
    Partial(String),
}

/// A scenario as it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its label.
    pub name: String,
    /// How it was named on the command line: the same, or a file.
    pub given: String,
    /// The TOML, byte for byte.
    pub toml: String,
}

/// One line of `trials.jsonl`: one cell in one round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The seed of the run it belongs to.
    pub run: u64,
    /// The scenario's name.
    pub scenario: String,
    /// The point of its sweep; empty where nothing is swept.
    pub point: String,
    /// Who ran the jobs.
    pub model: Model,
    /// Whether it was the second of two cells of this model, whose difference is noise.
    pub again: bool,
    /// Which round, from 1; 0 for the trial whose lanes were recorded.
    pub round: u32,
    /// Which trial of the run, from 1, in the order they were run.
    pub order: u64,
    /// The seed of the trial's own random choices, the same for all trials of a round.
    pub seed: u64,
    /// What the machine was like meanwhile.
    pub conditions: Conditions,
    /// What came of it.
    pub outcome: Outcome,
}

/// What the machine was like around a trial. What a kernel does not tell is `None`, never 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// How long a fixed piece of work took just before the trial, nanoseconds: the canary.
    pub canary_ns: u64,
    /// How long of that its thread was ready and waited for a CPU, nanoseconds.
    pub canary_waited_ns: Option<u64>,
    /// The share of the trial's time in which some task of the machine was ready and had no CPU (PSI).
    pub pressure: Option<f64>,
    /// How long the trial's control group was held back by a quota of CPU time, nanoseconds.
    pub throttled_ns: Option<u64>,
    /// The share of all CPU time of this machine that its host gave to others during the trial.
    pub steal: Option<f64>,
    /// How many CPUs the trial could have.
    pub cpus: u32,
    /// How many the scenario asks for; nothing where any number will do.
    pub cpus_wanted: Option<CpusWanted>,
}

/// A measurement, or the reason there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ran to its end and its checks hold.
    Measured(Box<Measured>),
    /// The lanes of its threads were recorded, and nothing was measured.
    Traced(Box<Traced>),
    /// It did not.
    Failed(Failure),
}

/// What was recorded of one trial beside the measured ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traced {
    /// How many CPUs its process could run on.
    pub cpus: u32,
    /// From the start until the last job was done, nanoseconds: what recording costs is seen beside the measured trials.
    pub wall_ns: u64,
    /// Jobs or requests completed in that time.
    pub jobs: u64,
    /// CPU time of the process that ran the model, nanoseconds.
    pub cpu_ns: u64,
    /// The lanes.
    pub lanes: Lanes,
    /// What the process held at its most beyond what it held before, while its jobs waited; of a pass that was not
    /// recorded. Nothing where jobs do not wait, or the kernel does not tell.
    pub footprint: Option<Footprint>,
}

/// What one trial measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// From the start until the last job was done; for echo the measured window. Nanoseconds.
    pub wall_ns: u64,
    /// Jobs or requests completed in that time.
    pub jobs: u64,
    /// Different OS threads that ran any part of a job.
    pub threads: u64,
    /// The most jobs or requests that were begun and not done at one instant; of requests what the generator's threads
    /// had under way, each at its own most.
    pub most_in_flight: u64,
    /// The distributions of times; the first is the headline.
    pub series: Vec<Series>,
    /// How the heartbeat fared, if there was one.
    pub heartbeat: Option<Heartbeat>,
    /// What the process that ran the model used, from the start to the end.
    pub usage: Usage,
    /// What processes that do not belong to the trial used of the CPUs that the model could run on: of a server from the
    /// opening of its connections to the end of the window. Nothing where that is not known.
    pub others: Option<Others>,
    /// What its tokio runtime says of itself, a server's of the window; nothing where there is none.
    pub runtime: Option<RuntimeUsage>,
    /// The generator's side of an echo trial.
    pub load: Option<LoadRecord>,
}

/// What a tokio runtime counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeUsage {
    /// Its workers.
    pub workers: u32,
    /// How long they were busy, all of them together, nanoseconds.
    pub busy_ns: u64,
    /// How often one of them went to sleep.
    pub parks: u64,
}

/// The times of one kind of job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// `jobs`, `beats`, `requests`, `heavy requests`.
    pub name: String,
    /// From when a job was due until it was done.
    pub response_time: Histogram,
    /// From when it was begun until it was done.
    pub service_time: Histogram,
    /// Of the response times, those of which the load generator itself stood still for half or more; empty for jobs.
    pub paused_response_time: Histogram,
    /// The shortest time in `response_time` that is only a lower bound, of a job that never finished, in nanoseconds:
    /// percentiles from there on are `>=`. Nothing when every job finished.
    pub lower_bound_from_ns: Option<u64>,
}

/// How a heartbeat fared beside the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// From beat to beat as planned, nanoseconds.
    pub every_ns: u64,
    /// Beats that were made: all that were planned.
    pub beats: u32,
    /// The longest time between two beats that follow each other, nanoseconds.
    pub longest_gap_ns: u64,
}

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
    /// Those of them that were sent before the window ended.
    pub sent_in_window: u64,
    /// Requests of the warm-up that are left out, by what became of them. One that lasted through the whole window is not
    /// among them, but in `requests`.
    pub warmup_requests: Requests,
    /// What failed or timed out, by class, as `http1` and the generator name them.
    pub errors: BTreeMap<String, u64>,
    /// Answers by status code.
    pub status: BTreeMap<u16, u64>,
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
    /// The share of all CPU time of this machine that its host gave to others meanwhile; nothing where it is not told.
    pub steal: Option<f64>,
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
    /// For how long, nanoseconds.
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

impl RuntimeUsage {
    /// What was counted since then.
    pub fn since(self, earlier: Self) -> Self {
        let Self { workers, busy_ns, parks } = self;
        Self { workers, busy_ns: busy_ns - earlier.busy_ns, parks: parks - earlier.parks }
    }
}

impl Series {
    /// The response time that this share (0 to 1) of the requests had at most, nanoseconds, and whether that rests on
    /// requests that never got their answer. Nothing where fewer than ten lie beyond it, unless none was answered: then each
    /// of them waited for that long at least, however few they are.
    pub fn response_quantile(&self, share: f64) -> Option<(u64, Bound)> {
        let nothing_answered = || self.service_time.is_empty().then(|| self.response_time.quantile(share)).flatten();
        let time = self.response_time.credible_quantile(share).or_else(nothing_answered)?;
        let is_bound = self.lower_bound_from_ns.is_some_and(|bound| time >= bound);
        Some((time, if is_bound { Bound::AtLeast } else { Bound::Exact }))
    }

    /// Times of jobs that all finished, and that no load generator had a part in.
    pub fn of_jobs(name: &str, response_time: Histogram, service_time: Histogram) -> Self {
        Self {
            name: name.to_owned(),
            response_time,
            service_time,
            paused_response_time: Histogram::default(),
            lower_bound_from_ns: None,
        }
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

impl Measured {
    /// Jobs or requests completed per second of wall time.
    pub fn throughput(&self) -> f64 {
        self.jobs as f64 / (self.wall_ns.max(1) as f64 / 1e9)
    }
}
