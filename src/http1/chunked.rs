//! The chunked transfer coding (RFC 9112 section 7.1), read strictly.
//!
//! Sizes are hexadecimal digits and nothing else, `;` is followed by a name, lines end in CR LF. Extensions and trailers
//! are checked, bounded and forgotten.

use super::body::Piece;
use super::fault::Fault;
use super::{field, limits};

/// The most digits of a size, leading zeros included.
const N_DIGITS: u8 = 16;

/// A reader in the middle of a chunked body. One step a byte outside of the data, so that cuts cannot matter.
#[derive(Debug)]
pub(super) struct Chunked {
    state: State,
    /// Of the current chunk: its size, then what is left of it.
    left: u64,
    /// How many bytes of data may still come.
    room: u64,
    n_digits: u8,
    extensions: u32,
    trailers: u32,
}

#[derive(Clone, Copy, Debug)]
enum State {
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
    /// A body of at most `room` bytes.
    pub(super) fn new(room: u64) -> Self {
        Self { state: State::Size, left: 0, room, n_digits: 0, extensions: 0, trailers: 0 }
    }

    /// The next piece, as [`Body::read`](super::body::Body::read).
    pub(super) fn read(&mut self, input: &[u8]) -> Result<Piece, Fault> {
        let mut used = 0;
        while used < input.len() {
            if matches!(self.state, State::Data) {
                let n = usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len() - used);
                self.left -= n as u64;
                if self.left == 0 {
                    self.state = State::DataReturn;
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

    /// One byte that is not data. Whether it was the last of the body.
    fn step(&mut self, byte: u8) -> Result<bool, Fault> {
        self.state = match (self.state, byte) {
            (State::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => self.digit(byte)?,
            (State::Size, b'\r') if self.n_digits > 0 => State::SizeEnd,
            (State::Size, b';') if self.n_digits > 0 => self.extension(State::Name { is_empty: true })?,
            (State::Name { is_empty: false } | State::Value { is_empty: false } | State::QuotedEnd, b'\r') => {
                State::SizeEnd
            }
            (State::Name { is_empty: false } | State::Value { is_empty: false } | State::QuotedEnd, b';') => {
                self.extension(State::Name { is_empty: true })?
            }
            (State::Name { is_empty: false }, b'=') => self.extension(State::Value { is_empty: true })?,
            (State::Name { .. }, byte) if field::is_token(byte) => self.extension(State::Name { is_empty: false })?,
            (State::Value { .. }, byte) if field::is_token(byte) => self.extension(State::Value { is_empty: false })?,
            (State::Value { is_empty: true }, b'"') => self.extension(State::Quoted)?,
            (State::Quoted, b'"') => self.extension(State::QuotedEnd)?,
            (State::Quoted, b'\\') => self.extension(State::Escaped)?,
            (State::Quoted | State::Escaped, b'\t' | b' '..=b'~' | 0x80..) => self.extension(State::Quoted)?,
            (State::SizeEnd, b'\n') => self.size_end()?,
            (State::DataReturn, b'\r') => State::DataEnd,
            (State::DataEnd, b'\n') => State::Size,
            (State::Trailer, b'\r') => State::End,
            (State::Trailer | State::TrailerName, byte) if field::is_token(byte) => self.trailer(State::TrailerName)?,
            (State::TrailerName, b':') => self.trailer(State::TrailerValue)?,
            (State::TrailerValue, b'\r') => self.trailer(State::TrailerEnd)?,
            (State::TrailerValue, b'\t' | b' '..=b'~' | 0x80..) => self.trailer(State::TrailerValue)?,
            (State::TrailerEnd, b'\n') => self.trailer(State::Trailer)?,
            (State::End, b'\n') => return Ok(true),
            _ => return Err(Fault::Malformed),
        };
        Ok(false)
    }

    fn digit(&mut self, byte: u8) -> Result<State, Fault> {
        self.n_digits += 1;
        if self.n_digits > N_DIGITS {
            return Err(Fault::Malformed);
        }
        let digit = (byte as char).to_digit(16).map_or(0, u64::from);
        // Sixteen digits fit.
        self.left = self.left << 4 | digit;
        Ok(State::Size)
    }

    fn size_end(&mut self) -> Result<State, Fault> {
        self.n_digits = 0;
        self.room = self.room.checked_sub(self.left).ok_or(Fault::BodyTooLarge)?;
        Ok(if self.left == 0 { State::Trailer } else { State::Data })
    }

    fn extension(&mut self, next: State) -> Result<State, Fault> {
        self.extensions += 1;
        if self.extensions > limits::EXTENSIONS { Err(Fault::Malformed) } else { Ok(next) }
    }

    fn trailer(&mut self, next: State) -> Result<State, Fault> {
        self.trailers += 1;
        if self.trailers > limits::TRAILERS { Err(Fault::HeadTooLarge) } else { Ok(next) }
    }
}
