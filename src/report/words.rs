//! Figures and reasons as text.

use std::time::Duration;

use crate::analysis::{CellSummary, Estimate};
use crate::scenario::{Cell, Metric, Unit};
use crate::stats::{Bound, Interval, Spread};
use crate::units;

/// A figure in the unit of its metric.
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

/// The value of a figure over the rounds, `≥ 26.6 ms`; without the sign where it is no bound.
pub(super) fn estimate(estimate: &Estimate) -> String {
    bounded(estimate.metric, estimate.value(), estimate.bound())
}

/// A figure, and the sign of what it is only a bound of.
pub(super) fn bounded(metric: Metric, value: f64, bound: Bound) -> String {
    format!("{}{}", bound.sign(), figure(metric, value))
}

/// The interval of a figure over the rounds, or its range: `20.1 to ≥ 54.5 ms`; nothing where both ends read the same.
pub(super) fn estimate_range(estimate: &Estimate) -> Option<String> {
    let (Interval { low, high }, [of_low, of_high]) = estimate.range()?;
    let show = |value: f64| match estimate.metric.unit() {
        // The heading names the unit.
        Unit::PerSecond => per_second(value),
        _ => figure(estimate.metric, value),
    };
    let (low, high) = (show(low), show(high));
    if (&low, of_low) == (&high, of_high) {
        return None;
    }
    let low = match (low.rsplit_once(' '), high.rsplit_once(' ')) {
        (Some((number, unit)), Some((_, same))) if unit == same => number.to_owned(),
        _ => low,
    };
    Some(format!("{}{low} to {}{high}", of_low.sign(), of_high.sign()))
}

/// Nanoseconds.
pub(super) fn time(ns: f64) -> String {
    units::duration(ns.round() as u64)
}

/// A whole number; a median between two rounds may end in a half.
pub(super) fn count(n: f64) -> String {
    units::count(n.round() as u64)
}

/// `CPU 0`, `CPUs 0, 1 and 2`.
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

/// A rate without its unit, which the heading names.
pub(super) fn per_second(rate: f64) -> String {
    units::rate(rate).trim_end_matches("/s").to_owned()
}

/// Bytes.
pub(super) fn memory(bytes: f64) -> String {
    units::bytes(bytes.round() as u64)
}

/// From a figure to another, of their ratio: `+4.2 %`, `-35 %`, and beyond twice or half `3.10 x`.
pub(super) fn change(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    match ratio {
        2.0.. | ..0.5 => format!("{} ×", units::three_digits(ratio)),
        _ if percent.abs() < 0.05 => "0.0 %".into(),
        _ if percent.abs() < 9.95 => format!("{percent:+.1} %").replace('-', "−"),
        _ => format!("{percent:+.0} %").replace('-', "−"),
    }
}

/// By how much more one is than another, of their ratio: `4.2 %`, `35 %`, and from twice on `3.1 times`.
pub(super) fn excess(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    match percent {
        100.0.. => format!("{} times", units::three_digits(ratio)),
        9.95.. => format!("{percent:.0} %"),
        _ => format!("{:.1} %", percent.max(0.1)),
    }
}

/// A share of 1.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", (share * 100.0).round())
}

/// The interval of a median, or its range where there is none: `100 to 103 ms`; nothing where both ends read the same.
pub fn range(spread: &Spread, text: fn(f64) -> String) -> Option<String> {
    let Interval { low, high } = spread.range();
    let (low, high) = (text(low), text(high));
    (low != high).then(|| match (low.rsplit_once(' '), high.rsplit_once(' ')) {
        (Some((number, unit)), Some((_, same))) if unit == same => format!("{number} to {high}"),
        _ => format!("{low} to {high}"),
    })
}

/// `10 of 1,000 jobs`, where a model ran fewer than the others.
pub(super) fn fewer_jobs(cell: &Cell) -> Option<String> {
    let (ran, wanted) = (cell.work.jobs()?, cell.jobs_wanted?);
    Some(format!("{} of {} jobs", units::count(ran.into()), units::count(wanted.into())))
}

/// Why rounds of a cell left no measurement, each reason once: `failed in round 2: no end after 30.0 s`.
pub(super) fn reasons(cell: &CellSummary) -> Vec<String> {
    let mut reasons: Vec<(String, Vec<u32>)> = Vec::new();
    for (round, failure) in &cell.failures {
        let why = one_line(&failure.to_string());
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, rounds)) => rounds.push(*round),
            None => reasons.push((why, vec![*round])),
        }
    }
    let text = |(why, rounds): (String, Vec<u32>)| {
        let list: Vec<String> = rounds.iter().map(u32::to_string).collect();
        format!("failed in round{} {}: {why}", if list.len() == 1 { "" } else { "s" }, list.join(", "))
    };
    reasons.into_iter().map(text).collect()
}

/// Text that somebody else wrote, on one line and without control characters, which a terminal would obey.
pub(super) fn one_line(text: &str) -> String {
    harmless(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same with its lines kept.
pub(super) fn harmless(text: &str) -> String {
    // Besides the control characters those that turn the direction of writing, which could hide what is said.
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if (c.is_control() && !c.is_whitespace()) || turns(c) { '\u{fffd}' } else { c }).collect()
}

/// A length that a scenario gave, as it is said: `100 ms`, `1.5 s`.
pub(super) fn exact(length: Duration) -> String {
    let text = units::exact(length);
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    match text.split_at(digits) {
        (number, "us") => format!("{number} µs"),
        (number, unit) => format!("{number} {unit}"),
    }
}
