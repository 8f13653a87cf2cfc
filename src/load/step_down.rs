//! Determines when hybrid pacing uses only the timer.
//!
//! A thread that busy-waits uses up its share of the CPU. If another program needs that CPU, the scheduler lets it run
//! for milliseconds: beside one busy loop, busy-waiting added 2 to 5 ms to half of all response times, and a timer 0.1
//! to 0.4 ms. So a thread that loses its CPU while it busy-waits steps down to the timer, and tries again later, after
//! an interval that doubles each time.

/// This many losses within [`WITHIN`] nanoseconds cause a step down.
const LOSSES: u32 = 3;
const WITHIN: u64 = 100_000_000;

/// The first and the longest interval during which only the timer is used, nanoseconds.
const SHORTEST: u64 = 250_000_000;
const LONGEST: u64 = 64_000_000_000;

/// Records losses of the CPU, and whether one thread uses only the timer.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepDown {
    /// The number of recent losses of the CPU, and the instant from which they count.
    losses: u32,
    first: u64,
    /// The end of the current interval without busy-waiting, and the length of the next one, nanoseconds.
    until: u64,
    length: u64,
}

impl Default for StepDown {
    fn default() -> Self {
        Self { losses: 0, first: 0, until: 0, length: SHORTEST }
    }
}

impl StepDown {
    /// Returns whether only the timer wakes the thread now.
    #[inline]
    pub(super) fn is_down(&self, now: u64) -> bool {
        now < self.until
    }

    /// Records that the thread lost its CPU while it busy-waited.
    pub(super) fn lost_cpu(&mut self, now: u64) {
        if now > self.first.saturating_add(WITHIN) {
            (self.losses, self.first) = (0, now);
        }
        self.losses += 1;
        if self.losses >= LOSSES {
            self.losses = 0;
            self.until = now.saturating_add(self.length);
            self.length = (self.length * 2).min(LONGEST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn three_losses_in_a_tenth_of_a_second_step_down() {
        let mut pacing = StepDown::default();
        [1_000, 1_050].into_iter().for_each(|at| pacing.lost_cpu(at * MS));
        assert!(!pacing.is_down(1_050 * MS));
        pacing.lost_cpu(1_060 * MS);
        assert!(pacing.is_down(1_060 * MS) && pacing.is_down(1_309 * MS) && !pacing.is_down(1_310 * MS));
    }

    #[test]
    fn occasional_losses_do_not_step_down() {
        let mut pacing = StepDown::default();
        for k in 1..1_000 {
            pacing.lost_cpu(k * 60 * MS);
            assert!(!pacing.is_down(k * 60 * MS));
        }
    }

    #[test]
    fn a_busy_cpu_is_retried_less_and_less_often() {
        let mut pacing = StepDown::default();
        let (mut now, mut tries) = (1_000 * MS, 0);
        while now < 601_000 * MS {
            if pacing.is_down(now) {
                now += MS;
            } else {
                // Each attempt to busy-wait costs a time slice of the other program.
                now += 4 * MS;
                pacing.lost_cpu(now);
                tries += 1;
            }
        }
        assert!((30..60).contains(&tries), "{tries} in ten minutes");
    }
}
