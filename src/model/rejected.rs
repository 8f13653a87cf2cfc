//! Answers connections beyond the limit with 503, and closes them later.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use crate::http1::Status;
use crate::service::date;

use super::server::Server;

/// The maximum number of rejected connections that are kept open. Closing at once, with the request unread, would send
/// a reset, which destroys the response in transit. So connections are closed in turn, without anything waiting for
/// them.
const MOST: usize = 64;

/// The connections that were answered 503 most recently.
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
        // A peer that cannot be answered is already gone.
        if write_rejection(server, &stream).is_ok() {
            self.answered.push_back(stream);
        }
    }
}

fn write_rejection(server: &Server, mut stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    let mut http = server.codec();
    http.refuse(Status::ServiceUnavailable, &date::now());
    // The send buffer of a new connection has room for this small response.
    stream.write_all(http.output())?;
    stream.shutdown(Shutdown::Write)
}

/// Reads data that has already arrived, up to a limit.
fn drain(mut stream: &TcpStream) {
    let mut unread = [0; 4096];
    for _ in 0..super::LINGER.reads {
        if !stream.read(&mut unread).is_ok_and(|n| n > 0) {
            break;
        }
    }
}
