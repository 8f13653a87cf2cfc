//! What the client's side makes of replies.

use async_vs_threads::http1::{Reply, limits};

use super::cuts;
use super::oracle::Asked;

impl Asked {
    /// `200/5` and a `+` if the connection is kept; the class of the error last.
    fn seen(&self) -> String {
        let one = |r: &Reply| format!("{}/{}{}", r.status, r.body_bytes, if r.keep_alive { "+" } else { "" });
        let error = self.error.map(|error| error.class().to_string());
        self.replies.iter().map(one).chain(error).collect::<Vec<_>>().join(" ")
    }
}

fn check_as(stamp: Option<&str>, to_head: bool, bytes: &str, expected: &str, at_end: &str) {
    for pieces in cuts(bytes.as_bytes()) {
        let mut asked = Asked::new(stamp, to_head);
        pieces.iter().for_each(|piece| asked.read(piece));
        let name = &bytes[..bytes.len().min(200)];
        assert_eq!(asked.seen(), expected, "{name:?}");
        if asked.error.is_none() && at_end == "stale_connection" {
            let n: u64 = asked.replies.iter().map(|reply| reply.bytes).sum();
            assert_eq!(n, bytes.len() as u64, "{name:?}: every byte is counted once");
        }
        asked.end();
        assert_eq!(asked.seen(), format!("{expected} {at_end}").trim(), "{name:?}, then the end");
    }
}

fn complete(bytes: &str, expected: &str) {
    check_as(None, false, bytes, expected, "stale_connection");
    // The same twice: one reply leaves nothing behind that the next is judged by.
    check_as(None, false, &bytes.repeat(2), &format!("{expected} {expected}"), "stale_connection");
}

fn broken(bytes: &str, expected: &str) {
    check_as(None, false, bytes, expected, "");
}

const OK: &str = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn good_replies() {
    complete(OK, "200/5+");
    complete("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200/0+");
    complete("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200/0+");
    complete("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200/0+");
    complete("HTTP/1.1 404 Not Found\r\ncontent-length: 1\r\n\r\nx", "404/1+");
    for status in [200, 299, 399, 499, 599, 600, 601, 999] {
        complete(&format!("HTTP/1.1 {status} Odd\r\nContent-Length: 1\r\n\r\nx"), &format!("{status}/1+"));
    }
    complete("HTTP/1.1 199 Odd\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "200/1+");
    complete("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "200/5+");
    complete("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", "200/1");
    complete("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "200/1");
    complete("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", "200/1+");
    complete("HTTP/1.1 204 No Content\r\n\r\n", "204/0+");
    complete("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304/0+");
    complete(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;a=b\r\n!\r\n0\r\nA: b\r\n\r\n",
        "200/6+",
    );
    complete(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
        "200/1+",
    );
    check_as(None, true, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200/0+", "stale_connection");
    check_as(None, true, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200/0+", "stale_connection");
}

#[test]
fn a_body_may_end_with_the_connection() {
    for pieces in cuts(b"HTTP/1.1 200 OK\r\n\r\nhello") {
        let mut asked = Asked::new(None, false);
        pieces.iter().for_each(|piece| asked.read(piece));
        assert_eq!(asked.seen(), "");
        asked.end();
        assert_eq!(asked.replies, [Reply { status: 200, body_bytes: 5, bytes: 24, keep_alive: false }]);
    }
}

#[test]
fn broken_replies() {
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
        broken(head, "parse_error");
    }
    let interim = "HTTP/1.1 100 Continue\r\n\r\n";
    broken(&interim.repeat(17), "parse_error");
    broken(&format!("{OK}junk\r\n"), "200/5+ parse_error");
    broken(&format!("HTTP/1.1 200 OK\r\nA: {}", "b".repeat(100_000)), "header_too_large");
    broken(&format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(101)), "header_too_large");
    let chunks = "7FFFFFFFFFFFFFFF\r\n";
    check_as(None, false, &format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"), "", "eof_in_body");
    broken("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", "parse_error");
    let trailers = format!("0\r\nA: {}", "b".repeat(limits::TRAILERS as usize));
    broken(&format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{trailers}"), "header_too_large");
}

#[test]
fn ends_too_early() {
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
fn strangers() {
    let reply = |lines: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{lines}\r\n");
    let check = |lines: &str, expected: &str, at_end: &str| {
        check_as(Some("abc"), false, &reply(lines), expected, at_end);
    };
    check("Avt-Nonce: abc\r\n", "200/0+", "stale_connection");
    check("avt-nonce:abc\r\n", "200/0+", "stale_connection");
    check("", "stranger", "");
    check("Avt-Nonce: abd\r\n", "stranger", "");
    check("Avt-Nonce: abc\r\nAvt-Nonce: abc\r\n", "stranger", "");
}

#[test]
fn a_head_much_like_the_one_before_is_judged_for_itself() {
    let forged = OK.replace("Sun, 06 Nov 1994 08:49:37 GMT", "x\r\nTransfer-Encoding: chunked");
    assert_eq!(forged.len(), OK.len());
    broken(&format!("{OK}{forged}"), "200/5+ parse_error");
    let later = OK.replace("37 GMT", "38 GMT");
    complete(&format!("{OK}{later}"), "200/5+ 200/5+");
    let other = OK.replace("200 OK", "503 No");
    complete(&format!("{OK}{other}"), "200/5+ 503/5+");
}
