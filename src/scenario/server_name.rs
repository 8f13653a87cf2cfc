//! The names of external servers, as in `external/head`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The name of one of several external servers: 1 to 24 of `a-z 0-9 . _ -`, starting with a letter or digit. Held in
/// place, so that a model remains a plain value that can be copied.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerName {
    /// The characters of the name, followed by zeros.
    bytes: [u8; Self::MOST],
}

/// The error of a text that is not the name of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected {}", ServerName::EXPECTED)]
pub struct InvalidServerName;

impl ServerName {
    /// The length of the longest name, bytes.
    pub const MOST: usize = 24;

    /// A description of a valid name, as text that follows "write".
    pub const EXPECTED: &'static str = "1 to 24 characters of a-z 0-9 . _ -, starting with a letter or digit";

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        let length = self.bytes.iter().position(|byte| *byte == 0).unwrap_or(Self::MOST);
        str::from_utf8(&self.bytes[..length]).expect("a name consists of ASCII characters")
    }
}

impl FromStr for ServerName {
    type Err = InvalidServerName;

    fn from_str(name: &str) -> Result<Self, InvalidServerName> {
        let is_first = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_allowed = |byte: u8| is_first(&byte) || matches!(byte, b'.' | b'_' | b'-');
        let is_valid =
            name.len() <= Self::MOST && name.bytes().all(is_allowed) && name.as_bytes().first().is_some_and(is_first);
        let mut bytes = [0; Self::MOST];
        if !is_valid {
            return Err(InvalidServerName);
        }
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        Ok(Self { bytes })
    }
}

impl TryFrom<String> for ServerName {
    type Error = InvalidServerName;

    fn try_from(name: String) -> Result<Self, InvalidServerName> {
        name.parse()
    }
}

impl From<ServerName> for String {
    fn from(name: ServerName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_others_are_refused() {
        for name in ["a", "base", "v1.2_rc-3", "0", "abcdefghijklmnopqrstuvwx"] {
            assert_eq!(name.parse::<ServerName>().map(|name| name.to_string()), Ok(name.to_owned()));
        }
        for name in ["", "Base", "-a", ".a", "a/b", "a b", "ä", "a\0", "abcdefghijklmnopqrstuvwxy"] {
            assert_eq!(name.parse::<ServerName>(), Err(InvalidServerName), "{name:?}");
        }
    }
}
