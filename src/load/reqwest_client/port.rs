//! Prevents the kernel from choosing the server's port as the local port of a connection.

use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

use crate::load::Endpoint;
use crate::load::raw::is_chosen_by_kernel;

/// A socket bound to the server's port at an unused address. The kernel chooses no bound port as a local port; a
/// listening server has the same effect. Once the server is gone, a connection could get its port, connect to itself,
/// and block the port throughout TIME_WAIT. reqwest hides its sockets, so they cannot be checked as those of the raw
/// client are.
#[derive(Debug)]
pub(super) enum KeptPort {
    /// The port is outside the range that the kernel chooses from.
    NotNeeded,
    /// The socket is not bound yet: a server that listens at all addresses prevents it while it runs.
    NotYet(u16),
    /// The socket is bound.
    Kept {
        /// Keeps the port until it is dropped.
        _socket: Socket,
    },
}

impl KeptPort {
    pub(super) fn new(server: &Endpoint) -> Self {
        match server {
            Endpoint::Tcp(server) if is_chosen_by_kernel(server.port()) => Self::NotYet(server.port()).try_to_keep(),
            _ => Self::NotNeeded,
        }
    }

    /// Binds the socket, unless it is bound or not needed.
    pub(super) fn keep(&mut self) {
        if let Self::NotYet(port) = *self {
            *self = Self::NotYet(port).try_to_keep();
        }
    }

    fn try_to_keep(self) -> Self {
        /// A loopback address that is not 127.0.0.1.
        const ELSEWHERE: [u8; 4] = [127, 83, 47, 11];
        let Self::NotYet(port) = self else { return self };
        let bound = Socket::new(Domain::IPV4, Type::STREAM, None).and_then(|socket| {
            // The server may restart, and other threads bind the port too.
            socket.set_reuse_address(true)?;
            socket.bind(&SocketAddr::from((ELSEWHERE, port)).into())?;
            Ok(socket)
        });
        bound.map_or(self, |socket| Self::Kept { _socket: socket })
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_kept_port_does_not_block_a_restarted_server() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let first = KeptPort::new(&address.into());
        assert!(matches!(first, KeptPort::Kept { .. }), "{first:?}");
        // The socket of another thread, and that of a restarted server.
        assert!(matches!(KeptPort::new(&address.into()), KeptPort::Kept { .. }));
        drop(listener);
        let restarted = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        restarted.bind(&address.into()).unwrap();
    }

    #[test]
    fn a_port_bound_at_all_addresses_is_kept_once_it_is_free() {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut port = KeptPort::new(&address.into());
        assert!(matches!(port, KeptPort::NotYet(_)), "{port:?}");
        drop(listener);
        port.keep();
        assert!(matches!(port, KeptPort::Kept { .. }), "{port:?}");
    }
}
