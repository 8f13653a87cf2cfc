//! Every bound of the codec, in one place. All in bytes unless the name says otherwise.

/// The longest request target; beyond it 414.
pub const TARGET: usize = 8 * 1024;

/// The longest method; beyond it 501.
pub const METHOD: usize = 32;

/// The longest head of a request or reply, start line and final empty line included; beyond it 431.
pub const HEAD: usize = 64 * 1024;

/// The most fields in a head; beyond it 431.
pub const N_FIELDS: usize = 100;

/// The most empty lines skipped before a request line (RFC 9112 section 2.2 asks for at least one).
pub const N_EMPTY_LINES: u8 = 8;

/// The longest request body; beyond it 413.
pub const REQUEST_BODY: u64 = 1024 * 1024;

/// The longest reply body that the load generator accepts. Bodies are only counted and cost no memory, so only the
/// time-out limits them.
pub const REPLY_BODY: u64 = u64::MAX;

/// The most interim (1xx) replies before a final one.
pub const N_INTERIM: u8 = 16;

/// The most bytes of chunk extensions in one body.
pub const EXTENSIONS: u32 = 4 * 1024;

/// The most bytes of trailers after a chunked body; beyond it 431.
pub const TRAILERS: u32 = 8 * 1024;

/// While more output than this waits, no further request is taken.
pub const OUTPUT: usize = 64 * 1024;

/// What a connection's input buffer starts with, and returns to when idle.
pub const INPUT_AT_FIRST: usize = 4 * 1024;

/// What a connection's input buffer grows to at most where bodies are skipped: a head and room to read on.
pub const INPUT_AT_MOST: usize = HEAD + INPUT_AT_FIRST;

/// The same on the server's side, where the body of a POST is kept behind its head.
pub const SERVER_INPUT_AT_MOST: usize = INPUT_AT_MOST + REQUEST_BODY as usize;

/// The most that a buffer grows by at once, beyond what it must hold.
pub const GROWTH: usize = 56 * 1024;

/// Buffers over this size are given back once empty.
pub const KEPT_WHEN_IDLE: usize = 16 * 1024;
