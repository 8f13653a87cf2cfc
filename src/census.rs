//! How many different OS threads of this process ever ran a part of a job.
//!
//! Exact, where sampling `/proc` would miss short lives: each thread adds itself the first time it comes by. A trial is
//! a fresh process, so the count is the trial's own.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

static THREADS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

/// Counts the calling thread, once. About a nanosecond after the first time.
#[inline]
pub fn touch() {
    COUNTED.with(|counted| {
        if !counted.replace(true) {
            THREADS.fetch_add(1, Ordering::Relaxed);
        }
    });
}

/// The count so far.
pub fn threads() -> u64 {
    THREADS.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_thread_counts_once() {
        let before = super::threads();
        let count = || (0..3).for_each(|_| super::touch());
        std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(count))));
        // No other test of this binary touches the census.
        assert_eq!(super::threads() - before, 4);
    }
}
