//! Encodes a typed request target for a request line.

/// Returns path and query for a request line. Keeps characters as typed, including dots, double slashes and escapes, if
/// RFC 3986 allows them in a path or query, or if every server accepts them anyway (`[`, `]`, a lone `%`). Blanks,
/// control characters, `"<>\^`{|}` and non-ASCII characters are percent-encoded, byte by byte.
pub fn encode_target(typed: &str) -> String {
    let mut target = String::with_capacity(typed.len());
    for byte in typed.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            target.push(char::from(byte));
        } else {
            target.push_str(&format!("%{byte:02X}"));
        }
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_sent_as_typed_if_a_request_line_may_contain_it() {
        for typed in [
            "/",
            "/a/../b",
            "/./a",
            "/..",
            "/%2e%2e/x",
            "/%2E",
            "/a//b",
            "//",
            "/a%2Fb?q=%27x%27",
            "/a'b?c='d'",
            "/a;b,c=d",
            "/?a[]=1&b=:@!$()*+",
            "/?a/../b",
            "/?",
            "/%zz%",
            "/~user/-._",
        ] {
            assert_eq!(encode_target(typed), typed);
        }
        for (typed, target) in [
            ("/a b", "/a%20b"),
            ("/a\tb\r\nc\0", "/a%09b%0D%0Ac%00"),
            ("/a\\b", "/a%5Cb"),
            ("/\u{e4}?\u{1f980}", "/%C3%A4?%F0%9F%A6%80"),
            ("/{}|^`\"<>\x7f", "/%7B%7D%7C%5E%60%22%3C%3E%7F"),
        ] {
            assert_eq!(encode_target(typed), target, "{typed:?}");
        }
    }
}
