//! An HTTP/1.1 codec without I/O: bytes in, messages out. It uses no clock, thread, socket or async.
//!
//! Every server model runs [`ServerCodec`], so all models give the same responses. The raw client of the load generator
//! runs [`ClientCodec`]. Both are strict: a message that two parsers could read differently is refused, and the
//! connection ends. The result never depends on how the bytes were split in transit.
//!
//! `httparse` parses the heads. This module checks what it leaves open: bare line feeds, eight-bit targets, Host, the
//! framing fields and versions. Chunks have a separate reader, because `httparse::parse_chunk_size` accepts sizes that
//! RFC 9112 section 7.1 does not allow.
//!
//! The server's side of a connection, independent of how it waits for the socket:
//!
//! ```
//! use async_vs_threads::http1::{Date, Response, ServerCodec, Status};
//!
//! let date = Date(*b"Sun, 06 Nov 1994 08:49:37 GMT");
//! let mut codec = ServerCodec::new(None);
//! let read = b"GET /echo/hi HTTP/1.1\r\nHost: localhost\r\n\r\n";
//! codec.space()[..read.len()].copy_from_slice(read);
//! codec.received(read.len());
//! while let Some((request, responder)) = codec.next(&date) {
//!     assert_eq!(request.target, b"/echo/hi");
//!     responder.send(&Response::text(Status::Ok, b"hi"), &date);
//! }
//! assert!(codec.output().ends_with(b"\r\n\r\nhi"));
//! let n = codec.output().len();
//! codec.sent(n); // and call `next` again before reading
//! assert!(!codec.is_closing());
//! ```

pub mod limits;
pub mod percent;

mod body;
mod chunked;
mod client;
mod date;
mod encode;
mod fault;
mod field;
mod input;
mod parsed_response;
mod request;
mod response;
mod scan;
mod segment;
mod server;
mod status;
mod target;
mod text_search;

pub use client::ClientCodec;
pub use date::Date;
pub use encode::encode_request;
pub use field::is_field_name;
pub use parsed_response::{ParsedResponse, ResponseError, check_head};
pub use request::{Content, Method, Request};
pub use response::Response;
pub use segment::is_segment;
pub use server::{Expects, Responder, ServerCodec};
pub use status::Status;
pub use target::encode_target;
pub use text_search::TextSearch;
