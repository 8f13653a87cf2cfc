//! All integration tests, in one crate, since linking takes most of the time.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod ab;
mod advise;
mod bench;
mod browser;
mod by_machine;
mod claims;
mod compare;
mod cpu_limit;
mod cpus;
mod damaged;
mod doctor;
mod echo;
mod exports;
mod external;
mod findings;
mod fixture;
mod http1;
mod load;
mod machines;
mod new;
mod peers;
mod readme;
mod refusals;
mod report;
mod run;
mod scenario;
mod serve;
mod shells;
mod signals;
mod stats;
mod support;
mod terminal;
mod thread_limits;
mod tidy;
