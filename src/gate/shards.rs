//! Checks whether the shards of a load add up to one load.

use std::fmt;

use super::Verdict;
use crate::record::ShardRefused;
use crate::schedule::Shard;
use crate::units;

/// The part of the longest window that all shards must have in common. Outside of it, the server was not offered the
/// whole rate.
const OVERLAP: f64 = 0.99;

/// The largest difference between the clocks of the shards, as a share of the window. It shifts the shards against each
/// other, and the columns of the figures over time.
const SKEW: f64 = 0.01;

/// The ratio of a slower shard's median response time to that of the others, if their confidence intervals do not meet. The
/// intervals alone would find differences that matter to nobody, and they are too narrow, because successive response
/// times are not independent. A machine with a slow network can disappear in the percentiles of all.
const SLOWER: f64 = 1.1;

/// A reason why the shards of a load do not add up to one load.
#[derive(Clone, Debug, PartialEq)]
pub enum ShardFinding {
    /// These shards, at least one, left no record.
    Missing(Vec<Shard>),
    /// The record of a shard has no end: its process or its machine was killed.
    Killed {
        /// The shard.
        shard: Shard,
        /// The number of seconds in its record.
        seconds: usize,
    },
    /// A signal ended a shard early.
    Partial(Shard),
    /// A shard sent no request.
    Refused {
        /// The shard.
        shard: Shard,
        /// The reason.
        refused: ShardRefused,
    },
    /// The windows of the shards have too little in common.
    Overlap {
        /// The part of the longest window that all shards have in common, from 0 to 1.
        share: f64,
    },
    /// The clocks of the shards may differ by more than a small part of the window, or by an unknown time.
    Skew {
        /// The largest difference, nanoseconds; `None` if it is unknown.
        nanos: Option<u64>,
        /// The length of the window, nanoseconds.
        wall_ns: u64,
    },
    /// The median response time of a shard is longer than that of all others.
    Slower {
        /// The shard.
        shard: Shard,
        /// Its median response time, nanoseconds.
        p50_ns: u64,
        /// The median response time of the others, nanoseconds.
        others_p50_ns: u64,
    },
}

impl ShardFinding {
    /// Returns the verdict that this finding leads to.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Missing(_) | Self::Killed { .. } | Self::Partial(_) | Self::Refused { .. } | Self::Overlap { .. } => {
                Verdict::Invalid
            }
            Self::Skew { .. } | Self::Slower { .. } => Verdict::Suspect,
        }
    }

    /// Returns advice on what to do about the finding.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Missing(_) | Self::Killed { .. } => {
                "find out why the shard ended (the launcher's log), and run the whole load again"
            }
            Self::Partial(_) => "run the whole load again without interrupting it",
            Self::Refused { refused: ShardRefused { late_ns: Some(_), .. }, .. } => {
                "run it again with a later --start-at"
            }
            Self::Refused { .. } => "remove the cause, and run the whole load again",
            Self::Overlap { .. } => "give all shards one --start-at, and check the clocks of their machines",
            Self::Skew { nanos: None, .. } => {
                "synchronise the clocks of the machines (chrony, NTP); response times do not depend on it"
            }
            Self::Skew { .. } => "synchronise the clocks of the machines better, or measure for longer",
            Self::Slower { .. } => "look for a slower network or machine behind this shard",
        }
    }
}

impl fmt::Display for ShardFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(shards) => {
                let (of, n) = (shards.first().map_or(0, |shard| shard.of()), shards.len() as u64);
                match shards[..] {
                    [shard] => write!(f, "shard {} of {of} left no record", shard.number()),
                    _ => write!(f, "{} of {of} shards left no record: {}", units::count(n), ranges(shards)),
                }
            }
            Self::Killed { shard, seconds } => write!(
                f,
                "the record of shard {} of {} ends after {}: it was killed, or could not write it",
                shard.number(),
                shard.of(),
                units::counted(*seconds as u64, "second", "seconds"),
            ),
            Self::Partial(shard) => write!(f, "shard {} of {} was ended early by a signal", shard.number(), shard.of()),
            Self::Refused { shard, refused: ShardRefused { late_ns: Some(nanos), .. } } => write!(
                f,
                "shard {} of {} was ready {} after the start, and sent no request",
                shard.number(),
                shard.of(),
                units::duration(*nanos)
            ),
            Self::Refused { shard, refused } => {
                write!(f, "shard {} of {} sent no request: {}", shard.number(), shard.of(), refused.why)
            }
            Self::Overlap { share } => {
                write!(f, "the windows of the shards have only {:.1} % of their time in common", share * 100.0)
            }
            Self::Skew { nanos: None, .. } => {
                f.write_str("the difference between the clocks of the shards is unknown: a clock is not synchronised")
            }
            Self::Skew { nanos: Some(nanos), wall_ns } => write!(
                f,
                "the clocks of the shards may differ by {}, {:.1} % of the window",
                units::duration(*nanos),
                *nanos as f64 / (*wall_ns).max(1) as f64 * 100.0
            ),
            Self::Slower { shard, p50_ns, others_p50_ns } => write!(
                f,
                "shard {} of {} is slower: its median response time is {}, that of the others {}",
                shard.number(),
                shard.of(),
                units::duration(*p50_ns),
                units::duration(*others_p50_ns)
            ),
        }
    }
}

/// Lists the numbers of shards that rise: `2, 5 to 7`.
pub fn ranges(shards: &[Shard]) -> String {
    let numbers: Vec<u32> = shards.iter().map(|shard| shard.number()).collect();
    let runs = numbers.chunk_by(|one, next| one + 1 == *next);
    let words = runs.map(|run| match run {
        [one] => one.to_string(),
        [first, .., last] => format!("{first} to {last}"),
        [] => String::new(),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Checks the part of the longest window that all shards have in common, from 0 to 1.
pub fn check_overlap(share: f64) -> Option<ShardFinding> {
    (share < OVERLAP).then_some(ShardFinding::Overlap { share })
}

/// Checks the largest difference between the clocks of the shards, nanoseconds; `None` if it is unknown.
pub fn check_skew(nanos: Option<u64>, wall_ns: u64) -> Option<ShardFinding> {
    let is_small = nanos.is_some_and(|nanos| nanos as f64 <= SKEW * wall_ns as f64);
    (!is_small).then_some(ShardFinding::Skew { nanos, wall_ns })
}

/// Checks whether a shard is slower than the others by its median response time. Each is given with the ends of its
/// confidence interval: low, median, high.
pub fn check_medians(shard: Shard, own: [u64; 3], others: [u64; 3]) -> Option<ShardFinding> {
    let ([low, p50_ns, _], [_, others_p50_ns, others_high]) = (own, others);
    (low > others_high && super::ratio(p50_ns, others_p50_ns) > SLOWER).then_some(ShardFinding::Slower {
        shard,
        p50_ns,
        others_p50_ns,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_must_have_99_percent_in_common() {
        assert_eq!(check_overlap(0.991), None);
        assert_eq!(check_overlap(0.667).map(|finding| finding.verdict()), Some(Verdict::Invalid));
    }

    #[test]
    fn missing_shards_are_listed_in_ranges() {
        let shards = |numbers: &[u32]| numbers.iter().map(|number| Shard::new(*number, 9).unwrap()).collect::<Vec<_>>();
        let words = |numbers: &[u32]| ShardFinding::Missing(shards(numbers)).to_string();
        assert_eq!(words(&[3]), "shard 3 of 9 left no record");
        assert_eq!(words(&[1, 3, 4, 5, 9]), "5 of 9 shards left no record: 1, 3 to 5, 9");
    }

    #[test]
    fn clocks_may_differ_by_a_hundredth_of_the_window() {
        assert_eq!(check_skew(Some(9_000_000), 1_000_000_000), None);
        for nanos in [Some(11_000_000), None] {
            let finding = check_skew(nanos, 1_000_000_000).unwrap();
            assert_eq!(finding.verdict(), Verdict::Suspect, "{finding}");
        }
    }

    #[test]
    fn a_shard_is_slower_if_neither_interval_nor_size_explains_it() {
        let shard = Shard::new(2, 4).unwrap();
        assert_eq!(check_medians(shard, [90, 100, 110], [105, 120, 130]), None, "the intervals meet");
        assert_eq!(check_medians(shard, [99, 100, 101], [104, 105, 106]), None, "too small to matter");
        assert_eq!(check_medians(shard, [99, 100, 101], [199, 200, 201]), None, "faster");
        let finding = check_medians(shard, [199, 200, 201], [99, 100, 101]).unwrap();
        assert_eq!(
            finding.to_string(),
            "shard 2 of 4 is slower: its median response time is 200 ns, that of the others 100 ns"
        );
    }
}
