//! Places the windows of shards on one axis of time, and determines how far their clocks can be trusted.

use std::collections::BTreeMap;

use super::MergedShard;
use crate::host::MachineClocks;

/// The window of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShardWindow {
    /// The start of the shard's load after that of the earliest shard, nanoseconds.
    pub(super) after_first_ns: u64,
    /// The length of the window, nanoseconds.
    pub(super) length_ns: u64,
}

/// What is known of the difference between the wall clocks of shards. Response times do not depend on it, as both ends
/// of each are read from one clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skew {
    /// The shards ran under one kernel, whose own clock shows the largest difference between theirs, nanoseconds.
    Known(u64),
    /// The largest difference that the time services of the machines admit, nanoseconds.
    AtMost(u64),
    /// The clock of a machine is not synchronised.
    Unknown,
}

impl Skew {
    /// Determines the skew of these shards.
    pub(super) fn of(shards: &[MergedShard<'_>]) -> Self {
        let clocks: Vec<&MachineClocks> = shards.iter().filter_map(|shard| Some(&shard.record?.begin.clock)).collect();
        let first = clocks.first().and_then(|clock| clock.boot_id.as_ref());
        if first.is_some() && clocks.iter().all(|clock| clock.boot_id.as_ref() == first) {
            let ahead = || clocks.iter().map(|clock| ahead_ns(clock));
            return Self::Known(
                ahead()
                    .max()
                    .zip(ahead().min())
                    .map_or(0, |(most, least)| u64::try_from(most.abs_diff(least)).unwrap_or(u64::MAX)),
            );
        }
        let errors: Option<Vec<u64>> = clocks
            .iter()
            // An error of 0 is none that the time service knows.
            .map(|clock| clock.discipline.filter(|state| state.is_synchronized && state.max_error_ns > 0))
            .map(|state| state.map(|state| state.max_error_ns))
            .collect();
        errors.map_or(Self::Unknown, |mut errors| {
            errors.sort_unstable_by(|one, other| other.cmp(one));
            Self::AtMost(errors.iter().take(2).fold(0, |sum, error| sum.saturating_add(*error)))
        })
    }

    /// Returns the largest possible difference, nanoseconds; `None` if it is unknown.
    pub fn at_most_ns(self) -> Option<u64> {
        match self {
            Self::Known(nanos) | Self::AtMost(nanos) => Some(nanos),
            Self::Unknown => None,
        }
    }
}

/// Returns by how much a wall clock is ahead of the kernel's own clock, nanoseconds.
fn ahead_ns(clock: &MachineClocks) -> i128 {
    i128::from(clock.realtime_ns) - i128::from(clock.boottime_ns)
}

/// Returns the number of different kernels, which are machines unless containers or simulators share one.
pub(super) fn machines(shards: &[MergedShard<'_>]) -> usize {
    let mut ids: Vec<Option<&str>> =
        shards.iter().filter_map(|shard| Some(shard.record?.begin.clock.boot_id.as_deref())).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}

/// Returns the windows of the shards that were measured. Shards of one kernel are placed by its own clock, machines
/// against each other by their wall clocks.
pub(super) fn windows(shards: &[MergedShard<'_>]) -> Vec<Option<ShardWindow>> {
    let mut kernels: BTreeMap<&str, i128> = BTreeMap::new();
    let mut starts = Vec::new();
    for shard in shards {
        let measured = shard.record.and_then(|record| Some((&record.begin.clock, record.end.as_ref()?.as_ref().ok()?)));
        starts.push(measured.map(|(clock, end)| {
            let start = match &clock.boot_id {
                // The wall clock of a kernel's first shard places all shards of that kernel.
                Some(id) => i128::from(end.started_boottime_ns) + *kernels.entry(id).or_insert_with(|| ahead_ns(clock)),
                None => i128::from(end.started_realtime_ns),
            };
            (start, end.wall_ns)
        }));
    }
    let first = starts.iter().flatten().map(|(start, _): &(i128, u64)| *start).min().unwrap_or(0);
    let window = |(start, length_ns): (i128, u64)| ShardWindow {
        after_first_ns: u64::try_from(start - first).unwrap_or(u64::MAX),
        length_ns,
    };
    starts.into_iter().map(|start| start.map(window)).collect()
}

/// Returns the part of the longest window that all of them have in common, from 0 to 1; `None` without a window. If a
/// number of requests ends each (`are_counted`), they end at different times by design, and only their beginnings count.
pub(super) fn overlap<'a>(windows: impl Iterator<Item = &'a ShardWindow>, are_counted: bool) -> Option<f64> {
    let windows: Vec<&ShardWindow> = windows.collect();
    let longest = windows.iter().map(|window| window.length_ns).max()?;
    let begin = windows.iter().map(|window| window.after_first_ns).max()?;
    let end = if are_counted {
        longest
    } else {
        windows.iter().map(|window| window.after_first_ns.saturating_add(window.length_ns)).min()?
    };
    Some(end.saturating_sub(begin) as f64 / longest.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_the_time_in_common_in_which_all_are_open() {
        let window = |(after_first_ns, length_ns)| ShardWindow { after_first_ns, length_ns };
        let check = |windows: &[(u64, u64)], are_counted, expected| {
            let windows: Vec<ShardWindow> = windows.iter().copied().map(window).collect();
            assert_eq!(overlap(windows.iter(), are_counted), expected, "{windows:?}");
        };
        check(&[], false, None);
        check(&[(0, 300), (0, 300)], false, Some(1.0));
        check(&[(0, 300), (100, 300)], false, Some(2.0 / 3.0));
        check(&[(0, 100), (200, 100)], false, Some(0.0));
        check(&[(0, 100), (0, 80)], false, Some(0.8));
        check(&[(0, 100), (0, 80)], true, Some(1.0));
        check(&[(0, 100), (10, 80)], true, Some(0.9));
    }
}
