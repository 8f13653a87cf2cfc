//! The ceiling of the load generator on a machine.

use serde::{Deserialize, Serialize};

use crate::scenario::{ClientKind, LoadSpec, Pin};

/// A load generator's speed against a server that does nothing: no server measured with it can look better.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    /// The client.
    pub client: ClientKind,
    /// The number of generator threads.
    pub threads: u16,
    /// The placement of generator and server on CPUs.
    pub pin: Pin,
    /// The number of CPUs the server was pinned to; `None` if the scenario sets no number.
    pub server_cpus: Option<u32>,
    /// The median response time over one connection, in a closed loop, nanoseconds.
    pub floor_ns: u64,
    /// Connections of the closed loop that gave the following figures.
    pub connections: u32,
    /// Answers per second, in the best of the measurements.
    pub per_s: f64,
    /// The number of measurements.
    pub goes: u32,
    /// Answers per second in the worst of the measurements.
    pub lowest_per_s: f64,
    /// CPU time of the generator per second and thread, 0 to 1.
    pub generator_cpu: f64,
    /// CPU time of the server per second, 0 to 1: it has one thread.
    pub server_cpu: f64,
}

impl Ceiling {
    /// Returns whether this is the ceiling of such a load.
    pub fn is_of(&self, load: &LoadSpec) -> bool {
        (self.client, self.threads) == (load.client, load.threads)
            && (self.pin, self.server_cpus) == (load.pin, load.server_cpus)
    }
}
