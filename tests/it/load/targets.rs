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
fn a_target_goes_out_as_typed_or_is_shown() {
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
            let (address, asked) = listening(OK, false, 0);
            let (ended, json) = load(address, &[typed], &["-n", "1", "-c", "1", "--client", client]);
            assert_eq!(ended.code, Some(0), "{client}: {ended:?}");
            assert_eq!(asked.lock().unwrap().last().unwrap(), expected, "{client}, {typed:?}");
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
fn a_method_that_has_a_body_says_so_where_it_is_empty() {
    for client in ["raw", "reqwest"] {
        for (method, has_length) in [("POST", true), ("PUT", true), ("PATCH", true), ("GET", false), ("DELETE", false)]
        {
            let heads = Asked::default();
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
fn no_connection_is_opened_beside_those_asked_for() {
    for client in ["raw", "reqwest"] {
        // A server that accepts one connection, at one of the name's addresses.
        for host in ["127.0.0.1", "localhost"] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let once = thread::spawn(move || {
                let stream = listener.accept().unwrap().0;
                drop(listener);
                let (mut stream, asked) = (BufReader::new(stream), Asked::default());
                while read(&mut stream, 0, &asked) {
                    stream.get_mut().write_all(OK).unwrap();
                }
                asked.lock().unwrap().len()
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
fn what_is_no_url_is_refused() {
    for (url, expected) in [
        ("127.0.0.1:1/a", "no scheme and host"),
        ("http:127.0.0.1:1/a", "no scheme and host"),
        ("http:/127.0.0.1:1/a", "no scheme and host"),
        ("http:\\\\127.0.0.1:1\\a", "no scheme and host"),
        ("http://127.0.0.1:1\\a", "no scheme and host"),
        ("http://127.0 .0.1:1/a", "no scheme and host"),
        ("http:///a", "empty host"),
        ("http://?a", "empty host"),
        ("http://a:b@127.0.0.1:1/", "a name and password are not sent"),
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
