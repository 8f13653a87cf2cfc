//! Every key of a scenario file, written down once.
//!
//! The parser's checks, the JSON Schema ([`schema`](super::schema())) and the tables of `scenarios/README.md`
//! ([`reference`](super::reference())) are all derived from [`KEYS`], the rows in `keys/table.rs`, so they cannot
//! disagree.

mod table;

use super::ServerName;

use Section::{Claim, Heartbeat, Heavy, Load, MaxJobs, Request, Rounds, Server, Top};
use WorkloadName::{Echo, Offload, Own, Sleep};

pub(super) use table::{ANY_OF, KEYS};

/// The name of a workload, as in `workload =`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WorkloadName {
    Sleep,
    Offload,
    Echo,
    Own,
}

const EVERY: &[WorkloadName] = &[Sleep, Offload, Echo, Own];
const SLEEP: &[WorkloadName] = &[Sleep];
const OFFLOAD: &[WorkloadName] = &[Offload];
const ECHO: &[WorkloadName] = &[Echo];
const JOBS: &[WorkloadName] = &[Sleep, Offload, Own];
const OWN: &[WorkloadName] = &[Own];
const STEPS: &[WorkloadName] = &[Offload, Echo];

impl WorkloadName {
    pub(super) const ALL: &[Self] = EVERY;
    const NAMES: &[&str] = &["sleep", "offload", "echo", "own"];

    pub(super) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|workload| workload.name() == name)
    }
}

/// A table of the file; `Top` stands for the keys above the first table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Top,
    Rounds,
    MaxJobs,
    Heartbeat,
    Heavy,
    Load,
    Request,
    /// One table, or any number of tables, each `[[server]]`.
    Server,
    /// Any number of tables, each `[[claim]]`.
    Claim,
}

impl Section {
    pub(super) const ALL: &[Self] = &[Top, Rounds, MaxJobs, Heartbeat, Heavy, Load, Request, Server, Claim];

    /// Returns the name in the table's header; empty for the top.
    pub(super) fn name(self) -> &'static str {
        match self {
            Top => "",
            Rounds => "rounds",
            MaxJobs => "max_jobs",
            Heartbeat => "heartbeat",
            Heavy => "heavy",
            Load => "load",
            Request => "request",
            Server => "server",
            Claim => "claim",
        }
    }

    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|section| *section != Top && section.name() == name)
    }

    /// Returns the workloads that have this table.
    pub(super) fn workloads(self) -> &'static [WorkloadName] {
        match self {
            Top | Rounds | Claim => EVERY,
            MaxJobs => JOBS,
            Heartbeat => OFFLOAD,
            Heavy | Load | Request | Server => ECHO,
        }
    }

    /// Returns whether there can be one such table, in single brackets.
    pub(super) fn can_be_single(self) -> bool {
        self != Claim
    }

    /// Returns whether there can be several such tables, in double brackets.
    pub(super) fn can_be_many(self) -> bool {
        matches!(self, Claim | Server)
    }

    /// Returns the header of the table: `[load]`, `[[claim]]`.
    pub(super) fn header(self) -> String {
        if self.can_be_single() { format!("[{}]", self.name()) } else { format!("[[{}]]", self.name()) }
    }

    /// Returns whether a file must have this table, for the workloads that know it.
    pub(super) fn is_required(self) -> bool {
        matches!(self, Top | Load)
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Top => "above the first table",
            Rounds => "the number of rounds",
            MaxJobs => "fewer jobs for models that would take too long",
            Heartbeat => "a small periodic job beside the others, which shows when they hold it up",
            Heavy => "a share of the requests that does more work",
            Load => {
                "the load: connections that wait for their responses (closed loop), or a schedule that does not (open \
                 loop)"
            }
            Request => {
                "the request that external servers get in place of `GET /echo/{what}`, and the response that counts as a \
                 success; any other counts as a failed request"
            }
            Server => {
                "the server behind the model `external`: any program that answers GET /echo/{what}, or `[request]`, over \
                 HTTP/1.1. Several servers are written `[[server]]`, each with a `name`, and are the models `external/NAME`"
            }
            Claim => "a statement that a run reproduces or refutes; one table per claim",
        }
    }
}

/// The kind of value that a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ValueKind {
    /// A text of 1 to `most` characters.
    Text { most: usize, lines: Lines },
    /// A name that is also a file name.
    Slug,
    /// A text of `least` to `most` characters, with the blanks around it.
    Exact { least: usize, most: usize, lines: Lines },
    /// The name of an external server.
    ServerName,
    /// A table of environment variables.
    Variables,
    /// A table of header fields.
    Headers,
    /// A text that can stand in `/echo/{what}`.
    What,
    /// A path of a request line.
    Path,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// The name of a model.
    Model,
    /// An absolute URL, http or https.
    Url,
    /// A whole number.
    Count { from: u32, to: u32 },
    /// A duration, with bounds written as in a file.
    Length { from: &'static str, to: &'static str },
    /// A number greater than 0 and at most 1.
    Share,
    /// Requests per second, or as many as are answered.
    Rate,
    /// A number of CPUs, which may have decimals.
    Cpus,
    /// A formula over the numbers of the scenario.
    Formula,
    /// The objective of a server.
    Objective,
    /// A list of two numbers: the lowest and the highest ratio.
    Bounds,
}

/// The rate that means a closed loop: each request follows the previous answer.
pub(super) const AS_FAST_AS_IT_GOES: &str = "max";

/// The number of lines a text may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    One,
    Many,
}

impl ValueKind {
    /// Returns the expected value as text that follows "write".
    pub(super) fn expected(self) -> String {
        match self {
            Self::Text { most, lines: Lines::One } => format!("one line of 1 to {most} characters"),
            Self::Text { most, lines: Lines::Many } => format!("1 to {most} characters"),
            Self::Exact { least, most, lines } => {
                let lines = if lines == Lines::One { ", without a line break" } else { "" };
                format!("{least} to {most} characters{lines}")
            }
            Self::ServerName => ServerName::EXPECTED.into(),
            Self::Variables => "a table of texts, such as { LOG = \"warn\" }".into(),
            Self::Headers => "a table of texts, such as { Accept = \"text/html\" }".into(),
            Self::Slug => "1 to 80 characters of a-z 0-9 . _ -, starting with a letter or digit".into(),
            Self::Path => "a path of 1 to 200 characters, as in a request line, such as `/ready?full=1`".into(),
            Self::What => "1 to 1024 printable ASCII characters except blanks and / \\ ? # % { }".into(),
            Self::Choice(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                match quoted.split_last() {
                    Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
                    _ => quoted.concat(),
                }
            }
            Self::Model => "the name of a model, such as \"async\"".into(),
            Self::Url => "an absolute URL of 1 to 500 characters, such as \"https://example.org/paper\"".into(),
            Self::Count { from, to, .. } => format!("a whole number from {from} to {to}"),
            Self::Length { from, to, .. } => format!("a duration from \"{from}\" to \"{to}\""),
            Self::Share => "a number greater than 0 and at most 1".into(),
            Self::Rate => "requests per second, greater than 0 and at most 100000000, or \"max\"".into(),
            Self::Cpus => "a number of CPUs from 0.01 to 1024, such as 1 or 0.5".into(),
            Self::Objective => "conditions, such as \"p99<50ms,errors<0.1%\"".into(),
            Self::Formula => "a formula, such as \"ceil(jobs / workers) * wait\"".into(),
            Self::Bounds => {
                "two numbers from 1e-9 to 1e9, the smaller first, as in [0.9, 1.1]; the first may be 0, the second \
                 inf (no upper bound)"
                    .into()
            }
        }
    }
}

/// The effect of leaving out a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Leaving the key out is a mistake.
    Required,
    /// Leaving the key out has no effect.
    Optional,
    /// This default applies; numbers, durations and words alike as text.
    Default(&'static str),
}

/// Whether a key takes a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Many {
    /// One value.
    One,
    /// One value, or a list that is swept.
    Sweep,
    /// A list of 1 to this many values.
    List(usize),
    /// One value, or a list of 1 to this many; nothing is swept.
    OneOrList(usize),
}

/// A key of a table, for the workloads that have it with these bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) section: Section,
    pub(super) name: &'static str,
    pub(super) workloads: &'static [WorkloadName],
    pub(super) kind: ValueKind,
    pub(super) need: Need,
    pub(super) many: Many,
    pub(super) about: &'static str,
}

/// Stands for every model's name in `[max_jobs]`.
pub(super) const ANY_MODEL: &str = "MODEL";

impl Key {
    /// Returns the key as messages write it: `load.connections`.
    pub(super) fn path(&self) -> String {
        path(self.section, self.name)
    }
}

/// Returns a key of a table as messages write it: `load.connections`.
pub(super) fn path(section: Section, name: &str) -> String {
    if section == Top { name.to_owned() } else { format!("{}.{name}", section.name()) }
}

/// Keys and tables of earlier versions: their table, their old name, and the name that replaces it.
pub(super) const RENAMED: &[(Section, &str, &str)] = &[
    (Top, "jobs_for", "max_jobs"),
    (Claim, "figure", "metric"),
    (Claim, "of", "model"),
    (Claim, "is", "expect"),
    (Claim, "than", "baseline"),
    (Claim, "between", "ratio"),
    (Claim, "at", "point"),
];

/// Keys of a table, at least one of which is required.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnyOf {
    pub(super) section: Section,
    pub(super) workloads: &'static [WorkloadName],
    pub(super) names: &'static [&'static str],
    /// The mistake if all are left out.
    pub(super) without: &'static str,
}

/// Returns the rows of this key, one for each set of workloads with bounds of their own.
pub(super) fn rows(section: Section, name: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.section == section && (key.name == name || section == MaxJobs))
}

/// Returns the row of this key for a workload, if any.
pub(super) fn row(section: Section, name: &str, workload: WorkloadName) -> Option<&'static Key> {
    rows(section, name).find(|key| key.workloads.contains(&workload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::parse_duration;

    #[test]
    fn a_key_has_one_row_per_workload() {
        for key in KEYS {
            for workload in key.workloads {
                let applies = |other: &&Key| other.workloads.contains(workload);
                assert_eq!(rows(key.section, key.name).filter(applies).count(), 1, "{}", key.path());
                assert!(key.section.workloads().contains(workload), "{}", key.path());
            }
        }
    }

    #[test]
    fn bounds_and_defaults_are_valid() {
        for key in KEYS {
            match (key.kind, key.need) {
                (ValueKind::Length { from, to, .. }, need) => {
                    let (from, to) = (parse_duration(from).unwrap(), parse_duration(to).unwrap());
                    assert!(from < to, "{}", key.path());
                    if let Need::Default(text) = need {
                        assert!((from..=to).contains(&parse_duration(text).unwrap()), "{}", key.path());
                    }
                }
                (ValueKind::Count { from, to, .. }, Need::Default(text)) => {
                    assert!((from..=to).contains(&text.parse().unwrap()), "{}", key.path());
                }
                (ValueKind::Choice(words), Need::Default(text)) => assert!(words.contains(&text), "{}", key.path()),
                _ => {}
            }
        }
    }
}
