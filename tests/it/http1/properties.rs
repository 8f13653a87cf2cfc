//! What holds for any bytes.

use async_vs_threads::http1::{Method, Response, ServerCodec, Status, encode_request};
use proptest::prelude::*;

use super::oracle::Asked;
use super::served::Served;

/// Bytes that look like requests more often than not: pieces of some, in any order, and noise.
fn likely(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        9 => proptest::sample::select(pieces).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

const REQUESTS: &[&str] = &[
    "GET /echo/x HTTP/1.1\r\nHost: h\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n",
    "GET /echo/x HTTP/1.1\r\n",
    "HEAD / HTTP/1.0\r\n",
    "Host: h\r\n",
    "Connection: keep-alive\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Content-Length: 3\r\n",
    "5\r\nhello\r\n",
    "0\r\n",
    "hello",
    "\r\n",
    "\n",
    "\r",
    " ",
    ":",
];

const REPLIES: &[&str] = &[
    "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n",
    "HTTP/1.0 200 OK\r\n",
    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
    "Content-Length: 3\r\n",
    "Connection: close\r\n",
    "5\r\nhello\r\n",
    "0\r\n",
    "\r\n",
    "\n",
    "abc",
];

fn pieces(bytes: &[u8], sizes: &[usize]) -> Vec<Vec<u8>> {
    let (mut rest, mut pieces) = (bytes, Vec::new());
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*size).min(rest.len()));
        pieces.push(piece.to_vec());
        rest = after;
    }
    pieces
}

fn serve(pieces: &[Vec<u8>]) -> (Vec<u8>, bool) {
    let mut served = Served::new();
    pieces.iter().for_each(|piece| served.read(piece));
    let is_closing = served.is_closing();
    served.end();
    (served.output, is_closing)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn requests_are_answered_alike_however_they_are_cut(
        bytes in likely(REQUESTS),
        sizes in proptest::collection::vec(1_usize..60, 1..8),
    ) {
        let whole = serve(std::slice::from_ref(&bytes));
        prop_assert_eq!(&serve(&pieces(&bytes, &sizes)), &whole);
        let text = String::from_utf8_lossy(&whole.0);
        // A refusal is the last thing said.
        if let Some(at) = text.find("\r\nConnection: close\r\n") {
            prop_assert_eq!(text[at..].matches("HTTP/1.").count(), 0);
        }
    }

    #[test]
    fn replies_are_read_alike_however_they_are_cut(
        bytes in likely(REPLIES),
        sizes in proptest::collection::vec(1_usize..60, 1..8),
        to_head in any::<bool>(),
    ) {
        let read = |pieces: &[Vec<u8>]| {
            let mut asked = Asked::new(None, to_head);
            pieces.iter().for_each(|piece| asked.read(piece));
            asked.end();
            (asked.replies, asked.error)
        };
        prop_assert_eq!(read(&pieces(&bytes, &sizes)), read(std::slice::from_ref(&bytes)));
    }

    #[test]
    fn a_request_arrives_as_it_was_written(
        target in "/[!-~]{0,200}",
        name in "[A-Za-z-]{1,20}",
        value in "[!-~]([ -~]{0,50}[!-~])?",
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        prop_assume!(!["host", "expect", "connection"].contains(&name.to_ascii_lowercase().as_str()));
        let bytes = encode_request("POST", &target, "localhost:80", &[("x-".to_string() + &name, value)]
            .iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(), &body);
        let mut codec = ServerCodec::new(None);
        codec.space()[..bytes.len()].copy_from_slice(&bytes);
        codec.received(bytes.len());
        let (request, responder) = codec.next("").unwrap();
        prop_assert_eq!((request.method, request.target), (Method::Post, target.as_bytes()));
        responder.send(&Response::text(Status::Ok, &body), "Sun, 06 Nov 1994 08:49:37 GMT");
        let mut asked = Asked::new(None, false);
        asked.read(codec.output());
        prop_assert_eq!((asked.error, asked.replies.len()), (None, 1));
        let reply = asked.replies[0];
        prop_assert_eq!((reply.status, reply.body_bytes, reply.keep_alive), (200, body.len() as u64, true));
        prop_assert_eq!(reply.bytes, codec.output().len() as u64);
    }
}
