//! Every way in which a server can fail to respond has an error class; responses that only look like failures have
//! none.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use socket2::{Domain, SockRef, Socket, Type};

use super::{check_sum, fixed_response, load, read_head, server};
use crate::support::{Ended, avt, run};

/// Checks two failing requests, one after the other on one connection, with either client.
fn check(address: SocketAddr, class: &str) {
    for client in ["raw", "reqwest"] {
        check_client(client, address, class);
    }
}

fn check_client(client: &str, address: SocketAddr, class: &str) {
    let (ended, json) = load(address, "/", &["-n", "2", "-c", "1", "--timeout", "10s", "--client", client]);
    let what = format!("{client}, {class}: {json}");
    assert_eq!(ended.code, Some(1), "{client}, {class}: {ended:?}");
    check_sum(&json);
    assert_eq!(json["errors"], json!({ class: 2 }), "{what}");
    assert_eq!(json["requests"]["failed"], 2, "{what}");
    assert_eq!(json["connections"]["opened"], 1, "{what}");
    assert_eq!(json["response_time_us"]["count"], 0, "{what}");
    assert_eq!(json["response_time_us"]["p50"], Value::Null, "{what}");
    assert_eq!(json["verdict"], "invalid", "{what}");
    assert!(json["reasons"].to_string().contains("2 of 2 requests failed"), "{what}");
    check_bounded(&json);
}

/// Checks that endless input was not stored. An idle `avt` uses a third of this limit.
fn check_bounded(json: &Value) {
    assert!(json["generator"]["peak_rss_bytes"].as_u64().unwrap() < 30 << 20, "{json}");
}

/// Like [`check`], for a server that sends these bytes and closes.
fn check_response(response: &'static [u8], class: &str) {
    check(fixed_response(response, true), class);
}

/// Starts a server that sends these bytes in response to a request, and then resets the connection.
fn resetting(bytes: &'static [u8]) -> SocketAddr {
    server(move |mut stream| {
        if read_head(&mut stream) && stream.write_all(bytes).is_ok() {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
    })
}

/// Starts a server that sends `begin` in response to a request, and then repeats `more` until the client closes.
fn endless(begin: &'static [u8], more: &'static [u8], pause: Duration) -> SocketAddr {
    server(move |mut stream| {
        let mut open = read_head(&mut stream) && stream.write_all(begin).is_ok();
        while open {
            open = stream.write_all(more).is_ok();
            thread::sleep(pause);
        }
    })
}

#[test]
fn an_early_end_or_reset_of_a_connection_has_a_class() {
    check_response(b"", "eof_before_head");
    check_response(b"HTTP/1.1 20", "eof_before_head");
    check_response(b"HTTP/1.1 100 Continue\r\n\r\n", "eof_before_head");
    check_response(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "eof_in_body");
    check_response(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "eof_in_body");
    check(resetting(b""), "reset_in_head");
    check(resetting(b"HTTP/1.1 20"), "reset_in_head");
    check(resetting(b"HTTP/1.1 100 Continue\r\n\r\n"), "reset_in_head");
    check(resetting(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"), "reset_in_body");
    check(resetting(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), "reset_in_body");
    // The body would end with the connection, but a reset is not an end.
    check(resetting(b"HTTP/1.1 200 OK\r\n\r\nhello"), "reset_in_body");
}

#[test]
fn an_invalid_response_is_a_parse_error() {
    check_response(b"SMTP ready\r\n\r\n", "parse_error");
    check_response(b"HTTP/3.0 200 OK\r\n\r\n", "parse_error");
    check_response(b"HTTP/1.1 2000 OK\r\n\r\n", "parse_error");
    check_response(b"HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", "parse_error");
    check_response(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "parse_error");
    check_response(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "parse_error");
    check_response(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "parse_error");
    check_response(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nhello\r\n", "parse_error");
    check_response(b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n", "parse_error");
    check_response(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "parse_error");
    check_response(
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "parse_error",
    );
    check_response(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "parse_error");
    check_response(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "parse_error");
    check_response(b"HTTP/1.1 200 OK\r\nContent-Length: 0, 0\r\n\r\n", "parse_error");
    // reqwest's parser is more lenient here, and does not report these.
    for response in [
        &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0 \r\n\r\n"[..],
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    ] {
        check_client("raw", fixed_response(response, true), "parse_error");
    }
}

#[test]
fn a_head_beyond_the_limits_is_too_large() {
    let fields = |n: usize| -> &'static [u8] {
        let fields = "A: b\r\n".repeat(n - 1);
        Box::leak(format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{fields}\r\n").into_boxed_str()).as_bytes()
    };
    check_response(fields(101), "header_too_large");
    check_response(
        Box::leak(
            format!("HTTP/1.1 200 OK\r\nA: {}\r\nContent-Length: 0\r\n\r\n", "b".repeat(65_536)).into_boxed_str(),
        )
        .as_bytes(),
        "header_too_large",
    );
    let url = format!("http://{}/", fixed_response(fields(101), true));
    let output = run(avt(["load", &url, "-n", "1", "-c", "1"])).stdout;
    assert!(output.contains("the limit is 64.0 KiB or 100 fields"), "{output}");
    for client in ["raw", "reqwest"] {
        let (ended, json) = load(fixed_response(fields(100), false), "/", &["-n", "2", "-c", "1", "--client", client]);
        assert_eq!((ended.code, &json["status"]), (Some(0), &json!({ "200": 2 })), "{client}: {ended:?}");
    }
}

#[test]
fn an_endless_response_is_refused_or_times_out() {
    const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";
    const PIECE: &[u8] = &[b'x'; 64 << 10];
    check(endless(b"HTTP/1.1 200 OK\r\nA: ", PIECE, Duration::ZERO), "header_too_large");
    check(endless(OK, b"A: b\r\n", Duration::ZERO), "header_too_large");
    // reqwest accepts any number of interim responses.
    check_client("raw", endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", Duration::ZERO), "parse_error");
    // A body is counted and not kept: only the time-out ends it.
    let claimed = b"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n";
    let chunk = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFF\r\n";
    for begin in [&claimed[..], chunk, b"HTTP/1.1 200 OK\r\n\r\n"] {
        for client in ["raw", "reqwest"] {
            let args = ["-n", "2", "-c", "1", "--timeout", "200ms", "--client", client];
            let (ended, json) = load(endless(begin, PIECE, Duration::ZERO), "/", &args);
            assert_eq!((ended.code, &json["errors"]), (Some(1), &json!({ "timeout": 2 })), "{client}: {ended:?}");
            check_bounded(&json);
        }
    }
}

#[test]
fn a_slow_response_times_out() {
    let check_client = |client: &str, address: SocketAddr| {
        let (ended, json) = load(address, "/", &["-n", "4", "-c", "2", "--timeout", "200ms", "--client", client]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        check_sum(&json);
        assert_eq!((&json["requests"]["timed_out"], &json["errors"]), (&4.into(), &json!({ "timeout": 4 })), "{json}");
        // Their times are lower bounds, at least the time-out.
        assert_eq!((&json["response_time_us"]["count"], &json["service_time_us"]["count"]), (&4.into(), &0.into()));
        assert!(json["response_time_lower_bound_from_us"].as_f64().unwrap() >= 200_000.0, "{json}");
        // Two time-outs in a row, the pause between them, and one second.
        assert!(json["duration_s"].as_f64().unwrap() < 2.0 * 0.2 + 0.1 + 1.0, "{json}");
        check_bounded(&json);
    };
    let check = |address: SocketAddr| {
        check_client("raw", address);
        check_client("reqwest", address);
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
fn a_reused_connection_that_closes_without_a_response_is_stale() {
    // Reads the second request before closing; closing earlier would race with the request.
    let closing = server(|mut stream| {
        if read_head(&mut stream) && stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_ok() {
            read_head(&mut stream);
        }
    });
    // This server closes before it has read the request: a reset.
    let hasty = server(|mut stream| {
        if read_head(&mut stream) && stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_ok() {
            stream.peek(&mut [0]).unwrap();
        }
    });
    for (client, address) in [("raw", closing), ("reqwest", closing), ("raw", hasty), ("reqwest", hasty)] {
        let (ended, json) = load(address, "/", &["-n", "6", "-c", "1", "--client", client]);
        assert_eq!(ended.code, Some(0), "{client}: {ended:?}");
        check_sum(&json);
        let expected = (&json!({ "stale_connection": 3 }), &json!({ "200": 3 }));
        assert_eq!((&json["errors"], &json["status"]), expected, "{client}: {json}");
    }
}

#[test]
fn a_complete_response_is_not_an_error() {
    let check = |address: SocketAddr, status: Value, more: &[&str]| {
        for client in ["raw", "reqwest"] {
            let (ended, json) = load(address, "/", &[&["-n", "6", "-c", "2", "--client", client], more].concat());
            assert_eq!(ended.code, Some(0), "{client}: {ended:?}");
            check_sum(&json);
            assert_eq!((&json["errors"], &json["status"]), (&json!({}), &status), "{client}: {json}");
        }
    };
    let ok = json!({ "200": 6 });
    check(
        fixed_response(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", true),
        ok.clone(),
        &[],
    );
    check(fixed_response(b"HTTP/1.1 200 OK\r\n\r\nas long as it lasts", true), ok.clone(), &[]);
    let interim =
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    check(fixed_response(interim, false), ok.clone(), &[]);
    // A reset after a complete response.
    check(resetting(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"), ok, &[]);
    check(fixed_response(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", false), json!({ "503": 6 }), &[]);
    check(fixed_response(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false), json!({ "200": 6 }), &["-X", "HEAD"]);
}

#[test]
fn a_status_from_600_on_is_a_response_and_violates_the_slo() {
    for (response, status) in [
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"[..], 200),
        (b"HTTP/1.1 199 Odd\r\n\r\nHTTP/1.1 299 OK\r\nContent-Length: 0\r\n\r\n", 299),
        (b"HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n", 600),
        (b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", 999),
    ] {
        for client in ["raw", "reqwest"] {
            let args = ["-n", "10", "-c", "2", "--client", client, "--slo", "errors<1%"];
            let (_, json) = load(fixed_response(response, false), "/", &args);
            check_sum(&json);
            assert_eq!((&json["errors"], &json["status"]), (&json!({}), &json!({ status.to_string(): 10 })), "{json}");
            assert_eq!(json["slo"][0]["kept"], status < 400, "{client}, {status}: {json}");
        }
    }
}

#[test]
fn a_response_to_an_incomplete_request_counts() {
    const REFUSAL: &[u8] = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno";
    let body = tempfile::NamedTempFile::new().unwrap();
    body.as_file().set_len(8 << 20).unwrap();
    let body = format!("@{}", body.path().display());
    // The first closes at once, which resets the connection; the second shuts down its side and keeps reading.
    let hasty = fixed_response(REFUSAL, true);
    let patient = server(|mut stream| {
        if read_head(&mut stream) && stream.write_all(REFUSAL).is_ok() {
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            while stream.read(&mut [0; 64 << 10]).is_ok_and(|n| n > 0) {}
        }
    });
    // reqwest may fail to write before it reads the response of the hasty server.
    for (client, address) in [("raw", hasty), ("raw", patient), ("reqwest", patient)] {
        let args = ["-n", "20", "-c", "2", "--body", &body, "--client", client];
        let (ended, json) = load(address, "/", &args);
        assert_eq!(ended.code, Some(0), "{client}: {ended:?}");
        check_sum(&json);
        assert_eq!((&json["errors"], &json["status"]), (&json!({}), &json!({ "413": 20 })), "{json}");
    }
}

fn check_no_connection(ended: &Ended, expected: &str) {
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains(expected), "{ended:?}");
}

#[test]
fn an_unreachable_server_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let load = |url: &str| run(avt(["load", url, "--timeout", "300ms"]));
    check_no_connection(&load(&format!("http://127.0.0.1:{port}/")), "no process listens on this address");
    // No TCP goes to a group of machines.
    check_no_connection(&load("http://224.0.0.1:9/"), "no route to the server");
    check_no_connection(&load("http://nope.invalid/"), "nope.invalid");
}

#[test]
fn all_addresses_of_a_name_are_tried() {
    let address = fixed_response(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false);
    let url = format!("http://localhost:{}/", address.port());
    let ended = run(avt(["load", &url, "-n", "1", "-c", "1"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn an_attempt_to_connect_times_out() {
    // The queue holds one connection that is not accepted, and it is full.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.listen(0).unwrap();
    let listener = TcpListener::from(socket);
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let waiting = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    for client in ["raw", "reqwest"] {
        let ended = run(avt(["load", &url, "-c", "1", "--timeout", "300ms", "--client", client]));
        check_no_connection(&ended, "the connection attempt timed out");
    }
    drop(waiting);
    // The queue was full; the server itself still accepts.
    drop(listener.accept().unwrap());
    assert!(TcpStream::connect(listener.local_addr().unwrap()).is_ok());
}

#[test]
fn a_lack_of_descriptors_is_reported_as_local() {
    let address = fixed_response(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false);
    // Enough descriptors, except that the process starts with thirty open files.
    let script = "for n in {10..39}; do eval \"exec $n</dev/null\"; done; ulimit -n 48; exec \"$@\"";
    let mut command = Command::new("bash");
    command.args(["-c", script, "bash", env!("CARGO_BIN_EXE_avt"), "load", &format!("http://{address}/"), "-c", "20"]);
    check_no_connection(
        &run(command),
        "of 20 connections could be opened: this process has reached its limit of open files",
    );
}
