//! What must hold for any bytes, said in one place: the fuzz targets of `tests/fuzz` include this file, and `corpus.rs`
//! runs it where there is no fuzzer. It knows the crate, and nothing of the tests around it.

use std::sync::Arc;
use std::thread;

use async_vs_threads::http1::{ClientCodec, Date, Method, Reply, ReplyError, ServerCodec, limits};
use async_vs_threads::service::route::route;

/// What stands in every answer of a test that has no clock.
pub(crate) const DATE: Date = Date(*b"Sun, 06 Nov 1994 08:49:37 GMT");
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The server's side: however the bytes are cut, they are understood and answered alike; every request has one answer;
/// a refusal is the last of them; and the answers are no more than what was asked can be worth.
pub(crate) fn check_requests(bytes: &[u8]) {
    let _told = ToldInPanic(bytes);
    let mut whole = Conversation::new();
    whole.read(bytes);
    judge_answers(&whole);
    // An answer has at most 512 bytes and an echo, and no request less than 16.
    assert!(whole.output.len() <= 512 * (bytes.len() / 16 + 1) + bytes.len(), "too much is said");
    for pieces in cuts(bytes) {
        let mut cut = Conversation::new();
        pieces.iter().for_each(|piece| cut.read(piece));
        assert_eq!(cut.requests, whole.requests, "another cut");
        assert_eq!(cut.output.escape_ascii().to_string(), whole.output.escape_ascii().to_string(), "another cut");
        assert_eq!(cut.is_closing(), whole.is_closing(), "another cut");
    }
    let said = whole.output.len();
    if whole.is_closing() {
        whole.read(b"GET /echo/next HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    whole.end();
    assert_eq!(whole.output.len(), said, "nothing follows the last word, and nothing is said at the end");
}

/// The client's side: however the bytes are cut, they are the same replies and the same error; an error is for good;
/// every byte belongs to one reply; and what is read is never stored.
pub(crate) fn check_replies(bytes: &[u8]) {
    let _told = ToldInPanic(bytes);
    for to_head in [false, true] {
        let mut whole = Asked::new(None, to_head);
        whole.read(bytes);
        for pieces in cuts(bytes) {
            let mut cut = Asked::new(None, to_head);
            pieces.iter().for_each(|piece| cut.read(piece));
            assert_eq!((&cut.replies, cut.error), (&whole.replies, whole.error), "another cut");
        }
        whole.end();
        let Asked { replies, error, .. } = whole;
        assert!(replies.iter().all(|reply| (200..1000).contains(&reply.status)), "{replies:?}");
        assert!(replies.iter().all(|reply| reply.body_bytes < reply.bytes), "{replies:?}");
        let read: u64 = replies.iter().map(|reply| reply.bytes).sum();
        assert!(read <= bytes.len() as u64, "a byte was counted twice: {replies:?}");
        let is_all = !replies.is_empty() && read == bytes.len() as u64;
        assert_eq!(error == Some(ReplyError::Stale), is_all, "an end has a reason: {error:?} {replies:?}");
        assert!(error.is_some(), "an end is told");
    }
}

/// A connection as a server model serves it.
pub(crate) struct Conversation {
    codec: ServerCodec,
    pub(crate) requests: Vec<(Method, Vec<u8>)>,
    pub(crate) output: Vec<u8>,
}

impl Conversation {
    pub(crate) fn new() -> Self {
        Self { codec: ServerCodec::new(None), requests: Vec::new(), output: Vec::new() }
    }

    pub(crate) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let n = put(self.codec.space(), &mut bytes);
            self.received(n);
        }
    }

    fn received(&mut self, n: usize) {
        self.codec.received(n);
        loop {
            while let Some((request, responder)) = self.codec.next(&DATE) {
                self.requests.push((request.method, request.target.to_vec()));
                route(&request).respond(responder, &DATE);
            }
            let output = self.codec.output();
            if output.is_empty() {
                return;
            }
            self.output.extend_from_slice(output);
            let n = output.len();
            self.codec.sent(n);
        }
    }

    pub(crate) fn end(&mut self) {
        self.received(0);
        assert!(self.is_closing(), "an ended connection closes");
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.codec.is_closing()
    }
}

/// Reads what a server said as a client would.
fn judge_answers(said: &Conversation) {
    // A refused request is not recorded; the refusal of a HEAD is a head alone.
    let is_to_head = |n: usize| match said.requests.get(n) {
        Some((method, _)) => *method == Method::Head,
        None => said.output.ends_with(b"\r\n\r\n"),
    };
    let mut codec = ClientCodec::new(None);
    let (mut rest, mut answers) = (&said.output[..], Vec::new());
    while !rest.is_empty() {
        let n = put(codec.space(), &mut rest);
        codec.received(n);
        while let Some(reply) = codec.next(is_to_head(answers.len())).expect("what we say we understand") {
            answers.push(reply);
        }
    }
    assert!(codec.is_at_rest() || said.output.ends_with(CONTINUE), "half an answer");
    let refusals = answers.len().checked_sub(said.requests.len()).expect("every request has its answer");
    assert!(refusals <= 1, "{refusals} refusals");
    let last = answers.pop();
    assert!(answers.iter().all(|reply| reply.keep_alive), "an answer stands behind the last one");
    assert_eq!(last.is_some_and(|last| !last.keep_alive), said.is_closing(), "the last word says that it is");
    let is_refused = last.is_some_and(|last| last.status >= 400 && !last.keep_alive);
    assert!(refusals == 0 || is_refused, "{last:?} was not asked for");
}

/// A connection as the load generator reads it, until the first error.
pub(crate) struct Asked {
    codec: ClientCodec,
    to_head: bool,
    pub(crate) replies: Vec<Reply>,
    pub(crate) error: Option<ReplyError>,
}

impl Asked {
    pub(crate) fn new(stamp: Option<&str>, to_head: bool) -> Self {
        Self { codec: ClientCodec::new(stamp.map(Arc::from)), to_head, replies: Vec::new(), error: None }
    }

    pub(crate) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.error.is_none() {
            let space = self.codec.space();
            assert!(space.len() <= limits::INPUT_AT_MOST, "more is stored than a head");
            let n = put(space, &mut bytes);
            self.received(n);
        }
    }

    fn received(&mut self, n: usize) {
        self.codec.received(n);
        while self.error.is_none() {
            match self.codec.next(self.to_head) {
                Ok(Some(reply)) => self.replies.push(reply),
                Ok(None) => return,
                Err(error) => self.error = Some(error),
            }
        }
        assert_eq!(self.codec.next(self.to_head).err(), self.error, "an error stays");
    }

    pub(crate) fn end(&mut self) {
        if self.error.is_none() {
            self.received(0);
        }
    }
}

/// Moves as many of the bytes as there is space for.
fn put(space: &mut [u8], bytes: &mut &[u8]) -> usize {
    assert!(!space.is_empty(), "a codec that wants more has space for it");
    let n = space.len().min(bytes.len());
    space[..n].copy_from_slice(&bytes[..n]);
    *bytes = &bytes[n..];
    n
}

/// Byte by byte, and in pieces whose lengths hang on the bytes themselves: so an input is a message and nothing else.
fn cuts(bytes: &[u8]) -> [Vec<&[u8]>; 2] {
    let seed = bytes.iter().fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut rest, mut pieces) = (bytes, Vec::new());
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rng.usize(1..=rest.len().min(60)));
        pieces.push(piece);
        rest = after;
    }
    [bytes.chunks(1).collect(), pieces]
}

/// Tells the input, should the test end by a panic, wherever in it that is.
struct ToldInPanic<'a>(&'a [u8]);

impl Drop for ToldInPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the input: b\"{}\"", self.0.escape_ascii());
        }
    }
}
