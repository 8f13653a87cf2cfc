//! Formats the numbers on axes and at points, without digits that the eye does not need.

use crate::report::wording;
use crate::scenario::Unit;
use crate::units;

/// Formats a round time: `0`, `100 ms`, `1.5 s`.
pub(super) fn time(ns: f64) -> String {
    if ns == 0.0 { "0".into() } else { without_zeros(&wording::time(ns)) }
}

/// Formats a round value in a unit.
pub(super) fn round(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Nanoseconds => time(value),
        Unit::Bytes => without_zeros(&wording::memory(value)),
        Unit::PerSecond | Unit::Count | Unit::Number => number(value),
        Unit::Share => wording::percent(value),
    }
}

/// Formats a value in a unit to three digits.
pub(super) fn exact(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Nanoseconds => wording::time(value),
        Unit::Bytes => wording::memory(value),
        Unit::PerSecond => units::rate(value),
        Unit::Count | Unit::Number | Unit::Share => round(unit, value),
    }
}

/// Formats a number.
pub(super) fn number(value: f64) -> String {
    if value >= 1_000.0 { wording::count(value) } else { without_zeros(&units::three_digits(value)) }
}

/// Removes the zeros at the end of a fraction.
fn without_zeros(text: &str) -> String {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    if unit.is_empty() { number.into() } else { format!("{number} {unit}") }
}
