//! What stands in a column: its heading, and the figure of a cell as text.

use crate::report::summary::{CellSummary, Measures, Percentile, SeriesSummary};
use crate::report::words;
use crate::scenario::{Metric, Work};
use crate::stats::{Finding, Interval, Ratio, Spread};
use crate::units;

/// A median and, where the rounds differ, its interval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::report) struct Figure {
    pub(in crate::report) text: String,
    pub(in crate::report) range: Option<String>,
}

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Column {
    Threads,
    InFlight,
    Executing,
    RunQueue,
    System,
    RuntimeBusy,
    Parks,
    Faults,
    PerWaiting,
    Wall,
    Gap,
    Rate,
    Count,
    P50,
    P90,
    P99,
    Max,
    ServiceP50,
    ServiceP99,
    Cpu,
    CpuPerJob,
    Memory,
    Switches,
    SwitchesPerJob,
    Waited,
    Late,
    GeneratorCpu,
    Warmup,
    Starved,
    /// Answers within the window by requests that were due in it.
    Answered,
    /// As a multiple of the reference's.
    Versus(Metric),
}

impl Column {
    /// What stands above it.
    pub(in crate::report) fn heading(self, work: &Work) -> &'static str {
        match self {
            Self::Threads => "threads",
            Self::InFlight => "in flight",
            Self::Executing => "executing",
            Self::RunQueue => "run queue",
            Self::System => "of it in the kernel",
            Self::RuntimeBusy => "tokio busy",
            Self::Parks => "tokio parks",
            Self::PerWaiting => "per waiter",
            Self::Faults => "page faults",
            Self::Wall => "wall time",
            Self::Gap => "longest gap",
            Self::Rate if work.is_echo() => "requests/s",
            Self::Rate => "jobs/s",
            Self::Count => "samples",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::Max => "max",
            Self::ServiceP50 => "service p50",
            Self::ServiceP99 => "service p99",
            Self::Cpu => "CPU",
            Self::CpuPerJob if work.is_echo() => "CPU per request",
            Self::CpuPerJob => "CPU per job",
            Self::Memory => "peak memory",
            Self::Switches => "switches",
            Self::SwitchesPerJob if work.is_echo() => "switches per request",
            Self::SwitchesPerJob => "switches per job",
            Self::Waited => "no connection p99",
            Self::Late => "late p99",
            Self::GeneratorCpu => "generator CPU",
            Self::Warmup => "warm-up p50",
            Self::Starved => "starved",
            Self::Answered => "answers by due",
            Self::Versus(metric) => metric.heading(work),
        }
    }

    pub(super) fn figure(self, cell: &CellSummary, measures: &Measures, series: Option<&SeriesSummary>) -> Figure {
        let response = series.map(|series| &series.response);
        let service = series.map(|series| &series.service);
        let load = measures.load.as_ref();
        match self {
            Self::Threads => spread(Some(measures.threads), words::count),
            Self::InFlight => spread(Some(measures.in_flight), words::count),
            Self::Executing => {
                plain(cell.traced.map_or_else(|| "–".into(), |traced| traced.most_executing.to_string()))
            }
            Self::Wall => spread(Some(measures.wall_ns), words::time),
            Self::RunQueue => {
                let waited = cell.traced.and_then(|traced| traced.run_queue_ns);
                plain(waited.map_or_else(|| "–".into(), units::duration))
            }
            Self::PerWaiting => cell.per_waiting_job().map_or_else(
                || plain("–".into()),
                |(all, resident)| Figure {
                    text: words::memory(all),
                    range: Some(format!("{} resident", words::memory(resident))),
                },
            ),
            Self::System => spread(Some(measures.cpu_system_share), words::percent),
            Self::RuntimeBusy => spread(measures.runtime_busy, words::percent),
            Self::Parks => spread(measures.runtime_parks, words::count),
            Self::Faults => spread(Some(measures.faults), words::count),
            Self::Gap => spread(measures.longest_gap_ns, words::time),
            Self::Rate => spread(Some(measures.throughput), words::per_second),
            Self::Count => response.map(|r| plain(units::count(r.merged.len()))).unwrap_or_default(),
            Self::P50 => percentile(response.and_then(|times| times.p50)),
            Self::P90 => percentile(response.and_then(|times| times.p90)),
            Self::P99 => percentile(response.and_then(|times| times.p99)),
            Self::Max => percentile(response.and_then(|times| times.max)),
            Self::ServiceP50 => percentile(service.and_then(|times| times.p50)),
            Self::ServiceP99 => percentile(service.and_then(|times| times.p99)),
            Self::Cpu => spread(Some(measures.cpu_ns), words::time),
            Self::CpuPerJob => spread(measures.cpu_per_job_ns, words::time),
            Self::Memory => spread(measures.memory_bytes, words::memory),
            Self::Switches => spread(Some(measures.switches), words::count),
            Self::SwitchesPerJob => spread(measures.switches_per_job, units::three_digits),
            Self::Waited => spread(load.and_then(|load| load.waited_p99_ns), words::time),
            Self::Late => spread(load.and_then(|load| load.late_p99_ns), words::time),
            Self::GeneratorCpu => spread(load.map(|load| load.cpu_share), words::percent),
            Self::Warmup => spread(load.and_then(|load| load.warmup_p50_ns), words::time),
            Self::Starved => match load {
                Some(load) => {
                    let starved = spread(Some(load.starved), words::count);
                    Figure { text: format!("{} of {}", starved.text, units::count(load.connections.into())), ..starved }
                }
                None => plain("–".into()),
            },
            Self::Answered => spread(load.map(|load| load.reached), units::three_digits),
            Self::Versus(_) => plain("–".into()),
        }
    }
}

pub(super) fn plain(text: String) -> Figure {
    Figure { text, range: None }
}

/// A figure that a kernel may not tell is a dash, never 0.
fn spread(value: Option<Spread>, text: fn(f64) -> String) -> Figure {
    value.map_or_else(
        || plain("–".into()),
        |value| Figure { text: text(value.median), range: words::range(&value, text) },
    )
}

fn percentile(value: Option<Percentile>) -> Figure {
    let Some(value) = value else { return plain("n/a".into()) };
    Figure { text: value.in_words(), range: value.range_in_words() }
}

/// `1.71 x`, its interval and how many rounds agree; or that no difference was found.
pub(super) fn ratio(ratio: &Ratio, finding: Finding, noise: f64) -> Figure {
    let times = format!("{}{} ×", ratio.bound.sign(), units::three_digits(ratio.ratio));
    let agree = format!("{} of {} rounds", ratio.agreeing, ratio.rounds);
    let range = match ratio.interval {
        None => agree.clone(),
        Some(Interval { low, high }) => {
            format!("{} to {}; {agree}", units::three_digits(low), units::three_digits(high))
        }
    };
    match finding {
        Finding::More | Finding::Less => Figure { text: times, range: Some(range) },
        Finding::TooFew => Figure { text: times, range: Some(format!("too few rounds; {agree}")) },
        Finding::None => {
            let could = ratio.detectable(noise).map(|least| format!("under {}", words::excess(least)));
            Figure { text: could.unwrap_or(times), range: Some(range) }
        }
    }
}
