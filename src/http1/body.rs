//! Reads the body of a message in pieces, and either counts and skips it or keeps it in the input buffer.

use std::ops::Range;

use super::chunked::Chunked;
use super::fault::Fault;

/// The end of a body, and the length that is still to come.
#[derive(Debug)]
pub(super) enum Body {
    /// Ends after this many more bytes.
    Length(u64),
    /// Ends with its last chunk.
    Chunked(Chunked),
    /// Ends with the connection. Only valid for responses.
    UntilEnd {
        /// The maximum number of further bytes.
        left: u64,
    },
}

/// The result of reading from the input once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The range of the input that contains bytes of the body; may be empty.
    pub(super) data: Range<usize>,
    /// The number of bytes consumed from the input.
    pub(super) used: usize,
    /// Whether the body is complete.
    pub(super) is_last: bool,
}

impl Body {
    /// Returns the next piece. A piece that consumes no byte and is not the last means that the input is empty.
    pub(super) fn read(&mut self, input: &[u8]) -> Result<Piece, Fault> {
        match self {
            Self::Chunked(chunked) => chunked.read(input),
            Self::Length(left) => {
                let used = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= used as u64;
                Ok(Piece { data: 0..used, used, is_last: *left == 0 })
            }
            Self::UntilEnd { left } => {
                *left = left.checked_sub(input.len() as u64).ok_or(Fault::BodyTooLarge)?;
                Ok(Piece { data: 0..input.len(), used: input.len(), is_last: false })
            }
        }
    }

    /// Reads to the end of the body or of the input. Returns the bytes consumed, the bytes of the body among them, and
    /// whether the body is complete. Passes each piece of the body to `read`.
    pub(super) fn skip(&mut self, input: &[u8], mut read: impl FnMut(&[u8])) -> Result<(usize, u64, bool), Fault> {
        let (mut used, mut length) = (0, 0);
        loop {
            let piece = self.read(&input[used..])?;
            read(&input[used..][piece.data.clone()]);
            used += piece.used;
            length += piece.data.len() as u64;
            if piece.is_last || used == input.len() {
                return Ok((used, length, piece.is_last));
            }
        }
    }

    /// Reads to the end of the body or of the input, whose first `kept` bytes are already read. Removes the framing by
    /// moving the body up to those bytes. Returns the bytes kept, the bytes read in total, and whether the body is
    /// complete. Moves each byte at most once.
    pub(super) fn keep(&mut self, input: &mut [u8], kept: usize) -> Result<(usize, usize, bool), Fault> {
        let (mut end, mut used) = (kept, kept);
        loop {
            let piece = self.read(&input[used..])?;
            let data = used + piece.data.start..used + piece.data.end;
            used += piece.used;
            let length = data.len();
            if data.start > end {
                input.copy_within(data, end);
            }
            end += length;
            if piece.is_last || used == input.len() {
                return Ok((end, used, piece.is_last));
            }
        }
    }
}
