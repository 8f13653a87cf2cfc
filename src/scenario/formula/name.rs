//! The names in formulas: numbers of the scenario, of the model and of the machine.

use super::Dimension;
use crate::scenario::{Model, Parallel, Work};

/// A number that a scenario, its model or the machine gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Jobs,
    Wait,
    Block,
    Compute,
    Every,
    Beats,
    Connections,
    Rate,
    Share,
    Lock,
    Permits,
    HeavyWait,
    HeavyBlock,
    HeavyCompute,
    Workers,
    P,
    Cpus,
    ServerCpus,
    CpuLimit,
    Size,
}

/// Each name as it is written, with its meaning.
pub(super) const NAMES: [(&str, Name, &str); 20] = [
    ("jobs", Name::Jobs, "the number of jobs that the model gets"),
    ("wait", Name::Wait, "the wait of a job or request"),
    ("block", Name::Block, "the blocking call of a job or request"),
    ("compute", Name::Compute, "the CPU work of a job or request"),
    ("lock", Name::Lock, "the CPU work of a job or request while it holds the shared lock"),
    ("permits", Name::Permits, "the number of permits that all jobs or requests share"),
    ("every", Name::Every, "the interval between two beats"),
    ("beats", Name::Beats, "the number of beats"),
    ("connections", Name::Connections, "the number of connections"),
    ("rate", Name::Rate, "the offered rate, in requests per second"),
    ("share", Name::Share, "the share of heavy requests"),
    ("heavy_wait", Name::HeavyWait, "the wait of a heavy request"),
    ("heavy_block", Name::HeavyBlock, "the blocking call of a heavy request"),
    ("heavy_compute", Name::HeavyCompute, "the CPU work of a heavy request"),
    ("workers", Name::Workers, "the number of threads that run blocking and CPU-bound steps"),
    (
        "P",
        Name::P,
        "how much `workers` threads compute together, as a multiple of one thread, measured on the CPUs of `cpus`",
    ),
    (
        "cpus",
        Name::Cpus,
        "the number of CPUs that the trial, or the server, is pinned to; if it is not pinned, those of the machine",
    ),
    ("server_cpus", Name::ServerCpus, "the number of CPUs that the server is pinned to"),
    ("size", Name::Size, "the size that a user's own workload is made with"),
    ("cpu_limit", Name::CpuLimit, "the CPU time that the process with the model may use each second, in CPUs"),
];

impl Name {
    pub(super) fn dimension(self) -> Dimension {
        match self {
            Self::Wait | Self::Block | Self::Compute | Self::Lock | Self::Every => Dimension::TIME,
            Self::HeavyWait | Self::HeavyBlock | Self::HeavyCompute => Dimension::TIME,
            Self::Rate => Dimension::RATE,
            Self::Jobs | Self::Permits | Self::Beats | Self::Connections | Self::Share => Dimension::COUNT,
            Self::Workers | Self::P | Self::Cpus | Self::ServerCpus | Self::CpuLimit | Self::Size => Dimension::COUNT,
        }
    }

    /// Returns the value of the name; `None` if the work has no such number.
    pub(super) fn value(self, work: &Work, model: Model, machine: &Parallel) -> Option<f64> {
        let steps = work.steps();
        let (echo, offload) = match work {
            Work::Sleep(_) | Work::Own(_) => (None, None),
            Work::Offload(offload) => (None, Some(offload)),
            Work::Echo(echo) => (Some(echo), None),
        };
        let (heavy, beats) = (echo.and_then(|echo| echo.heavy), offload.and_then(|offload| offload.heartbeat));
        let workers = workers(model, work);
        Some(match self {
            Self::Jobs => work.jobs()?.into(),
            Self::Wait => steps.wait.as_secs_f64(),
            Self::Block => steps.block.as_secs_f64(),
            Self::Compute => steps.compute.as_secs_f64(),
            Self::Lock => steps.lock.as_secs_f64(),
            Self::Permits => steps.permits?.into(),
            Self::Every => beats?.every.as_secs_f64(),
            Self::Beats => beats?.beats.into(),
            Self::Connections => echo?.load.connections.into(),
            Self::Rate => echo?.load.arrival.offered()?,
            Self::Share => heavy?.share,
            Self::HeavyWait => heavy?.steps.wait.as_secs_f64(),
            Self::HeavyBlock => heavy?.steps.block.as_secs_f64(),
            Self::HeavyCompute => heavy?.steps.compute.as_secs_f64(),
            Self::Workers => workers.into(),
            Self::P => machine.factor(workers),
            Self::Cpus => machine.cpus().into(),
            Self::ServerCpus => echo?.load.server_cpus?.into(),
            Self::CpuLimit => work.cpu_limit()?,
            Self::Size => match work {
                Work::Own(own) => own.size?.into(),
                _ => return None,
            },
        })
    }
}

/// Returns the number of threads on which a model runs blocking and computing steps.
fn workers(model: Model, work: &Work) -> u32 {
    let all = match work {
        Work::Echo(echo) => echo.load.connections,
        Work::Sleep(_) | Work::Offload(_) | Work::Own(_) => work.jobs().unwrap_or(1),
    };
    model.step_threads(all)
}
