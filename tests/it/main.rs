//! All integration tests, in one crate: linking is what takes long.

mod fixture;
mod http1;
mod load;
mod report;
mod run;
mod scenario;
mod serve;
mod support;
mod tidy;
