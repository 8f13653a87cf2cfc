//! What a load is told, and why it could not begin.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::scenario::{ArrivalSpec, ClientKind};
use crate::schedule::Schedule;
use crate::units;

use super::client::RequestTemplate;
use super::request_error::RequestError;

/// Everything a load needs to know.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// Where to connect to.
    pub server: Endpoint,
    /// HTTPS instead of HTTP; only with the feature `tls`, and the client reqwest.
    pub secure: Option<Secure>,
    /// The request that is sent.
    pub request: RequestTemplate,
    /// The request that is sent instead for a share of the requests.
    pub heavy: Option<(f64, RequestTemplate)>,
    /// Which client sends them.
    pub client: ClientKind,
    /// Connections, at least one; no more are opened than there are requests.
    pub connections: u32,
    /// Generator threads, at least one; no more are started than there are connections.
    pub threads: u16,
    /// What is sent before the window.
    pub warmup: Duration,
    /// When the window ends.
    pub until: Until,
    /// When a request is due.
    pub arrival: ArrivalSpec,
    /// How long an answer may take, from when it was due.
    pub timeout: Duration,
    /// How long answers are waited for after the window.
    pub drain: Duration,
    /// The `Avt-Nonce` every answer must show.
    pub stamp: Option<Arc<str>>,
    /// CPUs that the server may run on; empty where that is not known.
    pub server_cpus: Vec<usize>,
    /// What the schedule and the mix of heavy requests are drawn from.
    pub seed: u64,
}

impl LoadPlan {
    /// Returns the number of connections to open: at most one per request, since more would be idle.
    pub fn connections_used(&self) -> u32 {
        match self.until {
            Until::Requests(requests) => u32::try_from(requests).map_or(self.connections, |n| n.min(self.connections)),
            Until::Elapsed(_) => self.connections,
        }
    }

    /// Every request that can be sent, by template and target: the ordinary ones, then the heavy ones.
    pub(super) fn requests(&self) -> impl Iterator<Item = (&RequestTemplate, &str)> {
        let heavy = self.heavy.as_ref().map(|(_, template)| template);
        let templates = [&self.request].into_iter().chain(heavy);
        templates.flat_map(|template| template.targets.iter().map(move |target| (template, target.as_str())))
    }

    /// The plan as thread k of n follows it: its turns begin k/n of the way round, so that threads in step ask for
    /// different targets.
    pub(super) fn of_thread(&self, k: u32, n: u32) -> Cow<'_, Self> {
        let heavy = self.heavy.as_ref().map(|(_, template)| template);
        let is_varied = [&self.request].into_iter().chain(heavy).any(|template| template.targets.len() > 1);
        if k == 0 || !is_varied {
            return Cow::Borrowed(self);
        }
        let mut own = self.clone();
        let heavy = own.heavy.as_mut().map(|(_, template)| template);
        for RequestTemplate { targets, .. } in [&mut own.request].into_iter().chain(heavy) {
            let first = targets.len() * k as usize / n as usize;
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

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// At an address.
    Tcp(SocketAddr),
    /// At a Unix socket of this machine.
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

/// Whom HTTPS expects at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secure {
    /// The host's name, which its certificate must be for; an IPv6 address stands in brackets.
    pub name: String,
    /// Authorities to trust beside those of the system, in PEM; empty for none.
    pub authorities: Vec<u8>,
}

/// When the window ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// After so long.
    Elapsed(Duration),
    /// After so many requests.
    Requests(u64),
}

/// A load that could not begin.
#[derive(Debug, Error)]
pub enum LoadError {
    /// Not every connection could be opened.
    #[error("{server}: only {opened} of {asked} connections could be opened: {error}")]
    Connect {
        /// Where to.
        server: Endpoint,
        /// How many were.
        opened: u32,
        /// How many should have been.
        asked: u32,
        /// The first thing that went wrong.
        error: RequestError,
    },
    /// The observer ended the load before every connection was open.
    #[error("{server}: ended while opening connections: {opened} of {asked} were open")]
    Stopped {
        /// The server.
        server: Endpoint,
        /// The number of open connections.
        opened: u32,
        /// The number of planned connections.
        asked: u32,
    },
    /// HTTPS cannot be spoken as asked.
    #[error("TLS: {0}")]
    Tls(String),
    /// The process may not have so many files open.
    #[error(
        "{} connections need {} open files, but the hard limit is {}; raise it (`ulimit -Hn`) or ask for fewer",
        units::count((*.connections).into()), units::count(*.needed), units::count(*.limit)
    )]
    Descriptors {
        /// Connections asked for.
        connections: u32,
        /// Descriptors they take, with the process's own.
        needed: u64,
        /// The hard limit.
        limit: u64,
    },
    /// A thread or a runtime could not be started.
    #[error("no generator thread could be started: {0}")]
    Start(#[from] std::io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Arrivals, Pacing};

    #[test]
    fn a_window_in_which_nothing_is_due_is_known_beforehand() {
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
