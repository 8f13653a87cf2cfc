//! Searches the pieces of a body for a text, wherever the pieces are split.

use std::sync::Arc;

/// The search for a text in a body that arrives in pieces, by the algorithm of Knuth, Morris and Pratt (SIAM Journal on
/// Computing 6, 1977): each byte is read once and none is kept.
#[derive(Clone, Debug)]
pub struct TextSearch {
    text: Arc<[u8]>,
    /// For each length of a matched prefix, from 1: the length of the longest shorter prefix that also ends there.
    shorter: Arc<[usize]>,
    /// The length of the longest prefix of the text that ends at the last byte read; all of it once the text is found.
    matched: usize,
}

impl TextSearch {
    /// Creates the search for a text; an empty one is found everywhere.
    pub fn new(text: &[u8]) -> Self {
        let mut shorter = vec![0; text.len()];
        let mut matched = 0;
        for end in 1..text.len() {
            while matched > 0 && text[matched] != text[end] {
                matched = shorter[matched - 1];
            }
            matched += usize::from(text[matched] == text[end]);
            shorter[end] = matched;
        }
        Self { text: text.into(), shorter: shorter.into(), matched: 0 }
    }

    /// Begins the search in another body.
    pub fn restart(&mut self) {
        self.matched = 0;
    }

    /// Reads the next piece of the body.
    pub fn read(&mut self, piece: &[u8]) {
        for byte in piece {
            if self.has_found() {
                return;
            }
            while self.matched > 0 && self.text[self.matched] != *byte {
                self.matched = self.shorter[self.matched - 1];
            }
            self.matched += usize::from(self.text[self.matched] == *byte);
        }
    }

    /// Returns whether the body read so far contains the text.
    pub fn has_found(&self) -> bool {
        self.matched == self.text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_wherever_the_body_is_split() {
        for (text, body, expected) in [
            ("", "", true),
            ("a", "", false),
            ("aab", "aaab", true),
            ("abab", "abaabab", true),
            ("abab", "abaabba", false),
            ("hello", "say hello twice, hello", true),
            ("hello", "hell", false),
            ("aabaaa", "aabaabaaa", true),
        ] {
            for split in 0..=body.len() {
                let mut search = TextSearch::new(text.as_bytes());
                search.read(b"aabaa hello abab");
                search.restart();
                search.read(&body.as_bytes()[..split]);
                search.read(&body.as_bytes()[split..]);
                assert_eq!(search.has_found(), expected, "{text:?} in {body:?}, split at {split}");
            }
        }
    }
}
