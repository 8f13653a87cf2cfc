//! Claims: what a scenario says will be measured, so that a run can reproduce or refute it.

use std::fmt;

use super::formula::{Dimension, Formula};
use super::{Model, Point, Work};

/// A statement about one figure of one model, with the bounds that it holds within.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The statement, in one sentence.
    pub says: String,
    /// What is measured.
    pub metric: Metric,
    /// Whose figure it is.
    pub of: Model,
    /// What it is compared with.
    pub against: Against,
    /// How many times as much as that it is claimed to be, from and to.
    pub between: (f64, f64),
    /// The only point it is about; every point where there is none.
    pub at: Option<Point>,
    /// Who said so, and where.
    pub source: Option<String>,
}

/// What a claimed figure is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Against {
    /// What arithmetic gives.
    Formula(Formula),
    /// The same figure of another model in the same rounds.
    Model(Model),
}

/// As a table shows it.
impl fmt::Display for Against {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Formula(formula) => formula.fmt(f),
            Self::Model(model) => model.fmt(f),
        }
    }
}

impl Claim {
    /// Whether it is about this point.
    pub fn is_about(&self, point: &Point) -> bool {
        self.at.as_ref().is_none_or(|at| at == point)
    }

    /// Every model that it needs.
    pub fn models(&self) -> impl Iterator<Item = Model> {
        let other = match self.against {
            Against::Formula(_) => None,
            Against::Model(model) => Some(model),
        };
        std::iter::once(self.of).chain(other)
    }
}

/// What is measured of a cell: what cells are compared by, and claims made about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Wall time, nanoseconds.
    Wall,
    /// The longest gap between two beats, nanoseconds.
    Gap,
    /// Jobs or requests completed a second.
    Rate,
    /// The median response time of the headline series, nanoseconds.
    P50,
    /// Its 99th percentile, nanoseconds, where it rests on no request that never finished.
    P99,
    /// CPU time of a job or request, nanoseconds.
    Cpu,
    /// The median of its service time, which starts when a job is begun or a request is sent, and not when it is due;
    /// nanoseconds.
    ServiceP50,
    /// The 99th percentile of that, nanoseconds.
    ServiceP99,
    /// CPU time by wall time: how many CPUs the process had at work.
    CpusUsed,
    /// OS threads that ran any part of a job.
    Threads,
    /// The most jobs or requests begun and not done at one instant.
    InFlight,
    /// Context switches of a job or request.
    Switches,
    /// Connections that got no answer at all.
    Starved,
    /// Answers within the window by requests that were due in it, of an open loop.
    AnsweredShare,
    /// The most jobs executed at one instant, of the trial whose lanes are recorded.
    Executing,
    /// Memory of a waiting job, kernel and page tables included, of the same trial; bytes.
    Memory,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Wall,
        Self::Gap,
        Self::Rate,
        Self::P50,
        Self::P99,
        Self::Cpu,
        Self::ServiceP50,
        Self::ServiceP99,
        Self::CpusUsed,
        Self::Threads,
        Self::InFlight,
        Self::Switches,
        Self::Starved,
        Self::AnsweredShare,
        Self::Executing,
        Self::Memory,
    ];

    /// The words for them in a claim, in the same order.
    pub(super) const NAMES: &[&str] = &[
        "wall",
        "longest_gap",
        "throughput",
        "p50",
        "p99",
        "cpu",
        "service_p50",
        "service_p99",
        "cpus_used",
        "threads",
        "in_flight",
        "switches",
        "starved",
        "answered_share",
        "executing",
        "memory",
    ];

    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().zip(Self::NAMES).find(|(_, other)| **other == name).map(|(metric, _)| metric)
    }

    /// As a claim writes it.
    pub fn word(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// What it is a number of.
    pub fn dimension(self) -> Dimension {
        match self {
            Self::Wall | Self::Gap | Self::P50 | Self::P99 | Self::Cpu => Dimension::TIME,
            Self::ServiceP50 | Self::ServiceP99 => Dimension::TIME,
            Self::Rate => Dimension::RATE,
            Self::CpusUsed | Self::Threads | Self::InFlight => Dimension::COUNT,
            Self::Switches | Self::Starved | Self::AnsweredShare | Self::Executing => Dimension::COUNT,
            Self::Memory => Dimension::BYTES,
        }
    }

    /// Seconds, bytes or a number that one of its units stands for: times are measured in nanoseconds.
    pub fn unit(self) -> f64 {
        if self.dimension() == Dimension::TIME { 1e-9 } else { 1.0 }
    }

    /// Whether such work has it.
    pub fn is_of(self, work: &Work) -> bool {
        match self {
            Self::Gap => matches!(work, Work::Offload(offload) if offload.heartbeat.is_some()),
            Self::Starved | Self::AnsweredShare => work.is_echo(),
            Self::Memory => matches!(work, Work::Sleep(_)),
            _ => true,
        }
    }

    /// Whether only the trial whose lanes are recorded has it, so that no round repeats it.
    pub fn is_of_one_trial(self) -> bool {
        matches!(self, Self::Executing | Self::Memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_its_word() {
        for metric in Metric::ALL {
            assert_eq!(Metric::by_name(metric.word()), Some(metric));
            assert_eq!(Metric::ALL[metric as usize], metric);
        }
        assert_eq!((Metric::ALL.len(), Metric::by_name("walls")), (Metric::NAMES.len(), None));
    }
}
