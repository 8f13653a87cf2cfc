//! Words errors in TOML syntax.

use std::ops::Range;

use toml::de::{DeTable, DeValue, Error};

use super::mistakes::{SpannedMistake, quoted};
use crate::text;

/// Returns the errors of the TOML parser, each with a remedy: one per line, and one for a list that is never closed.
pub(super) fn mistakes(errors: &[Error], table: &DeTable<'_>, text: &str) -> Vec<SpannedMistake> {
    let mut found: Vec<SpannedMistake> = errors.iter().map(|error| mistake(error, text)).collect();
    // Everything after an unclosed list is read as one of its items and refused as such.
    let open =
        found.iter().find(|found| found.message == "unclosed array").and_then(|found| list_at(table, found.span.start));
    if let Some(list) = open {
        found.retain(|found| !(list.start..=list.end).contains(&found.span.start));
        found.push(SpannedMistake::new(list.start..list.start + 1, "", "unclosed list", "write `]`"));
    }
    SpannedMistake::sort(&mut found);
    found.dedup_by(|later, first| !text[first.span.start..later.span.start].contains('\n'));
    found
}

/// Finds the characters of a file that are invisible or change the direction of the text after them.
pub(super) fn hidden(file: &str) -> Vec<SpannedMistake> {
    let is_hidden = |c: char| !matches!(c, '\n' | '\r' | '\t') && text::is_hidden(c);
    let hidden = file.char_indices().filter(|(_, c)| is_hidden(*c));
    let found = hidden.map(|(at, c)| {
        let message = format!("invisible character U+{:04X}", u32::from(c));
        SpannedMistake::new(at..at + c.len_utf8(), "", message, "remove it")
    });
    found.collect()
}

/// Returns the outermost list that reaches to this byte.
fn list_at(table: &DeTable<'_>, byte: usize) -> Option<Range<usize>> {
    table.values().find_map(|value| match value.get_ref() {
        DeValue::Array(_) if (value.span().start..=value.span().end).contains(&byte) => Some(value.span()),
        DeValue::Table(table) => list_at(table, byte),
        _ => None,
    })
}

fn mistake(error: &Error, text: &str) -> SpannedMistake {
    let span = error.span().unwrap_or(0..0);
    let written = text.get(span.clone()).unwrap_or_default().trim();
    let (what, expected) = error.message().split_once(", expected ").unwrap_or((error.message(), ""));
    let (message, remedy) = match what {
        "string values must be quoted" if written.is_empty() => {
            ("missing value".into(), "write one after the equals sign".into())
        }
        "string values must be quoted" | "invalid boolean" => {
            (format!("text without quotes: {written}"), format!("write {}", quoted(written)))
        }
        "duplicate key" => (format!("duplicate key {written}"), "remove one".into()),
        "invalid unquoted key" => {
            (format!("{} is not allowed in a bare key", quoted(written)), "put the key in quotes".into())
        }
        _ if expected == "nothing" => (what.to_owned(), "remove it".into()),
        _ if expected.is_empty() => (what.to_owned(), "see https://toml.io for the syntax".into()),
        _ => (what.to_owned(), format!("write {expected}")),
    };
    SpannedMistake::new(span, "", message, remedy)
}
