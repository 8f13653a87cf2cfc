//! The time limits of a server for its peers, the same for every model.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::http1::Expects;

/// The time limits of a server for its peers. All except `idle` cover the whole part that they limit, so a peer that
/// sends or reads one byte a second cannot hold its connection longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The limit for a request's head, from its first byte. After it, the server answers 408.
    pub head: Duration,
    /// The limit for a request's body, from the end of its head. After it, the server answers 408.
    pub body: Duration,
    /// The limit for the wait for the next request. After it, the server closes the connection without a response.
    pub idle: Duration,
    /// The limit for sending. After it, the server drops the connection.
    pub write: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { head: seconds(10), body: seconds(30), idle: seconds(75), write: seconds(30) }
    }
}

/// The read deadlines of one connection. Instants are nanoseconds of the coarse clock, which is up to 4 ms late: a
/// thousandth of the limits, at a tenth of the cost of the precise clock.
#[derive(Debug)]
pub(super) struct ReadDeadlines {
    timeouts: Timeouts,
    /// The part of a request that is expected, and since when.
    part: Option<(Expects, u64)>,
}

impl ReadDeadlines {
    pub(super) fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, part: None }
    }

    /// Restarts the deadlines after a complete request.
    #[inline]
    pub(super) fn restart(&mut self) {
        self.part = None;
    }

    /// Returns the time that a read may take if it begins at this instant; zero if the deadline has passed.
    #[inline]
    pub(super) fn left(&mut self, expects: Expects, now: u64) -> Duration {
        let limit = match expects {
            Expects::Request => {
                self.part = None;
                return self.timeouts.idle;
            }
            Expects::Head => self.timeouts.head,
            Expects::Body => self.timeouts.body,
        };
        match self.part {
            Some((part, since)) if part == expects => limit.saturating_sub(Duration::from_nanos(now - since)),
            _ => {
                self.part = Some((expects, now));
                limit
            }
        }
    }
}

/// Returns the time of the coarse clock, nanoseconds. Costs about 5 ns.
#[inline]
pub(super) fn now() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE).expect("Linux has had this clock since 2.6.32");
    Duration::from(time).as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_request_has_a_deadline_of_its_own() {
        let seconds = Duration::from_secs;
        let at = |second: u64| second * 1_000_000_000;
        let mut deadlines = ReadDeadlines::new(Timeouts::default());
        assert_eq!(deadlines.left(Expects::Request, at(0)), seconds(75));
        assert_eq!(deadlines.left(Expects::Request, at(60)), seconds(75));
        assert_eq!(deadlines.left(Expects::Head, at(100)), seconds(10));
        assert_eq!(deadlines.left(Expects::Head, at(104)), seconds(6));
        assert_eq!(deadlines.left(Expects::Body, at(105)), seconds(30));
        assert_eq!(deadlines.left(Expects::Body, at(140)), seconds(0));
        deadlines.restart();
        assert_eq!(deadlines.left(Expects::Body, at(141)), seconds(30));
    }
}
