//! The record of one shard of a load: a file of lines, written while the load runs.
//!
//! The first line holds the plan of the whole load, the machine and its clocks. A line a second follows, and at the end
//! a line with all results. Each line names its shard, so that lines of several shards may stand in one stream, and has
//! a checksum, as those of `trials.jsonl`. A file without a last line belongs to a shard that was killed: what it has
//! measured up to then is in its seconds.
//!
//! Nothing is renamed, locked or written twice: network and object file systems support no more than appending.

mod read;
mod write;

use serde::{Deserialize, Serialize};

use super::{LoadRecord, Requests, Series};
use crate::histogram::Histogram;
use crate::host::{Host, MachineClocks};
use crate::scenario::{ArrivalSpec, ClientKind};
use crate::schedule::Shard;

pub use read::{ShardFileError, ShardReader, ShardRecord, ShardSeconds};
pub use write::ShardFile;

/// The version of the lines. A reader refuses any other version.
pub const SHARD_SCHEMA: u32 = 1;

/// A line of a shard's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShardLine {
    /// [`SHARD_SCHEMA`].
    pub avt_load_shard: u32,
    /// The shard.
    pub shard: Shard,
    /// The [`hash`](PlannedLoad::hash) of the plan.
    pub plan: String,
    /// A text that distinguishes two attempts at the same shard.
    pub attempt: String,
    /// What happened.
    pub event: ShardEvent,
}

/// What a line of a shard's record holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShardEvent {
    /// The first line: before any connection is opened.
    Begin(Box<ShardBegin>),
    /// The requests that ended in one second of the window or of the drain.
    Second(Box<ShardSecond>),
    /// The last line of a shard that sent no request.
    Refused(ShardRefused),
    /// The last line of a shard that was measured.
    End(Box<ShardEnd>),
}

/// The plan and the machine of a shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShardBegin {
    /// The plan of the whole load.
    pub plan: PlannedLoad,
    /// The command line.
    pub command: String,
    /// When the shard's process was ready to open connections: UTC, RFC 3339, for people.
    pub ready: String,
    /// The machine.
    pub host: Host,
    /// The machine's clocks.
    pub clock: MachineClocks,
    /// The launcher that set the number of the shard; `None` if the command line did.
    pub launcher: Option<String>,
}

/// The plan of a whole load: every shard has the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedLoad {
    /// The URLs.
    pub urls: Vec<String>,
    /// The Unix socket that is connected to instead of the URL's host.
    pub unix_socket: Option<String>,
    /// The request targets, one for each URL.
    pub targets: Vec<String>,
    /// The method of the requests.
    pub method: String,
    /// The names of the additional header fields. Their values may be secret.
    pub headers: Vec<String>,
    /// The checksum of the header fields and the body.
    pub content: String,
    /// The client.
    pub client: ClientKind,
    /// The number of connections of all shards together.
    pub connections: u32,
    /// The length of the warm-up, nanoseconds.
    pub warmup_ns: u64,
    /// The length of the window, nanoseconds; `None` if a number of requests ends it.
    pub window_ns: Option<u64>,
    /// The number of requests of all shards together that ends the window.
    pub requests: Option<u64>,
    /// The rule by which requests are due; the rate is that of all shards together.
    pub arrival: ArrivalSpec,
    /// The time-out of a request, nanoseconds.
    pub timeout_ns: u64,
    /// The longest wait for responses after the window, nanoseconds.
    pub drain_ns: u64,
    /// The seed of the schedule.
    pub seed: u64,
    /// When the load starts: UTC, RFC 3339; `None` if each shard starts once it is ready.
    pub start_at: Option<String>,
    /// The number of shards.
    pub shards: u32,
}

impl PlannedLoad {
    /// Returns a checksum of the plan, in eight hexadecimal digits.
    pub fn hash(&self) -> String {
        checksum(&serde_json::to_vec(self).expect("a plan is plain data"))
    }

    /// Returns the fields in which two plans differ, each with both values: `seed: 7 and 8`.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let fields = |plan: &Self| match serde_json::to_value(plan).expect("a plan is plain data") {
            serde_json::Value::Object(fields) => fields,
            _ => unreachable!("a struct is an object"),
        };
        let (own, others) = (fields(self), fields(other));
        let differing = own.iter().zip(others.values()).filter(|((_, own), other)| own != other);
        differing.map(|((name, own), other)| format!("{name}: {own} and {other}")).collect()
    }
}

/// Returns the CRC-32 of these bytes, in eight hexadecimal digits: it finds an accident, not an attack.
pub fn checksum(bytes: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(bytes))
}

/// The requests that ended in one second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShardSecond {
    /// The position of the second in the load, from 0.
    pub second: u64,
    /// The requests, by outcome; `planned` is 0, as it is known only at the end.
    pub requests: Requests,
    /// The response times of the requests.
    pub response_time: Histogram,
    /// The service times of the requests.
    pub service_time: Histogram,
}

/// The reason why a shard sent no request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardRefused {
    /// How late the shard was ready, if that is the reason, nanoseconds.
    pub late_ns: Option<u64>,
    /// The reason, in words.
    pub why: String,
}

/// The results of a shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShardEnd {
    /// The start of the load by the shard's wall clock, nanoseconds since 1970.
    pub started_realtime_ns: u64,
    /// The start of the load by the time since the machine started, nanoseconds.
    pub started_boottime_ns: u64,
    /// The length of the window, nanoseconds.
    pub wall_ns: u64,
    /// Responses within the window.
    pub requests_in_window: u64,
    /// The times of the requests.
    pub series: Series,
    /// The numbers of requests of the connections.
    pub per_connection: Histogram,
    /// All other results.
    pub load: LoadRecord,
    /// Whether a signal, or the end of the server, ended the load early.
    pub partial: bool,
    /// The time into the window after which the server's processes had ended, if they had, nanoseconds.
    pub server_ended_after_ns: Option<u64>,
}
