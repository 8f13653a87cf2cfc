//! All integration tests, in one crate: linking is what takes long.

mod run;
mod support;
mod tidy;
