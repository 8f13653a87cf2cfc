//! A short notation for responses.

use std::io::Write as _;

use crate::http1::oracle::DATE;

const TEXT: &str = "text/plain; charset=utf-8";

/// Expands the notation to the bytes of the responses, and returns whether the connection then closes. Responses are
/// separated by spaces; `_` stands for a space within one.
///
/// `=x` is 200 with the text x; `|x` is 200 with the body x of unknown type, `|type|x` of this type; `100`, `404` and
/// so on is the status with its reason as the body; `405:GET,HEAD` has these methods in Allow. The prefix `^` means to
/// HEAD, without the body; the prefix `~` means to HTTP/1.0, kept alive; the suffix `!` means that the connection
/// closes.
pub(super) fn expand(expected: &[u8]) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    for item in expected.split(|b| *b == b' ').filter(|item| !item.is_empty()) {
        put(&mut bytes, item);
    }
    (bytes, expected.ends_with(b"!"))
}

fn put(out: &mut Vec<u8>, item: &[u8]) {
    let (item, ends) = item.strip_suffix(b"!").map_or((item, false), |item| (item, true));
    let (item, is_old) = item.strip_prefix(b"~").map_or((item, false), |item| (item, true));
    let (item, to_head) = item.strip_prefix(b"^").map_or((item, false), |item| (item, true));
    let item: Vec<u8> = item.iter().map(|b| if *b == b'_' { b' ' } else { *b }).collect();
    let (mut content_type, mut allow) = (TEXT.to_owned(), String::new());
    let (status, body) = match &item[..] {
        [b'=', body @ ..] => ("200 OK", body.to_vec()),
        [b'|', body @ ..] => {
            let at = body.iter().position(|b| *b == b'|');
            let (own_type, body) =
                at.map_or((&b"application/octet-stream"[..], body), |at| (&body[..at], &body[at + 1..]));
            content_type = String::from_utf8(own_type.to_vec()).unwrap();
            ("200 OK", body.to_vec())
        }
        b"100" => return out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n"),
        other => {
            let (code, methods) = other.split_at(3);
            if let [b':', methods @ ..] = methods {
                allow = format!("Allow: {}\r\n", String::from_utf8_lossy(methods).replace(',', ", "));
            }
            let status = status(code);
            (status, status.replacen(' ', ": ", 1).into_bytes())
        }
    };
    let version = if is_old { "1.0" } else { "1.1" };
    let connection = match (is_old, ends) {
        (_, true) => "Connection: close\r\n",
        (true, false) => "Connection: keep-alive\r\n",
        (false, false) => "",
    };
    let is_empty = status.starts_with("204");
    let length = body.len();
    let entity =
        if is_empty { String::new() } else { format!("Content-Type: {content_type}\r\nContent-Length: {length}\r\n") };
    write!(out, "HTTP/{version} {status}\r\n{entity}Date: {DATE}\r\n{allow}{connection}\r\n").unwrap();
    if !is_empty && !to_head {
        out.extend_from_slice(&body);
    }
}

fn status(code: &[u8]) -> &'static str {
    match code {
        b"204" => "204 No Content",
        b"400" => "400 Bad Request",
        b"404" => "404 Not Found",
        b"405" => "405 Method Not Allowed",
        b"413" => "413 Content Too Large",
        b"414" => "414 URI Too Long",
        b"417" => "417 Expectation Failed",
        b"431" => "431 Request Header Fields Too Large",
        b"501" => "501 Not Implemented",
        b"505" => "505 HTTP Version Not Supported",
        other => panic!("unknown status {:?}", String::from_utf8_lossy(other)),
    }
}
