//! The codec at its boundary: bytes in, bytes out. Every case runs whole, byte by byte, cut in two at every place, and
//! with another message behind it.

pub(crate) mod cases;
mod corpus;
mod differential;
pub(crate) mod oracle;
mod properties;
mod replies;
mod requests;
pub(crate) mod served;

/// All the ways in which a case's bytes are cut. Long ones are not cut at every place.
fn cuts(bytes: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let step = if bytes.len() < 1_500 { 1 } else { bytes.len() / 40 };
    let in_two = (0..bytes.len()).step_by(step).map(|at| vec![&bytes[..at], &bytes[at..]]);
    [bytes.chunks(1).collect(), vec![bytes]].into_iter().chain(in_two)
}
