//! One load by itself, as `avt load` puts it on a server: its figures, its gates, its objectives.

use std::time::Duration;

use super::slo::{JudgedCondition, Slo};
use super::{Standing, Strictness};
use crate::gate::{self, Finding, Verdict};
use crate::record::{LoadRecord, Series};
use crate::units;
use crate::usage::ProcessesUsage;

/// What one load recorded.
#[derive(Clone, Copy, Debug)]
pub struct LoadFigures<'a> {
    /// The times of its requests.
    pub series: &'a Series,
    /// Everything else.
    pub load: &'a LoadRecord,
    /// The window, nanoseconds.
    pub wall_ns: u64,
    /// Answers within the window.
    pub requests_in_window: u64,
}

/// Everything that follows from one load.
#[derive(Clone, Debug)]
pub struct LoadAnalysis {
    /// The gates that it did not pass.
    pub findings: Vec<Finding>,
    /// The worst of them.
    pub verdict: Verdict,
    /// Answers within the window a second; nothing of a window without length.
    pub rate: Option<f64>,
    /// CPU time of the server for each answer in the window, nanoseconds; nothing without an answer.
    pub server_cpu_per_request_ns: Option<f64>,
    /// Each objective; nothing where none was set, or the load ended early, which is not held against anybody.
    pub objectives: Option<Vec<JudgedCondition>>,
    /// Whether any request was answered.
    pub has_answers: bool,
}

impl LoadFigures<'_> {
    /// Answers within the window a second; nothing of a window without length.
    pub fn rate(&self) -> Option<f64> {
        (self.wall_ns > 0).then(|| self.requests_in_window as f64 / (self.wall_ns as f64 / 1e9))
    }
}

/// Analyzes one load. `server` is what the processes behind its address used, where they are on this machine;
/// `server_ended_after` is how far into the window they had all ended, where they had.
pub fn analyze_load(
    figures: &LoadFigures<'_>,
    server: Option<&ProcessesUsage>,
    server_ended_after: Option<Duration>,
    slo: Option<&Slo>,
) -> LoadAnalysis {
    let LoadFigures { series, load, wall_ns, requests_in_window } = *figures;
    let mut findings = gate::of_single_load(load, series, wall_ns, requests_in_window, server);
    findings.extend(server_ended_after.map(|after| Finding::ServerEnded { after_ns: units::nanos(after) }));
    let per_request = |server: &ProcessesUsage| {
        let cpu_ns = server.usage.known_cpu_ns()? as f64;
        (figures.requests_in_window > 0).then(|| cpu_ns / figures.requests_in_window as f64)
    };
    LoadAnalysis {
        verdict: gate::verdict(&findings),
        findings,
        rate: figures.rate(),
        server_cpu_per_request_ns: server.and_then(per_request),
        objectives: slo.map(|slo| slo.judge(figures)),
        has_answers: figures.load.requests.completed > 0,
    }
}

impl LoadAnalysis {
    /// How the load stands. An objective may not rest on an INVALID measurement, whatever it says.
    pub fn standing(&self, strictness: Strictness) -> Standing {
        let least = match strictness {
            Strictness::Lenient if self.objectives.is_none() => None,
            Strictness::Lenient | Strictness::Invalid => Some(Verdict::Invalid),
            Strictness::Suspect => Some(Verdict::Suspect),
        };
        let is_kept = self.objectives.iter().flatten().all(|objective| objective.is_kept);
        if !self.has_answers {
            Standing::Bad
        } else if least.is_some_and(|least| self.verdict >= least) {
            Standing::Unbelievable
        } else if is_kept {
            Standing::Good
        } else {
            Standing::Bad
        }
    }
}
