//! The reasons for which a request gets no response, or not the expected one.

use std::fmt;
use std::io;

use std::net::SocketAddr;

use nix::errno::Errno;
use rustix::net::{AddressFamily, SocketType, connect, socket};

use super::Endpoint;

/// The reason why a request got no response, or not the expected one. The three time-outs also enter the distribution of response times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestError {
    /// No server listens at the address.
    Refused,
    /// The server's queue of connections is full. Only Unix sockets report this.
    QueueFull,
    /// The server's network or host cannot be reached.
    Unreachable,
    /// The connection was not established within the time-out.
    ConnectTimeout,
    /// No response within the time-out.
    Timeout,
    /// No connection became free within the time-out; the request was never sent.
    TimeoutUnsent,
    /// The server reset the connection before the head of the response was complete.
    ResetInHead,
    /// The server reset the connection after the head of the response and before its end.
    ResetInBody,
    /// The response is invalid HTTP/1.1, incomplete or over a limit. Holds the codec's name of the error.
    Response(&'static str),
    /// The response has another status code than the expected one.
    UnexpectedStatus(u16),
    /// The body of the response lacks the expected text.
    UnexpectedBody,
    /// This process has no file descriptor left: a limit of the generator, not of the server.
    NoDescriptor,
    /// This machine has no port left: a limit of the generator, not of the server.
    NoPort,
    /// This machine has no local address from which to reach the server.
    NoAddress,
    /// IPv6 is disabled on this machine.
    NoIpv6,
    /// The server's certificate is not accepted. Holds the reason.
    Certificate(&'static str),
    /// The TLS handshake failed.
    Tls,
    /// Any other error, by its name in the system or the client.
    Other(&'static str),
}

impl RequestError {
    /// Returns the name of the error in records and in JSON.
    pub fn class(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::QueueFull => "queue_full",
            Self::Unreachable => "unreachable",
            Self::ConnectTimeout => "connect_timeout",
            Self::Timeout => "timeout",
            Self::TimeoutUnsent => "timeout_unsent",
            Self::ResetInHead => "reset_in_head",
            Self::ResetInBody => "reset_in_body",
            Self::UnexpectedStatus(200..=299) => "unexpected_status_2xx",
            Self::UnexpectedStatus(300..=399) => "unexpected_status_3xx",
            Self::UnexpectedStatus(400..=499) => "unexpected_status_4xx",
            Self::UnexpectedStatus(_) => "unexpected_status_5xx",
            Self::UnexpectedBody => "unexpected_body",
            Self::NoDescriptor => "local_no_descriptor",
            Self::NoPort => "local_no_port",
            Self::NoAddress => "local_no_address",
            Self::NoIpv6 => "local_no_ipv6",
            Self::Certificate(_) => "certificate",
            Self::Tls => "tls",
            Self::Response(class) | Self::Other(class) => class,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "connection refused: no process listens on this address",
            Self::QueueFull => "the server's accept queue is full: it has not accepted earlier connections",
            Self::Unreachable => "no route to the server",
            Self::ConnectTimeout => "the connection attempt timed out",
            Self::Timeout => "no response within the time-out",
            Self::TimeoutUnsent => "no connection was free within the time-out",
            Self::ResetInHead => "the server reset the connection",
            Self::ResetInBody => "the server reset the connection inside the response",
            Self::UnexpectedStatus(_) => "the response has an unexpected status code",
            Self::UnexpectedBody => "the body of the response lacks the expected text",
            Self::NoDescriptor => "this process has reached its limit of open files",
            Self::NoPort => "no local port is free for another connection",
            Self::NoAddress => "no local address can reach the server",
            Self::NoIpv6 => "IPv6 is disabled on this machine",
            Self::Tls => "TLS handshake failed; is this an HTTPS server?",
            Self::Certificate(why) | Self::Response(why) | Self::Other(why) => why,
        })
    }
}

impl std::error::Error for RequestError {}

impl RequestError {
    /// Returns the reason why a connection to this server could not be opened, given the system's error.
    pub(super) fn connecting(error: io::Error, server: &Endpoint) -> Self {
        match (error.raw_os_error().map(Errno::from_raw), server) {
            (Some(Errno::EADDRNOTAVAIL | Errno::EAFNOSUPPORT), Endpoint::Tcp(address)) => local_address(*address),
            _ => error.into(),
        }
    }
}

/// Returns what this machine lacks for the connection: a port, an address or IPv6. The system reports a missing port
/// and a missing address by the same error. A datagram socket needs the same address but none of those ports.
fn local_address(server: SocketAddr) -> RequestError {
    let family = if server.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let reached = socket(family, SocketType::DGRAM, None).and_then(|socket| connect(&socket, &server));
    match reached.map_err(|errno| Errno::from_raw(errno.raw_os_error())) {
        Err(Errno::EAFNOSUPPORT) if server.is_ipv6() => RequestError::NoIpv6,
        Err(Errno::EADDRNOTAVAIL) if server.is_ipv6() && has_no_ipv6_address() => RequestError::NoIpv6,
        Err(Errno::EADDRNOTAVAIL | Errno::EAFNOSUPPORT) => RequestError::NoAddress,
        _ => RequestError::NoPort,
    }
}

fn has_no_ipv6_address() -> bool {
    std::fs::read_to_string("/proc/net/if_inet6").map_or(true, |addresses| addresses.is_empty())
}

/// Converts the system's error. Only the reader of a response knows whether a reset came within its body.
impl From<io::Error> for RequestError {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ECONNREFUSED) => Self::Refused,
            Some(Errno::EAGAIN) => Self::QueueFull,
            Some(Errno::EHOSTUNREACH | Errno::ENETUNREACH) => Self::Unreachable,
            Some(Errno::ETIMEDOUT) => Self::ConnectTimeout,
            Some(Errno::ECONNRESET | Errno::EPIPE) => Self::ResetInHead,
            Some(Errno::EMFILE | Errno::ENFILE) => Self::NoDescriptor,
            Some(Errno::EADDRNOTAVAIL) => Self::NoPort,
            Some(errno) => Self::Other(errno.desc()),
            None => Self::Other("io"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_error_has_a_class() {
        for (errno, class) in [
            (Errno::ECONNREFUSED, "refused"),
            (Errno::ENETUNREACH, "unreachable"),
            (Errno::EHOSTUNREACH, "unreachable"),
            (Errno::ETIMEDOUT, "connect_timeout"),
            (Errno::ECONNRESET, "reset_in_head"),
            (Errno::EPIPE, "reset_in_head"),
            (Errno::EMFILE, "local_no_descriptor"),
            (Errno::ENFILE, "local_no_descriptor"),
            (Errno::EADDRNOTAVAIL, "local_no_port"),
            (Errno::EACCES, "Permission denied"),
        ] {
            assert_eq!(RequestError::from(io::Error::from(errno)).class(), class, "{errno}");
        }
        assert_eq!(RequestError::from(io::Error::other("not a system error")).class(), "io");
    }

    #[test]
    fn an_unavailable_address_means_no_port_or_no_ipv6() {
        let check = |server: &str, class: &str| {
            let server = Endpoint::Tcp(server.parse().unwrap());
            assert_eq!(RequestError::connecting(Errno::EADDRNOTAVAIL.into(), &server).class(), class, "{server}");
        };
        // A loopback address is always local, so the port is missing.
        check("127.0.0.1:1", "local_no_port");
        if !has_no_ipv6_address() {
            check("[::1]:1", "local_no_port");
        } else {
            check("[::1]:1", "local_no_ipv6");
        }
        let unix = Endpoint::Unix("/nowhere".into());
        assert_eq!(RequestError::connecting(Errno::EAGAIN.into(), &unix).class(), "queue_full");
    }
}
