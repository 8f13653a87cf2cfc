//! `avt load` against working and faulty servers: every request is accounted for.

mod errors;
mod interrupted;
mod open;
mod opening;
mod output_files;
mod outputs;
mod shards;
mod targets;
#[cfg(feature = "tls")]
mod tls;
mod unix;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Ended, Running, Server, avt, models, run, wait_for};

/// The shortest valid response.
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

fn load(address: SocketAddr, path: &str, more: &[&str]) -> (Ended, Value) {
    let mut command = avt(["load", &format!("http://{address}{path}"), "--json"]);
    command.args(more);
    let ended = run(command);
    let json = serde_json::from_str(&ended.stdout).unwrap_or(Value::Null);
    (ended, json)
}

fn check_sum(json: &Value) {
    let part = |name: &str| json["requests"][name].as_u64().unwrap_or_else(|| panic!("{name}: {json}"));
    let parts = ["completed", "failed", "timed_out", "unsent", "unfinished"].map(part);
    assert_eq!(part("planned"), parts.iter().sum::<u64>(), "{json}");
}

/// Starts a server that handles every connection like this until the test ends.
fn server(behave: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let behave = behave.clone();
            thread::spawn(move || behave(stream.unwrap()));
        }
    });
    address
}

/// Reads the head of a request. Returns false if the connection ends before it.
fn read_head(stream: &mut TcpStream) -> bool {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return false;
        }
        read.push(byte[0]);
    }
    true
}

/// Starts a server that sends the same bytes to every request, and closes the connection afterwards if `closes`.
fn fixed_response(answer: &'static [u8], closes: bool) -> SocketAddr {
    server(move |mut stream| while read_head(&mut stream) && stream.write_all(answer).is_ok() && !closes {})
}

#[test]
fn a_request_count_is_exact_under_every_model_and_client() {
    for model in models() {
        let server = Server::start(model);
        for client in ["raw", "reqwest"] {
            // More connections than `sequential` or `pool/2` can serve would wait forever.
            let connections = if matches!(model, "sequential" | "pool/2") { "1" } else { "7" };
            let args = ["-n", "500", "-c", connections, "-t", "2", "--client", client, "--timeout", "30s"];
            let (ended, json) = load(server.address, "/echo/hello", &args);
            assert_eq!(ended.code, Some(0), "{model} {client}: {ended:?}");
            check_sum(&json);
            assert_eq!(json["requests"]["completed"], 500, "{model} {client}: {json}");
            assert_eq!(json["status"]["200"], 500, "{model} {client}: {json}");
            assert_eq!(json["response_time_us"]["count"], 500, "{model} {client}: {json}");
        }
    }
}

#[test]
fn a_window_counts_the_requests_that_fall_into_it() {
    let server = Server::start("async");
    let (ended, json) = load(server.address, "/echo/hello", &["-c", "3", "-d", "200ms", "--warmup", "50ms"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    check_sum(&json);
    let connections = ["planned", "opened", "starved"].map(|name| json["connections"][name].as_u64());
    assert_eq!(connections, [Some(3), Some(3), Some(0)], "{json}");
    let each = ["min", "p50", "max"].map(|name| json["connections"]["requests_each"][name].as_u64().unwrap());
    assert!(each[0] > 0 && each.is_sorted(), "{json}");
    let duration = json["duration_s"].as_f64().unwrap();
    assert!((0.2..1.0).contains(&duration), "{json}");
    // Every counted request is timed.
    assert_eq!(json["response_time_us"]["count"], json["requests"]["completed"], "{json}");
    assert_eq!(json["requests"]["failed"], 0, "{json}");
}

#[test]
fn connections_starved_before_or_after_the_warm_up_are_counted() {
    for rate in [&[][..], &["--rate", "2000"]] {
        for warmup in ["0s", "50ms"] {
            let server = Server::start("pool/2");
            let args = ["-c", "5", "-d", "200ms", "--drain", "50ms", "--warmup", warmup];
            let (ended, json) = load(server.address, "/echo/hello", &[&args, rate].concat());
            let what = format!("{rate:?} {warmup}: {json}");
            assert_eq!(ended.code, Some(0), "{ended:?}");
            check_sum(&json);
            assert_eq!(json["connections"]["starved"], 3, "{what}");
            // Their connections stay open, and their requests unanswered.
            assert_eq!(json["requests"]["unfinished"], 3, "{what}");
            assert_eq!(json["response_time_us"]["count"], json["requests"]["planned"], "{what}");
            assert!(json["response_time_us"]["max"].as_f64().unwrap() >= 200_000.0, "{what}");
            assert!(json["mean_in_flight"].as_f64().unwrap() <= 5.0, "{what}");
            assert_eq!(json["most_in_flight"], 5, "{what}");
            let reasons = json["reasons"].to_string();
            assert!(reasons.contains("3 of 5 connections got no answer"), "{what}");
            assert!(reasons.contains("never got an answer"), "{what}");
            assert!(!reasons.contains("defect"), "{what}");
        }
    }
}

#[test]
fn an_unanswered_request_is_unfinished_and_its_time_a_lower_bound() {
    let silent = server(|mut stream| while read_head(&mut stream) {});
    let args = ["-c", "3", "-d", "100ms", "--warmup", "20ms", "--drain", "30ms"];
    let (ended, json) = load(silent, "/", &args);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    check_sum(&json);
    assert_eq!((&json["requests"]["unfinished"], &json["connections"]["starved"]), (&3.into(), &3.into()), "{json}");
    assert_eq!(
        (&json["response_time_us"]["count"], &json["service_time_us"]["count"]),
        (&3.into(), &0.into()),
        "{json}"
    );
    // Sent before the end of the window, and in flight until the end of the drain.
    assert!(json["response_time_lower_bound_from_us"].as_f64().unwrap() >= 30_000.0, "{json}");
}

#[test]
fn a_request_without_a_response_times_out_and_stays_in_the_times() {
    let silent = server(|mut stream| while read_head(&mut stream) {});
    let (ended, json) = load(silent, "/", &["-n", "4", "-c", "2", "--timeout", "60ms"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    check_sum(&json);
    assert_eq!(json["requests"]["timed_out"], 4, "{json}");
    assert_eq!(json["response_time_us"]["count"], 4, "{json}");
    assert!(json["response_time_lower_bound_from_us"].as_f64().unwrap() >= 60_000.0, "{json}");
    assert_eq!(json["service_time_us"]["count"], 0, "{json}");
}

#[test]
fn a_server_that_closes_after_each_response_gets_a_new_connection() {
    let closing = fixed_response(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", true);
    let (ended, json) = load(closing, "/", &["-n", "20", "-c", "2"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!((&json["requests"]["completed"], &json["requests"]["failed"]), (&20.into(), &0.into()), "{json}");
    let until_close = fixed_response(b"HTTP/1.1 200 OK\r\n\r\nas long as it lasts", true);
    let (ended, json) = load(until_close, "/", &["-n", "20", "-c", "2"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(json["requests"]["completed"], 20, "{json}");
}

#[test]
fn a_close_between_two_requests_loses_no_request() {
    // Closes without notice during the think time of the client.
    let closing = fixed_response(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true);
    let (ended, json) = load(closing, "/", &["-n", "10", "-c", "2", "--think", "20ms"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!((&json["requests"]["completed"], &json["requests"]["failed"]), (&10.into(), &0.into()), "{json}");
}

#[test]
fn surplus_bytes_are_not_taken_for_a_response() {
    // The second response arrives with the first. Taken for the response to the next request, it would count as a 404.
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    for think in ["0s", "5ms"] {
        let (ended, json) = load(fixed_response(answer, false), "/", &["-n", "10", "-c", "2", "--think", think]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(json["status"], serde_json::json!({ "200": 10 }), "{json}");
        assert_eq!(json["answers_with_surplus_bytes"], 10, "{json}");
    }
    let (_, json) = load(fixed_response(OK, false), "/", &["-n", "10", "-c", "2"]);
    assert_eq!(json["answers_with_surplus_bytes"], 0, "{json}");
}

#[test]
fn a_slow_stream_of_bytes_does_not_postpone_the_time_out() {
    let dripping = server(|mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
    });
    let (ended, json) = load(dripping, "/", &["-n", "4", "-c", "2", "--timeout", "60ms"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    check_sum(&json);
    assert_eq!(json["requests"]["timed_out"], 4, "{json}");
}

#[test]
fn a_request_larger_than_the_socket_buffer_is_sent_completely() {
    const SIZE: usize = 8 << 20;
    let address = server(|mut stream| {
        while read_head(&mut stream) {
            let read = std::io::copy(&mut (&mut stream).take(SIZE as u64), &mut std::io::sink()).unwrap();
            assert_eq!(read, SIZE as u64);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        }
    });
    let body = tempfile::NamedTempFile::new().unwrap();
    body.as_file().set_len(SIZE as u64).unwrap();
    let body = format!("@{}", body.path().display());
    let (ended, json) = load(address, "/", &["-n", "6", "-c", "2", "--body", &body, "--timeout", "30s"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(json["status"], serde_json::json!({ "200": 6 }), "{json}");
}

#[test]
fn requests_to_a_server_that_dies_are_all_accounted_for() {
    // Answers ten requests, then closes the listener and the connections, like a process that dies.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let dying = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        for _ in 0..10 {
            assert!(read_head(&mut stream));
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        }
    });
    let (ended, json) = load(address, "/", &["-n", "30", "-c", "1", "--timeout", "5s"]);
    dying.join().unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    check_sum(&json);
    assert_eq!((&json["requests"]["planned"], &json["requests"]["completed"]), (&30.into(), &10.into()), "{json}");
    assert!(json["errors"]["refused"].as_u64().is_some_and(|refused| refused >= 18), "{json}");
}

/// Returns the CPU time of a process, in ticks of 10 ms.
fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn a_server_that_ends_in_the_window_ends_the_load_and_makes_it_invalid() {
    let server = Server::start("async");
    let url = format!("http://{}/echo/hello", server.address);
    let mut command = avt(["load", &url, "--json", "-c", "2", "-d", "1h"]);
    let mut load = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    // CPU time shows that requests arrive.
    wait_for("requests", || (cpu_ticks(server.pid()) >= 3).then_some(()));
    server.signal(Signal::SIGKILL);
    let mut text = String::new();
    load.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((load.0.wait().unwrap().code(), &json["verdict"]), (Some(0), &Value::from("invalid")), "{json}");
    assert!(json["reasons"].to_string().contains("all processes of the server had ended"), "{json}");
    assert!(json["requests"]["completed"].as_u64().unwrap() > 0 && json["partial"] == false, "{json}");
    check_sum(&json);
}

#[test]
fn invalid_arguments_are_refused_before_any_load() {
    let check = |args: &[&str], code: i32, expected: &str| {
        let ended = run(avt([&["load"], args].concat()));
        assert_eq!(ended.code, Some(code), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{args:?}: {}", ended.stderr);
    };
    // A port that was free a moment ago, and that nobody has listened on since.
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    check(&[&format!("http://{unused}/")], 3, "no process listens on this address");
    check(&["not an url"], 2, "write a URL such as http://");
    check(&["ftp://127.0.0.1/"], 2, "unsupported scheme, expected http or https");
    #[cfg(not(feature = "tls"))] // `.ci/run` tests this on the program that it built for the benches.
    check(&["https://127.0.0.1/"], 2, "without TLS; build it with `--features tls`");
    check(&["http://127.0.0.1:1/", "-c", "0"], 2, "0 is not in 1..=");
    check(&["http://127.0.0.1:1/", "-d", "5"], 2, "missing unit in `5`");
    check(&["http://127.0.0.1:1/", "-d", "0s"], 2, "must be greater than 0");
    check(&["http://127.0.0.1:1/", "-H", "no colon"], 2, "no colon");
    check(&["http://127.0.0.1:1/", "-H", "A: b\r\nC: d"], 2, "invalid in a header field");
    check(&["http://127.0.0.1:1/", "-X", "G ET"], 2, "invalid method `G ET`");
    check(&["http://127.0.0.1:1/", "-X", "CONNECT"], 2, "opens a tunnel");
    check(&["http://nope.invalid/", "--timeout", "5s"], 3, "nope.invalid");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    check(&[&url, "-c", "1000000"], 3, "open files");
}
