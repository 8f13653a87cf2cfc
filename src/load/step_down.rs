//! When hybrid pacing keeps to the timer.
//!
//! A thread that looks at the clock uses up its share of the CPU, and where another program wants that CPU the scheduler
//! lets the other run for milliseconds: beside one busy loop, looking at the clock put 2 to 5 ms into half of all
//! response times, and a timer 0.1 to 0.4 ms. So a thread that loses its CPU while it looks at the clock steps down to
//! the timer, and tries again later, after twice as long each time.

/// So many losses within [`WITHIN`] are no accident.
const LOSSES: u32 = 3;
const WITHIN: u64 = 100_000_000;

/// How long it keeps to the timer the first time and at most, nanoseconds.
const SHORTEST: u64 = 250_000_000;
const LONGEST: u64 = 64_000_000_000;

/// Whether one thread keeps to the timer.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepDown {
    /// Losses of the CPU since the first of them.
    losses: u32,
    first: u64,
    /// Until when it keeps to the timer, and for how long it will the next time.
    until: u64,
    length: u64,
}

impl Default for StepDown {
    fn default() -> Self {
        Self { losses: 0, first: 0, until: 0, length: SHORTEST }
    }
}

impl StepDown {
    /// Whether the timer alone wakes the thread now.
    #[inline]
    pub(super) fn is_down(&self, now: u64) -> bool {
        now < self.until
    }

    /// The thread was not given its CPU while it looked at the clock.
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
    fn losses_now_and_then_do_not() {
        let mut pacing = StepDown::default();
        for k in 1..1_000 {
            pacing.lost_cpu(k * 60 * MS);
            assert!(!pacing.is_down(k * 60 * MS));
        }
    }

    #[test]
    fn a_cpu_that_stays_busy_is_tried_ever_more_rarely() {
        let mut pacing = StepDown::default();
        let (mut now, mut tries) = (1_000 * MS, 0);
        while now < 601_000 * MS {
            if pacing.is_down(now) {
                now += MS;
            } else {
                // Each look costs a slice of the other program.
                now += 4 * MS;
                pacing.lost_cpu(now);
                tries += 1;
            }
        }
        assert!((30..60).contains(&tries), "{tries} in ten minutes");
    }
}
