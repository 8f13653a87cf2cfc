//! One HTTP/1.1 codec, sans IO: bytes in, messages out. No clock, no thread, no socket, no async.
//!
//! Every server model runs [`ServerCodec`], so that all of them give the same answers; the raw client of the load
//! generator runs [`ClientCodec`]. Both are strict: what two parsers could read in two ways is refused and the
//! connection ends. A verdict never depends on how the bytes were cut on their way.
//!
//! The heads are parsed by `httparse`; what it leaves open (bare line feeds, eight-bit targets, Host, the framing
//! fields, versions) is judged here, and chunks have a reader of their own, because its `parse_chunk_size` takes
//! what RFC 9112 section 7.1 does not allow.
//!
//! A server's connection, whatever waits on the socket:
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
//! codec.sent(n); // and ask `next` again before reading on
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
mod reply;
mod request;
mod response;
mod scan;
mod segment;
mod server;
mod status;
mod target;

pub use client::ClientCodec;
pub use date::Date;
pub use encode::encode_request;
pub use reply::{Reply, ReplyError, judge_head};
pub use request::{Content, Method, Request};
pub use response::Response;
pub use segment::is_segment;
pub use server::{Expects, Responder, ServerCodec};
pub use status::Status;
pub use target::encode_target;
