//! Why a trial left no measurement.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::units;

/// The reason, in a sentence a person can act on.
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
        /// Its value.
        value: u64,
        /// Threads it leaves room for.
        allows: u64,
    },
    /// The kernel refused a thread on the way.
    #[error("the kernel refused thread {} of {}: {error}; the lowest limit known is {limit} = {}", units::count(*.at), units::count(*.needed), units::count(*.value))]
    ThreadRefused {
        /// Which thread, counted from 1.
        at: u64,
        /// Threads the model needs.
        needed: u64,
        /// What the kernel said.
        error: String,
        /// The lowest limit.
        limit: String,
        /// Its value.
        value: u64,
    },
    /// The process ended before its measurement.
    #[error("the {process} {how}{}", if .last_words.is_empty() { String::new() } else { format!(": {}", .last_words) })]
    Died {
        /// `trial`, `server` or `generator`.
        process: String,
        /// `exited with code 1`, `was killed by signal 9 (SIGKILL, probably out of memory)`.
        how: String,
        /// The end of what it wrote on its standard error.
        last_words: String,
    },
    /// It took longer than the trial may take.
    #[error("no end after {}", units::duration(*.after_ns))]
    TimedOut {
        /// The bound, nanoseconds.
        after_ns: u64,
    },
    /// It ended, but what it did is not what was asked.
    #[error("the work was not done as asked: {what}")]
    WrongWork {
        /// Which check failed and with which values.
        what: String,
    },
    /// The machine refused something else that the trial needs: a port, a descriptor, a CPU, or a thread that measures.
    #[error("the machine refused: {what}")]
    Refused {
        /// What, and the kernel's word.
        what: String,
    },
}

impl Failure {
    /// Whether the machine refused the model a thread. A thread that only the measurement needs is not the model's, and a
    /// process that was killed for its memory died: neither of them is such a refusal.
    pub fn is_refusal_of_threads(&self) -> bool {
        match self {
            Self::ThreadLimit { .. } | Self::ThreadRefused { .. } => true,
            Self::Died { .. } | Self::TimedOut { .. } | Self::WrongWork { .. } | Self::Refused { .. } => false,
        }
    }
}
