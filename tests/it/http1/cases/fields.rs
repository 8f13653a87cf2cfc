//! Host, and the grammar of all fields.

use super::{Case, Row, get};

pub(super) fn cases() -> Vec<Case> {
    [hosts(), lines(), bare_line_feeds()].concat()
}

fn hosts() -> Vec<Case> {
    let table = [
        ("", "400!"),
        ("Host: h\r\nHost: h\r\n", "400!"),
        ("Host: h\r\nhOST: i\r\n", "400!"),
        ("Host:\r\n", "400!"),
        ("Host: \t \r\n", "400!"),
        ("Host: user@h\r\n", "400!"),
        ("Host: h/path\r\n", "400!"),
        ("Host: a,b\r\n", "400!"),
        ("Host: a b\r\n", "400!"),
        ("Host: h:port\r\n", "400!"),
        ("Host: h?q\r\n", "400!"),
        ("Host: [::1\r\n", "400!"),
        ("Host: \u{e9}\r\n", "400!"),
        ("HOST:h\r\n", "=x"),
        ("Host: h:80\r\n", "=x"),
        ("Host: h:\r\n", "=x"),
        ("Host: [::1]:8080 \r\n", "=x"),
    ];
    let request = |lines: &str| format!("GET /echo/x HTTP/1.1\r\n{lines}\r\n");
    table.iter().map(|(lines, expected)| Row::Host.case(request(lines), expected)).collect()
}

fn lines() -> Vec<Case> {
    let table = [
        ("A: b\r\n folded\r\n", "400!"),
        ("A: b\r\n\tfolded\r\n", "400!"),
        ("A : b\r\n", "400!"),
        ("A\t: b\r\n", "400!"),
        (" A: b\r\n", "400!"),
        (": b\r\n", "400!"),
        ("A\r\n", "400!"),
        ("A[: b\r\n", "400!"),
        ("A B: c\r\n", "400!"),
        ("\u{e9}: b\r\n", "400!"),
        ("A\0: b\r\n", "400!"),
        ("A: \0\r\n", "400!"),
        ("A: \x01\r\n", "400!"),
        ("A: \x1b\r\n", "400!"),
        ("A: \x7f\r\n", "400!"),
        ("A: b\rc\r\n", "400!"),
        ("A: b\r\r\n", "400!"),
        ("\rA: b\r\n", "400!"),
        ("A: \r\n", "=x"),
        ("A:\r\n", "=x"),
        ("A:\tb c \t\r\n", "=x"),
        ("A: \u{e9}\r\n", "=x"),
        ("A: b\r\nA: c\r\n", "=x"),
        ("!#$%&'*+-.^_`|~09azAZ: b\r\n", "=x"),
    ];
    table.iter().map(|(lines, expected)| Row::FieldLines.case(get(lines), expected)).collect()
}

fn bare_line_feeds() -> Vec<Case> {
    Row::BareLineFeed.cases(&[
        (get("A: b\n"), "400!"),
        (get("A: b\nB: c\r\n"), "400!"),
        ("GET /echo/x HTTP/1.1\nHost: h\r\n\r\n".into(), "400!"),
        ("GET /echo/x HTTP/1.1\r\nHost: h\r\n\n".into(), "400!"),
        ("GET /echo/x HTTP/1.1\r\nHost: h\n\r\n".into(), "400!"),
        ("GET /echo/x HTTP/1.1\r\nHost: h\n\n".into(), "400!"),
        ("GET /echo/x HTTP/1.1\nHost: h\n\n".into(), "400!"),
    ])
}
