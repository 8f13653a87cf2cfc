//! Feeds arbitrary bytes to the client's codec, as responses.
#![no_main]

#[path = "../it/http1/oracle.rs"]
#[expect(dead_code, reason = "the other target uses the rest")]
mod oracle;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| oracle::check_responses(bytes));
