//! The mistakes in a scenario file: their places, and their remedies.

use std::fmt;
use std::ops::Range;

#[cfg(feature = "cli")]
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use crate::{text, units};

/// A mistake in a scenario file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1, not counting a byte order mark.
    pub column: usize,
    /// The key, as in `load.connections`; empty if the mistake is about the file or its syntax.
    pub key: String,
    /// A description of the mistake.
    pub message: String,
    /// The way to correct the mistake.
    pub remedy: String,
}

/// Writes `load.connections: 0 opens nothing; write a whole number from 1 to 20000`.
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}; {}", self.message, self.remedy)
    }
}

/// All mistakes in one scenario file, in the order of the file. `Display` is [`render`](Self::render) without colour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes {
    file: String,
    list: Vec<Mistake>,
    /// For each mistake that is shown, its line of the file and the range of bytes to underline.
    lines: Vec<(String, Range<usize>)>,
}

/// The most mistakes that are shown; further ones are only counted.
const SHOWN: usize = 30;

impl Mistakes {
    pub(super) fn new(file: &str, text: &str, mut found: Vec<SpannedMistake>) -> Self {
        SpannedMistake::sort(&mut found);
        let mut mistakes = Self { file: file.to_owned(), list: Vec::new(), lines: Vec::new() };
        for SpannedMistake { span, key, message, remedy } in found {
            let place = TextPosition::locate(text, span);
            mistakes.list.push(Mistake { line: place.line, column: place.column, key, message, remedy });
            if mistakes.lines.len() < SHOWN {
                mistakes.lines.push(place.shown());
            }
        }
        mistakes
    }

    /// Returns the file's name, as it was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the mistakes in the order of the file.
    pub fn list(&self) -> &[Mistake] {
        &self.list
    }

    /// Formats each mistake as `file:line:column: message` with its line below, the place underlined; optionally
    /// wrapped to a width, and with ANSI colours. A bench without the command line has neither lines nor colours: it
    /// wrote the file itself, and nobody can mend it there.
    pub fn render(&self, width: Option<usize>, color: bool) -> String {
        let file = text::one_line(&self.file);
        let shown: Vec<String> = self
            .list
            .iter()
            .zip(&self.lines)
            .map(|(mistake, (line, span))| {
                let title = text::one_line(&format!("{file}:{}:{}: {mistake}", mistake.line, mistake.column));
                let shown = underlined(&title, mistake.line, line, span.clone(), width, color);
                let fitted = width.map(|width| text::wrapped(&title, width, "  ").join("\n"));
                fitted.map_or_else(|| shown.clone(), |fitted| shown.replacen(&title, &fitted, 1))
            })
            .collect();
        let mut text = shown.join("\n\n");
        if self.list.len() > SHOWN {
            text += &format!(
                "\n\nand {}",
                units::counted((self.list.len() - SHOWN) as u64, "more mistake", "more mistakes")
            );
        }
        text
    }
}

/// Formats a title with a line of the file below it, and some bytes of that line underlined.
#[cfg(feature = "cli")]
fn underlined(title: &str, number: usize, line: &str, span: Range<usize>, width: Option<usize>, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = match width {
        Some(width) => renderer.term_width(width),
        None => renderer,
    };
    let mark = AnnotationKind::Primary.span(span);
    let snippet = Snippet::source(line).line_start(number).annotation(mark);
    renderer.render(&[Group::with_title(Level::ERROR.no_name().primary_title(title)).element(snippet)])
}

#[cfg(not(feature = "cli"))]
fn underlined(
    title: &str,
    _number: usize,
    _line: &str,
    _span: Range<usize>,
    _width: Option<usize>,
    _color: bool,
) -> String {
    title.to_owned()
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(None, false))
    }
}

impl std::error::Error for Mistakes {}

/// A mistake as the parser finds it, located by bytes of the file.
#[derive(Clone, Debug)]
pub(super) struct SpannedMistake {
    pub(super) span: Range<usize>,
    pub(super) key: String,
    pub(super) message: String,
    pub(super) remedy: String,
}

impl SpannedMistake {
    pub(super) fn new(
        span: Range<usize>,
        key: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { span, key: key.into(), message: message.into(), remedy: remedy.into() }
    }

    /// Sorts mistakes by their places in the file.
    pub(super) fn sort(found: &mut [Self]) {
        found.sort_by_key(|found| found.span.start);
    }
}

/// The position of some bytes in a text.
struct TextPosition<'a> {
    line: usize,
    column: usize,
    /// The text of the line, without its line break.
    text: &'a str,
    /// The range of bytes in the line; for several lines, in the first one.
    span: Range<usize>,
}

impl<'a> TextPosition<'a> {
    fn locate(text: &'a str, span: Range<usize>) -> Self {
        let at = floor(text, span.start);
        let begin = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[begin..].split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        // The end of a line is a valid place, but its \r is not.
        let from = (at - begin).min(line.len());
        let to = floor(line, span.end.saturating_sub(begin)).max(from);
        Self {
            line: text[..begin].matches('\n').count() + 1,
            column: line[..from].chars().count() + 1,
            text: line,
            span: from..to,
        }
    }
}

impl TextPosition<'_> {
    /// Returns the line for display, and the range of bytes in it to underline.
    fn shown(&self) -> (String, Range<usize>) {
        let Range { start, end } = self.span;
        let [before, marked, after] =
            [&self.text[..start], &self.text[start..end], &self.text[end..]].map(text::printable);
        let marked_at = before.len()..before.len() + marked.len();
        (format!("{before}{marked}{after}"), marked_at)
    }
}

/// Returns the last boundary between characters at or before a byte.
fn floor(text: &str, byte: usize) -> usize {
    let near = byte.min(text.len());
    (0..=near).rev().find(|byte| text.is_char_boundary(*byte)).unwrap_or(0)
}

/// Returns a text of the file as messages quote it: short and escaped, so that a terminal obeys none of it.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 40;
    let escaped = |text: &str| text.escape_debug().to_string().replace("\\'", "'");
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("\"{}…\"", escaped(&text[..cut])),
        None => format!("\"{}\"", escaped(text)),
    }
}

/// Returns a key as messages write it: without quotes if TOML allows it.
pub(super) fn bare(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let short = (1..=40).contains(&name.len());
    if short && name.bytes().all(plain) { name.to_owned() } else { quoted(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_counted_in_characters_and_stays_within_its_line() {
        let text = "é = 1\r\nb = [\r\n 2]\r\n";
        for (span, line, column, marked) in [
            (0..2, 1, 1, "é"),
            (5..6, 1, 5, "1"),
            (6..7, 1, 6, ""),
            (12..18, 2, 5, "["),
            (text.len()..text.len(), 4, 1, ""),
            (900..901, 4, 1, ""),
        ] {
            let place = TextPosition::locate(text, span.clone());
            let found = (place.line, place.column, &place.text[place.span]);
            assert_eq!(found, (line, column, marked), "{span:?}");
        }
    }

    #[test]
    fn mistakes_beyond_the_first_are_only_counted() {
        let found = vec![SpannedMistake::new(0..1, "a", "bad", "mend it"); 100];
        let text = Mistakes::new("f.toml", "a = 1", found).to_string();
        assert_eq!(text.matches("f.toml:1:1: a: bad; mend it").count(), SHOWN);
        assert!(text.ends_with("and 70 more mistakes"), "{text}");
    }

    #[test]
    fn quoted_text_contains_no_terminal_escapes() {
        assert_eq!(quoted("a\u{1b}[31m'b'"), "\"a\\u{1b}[31m'b'\"");
        assert_eq!(quoted(&"x".repeat(41)), format!("\"{}…\"", "x".repeat(40)));
        assert_eq!((bare("pool/2").as_str(), bare("jobs").as_str(), bare("").as_str()), ("\"pool/2\"", "jobs", "\"\""));
    }
}
