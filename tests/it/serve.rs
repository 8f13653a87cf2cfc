//! The echo server over real sockets: every model sends the same bytes.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

use nix::sys::signal::Signal;

use crate::http1::cases::{Case, NEXT, next_answer, tables, text};
use crate::http1::oracle::DATE;
use crate::http1::served::shorten;
use crate::support::{Server, avt, models, run};

/// Replaces every date of the responses by [`DATE`].
fn normalize_dates(mut answer: Vec<u8>) -> Vec<u8> {
    const FIELD: &[u8] = b"\r\nDate: ";
    let mut at = 0;
    while let Some(found) = answer[at..].windows(FIELD.len()).position(|window| window == FIELD) {
        at += found + FIELD.len();
        if let Some(value) = answer.get_mut(at..at + DATE.0.len()) {
            value.copy_from_slice(&DATE.0);
        }
    }
    answer
}

/// Sends as many bytes as the server accepts. It may stop reading a request that it refuses, and the refusal must
/// arrive anyway.
fn send(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
}

/// Reads this many bytes, or fewer if the server closes its side earlier.
fn receive(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut answer = Vec::new();
    stream.take(length as u64).read_to_end(&mut answer).unwrap();
    normalize_dates(answer)
}

/// Checks a case on two connections: one that closes its side after the request, and one that stays open.
fn check(model: &str, server: &Server, case: &Case) {
    let verify = |what: &str, answer: &[u8], expected: &[u8]| {
        assert!(answer == expected, "{model}, {}, {what}: {}", case.name(), shorten(answer));
    };
    let mut stream = server.connect();
    send(&mut stream, &case.request);
    let _ = stream.shutdown(Shutdown::Write);
    verify("half-closed", &receive(&mut stream, usize::MAX), &case.answer);

    let mut stream = server.connect();
    send(&mut stream, &case.request);
    if case.closes {
        return verify("until the server closes", &receive(&mut stream, usize::MAX), &case.answer);
    }
    verify("left open", &receive(&mut stream, case.answer.len()), &case.answer);
    send(&mut stream, NEXT.as_bytes());
    verify("second request", &receive(&mut stream, next_answer().len()), &next_answer());
    stream.shutdown(Shutdown::Write).unwrap();
    verify("after the end", &receive(&mut stream, usize::MAX), b"");
}

#[test]
fn every_model_answers_every_case() {
    let tables = tables();
    thread::scope(|scope| {
        for model in models() {
            let cases = tables.iter().flat_map(|(_, cases)| cases);
            scope.spawn(move || {
                let server = Server::start(model);
                cases.for_each(|case| check(model, &server, case));
            });
        }
    });
}

#[test]
fn a_thousand_pipelined_requests_are_answered_in_order() {
    for model in models() {
        let server = Server::start(model);
        let requests: String = (0..1_000).map(|k| format!("GET /echo/{k} HTTP/1.1\r\nHost: x\r\n\r\n")).collect();
        let mut writer = server.connect();
        let mut reader = writer.try_clone().unwrap();
        let writing = thread::spawn(move || {
            writer.write_all(requests.as_bytes()).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut answers = Vec::new();
        reader.read_to_end(&mut answers).unwrap();
        writing.join().unwrap();
        let expected: Vec<u8> = (0..1_000).flat_map(|k| text(&k.to_string())).collect();
        assert!(normalize_dates(answers) == expected, "{model}");
    }
}

#[test]
fn connections_wait_for_a_free_thread() {
    let server = Server::start("pool/2");
    let ask = |stream: &mut TcpStream| {
        stream.write_all(b"GET /echo/a HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    };
    let answer = |stream: &mut TcpStream| {
        let mut answer = [0; 512];
        let n = stream.read(&mut answer).unwrap();
        assert!(answer[..n].starts_with(b"HTTP/1.1 200 OK"), "{:?}", String::from_utf8_lossy(&answer[..n]));
    };
    let (mut first, mut second, mut third) = (server.connect(), server.connect(), server.connect());
    for stream in [&mut first, &mut second] {
        ask(stream);
        answer(stream);
    }
    ask(&mut third);
    third.set_nonblocking(true).unwrap();
    let is_waiting = third.read(&mut [0; 16]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    assert!(is_waiting, "both threads are busy");
    third.set_nonblocking(false).unwrap();
    drop(first);
    answer(&mut third);
}

#[test]
fn a_port_in_use_is_refused_by_name() {
    let server = Server::start("async");
    let ended = run(avt(["serve", "--model", "async", "--addr", &server.address.to_string()]));
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains(&server.address.to_string()), "{}", ended.stderr);
    let ended = run(avt(["serve", "--model", "asinc"]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("did you mean `async`?"), "{}", ended.stderr);
}

#[test]
fn a_server_with_few_descriptors_reports_its_limit_of_connections() {
    let stderr = |files: u32, more: &[&str]| {
        let mut command = Command::new("prlimit");
        command.arg(format!("--nofile={files}:{files}")).arg(env!("CARGO_BIN_EXE_avt"));
        command.args(["serve", "--model", "async", "--addr", "127.0.0.1:0"]).args(more);
        let server = Server::spawn({
            command.stdin(Stdio::null()).stderr(Stdio::piped());
            command
        });
        server.signal(Signal::SIGTERM);
        server.ended().1
    };
    assert!(
        stderr(64, &[]).contains("room for only 1 connection: this process may open 64 files"),
        "{}",
        stderr(64, &[])
    );
    assert!(stderr(400, &["--connections", "300"]).contains("room for only 240 connections"));
    assert!(!stderr(400, &["--connections", "200"]).contains("room for"));
}
