//! The request line: its grammar and its version.

use super::{Case, Row, request};

pub(super) fn cases() -> Vec<Case> {
    let raw = Row::RequestLine.case(b"GET /echo/\xFF HTTP/1.1\r\nHost: h\r\n\r\n", "400!");
    [versions(), lines(), empty_lines(), vec![raw]].concat()
}

fn versions() -> Vec<Case> {
    Row::Versions.cases(&[
        ("GET /echo/x HTTP/2.0\r\nHost: h\r\n\r\n", "505!"),
        ("GET /echo/x HTTP/9.9\r\nHost: h\r\n\r\n", "505!"),
        ("GET /echo/x HTTP/0.9\r\nHost: h\r\n\r\n", "505!"),
        ("GET /echo/x HTTP/1.2\r\nHost: h\r\n\r\n", "505!"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505!"),
        ("GET /echo/x HTTP/1\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/x HTTP/01.01\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/x HTTP/1.10\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/x HTTP/1.\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/x http/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/x HTTPS/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/x\r\nHost: h\r\n\r\n", "400!"),
    ])
}

fn lines() -> Vec<Case> {
    let lines = Row::RequestLine.cases(&[
        ("GET /echo/x HTTP/1.1 \r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/x \r\nHost: h\r\n\r\n", "400!"),
        ("GET\r\n\r\n", "400!"),
        (" GET /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("GET\t/echo/x\tHTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/x HTTP/1.1\r\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/x HTTP/1.1\rHost: h\r\n\r\n", "400!"),
        ("G@T /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("GET\0 /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("\x16\x03\x01\x02", "400!"),
        ("\rGET /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
    ]);
    let targets = [
        " /echo/x",
        "/echo/x ",
        "/echo/a b",
        "/echo/\u{e9}",
        "/echo/\0",
        "/echo/\x7f",
        "/echo/\t",
        "echo/x",
        "http:///echo/x",
        "http://u@h/echo/x",
        "http://h:p/echo/x",
        "ftp://h/echo/x",
        "h:80",
        "?q",
    ];
    [lines, targets.map(|target| Row::RequestLine.case(request("GET", target), "400!")).to_vec()].concat()
}

/// Up to eight empty lines before a request line are skipped; a bare line feed does not end a line.
fn empty_lines() -> Vec<Case> {
    let after = |before: &str| before.to_owned() + &request("GET", "/echo/x");
    Row::RequestLine.cases(&[
        (after("\r\n"), "=x"),
        (after(&"\r\n".repeat(8)), "=x"),
        (after(&"\r\n".repeat(9)), "400!"),
        (after("\n"), "400!"),
    ])
}
