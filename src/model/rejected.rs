//! Connections that there is no room for: they are answered 503, and closed when that was read.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use crate::http1::Status;
use crate::service::date;

use super::server::Server;

/// Closing at once, with their request unread, would send a reset, and a reset destroys the answer on its way. So this
/// many wait for their turn to be closed, with nobody waiting for them.
const MOST: usize = 64;

/// The connections that were answered 503 last.
#[derive(Debug, Default)]
pub(super) struct Rejected {
    answered: VecDeque<Arc<TcpStream>>,
}

impl Rejected {
    /// Answers a connection 503. Never blocks.
    pub(super) fn refuse(&mut self, server: &Server, stream: Arc<TcpStream>) {
        server.count_refused();
        if self.answered.len() == MOST {
            self.answered.pop_front().as_deref().map(drain);
        }
        // A peer that cannot be answered is gone already.
        if write_rejection(server, &stream).is_ok() {
            self.answered.push_back(stream);
        }
    }
}

fn write_rejection(server: &Server, mut stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    let mut http = server.echo.codec();
    http.refuse(Status::ServiceUnavailable, &date::now());
    // A new connection has room for so little.
    stream.write_all(http.output())?;
    stream.shutdown(Shutdown::Write)
}

/// Reads what has arrived, up to a bound.
fn drain(mut stream: &TcpStream) {
    let mut unread = [0; 4096];
    for _ in 0..super::LINGER.reads {
        if !stream.read(&mut unread).is_ok_and(|n| n > 0) {
            break;
        }
    }
}
