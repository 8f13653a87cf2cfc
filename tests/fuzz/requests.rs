//! Feeds arbitrary bytes to the server's codec, as requests.
#![no_main]

#[path = "../it/http1/oracle.rs"]
#[expect(dead_code, reason = "the other target uses the rest")]
mod oracle;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| oracle::check_requests(bytes));
