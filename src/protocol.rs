//! What the runner and its trials say to each other: one JSON object a line, the spec down, replies up.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::lanes::Lanes;
use crate::record::{Failure, LoadRecord, Measured, RuntimeUsage, Series, Traced};
use crate::scenario::{Model, Work};
use crate::usage::Usage;

/// The first line a trial's process reads: everything it has to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialSpec {
    /// Who runs the jobs.
    pub model: Model,
    /// What they do.
    pub work: Work,
    /// How fast this machine computes, and what must come out.
    pub calibration: Calibration,
    /// What this process is in the trial.
    pub role: Role,
    /// CPUs it keeps to; empty for wherever the kernel puts it.
    pub cpus: Vec<usize>,
    /// What its random choices are drawn from.
    pub seed: u64,
    /// The process that started it, and with which it ends.
    pub parent: u32,
}

/// What a process is in its trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// All of it: runs the jobs of `sleep` or `offload`.
    Jobs {
        /// Whether what is wanted is its lanes and not a measurement.
        traced: bool,
    },
    /// The server of `echo`.
    Server {
        /// What it shows in every answer, so that no other server is measured in its place.
        nonce: String,
        /// Whether its lanes are wanted.
        traced: bool,
    },
    /// Starts the server of the scenario's `[server]`, and watches over it and its children.
    External {
        /// Said back when it is ready; such a server shows nothing of ours.
        nonce: String,
        /// Environment variables of the process, `PATH` and `HOME` among them: names, and values of any bytes.
        environment: Vec<(String, Vec<u8>)>,
    },
    /// A server that does nothing but answer, to see what the generator itself can do.
    NullServer {
        /// As above.
        nonce: String,
    },
    /// The load generator of `echo`.
    Generator {
        /// Where the server listens.
        server: SocketAddr,
        /// What the server must show, if it is one of ours.
        nonce: Option<String>,
        /// CPUs that the server may run on.
        server_cpus: Vec<usize>,
    },
}

/// Calibrated once per run: a computation is a number of iterations, never "until the clock says".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calibration {
    /// Iterations of the kernel a second on one CPU.
    pub iterations_per_s: u64,
    /// The checksum of each number of iterations that occurs.
    pub checksums: Vec<(u64, u64)>,
}

impl Calibration {
    /// How many iterations stand for this much computing; at least one for anything that is not nothing.
    pub fn iterations(&self, compute: Duration) -> u64 {
        let exact = compute.as_nanos() * u128::from(self.iterations_per_s) / 1_000_000_000;
        u64::try_from(exact).unwrap_or(u64::MAX).max(u64::from(!compute.is_zero()))
    }

    /// What so many iterations must give.
    pub fn checksum(&self, iterations: u64) -> Option<u64> {
        self.checksums.iter().find(|(known, _)| *known == iterations).map(|(_, checksum)| *checksum)
    }
}

/// A line a trial's process writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialReply {
    /// The server listens.
    Ready {
        /// On 127.0.0.1 and this port.
        port: u16,
        /// The nonce it was given: proof that this line is its own.
        nonce: String,
    },
    /// The generator's measured window begins now. The runner passes it on to the server as [`ServerOrder::Begin`].
    Begin,
    /// The generator's measured window ends now.
    End,
    /// The jobs are done.
    Done(Box<Measured>),
    /// The jobs are done, and their lanes recorded.
    Traced(Box<Traced>),
    /// What the server did in the window.
    Served(Box<Served>),
    /// What the generator did in the window.
    Generated(Box<Generated>),
    /// There will be no measurement.
    Failed(Failure),
}

/// A line the runner writes to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerOrder {
    /// The window begins.
    Begin,
    /// The window ends: tell what it cost.
    End,
}

/// The server's side of an echo trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// Different OS threads that ran any part of a request, since the server began.
    pub threads: u64,
    /// What the process used in the window.
    pub usage: Usage,
    /// What its tokio runtime counted in the window; nothing where there is none.
    pub runtime: Option<RuntimeUsage>,
    /// Its lanes in the window, if they were wanted.
    pub lanes: Option<Lanes>,
    /// When the measurement began and ended, nanoseconds of `CLOCK_MONOTONIC`, which is the same for every process of a
    /// machine.
    pub window_ns: (u64, u64),
}

/// The generator's side of an echo trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generated {
    /// When the measured window began, by the clock of [`Served`].
    pub begin_ns: u64,
    /// The measured window, nanoseconds.
    pub wall_ns: u64,
    /// Requests answered within it.
    pub requests_in_window: u64,
    /// The times of the requests, by kind.
    pub series: Vec<Series>,
    /// Everything else.
    pub load: LoadRecord,
}
