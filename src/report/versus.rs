//! Cells against each other: how many times as much one took as another in the same rounds, and whether that is more
//! than two runs of the same thing differ by.

use super::summary::{CellSummary, PointSummary};
use super::words;
use crate::record::Measured;
use crate::scenario::{Metric, Model, Work};
use crate::stats::{self, Bound, Finding, Interval, Ratio, Spread};
use crate::units;

impl Metric {
    /// Those that cells with this work are compared by, what answers the question first.
    pub fn of(work: &Work) -> &'static [Self] {
        match work {
            // The CPU time is that of the beats for the most part, and of no job.
            Work::Offload(offload) if offload.heartbeat.is_some() => &[Self::Gap, Self::Wall],
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
            Self::AnsweredShare => "answered_share",
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
            Self::AnsweredShare => "answers by requests due",
            Self::Executing => "jobs executing at once",
            Self::Memory => "memory of a waiting job",
        }
    }

    /// A figure as text.
    pub fn show(self, figure: f64) -> String {
        match self {
            Self::Rate => format!("{}/s", words::per_second(figure)),
            Self::CpusUsed | Self::Switches | Self::AnsweredShare => units::three_digits(figure),
            Self::Threads | Self::InFlight | Self::Starved | Self::Executing => words::count(figure),
            Self::Memory => words::memory(figure),
            Self::Wall | Self::Gap | Self::P50 | Self::P99 | Self::Cpu => words::time(figure),
            Self::ServiceP50 | Self::ServiceP99 => words::time(figure),
        }
    }

    /// Whether less of it is better.
    pub fn less_is_better(self) -> bool {
        !matches!(self, Self::Rate | Self::AnsweredShare)
    }

    /// The figure of each round, of all of them or of none: those that lack it are the worst, as a rule, with too few answers
    /// for a percentile or none to share the CPU time. Zero counts as missing, except where it is what was measured: no
    /// answer, or no connection that starved.
    pub(super) fn by_round(self, rounds: &[(u32, &Measured)]) -> Vec<RoundFigure> {
        let figures = rounds.iter().map(|(round, measured)| self.of_round(*round, measured));
        let figures = figures.collect::<Option<Vec<RoundFigure>>>().unwrap_or_default().into_iter();
        let may_be_zero = matches!(self, Self::Starved | Self::Rate | Self::AnsweredShare);
        figures.filter(|figure| figure.value > 0.0 || may_be_zero).collect()
    }

    fn of_round(self, round: u32, measured: &Measured) -> Option<RoundFigure> {
        let exact = |value: f64| Some(RoundFigure::exact(round, value));
        let per_job = |figure: u64| (measured.jobs > 0).then(|| figure as f64 / measured.jobs as f64);
        let series = || measured.series.first();
        let response = |share: f64| {
            let (time, bound) = series()?.response_quantile(share)?;
            Some(RoundFigure::exact(round, time as f64).with_bound(bound))
        };
        let service = |share: f64| exact(series()?.service_time.credible_quantile(share)? as f64);
        // Less than one answer in all of the window.
        let answers_by =
            |by: f64| Some(RoundFigure { smallest: 1.0 / by, ..RoundFigure::exact(round, measured.jobs as f64 / by) });
        match self {
            Self::Wall => exact(measured.wall_ns as f64),
            Self::Gap => exact(measured.heartbeat?.longest_gap_ns as f64),
            Self::Rate => answers_by(measured.wall_ns.max(1) as f64 / 1e9),
            Self::P50 => response(0.5),
            Self::P99 => response(0.99),
            Self::ServiceP50 => service(0.5),
            Self::ServiceP99 => service(0.99),
            Self::Cpu => exact(per_job(measured.usage.cpu_ns())?),
            Self::CpusUsed => exact(measured.usage.cpu_ns() as f64 / measured.wall_ns as f64),
            Self::Threads => exact(measured.threads as f64),
            Self::InFlight => exact(measured.most_in_flight as f64),
            Self::Switches => exact(per_job(measured.usage.switches())?),
            Self::Starved => exact(f64::from(measured.load.as_ref()?.connections_starved)),
            Self::AnsweredShare => {
                let load = measured.load.as_ref().filter(|load| load.offered_per_s.is_some())?;
                answers_by(load.due().max(1) as f64)
            }
            // Of no round, but of the trial whose lanes were recorded.
            Self::Executing | Self::Memory => None,
        }
    }
}

/// What one round measured of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoundFigure {
    /// Which round, from 1; 0 for the trial whose lanes were recorded.
    pub round: u32,
    /// The figure, in the unit of its metric.
    pub value: f64,
    /// Whether it is only a bound.
    pub bound: Bound,
    /// The smallest figure that the round could have told from 0.
    smallest: f64,
}

impl RoundFigure {
    /// One that is what it stands for.
    pub(super) fn exact(round: u32, value: f64) -> Self {
        Self { round, value, bound: Bound::Exact, smallest: 0.0 }
    }

    /// The same as a bound, or as none.
    pub(super) fn with_bound(self, bound: Bound) -> Self {
        Self { bound, ..self }
    }

    /// As a ratio takes it: what is 0 is less than what could have been told from it.
    pub(super) fn in_ratio(&self) -> (f64, Bound) {
        if self.value > 0.0 { (self.value, self.bound) } else { (self.smallest, Bound::AtMost) }
    }
}

/// The middle of some rounds, and whether it is only a bound.
pub(super) fn spread(figures: &[RoundFigure]) -> Option<(Spread, Bound)> {
    let spread = Spread::of(figures.iter().map(|figure| figure.value))?;
    let bound = figures.iter().fold(Bound::Exact, |all, figure| all.and(figure.bound));
    Some((spread, bound))
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
    paired(with_all_jobs(point, twin.cell.id.model)?, twin, metric, point.seed)
}

fn paired(below: &CellSummary, above: &CellSummary, metric: Metric, seed: u64) -> Option<Ratio> {
    let others = above.by_round(metric);
    let pair = |below: &RoundFigure| {
        let above = others.iter().find(|other| other.round == below.round)?;
        Some((below.in_ratio(), above.in_ratio()))
    };
    let pairs: Vec<_> = below.by_round(metric).iter().filter_map(pair).collect();
    let figures: Vec<(f64, f64)> = pairs.iter().map(|((below, _), (above, _))| (*below, *above)).collect();
    let bound = pairs.iter().fold(Bound::Exact, |all, ((_, below), (_, above))| all.and(above.and(below.inverse())));
    stats::ratio(&figures, seed).map(|ratio| ratio.with_bound(bound))
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
            Finding::None if ratio.bound != Bound::Exact => format!(
                "Between {b} and {a} {} cannot be compared: it rests on requests that never got their answer.",
                self.metric.heading(work)
            ),
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
        let least = match ratio.bound {
            Bound::Exact => "",
            // Only to that side is there a difference at all.
            Bound::AtLeast | Bound::AtMost | Bound::Unknown => "at least ",
        };
        let times = format!("{least}{} times", units::three_digits(ratio.ratio));
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
