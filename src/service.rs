//! What the servers of every model serve: which answer a request gets, what is done before it, and its date.

pub mod date;
pub mod echo;
pub mod route;
