//! What tasks need to wait until a deadline, and to be woken.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// How far the coarse clock can be behind the timer's: then the deadline would not have come yet when it rings, and
/// nothing would ring again.
const TICK: Duration = Duration::from_millis(10);

/// A time-out that costs nothing until it is near.
///
/// A timer per read would be registered and cancelled a hundred thousand times a second to fire never. This one goes
/// off once per time-out, is then set anew, and is set earlier only for a deadline that comes before it.
#[derive(Debug)]
pub(super) struct ReadTimer {
    sleep: Pin<Box<Sleep>>,
    /// For when it is set, by the clock of [`now`](super::read_deadlines::now); nothing before its task was told to it.
    set: Option<u64>,
}

impl ReadTimer {
    /// One that is not set.
    pub(super) fn new() -> Self {
        Self { sleep: Box::pin(sleep_until(Instant::now())), set: None }
    }

    /// Whether the deadline has come; if not, the task is woken when it has, or before.
    #[inline]
    pub(super) fn is_over(&mut self, deadline: u64, now: u64, cx: &mut Context<'_>) -> bool {
        // The usual case: it was set for an earlier read, and will ring before this one's deadline.
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
        // Cannot be over yet; tells the timer whom to wake.
        self.sleep.as_mut().poll(cx).is_ready()
    }
}

/// What wakes the task that asks.
pub(super) async fn waker() -> Waker {
    poll_fn(|cx| Poll::Ready(cx.waker().clone())).await
}
