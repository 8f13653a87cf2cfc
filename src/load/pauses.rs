//! Detects when a generator thread itself stood still.
//!
//! Each turn of the loop knows when it was meant to continue: at once, or when its timer was due. If it continues much
//! later, the server is not the cause: the thread was stopped, lost its CPU, or the whole machine stood still. The part
//! of a request that such a pause covers is attributed to the generator, whatever else happened meanwhile.

use std::collections::VecDeque;

use super::clock::Clock;

/// The shortest delay of a turn that counts as a pause, nanoseconds. It is above the lateness of this kernel's timers
/// (74 us at the 99th percentile, `avt doctor`); shorter delays are part of the generator's lateness anyway.
pub(super) const SHORTEST: u64 = 200_000;

/// The activity of one turn of the loop, between two reads of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The turn only worked: it was meant to continue at once.
    Worked,
    /// The turn waited for an event, at most until this instant.
    Waited { until: u64 },
}

/// The pauses of one thread. Computes how much of a time span they cover.
#[derive(Debug)]
pub(super) struct PauseLog {
    /// In chronological order; none touches another.
    gaps: VecDeque<Gap>,
    count: u64,
    /// The number of pauses spent mostly in the run queue: another program had the thread's CPU.
    lost_cpu: u64,
    /// The end of the last pause.
    last_end: u64,
    /// The thread's run-queue delay at the last reading, nanoseconds.
    queued_ns: u64,
    /// The time for which pauses are kept, nanoseconds; no query reaches further back.
    kept_ns: u64,
}

/// A pause, and the total length of all pauses before it.
#[derive(Clone, Copy, Debug)]
struct Gap {
    start: u64,
    end: u64,
    before: u64,
}

impl PauseLog {
    /// Creates the log of a thread whose requests are never older than `oldest`, nanoseconds.
    pub(super) fn new(oldest: u64) -> Self {
        Self {
            gaps: VecDeque::new(),
            count: 0,
            lost_cpu: 0,
            last_end: 0,
            queued_ns: 0,
            kept_ns: oldest.saturating_mul(2),
        }
    }

    /// Records a turn by its start and end. Returns the length of its pause, if it had one. Costs one comparison for a
    /// short turn, and a read of 1 us for a longer one.
    #[inline]
    pub(super) fn record_turn(&mut self, turn: Turn, began: u64, now: u64, clock: &impl Clock) -> Option<u64> {
        if now < began.saturating_add(SHORTEST) { None } else { self.long_turn(turn, began, now, clock) }
    }

    #[cold]
    fn long_turn(&mut self, turn: Turn, began: u64, now: u64, clock: &impl Clock) -> Option<u64> {
        let queued = self.take_run_queue_delay(clock);
        let late = match turn {
            Turn::Worked => now - began,
            // An event may have come long before the timer; then only the run-queue delay shows how long the thread did
            // not run.
            Turn::Waited { until } => now.saturating_sub(until.max(began)).max(queued.min(now - began)),
        };
        (late >= SHORTEST).then(|| {
            self.add(now - late, now);
            self.lost_cpu += u64::from(queued >= late / 2);
            late
        })
    }

    /// Returns the run-queue delay since the last call, nanoseconds; 0 if the kernel does not record it.
    fn take_run_queue_delay(&mut self, clock: &impl Clock) -> u64 {
        let Some(scheduled) = clock.scheduled() else { return 0 };
        let since = scheduled.waited_ns.saturating_sub(self.queued_ns);
        self.queued_ns = scheduled.waited_ns;
        since
    }

    /// Returns the number of pauses that the thread spent mostly in the run queue; 0 if the kernel does not record the
    /// run-queue delay.
    pub(super) fn lost_cpu(&self) -> u64 {
        self.lost_cpu
    }

    /// Restarts the count of the run-queue delay, so that the many short delays of short turns do not add up to a
    /// pause.
    pub(super) fn forget_queued(&mut self, clock: &impl Clock) {
        self.take_run_queue_delay(clock);
    }

    fn add(&mut self, start: u64, end: u64) {
        let before = self.gaps.back().map_or(0, |gap| gap.before + (gap.end - gap.start));
        self.gaps.push_back(Gap { start: start.max(self.last_end), end, before });
        self.last_end = end;
        self.count += 1;
        while self.gaps.len() > 1 && self.gaps[0].end.saturating_add(self.kept_ns) < end {
            self.gaps.pop_front();
        }
    }

    /// Returns the number of pauses.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Returns the start and end of the last pause.
    pub(super) fn last(&self) -> Option<(u64, u64)> {
        self.gaps.back().map(|gap| (gap.start, gap.end))
    }

    /// Returns how long the thread stood still between two instants, neither in the future, nanoseconds. Costs one
    /// comparison if the thread has not stood still since `from`.
    #[inline]
    pub(super) fn paused_between(&self, from: u64, to: u64) -> u64 {
        if from >= self.last_end { 0 } else { self.paused_until(to) - self.paused_until(from.min(to)) }
    }

    /// Returns the total length of all pauses up to an instant, nanoseconds.
    fn paused_until(&self, instant: u64) -> u64 {
        let begun = self.gaps.partition_point(|gap| gap.start <= instant);
        match begun.checked_sub(1) {
            Some(last) => {
                let Gap { start, end, before } = self.gaps[last];
                before + instant.min(end) - start
            }
            None => self.gaps.front().map_or(0, |gap| gap.before),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::usage::Scheduled;

    /// A thread whose run-queue delay is set by the test.
    #[derive(Default)]
    struct Queue(Cell<u64>);

    impl Clock for Queue {
        fn now(&self) -> u64 {
            0
        }

        fn yield_now(&self) {}

        fn scheduled(&self) -> Option<Scheduled> {
            Some(Scheduled { ran_ns: 0, waited_ns: self.0.get() })
        }
    }

    const MS: u64 = 1_000_000;

    #[test]
    fn a_turn_that_resumes_too_late_is_a_pause() {
        let clock = Queue::default();
        let mut pauses = PauseLog::new(1_000 * MS);
        let mut check = |turn, began, now, expected| {
            assert_eq!(pauses.record_turn(turn, began, now, &clock), expected, "{turn:?}, {began} to {now}");
        };
        check(Turn::Worked, 0, SHORTEST - 1, None);
        check(Turn::Worked, MS, 2 * MS, Some(MS));
        check(Turn::Waited { until: 9 * MS }, 3 * MS, 8 * MS, None);
        check(Turn::Waited { until: 9 * MS }, 8 * MS, 9 * MS + SHORTEST - 1, None);
        check(Turn::Waited { until: 11 * MS }, 10 * MS, 15 * MS, Some(4 * MS));
        // A timer set to an instant long past.
        check(Turn::Waited { until: 0 }, 20 * MS, 21 * MS, Some(MS));
        assert_eq!((pauses.count(), pauses.lost_cpu()), (3, 0), "stopped, not in the run queue");
    }

    #[test]
    fn time_in_the_run_queue_counts_even_if_the_timer_was_on_time() {
        let clock = Queue::default();
        let mut pauses = PauseLog::new(1_000 * MS);
        clock.0.set(3 * MS);
        assert_eq!(pauses.record_turn(Turn::Waited { until: 100 * MS }, 0, 10 * MS, &clock), Some(3 * MS));
        assert_eq!((pauses.paused_between(0, 10 * MS), pauses.lost_cpu()), (3 * MS, 1));
        assert_eq!(
            pauses.record_turn(Turn::Waited { until: 100 * MS }, 10 * MS, 20 * MS, &clock),
            None,
            "counted already"
        );
        clock.0.set(4 * MS);
        pauses.forget_queued(&clock);
        assert_eq!(pauses.record_turn(Turn::Waited { until: 100 * MS }, 20 * MS, 30 * MS, &clock), None);
    }

    #[test]
    fn pauses_between_two_instants_are_summed() {
        let clock = Queue::default();
        let mut pauses = PauseLog::new(1_000 * MS);
        assert_eq!(pauses.paused_between(0, 5), 0);
        pauses.record_turn(Turn::Worked, 10 * MS, 20 * MS, &clock);
        pauses.record_turn(Turn::Worked, 30 * MS, 35 * MS, &clock);
        for (from, to, expected) in
            [(0, 5, 0), (0, 100, 15), (12, 18, 6), (15, 32, 7), (20, 30, 0), (34, 90, 1), (35, 90, 0), (31, 31, 0)]
        {
            assert_eq!(pauses.paused_between(from * MS, to * MS), expected * MS, "{from} to {to}");
        }
    }

    #[test]
    fn pauses_too_old_for_any_request_are_forgotten() {
        let clock = Queue::default();
        let mut pauses = PauseLog::new(10 * MS);
        for k in 0..1_000 {
            pauses.record_turn(Turn::Worked, k * 2 * MS, (k * 2 + 1) * MS, &clock);
        }
        assert!(pauses.gaps.len() < 20, "{}", pauses.gaps.len());
        assert_eq!(pauses.paused_between(1_990 * MS, 1_999 * MS), 5 * MS);
    }
}
