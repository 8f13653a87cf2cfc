//! A line of `trials.jsonl` or of a shard's record: JSON, its checksum first.
//!
//! ```text
//! {"crc32":"9ae0daaf","schema":8,"run":...}
//! ```
//!
//! The checksum is the CRC-32 of gzip, zlib and PNG, over the line without `"crc32":"...",` and the line feed.

use serde::Serialize;

const BEGIN: &[u8] = b"{\"crc32\":\"";
const END: &[u8] = b"\",";
const DIGITS: usize = 8;

/// Formats a record as a line, with its line feed.
pub(super) fn written(record: &impl Serialize) -> Vec<u8> {
    let json = serde_json::to_vec(record).expect("a record is plain data");
    signed(&json)
}

/// Formats a JSON object as a line with its checksum.
fn signed(json: &[u8]) -> Vec<u8> {
    let checksum = format!("{:08x}", crc32fast::hash(json));
    [BEGIN, checksum.as_bytes(), END, &json[1..], b"\n"].concat()
}

/// Returns whether a line begins with a checksum.
pub(super) fn is_signed(line: &[u8]) -> bool {
    line.starts_with(BEGIN)
}

/// Returns the JSON object of a line without its line feed, if the checksum matches.
pub(super) fn verified(line: &[u8]) -> Result<Vec<u8>, String> {
    let parts = line.strip_prefix(BEGIN).and_then(|rest| {
        let (checksum, rest) = rest.split_at_checked(DIGITS)?;
        Some((str::from_utf8(checksum).ok()?, rest.strip_prefix(END)?))
    });
    let Some((checksum, rest)) = parts else { return Err("missing checksum (crc32) at the start of the line".into()) };
    let json = [b"{", rest].concat();
    let computed = format!("{:08x}", crc32fast::hash(&json));
    if computed == checksum {
        Ok(json)
    } else {
        Err(format!("damaged: expected checksum (crc32) {checksum}, found {computed}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_changed_bit_of_a_line_is_detected() {
        let json = br#"{"schema":8,"run":42}"#;
        let line = signed(json);
        assert_eq!(line, b"{\"crc32\":\"a8d485ef\",\"schema\":8,\"run\":42}\n");
        let line = &line[..line.len() - 1];
        assert_eq!(verified(line).unwrap(), json);
        for bit in 0..line.len() * 8 {
            let mut damaged = line.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(verified(&damaged).is_err(), "bit {bit}: {}", String::from_utf8_lossy(&damaged));
        }
        for cut in 0..line.len() {
            assert!(verified(&line[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn the_checksum_is_crc_32_as_in_gzip() {
        // The check value of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms.
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
    }
}
