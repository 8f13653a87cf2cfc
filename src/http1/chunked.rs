//! A strict reader of the chunked transfer coding (RFC 9112 section 7.1).
//!
//! Sizes consist of hexadecimal digits only, `;` is followed by a name, and lines end in CR LF. Extensions and trailers
//! are checked, bounded and discarded.

use super::body::Piece;
use super::fault::Fault;
use super::{field, limits};

/// The maximum number of digits of a size, including leading zeros.
const N_DIGITS: u8 = 16;

/// The state of reading a chunked body. Bytes outside of the data advance it one at a time, so the split of the input
/// cannot matter.
#[derive(Debug)]
pub(super) struct Chunked {
    state: ChunkState,
    /// The size of the current chunk, then what is left of it, bytes.
    left: u64,
    /// The maximum number of further bytes of data.
    max_left: u64,
    n_digits: u8,
    extensions: u32,
    trailers: u32,
}

#[derive(Clone, Copy, Debug)]
enum ChunkState {
    Size,
    SizeEnd,
    Name { is_empty: bool },
    Value { is_empty: bool },
    Quoted,
    Escaped,
    QuotedEnd,
    Data,
    DataReturn,
    DataEnd,
    Trailer,
    TrailerName,
    TrailerValue,
    TrailerEnd,
    End,
}

impl Chunked {
    /// Creates the reader of a body of at most `max_bytes` bytes.
    pub(super) fn new(max_bytes: u64) -> Self {
        Self { state: ChunkState::Size, left: 0, max_left: max_bytes, n_digits: 0, extensions: 0, trailers: 0 }
    }

    /// Returns the next piece, like [`Body::read`](super::body::Body::read).
    pub(super) fn read(&mut self, input: &[u8]) -> Result<Piece, Fault> {
        let mut used = 0;
        while used < input.len() {
            if matches!(self.state, ChunkState::Data) {
                let n = usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len() - used);
                self.left -= n as u64;
                if self.left == 0 {
                    self.state = ChunkState::DataReturn;
                }
                return Ok(Piece { data: used..used + n, used: used + n, is_last: false });
            }
            used += 1;
            if self.step(input[used - 1])? {
                return Ok(Piece { data: used..used, used, is_last: true });
            }
        }
        Ok(Piece { data: used..used, used, is_last: false })
    }

    /// Handles one byte that is not data. Returns whether it was the last byte of the body.
    fn step(&mut self, byte: u8) -> Result<bool, Fault> {
        self.state = match (self.state, byte) {
            (ChunkState::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => self.digit(byte)?,
            (ChunkState::Size, b'\r') if self.n_digits > 0 => ChunkState::SizeEnd,
            (ChunkState::Size, b';') if self.n_digits > 0 => self.extension(ChunkState::Name { is_empty: true })?,
            (
                ChunkState::Name { is_empty: false } | ChunkState::Value { is_empty: false } | ChunkState::QuotedEnd,
                b'\r',
            ) => ChunkState::SizeEnd,
            (
                ChunkState::Name { is_empty: false } | ChunkState::Value { is_empty: false } | ChunkState::QuotedEnd,
                b';',
            ) => self.extension(ChunkState::Name { is_empty: true })?,
            (ChunkState::Name { is_empty: false }, b'=') => self.extension(ChunkState::Value { is_empty: true })?,
            (ChunkState::Name { .. }, byte) if field::is_token(byte) => {
                self.extension(ChunkState::Name { is_empty: false })?
            }
            (ChunkState::Value { .. }, byte) if field::is_token(byte) => {
                self.extension(ChunkState::Value { is_empty: false })?
            }
            (ChunkState::Value { is_empty: true }, b'"') => self.extension(ChunkState::Quoted)?,
            (ChunkState::Quoted, b'"') => self.extension(ChunkState::QuotedEnd)?,
            (ChunkState::Quoted, b'\\') => self.extension(ChunkState::Escaped)?,
            (ChunkState::Quoted | ChunkState::Escaped, b'\t' | b' '..=b'~' | 0x80..) => {
                self.extension(ChunkState::Quoted)?
            }
            (ChunkState::SizeEnd, b'\n') => self.size_end()?,
            (ChunkState::DataReturn, b'\r') => ChunkState::DataEnd,
            (ChunkState::DataEnd, b'\n') => ChunkState::Size,
            (ChunkState::Trailer, b'\r') => ChunkState::End,
            (ChunkState::Trailer | ChunkState::TrailerName, byte) if field::is_token(byte) => {
                self.trailer(ChunkState::TrailerName)?
            }
            (ChunkState::TrailerName, b':') => self.trailer(ChunkState::TrailerValue)?,
            (ChunkState::TrailerValue, b'\r') => self.trailer(ChunkState::TrailerEnd)?,
            (ChunkState::TrailerValue, b'\t' | b' '..=b'~' | 0x80..) => self.trailer(ChunkState::TrailerValue)?,
            (ChunkState::TrailerEnd, b'\n') => self.trailer(ChunkState::Trailer)?,
            (ChunkState::End, b'\n') => return Ok(true),
            _ => return Err(Fault::Malformed),
        };
        Ok(false)
    }

    fn digit(&mut self, byte: u8) -> Result<ChunkState, Fault> {
        self.n_digits += 1;
        if self.n_digits > N_DIGITS {
            return Err(Fault::Malformed);
        }
        let digit = (byte as char).to_digit(16).map_or(0, u64::from);
        // A `u64` holds sixteen digits.
        self.left = self.left << 4 | digit;
        Ok(ChunkState::Size)
    }

    fn size_end(&mut self) -> Result<ChunkState, Fault> {
        self.n_digits = 0;
        self.max_left = self.max_left.checked_sub(self.left).ok_or(Fault::BodyTooLarge)?;
        Ok(if self.left == 0 { ChunkState::Trailer } else { ChunkState::Data })
    }

    fn extension(&mut self, next: ChunkState) -> Result<ChunkState, Fault> {
        self.extensions += 1;
        if self.extensions > limits::EXTENSIONS { Err(Fault::Malformed) } else { Ok(next) }
    }

    fn trailer(&mut self, next: ChunkState) -> Result<ChunkState, Fault> {
        self.trailers += 1;
        if self.trailers > limits::TRAILERS { Err(Fault::HeadTooLarge) } else { Ok(next) }
    }
}
