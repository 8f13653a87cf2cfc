//! The ways in which our codec is stricter than hyper, closes earlier, or is more lenient. Each reason examines the
//! message alone, by its own rules.

/// The text of a reason, and a function that returns whether it applies to a message.
pub(super) type Reason = (&'static str, fn(&Message<'_>) -> bool);

/// Reasons why our codec refuses a message that hyper accepts.
pub(super) const STRICTER: [Reason; 15] = [
    ("a line of the head ends in a bare line feed", |message| message.has_bare_line_feed()),
    ("more than eight empty lines before the request line", |message| message.n_empty_lines > 8),
    ("a non-ASCII target", |message| !message.target.is_ascii()),
    ("a method of more than 32 bytes", |message| message.method.len() > 32),
    ("CONNECT, which is not supported", |message| message.method == b"CONNECT"),
    ("a target that is neither a path nor an http URI nor OPTIONS *", |message| !message.has_known_form()),
    ("no Host", |message| message.version == b"HTTP/1.1" && message.values("host").is_empty()),
    ("more than one Host", |message| message.values("host").len() > 1),
    ("an invalid Host", |message| message.values("host").iter().any(|host| !is_authority(host))),
    ("a repeated length", |message| {
        let lengths = message.values("content-length");
        lengths.len() > 1 || lengths.iter().any(|length| length.contains(&b','))
    }),
    ("a length and a coding", |message| {
        !message.values("content-length").is_empty() && !message.values("transfer-encoding").is_empty()
    }),
    ("a coding beside chunked, or chunked twice", |message| {
        let codings = message.values("transfer-encoding");
        codings.len() > 1 || codings.iter().any(|coding| coding.contains(&b','))
    }),
    ("an unsupported expectation", |message| {
        let expectations = message.values("expect");
        expectations.len() > 1 || expectations.iter().any(|value| !value.eq_ignore_ascii_case(b"100-continue"))
    }),
    ("an invalid chunk line", |message| !message.chunks().0.into_iter().all(is_chunk_line)),
    ("invalid trailers", |message| !message.trailers().all(is_field_line)),
];

/// Reasons why our codec closes a connection after a message that both accept, and hyper does not.
pub(super) const CLOSING: [Reason; 1] = [("a Connection field with close beside non-ASCII bytes", |message| {
    let has_close = |value: &[u8]| value.to_ascii_lowercase().windows(5).any(|five| five == b"close");
    message.values("connection").iter().any(|value| has_close(value) && !value.is_ascii())
})];

/// Reasons why hyper refuses a message that our codec accepts.
pub(super) const MORE_LENIENT: [Reason; 3] = [
    ("a target with printable bytes that are invalid in a URI", |message| {
        message.target.iter().any(|byte| b"\"<>\\^`{|}".contains(byte))
    }),
    ("a percent sign in the host of a target", |message| {
        message.authority().is_some_and(|authority| authority.contains(&b'%'))
    }),
    ("a hundred or more trailers, which our codec limits in bytes", |message| message.trailers().count() >= 100),
];

/// A message as a very lenient reader parses it.
pub(super) struct Message<'a> {
    n_empty_lines: usize,
    head: &'a [u8],
    body: &'a [u8],
    method: &'a [u8],
    target: &'a [u8],
    version: &'a [u8],
    fields: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Message<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Self {
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let (mut n_empty_lines, mut head, mut start, mut fields) = (0, 0, None, Vec::new());
        for line in lines.by_ref() {
            head += line.len();
            match (line.trim_ascii_end(), start) {
                (b"", None) => n_empty_lines += 1,
                (b"", Some(_)) => break,
                (line, None) => start = Some(line),
                (line, Some(_)) => {
                    let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
                    fields.push((&line[..colon], line.get(colon + 1..).unwrap_or_default().trim_ascii()));
                }
            }
        }
        let mut words = start.unwrap_or_default().split(|byte| *byte == b' ');
        let mut word = || words.next().unwrap_or_default();
        let (method, target, version) = (word(), word(), word());
        Self { n_empty_lines, head: &bytes[..head], body: &bytes[head..], method, target, version, fields }
    }

    fn values(&self, name: &str) -> Vec<&'a [u8]> {
        let named = self.fields.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name.as_bytes()));
        named.map(|(_, value)| *value).collect()
    }

    fn has_bare_line_feed(&self) -> bool {
        self.head.split_inclusive(|byte| *byte == b'\n').any(|line| !line.ends_with(b"\r\n"))
    }

    /// Returns the host and port of a target that begins with a scheme.
    fn authority(&self) -> Option<&'a [u8]> {
        let colon = self.target.iter().position(|byte| *byte == b':')?;
        let (scheme, rest) = self.target.split_at(colon);
        let is_http = [&b"http"[..], b"https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        let rest = rest.strip_prefix(b"://").filter(|_| is_http)?;
        rest.split(|byte| b"/?#".contains(byte)).next()
    }

    fn has_known_form(&self) -> bool {
        match self.target {
            [b'/', ..] => true,
            b"*" => self.method == b"OPTIONS",
            _ => self.authority().is_some_and(is_authority),
        }
    }

    fn is_chunked(&self) -> bool {
        self.values("transfer-encoding").iter().any(|coding| coding.eq_ignore_ascii_case(b"chunked"))
    }

    /// Returns the line before each chunk, without its end, and the bytes after the last line.
    fn chunks(&self) -> (Vec<&'a [u8]>, &'a [u8]) {
        let (mut rest, mut lines) = (self.body, Vec::new());
        while self.is_chunked()
            && let Some(end) = rest.windows(2).position(|two| two == b"\r\n")
        {
            let line = &rest[..end];
            lines.push(line);
            let n_digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
            let digits = str::from_utf8(&line[..n_digits]).unwrap_or_default();
            match usize::from_str_radix(digits, 16) {
                Ok(size) if size > 0 => rest = rest.get(end + 2 + size + 2..).unwrap_or_default(),
                _ => return (lines, &rest[end + 2..]),
            }
        }
        (lines, &[])
    }

    /// Returns the lines after the last chunk, with their ends.
    fn trailers(&self) -> impl Iterator<Item = &'a [u8]> {
        self.chunks().1.split_inclusive(|byte| *byte == b'\n').take_while(|line| *line != b"\r\n")
    }
}

/// Returns whether a value is `host`, `host:port` or `[address]:port`, with bytes that are valid in a host.
fn is_authority(value: &[u8]) -> bool {
    let (host, port) = match value.iter().rposition(|byte| *byte == b':') {
        Some(colon) if !value.ends_with(b"]") => (&value[..colon], &value[colon + 1..]),
        _ => (value, &b""[..]),
    };
    let inner = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]"));
    let others = if inner.is_some() { &b"-._~!$&'()*+;=%:"[..] } else { b"-._~!$&'()*+;=%" };
    let inner = inner.unwrap_or(host);
    let is_valid = |byte: &u8| byte.is_ascii_alphanumeric() || others.contains(byte);
    !inner.is_empty() && inner.iter().all(is_valid) && port.iter().all(u8::is_ascii_digit)
}

fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

/// Returns whether a line is `name: value` with its end, without control characters.
fn is_field_line(line: &[u8]) -> bool {
    let n = line.iter().take_while(|byte| is_token(byte)).count();
    let value = line[n..].strip_prefix(b":").and_then(|value| value.strip_suffix(b"\r\n"));
    n > 0 && value.is_some_and(|value| value.iter().all(is_text))
}

fn is_text(byte: &u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// Returns whether a line is at most 16 digits, then extensions: `;name`, `;name=value`, `;name="value"`.
fn is_chunk_line(line: &[u8]) -> bool {
    let n_digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let mut rest = &line[n_digits..];
    let token = |rest: &mut &[u8]| {
        let n = rest.iter().take_while(|byte| is_token(byte)).count();
        *rest = &rest[n..];
        n > 0
    };
    let mut is_valid = (1..=16).contains(&n_digits);
    while is_valid && !rest.is_empty() {
        is_valid = strip(&mut rest, b";") && token(&mut rest);
        if is_valid && strip(&mut rest, b"=") {
            is_valid = if strip(&mut rest, b"\"") { quoted(&mut rest) } else { token(&mut rest) };
        }
    }
    is_valid
}

fn strip(rest: &mut &[u8], prefix: &[u8]) -> bool {
    let stripped = rest.strip_prefix(prefix);
    *rest = stripped.unwrap_or(rest);
    stripped.is_some()
}

/// Skips the rest of a quoted string with its end. Returns whether it is valid.
fn quoted(rest: &mut &[u8]) -> bool {
    while let Some((byte, after)) = rest.split_first() {
        *rest = after;
        match byte {
            b'"' => return true,
            b'\\' if after.first().is_some_and(is_text) => *rest = &after[1..],
            b'\\' => return false,
            byte if is_text(byte) => {}
            _ => return false,
        }
    }
    false
}
