//! Analyzes a single load, as `avt load` runs it: its figures, its gates, its objectives.

use std::fmt;
use std::time::Duration;

use super::load::LoadFigures;
use super::slo::{self, JudgedCondition};
use super::{Standing, Strictness};
use crate::gate::{self, Finding, ShardFinding, Verdict};
use crate::scenario::Slo;
use crate::schedule::Shard;
use crate::units;
use crate::usage::ProcessesUsage;

/// A finding on a load.
#[derive(Clone, Debug, PartialEq)]
pub enum LoadFinding {
    /// On a load as a whole.
    Whole(Finding),
    /// On one shard of a merged load, or of one kind on several.
    OfShards {
        /// The shard with the worst finding.
        worst: Shard,
        /// Its finding.
        finding: Finding,
        /// The number of shards with a finding of this kind.
        shards: usize,
    },
    /// On what the shards of a merged load are together.
    Shards(ShardFinding),
}

impl LoadFinding {
    /// Returns the verdict that this finding leads to.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Whole(finding) | Self::OfShards { finding, .. } => finding.verdict(),
            Self::Shards(finding) => finding.verdict(),
        }
    }

    /// Returns advice on what to do about the finding.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Whole(finding) | Self::OfShards { finding, .. } => finding.advice(),
            Self::Shards(finding) => finding.advice(),
        }
    }
}

impl fmt::Display for LoadFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(finding) => finding.fmt(f),
            Self::OfShards { worst, finding, shards: 1 } => {
                write!(f, "shard {} of {}: {finding}", worst.number(), worst.of())
            }
            Self::OfShards { worst, finding, shards } => {
                write!(f, "{shards} of {} shards, worst in shard {}: {finding}", worst.of(), worst.number())
            }
            Self::Shards(finding) => finding.fmt(f),
        }
    }
}

/// The analysis of one load.
#[derive(Clone, Debug)]
pub struct LoadAnalysis {
    /// The findings of the load.
    pub findings: Vec<LoadFinding>,
    /// The worst verdict of the findings.
    pub verdict: Verdict,
    /// Answers a second within the window; `None` for a window of zero length.
    pub rate: Option<f64>,
    /// CPU time of the server per answer in the window, in nanoseconds; `None` without an answer.
    pub server_cpu_per_request_ns: Option<f64>,
    /// The objectives, each judged; `None` if none was set, or if the load ended early, which does not count as a
    /// failure.
    pub objectives: Option<Vec<JudgedCondition>>,
    /// Whether any request was answered.
    pub has_answers: bool,
    /// Whether a lost shard of a merged load left requests with an unknown outcome.
    pub has_lost: bool,
}

/// Analyzes one load. `server` is the usage of the processes behind its address, if they are on this machine;
/// `server_ended_after` is the time into the window after which they had all ended, if they had.
pub fn analyze_load(
    figures: &LoadFigures<'_>,
    server: Option<&ProcessesUsage>,
    server_ended_after: Option<Duration>,
    slo: Option<&Slo>,
) -> LoadAnalysis {
    let LoadFigures { series, load, wall_ns, requests_in_window, rate } = *figures;
    let mut findings = gate::check_single_load(load, series, wall_ns, requests_in_window, server);
    findings.extend(server_ended_after.map(|after| Finding::ServerEnded { after_ns: units::nanos(after) }));
    let per_request = |server: &ProcessesUsage| {
        let cpu_ns = server.usage.known_cpu_ns()? as f64;
        (figures.requests_in_window > 0).then(|| cpu_ns / figures.requests_in_window as f64)
    };
    LoadAnalysis {
        verdict: gate::verdict(&findings),
        findings: findings.into_iter().map(LoadFinding::Whole).collect(),
        rate,
        server_cpu_per_request_ns: server.and_then(per_request),
        objectives: slo.map(|slo| slo::judge(slo, figures)),
        has_answers: figures.load.requests.completed > 0,
        has_lost: false,
    }
}

impl LoadAnalysis {
    /// Returns how the load stands. An objective may not rest on an INVALID measurement, whether it is met or not.
    pub fn standing(&self, strictness: Strictness) -> Standing {
        let least = match strictness {
            Strictness::Lenient if self.objectives.is_none() => None,
            Strictness::Lenient | Strictness::Invalid => Some(Verdict::Invalid),
            Strictness::Suspect => Some(Verdict::Suspect),
        };
        let is_kept = self.objectives.iter().flatten().all(|objective| objective.is_kept);
        // What was never sent shows nothing about the server.
        let is_unknown = self.has_lost && least.is_some();
        if !self.has_answers && !is_unknown {
            Standing::Bad
        } else if least.is_some_and(|least| self.verdict >= least) {
            Standing::NotCredible
        } else if is_kept {
            Standing::Good
        } else {
            Standing::Bad
        }
    }
}
