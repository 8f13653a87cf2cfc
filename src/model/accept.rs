//! Errors of accepting a connection, handled the same way for every model.

use std::io;
use std::time::Duration;

use nix::errno::Errno;

use super::server::ConnectionGuard;

/// An accepted connection, with a stream of std or tokio.
pub(super) struct Accepted<S> {
    pub(super) stream: S,
    pub(super) guard: ConnectionGuard,
}

/// The longest pause between two attempts.
const LONGEST: Duration = Duration::from_millis(100);

/// The pauses after failed accepts: 1, 2, 4 ... 100 ms while the machine has no descriptor or memory for another
/// connection; none after an error of the connection itself, such as one that ended before it was accepted.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    pause: Duration,
}

impl Backoff {
    /// Resets the pause after a successful accept.
    pub(super) fn reset(&mut self) {
        self.pause = Duration::ZERO;
    }

    /// Returns the pause after a failed accept, if there should be one. Returns the error if no further accept can
    /// succeed.
    pub(super) fn after(&mut self, error: io::Error) -> io::Result<Option<Duration>> {
        let Some(code) = error.raw_os_error() else { return Err(error) };
        match Errno::from_raw(code) {
            // ENOSPC: no epoll watch is left for another descriptor (fs.epoll.max_user_watches).
            Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM | Errno::ENOSPC => {
                self.pause = (self.pause * 2).clamp(Duration::from_millis(1), LONGEST);
                Ok(Some(self.pause))
            }
            Errno::ECONNABORTED | Errno::EINTR | Errno::EPERM => Ok(None),
            // Errors of the connection before it was accepted (accept(2), "Error handling").
            Errno::EPROTO
            | Errno::ENETDOWN
            | Errno::ENOPROTOOPT
            | Errno::EHOSTDOWN
            | Errno::ENONET
            | Errno::EHOSTUNREACH
            | Errno::EOPNOTSUPP
            | Errno::ENETUNREACH => Ok(None),
            _ => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_backs_off_while_descriptors_are_missing_and_recovers() {
        let mut backoff = Backoff::default();
        let mut after = |errno: Errno| backoff.after(io::Error::from(errno)).ok();
        let millis = |millis| Some(Some(Duration::from_millis(millis)));
        let pauses: Vec<_> = (0..9).map(|_| after(Errno::EMFILE)).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 100, 100].map(millis));
        for errno in [Errno::ECONNABORTED, Errno::EHOSTUNREACH] {
            assert_eq!(after(errno), Some(None), "{errno}");
        }
        assert_eq!(after(Errno::ENOSPC), millis(100));
        assert_eq!(after(Errno::EBADF), None);
        backoff.reset();
        assert_eq!(backoff.after(io::Error::from(Errno::EMFILE)).unwrap(), Some(Duration::from_millis(1)));
    }
}
