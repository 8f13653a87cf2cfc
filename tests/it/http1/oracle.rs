//! The properties that must hold for any bytes. The fuzz targets of `tests/fuzz` include this file, and `corpus.rs`
//! runs it without a fuzzer, so it depends only on the crate and not on the other tests.

use std::sync::Arc;
use std::thread;

use async_vs_threads::http1::{ClientCodec, Date, Method, ParsedResponse, ResponseError, ServerCodec, limits};
use async_vs_threads::service::route::route;

/// The date of every response in tests without a clock.
pub(crate) const DATE: Date = Date(*b"Sun, 06 Nov 1994 08:49:37 GMT");
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Checks the server's codec: the responses do not depend on how the bytes are split; every request has one response; a
/// refusal is the last response; and the size of the output is bounded by that of the input.
pub(crate) fn check_requests(bytes: &[u8]) {
    let _print = PrintOnPanic(bytes);
    let mut whole = Conversation::new();
    whole.read(bytes);
    check_output(&whole);
    // A response has at most 512 bytes and an echo, and a request at least 16 bytes.
    assert!(whole.output.len() <= 512 * (bytes.len() / 16 + 1) + bytes.len(), "the output is too long");
    for pieces in splits(bytes) {
        let mut split = Conversation::new();
        pieces.iter().for_each(|piece| split.read(piece));
        assert_eq!(split.requests, whole.requests, "another split");
        assert_eq!(split.output.escape_ascii().to_string(), whole.output.escape_ascii().to_string(), "another split");
        assert_eq!(split.is_closing(), whole.is_closing(), "another split");
    }
    let length = whole.output.len();
    if whole.is_closing() {
        whole.read(b"GET /echo/next HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    whole.end();
    assert_eq!(whole.output.len(), length, "nothing is sent after a refusal or at the end of the input");
}

/// Checks the client's codec: its responses and its error do not depend on how the bytes are split; an error is final;
/// every byte belongs to one response; and bodies are not stored.
pub(crate) fn check_responses(bytes: &[u8]) {
    let _print = PrintOnPanic(bytes);
    for to_head in [false, true] {
        let mut whole = ClientConnection::new(None, to_head);
        whole.read(bytes);
        for pieces in splits(bytes) {
            let mut split = ClientConnection::new(None, to_head);
            pieces.iter().for_each(|piece| split.read(piece));
            assert_eq!((&split.responses, split.error), (&whole.responses, whole.error), "another split");
        }
        whole.end();
        let ClientConnection { responses, error, .. } = whole;
        assert!(responses.iter().all(|response| (200..1000).contains(&response.status)), "{responses:?}");
        assert!(responses.iter().all(|response| response.body_bytes < response.bytes), "{responses:?}");
        let read: u64 = responses.iter().map(|response| response.bytes).sum();
        assert!(read <= bytes.len() as u64, "a byte was counted twice: {responses:?}");
        let is_all = !responses.is_empty() && read == bytes.len() as u64;
        assert_eq!(error == Some(ResponseError::Stale), is_all, "wrong reason for the end: {error:?} {responses:?}");
        assert!(error.is_some(), "the end is not reported");
    }
}

/// The server's side of a connection, without a socket.
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

/// Reads the output of a server as a client.
fn check_output(conversation: &Conversation) {
    // A refused request is not recorded; the refusal of a HEAD request has no body.
    let is_to_head = |n: usize| match conversation.requests.get(n) {
        Some((method, _)) => *method == Method::Head,
        None => conversation.output.ends_with(b"\r\n\r\n"),
    };
    let mut codec = ClientCodec::new(None);
    let (mut rest, mut responses) = (&conversation.output[..], Vec::new());
    while !rest.is_empty() {
        let n = put(codec.space(), &mut rest);
        codec.received(n);
        while let Some(response) =
            codec.next(is_to_head(responses.len())).expect("the client's codec accepts the server's output")
        {
            responses.push(response);
        }
    }
    assert!(codec.is_at_rest() || conversation.output.ends_with(CONTINUE), "an incomplete response");
    let refusals = responses.len().checked_sub(conversation.requests.len()).expect("every request has a response");
    assert!(refusals <= 1, "{refusals} refusals");
    let last = responses.pop();
    assert!(responses.iter().all(|response| response.keep_alive), "a response follows the last one");
    assert_eq!(
        last.is_some_and(|last| !last.keep_alive),
        conversation.is_closing(),
        "the last response has `Connection: close`"
    );
    let is_refused = last.is_some_and(|last| last.status >= 400 && !last.keep_alive);
    assert!(refusals == 0 || is_refused, "{last:?} has no request");
}

/// The client's side of a connection, without a socket, until the first error.
pub(crate) struct ClientConnection {
    codec: ClientCodec,
    to_head: bool,
    pub(crate) responses: Vec<ParsedResponse>,
    pub(crate) error: Option<ResponseError>,
}

impl ClientConnection {
    pub(crate) fn new(stamp: Option<&str>, to_head: bool) -> Self {
        Self { codec: ClientCodec::new(stamp.map(Arc::from)), to_head, responses: Vec::new(), error: None }
    }

    pub(crate) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.error.is_none() {
            let space = self.codec.space();
            assert!(space.len() <= limits::INPUT_AT_MOST, "more than a head is stored");
            let n = put(space, &mut bytes);
            self.received(n);
        }
    }

    fn received(&mut self, n: usize) {
        self.codec.received(n);
        while self.error.is_none() {
            match self.codec.next(self.to_head) {
                Ok(Some(response)) => self.responses.push(response),
                Ok(None) => return,
                Err(error) => self.error = Some(error),
            }
        }
        assert_eq!(self.codec.next(self.to_head).err(), self.error, "an error is final");
    }

    pub(crate) fn end(&mut self) {
        if self.error.is_none() {
            self.received(0);
        }
    }
}

/// Moves as many bytes as fit.
fn put(space: &mut [u8], bytes: &mut &[u8]) -> usize {
    assert!(!space.is_empty(), "a codec that expects bytes has space for them");
    let n = space.len().min(bytes.len());
    space[..n].copy_from_slice(&bytes[..n]);
    *bytes = &bytes[n..];
    n
}

/// Splits into single bytes, and into pieces whose random lengths are seeded by the bytes, so that the input alone
/// determines the test.
fn splits(bytes: &[u8]) -> [Vec<&[u8]>; 2] {
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

/// Prints the input if the test panics.
struct PrintOnPanic<'a>(&'a [u8]);

impl Drop for PrintOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the input: b\"{}\"", self.0.escape_ascii());
        }
    }
}
