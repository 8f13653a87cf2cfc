//! Reads a server's standard error cheaply, and so that the server never waits for the reader.
//!
//! Waking a reader for each line would cost CPU time. So a reader takes what has arrived a hundred times a second, in
//! pieces of bounded size, and the pipe holds what arrives in between. A server that writes more than 100 MB a second
//! waits.

use std::io::Read;
use std::process::ChildStderr;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::fcntl::{FcntlArg, fcntl};

use crate::record::Failure;

/// The capacity of the pipe, bytes: the most that an unprivileged user may request (`/proc/sys/fs/pipe-max-size`).
const PIPE: usize = 1 << 20;
/// The pause between two reads.
const PAUSE: Duration = Duration::from_millis(10);
/// The number of bytes kept from the end of the output, and of characters shown from its last line.
const KEPT: usize = 8_192;
const SHOWN: usize = 300;
/// The longest wait for the end of the output after the server has ended.
const TO_END: Duration = Duration::from_secs(1);

/// The last output of a server on its standard error.
#[derive(Debug, Default)]
pub(super) struct ServerStderr {
    last: Arc<Mutex<Vec<u8>>>,
    /// Receives `()` at the end of the output.
    end: Option<Receiver<()>>,
}

impl ServerStderr {
    /// Starts to read a server's standard error on a thread of its own.
    pub(super) fn read(stderr: ChildStderr) -> Result<Self, Failure> {
        // A smaller pipe works as well, but fills up sooner.
        let _ = fcntl(&stderr, FcntlArg::F_SETPIPE_SZ(PIPE as i32));
        let (tell, end) = mpsc::channel();
        let output = Self { last: Arc::default(), end: Some(end) };
        let last = Arc::clone(&output.last);
        super::spawn("output", move || {
            keep_last(stderr, &last, || thread::sleep(PAUSE));
            let _ = tell.send(());
        })?;
        Ok(output)
    }

    /// Adds the last line to a failure once the output has ended.
    pub(super) fn add_last_words(&self, failure: &mut Failure) {
        if let Some(end) = &self.end {
            let _ = end.recv_timeout(TO_END);
        }
        let line = last_line(&self.last.lock().unwrap_or_else(PoisonError::into_inner));
        match failure {
            Failure::Refused { what } if !line.is_empty() => what.push_str(&format!("; its last output: {line}")),
            Failure::Died { last_words, .. } => *last_words = line,
            _ => {}
        }
    }
}

/// Reads to the end and keeps the last bytes.
fn keep_last(mut from: impl Read, last: &Mutex<Vec<u8>>, pause: impl Fn()) {
    let mut piece = vec![0; PIPE];
    while let Ok(n) = from.read(&mut piece) {
        if n == 0 {
            return;
        }
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        last.extend_from_slice(&piece[n.saturating_sub(KEPT)..n]);
        let surplus = last.len().saturating_sub(KEPT);
        last.drain(..surplus);
        drop(last);
        pause();
    }
}

/// Returns the last line that is not blank, without control characters and cut to [`SHOWN`].
fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    line.trim().chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_without_newlines_takes_bounded_memory() {
        let last = Mutex::new(Vec::new());
        let endless = std::io::repeat(b'y').take(50 << 20);
        keep_last(endless.chain(&b"z"[..]), &last, || ());
        let kept = last.into_inner().unwrap();
        assert_eq!((kept.len(), kept.last()), (KEPT, Some(&b'z')));
        assert!(kept.capacity() <= 4 * KEPT, "{}", kept.capacity());
    }

    #[test]
    fn the_last_line_is_printable() {
        for (bytes, line) in [
            (&b"one\n\x1b[31mtwo\x07\xff\n\n  \n"[..], "[31mtwo\u{fffd}"),
            (b"no end", "no end"),
            (b"", ""),
            (b"\n\n", ""),
        ] {
            assert_eq!(last_line(bytes), line);
        }
        assert_eq!(last_line(&[b'x'; 1_000]).len(), SHOWN);
    }
}
