//! Why a question got no answer.

use std::fmt;
use std::io;

use nix::errno::Errno;

/// Why a question got no answer. The time-out is counted apart, as it is a time too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Nobody listens there.
    Refused,
    /// There is no way there.
    Unreachable,
    /// No answer to the attempt to connect.
    ConnectTimeout,
    /// The server reset the connection.
    Reset,
    /// The answer is no HTTP/1.1, or ends early, or is larger than any we read: the codec's name for it.
    Reply(&'static str),
    /// This process has no descriptor left: our limit, not the server's doing.
    NoDescriptor,
    /// This machine has no port left: our limit, not the server's doing.
    NoPort,
    /// Anything else, by the system's or the client's own name.
    Other(&'static str),
}

impl Trouble {
    /// Its name in records and in JSON.
    pub fn class(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::ConnectTimeout => "connect_timeout",
            Self::Reset => "reset",
            Self::NoDescriptor => "local_no_descriptor",
            Self::NoPort => "local_no_port",
            Self::Reply(class) | Self::Other(class) => class,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the connection was refused: nobody listens there",
            Self::Unreachable => "there is no route to it",
            Self::ConnectTimeout => "no answer to the attempt to connect",
            Self::Reset => "the server reset the connection",
            Self::NoDescriptor => "this process may not open more files",
            Self::NoPort => "this machine has no port left for another connection",
            Self::Reply(class) | Self::Other(class) => class,
        })
    }
}

impl std::error::Error for Trouble {}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ECONNREFUSED) => Self::Refused,
            Some(Errno::EHOSTUNREACH | Errno::ENETUNREACH) => Self::Unreachable,
            Some(Errno::ETIMEDOUT) => Self::ConnectTimeout,
            Some(Errno::ECONNRESET | Errno::EPIPE) => Self::Reset,
            Some(Errno::EMFILE | Errno::ENFILE) => Self::NoDescriptor,
            Some(Errno::EADDRNOTAVAIL) => Self::NoPort,
            Some(errno) => Self::Other(errno.desc()),
            None => Self::Other("io"),
        }
    }
}
