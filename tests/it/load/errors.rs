//! Every way in which a server can fail to answer has a name; and what only looks like a failure has none.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use socket2::{Domain, SockRef, Socket, Type};

use super::{canned, check_sum, head, load, server};
use crate::support::{Ended, avt, run};

/// Two requests that fail, one after the other on one connection: how they are told, and what else must hold.
fn check(address: SocketAddr, class: &str) {
    let (ended, json) = load(address, "/", &["-n", "2", "-c", "1", "--timeout", "10s"]);
    assert_eq!(ended.code, Some(1), "{class}: {ended:?}");
    check_sum(&json);
    assert_eq!(json["errors"], json!({ class: 2 }), "{json}");
    assert_eq!(json["requests"]["failed"], 2, "{class}: {json}");
    assert_eq!(json["response_time_us"]["count"], 0, "{class}: {json}");
    assert_eq!(json["response_time_us"]["p50"], Value::Null, "{class}: {json}");
    check_bounded(&json);
}

/// Nothing was stored that comes without end. An `avt` that does nothing has a third of it.
fn check_bounded(json: &Value) {
    assert!(json["generator"]["peak_rss_bytes"].as_u64().unwrap() < 30 << 20, "{json}");
}

/// As [`check`], for replies.
fn check_reply(reply: &'static [u8], class: &str) {
    check(canned(reply, true), class);
}

/// A server that says this once it is asked, and then resets the connection.
fn resetting(words: &'static [u8]) -> SocketAddr {
    server(move |mut stream| {
        if head(&mut stream) && stream.write_all(words).is_ok() {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
    })
}

/// A server that begins like this once it is asked, and goes on like that for as long as anybody listens.
fn endless(begin: &'static [u8], more: &'static [u8], pause: Duration) -> SocketAddr {
    server(move |mut stream| {
        let mut open = head(&mut stream) && stream.write_all(begin).is_ok();
        while open {
            open = stream.write_all(more).is_ok();
            thread::sleep(pause);
        }
    })
}

#[test]
fn a_connection_that_ends_or_is_reset_too_early() {
    check_reply(b"", "eof_before_head");
    check_reply(b"HTTP/1.1 20", "eof_before_head");
    check_reply(b"HTTP/1.1 100 Continue\r\n\r\n", "eof_before_head");
    check_reply(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "eof_in_body");
    check_reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "eof_in_body");
    check(resetting(b""), "reset_in_head");
    check(resetting(b"HTTP/1.1 20"), "reset_in_head");
    check(resetting(b"HTTP/1.1 100 Continue\r\n\r\n"), "reset_in_head");
    check(resetting(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"), "reset_in_body");
    check(resetting(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), "reset_in_body");
    // Its body would end with the connection, and the connection has not ended but broken.
    check(resetting(b"HTTP/1.1 200 OK\r\n\r\nhello"), "reset_in_body");
}

#[test]
fn what_is_no_reply() {
    check_reply(b"SMTP ready\r\n\r\n", "parse_error");
    check_reply(b"HTTP/3.0 200 OK\r\n\r\n", "parse_error");
    check_reply(b"HTTP/1.1 2000 OK\r\n\r\n", "parse_error");
    check_reply(b"HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", "parse_error");
    check_reply(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "parse_error");
    check_reply(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "parse_error");
    check_reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "parse_error");
    check_reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n", "parse_error");
}

#[test]
fn replies_without_end() {
    const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";
    const PIECE: &[u8] = &[b'x'; 64 << 10];
    check(endless(b"HTTP/1.1 200 OK\r\nA: ", PIECE, Duration::ZERO), "header_too_large");
    check(endless(OK, b"A: b\r\n", Duration::ZERO), "header_too_large");
    let claimed = b"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n";
    check(endless(claimed, PIECE, Duration::ZERO), "body_too_large");
    let chunk = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFF\r\n";
    check(endless(chunk, PIECE, Duration::ZERO), "body_too_large");
    check(endless(OK, b"HTTP/1.1 100 Continue\r\n\r\n", Duration::ZERO), "parse_error");
}

#[test]
fn answers_that_take_too_long() {
    let check = |address: SocketAddr| {
        let (ended, json) = load(address, "/", &["-n", "4", "-c", "2", "--timeout", "200ms"]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        check_sum(&json);
        assert_eq!((&json["requests"]["timed_out"], &json["errors"]), (&4.into(), &json!({ "timeout": 4 })), "{json}");
        // Their time is at least the time-out, not the time of an answer.
        assert_eq!((&json["response_time_us"]["count"], &json["service_time_us"]["count"]), (&4.into(), &0.into()));
        assert!(json["response_time_lower_bound_from_us"].as_f64().unwrap() >= 200_000.0, "{json}");
        // Two in a row, the pause between them, and a second.
        assert!(json["duration_s"].as_f64().unwrap() < 2.0 * 0.2 + 0.1 + 1.0, "{json}");
        check_bounded(&json);
    };
    let second = Duration::from_secs(1);
    check(endless(b"", b"H", second));
    check(endless(b"HTTP/1.1 200 OK\r\nA: ", b"b", second));
    check(endless(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"", second));
    check(endless(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", b"x", second));
    check(endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", Duration::ZERO));
    check(endless(b"HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 16 << 10], Duration::from_micros(500)));
}

#[test]
fn a_used_connection_that_ends_in_silence_is_stale() {
    // Reads the second question and says nothing to it: closing before that would race the question.
    let forgetful = server(|mut stream| {
        if head(&mut stream) && stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_ok() {
            head(&mut stream);
        }
    });
    let (ended, json) = load(forgetful, "/", &["-n", "6", "-c", "1"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    check_sum(&json);
    assert_eq!((&json["errors"], &json["status"]), (&json!({ "stale_connection": 3 }), &json!({ "200": 3 })), "{json}");
}

#[test]
fn what_is_no_error() {
    let check = |address: SocketAddr, status: Value, more: &[&str]| {
        let (ended, json) = load(address, "/", &[&["-n", "6", "-c", "2"], more].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        check_sum(&json);
        assert_eq!((&json["errors"], &json["status"]), (&json!({}), &status), "{json}");
    };
    let ok = json!({ "200": 6 });
    check(canned(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", true), ok.clone(), &[]);
    check(canned(b"HTTP/1.1 200 OK\r\n\r\nas long as it lasts", true), ok.clone(), &[]);
    let interim =
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    check(canned(interim, false), ok.clone(), &[]);
    // Reset behind a complete answer.
    check(resetting(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"), ok, &[]);
    check(canned(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", false), json!({ "503": 6 }), &[]);
}

#[test]
fn an_answer_to_half_a_question_is_an_answer() {
    const REFUSAL: &[u8] = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno";
    let body = tempfile::NamedTempFile::new().unwrap();
    body.as_file().set_len(8 << 20).unwrap();
    let body = format!("@{}", body.path().display());
    // The first closes at once, which resets the connection; the second ends its side in order and reads on.
    let hasty = canned(REFUSAL, true);
    let patient = server(|mut stream| {
        if head(&mut stream) && stream.write_all(REFUSAL).is_ok() {
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            while stream.read(&mut [0; 64 << 10]).is_ok_and(|n| n > 0) {}
        }
    });
    for address in [hasty, patient] {
        let (ended, json) = load(address, "/", &["-n", "20", "-c", "2", "--body", &body]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        check_sum(&json);
        assert_eq!((&json["errors"], &json["status"]), (&json!({}), &json!({ "413": 20 })), "{json}");
    }
}

fn check_no_connection(ended: &Ended, expected: &str) {
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains(expected), "{ended:?}");
}

#[test]
fn a_server_that_cannot_be_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let load = |url: &str| run(avt(["load", url, "--timeout", "300ms"]));
    check_no_connection(&load(&format!("http://127.0.0.1:{port}/")), "nobody listens there");
    // No TCP goes to a group of machines.
    check_no_connection(&load("http://224.0.0.1:9/"), "there is no route to it");
    check_no_connection(&load("http://nope.invalid/"), "nope.invalid");
}

#[test]
fn a_name_is_tried_at_all_its_addresses() {
    let address = canned(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false);
    let url = format!("http://localhost:{}/", address.port());
    let ended = run(avt(["load", &url, "-n", "1", "-c", "1"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn nobody_answers_the_attempt_to_connect() {
    // There is room for one connection that is not accepted: the look whether anybody listens takes it.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.listen(0).unwrap();
    let listener = TcpListener::from(socket);
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let load = || run(avt(["load", &url, "-c", "1", "--timeout", "300ms"]));
    check_no_connection(&load(), "only 0 of 1 connections could be opened: no answer to the attempt to connect");
    check_no_connection(&load(), "no answer to the attempt to connect");
    // That was the queue, not the server.
    drop(listener.accept().unwrap());
    assert!(TcpStream::connect(listener.local_addr().unwrap()).is_ok());
}

#[test]
fn too_few_descriptors_are_our_own_trouble() {
    let address = canned(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false);
    // Enough for what is asked, had the process not been started with thirty files open.
    let script = "for n in {10..39}; do eval \"exec $n</dev/null\"; done; ulimit -n 48; exec \"$@\"";
    let mut command = Command::new("bash");
    command.args(["-c", script, "bash", env!("CARGO_BIN_EXE_avt"), "load", &format!("http://{address}/"), "-c", "20"]);
    check_no_connection(&run(command), "of 20 connections could be opened: this process may not open more files");
}
