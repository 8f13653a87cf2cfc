//! Every key of a scenario file, written down once.
//!
//! The parser's checks, the JSON Schema ([`schema`](super::schema())) and the tables of `scenarios/README.md`
//! ([`reference`](super::reference())) are all made from [`KEYS`], so they cannot disagree.

use Section::{Heartbeat, Heavy, JobsFor, Load, Rounds, Top};
use Workload::{Echo, Offload, Sleep};

use crate::schedule::{Arrivals, Pacing};

/// `workload =`, before there is a spec for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Workload {
    Sleep,
    Offload,
    Echo,
}

const EVERY: &[Workload] = &[Sleep, Offload, Echo];
const SLEEP: &[Workload] = &[Sleep];
const OFFLOAD: &[Workload] = &[Offload];
const ECHO: &[Workload] = &[Echo];
const JOBS: &[Workload] = &[Sleep, Offload];
const STEPS: &[Workload] = &[Offload, Echo];

impl Workload {
    pub(super) const ALL: &[Self] = EVERY;
    const NAMES: &[&str] = &["sleep", "offload", "echo"];

    pub(super) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|workload| workload.name() == name)
    }
}

/// A table of the file; `Top` is what stands above the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Top,
    Rounds,
    JobsFor,
    Heartbeat,
    Heavy,
    Load,
}

impl Section {
    pub(super) const ALL: &[Self] = &[Top, Rounds, JobsFor, Heartbeat, Heavy, Load];

    /// As its header writes it; empty for the top.
    pub(super) fn name(self) -> &'static str {
        match self {
            Top => "",
            Rounds => "rounds",
            JobsFor => "jobs_for",
            Heartbeat => "heartbeat",
            Heavy => "heavy",
            Load => "load",
        }
    }

    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|section| *section != Top && section.name() == name)
    }

    /// The workloads that know it.
    pub(super) fn workloads(self) -> &'static [Workload] {
        match self {
            Top | Rounds => EVERY,
            JobsFor => JOBS,
            Heartbeat => OFFLOAD,
            Heavy | Load => ECHO,
        }
    }

    /// Whether a file of those workloads must have it.
    pub(super) fn is_required(self) -> bool {
        matches!(self, Top | Load)
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Top => "above the first table",
            Rounds => "how often everything is done",
            JobsFor => "models that get at most so many jobs because they would take too long",
            Heartbeat => "something small that should go on beside the jobs, and shows when it does not",
            Heavy => "a share of the requests that asks for more",
            Load => {
                "who asks: connections that wait for their answers (closed loop), or a schedule that does not (open loop)"
            }
        }
    }
}

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Text of 1 to `most` characters.
    Text { most: usize, lines: Lines },
    /// A name that is also a file name.
    Slug,
    /// What can stand in `/echo/{what}`.
    What,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// The name of a model.
    Model,
    /// A whole number; `zero` says what a 0 would do.
    Count { from: u32, to: u32, zero: &'static str },
    /// A duration, its bounds written as in a file; `zero` says what `0s` would do, where that is not allowed.
    Length { from: &'static str, to: &'static str, zero: &'static str },
    /// A number above 0 and at most 1.
    Share,
    /// Requests a second, or as fast as answers come.
    Rate,
}

/// A rate as fast as answers come: a closed loop.
pub(super) const AS_FAST_AS_IT_GOES: &str = "max";

/// How many lines a text may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    One,
    Many,
}

impl Kind {
    /// What should be written, after "write".
    pub(super) fn expected(self) -> String {
        match self {
            Self::Text { most, lines: Lines::One } => format!("one line of 1 to {most} characters"),
            Self::Text { most, lines: Lines::Many } => format!("1 to {most} characters"),
            Self::Slug => "1 to 80 of a-z 0-9 . _ -, a letter or digit first".into(),
            Self::What => "1 to 1024 printable ASCII characters, no blank and none of / \\ ? # %".into(),
            Self::Choice(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                quoted.join(" or ")
            }
            Self::Model => "the name of a model, such as \"async\"".into(),
            Self::Count { from, to, .. } => format!("a whole number from {from} to {to}"),
            Self::Length { from, to, .. } => format!("a duration from \"{from}\" to \"{to}\""),
            Self::Share => "a number above 0 and at most 1".into(),
            Self::Rate => "a number of requests a second above 0 and at most 100000000, or \"max\"".into(),
        }
    }
}

/// What happens when a key is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// A mistake.
    Required,
    /// Nothing.
    Optional,
    /// This is taken; numbers, durations and words alike as text.
    Default(&'static str),
}

/// Whether a list may stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Many {
    /// One value.
    One,
    /// One value, or a list that is swept.
    Sweep,
    /// A list of 1 to so many.
    List(usize),
}

/// One key in one table, for the workloads that know it under these bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) section: Section,
    pub(super) name: &'static str,
    pub(super) workloads: &'static [Workload],
    pub(super) kind: Kind,
    pub(super) need: Need,
    pub(super) many: Many,
    pub(super) about: &'static str,
}

/// Stands for every model's name in `[jobs_for]`.
pub(super) const ANY_MODEL: &str = "MODEL";

const fn key(section: Section, name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { section, name, workloads: EVERY, kind, need: Need::Optional, many: Many::One, about }
}

const fn count(from: u32, to: u32, zero: &'static str) -> Kind {
    Kind::Count { from, to, zero }
}

const fn step(to: &'static str) -> Kind {
    Kind::Length { from: "1us", to, zero: "is no step" }
}

const fn length(from: &'static str, to: &'static str) -> Kind {
    Kind::Length { from, to, zero: "is no time at all" }
}

impl Key {
    const fn of(self, workloads: &'static [Workload]) -> Self {
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

    /// As a message writes it: `load.connections`.
    pub(super) fn path(&self) -> String {
        path(self.section, self.name)
    }
}

/// A key of a table as a message writes it: `load.connections`.
pub(super) fn path(section: Section, name: &str) -> String {
    if section == Top { name.to_owned() } else { format!("{}.{name}", section.name()) }
}

/// Every key, in the order of the reference.
pub(super) const KEYS: &[Key] = &[
    key(Top, "question", Kind::Text { most: 200, lines: Lines::One }, "what is asked, in one sentence").required(),
    key(
        Top,
        "analysis",
        Kind::Text { most: 4000, lines: Lines::Many },
        "why it is asked, what to expect, and the caveat; an empty line begins a new paragraph",
    )
    .required(),
    key(Top, "name", Kind::Slug, "the scenario's label; without it the file's name without `.toml`"),
    key(Top, "workload", Kind::Choice(Workload::NAMES), "what is done").required(),
    key(Top, "models", Kind::Model, "who does it, in the order of the report").required().many(Many::List(32)),
    key(Top, "jobs", count(1, 1_000_000, "does nothing"), "how many jobs").of(SLEEP).required().swept(),
    key(Top, "wait", length("1us", "1h"), "how long each job waits").of(SLEEP).required().swept(),
    key(Top, "jobs", count(1, 100_000, "does nothing"), "how many jobs, the heartbeat not counted")
        .of(OFFLOAD)
        .required()
        .swept(),
    key(Top, "what", Kind::What, "what is echoed: `GET /echo/{what}`; not `heavy`, `.` or `..`")
        .of(ECHO)
        .default("hello"),
    key(Top, "wait", step("1m"), "first step of a job or request: a wait that can be awaited").of(STEPS).swept(),
    key(Top, "block", step("1m"), "second step: a call that holds its thread without using a CPU").of(STEPS).swept(),
    key(Top, "compute", step("1m"), "third step: as much CPU work as an idle CPU does in that time").of(STEPS).swept(),
    key(Rounds, "quick", count(1, 1000, "measures nothing"), "how often by default; at most `full`").default("6"),
    key(Rounds, "full", count(1, 1000, "measures nothing"), "how often with `--full`").default("10"),
    key(
        JobsFor,
        ANY_MODEL,
        count(1, 1_000_000, "does nothing"),
        "at most so many jobs for this model, which must be among `models`; at most `jobs`",
    )
    .of(JOBS),
    key(Heartbeat, "every", length("1ms", "1m"), "the time from beat to beat").of(OFFLOAD).required(),
    key(Heartbeat, "beats", count(2, 100_000, "beats nothing"), "how many beats, the first at once")
        .of(OFFLOAD)
        .required(),
    key(Heavy, "share", Kind::Share, "the share of heavy requests among all").of(ECHO).required().swept(),
    key(Heavy, "wait", step("1m"), "first step of a heavy request").of(ECHO).swept(),
    key(Heavy, "block", step("1m"), "second step of a heavy request").of(ECHO).swept(),
    key(Heavy, "compute", step("1m"), "third step of a heavy request").of(ECHO).swept(),
    key(Load, "connections", count(1, 20_000, "opens nothing"), "keep-alive connections, open before the clock starts")
        .of(ECHO)
        .required()
        .swept(),
    key(
        Load,
        "loop",
        Kind::Choice(&["closed", "open"]),
        "when a request is due: `closed` when its connection has had its answer, so that overload is hidden; `open` when \
         the schedule says so",
    )
    .of(ECHO)
    .required(),
    key(
        Load,
        "rate",
        Kind::Rate,
        "requests a second of an open loop, which must have it; `max` is a closed loop among them, for the most there is",
    )
    .of(ECHO)
    .swept(),
    key(
        Load,
        "arrivals",
        Kind::Choice(Arrivals::NAMES),
        "how the requests of an open loop follow each other: as if many people asked, or in equal steps",
    )
    .of(ECHO)
    .default("poisson"),
    key(
        Load,
        "pacing",
        Kind::Choice(Pacing::NAMES),
        "how exactly an open loop is kept: a timer and looks at the clock just before a request is due, a timer alone, or \
         looks at the clock all the time",
    )
    .of(ECHO)
    .default("hybrid"),
    key(
        Load,
        "client",
        Kind::Choice(&["raw", "reqwest"]),
        "which client asks: our own codec on a socket, or reqwest with one `Client` a connection",
    )
    .of(ECHO)
    .default("raw"),
    key(Load, "threads", count(1, 64, "asks nothing"), "threads of the load generator").of(ECHO).default("1"),
    key(Load, "warmup", length("0s", "1m"), "asked before the measured window, not measured").of(ECHO).default("300ms"),
    key(Load, "duration", length("10ms", "10m"), "the measured window").of(ECHO).default("1s"),
    key(Load, "think", length("0s", "1m"), "the pause between an answer and the next question of a closed loop")
        .of(ECHO)
        .default("0s")
        .swept(),
    key(Load, "timeout", length("10ms", "10m"), "how long an answer may take").of(ECHO).default("5s"),
    key(Load, "drain", length("0s", "1m"), "how long after the window answers still under way are waited for")
        .of(ECHO)
        .default("200ms"),
    key(
        Load,
        "pin",
        Kind::Choice(&["split", "none"]),
        "which CPUs: `split` gives server and generator different ones, `none` leaves it to the kernel",
    )
    .of(ECHO)
    .default("split"),
];

/// Keys of a table of which at least one must be there.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnyOf {
    pub(super) section: Section,
    pub(super) workload: Workload,
    pub(super) names: &'static [&'static str],
}

/// Every such group.
pub(super) const ANY_OF: &[AnyOf] = &[
    AnyOf { section: Top, workload: Offload, names: &["block", "compute"] },
    AnyOf { section: Heavy, workload: Echo, names: &["wait", "block", "compute"] },
];

/// The rows of this key, one for each set of workloads with bounds of their own.
pub(super) fn rows(section: Section, name: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.section == section && (key.name == name || section == JobsFor))
}

/// The row that holds for a workload.
pub(super) fn row(section: Section, name: &str, workload: Workload) -> Option<&'static Key> {
    rows(section, name).find(|key| key.workloads.contains(&workload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::parse_duration;

    #[test]
    fn a_key_has_one_row_a_workload() {
        for key in KEYS {
            for workload in key.workloads {
                let of_it = |other: &&Key| other.workloads.contains(workload);
                assert_eq!(rows(key.section, key.name).filter(of_it).count(), 1, "{}", key.path());
                assert!(key.section.workloads().contains(workload), "{}", key.path());
            }
        }
    }

    #[test]
    fn bounds_and_defaults_can_be_read() {
        for key in KEYS {
            match (key.kind, key.need) {
                (Kind::Length { from, to, .. }, need) => {
                    let (from, to) = (parse_duration(from).unwrap(), parse_duration(to).unwrap());
                    assert!(from < to, "{}", key.path());
                    if let Need::Default(text) = need {
                        assert!((from..=to).contains(&parse_duration(text).unwrap()), "{}", key.path());
                    }
                }
                (Kind::Count { from, to, .. }, Need::Default(text)) => {
                    assert!((from..=to).contains(&text.parse().unwrap()), "{}", key.path());
                }
                (Kind::Choice(words), Need::Default(text)) => assert!(words.contains(&text), "{}", key.path()),
                _ => {}
            }
        }
    }
}
