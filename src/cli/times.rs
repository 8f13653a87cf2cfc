//! Parses durations on the command line: `10s`, `250ms`.

use std::time::Duration;

use crate::units::parse_duration;

/// Parses a duration of at most a week.
pub(super) fn any_time(text: &str) -> Result<Duration, String> {
    const MOST: Duration = Duration::from_secs(7 * 24 * 3600);
    match parse_duration(text) {
        Ok(time) if time > MOST => Err("must be at most one week (168h)".into()),
        Ok(time) => Ok(time),
        Err(error) => Err(error.to_string()),
    }
}

/// Parses a duration greater than zero and of at most a week.
pub(super) fn some_time(text: &str) -> Result<Duration, String> {
    match any_time(text)? {
        Duration::ZERO => Err("must be greater than 0".into()),
        time => Ok(time),
    }
}
