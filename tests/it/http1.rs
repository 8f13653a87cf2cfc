//! The codec at its boundary: bytes in, bytes out. Every case runs whole, byte by byte, split in two at every position,
//! and with another message after it.

pub(crate) mod cases;
mod corpus;
mod differential;
pub(crate) mod oracle;
mod properties;
mod requests;
mod responses;
pub(crate) mod served;

/// Returns the ways in which a case's bytes are split. Long ones are not split at every position.
fn splits(bytes: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let step = if bytes.len() < 1_500 { 1 } else { bytes.len() / 40 };
    let in_two = (0..bytes.len()).step_by(step).map(|at| vec![&bytes[..at], &bytes[at..]]);
    [bytes.chunks(1).collect(), vec![bytes]].into_iter().chain(in_two)
}
