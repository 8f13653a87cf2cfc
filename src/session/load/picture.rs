//! Draws a distribution of times as rows of text.

use crate::histogram::Histogram;
use crate::units;

const ROWS: usize = 10;

/// The longest bar, in columns.
const BAR: usize = 36;

/// The columns that a row needs besides its bar.
const BESIDE: usize = 33;

/// Draws a histogram of ten rows on a log scale of time, with the number of requests in each row. No row is wider than
/// `width` columns. Returns no rows if all times fall into one bucket of the histogram.
pub(super) fn picture(times: &Histogram, width: usize) -> Vec<String> {
    let (Some(least), Some(most)) = (times.min(), times.max()) else { return Vec::new() };
    if times.buckets().nth(1).is_none() {
        return Vec::new();
    }
    let (least, most) = (least.max(1) as f64, most as f64);
    let mut counts = [0_u64; ROWS];
    let step = (most / least).ln() / ROWS as f64;
    for (nanos, count) in times.buckets() {
        let row = ((nanos.max(1) as f64 / least).ln() / step).ceil() as usize;
        counts[row.clamp(1, ROWS) - 1] += count;
    }
    let largest = counts.iter().copied().max().unwrap_or(1);
    let widest = width.saturating_sub(BESIDE).clamp(1, BAR);
    let row = |(k, count): (usize, &u64)| {
        let until = units::duration((least * ((k + 1) as f64 * step).exp()).round() as u64);
        let share = *count as f64 / times.len() as f64 * 100.0;
        format!("{until:>9} {:widest$} {:>13} {share:5.1} %", bar(*count, largest, widest), units::count(*count))
    };
    counts.iter().enumerate().map(row).collect()
}

/// Draws a bar in eighths of a column; any count above 0 is visible.
fn bar(count: u64, largest: u64, widest: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (count as f64 / largest as f64 * (widest * 8) as f64).round() as usize;
    let eighths = if count > 0 { eighths.max(1) } else { 0 };
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(rows: &[String]) -> Vec<u64> {
        let count = |row: &String| row.split_whitespace().rev().nth(2).unwrap().replace(',', "").parse().unwrap();
        rows.iter().map(count).collect()
    }

    #[test]
    fn every_time_is_counted_in_exactly_one_row() {
        let mut times = Histogram::default();
        (1..=1_000).for_each(|k| times.record(k * 1_000));
        times.record_many(100_000_000, 5);
        let rows = picture(&times, 80);
        assert_eq!(rows.len(), ROWS);
        assert_eq!(counts(&rows).iter().sum::<u64>(), 1_005, "{rows:#?}");
        assert_eq!(counts(&rows)[ROWS - 1], 5, "{rows:#?}");
        for width in [40, 60, 80, 200] {
            let rows = picture(&times, width);
            assert!(rows.iter().all(|row| row.chars().count() <= width), "{width}: {rows:#?}");
        }
        assert!(rows[ROWS - 1].contains('▏') || rows[ROWS - 1].contains('▎'), "a few times are visible too: {rows:#?}");
    }

    #[test]
    fn identical_times_have_no_picture() {
        let mut times = Histogram::default();
        assert!(picture(&times, 80).is_empty());
        times.record_many(5_000, 100);
        assert!(picture(&times, 80).is_empty());
    }
}
