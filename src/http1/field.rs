//! Single header fields: what a value means, and whether it may stand there.

use super::fault::Fault;

/// Sets what may be said but once.
#[inline]
pub(super) fn once<T>(slot: &mut Option<T>, value: T, fault: Fault) -> Result<(), Fault> {
    if slot.replace(value).is_some() { Err(fault) } else { Ok(()) }
}

/// Whether a value is a comma-separated list that holds this token, in any case.
pub(super) fn has_token(value: &[u8], token: &str) -> bool {
    value.split(|b| *b == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

/// A length in decimal digits and nothing else: no sign, no list, no blank inside; nothing when it overflows.
pub(super) fn length(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0_u64, |length, digit| {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 { None } else { length.checked_mul(10)?.checked_add(u64::from(digit)) }
    })
}

/// `token` of RFC 9110 section 5.6.2, one byte of it.
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether this is `uri-host [":" port]`: not empty, no user, no path, no list, no blank.
pub(super) fn is_host(value: &[u8]) -> bool {
    let is_name = |byte: u8| NAME[usize::from(byte)];
    // What of the value is a host, and what comes behind it.
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

/// The longest beginning whose bytes are all of a kind, and the rest.
#[inline]
fn split(text: &[u8], is_of_kind: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| !is_of_kind(*byte)).unwrap_or(text.len()))
}

/// The bytes of `reg-name` (RFC 3986 section 3.2.2), but for the comma: two hosts joined by one are no host.
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
    fn hosts() {
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
    fn lengths() {
        assert_eq!(length(b"0012"), Some(12));
        assert_eq!(length(b"18446744073709551615"), Some(u64::MAX));
        for bad in ["", "+5", "-0", "0x5", "1_0", "5, 10", "5 5", "18446744073709551616", "\u{665}"] {
            assert_eq!(length(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn tokens_in_lists() {
        assert!(has_token(b"close", "close") && has_token(b"foo , ClOsE,", "close"));
        assert!(!has_token(b"closed", "close") && !has_token(b"", "close"));
    }
}
