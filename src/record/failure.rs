//! The reason why a trial left no measurement.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::units;

/// The reason of a failure, worded so that the reader can act on it.
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The machine does not allow so many threads; nothing was started.
    #[error("needs {} threads, but {limit} = {} leaves room for {}", units::count(*.needed), units::count(*.value), units::count(*.allows))]
    ThreadLimit {
        /// Threads the model needs.
        needed: u64,
        /// The lowest limit.
        limit: String,
        /// The value of the limit.
        value: u64,
        /// The number of threads the limit leaves room for.
        allows: u64,
    },
    /// The kernel refused a thread while the trial ran.
    #[error("the kernel refused thread {} of {}: {error}; the lowest known limit is {limit} = {}", units::count(*.at), units::count(*.needed), units::count(*.value))]
    ThreadRefused {
        /// The number of the refused thread, from 1.
        at: u64,
        /// Threads the model needs.
        needed: u64,
        /// The kernel's error.
        error: String,
        /// The lowest limit.
        limit: String,
        /// The value of the limit.
        value: u64,
    },
    /// The process ended before its measurement.
    #[error("the {process} {how}{}", if .last_words.is_empty() { String::new() } else { format!(": {}", .last_words) })]
    Died {
        /// `trial`, `server` or `generator`.
        process: String,
        /// The way the process ended: `exited with code 1`, `was killed by signal 9 (SIGKILL, probably out of memory)`.
        how: String,
        /// The end of the process's standard error.
        last_words: String,
    },
    /// The trial took too long.
    #[error("timed out after {}", units::duration(*.after_ns))]
    TimedOut {
        /// The time limit, nanoseconds.
        after_ns: u64,
    },
    /// The trial ended, but did not do the requested work.
    #[error("wrong work: {what}")]
    WrongWork {
        /// The failed check, with its values.
        what: String,
    },
    /// A job of the user's own workload panicked.
    #[error("panicked: {message}")]
    Panicked {
        /// The message of the panic, with its place in the source.
        message: String,
    },
    /// The machine refused something else that the trial needs: a port, a descriptor, a CPU, or a thread that measures.
    #[error("could not run the trial: {what}")]
    Refused {
        /// The refused resource, with the kernel's error.
        what: String,
    },
}

impl Failure {
    /// Returns whether the machine refused the model a thread. A thread needed only for measuring does not count, nor
    /// does a process that was killed for its memory.
    pub fn is_refusal_of_threads(&self) -> bool {
        match self {
            Self::ThreadLimit { .. } | Self::ThreadRefused { .. } => true,
            Self::Died { .. } | Self::TimedOut { .. } | Self::WrongWork { .. } => false,
            Self::Panicked { .. } | Self::Refused { .. } => false,
        }
    }
}
