//! What the server's side answers.

use std::sync::Arc;

use async_vs_threads::http1::{Expects, Response, ServerCodec, Status, limits};
use async_vs_threads::workload::route::route;

use super::served::{DATE, NEXT, Served, check, check_all, post, with};

#[test]
fn routes() {
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
    for (target, expected) in [
        ("/echo/hello", "=hello"),
        ("/echo/a%20b%2Fc%25d%C3%A9", "=a_b/c%d\u{e9}"),
        ("/echo/a%2fb", "=a/b"),
        ("/echo/a%252Fb", "=a%2Fb"),
        ("/echo/a+b%2B", "=a+b+"),
        ("/echo/%FF", "=%FF"),
        ("/echo/%C3%28", "=%C3("),
        ("/echo/%zz", "=%zz"),
        ("/echo/%4", "=%4"),
        ("/echo/%00x", "=\0x"),
        ("/echo/x?q=1#f", "=x"),
        ("/echo/x#f?q", "=x"),
        ("/echo/a;b=c", "=a;b=c"),
        ("/echo/a%3Fb%23c", "=a?b#c"),
        ("/echo/..", "=.."),
        ("/echo/.", "=."),
        ("/%65cho/x", "=x"),
        ("http://host/echo/x", "=x"),
        ("HTTP://host:80/echo/x?y", "=x"),
        ("https://[::1]:443/echo/x", "=x"),
        ("/echo/", "404"),
        ("/echo", "404"),
        ("/echo/x/", "404"),
        ("/echo/x/y", "404"),
        ("//echo/x", "404"),
        ("/echo%2Fx", "404"),
        ("/echo/{x}", "404"),
        ("/echo/%7Bx", "404"),
        ("/ECHO/x", "404"),
        ("/nothing", "404"),
        ("/", "=async-vs-threads:_GET_/echo/{what}_answers_what\n"),
        ("http://host", "=async-vs-threads:_GET_/echo/{what}_answers_what\n"),
        ("http://host?q", "=async-vs-threads:_GET_/echo/{what}_answers_what\n"),
    ] {
        // The help ends in a line feed, and blanks part the expectations: compare it apart.
        if expected.ends_with('\n') {
            let mut served = Served::new();
            served.read(get(target).as_bytes());
            assert!(served.output.ends_with(b"\r\n\r\nasync-vs-threads: GET /echo/{what} answers what\n"));
        } else {
            check(get(target).as_bytes(), expected);
        }
    }
}

#[test]
fn methods() {
    check_all(&[
        ("HEAD /echo/hello HTTP/1.1\r\nHost: h\r\n\r\n", "^5"),
        ("OPTIONS /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "204"),
        ("OPTIONS / HTTP/1.1\r\nHost: h\r\n\r\n", "204"),
        ("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "204"),
        ("OPTIONS /no HTTP/1.1\r\nHost: h\r\n\r\n", "404"),
        ("GET * HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("DELETE / HTTP/1.1\r\nHost: h\r\n\r\n", "405"),
        ("PUT /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "405"),
        ("POST /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "405"),
        ("TRACE /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "405"),
        ("get /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "405"),
        ("M-SEARCH /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "405"),
        ("PUT /no HTTP/1.1\r\nHost: h\r\n\r\n", "404"),
        ("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", "501!"),
    ]);
}

#[test]
fn request_lines() {
    check_all(&[
        ("GET /echo/x HTTP/2.0\r\nHost: h\r\n\r\n", "505!"),
        ("GET /echo/x HTTP/9.9\r\nHost: h\r\n\r\n", "505!"),
        ("GET /echo/x HTTP/0.9\r\nHost: h\r\n\r\n", "505!"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505!"),
        ("GET /echo/x HTTP/1\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/x HTTP/01.01\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/x HTTP/1.10\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/x http/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/x HTTP/1.1 \r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/x\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/x \r\nHost: h\r\n\r\n", "400!"),
        ("GET\r\n\r\n", "400!"),
        ("GET  /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/x  HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        (" GET /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("GET\t/echo/x\tHTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/a b HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/\u{e9} HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/\0 HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("GET /echo/\x7f HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("GET echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("GET http:///echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("GET http://u@h/echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("GET ftp://h/echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("G@T /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("\x16\x03\x01\x02", "400!"),
        ("\r\nGET /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "=x"),
        ("\r\n\r\n\r\nGET /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "=x"),
        ("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("\nGET /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
        ("\rGET /echo/x HTTP/1.1\r\nHost: h\r\n\r\n", "400!"),
    ]);
    check(b"GET /echo/\xFF HTTP/1.1\r\nHost: h\r\n\r\n", "400!");
}

#[test]
fn hosts() {
    let check = |lines: &str, expected: &str| {
        check(format!("GET /echo/x HTTP/1.1\r\n{lines}\r\n").as_bytes(), expected);
    };
    check("", "400!");
    check("Host: h\r\nHost: h\r\n", "400!");
    check("Host: h\r\nhOST: h\r\n", "400!");
    check("Host:\r\n", "400!");
    check("Host: \t \r\n", "400!");
    check("Host: user@h\r\n", "400!");
    check("Host: h/path\r\n", "400!");
    check("Host: a,b\r\n", "400!");
    check("Host: a b\r\n", "400!");
    check("Host: h:port\r\n", "400!");
    check("HOST:h\r\n", "=x");
    check("Host: [::1]:8080 \r\n", "=x");
}

#[test]
fn field_lines() {
    for (lines, expected) in [
        ("A: b\r\n folded\r\n", "400!"),
        ("A : b\r\n", "400!"),
        (" A: b\r\n", "400!"),
        (": b\r\n", "400!"),
        ("A\r\n", "400!"),
        ("A[: b\r\n", "400!"),
        ("A: \0\r\n", "400!"),
        ("A: \x01\r\n", "400!"),
        ("A: \x7f\r\n", "400!"),
        ("A: b\rc\r\n", "400!"),
        ("A: b\r\r\n", "400!"),
        ("A: b\n", "400!"),
        ("A: b\nB: c\r\n", "400!"),
        ("A: \r\n", "=x"),
        ("A:\r\n", "=x"),
        ("A:\tb c \t\r\n", "=x"),
        ("A: \u{e9}\r\n", "=x"),
        ("A: b\r\nA: c\r\n", "=x"),
        ("Upgrade: h2c\r\nConnection: upgrade\r\n", "=x"),
    ] {
        check(with(lines).as_bytes(), expected);
    }
    check(b"GET /echo/x HTTP/1.1\nHost: h\r\n\r\n", "400!");
    check(b"GET /echo/x HTTP/1.1\r\nHost: h\r\n\n", "400!");
    check(b"GET /echo/x HTTP/1.1\r\nHost: h\n\n", "400!");
}

#[test]
fn lengths() {
    for (lines, body, expected) in [
        ("Content-Length: 5\r\n", "hello", "404"),
        ("content-length:0005\r\n", "hello", "404"),
        ("Content-Length: 0\r\n", "", "404"),
        ("", "", "404"),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", "hello", "400!"),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", "hello", "400!"),
        ("Content-Length: 5, 10\r\n", "hello", "400!"),
        ("Content-Length: 5, 5\r\n", "hello", "400!"),
        ("Content-Length: +5\r\n", "hello", "400!"),
        ("Content-Length: -0\r\n", "", "400!"),
        ("Content-Length: 0x5\r\n", "hello", "400!"),
        ("Content-Length: 1_0\r\n", "hello", "400!"),
        ("Content-Length: 5 5\r\n", "hello", "400!"),
        ("Content-Length:\r\n", "", "400!"),
        ("Content-Length: 99999999999999999999\r\n", "", "400!"),
        ("Content-Length: 18446744073709551615\r\n", "", "413!"),
        ("Content-Length: 1048577\r\n", "", "413!"),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", "400!"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n", "400!"),
        ("Transfer-Encoding: gzip\r\n", "", "501!"),
        ("Transfer-Encoding: identity\r\n", "", "501!"),
        ("Transfer-Encoding: xchunked\r\n", "", "501!"),
        ("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n", "501!"),
        ("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n", "400!"),
        ("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n", "400!"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", "400!"),
        ("Transfer-Encoding:\r\n", "", "400!"),
        ("Transfer-Encoding: ,chunked\r\n", "0\r\n\r\n", "400!"),
        ("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n", "404"),
    ] {
        check(post(lines, body).as_bytes(), expected);
    }
    check(b"GET /echo/x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", "=x");
    let long = "a".repeat(100_000);
    check(post("Content-Length: 100000\r\n", &long).as_bytes(), "404");
}

#[test]
fn chunks() {
    for (body, expected) in [
        ("0\r\n\r\n", "404"),
        ("5\r\nhello\r\n0\r\n\r\n", "404"),
        ("00005\r\nhello\r\n000\r\n\r\n", "404"),
        ("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "404"),
        ("5;a=b\r\nhello\r\n0;c\r\n\r\n", "404"),
        ("5;a=\"b \\\" c\";d\r\nhello\r\n0\r\n\r\n", "404"),
        ("0\r\nA: b\r\nC:\r\n\r\n", "404"),
        ("+5\r\nhello\r\n0\r\n\r\n", "400!"),
        ("0x5\r\nhello\r\n0\r\n\r\n", "400!"),
        ("5_0\r\nhello\r\n0\r\n\r\n", "400!"),
        (" 5\r\nhello\r\n0\r\n\r\n", "400!"),
        ("5 \r\nhello\r\n0\r\n\r\n", "400!"),
        ("-1\r\nhello\r\n0\r\n\r\n", "400!"),
        ("\r\nhello\r\n0\r\n\r\n", "400!"),
        (";a\r\nhello\r\n0\r\n\r\n", "400!"),
        ("5g\r\nhello\r\n0\r\n\r\n", "400!"),
        ("10000000000000000\r\nhello\r\n", "400!"),
        ("FFFFFFFFFFFFFFFF\r\nhello\r\n", "413!"),
        ("100001\r\nhello\r\n", "413!"),
        ("5\r\nhello0\r\n\r\n", "400!"),
        ("5\r\nhello!\r\n0\r\n\r\n", "400!"),
        ("5\nhello\r\n0\r\n\r\n", "400!"),
        ("5\r\nhello\n0\r\n\r\n", "400!"),
        ("5\rhello\r\n0\r\n\r\n", "400!"),
        ("5;\r\nhello\r\n0\r\n\r\n", "400!"),
        ("5;a=\r\nhello\r\n0\r\n\r\n", "400!"),
        ("5; a\r\nhello\r\n0\r\n\r\n", "400!"),
        ("5;a\0\r\nhello\r\n0\r\n\r\n", "400!"),
        ("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", "400!"),
        ("5;a\nhello\r\n0\r\n\r\n", "400!"),
        ("0\r\nA : b\r\n\r\n", "400!"),
        ("0\r\n: b\r\n\r\n", "400!"),
        ("0\r\nA: b\r\n c\r\n\r\n", "400!"),
        ("0\r\nA: b\n\r\n", "400!"),
        ("0\r\nA\r\n\r\n", "400!"),
        ("0\r\n\n", "400!"),
    ] {
        check(post("Transfer-Encoding: chunked\r\n", body).as_bytes(), expected);
    }
    let chunked = |body: String| post("Transfer-Encoding: chunked\r\n", &body);
    let long = "a".repeat(65_536);
    check(chunked(format!("5;{long}\r\nhello\r\n0\r\n\r\n")).as_bytes(), "400!");
    check(chunked(format!("0\r\nA: {long}\r\n\r\n")).as_bytes(), "431!");
    check(chunked(format!("10000\r\n{long}\r\n0\r\n\r\n")).as_bytes(), "404");
    check(chunked(format!("{}0\r\n\r\n", "1;a=b\r\nx\r\n".repeat(1_000))).as_bytes(), "404");
}

#[test]
fn expectations() {
    check_all(&[
        (&post("Expect: 100-continue\r\nContent-Length: 2\r\n", "hi"), "100 404"),
        (&post("Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "100 404"),
        (&with("Expect: 100-continue\r\n"), "=x"),
        (&post("Expect: more\r\nContent-Length: 2\r\n", "hi"), "417!"),
        (&with("Expect: 100-continue\r\nExpect: 100-continue\r\n"), "417!"),
    ]);
    let mut served = Served::new();
    served.read(post("Expect: 100-continue\r\nContent-Length: 2\r\n", "").as_bytes());
    assert_eq!(served.output, b"HTTP/1.1 100 Continue\r\n\r\n", "before the body has come");
    let mut served = Served::new();
    served.read(b"POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(served.output, b"", "never to HTTP/1.0");
}

#[test]
fn connections() {
    check_all(&[
        (&with("Connection: close\r\n"), "=x!"),
        (&with("Connection: foo, CLOSE\r\n"), "=x!"),
        (&with("Connection: foo\r\nConnection: close\r\n"), "=x!"),
        (&with("Connection: keep-alive, close\r\n"), "=x!"),
        (&with("Connection: keep-alive\r\n"), "=x"),
        (&with("Connection: closed\r\n"), "=x"),
        ("GET /echo/x HTTP/1.0\r\n\r\n", "~x!"),
        ("GET /echo/x HTTP/1.0\r\nConnection: Keep-Alive\r\nHost: h\r\n\r\n", "~x"),
        ("GET /echo/x HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n", "~x!"),
        ("GET /echo/x HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "400!"),
        ("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400!"),
        ("HEAD /echo/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "^1!"),
        ("OPTIONS / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "204!"),
        (&format!("{NEXT}{NEXT}{NEXT}"), "=next =next =next"),
        (&format!("{NEXT}GET / HTTP/3\r\n\r\n{NEXT}"), "=next 400!"),
        (&format!("{NEXT}{}{NEXT}", with("Connection: close\r\n")), "=next =x!"),
        (&format!("{}{NEXT}", post("Content-Length: 5\r\n", "hello")), "404 =next"),
    ]);
}

#[test]
fn limits_are_held() {
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
    let longest = format!("/echo/{}", "a".repeat(limits::TARGET - 6));
    check(get(&longest).as_bytes(), &format!("={}", &longest[6..]));
    check(get(&format!("{longest}a")).as_bytes(), "414!");
    check(get(&longest.repeat(12)).as_bytes(), "414!");
    check(format!("{} / HTTP/1.1\r\nHost: h\r\n\r\n", "A".repeat(32)).as_bytes(), "405");
    check(format!("{} / HTTP/1.1\r\nHost: h\r\n\r\n", "A".repeat(33)).as_bytes(), "501!");
    check("A".repeat(100_000).as_bytes(), "501!");
    check(with(&"A: b\r\n".repeat(limits::N_FIELDS - 1)).as_bytes(), "=x");
    check(with(&"A: b\r\n".repeat(limits::N_FIELDS)).as_bytes(), "431!");
    check(with(&"A: b\r\n".repeat(10_000)).as_bytes(), "431!");
    let filled = |n: usize| with(&format!("A: {}\r\n", "b".repeat(n - with("A: \r\n").len())));
    check(filled(limits::HEAD).as_bytes(), "=x");
    check(filled(limits::HEAD + 1).as_bytes(), "431!");
    check(with(&format!("{}: b\r\n", "A".repeat(100_000))).as_bytes(), "431!");
}

#[test]
fn what_is_incomplete_is_waited_for_and_at_the_end_forgotten() {
    for whole in [
        with("A: b\r\n"),
        post("Content-Length: 5\r\n", "hello"),
        post("Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\n\r\n"),
    ] {
        for n in 0..whole.len() {
            let mut served = Served::new();
            served.read(&whole.as_bytes()[..n]);
            assert!(served.output.is_empty() && !served.is_closing());
            served.end();
            assert!(served.output.is_empty(), "half a request has no answer");
        }
    }
}

#[test]
fn a_request_before_the_end_of_input_is_answered() {
    let mut codec = ServerCodec::new(None);
    codec.space()[..NEXT.len()].copy_from_slice(NEXT.as_bytes());
    codec.received(NEXT.len());
    codec.received(0);
    let (request, responder) = codec.next(DATE).unwrap();
    route(&request).respond(responder, DATE);
    assert!(codec.next(DATE).is_none());
    assert!(codec.output().ends_with(b"next") && codec.is_closing());
}

#[test]
fn a_peer_that_does_not_read_is_not_served_on() {
    let mut codec = ServerCodec::new(None);
    let body = vec![b'x'; 30_000];
    let (mut n_answered, mut n_asked) = (0, 0);
    for _ in 0..10 {
        codec.space()[..NEXT.len()].copy_from_slice(NEXT.as_bytes());
        codec.received(NEXT.len());
        n_asked += 1;
        while let Some((_, responder)) = codec.next(DATE) {
            responder.send(&Response::text(Status::Ok, &body), DATE);
            n_answered += 1;
        }
    }
    assert!(n_answered < n_asked && codec.output().len() < limits::OUTPUT + 31_000);
    while n_answered < n_asked {
        codec.sent(codec.output().len());
        while let Some((_, responder)) = codec.next(DATE) {
            responder.send(&Response::text(Status::Ok, &body), DATE);
            n_answered += 1;
        }
    }
}

#[test]
fn stamp_refusal_and_a_dropped_responder() {
    let mut codec = ServerCodec::new(Some(Arc::from("n0nce")));
    codec.space()[..NEXT.len()].copy_from_slice(NEXT.as_bytes());
    codec.received(NEXT.len());
    drop(codec.next(DATE));
    let said = String::from_utf8(codec.output().to_vec()).unwrap();
    assert!(said.starts_with("HTTP/1.1 500 ") && said.contains("\r\nAvt-Nonce: n0nce\r\n") && codec.is_closing());
    codec.refuse(Status::RequestTimeout, DATE);
    assert_eq!(codec.output(), said.as_bytes(), "nothing follows the last word");

    let mut codec = ServerCodec::new(None);
    codec.space()[0] = b'G';
    codec.received(1);
    assert!(codec.next(DATE).is_none() && codec.expects() == Expects::Head);
    codec.refuse(Status::RequestTimeout, DATE);
    assert!(codec.output().starts_with(b"HTTP/1.1 408 Request Timeout\r\n") && codec.is_closing());
}
