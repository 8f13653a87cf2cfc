//! The rows: every key of a scenario file.

use super::Section::{Claim, Heartbeat, Heavy, Load, MaxJobs, Rounds, Server, Top};
use super::{
    ANY_MODEL, AnyOf, ECHO, EVERY, JOBS, Key, Lines, Many, Need, OFFLOAD, SLEEP, STEPS, Section, ValueKind,
    WorkloadName,
};
use crate::scenario::{ClaimKind, Metric};
use crate::schedule::{Arrivals, Pacing};

const fn key(section: Section, name: &'static str, kind: ValueKind, about: &'static str) -> Key {
    Key { section, name, workloads: EVERY, kind, need: Need::Optional, many: Many::One, about }
}

const fn count(from: u32, to: u32, zero: &'static str) -> ValueKind {
    ValueKind::Count { from, to, zero }
}

const fn step(to: &'static str) -> ValueKind {
    ValueKind::Length { from: "1us", to, zero: "is no step" }
}

const fn length(from: &'static str, to: &'static str) -> ValueKind {
    ValueKind::Length { from, to, zero: "is no time at all" }
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
pub(in crate::scenario) const KEYS: &[Key] = &[
    key(Top, "question", ValueKind::Text { most: 200, lines: Lines::One }, "what is asked, in one sentence").required(),
    key(
        Top,
        "analysis",
        ValueKind::Text { most: 4000, lines: Lines::Many },
        "why it is asked, what to expect, and the caveat; an empty line begins a new paragraph",
    )
    .required(),
    key(Top, "name", ValueKind::Slug, "the scenario's label; without it the file's name without `.toml`"),
    key(Top, "workload", ValueKind::Choice(WorkloadName::NAMES), "what is done").required(),
    key(Top, "models", ValueKind::Model, "who does it, in the order of the report").required().many(Many::List(32)),
    key(
        Top,
        "may_refuse",
        ValueKind::Model,
        "models to which the machine may refuse threads: a trial that it refuses is a result and not a failure; each must be \
         among `models`",
    )
    .many(Many::List(32)),
    key(Top, "jobs", count(1, 1_000_000, "does nothing"), "how many jobs").for_workloads(SLEEP).required().swept(),
    key(Top, "wait", length("1us", "1h"), "how long each job waits").for_workloads(SLEEP).required().swept(),
    key(Top, "jobs", count(1, 100_000, "does nothing"), "how many jobs, the heartbeat not counted")
        .for_workloads(OFFLOAD)
        .required()
        .swept(),
    key(Top, "what", ValueKind::What, "what is echoed: `GET /echo/{what}-0000` to `-1023` in turn; not `heavy`, `.` or `..`")
        .for_workloads(ECHO)
        .default("hello"),
    key(Top, "wait", step("1m"), "first step of a job or request: a wait that can be awaited").for_workloads(STEPS).swept(),
    key(Top, "block", step("1m"), "second step: a call that holds its thread without using a CPU").for_workloads(STEPS).swept(),
    key(Top, "compute", step("1m"), "third step: as much CPU work as an idle CPU does in that time").for_workloads(STEPS).swept(),
    key(
        Top,
        "cpus",
        count(1, 1024, "runs nothing"),
        "how many CPUs each trial is pinned to, the first of those that avt may use; all of them without. A trial on a \
         machine with fewer is INVALID",
    )
    .for_workloads(JOBS),
    key(
        Top,
        "server_cpus",
        count(1, 1024, "serves nothing"),
        "how many CPUs the server is pinned to, with all that it starts; the load generator gets others. Without it the \
         server gets all that `load.pin` leaves. A trial on a machine with fewer, or with none for the generator, is INVALID",
    )
    .for_workloads(ECHO),
    key(Rounds, "quick", count(1, 1000, "measures nothing"), "how often by default; at most `full`").default("6"),
    key(Rounds, "full", count(1, 1000, "measures nothing"), "how often with `--full`").default("10"),
    key(
        MaxJobs,
        ANY_MODEL,
        count(1, 1_000_000, "does nothing"),
        "at most so many jobs for this model, which must be among `models`; at most `jobs`",
    )
    .for_workloads(JOBS),
    key(Heartbeat, "every", length("1ms", "1m"), "the time from beat to beat").for_workloads(OFFLOAD).required(),
    key(Heartbeat, "beats", count(2, 100_000, "beats nothing"), "how many beats, the first at once")
        .for_workloads(OFFLOAD)
        .required(),
    key(Heavy, "share", ValueKind::Share, "the share of heavy requests among all").for_workloads(ECHO).required().swept(),
    key(Heavy, "wait", step("1m"), "first step of a heavy request").for_workloads(ECHO).swept(),
    key(Heavy, "block", step("1m"), "second step of a heavy request").for_workloads(ECHO).swept(),
    key(Heavy, "compute", step("1m"), "third step of a heavy request").for_workloads(ECHO).swept(),
    key(Load, "connections", count(1, 20_000, "opens nothing"), "keep-alive connections, open before the clock starts")
        .for_workloads(ECHO)
        .required()
        .swept(),
    key(
        Load,
        "loop",
        ValueKind::Choice(&["closed", "open"]),
        "when a request is due: `closed` when its connection has had its answer, so that overload is hidden; `open` when \
         the schedule says so",
    )
    .for_workloads(ECHO)
    .required(),
    key(
        Load,
        "rate",
        ValueKind::Rate,
        "requests a second of an open loop, which must have it; `max` is a closed loop among them, for the most there is",
    )
    .for_workloads(ECHO)
    .swept(),
    key(
        Load,
        "arrivals",
        ValueKind::Choice(Arrivals::NAMES),
        "how the requests of an open loop follow each other: as if many people asked, or in equal steps",
    )
    .for_workloads(ECHO)
    .default("poisson"),
    key(
        Load,
        "pacing",
        ValueKind::Choice(Pacing::NAMES),
        "how exactly an open loop is kept: a timer and looks at the clock just before a request is due, a timer alone, or \
         looks at the clock all the time",
    )
    .for_workloads(ECHO)
    .default("hybrid"),
    key(
        Load,
        "client",
        ValueKind::Choice(&["raw", "reqwest"]),
        "which client asks: our own codec on a socket, or reqwest with one `Client` a connection",
    )
    .for_workloads(ECHO)
    .default("raw"),
    key(Load, "threads", count(1, 64, "asks nothing"), "threads of the load generator").for_workloads(ECHO).default("1"),
    key(Load, "warmup", length("0s", "1m"), "asked before the measured window, not measured").for_workloads(ECHO).default("300ms"),
    key(Load, "duration", length("10ms", "10m"), "the measured window").for_workloads(ECHO).default("1s"),
    key(Load, "think", length("0s", "1m"), "the pause between an answer and the next question of a closed loop")
        .for_workloads(ECHO)
        .default("0s")
        .swept(),
    key(Load, "timeout", length("10ms", "10m"), "how long an answer may take").for_workloads(ECHO).default("5s"),
    key(Load, "drain", length("0s", "1m"), "how long after the window answers still under way are waited for")
        .for_workloads(ECHO)
        .default("200ms"),
    key(
        Load,
        "pin",
        ValueKind::Choice(&["split", "none"]),
        "which CPUs: `split` gives server and generator different ones, `none` leaves it to the kernel",
    )
    .for_workloads(ECHO)
    .default("split"),
    key(
        Server,
        "command",
        ValueKind::Text { most: 1000, lines: Lines::One },
        "the program and its arguments, no shell between; `{port}` is replaced by the port, which is in `PORT` as well",
    )
    .for_workloads(ECHO)
    .required()
    .many(Many::List(64)),
    key(Server, "port", count(1, 65_535, "is no port of its own"), "the port it listens on, on 127.0.0.1; a free one without")
        .for_workloads(ECHO),
    key(
        Server,
        "ready",
        ValueKind::Path,
        "the path it answers with 200 once it is ready, within 10 s",
    )
    .for_workloads(ECHO)
    .default("/echo/ready"),
    key(Claim, "says", ValueKind::Text { most: 200, lines: Lines::One }, "the statement, in one sentence").required(),
    key(
        Claim,
        "kind",
        ValueKind::Choice(ClaimKind::NAMES),
        "what it rests on: somebody published it, which needs `source` and `url`; it is our own, written down before it was \
         measured; it follows from the numbers of the scenario and the machine; or it is true by the definition of the model",
    )
    .default("prediction"),
    key(Claim, "metric", ValueKind::Choice(Metric::CLAIMABLE), "what is measured").required(),
    key(Claim, "model", ValueKind::Model, "whose metric it is, each one of `models`; the claim is judged for each of them")
        .required()
        .many(Many::OneOrList(32)),
    key(Claim, "expect", ValueKind::Formula, "what arithmetic gives, in the names below; or `baseline`"),
    key(Claim, "baseline", ValueKind::Model, "the model that it is compared with in the same rounds, one of `models`; or `expect`"),
    key(Claim, "ratio", ValueKind::Bounds, "how many times as much as that it is, from and to").required(),
    key(
        Claim,
        "point",
        ValueKind::Text { most: 200, lines: Lines::One },
        "the only point of the sweep that it is about, as the report labels it: `jobs = 1000`; without it every point",
    ),
    key(Claim, "source", ValueKind::Text { most: 300, lines: Lines::One }, "who said so, and where"),
    key(Claim, "url", ValueKind::Url, "where the source can be read"),
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
        "where the claim was refuted before, and why; it stays as it was written, and if it is refuted again, the run does not \
         fail for it",
    ),
];

const NOTHING_TO_DO: &str = "there is nothing to do";

/// Every group of keys of which at least one is required.
pub(in crate::scenario) const ANY_OF: &[AnyOf] = &[
    AnyOf { section: Top, workloads: OFFLOAD, names: &["block", "compute"], without: NOTHING_TO_DO },
    AnyOf { section: Heavy, workloads: ECHO, names: &["wait", "block", "compute"], without: NOTHING_TO_DO },
    AnyOf {
        section: Claim,
        workloads: EVERY,
        names: &["expect", "baseline"],
        without: "there is nothing to compare with",
    },
];
