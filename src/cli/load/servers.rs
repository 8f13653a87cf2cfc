//! Where the server of a load may be, found without asking it.

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::load::Endpoint;
use crate::units;

use super::super::output::Stop;

/// The Unix socket at a path.
pub(super) fn at_path(path: &Path) -> Result<Vec<Endpoint>, Stop> {
    let wrong = |what: &dyn std::fmt::Display| Stop::machine(format_args!("--unix: {}: {what}", path.display()));
    let metadata = fs::metadata(path).map_err(|error| wrong(&error))?;
    if !metadata.file_type().is_socket() {
        return Err(wrong(&"this is no socket"));
    }
    Ok(vec![Endpoint::Unix(path.to_owned())])
}

/// The addresses of a name, at least one, in the order in which they are to be tried.
pub(super) fn of_name(name: &str, port: u16, limit: Duration) -> Result<Vec<Endpoint>, Stop> {
    let (sender, receiver) = mpsc::channel();
    let host = name.to_owned();
    // The resolver of the C library knows no time-out: it is left behind when it takes too long.
    let resolve =
        move || drop(sender.send((host.as_str(), port).to_socket_addrs().map(|all| all.collect::<Vec<SocketAddr>>())));
    let resolver = thread::Builder::new().name("resolver".into()).spawn(resolve);
    resolver.map_err(|error| Stop::machine(format_args!("{name}: a thread that asks for its address: {error}")))?;
    match receiver.recv_timeout(limit) {
        Ok(Ok(addresses)) if addresses.is_empty() => Err(Stop::machine(format_args!("{name}: it has no address"))),
        Ok(Ok(addresses)) => Ok(addresses.into_iter().map(Endpoint::from).collect()),
        Ok(Err(error)) => Err(Stop::machine(format_args!("{name}: {error}"))),
        Err(_) => {
            let limit = units::duration(units::nanos(limit));
            Err(Stop::machine(format_args!("{name}: no address within {limit}")))
        }
    }
}
