//! Cells against each other: how many times as much one took as another in the same rounds, and whether that is more
//! than two runs of the same thing differ by.

use super::summary::{CellSummary, PointSummary};
use super::words;
use crate::histogram::Histogram;
use crate::record::{Measured, Series};
use crate::scenario::{Metric, Model, Work};
use crate::stats::{self, Finding, Interval, Ratio};
use crate::units;

impl Metric {
    /// Those that cells with this work are compared by, what answers the question first.
    pub fn of(work: &Work) -> &'static [Self] {
        match work {
            Work::Offload(offload) if offload.heartbeat.is_some() => &[Self::Gap, Self::Wall, Self::Cpu],
            Work::Sleep(_) | Work::Offload(_) => &[Self::Wall, Self::Cpu],
            // A schedule that is kept leaves no rate to compare.
            Work::Echo(echo) if echo.load.arrival.offered().is_some() => &[Self::P50, Self::P99, Self::Cpu, Self::Rate],
            Work::Echo(_) => &[Self::Rate, Self::P50, Self::P99, Self::Cpu],
        }
    }

    /// As JSON names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wall => "wall_ns",
            Self::Gap => "longest_gap_ns",
            Self::Rate => "throughput_per_s",
            Self::P50 => "response_p50_ns",
            Self::P99 => "response_p99_ns",
            Self::Cpu => "cpu_per_job_ns",
            Self::ServiceP50 => "service_p50_ns",
            Self::ServiceP99 => "service_p99_ns",
            Self::CpusUsed => "cpus_used",
            Self::Threads => "threads",
            Self::InFlight => "most_in_flight",
            Self::Switches => "switches_per_job",
            Self::Starved => "connections_starved",
            Self::Executing => "most_executing",
            Self::Memory => "memory_per_waiting_job_bytes",
        }
    }

    /// As a column and a sentence name it.
    pub fn heading(self, work: &Work) -> &'static str {
        match self {
            Self::Wall => "wall time",
            Self::Gap => "longest gap",
            Self::Rate => "requests/s",
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::Cpu if work.is_echo() => "CPU per request",
            Self::Cpu => "CPU per job",
            Self::ServiceP50 => "median service time",
            Self::ServiceP99 => "p99 of the service time",
            Self::CpusUsed => "CPUs used",
            Self::Threads => "threads",
            Self::InFlight => "jobs in flight",
            Self::Switches => "switches per job",
            Self::Starved => "connections starved",
            Self::Executing => "jobs executing at once",
            Self::Memory => "memory of a waiting job",
        }
    }

    /// A figure as text.
    pub fn show(self, figure: f64) -> String {
        match self {
            Self::Rate => format!("{}/s", words::per_second(figure)),
            Self::CpusUsed | Self::Switches => units::three_digits(figure),
            Self::Threads | Self::InFlight | Self::Starved | Self::Executing => words::count(figure),
            Self::Memory => words::memory(figure),
            Self::Wall | Self::Gap | Self::P50 | Self::P99 | Self::Cpu => words::time(figure),
            Self::ServiceP50 | Self::ServiceP99 => words::time(figure),
        }
    }

    /// Whether less of it is better.
    pub fn less_is_better(self) -> bool {
        self != Self::Rate
    }

    /// The figure of each round that has it. Nothing is no figure, but that no connection starved.
    pub(super) fn by_round(self, rounds: &[(u32, &Measured)]) -> Vec<(u32, f64)> {
        let figures = rounds.iter().filter_map(|(number, round)| Some((*number, self.of_round(round)?)));
        figures.filter(|(_, figure)| *figure > 0.0 || self == Self::Starved).collect()
    }

    fn of_round(self, round: &Measured) -> Option<f64> {
        let per_job = |figure: u64| (round.jobs > 0).then(|| figure as f64 / round.jobs as f64);
        let percentile = |share: f64, of: fn(&Series) -> &Histogram| {
            let series = round.series.first()?;
            let time = of(series).credible_quantile(share)?;
            series.lower_bound_from_ns.is_none_or(|bound| time < bound).then_some(time as f64)
        };
        match self {
            Self::Wall => Some(round.wall_ns as f64),
            Self::Gap => Some(round.heartbeat?.longest_gap_ns as f64),
            Self::Rate => Some(round.throughput()),
            Self::P50 => percentile(0.5, |series| &series.response_time),
            Self::P99 => percentile(0.99, |series| &series.response_time),
            Self::ServiceP50 => percentile(0.5, |series| &series.service_time),
            Self::ServiceP99 => percentile(0.99, |series| &series.service_time),
            Self::Cpu => per_job(round.usage.cpu_ns()),
            Self::CpusUsed => Some(round.usage.cpu_ns() as f64 / round.wall_ns as f64),
            Self::Threads => Some(round.threads as f64),
            Self::InFlight => Some(round.most_in_flight as f64),
            Self::Switches => per_job(round.usage.switches()),
            Self::Starved => Some(f64::from(round.load.as_ref()?.connections_starved)),
            // Of no round, but of the trial whose lanes were recorded.
            Self::Executing | Self::Memory => None,
        }
    }
}

/// How many times as much of something a cell took as another.
#[derive(Clone, Copy, Debug)]
pub struct Versus {
    /// What is compared.
    pub metric: Metric,
    /// Whose figure is above the line.
    pub model: Model,
    /// Whose is below.
    pub reference: Model,
    /// The one by the other.
    pub ratio: Ratio,
    /// What two cells of the same thing differed by, a ratio of at least 1: no smaller difference is called one.
    pub noise: f64,
}

/// A model against another at one point; nothing where either lacks the figure in all rounds they share, or got fewer
/// jobs.
pub fn between(point: &PointSummary, metric: Metric, model: Model, reference: Model) -> Option<Versus> {
    let ratio = ratio(point, metric, model, reference)?;
    Some(Versus { metric, model, reference, ratio, noise: noise(point, metric).map_or(1.0, |noise| noise.distance()) })
}

/// The ratio alone.
pub(super) fn ratio(point: &PointSummary, metric: Metric, model: Model, reference: Model) -> Option<Ratio> {
    paired(with_all_jobs(point, reference)?, with_all_jobs(point, model)?, metric, point.seed)
}

/// What the two cells of the same model at a point differ by.
pub fn noise(point: &PointSummary, metric: Metric) -> Option<Ratio> {
    let twin = point.twin.as_ref()?;
    paired(with_all_jobs(point, twin.cell.model)?, twin, metric, point.seed)
}

fn paired(below: &CellSummary, above: &CellSummary, metric: Metric, seed: u64) -> Option<Ratio> {
    let others = above.by_round(metric);
    let pair = |(round, a): &(u32, f64)| others.iter().find(|(other, _)| other == round).map(|(_, b)| (*a, *b));
    let pairs: Vec<(f64, f64)> = below.by_round(metric).iter().filter_map(pair).collect();
    stats::ratio(&pairs, seed)
}

fn with_all_jobs(point: &PointSummary, model: Model) -> Option<&CellSummary> {
    point.cell(model).filter(|cell| cell.cell.jobs_wanted.is_none())
}

impl Versus {
    /// Whether there is a difference.
    pub fn finding(&self) -> Finding {
        self.ratio.finding(self.noise)
    }

    /// The same in words: `threads took 1.9 times as long as async (95 % interval 1.8 to 2.0; 6 of 6 rounds agree).`
    pub fn sentence(&self, work: &Work) -> String {
        let Self { model: a, reference: b, ratio, .. } = self;
        let rounds = ratio.rounds;
        match self.finding() {
            Finding::TooFew if rounds == 1 => format!("One round cannot tell whether {b} and {a} differ."),
            Finding::TooFew => format!("{rounds} rounds are too few to tell whether {b} and {a} differ."),
            Finding::None => {
                let could = ratio.detectable(self.noise).map_or_else(String::new, |least| {
                    format!("; one of {} could have been told", words::excess(least))
                });
                let what = self.metric.heading(work);
                format!("Between {b} and {a} these {rounds} rounds tell no difference in {what}{could}.")
            }
            Finding::More => self.larger(work, (a, b), *ratio),
            Finding::Less => self.larger(work, (b, a), ratio.turned()),
        }
    }

    fn larger(&self, work: &Work, (more, less): (&Model, &Model), ratio: Ratio) -> String {
        let times = format!("{} times", units::three_digits(ratio.ratio));
        let told = match self.metric {
            Metric::Wall => format!("{more} took {times} as long as {less}"),
            Metric::Gap => format!("The longest gap under {more} was {times} that under {less}"),
            Metric::Rate => format!("{more} answered {times} as many requests a second as {less}"),
            Metric::P50 => format!("Half of the requests took up to {times} as long under {more} as under {less}"),
            Metric::P99 => format!("99 of 100 requests took up to {times} as long under {more} as under {less}"),
            Metric::Cpu if work.is_echo() => {
                format!("{more} used {times} as much CPU a request as {less}")
            }
            Metric::Cpu => format!("{more} used {times} as much CPU a job as {less}"),
            other => format!("{} of {more} were {times} those of {less}", other.heading(work)),
        };
        format!("{told}{}.", in_brackets(&ratio))
    }

    /// How sure the ratio is: ` (95 % interval 1.8 to 2.0; 6 of 6 rounds agree)`.
    pub fn in_brackets(&self) -> String {
        in_brackets(&self.ratio)
    }
}

fn in_brackets(ratio: &Ratio) -> String {
    let sure = ratio.interval.map_or_else(String::new, |Interval { low, high }| {
        format!("95 % interval {} to {}; ", units::three_digits(low), units::three_digits(high))
    });
    format!(" ({sure}{} of {} rounds agree)", ratio.agreeing, ratio.rounds)
}
