//! The client's codec: valid responses, invalid ones, and connections that end early.

use async_vs_threads::http1::{ParsedResponse, limits};

use super::oracle::ClientConnection;
use super::splits;

impl ClientConnection {
    /// Returns `200/5` per response, with a `+` if the connection is kept alive, then the class of the error.
    fn summary(&self) -> String {
        let one = |r: &ParsedResponse| format!("{}/{}{}", r.status, r.body_bytes, if r.keep_alive { "+" } else { "" });
        let error = self.error.map(|error| error.class().to_string());
        self.responses.iter().map(one).chain(error).collect::<Vec<_>>().join(" ")
    }
}

fn check_as(stamp: Option<&str>, to_head: bool, bytes: &str, expected: &str, at_end: &str) {
    for pieces in splits(bytes.as_bytes()) {
        let mut connection = ClientConnection::new(stamp, to_head);
        pieces.iter().for_each(|piece| connection.read(piece));
        let name = &bytes[..bytes.len().min(200)];
        assert_eq!(connection.summary(), expected, "{name:?}");
        if connection.error.is_none() && at_end == "stale_connection" {
            let n: u64 = connection.responses.iter().map(|response| response.bytes).sum();
            assert_eq!(n, bytes.len() as u64, "{name:?}: every byte is counted once");
        }
        connection.end();
        assert_eq!(connection.summary(), format!("{expected} {at_end}").trim(), "{name:?}, then the end");
    }
}

fn check_valid(bytes: &str, expected: &str) {
    check_as(None, false, bytes, expected, "stale_connection");
    // Twice in a row: a response does not affect the next one.
    check_as(None, false, &bytes.repeat(2), &format!("{expected} {expected}"), "stale_connection");
}

fn check_invalid(bytes: &str, expected: &str) {
    check_as(None, false, bytes, expected, "");
}

const OK: &str = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn valid_responses_are_read() {
    check_valid(OK, "200/5+");
    check_valid("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200/0+");
    check_valid("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200/0+");
    check_valid("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200/0+");
    check_valid("HTTP/1.1 404 Not Found\r\ncontent-length: 1\r\n\r\nx", "404/1+");
    for status in [200, 299, 399, 499, 599, 600, 601, 999] {
        check_valid(&format!("HTTP/1.1 {status} Odd\r\nContent-Length: 1\r\n\r\nx"), &format!("{status}/1+"));
    }
    check_valid("HTTP/1.1 199 Odd\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "200/1+");
    check_valid("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "200/5+");
    check_valid("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", "200/1");
    check_valid("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "200/1");
    check_valid("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", "200/1+");
    check_valid("HTTP/1.1 204 No Content\r\n\r\n", "204/0+");
    check_valid("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304/0+");
    check_valid(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;a=b\r\n!\r\n0\r\nA: b\r\n\r\n",
        "200/6+",
    );
    check_valid(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
        "200/1+",
    );
    check_as(None, true, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200/0+", "stale_connection");
    check_as(None, true, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200/0+", "stale_connection");
}

#[test]
fn a_body_may_end_with_the_connection() {
    for pieces in splits(b"HTTP/1.1 200 OK\r\n\r\nhello") {
        let mut connection = ClientConnection::new(None, false);
        pieces.iter().for_each(|piece| connection.read(piece));
        assert_eq!(connection.summary(), "");
        connection.end();
        assert_eq!(
            connection.responses,
            [ParsedResponse { status: 200, has_text: true, body_bytes: 5, bytes: 24, keep_alive: false }]
        );
    }
}

#[test]
fn invalid_responses_are_refused() {
    for head in [
        "hello\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.2 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/1.1 000 Low\r\n\r\n",
        "HTTP/1.1 1000 Long\r\n\r\n",
        "HTTP/1.1 20x Odd\r\n\r\n",
        "HTTP/1.1 2000 Long\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n",
        "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloo\r\n",
    ] {
        check_invalid(head, "parse_error");
    }
    let interim = "HTTP/1.1 100 Continue\r\n\r\n";
    check_invalid(&interim.repeat(17), "parse_error");
    check_invalid(&format!("{OK}junk\r\n"), "200/5+ parse_error");
    check_invalid(&format!("HTTP/1.1 200 OK\r\nA: {}", "b".repeat(100_000)), "header_too_large");
    check_invalid(&format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(101)), "header_too_large");
    let chunks = "7FFFFFFFFFFFFFFF\r\n";
    check_as(None, false, &format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"), "", "eof_in_body");
    check_invalid("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", "parse_error");
    let trailers = format!("0\r\nA: {}", "b".repeat(limits::TRAILERS as usize));
    check_invalid(&format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{trailers}"), "header_too_large");
}

#[test]
fn an_early_end_is_classified() {
    let check = |bytes: &str, at_end: &str| check_as(None, false, bytes, "", at_end);
    check("", "eof_before_head");
    check("HTTP/1.1 200 OK\r\nContent-Le", "eof_before_head");
    check("HTTP/1.1 100 Continue\r\n\r\n", "eof_before_head");
    check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "eof_in_body");
    // A body that is only counted has no limit.
    check("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nhell", "eof_in_body");
    check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "eof_in_body");
    check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "eof_in_body");
    check_as(None, false, &format!("{OK}HTTP"), "200/5+", "eof_before_head");
    check_as(None, false, &format!("{OK}HTTP/1.1 100 Continue\r\n\r\n"), "200/5+", "eof_before_head");
}

#[test]
fn a_response_without_the_nonce_is_refused() {
    let response = |lines: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{lines}\r\n");
    let check = |lines: &str, expected: &str, at_end: &str| {
        check_as(Some("abc"), false, &response(lines), expected, at_end);
    };
    check("Avt-Nonce: abc\r\n", "200/0+", "stale_connection");
    check("avt-nonce:abc\r\n", "200/0+", "stale_connection");
    check("", "stranger", "");
    check("Avt-Nonce: abd\r\n", "stranger", "");
    check("Avt-Nonce: abc\r\nAvt-Nonce: abc\r\n", "stranger", "");
}

#[test]
fn a_head_similar_to_the_previous_one_is_still_parsed() {
    let forged = OK.replace("Sun, 06 Nov 1994 08:49:37 GMT", "x\r\nTransfer-Encoding: chunked");
    assert_eq!(forged.len(), OK.len());
    check_invalid(&format!("{OK}{forged}"), "200/5+ parse_error");
    let later = OK.replace("37 GMT", "38 GMT");
    check_valid(&format!("{OK}{later}"), "200/5+ 200/5+");
    let other = OK.replace("200 OK", "503 No");
    check_valid(&format!("{OK}{other}"), "200/5+ 503/5+");
}
