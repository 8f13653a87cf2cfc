//! The clock of a generator thread: the kernel's `CLOCK_MONOTONIC`, by which timers can be set, and the thread's
//! scheduler statistics.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::thread;
use std::time::{Duration, SystemTime};

use nix::time::{ClockId, clock_gettime};

use crate::units;
use crate::usage::Scheduled;

/// Returns the time of the monotonic clock, nanoseconds. Costs about 20 ns.
#[inline]
pub(super) fn now() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("Linux has this clock");
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

/// Returns the time of the monotonic clock at an instant of the wall clock, nanoseconds; the time since then if it has
/// passed.
pub(super) fn at(instant: SystemTime) -> Result<u64, Duration> {
    let (now, wall) = (now(), SystemTime::now());
    let ahead = instant.duration_since(wall).map_err(|passed| passed.duration())?;
    Ok(now.saturating_add(units::nanos(ahead)))
}

/// The sources of time for a generator thread. The loops take them as a parameter, so that tests run in simulated time,
/// without a clock, a socket or a thread.
pub(super) trait Clock {
    /// Returns the time, nanoseconds; never less than the previous call returned.
    fn now(&self) -> u64;

    /// Offers the CPU to another thread that is ready to run.
    fn yield_now(&self);

    /// Returns the thread's time on the CPU and in the run queue since it started; `None` if the kernel does not record
    /// them.
    fn scheduled(&self) -> Option<Scheduled>;
}

/// The machine's clock, for the thread that created it.
#[derive(Debug)]
pub(super) struct SystemClock {
    /// `/proc/thread-self/schedstat`, kept open: reading it again takes 1 us, opening it another 8 us.
    schedstat: Option<File>,
}

impl SystemClock {
    /// Creates the clock of the calling thread.
    pub(super) fn of_this_thread() -> Self {
        Self { schedstat: File::open("/proc/thread-self/schedstat").ok() }
    }
}

impl Clock for SystemClock {
    #[inline]
    fn now(&self) -> u64 {
        now()
    }

    #[inline]
    fn yield_now(&self) {
        thread::yield_now();
    }

    fn scheduled(&self) -> Option<Scheduled> {
        let mut text = [0; 64];
        let length = self.schedstat.as_ref()?.read_at(&mut text, 0).ok()?;
        Scheduled::parse(str::from_utf8(&text[..length]).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_thread_accumulates_run_time() {
        let clock = SystemClock::of_this_thread();
        let before = clock.scheduled().unwrap();
        let until = clock.now() + 2_000_000;
        while clock.now() < until {
            clock.yield_now();
        }
        assert!(clock.scheduled().unwrap().since(before).ran_ns > 0);
    }
}
