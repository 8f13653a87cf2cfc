//! Places and labels the ticks of an axis.

use crate::report::wording;
use crate::scenario::Unit;
use crate::units;

/// The scale of an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// A linear scale between two values.
    Linear(f64, f64),
    /// A log scale between two values above 0.
    Log(f64, f64),
}

impl Scale {
    /// Returns the scale that shows times from `low` to `high` best: magnified if they are nearly the same, from 0 if
    /// they are of one order of magnitude, else a log scale. It suits lines but not bars.
    pub(super) fn of_times(low: f64, high: f64) -> Self {
        if high < 1.5 * low {
            let margin = (0.1 * (high - low)).max(0.005 * high);
            Self::Linear(low - margin, high + margin)
        } else if high / low.max(1.0) < 12.0 {
            Self::Linear(0.0, round_up(high * 1.02))
        } else {
            Self::log_around(low.max(1.0), high, 1.1)
        }
    }

    /// Returns a log scale with a margin by the factor `margin` on both sides.
    pub(super) fn log_around(low: f64, high: f64, margin: f64) -> Self {
        Self::Log(low / margin, high * margin)
    }

    /// Returns the position of a value on the axis: 0 at the beginning, 1 at the end.
    pub(super) fn place(self, value: f64) -> f64 {
        let share = match self {
            Self::Linear(from, to) => (value - from) / (to - from),
            Self::Log(from, to) => (value.max(from) / from).ln() / (to / from).ln(),
        };
        // An axis with equal or NaN ends has no positions between them.
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
    }

    /// Returns the values at both ends.
    pub(super) fn ends(self) -> (f64, f64) {
        let (Self::Linear(from, to) | Self::Log(from, to)) = self;
        (from, to)
    }

    /// Returns the value at a position from 0 to 1.
    pub(super) fn value(self, place: f64) -> f64 {
        match self {
            Self::Linear(from, to) => from + (to - from) * place,
            Self::Log(from, to) => from * (to / from).powf(place),
        }
    }

    /// Returns whether the scale is linear and begins at 0.
    pub(super) fn begins_at_zero(self) -> bool {
        matches!(self, Self::Linear(0.0, _))
    }

    /// Returns about this many round values inside the scale.
    pub(super) fn ticks(self, about: usize) -> Vec<f64> {
        let (Self::Linear(from, to) | Self::Log(from, to)) = self;
        // Infinite ends would give endless ticks.
        if !from.is_finite() || !to.is_finite() || to <= from {
            return Vec::new();
        }
        match self {
            Self::Log(from, _) if from <= 0.0 => Vec::new(),
            Self::Linear(from, to) => linear_ticks(from, to, about),
            Self::Log(from, to) if to / from < 4.0 => linear_ticks(from, to, about),
            Self::Log(from, to) => log_ticks(from, to, about),
        }
    }
}

/// The largest number of ticks of an axis.
const MOST_TICKS: usize = 100;

/// Returns multiples of 1, 2 or 5 times a power of ten.
fn linear_ticks(from: f64, to: f64, about: usize) -> Vec<f64> {
    let step = round_step((to - from) / about.max(1) as f64);
    let (first, last) = ((from / step).ceil() as i64, (to / step + 1e-9).floor() as i64);
    (first..=last).take(MOST_TICKS).map(|k| k as f64 * step).collect()
}

/// Returns 1, 2 and 5 in each power of ten, or only the powers if that would be too many.
fn log_ticks(from: f64, to: f64, about: usize) -> Vec<f64> {
    let powers = from.log10().floor() as i32..=to.log10().ceil() as i32;
    let within = |value: &f64| (from..=to).contains(value);
    let multiples = |digits: &[f64]| -> Vec<f64> {
        let each = powers.clone().flat_map(|power| digits.iter().map(move |digit| digit * 10_f64.powi(power)));
        each.filter(within).collect()
    };
    let choices = [multiples(&[1.0, 2.0, 5.0]), multiples(&[1.0, 3.0]), multiples(&[1.0])];
    let fitting = choices.iter().find(|ticks| ticks.len() <= about.max(2)).cloned();
    fitting.unwrap_or_else(|| {
        let ticks = multiples(&[1.0]);
        let every = ticks.len().div_ceil(about.max(2));
        ticks.into_iter().step_by(every).collect()
    })
}

/// Returns the smallest 1, 2 or 5 times a power of ten that is at least this large.
fn round_step(at_least: f64) -> f64 {
    let power = 10_f64.powf(at_least.max(f64::MIN_POSITIVE).log10().floor());
    [1.0, 2.0, 5.0, 10.0].iter().map(|digit| digit * power).find(|step| *step >= at_least).unwrap_or(power * 10.0)
}

/// Returns a round end, at or above `value`, for an axis that begins at 0.
pub(super) fn round_up(value: f64) -> f64 {
    let step = round_step(value.max(1e-9) / 5.0);
    (value / step).ceil() * step
}

/// Formats a round time without needless digits: `0`, `100 ms`, `1.5 s`.
pub(super) fn time_label(ns: f64) -> String {
    if ns == 0.0 {
        return "0".into();
    }
    short(&units::duration(ns.round() as u64))
}

/// Formats a tick in a unit, without needless digits.
pub(super) fn label(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Nanoseconds => time_label(value),
        Unit::Bytes => short(&wording::memory(value)),
        Unit::PerSecond | Unit::Count | Unit::Number => number_label(value),
        Unit::Share => wording::percent(value),
    }
}

/// Formats a value in a unit to three digits.
pub(super) fn exact_label(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Nanoseconds => wording::time(value),
        Unit::Bytes => wording::memory(value),
        Unit::PerSecond => units::rate(value),
        Unit::Count | Unit::Number => number_label(value),
        Unit::Share => wording::percent(value),
    }
}

pub(super) fn number_label(value: f64) -> String {
    if value >= 1_000.0 { units::count(value.round() as u64) } else { short(&units::three_digits(value)) }
}

pub(super) fn short(text: &str) -> String {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    if unit.is_empty() { number.into() } else { format!("{number} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scale: Scale, about: usize, expected: &[&str]) {
        let labels: Vec<String> = scale.ticks(about).into_iter().map(time_label).collect();
        assert_eq!(labels, expected, "{scale:?}");
    }

    #[test]
    fn ticks_are_round_and_few() {
        check(Scale::Linear(0.0, 412e6), 5, &["0", "100 ms", "200 ms", "300 ms", "400 ms"]);
        check(Scale::Log(0.8e6, 1.2e9), 4, &["1 ms", "10 ms", "100 ms", "1 s"]);
        check(Scale::Log(0.9e6, 12e6), 4, &["1 ms", "2 ms", "5 ms", "10 ms"]);
        check(Scale::Log(98e6, 105e6), 4, &["98 ms", "100 ms", "102 ms", "104 ms"]);
    }

    #[test]
    fn the_number_of_ticks_is_bounded() {
        let numbers = [0.0, -1.0, 1.0, 5e-324, 1e-305, 1e291, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        for from in numbers {
            for to in numbers {
                for scale in [Scale::Linear(from, to), Scale::Log(from, to), Scale::of_times(from, to)] {
                    let ticks = scale.ticks(7);
                    assert!(ticks.len() <= MOST_TICKS, "{scale:?}: {}", ticks.len());
                    let places = numbers.map(|number| scale.place(number));
                    assert!(places.iter().all(|place| (0.0..=1.0).contains(place)), "{scale:?}: {places:?}");
                }
            }
        }
    }

    #[test]
    fn places_range_from_0_to_1() {
        assert_eq!(Scale::Linear(0.0, 10.0).place(5.0), 0.5);
        assert_eq!(Scale::Log(1.0, 100.0).place(10.0), 0.5);
        assert_eq!(Scale::Log(1.0, 100.0).place(0.0), 0.0);
    }
}
