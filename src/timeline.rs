//! Response times over time, by when they were due.
//!
//! A timeline has a limited number of columns, each a coarse histogram. Its length need not be known beforehand: when
//! the columns are used up, neighbours are merged and each column stands for twice as long.
//!
//! Columns of hdrhistogram with one digit have the same bins. They took 5.4 ns a time instead of 2.9 ns, and 1.6 times as
//! many counts (2 million times in 60 columns, two vCPUs of an AMD EPYC), and a timeline is kept beside every load.

use serde::{Deserialize, Serialize};

/// The most columns. After the first 32 ms there are never fewer than half as many.
pub const MOST_COLUMNS: usize = 64;

/// The initial width of a column, as a power of two: 2^19 ns = 0.52 ms.
const FINEST: u32 = 19;

/// The widest column of a timeline read from a file: 2^46 ns = 20 hours.
const WIDEST: u64 = 1 << 46;

/// The upper bound of the first bin, as a power of two: 2^10 ns = 1 µs.
const SHORTEST: u32 = 10;

/// The number of bins per octave, as a power of two: a bin is at most 6 % wide.
const PER_OCTAVE: u32 = 4;

/// Times by when their requests were due; in JSON the width of a column and its bins, see [`TimeBins`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TimelineJson", into = "TimelineJson")]
pub struct Timeline {
    /// The width of a column, as a power of two in nanoseconds.
    width_log2: u32,
    columns: Vec<TimeBins>,
}

#[derive(Serialize, Deserialize)]
struct TimelineJson {
    width_ns: u64,
    columns: Vec<TimeBins>,
}

/// Times in bins. Bin 0 ends at 1,024 ns; from there on every octave has 16 bins of equal width, as in a log-linear
/// histogram with one significant digit. In JSON the number of the first bin, then the counts from that bin on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeBins(u32, Vec<u32>);

/// A burst: the period in which most of a timeline's longest times were due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// The start of the period, nanoseconds.
    pub from_ns: u64,
    /// The length of the period, nanoseconds.
    pub length_ns: u64,
    /// The share of the longest times that were due in the period, 0 to 1.
    pub share: f64,
    /// The time from which on a time counts as long, nanoseconds: the end of its bin.
    pub quantile_ns: u64,
    /// The same quantile of everything due outside of the period, nanoseconds.
    pub without_ns: u64,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { width_log2: FINEST, columns: Vec::new() }
    }
}

impl Timeline {
    /// Adds a time by when it was due, in nanoseconds since the beginning. Takes some 3 ns; allocates for a new column,
    /// and for new bins of a column.
    #[inline]
    pub fn record(&mut self, at_ns: u64, took_ns: u64) {
        while at_ns >> self.width_log2 >= MOST_COLUMNS as u64 {
            self.widen();
        }
        self.column((at_ns >> self.width_log2) as usize).add(bin(took_ns), 1);
    }

    #[inline]
    fn column(&mut self, k: usize) -> &mut TimeBins {
        if k >= self.columns.len() {
            self.columns.resize_with(k + 1, TimeBins::default);
        }
        &mut self.columns[k]
    }

    /// Adds all times of another timeline that began at the same instant.
    pub fn merge(&mut self, other: &Self) {
        while self.width_log2 < other.width_log2 {
            self.widen();
        }
        let merged = 1 << (self.width_log2 - other.width_log2);
        for (k, column) in other.columns.iter().enumerate().filter(|(_, column)| !column.is_empty()) {
            self.column(k / merged).merge(column);
        }
    }

    /// Removes everything but the width.
    pub fn clear(&mut self) {
        self.columns.clear();
    }

    /// Returns the width of a column, nanoseconds.
    pub fn width_ns(&self) -> u64 {
        1 << self.width_log2
    }

    /// Returns the columns from the beginning on; the last one is not empty.
    pub fn columns(&self) -> &[TimeBins] {
        &self.columns
    }

    /// Splits the timeline into `n` parts of equal length, as far as whole columns allow; fewer if it has fewer
    /// columns.
    pub fn stretches(&self, n: usize) -> Vec<TimeBins> {
        let n = n.min(self.columns.len());
        let mut all = vec![TimeBins::default(); n];
        for (k, column) in self.columns.iter().enumerate() {
            all[k * n / self.columns.len()].merge(column);
        }
        all
    }

    /// Returns the median of all times, nanoseconds; `None` if there are none.
    pub fn median(&self) -> Option<f64> {
        self.stretches(1).first()?.median()
    }

    /// Finds the two neighbouring columns in which most of the times from a quantile (0 to 1) on were due. Returns
    /// `None` if fewer than ten times lie beyond the quantile, or nothing was due outside of the two.
    pub fn burst(&self, quantile: f64) -> Option<Burst> {
        const COLUMNS: usize = 2;
        let all = self.stretches(1).pop()?;
        // The small addition guards against 1.0 - 0.99 being slightly less than 0.01.
        let beyond = all.len() as f64 * (1.0 - quantile) + 1e-6;
        let from = Some(all.bin_at(quantile)?).filter(|_| beyond >= 10.0)?;
        let long: Vec<u64> = self.columns.iter().map(|column| column.count_from(from)).collect();
        let (first, most) =
            (0..).zip(long.windows(COLUMNS).map(|pair| pair.iter().sum::<u64>())).max_by_key(|(_, n)| *n)?;
        let mut others = TimeBins::default();
        let outside = (0..).zip(&self.columns).filter(|(k, _)| !(first..first + COLUMNS).contains(k));
        outside.for_each(|(_, column)| others.merge(column));
        Some(Burst {
            from_ns: first as u64 * self.width_ns(),
            length_ns: COLUMNS as u64 * self.width_ns(),
            share: most as f64 / long.iter().sum::<u64>().max(1) as f64,
            quantile_ns: begin(from + 1) as u64,
            without_ns: begin(others.bin_at(quantile)? + 1) as u64,
        })
    }

    /// Returns the same times in columns of at least this width.
    #[must_use]
    pub fn widened(&self, width_ns: u64) -> Self {
        let mut wide = self.clone();
        while wide.width_ns() < width_ns {
            wide.widen();
        }
        wide
    }

    /// Doubles the width of the columns.
    #[cold]
    fn widen(&mut self) {
        let narrow = std::mem::take(&mut self.columns);
        self.width_log2 += 1;
        for (k, column) in narrow.iter().enumerate() {
            self.column(k / 2).merge(column);
        }
    }
}

/// Returns the bin of a time.
#[inline]
fn bin(nanos: u64) -> u32 {
    match nanos.checked_ilog2() {
        Some(log2) if log2 >= SHORTEST => {
            let within = (nanos >> (log2 - PER_OCTAVE)) as u32 & ((1 << PER_OCTAVE) - 1);
            1 + ((log2 - SHORTEST) << PER_OCTAVE) + within
        }
        _ => 0,
    }
}

/// Returns the start of a bin, which is the end of the one before it, nanoseconds.
fn begin(bin: u32) -> f64 {
    match bin.checked_sub(1) {
        None => 0.0,
        Some(place) => {
            let (octave, within) = (place >> PER_OCTAVE, place & ((1 << PER_OCTAVE) - 1));
            2_f64.powi((SHORTEST + octave) as i32) * (1.0 + f64::from(within) / f64::from(1_u32 << PER_OCTAVE))
        }
    }
}

impl TimeBins {
    /// Returns the number of times.
    pub fn len(&self) -> u64 {
        self.1.iter().map(|count| u64::from(*count)).sum()
    }

    /// Returns whether there are no times.
    pub fn is_empty(&self) -> bool {
        self.1.is_empty()
    }

    /// Returns every non-empty bin, rising: its start and end in nanoseconds, and its count.
    pub fn bins(&self) -> impl Iterator<Item = (f64, f64, u32)> {
        let bins = (self.0..).zip(&self.1).filter(|(_, count)| **count > 0);
        bins.map(|(bin, count)| (begin(bin), begin(bin + 1), *count))
    }

    /// Returns the median, nanoseconds, assuming that times are spread evenly within a bin; `None` if there are none.
    pub fn median(&self) -> Option<f64> {
        let half = self.len() as f64 / 2.0;
        let mut below = 0.0;
        self.bins().find_map(|(begin, end, count)| {
            let share = (half - below) / f64::from(count);
            below += f64::from(count);
            (share <= 1.0).then_some(begin + (end - begin) * share)
        })
    }

    /// Returns the lowest bin up to which this share (0 to 1) of the times lie; `None` if there are none.
    fn bin_at(&self, share: f64) -> Option<u32> {
        let wanted = (self.len() as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        (self.0..).zip(&self.1).find_map(|(bin, count)| {
            seen += u64::from(*count);
            (seen >= wanted).then_some(bin)
        })
    }

    /// Returns the number of times in this bin or a higher one.
    fn count_from(&self, first: u32) -> u64 {
        (self.0..).zip(&self.1).filter(|(bin, _)| *bin >= first).map(|(_, count)| u64::from(*count)).sum()
    }

    #[inline]
    fn add(&mut self, bin: u32, count: u32) {
        let Self(first, counts) = self;
        if counts.is_empty() {
            *first = bin;
        }
        if bin < *first {
            counts.splice(0..0, (bin..*first).map(|_| 0));
            *first = bin;
        }
        let place = (bin - *first) as usize;
        if place >= counts.len() {
            counts.resize(place + 1, 0);
        }
        counts[place] = counts[place].saturating_add(count);
    }

    fn merge(&mut self, other: &Self) {
        (other.0..).zip(&other.1).filter(|(_, count)| **count > 0).for_each(|(bin, count)| self.add(bin, *count));
    }
}

impl From<Timeline> for TimelineJson {
    fn from(timeline: Timeline) -> Self {
        Self { width_ns: timeline.width_ns(), columns: timeline.columns }
    }
}

impl TryFrom<TimelineJson> for Timeline {
    type Error = String;

    fn try_from(written: TimelineJson) -> Result<Self, String> {
        let TimelineJson { width_ns, columns } = written;
        let last = bin(u64::MAX) as usize;
        let has_room = columns.iter().all(|column| column.0 as usize + column.1.len() <= last + 1);
        let is_tight = |counts: &[u32]| counts.first() != Some(&0) && counts.last() != Some(&0);
        let is_tight = columns.iter().all(|column| is_tight(&column.1)) && columns.last().is_none_or(|c| !c.is_empty());
        let is_width = width_ns.is_power_of_two() && (1 << FINEST..=WIDEST).contains(&width_ns);
        if !is_width || columns.len() > MOST_COLUMNS || !has_room || !is_tight {
            return Err(format!("invalid timeline: {} columns of {width_ns} ns", columns.len()));
        }
        Ok(Self { width_log2: width_ns.trailing_zeros(), columns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: u64 = 1_000_000;

    fn from_points(points: &[(u64, u64)]) -> Timeline {
        let mut timeline = Timeline::default();
        points.iter().for_each(|(at, took)| timeline.record(*at, *took));
        timeline
    }

    #[test]
    fn a_longer_timeline_has_wider_columns_and_loses_no_samples() {
        let mut timeline = Timeline::default();
        for k in 0..10_000 {
            timeline.record(k * MS, MS);
        }
        let len = |columns: &[TimeBins]| columns.iter().map(TimeBins::len).sum::<u64>();
        assert_eq!((len(timeline.columns()), timeline.width_ns()), (10_000, 1 << 28));
        assert!((MOST_COLUMNS / 2..=MOST_COLUMNS).contains(&timeline.columns().len()));
        let stretches = timeline.stretches(10);
        assert_eq!((stretches.len(), len(&stretches)), (10, 10_000));
        timeline.clear();
        assert_eq!((timeline.columns().len(), timeline.stretches(10).len(), timeline.median()), (0, 0, None));
    }

    #[test]
    fn a_median_lies_within_its_bin() {
        let median = from_points(&(1..=1_000).map(|k| (0, k * 10_000)).collect::<Vec<_>>()).median().unwrap();
        assert!((median / 5e6 - 1.0).abs() < 0.005, "{median}");
    }

    #[test]
    fn slow_requests_due_together_are_a_burst() {
        // A request every 0.1 ms for 400 ms, in columns of 8.39 ms.
        let timeline =
            |took: &dyn Fn(u64) -> u64| from_points(&(0..4_000).map(|k| (k * MS / 10, took(k))).collect::<Vec<_>>());
        let stall = timeline(&|k| if (2_000..2_060).contains(&k) { 5 * MS } else { MS }).burst(0.99).unwrap();
        assert_eq!((stall.from_ns, stall.length_ns, stall.share), (23 << 23, 2 << 23, 1.0));
        assert!((5.0..5.4).contains(&(stall.quantile_ns as f64 / 1e6)), "{stall:?}");
        assert!((1.0..1.1).contains(&(stall.without_ns as f64 / 1e6)), "{stall:?}");
        let spread = timeline(&|k| if k % 50 == 0 { 5 * MS } else { MS }).burst(0.99).unwrap();
        assert!(spread.share < 0.06 && spread.without_ns == spread.quantile_ns, "{spread:?}");
        // Ten times beyond the quantile are just enough.
        assert!(from_points(&(0..1_000).map(|k| (k * MS, MS)).collect::<Vec<_>>()).burst(0.99).is_some());
        assert_eq!(from_points(&(0..999).map(|k| (k * MS, MS)).collect::<Vec<_>>()).burst(0.99), None);
        assert_eq!(from_points(&[(0, MS); 2_000]).burst(0.99), None, "no samples outside of the burst");
        assert_eq!(Timeline::default().burst(0.99), None);
    }

    #[test]
    fn an_invalid_timeline_is_refused() {
        for text in [
            r#"{"width_ns":3,"columns":[]}"#,
            r#"{"width_ns":1,"columns":[]}"#,
            r#"{"width_ns":524288,"columns":["x"]}"#,
            r#"{"width_ns":524288,"columns":[[4000000000,[1]]]}"#,
        ] {
            assert!(serde_json::from_str::<Timeline>(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_lies_in_its_bin(nanos in any::<u64>(), shift in 0_u32..64) {
            let nanos = nanos >> shift;
            let bin = bin(nanos);
            // A double cannot hold all digits of the highest times.
            prop_assert!(begin(bin) <= nanos as f64 && nanos as f64 <= begin(bin + 1));
            prop_assert!(bin == 0 || begin(bin + 1) / begin(bin) < 1.0626);
        }

        #[test]
        fn merging_does_not_depend_on_the_order_or_the_parts(
            points in prop::collection::vec((0_u64..100_000 * MS, 0_u64..10_000 * MS), 1..200),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = from_points(&points);
            let (left, right) = points.split_at(cut.index(points.len()));
            let (left, mut right) = (from_points(left), from_points(right));
            right.merge(&left);
            prop_assert_eq!(&right, &whole);
            prop_assert_eq!(whole.columns().iter().map(TimeBins::len).sum::<u64>(), points.len() as u64);
            prop_assert_eq!(serde_json::from_str::<Timeline>(&serde_json::to_string(&whole).unwrap()).unwrap(), whole);
        }
    }
}
