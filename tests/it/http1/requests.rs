//! The server's codec, beyond the table of cases: incomplete requests, waiting output, and the size of its buffers.

use std::sync::Arc;

use async_vs_threads::http1::{Expects, Response, ServerCodec, Status, limits};
use async_vs_threads::service::route::route;

use super::cases::{NEXT, post};
use super::oracle::{Conversation, DATE};

#[test]
fn a_100_continue_is_sent_before_the_body_arrives() {
    let mut conversation = Conversation::new();
    conversation.read(post("Expect: 100-continue\r\nContent-Length: 2\r\n", "").as_bytes());
    assert_eq!(conversation.output, b"HTTP/1.1 100 Continue\r\n\r\n", "before the body has arrived");
    let mut conversation = Conversation::new();
    conversation.read(b"POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(conversation.output, b"", "never to HTTP/1.0");
}

#[test]
fn an_incomplete_request_gets_no_response() {
    for whole in [
        "GET /echo/x HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n".to_owned(),
        post("Content-Length: 5\r\n", "hello"),
        post("Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\n\r\n"),
    ] {
        for n in 0..whole.len() {
            let mut conversation = Conversation::new();
            conversation.read(&whole.as_bytes()[..n]);
            assert!(conversation.output.is_empty() && !conversation.is_closing());
            conversation.end();
            assert!(conversation.output.is_empty(), "an incomplete request gets no response");
        }
    }
}

#[test]
fn a_request_before_the_end_of_the_input_is_answered() {
    let mut codec = ServerCodec::new(None);
    codec.space()[..NEXT.len()].copy_from_slice(NEXT.as_bytes());
    codec.received(NEXT.len());
    codec.received(0);
    let (request, responder) = codec.next(&DATE).unwrap();
    route(&request).respond(responder, &DATE);
    assert!(codec.next(&DATE).is_none());
    assert!(codec.output().ends_with(b"next") && codec.is_closing());
}

#[test]
fn a_peer_that_does_not_read_gets_no_further_responses() {
    let mut codec = ServerCodec::new(None);
    let body = vec![b'x'; 30_000];
    let (mut n_answered, mut n_asked) = (0, 0);
    for _ in 0..10 {
        codec.space()[..NEXT.len()].copy_from_slice(NEXT.as_bytes());
        codec.received(NEXT.len());
        n_asked += 1;
        while let Some((_, responder)) = codec.next(&DATE) {
            responder.send(&Response::text(Status::Ok, &body), &DATE);
            n_answered += 1;
        }
    }
    assert!(n_answered < n_asked && codec.output().len() < limits::OUTPUT + 31_000);
    while n_answered < n_asked {
        codec.sent(codec.output().len());
        while let Some((_, responder)) = codec.next(&DATE) {
            responder.send(&Response::text(Status::Ok, &body), &DATE);
            n_answered += 1;
        }
    }
}

/// Passes bytes to the codec, as many as fit at a time, and answers all complete requests. The output stays in the
/// codec.
fn feed(codec: &mut ServerCodec, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let n = codec.space().len().min(bytes.len());
        codec.space()[..n].copy_from_slice(&bytes[..n]);
        bytes = &bytes[n..];
        codec.received(n);
        while let Some((request, responder)) = codec.next(&DATE) {
            route(&request).respond(responder, &DATE);
        }
    }
}

#[test]
fn a_large_response_is_sent_before_the_next_request_is_read() {
    let body = "b".repeat(usize::try_from(limits::REQUEST_BODY).unwrap());
    let mut codec = ServerCodec::new(None);
    feed(&mut codec, post(&format!("Content-Length: {}\r\n", body.len()), &body).as_bytes());
    let n = codec.output().len();
    assert!(codec.output().ends_with(body.as_bytes()) && n < body.len() + 384, "head and body, {n} bytes");
    feed(&mut codec, NEXT.as_bytes());
    assert_eq!(codec.output().len(), n, "too much output waits already");
    // Half of it is sent, then all but slightly more than the limit.
    for left in [n / 2, limits::OUTPUT + 1] {
        codec.sent(codec.output().len() - left);
        assert!(codec.next(&DATE).is_none());
    }
    codec.sent(1);
    assert!(codec.next(&DATE).is_some_and(|(request, _)| request.target == b"/echo/next"));
}

#[test]
fn a_large_buffer_is_released() {
    let body = "b".repeat(usize::try_from(limits::REQUEST_BODY).unwrap());
    let request = post(&format!("Content-Length: {}\r\n", body.len()), &body);
    let mut codec = ServerCodec::new(None);
    assert_eq!(codec.space().len(), limits::INPUT_AT_FIRST);
    // One byte short: the space for further bytes is bounded, whatever length was announced.
    for piece in request.as_bytes()[..request.len() - 1].chunks(1_000) {
        feed(&mut codec, piece);
        assert!(codec.space().len() <= limits::GROWTH + 1_024);
    }
    feed(&mut codec, b"b");
    codec.sent(codec.output().len());
    assert_eq!(codec.space().len(), limits::INPUT_AT_FIRST, "when idle");
    feed(&mut codec, &[request.as_bytes(), b"GET"].concat());
    codec.sent(codec.output().len());
    assert!(codec.space().len() <= limits::GROWTH + 1_024, "and with a few bytes of the next request");
}

#[test]
fn a_dropped_responder_and_a_time_out_are_answered_once() {
    let mut codec = ServerCodec::new(Some(Arc::from("n0nce")));
    codec.space()[..NEXT.len()].copy_from_slice(NEXT.as_bytes());
    codec.received(NEXT.len());
    drop(codec.next(&DATE));
    let output = String::from_utf8(codec.output().to_vec()).unwrap();
    assert!(output.starts_with("HTTP/1.1 500 ") && output.contains("\r\nAvt-Nonce: n0nce\r\n") && codec.is_closing());
    codec.refuse(Status::RequestTimeout, &DATE);
    assert_eq!(codec.output(), output.as_bytes(), "nothing follows a refusal");

    let mut codec = ServerCodec::new(None);
    codec.space()[0] = b'G';
    codec.received(1);
    assert!(codec.next(&DATE).is_none() && codec.expects() == Expects::Head);
    codec.refuse(Status::RequestTimeout, &DATE);
    assert!(codec.output().starts_with(b"HTTP/1.1 408 Request Timeout\r\n") && codec.is_closing());
}

#[test]
fn a_refusal_has_a_body_only_if_the_request_is_surely_not_a_head() {
    let check = |begin: &[u8], length: usize, body: &str| {
        let mut codec = ServerCodec::new(None);
        feed(&mut codec, begin);
        codec.refuse(Status::RequestTimeout, &DATE);
        let output = String::from_utf8(codec.output().to_vec()).unwrap();
        let begin = String::from_utf8_lossy(begin);
        assert!(output.contains(&format!("\r\nContent-Length: {length}\r\n")), "{begin:?}: {output}");
        assert!(output.ends_with(&format!("\r\n\r\n{body}")), "{begin:?}: {output}");
    };
    let text = Status::RequestTimeout.text();
    for unknown in [&b""[..], b"\r\n", b"H", b"HEAD"] {
        check(unknown, 0, "");
    }
    for head in [&b"HEAD "[..], b"HEAD / HTTP/1.1\r\nHost: h", b"\r\nHEAD /"] {
        check(head, text.len(), "");
    }
    for other in
        [&b"G"[..], b"HEADS", b"GET / HTTP/1.1\r\n", b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n"]
    {
        check(other, text.len(), text);
    }
    check(b"HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n", text.len(), "");
}
