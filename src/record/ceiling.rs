//! What the load generator itself can do on a machine.

use serde::{Deserialize, Serialize};

use crate::scenario::{ClientKind, LoadSpec, Pin};

/// How fast a load generator is against a server that does nothing: the limit of what can be measured. No server can look better.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    /// Which client asked.
    pub client: ClientKind,
    /// On how many threads.
    pub threads: u16,
    /// Which CPUs generator and server had.
    pub pin: Pin,
    /// How many of them the server was pinned to; nothing where the scenario does not say.
    pub server_cpus: Option<u32>,
    /// The median response time over one connection, in a closed loop, nanoseconds.
    pub floor_ns: u64,
    /// Connections of the closed loop that gave the following figures.
    pub connections: u32,
    /// Answers a second, in the best of so many goes.
    pub per_s: f64,
    /// Goes.
    pub goes: u32,
    /// Answers a second in the worst of them.
    pub lowest_per_s: f64,
    /// CPU time of the generator for each second of each of its threads, 0 to 1.
    pub generator_cpu: f64,
    /// CPU time of the server for each second, 0 to 1: it has one thread.
    pub server_cpu: f64,
}

impl Ceiling {
    /// Whether it is the ceiling of such a load.
    pub fn is_of(&self, load: &LoadSpec) -> bool {
        (self.client, self.threads) == (load.client, load.threads)
            && (self.pin, self.server_cpus) == (load.pin, load.server_cpus)
    }
}
