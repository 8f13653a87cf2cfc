//! Reads the clocks of this machine, and how well its wall clock is known to agree with others.

use nix::libc;
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// The clocks of this machine at one instant, to within a microsecond.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineClocks {
    /// The wall clock, nanoseconds since 1970.
    pub realtime_ns: u64,
    /// The time since the machine started, suspended time included, nanoseconds: one clock for all processes of a
    /// kernel, whatever their wall clocks show.
    pub boottime_ns: u64,
    /// The clock by which a load is measured, nanoseconds.
    pub monotonic_ns: u64,
    /// The identity of the running kernel, which is new at each start; `None` if it cannot be read.
    pub boot_id: Option<String>,
    /// How well the wall clock is synchronised; `None` if the kernel does not report it.
    pub discipline: Option<ClockDiscipline>,
}

/// The kernel's account of what keeps the wall clock right, such as NTP (adjtimex(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockDiscipline {
    /// Whether a time service keeps the clock synchronised.
    pub is_synchronized: bool,
    /// The largest error that the time service admits, nanoseconds. It grows until the next correction. A time service
    /// that knows no error, such as systemd-timesyncd, sets it to 0 at each correction.
    pub max_error_ns: u64,
    /// The error that the time service expects, nanoseconds.
    pub estimated_error_ns: u64,
}

impl MachineClocks {
    /// Reads the clocks. Takes about 20 us, nearly all for the kernel's identity.
    pub fn now() -> Self {
        Self {
            boot_id: super::boot_id(),
            discipline: discipline(),
            realtime_ns: read(ClockId::CLOCK_REALTIME),
            boottime_ns: read(ClockId::CLOCK_BOOTTIME),
            monotonic_ns: read(ClockId::CLOCK_MONOTONIC),
        }
    }

    /// Returns the wall clock and the time since the machine started at an instant of the monotonic clock, nanoseconds,
    /// as long as the machine was not suspended and its wall clock not set in between.
    pub fn at(&self, monotonic_ns: u64) -> (u64, u64) {
        let moved = |clock: u64| (clock + monotonic_ns).saturating_sub(self.monotonic_ns);
        (moved(self.realtime_ns), moved(self.boottime_ns))
    }
}

fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock).expect("Linux has this clock");
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

fn discipline() -> Option<ClockDiscipline> {
    const NS_PER_US: u64 = 1_000;
    // SAFETY: `timex` holds only integers, for which zero is valid; `modes` 0 asks to change nothing.
    let mut state: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes only into `state`, which outlives the call.
    let code = unsafe { libc::adjtimex(&raw mut state) };
    let nanos = |micros: libc::c_long| u64::try_from(micros).unwrap_or(0) * NS_PER_US;
    (code >= 0).then(|| ClockDiscipline {
        is_synchronized: code != libc::TIME_ERROR && state.status & libc::STA_UNSYNC == 0,
        max_error_ns: nanos(state.maxerror),
        estimated_error_ns: nanos(state.esterror),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_the_same_on_all_clocks() {
        let (earlier, later) = (MachineClocks::now(), MachineClocks::now());
        assert!(earlier.boottime_ns <= later.boottime_ns && earlier.monotonic_ns <= later.monotonic_ns);
        assert_eq!(earlier.boot_id, later.boot_id);
        assert_eq!(earlier.at(earlier.monotonic_ns + 5), (earlier.realtime_ns + 5, earlier.boottime_ns + 5));
        assert_eq!(earlier.at(earlier.monotonic_ns - 5), (earlier.realtime_ns - 5, earlier.boottime_ns - 5));
    }

    #[test]
    fn the_kernel_reports_whether_the_clock_is_synchronized() {
        let discipline = MachineClocks::now().discipline.expect("reading needs no privilege");
        assert!(discipline.max_error_ns >= discipline.estimated_error_ns || !discipline.is_synchronized);
    }
}
