//! The table of cases against the codec alone, without a model and without sockets.

use std::thread::{self, Builder};

use super::cases::{Case, NEXT, next_answer, tables};
use super::oracle::Conversation;
use super::splits;

/// Checks a case however it is split, and with a valid request after it, which is answered only if the connection stays
/// open.
fn check(case: &Case) {
    let verify = |pieces: &[&[u8]], answer: &[u8]| {
        let mut conversation = Conversation::new();
        pieces.iter().for_each(|piece| conversation.read(piece));
        // Not `assert_eq`, which would print a megabyte of numbers.
        assert!(conversation.output == answer, "{}: {}", case.name(), shorten(&conversation.output));
        assert_eq!(conversation.is_closing(), case.closes, "{}", case.name());
        conversation.end();
        assert_eq!(conversation.output.len(), answer.len(), "{}: nothing is sent at the end", case.name());
    };
    for pieces in splits(&case.request) {
        verify(&pieces, &case.answer);
    }
    let with_next = [&case.request, NEXT.as_bytes()].concat();
    let answers = if case.closes { case.answer.clone() } else { [&case.answer[..], &next_answer()].concat() };
    verify(&[&with_next], &answers);
    verify(&with_next.chunks(1).collect::<Vec<_>>(), &answers);
}

/// Returns the start of a response, for failure messages.
pub(crate) fn shorten(answer: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(&answer[..answer.len().min(2_000)]))
}

#[test]
fn every_case_is_answered_however_it_is_split() {
    thread::scope(|scope| {
        for (table, cases) in tables() {
            let run = move || cases.iter().for_each(check);
            Builder::new().name(table.into()).spawn_scoped(scope, run).unwrap();
        }
    });
}
