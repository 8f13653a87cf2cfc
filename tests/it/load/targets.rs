//! Request targets: several URLs take turns, and each target is sent as typed.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::{OK, check_sum, server};
use crate::support::{Ended, avt, run};

/// The targets that a server received, in order.
type Targets = Arc<Mutex<Vec<String>>>;

/// Reads a request, keeps its target, and checks that its body consists of this many `x`.
fn read(stream: &mut BufReader<TcpStream>, body: usize, targets: &Targets) -> bool {
    let mut lines = stream.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let Some(first) = lines.next() else { return false };
    let target = first.split(' ').nth(1).unwrap().to_owned();
    lines.for_each(drop);
    let mut bytes = vec![0; body];
    stream.read_exact(&mut bytes).unwrap();
    assert!(bytes.iter().all(|byte| *byte == b'x'), "{target}: the body of another request");
    targets.lock().unwrap().push(target);
    true
}

/// Starts a server that sends the same bytes to every request, and closes the connection afterwards if `closes`.
fn listening(answer: &'static [u8], closes: bool, body: usize) -> (SocketAddr, Targets) {
    let targets = Targets::default();
    let address = server({
        let targets = Arc::clone(&targets);
        move |stream| {
            let mut stream = BufReader::new(stream);
            while read(&mut stream, body, &targets) && stream.get_mut().write_all(answer).is_ok() && !closes {}
        }
    });
    (address, targets)
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
fn all_urls_are_requested_equally_often() {
    let paths = ["/a", "/b?c=d", "/e/f"];
    for (client, threads) in [("raw", "1"), ("raw", "2"), ("reqwest", "1"), ("reqwest", "2")] {
        let (address, targets) = listening(OK, false, 0);
        let args = ["-n", "60", "-c", "6", "-t", threads, "--client", client];
        let (ended, json) = load(address, &paths, &args);
        assert_eq!(ended.code, Some(0), "{client}: {ended:?}");
        check_sum(&json);
        assert_eq!(json["status"], serde_json::json!({ "200": 60 }), "{client}: {json}");
        // reqwest sends one request per connection before the load begins.
        let n = if client == "reqwest" { 66 } else { 60 };
        let targets = targets.lock().unwrap();
        let counts = paths.map(|path| targets.iter().filter(|target| *target == path).count());
        assert_eq!(counts, [n / 3; 3], "{client}, {threads} threads: {targets:?}");
        assert_eq!(json["url"], format!("http://{address}/a"), "{json}");
        assert_eq!(json["urls"].as_array().unwrap().len(), 3, "{json}");
        assert!(ended.stderr.contains("/a and 2 more URLs over 6 connections"), "{ended:?}");
    }
}

#[test]
fn a_request_keeps_its_target_while_it_waits_or_is_partly_sent() {
    const BODY: usize = 8 << 20;
    // A connection per request, and requests larger than the socket buffer.
    let closing = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    for (answer, closes, body) in [(&closing[..], true, 0), (OK, false, BODY)] {
        let (address, targets) = listening(answer, closes, body);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&vec![b'x'; body]).unwrap();
        let file = format!("@{}", file.path().display());
        let args = [&["-n", "6", "-c", "1", "--timeout", "30s"][..], &["--body", &file]].concat();
        let (ended, json) = load(address, &["/a", "/b"], &args);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(json["requests"]["completed"], 6, "{json}");
        assert_eq!(*targets.lock().unwrap(), ["/a", "/b", "/a", "/b", "/a", "/b"]);
    }
}

#[test]
fn a_target_is_sent_as_typed_or_its_change_is_shown() {
    // The target as typed, as raw sends it, and as reqwest sends it.
    let cases = [
        ("", "/", "/"),
        ("?q", "/?q", "/?q"),
        ("/a/../b", "/a/../b", "/b"),
        ("/%2e%2e/x", "/%2e%2e/x", "/x"),
        ("/a/./b", "/a/./b", "/a/b"),
        ("/a//b", "/a//b", "/a//b"),
        ("/a%2Fb?q=%27x%27#frag", "/a%2Fb?q=%27x%27", "/a%2Fb?q=%27x%27"),
        ("/it's?it's", "/it's?it's", "/it's?it%27s"),
        ("/a\\b", "/a%5Cb", "/a%5Cb"),
        ("/a\tb c", "/a%09b%20c", "/a%09b%20c"),
        ("/\u{e4}|{}^`", "/%C3%A4%7C%7B%7D%5E%60", "/%C3%A4%7C%7B%7D%5E%60"),
    ];
    for (typed, raw, reqwest) in cases {
        for (client, expected) in [("raw", raw), ("reqwest", reqwest)] {
            let (address, targets) = listening(OK, false, 0);
            let (ended, json) = load(address, &[typed], &["-n", "1", "-c", "1", "--client", client]);
            assert_eq!(ended.code, Some(0), "{client}: {ended:?}");
            assert_eq!(targets.lock().unwrap().last().unwrap(), expected, "{client}, {typed:?}");
            assert_eq!(json["targets"], serde_json::json!([expected]), "{client}, {typed:?}");
            let is_changed = !typed.is_empty() && typed.split('#').next() != Some(expected) && !typed.starts_with('?');
            let shown = ended.stderr.lines().find(|line| line.contains(&format!("is requested as {expected}")));
            assert_eq!(shown.is_some(), is_changed, "{client}, {typed:?}: {ended:?}");
            let names_raw = shown.is_some_and(|shown| shown.contains("--client raw sends it as typed"));
            assert_eq!(names_raw, client == "reqwest" && reqwest != raw, "{client}, {typed:?}: {ended:?}");
        }
    }
}

#[test]
fn methods_with_a_body_send_a_content_length_of_0() {
    for client in ["raw", "reqwest"] {
        for (method, has_length) in [("POST", true), ("PUT", true), ("PATCH", true), ("GET", false), ("DELETE", false)]
        {
            let heads = Targets::default();
            let address = server({
                let heads = Arc::clone(&heads);
                move |mut stream| {
                    let mut head = Vec::new();
                    while let Ok(1) = stream.read(head_byte(&mut head)) {
                        if head.ends_with(b"\r\n\r\n") {
                            let text = String::from_utf8(std::mem::take(&mut head)).unwrap().to_lowercase();
                            heads.lock().unwrap().push(text);
                            stream.write_all(OK).unwrap();
                        }
                    }
                }
            });
            let (ended, _) = load(address, &["/"], &["-n", "2", "-c", "1", "-X", method, "--client", client]);
            assert_eq!(ended.code, Some(0), "{client} {method}: {ended:?}");
            for head in heads.lock().unwrap().iter() {
                let n = head.matches("\r\ncontent-length: 0\r\n").count();
                assert_eq!(n, usize::from(has_length), "{client} {method}: {head}");
            }
        }
    }
}

/// Grows a head by one byte, and returns that byte.
fn head_byte(head: &mut Vec<u8>) -> &mut [u8] {
    head.push(0);
    let last = head.len() - 1;
    &mut head[last..]
}

#[test]
fn no_additional_connection_is_opened() {
    for client in ["raw", "reqwest"] {
        // Accepts one connection, at one of the addresses of the name.
        for host in ["127.0.0.1", "localhost"] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let once = thread::spawn(move || {
                let stream = listener.accept().unwrap().0;
                drop(listener);
                let (mut stream, targets) = (BufReader::new(stream), Targets::default());
                while read(&mut stream, 0, &targets) {
                    stream.get_mut().write_all(OK).unwrap();
                }
                targets.lock().unwrap().len()
            });
            let url = format!("http://{host}:{port}/");
            let ended = run(avt(["load", &url, "--json", "-n", "5", "-c", "1", "--client", client]));
            assert_eq!(ended.code, Some(0), "{client}, {host}: {ended:?}");
            let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
            assert_eq!(json["requests"]["completed"], 5, "{client}, {host}: {json}");
            // reqwest connects with a request of its own.
            assert_eq!(once.join().unwrap(), if client == "raw" { 5 } else { 6 }, "{client}, {host}");
        }
    }
}

#[test]
fn an_invalid_url_is_refused() {
    for (url, expected) in [
        ("127.0.0.1:1/a", "missing scheme and host"),
        ("http:127.0.0.1:1/a", "missing scheme and host"),
        ("http:/127.0.0.1:1/a", "missing scheme and host"),
        ("http:\\\\127.0.0.1:1\\a", "missing scheme and host"),
        ("http://127.0.0.1:1\\a", "missing scheme and host"),
        ("http://127.0 .0.1:1/a", "missing scheme and host"),
        ("http:///a", "empty host"),
        ("http://?a", "empty host"),
        ("http://a:b@127.0.0.1:1/", "user name and password are not sent"),
    ] {
        let ended = run(avt(["load", url]));
        assert_eq!(ended.code, Some(2), "{url}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{url}: {ended:?}");
    }
}

#[test]
fn urls_of_several_servers_are_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let untouched = thread::spawn(move || listener.accept().unwrap());
    let port = address.port();
    let check = |other: &str, expected: &str| {
        let first = format!("http://127.0.0.1:{port}/a");
        let ended = run(avt(["load", &first, &format!("http://127.0.0.1:{port}/b"), other]));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{other}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{other}: {}", ended.stderr);
    };
    let differs =
        format!("expected the same scheme, host and port as http://127.0.0.1:{port}/a; a load has one server");
    check("http://127.0.0.1:1/a", &differs);
    check(&format!("http://localhost:{port}/a"), &differs);
    #[cfg(feature = "tls")]
    check(&format!("https://127.0.0.1:{port}/a"), &differs);
    check("not an url", "not an url: ");
    assert!(!untouched.is_finished(), "a connection was opened");
    drop(TcpStream::connect(address).unwrap());
    untouched.join().unwrap();
}
