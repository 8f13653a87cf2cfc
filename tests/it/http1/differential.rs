//! Two readers of the same bytes: our codec and hyper. What both take for a request is the same request; what only one
//! of them takes has a reason that stands in a list.

mod reasons;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use async_vs_threads::http1::Method;
use hyper::body::{Body as _, Incoming};
use hyper::http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};

use super::corpus::{corpus, with_mutations};
use super::oracle::Conversation;
use reasons::{CLOSING, LAXER, Message, Reason, STRICTER};

/// How many changed messages both read.
const MUTATIONS: usize = 20_000;

/// A request as somebody understood it.
#[derive(Debug)]
struct Understood {
    method: Method,
    target: Uri,
    /// Nothing where it is not known: we tell a body only by sending it back.
    body: Option<Vec<u8>>,
    /// After how many bytes of the connection it was complete.
    end: usize,
}

impl Understood {
    fn is_same(&self, other: &Self) -> bool {
        let bodies = [&self.body, &other.body];
        (self.method, &self.target, self.end) == (other.method, &other.target, other.end)
            && (bodies.iter().any(|body| body.is_none()) || self.body == other.body)
    }
}

fn ours(bytes: &[u8]) -> Vec<Understood> {
    let mut conversation = Conversation::new();
    let mut all = Vec::new();
    for end in 1..=bytes.len() {
        conversation.read(&bytes[end - 1..end]);
        let said = mem::take(&mut conversation.output);
        for (method, target) in conversation.requests.drain(..) {
            let is_echo = method == Method::Post && target == b"/echo" && said.starts_with(b"HTTP/1.1 200 ");
            let body = said.windows(4).position(|four| four == b"\r\n\r\n").map(|head| said[head + 4..].to_vec());
            let target = Uri::try_from(&target[..]).unwrap_or_else(|_| Uri::from_static("/no-uri"));
            all.push(Understood { method, target, body: body.filter(|_| is_echo), end });
        }
    }
    all
}

fn hypers(bytes: &[u8]) -> Vec<Understood> {
    let (wire, heard) = (Wire::default(), Rc::<RefCell<Vec<_>>>::default());
    let service = service_fn(|request: Request<Incoming>| {
        let (wire, heard) = (wire.clone(), Rc::clone(&heard));
        async move {
            let (head, body) = request.into_parts();
            if let body @ Some(_) = collect(body).await {
                let method = match head.method.as_str() {
                    "GET" => Method::Get,
                    "HEAD" => Method::Head,
                    "POST" => Method::Post,
                    "OPTIONS" => Method::Options,
                    _ => Method::Other,
                };
                let end = wire.0.borrow().n_read;
                heard.borrow_mut().push(Understood { method, target: head.uri, body, end });
            }
            Ok::<_, Infallible>(Response::new(String::new()))
        }
    });
    let mut builder = http1::Builder::new();
    let mut connection = pin!(builder.half_close(true).auto_date_header(false).serve_connection(wire.clone(), service));
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    for byte in bytes {
        wire.0.borrow_mut().next = Some(*byte);
        woken.0.store(true, Ordering::Relaxed);
        while woken.0.swap(false, Ordering::Relaxed) {
            if connection.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                return heard.take();
            }
        }
    }
    heard.take()
}

/// A body to its end; nothing if it is broken.
async fn collect(mut body: Incoming) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        whole.extend_from_slice(frame.ok()?.data_ref().map_or(&[], |data| data));
    }
    Some(whole)
}

/// A peer that sends one byte at a time and reads everything.
#[derive(Clone, Default)]
struct Wire(Rc<RefCell<Sent>>);

#[derive(Default)]
struct Sent {
    next: Option<u8>,
    n_read: usize,
}

impl Read for Wire {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, mut space: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let mut sent = self.0.borrow_mut();
        match sent.next.take() {
            Some(byte) => {
                sent.n_read += 1;
                space.put_slice(&[byte]);
                Poll::Ready(Ok(()))
            }
            None => Poll::Pending,
        }
    }
}

impl Write for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The reasons of a list that fit what only one of the two took.
fn fitting(reasons: &[Reason], bytes: &[u8]) -> Vec<&'static str> {
    let message = Message::read(bytes);
    reasons.iter().filter(|(_, fits)| fits(&message)).map(|(words, _)| *words).collect()
}

#[test]
fn hyper_understands_the_same_or_there_is_a_reason() {
    let mut met = BTreeMap::new();
    let mut n_agreed = 0;
    for bytes in with_mutations(&corpus("requests"), MUTATIONS) {
        let (ours, hypers) = (ours(&bytes), hypers(&bytes));
        let n_same = ours.iter().zip(&hypers).take_while(|(our, hyper)| our.is_same(hyper)).count();
        n_agreed += n_same;
        let end = |n: usize| n.checked_sub(1).map_or(0, |last| ours[last].end);
        let (before, rest) = (&bytes[end(n_same.saturating_sub(1))..end(n_same)], &bytes[end(n_same)..]);
        let reasons = match (ours.get(n_same), hypers.get(n_same)) {
            (None, None) => continue,
            (None, Some(_)) => [fitting(&STRICTER, rest), fitting(&CLOSING, before)].concat(),
            (Some(_), None) => fitting(&LAXER, rest),
            (Some(our), Some(hyper)) => panic!("{our:?}\n{hyper:?}\n{}", bytes.escape_ascii()),
        };
        assert!(!reasons.is_empty(), "{ours:?}\n{hypers:?}\n{} ... {}", before.escape_ascii(), rest.escape_ascii());
        reasons.into_iter().for_each(|reason| *met.entry(reason).or_insert(0) += 1);
    }
    assert!(n_agreed > MUTATIONS / 10, "{n_agreed} requests that both understand prove little");
    for (words, _) in STRICTER.iter().chain(&CLOSING).chain(&LAXER) {
        assert!(met.contains_key(words), "no message needs this reason: {words}");
    }
}
