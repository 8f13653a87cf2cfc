//! The findings on a merged load.

use super::{MergedShard, ShardState};
use crate::analysis::single_load::LoadFinding;
use crate::gate::{self, Finding, ShardFinding};
use crate::histogram::Histogram;

/// Joins the findings of one kind and verdict on several shards to the worst of them, and all missing shards to one finding.
pub(super) fn grouped(findings: Vec<LoadFinding>) -> Vec<LoadFinding> {
    let mut groups: Vec<LoadFinding> = Vec::new();
    for other in findings {
        if let LoadFinding::Shards(ShardFinding::Missing(more)) = &other
            && let Some(LoadFinding::Shards(ShardFinding::Missing(shards))) =
                groups.iter_mut().find(|group| matches!(group, LoadFinding::Shards(ShardFinding::Missing(_))))
        {
            shards.extend(more);
            continue;
        }
        let LoadFinding::OfShards { worst: other_shard, finding: other_finding, .. } = other else {
            groups.push(other);
            continue;
        };
        let kind = |finding: &Finding| (finding.name(), finding.verdict());
        let same = groups.iter_mut().find_map(|group| match group {
            LoadFinding::OfShards { worst, finding, shards } if kind(finding) == kind(&other_finding) => {
                Some((worst, finding, shards))
            }
            _ => None,
        });
        match same {
            None => groups.push(other),
            Some((worst, finding, shards)) => {
                *shards += 1;
                if other_finding.severity() > finding.severity() {
                    (*worst, *finding) = (other_shard, other_finding);
                }
            }
        }
    }
    groups
}

/// Returns the shards that are slower than the others.
pub(super) fn slower_shards<'a>(shards: &'a [MergedShard<'_>]) -> impl Iterator<Item = ShardFinding> + 'a {
    let mut all = Histogram::default();
    let complete = || shards.iter().filter(|shard| shard.state == ShardState::Complete);
    complete().for_each(|shard| all.merge(&shard.response_time));
    complete().filter_map(move |shard| {
        let own = &shard.response_time;
        let interval = |share: f64| own.quantile(share);
        let others = |share: f64| all.quantile_without(own, share);
        let own_ends = median_ends(own.len()).map(interval);
        let others_ends = median_ends(all.len() - own.len()).map(others);
        let known = |ends: [Option<u64>; 3]| Some([ends[0]?, ends[1]?, ends[2]?]);
        gate::check_medians(shard.shard, known(own_ends)?, known(others_ends)?)
    })
}

/// Returns the shares at which the 95 % confidence interval of a median and the median itself lie in a sample: the
/// number of values below the median is binomial, approximately normal with a deviation of half the root of n (David
/// and Nagaraja, *Order Statistics*, 2003, section 7.1).
fn median_ends(n: u64) -> [f64; 3] {
    let half = 0.5 * 1.96 / (n.max(1) as f64).sqrt();
    [(0.5 - half).max(0.0), 0.5, (0.5 + half).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Shard;

    #[test]
    fn findings_of_one_kind_are_joined_to_the_worst() {
        let shard = |number| Shard::new(number, 3).unwrap();
        let queued = |number, share| LoadFinding::OfShards {
            worst: shard(number),
            finding: Finding::Queued { share },
            shards: 1,
        };
        let missing = LoadFinding::Shards(ShardFinding::Missing(vec![shard(3)]));
        let groups = grouped(vec![queued(1, 0.3), missing.clone(), queued(2, 0.5), queued(3, 0.05)]);
        let worst = LoadFinding::OfShards { worst: shard(2), finding: Finding::Queued { share: 0.5 }, shards: 2 };
        assert_eq!(groups, [worst.clone(), missing, queued(3, 0.05)]);
        assert!(worst.to_string().starts_with("2 of 3 shards, worst in shard 2: "), "{worst}");
    }

    #[test]
    fn the_interval_of_a_median_holds_it() {
        let [low, middle, high] = median_ends(400);
        // 1.96 * sqrt(400) / 2 = 19.6 of 400 values on either side.
        assert!((low - 0.451).abs() < 1e-9 && middle == 0.5 && (high - 0.549).abs() < 1e-9, "{low} {high}");
        assert_eq!(median_ends(1), [0.0, 0.5, 1.0]);
    }
}
