//! Formats figures and reasons as text.

use std::time::Duration;

use crate::analysis::{CellSummary, Estimate, Unmeasured};
use crate::record::Failure;
use crate::scenario::{Cell, Metric, Point, Unit};
use crate::stats::{Bound, Interval, Ratio, Spread};
use crate::text::one_line;
use crate::units;

/// Formats a figure in the unit of its metric.
pub(super) fn figure(metric: Metric, value: f64) -> String {
    match metric.unit() {
        Unit::Nanoseconds => time(value),
        Unit::Bytes => memory(value),
        Unit::PerSecond => format!("{}/s", per_second(value)),
        Unit::Count => count(value),
        Unit::Number => units::three_digits(value),
        Unit::Share => percent(value),
    }
}

/// Two figures and their ratio, as shown beside each other.
pub(super) struct SideBySide {
    /// The figure in the denominator, to four digits.
    pub(super) below: String,
    /// The figure in the numerator, to four digits.
    pub(super) above: String,
    /// The ratio of the two figures as shown, so that a reader who divides them gets this number.
    pub(super) ratio: f64,
}

/// Formats the two geometric means of a ratio, to one digit more than the ratio.
pub(super) fn side_by_side(metric: Metric, ratio: &Ratio) -> SideBySide {
    let [(below, by), (above, of)] = ratio.means.map(|mean| to_four_digits(metric, mean));
    // Means that are too small to be shown have no quotient.
    let shown = of / by;
    SideBySide { below, above, ratio: if shown.is_finite() { shown } else { ratio.ratio } }
}

/// Formats a figure to four digits, and returns the number that this text represents.
fn to_four_digits(metric: Metric, value: f64) -> (String, f64) {
    const NANOSECONDS: &[(f64, &str)] = &[(60e9, "min"), (1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")];
    const BYTES: &[(f64, &str)] = &[(1_073_741_824.0, "GiB"), (1_048_576.0, "MiB"), (1_024.0, "KiB"), (1.0, "B")];
    let scales = match metric.unit() {
        Unit::Nanoseconds if value < 600e9 => &NANOSECONDS[1..],
        Unit::Nanoseconds => NANOSECONDS,
        Unit::Bytes => BYTES,
        Unit::PerSecond if value >= 999.5 => return (figure(metric, value), value.round()),
        Unit::PerSecond => &[(1.0, "/s")],
        Unit::Share => &[(0.01, "%")],
        Unit::Count | Unit::Number => &[(1.0, "")],
    };
    let (scale, unit) =
        scales.iter().find(|(scale, _)| value >= *scale * 0.99995).copied().unwrap_or(scales[scales.len() - 1]);
    let text = units::significant(value / scale, 4);
    // A whole number needs no zeros after its decimal point.
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    let shown = text.parse::<f64>().map_or(value, |number| number * scale);
    let blank = if unit.is_empty() || unit == "/s" { "" } else { " " };
    (format!("{text}{blank}{unit}"), shown)
}

/// Formats the value of a figure over the rounds, `≥ 26.6 ms`; without the sign if it is exact.
pub(super) fn estimate(estimate: &Estimate) -> String {
    bounded(estimate.metric, estimate.value(), estimate.bound())
}

/// Formats a figure with the sign of its bound.
pub(super) fn bounded(metric: Metric, value: f64, bound: Bound) -> String {
    format!("{}{}", bound.sign(), figure(metric, value))
}

/// Formats the interval of a figure over the rounds, or its range: `20.1 to ≥ 54.5 ms`; `None` if both ends have
/// the same text.
pub(super) fn estimate_range(estimate: &Estimate) -> Option<String> {
    let (Interval { low, high }, [of_low, of_high]) = estimate.range()?;
    let show = |value: f64| match estimate.metric.unit() {
        // The heading names the unit.
        Unit::PerSecond => per_second(value),
        _ => figure(estimate.metric, value),
    };
    from_to((show(low), of_low), (show(high), of_high))
}

/// Formats a figure with its interval and the number of its rounds: `401 ms, 95 % CI 400 to 403 ms, 6 rounds`.
pub(super) fn with_rounds(of: &Estimate) -> String {
    let rounds = units::counted(of.spread.rounds as u64, "round", "rounds");
    let kind = if of.spread.interval.is_some() { "95 % CI " } else { "" };
    match estimate_range(of) {
        Some(range) => format!("{}, {kind}{range}, {rounds}", estimate(of)),
        None if of.spread.rounds > 1 && figure(of.metric, of.spread.min) == figure(of.metric, of.spread.max) => {
            format!("{} in each of {rounds}", estimate(of))
        }
        None => format!("{}, {rounds}", estimate(of)),
    }
}

/// A unit in which all figures of a column are shown: its name, and its size in the unit of the metric.
pub(super) type ColumnUnit = (&'static str, f64);

/// Returns the unit that suits the median of these figures; `None` without figures.
pub(super) fn common_scale<'a>(estimates: impl Iterator<Item = &'a Estimate>) -> Option<ColumnUnit> {
    const TIMES: [ColumnUnit; 4] = [("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1.0)];
    const SIZES: [ColumnUnit; 4] = [("GiB", 1_073_741_824.0), ("MiB", 1_048_576.0), ("KiB", 1_024.0), ("B", 1.0)];
    let mut unit = None;
    let mut values: Vec<f64> = estimates
        .map(|estimate| {
            unit = Some(estimate.metric.unit());
            estimate.value()
        })
        .collect();
    values.sort_unstable_by(f64::total_cmp);
    let median = *values.get(values.len() / 2)?;
    let scales = if unit? == Unit::Bytes { SIZES } else { TIMES };
    Some(scales.into_iter().find(|(_, size)| median >= 0.9995 * size).unwrap_or(scales[3]))
}

/// Formats a figure and its interval in this unit, without the unit.
pub(super) fn in_unit(estimate: &Estimate, (_, size): ColumnUnit) -> (String, Option<String>) {
    let number = |value: f64| match value / size {
        value if value >= 999.5 => count(value),
        value => units::three_digits(value),
    };
    let text = format!("{}{}", estimate.bound().sign(), number(estimate.value()));
    let range = estimate.range().and_then(|(Interval { low, high }, [of_low, of_high])| {
        from_to((number(low), of_low), (number(high), of_high))
    });
    (text, range)
}

/// Joins two ends and names a common unit only once: `20.1 to ≥ 54.5 ms`; `None` if the two texts are equal.
fn from_to((low, of_low): (String, Bound), (high, of_high): (String, Bound)) -> Option<String> {
    if (&low, of_low) == (&high, of_high) {
        return None;
    }
    let low = match (low.rsplit_once(' '), high.rsplit_once(' ')) {
        (Some((number, unit)), Some((_, same))) if unit == same => number.to_owned(),
        _ => low,
    };
    Some(format!("{}{low} to {}{high}", of_low.sign(), of_high.sign()))
}

/// Formats nanoseconds.
pub(super) fn time(ns: f64) -> String {
    units::duration(ns.round() as u64)
}

/// Formats a whole number; a median between two rounds may end in a half, which is rounded.
pub(super) fn count(n: f64) -> String {
    units::count(n.round() as u64)
}

/// Formats a list of CPUs: `CPU 0`, `CPUs 0, 1 and 2`.
pub(super) fn cpus(cpus: &[usize]) -> String {
    match cpus.split_last() {
        None => "no CPU".into(),
        Some((only, [])) => format!("CPU {only}"),
        Some((last, others)) => {
            let others: Vec<String> = others.iter().map(ToString::to_string).collect();
            format!("CPUs {} and {last}", others.join(", "))
        }
    }
}

/// Formats a rate without its unit, which the heading names.
pub(super) fn per_second(rate: f64) -> String {
    units::rate(rate).trim_end_matches("/s").to_owned()
}

/// Formats bytes.
pub(super) fn memory(bytes: f64) -> String {
    units::bytes(bytes.round() as u64)
}

/// Formats a ratio as a change: `+4.2 %`, `-35 %`, and beyond twice or half `3.10 ×`.
pub(super) fn change(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    match ratio {
        2.0.. | ..0.5 => format!("{} ×", units::three_digits(ratio)),
        _ if percent.abs() < 0.05 => "0.0 %".into(),
        _ if percent.abs() < 9.95 => format!("{percent:+.1} %").replace('-', "−"),
        _ => format!("{percent:+.0} %").replace('-', "−"),
    }
}

/// Formats a ratio as an excess: `4.2 %`, `35 %`, and from twice on `a factor of 3.1`.
pub(super) fn excess(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    match percent {
        100.0.. => format!("a factor of {}", units::three_digits(ratio)),
        9.95.. => format!("{percent:.0} %"),
        _ => format!("{:.1} %", percent.max(0.1)),
    }
}

/// Formats a share of 1 as a percentage.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    // A share that would be rounded to nothing keeps its digits.
    if percent > 0.0 && percent < 1.0 {
        return format!("{} %", units::three_digits(percent).trim_end_matches('0').trim_end_matches('.'));
    }
    format!("{} %", percent.round())
}

/// Formats the interval of a median, or its range if it has none: `100 to 103 ms`; `None` if both ends have the same
/// text.
pub fn range(spread: &Spread, text: fn(f64) -> String) -> Option<String> {
    let Interval { low, high } = spread.range();
    from_to((text(low), Bound::Exact), (text(high), Bound::Exact))
}

/// Formats the scenario and the point of its sweep: `echo, load.rate = max`.
pub(super) fn place(scenario: &str, point: &Point) -> String {
    match one_line(&point.to_string()) {
        point if point.is_empty() => scenario.to_owned(),
        point => format!("{scenario}, {point}"),
    }
}

/// Formats the non-zero counts, each with its word: `12 invalid`, `104 suspect`.
pub(super) fn counted(numbers: &[(u64, &str)]) -> Vec<String> {
    let some = numbers.iter().filter(|(number, _)| *number > 0);
    some.map(|(number, word)| format!("{} {word}", units::count(*number))).collect()
}

/// Returns the number of jobs, `10 of 1,000 jobs`, if a model ran fewer than the others.
pub(super) fn fewer_jobs(cell: &Cell) -> Option<String> {
    let (ran, wanted) = (cell.work.jobs()?, cell.jobs_wanted?);
    Some(format!("{} of {} jobs", units::count(ran.into()), units::count(wanted.into())))
}

/// Returns why rounds of a cell left no measurement, each reason once: `failed in round 2: no end after 30.0 s`;
/// `refused, as the scenario expects: needs 20,000 threads, but ...` if that is why the cell has no figures.
pub(super) fn reasons(cell: &CellSummary) -> Vec<String> {
    let failed = by_reason(&cell.failures).into_iter().map(|(why, rounds)| format!("failed in {rounds}: {why}"));
    let refusals = by_reason(&cell.refusals);
    let always = cell.unmeasured() == Some(Unmeasured::Refused) && refusals.len() == 1;
    let refused = refusals.into_iter().map(|(why, rounds)| {
        let rounds = if always { String::new() } else { format!(" in {rounds}") };
        format!("refused{rounds}, as the scenario expects: {why}")
    });
    failed.chain(refused).collect()
}

/// Returns each reason with its rounds in words: `rounds 1, 2`.
fn by_reason(failures: &[(u32, Failure)]) -> Vec<(String, String)> {
    let mut reasons: Vec<(String, Vec<u32>)> = Vec::new();
    for (round, failure) in failures {
        let why = one_line(&failure.to_string());
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, rounds)) => rounds.push(*round),
            None => reasons.push((why, vec![*round])),
        }
    }
    let text = |(why, rounds): (String, Vec<u32>)| {
        let list: Vec<String> = rounds.iter().map(u32::to_string).collect();
        (why, format!("round{} {}", if list.len() == 1 { "" } else { "s" }, list.join(", ")))
    };
    reasons.into_iter().map(text).collect()
}

/// Returns the text in place of the figures of a cell that has none.
pub(super) fn unmeasured(why: Unmeasured) -> &'static str {
    match why {
        Unmeasured::NotRun => "no trial",
        Unmeasured::Failed => "failed",
        Unmeasured::Refused => "refused",
    }
}

/// Formats a duration as written in the scenario: `100 ms`, `1.5 s`.
pub(super) fn exact(length: Duration) -> String {
    let text = units::exact(length);
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    match text.split_at(digits) {
        (number, "us") => format!("{number} µs"),
        (number, unit) => format!("{number} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_matches_the_figures_shown_beside_it() {
        let ratio = |below: f64, above: f64| Ratio {
            ratio: above / below,
            means: [below, above],
            variance: 0.0,
            interval: None,
            rounds: 6,
            agreeing: 6,
            bound: Bound::Exact,
        };
        let number =
            |text: &str| text.split(' ').next().and_then(|number| number.replace(',', "").parse::<f64>().ok()).unwrap();
        for (below, above, expected) in [
            (202_880_000.0, 407_240_000.0, ("202.9 ms", "407.2 ms")),
            (3_756_000.0, 4_721_000.0, ("3.756 ms", "4.721 ms")),
            (101.0, 999.0, ("101 ns", "999 ns")),
        ] {
            let SideBySide { below, above, ratio } = side_by_side(Metric::Wall, &ratio(below, above));
            assert_eq!((below.as_str(), above.as_str()), expected);
            let divided = number(&above) / number(&below);
            assert_eq!(units::three_digits(divided), units::three_digits(ratio), "{above} by {below}");
        }
        // A value that rounds up to the next unit is shown in that unit.
        assert_eq!(side_by_side(Metric::Wall, &ratio(999_999_999.0, 1e9)).below, "1 s");
        let shown = side_by_side(Metric::Rate, &ratio(161_613.4, 159_000.0));
        assert_eq!((shown.below.as_str(), shown.above.as_str()), ("161,613/s", "159,000/s"));
        assert_eq!(side_by_side(Metric::Memory, &ratio(2_048.0, 36_000.0)).above, "35.16 KiB");
        assert_eq!(side_by_side(Metric::Starved, &ratio(2.0, 6.0)).ratio, 3.0);
    }
}
