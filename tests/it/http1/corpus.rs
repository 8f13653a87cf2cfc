//! The seeds of the fuzz targets, and what becomes of them when a few of their bytes are changed: a fuzzer of two seconds,
//! for where there is no other. It is seeded: what fails once fails again.

use std::fs;
use std::path::Path;

use fastrand::Rng;

use super::oracle::{check_replies, check_requests};

/// How many changed messages are tried.
const MUTATIONS: usize = 20_000;

/// Every message of a corpus, in the order of their names.
pub(super) fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// The corpus, and so many changed messages of it.
pub(super) fn with_mutations(corpus: &[Vec<u8>], n: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut rng = Rng::with_seed(1);
    let mutations = (0..n).map(move |k| mutate(&mut rng, &corpus[k % corpus.len()], corpus));
    corpus.iter().cloned().chain(mutations)
}

/// A message with one or two things done to it.
fn mutate(rng: &mut Rng, message: &[u8], corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = message.to_vec();
    for _ in 0..rng.usize(1..=2) {
        let from = rng.usize(..=bytes.len());
        let to = (from + rng.usize(..12)).min(bytes.len());
        let piece = bytes[from..to].to_vec();
        match rng.u8(..7) {
            // One byte, any or one that means something.
            0 if from < to => bytes[from] ^= 1 << rng.u8(..8),
            1 if from < to => bytes[from] = b"\0\t\n\r \":;,/0\x7F\x80\xFF"[rng.usize(..14)],
            2 => bytes.insert(from, b"\0\t\n\r \":;,/0\x7F\x80\xFF"[rng.usize(..14)]),
            // A piece left out, said twice, or moved.
            3 => drop(bytes.drain(from..to)),
            4 => drop(bytes.splice(from..from, piece)),
            5 => {
                bytes.drain(from..to);
                let at = rng.usize(..=bytes.len());
                bytes.splice(at..at, piece);
            }
            // The end of another message instead of this one's.
            6 => {
                let other = &corpus[rng.usize(..corpus.len())];
                bytes.truncate(from);
                bytes.extend_from_slice(&other[rng.usize(..=other.len())..]);
            }
            _ => {}
        }
    }
    bytes
}

#[test]
fn requests_and_what_is_nearly_one() {
    let corpus = corpus("requests");
    assert!(corpus.len() >= 40, "{} seeds", corpus.len());
    with_mutations(&corpus, MUTATIONS).for_each(|bytes| check_requests(&bytes));
}

#[test]
fn replies_and_what_is_nearly_one() {
    let corpus = corpus("replies");
    assert!(corpus.len() >= 30, "{} seeds", corpus.len());
    with_mutations(&corpus, MUTATIONS).for_each(|bytes| check_replies(&bytes));
}
