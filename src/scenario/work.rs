//! The work of a cell, with every number decided: the specs of the three workloads and of the load.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Model, ServerName, StepsSpec};
use crate::schedule::{Arrivals, Pacing};
use crate::units::{self, as_nanos};

/// The work of one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "there is one per cell, and none is moved in a loop")]
pub enum Work {
    /// N jobs wait.
    Sleep(SleepSpec),
    /// Jobs hold a thread while a heartbeat should go on.
    Offload(OffloadSpec),
    /// A server echoes under load.
    Echo(EchoSpec),
    /// The jobs of a user's own bench program, which alone can run them.
    Own(OwnSpec),
}

/// `workload = "sleep"`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SleepSpec {
    /// The number of jobs.
    pub jobs: u32,
    /// The time each job waits.
    #[serde(with = "as_nanos")]
    pub wait: Duration,
    /// How an async model composes the jobs.
    pub compose: Composition,
    /// The number of CPUs that the trial is pinned to; `None` for all.
    pub cpus: Option<u32>,
    /// The CPU time that the trial may use each second, in CPUs; `None` for no limit.
    pub cpu_limit: Option<f64>,
}

/// `workload = "offload"`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OffloadSpec {
    /// The number of jobs, not counting the heartbeat.
    pub jobs: u32,
    /// The steps of each job.
    pub steps: StepsSpec,
    /// The heartbeat that should go on meanwhile, if any.
    pub heartbeat: Option<HeartbeatSpec>,
    /// How an async model composes the jobs.
    pub compose: Composition,
    /// The number of CPUs that the trial is pinned to; `None` for all.
    pub cpus: Option<u32>,
    /// The CPU time that the trial may use each second, in CPUs; `None` for no limit.
    pub cpu_limit: Option<f64>,
}

/// `workload = "own"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnSpec {
    /// The name of the workload in its bench program.
    pub bench: String,
    /// The number of jobs.
    pub jobs: u32,
    /// The size that the workload is made with, if it has one.
    pub size: Option<u32>,
    /// The time after which a trial has failed.
    #[serde(with = "as_nanos")]
    pub timeout: Duration,
    /// How an async model composes the jobs.
    pub compose: Composition,
    /// The number of CPUs that the trial is pinned to; `None` for all.
    pub cpus: Option<u32>,
    /// The CPU time that the trial may use each second, in CPUs; `None` for no limit.
    pub cpu_limit: Option<f64>,
}

/// How an async model composes its jobs. The thread models know only `Spawn`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Composition {
    /// A task for each job, which any worker may run.
    #[default]
    Spawn,
    /// One task that awaits all jobs at the same time (`join_all`): their waits overlap, their computations do not.
    Join,
    /// One task that awaits one job after the other, as a loop with `await` in it does.
    InTurn,
}

impl Composition {
    /// The words of the key `compose`.
    pub(super) const NAMES: &[&str] = &["spawn", "join", "in-turn"];
}

/// A job that only shows whether the model still responds: beat k is due at k times `every`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeartbeatSpec {
    /// The interval between beats.
    #[serde(with = "as_nanos")]
    pub every: Duration,
    /// The number of beats, the first of which is due at once.
    pub beats: u32,
}

/// `workload = "echo"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EchoSpec {
    /// The text to echo: `GET /echo/{what}-0000` and on. Printable ASCII without `/`, `?`, `#`, `%` and blanks.
    pub what: String,
    /// The steps of the server for each request before it answers.
    pub steps: StepsSpec,
    /// The share of requests that are heavy, and their steps, if any.
    pub heavy: Option<HeavySpec>,
    /// The request to send in place of those for `/echo/{what}`, if any.
    pub request: Option<RequestSpec>,
    /// The name of the user's own service in its bench program; `None` for avt's own servers and external ones.
    pub bench: Option<String>,
    /// The external servers, each for one of the models `external` and `external/NAME`.
    pub servers: Vec<ServerSpec>,
    /// The load.
    pub load: LoadSpec,
}

impl EchoSpec {
    /// Returns the external server that a model stands for.
    pub fn server(&self, model: Model) -> Option<&ServerSpec> {
        self.servers.iter().find(|server| Model::External(server.name) == model)
    }
}

/// `[request]`: a request to external servers, all of it as sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestSpec {
    /// The method.
    pub method: String,
    /// The path and query.
    pub path: String,
    /// The header fields besides those that the client sets.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: String,
    /// The response that counts as a success.
    pub expect: ExpectSpec,
}

/// The response to expect; any other counts as a failed request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectSpec {
    /// The status code.
    pub status: u16,
    /// The text that the body contains; `None` for any body.
    pub contains: Option<String>,
}

/// `[server]`: an external server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerSpec {
    /// The name in `external/NAME`; `None` for the model `external`.
    pub name: Option<ServerName>,
    /// The program and its arguments; `{port}` stands for the port.
    pub command: Vec<String>,
    /// The port on 127.0.0.1 that the server listens on; `None` for a free one.
    pub port: Option<u16>,
    /// The path that is answered with 200 once the server is ready.
    pub ready: String,
    /// The environment variables besides those that every server gets; `{port}` stands for the port.
    pub env: Vec<(String, String)>,
    /// The working folder; `None` for that of avt.
    pub cwd: Option<String>,
}

/// Requests for `/echo/heavy`, mixed among the others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeavySpec {
    /// The share of all requests: greater than 0 and at most 1.
    pub share: f64,
    /// The steps of the server for each heavy request.
    pub steps: StepsSpec,
}

impl HeavySpec {
    /// The text that a heavy request asks for.
    pub const WHAT: &'static str = "heavy";
}

/// `[load]`: the client, its connections and its rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadSpec {
    /// The client.
    pub client: ClientKind,
    /// Keep-alive connections, all open before the clock starts.
    pub connections: u32,
    /// Generator threads, among which the connections are distributed.
    pub threads: u16,
    /// The length of the warm-up before the measured window.
    #[serde(with = "as_nanos")]
    pub warmup: Duration,
    /// The measured window.
    #[serde(with = "as_nanos")]
    pub duration: Duration,
    /// The rule for when requests are due.
    pub arrival: ArrivalSpec,
    /// The longest time an answer may take.
    #[serde(with = "as_nanos")]
    pub timeout: Duration,
    /// The longest wait for outstanding answers after the window.
    #[serde(with = "as_nanos")]
    pub drain: Duration,
    /// The placement of server and generator on CPUs.
    pub pin: Pin,
    /// The number of CPUs that the server is pinned to; `None` for all that `pin` leaves it.
    pub server_cpus: Option<u32>,
    /// The CPU time that the server may use each second, in CPUs; `None` for no limit.
    pub cpu_limit: Option<f64>,
}

impl LoadSpec {
    /// Returns the number of CPUs that the server gets on a machine with this many, beside the load generator.
    pub fn cpus_left_for_server(&self, cpus: u32) -> u32 {
        let left = match self.pin {
            Pin::Split => cpus.saturating_sub(self.threads.into()).max(1),
            Pin::None => cpus,
        };
        self.server_cpus.unwrap_or(left).min(left)
    }
}

/// The number of CPUs that a scenario requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpusWanted {
    /// The CPUs of the process that runs the model.
    pub model: u32,
    /// The least number of CPUs for the load generator beside it.
    pub generator: u32,
}

impl CpusWanted {
    /// Returns the CPUs of both together.
    pub fn all(self) -> u32 {
        self.model + self.generator
    }
}

impl fmt::Display for CpusWanted {
    /// Writes `2 CPUs` or `1 CPU for the server and 1 for the load generator`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, generator } = self;
        f.write_str(&units::counted(u64::from(*model), "CPU", "CPUs"))?;
        if *generator > 0 { write!(f, " for the server and {generator} for the load generator") } else { Ok(()) }
    }
}

/// The rule for when requests are due.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalSpec {
    /// A request is due when its connection is free: each sends the next one after an answer.
    Closed {
        /// The pause between an answer and the next request.
        #[serde(with = "as_nanos")]
        think: Duration,
    },
    /// A request is due by the schedule, however the server performs.
    Open {
        /// Requests per second.
        rate: f64,
        /// The arrival process.
        arrivals: Arrivals,
        /// How exactly the schedule is kept.
        pacing: Pacing,
    },
}

impl ArrivalSpec {
    /// Returns the offered rate, in requests per second; `None` in a closed loop, which has no schedule.
    pub fn offered(&self) -> Option<f64> {
        match *self {
            Self::Closed { .. } => None,
            Self::Open { rate, .. } => Some(rate),
        }
    }

    /// Returns how the schedule is kept; `None` in a closed loop.
    pub fn pacing(&self) -> Option<Pacing> {
        match *self {
            Self::Closed { .. } => None,
            Self::Open { pacing, .. } => Some(pacing),
        }
    }

    /// Returns a description such as `open loop, 40,000/s (poisson arrivals)`.
    pub fn in_words(&self) -> String {
        match self {
            Self::Closed { think } if think.is_zero() => "closed loop".into(),
            Self::Closed { think } => format!("closed loop, think time {}", units::exact(*think)),
            Self::Open { rate, arrivals, .. } => {
                format!("open loop, {} ({} arrivals)", units::rate(*rate), arrivals.name())
            }
        }
    }
}

/// The client that the load generator uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// The project's own codec directly on a socket: the least a client can cost.
    #[default]
    Raw,
    /// reqwest, one `Client` per connection: the cost of an ordinary client.
    Reqwest,
}

/// The placement of server and generator on CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pin {
    /// Different CPUs if there are two or more: the generator has the last ones, the server the others.
    #[default]
    Split,
    /// No pinning; the kernel decides.
    None,
}

impl Work {
    /// Returns the name of the workload, as in `workload =`.
    pub fn workload(&self) -> &'static str {
        match self {
            Self::Sleep(_) => "sleep",
            Self::Offload(_) => "offload",
            Self::Echo(_) => "echo",
            Self::Own(_) => "own",
        }
    }

    /// Returns whether the work is requests to a server for a given time, and not a number of jobs.
    pub fn is_echo(&self) -> bool {
        matches!(self, Self::Echo(_))
    }

    /// Returns the name of the user's own workload or service, in whose bench program alone it can run.
    pub fn bench(&self) -> Option<&str> {
        match self {
            Self::Own(own) => Some(&own.bench),
            Self::Echo(echo) => echo.bench.as_deref(),
            Self::Sleep(_) | Self::Offload(_) => None,
        }
    }

    /// Returns whether the work is a user's own jobs, whose steps are unknown.
    pub fn is_own(&self) -> bool {
        matches!(self, Self::Own(_))
    }

    /// Returns the number of jobs in a trial, not counting the heartbeat; `None` for echo, whose clock decides.
    pub fn jobs(&self) -> Option<u32> {
        match self {
            Self::Sleep(sleep) => Some(sleep.jobs),
            Self::Offload(offload) => Some(offload.jobs),
            Self::Own(own) => Some(own.jobs),
            Self::Echo(_) => None,
        }
    }

    /// Returns the number of CPUs that the process with the model is pinned to; `None` for all.
    pub fn cpus(&self) -> Option<u32> {
        match self {
            Self::Sleep(sleep) => sleep.cpus,
            Self::Offload(offload) => offload.cpus,
            Self::Echo(echo) => echo.load.server_cpus,
            Self::Own(own) => own.cpus,
        }
    }

    /// Returns the CPU time that the process with the model may use each second, in CPUs; `None` for no limit.
    pub fn cpu_limit(&self) -> Option<f64> {
        match self {
            Self::Sleep(sleep) => sleep.cpu_limit,
            Self::Offload(offload) => offload.cpu_limit,
            Self::Echo(echo) => echo.load.cpu_limit,
            Self::Own(own) => own.cpu_limit,
        }
    }

    /// Returns the number of CPUs that a machine must have for this model; `None` if any number will do.
    pub fn cpus_wanted(&self, model: Model) -> Option<CpusWanted> {
        self.cpus()
            .max(model.pinned().map(u32::from))
            .map(|model| CpusWanted { model, generator: self.is_echo().into() })
    }

    /// Returns how an async model composes the jobs.
    pub fn compose(&self) -> Composition {
        match self {
            Self::Sleep(sleep) => sleep.compose,
            Self::Offload(offload) => offload.compose,
            Self::Own(own) => own.compose,
            Self::Echo(_) => Composition::Spawn,
        }
    }

    /// Returns the steps of an ordinary job; none for a user's own jobs, whose steps are unknown.
    pub fn steps(&self) -> StepsSpec {
        match self {
            Self::Sleep(sleep) => StepsSpec { wait: sleep.wait, ..StepsSpec::default() },
            Self::Offload(offload) => offload.steps,
            Self::Echo(echo) => echo.steps,
            Self::Own(_) => StepsSpec::default(),
        }
    }

    /// Returns every length of computation that occurs in the work.
    pub fn computes(&self) -> impl Iterator<Item = Duration> {
        let heavy = match self {
            Self::Echo(echo) => echo.heavy.map(|heavy| heavy.steps.compute),
            _ => None,
        };
        [Some(self.steps().compute), Some(self.steps().lock), heavy]
            .into_iter()
            .flatten()
            .filter(|length| !length.is_zero())
    }

    /// Returns the same work with at most this many jobs, for a model that would take too long.
    pub fn with_at_most(mut self, most: u32) -> Self {
        match &mut self {
            Self::Sleep(sleep) => sleep.jobs = sleep.jobs.min(most),
            Self::Offload(offload) => offload.jobs = offload.jobs.min(most),
            Self::Own(own) => own.jobs = own.jobs.min(most),
            Self::Echo(_) => {}
        }
        self
    }
}
