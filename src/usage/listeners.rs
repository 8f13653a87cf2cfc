//! Finds the processes that listen at an address of this machine.
//!
//! Several listeners may share a port, such as one at `127.0.0.1`, one at `127.0.0.2` and one at `::`. The kernel hands
//! a connection to the most specific one (`__inet_lookup_listener`), so this module matches the address as well, and
//! finds the processes by the inode of the socket.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use crate::proc;

/// Returns the processes that listen at an address of this machine, as far as this user may inspect them. Searches all
/// of `/proc`, which takes some milliseconds.
pub fn listeners_at(address: SocketAddr) -> Vec<u32> {
    holders(&sockets_at(address))
}

/// Returns the processes that listen at a Unix socket, as far as this user may inspect them. Searches all of `/proc`,
/// which takes some milliseconds.
pub fn listeners_at_path(path: &Path) -> Vec<u32> {
    holders(&at_path(path))
}

/// Returns the inodes of the sockets that get the connections to this address: several if they share it
/// (`SO_REUSEPORT`). Reads the listening sockets in two files of `/proc`.
pub fn sockets_at(address: SocketAddr) -> BTreeSet<String> {
    let all = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().flat_map(listening);
    let fitting: Vec<(u8, ListeningSocket)> =
        all.filter(|one| one.port == address.port()).filter_map(|one| Some((one.fits(address.ip())?, one))).collect();
    let best = fitting.iter().map(|(rank, _)| *rank).min();
    fitting.into_iter().filter(|(rank, _)| Some(*rank) == best).map(|(_, listener)| listener.inode).collect()
}

/// Reads the listening sockets of a table. The kernel lists them before all connections (`tcp_seq_start`), so the
/// possibly many thousands of connections are not read.
fn listening(table: &str) -> Vec<ListeningSocket> {
    let lines = fs::File::open(table).map(BufReader::new).into_iter().flat_map(|table| table.lines().skip(1));
    lines.map_while(|line| ListeningSocket::parse(&line.ok()?)).collect()
}

/// A listening socket, parsed from a line of `/proc/net/tcp` or `tcp6`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ListeningSocket {
    at: IpAddr,
    port: u16,
    inode: String,
}

impl ListeningSocket {
    fn parse(line: &str) -> Option<Self> {
        /// `TCP_LISTEN` in the kernel's `tcp_states.h`.
        const LISTENS: &str = "0A";
        let mut fields = line.split_whitespace();
        let (at, port) = fields.nth(1)?.rsplit_once(':')?;
        let state = fields.nth(1)?;
        let inode = fields.nth(5)?;
        let port = u16::from_str_radix(port, 16).ok()?;
        (state == LISTENS).then_some(Self { at: address(at)?, port, inode: inode.to_owned() })
    }

    /// Returns how specifically the socket matches an address, 0 being the most; `None` if it gets no connections to
    /// it.
    fn fits(&self, address: IpAddr) -> Option<u8> {
        let (at, address) = (self.at.to_canonical(), address.to_canonical());
        match self.at {
            _ if at == address => Some(0),
            IpAddr::V4(any) if any.is_unspecified() && address.is_ipv4() => Some(1),
            // An IPv6 socket also accepts IPv4 unless it is IPV6_V6ONLY, which the table does not show.
            IpAddr::V6(any) if any.is_unspecified() => Some(2),
            _ => None,
        }
    }
}

/// Parses an address of these tables: 32-bit words in native byte order.
fn address(hex: &str) -> Option<IpAddr> {
    let word = |k: usize| Some(u32::from_str_radix(hex.get(8 * k..8 * k + 8)?, 16).ok()?.to_ne_bytes());
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for (k, part) in bytes.chunks_exact_mut(4).enumerate() {
                part.copy_from_slice(&word(k)?);
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

/// Returns the inodes of the sockets that listen at this path.
fn at_path(path: &Path) -> BTreeSet<String> {
    let table = fs::read("/proc/net/unix").unwrap_or_default();
    String::from_utf8_lossy(&table).lines().filter_map(|line| at_this_path(line, path)).collect()
}

/// Returns the processes that hold one of these sockets.
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
    proc::processes().into_iter().filter(holds).collect()
}

/// Returns the inode of a line of `/proc/net/unix` if its socket listens at this path.
fn at_this_path(line: &str, path: &Path) -> Option<String> {
    /// `__SO_ACCEPTCON` of the kernel's `net.h`, which marks listening sockets.
    const LISTENS: &str = "00010000";
    let mut fields = line.split_whitespace();
    let flags = fields.nth(3)?;
    let inode = fields.nth(2)?;
    let own = Path::new(fields.next()?);
    let is_same = own == path || own.canonicalize().ok().zip(path.canonicalize().ok()).is_some_and(|(a, b)| a == b);
    (flags == LISTENS && is_same).then(|| inode.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_found_by_its_address() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let elsewhere = SocketAddr::from(([127, 0, 0, 2], address.port()));
        assert_eq!(listeners_at(address), [std::process::id()]);
        assert!(listeners_at(elsewhere).is_empty());
        drop(listener);
        assert!(listeners_at(address).is_empty());
    }

    #[test]
    fn two_listeners_on_one_port_are_distinguished_by_address() {
        let specific = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = specific.local_addr().unwrap();
        let Ok(other) = std::net::TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), address.port())) else { return };
        let inode = |listener: &std::net::TcpListener| {
            let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(listener));
            let target = fs::read_link(link).unwrap().to_str().unwrap().to_owned();
            target.trim_start_matches("socket:[").trim_end_matches(']').to_owned()
        };
        assert_eq!(sockets_at(address), [inode(&specific)].into());
        assert_eq!(sockets_at(other.local_addr().unwrap()), [inode(&other)].into());
    }

    #[test]
    fn an_exact_address_is_preferred_to_a_wildcard() {
        let at = |at: &str| ListeningSocket { at: at.parse().unwrap(), port: 1, inode: String::new() };
        let fits = |listener: &str, address: &str| at(listener).fits(address.parse().unwrap());
        for (listener, ipv4, ipv6) in [
            ("127.0.0.1", Some(0), None),
            ("127.0.0.2", None, None),
            ("0.0.0.0", Some(1), None),
            ("::", Some(2), Some(2)),
            ("::1", None, Some(0)),
            ("::ffff:127.0.0.1", Some(0), None),
        ] {
            assert_eq!((fits(listener, "127.0.0.1"), fits(listener, "::1")), (ipv4, ipv6), "{listener}");
        }
        let line =
            "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0";
        if cfg!(target_endian = "little") {
            assert_eq!(
                ListeningSocket::parse(line),
                Some(ListeningSocket { at: [127, 0, 0, 1].into(), port: 8080, inode: "4711".into() })
            );
        }
        assert_eq!(ListeningSocket::parse(&line.replace(" 0A ", " 01 ")), None, "a connection");
        assert_eq!(address("00000000000000000000000000000000"), Some(Ipv6Addr::UNSPECIFIED.into()));
    }

    #[test]
    fn a_listener_is_found_by_its_path() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("socket");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert_eq!(listeners_at_path(&path), [std::process::id()]);
        drop(listener);
        assert!(listeners_at_path(&path).is_empty());
    }
}
