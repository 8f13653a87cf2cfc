//! A buffer for bytes that have arrived and are not parsed yet.

use super::limits;

/// The least space for the next read, bytes; with less, the buffer is compacted or grown.
const LEAST_SPACE: usize = 1024;

/// The most space after the waiting bytes, bytes; more is released. Growing alone never leaves that much.
const MOST_SPACE: usize = limits::GROWTH + LEAST_SPACE;

/// A buffer that starts small, grows only when needed, and moves bytes only when it must. If every read brings whole
/// messages, it is merely reset.
#[derive(Debug)]
pub(super) struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    most: usize,
}

impl Input {
    /// Creates a buffer that grows to at most `most` bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { bytes: vec![0; limits::INPUT_AT_FIRST], start: 0, end: 0, most }
    }

    /// Returns the space for the next bytes. Never empty while fewer than the maximum wait.
    pub(super) fn space(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        self.give_back();
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
            let more = self.bytes.len().min(limits::GROWTH).min(self.most - self.bytes.len());
            self.bytes.reserve_exact(more);
            self.bytes.resize(self.bytes.len() + more, 0);
        }
    }

    /// Shrinks the buffer if it is large for the bytes that wait in it. [Taken](Self::take) bytes are then gone.
    #[inline]
    pub(super) fn give_back(&mut self) {
        if self.bytes.len() > limits::KEPT_WHEN_IDLE {
            self.shrink();
        }
    }

    #[cold]
    fn shrink(&mut self) {
        let waiting = self.waiting();
        if waiting.is_empty() || self.bytes.len() - waiting.len() > MOST_SPACE {
            let mut bytes = Vec::with_capacity(limits::INPUT_AT_FIRST.max(waiting.len() + LEAST_SPACE));
            bytes.extend_from_slice(waiting);
            let end = bytes.len();
            bytes.resize(bytes.capacity(), 0);
            (self.bytes, self.start, self.end) = (bytes, 0, end);
        }
    }

    /// Reports that `n` bytes were read into [`space`](Self::space).
    pub(super) fn received(&mut self, n: usize) {
        assert!(n <= self.bytes.len() - self.end, "more bytes received than there was space for");
        self.end += n;
    }

    /// Returns the waiting bytes.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Removes the first `n` waiting bytes.
    pub(super) fn consume(&mut self, n: usize) {
        debug_assert!(n <= self.end - self.start);
        self.start += n;
    }

    /// Returns the waiting bytes for changes in place.
    pub(super) fn waiting_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.end]
    }

    /// Removes and returns the first `n` waiting bytes. They stay in the buffer until [`space`](Self::space) or
    /// [`give_back`](Self::give_back) is called.
    pub(super) fn take(&mut self, n: usize) -> &[u8] {
        let start = self.start;
        self.consume(n);
        &self.bytes[start..start + n]
    }

    /// Removes the waiting bytes after the first `n`.
    pub(super) fn truncate(&mut self, n: usize) {
        debug_assert!(n <= self.end - self.start);
        self.end = self.start + n;
    }

    /// Returns the size of the buffer, bytes.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// Removes all waiting bytes.
    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the free space of the buffer.
    fn spare(input: &Input) -> usize {
        input.capacity() - input.waiting().len()
    }

    #[test]
    fn the_buffer_grows_slightly_ahead_of_its_content_and_shrinks_with_it() {
        let mut input = Input::new(limits::SERVER_INPUT_AT_MOST);
        let (mut n, mut most) = (0, 0);
        while n < limits::SERVER_INPUT_AT_MOST - limits::INPUT_AT_FIRST {
            // A read never fills the space.
            let read = (input.space().len() / 2 + 1).min(900);
            input.space()[..read].fill((n % 251) as u8);
            input.received(read);
            n += read;
            most = most.max(spare(&input));
        }
        assert!(most <= MOST_SPACE && input.waiting().len() == n);
        let last = input.waiting()[n - 3..].to_vec();
        input.consume(n - 3);
        input.give_back();
        assert_eq!(input.waiting(), last);
        assert!(input.capacity() <= limits::KEPT_WHEN_IDLE, "{}", input.capacity());
        input.consume(3);
        assert_eq!(input.space().len(), limits::INPUT_AT_FIRST);
    }
}
