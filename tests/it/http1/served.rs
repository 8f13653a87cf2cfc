//! A connection as a model serves it, without the model: the table of cases against the codec alone.

use std::thread::{self, Builder};

use async_vs_threads::http1::ServerCodec;
use async_vs_threads::workload::route::route;

use super::cases::{Case, NEXT, next_answer, tables};
use super::cuts;

/// What stands in every answer of a test that has no clock.
pub(crate) const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// The codec and the answers of its route, in the loop that every model runs around them.
pub(super) struct Served {
    codec: ServerCodec,
    pub(super) output: Vec<u8>,
}

impl Served {
    pub(super) fn new() -> Self {
        Self { codec: ServerCodec::new(None), output: Vec::new() }
    }

    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = self.codec.space();
            assert!(!space.is_empty());
            let n = space.len().min(bytes.len());
            space[..n].copy_from_slice(&bytes[..n]);
            bytes = &bytes[n..];
            self.received(n);
        }
    }

    fn received(&mut self, n: usize) {
        self.codec.received(n);
        loop {
            while let Some((request, responder)) = self.codec.next(DATE) {
                route(&request).respond(responder, DATE);
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

    pub(super) fn end(&mut self) {
        self.received(0);
        assert!(self.codec.is_closing(), "an ended connection closes");
    }

    pub(super) fn is_closing(&self) -> bool {
        self.codec.is_closing()
    }
}

/// The case however it is cut, and with a good request behind it, which is answered only if the connection goes on.
fn check(case: &Case) {
    let verify = |pieces: &[&[u8]], answer: &[u8]| {
        let mut served = Served::new();
        pieces.iter().for_each(|piece| served.read(piece));
        // No `assert_eq`: a megabyte in numbers helps nobody.
        assert!(served.output == answer, "{}: {}", case.name(), shown(&served.output));
        assert_eq!(served.is_closing(), case.closes, "{}", case.name());
        served.end();
        assert_eq!(served.output.len(), answer.len(), "{}: nothing is said at the end", case.name());
    };
    for pieces in cuts(&case.request) {
        verify(&pieces, &case.answer);
    }
    let with_next = [&case.request, NEXT.as_bytes()].concat();
    let answers = if case.closes { case.answer.clone() } else { [&case.answer[..], &next_answer()].concat() };
    verify(&[&with_next], &answers);
    verify(&with_next.chunks(1).collect::<Vec<_>>(), &answers);
}

/// The begin of an answer, for a message.
pub(crate) fn shown(answer: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(&answer[..answer.len().min(2_000)]))
}

#[test]
fn every_case_is_answered_alike_however_it_is_cut() {
    thread::scope(|scope| {
        for (table, cases) in tables() {
            let run = move || cases.iter().for_each(check);
            Builder::new().name(table.into()).spawn_scoped(scope, run).unwrap();
        }
    });
}
