//! Exports times in the formats of HdrHistogram's own tools.

use std::fmt::Write as _;
use std::io::{self, LineWriter};
use std::time::{Duration, SystemTime};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriter, IntervalLogWriterBuilder, Tag};

use crate::histogram::Histogram;
use crate::replace::Replacement;
use crate::report::LoadReport;
use crate::units;

/// Both formats conventionally use milliseconds.
const NANOS_PER_MS: f64 = 1e6;

/// Formats the percentile distribution for HdrHistogram's plotter: value in milliseconds, percentile, count so far and
/// 1/(1 - percentile), with five steps for each halving of the remainder.
fn hgrm(times: &Histogram) -> String {
    let times = times.to_hdr();
    let mut text = format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    let mut so_far = 0;
    for step in times.iter_quantiles(5) {
        // The iterator returns the last step more than once.
        if so_far == times.len() {
            break;
        }
        so_far += step.count_since_last_iteration();
        let (value, share) = (step.value_iterated_to() as f64 / NANOS_PER_MS, step.quantile_iterated_to());
        let _ = if share < 1.0 && so_far < times.len() {
            writeln!(text, "{value:12.3} {share:2.12} {so_far:10} {:14.2}", 1.0 / (1.0 - share))
        } else {
            writeln!(text, "{value:12.3} {:2.12} {so_far:10}", 1.0)
        };
    }
    let ms = |nanos: f64| nanos / NANOS_PER_MS;
    let _ = writeln!(
        text,
        "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]\n#[Max     = {:12.3}, Total count    = {:12}]\n\
         #[Buckets = {:12}, SubBuckets     = {:12}]",
        ms(times.mean()),
        ms(times.stdev()),
        ms(times.max() as f64),
        times.len(),
        times.buckets(),
        times.distinct_values() / (usize::from(times.buckets()) + 1) * 2,
    );
    text
}

/// Formats the percentile distribution of a load's response times.
pub(super) fn distribution(report: &LoadReport<'_>) -> String {
    let known = report.merged.map_or(report.figures.series, |merged| &merged.known);
    let mut text = hgrm(&known.response_time);
    let lost = report.figures.load.requests.lost;
    if lost > 0 {
        let _ = writeln!(text, "#[without {}]", units::counted(lost, "lost request", "lost requests"));
    }
    if report.partial {
        let _ = writeln!(text, "#[partial: {}]", partial_reason(report.merged.is_some()));
    }
    text
}

/// Returns why a load ended early.
pub(crate) fn partial_reason(is_merged: bool) -> &'static str {
    if is_merged { "not every shard ran to the end" } else { "ended early by a signal" }
}

/// An interval log, written line by line.
pub(crate) struct IntervalLog<'a> {
    writer: IntervalLogWriter<'a, 'a, LineWriter<Replacement>, V2DeflateSerializer>,
    error: Option<String>,
}

impl<'a> IntervalLog<'a> {
    /// Writes the head of the log of a load that began at `base`.
    pub(crate) fn begin(
        file: &'a mut LineWriter<Replacement>,
        serializer: &'a mut V2DeflateSerializer,
        urls: &str,
        base: SystemTime,
    ) -> io::Result<Self> {
        let mut builder = IntervalLogWriterBuilder::new();
        builder
            .add_comment("[Histogram log format version 1.3]")
            .add_comment(&format!("avt load {}", urls.escape_debug()));
        builder.with_start_time(base).with_base_time(base).with_max_value_divisor(NANOS_PER_MS);
        let writer = builder.begin_log_with(file, serializer)?;
        Ok(Self { writer, error: None })
    }

    /// Writes an interval, which begins at `since` after the base: one line for response times and one for service
    /// times.
    pub(crate) fn write(&mut self, since: Duration, length: Duration, response: &Histogram, service: &Histogram) {
        for (tag, times) in [("response_time", response), ("service_time", service)] {
            let tag = Tag::new(tag).expect("neither comma nor space");
            if let Err(error) = self.writer.write_histogram(&times.to_hdr(), since, length, Some(tag)) {
                self.error.get_or_insert_with(|| error.to_string());
            }
        }
    }

    /// Ends the log, with the reason if the load ended early. Returns the first error of writing it.
    pub(crate) fn close(mut self, partial: Option<&str>) -> Result<(), String> {
        if let Some(why) = partial {
            let _ = self.writer.write_comment(&format!("partial: {why}"));
        }
        self.error.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_row_of_a_percentile_distribution_covers_all_samples() {
        let mut times = Histogram::default();
        (1..=10_000).for_each(|k| times.record(k * 1_000));
        let text = hgrm(&times);
        let rows: Vec<Vec<f64>> = text
            .lines()
            .skip(2)
            .take_while(|line| !line.starts_with('#'))
            .map(|line| line.split_whitespace().map(|number| number.parse().unwrap()).collect())
            .collect();
        assert!(rows.is_sorted_by(|one, next| one[0] <= next[0] && one[1] < next[1] && one[2] <= next[2]), "{text}");
        let median = rows.iter().find(|row| row[1] >= 0.5).unwrap();
        assert!((median[0] - 5.0).abs() < 0.01 && (median[2] - 5_000.0).abs() < 10.0, "{median:?}");
        let last = rows.last().unwrap();
        assert_eq!((last.len(), last[1], last[2]), (3, 1.0, 10_000.0), "{text}");
        assert!((last[0] - 10.0).abs() < 0.01, "{text}");
        assert!(text.contains("Total count    =        10000]"), "{text}");
        assert!(hgrm(&Histogram::default()).contains("Total count    =            0]"));
    }
}
