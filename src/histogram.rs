//! The project's only kind of histogram: nanoseconds, from 1 ns to one hour, to three significant digits.
//!
//! A wrapper around HdrHistogram that fixes its bounds, saturates instead of failing, counts the clipped times and
//! keeps the longest one to the nanosecond. Its JSON form holds that time and HdrHistogram V2 (deflated, base64), which
//! the Java, Python and JavaScript readers open.

mod shared;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::{fmt, iter};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::iterators::IterationValue;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::{Deserialize, Serialize, de, ser};

pub use shared::SharedHistogram;

/// The longest distinguishable time: one hour. Longer ones are recorded as this and counted by [`Histogram::clipped`].
pub const HIGHEST: u64 = 3_600_000_000_000;

/// The most times that a histogram in a file may hold: the sum of a thousand such numbers does not overflow.
const MOST_TIMES: u64 = 1 << 53;

/// A distribution of times in nanoseconds. Takes about 260 KiB while times are recorded: keep one per worker or
/// generator thread, never one per job. After reading it from a file, its size depends on the number of different
/// times, some 10 KiB.
#[derive(Clone)]
pub struct Histogram {
    counts: BucketCounts,
    /// The longest recorded time, nanoseconds; 0 if nothing was recorded.
    longest: u64,
    clipped: u64,
}

/// The JSON form.
#[derive(Serialize, Deserialize)]
struct HistogramJson<'a> {
    /// HdrHistogram V2, deflated, in base64.
    v2: Cow<'a, str>,
    /// The longest recorded time, nanoseconds: the buckets keep only three digits of it.
    longest_ns: Option<u64>,
}

/// The counts of all buckets, or only of those that are not empty.
#[derive(Clone)]
enum BucketCounts {
    Dense(hdrhistogram::Histogram<u64>),
    Sparse(Sparse),
}

#[derive(Clone, Default)]
struct Sparse {
    /// The highest value of each bucket, rising, and the number of times up to and including it.
    up_to: Box<[(u64, u64)]>,
    min: u64,
    mean: f64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: BucketCounts::Dense(dense()), longest: 0, clipped: 0 }
    }
}

fn dense() -> hdrhistogram::Histogram<u64> {
    let counts = hdrhistogram::Histogram::new_with_bounds(1, HIGHEST, 3);
    counts.expect("HdrHistogram accepts these constant bounds")
}

impl FromIterator<u64> for Histogram {
    fn from_iter<I: IntoIterator<Item = u64>>(times: I) -> Self {
        let mut histogram = Self::default();
        times.into_iter().for_each(|nanos| histogram.record(nanos));
        histogram
    }
}

impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        (self.longest, self.clipped) == (other.longest, other.clipped) && self.buckets().eq(other.buckets())
    }
}

impl fmt::Debug for Histogram {
    /// Shows the statistics and not the 30,000 buckets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("len", &self.len())
            .field("min", &self.min())
            .field("max", &self.max())
            .field("clipped", &self.clipped)
            .finish()
    }
}

impl Histogram {
    /// Adds one time. Takes under 10 ns in cache. Never fails, and allocates only the first time after reading from a
    /// file.
    #[inline]
    pub fn record(&mut self, nanos: u64) {
        self.clipped += u64::from(nanos > HIGHEST);
        self.longest = self.longest.max(nanos.min(HIGHEST));
        self.dense_mut().saturating_record(nanos);
    }

    /// Adds the same time repeatedly.
    pub fn record_many(&mut self, nanos: u64, times: u64) {
        if times == 0 {
            return;
        }
        self.clipped += if nanos > HIGHEST { times } else { 0 };
        self.longest = self.longest.max(nanos.min(HIGHEST));
        self.dense_mut().saturating_record_n(nanos, times);
    }

    /// Removes every time, and keeps the memory.
    pub fn clear(&mut self) {
        if !self.is_empty() {
            self.dense_mut().reset();
        }
        (self.longest, self.clipped) = (0, 0);
    }

    /// Adds all times of another histogram.
    pub fn merge(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        match &other.counts {
            BucketCounts::Dense(counts) => self.dense_mut().add(counts).expect("all histograms have the same bounds"),
            BucketCounts::Sparse(_) => {
                let dense = self.dense_mut();
                other.buckets().for_each(|(value, count)| dense.saturating_record_n(value, count));
            }
        }
        self.longest = self.longest.max(other.longest);
        self.clipped += other.clipped;
    }

    /// Returns the number of recorded times.
    pub fn len(&self) -> u64 {
        match &self.counts {
            BucketCounts::Dense(counts) => counts.len(),
            BucketCounts::Sparse(sparse) => sparse.up_to.last().map_or(0, |(_, seen)| *seen),
        }
    }

    /// Returns whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of times beyond [`HIGHEST`]. The JSON form does not keep this number.
    pub fn clipped(&self) -> u64 {
        self.clipped
    }

    /// Returns the smallest recorded value with at least this share (0 to 1) of all values at or below it, in
    /// nanoseconds; `None` if nothing was recorded.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let found = match &self.counts {
            BucketCounts::Dense(counts) => counts.value_at_quantile(share),
            // As in HdrHistogram: the lowest value for share 0, else the highest value of the bucket.
            BucketCounts::Sparse(sparse) if share <= 0.0 => sparse.min,
            BucketCounts::Sparse(sparse) => {
                let wanted = ((share.min(1.0) * self.len() as f64).ceil() as u64).max(1);
                let place = sparse.up_to.partition_point(|(_, seen)| *seen < wanted);
                sparse.up_to.get(place)?.0
            }
        };
        // The upper bound of the last bucket may exceed the longest time.
        (!self.is_empty()).then(|| found.min(self.longest))
    }

    /// Returns the [`quantile`](Self::quantile), or `None` if fewer than ten values lie beyond it, which is too few.
    pub fn credible_quantile(&self, share: f64) -> Option<u64> {
        // The half guards against 1.0 - 0.99 being a hair less than 0.01.
        let beyond = (self.len() as f64 * (1.0 - share) + 1e-6).floor();
        if beyond < 10.0 { None } else { self.quantile(share) }
    }

    /// Returns the number of times that are at least this long, to three digits.
    pub fn count_from(&self, nanos: u64) -> u64 {
        self.buckets().filter(|(value, _)| *value >= nanos).map(|(_, count)| count).sum()
    }

    /// Returns the [`quantile`](Self::quantile) of the times that remain without those of `part`, all of which are in
    /// this one.
    pub fn quantile_without(&self, part: &Self, share: f64) -> Option<u64> {
        let taken: BTreeMap<u64, u64> = part.buckets().collect();
        let left = |(value, count): (u64, u64)| (value, count.saturating_sub(taken.get(&value).copied().unwrap_or(0)));
        let left: Vec<(u64, u64)> = self.buckets().map(left).collect();
        let all: u64 = left.iter().map(|(_, count)| count).sum();
        let wanted = ((share.min(1.0) * all as f64).ceil() as u64).max(1);
        let mut seen = 0;
        left.into_iter().find_map(|(value, count)| {
            seen += count;
            (seen >= wanted).then_some(value)
        })
    }

    /// Returns the longest recorded time, in nanoseconds.
    pub fn max(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.longest)
    }

    /// Returns the shortest time, to three digits, in nanoseconds.
    pub fn min(&self) -> Option<u64> {
        let min = match &self.counts {
            BucketCounts::Dense(counts) => counts.min(),
            BucketCounts::Sparse(sparse) => sparse.min,
        };
        (!self.is_empty()).then_some(min)
    }

    /// Returns the arithmetic mean of the bucketed values, in nanoseconds.
    pub fn mean(&self) -> Option<f64> {
        let mean = match &self.counts {
            BucketCounts::Dense(counts) => counts.mean(),
            BucketCounts::Sparse(sparse) => sparse.mean,
        };
        (!self.is_empty()).then_some(mean)
    }

    /// Returns every non-empty bucket, rising: the highest value it stands for, in nanoseconds, and its count.
    pub fn buckets(&self) -> Box<dyn Iterator<Item = (u64, u64)> + '_> {
        match &self.counts {
            BucketCounts::Dense(counts) => {
                let bucket =
                    |bucket: IterationValue<u64>| (bucket.value_iterated_to(), bucket.count_since_last_iteration());
                Box::new(counts.iter_recorded().map(bucket))
            }
            BucketCounts::Sparse(sparse) => {
                let before = iter::once(0).chain(sparse.up_to.iter().map(|(_, seen)| *seen));
                Box::new(sparse.up_to.iter().zip(before).map(|((value, seen), before)| (*value, seen - before)))
            }
        }
    }

    /// Returns the underlying HdrHistogram, for its own formats.
    pub fn to_hdr(&self) -> Cow<'_, hdrhistogram::Histogram<u64>> {
        match &self.counts {
            BucketCounts::Dense(counts) => Cow::Borrowed(counts),
            BucketCounts::Sparse(_) => {
                let mut all = dense();
                self.buckets().for_each(|(value, count)| all.saturating_record_n(value, count));
                Cow::Owned(all)
            }
        }
    }

    #[inline]
    fn dense_mut(&mut self) -> &mut hdrhistogram::Histogram<u64> {
        if let BucketCounts::Sparse(_) = self.counts {
            self.counts = BucketCounts::Dense(self.to_hdr().into_owned());
        }
        match &mut self.counts {
            BucketCounts::Dense(counts) => counts,
            BucketCounts::Sparse(_) => unreachable!("it was made dense"),
        }
    }

    fn to_base64(&self) -> Result<String, String> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&self.to_hdr(), &mut bytes).map_err(|e| e.to_string())?;
        Ok(BASE64.encode(bytes))
    }

    /// Builds a histogram from its buckets, and the longest time if it is known.
    fn from_base64(text: &str, longest: Option<u64>) -> Result<Self, String> {
        let bytes = BASE64.decode(text).map_err(|e| e.to_string())?;
        let counts: hdrhistogram::Histogram<u64> =
            Deserializer::new().deserialize(&mut bytes.as_slice()).map_err(|e| format!("{e:?}"))?;
        // Other bounds would break a later merge.
        if (counts.low(), counts.high(), counts.sigfig()) != (1, HIGHEST, 3) {
            return Err("expected bounds of 1 ns to 1 h with three digits".into());
        }
        let mut seen = 0_u64;
        let up_to = counts.iter_recorded().map(|bucket| {
            seen = seen.saturating_add(bucket.count_since_last_iteration());
            (bucket.value_iterated_to(), seen)
        });
        let up_to: Box<[(u64, u64)]> = up_to.collect();
        if seen > MOST_TIMES {
            return Err(format!("must have at most {MOST_TIMES} samples, found {seen}"));
        }
        let highest = up_to.last().map_or(0, |(value, _)| *value);
        let longest = longest.unwrap_or(highest.min(HIGHEST));
        // The longest time lies in the last non-empty bucket.
        if longest > HIGHEST || counts.highest_equivalent(longest) != highest && !(longest == 0 && highest == 0) {
            return Err(format!("the longest time does not match the buckets: {longest} ns"));
        }
        let sparse = Sparse { up_to, min: counts.min(), mean: counts.mean() };
        Ok(Self { counts: BucketCounts::Sparse(sparse), longest, clipped: 0 })
    }
}

impl Serialize for Histogram {
    fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let v2 = self.to_base64().map_err(ser::Error::custom)?.into();
        HistogramJson { v2, longest_ns: self.max() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let HistogramJson { v2, longest_ns } = HistogramJson::deserialize(deserializer)?;
        Self::from_base64(&v2, longest_ns)
            .map_err(|e| de::Error::custom(format!("invalid HdrHistogram V2 in base64: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_can_leave_out_a_part_of_the_samples() {
        let all: Histogram = (1..=100).chain([1_000; 20]).collect();
        let part: Histogram = [1_000; 20].into_iter().collect();
        assert_eq!((all.quantile(0.99), all.quantile_without(&part, 0.99)), (Some(1_000), Some(99)));
        assert_eq!(all.quantile_without(&Histogram::default(), 0.5), all.quantile(0.5));
        assert_eq!((all.quantile_without(&all, 0.5), all.count_from(1_000), all.count_from(100)), (None, 20, 21));
    }

    #[test]
    fn a_quantile_is_the_smallest_value_that_reaches_its_share() {
        let histogram = Histogram::from_iter(1..=1_000);
        assert_eq!(histogram.quantile(0.5), Some(500));
        assert_eq!(histogram.quantile(0.99), Some(990));
        assert_eq!(histogram.max(), Some(1_000));
        assert_eq!(Histogram::from_iter([]).quantile(0.5), None);
    }

    #[test]
    fn a_percentile_needs_ten_samples_beyond_it() {
        assert_eq!(Histogram::from_iter(1..=999).credible_quantile(0.99), None);
        assert_eq!(Histogram::from_iter(1..=1_000).credible_quantile(0.99), Some(990));
    }

    #[test]
    fn values_beyond_the_highest_are_clipped_and_counted() {
        let histogram = Histogram::from_iter([HIGHEST + 1, 5]);
        assert_eq!((histogram.len(), histogram.clipped()), (2, 1));
        assert!(histogram.max().is_some_and(|max| max <= HIGHEST + HIGHEST / 1_000));
    }

    #[test]
    fn a_histogram_survives_json() {
        let histogram = Histogram::from_iter((0..10_000).map(|i| i * i + 1));
        let text = serde_json::to_string(&histogram).unwrap();
        assert!(text.starts_with(r#"{"v2":"HISTFAAAA"#), "not the header of a deflated V2 histogram: {text}");
        assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), histogram);
        assert!(serde_json::from_str::<Histogram>(r#"{"v2":"HISTF","longest_ns":1}"#).is_err());
    }

    #[test]
    fn a_decoded_histogram_equals_the_encoded_one() {
        let written = Histogram::from_iter((0..5_000).map(|i| i * i % 77_777 + i % 7 + 1));
        let read = Histogram::from_base64(&written.to_base64().unwrap(), written.max()).unwrap();
        for share in [-1.0, 0.0, 1e-9, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0, 2.0] {
            assert_eq!(read.quantile(share), written.quantile(share), "{share}");
        }
        assert_eq!((read.len(), read.min(), read.max()), (written.len(), written.min(), written.max()));
        assert_eq!((read.mean(), read.credible_quantile(0.99)), (written.mean(), written.credible_quantile(0.99)));
        let grown = |mut histogram: Histogram| {
            histogram.merge(&read);
            histogram.merge(&written);
            histogram.record(5);
            histogram
        };
        assert_eq!(grown(read.clone()), grown(written.clone()));
        assert_eq!(read.to_base64(), written.to_base64());
        let none = Histogram::from_base64(&Histogram::default().to_base64().unwrap(), None).unwrap();
        assert_eq!((none.len(), none.quantile(0.5), none.max(), none.mean()), (0, None, None, None));
        let foreign: hdrhistogram::Histogram<u64> = hdrhistogram::Histogram::new_with_bounds(1, 1_000, 2).unwrap();
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&foreign, &mut bytes).unwrap();
        assert!(Histogram::from_base64(&BASE64.encode(bytes), None).is_err());
    }

    #[test]
    fn the_maximum_is_exact_and_no_quantile_exceeds_it() {
        let written = Histogram::from_iter([402_500_001, 402_600_003]);
        let read: Histogram = serde_json::from_str(&serde_json::to_string(&written).unwrap()).unwrap();
        let mut merged = Histogram::from_iter([7]);
        merged.merge(&read);
        for histogram in [&written, &read, &merged] {
            assert_eq!((histogram.max(), histogram.quantile(1.0)), (Some(402_600_003), Some(402_600_003)));
        }
        merged.clear();
        assert_eq!(merged.max(), None);
    }

    #[test]
    fn merging_equals_recording_all_values_in_one() {
        let mut merged = Histogram::from_iter(1..500);
        merged.merge(&Histogram::from_iter(500..=1_000));
        assert_eq!(merged, Histogram::from_iter(1..=1_000));
    }
}
