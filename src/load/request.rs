//! A request, and the connection that carries it. All instants are nanoseconds of the thread's clock.

/// The state of a connection.
#[derive(Debug, Default)]
pub(super) struct ConnectionState {
    pub(super) pending: Option<PendingRequest>,
    /// The number of requests that belong to the window, of those without a response, and of responses within the
    /// window.
    pub(super) requests: u64,
    pub(super) lost: u64,
    pub(super) answers: u64,
    /// The time that requests were in flight on this connection within the window, nanoseconds.
    pub(super) waited: u64,
}

/// A request without a response so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct PendingRequest {
    /// The instant at which the request was due.
    pub(super) intended: u64,
    /// The generator's own part of the delay between due and taken up, nanoseconds.
    pub(super) late: u64,
    /// The instant at which the request was passed to the client.
    pub(super) submitted: u64,
    pub(super) heavy: bool,
    /// The request's position in the whole schedule; `None` in a closed loop, which has none.
    pub(super) number: Option<u64>,
    /// Whether the request was due in the window, as opposed to the warm-up.
    pub(super) in_window: bool,
}

/// A request that ended, and whether it was answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) connection: usize,
    pub(super) is_answered: bool,
}

impl ConnectionState {
    /// Returns whether the connection got no response in the window despite a request: it lost a request, or waited for
    /// at least half of the window. A connection whose first request came shortly before the end, and was answered
    /// after it, is not starved.
    pub(super) fn is_starved(&self, window: u64) -> bool {
        self.answers == 0 && (self.lost > 0 || self.waited > 0 && self.waited >= window / 2)
    }
}
