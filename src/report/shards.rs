//! Words for the shards of a merged load: the cells of their table, and what is known of their clocks.

use super::load::{bounded_time, supported_percentile};
use crate::analysis::merge::{MergedLoad, MergedShard, ShardState, Skew};
use crate::gate::{Verdict, ranges};
use crate::record::Requests;
use crate::scenario::ArrivalSpec;
use crate::schedule::{Arrivals, Shard};
use crate::text;
use crate::units;

/// The headings of the figures in the table of all shards.
pub const SHARD_HEADINGS: [&str; 9] =
    ["planned", "completed", "without answer", "lost", "answered", "p50", "p99", "starts after", "verdict"];

/// A row of the table of all shards.
pub struct ShardRow {
    /// The number of the shard, or the numbers of several that left no record.
    pub shards: String,
    /// The name of the machine.
    pub machine: String,
    /// The figures, under [`SHARD_HEADINGS`].
    pub cells: [String; 9],
}

impl ShardRow {
    /// Returns all cells of the row.
    pub fn into_cells(self) -> Vec<String> {
        [self.shards, self.machine].into_iter().chain(self.cells).collect()
    }
}

/// Returns a row for each shard, and one for all that left no record.
pub fn shard_rows(merged: &MergedLoad<'_>) -> Vec<ShardRow> {
    let (missing, others): (Vec<_>, Vec<_>) =
        merged.shards.iter().partition(|shard| shard.state == ShardState::Missing);
    let mut rows: Vec<ShardRow> = others.into_iter().map(row).collect();
    if !missing.is_empty() {
        let numbers: Vec<Shard> = missing.iter().map(|shard| shard.shard).collect();
        let mut requests = Requests::default();
        missing.iter().for_each(|shard| requests.add(&shard.requests));
        let counts = counts(&requests);
        let unknown = || "n/a".to_owned();
        let [planned, completed, unanswered, lost] = counts;
        let verdict = format!("{}: {}", Verdict::Invalid, ShardState::Missing.word());
        rows.push(ShardRow {
            shards: ranges(&numbers),
            machine: "unknown".into(),
            cells: [planned, completed, unanswered, lost, unknown(), unknown(), unknown(), unknown(), verdict],
        });
    }
    rows
}

fn row(shard: &MergedShard<'_>) -> ShardRow {
    let name = shard.record.and_then(|record| record.begin.host.hostname.as_deref());
    let time = |share| bounded_time(supported_percentile(&shard.response_time, share), shard.lower_bound_from_ns, ">=");
    let [planned, completed, unanswered, lost] = counts(&shard.requests);
    ShardRow {
        shards: shard.shard.number().to_string(),
        machine: text::one_line(name.unwrap_or("unknown")),
        cells: [
            planned,
            completed,
            unanswered,
            lost,
            shard.rate.map_or_else(|| "n/a".into(), units::rate),
            time(0.5),
            time(0.99),
            shard.starts_after_ns.map_or_else(|| "n/a".into(), units::duration),
            match shard.state {
                ShardState::Complete => shard.verdict.to_string(),
                state => format!("{}: {}", Verdict::Invalid, state.word()),
            },
        ],
    }
}

fn counts(requests: &Requests) -> [String; 4] {
    let Requests { planned, completed, lost, .. } = *requests;
    [planned, completed, planned - completed - lost, lost].map(units::count)
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
