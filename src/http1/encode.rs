//! Encodes requests, each of which is sent many times.

use super::response::put_decimal;

/// Returns the bytes of an HTTP/1.1 request. Adds Host, and Content-Length if there is a body or the method usually has
/// one, unless the headers contain them. The caller must have checked that no part contains a line end.
pub fn encode_request(method: &str, target: &str, host: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let brings = |name: &str| headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let mut out = Vec::with_capacity(256 + body.len());
    let mut put = |parts: [&str; 4]| parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
    put([method, " ", target, " HTTP/1.1\r\n"]);
    if !brings("host") {
        put(["Host", ": ", host, "\r\n"]);
    }
    for (name, value) in headers {
        put([name, ": ", value, "\r\n"]);
    }
    let has_body = !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH");
    if has_body && !brings("content-length") && !brings("transfer-encoding") {
        out.extend_from_slice(b"Content-Length: ");
        put_decimal(&mut out, body.len());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}
