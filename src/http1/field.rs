//! Single header fields: parses their values and checks whether they are allowed.

use super::fault::Fault;

/// Sets a value that must not be set twice. Returns the fault if it already was.
#[inline]
pub(super) fn set_once<T>(slot: &mut Option<T>, value: T, fault: Fault) -> Result<(), Fault> {
    if slot.replace(value).is_some() { Err(fault) } else { Ok(()) }
}

/// Returns whether a value is a comma-separated list that contains this token, ignoring case.
pub(super) fn has_token(value: &[u8], token: &str) -> bool {
    value.split(|b| *b == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

/// Parses a length of decimal digits only, without sign, list or inner blanks. Returns `None` if invalid or too large.
pub(super) fn length(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0_u64, |length, digit| {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 { None } else { length.checked_mul(10)?.checked_add(u64::from(digit)) }
    })
}

/// Returns whether a byte may be part of a `token` (RFC 9110 section 5.6.2).
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Returns whether a text is the name of a header field.
pub fn is_field_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(is_token)
}

/// Returns whether a value is `uri-host [":" port]`: not empty, without user, path, list or blanks.
pub(super) fn is_host(value: &[u8]) -> bool {
    let is_name = |byte: u8| NAME[usize::from(byte)];
    // The host part of the value, and the rest.
    let (host, rest) = match value {
        [b'[', inner @ ..] => match split(inner, |byte| is_name(byte) || byte == b':') {
            (address, [b']', rest @ ..]) => (address, rest),
            _ => return false,
        },
        _ => split(value, is_name),
    };
    !host.is_empty()
        && match rest {
            [] => true,
            [b':', port @ ..] => port.iter().all(u8::is_ascii_digit),
            _ => false,
        }
}

/// Splits a text after the longest prefix whose bytes all meet the condition.
#[inline]
fn split(text: &[u8], is_of_kind: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| !is_of_kind(*byte)).unwrap_or(text.len()))
}

/// The bytes of `reg-name` (RFC 3986 section 3.2.2) except the comma: two hosts joined by a comma are not a host.
static NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"-._~!$&'()*+;=%";
    let mut i = 0;
    while i < others.len() {
        table[others[i] as usize] = true;
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_hosts_are_accepted() {
        for good in ["localhost", "127.0.0.1:8080", "[::1]", "[::1]:80", "a-b.c_d~", "x:", "%41"] {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in [
            "", ":80", "a@b", "a/b", "a,b", "a b", "a:b", "a:1:2", "[::1", "[", "[]", "[a@]", "[::1]x", "[::1]:x",
            "a?b", "a#b", "\u{e9}",
        ] {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn a_length_consists_of_digits_only() {
        assert_eq!(length(b"0012"), Some(12));
        assert_eq!(length(b"18446744073709551615"), Some(u64::MAX));
        for bad in ["", "+5", "-0", "0x5", "1_0", "5, 10", "5 5", "18446744073709551616", "\u{665}"] {
            assert_eq!(length(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_token_is_found_in_a_list_regardless_of_case() {
        assert!(has_token(b"close", "close") && has_token(b"foo , ClOsE,", "close"));
        assert!(!has_token(b"closed", "close") && !has_token(b"", "close"));
    }
}
