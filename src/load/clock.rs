//! The one clock of the generator: the kernel's `CLOCK_MONOTONIC`, which a timer can be set by.

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds of the monotonic clock. About 20 ns.
#[inline]
pub(super) fn now() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every Linux has this clock");
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}
