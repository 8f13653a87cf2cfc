//! The records of trials, and the files that hold them.
//!
//! A run is a folder: [`run.json`](Run) describes the run and its machine, and `trials.jsonl` holds one [`Record`] per
//! line behind a checksum, written as each trial ends. Every report is computed from these two files alone. Everything
//! is checked when it is read: a damaged line or an implausible record is an error.

mod ceiling;
mod failure;
mod file;
mod line;
mod load;
mod pass;
mod plausible;
#[cfg(feature = "cli")]
mod shard;

use serde::{Deserialize, Serialize};

pub use ceiling::Ceiling;
pub use failure::Failure;
pub use file::{Folder, FolderError, RECORDS, RUN};
pub use load::{GeneratorThread, LoadRecord, Requests, SendLag};
pub use pass::Pass;
#[cfg(feature = "cli")]
pub use shard::{
    PlannedLoad, SHARD_SCHEMA, ShardBegin, ShardEnd, ShardEvent, ShardFile, ShardFileError, ShardLine, ShardReader,
    ShardRecord, ShardRefused, ShardSecond, ShardSeconds, checksum,
};

use crate::histogram::Histogram;
use crate::host::Host;
use crate::lanes::Lanes;
use crate::scenario::{CellId, CpusWanted, Machine, Model};
use crate::schedule::Shard;
use crate::stats::Bound;
use crate::usage::{Footprint, Others, Stolen, Usage};

/// The version of both files. A reader refuses any other version.
pub const SCHEMA: u32 = 11;

/// `run.json`: one call of `avt run`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The time the run began: UTC, RFC 3339, for people. No duration is ever computed from it.
    pub started: String,
    /// Whether the run went to its end.
    pub state: RunState,
    /// The seed of the order of trials and of every random choice.
    pub seed: u64,
    /// The number of rounds: the scenarios' quick or full number, or a given number.
    pub rounds: String,
    /// The part of the rounds that this run holds; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// The machine.
    pub host: Host,
    /// Iterations of the compute kernel per second on one CPU of this machine.
    pub iterations_per_s: u64,
    /// Where the calibration comes from.
    pub calibration: CalibrationOrigin,
    /// How much this machine computes in parallel, on all CPUs and on each number that a scenario pins to; the expected
    /// times rest on it.
    pub parallel: Machine,
    /// The load generator's ceiling for each kind of load in the run; empty without a load.
    pub ceilings: Vec<Ceiling>,
    /// The scenarios, in the order of the report.
    pub scenarios: Vec<Source>,
    /// The models that the scenarios were restricted to; empty for all.
    pub models: Vec<Model>,
    /// The scenarios that were requested and cannot be measured on this machine.
    pub skipped: Vec<Skipped>,
    /// The number of planned trials.
    pub trials_planned: u64,
    /// The outcomes of the trials in numbers; `None` before the run has ended.
    pub judged: Option<RunTally>,
}

/// A scenario that was not measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The name of the scenario.
    pub scenario: String,
    /// The reason, as a sentence without its full stop.
    pub why: String,
}

/// Where the calibration of a run comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationOrigin {
    /// The calibration was measured before the run.
    #[default]
    New,
    /// The calibration is that of an earlier run, so that computing jobs do the same work in both.
    Kept {
        /// The folder of the earlier run.
        run: String,
        /// Iterations per second as measured before this run.
        measured_per_s: u64,
    },
    /// The calibration was measured before the run because the machine's speed has changed since an earlier run.
    Changed {
        /// The folder of the earlier run.
        run: String,
        /// Iterations per second in the earlier run.
        kept_per_s: u64,
    },
}

/// The outcomes of a run's trials and claims, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTally {
    /// Measured trials.
    pub measured: u64,
    /// Measured trials with a finding that makes them suspect.
    pub suspect: u64,
    /// Measured trials with a finding that makes them invalid.
    pub invalid: u64,
    /// Trials without a measurement, or without lanes, except those counted in `refused`.
    pub failed: u64,
    /// Trials that the machine refused threads, as their scenarios expect. Files of earlier versions lack this number,
    /// and had no such trials.
    #[serde(default)]
    pub refused: u64,
    /// Findings over the rounds of a cell, such as drift, that make the rounds suspect.
    pub rounds_suspect: u64,
    /// Findings over the rounds of a cell that make the rounds invalid.
    pub rounds_invalid: u64,
    /// Claims of the scenarios that were reproduced.
    pub claims_reproduced: u64,
    /// Claims that these rounds could not decide.
    pub claims_inconclusive: u64,
    /// Claims that were refuted.
    pub claims_refuted: u64,
    /// Refuted claims that were refuted before, as their scenarios record; 0 in files of versions that could not record
    /// it.
    #[serde(default)]
    pub claims_refuted_again: u64,
}

/// The progress of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Still running, or cut off without notice.
    Running,
    /// Every trial was done.
    Complete,
    /// Ended early by a signal, given by its name.
    Partial(String),
}

/// A scenario as it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The scenario's name.
    pub name: String,
    /// The name given on the command line: the scenario's name, or a file.
    pub given: String,
    /// The TOML text, byte for byte.
    pub toml: String,
}

/// One line of `trials.jsonl`: one trial of one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The seed of the run.
    pub run: u64,
    /// The cell that was measured.
    pub cell: CellId,
    /// The kind of pass, with its position among the cell's trials.
    pub pass: Pass,
    /// The trial's position in the run, from 1.
    pub order: u64,
    /// The seed of the trial's own random choices, the same for all trials of a round.
    pub seed: u64,
    /// The conditions of the machine during the trial.
    pub conditions: Conditions,
    /// The outcome of the trial.
    pub outcome: Outcome,
}

/// The conditions of the machine during a trial. A value that the kernel does not report is `None`, never 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// The time for which a CPU quota throttled the trial's control groups and those above them, nanoseconds.
    pub throttled_ns: Option<u64>,
    /// CPU time of this machine that its host gave to others during the trial.
    pub stolen: Option<Stolen>,
    /// The number of CPUs the trial could use.
    pub cpus: u32,
    /// The number of CPUs the scenario requests; `None` if any number will do.
    pub cpus_wanted: Option<CpusWanted>,
    /// CPU time that computing takes for all jobs, nanoseconds, as measured before the first trial with every CPU
    /// computing. `None` for a load, and for jobs that compute for less than 10 ms each, where the cost of the model is
    /// a notable part of the CPU time.
    pub calibrated_ns: Option<u64>,
}

/// A measurement, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The trial ran to its end and its checks hold.
    Measured(Box<Measured>),
    /// The lanes of the trial's threads were recorded, and nothing was measured.
    Traced(Box<Traced>),
    /// The trial failed.
    Failed(Failure),
}

/// The recording of the one trial beside the measured ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traced {
    /// The number of CPUs the trial's process could run on.
    pub cpus: u32,
    /// The time from the start until the last job was done, nanoseconds. Comparing it with measured trials shows the
    /// cost of recording.
    pub wall_ns: u64,
    /// Jobs or requests completed in that time.
    pub jobs: u64,
    /// CPU time of the process that ran the model, nanoseconds.
    pub cpu_ns: u64,
    /// The lanes.
    pub lanes: Lanes,
    /// The peak memory of the process while its jobs waited, less what it held before; from a pass without a recording.
    /// `None` if jobs do not wait, or the kernel does not report it.
    pub footprint: Option<Footprint>,
}

/// The measurement of one trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The time from the start until the last job was done; for echo the measured window. Nanoseconds.
    pub wall_ns: u64,
    /// Jobs or requests completed in that time.
    pub jobs: u64,
    /// Different OS threads that ran any part of a job.
    pub threads: u64,
    /// The largest number of jobs begun and not done at one instant; for requests, the sum of each generator thread's
    /// own maximum.
    pub most_in_flight: u64,
    /// The distributions of times; the first is the headline.
    pub series: Vec<Series>,
    /// The result of the heartbeat, if there was one.
    pub heartbeat: Option<HeartbeatRecord>,
    /// The resources used by the process that ran the model, from the start to the end.
    pub usage: Usage,
    /// The use of the model's CPUs by processes outside of the trial; for a server from the opening of its connections
    /// to the end of the window. `None` if it is unknown.
    pub others: Option<Others>,
    /// The counters of the tokio runtime; for a server those of the window. `None` without a runtime.
    pub runtime: Option<RuntimeUsage>,
    /// The work of each core of a server with a runtime per core, since it began; empty for other models and for jobs.
    pub cores: Vec<CoreUsage>,
    /// The waits for what jobs or requests share.
    pub waits: Waits,
    /// The time for which the scenario's CPU limit stopped the process that ran the model, summed over the CPUs that it
    /// was stopped on, nanoseconds; `None` without a limit.
    pub throttled_ns: Option<u64>,
    /// The generator's side of an echo trial.
    pub load: Option<LoadRecord>,
    /// How much later the server's window started and ended than the generator's, nanoseconds; negative if earlier. The
    /// server measures its usage in its own window. `None` for jobs.
    pub server_window_ns: Option<(i64, i64)>,
}

/// The counters of a tokio runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeUsage {
    /// The number of workers.
    pub workers: u32,
    /// The time that workers were busy, summed, nanoseconds.
    pub busy_ns: u64,
    /// The number of times a worker went to sleep.
    pub parks: u64,
}

/// The times that jobs or requests waited for something that they share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Waits {
    /// From the hand-over of a step to the model's pool until a thread began it; `None` without such a queue.
    pub queue: Option<Histogram>,
    /// From the request for a permit until the job had one; `None` if their number is not limited.
    pub permit: Option<Histogram>,
}

/// The work of one core of a model with a runtime per core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoreUsage {
    /// The number of requests that the core answered.
    pub requests: u64,
    /// The largest number of its connections at the same time: the longest queue that one thread serves.
    pub most_connections: u64,
}

/// The times of one kind of job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The name: `jobs`, `beats`, `requests`, `heavy requests`.
    pub name: String,
    /// The times from when a job was due until it was done.
    pub response_time: Histogram,
    /// The times from when a job was begun until it was done.
    pub service_time: Histogram,
    /// The response times of which the load generator itself was stalled for half or more; empty for jobs.
    pub paused_response_time: Histogram,
    /// The shortest time in `response_time` that is only a lower bound, of a job that never finished, in nanoseconds:
    /// percentiles from there on are `>=`. `None` if every job finished.
    pub lower_bound_from_ns: Option<u64>,
}

/// The result of a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeartbeatRecord {
    /// The planned interval between beats, nanoseconds.
    pub every_ns: u64,
    /// The number of beats, all of which were made.
    pub beats: u32,
    /// The longest time between two successive beats, nanoseconds.
    pub longest_gap_ns: u64,
}

impl RunTally {
    /// Returns the number of claims that were refuted for the first time.
    pub fn refuted_anew(&self) -> u64 {
        self.claims_refuted.saturating_sub(self.claims_refuted_again)
    }
}

impl Run {
    /// Returns the time this machine takes to compute, as a multiple of the time at the calibration that the run keeps.
    pub fn slowness(&self) -> f64 {
        match self.calibration {
            CalibrationOrigin::New | CalibrationOrigin::Changed { .. } => 1.0,
            CalibrationOrigin::Kept { measured_per_s, .. } => {
                self.iterations_per_s as f64 / measured_per_s.max(1) as f64
            }
        }
    }
}

impl Record {
    /// Returns the number of the round, from 1; `None` for the trial whose lanes were recorded.
    pub fn round(&self) -> Option<u32> {
        self.pass.round()
    }
}

impl RuntimeUsage {
    /// Returns the counts since `earlier`.
    pub fn since(self, earlier: Self) -> Self {
        let Self { workers, busy_ns, parks } = self;
        Self { workers, busy_ns: busy_ns - earlier.busy_ns, parks: parks - earlier.parks }
    }
}

impl Series {
    /// Returns a quantile (0 to 1) of the response time, nanoseconds, and whether it is only a lower bound because of
    /// requests without an answer. Returns `None` if fewer than ten times lie beyond it, unless no request was
    /// answered: then even a few show that each waited for at least that long.
    pub fn response_quantile(&self, share: f64) -> Option<(u64, Bound)> {
        let nothing_answered = || self.service_time.is_empty().then(|| self.response_time.quantile(share)).flatten();
        let time = self.response_time.credible_quantile(share).or_else(nothing_answered)?;
        let is_bound = self.lower_bound_from_ns.is_some_and(|bound| time >= bound);
        Some((time, if is_bound { Bound::AtLeast } else { Bound::Exact }))
    }

    /// Builds the times of jobs that all finished, without a load generator.
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

impl Measured {
    /// Returns the jobs or requests completed per second of wall time.
    pub fn throughput(&self) -> f64 {
        self.jobs as f64 / (self.wall_ns.max(1) as f64 / 1e9)
    }
}
