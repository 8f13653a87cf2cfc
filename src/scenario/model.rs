//! The concurrency models: the product of a runtime, which waits, and a pool, which runs the steps that hold a thread.

mod complexity;
mod name;

use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use super::ServerName;

pub use name::{ModelError, closest};

/// The maximum number of threads in tokio's blocking pool, unless a name sets another (`Builder::max_blocking_threads`).
pub const BLOCKING_THREADS: u16 = 512;

/// A concurrency model, which runs the jobs. `to_string` and `parse` round-trip: `async/2`, `async/2+blocking`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Model {
    /// One OS thread, one job after the other.
    Sequential,
    /// One OS thread per job or per connection.
    Threads,
    /// N OS threads that take jobs or connections from a queue.
    Pool(NonZeroU16),
    /// N rayon threads that take jobs from their queues, and steal from each other. Serves no connections.
    Rayon(NonZeroU16),
    /// A tokio task per job or connection, and a destination for the steps that would hold its thread.
    Async(RuntimeKind, PoolKind),
    /// An external server, started by the command of the scenario; named if there are several.
    External(Option<ServerName>),
}

/// The runtime of an async model: the threads on which tasks wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RuntimeKind {
    /// tokio `current_thread`: one OS thread.
    OneThread,
    /// tokio `multi_thread` with N workers, which steal tasks from each other.
    Workers(NonZeroU16),
    /// N tokio `current_thread` runtimes, each pinned to a CPU, with a listener of its own. Nothing is stolen.
    PerCore(NonZeroU16),
}

/// The destination of the steps of a task that would hold its thread: blocking calls and computations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PoolKind {
    /// None: they hold the thread of the task.
    Inline,
    /// tokio's blocking pool (`spawn_blocking`), with at most this number of threads; `None` for tokio's default.
    Blocking(Option<NonZeroU16>),
    /// A rayon pool of K threads.
    Rayon(NonZeroU16),
    /// The thread of the task, after `block_in_place` has moved the worker's other tasks to another thread.
    InPlace,
    /// Tasks of a second tokio runtime with K workers.
    Runtime(NonZeroU16),
}

/// The families of models, each with its own colour in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// A way of doing: OS threads that block.
    Threads,
    /// A way of waiting: tasks that yield their thread.
    Async,
    /// Both switches on: tasks wait, threads do the work.
    Hybrid,
    /// An external server, whatever its model.
    External,
}

impl Model {
    /// One async thread that runs everything itself.
    pub const ASYNC: Self = Self::Async(RuntimeKind::OneThread, PoolKind::Inline);

    /// One async thread with tokio's default blocking pool.
    pub const ASYNC_BLOCKING: Self = Self::Async(RuntimeKind::OneThread, PoolKind::Blocking(None));

    /// One name of each kind, with two workers where a name has a number.
    pub const EXAMPLES: [&'static str; 16] = [
        "sequential",
        "threads",
        "pool/2",
        "rayon/2",
        "async",
        "async/2",
        "per-core/2",
        "async+blocking",
        "async+blocking/2",
        "async+rayon/2",
        "async+runtime/2",
        "async/2+blocking",
        "async/2+rayon/2",
        "async/2+in-place",
        "async/2+runtime/2",
        "per-core/2+blocking",
    ];

    /// The largest number of workers in a name.
    pub const MOST_WORKERS: u16 = 1024;

    /// Returns the family of the model.
    pub fn family(self) -> Family {
        match self {
            Self::Sequential | Self::Threads | Self::Pool(_) | Self::Rayon(_) => Family::Threads,
            Self::Async(_, PoolKind::Inline) => Family::Async,
            Self::Async(..) => Family::Hybrid,
            Self::External(_) => Family::External,
        }
    }

    /// Returns whether the model can serve connections. All models but `external` can run jobs.
    pub fn serves(self) -> bool {
        !matches!(self, Self::Rayon(_))
    }

    /// Returns whether the model is an external server, which no code of this crate runs.
    pub fn is_external(self) -> bool {
        matches!(self, Self::External(_))
    }

    /// Returns the number of CPUs to which the model pins its threads, one each.
    pub fn pinned(self) -> Option<u16> {
        match self {
            Self::Async(RuntimeKind::PerCore(n), _) => Some(n.get()),
            _ => None,
        }
    }

    /// Returns the number of threads on which steps hold a thread, if the name sets it.
    pub fn workers(self) -> Option<u16> {
        match self {
            Self::Pool(n) | Self::Rayon(n) => Some(n.get()),
            Self::Async(runtime, PoolKind::Blocking(k)) => k.map(|k| k.get().saturating_mul(runtime.runtimes())),
            Self::Async(_, PoolKind::Rayon(k) | PoolKind::Runtime(k)) => Some(k.get()),
            Self::Async(RuntimeKind::Workers(n) | RuntimeKind::PerCore(n), PoolKind::Inline) => Some(n.get()),
            Self::Async(RuntimeKind::OneThread, PoolKind::Inline) | Self::Async(_, PoolKind::InPlace) => None,
            Self::Sequential | Self::Threads | Self::External(_) => None,
        }
    }

    /// Returns the number of threads on which `all` jobs or connections at the same time run the steps that hold a
    /// thread.
    pub fn step_threads(self, all: u32) -> u32 {
        match self {
            Self::Sequential => 1,
            Self::Threads | Self::External(_) => all,
            Self::Pool(n) | Self::Rayon(n) => n.get().into(),
            Self::Async(runtime, pool) => match pool {
                PoolKind::Inline => runtime.threads().into(),
                // Each runtime has a blocking pool of its own.
                PoolKind::Blocking(_) => all.min(pool.most_blocking() * u32::from(runtime.runtimes())),
                PoolKind::InPlace => all.min(pool.most_blocking()),
                PoolKind::Rayon(k) | PoolKind::Runtime(k) => k.get().into(),
            },
        }
    }

    /// Returns a description in one line.
    pub fn description(self) -> String {
        match self {
            Self::Sequential => "one OS thread, one job after the other".into(),
            Self::Threads => "one OS thread per job or connection".into(),
            Self::Pool(n) => format!("{n} OS threads taking jobs or connections from a queue"),
            Self::Rayon(n) => format!("{n} rayon threads taking jobs, and stealing them from each other"),
            Self::Async(runtime, pool) => format!("{}{}", runtime.description(), pool.description()),
            Self::External(None) => "an external server, started by the scenario's command".into(),
            Self::External(Some(name)) => format!("the external server `{name}`, started by its command"),
        }
    }
}

impl RuntimeKind {
    /// Returns the number of threads that poll tasks.
    pub fn threads(self) -> u16 {
        match self {
            Self::OneThread => 1,
            Self::Workers(n) | Self::PerCore(n) => n.get(),
        }
    }

    /// Returns the number of runtimes.
    pub fn runtimes(self) -> u16 {
        match self {
            Self::OneThread | Self::Workers(_) => 1,
            Self::PerCore(n) => n.get(),
        }
    }

    fn description(self) -> String {
        match self {
            Self::OneThread => "one OS thread, one task per job (tokio current_thread)".into(),
            Self::Workers(n) => format!("{n} OS threads sharing the tasks (tokio multi_thread)"),
            Self::PerCore(n) => format!("{n} OS threads, one runtime each, pinned to a CPU (tokio current_thread)"),
        }
    }
}

impl PoolKind {
    /// Returns the maximum number of threads in tokio's blocking pool.
    pub fn most_blocking(self) -> u32 {
        match self {
            Self::Blocking(Some(k)) => k.get().into(),
            _ => BLOCKING_THREADS.into(),
        }
    }

    fn description(self) -> String {
        match self {
            Self::Inline => String::new(),
            Self::Blocking(None) => "; blocking work goes to tokio's blocking pool".into(),
            Self::Blocking(Some(k)) => format!("; blocking work goes to tokio's blocking pool of at most {k} threads"),
            Self::Rayon(k) => format!("; blocking work goes to {k} rayon threads"),
            Self::InPlace => "; blocking work stays on its thread, whose other tasks move away (block_in_place)".into(),
            Self::Runtime(k) => format!("; blocking work goes to a second runtime of {k} workers"),
        }
    }
}
