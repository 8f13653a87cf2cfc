//! Checks which process listens at the server's address: before the command starts, once it is ready, and afterwards.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::load::refuse_own_end;
use crate::proc;
use crate::usage::{listeners_at, sockets_at};

/// The longest wait for an answer.
const ANSWER: Duration = Duration::from_secs(1);

/// Fails if a process already listens at the address: it would be measured in place of the server.
pub(super) fn check_free(address: SocketAddr) -> Result<(), String> {
    match connect(address) {
        Err(_) => Ok(()),
        Ok(_) => Err(format!("{address} is already in use by {}; stop it, or choose another port", named(address))),
    }
}

/// Fails unless the listener of a ready server is a process that its command started.
pub(super) fn check_own(address: SocketAddr) -> Result<(), String> {
    if own(address).is_empty() {
        return Err(format!(
            "{address} is served by {}, which the server's command did not start, so its cost cannot be measured",
            named(address)
        ));
    }
    Ok(())
}

/// Waits until no process of the server listens at its address. Notices the end of a listening process at once, and a
/// closed listener within a quarter of a second. Until then each check reads the machine's listeners, not its
/// processes.
pub(super) fn wait_until_deaf(address: SocketAddr) {
    /// The time a server has to hand its listener over to another of its processes.
    const HAND_OVER: Duration = Duration::from_millis(100);
    /// The pause between two checks.
    const LOOK: Duration = Duration::from_millis(250);
    loop {
        let sockets = sockets_at(address);
        let mut listeners = own(address);
        if listeners.is_empty() {
            thread::sleep(HAND_OVER);
            listeners = own(address);
        }
        if listeners.is_empty() {
            return;
        }
        let handles: Vec<OwnedFd> = listeners.iter().filter_map(|pid| handle(*pid)).collect();
        if handles.len() < listeners.len() {
            // One has ended already, or the kernel does not support process handles (before Linux 5.3).
            thread::sleep(LOOK);
            continue;
        }
        while !ends_within(LOOK, &handles) && sockets_at(address) == sockets {}
    }
}

/// Returns whether one of the processes ends within this time.
fn ends_within(time: Duration, handles: &[OwnedFd]) -> bool {
    let mut ends: Vec<PollFd<'_>> = handles.iter().map(|handle| PollFd::new(handle, PollFlags::IN)).collect();
    let time = Timespec::try_from(time).expect("less than a second");
    // After a signal, the caller checks again.
    poll(&mut ends, Some(&time)).is_ok_and(|ended| ended > 0)
}

/// Returns a handle that becomes readable when the process ends.
fn handle(pid: u32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(pid as i32)?, PidfdFlags::empty()).ok()
}

/// Returns the processes that listen at the address and descend from this one.
fn own(address: SocketAddr) -> Vec<u32> {
    let listeners = listeners_at(address);
    if listeners.is_empty() {
        return listeners;
    }
    let started = proc::descendants(&[std::process::id()], &[]);
    listeners
        .into_iter()
        .filter(|pid| started.iter().any(|process| process.pid == *pid && !process.is_zombie))
        .collect()
}

/// Returns the name of the process that listens at the address, as far as this user may see it.
fn named(address: SocketAddr) -> String {
    match listeners_at(address).first() {
        Some(pid) => format!("process {pid} ({})", proc::name(*pid).unwrap_or_default()),
        None => "a process of another user".into(),
    }
}

/// Connects to the listener at the address, and never to itself.
fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, ANSWER)?;
    refuse_own_end(&stream, address)?;
    Ok(stream)
}

/// Returns whether a GET of this path is answered with 200.
pub(super) fn ask(path: &str, address: SocketAddr) -> io::Result<bool> {
    let mut peer = connect(address)?;
    peer.set_read_timeout(Some(ANSWER))?;
    write!(peer, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut head = [0; 12];
    peer.read_exact(&mut head)?;
    Ok(head.starts_with(b"HTTP/1.") && head.ends_with(b" 200"))
}
