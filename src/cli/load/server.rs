//! The process behind an address of this machine, and what it used in the window.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::host;
use crate::load::Endpoint;
use crate::usage::{Others, OthersMeter, process_cpu_ns};

/// What the server used between two instants, all of its processes together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Server {
    /// Those that listen at the address.
    pub(super) processes: Vec<u32>,
    /// CPU time of all their threads, ended ones too, nanoseconds: by the clocks of the processes, which count no ticks.
    pub(super) cpu_ns: u64,
    /// The most memory that was ever resident, added up.
    pub(super) memory_peak_bytes: Option<u64>,
    /// CPUs that they may run on.
    pub(super) cpus: Vec<usize>,
    /// What others than them and this generator used of those CPUs, from before the first connection on.
    pub(super) others: Option<Others>,
}

/// The first of the two instants.
#[derive(Debug)]
pub(super) struct ServerMeter {
    processes: Vec<u32>,
    cpu_ns: u64,
    others: OthersMeter,
}

impl ServerMeter {
    /// For the processes that listen at an address of this machine; nothing where there are none that this user may look
    /// into. Looks through all of `/proc`, some milliseconds.
    pub(super) fn start(server: &Endpoint) -> Option<Self> {
        let processes = match server {
            Endpoint::Tcp(address) if address.ip().is_loopback() => holders(&at_port(address.port())),
            Endpoint::Tcp(_) => Vec::new(),
            Endpoint::Unix(path) => holders(&at_path(path)),
        };
        let cpu_ns = cpu_ns(&processes)?;
        (!processes.is_empty()).then(|| Self { others: OthersMeter::start(cpus_of(&processes)), processes, cpu_ns })
    }

    /// Begins anew with the same processes.
    pub(super) fn restart(&mut self) {
        self.cpu_ns = cpu_ns(&self.processes).unwrap_or(self.cpu_ns);
    }

    /// What they used since; nothing when one of them has ended.
    pub(super) fn stop(&self) -> Option<Server> {
        let after = cpu_ns(&self.processes)?;
        let statuses = self.processes.iter().filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/status")).ok());
        let statuses: Vec<String> = statuses.collect();
        let peaks: Option<Vec<u64>> = statuses.iter().map(|status| kibibytes(value(status, "VmHWM:")?)).collect();
        let own: Vec<u32> = self.processes.iter().copied().chain([std::process::id()]).collect();
        Some(Server {
            processes: self.processes.clone(),
            cpu_ns: after.saturating_sub(self.cpu_ns),
            memory_peak_bytes: peaks.map(|peaks| peaks.iter().sum()),
            cpus: cpus_of(&self.processes),
            others: self.others.stop(&own, self.others.used_by(&own)),
        })
    }
}

/// The inodes of the sockets that listen at this port.
fn at_port(port: u16) -> BTreeSet<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().filter_map(|table| fs::read_to_string(table).ok());
    tables.flat_map(|table| table.lines().filter_map(|line| at_this_port(line, port)).collect::<Vec<_>>()).collect()
}

/// The inodes of the sockets that listen at this path.
fn at_path(path: &Path) -> BTreeSet<String> {
    let table = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    table.lines().filter_map(|line| at_this_path(line, path)).collect()
}

/// The processes that hold one of these sockets.
fn holders(inodes: &BTreeSet<String>) -> Vec<u32> {
    let sockets: BTreeSet<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    if sockets.is_empty() {
        return Vec::new();
    }
    let holds = |pid: &u32| {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
        let mut targets = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        targets.any(|target| target.to_str().is_some_and(|target| sockets.contains(target)))
    };
    let all = fs::read_dir("/proc").into_iter().flatten();
    all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).filter(holds).collect()
}

/// The inode of a line of `/proc/net/tcp`, if it is that of a socket which listens at this port.
fn at_this_port(line: &str, port: u16) -> Option<String> {
    /// `TCP_LISTEN` of the kernel's `tcp_states.h`.
    const LISTENS: &str = "0A";
    let mut fields = line.split_whitespace();
    let local = fields.nth(1)?;
    let state = fields.nth(1)?;
    let inode = fields.nth(5)?;
    let own = u16::from_str_radix(local.rsplit(':').next()?, 16).ok()?;
    (own == port && state == LISTENS).then(|| inode.to_owned())
}

/// The inode of a line of `/proc/net/unix`, if it is that of a socket which listens at this path.
fn at_this_path(line: &str, path: &Path) -> Option<String> {
    /// `__SO_ACCEPTCON` of the kernel's `net.h`: it listens.
    const LISTENS: &str = "00010000";
    let mut fields = line.split_whitespace();
    let flags = fields.nth(3)?;
    let inode = fields.nth(2)?;
    let own = Path::new(fields.next()?);
    let is_same = own == path || own.canonicalize().ok().zip(path.canonicalize().ok()).is_some_and(|(a, b)| a == b);
    (flags == LISTENS && is_same).then(|| inode.to_owned())
}

/// CPUs that one of these processes may run on.
fn cpus_of(processes: &[u32]) -> Vec<usize> {
    let cpus: BTreeSet<usize> = processes.iter().flat_map(|pid| host::cpus_of(*pid)).collect();
    cpus.into_iter().collect()
}

/// CPU time of these processes together; nothing where one of them has ended.
fn cpu_ns(processes: &[u32]) -> Option<u64> {
    processes.iter().map(|pid| process_cpu_ns(*pid)).sum()
}

fn value<'a>(status: &'a str, key: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(key)).map(str::trim)
}

fn kibibytes(value: &str) -> Option<u64> {
    Some(value.strip_suffix(" kB")?.parse::<u64>().ok()? * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_found_by_its_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().into();
        let meter = ServerMeter::start(&address).unwrap();
        let server = meter.stop().unwrap();
        assert!(server.processes.contains(&std::process::id()) && !server.cpus.is_empty(), "{server:?}");
        assert!(server.memory_peak_bytes.is_some_and(|peak| peak > 0));
        // Far less than a tick of the kernel's is seen.
        let before = meter.stop().unwrap().cpu_ns;
        let until = before + 100_000;
        let mut sum = 0_u64;
        while meter.stop().unwrap().cpu_ns < until {
            sum = std::hint::black_box((0..1_000_u64).fold(sum, u64::wrapping_add));
        }
        drop(listener);
        assert!(ServerMeter::start(&address).is_none());
    }

    #[test]
    fn a_listener_is_found_by_its_path() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("socket");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let endpoint = Endpoint::Unix(path);
        let server = ServerMeter::start(&endpoint).unwrap().stop().unwrap();
        assert_eq!(server.processes, [std::process::id()]);
        drop(listener);
        assert!(ServerMeter::start(&endpoint).is_none());
    }
}
