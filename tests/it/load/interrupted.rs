//! A load that a signal ends: the measurements are shown, and requests in flight count as unfinished.

use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::sync::mpsc;

use nix::sys::signal::Signal;

use super::opening::narrow;
use super::*;
use crate::support::{PATIENCE, exit_code, ignoring, send, wait_for_handler};

/// Starts a server that reads requests, reports each, and never responds.
fn silent() -> (SocketAddr, mpsc::Receiver<()>) {
    let (sender, receiver) = mpsc::channel();
    let address = server(move |mut stream| {
        while read_head(&mut stream) {
            let _ = sender.send(());
        }
    });
    (address, receiver)
}

fn start(address: SocketAddr, args: &[&str]) -> Running {
    let mut command = avt(["load", &format!("http://{address}/"), "--json", "--timeout", "1h"]);
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    Running(command.spawn().unwrap())
}

fn read_json(process: &mut Child) -> Value {
    let mut text = String::new();
    process.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text:?}"))
}

#[test]
fn requests_in_flight_are_unfinished_and_not_timed_out() {
    for (args, unfinished) in [
        (&["-c", "2", "-d", "1h"][..], 2),
        (&["-c", "2", "-d", "500ms"], 2),
        (&["-c", "2", "-n", "2"], 2),
        (&["-c", "2", "-n", "100"], 2),
        (&["-c", "2", "-d", "1h", "--rate", "1000"], 2),
        (&["-c", "2", "-d", "1h", "--warmup", "1h"], 0),
    ] {
        let (address, receiver) = silent();
        let mut load = start(address, args);
        for _ in 0..2 {
            receiver.recv_timeout(PATIENCE).unwrap();
        }
        send(&load.0, Signal::SIGINT);
        assert_eq!(exit_code(&mut load), Some(130), "{args:?}");
        let json = read_json(&mut load.0);
        check_sum(&json);
        let count = |name: &str| json["requests"][name].as_u64().unwrap();
        assert_eq!((count("unfinished"), count("timed_out")), (unfinished, 0), "{args:?}: {json}");
        assert_eq!((&json["partial"], &json["errors"]), (&true.into(), &serde_json::json!({})), "{args:?}: {json}");
    }
}

#[test]
fn connections_that_do_not_open_are_abandoned() {
    let (address, receiver) = silent();
    // reqwest connects with its first request.
    let mut load = start(address, &["-c", "3", "--client", "reqwest"]);
    receiver.recv_timeout(PATIENCE).unwrap();
    send(&load.0, Signal::SIGTERM);
    assert_eq!(exit_code(&mut load), Some(143));
}

#[test]
fn a_queue_that_stays_full_is_abandoned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("narrow.sock");
    let _listener = narrow(&path);
    let mut command = avt(["load", "http://a/", "-c", "9", "--timeout", "1h", "--unix"]);
    let mut load = Running(command.arg(&path).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    let mut stderr = BufReader::new(load.0.stderr.take().unwrap());
    stderr.read_line(&mut String::new()).unwrap();
    send(&load.0, Signal::SIGINT);
    assert_eq!(exit_code(&mut load), Some(130));
}

#[test]
fn a_hangup_under_nohup_does_not_end_a_load() {
    let (answered, receiver) = mpsc::channel();
    let address = server(move |mut stream| {
        while read_head(&mut stream) && stream.write_all(OK).is_ok() {
            let _ = answered.send(());
        }
    });
    let load = avt(["load", &format!("http://{address}/"), "--json", "-c", "1", "-n", "300", "--think", "1ms"]);
    let mut load = Running(ignoring("HUP", &load).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    receiver.recv_timeout(PATIENCE).unwrap();
    wait_for_handler(&load.0, Signal::SIGINT);
    send(&load.0, Signal::SIGHUP);
    let json = read_json(&mut load.0);
    assert_eq!(exit_code(&mut load), Some(0));
    assert_eq!((&json["requests"]["completed"], &json["partial"]), (&300.into(), &false.into()), "{json}");
}
