//! The open loop: the schedule is kept and every request is accounted for, whatever the server does.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{io, thread};

use serde_json::json;

use super::*;

/// Starts a server that answers this many requests over all connections, and then passes each requesting connection to
/// `then`.
fn answering(answers: u64, then: impl Fn(&TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let n_requests = Arc::new(AtomicU64::new(0));
    server(move |mut stream| {
        while read_head(&mut stream) {
            if n_requests.fetch_add(1, Ordering::SeqCst) < answers {
                let _ = stream.write_all(OK);
            } else {
                then(&stream);
            }
        }
    })
}

fn count(json: &Value, name: &str) -> u64 {
    json["requests"][name].as_u64().unwrap_or_else(|| panic!("{name}: {json}"))
}

#[test]
fn an_even_rate_gives_an_exact_number_of_requests() {
    let server = Server::start("async");
    for pacing in ["sleep", "hybrid", "spin"] {
        for client in ["raw", "reqwest"] {
            let args = ["-c", "8", "-d", "300ms", "--warmup", "50ms", "--rate", "1000", "--arrivals", "even"];
            let args = [&args[..], &["--pacing", pacing, "--client", client]].concat();
            let (ended, json) = load(server.address, "/echo/hello", &args);
            assert_eq!(ended.code, Some(0), "{ended:?}");
            check_sum(&json);
            assert_eq!((count(&json, "planned"), count(&json, "completed")), (300, 300), "{pacing} {client}: {json}");
            assert_eq!(json["response_time_us"]["count"], 300, "{json}");
            assert_eq!(json["send_lag_us"]["count"], 300, "{json}");
            assert_eq!((&json["loop"], &json["rate"]["offered"]), (&json!("open"), &json!(1000.0)), "{json}");
            assert!(json["duration_s"].as_f64().unwrap() >= 0.3, "{json}");
        }
    }
}

#[test]
fn the_schedule_does_not_depend_on_the_number_of_threads() {
    let server = Server::start("async");
    let planned = |more: &[&str]| {
        let args = [&["-c", "6", "-d", "200ms", "--rate", "3000"], more].concat();
        let (_, json) = load(server.address, "/echo/hello", &args);
        check_sum(&json);
        assert_eq!(count(&json, "completed"), count(&json, "planned"), "{json}");
        count(&json, "planned")
    };
    let alone = planned(&[]);
    assert_eq!(alone, planned(&["-t", "3"]));
}

#[test]
fn a_request_count_ends_the_schedule() {
    let server = Server::start("async");
    for threads in ["1", "2"] {
        let args = ["-c", "4", "-n", "777", "--rate", "20000", "--warmup", "10ms", "-t", threads];
        let (ended, json) = load(server.address, "/echo/hello", &args);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        check_sum(&json);
        assert_eq!((count(&json, "planned"), count(&json, "completed")), (777, 777), "{json}");
    }
}

/// The quantiles of the waiting times are `value(q) = S - (1 - q) D` for a stall of S at the end of a run of D. Only
/// the lower bound is tested, since times are longer on a busy machine.
#[test]
fn a_stall_counts_in_the_response_times_of_all_requests_due_in_it() {
    const STALL: f64 = 0.6;
    const RUN: f64 = 1.0;
    let start = Instant::now();
    let server = server(move |mut stream| {
        while read_head(&mut stream) {
            let at = start.elapsed().as_secs_f64();
            // The freeze ends for all connections at once, after the end of the schedule.
            if at > 0.6 {
                thread::sleep(Duration::from_secs_f64((1.8 - at).max(0.0)));
            }
            let _ = stream.write_all(OK);
        }
    });
    let args = ["-c", "10", "-d", "1s", "--rate", "1000", "--arrivals", "even"];
    let (ended, json) = load(server, "/", &args);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    check_sum(&json);
    assert_eq!((count(&json, "planned"), count(&json, "completed")), (1000, 1000), "{json}");
    for (name, share) in [("p75", 0.75), ("p90", 0.9), ("p99", 0.99)] {
        let measured = json["response_time_us"][name].as_f64().unwrap() / 1e6;
        assert!(measured >= STALL - (1.0 - share) * RUN, "{name} {measured}: {json}");
    }
    // The server causes the delay; the service times of ten connections alone would not show it.
    let waited = json["send_lag_no_connection_us"]["p75"].as_f64().unwrap() / 1e6;
    assert!(waited >= STALL - 0.25 * RUN, "{waited}: {json}");
    // Responses after the window do not violate Little's law.
    assert!(!json["reasons"].to_string().contains("in flight"), "{json}");
}

#[test]
fn all_requests_to_a_server_that_freezes_forever_are_accounted_for() {
    let server = answering(100, |_| thread::sleep(Duration::from_secs(60)));
    let args = ["-c", "5", "-d", "400ms", "--rate", "1000", "--arrivals", "even", "--drain", "100ms"];
    let (ended, json) = load(server, "/", &args);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    check_sum(&json);
    assert_eq!((count(&json, "planned"), count(&json, "completed")), (400, 100), "{json}");
    assert_eq!((count(&json, "unfinished"), count(&json, "unsent")), (5, 295), "{json}");
    // They are in the distribution with the time they have waited, as lower bounds.
    assert_eq!((&json["response_time_us"]["count"], &json["service_time_us"]["count"]), (&json!(400), &json!(100)));
    assert!(json["response_time_lower_bound_from_us"].as_f64().unwrap() >= 100_000.0, "{json}");
    assert!(json["response_time_us"]["max"].as_f64().unwrap() >= 390_000.0, "{json}");
}

#[test]
fn a_time_out_counts_from_when_the_request_was_due() {
    let server = answering(50, |_| thread::sleep(Duration::from_secs(60)));
    let args = ["-c", "2", "-d", "500ms", "--rate", "200", "--arrivals", "even", "--timeout", "100ms"];
    let (_, json) = load(server, "/", &args);
    check_sum(&json);
    assert_eq!((count(&json, "planned"), count(&json, "completed")), (100, 50), "{json}");
    let timed_out = count(&json, "timed_out");
    assert_eq!(timed_out, 50, "{json}");
    // Some may have taken a connection shortly before, or waited for one to open.
    let kinds = ["timeout", "timeout_unsent", "connect_timeout"].map(|kind| json["errors"][kind].as_u64().unwrap_or(0));
    assert_eq!(kinds.iter().sum::<u64>(), timed_out, "{json}");
    assert_eq!(json["response_time_us"]["count"], 100, "{json}");
    assert!(json["response_time_lower_bound_from_us"].as_f64().unwrap() >= 100_000.0, "{json}");
}

#[test]
fn requests_fail_when_the_server_resets_their_connections() {
    let server = answering(60, |stream| {
        socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
        stream.shutdown(std::net::Shutdown::Both).unwrap();
    });
    let (_, json) = load(server, "/", &["-c", "5", "-d", "300ms", "--rate", "500", "--arrivals", "even"]);
    check_sum(&json);
    assert_eq!((count(&json, "planned"), count(&json, "completed"), count(&json, "failed")), (150, 60, 90), "{json}");
    // Failed requests have no response time.
    assert_eq!(json["response_time_us"]["count"], 60, "{json}");
}

#[test]
fn requests_fail_after_the_server_dies() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let served = thread::spawn(move || {
        // One thread serves all connections, so that they all close when it ends.
        let mut streams: Vec<TcpStream> = Vec::new();
        let mut answered = 0;
        while answered < 40 {
            match listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(true).unwrap();
                    streams.push(stream);
                }
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
            for stream in &mut streams {
                let mut request = [0; 1024];
                // On loopback, a small request arrives in one piece.
                if answered < 40 && stream.read(&mut request).is_ok_and(|n| n > 0) {
                    stream.write_all(OK).unwrap();
                    answered += 1;
                }
            }
            thread::yield_now();
        }
    });
    let (_, json) = load(address, "/", &["-c", "4", "-d", "300ms", "--rate", "500", "--arrivals", "even"]);
    served.join().unwrap();
    check_sum(&json);
    assert_eq!((count(&json, "planned"), count(&json, "completed"), count(&json, "failed")), (150, 40, 110), "{json}");
    assert!(json["errors"]["refused"].as_u64().unwrap() >= 100, "{json}");
}

#[test]
fn an_invalid_rate_is_refused_before_any_load() {
    let closed: SocketAddr = "127.0.0.1:1".parse().unwrap();
    for args in [
        &["--rate", "0"][..],
        &["--rate", "-1"],
        &["--rate", "nan"],
        &["--rate", "inf"],
        &["--rate", "1e12"],
        &["--rate", "many"],
        &["--rate", "1", "--think", "1s"],
        &["--pacing", "spin"],
        &["--arrivals", "even"],
        &["--rate", "1", "--arrivals", "odd"],
    ] {
        let (ended, _) = load(closed, "/", args);
        assert_eq!(ended.code, Some(2), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains("--"), "{args:?}: {ended:?}");
    }
}

#[test]
fn a_closed_loop_has_no_send_lag_and_a_think_time_delays_its_requests() {
    let server = Server::start("async");
    let (_, json) = load(server.address, "/echo/hello", &["-c", "2", "-n", "100"]);
    assert_eq!((&json["send_lag_us"]["count"], &json["send_lag_us"]["max"]), (&json!(100), &json!(0.0)), "{json}");
    let (_, json) = load(server.address, "/echo/hello", &["-c", "2", "-n", "20", "--think", "1ms"]);
    check_sum(&json);
    assert_eq!(count(&json, "completed"), 20, "{json}");
    // Two connections with ten requests each, and 1 ms of think time before all but the first.
    assert!(json["duration_s"].as_f64().unwrap() >= 0.009, "{json}");
}
