//! The segment of a path that the echo route takes.

/// Whether the echo route takes this, decoded, as its `{what}`: what aiohttp matches, `[^{}/]+`.
pub fn is_segment(text: &[u8]) -> bool {
    !text.is_empty() && !text.iter().any(|b| matches!(b, b'/' | b'{' | b'}'))
}
