//! `avt load` over a Unix socket.

use std::os::unix::net::UnixListener;
use std::path::Path;

use super::*;

/// Starts a server at this path until the test ends.
fn serve(path: &Path) {
    let listener = UnixListener::bind(path).unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let (mut request, mut some) = (Vec::new(), [0; 1_024]);
                while let Ok(n @ 1..) = stream.read(&mut some) {
                    request.extend_from_slice(&some[..n]);
                    if request.ends_with(b"\r\n\r\n") {
                        assert!(String::from_utf8_lossy(&request).to_lowercase().contains("host: app.example"));
                        request.clear();
                        if stream.write_all(OK).is_err() {
                            break;
                        }
                    }
                }
            });
        }
    });
}

#[test]
fn a_host_that_is_invalid_in_a_url_can_be_a_header() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    serve(&path);
    for client in ["raw", "reqwest"] {
        let mut command = avt(["load", "http://a/", "--json", "-n", "2", "-H", "Host: app.example, b c"]);
        command.args(["--client", client, "--unix"]).arg(&path);
        let ended = run(command);
        assert_eq!(ended.code, Some(0), "{client}: {ended:?}");
    }
}

#[test]
fn both_clients_connect_to_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    serve(&path);
    for client in ["raw", "reqwest"] {
        let args = ["load", "http://app.example/", "--json", "-c", "3", "-n", "60", "--client", client, "--unix"];
        let mut command = avt(args);
        command.arg(&path);
        let ended = run(command);
        assert_eq!(ended.code, Some(0), "{client}: {ended:?}");
        let json: Value = serde_json::from_str(&ended.stdout).unwrap();
        check_sum(&json);
        assert_eq!((&json["requests"]["completed"], &json["status"]["200"]), (&60.into(), &60.into()), "{json}");
        assert!(!json["server"].is_null(), "the process that listens at a path is measured: {json}");
    }
}

#[test]
fn a_server_with_one_connection_gets_all_requests_over_it() {
    for client in ["raw", "reqwest"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("once.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let once = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            drop(listener);
            let (mut request, mut some) = (Vec::new(), [0; 1_024]);
            while let Ok(n @ 1..) = stream.read(&mut some) {
                request.extend_from_slice(&some[..n]);
                if request.ends_with(b"\r\n\r\n") {
                    request.clear();
                    stream.write_all(OK).unwrap();
                }
            }
        });
        let mut command = avt(["load", "http://a/", "--json", "-c", "1", "-n", "5", "--client", client, "--unix"]);
        command.arg(&path);
        let ended = run(command);
        assert_eq!(ended.code, Some(0), "{client}: {ended:?}");
        let json: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(json["requests"]["completed"], 5, "{client}: {json}");
        once.join().unwrap();
    }
}

#[test]
fn a_path_without_a_listener_is_refused_before_any_load() {
    let ended = run(avt(["load", "http://app.example/", "--unix", "/nowhere/app.sock"]));
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("--unix: /nowhere/app.sock: No such file"), "{ended:?}");
    let ended = run(avt(["load", "http://app.example/", "--unix", "/dev/null"]));
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("--unix: /dev/null: not a Unix socket"), "{ended:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("left.sock");
    drop(UnixListener::bind(&path).unwrap());
    for client in ["raw", "reqwest"] {
        let mut command = avt(["load", "http://app.example/", "--client", client, "--unix"]);
        command.arg(&path);
        let ended = run(command);
        assert_eq!(ended.code, Some(3), "{client}: {ended:?}");
        assert!(ended.stderr.contains("no process listens on this address"), "{client}: {ended:?}");
    }
}
