//! Properties that hold for any bytes.

use async_vs_threads::http1::{
    Content, Method, Request, Responder, Response, ServerCodec, Status, encode_request, limits,
};
use proptest::prelude::*;

use super::oracle::{ClientConnection, Conversation, DATE};

/// Generates bytes that resemble messages: pieces of some in any order, and noise.
fn plausible(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
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
    "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    "GET /echo/x HTTP/1.1\r\n",
    "HEAD / HTTP/1.0\r\n",
    "Host: h\r\n",
    "Connection: keep-alive\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Content-Length: 3\r\n",
    "Content-Type: a/b\r\n",
    "5\r\nhello\r\n",
    "5;a=b\r\nhello\r\n",
    "0\r\n",
    "0\r\n\r\n",
    "hello",
    "\r\n",
    "\n",
    "\r",
    " ",
    ":",
];

const RESPONSES: &[&str] = &[
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

/// Returns the output, and whether the connection closed before the end of its input.
fn serve(pieces: &[Vec<u8>]) -> (Vec<u8>, bool) {
    let mut conversation = Conversation::new();
    pieces.iter().for_each(|piece| conversation.read(piece));
    let is_closing = conversation.is_closing();
    conversation.end();
    (conversation.output, is_closing)
}

/// Returns a body in chunks of these sizes, with extensions up to their limit.
fn in_chunks(body: &[u8], sizes: &[(usize, &str)], trailers: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut allowed = limits::EXTENSIONS as usize;
    let (mut rest, mut sizes) = (body, sizes.iter().cycle());
    while let (false, Some((size, extension))) = (rest.is_empty(), sizes.next()) {
        let (chunk, after) = rest.split_at((*size).min(rest.len()));
        let extension = if extension.len() <= allowed { extension } else { "" };
        allowed -= extension.len();
        let size = if chunk.len() % 2 == 0 { format!("{:x}", chunk.len()) } else { format!("{:04X}", chunk.len()) };
        bytes.extend_from_slice(&[size.as_bytes(), extension.as_bytes(), b"\r\n", chunk, b"\r\n"].concat());
        rest = after;
    }
    bytes.extend_from_slice(format!("0\r\n{trailers}\r\n").as_bytes());
    bytes
}

const EXTENSIONS: &[&str] = &["", ";a", ";a=b", ";a;b=\"c \\\" d\"", ";a=\"\"", ";a=0;b=1"];

fn split_head(answer: &[u8]) -> (&str, &[u8]) {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    (str::from_utf8(&answer[..end]).unwrap(), &answer[end..])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn responses_do_not_depend_on_how_requests_are_split(
        bytes in plausible(REQUESTS),
        sizes in proptest::collection::vec(1_usize..60, 1..8),
    ) {
        prop_assert_eq!(serve(&pieces(&bytes, &sizes)), serve(std::slice::from_ref(&bytes)));
    }

    #[test]
    fn bytes_after_the_close_are_ignored(bytes in plausible(REQUESTS), more in plausible(REQUESTS)) {
        let (output, is_closing) = serve(std::slice::from_ref(&bytes));
        let (with_more, still_closing) = serve(&[bytes, more]);
        if is_closing {
            prop_assert!(still_closing);
            prop_assert_eq!(with_more, output);
        } else {
            prop_assert!(with_more.starts_with(&output), "earlier output does not change");
        }
    }

    #[test]
    fn responses_do_not_depend_on_how_they_are_split(
        bytes in plausible(RESPONSES),
        sizes in proptest::collection::vec(1_usize..60, 1..8),
        to_head in any::<bool>(),
    ) {
        let read = |pieces: &[Vec<u8>]| {
            let mut connection = ClientConnection::new(None, to_head);
            pieces.iter().for_each(|piece| connection.read(piece));
            connection.end();
            (connection.responses, connection.error)
        };
        prop_assert_eq!(read(&pieces(&bytes, &sizes)), read(std::slice::from_ref(&bytes)));
    }

    #[test]
    fn an_encoded_request_is_decoded_unchanged(
        method in proptest::sample::select(&[
            ("GET", Method::Get), ("HEAD", Method::Head), ("POST", Method::Post),
            ("OPTIONS", Method::Options), ("PATCH", Method::Other), ("get", Method::Other),
        ][..]),
        target in "/[!-~]{0,200}",
        name in "[A-Za-z-]{1,20}",
        value in "[!-~]([ -~]{0,50}[!-~])?",
        content_type in "([!-~]([ -~]{0,50}[!-~])?)?",
        body in proptest::collection::vec(any::<u8>(), 0..6_000),
        sizes in proptest::collection::vec(1_usize..1_000, 1..8),
    ) {
        let (name, (method, expected)) = (format!("x-{name}"), method);
        let headers = [(&name[..], &value[..]), ("Content-Type", &content_type)];
        let bytes = encode_request(method, &target, "localhost:80", &headers, &body);
        let mut codec = ServerCodec::new(None);
        let pieces = pieces(&bytes, &sizes);
        let (last, before) = pieces.split_last().unwrap();
        for piece in before {
            prop_assert!(put(&mut codec, piece).is_none());
        }
        let (request, responder) = put(&mut codec, last).unwrap();
        let content_type = content_type.as_bytes();
        let content = (expected == Method::Post).then_some(Content { content_type, body: &body });
        prop_assert_eq!(request, Request { method: expected, target: target.as_bytes(), content });
        responder.send(&Response::text(Status::Ok, &body), &DATE);
        let mut connection = ClientConnection::new(None, expected == Method::Head);
        connection.read(codec.output());
        prop_assert_eq!((connection.error, connection.responses.len()), (None, 1));
        let response = connection.responses[0];
        let length = if expected == Method::Head { 0 } else { body.len() as u64 };
        prop_assert_eq!((response.status, response.body_bytes, response.keep_alive), (200, length, true));
        prop_assert_eq!(response.bytes, codec.output().len() as u64);
    }

    #[test]
    fn a_body_is_echoed_however_it_is_chunked_and_split(
        body in proptest::collection::vec(any::<u8>(), 0..6_000),
        chunks in proptest::collection::vec((1_usize..2_000, proptest::sample::select(EXTENSIONS)), 1..8),
        trailers in proptest::sample::select(&["", "A: b\r\n", "A:\r\nB: \t c \r\n"][..]),
        content_type in "[!-~]([ -~]{0,50}[!-~])?",
        sizes in proptest::collection::vec(1_usize..2_000, 1..8),
    ) {
        let headers = [("Transfer-Encoding", "chunked"), ("Content-Type", &content_type[..])];
        let mut bytes = encode_request("POST", "/echo", "h", &headers, b"");
        bytes.extend_from_slice(&in_chunks(&body, &chunks, trailers));
        let (output, is_closing) = serve(&pieces(&bytes, &sizes));
        let (head, back) = split_head(&output);
        prop_assert!(!is_closing && head.starts_with("HTTP/1.1 200 OK\r\n"), "{}", head);
        let content_type = format!("\r\nContent-Type: {content_type}\r\n");
        prop_assert!(head.contains(&content_type), "{}", head);
        prop_assert_eq!(back, &body[..]);
    }
}

/// Passes a piece to the codec, which must have space for it.
fn put<'a>(codec: &'a mut ServerCodec, piece: &[u8]) -> Option<(Request<'a>, Responder<'a>)> {
    codec.space()[..piece.len()].copy_from_slice(piece);
    codec.received(piece.len());
    codec.next(&DATE)
}
