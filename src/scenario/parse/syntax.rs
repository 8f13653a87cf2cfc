//! What is no TOML, in our words.

use toml::de::Error;

use super::mistakes::{Found, quoted};

/// What the TOML parser says, with what to do about it.
pub(super) fn mistake(error: &Error, text: &str) -> Found {
    let span = error.span().unwrap_or(0..0);
    let written = text.get(span.clone()).unwrap_or_default().trim();
    let (what, expected) = error.message().split_once(", expected ").unwrap_or((error.message(), ""));
    let (message, remedy) = match what {
        "string values must be quoted" if written.is_empty() => {
            ("there is no value".into(), "write one behind the equals sign".into())
        }
        "string values must be quoted" | "invalid boolean" => {
            (format!("text without quotes: {written}"), format!("write {}", quoted(written)))
        }
        "duplicate key" => (format!("{written} is there twice"), "leave one out".into()),
        "invalid unquoted key" => {
            (format!("{} cannot be in a bare key", quoted(written)), "put the key in quotes".into())
        }
        _ if expected == "nothing" => (what.to_owned(), "leave it out".into()),
        _ if expected.is_empty() => (what.to_owned(), "see https://toml.io for what may stand here".into()),
        _ => (what.to_owned(), format!("write {expected}")),
    };
    Found::new(span, "", message, remedy)
}
