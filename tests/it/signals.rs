//! The first INT, TERM or HUP ends every verb, even a blocked one.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::support::{Running, Server, avt, exit_code, hanging_up, ignoring, send, wait_for, wait_for_handler};

/// Returns both ends of a full pipe.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    while writer.write(&[b'x'; 4_096]).is_ok() {}
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    (reader, writer)
}

#[test]
fn a_signal_ends_a_verb_that_waits_for_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    let (path, body) = (pipe.to_str().unwrap(), format!("@{}", pipe.display()));
    let server = Server::start("async");
    let url = format!("http://{}/echo/hello", server.address);
    for (signal, expected) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143), (Signal::SIGHUP, 129)] {
        for args in [
            &["check", path][..],
            &["check", "/dev/stdin"],
            &["run", path],
            &["load", &url, "--body", &body],
            &["load", &url, "--html", path],
            &["load", &url, "--hlog", path],
        ] {
            let mut command = hanging_up(&avt(args));
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut process = Running(command.spawn().unwrap());
            wait_for_handler(&process.0, signal);
            send(&process.0, signal);
            assert_eq!(exit_code(&mut process), Some(expected), "{args:?}");
        }
    }
}

#[test]
fn a_signal_ends_a_verb_whose_output_is_not_read() {
    let server = Server::start("async");
    let url = format!("http://{}/echo/hello", server.address);
    for args in [&["list"][..], &["schema"], &["completions", "bash"], &["load", &url, "-n", "1"]] {
        let (_reader, writer) = full_pipe();
        let mut command = avt(args);
        command.stdout(writer).stderr(Stdio::null());
        let mut process = Running(command.spawn().unwrap());
        wait_for_handler(&process.0, Signal::SIGTERM);
        send(&process.0, Signal::SIGTERM);
        assert_eq!(exit_code(&mut process), Some(143), "{args:?}");
    }
}

#[test]
fn an_interrupt_ignored_at_the_start_is_obeyed() {
    for signal in ["INT", "TERM"] {
        let mut command = ignoring(signal, &avt(["check", "/dev/stdin"]));
        let mut process = Running(command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
        let signal: Signal = format!("SIG{signal}").parse().unwrap();
        wait_for_handler(&process.0, signal);
        send(&process.0, signal);
        assert_eq!(exit_code(&mut process), Some(128 + signal as i32));
    }
}

#[test]
fn a_hangup_ignored_at_the_start_stays_ignored() {
    let mut command = ignoring("HUP", &avt(["serve", "--model", "async", "--addr", "127.0.0.1:0"]));
    command.stderr(Stdio::piped());
    let server = Server::spawn(command);
    server.signal(Signal::SIGHUP);
    let answer = server.exchange(b"GET /echo/hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
    server.signal(Signal::SIGTERM);
    let (code, stderr) = server.ended();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("stopped by SIGTERM"), "{stderr}");

    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let run = avt(["run", "smoke", "--rounds", "1", "--out", out.to_str().unwrap()]);
    let mut run = ignoring("HUP", &run);
    let mut process = Running(run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_for("the first trial", || fs::metadata(out.join("run.json")).ok());
    send(&process.0, Signal::SIGHUP);
    assert_ne!(exit_code(&mut process), Some(129));
    let records = fs::read_to_string(out.join("trials.jsonl")).unwrap();
    assert!(records.lines().count() > 1 && out.join("index.html").exists(), "the run continued to its end");
}

#[test]
fn the_help_describes_exit_codes_and_signals() {
    let mut output = avt(["--help"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    output.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(output.wait().unwrap().success());
    for words in [
        "Exit codes:",
        "129, 130, 143",
        "Signals:",
        "nohup",
        "SIGINT and SIGTERM are handled even if they were ignored",
    ] {
        assert!(text.split_whitespace().collect::<Vec<_>>().join(" ").contains(words), "{words}: {text}");
    }
}

/// Checks file names that are not UTF-8, including that of the program.
#[test]
fn arguments_may_consist_of_any_bytes() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(std::ffi::OsStr::from_bytes(b"\xff.html"));
    let server = Server::start("async");
    let mut command = avt(["load", &format!("http://{}/echo/hello", server.address), "-n", "1", "--html"]);
    command.arg(&path).arg0(std::ffi::OsStr::from_bytes(b"\xfe"));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let mut page = String::new();
    File::open(&path).unwrap().read_to_string(&mut page).unwrap();
    assert!(page.contains("--html $&#39;") && page.contains("\\xff.html"), "{page}");
}
