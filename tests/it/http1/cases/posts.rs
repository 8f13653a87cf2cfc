//! Bodies that are echoed.

use super::{Case, Row, chunked, post};

pub(super) fn cases() -> Vec<Case> {
    [bodies(), types(), every_byte()].concat()
}

fn bodies() -> Vec<Case> {
    let root = |lines: &str, body: &str| post(lines, body).replacen("/echo", "/", 1);
    let table = [
        (Row::Post, post("Content-Length: 5\r\n", "hello"), "|hello"),
        (Row::Post, post("Content-Length: 0\r\n", ""), "|"),
        (Row::Post, post("", ""), "|"),
        (Row::Post, chunked("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), "|hello_world"),
        (Row::Post, chunked("0\r\n\r\n"), "|"),
        (Row::Post, chunked("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"), "|abc"),
        (Row::Post, chunked("4\r\n\r\n\r\n\r\n0\r\n\r\n"), "|\r\n\r\n"),
        (Row::Root, root("Content-Length: 5\r\n", "hello"), "|hello"),
        (Row::Root, root("Content-Type: a/b\r\nTransfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n"), "|a/b|hi"),
        // A body that looks like a request.
        (Row::Post, post("Content-Length: 36\r\n", super::NEXT), "|GET_/echo/next_HTTP/1.1\r\nHost:_h\r\n\r\n"),
        // Bodies that are read and not used.
        (Row::EchoMethods, post("Content-Length: 2\r\n", "hi").replacen("/echo", "/echo/x", 1), "405:GET,HEAD"),
        (Row::Unknown, post("Content-Length: 2\r\n", "hi").replacen("/echo", "/no", 1), "404"),
        (Row::PostMethods, chunked("2\r\nhi\r\n0\r\n\r\n").replacen("POST", "PUT", 1), "405:POST"),
        (Row::Echo, chunked("2\r\nhi\r\n0\r\n\r\n").replacen("POST /echo", "GET /echo/x", 1), "=x"),
        (Row::Echo, post("Content-Length: 2\r\n", "hi").replacen("POST /echo", "HEAD /echo/x", 1), "^=x"),
    ];
    table.iter().map(|(row, request, expected)| row.case(request, expected)).collect()
}

fn types() -> Vec<Case> {
    let typed = |lines: &str| post(&format!("{lines}Content-Length: 2\r\n"), "hi");
    let long = "x".repeat(1_000);
    let table = [
        (typed("Content-Type: text/plain; charset=utf-8\r\n"), "|text/plain;_charset=utf-8|hi"),
        (typed("content-type:image/svg+xml\r\n"), "|image/svg+xml|hi"),
        (typed("Content-Type: \t a/b; c=\"d e\" \t\r\n"), "|a/b;_c=\"d_e\"|hi"),
        (typed("Content-Type: anything at all\r\n"), "|anything_at_all|hi"),
        (typed(&format!("Content-Type: a/{long}\r\n")), &format!("|a/{long}|hi")),
        (post("Content-Type: a/b\r\n", ""), "|a/b|"),
        (post("Content-Type: a/b\r\nContent-Length: 0\r\n", ""), "|a/b|"),
        (typed("Content-Type:\r\n"), "|hi"),
        (typed("Content-Type: a/\u{e9}\r\n"), "|hi"),
        (typed("Content-Type: a\tb\r\n"), "|hi"),
        (typed("Content-Type: a/b\r\nContent-Type: a/b\r\n"), "|hi"),
        (typed("Content-Type: a/b\r\nContent-Type: c/d\r\nContent-Type: e/f\r\n"), "|hi"),
    ];
    Row::Post.cases(&table)
}

/// Every byte, except the one that stands for a space in the notation.
fn every_byte() -> Vec<Case> {
    let body: Vec<u8> = (0..=255).filter(|b| *b != b'_').collect();
    let by_length = [post("Content-Length: 255\r\n", "").as_bytes(), &body].concat();
    let in_chunks = [chunked("ff\r\n").as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
    let shown = body.iter().map(|b| if *b == b' ' { b'_' } else { *b });
    let expected: Vec<u8> = b"|any|".iter().copied().chain(shown).collect();
    let typed = |request: Vec<u8>| {
        let at = request.windows(9).position(|window| window == b"Host: h\r\n").unwrap();
        [&request[..at], b"Content-Type: any\r\n", &request[at..]].concat()
    };
    [by_length, in_chunks].map(|request| Row::Post.case(typed(request), &expected)).to_vec()
}
