//! What a trial leaves behind, and the files that keep it.
//!
//! A run is a folder: [`run.json`](Run) says what was asked of which machine, and `trials.jsonl` holds one [`Record`] a
//! line behind a checksum, written as each trial ends. Every report is computed from these two alone. Whatever is read is
//! checked first: a line that is not as it was written, or a record that cannot be true, is an error.

mod ceiling;
mod failure;
mod file;
mod line;
mod load;
mod pass;
mod plausible;

use serde::{Deserialize, Serialize};

pub use ceiling::Ceiling;
pub use failure::Failure;
pub use file::{Folder, FolderError, RECORDS, RUN};
pub use load::{GeneratorThread, LoadRecord, Requests, SendLag};
pub use pass::Pass;

use crate::histogram::Histogram;
use crate::host::Host;
use crate::lanes::Lanes;
use crate::scenario::{CellId, CpusWanted, Machine, Model};
use crate::stats::Bound;
use crate::usage::{Footprint, Others, Stolen, Usage};

/// The version of both files. A reader refuses any other.
pub const SCHEMA: u32 = 9;

/// `run.json`: one call of `avt run`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When it began: UTC, RFC 3339, for people. No duration is ever computed from it.
    pub started: String,
    /// Whether it ran to its end.
    pub state: RunState,
    /// What the order of trials and every random choice were drawn from.
    pub seed: u64,
    /// Whether rounds are the scenarios' quick or full number, or a number given.
    pub rounds: String,
    /// The machine.
    pub host: Host,
    /// Iterations of the computing kernel this machine does in a second on one CPU.
    pub iterations_per_s: u64,
    /// Where that number comes from.
    pub calibration: CalibrationOrigin,
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
    pub judged: Option<RunTally>,
}

/// Where the calibration of a run comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationOrigin {
    /// It was measured before the run.
    #[default]
    New,
    /// It is that of an earlier run, so that jobs that compute are the same work in both.
    Kept {
        /// The folder of that run.
        run: String,
        /// What was measured before this run.
        measured_per_s: u64,
    },
    /// It was measured before the run, because the machine no longer computes as fast as in an earlier run.
    Changed {
        /// The folder of that run.
        run: String,
        /// Its iterations a second.
        kept_per_s: u64,
    },
}

/// What became of the trials of a run, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTally {
    /// Measured.
    pub measured: u64,
    /// Of these, the ones with a gate that makes them suspect.
    pub suspect: u64,
    /// And with one that makes them invalid.
    pub invalid: u64,
    /// Left no measurement, or no lanes, and not because the machine refused threads as their scenarios expect.
    pub failed: u64,
    /// Refused threads by the machine, as their scenarios expect. Files of versions that did not count them have no such
    /// number, and no such trials.
    #[serde(default)]
    pub refused: u64,
    /// Findings over the rounds of a cell, such as drift, that make them suspect.
    pub rounds_suspect: u64,
    /// Findings over the rounds of a cell that make them invalid.
    pub rounds_invalid: u64,
    /// Claims of the scenarios that were reproduced.
    pub claims_reproduced: u64,
    /// Claims that these rounds could not decide.
    pub claims_inconclusive: u64,
    /// Claims that were refuted.
    pub claims_refuted: u64,
    /// Of these, the claims that were refuted before, as their scenarios say; 0 in files from before they could say so.
    #[serde(default)]
    pub claims_refuted_again: u64,
}

/// How far a run has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
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

/// One line of `trials.jsonl`: one trial of one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The seed of the run it belongs to.
    pub run: u64,
    /// The cell it is a trial of.
    pub cell: CellId,
    /// Which of the cell's trials it is.
    pub pass: Pass,
    /// Its position in the run, from 1.
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
    /// How long a CPU quota has throttled the trial's control groups and those above them, nanoseconds.
    pub throttled_ns: Option<u64>,
    /// CPU time of this machine that its host gave to others during the trial.
    pub stolen: Option<Stolen>,
    /// How many CPUs the trial could have.
    pub cpus: u32,
    /// How many the scenario asks for; nothing where any number will do.
    pub cpus_wanted: Option<CpusWanted>,
    /// CPU time that the computing of all jobs takes, as measured before the first trial with every CPU computing,
    /// nanoseconds. Nothing of a load, and nothing of jobs that compute for less than 10 ms each, where what a model costs is
    /// a part of the CPU time.
    pub calibrated_ns: Option<u64>,
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
    pub heartbeat: Option<HeartbeatRecord>,
    /// What the process that ran the model used, from the start to the end.
    pub usage: Usage,
    /// What processes that do not belong to the trial used of the CPUs that the model could run on: of a server from the
    /// opening of its connections to the end of the window. Nothing where that is not known.
    pub others: Option<Others>,
    /// What its tokio runtime says of itself, a server's of the window; nothing where there is none.
    pub runtime: Option<RuntimeUsage>,
    /// The generator's side of an echo trial.
    pub load: Option<LoadRecord>,
    /// How much later than the generator's window the server's began and ended, nanoseconds; negative if earlier. The
    /// server measures its usage in its own window. `None` for jobs.
    pub server_window_ns: Option<(i64, i64)>,
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
pub struct HeartbeatRecord {
    /// From beat to beat as planned, nanoseconds.
    pub every_ns: u64,
    /// Beats that were made: all that were planned.
    pub beats: u32,
    /// The longest time between two beats that follow each other, nanoseconds.
    pub longest_gap_ns: u64,
}

impl RunTally {
    /// The claims that were refuted and had not been refuted before.
    pub fn refuted_anew(&self) -> u64 {
        self.claims_refuted.saturating_sub(self.claims_refuted_again)
    }
}

impl Run {
    /// How many times as long this machine takes to compute as when the calibration was measured that the run keeps.
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
    /// The number of the round, from 1; nothing of the trial whose lanes were recorded.
    pub fn round(&self) -> Option<u32> {
        self.pass.round()
    }
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

impl Measured {
    /// Jobs or requests completed per second of wall time.
    pub fn throughput(&self) -> f64 {
        self.jobs as f64 / (self.wall_ns.max(1) as f64 / 1e9)
    }
}
