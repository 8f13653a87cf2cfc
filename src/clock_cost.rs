//! Measures what reading the clock costs, and how late this machine's timers fire.

use std::hint::black_box;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};
use tokio::runtime::Builder;

use crate::histogram::Histogram;
use crate::units;

/// The clock behind [`Instant`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockCost {
    /// The cost of one reading, nanoseconds: the lowest of ten series.
    pub read_ns: f64,
    /// The smallest observed step, nanoseconds.
    pub step_ns: u64,
}

/// Reads the clock a million times. Takes about 40 ms.
pub fn measure_clock() -> ClockCost {
    const LOOKS: u32 = 100_000;
    let series = |_| {
        let begun = Instant::now();
        for _ in 0..LOOKS {
            black_box(Instant::now());
        }
        begun.elapsed().as_nanos() as f64 / f64::from(LOOKS)
    };
    let read_ns = (0..10).map(series).fold(f64::INFINITY, f64::min);
    let mut step_ns = u64::MAX;
    for _ in 0..LOOKS {
        let (one, next) = (Instant::now(), Instant::now());
        let step = units::nanos(next - one);
        if step > 0 {
            step_ns = step_ns.min(step);
        }
    }
    ClockCost { read_ns, step_ns }
}

/// The time lost by a thread that never yields because the host, the kernel or another process had its CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CpuPauses {
    /// The share of time in pauses of more than [`PAUSE`](Self::PAUSE), 0 to 1.
    pub share: f64,
    /// The longest pause, nanoseconds; 0 if there was none.
    pub longest_ns: u64,
}

impl CpuPauses {
    /// The shortest gap between two readings that counts as a pause: the kernel's own interrupts take less.
    pub const PAUSE: Duration = Duration::from_micros(20);
}

/// Reads the clock in a loop for this long, or until `is_enough`. If pauses take more than 1 % of the time, no 99th
/// percentile below them can be measured.
pub fn measure_pauses(length: Duration, is_enough: impl Fn() -> bool) -> CpuPauses {
    let begun = Instant::now();
    let (mut last, mut lost, mut longest) = (begun, Duration::ZERO, Duration::ZERO);
    while last - begun < length && !is_enough() {
        let now = Instant::now();
        let gap = now - last;
        if gap > CpuPauses::PAUSE {
            lost += gap;
            longest = longest.max(gap);
        }
        last = now;
    }
    let looked = (last - begun).max(Duration::from_nanos(1));
    CpuPauses { share: lost.as_secs_f64() / looked.as_secs_f64(), longest_ns: units::nanos(longest) }
}

/// A way to sleep until an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// [`std::thread::sleep`]: the kernel's `nanosleep`, with the default timer slack of 50 us.
    Thread,
    /// `tokio::time::sleep` on a runtime of one thread: a wheel of 1 ms ticks, rounded up.
    Tokio,
    /// A read of a timerfd, as in the load generator's loop: without that slack.
    Timerfd,
}

impl Timer {
    /// All timers.
    pub const ALL: [Self; 3] = [Self::Thread, Self::Tokio, Self::Timerfd];

    /// Returns the name under which the timer is documented.
    pub fn name(self) -> &'static str {
        match self {
            Self::Thread => "std::thread::sleep",
            Self::Tokio => "tokio::time::sleep",
            Self::Timerfd => "timerfd",
        }
    }

    /// Sleeps `times` times for `length`, and returns how much longer each sleep took.
    pub fn overshoot(self, length: Duration, times: u32) -> io::Result<Histogram> {
        let mut late = Histogram::default();
        let mut note = |begun: Instant| late.record(units::nanos(begun.elapsed().saturating_sub(length)));
        match self {
            Self::Thread => {
                for _ in 0..times {
                    let begun = Instant::now();
                    thread::sleep(length);
                    note(begun);
                }
            }
            Self::Tokio => Builder::new_current_thread().enable_time().build()?.block_on(async {
                for _ in 0..times {
                    let begun = Instant::now();
                    tokio::time::sleep(length).await;
                    note(begun);
                }
            }),
            Self::Timerfd => {
                let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
                let it_value = Timespec { tv_sec: length.as_secs() as i64, tv_nsec: length.subsec_nanos().into() };
                let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
                for _ in 0..times {
                    let begun = Instant::now();
                    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once)?;
                    rustix::io::read(&timer, &mut [0; 8])?;
                    note(begun);
                }
            }
        }
        Ok(late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_has_a_read_cost_and_a_step() {
        let ClockCost { read_ns, step_ns } = measure_clock();
        assert!(read_ns > 0.0 && read_ns.is_finite());
        assert!(step_ns > 0 && step_ns < u64::MAX);
    }

    #[test]
    fn lost_time_is_a_share_that_includes_the_longest_pause() {
        let length = Duration::from_millis(20);
        let CpuPauses { share, longest_ns } = measure_pauses(length, || false);
        assert!((0.0..=1.0).contains(&share), "{share}");
        assert_eq!(share == 0.0, longest_ns == 0, "{share} {longest_ns}");
        let CpuPauses { share, longest_ns } = measure_pauses(Duration::MAX, || true);
        assert_eq!((share, longest_ns), (0.0, 0));
    }

    #[test]
    fn no_timer_fires_early() {
        let length = Duration::from_millis(2);
        for timer in Timer::ALL {
            let begun = Instant::now();
            assert_eq!(timer.overshoot(length, 5).unwrap().len(), 5, "{}", timer.name());
            assert!(begun.elapsed() >= length * 5, "{} fired early", timer.name());
        }
    }
}
