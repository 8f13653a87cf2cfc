//! Connections before the first request: how many are opened, and the error if one cannot be.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use socket2::{Domain, SockAddr, Socket, Type};

use super::*;

#[test]
fn no_more_connections_than_requests_are_opened() {
    for client in ["raw", "reqwest"] {
        let accepted = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&accepted);
        let address = server(move |mut stream| {
            counted.fetch_add(1, Ordering::SeqCst);
            while read_head(&mut stream) && stream.write_all(OK).is_ok() {}
        });
        for (args, asked, opened) in
            [(["-n", "1", "-c", "50", "-t", "4"], 50, 1), (["-n", "7", "-c", "5", "-t", "4"], 5, 5)]
        {
            let before = accepted.load(Ordering::SeqCst);
            let (ended, json) = load(address, "/", &[&args[..], &["--client", client]].concat());
            assert_eq!(ended.code, Some(0), "{ended:?}");
            check_sum(&json);
            let connections = ["planned", "opened"].map(|name| json["connections"][name].as_u64().unwrap());
            assert_eq!(connections, [asked, opened], "{client}: {json}");
            assert_eq!(json["requests"]["completed"].as_u64().unwrap().to_string(), args[1], "{client}: {json}");
            // At most one more, which probes for a listener.
            assert!(accepted.load(Ordering::SeqCst) - before <= opened + 1, "{client}");
        }
        let ended = run(avt(["load", &format!("http://{address}/"), "-n", "1", "-c", "50"]));
        assert!(ended.stdout.contains("1 connection (50 requested, but there are fewer requests)"), "{ended:?}");
    }
}

/// Returns a Unix socket that lets two connections wait.
pub(super) fn narrow(path: &Path) -> Socket {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::unix(path).unwrap()).unwrap();
    socket.listen(1).unwrap();
    socket
}

#[test]
fn an_error_counts_the_connections_that_could_be_opened() {
    for (client, args) in [("raw", ["-t", "1"]), ("raw", ["-t", "3"]), ("reqwest", ["-t", "1"])] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("narrow.sock");
        let listener = narrow(&path);
        // One connection is accepted, and two wait.
        let taken = thread::spawn(move || {
            let mut stream: std::os::unix::net::UnixStream = listener.accept().unwrap().0.into();
            let _ = stream.read(&mut [0; 1_024]);
            let _ = stream.write_all(OK);
            (listener, stream)
        });
        let mut command = avt(["load", "http://a/", "-c", "9", "-d", "1s", "--timeout", "2s", "--client", client]);
        command.args(args).arg("--unix").arg(&path);
        let ended = run(command);
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert!(ended.stderr.contains("only 3 of 9"), "{client} {args:?}: {ended:?}");
        taken.join().unwrap();
    }
}

#[test]
fn connections_wait_for_a_full_queue() {
    for client in ["raw", "reqwest"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("narrow.sock");
        let listener = narrow(&path);
        let mut command =
            avt(["load", "http://a/", "--json", "-c", "12", "-n", "24", "--timeout", "30s", "--client", client]);
        command.arg("--unix").arg(&path).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut load = Running(command.spawn().unwrap());
        let mut announced = String::new();
        BufReader::new(load.0.stderr.take().unwrap()).read_line(&mut announced).unwrap();
        // The server accepts nothing until its queue is full.
        wait_for("the queue to be full", || {
            let one_more = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
            one_more.set_nonblocking(true).unwrap();
            one_more.connect(&SockAddr::unix(&path).unwrap()).is_err().then_some(())
        });
        thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                let mut stream: std::os::unix::net::UnixStream = socket.into();
                thread::spawn(
                    move || while matches!(stream.read(&mut [0; 1_024]), Ok(1..)) && stream.write_all(OK).is_ok() {},
                );
            }
        });
        let mut text = String::new();
        load.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(load.0.wait().unwrap().code(), Some(0), "{announced}{text}");
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&json["requests"]["completed"], &json["connections"]["opened"]),
            (&24.into(), &12.into()),
            "{json}"
        );
    }
}

#[test]
fn loads_without_any_request_or_any_response_are_reported() {
    let server = Server::start("async");
    for args in [&["--rate", "0.01", "-d", "1s"][..], &["--rate", "1000", "-d", "1ns"]] {
        let (ended, _) = load(server.address, "/echo/hello", args);
        assert_eq!(ended.code, Some(2), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains("no request is due in the window"), "{ended:?}");
    }
    let (ended, json) = load(server.address, "/echo/hello", &["--rate", "1e-9", "--arrivals", "even", "-d", "200ms"]);
    assert_eq!((ended.code, &json["requests"]["completed"]), (Some(0), &1.into()), "{ended:?}");
    assert!(ended.stderr.contains("1e-9/s"), "{ended:?}");
    let closing = super::server(drop);
    let (ended, _) = load(closing, "/", &["-n", "3", "-c", "1"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("none of 3 requests was answered"), "{ended:?}");
    let (ended, json) = load(server.address, "/echo/hello", &["-n", "3", "-c", "1", "--slo", "p50<1ns"]);
    let is_reported = ended.code == Some(1) && ended.stderr.contains("1 of 1 conditions of --slo violated");
    assert!(is_reported || json["verdict"] == "invalid", "{ended:?}");
}
