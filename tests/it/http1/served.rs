//! A connection as a model serves it, without the model: the table of cases against the codec alone.

use std::thread::{self, Builder};

use super::cases::{Case, NEXT, next_answer, tables};
use super::cuts;
use super::oracle::Conversation;

/// The case however it is cut, and with a good request behind it, which is answered only if the connection goes on.
fn check(case: &Case) {
    let verify = |pieces: &[&[u8]], answer: &[u8]| {
        let mut served = Conversation::new();
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
