//! Jobs that all start at once.

use std::time::Duration;

use crate::protocol::TrialSpec;
use crate::record::Failure;
use crate::session::Named;
use crate::session::output::Stop;
use crate::units;

use super::RunTrial;
use super::claim::BenchClaim;
use super::faces::Faces;
use super::subject::{Subject, quoted, subject_methods};

/// A workload, and how it is measured.
///
/// ```
/// use std::time::Duration;
///
/// use async_vs_threads::bench::{BenchClaim, WorkloadBench};
///
/// fn describe(bench: &mut WorkloadBench) {
///     bench.jobs(256).models(["threads", "pool/8", "async"]).baseline("threads").rounds(20);
///     bench.question("Which model resizes 256 pictures fastest?").timeout(Duration::from_secs(10));
///     bench.claim(BenchClaim::ratio("wall", "async", "threads", [0.0, 1.1]));
/// }
/// ```
pub struct WorkloadBench {
    subject: Subject,
    faces: Faces,
    jobs: u32,
    sizes: Vec<u32>,
    timeout: Duration,
    run: RunTrial,
}

impl WorkloadBench {
    subject_methods!();

    pub(super) fn new(name: &str, faces: Faces, run: RunTrial) -> Self {
        let (jobs, sizes, timeout) = (64, Vec::new(), Duration::from_secs(60));
        Self { subject: Subject::new(name), faces, jobs, sizes, timeout, run }
    }

    /// Sets the number of jobs in a trial, all of which start at once. The default is 64.
    pub fn jobs(&mut self, jobs: u32) -> &mut Self {
        self.jobs = jobs;
        self
    }

    /// Sets the sizes, each of which becomes a point of the report.
    pub fn sizes(&mut self, sizes: impl IntoIterator<Item = u32>) -> &mut Self {
        self.sizes = sizes.into_iter().collect();
        self
    }

    /// Sets the time after which a trial has failed. The default is a minute.
    pub fn timeout(&mut self, timeout: Duration) -> &mut Self {
        self.timeout = timeout;
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.subject.name
    }

    /// Returns the scenario, and notes the models that are left out.
    pub(super) fn scenario(&self) -> Result<Named, Stop> {
        let Self { subject, faces, jobs, sizes, timeout, .. } = self;
        let models = subject.models(|model| faces.allow(model), faces.reason())?;
        let name = &subject.name;
        let analysis =
            format!("{jobs} jobs of the bench {name} start at once, and the wall time is that of all of them.");
        let sizes = if sizes.is_empty() { String::new() } else { format!("size = {sizes:?}\n") };
        let timeout = quoted(&units::exact(*timeout));
        let keys = format!("workload = \"own\"\njobs = {jobs}\ntimeout = {timeout}\n{sizes}");
        subject.scenario(&models, &analysis, &keys, "")
    }

    /// Runs one trial in this process.
    pub(super) fn run(&self, spec: &TrialSpec) -> Result<(), Failure> {
        (self.run)(spec)
    }
}

impl std::fmt::Debug for WorkloadBench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkloadBench").field("subject", &self.subject).finish_non_exhaustive()
    }
}
