//! Slow, hostile and many peers, and the shutdown of a server, under every model.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use socket2::{Domain, Socket, Type};

use crate::support::{Server, models, wait_for};

const REQUEST: &[u8] = b"GET /echo/a HTTP/1.1\r\nHost: x\r\n\r\n";

/// Short time-outs, different enough to distinguish them.
const SHORT: [&str; 8] =
    ["--head-timeout", "300ms", "--body-timeout", "300ms", "--write-timeout", "300ms", "--idle-timeout", "2s"];

/// Longer than all time-outs of a test except the one for idle connections.
const SOON: Duration = Duration::from_millis(1500);

/// Runs a check for all models at the same time, since the checks mostly wait.
fn every_model(check: impl Fn(&'static str) + Sync) {
    thread::scope(|scope| {
        for model in models() {
            let check = &check;
            scope.spawn(move || check(model));
        }
    });
}

/// Reads one response to [`REQUEST`].
fn read_response(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\na") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "ended after {:?}", String::from_utf8_lossy(&read));
        read.push(byte[0]);
    }
    String::from_utf8(read).unwrap()
}

fn read_to_end(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    stream.read_to_end(&mut read).unwrap();
    String::from_utf8(read).unwrap()
}

/// Returns the number of bytes that the peer has not acknowledged yet, from the kernel's table.
fn unacknowledged(stream: &TcpStream) -> u64 {
    let port = format!(":{:04X}", stream.local_addr().unwrap().port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let mut fields = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let own = fields.find(|fields| fields[1].ends_with(&port)).unwrap();
    u64::from_str_radix(own[4].split(':').next().unwrap(), 16).unwrap()
}

#[test]
fn a_request_that_takes_too_long_is_answered_408() {
    every_model(|model| {
        let server = Server::start_with(model, &SHORT);
        let partial: [&[u8]; 4] = [
            b"GET /echo/a HT",
            b"GET /echo/a HTTP/1.1\r\nHost: x\r\n",
            b"POST /echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
            b"POST /echo/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
        ];
        for partial in partial {
            let mut stream = server.connect();
            let begun = Instant::now();
            stream.write_all(partial).unwrap();
            let output = read_to_end(&mut stream);
            assert!(output.starts_with("HTTP/1.1 408 ") && output.contains("Connection: close"), "{model}: {output:?}");
            assert_eq!(output.matches("HTTP/1.1").count(), 1, "{model}: {output:?}");
            assert!(begun.elapsed() < SOON, "{model}: {:?}", begun.elapsed());
        }
    });
}

#[test]
fn a_slow_stream_of_bytes_does_not_extend_the_time_out() {
    every_model(|model| {
        let server = Server::start_with(model, &SHORT);
        let mut stream = server.connect();
        // After one response, the time starts with the second request.
        stream.write_all(REQUEST).unwrap();
        read_response(&mut stream);
        let mut dripping = stream.try_clone().unwrap();
        let drip = thread::spawn(move || {
            let mut target = b"GET /echo/".iter().chain(std::iter::repeat(&b'a'));
            while dripping.write_all(&[*target.next().unwrap()]).is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        });
        let begun = Instant::now();
        let output = read_to_end(&mut stream);
        assert!(output.starts_with("HTTP/1.1 408 "), "{model}: {output:?}");
        assert!(begun.elapsed() < SOON, "{model}: {:?}", begun.elapsed());
        drop(stream);
        drip.join().unwrap();
    });
}

#[test]
fn an_idle_connection_is_closed_silently_and_a_busy_one_stays_open() {
    every_model(|model| {
        let server = Server::start_with(model, &["--idle-timeout", "300ms"]);
        let mut busy = server.connect();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(900) {
            busy.write_all(REQUEST).unwrap();
            read_response(&mut busy);
            thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(read_to_end(&mut busy), "", "{model}");
        let mut silent = server.connect();
        assert_eq!(read_to_end(&mut silent), "", "{model}");
    });
}

#[test]
fn a_peer_that_does_not_read_is_dropped_and_costs_little() {
    every_model(|model| {
        let server = Server::start_with(model, &SHORT);
        let mut stream = server.connect();
        stream.set_nonblocking(true).unwrap();
        let requests = REQUEST.repeat(1_000);
        let (mut written, begun) = (0, Instant::now());
        // Until the server drops the connection; it accepts no more than its buffers and the kernel's hold.
        let end = loop {
            match stream.write(&requests) {
                Ok(n) => written += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(5)),
                Err(error) => break error.kind(),
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{model}: never dropped");
        };
        assert!(matches!(end, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe), "{model}: {end:?}");
        assert!(written < 32 << 20, "{model}: took {written} bytes");
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        assert!(peak.unwrap().parse::<u64>().unwrap() < 32 << 10, "{model}: {peak:?} KiB");
        assert_eq!(server.exchange(REQUEST).len(), response_length(), "{model} keeps serving");
    });
}

fn response_length() -> usize {
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 1\r\n\
     Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\na"
        .len()
}

#[test]
fn resets_are_survived() {
    every_model(|model| {
        let server = Server::start(model);
        for bytes in [&b""[..], b"GET /echo/a HT", REQUEST, &REQUEST.repeat(100)] {
            let mut stream = server.connect();
            stream.write_all(bytes).unwrap();
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
            drop(stream);
        }
        assert_eq!(server.exchange(REQUEST).len(), response_length(), "{model}");
    });
}

#[test]
fn a_connection_beyond_the_limit_gets_503() {
    every_model(|model| {
        let server = Server::start_with(model, &["--connections", "2"]);
        let mut held: Vec<_> = (0..2).map(|_| server.connect()).collect();
        if model != "sequential" {
            for stream in &mut held {
                stream.write_all(REQUEST).unwrap();
                read_response(stream);
            }
        }
        if model == "sequential" {
            // It accepts no connection while it serves one; the others wait in the kernel.
            return;
        }
        let mut refused = server.connect();
        refused.write_all(REQUEST).unwrap();
        let output = read_to_end(&mut refused);
        assert!(output.starts_with("HTTP/1.1 503 ") && output.contains("Connection: close"), "{model}: {output:?}");
        drop(held);
        let exchange = || server.exchange(REQUEST).starts_with(b"HTTP/1.1 200 ").then_some(());
        wait_for("a free connection", exchange);
        server.signal(Signal::SIGTERM);
        let (code, output) = server.ended();
        assert_eq!(code, Some(0), "{model}: {output}");
        assert!(output.contains("refused with 503"), "{model}: {output}");
    });
}

#[test]
fn a_stopped_server_answers_pending_requests_and_exits() {
    every_model(|model| {
        let server = Server::start(model);
        let mut idle = (model != "sequential").then(|| server.connect());
        let mut stream = server.connect();
        stream.write_all(REQUEST).unwrap();
        read_response(&mut stream);
        if let Some(idle) = &mut idle
            && model != "pool/2"
        {
            idle.write_all(REQUEST).unwrap();
            read_response(idle);
        }
        // Sent before the signal, so it must get a response.
        stream.write_all(REQUEST).unwrap();
        wait_for("the request to arrive", || (unacknowledged(&stream) == 0).then_some(()));
        server.signal(Signal::SIGTERM);
        let output = read_to_end(&mut stream);
        assert_eq!(output.matches("HTTP/1.1 200 OK").count(), 1, "{model}: {output:?}");
        if let Some(idle) = &mut idle {
            assert_eq!(read_to_end(idle), "", "{model}");
        }
        let address = server.address;
        drop((stream, idle));
        let (code, output) = server.ended();
        assert_eq!(code, Some(0), "{model}: {output}");
        assert!(output.contains("stopped by SIGTERM"), "{model}: {output}");
        assert!(TcpStream::connect(address).is_err(), "{model} still listens");
    });
}

#[test]
fn a_connection_that_does_not_end_in_time_is_cut_off() {
    every_model(|model| {
        let server = Server::start_with(model, &["--stop-timeout", "200ms"]);
        let _held = pending_response(&server);
        server.signal(Signal::SIGINT);
        let (code, output) = server.ended();
        assert_eq!(code, Some(1), "{model}: {output}");
        assert!(output.contains("1 cut off"), "{model}: {output}");
    });
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    every_model(|model| {
        let server = Server::start_with(model, &["--stop-timeout", "1h"]);
        let _held = pending_response(&server);
        server.signal(Signal::SIGTERM);
        wait_for("the listener to close", || TcpStream::connect(server.address).is_err().then_some(()));
        server.signal(Signal::SIGTERM);
        assert_eq!(server.ended().0, Some(143), "{model}");
    });
}

/// Opens a connection with a pending response that is larger than the buffers of both sides.
fn pending_response(server: &Server) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    // The server's buffer grows with the segment size.
    socket.set_tcp_mss(536).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&server.address.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    let body = vec![b'x'; 1 << 20];
    let head = format!("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
    assert_eq!(stream.peek(&mut [0]).unwrap(), 1);
    stream
}

#[test]
fn an_idle_server_does_not_wake_up() {
    every_model(|model| {
        let server = Server::start(model);
        let mut stream = server.connect();
        stream.write_all(REQUEST).unwrap();
        read_response(&mut stream);
        let switches = || -> u64 {
            let tasks = std::fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
            let count = |task: std::path::PathBuf| {
                let status = std::fs::read_to_string(task.join("status")).unwrap_or_default();
                let parse = |line: &str| line.strip_prefix("voluntary_ctxt_switches:")?.trim().parse::<u64>().ok();
                status.lines().find_map(parse).unwrap_or(0)
            };
            tasks.map(|task| count(task.unwrap().path())).sum()
        };
        // tokio's workers and its blocking thread take a moment to become idle.
        let mut before = switches();
        wait_for("an interval without context switches", || {
            thread::sleep(Duration::from_millis(300));
            let now = switches();
            let is_idle = now == before;
            before = now;
            is_idle.then_some(())
        });
    });
}
