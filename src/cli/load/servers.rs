//! Resolves the addresses of a load's server without opening a connection.

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::load::Endpoint;
use crate::units;

use crate::session::output::Stop;

/// Returns the Unix socket at a path.
pub(super) fn at_path(path: &Path) -> Result<Vec<Endpoint>, Stop> {
    let wrong = |what: &dyn std::fmt::Display| Stop::machine(format_args!("--unix: {}: {what}", path.display()));
    let metadata = fs::metadata(path).map_err(|error| wrong(&error))?;
    if !metadata.file_type().is_socket() {
        return Err(wrong(&"not a Unix socket"));
    }
    Ok(vec![Endpoint::Unix(path.to_owned())])
}

/// Returns the addresses of a name, at least one, in the order in which to try them.
pub(super) fn resolve(name: &str, port: u16, limit: Duration) -> Result<Vec<Endpoint>, Stop> {
    let (sender, receiver) = mpsc::channel();
    let host = name.to_owned();
    // The C library's resolver has no time-out, so a slow one is abandoned on its thread.
    let resolve =
        move || drop(sender.send((host.as_str(), port).to_socket_addrs().map(|all| all.collect::<Vec<SocketAddr>>())));
    let resolver = thread::Builder::new().name("resolver".into()).spawn(resolve);
    resolver.map_err(|error| {
        Stop::machine(format_args!("{name}: cannot start a thread to resolve the address: {error}"))
    })?;
    match receiver.recv_timeout(limit) {
        Ok(Ok(addresses)) if addresses.is_empty() => Err(Stop::machine(format_args!("{name}: no address found"))),
        Ok(Ok(addresses)) => Ok(addresses.into_iter().map(Endpoint::from).collect()),
        Ok(Err(error)) => Err(Stop::machine(format_args!("{name}: {error}"))),
        Err(_) => {
            let limit = units::duration(units::nanos(limit));
            Err(Stop::machine(format_args!("{name}: no address within {limit}")))
        }
    }
}
