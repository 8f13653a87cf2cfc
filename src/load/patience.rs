//! A time-out that costs nothing until it is near.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Waits for one future after the other, for each at most so long.
///
/// A timer per request would be registered and cancelled a hundred thousand times a second to fire never. This one
/// alarm goes off once per time-out, is then set to the deadline of the request that is under way, and is looked at
/// only when it has gone off. All futures must be waited for by the same task.
#[derive(Debug)]
pub(super) struct Patience {
    limit: Duration,
    alarm: Pin<Box<Sleep>>,
    /// Whether the alarm knows which task to wake.
    armed: bool,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, alarm: Box::pin(sleep_until(Instant::now() + limit)), armed: false }
    }

    /// What the future gives, or nothing when that takes longer than the limit from when it was begun.
    pub(super) async fn wait<T>(&mut self, begun: Instant, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(value) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(value));
            }
            while !self.armed || self.alarm.is_elapsed() {
                if self.alarm.is_elapsed() {
                    let deadline = begun + self.limit;
                    if deadline <= Instant::now() {
                        return Poll::Ready(None);
                    }
                    self.alarm.as_mut().reset(deadline);
                }
                self.armed = self.alarm.as_mut().poll(cx).is_pending();
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    #[test]
    fn it_runs_out_for_the_request_under_way_and_for_no_other() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let limit = Duration::from_millis(20);
            let mut patience = Patience::new(limit);
            for _ in 0..3 {
                assert_eq!(patience.wait(Instant::now(), ready(7)).await, Some(7));
                // Each begun later than the alarm was set for, so that the alarm has to be moved.
                let begun = Instant::now();
                assert_eq!(patience.wait(begun, pending::<()>()).await, None);
                assert!(begun.elapsed() >= limit);
            }
        });
    }
}
