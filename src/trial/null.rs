//! A server that does nothing: it answers every request with the same bytes, on one thread and one epoll.
//!
//! It has no codec, routes or time-outs, so a load generator measures only itself and the kernel. It understands only
//! what the raw client and reqwest send, one whole request after the other, and closes any other connection.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::process;
use std::thread;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use crate::model;
use crate::protocol::{Served, TrialReply, TrialSpec};
use crate::record::{Failure, Waits};
use crate::scenario::Model;
use crate::scenario::Work;

use crate::usage::Meter;

use super::server::{check_descriptors, obey};
use super::write_reply;

pub(super) fn run(spec: &TrialSpec, nonce: &str) -> Result<(), Failure> {
    if let Work::Echo(work) = &spec.work {
        check_descriptors(work.load.connections)?;
    }
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nAvt-Nonce: {nonce}\r\n\r\nhello");
    let refused = |error: io::Error| Failure::Refused { what: format!("no port on 127.0.0.1: {error}") };
    let listener = model::listen(Model::ASYNC, (Ipv4Addr::LOCALHOST, 0).into()).map_err(refused)?.remove(0);
    let port = listener.local_addr().map_err(refused)?.port();
    let serve = move || {
        let Err(error) = respond(&listener, answer.as_bytes());
        let _ = write_reply(&TrialReply::Failed(Failure::Refused { what: format!("the server failed: {error}") }));
        process::exit(1);
    };
    let server = thread::Builder::new().name("server".into()).spawn(serve);
    server.map_err(|error| Failure::Refused { what: format!("cannot start a thread for the server: {error}") })?;
    write_reply(&TrialReply::Ready { port, nonce: nonce.to_owned() })?;
    obey(Meter::start, |meter, window_ns| {
        Ok(Served {
            threads: 1,
            usage: meter.stop(),
            runtime: None,
            cores: Vec::new(),
            waits: Waits::default(),
            lanes: None,
            window_ns,
        })
    })
}

fn respond(listener: &TcpListener, answer: &[u8]) -> io::Result<std::convert::Infallible> {
    let ready = epoll::create(CreateFlags::CLOEXEC)?;
    let name = |fd: i32| EventData::new_u64(fd as u64);
    listener.set_nonblocking(true)?;
    epoll::add(&ready, listener, name(listener.as_raw_fd()), EventFlags::IN)?;
    // Indexed by descriptor; descriptors are small numbers.
    let mut peers: Vec<Option<TcpStream>> = Vec::new();
    let (mut events, mut bytes) = (Vec::with_capacity(256), [0; 4_096]);
    loop {
        events.clear();
        match epoll::wait(&ready, spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for &epoll::Event { data, .. } in &events {
            let fd = data.u64() as usize;
            if fd == listener.as_raw_fd() as usize {
                let Ok((peer, _)) = listener.accept() else { continue };
                peer.set_nonblocking(true)?;
                peer.set_nodelay(true)?;
                let fd = peer.as_raw_fd();
                epoll::add(&ready, &peer, name(fd), EventFlags::IN)?;
                peers.resize_with(peers.len().max(fd as usize + 1), || None);
                peers[fd as usize] = Some(peer);
            } else if let Some(Some(peer)) = peers.get_mut(fd)
                && !answered(peer, answer, &mut bytes)
            {
                peers[fd] = None;
            }
        }
    }
}

/// Answers a request; returns whether it arrived whole and its answer was sent whole.
fn answered(peer: &mut TcpStream, answer: &[u8], bytes: &mut [u8]) -> bool {
    match peer.read(bytes) {
        Ok(n) => bytes[..n].ends_with(b"\r\n\r\n") && peer.write(answer).is_ok_and(|sent| sent == answer.len()),
        Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
    }
}
