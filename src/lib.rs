//! # async-vs-threads
//!
//! The same work under async, OS-thread and hybrid models, measured side by side.
//! **Async is a way of waiting. Threads are a way of doing. They are two separate switches.**
//!
//! ## Your own code
//!
//! [`bench::main`](mod@bench) measures your own code under every model, from a bench target of your crate: implement [`Workload`]
//! for it. Everything else of this crate belongs to the program `avt` and may change at any time; it is public only for
//! the project's own tests and benches, and hidden from this page.
//!
//! ## Data flow
//!
//! ```text
//! scenarios/*.toml --parse--> Scenario --cells x rounds--> Plan --one fresh process each--> Trial
//!                                                                                            |
//! index.html, tables <--report-- Analysis <--analyze-- run.json + trials.jsonl <--append-- Record
//! ```
//!
//! ## The floors
//!
//! A module imports only modules of lower floors, without exception; modules of one floor do not import each other.
//! `tests/it/tidy.rs` checks it.
//!
//! | floor | modules | contents |
//! |---|---|---|
//! | 10 | `cli`, [`bench`](mod@bench) | one file per verb: parses, calls, prints; a user's own code under every model |
//! | 9 | `session` | one measurement from plan to report: progress, records, tables, pages |
//! | 8 | [`runner`], [`trial`] | the parent and the child process of every trial; they share only [`protocol`] |
//! | 7 | [`model`], [`load`] | the concurrency models; the load generator |
//! | 6 | [`report`], [`service`] | pages, tables and JSON from an analysis; the routes and steps of the servers |
//! | 5 | [`analysis`], [`workload`] | figures and verdicts from records; the work of a job, blocking and async |
//! | 4 | [`gate`], [`protocol`] | checks on each measurement; the messages between runner and trial |
//! | 3 | [`record`] | the result of a trial or of a shard of a load, and its files |
//! | 2 | [`scenario`], [`lanes`] | the question, its work and its claims; what each thread did when |
//! | 1 | [`http1`], [`schedule`], [`stats`], [`clock_cost`], [`job_log`], [`usage`] | the codec of all servers and of the raw client; arrival schedules; statistics over rounds; the cost of clocks and timers; when each job began and ended; CPU time and memory of processes |
//! | 0 | [`histogram`], [`timeline`], [`units`], [`text`], [`random`], [`host`], [`proc`], [`thread_count`], [`replace`] | times; times over the course of a run; numbers with units; untrusted text; seeded random streams; the machine; its processes; the threads of this process; atomic replacement of files |
//!
//! ## Invariants
//!
//! - `http1`, `schedule`, `stats`, `scenario`, `analysis` and `report` use no clock, thread or socket.
//! - Every model runs the same codec, steps, socket options and backlog. The twins `model/threads.rs` and
//!   `model/tasks.rs` differ only in the model. No blocking function hides a runtime, and no future hides a blocking
//!   call.
//! - Every request that was due in the window is accounted for, and so is one that was due before the window and lasted
//!   through it. The part of a request that a pause of the load generator covers is attributed to the generator.
//! - No server path is optimized for the benchmark: a server caches nothing between requests that would not also help
//!   with a stream of different requests. The load of an echo trial is such a stream.
//! - Server and generator are different processes. Every trial runs in a fresh process with a cleared environment, and
//!   a child ends when its parent does.
//! - The measured path boxes no future, and locks, formats, logs or allocates nothing per job beyond the model's own
//!   cost.
//! - Input from outside (arguments, files, process names, records) leads to a result, or to a message with a documented
//!   exit code. It passes through [`text`] before it is shown.
//! - A trial never fails silently: a crash, a time-out or a refusal leaves a record with the reason, and the run
//!   continues.
//! - Everything that a report shows can be computed again from `run.json` and `trials.jsonl`.

#![cfg_attr(
    not(feature = "cli"),
    expect(dead_code, unreachable_pub, unused_imports, reason = "what only `avt` and the tests use")
)]

// All modules of the map but the highest. They are in a private module because the compiler translates every function of a
// public one, whether a user's bench calls it or not. That bench leaves out a fifth of them.
#[path = ""]
mod floors {
    pub mod histogram;
    pub mod host;
    pub mod proc;
    pub mod random;
    pub mod replace;
    pub mod text;
    pub mod thread_count;
    pub mod timeline;
    pub mod units;

    pub mod clock_cost;
    pub mod http1;
    pub mod job_log;
    pub mod schedule;
    pub mod stats;
    pub mod usage;

    pub mod lanes;
    pub mod scenario;

    pub mod record;

    pub mod gate;
    pub mod protocol;

    pub mod analysis;
    pub mod workload;

    pub mod report;
    pub mod service;

    pub mod load;
    pub mod model;

    pub mod runner;
    pub mod trial;

    pub(crate) mod session;
}

#[cfg(not(feature = "cli"))]
use floors::*;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub use floors::*;

pub mod bench;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

pub use workload::{Checksum, JobId, Pool, Workload};

/// The page of the package on crates.io, whose example has to compile.
#[cfg(doctest)]
#[doc = include_str!("package.md")]
struct PackagePage;
