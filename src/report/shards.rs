//! Words for the shards of a merged load: the cells of their table, and what is known of their clocks.

use super::load::supported_percentile;
use crate::analysis::merge::{MergedLoad, MergedShard, ShardState, Skew};
use crate::gate::Verdict;
use crate::scenario::ArrivalSpec;
use crate::schedule::Arrivals;
use crate::text;
use crate::units;

/// The headings of [`shard_cells`].
pub const SHARD_HEADINGS: [&str; 9] =
    ["planned", "completed", "without answer", "lost", "answered", "p50", "p99", "starts after", "verdict"];

/// Returns the name of the machine of a shard.
pub fn shard_machine(shard: &MergedShard<'_>) -> String {
    let name = shard.record.and_then(|record| record.begin.hostname.as_deref());
    text::one_line(name.unwrap_or("unknown"))
}

/// Returns the cells of a shard in the table of all shards.
pub fn shard_cells(shard: &MergedShard<'_>) -> [String; 9] {
    let requests = &shard.requests;
    let unanswered = requests.planned - requests.completed - requests.lost;
    let time = |share| supported_percentile(&shard.response_time, share).map_or_else(|| "n/a".into(), units::duration);
    [
        units::count(requests.planned),
        units::count(requests.completed),
        units::count(unanswered),
        units::count(requests.lost),
        shard.rate.map_or_else(|| "n/a".into(), units::rate),
        time(0.5),
        time(0.99),
        shard.starts_after_ns.map_or_else(|| "n/a".into(), units::duration),
        match shard.state {
            ShardState::Complete => shard.verdict.to_string(),
            state => format!("{}: {}", Verdict::Invalid, state.word()),
        },
    ]
}

/// Describes the machines of a merged load, and by how much their clocks differ.
pub fn shard_clocks(merged: &MergedLoad<'_>) -> String {
    let n = merged.shards.iter().filter(|shard| shard.record.is_some()).count() as u64;
    let shards = units::counted(n, "shard", "shards");
    let machines = match merged.machines {
        1 => "one machine (one kernel)".to_owned(),
        n => format!("{} machines", units::count(n as u64)),
    };
    if n < 2 {
        return format!("{shards} on {machines}");
    }
    let clocks = match merged.skew {
        Skew::Known(nanos) => {
            format!("their wall clocks differ by {}, as the kernel's own clock shows", units::duration(nanos))
        }
        Skew::AtMost(nanos) => format!(
            "their clocks differ by at most {}, by the largest errors that their time services admit",
            units::duration(nanos)
        ),
        Skew::Unknown => "the difference between their clocks is unknown: at least one is not synchronised".to_owned(),
    };
    let even = match merged.plan.arrival {
        ArrivalSpec::Open { arrivals: Arrivals::Even, .. } => {
            "; together, the arrivals are even only to within this difference"
        }
        _ => "",
    };
    format!("{shards} on {machines}; {clocks}{even}")
}
