//! # async-vs-threads
//!
//! The same work under async, OS-thread and hybrid models, measured side by side.
//! **Async is a way of waiting. Threads are a way of doing. They are two separate switches.**
//!
//! ## The way of the data
//!
//! ```text
//! scenarios/*.toml --parse--> Scenario --cells x rounds--> Plan --one fresh process each--> Trial
//!                                                                                            |
//! index.html, tables <--report-- Analysis <--analyze-- run.json + trials.jsonl <--append-- Record
//! ```
//!
//! ## The floors
//!
//! A module imports only modules of lower floors, without exception: modules of one floor do not know each other.
//! `tests/it/tidy.rs` holds it.
//!
//! | floor | modules | what lives there |
//! |---|---|---|
//! | 9 | `cli` | one file a verb: parses, calls, prints |
//! | 8 | [`runner`], [`trial`] | the parent and the child of every trial; they meet in [`protocol`] only |
//! | 7 | [`model`], [`load`] | who runs jobs and serves connections; who sends requests |
//! | 6 | [`report`], [`service`] | an analysis in, text out; what the servers serve: routes, the work before an answer, its date |
//! | 5 | [`analysis`], [`workload`] | records in, figures and verdicts out; what a job does, two faces side by side |
//! | 4 | [`gate`], [`protocol`] | whether a trial can be believed; what runner and trial say to each other |
//! | 3 | [`record`] | what a trial leaves, and the files that keep it |
//! | 2 | [`scenario`], [`lanes`] | the question and what is claimed of its answer, the TOML as written stays private; what each thread did when |
//! | 1 | [`http1`], [`schedule`], [`stats`], [`clock_cost`], [`job_log`], [`usage`] | the one codec of every server and of the raw client, sans IO; when each request is due; what rounds can tell; what clock and timers cost; when each job began and ended; what a process costs |
//! | 0 | [`histogram`], [`timeline`], [`units`], [`text`], [`random`], [`host`], [`proc`], [`thread_count`], [`replace`] | times, when they were, words for them, untrusted text, seeded streams, the machine, its processes, the threads of this one; replacement of files once the new ones are complete |
//!
//! ## Invariants
//!
//! - `http1`, `schedule`, `stats`, `scenario`, `analysis` and `report` know no clock, no thread and no socket.
//! - Every model runs the same codec, the same steps, the same socket options, the same backlog: the twins
//!   `model/threads.rs` and `model/tasks.rs` differ in the model and in nothing else. No runtime hides inside a blocking
//!   face, no blocking call is dressed as a future.
//! - Every request that was sent or due counts, whichever side of the warm-up it began on; what the load generator's own
//!   pauses cover of a request is the generator's.
//! - No server path is special for a benchmark: nothing is remembered from one request to the next that a stream of
//!   different requests would not profit from as well. An echo trial is such a stream.
//! - Server and generator are different processes; every trial is a fresh one, in a cleared environment; a child ends
//!   when its parent does.
//! - In the measured path nothing boxes a future, locks, formats, logs or allocates per job beyond what the model itself
//!   costs.
//! - Bytes from outside (arguments, files, names of processes, records) end in a result or in a message with a documented
//!   exit code; they pass through [`text`] before they are shown.
//! - A trial never fails silently: a crash, a time-out, a refusal is a record that says so, and the run goes on.
//! - What a report shows can be computed again from `run.json` and `trials.jsonl` alone.

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

pub mod cli;
