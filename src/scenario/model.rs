//! The names of the concurrency models, as scenarios write them and labels show them.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A concurrency model, which runs the jobs. `to_string` and `parse` round-trip: `async/2`, `hybrid/rayon-2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Model {
    /// One OS thread, one job after the other.
    Sequential,
    /// One OS thread per job or per connection.
    Threads,
    /// N OS threads that take jobs or connections from a queue.
    Pool(NonZeroU16),
    /// tokio `current_thread`: one OS thread, a task per job.
    Async,
    /// tokio `multi_thread` with N workers: async plus threads.
    AsyncWorkers(NonZeroU16),
    /// tokio `current_thread`; blocking and computing steps run on tokio's blocking pool.
    HybridBlocking,
    /// tokio `current_thread`; blocking and computing steps run on a rayon pool of N threads.
    HybridRayon(NonZeroU16),
    /// An external server, started by the command of the scenario.
    External,
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
    /// One name of each kind, with two workers where a name has a number.
    pub const EXAMPLES: [&'static str; 7] =
        ["sequential", "threads", "pool/2", "async", "async/2", "hybrid/blocking", "hybrid/rayon-2"];

    /// The largest number of workers in a name.
    pub const MOST_WORKERS: u16 = 1024;

    /// Returns the family of the model.
    pub fn family(self) -> Family {
        match self {
            Self::Sequential | Self::Threads | Self::Pool(_) => Family::Threads,
            Self::Async | Self::AsyncWorkers(_) => Family::Async,
            Self::HybridBlocking | Self::HybridRayon(_) => Family::Hybrid,
            Self::External => Family::External,
        }
    }

    /// Returns the number of workers, if the name has one.
    pub fn workers(self) -> Option<u16> {
        match self {
            Self::Pool(n) | Self::AsyncWorkers(n) | Self::HybridRayon(n) => Some(n.get()),
            Self::Sequential | Self::Threads | Self::Async | Self::HybridBlocking | Self::External => None,
        }
    }

    /// Returns a description in one line.
    pub fn description(self) -> String {
        match self {
            Self::Sequential => "one OS thread, one job after the other".into(),
            Self::Threads => "one OS thread per job or connection".into(),
            Self::Pool(n) => format!("{n} OS threads taking jobs or connections from a queue"),
            Self::Async => "one OS thread, one task per job (tokio current_thread)".into(),
            Self::AsyncWorkers(n) => format!("{n} OS threads sharing the tasks (tokio multi_thread)"),
            Self::HybridBlocking => "one async thread; blocking work goes to tokio's blocking pool".into(),
            Self::HybridRayon(n) => format!("one async thread; blocking work goes to {n} rayon threads"),
            Self::External => "an external server, started by the scenario's command".into(),
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequential => f.pad("sequential"),
            Self::Threads => f.pad("threads"),
            Self::Pool(n) => f.pad(&format!("pool/{n}")),
            Self::Async => f.pad("async"),
            Self::AsyncWorkers(n) => f.pad(&format!("async/{n}")),
            Self::HybridBlocking => f.pad("hybrid/blocking"),
            Self::HybridRayon(n) => f.pad(&format!("hybrid/rayon-{n}")),
            Self::External => f.pad("external"),
        }
    }
}

/// The reason why a text is not a model name.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ModelError {
    /// Unknown name, with the nearest one if any is near.
    #[error("unknown model `{name}`; {}", match .nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("the models are {}", Model::EXAMPLES.join(", ")),
    })]
    Unknown {
        /// The unknown name.
        name: String,
        /// The name that was probably meant.
        nearest: Option<String>,
    },
    /// The name is correct, but its number is not.
    #[error("`{name}` needs a whole number of workers from 1 to {}, as in `{example}`", Model::MOST_WORKERS)]
    Workers {
        /// The name with the invalid number.
        name: String,
        /// A valid name.
        example: &'static str,
    },
}

impl FromStr for Model {
    type Err = ModelError;

    fn from_str(name: &str) -> Result<Self, ModelError> {
        let workers = |digits: &str, example| {
            let plain =
                !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
            let number = if plain { digits.parse::<u16>().ok() } else { None };
            number
                .filter(|n| *n <= Self::MOST_WORKERS)
                .and_then(NonZeroU16::new)
                .ok_or_else(|| ModelError::Workers { name: name.to_owned(), example })
        };
        match name {
            "sequential" => Ok(Self::Sequential),
            "threads" => Ok(Self::Threads),
            "async" => Ok(Self::Async),
            "hybrid/blocking" => Ok(Self::HybridBlocking),
            "external" => Ok(Self::External),
            "pool" | "pool/N" => workers("", "pool/2").map(Self::Pool),
            "async/N" => workers("", "async/2").map(Self::AsyncWorkers),
            "hybrid/rayon" | "hybrid/rayon-N" => workers("", "hybrid/rayon-2").map(Self::HybridRayon),
            _ => {
                if let Some(digits) = name.strip_prefix("pool/") {
                    workers(digits, "pool/2").map(Self::Pool)
                } else if let Some(digits) = name.strip_prefix("async/") {
                    workers(digits, "async/2").map(Self::AsyncWorkers)
                } else if let Some(digits) = name.strip_prefix("hybrid/rayon-") {
                    workers(digits, "hybrid/rayon-2").map(Self::HybridRayon)
                } else {
                    Err(ModelError::Unknown { name: name.to_owned(), nearest: nearest(name) })
                }
            }
        }
    }
}

/// Returns the example name closest to a misspelt one, or the model that other tools call by this name.
fn nearest(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let elsewhere = match lower.as_str() {
        "tokio" | "task" | "tasks" | "coroutine" | "coroutines" | "event-loop" => Some("async"),
        "thread-pool" | "threadpool" => Some("pool/2"),
        "spawn_blocking" | "hybrid" => Some("hybrid/blocking"),
        "rayon" => Some("hybrid/rayon-2"),
        "serial" | "sync" | "single" => Some("sequential"),
        _ => None,
    };
    elsewhere.or_else(|| closest(&lower, Model::EXAMPLES)).map(str::to_owned)
}

/// Returns the candidate most similar to the text, if any is similar enough for "did you mean".
pub fn closest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |candidate: &str| strsim::jaro_winkler(written, candidate);
    let best = candidates.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    // 0.8 admits one or two slips in a word and rejects unrelated words.
    (likeness(best) >= 0.8).then_some(best)
}

impl TryFrom<String> for Model {
    type Error = ModelError;

    fn try_from(name: String) -> Result<Self, ModelError> {
        name.parse()
    }
}

impl From<Model> for String {
    fn from(model: Model) -> Self {
        model.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in Model::EXAMPLES {
            assert_eq!(name.parse::<Model>().map(|model| model.to_string()), Ok(name.to_owned()));
        }
    }

    #[test]
    fn a_misspelt_name_gets_a_suggestion() {
        for (name, expected) in [
            ("asinc", "did you mean `async`?"),
            ("thread", "did you mean `threads`?"),
            ("Threads", "did you mean `threads`?"),
            ("tokio", "did you mean `async`?"),
            ("hybrid/block", "did you mean `hybrid/blocking`?"),
            ("zzz", "the models are sequential"),
            ("pool/0", "whole number of workers from 1 to 1024"),
            ("pool", "as in `pool/2`"),
            ("async/-1", "whole number"),
            ("async/01", "whole number"),
            ("async/99999", "whole number"),
            ("hybrid/rayon-x", "as in `hybrid/rayon-2`"),
        ] {
            let error = name.parse::<Model>().unwrap_err().to_string();
            assert!(error.contains(expected), "{name}: {error}");
        }
    }
}
