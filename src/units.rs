//! Formats and parses durations, counts, bytes and rates. No other module knows the name of a unit.
//!
//! Inside the project time is integer nanoseconds; this module converts it to text and back.

use std::time::Duration;

use thiserror::Error;

/// Why a text is not a duration.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DurationError {
    /// A number without its unit.
    #[error("missing unit in `{0}`; write `{0}ms` or `{0}s`")]
    NoUnit(String),
    /// Anything else that cannot be read.
    #[error("invalid duration `{0}`; write a duration such as `250ms`, `1.5s` or `2m`")]
    Unreadable(String),
}

/// Parses `250ms`, `1.5s`, `2m 30s`. Units: ns, us, ms, s, m, h, d and their long forms.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    if !text.is_empty() && text.parse::<f64>().is_ok() {
        return Err(DurationError::NoUnit(text.to_owned()));
    }
    humantime::parse_duration(text).map_err(|_| DurationError::Unreadable(text.to_owned()))
}

/// Returns the whole nanoseconds of a duration; saturates at 584 years.
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Formats nanoseconds to three significant digits in a suitable unit: `820 ns`, `4.52 µs`, `101 ms`, `1.60 s`.
pub fn duration(nanos: u64) -> String {
    let ns = nanos as f64;
    // Bounds at which three digits would round up into the next unit.
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..999_500 => format!("{} µs", three_digits(ns / 1e3)),
        999_500..999_500_000 => format!("{} ms", three_digits(ns / 1e6)),
        999_500_000..600_000_000_000 => format!("{} s", three_digits(ns / 1e9)),
        _ => format!("{} min", three_digits(ns / 60e9)),
    }
}

/// Formats a duration as in a scenario file: exact, without a blank, in one unit: `250ms`, `1500us`.
pub fn exact(duration: Duration) -> String {
    let ns = nanos(duration);
    let (count, unit) = match ns {
        0 => (0, "s"),
        _ if ns.is_multiple_of(1_000_000_000) => (ns / 1_000_000_000, "s"),
        _ if ns.is_multiple_of(1_000_000) => (ns / 1_000_000, "ms"),
        _ if ns.is_multiple_of(1_000) => (ns / 1_000, "us"),
        _ => (ns, "ns"),
    };
    format!("{count}{unit}")
}

/// Formats a count with a comma every three digits: `1,000,000`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a count with what it counts: `1 trial failed`, `1,000 trials failed`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// Formats bytes to three significant digits in powers of 1024: `812 B`, `3.41 MiB`.
pub fn bytes(n: u64) -> String {
    let value = n as f64;
    match n {
        0..1_024 => format!("{n} B"),
        1_024..1_048_576 => format!("{} KiB", three_digits(value / 1_024.0)),
        1_048_576..1_073_741_824 => format!("{} MiB", three_digits(value / 1_048_576.0)),
        _ => format!("{} GiB", three_digits(value / 1_073_741_824.0)),
    }
}

/// Formats a rate per second: `12.5/s`, `143,870/s`, `1e-9/s`.
pub fn rate(per_second: f64) -> String {
    if per_second > 0.0 && per_second < 1e-3 {
        // Three digits without trailing zeros.
        let rounded = format!("{per_second:.2e}").parse().unwrap_or(per_second);
        format!("{rounded:e}/s")
    } else if per_second < 999.5 {
        format!("{}/s", three_digits(per_second))
    } else {
        format!("{}/s", count(per_second.round() as u64))
    }
}

/// Formats a number to this many significant digits, without an exponent and with at most eight decimals.
pub fn significant(value: f64, digits: usize) -> String {
    let magnitude = value.abs();
    let exponent = if magnitude > 0.0 { magnitude.log10().floor() as i32 } else { 0 };
    let decimals = (digits as i32 - 1 - exponent).clamp(0, 8) as usize;
    format!("{value:.decimals$}")
}

/// Formats a number to three significant digits, without an exponent: `0.512`, `4.52`, `45.2`, `452`, `4520`.
pub fn three_digits(value: f64) -> String {
    let magnitude = value.abs();
    let decimals = if magnitude >= 99.95 {
        0
    } else if magnitude >= 9.995 {
        1
    } else if magnitude >= 0.9995 || magnitude == 0.0 {
        2
    } else {
        // The first digit of 0.0123 is in the second place; numbers below a millionth lose digits.
        ((-magnitude.log10()).ceil() as usize + 2).clamp(3, 8)
    };
    format!("{value:.decimals$}")
}

/// Durations in JSON as integer nanoseconds: `#[serde(with = "units::as_nanos")]`.
pub mod as_nanos {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes whole nanoseconds.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(super::nanos(*duration))
    }

    /// Reads whole nanoseconds.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_shown_to_three_digits() {
        for (nanos, shown) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (4_524, "4.52 µs"),
            (101_400_000, "101 ms"),
            (1_604_000_000, "1.60 s"),
            (90_000_000_000, "90.0 s"),
            (600_000_000_000, "10.0 min"),
        ] {
            assert_eq!(duration(nanos), shown, "{nanos}");
        }
    }

    #[test]
    fn durations_are_read_with_their_unit() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_duration("10us"), Ok(Duration::from_micros(10)));
        assert_eq!(parse_duration("5"), Err(DurationError::NoUnit("5".into())));
        assert_eq!(parse_duration("-5ms"), Err(DurationError::Unreadable("-5ms".into())));
        assert_eq!(parse_duration(""), Err(DurationError::Unreadable("".into())));
        assert_eq!(parse_duration("nan"), Err(DurationError::NoUnit("nan".into())));
    }

    #[test]
    fn exact_durations_read_back() {
        for ns in [0, 1, 999, 1_000, 1_500_000, 250_000_000, 3_000_000_000, 90_000_000_000] {
            let duration = Duration::from_nanos(ns);
            assert_eq!(parse_duration(&exact(duration)), Ok(duration), "{ns}");
        }
    }

    #[test]
    fn counts_bytes_and_rates_are_formatted() {
        assert_eq!(count(7), "7");
        assert_eq!(count(1_000_000), "1,000,000");
        assert_eq!(bytes(3_575_644), "3.41 MiB");
        assert_eq!(rate(12.5), "12.5/s");
        assert_eq!((rate(0.0), rate(0.001)), ("0.00/s".into(), "0.00100/s".into()));
        assert_eq!((rate(1e-9), rate(0.000_123_456)), ("1e-9/s".into(), "1.23e-4/s".into()));
        assert_eq!(rate(143_870.2), "143,870/s");
    }
}
