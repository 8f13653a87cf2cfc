//! Takes each figure from a record. Each arm belongs to a row in `scenario/metric.rs`.

use super::executing::Executing;
use super::round::RoundFigure;
use crate::record::{LoadRecord, Measured, Series, Traced};
use crate::scenario::Metric;
use crate::stats::Bound;

/// Returns the figure of a measured trial; `None` if the trial lacks it: a percentile of too few requests, CPU time per
/// job without a completed job, or a figure that the kernel does not report.
///
/// Figures of times come from the headline series.
pub(super) fn from_trial(metric: Metric, measured: &Measured) -> Option<RoundFigure> {
    let usage = &measured.usage;
    let per_job = |figure: u64| (measured.jobs > 0).then(|| figure as f64 / measured.jobs as f64);
    let runtime = |figure: fn(&Measured, crate::record::RuntimeUsage) -> f64| Some(figure(measured, measured.runtime?));
    let value = match metric {
        Metric::Wall => measured.wall_ns as f64,
        Metric::Gap => measured.heartbeat?.longest_gap_ns as f64,
        Metric::Jobs => measured.jobs as f64,
        Metric::Rate => return Some(responses_per(measured, measured.wall_ns.max(1) as f64 / 1e9)),
        Metric::Threads => measured.threads as f64,
        Metric::InFlight => measured.most_in_flight as f64,
        Metric::Cpu => per_job(usage.known_cpu_ns()?)?,
        Metric::CpuTotal => usage.known_cpu_ns()? as f64,
        Metric::KernelShare => usage.cpu_system_ns as f64 / usage.known_cpu_ns()?.max(1) as f64,
        Metric::CpusUsed => usage.known_cpu_ns()? as f64 / measured.wall_ns.max(1) as f64,
        Metric::ContextSwitchesPerJob => per_job(usage.known_switches()?)?,
        Metric::ContextSwitches => usage.known_switches()? as f64,
        Metric::Faults => usage.known_cpu_ns().map(|_| (usage.faults_minor + usage.faults_major) as f64)?,
        Metric::PeakMemory => usage.memory_peak_bytes? as f64,
        Metric::RuntimeBusy => runtime(|measured, runtime| {
            runtime.busy_ns as f64 / (measured.wall_ns * u64::from(runtime.workers)).max(1) as f64
        })?,
        Metric::RuntimeParks => runtime(|_, runtime| runtime.parks as f64)?,
        Metric::P50
        | Metric::P90
        | Metric::P95
        | Metric::P99
        | Metric::Max
        | Metric::ServiceP50
        | Metric::ServiceP99 => {
            return from_series(metric, measured.series.first()?);
        }
        Metric::AnsweredShare => {
            let load = measured.load.as_ref().filter(|load| load.offered_per_s.is_some())?;
            return Some(responses_per(measured, load.due().max(1) as f64));
        }
        Metric::Starved
        | Metric::WaitedP99
        | Metric::LateP99
        | Metric::GeneratorShare
        | Metric::GeneratorCpu
        | Metric::WarmupP50 => from_load(metric, measured.load.as_ref()?, measured.wall_ns)?,
        Metric::QueueWaitP50 => measured.waits.queue.as_ref()?.credible_quantile(0.5)? as f64,
        Metric::QueueWaitP99 => measured.waits.queue.as_ref()?.credible_quantile(0.99)? as f64,
        Metric::PermitWaitP50 => measured.waits.permit.as_ref()?.credible_quantile(0.5)? as f64,
        Metric::PermitWaitP99 => measured.waits.permit.as_ref()?.credible_quantile(0.99)? as f64,
        Metric::Throttled => measured.throttled_ns? as f64,
        Metric::Executing | Metric::Memory | Metric::ResidentMemory | Metric::RunQueue => return None,
    };
    Some(RoundFigure::exact(value))
}

/// Returns the responses of a trial divided by `by`. The smallest measurable figure is that of one response.
fn responses_per(measured: &Measured, by: f64) -> RoundFigure {
    RoundFigure { smallest: 1.0 / by, ..RoundFigure::exact(measured.jobs as f64 / by) }
}

/// Returns the figure of one series of times; `None` if too few times lie beyond the percentile.
pub(super) fn from_series(metric: Metric, series: &Series) -> Option<RoundFigure> {
    let response = |share: f64| {
        let (time, bound) = series.response_quantile(share)?;
        Some(RoundFigure::exact(time as f64).with_bound(bound))
    };
    let service = |share: f64| Some(RoundFigure::exact(series.service_time.credible_quantile(share)? as f64));
    match metric {
        Metric::P50 => response(0.5),
        Metric::P90 => response(0.9),
        Metric::P95 => response(0.95),
        Metric::P99 => response(0.99),
        Metric::Max => {
            // An unfinished job took longer than the wait for it, and may be the longest of all.
            let bound = if series.lower_bound_from_ns.is_some() { Bound::AtLeast } else { Bound::Exact };
            Some(RoundFigure::exact(series.response_time.max()? as f64).with_bound(bound))
        }
        Metric::ServiceP50 => service(0.5),
        Metric::ServiceP99 => service(0.99),
        _ => None,
    }
}

/// Returns a figure of the load generator's side of a trial.
fn from_load(metric: Metric, load: &LoadRecord, wall_ns: u64) -> Option<f64> {
    // Only an open loop has a schedule to miss.
    let p99 = |times: &crate::histogram::Histogram| {
        load.offered_per_s?;
        Some(times.credible_quantile(0.99)? as f64)
    };
    match metric {
        Metric::Starved => Some(f64::from(load.connections_starved)),
        Metric::WaitedP99 => p99(&load.send_lag.no_connection),
        Metric::LateP99 => p99(&load.send_lag.late),
        Metric::GeneratorCpu => Some(load.usage.cpu_ns() as f64),
        Metric::GeneratorShare => Some(load.usage.cpu_ns() as f64 / (wall_ns * u64::from(load.threads)).max(1) as f64),
        Metric::WarmupP50 => load.warmup.median(),
        _ => None,
    }
}

/// Returns a figure of the trial that recorded lanes. `in_flight` is the largest number of jobs that waited at once.
pub(super) fn from_lanes(metric: Metric, traced: &Traced, in_flight: Option<f64>) -> Option<RoundFigure> {
    /// With fewer waiting jobs, the process itself outweighs them.
    const FEWEST_WAITING: f64 = 100.0;
    let per_waiting_job = |bytes: u64| {
        let waiting = in_flight.filter(|waiting| *waiting >= FEWEST_WAITING)?;
        Some(RoundFigure::exact(bytes as f64 / waiting))
    };
    match metric {
        Metric::Executing => Some(Executing::from_traced(traced).as_figure()),
        Metric::Memory => per_waiting_job(traced.footprint?.total()),
        Metric::ResidentMemory => per_waiting_job(traced.footprint?.resident_bytes),
        Metric::RunQueue => Some(RoundFigure::exact(traced.lanes.run_queue_ns? as f64)),
        _ => None,
    }
}
