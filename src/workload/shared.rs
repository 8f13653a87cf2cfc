//! The lock and the permits that all jobs of a trial share.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Mutex as TaskMutex, MutexGuard as TaskMutexGuard, Semaphore, SemaphorePermit};

use crate::histogram::{Histogram, SharedHistogram};
use crate::lanes::{What, span};
use crate::units;

/// One lock of each kind, and the permits. A trial uses the faces of its own model only.
#[derive(Debug, Default)]
pub struct Shared {
    lock: Mutex<()>,
    task_lock: TaskMutex<()>,
    permits: Option<Permits>,
}

/// A number of permits, and the times that jobs wait for one.
#[derive(Debug)]
struct Permits {
    /// The number of free permits of blocking jobs. The first to come gets one, as with the usual blocking pools.
    free: Mutex<u32>,
    returned: Condvar,
    /// The permits of async jobs, in the order in which they asked.
    tasks: Semaphore,
    waits: SharedHistogram,
}

/// A permit of a blocking job, which its drop returns.
pub(super) struct Permit<'a>(&'a Permits);

impl Shared {
    /// Creates a lock, and this number of permits; `None` for no limit.
    pub fn new(permits: Option<u32>) -> Arc<Self> {
        let permits = permits.map(|permits| Permits {
            free: Mutex::new(permits),
            returned: Condvar::new(),
            tasks: Semaphore::new(permits as usize),
            waits: SharedHistogram::default(),
        });
        Arc::new(Self { permits, ..Self::default() })
    }

    /// Takes the lock of std, and blocks the thread until it is free.
    pub(super) fn lock_blocking(&self) -> MutexGuard<'_, ()> {
        span(What::Block, || self.lock.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the lock of tokio, and yields the thread until it is free.
    pub(super) async fn lock_async(&self) -> TaskMutexGuard<'_, ()> {
        self.task_lock.lock().await
    }

    /// Takes a permit, if their number is limited, and blocks the thread until one is free.
    pub(super) fn permit_blocking(&self) -> Option<Permit<'_>> {
        let permits = self.permits.as_ref()?;
        let asked = Instant::now();
        span(What::Block, || {
            let mut free = permits.free.lock().unwrap_or_else(PoisonError::into_inner);
            while *free == 0 {
                free = permits.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
            }
            *free -= 1;
        });
        permits.waits.record(units::nanos(asked.elapsed()));
        Some(Permit(permits))
    }

    /// Takes a permit, if their number is limited, and yields the thread until one is free.
    pub(super) async fn permit_async(&self) -> Option<SemaphorePermit<'_>> {
        let permits = self.permits.as_ref()?;
        let asked = Instant::now();
        let permit = permits.tasks.acquire().await.expect("the permits are never closed");
        permits.waits.record(units::nanos(asked.elapsed()));
        Some(permit)
    }

    /// Forgets the waits for a permit so far.
    pub fn clear_waits(&self) {
        if let Some(permits) = &self.permits {
            permits.waits.clear();
        }
    }

    /// Returns the waits for a permit; `None` if their number is not limited.
    pub fn permit_waits(&self) -> Option<Histogram> {
        self.permits.as_ref().map(|permits| permits.waits.read())
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        // A panic while the number is changed is not possible, so it is never wrong.
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn no_more_jobs_than_permits_run_at_the_same_time() {
        let (shared, running, most) = (Shared::new(Some(2)), AtomicU32::new(0), AtomicU32::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let _permit = shared.permit_blocking();
                        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        running.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 2);
        assert_eq!(shared.permit_waits().map(|waits| waits.len()), Some(1_600));
        shared.clear_waits();
        assert_eq!(shared.permit_waits().map(|waits| waits.len()), Some(0));
        assert!(Shared::new(None).permit_blocking().is_none());
    }
}
