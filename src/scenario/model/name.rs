//! The names of the models, as scenarios write them and labels show them: a runtime, and a pool after a plus.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use thiserror::Error;

use super::{Model, PoolKind, RuntimeKind};
use crate::scenario::ServerName;

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
    /// A name of an earlier version.
    #[error("the model `{name}` is now called `{now}`")]
    Renamed {
        /// The old name.
        name: String,
        /// The present name.
        now: String,
    },
    /// The name is correct, but one of its numbers is not.
    #[error("`{name}` needs a whole number of threads from 1 to {}, as in `{example}`", Model::MOST_WORKERS)]
    Workers {
        /// The name with the invalid number.
        name: String,
        /// A valid name.
        example: String,
    },
    /// The name of an external server is invalid.
    #[error("`{name}`: the name of a server after `external/` has {}, as in `external/head`", ServerName::EXPECTED)]
    Server {
        /// The name with the invalid server.
        name: String,
    },
    /// `block_in_place` on a runtime without workers.
    #[error(
        "`{name}`: block_in_place moves a worker's other tasks to another thread, and a runtime with one thread has no \
         other: tokio panics; write `async/2+in-place`"
    )]
    InPlace {
        /// The impossible name.
        name: String,
    },
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequential => f.pad("sequential"),
            Self::Threads => f.pad("threads"),
            Self::Pool(n) => f.pad(&format!("pool/{n}")),
            Self::Rayon(n) => f.pad(&format!("rayon/{n}")),
            Self::Async(runtime, pool) => f.pad(&format!("{runtime}{pool}")),
            Self::External(None) => f.pad("external"),
            Self::External(Some(name)) => f.pad(&format!("external/{name}")),
        }
    }
}

impl fmt::Display for RuntimeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneThread => f.write_str("async"),
            Self::Workers(n) => write!(f, "async/{n}"),
            Self::PerCore(n) => write!(f, "per-core/{n}"),
        }
    }
}

impl fmt::Display for PoolKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline => Ok(()),
            Self::Blocking(None) => f.write_str("+blocking"),
            Self::Blocking(Some(k)) => write!(f, "+blocking/{k}"),
            Self::Rayon(k) => write!(f, "+rayon/{k}"),
            Self::InPlace => f.write_str("+in-place"),
            Self::Runtime(k) => write!(f, "+runtime/{k}"),
        }
    }
}

impl FromStr for Model {
    type Err = ModelError;

    fn from_str(name: &str) -> Result<Self, ModelError> {
        if let Some(now) = renamed(name) {
            return Err(ModelError::Renamed { name: name.to_owned(), now });
        }
        let (runtime, pool) = name.split_once('+').map_or((name, None), |(runtime, pool)| (runtime, Some(pool)));
        let (word, number) = part(runtime);
        let unknown = || ModelError::Unknown { name: name.to_owned(), nearest: nearest(name) };
        let needs = |example: &str| ModelError::Workers { name: name.to_owned(), example: example.to_owned() };
        let count = |example: &str| number.and_then(workers).ok_or_else(|| needs(example));
        let runtime = match (word, number, pool) {
            ("sequential", None, None) => return Ok(Self::Sequential),
            ("threads", None, None) => return Ok(Self::Threads),
            ("external", None, None) => return Ok(Self::External(None)),
            ("external", Some(server), None) => {
                let server = server.parse().map_err(|_| ModelError::Server { name: name.to_owned() })?;
                return Ok(Self::External(Some(server)));
            }
            ("pool", _, None) => return count("pool/2").map(Self::Pool),
            ("rayon", Some(_), None) => return count("rayon/2").map(Self::Rayon),
            ("async", None, _) => RuntimeKind::OneThread,
            ("async", Some(_), _) => RuntimeKind::Workers(count("async/2")?),
            ("per-core", _, _) => RuntimeKind::PerCore(count("per-core/2")?),
            _ => return Err(unknown()),
        };
        let Some(pool) = pool else { return Ok(Self::Async(runtime, PoolKind::Inline)) };
        let (word, number) = part(pool);
        let count = || number.and_then(workers).ok_or_else(|| needs(&format!("{runtime}+{word}/2")));
        let pool = match (word, number) {
            ("blocking", None) => PoolKind::Blocking(None),
            ("blocking", Some(_)) => PoolKind::Blocking(Some(count()?)),
            ("rayon", _) => PoolKind::Rayon(count()?),
            ("runtime", _) => PoolKind::Runtime(count()?),
            ("in-place", None) if matches!(runtime, RuntimeKind::Workers(_)) => PoolKind::InPlace,
            ("in-place", None) => return Err(ModelError::InPlace { name: name.to_owned() }),
            _ => return Err(unknown()),
        };
        Ok(Self::Async(runtime, pool))
    }
}

/// Splits a part of a name into its word and its number: `pool/2` is `pool` and `2`.
fn part(text: &str) -> (&str, Option<&str>) {
    text.split_once('/').map_or((text, None), |(word, number)| (word, Some(number)))
}

fn workers(digits: &str) -> Option<NonZeroU16> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    let number = if plain { digits.parse::<u16>().ok() } else { None };
    number.filter(|n| *n <= Model::MOST_WORKERS).and_then(NonZeroU16::new)
}

/// Returns the present name of a model that an earlier version called `hybrid/...`.
fn renamed(name: &str) -> Option<String> {
    let now = match name.strip_prefix("hybrid/")? {
        "blocking" => "async+blocking".to_owned(),
        pool => format!("async+rayon/{}", pool.strip_prefix("rayon-")?),
    };
    now.parse::<Model>().is_ok().then_some(now)
}

/// Returns the example name closest to a misspelt one, or the model that other tools call by this name.
fn nearest(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let elsewhere = match lower.as_str() {
        "tokio" | "task" | "tasks" | "coroutine" | "coroutines" | "event-loop" => Some("async"),
        "tokio-main" | "multi_thread" | "async/n" => Some("async/2"),
        "thread-pool" | "threadpool" => Some("pool/2"),
        "spawn_blocking" | "hybrid" | "blocking" => Some("async+blocking"),
        "block_in_place" | "in-place" => Some("async/2+in-place"),
        "thread-per-core" | "tpc" | "seastar" | "glommio" | "monoio" => Some("per-core/2"),
        "rayon" => Some("rayon/2"),
        "serial" | "sync" | "single" => Some("sequential"),
        _ => None,
    };
    elsewhere
        .map(str::to_owned)
        .or_else(|| nearest_pool(&lower))
        .or_else(|| closest(&lower, Model::EXAMPLES).map(str::to_owned))
}

/// Returns the name with its pool corrected, if the runtime is valid.
fn nearest_pool(name: &str) -> Option<String> {
    let (runtime, pool) = name.split_once('+')?;
    let Ok(Model::Async(runtime, PoolKind::Inline)) = runtime.parse() else { return None };
    let (word, number) = part(pool);
    let word = closest(word, ["blocking", "rayon", "runtime", "in-place"])?;
    let number = number.and_then(workers).map(|n| format!("/{n}")).filter(|_| word != "in-place");
    let number =
        number.unwrap_or_else(|| if matches!(word, "rayon" | "runtime") { "/2".into() } else { String::new() });
    let fixed = format!("{runtime}+{word}{number}");
    fixed.parse::<Model>().is_ok().then_some(fixed)
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
        let every = |runtime: &str| {
            ["", "+blocking", "+blocking/16", "+rayon/3", "+runtime/1024"].map(|pool| format!("{runtime}{pool}"))
        };
        let product = ["async", "async/8", "per-core/2"].into_iter().flat_map(every);
        for name in
            product.chain(Model::EXAMPLES.map(str::to_owned)).chain(["external", "external/head"].map(str::to_owned))
        {
            assert_eq!(name.parse::<Model>().map(|model| model.to_string()), Ok(name));
        }
    }

    #[test]
    fn a_misspelt_name_gets_the_nearest_one() {
        for (name, expected) in [
            ("asinc", "did you mean `async`?"),
            ("thread", "did you mean `threads`?"),
            ("Threads", "did you mean `threads`?"),
            ("tokio", "did you mean `async`?"),
            ("async+blockin", "did you mean `async+blocking`?"),
            ("async/4+block/8", "did you mean `async/4+blocking/8`?"),
            ("per-core/4+ryon", "did you mean `per-core/4+rayon/2`?"),
            ("percore/2", "did you mean `per-core/2`?"),
            ("spawn_blocking", "did you mean `async+blocking`?"),
            ("block_in_place", "did you mean `async/2+in-place`?"),
            ("threads+blocking", "unknown model `threads+blocking`"),
            ("async+", "unknown model `async+`"),
            ("async+rayon/2+rayon/2", "as in `async+rayon/2`"),
            ("zzz", "the models are sequential"),
            ("pool/0", "whole number of threads from 1 to 1024"),
            ("pool", "as in `pool/2`"),
            ("per-core", "as in `per-core/2`"),
            ("async/-1", "whole number"),
            ("async/01", "whole number"),
            ("async/", "whole number"),
            ("async/99999", "whole number"),
            ("async+rayon", "as in `async+rayon/2`"),
            ("async/2+runtime/x", "as in `async/2+runtime/2`"),
            ("async+blocking/0", "as in `async+blocking/2`"),
            ("hybrid/blocking", "is now called `async+blocking`"),
            ("hybrid/rayon-4", "is now called `async+rayon/4`"),
            ("external/Head", "as in `external/head`"),
            ("external/", "as in `external/head`"),
            ("externl/head", "unknown model `externl/head`"),
            ("async+in-place", "write `async/2+in-place`"),
            ("per-core/2+in-place", "write `async/2+in-place`"),
        ] {
            let error = name.parse::<Model>().unwrap_err().to_string();
            assert!(error.contains(expected), "{name}: {error}");
        }
    }
}
