//! `avt load` over HTTPS, in builds that have it.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/load/certificates/authority.pem");

/// Starts a server on this address, with a certificate for `localhost` and `127.0.0.1`.
fn secure_server(host: &str) -> SocketAddr {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("certificates/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("certificates/server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind((host, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            thread::spawn(move || {
                let mut bytes = Vec::new();
                let mut some = [0; 1_024];
                while let Ok(n @ 1..) = stream.read(&mut some) {
                    bytes.extend_from_slice(&some[..n]);
                    if bytes.ends_with(b"\r\n\r\n") {
                        bytes.clear();
                        if stream.write_all(OK).and_then(|()| stream.flush()).is_err() {
                            break;
                        }
                    }
                }
            });
        }
    });
    address
}

fn load_https(url: &str, more: &[&str]) -> (Ended, Value) {
    let mut command = avt(["load", url, "--json"]);
    command.args(more);
    let ended = run(command);
    let json = serde_json::from_str(&ended.stdout).unwrap_or(Value::Null);
    (ended, json)
}

#[test]
fn both_loops_work_over_https() {
    let port = secure_server("127.0.0.1").port();
    let trust = ["--ca", AUTHORITY];
    for (host, how) in [("127.0.0.1", ["-n", "60"].as_slice()), ("localhost", &["-n", "60", "--rate", "600"])] {
        let args = [&["-c", "3"], how, &trust].concat();
        let (ended, json) = load_https(&format!("https://{host}:{port}/hello"), &args);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        check_sum(&json);
        assert_eq!((&json["requests"]["completed"], &json["status"]["200"]), (&60.into(), &60.into()), "{json}");
    }
}

#[test]
fn an_untrusted_server_gets_no_requests() {
    let server = secure_server("127.0.0.1");
    let elsewhere = secure_server("127.0.0.2");
    let plain = Server::start("async");
    let trust = ["--ca", AUTHORITY];
    for (url, more, words) in [
        (format!("https://{server}/"), [].as_slice(), "does not trust"),
        (format!("https://{elsewhere}/"), &trust, "is for another host name"),
        (format!("https://{}/", plain.address), &trust, "TLS handshake failed"),
    ] {
        let (ended, _) = load_https(&url, &[&["-n", "3", "-c", "1"], more].concat());
        assert_eq!(ended.code, Some(3), "{url}: {ended:?}");
        assert!(ended.stderr.contains(words), "{url}: {ended:?}");
    }
}

#[test]
fn unsupported_tls_options_are_refused_before_any_load() {
    let url = format!("https://{}/", secure_server("127.0.0.1"));
    let here = format!("{}/tests/it/load/tls.rs", env!("CARGO_MANIFEST_DIR"));
    for (more, words) in [
        (["--client", "raw"], "the raw client does not support TLS"),
        (["--ca", "/nowhere"], "--ca: /nowhere"),
        (["--ca", &here], "no PEM certificate"),
    ] {
        let (ended, _) = load_https(&url, &more);
        assert_eq!(ended.code, Some(2), "{more:?}: {ended:?}");
        assert!(ended.stderr.contains(words), "{more:?}: {ended:?}");
    }
}
