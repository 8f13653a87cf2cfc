//! All limits of the codec, in bytes unless stated otherwise.

/// The longest request target; a longer one is answered 414.
pub const TARGET: usize = 8 * 1024;

/// The longest method; a longer one is answered 501.
pub const METHOD: usize = 32;

/// The longest head of a request or response, including start line and final empty line; a longer request head is
/// answered 431.
pub const HEAD: usize = 64 * 1024;

/// The maximum number of fields in a head; a request with more is answered 431.
pub const N_FIELDS: usize = 100;

/// The maximum number of empty lines skipped before a request line (RFC 9112 section 2.2 requires at least one).
pub const N_EMPTY_LINES: u8 = 8;

/// The longest request body; a longer one is answered 413.
pub const REQUEST_BODY: u64 = 1024 * 1024;

/// The longest response body that the load generator accepts. Bodies are only counted and cost no memory, so only the
/// time-out limits them.
pub const RESPONSE_BODY: u64 = u64::MAX;

/// The maximum number of interim (1xx) responses before a final one.
pub const N_INTERIM: u8 = 16;

/// The maximum size of all chunk extensions in one body.
pub const EXTENSIONS: u32 = 4 * 1024;

/// The maximum size of the trailers after a chunked body; a request with larger ones is answered 431.
pub const TRAILERS: u32 = 8 * 1024;

/// The amount of waiting output above which no further request is taken.
pub const OUTPUT: usize = 64 * 1024;

/// The initial size of a connection's input buffer, to which a large one shrinks when idle.
pub const INPUT_AT_FIRST: usize = 4 * 1024;

/// The maximum size of a connection's input buffer if bodies are skipped: a head and space to read on.
pub const INPUT_AT_MOST: usize = HEAD + INPUT_AT_FIRST;

/// The maximum size of the server's input buffer, which also keeps the body of a POST.
pub const SERVER_INPUT_AT_MOST: usize = INPUT_AT_MOST + REQUEST_BODY as usize;

/// The maximum growth of a buffer at once, beyond what it must hold.
pub const GROWTH: usize = 56 * 1024;

/// The size above which an empty buffer is released.
pub const KEPT_WHEN_IDLE: usize = 16 * 1024;
