//! What was found, and what follows from it.

use std::time::Duration;

use crate::histogram::Histogram;
use crate::host::Host;
use crate::record::Ceiling;
use crate::ruler::{Clock, Pauses, Timer};
use crate::scenario::Parallel;
use crate::schedule::Pacing;
use crate::stats::Spread;
use crate::units;

/// All of it. What was not reached is missing.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) host: Host,
    /// Ports for connections from here to one server.
    pub(super) ports: Option<u64>,
    pub(super) clock: Clock,
    /// How much it computes at once.
    pub(super) parallel: Parallel,
    /// Shares of the time in which ready tasks had no CPU, and of all CPU time that the host gave to others, while this
    /// program alone was at work on one thread; nothing where it is not told.
    pub(super) pressure: Option<f64>,
    pub(super) steal: Option<f64>,
    /// One thread alone, and what it lost.
    pub(super) pauses: Pauses,
    pub(super) timers: Vec<Late>,
    /// One a round.
    pub(super) ceilings: Vec<Ceiling>,
    pub(super) pacing: Vec<Paced>,
    /// What could not be measured, and why.
    pub(super) failures: Vec<String>,
    /// Whether a signal came before all was measured.
    pub(super) partial: bool,
}

/// A timer, and how late it rang.
#[derive(Debug)]
pub(super) struct Late {
    pub(super) timer: Timer,
    pub(super) asked: Duration,
    pub(super) by: Histogram,
}

/// A rate and a pacing, and how late requests left.
#[derive(Debug)]
pub(super) struct Paced {
    pub(super) rate: f64,
    pub(super) pacing: Pacing,
    pub(super) rounds: Vec<Round>,
}

/// One round of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    pub(super) p50_ns: f64,
    pub(super) p99_ns: Option<f64>,
    /// The median response time, nanoseconds.
    pub(super) response_p50_ns: f64,
    /// Of the generator's one thread, looking at the clock included.
    pub(super) cpu_share: f64,
    /// Answers a second.
    pub(super) per_s: f64,
}

impl Paced {
    /// A figure over the rounds; nothing where one of them has none.
    pub(super) fn over_rounds(&self, figure: impl Fn(&Round) -> Option<f64>) -> Option<Spread> {
        Spread::of(self.rounds.iter().map(figure).collect::<Option<Vec<f64>>>()?)
    }
}

impl Findings {
    /// A figure of the ceiling over the rounds.
    pub(super) fn ceiling(&self, figure: impl Fn(&Ceiling) -> f64) -> Option<Spread> {
        Spread::of(self.ceilings.iter().map(figure))
    }

    /// What to make of it, a sentence each.
    pub(super) fn advice(&self) -> Vec<String> {
        let host = &self.host;
        let mut advice: Vec<String> = Vec::new();
        if host.cpus == 1 {
            advice.push(
                "Server and generator share the only CPU: each figure is about both. Measure with two CPUs or more."
                    .into(),
            );
        }
        if let (Some(floor), Some(ceiling)) = (self.ceiling(|c| c.floor_ns as f64), self.ceiling(|c| c.per_s)) {
            advice.push(format!(
                "A rate near {} is the generator's and the kernel's own: two servers that both come so close cannot be told \
                 apart with one generator thread. So is a response time near {} where requests come one at a time: both \
                 sides sleep in between and have to be woken.",
                units::rate(ceiling.median),
                units::duration(floor.median as u64),
            ));
        }
        advice.extend(self.advice_on_cpus());
        advice.extend(self.advice_on_pacing());
        advice.extend(self.advice_on_timers());
        if self.pauses.share > 0.01 {
            advice.push(format!(
                "A thread that never stops lost {:.1} % of its time to others, {} at once: no 99th percentile is better than \
                 that here. Measure when the machine, or its host, is quiet.",
                self.pauses.share * 100.0,
                units::duration(self.pauses.longest_ns),
            ));
        }
        if self.clock.read_ns > 100.0 {
            let source = host.clocksource.as_deref().unwrap_or("unknown");
            advice.push(format!(
                "A look at the clock costs {:.0} ns, a sample two of them; the clock source is {source}. With tsc it would \
                 be some 25 ns (/sys/devices/system/clocksource/clocksource0/available_clocksource).",
                self.clock.read_ns
            ));
        }
        if let Some(first) = host.thread_limits.first() {
            advice.push(format!(
                "The model threads ends at {} more threads, where {} = {} stops it first.",
                units::count(first.allows),
                first.name,
                units::count(first.value),
            ));
        }
        advice
    }

    fn advice_on_cpus(&self) -> Vec<String> {
        let mut advice = Vec::new();
        let (cpus, at_once) = (self.parallel.cpus(), self.parallel.of(self.parallel.cpus()));
        if at_once < 0.9 * f64::from(cpus) {
            advice.push(format!(
                "{cpus} CPUs compute only {} times as much as one, so some are halves of a core or shared with other guests: \
                 what arithmetic expects in a report rests on that figure, not on their number.",
                units::three_digits(at_once),
            ));
        }
        if let Some(governor) = self.host.governor.as_deref().filter(|governor| *governor != "performance") {
            advice.push(format!(
                "The clock rate of the CPUs follows the load (governor {governor}): the first trials may be slower than the \
                 last. Set it to performance (cpupower frequency-set -g performance) while you measure."
            ));
        }
        if let Some(share) = self.pressure.filter(|share| *share > 0.01) {
            advice.push(format!(
                "Ready tasks had no CPU {:.1} % of the time though this program used one thread: something else runs here. \
                 Stop it, or see the marks on disturbed trials.",
                share * 100.0,
            ));
        }
        if let Some(share) = self.steal.filter(|share| *share > 0.001) {
            advice.push(format!(
                "The host gave {:.1} % of this machine's CPU time to others: no figure can be steadier than that. Measure \
                 when it is quiet.",
                share * 100.0,
            ));
        }
        advice
    }

    fn advice_on_pacing(&self) -> Option<String> {
        /// A schedule is kept where requests leave so soon after they were due.
        const KEPT_NS: f64 = 100_000.0;
        let kept = |paced: &&Paced| {
            paced.pacing == Pacing::default()
                && paced.over_rounds(|round| round.p99_ns).is_some_and(|late| late.median < KEPT_NS)
        };
        let best = self.pacing.iter().filter(kept).max_by(|one, other| one.rate.total_cmp(&other.rate))?;
        Some(format!(
            "With --pacing {} a schedule of {} was kept within {} for 99 of 100 requests; that much of a response time may \
             be ours, and every load tells how much was.",
            best.pacing.name(),
            units::rate(best.rate),
            units::duration(best.over_rounds(|round| round.p99_ns)?.median as u64),
        ))
    }

    fn advice_on_timers(&self) -> Option<String> {
        let median = |timer: Timer| {
            let found = self.timers.iter().rev().find(|late| late.timer == timer)?;
            found.by.quantile(0.5)
        };
        Some(format!(
            "Requests sent by {} would leave {} late at the median, by {} {}; the generator uses a timerfd and looks at the \
             clock for the rest.",
            Timer::Tokio.name(),
            units::duration(median(Timer::Tokio)?),
            Timer::Thread.name(),
            units::duration(median(Timer::Thread)?),
        ))
    }
}
