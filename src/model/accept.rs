//! What accepting a connection can meet, the same for every model.

use std::io;
use std::time::Duration;

use nix::errno::Errno;

/// The longest pause between two tries.
const LONGEST: Duration = Duration::from_millis(100);

/// How long to wait after a failed accept: 1, 2, 4 ... 100 ms while the machine has no descriptor or memory for
/// another connection, not at all after a connection that ended before it was accepted.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    pause: Duration,
}

impl Backoff {
    /// An accept worked.
    pub(super) fn reset(&mut self) {
        self.pause = Duration::ZERO;
    }

    /// An accept failed: the pause before the next, or the error when no next one can work.
    pub(super) fn after(&mut self, error: io::Error) -> io::Result<Duration> {
        let Some(code) = error.raw_os_error() else { return Err(error) };
        match Errno::from_raw(code) {
            Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM => {
                self.pause = (self.pause * 2).clamp(Duration::from_millis(1), LONGEST);
                Ok(self.pause)
            }
            Errno::ECONNABORTED | Errno::EINTR | Errno::EPERM | Errno::EPROTO => Ok(Duration::ZERO),
            _ => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_backs_off_while_descriptors_are_missing_and_recovers() {
        let mut backoff = Backoff::default();
        let mut after = |errno: Errno| backoff.after(io::Error::from(errno)).ok().map(|pause| pause.as_millis());
        let pauses: Vec<_> = (0..9).map(|_| after(Errno::EMFILE)).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 100, 100].map(Some));
        assert_eq!(after(Errno::ECONNABORTED), Some(0));
        assert_eq!(after(Errno::EBADF), None);
        backoff.reset();
        assert_eq!(backoff.after(io::Error::from(Errno::EMFILE)).unwrap().as_millis(), 1);
    }
}
