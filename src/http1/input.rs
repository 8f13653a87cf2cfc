//! Bytes that have arrived and are not yet understood.

use super::limits;

/// Below this much room for the next read, the buffer is compacted or grown.
const LEAST_SPACE: usize = 1024;

/// A buffer that starts small, grows to a head's limit only when needed, and moves bytes only when it must: where
/// every read brings whole messages, it is only ever reset.
#[derive(Debug)]
pub(super) struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; limits::INPUT_AT_FIRST], start: 0, end: 0 }
    }

    /// Where the next bytes go. Never empty as long as no more than a head waits.
    pub(super) fn space(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.bytes.len() > limits::KEPT_WHEN_IDLE {
                self.bytes = vec![0; limits::INPUT_AT_FIRST];
            }
        }
        if self.bytes.len() - self.end < LEAST_SPACE {
            self.make_space();
        }
        &mut self.bytes[self.end..]
    }

    #[cold]
    fn make_space(&mut self) {
        self.bytes.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.bytes.len() - self.end < LEAST_SPACE {
            let size = (2 * self.bytes.len()).min(limits::INPUT_AT_MOST);
            self.bytes.resize(size, 0);
        }
    }

    /// `n` bytes were read into [`space`](Self::space).
    pub(super) fn received(&mut self, n: usize) {
        assert!(n <= self.bytes.len() - self.end, "more bytes received than there was space for");
        self.end += n;
    }

    /// All that waits.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// The first `n` bytes are done with.
    pub(super) fn consume(&mut self, n: usize) {
        debug_assert!(n <= self.end - self.start);
        self.start += n;
    }

    /// The first `n` bytes are done with, but can still be looked at until the next call of [`space`](Self::space).
    pub(super) fn take(&mut self, n: usize) -> &[u8] {
        let start = self.start;
        self.consume(n);
        &self.bytes[start..start + n]
    }

    /// Cuts `n` bytes out after the first `kept` ones. Cheap when they are the last ones.
    pub(super) fn cut(&mut self, kept: usize, n: usize) {
        let from = self.start + kept + n;
        if from < self.end {
            // The few kept bytes move, not the many that may follow.
            self.bytes.copy_within(self.start..self.start + kept, self.start + n);
            self.start += n;
        } else {
            self.end -= n;
        }
    }

    /// Forgets all that waits.
    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }
}
