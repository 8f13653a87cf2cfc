//! The service behind the servers of every model: routing, the work before a response, and its date.

pub mod date;
pub mod echo;
pub mod route;
