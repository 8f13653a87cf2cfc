//! Parses formulas by recursive descent, with one function per rule of the grammar.

use super::name::NAMES;
use super::{Dimension, FUNCTIONS, Function, Node};
use crate::scenario::closest;

/// Units, each with its size in seconds or bytes.
const UNITS: [(&str, f64, Dimension); 8] = [
    ("ns", 1e-9, Dimension::TIME),
    ("us", 1e-6, Dimension::TIME),
    ("ms", 1e-3, Dimension::TIME),
    ("s", 1.0, Dimension::TIME),
    ("B", 1.0, Dimension::BYTES),
    ("KiB", 1024.0, Dimension::BYTES),
    ("MiB", 1_048_576.0, Dimension::BYTES),
    ("GiB", 1_073_741_824.0, Dimension::BYTES),
];

/// The text that remains to be read.
pub(super) struct FormulaReader<'a> {
    rest: &'a str,
}

impl<'a> FormulaReader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Parses the whole text.
    pub(super) fn whole(mut self) -> Result<Node, String> {
        let tree = self.sum()?;
        match self.peek() {
            None => Ok(tree),
            Some(c) => Err(format!("unexpected '{c}' at: {}", self.rest)),
        }
    }

    /// Returns the next character after blanks, without consuming it.
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        if is_next {
            self.rest = &self.rest[wanted.len_utf8()..];
        }
        is_next
    }

    /// Takes the characters up to the first one that `of` rejects.
    fn word(&mut self, of: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !of(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }

    fn sum(&mut self) -> Result<Node, String> {
        let mut parts = vec![(1.0, self.product()?)];
        loop {
            match (self.take('+'), self.take('-')) {
                (true, false) => parts.push((1.0, self.product()?)),
                (false, true) => parts.push((-1.0, self.product()?)),
                (false, false) if parts.len() == 1 => return Ok(parts.swap_remove(0).1),
                (false, false) => return Ok(Node::Sum(parts)),
                (true, true) => return Err("two signs in a row: +-".into()),
            }
        }
    }

    fn product(&mut self) -> Result<Node, String> {
        let mut factors = vec![(1, self.factor()?)];
        loop {
            if self.take('*') {
                factors.push((1, self.factor()?));
            } else if self.take('/') {
                factors.push((-1, self.factor()?));
            } else if factors.len() == 1 {
                return Ok(factors.swap_remove(0).1);
            } else {
                return Ok(Node::Product(factors));
            }
        }
    }

    fn factor(&mut self) -> Result<Node, String> {
        match self.peek() {
            None => Err("expected a number or a name, found the end of the formula".into()),
            Some('(') => {
                self.take('(');
                let inner = self.sum()?;
                self.closed().map(|()| inner)
            }
            Some(c) if c.is_ascii_digit() => self.number(),
            Some(c) if c.is_ascii_alphabetic() => self.name(),
            Some(c) => Err(format!("expected a number or a name, found '{c}'")),
        }
    }

    fn closed(&mut self) -> Result<(), String> {
        if self.take(')') { Ok(()) } else { Err("unclosed parenthesis".into()) }
    }

    fn number(&mut self) -> Result<Node, String> {
        let digits = self.word(|c| c.is_ascii_digit() || c == '.' || c == '_');
        let number: f64 = digits.replace('_', "").parse().map_err(|_| format!("invalid number {digits}"))?;
        let unit = self.word(|c| c.is_ascii_alphabetic());
        if unit.is_empty() {
            return Ok(Node::Number(number, Dimension::COUNT));
        }
        match UNITS.iter().find(|(name, ..)| *name == unit) {
            Some((_, factor, dimension)) => Ok(Node::Number(number * factor, *dimension)),
            None => {
                let units: Vec<&str> = UNITS.iter().map(|(name, ..)| *name).collect();
                Err(format!("unknown unit {unit}; the units are {}", units.join(", ")))
            }
        }
    }

    fn name(&mut self) -> Result<Node, String> {
        let word = self.word(|c| c.is_ascii_alphanumeric() || c == '_');
        if let Some((_, function)) = FUNCTIONS.iter().find(|(name, _)| *name == word) {
            return self.arguments(&word, *function);
        }
        match NAMES.iter().find(|(name, ..)| *name == word) {
            Some((_, name, _)) => Ok(Node::Name(*name)),
            None => {
                let known = NAMES.iter().map(|(name, ..)| *name).chain(FUNCTIONS.iter().map(|(name, _)| *name));
                Err(match closest(&word, known.clone()) {
                    Some(nearest) => format!("unknown name {word}; did you mean {nearest}?"),
                    None => format!("unknown name {word}; the names are {}", known.collect::<Vec<_>>().join(", ")),
                })
            }
        }
    }

    fn arguments(&mut self, word: &str, function: Function) -> Result<Node, String> {
        if !self.take('(') {
            return Err(format!("{word} needs parentheses, as in {word}(jobs / workers)"));
        }
        let mut parts = vec![self.sum()?];
        while self.take(',') {
            parts.push(self.sum()?);
        }
        self.closed()?;
        match (function, parts.len()) {
            (Function::Ceil, 1) | (Function::Min | Function::Max, 2..) => Ok(Node::Call(function, parts)),
            (Function::Ceil, n) => Err(format!("ceil takes one argument, found {n}")),
            _ => Err(format!("{word} takes two or more arguments")),
        }
    }
}
