//! The rows: every key of a scenario file.

use super::Section::{Claim, Heartbeat, Heavy, Load, MaxJobs, Request, Rounds, Server, Top};
use super::{
    ANY_MODEL, AnyOf, ECHO, EVERY, JOBS, Key, Lines, Many, Need, OFFLOAD, OWN, SLEEP, STEPS, Section, ValueKind,
    WorkloadName,
};
use crate::scenario::{ClaimKind, Composition, LockKind, LockScope, Metric};
use crate::schedule::{Arrivals, Pacing};

const fn key(section: Section, name: &'static str, kind: ValueKind, about: &'static str) -> Key {
    Key { section, name, workloads: EVERY, kind, need: Need::Optional, many: Many::One, about }
}

const fn count(from: u32, to: u32) -> ValueKind {
    ValueKind::Count { from, to }
}

const fn step(to: &'static str) -> ValueKind {
    ValueKind::Length { from: "1us", to }
}

const fn length(from: &'static str, to: &'static str) -> ValueKind {
    ValueKind::Length { from, to }
}

impl Key {
    const fn for_workloads(self, workloads: &'static [WorkloadName]) -> Self {
        Self { workloads, ..self }
    }

    const fn required(self) -> Self {
        Self { need: Need::Required, ..self }
    }

    const fn default(self, text: &'static str) -> Self {
        Self { need: Need::Default(text), ..self }
    }

    const fn many(self, many: Many) -> Self {
        Self { many, ..self }
    }

    const fn swept(self) -> Self {
        self.many(Many::Sweep)
    }
}

/// Every key, in the order of the reference.
pub(in crate::floors::scenario) const KEYS: &[Key] = &[
    key(Top, "question", ValueKind::Text { most: 200, lines: Lines::One }, "the question, in one sentence").required(),
    key(
        Top,
        "analysis",
        ValueKind::Text { most: 4000, lines: Lines::Many },
        "why the question matters, what to expect, and the caveat; an empty line begins a new paragraph",
    )
    .required(),
    key(Top, "name", ValueKind::Slug, "the scenario's label; by default the file name without `.toml`"),
    key(Top, "workload", ValueKind::Choice(WorkloadName::NAMES), "the workload").required(),
    key(Top, "models", ValueKind::Model, "the models to compare, in the order of the report")
        .required()
        .many(Many::List(32)),
    key(
        Top,
        "may_refuse",
        ValueKind::Model,
        "models for which the machine may lack threads: a refused trial is then a result and not a failure; each must \
         be listed in `models`",
    )
    .many(Many::List(32)),
    key(
        Top,
        "baseline",
        ValueKind::Model,
        "the model that the others are compared with, and that runs a second time as the A/A control; must be among `models`; \
         without it `async`, or the first of `models`",
    ),
    key(Top, "jobs", count(1, 1_000_000), "the number of jobs").for_workloads(SLEEP).required().swept(),
    key(Top, "wait", length("1us", "1h"), "the wait of each job").for_workloads(SLEEP).required().swept(),
    key(Top, "jobs", count(1, 100_000), "the number of jobs, without the heartbeat")
        .for_workloads(OFFLOAD)
        .required()
        .swept(),
    key(
        Top,
        "what",
        ValueKind::What,
        "the text to echo: `GET /echo/{what}-0000` to `-1023` in turn; not `heavy`, `.` or `..`",
    )
    .for_workloads(ECHO)
    .default("hello"),
    key(Top, "wait", step("1m"), "first step of a job or request: a wait that can be awaited")
        .for_workloads(STEPS)
        .swept(),
    key(Top, "block", step("1m"), "second step: a call that holds its thread without using a CPU")
        .for_workloads(STEPS)
        .swept(),
    key(Top, "compute", step("1m"), "third step: the CPU work that an idle CPU does in this time")
        .for_workloads(STEPS)
        .swept(),
    key(Top, "lock", step("1m"), "CPU work while the job holds a lock that all jobs share, after the wait")
        .for_workloads(STEPS)
        .swept(),
    key(
        Top,
        "lock_kind",
        ValueKind::Choice(LockKind::NAMES),
        "the lock of async models: the standard library's, which holds the thread of a task that waits for it, or tokio's, \
         which does not; thread models always use the standard library's",
    )
    .for_workloads(STEPS)
    .default("std")
    .swept(),
    key(
        Top,
        "lock_scope",
        ValueKind::Choice(LockScope::NAMES),
        "how long a job holds the lock: during the step `lock` only, or during the `wait` before it as well",
    )
    .for_workloads(STEPS)
    .default("step")
    .swept(),
    key(
        Top,
        "permits",
        count(1, 20_000),
        "permits that all jobs share, as the connections of a database pool: each job holds one during all its steps",
    )
    .for_workloads(STEPS)
    .swept(),
    key(
        Top,
        "compose",
        ValueKind::Choice(Composition::NAMES),
        "how an async model composes the jobs: a task each, one task that awaits them all (`join_all`), or one task that \
         awaits one after the other; thread models have only `spawn`",
    )
    .for_workloads(JOBS)
    .default("spawn")
    .swept(),
    key(Top, "jobs", count(1, 100_000), "the number of jobs").for_workloads(OWN).required().swept(),
    key(Top, "bench", ValueKind::Slug, "the name of the workload in its bench program").for_workloads(OWN).required(),
    key(
        Top,
        "bench",
        ValueKind::Slug,
        "the name of the user's own service in its bench program, which alone can run it; `[request]` is what it gets",
    )
    .for_workloads(ECHO),
    key(Top, "size", count(0, u32::MAX), "the size that the workload is made with").for_workloads(OWN).swept(),
    key(Top, "timeout", length("1ms", "1h"), "the time after which a trial has failed").for_workloads(OWN).default("1m"),
    key(
        Top,
        "cpus",
        count(1, 1024),
        "the number of CPUs that each trial is pinned to, the first of those that avt may use; by default all of them. \
         A trial on a machine with fewer is INVALID",
    )
    .for_workloads(JOBS),
    key(
        Top,
        "server_cpus",
        count(1, 1024),
        "the number of CPUs that the server and the processes it starts are pinned to; the load generator gets others. \
         By default the server gets all CPUs that `load.pin` leaves. A trial on a machine with fewer, or with none \
         left for the generator, is INVALID",
    )
    .for_workloads(ECHO),
    key(
        Top,
        "cpu_limit",
        ValueKind::Cpus,
        "the CPU time that the process with the model may use each second, in CPUs, as a container's CPU limit: a \
         control group with a quota each 100 ms. Where avt cannot make one, the scenario is skipped",
    ),
    key(Rounds, "quick", count(1, 1000), "rounds by default; at most `full`").default("6"),
    key(Rounds, "full", count(1, 1000), "rounds with `--full`").default("10"),
    key(
        MaxJobs,
        ANY_MODEL,
        count(1, 1_000_000),
        "the most jobs for this model, which must be listed in `models`; at most `jobs`",
    )
    .for_workloads(JOBS),
    key(Heartbeat, "every", length("1ms", "1m"), "the interval between two beats").for_workloads(OFFLOAD).required(),
    key(Heartbeat, "beats", count(2, 100_000), "the number of beats; the first is due at the start")
        .for_workloads(OFFLOAD)
        .required(),
    key(Heavy, "share", ValueKind::Share, "the share of heavy requests among all")
        .for_workloads(ECHO)
        .required()
        .swept(),
    key(Heavy, "wait", step("1m"), "first step of a heavy request").for_workloads(ECHO).swept(),
    key(Heavy, "block", step("1m"), "second step of a heavy request").for_workloads(ECHO).swept(),
    key(Heavy, "compute", step("1m"), "third step of a heavy request").for_workloads(ECHO).swept(),
    key(Load, "connections", count(1, 20_000), "keep-alive connections, open before the clock starts")
        .for_workloads(ECHO)
        .required()
        .swept(),
    key(
        Load,
        "loop",
        ValueKind::Choice(&["closed", "open"]),
        "when a request is due: `closed` as soon as its connection has its last response, which hides overload; `open` \
         by a schedule",
    )
    .for_workloads(ECHO)
    .required(),
    key(
        Load,
        "rate",
        ValueKind::Rate,
        "requests per second; required in an open loop. `max` stands for a closed loop, which gives the highest rate",
    )
    .for_workloads(ECHO)
    .swept(),
    key(
        Load,
        "arrivals",
        ValueKind::Choice(Arrivals::NAMES),
        "the arrivals of an open loop: a Poisson process, as of many independent users, or equal intervals",
    )
    .for_workloads(ECHO)
    .default("poisson"),
    key(
        Load,
        "pacing",
        ValueKind::Choice(Pacing::NAMES),
        "how an open loop keeps its schedule: with a timer and polling the clock just before a request is due, with a \
         timer alone, or polling the clock all the time",
    )
    .for_workloads(ECHO)
    .default("hybrid"),
    key(
        Load,
        "client",
        ValueKind::Choice(&["raw", "reqwest"]),
        "the client: avt's own codec on a socket, or reqwest with one `Client` per connection",
    )
    .for_workloads(ECHO)
    .default("raw"),
    key(Load, "threads", count(1, 64), "threads of the load generator").for_workloads(ECHO).default("1"),
    key(Load, "warmup", length("0s", "1m"), "the load before the measured window, not measured")
        .for_workloads(ECHO)
        .default("300ms"),
    key(Load, "duration", length("10ms", "10m"), "the measured window").for_workloads(ECHO).default("1s"),
    key(Load, "think", length("0s", "1m"), "the think time of a closed loop, between a response and the next request")
        .for_workloads(ECHO)
        .default("0s")
        .swept(),
    key(Load, "timeout", length("10ms", "10m"), "the time-out of a request, from when it was due")
        .for_workloads(ECHO)
        .default("5s"),
    key(Load, "drain", length("0s", "1m"), "the time after the window in which responses are still awaited")
        .for_workloads(ECHO)
        .default("200ms"),
    key(
        Load,
        "slo",
        ValueKind::Objective,
        "the objective by which the report judges each model, as that of `avt load --slo`",
    )
    .for_workloads(ECHO),
    key(
        Load,
        "pin",
        ValueKind::Choice(&["split", "none"]),
        "CPU pinning: `split` gives server and generator different CPUs, `none` leaves it to the kernel",
    )
    .for_workloads(ECHO)
    .default("split"),
    key(
        Request,
        "method",
        ValueKind::Choice(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
        "the method",
    )
    .for_workloads(ECHO)
    .default("GET"),
    key(Request, "path", ValueKind::Path, "the path and query").for_workloads(ECHO).required(),
    key(
        Request,
        "headers",
        ValueKind::Headers,
        "further header fields; avt sets `Content-Length`, and `Host` unless it is here",
    )
    .for_workloads(ECHO),
    key(
        Request,
        "body",
        ValueKind::Exact { least: 1, most: 16_000, lines: Lines::Many },
        "the body, sent as written; by default none",
    )
    .for_workloads(ECHO),
    key(Request, "expect_status", count(200, 599), "the status code of a success").for_workloads(ECHO).default("200"),
    key(
        Request,
        "expect_contains",
        ValueKind::Exact { least: 1, most: 1000, lines: Lines::Many },
        "a text that the body of a success contains, as it is sent, without decompression; by default any body",
    )
    .for_workloads(ECHO),
    key(
        Server,
        "name",
        ValueKind::ServerName,
        "the name in the model `external/NAME`; without it, the server is the model `external`",
    )
    .for_workloads(ECHO),
    key(
        Server,
        "command",
        ValueKind::Exact { least: 0, most: 1000, lines: Lines::Many },
        "the program and its arguments, without a shell; `{port}` is replaced by the port, which is also in `PORT`",
    )
    .for_workloads(ECHO)
    .required()
    .many(Many::List(64)),
    key(Server, "port", count(1, 65_535), "the port that it listens on, on 127.0.0.1; by default a free one")
        .for_workloads(ECHO),
    key(
        Server,
        "ready",
        ValueKind::Path,
        "the path that it answers with 200 within 10 s, as soon as it is ready; by default `/echo/ready`, or the path of \
         `[request]` if that is a GET that expects 200",
    )
    .for_workloads(ECHO),
    key(
        Server,
        "env",
        ValueKind::Variables,
        "environment variables besides `PORT`, `PATH`, `HOME`, `VIRTUAL_ENV` and `LANG`; `{port}` is replaced",
    )
    .for_workloads(ECHO),
    key(
        Server,
        "cwd",
        ValueKind::Text { most: 1000, lines: Lines::One },
        "the working folder of the command; by default that of avt, which a relative path starts from",
    )
    .for_workloads(ECHO),
    key(Claim, "says", ValueKind::Text { most: 200, lines: Lines::One }, "the statement, in one sentence").required(),
    key(
        Claim,
        "kind",
        ValueKind::Choice(ClaimKind::NAMES),
        "what the claim is based on: a publication, which needs `source` and `url`; our own prediction, written down \
         before it was measured; the numbers of the scenario and the machine; or the definition of the model",
    )
    .default("prediction"),
    key(Claim, "metric", ValueKind::Choice(Metric::CLAIMABLE), "the metric").required(),
    key(
        Claim,
        "model",
        ValueKind::Model,
        "the model or models, each listed in `models`; the claim is judged for each of them",
    )
    .required()
    .many(Many::OneOrList(32)),
    key(
        Claim,
        "expect",
        ValueKind::Formula,
        "a formula for the expected value, with the names below; or use `baseline`",
    ),
    key(
        Claim,
        "baseline",
        ValueKind::Model,
        "the model to compare with in the same rounds, listed in `models`; or use `expect`",
    ),
    key(
        Claim,
        "ratio",
        ValueKind::Bounds,
        "the lower and upper bound of metric / expected value, or of metric / baseline",
    )
    .required(),
    key(
        Claim,
        "point",
        ValueKind::Text { most: 200, lines: Lines::One },
        "the only point of the sweep that the claim is about, as in the report: `jobs = 1000`; by default every point",
    ),
    key(Claim, "source", ValueKind::Text { most: 300, lines: Lines::One }, "who stated it, and where"),
    key(Claim, "url", ValueKind::Url, "the URL of the source"),
    key(
        Claim,
        "revised",
        ValueKind::Text { most: 300, lines: Lines::One },
        "what was changed in the scenario after the claim was first tested, and why",
    ),
    key(
        Claim,
        "refuted_before",
        ValueKind::Text { most: 300, lines: Lines::One },
        "where the claim was refuted before, and why; the claim stays as it was written, and the run does not fail if \
         it is refuted again",
    ),
];

const NOTHING_TO_DO: &str = "no work to do";

/// Every group of keys of which at least one is required.
pub(in crate::floors::scenario) const ANY_OF: &[AnyOf] = &[
    AnyOf { section: Top, workloads: OFFLOAD, names: &["block", "compute", "lock"], without: NOTHING_TO_DO },
    AnyOf { section: Heavy, workloads: ECHO, names: &["wait", "block", "compute"], without: NOTHING_TO_DO },
    AnyOf { section: Claim, workloads: EVERY, names: &["expect", "baseline"], without: "nothing to compare with" },
];
