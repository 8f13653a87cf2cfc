//! Computes the confidence band of the percentile curve over all rounds.

use super::student::t_factor;
use super::{FEWEST, Interval, resampled};
use crate::histogram::Histogram;
use crate::random;

/// The number of resamples: six rounds have 462 different ones. Ten lie beyond each end, which is enough for a picture.
const RESAMPLES: usize = 400;

/// The confidence band at one percentile of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// The percentile, as a share (0 to 1) of all times.
    pub share: f64,
    /// The interval of the percentile, in nanoseconds, with [`CONFIDENCE`](super::CONFIDENCE).
    pub interval: Interval,
}

/// Returns the places at which to draw a percentile curve of this many times, in nines: 0 is the fastest, 1 is 90 %, 2
/// is 99 %. The last place is the last percentile with ten times beyond it. Empty with fewer than twenty times.
pub fn curve_places(times: u64) -> Vec<f64> {
    const PER_NINE: f64 = 60.0;
    if times < 20 {
        return Vec::new();
    }
    let last = (times as f64 / 10.0).log10();
    (0..=(last * PER_NINE) as u32).map(|step| f64::from(step) / PER_NINE).chain([last]).collect()
}

/// Returns the band at each of these rising shares, for all rounds merged; `None` with fewer than [`FEWEST`] rounds.
///
/// This is a bootstrap over clusters: whole rounds are drawn, with all their times, because the times of a round are
/// not independent of each other. Takes about 5 ms for ten rounds of 1,000 different times.
pub fn ribbon(rounds: &[&Histogram], shares: &[f64], seed: u64) -> Option<Vec<Band>> {
    if rounds.len() < FEWEST {
        return None;
    }
    let table = CumulativeCounts::from_rounds(rounds);
    if table.values.is_empty() {
        return None;
    }
    let mut rng = random::stream(seed, 0);
    let mut found: Vec<Vec<f64>> = vec![Vec::with_capacity(RESAMPLES); shares.len()];
    for _ in 0..RESAMPLES {
        let mut weights = vec![0_u64; rounds.len()];
        (0..rounds.len()).for_each(|_| weights[rng.usize(..rounds.len())] += 1);
        for (found, place) in found.iter_mut().zip(table.places(&weights, shares)) {
            found.push(table.ln(place));
        }
    }
    let t_factor = t_factor(rounds.len());
    let merged = table.places(&vec![1; rounds.len()], shares);
    let band = |((share, found), merged): ((&f64, Vec<f64>), usize)| {
        let Interval { low, high } = resampled(table.ln(merged), found, t_factor);
        Band { share: *share, interval: Interval { low: low.exp(), high: high.exp() } }
    };
    let mut bands: Vec<Band> = shares.iter().zip(found).zip(merged).map(band).collect();
    // A percentile is at least as large as a lower one, so a bound of one is a bound of the other.
    for i in 1..bands.len() {
        bands[i].interval.low = bands[i].interval.low.max(bands[i - 1].interval.low);
    }
    for i in (1..bands.len()).rev() {
        bands[i - 1].interval.high = bands[i - 1].interval.high.min(bands[i].interval.high);
    }
    Some(bands)
}

/// The counts of all rounds, cumulated from the lowest value.
struct CumulativeCounts {
    /// Every value that occurs in a round, rising, in nanoseconds.
    values: Vec<u64>,
    /// For each value, the number of times of each round that are at most that value: one row per value.
    up_to: Vec<u64>,
    rounds: usize,
}

impl CumulativeCounts {
    fn from_rounds(rounds: &[&Histogram]) -> Self {
        let mut entries: Vec<(u64, usize, u64)> = Vec::new();
        for (round, histogram) in rounds.iter().enumerate() {
            entries.extend(histogram.buckets().map(|(value, count)| (value, round, count)));
        }
        entries.sort_unstable();
        let mut table = Self { values: Vec::new(), up_to: Vec::new(), rounds: rounds.len() };
        let mut sums = vec![0; rounds.len()];
        for (value, round, count) in entries {
            if table.values.last() != Some(&value) {
                table.values.push(value);
                table.up_to.extend_from_slice(&sums);
            }
            sums[round] += count;
            let row = table.up_to.len() - rounds.len();
            table.up_to[row..].copy_from_slice(&sums);
        }
        table
    }

    /// Returns the logarithm of the value at this place: percentiles are widened by ratios.
    fn ln(&self, place: usize) -> f64 {
        (self.values[place].max(1) as f64).ln()
    }

    /// Returns the number of times that are at most the value at this place, each round multiplied by its weight.
    fn count_up_to(&self, weights: &[u64], place: usize) -> u64 {
        let row = &self.up_to[place * self.rounds..][..self.rounds];
        row.iter().zip(weights).map(|(count, weight)| count * weight).sum()
    }

    /// Returns, for each of these rising shares, the place of the smallest value with at least that share of all times
    /// at or below it.
    fn places(&self, weights: &[u64], shares: &[f64]) -> Vec<usize> {
        let last = self.values.len() - 1;
        let all = self.count_up_to(weights, last) as f64;
        let mut place = 0;
        let find = |share: &f64| {
            let wanted = ((all * share).ceil() as u64).max(1);
            while place < last && self.count_up_to(weights, place) < wanted {
                place += 1;
            }
            place
        };
        shares.iter().map(find).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identical_rounds_give_a_ribbon_without_width() {
        let round = Histogram::from_iter(1..=1_000);
        let bands = ribbon(&[&round; 6], &[0.0, 0.5, 0.99, 1.0], 1).unwrap();
        let ends: Vec<(f64, f64)> =
            bands.iter().map(|band| (band.interval.low.round(), band.interval.high.round())).collect();
        assert_eq!(ends, [(1.0, 1.0), (500.0, 500.0), (990.0, 990.0), (1_000.0, 1_000.0)]);
    }

    #[test]
    fn a_slower_round_widens_the_ribbon_upwards() {
        let (fast, slow) = (Histogram::from_iter(1..=1_000), Histogram::from_iter(10_001..=11_000));
        let bands = ribbon(&[&fast, &fast, &fast, &fast, &fast, &slow], &[0.5, 0.9], 1).unwrap();
        assert!(bands[0].interval.high > bands[0].interval.low, "{bands:?}");
        assert!(bands[1].interval.high >= 10_000.0, "{bands:?}");
    }

    #[test]
    fn too_few_or_empty_rounds_have_no_ribbon() {
        let (some, none) = (Histogram::from_iter([1]), Histogram::from_iter([]));
        assert_eq!(ribbon(&[&some; 5], &[0.5], 1), None);
        assert_eq!(ribbon(&[&none; 6], &[0.5], 1), None);
    }
}
