//! Content-Length and Transfer-Encoding: where a body ends, or that its end is unknown.

use super::{Case, Row, chunked, post};

pub(super) fn cases() -> Vec<Case> {
    [lengths(), codings()].concat()
}

fn lengths() -> Vec<Case> {
    let table = [
        ("Content-Length: 5\r\n", "hello", "|hello"),
        ("content-length:0005\r\n", "hello", "|hello"),
        ("Content-Length: \t5 \r\n", "hello", "|hello"),
        ("Content-Length: 0\r\n", "", "|"),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", "hello", "400!"),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", "hello", "400!"),
        ("Content-Length: 5\r\ncontent-length:\r\n", "hello", "400!"),
        ("Content-Length: 5, 10\r\n", "hello", "400!"),
        ("Content-Length: 5, 5\r\n", "hello", "400!"),
        ("Content-Length: 5,\r\n", "hello", "400!"),
        ("Content-Length: +5\r\n", "hello", "400!"),
        ("Content-Length: -0\r\n", "", "400!"),
        ("Content-Length: -5\r\n", "hello", "400!"),
        ("Content-Length: 0x5\r\n", "hello", "400!"),
        ("Content-Length: 1_0\r\n", "hello", "400!"),
        ("Content-Length: 5 5\r\n", "hello", "400!"),
        ("Content-Length: 5.0\r\n", "hello", "400!"),
        ("Content-Length: five\r\n", "hello", "400!"),
        ("Content-Length: \u{665}\r\n", "hello", "400!"),
        ("Content-Length:\r\n", "", "400!"),
        ("Content-Length: \r\n", "", "400!"),
        ("Content-Length: 99999999999999999999\r\n", "", "400!"),
        ("Content-Length: 18446744073709551616\r\n", "", "400!"),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", "400!"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n", "400!"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", "0\r\n\r\n", "400!"),
        ("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", "hello", "400!"),
    ];
    let mut cases: Vec<Case> =
        table.iter().map(|(lines, body, expected)| Row::Length.case(post(lines, body), expected)).collect();
    // The length counts for other methods as well, and a body without one is read as the next request.
    let get = |lines: &str| post(lines, "hi").replacen("POST /echo", "GET /echo/x", 1);
    cases.push(Row::Length.case(get("Content-Length: 2\r\n"), "=x"));
    cases.push(Row::Length.case(get("Content-Length: 2, 2\r\n"), "400!"));
    cases.push(Row::Length.case(post("", "hello\r\n\r\n"), "| 400!"));
    cases
}

fn codings() -> Vec<Case> {
    let table = [
        ("CHUNKED", "|hi"),
        ("chunked \t", "|hi"),
        ("gzip", "501!"),
        ("identity", "501!"),
        ("xchunked", "501!"),
        ("chunkedx", "501!"),
        ("\"chunked\"", "501!"),
        ("gzip, chunked", "501!"),
        ("identity, chunked", "501!"),
        ("chunked;q=1", "501!"),
        ("chunked, gzip", "400!"),
        ("chunked, identity", "400!"),
        ("chunked, chunked", "400!"),
        ("", "400!"),
        (",chunked", "400!"),
        ("chunked,", "400!"),
    ];
    let request = |value: &str| post(&format!("Transfer-Encoding: {value}\r\n"), "2\r\nhi\r\n0\r\n\r\n");
    let mut cases: Vec<Case> =
        table.iter().map(|(value, expected)| Row::Coding.case(request(value), expected)).collect();
    let twice = chunked("0\r\n\r\n").replacen("Transfer", "transfer-encoding: chunked\r\nTransfer", 1);
    cases.push(Row::Coding.case(twice, "400!"));
    let other = request("chunked").replacen("Transfer", "Transfer-Encoding: gzip\r\nTransfer", 1);
    cases.push(Row::Coding.case(other, "400!"));
    cases.push(Row::Coding.case(request("xchunked").replacen("POST", "GET", 1), "501!"));
    cases
}
