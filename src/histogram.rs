//! The one kind of histogram of the project: nanoseconds, 1 ns to one hour, three significant digits.
//!
//! A thin coat over HdrHistogram that fixes its bounds, saturates instead of failing, counts what it clipped, and is
//! written in JSON as HdrHistogram V2 (deflated, base64), which the Java, Python and JavaScript readers open.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::{Deserialize, Serialize, de, ser};

/// The longest time told apart: one hour. Longer ones are recorded as this and counted by [`Histogram::clipped`].
pub const HIGHEST: u64 = 3_600_000_000_000;

/// A distribution of times in nanoseconds. About 260 KiB: one per worker or generator thread, never one per job.
#[derive(Clone, PartialEq)]
pub struct Histogram {
    counts: hdrhistogram::Histogram<u64>,
    clipped: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        let counts = hdrhistogram::Histogram::new_with_bounds(1, HIGHEST, 3);
        Self { counts: counts.expect("the bounds are constants that HdrHistogram takes"), clipped: 0 }
    }
}

impl fmt::Debug for Histogram {
    /// What is in it, not its 30,000 buckets.
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
    /// Adds one time. Under 10 ns in cache; never fails, never allocates.
    #[inline]
    pub fn record(&mut self, nanos: u64) {
        self.clipped += u64::from(nanos > HIGHEST);
        self.counts.saturating_record(nanos);
    }

    /// Adds one time so many times.
    pub fn record_many(&mut self, nanos: u64, times: u64) {
        self.clipped += if nanos > HIGHEST { times } else { 0 };
        self.counts.saturating_record_n(nanos, times);
    }

    /// Forgets every time, and keeps the memory.
    pub fn clear(&mut self) {
        if !self.is_empty() {
            self.counts.reset();
        }
        self.clipped = 0;
    }

    /// Adds all of another histogram.
    pub fn merge(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        self.counts.add(&other.counts).expect("all histograms have the same bounds");
        self.clipped += other.clipped;
    }

    /// How many times were recorded.
    pub fn len(&self) -> u64 {
        self.counts.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// How many times lay beyond [`HIGHEST`]. Not kept in the JSON form, where they read as the highest.
    pub fn clipped(&self) -> u64 {
        self.clipped
    }

    /// The smallest recorded value with at least this share (0 to 1) of all values at or below it, in nanoseconds;
    /// nothing when nothing was recorded.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        (!self.is_empty()).then(|| self.counts.value_at_quantile(share).min(self.counts.max()))
    }

    /// As [`quantile`](Self::quantile), but nothing when fewer than ten values lie beyond it: too few to say.
    pub fn credible_quantile(&self, share: f64) -> Option<u64> {
        // The half guards against 1.0 - 0.99 being a hair less than 0.01.
        let beyond = (self.len() as f64 * (1.0 - share) + 1e-6).floor();
        if beyond < 10.0 { None } else { self.quantile(share) }
    }

    /// The longest time, to three digits, in nanoseconds.
    pub fn max(&self) -> Option<u64> {
        (!self.is_empty()).then(|| self.counts.max())
    }

    /// The shortest time, to three digits, in nanoseconds.
    pub fn min(&self) -> Option<u64> {
        (!self.is_empty()).then(|| self.counts.min())
    }

    /// The arithmetic mean in nanoseconds, of the bucketed values.
    pub fn mean(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.counts.mean())
    }

    /// Every non-empty bucket, rising: the highest value it stands for in nanoseconds, and its count.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.counts.iter_recorded().map(|bucket| (bucket.value_iterated_to(), bucket.count_since_last_iteration()))
    }

    /// Without its coat, for HdrHistogram's own formats.
    pub fn as_hdr(&self) -> &hdrhistogram::Histogram<u64> {
        &self.counts
    }

    fn to_base64(&self) -> Result<String, String> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&self.counts, &mut bytes).map_err(|e| e.to_string())?;
        Ok(BASE64.encode(bytes))
    }

    fn from_base64(text: &str) -> Result<Self, String> {
        let bytes = BASE64.decode(text).map_err(|e| e.to_string())?;
        let counts: hdrhistogram::Histogram<u64> =
            Deserializer::new().deserialize(&mut bytes.as_slice()).map_err(|e| format!("{e:?}"))?;
        // Through `add`, so that a histogram with other bounds cannot enter and upset a later merge.
        let mut histogram = Self::default();
        histogram.counts.add(&counts).map_err(|e| format!("{e:?}"))?;
        Ok(histogram)
    }
}

impl Serialize for Histogram {
    fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64().map_err(ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        Self::from_base64(&text).map_err(|e| de::Error::custom(format!("no HdrHistogram V2 in base64: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        values.into_iter().for_each(|value| histogram.record(value));
        histogram
    }

    #[test]
    fn quantiles_are_the_smallest_value_with_that_share() {
        let histogram = of(1..=1_000);
        assert_eq!(histogram.quantile(0.5), Some(500));
        assert_eq!(histogram.quantile(0.99), Some(990));
        assert_eq!(histogram.max(), Some(1_000));
        assert_eq!(of([]).quantile(0.5), None);
    }

    #[test]
    fn a_percentile_with_fewer_than_ten_beyond_it_is_not_told() {
        assert_eq!(of(1..=999).credible_quantile(0.99), None);
        assert_eq!(of(1..=1_000).credible_quantile(0.99), Some(990));
    }

    #[test]
    fn beyond_the_highest_is_clipped_and_counted() {
        let histogram = of([HIGHEST + 1, 5]);
        assert_eq!((histogram.len(), histogram.clipped()), (2, 1));
        assert!(histogram.max().is_some_and(|max| max <= HIGHEST + HIGHEST / 1_000));
    }

    #[test]
    fn json_gives_the_same_histogram_back() {
        let histogram = of((0..10_000).map(|i| i * i + 1));
        let text = serde_json::to_string(&histogram).unwrap();
        assert!(text.starts_with("\"HISTFAAAA"), "the mark of a deflated V2 histogram: {text}");
        assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), histogram);
        assert!(serde_json::from_str::<Histogram>("\"HISTF\"").is_err());
    }

    #[test]
    fn merging_is_recording_all() {
        let mut merged = of(1..500);
        merged.merge(&of(500..=1_000));
        assert_eq!(merged, of(1..=1_000));
    }
}
