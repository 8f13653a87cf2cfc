//! A service behind connections.

use std::fmt::Write as _;
use std::time::Duration;

use crate::protocol::TrialSpec;
use crate::record::Failure;
use crate::scenario::Model;
use crate::session::Named;
use crate::session::output::Stop;
use crate::units;

use super::RunTrial;
use super::claim::BenchClaim;
use super::subject::{Subject, quoted, subject_methods};

/// A service, the load on it, and how it is measured.
///
/// ```
/// use std::time::Duration;
///
/// use async_vs_threads::bench::ServiceBench;
///
/// fn describe(bench: &mut ServiceBench) {
///     // An open loop at two rates, in requests per second.
///     bench.post("/orders?dry-run", r#"{"item":7}"#).connections(100).rates([500.0, 1_000.0]).slo("p99<50ms");
///     bench.duration(Duration::from_secs(2)).rounds(20).baseline("threads");
/// }
/// ```
pub struct ServiceBench {
    subject: Subject,
    method: &'static str,
    path: String,
    body: String,
    connections: u32,
    rates: Vec<f64>,
    duration: Duration,
    slo: Option<String>,
    run: RunTrial,
}

impl ServiceBench {
    subject_methods!();

    pub(super) fn new(name: &str, run: RunTrial) -> Self {
        Self {
            subject: Subject::new(name),
            method: "GET",
            path: "/".into(),
            body: String::new(),
            connections: 50,
            rates: Vec::new(),
            duration: Duration::from_secs(1),
            slo: None,
            run,
        }
    }

    /// Sets the path and query of the requests, which are GET. The default is `/`.
    pub fn get(&mut self, path: impl Into<String>) -> &mut Self {
        (self.method, self.path, self.body) = ("GET", path.into(), String::new());
        self
    }

    /// Sets the path, query and body of the requests, which are POST.
    pub fn post(&mut self, path: impl Into<String>, body: impl Into<String>) -> &mut Self {
        (self.method, self.path, self.body) = ("POST", path.into(), body.into());
        self
    }

    /// Sets the number of keep-alive connections. The default is 50.
    pub fn connections(&mut self, connections: u32) -> &mut Self {
        self.connections = connections;
        self
    }

    /// Sets the rates of an open loop, in requests per second, each of which becomes a point of the report. By default
    /// each connection sends its next request when it has a response.
    pub fn rates(&mut self, rates: impl IntoIterator<Item = f64>) -> &mut Self {
        self.rates = rates.into_iter().collect();
        self
    }

    /// Sets the length of the measured window. The default is a second.
    pub fn duration(&mut self, duration: Duration) -> &mut Self {
        self.duration = duration;
        self
    }

    /// Sets the objective by which each model is judged, such as `p99<50ms`.
    pub fn slo(&mut self, slo: impl Into<String>) -> &mut Self {
        self.slo = Some(slo.into());
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.subject.name
    }

    /// Returns the scenario, and notes the models that are left out.
    pub(super) fn scenario(&self) -> Result<Named, Stop> {
        let Self { subject, method, path, body, connections, rates, duration, slo, .. } = self;
        let serves = |model: Model| model.serves() && !model.is_external();
        let models = subject.models(serves, "they serve no connections")?;
        let name = &subject.name;
        let analysis = format!("{connections} connections send requests to the service of the bench {name}.");
        let mut tables = format!("\n[request]\nmethod = {}\npath = {}\n", quoted(method), quoted(path));
        if !body.is_empty() {
            let _ = writeln!(tables, "body = {}", quoted(body));
        }
        let kind = if rates.is_empty() { "closed" } else { "open" };
        let duration = quoted(&units::exact(*duration));
        let _ = write!(tables, "\n[load]\nloop = \"{kind}\"\nconnections = {connections}\nduration = {duration}\n");
        if !rates.is_empty() {
            let _ = writeln!(tables, "rate = {rates:?}");
        }
        if let Some(slo) = slo {
            let _ = writeln!(tables, "slo = {}", quoted(slo));
        }
        subject.scenario(&models, &analysis, "workload = \"echo\"\n", &tables)
    }

    /// Runs the server of one trial in this process.
    pub(super) fn run(&self, spec: &TrialSpec) -> Result<(), Failure> {
        (self.run)(spec)
    }
}

impl std::fmt::Debug for ServiceBench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceBench").field("subject", &self.subject).finish_non_exhaustive()
    }
}
