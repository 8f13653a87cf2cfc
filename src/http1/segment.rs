//! The path segments that the echo route accepts.

/// Returns whether the echo route accepts this decoded text as its `{what}`: what aiohttp's `[^{}/]+` matches.
pub fn is_segment(text: &[u8]) -> bool {
    !text.is_empty() && !text.iter().any(|b| matches!(b, b'/' | b'{' | b'}'))
}
