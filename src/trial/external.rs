//! A server that is none of ours: started by the scenario's command, watched with all its children, and ended with them.
//!
//! This process is the first of a group of its own, and whatever the command starts is in it as long as it does not leave;
//! when standard input ends, because the trial or the runner did, the whole group is killed.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::prctl;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::getpgrp;

use crate::message::{Reply, Served, TrialSpec};
use crate::record::Failure;
use crate::scenario::{ServerSpec, Work};
use crate::usage::Tree;

use super::say;
use super::server::{check_descriptors, obey};

/// How long a server may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is asked.
const ASK: Duration = Duration::from_millis(20);

pub(super) fn run(spec: &TrialSpec, nonce: &str, environment: &[(String, String)]) -> Result<(), Failure> {
    let (server, connections) = match &spec.work {
        Work::Echo(work) => (work.server.as_ref(), work.load.connections),
        Work::Sleep(_) | Work::Offload(_) => (None, 0),
    };
    let server = server.ok_or_else(|| Failure::WrongWork { what: "there is no [server] to start".into() })?;
    check_descriptors(connections)?;
    // The end of standard input tells of the parent's; a signal that kills would leave the server behind.
    let _ = prctl::set_pdeathsig(None);
    let outcome = serve(server, nonce, environment);
    if let Err(failure) = outcome {
        let _ = say(&Reply::Failed(failure));
    }
    // All of the group, this process among them.
    let _ = killpg(getpgrp(), Signal::SIGKILL);
    Ok(())
}

fn serve(server: &ServerSpec, nonce: &str, environment: &[(String, String)]) -> Result<(), Failure> {
    let port = match server.port {
        Some(port) => port,
        None => free_port().map_err(|error| refused(format!("a port of 127.0.0.1: {error}")))?,
    };
    let mut process = start(server, port, environment)?;
    let stderr = process.stderr.take().expect("it was asked for");
    let (complain, complaints) = mpsc::channel();
    thread::spawn(move || complain.send(last_words(stderr)));
    if let Err(why) = wait_until_ready(server, port, &mut process) {
        let _ = process.kill();
        // Its children may hold the other end for as long as they please.
        let said = complaints.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
        let said = if said.is_empty() { String::new() } else { format!("; it said: {said}") };
        return Err(refused(format!("{why}{said}")));
    }
    say(&Reply::Ready { port, nonce: nonce.to_owned() })?;
    let tree = || Tree::read(process.id());
    obey(tree, |before| {
        let after = tree();
        Ok(Served { threads: after.threads(), usage: after.since(&before), runtime: None, lanes: None })
    })
}

fn refused(what: String) -> Failure {
    Failure::Refused { what }
}

/// Free a moment ago. Whoever takes it in between answers in the server's place, which its next start shows.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn start(server: &ServerSpec, port: u16, environment: &[(String, String)]) -> Result<Child, Failure> {
    let words: Vec<String> = server.command.iter().map(|word| word.replace("{port}", &port.to_string())).collect();
    let (program, arguments) = words.split_first().ok_or_else(|| refused("the command is empty".into()))?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(environment.iter().cloned()).env("PORT", port.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().map_err(|error| refused(format!("the server's command {program:?}: {error}")))
}

/// The last line of what it writes on its standard error, read to the end so that it never has to wait.
fn last_words(stderr: ChildStderr) -> String {
    let lines = BufReader::new(stderr).split(b'\n').map_while(Result::ok);
    let last = lines.filter(|line| !line.trim_ascii().is_empty()).last().unwrap_or_default();
    String::from_utf8_lossy(&last[..last.len().min(300)]).trim().to_owned()
}

/// Why it will not be.
fn wait_until_ready(server: &ServerSpec, port: u16, process: &mut Child) -> Result<(), String> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Ok(Some(status)) = process.try_wait() {
            return Err(format!("the server's command {:?} ended before it was ready: {status}", server.command[0]));
        }
        let why = match ask(&server.ready, port) {
            Ok(true) => return Ok(()),
            Ok(false) => "it did not answer 200".to_owned(),
            Err(error) => error.to_string(),
        };
        if Instant::now() >= until {
            return Err(format!(
                "the server was not ready within {} s: GET http://127.0.0.1:{port}{}: {why}",
                PATIENCE.as_secs(),
                server.ready
            ));
        }
        thread::sleep(ASK);
    }
}

/// Whether it answers 200.
fn ask(path: &str, port: u16) -> std::io::Result<bool> {
    let mut peer = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    peer.set_read_timeout(Some(Duration::from_secs(1)))?;
    write!(peer, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
    let mut head = [0; 12];
    peer.read_exact(&mut head)?;
    Ok(head.starts_with(b"HTTP/1.") && head.ends_with(b" 200"))
}
