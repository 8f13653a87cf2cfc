//! Measures the CPU time of the process in slices of a millisecond while lanes are recorded. Threads record what they
//! work on, but cannot see when another has their CPU; the clock of the process shows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::units;
use crate::usage::own_cpu_ns;

/// The shortest length of a slice.
const SLICE: Duration = Duration::from_millis(1);

/// The slice in which the process used the most CPU time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// CPU time of all threads, nanoseconds.
    pub cpu_ns: u64,
    /// The length of the slice, nanoseconds.
    pub wall_ns: u64,
}

impl Slice {
    /// Returns the average number of CPUs used in the slice; rounded up, it is a lower bound of the maximum.
    pub fn cpus(&self) -> f64 {
        self.cpu_ns as f64 / self.wall_ns.max(1) as f64
    }
}

/// A thread that reads the CPU clock of the process once a millisecond until [`stop`](Self::stop). Costs about 2 us per
/// reading.
#[derive(Debug)]
pub(super) struct SliceMeter {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Option<Slice>>,
}

impl SliceMeter {
    /// Starts the thread, which runs for at most `length`; `None` if the kernel refuses it.
    pub(super) fn start(length: Duration) -> Option<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let until = Instant::now() + length;
        let of_thread = Arc::clone(&stop);
        let work = move || measure(|| of_thread.load(Ordering::Relaxed) || Instant::now() >= until);
        let thread = thread::Builder::new().name("slices".into()).spawn(work).ok()?;
        Some(Self { stop, thread })
    }

    /// Stops the thread and returns the busiest slice, if any.
    pub(super) fn stop(self) -> Option<Slice> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().ok().flatten()
    }
}

fn measure(is_over: impl Fn() -> bool) -> Option<Slice> {
    let mut busiest: Option<Slice> = None;
    let mut last = read()?;
    while !is_over() {
        thread::sleep(SLICE);
        let now = read()?;
        // From before the first reading until after the second, so that a slice is never shorter than its CPU time.
        let slice = Slice {
            cpu_ns: now.cpu_ns.saturating_sub(last.cpu_ns),
            wall_ns: units::nanos(now.after.duration_since(last.before)),
        };
        if busiest.is_none_or(|busiest| slice.cpus() > busiest.cpus()) {
            busiest = Some(slice);
        }
        last = now;
    }
    busiest
}

/// The CPU clock of the process, read between two readings of the wall clock.
struct ClockReading {
    before: Instant,
    cpu_ns: u64,
    after: Instant,
}

fn read() -> Option<ClockReading> {
    let before = Instant::now();
    let cpu_ns = own_cpu_ns()?;
    Some(ClockReading { before, cpu_ns, after: Instant::now() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_working_thread_uses_cpu_time_in_some_slice() {
        let meter = SliceMeter::start(Duration::from_secs(60)).unwrap();
        // Until this thread has used 20 ms: some slice then holds CPU time, even on a busy machine.
        let begun = own_cpu_ns().unwrap();
        while own_cpu_ns().unwrap() < begun + 20_000_000 {}
        let slice = meter.stop().unwrap();
        assert!(slice.cpu_ns > 0 && slice.wall_ns >= 1_000_000, "{slice:?}");
    }

    #[test]
    fn cpus_are_cpu_time_divided_by_wall_time() {
        assert_eq!(Slice { cpu_ns: 1_500_000, wall_ns: 1_000_000 }.cpus(), 1.5);
    }
}
