//! All integration tests, in one crate: linking is what takes long.

mod load;
mod run;
mod serve;
mod support;
mod tidy;
