//! What one cell does, every number decided: the specs of the three workloads and of the load.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::schedule::{Arrivals, Pacing};
use crate::units::{self, as_nanos};

/// The work of one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// N jobs wait.
    Sleep(SleepSpec),
    /// Jobs hold a thread while a heartbeat should go on.
    Offload(OffloadSpec),
    /// A server echoes under load.
    Echo(EchoSpec),
}

/// `workload = "sleep"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SleepSpec {
    /// How many jobs.
    pub jobs: u32,
    /// How long each of them waits.
    #[serde(with = "as_nanos")]
    pub wait: Duration,
    /// CPUs that the trial is pinned to; all of them where there is nothing.
    pub cpus: Option<u32>,
}

/// `workload = "offload"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OffloadSpec {
    /// How many jobs, the heartbeat not counted.
    pub jobs: u32,
    /// What each of them does.
    pub steps: StepsSpec,
    /// What should go on beside them, if anything.
    pub heartbeat: Option<HeartbeatSpec>,
    /// CPUs that the trial is pinned to; all of them where there is nothing.
    pub cpus: Option<u32>,
}

/// A job that does nothing but show that somebody still listens: beat k is due at k times `every`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeartbeatSpec {
    /// The time from beat to beat.
    #[serde(with = "as_nanos")]
    pub every: Duration,
    /// How many beats, the first at once.
    pub beats: u32,
}

/// `workload = "echo"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EchoSpec {
    /// What is echoed: `GET /echo/{what}-0000` and on. Printable ASCII without `/`, `?`, `#`, `%` and blanks.
    pub what: String,
    /// What the server does for each request before it answers.
    pub steps: StepsSpec,
    /// A share of the requests that asks for more.
    pub heavy: Option<HeavySpec>,
    /// Under `external`: the server that is started.
    pub server: Option<ServerSpec>,
    /// Who asks, and how often.
    pub load: LoadSpec,
}

/// `[server]`: a server that is none of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerSpec {
    /// The program and its arguments; `{port}` stands for the port.
    pub command: Vec<String>,
    /// The port on 127.0.0.1 that it listens on; nothing for a free one.
    pub port: Option<u16>,
    /// What it answers with 200 as soon as it is ready.
    pub ready: String,
}

/// Requests for `/echo/heavy`, mixed among the others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeavySpec {
    /// Their share of all requests: above 0 and at most 1.
    pub share: f64,
    /// What the server does for each of them.
    pub steps: StepsSpec,
}

impl HeavySpec {
    /// What a heavy request asks to be echoed.
    pub const WHAT: &'static str = "heavy";
}

/// What a job is made of, in this order; a step of zero length is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepsSpec {
    /// A wait that can be awaited.
    #[serde(with = "as_nanos")]
    pub wait: Duration,
    /// A call that holds its thread without using a CPU.
    #[serde(with = "as_nanos")]
    pub block: Duration,
    /// CPU work: as many iterations as this machine does in that time when it does nothing else.
    #[serde(with = "as_nanos")]
    pub compute: Duration,
}

impl StepsSpec {
    /// How long one job takes that has a machine to itself.
    pub fn alone(&self) -> Duration {
        self.wait + self.block + self.compute
    }

    /// In words: `wait 100ms, compute 2ms`; `nothing` when there is no step.
    pub fn in_words(&self) -> String {
        let steps = [("wait", self.wait), ("block", self.block), ("compute", self.compute)];
        let words: Vec<String> = steps
            .iter()
            .filter(|(_, length)| !length.is_zero())
            .map(|(step, length)| format!("{step} {}", units::exact(*length)))
            .collect();
        if words.is_empty() { "nothing".into() } else { words.join(", ") }
    }
}

/// `[load]`: who asks, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadSpec {
    /// Which client asks.
    pub client: ClientKind,
    /// Keep-alive connections, all open before the clock starts.
    pub connections: u32,
    /// Generator threads; the connections are dealt out among them.
    pub threads: u16,
    /// What is sent before the measured window.
    #[serde(with = "as_nanos")]
    pub warmup: Duration,
    /// The measured window.
    #[serde(with = "as_nanos")]
    pub duration: Duration,
    /// When a request is due.
    pub arrival: ArrivalSpec,
    /// How long an answer may take.
    #[serde(with = "as_nanos")]
    pub timeout: Duration,
    /// How long after the window the answers still under way are waited for.
    #[serde(with = "as_nanos")]
    pub drain: Duration,
    /// Which CPUs server and generator run on.
    pub pin: Pin,
    /// CPUs that the server is pinned to; all that `pin` leaves it where there is nothing.
    pub server_cpus: Option<u32>,
}

/// How many CPUs a scenario asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpusWanted {
    /// For the process that runs the model.
    pub model: u32,
    /// For the load generator beside it, at the least.
    pub generator: u32,
}

impl CpusWanted {
    /// For both together.
    pub fn all(self) -> u32 {
        self.model + self.generator
    }
}

impl fmt::Display for CpusWanted {
    /// `2 CPUs`, `1 CPU for the server and 1 for the load generator`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, generator } = self;
        write!(f, "{model} CPU{}", if *model == 1 { "" } else { "s" })?;
        if *generator > 0 { write!(f, " for the server and {generator} for the load generator") } else { Ok(()) }
    }
}

/// When a request is due.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalSpec {
    /// When its connection is free: each asks again when it has its answer.
    Closed {
        /// The pause between an answer and the next question.
        #[serde(with = "as_nanos")]
        think: Duration,
    },
    /// When the schedule says so, however the server fares.
    Open {
        /// Requests a second.
        rate: f64,
        /// How they follow each other.
        arrivals: Arrivals,
        /// How exactly the schedule is kept.
        pacing: Pacing,
    },
}

impl ArrivalSpec {
    /// Requests a second that are offered; nothing in a closed loop, which has no schedule.
    pub fn offered(&self) -> Option<f64> {
        match *self {
            Self::Closed { .. } => None,
            Self::Open { rate, .. } => Some(rate),
        }
    }

    /// How its schedule is kept; nothing in a closed loop.
    pub fn pacing(&self) -> Option<Pacing> {
        match *self {
            Self::Closed { .. } => None,
            Self::Open { pacing, .. } => Some(pacing),
        }
    }

    /// `open loop, 40,000/s (poisson arrivals)`.
    pub fn in_words(&self) -> String {
        match self {
            Self::Closed { think } if think.is_zero() => "closed loop".into(),
            Self::Closed { think } => format!("closed loop, {} between answer and question", units::exact(*think)),
            Self::Open { rate, arrivals, .. } => {
                format!("open loop, {} ({} arrivals)", units::rate(*rate), arrivals.name())
            }
        }
    }
}

/// The client under the load generator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// The project's own codec straight on a socket: the least a client can cost.
    #[default]
    Raw,
    /// reqwest, one `Client` a connection: what an ordinary client costs.
    Reqwest,
}

/// Where server and generator run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pin {
    /// On different CPUs when there are two or more: the generator has the last ones, the server the others.
    #[default]
    Split,
    /// Wherever the kernel puts them.
    None,
}

impl Work {
    /// The name of the workload, as `workload =` writes it.
    pub fn workload(&self) -> &'static str {
        match self {
            Self::Sleep(_) => "sleep",
            Self::Offload(_) => "offload",
            Self::Echo(_) => "echo",
        }
    }

    /// Whether it is requests to a server, for as long as its load lasts, and not a number of jobs.
    pub fn is_echo(&self) -> bool {
        matches!(self, Self::Echo(_))
    }

    /// How many jobs a trial of it has, the heartbeat not counted; nothing for echo, whose clock decides.
    pub fn jobs(&self) -> Option<u32> {
        match self {
            Self::Sleep(sleep) => Some(sleep.jobs),
            Self::Offload(offload) => Some(offload.jobs),
            Self::Echo(_) => None,
        }
    }

    /// How many CPUs the process that runs the model is pinned to; nothing where the scenario leaves it all of them.
    pub fn cpus(&self) -> Option<u32> {
        match self {
            Self::Sleep(sleep) => sleep.cpus,
            Self::Offload(offload) => offload.cpus,
            Self::Echo(echo) => echo.load.server_cpus,
        }
    }

    /// How many CPUs a machine must have for it; nothing where any number will do.
    pub fn cpus_wanted(&self) -> Option<CpusWanted> {
        self.cpus().map(|model| CpusWanted { model, generator: self.is_echo().into() })
    }

    /// What one ordinary job does.
    pub fn steps(&self) -> StepsSpec {
        match self {
            Self::Sleep(sleep) => StepsSpec { wait: sleep.wait, ..StepsSpec::default() },
            Self::Offload(offload) => offload.steps,
            Self::Echo(echo) => echo.steps,
        }
    }

    /// Every length of computation that occurs in it.
    pub fn computes(&self) -> impl Iterator<Item = Duration> {
        let heavy = match self {
            Self::Echo(echo) => echo.heavy.map(|heavy| heavy.steps.compute),
            _ => None,
        };
        [Some(self.steps().compute), heavy].into_iter().flatten().filter(|length| !length.is_zero())
    }

    /// The same work with at most this many jobs, for a model that would take too long.
    pub fn with_at_most(mut self, most: u32) -> Self {
        match &mut self {
            Self::Sleep(sleep) => sleep.jobs = sleep.jobs.min(most),
            Self::Offload(offload) => offload.jobs = offload.jobs.min(most),
            Self::Echo(_) => {}
        }
        self
    }
}
