//! The echo server over real sockets: every model gives the same bytes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;

use crate::support::{MODELS, PATIENCE, Server, avt, run};

/// Takes out the one line that depends on when it was written.
fn without_date(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let (dates, others): (Vec<&str>, Vec<&str>) = text.split("\r\n").partition(|line| line.starts_with("Date: "));
    assert_eq!(dates.len(), text.matches("HTTP/1.").count(), "a Date in every answer: {text}");
    others.join("\r\n")
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn with_close(answer: &str) -> String {
    answer.replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
}

#[test]
fn every_model_answers_the_same() {
    let text = |status: &str, allow: &str, body: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n{allow}\r\n{body}"
        )
    };
    let cases: [(&str, String); 11] = [
        ("GET /echo/hello HTTP/1.1\r\nHost: x\r\n\r\n", ok("hello")),
        ("GET /echo/a%20b%2Fc%25d%C3%A9 HTTP/1.1\r\nHost: x\r\n\r\n", ok("a b/c%dé")),
        ("HEAD /echo/hello HTTP/1.1\r\nHost: x\r\n\r\n", ok("hello").trim_end_matches("hello").to_owned()),
        ("GET /echo/ HTTP/1.1\r\nHost: x\r\n\r\n", text("404 Not Found", "", "404: Not Found")),
        ("GET /echo/a/b HTTP/1.1\r\nHost: x\r\n\r\n", text("404 Not Found", "", "404: Not Found")),
        (
            "DELETE /echo/a HTTP/1.1\r\nHost: x\r\n\r\n",
            text("405 Method Not Allowed", "Allow: GET, HEAD\r\n", "405: Method Not Allowed"),
        ),
        ("GET /echo/a HTTP/1.1\r\nHost: x\r\n\r\nGET /echo/b HTTP/1.1\r\nHost: x\r\n\r\n", ok("a") + &ok("b")),
        ("GET /echo/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", with_close(&ok("a"))),
        ("GET /echo/a HTTP/1.0\r\n\r\n", with_close(&ok("a")).replacen("HTTP/1.1", "HTTP/1.0", 1)),
        (
            "GET /echo/a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
            ok("a").replacen("\r\n\r\n", "\r\nConnection: keep-alive\r\n\r\n", 1).replacen("HTTP/1.1", "HTTP/1.0", 1),
        ),
        ("GET /echo/a HTTP/1.1\r\n\r\n", with_close(&text("400 Bad Request", "", "400: Bad Request"))),
    ];
    for model in MODELS {
        let server = Server::start(model);
        for (request, expected) in &cases {
            assert_eq!(without_date(&server.exchange(request.as_bytes())), *expected, "{model}: {request:?}");
        }
    }
}

#[test]
fn a_thousand_pipelined_requests_are_answered_in_order() {
    for model in MODELS {
        let server = Server::start(model);
        let requests: String = (0..1_000).map(|k| format!("GET /echo/{k} HTTP/1.1\r\nHost: x\r\n\r\n")).collect();
        let mut writer = TcpStream::connect(server.address).unwrap();
        let mut reader = writer.try_clone().unwrap();
        reader.set_read_timeout(Some(PATIENCE)).unwrap();
        let writing = thread::spawn(move || {
            writer.write_all(requests.as_bytes()).unwrap();
            writer.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let mut answers = Vec::new();
        reader.read_to_end(&mut answers).unwrap();
        writing.join().unwrap();
        let expected: String = (0..1_000).map(|k| ok(&k.to_string())).collect();
        assert_eq!(without_date(&answers), expected, "{model}");
    }
}

#[test]
fn a_refusal_reaches_a_peer_that_is_still_sending() {
    for model in MODELS {
        let server = Server::start(model);
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let target = format!("GET /echo/{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(100_000));
        // The server may stop listening before all of it is sent; the answer must come all the same.
        let _ = stream.write_all(target.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 414 "), "{model}: {answer:?}");
    }
}

#[test]
fn more_connections_than_threads_wait_their_turn() {
    let server = Server::start("pool/2");
    let connect = || TcpStream::connect(server.address).unwrap();
    let ask = |stream: &mut TcpStream| {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"GET /echo/a HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    };
    let answer = |stream: &mut TcpStream| {
        let mut answer = [0; 512];
        let n = stream.read(&mut answer).unwrap();
        assert!(answer[..n].starts_with(b"HTTP/1.1 200 OK"), "{:?}", String::from_utf8_lossy(&answer[..n]));
    };
    let (mut first, mut second, mut third) = (connect(), connect(), connect());
    for stream in [&mut first, &mut second] {
        ask(stream);
        answer(stream);
    }
    ask(&mut third);
    third.set_nonblocking(true).unwrap();
    let waits = third.read(&mut [0; 16]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    assert!(waits, "both threads are taken");
    third.set_nonblocking(false).unwrap();
    drop(first);
    answer(&mut third);
}

#[test]
fn a_port_in_use_is_named_and_refused() {
    let server = Server::start("async");
    let ended = run(avt(["serve", "--model", "async", "--addr", &server.address.to_string()]));
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains(&server.address.to_string()), "{}", ended.stderr);
    let ended = run(avt(["serve", "--model", "asinc"]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("did you mean `async`?"), "{}", ended.stderr);
}
