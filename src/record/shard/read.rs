//! Reads the records of shards.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead};

use serde::Deserialize;

use super::{SHARD_SCHEMA, ShardBegin, ShardEnd, ShardEvent, ShardLine, ShardRefused, ShardSecond};
use crate::record::{line, plausible};
use crate::schedule::Shard;
use crate::text;

/// The longest line: a hundred times our largest.
const MOST_BYTES: usize = 64 << 20;

/// The record of one attempt at a shard.
#[derive(Clone, Debug)]
pub struct ShardRecord {
    /// The shard.
    pub shard: Shard,
    /// The file, or standard input, that it was read from.
    pub source: String,
    /// The text that distinguishes this attempt from others at the same shard.
    pub attempt: String,
    /// The plan and the machine.
    pub begin: ShardBegin,
    /// The seconds that were recorded.
    pub seconds: ShardSeconds,
    /// The results; `None` if the shard was killed.
    pub end: Option<Result<ShardEnd, ShardRefused>>,
}

/// The recorded seconds of a shard, as text: a complete shard has all figures in its last line.
#[derive(Clone, Debug, Default)]
pub struct ShardSeconds {
    lines: Vec<Box<str>>,
}

impl ShardSeconds {
    /// Returns the number of seconds.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Returns whether no second was recorded.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns one second; `None` if it was not recorded.
    pub fn get(&self, second: usize) -> Option<ShardSecond> {
        match serde_json::from_slice::<ShardLine>(self.lines.get(second)?.as_bytes()).ok()?.event {
            ShardEvent::Second(second) => Some(*second),
            _ => None,
        }
    }

    /// Returns every second.
    pub fn iter(&self) -> impl Iterator<Item = ShardSecond> {
        (0..self.len()).filter_map(|k| self.get(k))
    }
}

/// Why a record of a shard cannot be read.
#[derive(Debug)]
pub struct ShardFileError {
    source: String,
    line: Option<usize>,
    what: String,
}

impl fmt::Display for ShardFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, line, what } = self;
        match line {
            Some(line) => write!(f, "{source}:{line}: {what}"),
            None => write!(f, "{source}: {what}"),
        }
    }
}

impl std::error::Error for ShardFileError {}

/// Collects the lines of any number of shards.
#[derive(Debug, Default)]
pub struct ShardReader {
    attempts: BTreeMap<(Shard, String), Attempt>,
    keeps_seconds: bool,
}

#[derive(Debug)]
struct Attempt {
    source: String,
    begin: Option<ShardBegin>,
    seconds: ShardSeconds,
    n_seconds: u64,
    end: Option<Result<ShardEnd, ShardRefused>>,
}

/// A line without its event.
#[derive(Deserialize)]
struct Envelope {
    avt_load_shard: u32,
    shard: Shard,
    attempt: String,
    event: EventHead,
}

/// The beginning of an event that is a second.
#[derive(Deserialize)]
struct EventHead {
    second: Option<SecondHead>,
}

#[derive(Deserialize)]
struct SecondHead {
    second: u64,
}

impl ShardReader {
    /// Creates a reader that drops the seconds of a shard once it has its last line, unless `keeps_seconds` is set.
    pub fn new(keeps_seconds: bool) -> Self {
        Self { attempts: BTreeMap::new(), keeps_seconds }
    }

    /// Reads the lines of a source, which may be those of several shards. `is_mixed` is set for a stream that may hold
    /// other lines as well, such as messages. A last line that a kill cut short is left out. Returns an error if a line
    /// is damaged or missing.
    pub fn read(&mut self, source: &str, input: &mut dyn BufRead, is_mixed: bool) -> Result<(), ShardFileError> {
        let source = text::one_line(source);
        let wrong = |line: Option<usize>, what: String| ShardFileError { source: source.clone(), line, what };
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = io::Read::take(&mut *input, MOST_BYTES as u64 + 1).read_until(b'\n', &mut line);
            read.map_err(|error| wrong(None, error.to_string()))?;
            if line.is_empty() {
                break;
            }
            if line.len() > MOST_BYTES {
                return Err(wrong(Some(number), "line too long".into()));
            }
            let is_whole = line.pop_if(|last| *last == b'\n').is_some();
            if !is_whole || is_mixed && !line::is_signed(&line) {
                continue;
            }
            self.push(&source, &line).map_err(|what| wrong(Some(number), what))?;
        }
        Ok(())
    }

    /// Adds one line.
    fn push(&mut self, source: &str, line: &[u8]) -> Result<(), String> {
        let json = String::from_utf8(line::verified(line)?).map_err(|_| "not UTF-8".to_owned())?;
        let line: Envelope = serde_json::from_slice(json.as_bytes())
            .map_err(|error| format!("not a line of a load's shard: {error}"))?;
        if line.avt_load_shard != SHARD_SCHEMA {
            let found = line.avt_load_shard;
            return Err(format!("written with schema {found}; this avt reads schema {SHARD_SCHEMA}"));
        }
        let keeps_seconds = self.keeps_seconds;
        let attempt = self.attempt(source, line.shard, line.attempt)?;
        // A complete shard never needs the contents of its seconds.
        if let Some(SecondHead { second }) = line.event.second {
            if second != attempt.n_seconds {
                return Err(format!("expected second {}, found {second}: lines are missing", attempt.n_seconds));
            }
            attempt.n_seconds += 1;
            attempt.seconds.lines.push(json.into());
            return Ok(());
        }
        let line: ShardLine = serde_json::from_slice(json.as_bytes()).map_err(|error| error.to_string())?;
        match line.event {
            ShardEvent::Begin(begin) => {
                if begin.plan.shards != line.shard.of() || begin.plan.hash() != line.plan {
                    return Err("the plan does not match its hash".into());
                }
                if attempt.begin.replace(*begin).is_some() {
                    return Err("another first line of this shard: merge each record once".into());
                }
            }
            ShardEvent::End(end) => {
                plausible::shard(&end)?;
                attempt.end = Some(Ok(*end));
            }
            ShardEvent::Refused(why) => attempt.end = Some(Err(why)),
            ShardEvent::Second(_) => unreachable!("seconds were sorted out before"),
        }
        if attempt.end.is_some() && !keeps_seconds {
            attempt.seconds.lines = Vec::new();
        }
        Ok(())
    }

    fn attempt(&mut self, source: &str, shard: Shard, attempt: String) -> Result<&mut Attempt, String> {
        let new = || Attempt {
            source: source.to_owned(),
            begin: None,
            seconds: ShardSeconds::default(),
            n_seconds: 0,
            end: None,
        };
        let attempt = self.attempts.entry((shard, attempt)).or_insert_with(new);
        if attempt.source == source {
            Ok(attempt)
        } else {
            Err(format!("the same record as in {}; merge each record once", attempt.source))
        }
    }

    /// Returns every record, by shard. Returns an error if one lacks its first line.
    pub fn into_records(self) -> Result<Vec<ShardRecord>, ShardFileError> {
        let record = |((shard, attempt), of): ((Shard, String), Attempt)| {
            let Attempt { source, begin, seconds, end, .. } = of;
            match begin {
                Some(begin) => Ok(ShardRecord { shard, source, attempt, begin, seconds, end }),
                None => Err(ShardFileError {
                    source,
                    line: None,
                    what: format!("the first line of shard {shard} is missing"),
                }),
            }
        };
        self.attempts.into_iter().map(record).collect()
    }
}
