//! A small reader of JUnit XML. It fails the test if a document is not well-formed.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// A test case as a reader sees it.
#[derive(Debug)]
pub(super) struct XmlCase {
    pub(super) class: String,
    pub(super) name: String,
    /// `passed`, `failure`, `error` or `skipped`.
    pub(super) result: &'static str,
    /// The message of the result.
    pub(super) text: String,
}

/// Returns every test case of a document, after checking that it is well-formed and that its counts are right.
pub(super) fn cases(xml: &str) -> Vec<XmlCase> {
    check_with_python(xml);
    let (mut open, mut found): (Vec<&str>, Vec<XmlCase>) = (Vec::new(), Vec::new());
    let (mut counts, mut rest) = (None, xml);
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start]);
        let end = start + rest[start..].find('>').unwrap_or_else(|| panic!("an unclosed tag: {rest}"));
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if tag.starts_with('?') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{xml}");
            continue;
        }
        let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let attribute = |wanted: &str| attribute(attributes, wanted);
        match name {
            "testsuites" => {
                counts = Some(["tests", "failures", "errors", "skipped"].map(|name| attribute(name).unwrap()));
            }
            "testcase" => found.push(XmlCase {
                class: attribute("classname").unwrap(),
                name: attribute("name").unwrap(),
                result: "passed",
                text: String::new(),
            }),
            "failure" | "error" | "skipped" => {
                assert_eq!(open.last(), Some(&"testcase"), "{xml}");
                let case = found.last_mut().unwrap();
                case.result = ["failure", "error", "skipped"].into_iter().find(|one| *one == name).unwrap();
                case.text = attribute("message").unwrap();
            }
            _ => assert_eq!(name, "testsuite", "{xml}"),
        }
        if !is_empty {
            open.push(name);
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest}");
    let count = |result: &str| found.iter().filter(|case| case.result == result).count().to_string();
    let expected = [found.len().to_string(), count("failure"), count("error"), count("skipped")];
    assert_eq!(counts, Some(expected), "{xml}");
    found
}

/// Returns the value of an attribute.
fn attribute(attributes: &str, wanted: &str) -> Option<String> {
    let parts: Vec<&str> = attributes.split('"').collect();
    assert!(parts.len() % 2 == 1, "unbalanced quotes: {attributes}");
    let value = parts.chunks(2).find(|pair| pair[0].trim().strip_suffix('=') == Some(wanted))?.get(1)?;
    Some(check_text(value))
}

/// Checks the characters and entities of a text, and returns the text that they stand for.
fn check_text(text: &str) -> String {
    let is_allowed = |c: char| matches!(c, '\n' | '\t') || !async_vs_threads::text::is_hidden(c);
    assert!(text.chars().all(is_allowed), "{text:?}");
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    let without = entities.iter().fold(text.to_owned(), |text, (entity, _)| text.replace(entity, ""));
    assert!(!without.contains('&'), "an unknown entity: {text}");
    entities.iter().fold(text.to_owned(), |text, (entity, c)| text.replace(entity, c))
}

/// Reads the document with the XML reader of Python, where there is one.
fn check_with_python(xml: &str) {
    let has_reader = Command::new("python3").args(["-c", "import xml.etree.ElementTree"]).output();
    if !has_reader.is_ok_and(|output| output.status.success()) {
        return;
    }
    let read = "import sys, xml.etree.ElementTree as tree; tree.fromstring(sys.stdin.buffer.read())";
    let mut command = Command::new("python3");
    command.args(["-c", read]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut python = command.spawn().unwrap();
    python.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{xml}", String::from_utf8_lossy(&output.stderr));
}
