//! The body of a message, read as it comes: skipped and counted, or kept where it arrived.

use std::ops::Range;

use super::chunked::Chunked;
use super::fault::Fault;

/// How a body ends, and how much of it is still to come.
#[derive(Debug)]
pub(super) enum Body {
    /// After so many more bytes.
    Length(u64),
    /// With its last chunk.
    Chunked(Chunked),
    /// With the connection. Only a reply's may.
    UntilEnd {
        /// How many bytes it may still have.
        room: u64,
    },
}

/// What one look at the input gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where in the input there are bytes of the body; may be empty.
    pub(super) data: Range<usize>,
    /// How many bytes of input were used up.
    pub(super) used: usize,
    /// Whether the body is complete.
    pub(super) is_last: bool,
}

impl Body {
    /// The next piece. One that neither uses a byte nor is the last has found no input.
    pub(super) fn read(&mut self, input: &[u8]) -> Result<Piece, Fault> {
        match self {
            Self::Chunked(chunked) => chunked.read(input),
            Self::Length(left) => {
                let used = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= used as u64;
                Ok(Piece { data: 0..used, used, is_last: *left == 0 })
            }
            Self::UntilEnd { room } => {
                *room = room.checked_sub(input.len() as u64).ok_or(Fault::BodyTooLarge)?;
                Ok(Piece { data: 0..input.len(), used: input.len(), is_last: false })
            }
        }
    }

    /// Reads on to the end of the body or of the input: how many bytes of input were used, how many of them were the
    /// body's, and whether it is complete.
    pub(super) fn skip(&mut self, input: &[u8]) -> Result<(usize, u64, bool), Fault> {
        let (mut used, mut length) = (0, 0);
        loop {
            let piece = self.read(&input[used..])?;
            used += piece.used;
            length += piece.data.len() as u64;
            if piece.is_last || used == input.len() {
                return Ok((used, length, piece.is_last));
            }
        }
    }

    /// Reads on to the end of the body or of the input, which begins with `kept` bytes that are read already, and moves
    /// the body up to them, out of its framing. Gives how many bytes are kept then, how many were read in all, and
    /// whether the body is complete. No byte moves twice.
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
