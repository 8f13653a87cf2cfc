//! Persistent connections, pipelining, `Expect`, HTTP/1.0, and the end of a connection after a refusal.

use super::{Case, NEXT, Row, chunked, get, post, request};

pub(super) fn cases() -> Vec<Case> {
    [expectations(), keeping_alive(), http10(), pipelining(), after_refusals()].concat()
}

fn expectations() -> Vec<Case> {
    Row::Expect.cases(&[
        (post("Expect: 100-continue\r\nContent-Length: 2\r\n", "hi"), "100 |hi"),
        (post("Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n"), "100 |hi"),
        (post("Expect: 100-continue\r\nContent-Type: a/b\r\nContent-Length: 2\r\n", "hi"), "100 |a/b|hi"),
        (post("Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n", "hi"), "100 |hi!"),
        (post("Expect: 100-continue\r\nContent-Length: 2\r\n", "hi").replacen("/echo", "/no", 1), "100 404"),
        (post("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", "x"), "100 400!"),
        (post("Expect: 100-continue\r\nContent-Length: 0\r\n", ""), "|"),
        (get("Expect: 100-continue\r\n"), "=x"),
        (post("Expect: 100-continue\r\nContent-Length: 1048577\r\n", ""), "413!"),
        (post("Expect: more\r\nContent-Length: 2\r\n", "hi"), "417!"),
        (post("Expect:\r\nContent-Length: 2\r\n", "hi"), "417!"),
        (get("Expect: 100-continue, more\r\n"), "417!"),
        (get("Expect: 100-continue\r\nExpect: 100-continue\r\n"), "417!"),
    ])
}

fn keeping_alive() -> Vec<Case> {
    Row::KeepAlive.cases(&[
        (get("Connection: close\r\n"), "=x!"),
        (get("Connection: foo, CLOSE\r\n"), "=x!"),
        (get("Connection: foo\r\nConnection: close\r\n"), "=x!"),
        (get("Connection: keep-alive, close\r\n"), "=x!"),
        (get("Connection: keep-alive\r\n"), "=x"),
        (get("Connection: closed\r\n"), "=x"),
        (get("Connection:\r\n"), "=x"),
        (get("Connection: close\r\n").replacen("GET", "HEAD", 1), "^=x!"),
        (get("Connection: close\r\n").replacen("GET", "OPTIONS", 1), "204:GET,HEAD!"),
        (get("Connection: close\r\n").replacen("GET", "PUT", 1), "405:GET,HEAD!"),
        (get("Connection: close\r\n").replacen("/echo/x", "/no", 1), "404!"),
        (post("Connection: close\r\nContent-Length: 2\r\n", "hi"), "|hi!"),
    ])
}

fn http10() -> Vec<Case> {
    let old = |line: &str, lines: &str| format!("{line} HTTP/1.0\r\n{lines}\r\n");
    Row::Http10.cases(&[
        (old("GET /echo/x", ""), "~=x!"),
        (old("GET /echo/x", "Host: h\r\n"), "~=x!"),
        (old("HEAD /echo/x", ""), "~^=x!"),
        (old("GET /no", ""), "~404!"),
        (old("GET /echo/x", "Connection: Keep-Alive\r\nHost: h\r\n"), "~=x"),
        (old("GET /echo/x", "Connection: keep-alive\r\n"), "~=x"),
        (old("HEAD /echo/x", "Connection: keep-alive\r\n"), "~^=x"),
        (old("OPTIONS /", "Connection: keep-alive\r\n"), "~204:GET,HEAD,POST"),
        (old("GET /echo/x", "Connection: close, keep-alive\r\n"), "~=x!"),
        (old("POST /echo", "Content-Length: 2\r\n") + "hi", "~|hi!"),
        (old("POST /echo", "Content-Length: 2\r\nConnection: keep-alive\r\n") + "hi", "~|hi"),
        (old("POST /echo", "Content-Length: 2\r\nExpect: 100-continue\r\n") + "hi", "~|hi!"),
        (old("POST /echo", "Content-Length: 2\r\nExpect: more\r\n") + "hi", "~|hi!"),
        (old("POST /echo", ""), "~|!"),
        (old("POST /echo", "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n", "400!"),
        (old("GET /echo/x", "Host: a\r\nHost: b\r\n"), "400!"),
        (old("GET /echo/x", "Host: a,b\r\n"), "400!"),
    ])
}

fn pipelining() -> Vec<Case> {
    let hi = post("Content-Length: 2\r\n", "hi");
    let lo = chunked("1\r\nl\r\n1\r\no\r\n0\r\n\r\n");
    Row::Pipelining.cases(&[
        (NEXT.repeat(3), "=next =next =next"),
        (format!("{NEXT}\r\n{NEXT}"), "=next =next"),
        (format!("{hi}{NEXT}"), "|hi =next"),
        (format!("{NEXT}{hi}"), "=next |hi"),
        (format!("{hi}{hi}{lo}{lo}"), "|hi |hi |lo |lo"),
        (format!("{NEXT}{lo}{NEXT}{hi}{NEXT}"), "=next |lo =next |hi =next"),
        (format!("{lo}{}{NEXT}", get("Content-Length: 2\r\n") + "xx"), "|lo =x =next"),
        (format!("{hi}{}{hi}", request("HEAD", "/echo/x")), "|hi ^=x |hi"),
        (format!("{NEXT}{}{NEXT}", get("Connection: close\r\n")), "=next =x!"),
        (format!("{hi}{}{hi}", post("Connection: close\r\nContent-Length: 2\r\n", "yo")), "|hi |yo!"),
    ])
}

/// Bytes after a refusal are never read as a request, even if they are a valid one.
fn after_refusals() -> Vec<Case> {
    let smuggled = |lines: &str| post(lines, &format!("0\r\n\r\n{NEXT}"));
    Row::AfterRefusal.cases(&[
        (format!("{NEXT}GET / HTTP/3\r\n\r\n{NEXT}"), "=next 400!"),
        (format!("{NEXT}{}{NEXT}", request("GET", "*")), "=next 400!"),
        (smuggled("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "400!"),
        (smuggled("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), "400!"),
        (smuggled("Transfer-Encoding: xchunked\r\n"), "501!"),
        (smuggled("Content-Length: 0\r\nContent-Length: 5\r\n"), "400!"),
        (smuggled("Content-Length: +5\r\n"), "400!"),
        (chunked(&format!("2\r\nhi\r\n0;\r\n\r\n{NEXT}")), "400!"),
        (post("Expect: more\r\n", NEXT), "417!"),
        (format!("{}{NEXT}", request("CONNECT", "h:80")), "501!"),
    ])
}
