//! All integration tests, in one crate: linking is what takes long.

mod http1;
mod load;
mod run;
mod scenario;
mod serve;
mod support;
mod tidy;
