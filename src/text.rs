//! Makes untrusted text safe to show, without hidden characters and terminal escape sequences, and wraps lines.
//!
//! File names, scenarios, records, process names and headers may hold any characters. All output to a terminal or a
//! page passes [`printable`] or [`one_line`] first.

use std::borrow::Cow;
use std::path::Path;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Characters other than control characters that are invisible or change the direction of text: the general category Cf
/// of Unicode 16, the line and paragraph separators, and the other default ignorable code points
/// (`DerivedCoreProperties.txt`). Variation selectors are left out: they only choose how an emoji or ideograph looks.
const HIDDEN: [(char, char); 33] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{2029}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e00ff}'),
    ('\u{e01f0}', '\u{e0fff}'),
    // Noncharacters: no font has glyphs for them, and XML and HTML do not allow them.
    ('\u{fdd0}', '\u{fdef}'),
    ('\u{fffe}', '\u{ffff}'),
    ('\u{1fffe}', '\u{1ffff}'),
    ('\u{2fffe}', '\u{2ffff}'),
    ('\u{3fffe}', '\u{3ffff}'),
    ('\u{efffe}', '\u{effff}'),
    ('\u{10fffe}', '\u{10ffff}'),
];

/// Returns whether a character is invisible where it stands: a control character (line breaks and tabs included), or
/// one that is invisible or changes the direction of text. Blanks count as visible.
pub fn is_hidden(c: char) -> bool {
    c.is_control() || HIDDEN.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// Escapes every hidden character but line feeds and tabs: `\u{1b}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_shown = |c: char| matches!(c, '\n' | '\t') || !is_hidden(c);
    if text.chars().all(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.replace("\r\n", "\n").chars() {
        if is_shown(c) { shown.push(c) } else { shown.extend(c.escape_unicode()) }
    }
    Cow::Owned(shown)
}

/// Escapes every hidden character of JSON in JSON syntax: programs read the same text, and a terminal executes none of
/// it.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    let is_shown = |c: char| matches!(c, '\n' | '\t' | '\r') || !is_hidden(c);
    if json.chars().all(is_shown) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 8);
    for c in json.chars() {
        if is_shown(c) {
            escaped.push(c);
        } else {
            let units = c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
            escaped.push_str(&units);
        }
    }
    Cow::Owned(escaped)
}

/// Returns the text on one line, printable: blanks and line breaks between two words become one blank.
pub fn one_line(text: &str) -> String {
    printable(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

/// Joins names as a sentence does: `a`, `a and b`, `a, b and c`, or `nothing`.
pub fn listed<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.split_last() {
        None => "nothing".into(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// Returns a path on one line; bytes that are not UTF-8 become U+FFFD.
pub fn of_path(path: &Path) -> String {
    let path = path.to_string_lossy();
    printable(&path).replace(['\n', '\t'], " ")
}

/// Returns the width of a line on a terminal, in columns: wide characters take two.
pub fn columns(line: &str) -> usize {
    line.width()
}

/// Wraps text into lines of at most `most` columns, between words, or within a word that is longer than a line. Every
/// line but the first begins with the indent.
pub fn wrapped(text: &str, most: usize, indent: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut left = most;
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        let is_first = line.trim().is_empty();
        let needed = columns(word) + usize::from(!is_first);
        if needed <= left {
            if !is_first {
                line.push(' ');
            }
            line.push_str(word);
            left -= needed;
            continue;
        }
        if !is_first {
            lines.push(indent.to_owned());
            left = most.saturating_sub(columns(indent));
        }
        for part in split_word(word, left.max(2), most.saturating_sub(columns(indent)).max(2)) {
            let line = lines.last_mut().expect("there is always a line");
            if line.trim().is_empty() {
                line.push_str(part);
            } else {
                lines.push(format!("{indent}{part}"));
            }
            left = most.saturating_sub(columns(&lines[lines.len() - 1]));
        }
    }
    lines
}

/// Wraps each line of a text that is too wide. Continuation lines are aligned below the text of their line, behind its
/// label.
pub fn fitted(text: &str, most: usize) -> String {
    let fit = |line: &str| {
        if columns(line) <= most {
            return line.to_owned();
        }
        let indent = label(line).filter(|label| columns(label) * 2 <= most).unwrap_or_default();
        let rest = wrapped(&line[indent.len()..], most - columns(indent), "");
        format!("{indent}{}", rest.join(&format!("\n{}", " ".repeat(columns(indent)))))
    };
    text.split('\n').map(fit).collect::<Vec<_>>().join("\n")
}

/// Returns the label of a line: its indent, or its first word with the blanks after it if there are two or more.
fn label(line: &str) -> Option<&str> {
    let begin = line.find(|c: char| c != ' ').unwrap_or(line.len());
    let gap = line[begin..].find("  ").map(|gap| begin + gap).filter(|gap| !line[begin..*gap].contains(' '));
    let end = gap.map_or(begin, |gap| line.len() - line[gap..].trim_start_matches(' ').len());
    (end > 0).then(|| &line[..end])
}

/// Splits a word into parts of at most this many columns, for the first and for the others.
fn split_word(word: &str, first: usize, others: usize) -> Vec<&str> {
    let (mut parts, mut begin, mut taken, mut left) = (Vec::new(), 0, 0, first);
    for (at, c) in word.char_indices() {
        let wide = c.width().unwrap_or(0);
        if taken + wide > left && at > begin {
            parts.push(&word[begin..at]);
            (begin, taken, left) = (at, 0, others);
        }
        taken += wide;
    }
    parts.push(&word[begin..]);
    parts
}

/// Cuts a line to this many columns; `…` replaces the rest.
pub fn shortened(line: &str, most: usize) -> Cow<'_, str> {
    if columns(line) <= most {
        return Cow::Borrowed(line);
    }
    let kept = split_word(line, most.saturating_sub(1), usize::MAX)[0];
    Cow::Owned(format!("{}…", kept.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_escaped() {
        for (text, expected) in [
            ("plain – text, 待機 ❤️ é", "plain – text, 待機 ❤️ é"),
            ("a\u{1b}[31mb\u{7}\u{7f}\u{9b}2J", "a\\u{1b}[31mb\\u{7}\\u{7f}\\u{9b}2J"),
            ("a\r\nb\tc\rd", "a\nb\tc\\u{d}d"),
            ("l\u{200e}r\u{200f}a\u{61c}z\u{200b}\u{feff}", "l\\u{200e}r\\u{200f}a\\u{61c}z\\u{200b}\\u{feff}"),
            ("x\u{202e}y\u{2066}z\u{2028}\u{ad}", "x\\u{202e}y\\u{2066}z\\u{2028}\\u{ad}"),
            ("tag\u{e0041}\u{e007f}", "tag\\u{e0041}\\u{e007f}"),
        ] {
            assert_eq!(printable(text), expected, "{text:?}");
        }
        assert_eq!(one_line(" a\n\tb\u{2028}c\u{85}d\u{1b} "), "a b c d\\u{1b}");
    }

    #[test]
    fn no_printed_character_controls_the_terminal() {
        for c in '\0'..=char::MAX {
            let shown = one_line(&c.to_string());
            assert!(!shown.chars().any(is_hidden), "{c:?}");
            // A zero-width character that is not hidden is a combining mark, or selects the look of the one before it.
            let is_mark = columns(&c.to_string()) == 0 && !is_hidden(c);
            assert!(!is_mark || c as u32 >= 0x300, "{c:?}");
        }
    }

    #[test]
    fn printable_json_keeps_its_value_and_hides_no_character() {
        for text in ["plain", "a\u{1b}[2J\u{7f}\u{9b}1m\u{202e}\u{e0041}\u{feff}\"\\\n"] {
            let json = serde_json::to_string(text).unwrap();
            let shown = printable_json(&json);
            assert!(!shown.chars().any(is_hidden), "{shown}");
            assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
    }

    #[test]
    fn lines_are_wrapped_by_display_width() {
        for (text, most, indent, expected) in [
            ("one two three", 7, "  ", vec!["one two", "  three"]),
            ("one two three", usize::MAX, "  ", vec!["one two three"]),
            ("待機 待機 ab", 7, " ", vec!["待機", " 待機", " ab"]),
            ("待機待機待機", 5, " ", vec!["待機", " 待機", " 待機"]),
            ("a-very-long-word b", 6, "", vec!["a-very", "-long-", "word b"]),
            ("it averylongword", 6, "  ", vec!["it", "  aver", "  ylon", "  gwor", "  d"]),
            ("", 6, "", vec![""]),
            ("待機", 0, "", vec!["待", "機"]),
        ] {
            assert_eq!(wrapped(text, most, indent), expected, "{text} in {most}");
        }
    }

    #[test]
    fn continuation_lines_are_aligned_with_their_text() {
        let text = "short\nverdict    SUSPECT: one two three\n  - four five six seven eight";
        let expected = "short\nverdict    SUSPECT: one\n           two three\n  - four five six seven\n  eight";
        assert_eq!(fitted(text, 23), expected);
        assert_eq!(fitted(text, 80), text);
    }

    #[test]
    fn a_long_line_is_shortened_by_display_width() {
        assert_eq!(shortened("待機待機", 8), "待機待機");
        assert_eq!(shortened("待機待機", 7), "待機待…");
        assert_eq!(shortened("待機待機", 6), "待機…");
        assert_eq!(shortened("one two", 5), "one…");
    }
}
