//! The `Date` of responses, formatted once per second and thread.

use std::cell::Cell;
use std::time::{Duration, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

use crate::http1::Date;

thread_local! {
    /// The last second for which a date was formatted, and that date.
    static LAST: Cell<(i64, Date)> = const { Cell::new((i64::MIN, Date([b' '; 29]))) };
}

/// Returns the current date. Costs about 10 ns, most of it for the coarse clock; half a microsecond once a second.
#[inline]
pub fn now() -> Date {
    // The coarse clock shows the time of the last timer tick: up to 4 ms old, for a date that counts seconds.
    let seconds = clock_gettime(ClockId::CLOCK_REALTIME_COARSE).map_or(0, |time| time.tv_sec());
    let (last, date) = LAST.get();
    if last == seconds {
        return date;
    }
    let date = write(seconds);
    LAST.set((seconds, date));
    date
}

fn write(seconds: i64) -> Date {
    let time = UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap_or(0));
    let mut date = Date([b' '; 29]);
    date.0.copy_from_slice(httpdate::fmt_http_date(time).as_bytes());
    date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_an_imf_fixdate() {
        assert_eq!(write(784_111_777).to_string(), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert!(now().to_string().ends_with(" GMT"));
    }
}
