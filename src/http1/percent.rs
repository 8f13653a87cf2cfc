//! Percent-decodes paths like yarl 1.25 for aiohttp 3.14: invalid escapes, and escapes that are not UTF-8, stay as they
//! are.
//!
//! A path is decoded in two steps. [`decode_path`] leaves `%2F` and `%25` encoded, so that an encoded slash does not
//! end a segment. Once the route is found, [`decode_rest`] decodes these two in its segment.

use std::borrow::Cow;

/// Decodes all escapes except `%2F` and `%25`. Borrows a path without escapes.
pub fn decode_path(path: &[u8]) -> Cow<'_, [u8]> {
    if !path.contains(&b'%') {
        return Cow::Borrowed(path);
    }
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some(byte) = rest.first() {
        let (decoded, n_encoded) = match decode_character(rest) {
            Some((bytes, n)) => (bytes, 3 * n),
            None => ([*byte, 0, 0, 0], 0),
        };
        match (n_encoded, decoded[0]) {
            (0, byte) => out.push(byte),
            (_, b'/') => out.extend_from_slice(b"%2F"),
            (_, b'%') => out.extend_from_slice(b"%25"),
            (n, _) => out.extend_from_slice(&decoded[..n / 3]),
        }
        rest = &rest[n_encoded.max(1)..];
    }
    Cow::Owned(out)
}

/// Decodes what [`decode_path`] has left: `%2F`, then `%25`, each in one pass, like yarl.
pub fn decode_rest(text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if !text.contains(&b'%') {
        return text;
    }
    Cow::Owned(replace(&replace(&text, b"%2F", b'/'), b"%25", b'%'))
}

/// Decodes the escaped character at the start of the text. Returns it in UTF-8, with its number of bytes.
fn decode_character(text: &[u8]) -> Option<([u8; 4], usize)> {
    let mut bytes = [0; 4];
    bytes[0] = escape(text)?;
    let n = match bytes[0] {
        0x00..=0x7F => 1,
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    for (byte, text) in bytes.iter_mut().zip(text.chunks(3)).take(n).skip(1) {
        *byte = escape(text)?;
    }
    std::str::from_utf8(&bytes[..n]).ok().map(|_| (bytes, n))
}

/// Decodes the escape at the start of the text to one byte.
fn escape(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    Some((digit(high)? << 4 | digit(low)?) as u8)
}

fn replace(text: &[u8], escape: &[u8; 3], by: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(escape) {
            out.push(by);
            rest = after;
        } else {
            out.push(*byte);
            rest = after;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let path = decode_path(text.as_bytes());
        assert_eq!(String::from_utf8_lossy(&decode_rest(path)), expected, "{text}");
    }

    #[test]
    fn escapes_are_decoded_as_in_yarl() {
        check("a%20b%2Fc%25d%C3%A9", "a b/c%d\u{e9}");
        check("%2f%2F", "//");
        check("a%252Fb", "a%2Fb");
        check("a+b%2B", "a+b+");
        check("%FF", "%FF");
        check("%ff%C3%28", "%ff%C3(");
        check("%zz%4", "%zz%4");
        check("%", "%");
        check("%%41", "%A");
        check("%00x", "\0x");
        check("%E2%82%AC%E2%82x%E2%82%41", "\u{20ac}%E2%82x%E2%82A");
        check("%ED%A0%80%F4%90%80%80%C0%AF", "%ED%A0%80%F4%90%80%80%C0%AF");
        check("%F0%9F%A6%80", "\u{1f980}");
        // A quirk of yarl's two steps, kept.
        check("%%32F", "/");
    }

    #[test]
    fn text_without_escapes_is_borrowed() {
        assert!(matches!(decode_rest(decode_path(b"a+b;c")), Cow::Borrowed(_)));
    }
}
