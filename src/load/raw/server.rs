//! The server that the raw client's sockets connect to.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};

use crate::load::Endpoint;
use crate::load::request_error::RequestError;

/// The server's address, and whether its port needs a check after connecting.
#[derive(Debug)]
pub(super) struct ServerAddress {
    endpoint: Endpoint,
    /// Whether the kernel may choose the server's port as the local port of a connection.
    is_port_chosen: bool,
}

impl ServerAddress {
    pub(super) fn new(endpoint: &Endpoint) -> Self {
        let is_port_chosen = matches!(endpoint, Endpoint::Tcp(server) if is_chosen_by_kernel(server.port()));
        Self { endpoint: endpoint.clone(), is_port_chosen }
    }

    /// Begins to connect a non-blocking socket.
    pub(super) fn connect(&self) -> Result<OwnedFd, Errno> {
        let family = match &self.endpoint {
            Endpoint::Tcp(SocketAddr::V4(_)) => AddressFamily::INET,
            Endpoint::Tcp(SocketAddr::V6(_)) => AddressFamily::INET6,
            Endpoint::Unix(_) => AddressFamily::UNIX,
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = net::socket_with(family, SocketType::STREAM, flags, None)?;
        let begun = match &self.endpoint {
            Endpoint::Tcp(address) => {
                sockopt::set_tcp_nodelay(&socket, true)?;
                net::connect(&socket, address)
            }
            Endpoint::Unix(path) => net::connect(&socket, &SocketAddrUnix::new(path.as_path())?),
        };
        match begun {
            Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
            Err(errno) => Err(errno),
        }
    }

    /// Returns the reason why a socket could not begin to connect.
    pub(super) fn connect_error(&self, errno: Errno) -> RequestError {
        RequestError::connecting(io::Error::from(errno), &self.endpoint)
    }

    /// Refuses a socket that is connected to itself. Checks only if the kernel may choose the server's port.
    pub(super) fn refuse_own_end(&self, socket: &OwnedFd) -> Result<(), RequestError> {
        match &self.endpoint {
            Endpoint::Tcp(server) if self.is_port_chosen => Ok(refuse_own_end(socket, *server)?),
            _ => Ok(()),
        }
    }
}

/// Refuses a socket that is connected to itself, which happens if no server listens and the kernel has chosen the
/// server's port as the local one. Closes it without TIME_WAIT, which would block the port for the server.
///
/// # Errors
///
/// Returns `ECONNREFUSED`, as if the kernel had chosen another port.
pub fn refuse_own_end(socket: impl AsFd, server: SocketAddr) -> io::Result<()> {
    let own = SocketAddr::try_from(net::getsockname(&socket)?)?;
    if own.port() != server.port() || own.ip() != server.ip() {
        return Ok(());
    }
    sockopt::set_socket_linger(&socket, Some(Duration::ZERO))?;
    Err(Errno::CONNREFUSED.into())
}

/// Returns whether the kernel chooses local ports from a range with this port. Returns true if the range cannot be
/// read.
pub(in crate::floors::load) fn is_chosen_by_kernel(port: u16) -> bool {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut ends = range.split_whitespace().map_while(|end| end.parse().ok());
    match (ends.next(), ends.next()) {
        (Some(first), Some(last)) => (first..=last).contains(&port),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use socket2::{Domain, Socket, Type};

    use super::*;

    #[test]
    fn a_socket_connected_to_itself_is_refused_and_frees_its_port() {
        let own = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        own.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let address = own.local_addr().unwrap();
        own.connect(&address).unwrap();
        let address = address.as_socket().unwrap();
        let server = ServerAddress { endpoint: address.into(), is_port_chosen: true };
        let own = OwnedFd::from(own);
        assert_eq!(server.refuse_own_end(&own), Err(RequestError::Refused));
        drop(own);
        // TIME_WAIT would block the port for a server that does not set SO_REUSEADDR.
        Socket::new(Domain::IPV4, Type::STREAM, None).unwrap().bind(&address.into()).unwrap();
    }

    #[test]
    fn a_socket_connected_to_a_server_is_accepted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = ServerAddress { endpoint: address.into(), is_port_chosen: true };
        let socket = server.connect().unwrap();
        listener.accept().unwrap();
        assert_eq!(server.refuse_own_end(&socket), Ok(()));
    }
}
