//! A request, and the connection that carries it. All instants are nanoseconds of the thread's clock.

/// What is known about a connection.
#[derive(Debug, Default)]
pub(super) struct ConnectionState {
    pub(super) pending: Option<PendingRequest>,
    /// Requests that belong to the window, those of them that got no answer, and answers that came within it.
    pub(super) requests: u64,
    pub(super) lost: u64,
    pub(super) answers: u64,
    /// How long a request was under way on it within the window.
    pub(super) waited: u64,
}

/// A request that has no answer yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct PendingRequest {
    /// When it was due.
    pub(super) intended: u64,
    /// How much later it was asked than it could have been: the generator's own part of the delay.
    pub(super) late: u64,
    /// When it was asked.
    pub(super) asked: u64,
    pub(super) heavy: bool,
    /// Whether it was due in the window, and not in the warm-up before it.
    pub(super) in_window: bool,
}

/// A request that ended, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) connection: usize,
    pub(super) is_answered: bool,
}

impl ConnectionState {
    /// Whether it got no answer in the window, though it was asked: it lost a request, or waited for most of the window.
    /// One that was first asked shortly before the end, and answered after it, has not been kept waiting.
    pub(super) fn is_starved(&self, window: u64) -> bool {
        self.answers == 0 && (self.lost > 0 || self.waited > 0 && self.waited >= window / 2)
    }
}
