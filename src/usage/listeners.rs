//! The processes behind an address of this machine.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::proc;

/// The processes that listen at a port of this machine, as far as this user may look into them. Looks through all of
/// `/proc`, some milliseconds.
pub fn listeners_at_port(port: u16) -> Vec<u32> {
    holders(&at_port(port))
}

/// The processes that listen at a Unix socket, as far as this user may look into them. Looks through all of `/proc`, some
/// milliseconds.
pub fn listeners_at_path(path: &Path) -> Vec<u32> {
    holders(&at_path(path))
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
    proc::processes().into_iter().filter(holds).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_found_by_its_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(listeners_at_port(port).contains(&std::process::id()));
        drop(listener);
        assert!(listeners_at_port(port).is_empty());
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
