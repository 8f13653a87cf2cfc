//! Parses what is typed for a request: URLs, bodies and header fields.

use std::fs::File;
use std::io::Read as _;

use crate::session::output::Stop;
use crate::units;

/// Splits a URL into scheme and authority, and path with query, both as typed. A URL type would resolve the path.
pub(super) fn split(url: &str) -> Option<(&str, String)> {
    let authority = url.find("://")? + "://".len();
    let end = url[authority..].find(['/', '?', '#']).map_or(url.len(), |at| authority + at);
    // Some parsers end the host at a backslash and others do not; some drop blanks.
    let is_host = |c: char| c != '\\' && !c.is_whitespace() && !c.is_control();
    if !url[authority..end].chars().all(is_host) {
        return None;
    }
    let target = url[end..].split('#').next().unwrap_or_default();
    let slash = if target.starts_with('/') { "" } else { "/" };
    Some((&url[..end], format!("{slash}{target}")))
}

/// Reads a file as a body, up to a limit, because a device may have no end.
pub(super) fn read_body(file: &str) -> Result<Vec<u8>, Stop> {
    const MOST: u64 = 64 << 20;
    let mut body = Vec::new();
    let read = File::open(file).and_then(|file| file.take(MOST + 1).read_to_end(&mut body));
    read.map_err(|error| Stop::input(format_args!("--body: {file}: {error}")))?;
    if body.len() as u64 > MOST {
        return Err(Stop::input(format_args!(
            "--body: {file}: larger than {}; use a smaller body",
            units::bytes(MOST)
        )));
    }
    Ok(body)
}

/// Parses `Name: value`, and refuses characters that would end the field early.
pub(super) fn header(field: &str) -> Result<(String, String), Stop> {
    let wrong = |what: &str| Stop::input(format_args!("-H: `{}` {what}", field.escape_debug()));
    let (name, value) =
        field.split_once(':').ok_or_else(|| wrong("has no colon; write a field such as 'Accept: */*'"))?;
    let value = value.trim();
    if name.parse::<reqwest::header::HeaderName>().is_err() {
        return Err(wrong("does not start with a field name"));
    }
    if value.parse::<reqwest::header::HeaderValue>().is_err() {
        return Err(wrong("contains a character that is invalid in a header field"));
    }
    let framing = ["content-length", "transfer-encoding", "connection", "upgrade", "expect"];
    if framing.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        return Err(wrong("cannot be set: avt sets it, because it controls how the connection is used"));
    }
    Ok((name.to_owned(), value.to_owned()))
}
