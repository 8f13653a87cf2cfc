//! The parameters of a load, and the errors that prevent it from starting.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use thiserror::Error;

use crate::scenario::{ArrivalSpec, ClientKind};
use crate::schedule::{Schedule, Shard};
use crate::units;

use super::client::{ExpectedResponse, RequestTemplate};
use super::request_error::RequestError;

/// The parameters of a load.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// The server's address.
    pub server: Endpoint,
    /// HTTPS instead of HTTP; only with the feature `tls`, and the client reqwest.
    pub secure: Option<Secure>,
    /// The ordinary request.
    pub request: RequestTemplate,
    /// The share of heavy requests, from 0 to 1, and their template.
    pub heavy: Option<(f64, RequestTemplate)>,
    /// The client that sends the requests.
    pub client: ClientKind,
    /// The part of the load that this generator carries out.
    pub shard: Shard,
    /// The number of connections of this shard, at least one; no more are opened than it has requests.
    pub connections: u32,
    /// The number of generator threads, at least one; no more are started than there are connections.
    pub threads: u16,
    /// The duration of the load before the window.
    pub warmup: Duration,
    /// The condition that ends the window; a number of requests is that of all shards together.
    pub until: Until,
    /// The rule by which requests are due; the rate is that of all shards together.
    pub arrival: ArrivalSpec,
    /// When the load starts; `None` to start once all connections are open.
    pub start_at: Option<SystemTime>,
    /// The longest time for a response, counted from when the request was due.
    pub timeout: Duration,
    /// The maximum wait for responses after the window.
    pub drain: Duration,
    /// The value of `Avt-Nonce` that every response must contain, if any.
    pub stamp: Option<Arc<str>>,
    /// The response that counts as a success; `None` for any response.
    pub expected: Option<ExpectedResponse>,
    /// CPUs that the server may run on; empty if unknown.
    pub server_cpus: Vec<usize>,
    /// The seed of the schedule and of the choice of heavy requests.
    pub seed: u64,
}

impl LoadPlan {
    /// Returns the number of connections to open: at most one per request, since more would be idle.
    pub fn connections_used(&self) -> u32 {
        let requests = match (self.until, self.arrival) {
            (Until::Elapsed(_), _) => return self.connections,
            (Until::Requests(requests), ArrivalSpec::Closed { .. }) => self.shard.part(requests),
            // A shard of a schedule may have more than its equal part.
            (Until::Requests(requests), ArrivalSpec::Open { .. }) => requests,
        };
        u32::try_from(requests).map_or(self.connections, |n| n.min(self.connections))
    }

    /// Returns the rate that this shard offers, in requests per second; `None` in a closed loop.
    pub fn offered(&self) -> Option<f64> {
        Some(self.arrival.offered()? / f64::from(self.shard.of()))
    }

    /// Returns every request that can be sent, as template and target: the ordinary ones, then the heavy ones.
    pub(super) fn requests(&self) -> impl Iterator<Item = (&RequestTemplate, &str)> {
        let heavy = self.heavy.as_ref().map(|(_, template)| template);
        let templates = [&self.request].into_iter().chain(heavy);
        templates.flat_map(|template| template.targets.iter().map(move |target| (template, target.as_str())))
    }

    /// Returns the plan for thread `k` of `n`. In a closed loop, its targets are rotated by its position among the threads
    /// of all shards, so that threads running in step request different ones. A schedule decides it for each request.
    pub(super) fn of_thread(&self, k: u32, n: u32) -> Cow<'_, Self> {
        let heavy = self.heavy.as_ref().map(|(_, template)| template);
        let is_varied = [&self.request].into_iter().chain(heavy).any(|template| template.targets.len() > 1);
        let (k, n) = ((self.shard.number() - 1) * n + k, self.shard.of() * n);
        if k == 0 || !is_varied || self.arrival.offered().is_some() {
            return Cow::Borrowed(self);
        }
        let mut own = self.clone();
        let heavy = own.heavy.as_mut().map(|(_, template)| template);
        for RequestTemplate { targets, .. } in [&mut own.request].into_iter().chain(heavy) {
            let first = (targets.len() as u64 * u64::from(k) / u64::from(n)) as usize;
            targets.rotate_left(first);
        }
        Cow::Owned(own)
    }
}

/// Returns whether no request of a schedule falls due in the window after the warm-up. Returns `false` without a check
/// for a window in which many are expected.
pub fn is_nothing_due(arrival: ArrivalSpec, seed: u64, warmup: Duration, until: Until) -> bool {
    /// With a Poisson process of this mean, one window in e^50 is empty.
    const MANY: f64 = 50.0;
    /// The most arrivals to draw, which takes a fraction of a second.
    const AHEAD: usize = 10_000_000;
    let (ArrivalSpec::Open { rate, arrivals, .. }, Until::Elapsed(length)) = (arrival, until) else { return false };
    if rate * length.as_secs_f64() > MANY {
        return false;
    }
    let begin = units::nanos(warmup);
    let end = begin.saturating_add(units::nanos(length));
    let mut offsets = Schedule { rate, arrivals, seed }.offsets().take(AHEAD);
    offsets.find(|at| *at >= begin).is_some_and(|first| first >= end)
}

/// The address at which a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A TCP address.
    Tcp(SocketAddr),
    /// The path of a Unix socket on this machine.
    Unix(PathBuf),
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// The identity that the server must prove over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secure {
    /// The host name that the certificate must be valid for; an IPv6 address is in brackets.
    pub name: String,
    /// Certificate authorities to trust in addition to the system's, in PEM; may be empty.
    pub authorities: Vec<u8>,
}

/// The condition that ends the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// After this duration.
    Elapsed(Duration),
    /// After this number of requests.
    Requests(u64),
}

/// An error that prevents a load from starting.
#[derive(Debug, Error)]
pub enum LoadError {
    /// Not every connection could be opened.
    #[error("{server}: only {opened} of {planned} connections could be opened: {error}")]
    Connect {
        /// The server.
        server: Endpoint,
        /// The number of open connections.
        opened: u32,
        /// The number of planned connections.
        planned: u32,
        /// The first error.
        error: RequestError,
    },
    /// The observer ended the load before every connection was open.
    #[error("{server}: stopped while opening connections: {opened} of {planned} were open")]
    Stopped {
        /// The server.
        server: Endpoint,
        /// The number of open connections.
        opened: u32,
        /// The number of planned connections.
        planned: u32,
    },
    /// The set start had passed before every connection was open. No request was sent.
    #[error(
        "the load started {} before this generator was ready, so nothing was sent; set a later --start-at",
        units::duration(units::nanos(*.by))
    )]
    Late {
        /// The time since the start.
        by: Duration,
    },
    /// HTTPS is not possible with this client, build or configuration.
    #[error("TLS: {0}")]
    Tls(String),
    /// The connections need more open files than the hard limit allows.
    #[error(
        "{} connections need {} open files, but the hard limit is {}; raise it (`ulimit -Hn`) or open fewer \
         connections",
        units::count((*.connections).into()), units::count(*.needed), units::count(*.limit)
    )]
    Descriptors {
        /// The number of planned connections.
        connections: u32,
        /// The descriptors needed, including the process's own.
        needed: u64,
        /// The hard limit.
        limit: u64,
    },
    /// A thread or a runtime could not be started.
    #[error("could not start a generator thread: {0}")]
    Start(#[from] std::io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Arrivals, Pacing};

    #[test]
    fn a_window_without_due_requests_is_detected_beforehand() {
        let open = |rate, arrivals| ArrivalSpec::Open { rate, arrivals, pacing: Pacing::Sleep };
        let second = Until::Elapsed(Duration::from_secs(1));
        for (rate, arrivals, warmup, until, expected) in [
            (1e-9, Arrivals::Even, 0, second, false),
            (1e-9, Arrivals::Even, 1, second, true),
            (1e-9, Arrivals::Poisson, 0, second, true),
            (1e-9, Arrivals::Poisson, 0, Until::Requests(1), false),
            (1_000.0, Arrivals::Poisson, 0, second, false),
            (1_000.0, Arrivals::Poisson, 3_600, Until::Elapsed(Duration::from_nanos(1)), true),
            (1e8, Arrivals::Even, 0, Until::Elapsed(Duration::from_nanos(1)), false),
        ] {
            let warmup = Duration::from_secs(warmup);
            assert_eq!(is_nothing_due(open(rate, arrivals), 1, warmup, until), expected, "{rate} {warmup:?} {until:?}");
        }
        assert!(!is_nothing_due(ArrivalSpec::Closed { think: Duration::ZERO }, 1, Duration::ZERO, second));
    }
}
