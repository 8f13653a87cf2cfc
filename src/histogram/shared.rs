//! A histogram that many threads record into at the same time, without a lock.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{HIGHEST, Histogram};

/// Buckets of equal width in each power of two: 1,024, so that a bucket is at most a thousandth of its times wide.
const PER_OCTAVE_BITS: u32 = 10;

/// The number of buckets: two powers' worth for the smallest times, and one for each larger power.
const BUCKETS: usize = bucket(HIGHEST) + 1;

/// The times that threads wait for something they share. Takes about 270 KiB. Recording takes one atomic addition, 5 to
/// 20 ns.
pub struct SharedHistogram(Box<[AtomicU64]>);

/// Returns the bucket of a time: times below 2,048 ns have one each.
const fn bucket(nanos: u64) -> usize {
    let bits = u64::BITS - nanos.leading_zeros();
    let shift = bits.saturating_sub(PER_OCTAVE_BITS + 1);
    ((shift as usize) << PER_OCTAVE_BITS) + (nanos >> shift) as usize
}

/// Returns the middle of a bucket, nanoseconds.
const fn middle(bucket: usize) -> u64 {
    let octave = bucket >> PER_OCTAVE_BITS;
    let shift = octave.saturating_sub(1);
    let lowest = ((bucket - (shift << PER_OCTAVE_BITS)) as u64) << shift;
    lowest + ((1 << shift) >> 1)
}

impl Default for SharedHistogram {
    fn default() -> Self {
        Self((0..BUCKETS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl fmt::Debug for SharedHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedHistogram").field(&self.read()).finish()
    }
}

impl SharedHistogram {
    /// Adds one time. A time above [`HIGHEST`] counts as that.
    #[inline]
    pub fn record(&self, nanos: u64) {
        self.0[bucket(nanos.min(HIGHEST))].fetch_add(1, Ordering::Relaxed);
    }

    /// Removes every time.
    pub fn clear(&self) {
        self.0.iter().for_each(|count| count.store(0, Ordering::Relaxed));
    }

    /// Returns the times so far, each to a thousandth.
    pub fn read(&self) -> Histogram {
        let mut times = Histogram::default();
        for (bucket, count) in self.0.iter().enumerate() {
            times.record_many(middle(bucket), count.load(Ordering::Relaxed));
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bucket_holds_its_middle_and_is_narrow(nanos in 0..=HIGHEST) {
            let middle = middle(bucket(nanos));
            prop_assert_eq!(bucket(middle), bucket(nanos));
            prop_assert!(middle.abs_diff(nanos) <= nanos / 1_000);
            prop_assert!(bucket(nanos + 1) - bucket(nanos) <= 1);
        }
    }

    #[test]
    fn every_time_is_kept_until_it_is_cleared() {
        let times = SharedHistogram::default();
        [0, 1, 2_047, 2_048, 1_000_000, HIGHEST, u64::MAX].into_iter().for_each(|nanos| times.record(nanos));
        let read = times.read();
        assert_eq!((read.len(), read.min(), read.quantile(0.5)), (7, Some(0), Some(2_049)));
        times.clear();
        assert!(times.read().is_empty());
    }
}
