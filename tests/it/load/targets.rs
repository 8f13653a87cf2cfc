//! A load of several URLs asks for each of them in turn.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::{OK, check_sum, server};
use crate::support::{Ended, avt, run};

/// Every target that a server was asked for, in the order in which the requests came.
type Asked = Arc<Mutex<Vec<String>>>;

/// Reads a request with a body of so many bytes, whose first line is kept and whose body must be all `x`.
fn read(stream: &mut BufReader<TcpStream>, body: usize, asked: &Asked) -> bool {
    let mut lines = stream.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let Some(first) = lines.next() else { return false };
    let target = first.split(' ').nth(1).unwrap().to_owned();
    lines.for_each(drop);
    let mut bytes = vec![0; body];
    stream.read_exact(&mut bytes).unwrap();
    assert!(bytes.iter().all(|byte| *byte == b'x'), "{target}: the body of another request");
    asked.lock().unwrap().push(target);
    true
}

/// A server that gives every request the same bytes and then, if told so, closes.
fn listening(answer: &'static [u8], closes: bool, body: usize) -> (SocketAddr, Asked) {
    let asked = Asked::default();
    let address = server({
        let asked = Arc::clone(&asked);
        move |stream| {
            let mut stream = BufReader::new(stream);
            while read(&mut stream, body, &asked) && stream.get_mut().write_all(answer).is_ok() && !closes {}
        }
    });
    (address, asked)
}

fn load(address: SocketAddr, paths: &[&str], more: &[&str]) -> (Ended, serde_json::Value) {
    let urls = paths.iter().map(|path| format!("http://{address}{path}"));
    let mut command = avt(["load", "--json"]);
    command.args(urls).args(more);
    let ended = run(command);
    let json = serde_json::from_str(&ended.stdout).unwrap_or_default();
    (ended, json)
}

#[test]
fn every_url_is_asked_as_often_as_every_other() {
    let paths = ["/a", "/b?c=d", "/e/f"];
    for (client, threads) in [("raw", "1"), ("raw", "2"), ("reqwest", "1"), ("reqwest", "2")] {
        let (address, asked) = listening(OK, false, 0);
        let args = ["-n", "60", "-c", "6", "-t", threads, "--client", client];
        let (ended, json) = load(address, &paths, &args);
        assert_eq!(ended.code, Some(0), "{client}: {ended:?}");
        check_sum(&json);
        assert_eq!(json["status"], serde_json::json!({ "200": 60 }), "{client}: {json}");
        // reqwest asks once on every connection before anything counts.
        let n = if client == "reqwest" { 66 } else { 60 };
        let asked = asked.lock().unwrap();
        let counts = paths.map(|path| asked.iter().filter(|target| *target == path).count());
        assert_eq!(counts, [n / 3; 3], "{client}, {threads} threads: {asked:?}");
        assert_eq!(json["url"], format!("http://{address}/a"), "{json}");
        assert_eq!(json["urls"].as_array().unwrap().len(), 3, "{json}");
        assert!(ended.stderr.contains("/a and 2 more URLs over 6 connections"), "{ended:?}");
    }
}

#[test]
fn a_request_that_waits_for_its_connection_or_its_rest_stays_the_same() {
    const BODY: usize = 8 << 20;
    // With a connection for each request, and with requests that do not fit into a socket: each more than once.
    let closing = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    for (answer, closes, body) in [(&closing[..], true, 0), (OK, false, BODY)] {
        let (address, asked) = listening(answer, closes, body);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&vec![b'x'; body]).unwrap();
        let file = format!("@{}", file.path().display());
        let args = [&["-n", "6", "-c", "1", "--timeout", "30s"][..], &["--body", &file]].concat();
        let (ended, json) = load(address, &["/a", "/b"], &args);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(json["requests"]["completed"], 6, "{json}");
        assert_eq!(*asked.lock().unwrap(), ["/a", "/b", "/a", "/b", "/a", "/b"]);
    }
}

#[test]
fn urls_of_several_servers_are_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let nobody = thread::spawn(move || listener.accept().unwrap());
    let port = address.port();
    let check = |other: &str, expected: &str| {
        let first = format!("http://127.0.0.1:{port}/a");
        let ended = run(avt(["load", &first, &format!("http://127.0.0.1:{port}/b"), other]));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{other}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{other}: {}", ended.stderr);
    };
    let differs =
        format!("its scheme, host or port is not that of http://127.0.0.1:{port}/a; one load asks one server");
    check("http://127.0.0.1:1/a", &differs);
    check(&format!("http://localhost:{port}/a"), &differs);
    #[cfg(feature = "tls")]
    check(&format!("https://127.0.0.1:{port}/a"), &differs);
    check("not an url", "not an url: ");
    assert!(!nobody.is_finished(), "a server was asked");
    drop(TcpStream::connect(address).unwrap());
    nobody.join().unwrap();
}
