//! Counts the OS threads of this process that ever ran a part of a job.
//!
//! The count is exact, whereas sampling `/proc` would miss short-lived threads: each thread adds itself when it first
//! runs a part of a job. A trial is a fresh process, so the count is the trial's own.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

static THREADS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

/// Counts the calling thread, at most once. Takes about a nanosecond after the first time.
#[inline]
pub fn mark_current() {
    COUNTED.with(|counted| {
        if !counted.replace(true) {
            THREADS.fetch_add(1, Ordering::Relaxed);
        }
    });
}

/// Returns the count so far.
pub fn count() -> u64 {
    THREADS.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_thread_counts_once() {
        let before = super::count();
        let mark = || (0..3).for_each(|_| super::mark_current());
        std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(mark))));
        // No other test of this binary marks a thread.
        assert_eq!(super::count() - before, 4);
    }
}
