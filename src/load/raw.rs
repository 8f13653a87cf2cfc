//! The least a client can cost: the project's own codec straight on a socket.
//!
//! Two system calls a request, a write and a read, beside the wait that all connections share: tokio clears a socket's
//! readiness after a read that did not fill its buffer, so no read is tried in vain.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http1::{ClientCodec, ReplyError, encode_request};

use super::Plan;
use super::client::{Answer, Client, Question, Trouble};

/// A connection and its codec.
#[derive(Debug)]
pub(super) struct RawClient {
    stream: TcpStream,
    http: ClientCodec,
    shared: Rc<Shared>,
}

/// The questions, ready to be sent.
#[derive(Debug)]
pub(super) struct Shared {
    server: SocketAddr,
    ordinary: Vec<u8>,
    heavy: Vec<u8>,
    to_head: bool,
    stamp: Option<Arc<str>>,
}

impl Client for RawClient {
    type Shared = Shared;

    fn share(plan: &Plan) -> Shared {
        let encode = |question: &Question| {
            let Question { method, authority, target, headers, body } = question;
            let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            encode_request(method, target, authority, &headers, body)
        };
        Shared {
            server: plan.server,
            ordinary: encode(&plan.question),
            heavy: plan.heavy.as_ref().map(|(_, question)| encode(question)).unwrap_or_default(),
            to_head: plan.question.method == "HEAD",
            stamp: plan.stamp.clone(),
        }
    }

    async fn connect(shared: &Rc<Shared>) -> Result<Self, Trouble> {
        let stream = TcpStream::connect(shared.server).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, http: ClientCodec::new(shared.stamp.clone()), shared: Rc::clone(shared) })
    }

    async fn ask(&mut self, heavy: bool) -> Result<Answer, Trouble> {
        let question = if heavy { &self.shared.heavy } else { &self.shared.ordinary };
        self.stream.write_all(question).await?;
        loop {
            let n = self.stream.read(self.http.space()).await?;
            self.http.received(n);
            if let Some(reply) = self.http.next(self.shared.to_head)? {
                // Bytes behind the answer would be taken for the next one: such a connection is not asked again.
                let keep_alive = reply.keep_alive && self.http.is_at_rest();
                return Ok(Answer { status: reply.status, bytes: reply.bytes, keep_alive });
            }
        }
    }
}

impl From<ReplyError> for Trouble {
    fn from(error: ReplyError) -> Self {
        Self::Reply(error.class())
    }
}
