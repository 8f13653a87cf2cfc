//! The last head of a connection, to be compared with the next one: peers that ask or answer the same again and again
//! send the same bytes, and comparing costs a fraction of parsing.

use std::ops::Range;

/// Longer heads are not worth their memory.
const MOST: usize = 512;

/// A head that was judged good, and what it was found to say.
#[derive(Debug)]
pub(super) struct Remembered<H> {
    bytes: Vec<u8>,
    /// What may differ the next time: the value of a field that decides about nothing.
    but_for: Range<usize>,
    head: Option<H>,
}

impl<H: Copy> Remembered<H> {
    pub(super) fn nothing() -> Self {
        Self { bytes: Vec::new(), but_for: 0..0, head: None }
    }

    /// Remembers this one instead of the one before.
    pub(super) fn remember(&mut self, bytes: &[u8], but_for: Range<usize>, head: H) {
        self.head = None;
        if bytes.len() <= MOST {
            self.bytes.clear();
            self.bytes.extend_from_slice(bytes);
            (self.but_for, self.head) = (but_for, Some(head));
        }
    }

    /// Whether the bytes begin with the same head again. Then the verdict is the same as the last time, as long as what
    /// differs is plain text and no longer or shorter.
    #[inline]
    pub(super) fn recognise(&self, bytes: &[u8]) -> Option<H> {
        let head = self.head?;
        let bytes = bytes.get(..self.bytes.len())?;
        let Range { start, end } = self.but_for;
        let is_same = bytes[..start] == self.bytes[..start]
            && bytes[end..] == self.bytes[end..]
            && bytes[start..end].iter().fold(true, |all, byte| all & matches!(byte, b' '..=b'~'));
        is_same.then_some(head)
    }
}
