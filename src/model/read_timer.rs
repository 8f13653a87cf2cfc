//! A timer for the read deadlines of a task, and access to its waker.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// The maximum lag of the coarse clock behind the timer's. Without it, the timer could fire before the deadline has
/// come by the coarse clock, and would not fire again.
const TICK: Duration = Duration::from_millis(10);

/// A time-out that costs nothing until it is near.
///
/// One timer per read would be registered and cancelled a hundred thousand times a second without ever firing. This
/// timer fires once per time-out and is then set again; it is only set earlier for a deadline that comes before it.
#[derive(Debug)]
pub(super) struct ReadTimer {
    sleep: Pin<Box<Sleep>>,
    /// The deadline that it is set for, by the clock of [`now`](super::read_deadlines::now); `None` if never set.
    set: Option<u64>,
}

impl ReadTimer {
    /// Creates a timer that is not set.
    pub(super) fn new() -> Self {
        Self { sleep: Box::pin(sleep_until(Instant::now())), set: None }
    }

    /// Returns whether the deadline has come. If not, the timer wakes the task at the deadline or before.
    #[inline]
    pub(super) fn is_over(&mut self, deadline: u64, now: u64, cx: &mut Context<'_>) -> bool {
        // The usual case: the timer was set for an earlier read and fires before this deadline.
        if self.set.is_some_and(|set| now < set && set <= deadline) {
            return false;
        }
        self.set(deadline, now, cx)
    }

    #[cold]
    fn set(&mut self, deadline: u64, now: u64, cx: &mut Context<'_>) -> bool {
        if deadline <= now {
            return true;
        }
        self.set = Some(deadline);
        self.sleep.as_mut().reset(Instant::now() + Duration::from_nanos(deadline - now) + TICK);
        // The timer cannot have fired yet; polling registers the task to wake.
        self.sleep.as_mut().poll(cx).is_ready()
    }
}

/// Returns the waker of the calling task.
pub(super) async fn waker() -> Waker {
    poll_fn(|cx| Poll::Ready(cx.waker().clone())).await
}
