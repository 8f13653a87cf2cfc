//! The rows: the name, headings, unit and origin of every figure.

use super::{Metric, Origin, Unit};

/// The properties of a figure that do not depend on a record.
pub(super) struct MetricRow {
    pub(super) metric: Metric,
    /// The word of claims and JSON.
    pub(super) name: &'static str,
    /// The column's heading for jobs, and for requests.
    pub(super) heading: [&'static str; 2],
    pub(super) unit: Unit,
    pub(super) origin: Origin,
    /// Whether a claim may be made about the figure.
    pub(super) is_claimable: bool,
}

const fn row(metric: Metric, name: &'static str, heading: &'static str, unit: Unit) -> MetricRow {
    MetricRow { metric, name, heading: [heading, heading], unit, origin: Origin::Trial, is_claimable: false }
}

impl MetricRow {
    /// Sets a different heading for requests.
    const fn of_requests(mut self, heading: &'static str) -> Self {
        self.heading[1] = heading;
        self
    }

    const fn from(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    const fn claimable(mut self) -> Self {
        self.is_claimable = true;
        self
    }
}

/// All rows, in the order of [`Metric`].
pub(super) const TABLE: [MetricRow; 39] = {
    use Metric as M;
    use Unit::{Bytes, Count, Nanoseconds, Number, PerSecond, Share};
    [
        row(M::Wall, "wall", "wall time", Nanoseconds).claimable(),
        row(M::Gap, "longest_gap", "longest gap", Nanoseconds).claimable(),
        row(M::Rate, "throughput", "jobs/s", PerSecond).of_requests("requests/s").claimable(),
        row(M::P50, "p50", "p50", Nanoseconds).from(Origin::Series).claimable(),
        row(M::P95, "p95", "p95", Nanoseconds).from(Origin::Series).claimable(),
        row(M::P99, "p99", "p99", Nanoseconds).from(Origin::Series).claimable(),
        row(M::Cpu, "cpu", "CPU per job", Nanoseconds).of_requests("CPU per request").claimable(),
        row(M::ServiceP50, "service_p50", "service p50", Nanoseconds).from(Origin::Series).claimable(),
        row(M::ServiceP99, "service_p99", "service p99", Nanoseconds).from(Origin::Series).claimable(),
        row(M::CpusUsed, "cpus_used", "CPUs used", Number).claimable(),
        row(M::Threads, "threads", "threads", Count).claimable(),
        row(M::InFlight, "in_flight", "in flight", Count).claimable(),
        row(M::ContextSwitchesPerJob, "context_switches_per_job", "context switches per job", Number)
            .of_requests("context switches per request")
            .claimable(),
        row(M::Starved, "starved", "starved", Count).claimable(),
        row(M::AnsweredShare, "answered_share", "answered share", Number).claimable(),
        row(M::Executing, "executing", "executing", Count).from(Origin::Lanes).claimable(),
        row(M::Memory, "memory_per_job", "memory per job", Bytes).from(Origin::Lanes).claimable(),
        row(M::ResidentMemory, "resident_memory", "resident per job", Bytes).from(Origin::Lanes),
        row(M::QueueWaitP50, "queue_wait_p50", "queue wait p50", Nanoseconds).claimable(),
        row(M::QueueWaitP99, "queue_wait_p99", "queue wait p99", Nanoseconds).claimable(),
        row(M::PermitWaitP50, "permit_wait_p50", "permit wait p50", Nanoseconds).claimable(),
        row(M::PermitWaitP99, "permit_wait_p99", "permit wait p99", Nanoseconds).claimable(),
        row(M::Throttled, "throttled", "throttled", Nanoseconds).claimable(),
        row(M::P90, "p90", "p90", Nanoseconds).from(Origin::Series),
        row(M::Max, "max", "max", Nanoseconds).from(Origin::Series),
        row(M::CpuTotal, "cpu_total", "CPU", Nanoseconds),
        row(M::KernelShare, "kernel_share", "kernel share", Share),
        row(M::PeakMemory, "peak_memory", "peak memory", Bytes),
        row(M::ContextSwitches, "context_switches_total", "context switches", Count),
        row(M::Faults, "page_faults", "page faults", Count),
        row(M::RuntimeBusy, "runtime_busy_share", "tokio busy", Share),
        row(M::RuntimeParks, "runtime_parks", "tokio parks", Count),
        row(M::Jobs, "jobs", "jobs", Count).of_requests("requests"),
        row(M::RunQueue, "run_queue", "run queue", Nanoseconds).from(Origin::Lanes),
        row(M::WaitedP99, "no_connection_p99", "no connection p99", Nanoseconds),
        row(M::LateP99, "late_p99", "late p99", Nanoseconds),
        row(M::GeneratorShare, "generator_cpu_share", "generator CPU", Share),
        row(M::GeneratorCpu, "generator_cpu", "generator CPU time", Nanoseconds),
        row(M::WarmupP50, "warmup_p50", "warm-up p50", Nanoseconds),
    ]
};
