//! Checks the texts of the file: names, paths, URLs, header fields.

use toml::de::{DeTable, DeValue};

use super::mistakes::quoted;
use super::values::{Wrong, shown, type_of};
use crate::http1::{encode_target, is_field_name, is_segment};
use crate::scenario::HeavySpec;
use crate::scenario::keys::{Lines, ValueKind};
use crate::text::is_hidden;

/// Checks a scenario's name; the remedy is the nearest valid one.
pub(super) fn slug(name: &str) -> Result<String, Wrong> {
    let allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-');
    let first = |c: char| matches!(c, 'a'..='z' | '0'..='9');
    let message = match name {
        "" => "must not be empty".to_owned(),
        _ if name.eq_ignore_ascii_case("index") => {
            format!("{} is reserved for the first page of the report", quoted(name))
        }
        _ if name.contains("..") => format!("{} has two dots in a row", quoted(name)),
        _ if name.len() > 80 => format!("{} is longer than 80 characters", quoted(name)),
        _ if !name.starts_with(first) => format!("{} does not start with a letter or digit", quoted(name)),
        _ => match name.chars().find(|c| !allowed(*c)) {
            Some(c) => format!("{} contains {}", quoted(name), quoted(&c.to_string())),
            None => return Ok(name.to_owned()),
        },
    };
    Err(Wrong { message, remedy: format!("write \"{}\", {}", nearest_slug(name), ValueKind::Slug.expected()) })
}

fn nearest_slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' | '_' => slug.push(c),
            '.' if !slug.ends_with('.') => slug.push('.'),
            _ if !slug.ends_with(['-', '.']) => slug.push('-'),
            _ => {}
        }
    }
    let slug = slug.trim_start_matches(['.', '_', '-']);
    let slug = slug[..slug.len().min(80)].trim_end_matches(['.', '-']);
    if slug.is_empty() || slug == "index" { "my-scenario".into() } else { slug.into() }
}

pub(super) fn path(path: &str) -> Result<String, String> {
    let differs = || path.chars().find(|c| !encode_target(&c.to_string()).starts_with(*c));
    match path.chars().find(|c| *c == '#').or_else(differs) {
        _ if !path.starts_with('/') => Err(format!("{} does not start with /", quoted(path))),
        _ if path.len() > 200 => Err(format!("{} is longer than 200 characters", quoted(path))),
        Some(c) => Err(format!("{} contains {}", quoted(path), quoted(&c.to_string()))),
        None => Ok(path.to_owned()),
    }
}

/// Checks an absolute http or https URL. Readers of a report may follow it, so it holds no user name, which would hide
/// the host, and no character that a URL has to encode.
pub(super) fn url(url: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}');
    let Some(rest) = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme)) else {
        return Err(format!("{} does not start with http:// or https://", quoted(url)));
    };
    if url.len() > 500 {
        return Err(format!("must be at most 500 characters, found {}", url.chars().count()));
    }
    if let Some(c) = url.chars().find(|c| !is_plain(*c)) {
        return Err(format!(
            "{} contains {}, which must be percent-encoded in a URL",
            quoted(url),
            quoted(&c.to_string())
        ));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let in_brackets = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_host = match in_brackets {
        Some(address) => {
            !address.is_empty() && address.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '.'))
        }
        None => {
            host.starts_with(|c: char| c.is_ascii_alphanumeric())
                && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
        }
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|_| !port.starts_with('+')));
    match (host, is_host, is_port) {
        ("", ..) => Err(format!("{} has no host", quoted(url))),
        (_, false, _) => Err(format!("invalid host name {}", quoted(authority))),
        (_, _, false) => Err(format!("invalid port {}", quoted(port.unwrap_or_default()))),
        _ => Ok(url.to_owned()),
    }
}

pub(super) fn what(what: &str) -> Result<String, String> {
    // Accepts the characters that the echo route takes and that are echoed as written.
    let plain = |c: char| c.is_ascii_graphic() && is_segment(&[c as u8]) && !matches!(c, '\\' | '?' | '#' | '%');
    match what {
        "" => Err("must not be empty".into()),
        HeavySpec::WHAT => Err("\"heavy\" is reserved for heavy requests".into()),
        "." | ".." => Err(format!("{} is a relative path segment, which clients resolve", quoted(what))),
        _ if what.len() > 1024 => Err(format!("{} is longer than 1024 characters", quoted(what))),
        _ => match what.chars().find(|c| !plain(*c)) {
            Some(c) => Err(format!("{} contains {}", quoted(what), quoted(&c.to_string()))),
            None => Ok(what.to_owned()),
        },
    }
}

/// Checks a text that is used as written.
pub(super) fn exact(text: &str, least: usize, most: usize, lines: Lines) -> Result<String, String> {
    let length = text.chars().count();
    let is_allowed = |c: char| lines == Lines::Many && matches!(c, '\n' | '\r' | '\t');
    match text.chars().enumerate().find(|(_, c)| is_hidden(*c) && !is_allowed(*c)) {
        _ if length == 0 && least > 0 => Err("must not be empty".into()),
        _ if length > most => Err(format!("must be at most {most} characters, found {length}")),
        Some((_, '\n')) => Err("contains a line break".into()),
        Some((at, c)) => Err(format!("contains the invisible character U+{:04X} at position {}", u32::from(c), at + 1)),
        None => Ok(text.to_owned()),
    }
}

/// Checks the entries of a table of texts.
pub(super) fn entries(
    table: &DeTable<'_>,
    check: fn(&str, &str) -> Result<(), String>,
) -> Result<Vec<(String, String)>, String> {
    const MOST: usize = 64;
    if table.len() > MOST {
        return Err(format!("must have at most {MOST} entries, found {}", table.len()));
    }
    let entry = |name: &str, value: &DeValue<'_>| {
        let DeValue::String(text) = value else {
            return Err(format!("{}: expected text, found {}: {}", quoted(name), type_of(value), shown(value)));
        };
        check(name, text)?;
        let text = exact(text, 0, 1000, Lines::One).map_err(|why| format!("{}: {why}", quoted(name)))?;
        Ok((name.to_owned(), text))
    };
    table.iter().map(|(name, value)| entry(name.get_ref(), value.get_ref())).collect()
}

/// Checks the name of an environment variable.
pub(super) fn variable(name: &str, _: &str) -> Result<(), String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match name {
        "PORT" => Err("\"PORT\" is set by avt, to the port of the server".into()),
        "" => Err("the name of a variable is empty".into()),
        _ if !name.chars().all(is_name) || name.starts_with(|c: char| c.is_ascii_digit()) => {
            Err(format!("{} is not the name of a variable: letters, digits and _", quoted(name)))
        }
        _ => Ok(()),
    }
}

/// Checks a header field that a user may set.
pub(super) fn header(name: &str, value: &str) -> Result<(), String> {
    const FRAMING: [&str; 6] = ["content-length", "transfer-encoding", "connection", "upgrade", "expect", "te"];
    if !is_field_name(name) {
        return Err(format!("{} is not the name of a header field", quoted(name)));
    }
    if FRAMING.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        return Err(format!("{name} cannot be set, because it controls how the connection is used"));
    }
    if value != value.trim() || !value.is_ascii() {
        return Err(format!("{name}: a value has only ASCII characters and no blanks around it"));
    }
    Ok(())
}

/// Returns a text without the blanks around it and with Unix line ends.
pub(super) fn text(written: &str, most: usize, lines: Lines) -> Result<String, String> {
    let text = written.replace("\r\n", "\n").trim().to_owned();
    let length = text.chars().count();
    match text.chars().enumerate().find(|(_, c)| is_hidden(*c) && !(*c == '\n' && lines == Lines::Many)) {
        _ if length == 0 => Err("must not be empty".into()),
        _ if length > most => Err(format!("must be at most {most} characters, found {length}")),
        Some((_, '\n')) => Err("contains a line break".into()),
        Some((at, c)) => Err(format!("contains the invisible character U+{:04X} at position {}", u32::from(c), at + 1)),
        None => Ok(text),
    }
}
