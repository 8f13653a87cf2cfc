//! The body of a message, read as it comes: every piece is handed out as a slice of the input, nothing is stored.

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
pub(super) struct Piece<'a> {
    /// Bytes of the body; may be empty.
    pub(super) data: &'a [u8],
    /// How many bytes of input were used up.
    pub(super) used: usize,
    /// Whether the body is complete.
    pub(super) is_last: bool,
}

impl Body {
    /// The next piece. One that neither uses a byte nor is the last has found no input.
    pub(super) fn read<'a>(&mut self, input: &'a [u8]) -> Result<Piece<'a>, Fault> {
        match self {
            Self::Chunked(chunked) => chunked.read(input),
            Self::Length(left) => {
                let used = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= used as u64;
                Ok(Piece { data: &input[..used], used, is_last: *left == 0 })
            }
            Self::UntilEnd { room } => {
                *room = room.checked_sub(input.len() as u64).ok_or(Fault::BodyTooLarge)?;
                Ok(Piece { data: input, used: input.len(), is_last: false })
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
}
