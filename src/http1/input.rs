//! Bytes that have arrived and are not yet understood.

use super::limits;

/// Below this much room for the next read, the buffer is compacted or grown.
const LEAST_SPACE: usize = 1024;

/// More room than this behind what waits is given back: more than growing alone would leave.
const MOST_SPACE: usize = limits::GROWTH + LEAST_SPACE;

/// A buffer that starts small, grows only when needed, and moves bytes only when it must: where every read brings
/// whole messages, it is only ever reset.
#[derive(Debug)]
pub(super) struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    most: usize,
}

impl Input {
    /// A buffer that grows to at most so many bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { bytes: vec![0; limits::INPUT_AT_FIRST], start: 0, end: 0, most }
    }

    /// Where the next bytes go. Never empty while less waits than it may grow to.
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

    /// Makes the buffer small again if it is large for what waits in it. What was [taken](Self::take) is gone then.
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

    /// All that waits, to be rearranged.
    pub(super) fn waiting_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.end]
    }

    /// The first `n` bytes are done with, but can still be looked at until [`space`](Self::space) is asked for or the
    /// buffer [given back](Self::give_back).
    pub(super) fn take(&mut self, n: usize) -> &[u8] {
        let start = self.start;
        self.consume(n);
        &self.bytes[start..start + n]
    }

    /// All that waits after the first `n` bytes is done with.
    pub(super) fn truncate(&mut self, n: usize) {
        debug_assert!(n <= self.end - self.start);
        self.end = self.start + n;
    }

    /// How many bytes of memory it holds.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets all that waits.
    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is held beyond what waits.
    fn beyond(input: &Input) -> usize {
        input.held() - input.waiting().len()
    }

    #[test]
    fn grows_a_little_ahead_of_what_waits_and_shrinks_with_it() {
        let mut input = Input::new(limits::SERVER_INPUT_AT_MOST);
        let (mut n, mut most) = (0, 0);
        while n < limits::SERVER_INPUT_AT_MOST - limits::INPUT_AT_FIRST {
            // Never a full read.
            let read = (input.space().len() / 2 + 1).min(900);
            input.space()[..read].fill((n % 251) as u8);
            input.received(read);
            n += read;
            most = most.max(beyond(&input));
        }
        assert!(most <= MOST_SPACE && input.waiting().len() == n);
        let last = input.waiting()[n - 3..].to_vec();
        input.consume(n - 3);
        input.give_back();
        assert_eq!(input.waiting(), last);
        assert!(input.held() <= limits::KEPT_WHEN_IDLE, "{}", input.held());
        input.consume(3);
        assert_eq!(input.space().len(), limits::INPUT_AT_FIRST);
    }
}
