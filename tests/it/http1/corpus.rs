//! The corpus of the fuzz targets, and seeded mutations of it: a fuzzer of two seconds whose failures are reproducible.

use std::fs;
use std::path::Path;

use fastrand::Rng;

use super::oracle::{check_requests, check_responses};

/// The number of mutated messages.
const MUTATIONS: usize = 20_000;

/// Returns the messages of a corpus, sorted by file name.
pub(super) fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Returns the messages of the corpus, then `n` mutations of them.
pub(super) fn with_mutations(corpus: &[Vec<u8>], n: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut rng = Rng::with_seed(1);
    let mutations = (0..n).map(move |k| mutate(&mut rng, &corpus[k % corpus.len()], corpus));
    corpus.iter().cloned().chain(mutations)
}

/// Returns a message with one or two random changes.
fn mutate(rng: &mut Rng, message: &[u8], corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = message.to_vec();
    for _ in 0..rng.usize(1..=2) {
        let from = rng.usize(..=bytes.len());
        let to = (from + rng.usize(..12)).min(bytes.len());
        let piece = bytes[from..to].to_vec();
        match rng.u8(..7) {
            // One byte, random or significant for the grammar.
            0 if from < to => bytes[from] ^= 1 << rng.u8(..8),
            1 if from < to => bytes[from] = b"\0\t\n\r \":;,/0\x7F\x80\xFF"[rng.usize(..14)],
            2 => bytes.insert(from, b"\0\t\n\r \":;,/0\x7F\x80\xFF"[rng.usize(..14)]),
            // A piece left out, repeated or moved.
            3 => drop(bytes.drain(from..to)),
            4 => drop(bytes.splice(from..from, piece)),
            5 => {
                bytes.drain(from..to);
                let at = rng.usize(..=bytes.len());
                bytes.splice(at..at, piece);
            }
            // The end replaced by that of another message.
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
fn requests_and_their_mutations_pass_the_oracle() {
    let corpus = corpus("requests");
    assert!(corpus.len() >= 40, "{} seeds", corpus.len());
    with_mutations(&corpus, MUTATIONS).for_each(|bytes| check_requests(&bytes));
}

#[test]
fn responses_and_their_mutations_pass_the_oracle() {
    let corpus = corpus("responses");
    assert!(corpus.len() >= 30, "{} seeds", corpus.len());
    with_mutations(&corpus, MUTATIONS).for_each(|bytes| check_responses(&bytes));
}
