//! The protocol of the runner and its trials: one JSON object per line, the spec down, replies up.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::lanes::Lanes;
use crate::record::{CoreUsage, Failure, LoadRecord, Measured, RuntimeUsage, Series, Traced, Waits};
use crate::scenario::{Model, Work};
use crate::usage::Usage;

/// The first line that a trial's process reads: everything it needs to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialSpec {
    /// The model that runs the jobs.
    pub model: Model,
    /// The work of the jobs.
    pub work: Work,
    /// The speed of this machine, and the checksums to expect.
    pub calibration: Calibration,
    /// The role of this process in the trial.
    pub role: Role,
    /// The CPUs the process is pinned to; empty for any.
    pub cpus: Vec<usize>,
    /// The seed of the process's random choices.
    pub seed: u64,
    /// The process id of the parent, with which the process ends.
    pub parent: u32,
}

/// The role of a process in its trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the jobs of `sleep` or `offload`, in the trial's only process.
    Jobs {
        /// Whether to record lanes instead of measuring.
        traced: bool,
    },
    /// The server of `echo`.
    Server {
        /// A value that every answer must show, so that no other server is measured in its place.
        nonce: String,
        /// Whether to record lanes.
        traced: bool,
    },
    /// Starts the server of the scenario's `[server]`, and watches it and its children.
    External {
        /// A value to repeat in the `Ready` reply; the answers of an external server do not show it.
        nonce: String,
        /// Environment variables of the server, including `PATH` and `HOME`: names, and values of any bytes.
        environment: Vec<(String, Vec<u8>)>,
    },
    /// A server that only answers, to measure the generator's own limits.
    NullServer {
        /// A value that every answer must show.
        nonce: String,
    },
    /// The load generator of `echo`.
    Generator {
        /// The address of the server.
        server: SocketAddr,
        /// The nonce that the server must show; `None` for an external server.
        nonce: Option<String>,
        /// The CPUs that the server may run on.
        server_cpus: Vec<usize>,
    },
}

/// The calibration of a run: a computation is a number of iterations, never "until the clock shows".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calibration {
    /// Iterations of the compute kernel per second on one CPU.
    pub iterations_per_s: u64,
    /// Numbers of iterations that occur in the run, each with its checksum.
    pub checksums: Vec<(u64, u64)>,
}

impl Calibration {
    /// Returns the number of iterations for this much computing; at least one unless `compute` is zero.
    pub fn iterations(&self, compute: Duration) -> u64 {
        let exact = compute.as_nanos() * u128::from(self.iterations_per_s) / 1_000_000_000;
        u64::try_from(exact).unwrap_or(u64::MAX).max(u64::from(!compute.is_zero()))
    }

    /// Returns the expected checksum of this number of iterations, if it is known.
    pub fn checksum(&self, iterations: u64) -> Option<u64> {
        self.checksums.iter().find(|(known, _)| *known == iterations).map(|(_, checksum)| *checksum)
    }
}

/// A line that a trial's process writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialReply {
    /// The server listens.
    Ready {
        /// The port on 127.0.0.1.
        port: u16,
        /// The nonce from the spec: proof that this line is the server's own.
        nonce: String,
    },
    /// The generator's measured window begins now. The runner sends the server [`ServerOrder::Begin`].
    Begin,
    /// The generator's measured window ends now.
    End,
    /// The checksums of a user's own jobs, in their order; sent before `Done`.
    Checksums(Vec<u64>),
    /// The jobs are done.
    Done(Box<Measured>),
    /// The jobs are done and their lanes recorded.
    Traced(Box<Traced>),
    /// The server's result for the window.
    Served(Box<Served>),
    /// The generator's result for the window.
    Generated(Box<Generated>),
    /// The trial failed and has no measurement.
    Failed(Failure),
}

/// A line that the runner writes to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerOrder {
    /// The window begins.
    Begin,
    /// The window ends: report what it cost.
    End,
}

/// The server's side of an echo trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Served {
    /// Different OS threads that ran any part of a request since the server began.
    pub threads: u64,
    /// The resources that the process used in the window.
    pub usage: Usage,
    /// The counters of the server's tokio runtime in the window; `None` without a runtime.
    pub runtime: Option<RuntimeUsage>,
    /// The work of each core of a model with a runtime per core; empty for the others.
    pub cores: Vec<CoreUsage>,
    /// The waits for the model's pool and for permits in the window.
    pub waits: Waits,
    /// The server's lanes in the window, if they were requested.
    pub lanes: Option<Lanes>,
    /// The start and end of the measurement, nanoseconds of `CLOCK_MONOTONIC`, which all processes of a machine share.
    pub window_ns: (u64, u64),
}

/// The generator's side of an echo trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generated {
    /// The start of the measured window, by the clock of [`Served`].
    pub begin_ns: u64,
    /// The length of the measured window, nanoseconds.
    pub wall_ns: u64,
    /// Requests answered within the window.
    pub requests_in_window: u64,
    /// The times of the requests, by kind.
    pub series: Vec<Series>,
    /// The remaining figures of the load.
    pub load: LoadRecord,
}
