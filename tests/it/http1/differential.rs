//! Compares our codec with hyper on the same bytes. Both must read the same requests; where only one of them accepts a
//! message, a listed reason must apply.

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
use reasons::{CLOSING, MORE_LENIENT, Message, Reason, STRICTER};

/// The number of mutated messages.
const MUTATIONS: usize = 20_000;

/// A request as one of the two codecs read it.
#[derive(Debug)]
struct ReadRequest {
    method: Method,
    target: Uri,
    /// `None` if unknown: our codec shows a body only by echoing it.
    body: Option<Vec<u8>>,
    /// The number of bytes of the connection after which it was complete.
    end: usize,
}

impl ReadRequest {
    fn is_same(&self, other: &Self) -> bool {
        let bodies = [&self.body, &other.body];
        (self.method, &self.target, self.end) == (other.method, &other.target, other.end)
            && (bodies.iter().any(|body| body.is_none()) || self.body == other.body)
    }
}

fn read_by_us(bytes: &[u8]) -> Vec<ReadRequest> {
    let mut conversation = Conversation::new();
    let mut all = Vec::new();
    for end in 1..=bytes.len() {
        conversation.read(&bytes[end - 1..end]);
        let output = mem::take(&mut conversation.output);
        for (method, target) in conversation.requests.drain(..) {
            let is_echo = method == Method::Post && target == b"/echo" && output.starts_with(b"HTTP/1.1 200 ");
            let body = output.windows(4).position(|four| four == b"\r\n\r\n").map(|head| output[head + 4..].to_vec());
            let target = Uri::try_from(&target[..]).unwrap_or_else(|_| Uri::from_static("/no-uri"));
            all.push(ReadRequest { method, target, body: body.filter(|_| is_echo), end });
        }
    }
    all
}

fn read_by_hyper(bytes: &[u8]) -> Vec<ReadRequest> {
    let (wire, requests) = (Wire::default(), Rc::<RefCell<Vec<_>>>::default());
    let service = service_fn(|request: Request<Incoming>| {
        let (wire, requests) = (wire.clone(), Rc::clone(&requests));
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
                requests.borrow_mut().push(ReadRequest { method, target: head.uri, body, end });
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
                return requests.take();
            }
        }
    }
    requests.take()
}

/// Reads a body to its end. Returns `None` if it is invalid.
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

/// Returns the reasons of a list that apply to a message that only one of the two accepted.
fn applicable(reasons: &[Reason], bytes: &[u8]) -> Vec<&'static str> {
    let message = Message::read(bytes);
    reasons.iter().filter(|(_, fits)| fits(&message)).map(|(words, _)| *words).collect()
}

#[test]
fn differences_from_hyper_have_a_listed_reason() {
    let mut counts = BTreeMap::new();
    let mut n_agreed = 0;
    for bytes in with_mutations(&corpus("requests"), MUTATIONS) {
        let (ours, hypers) = (read_by_us(&bytes), read_by_hyper(&bytes));
        let n_same = ours.iter().zip(&hypers).take_while(|(our, hyper)| our.is_same(hyper)).count();
        n_agreed += n_same;
        let end = |n: usize| n.checked_sub(1).map_or(0, |last| ours[last].end);
        let (before, rest) = (&bytes[end(n_same.saturating_sub(1))..end(n_same)], &bytes[end(n_same)..]);
        let reasons = match (ours.get(n_same), hypers.get(n_same)) {
            (None, None) => continue,
            (None, Some(_)) => [applicable(&STRICTER, rest), applicable(&CLOSING, before)].concat(),
            (Some(_), None) => applicable(&MORE_LENIENT, rest),
            (Some(our), Some(hyper)) => panic!("{our:?}\n{hyper:?}\n{}", bytes.escape_ascii()),
        };
        assert!(!reasons.is_empty(), "{ours:?}\n{hypers:?}\n{} ... {}", before.escape_ascii(), rest.escape_ascii());
        reasons.into_iter().for_each(|reason| *counts.entry(reason).or_insert(0) += 1);
    }
    assert!(n_agreed > MUTATIONS / 10, "only {n_agreed} requests that both accept");
    for (words, _) in STRICTER.iter().chain(&CLOSING).chain(&MORE_LENIENT) {
        assert!(counts.contains_key(words), "no message needs this reason: {words}");
    }
}
