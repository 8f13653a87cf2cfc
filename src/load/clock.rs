//! The clock of a generator thread: the kernel's `CLOCK_MONOTONIC`, which a timer can be set by, and what the scheduler
//! did to the thread meanwhile.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::thread;

use nix::time::{ClockId, clock_gettime};

use crate::usage::Scheduled;

/// Nanoseconds of the monotonic clock. About 20 ns.
#[inline]
pub(super) fn now() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every Linux has this clock");
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

/// What a generator thread can learn of time. The loops take it as a parameter, so that tests run them in simulated
/// time, without a clock, a socket or a thread.
pub(super) trait Clock {
    /// Nanoseconds, never less than at the call before.
    fn now(&self) -> u64;

    /// Offers the CPU to another thread that is ready to run.
    fn yield_now(&self);

    /// What the scheduler did for this thread since it began; nothing where the kernel does not record it.
    fn scheduled(&self) -> Option<Scheduled>;
}

/// The machine's own clock, for the thread that made it.
#[derive(Debug)]
pub(super) struct SystemClock {
    /// `/proc/thread-self/schedstat`, kept open: reading it again takes 1 us, opening it 8 us more.
    schedstat: Option<File>,
}

impl SystemClock {
    /// For the calling thread.
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
    fn a_thread_that_runs_is_seen_to_run() {
        let clock = SystemClock::of_this_thread();
        let before = clock.scheduled().unwrap();
        let until = clock.now() + 2_000_000;
        while clock.now() < until {
            clock.yield_now();
        }
        assert!(clock.scheduled().unwrap().since(before).ran_ns > 0);
    }
}
