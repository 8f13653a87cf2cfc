//! The scales of charts: coordinates of plotters with round ticks and their labels.

use std::ops::Range;

use plotters::coord::combinators::{IntoLogRange as _, LogCoord};
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;

/// A coordinate of plotters whose key points are its ticks. Values beyond its ends are drawn at the ends.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    spacing: Spacing,
    from: f64,
    to: f64,
    pub(super) ticks: Vec<Tick>,
}

/// A value on an axis, and its label.
pub(super) type Tick = (f64, String);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Spacing {
    Linear,
    Log,
}

impl Scale {
    /// Returns a linear scale without ticks; `from` may be the larger value.
    pub(super) fn linear(from: f64, to: f64) -> Self {
        Self::new(Spacing::Linear, from, to)
    }

    /// Returns a log scale without ticks, between two values above 0.
    pub(super) fn log(from: f64, to: f64) -> Self {
        Self::new(Spacing::Log, from, to)
    }

    fn new(spacing: Spacing, from: f64, to: f64) -> Self {
        let is_valid = (to - from).is_finite() && from != to && (spacing == Spacing::Linear || from.min(to) > 0.0);
        // Damaged records may lead to ends that no scale can have; the chart is then empty.
        let (from, to) = if is_valid { (from, to) } else { (1.0, 2.0) };
        Self { spacing, from, to, ticks: Vec::new() }
    }

    /// Returns the scale that shows times from `low` to `high` best: magnified if they are nearly the same, from 0 if
    /// they are of one order of magnitude, else a log scale. It suits lines but not bars.
    pub(super) fn of_times(low: f64, high: f64) -> Self {
        if high < 1.5 * low {
            let margin = (0.1 * (high - low)).max(0.005 * high);
            Self::linear(low - margin, high + margin)
        } else if high / low.max(1.0) < 12.0 {
            let step = round_step((high * 1.02).max(1e-9) / 5.0);
            Self::linear(0.0, (high * 1.02 / step).ceil() * step)
        } else {
            Self::log_around(low.max(1.0), high, 1.1)
        }
    }

    /// Returns a log scale with a margin by the factor `margin` on both sides.
    pub(super) fn log_around(low: f64, high: f64, margin: f64) -> Self {
        Self::log(low / margin, high * margin)
    }

    /// Returns the scale with about this many ticks at round values.
    pub(super) fn with_ticks(self, about: usize, label: impl Fn(f64) -> String) -> Self {
        let ticks = self.round_values(about).into_iter().map(|value| (value, label(value))).collect();
        self.with_ticks_at(ticks)
    }

    /// Returns the scale with these ticks.
    pub(super) fn with_ticks_at(self, ticks: Vec<Tick>) -> Self {
        Self { ticks, ..self }
    }

    pub(super) fn is_log(&self) -> bool {
        self.spacing == Spacing::Log
    }

    /// Returns the ends of `n` parts that are equally wide on a log scale.
    pub(super) fn log_parts(&self, n: usize) -> Vec<f64> {
        (0..=n).map(|k| self.from * (self.to / self.from).powf(k as f64 / n as f64)).collect()
    }

    /// Returns about this many round values inside the scale.
    pub(super) fn round_values(&self, about: usize) -> Vec<f64> {
        match self.spacing {
            Spacing::Log if self.to / self.from >= 4.0 => log_values(self.from, self.to, about),
            _ => linear_values(self.from, self.to, about),
        }
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let value = value.max(self.from.min(self.to)).min(self.from.max(self.to));
        match self.spacing {
            Spacing::Linear => RangedCoordf64::from(self.range()).map(&value, limit),
            Spacing::Log => LogCoord::from(self.range().log_scale()).map(&value, limit),
        }
    }

    /// Returns the ticks; the lighter lines between them are left out.
    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        let ticks = self.ticks.iter().filter(|_| !hint.weight().allow_light_points());
        ticks.map(|(value, _)| *value).collect()
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|(at, _)| at == value);
        tick.map_or_else(String::new, |(_, label)| label.clone())
    }
}

/// Returns the number of the part that holds a value, of parts with these ends; the outer parts hold what lies beyond.
pub(super) fn part(ends: &[f64], value: f64) -> usize {
    ends.partition_point(|end| *end <= value).clamp(1, ends.len() - 1) - 1
}

/// The largest number of ticks of an axis.
const MOST_TICKS: usize = 100;

/// Returns multiples of 1, 2 or 5 times a power of ten.
fn linear_values(from: f64, to: f64, about: usize) -> Vec<f64> {
    let step = round_step((to - from) / about.max(1) as f64);
    let (first, last) = ((from / step).ceil() as i64, (to / step + 1e-9).floor() as i64);
    (first..=last).take(MOST_TICKS).map(|k| k as f64 * step).collect()
}

/// Returns 1, 2 and 5 in each power of ten, or only the powers if that would be too many. plotters marks the powers or
/// ten steps between them.
fn log_values(from: f64, to: f64, about: usize) -> Vec<f64> {
    let powers = from.log10().floor() as i32..=to.log10().ceil() as i32;
    let within = |value: &f64| (from..=to).contains(value);
    let multiples = |digits: &[f64]| -> Vec<f64> {
        let each = powers.clone().flat_map(|power| digits.iter().map(move |digit| digit * 10_f64.powi(power)));
        each.filter(within).collect()
    };
    let choices = [multiples(&[1.0, 2.0, 5.0]), multiples(&[1.0, 3.0]), multiples(&[1.0])];
    let fitting = choices.iter().find(|values| values.len() <= about.max(2)).cloned();
    fitting.unwrap_or_else(|| {
        let powers = multiples(&[1.0]);
        let every = powers.len().div_ceil(about.max(2));
        powers.into_iter().step_by(every).collect()
    })
}

/// Returns the smallest 1, 2 or 5 times a power of ten that is at least this large.
fn round_step(at_least: f64) -> f64 {
    let power = 10_f64.powf(at_least.max(f64::MIN_POSITIVE).log10().floor());
    [1.0, 2.0, 5.0, 10.0].iter().map(|digit| digit * power).find(|step| *step >= at_least).unwrap_or(power * 10.0)
}

#[cfg(test)]
mod tests {
    use super::super::labels;
    use super::*;

    fn check(scale: Scale, about: usize, expected: &[&str]) {
        let scale = scale.with_ticks(about, labels::time);
        let labels: Vec<&str> = scale.ticks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, expected, "{scale:?}");
    }

    #[test]
    fn ticks_are_round_and_few() {
        check(Scale::linear(0.0, 412e6), 5, &["0", "100 ms", "200 ms", "300 ms", "400 ms"]);
        check(Scale::log(0.8e6, 1.2e9), 4, &["1 ms", "10 ms", "100 ms", "1 s"]);
        check(Scale::log(0.9e6, 12e6), 4, &["1 ms", "2 ms", "5 ms", "10 ms"]);
        check(Scale::log(98e6, 105e6), 4, &["98 ms", "100 ms", "102 ms", "104 ms"]);
    }

    #[test]
    fn no_number_is_drawn_beyond_the_ends_and_the_number_of_ticks_is_bounded() {
        let numbers = [0.0, -1.0, 1.0, 5e-324, 1e-305, 1e291, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        for from in numbers {
            for to in numbers {
                for scale in [Scale::linear(from, to), Scale::log(from, to), Scale::of_times(from, to)] {
                    let ticks = scale.round_values(7);
                    assert!(ticks.len() <= MOST_TICKS, "{scale:?}: {}", ticks.len());
                    let places = numbers.map(|number| scale.map(&number, (0, 1_000)));
                    assert!(places.iter().all(|place| (0..=1_000).contains(place)), "{scale:?}: {places:?}");
                }
            }
        }
    }

    #[test]
    fn parts_of_a_log_scale_hold_every_value() {
        let ends = Scale::log(1.0, 10_000.0).log_parts(4);
        assert_eq!([0.0, 1.0, 9.0, 100.5, 1e9].map(|value| part(&ends, value)), [0, 0, 0, 2, 3]);
    }
}
