//! Derives advice from the measurements of a check-up: pure, with one threshold for each diagnosis.

use crate::clock_cost::{CpuPauses, Timer};
use crate::host::ThreadLimit;
use crate::schedule::Pacing;

use super::{Checkup, PacedLoad};

/// A conclusion from a check-up, with the figures that it is based on.
#[derive(Clone, Debug, PartialEq)]
pub enum Diagnosis {
    /// Server and generator share the only CPU.
    OneCpu,
    /// The generator's own limits: no server measured here can look better.
    GeneratorLimits {
        /// The median response time over one connection, nanoseconds.
        floor_ns: u64,
        /// Answers per second.
        per_s: f64,
    },
    /// Some CPUs are not whole cores: all of them together compute less than as many cores would.
    SharedCores {
        /// The number of CPUs.
        cpus: u32,
        /// How much the CPUs compute together, as a multiple of one CPU.
        at_once: f64,
    },
    /// The clock rate of the CPUs follows the load.
    ClockRateVaries {
        /// The policy that sets the clock rate.
        governor: String,
    },
    /// Other work ran on the CPUs.
    CpusWanted {
        /// The share of time in which a ready task had no CPU.
        share: f64,
    },
    /// The host gave CPU time to other machines.
    Stolen {
        /// The share of all CPU time.
        share: f64,
    },
    /// The highest rate at which the default pacing keeps a schedule.
    ScheduleKept {
        /// The pacing.
        pacing: Pacing,
        /// Requests per second.
        rate: f64,
        /// The 99th percentile of how late requests leave, nanoseconds.
        late_p99_ns: u64,
    },
    /// How late a schedule would be if it were kept by ordinary timers.
    TimersLate {
        /// The median lateness of tokio's timer, nanoseconds.
        tokio_ns: u64,
        /// The median lateness of a thread's sleep, nanoseconds.
        thread_ns: u64,
    },
    /// A thread that never yields loses its CPU.
    Paused(CpuPauses),
    /// Reading the clock is slow.
    SlowClock {
        /// The cost of one reading, nanoseconds.
        read_ns: f64,
        /// The clock source, if known.
        source: Option<String>,
    },
    /// The lowest limit on the number of threads, which stops the model `threads` first.
    ThreadLimit(ThreadLimit),
}

impl Checkup {
    /// Returns the conclusions, the most important first.
    pub fn diagnose(&self) -> Vec<Diagnosis> {
        let one_cpu = (self.host.cpus == 1).then_some(Diagnosis::OneCpu);
        let limit = self.host.thread_limits.first().cloned().map(Diagnosis::ThreadLimit);
        let mut found = Vec::new();
        found.extend(one_cpu);
        found.extend(self.generator_limits());
        found.extend(self.about_cpus());
        found.extend(self.schedule_kept());
        found.extend(self.timers_late());
        // If more than 1 % is lost, no 99th percentile is shorter than the pauses.
        found.extend((self.pauses.share > 0.01).then_some(Diagnosis::Paused(self.pauses)));
        found.extend(self.slow_clock());
        found.extend(limit);
        found
    }

    fn generator_limits(&self) -> Option<Diagnosis> {
        let (floor, rate) = (self.ceiling(|c| c.floor_ns as f64)?, self.ceiling(|c| c.per_s)?);
        Some(Diagnosis::GeneratorLimits { floor_ns: floor.median as u64, per_s: rate.median })
    }

    fn about_cpus(&self) -> impl Iterator<Item = Diagnosis> {
        let cpus = self.parallel.cpus();
        let at_once = self.parallel.factor(cpus);
        let governor = self.host.governor.clone().filter(|governor| governor != "performance");
        [
            (at_once < 0.9 * f64::from(cpus)).then_some(Diagnosis::SharedCores { cpus, at_once }),
            governor.map(|governor| Diagnosis::ClockRateVaries { governor }),
            self.pressure.filter(|share| *share > 0.01).map(|share| Diagnosis::CpusWanted { share }),
            self.steal.filter(|share| *share > 0.001).map(|share| Diagnosis::Stolen { share }),
        ]
        .into_iter()
        .flatten()
    }

    fn schedule_kept(&self) -> Option<Diagnosis> {
        /// The lateness, in nanoseconds, below which a schedule counts as kept.
        const KEPT_NS: f64 = 100_000.0;
        let late = |paced: &PacedLoad| {
            let late = paced.over_rounds(|round| round.late_p99_ns)?.median;
            (paced.pacing == Pacing::default() && late < KEPT_NS).then_some(late)
        };
        let kept = self.pacing.iter().filter_map(|paced| Some((paced, late(paced)?)));
        let (best, late) = kept.max_by(|(one, _), (other, _)| one.rate.total_cmp(&other.rate))?;
        Some(Diagnosis::ScheduleKept { pacing: best.pacing, rate: best.rate, late_p99_ns: late as u64 })
    }

    fn timers_late(&self) -> Option<Diagnosis> {
        let median = |timer: Timer| {
            let found = self.timers.iter().rev().find(|lateness| lateness.timer == timer)?;
            found.late.quantile(0.5)
        };
        Some(Diagnosis::TimersLate { tokio_ns: median(Timer::Tokio)?, thread_ns: median(Timer::Thread)? })
    }

    fn slow_clock(&self) -> Option<Diagnosis> {
        let read_ns = self.clock.read_ns;
        (read_ns > 100.0).then(|| Diagnosis::SlowClock { read_ns, source: self.host.clocksource.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock_cost::ClockCost;
    use crate::histogram::Histogram;
    use crate::host::Host;
    use crate::runner::doctor::{PacedRound, TimerLateness};
    use crate::scenario::Parallel;

    /// Returns the check-up of a machine that has no problems.
    fn quiet() -> Checkup {
        let host = Host { cpus: 2, governor: None, clocksource: None, thread_limits: Vec::new(), ..Host::read() };
        Checkup {
            host,
            ports: None,
            clock: ClockCost { read_ns: 25.0, step_ns: 1 },
            parallel: Parallel::ideal(2),
            pressure: Some(0.01),
            steal: Some(0.001),
            pauses: CpuPauses { share: 0.01, longest_ns: 1 },
            timers: Vec::new(),
            ceilings: Vec::new(),
            pacing: Vec::new(),
            failures: Vec::new(),
            partial: false,
        }
    }

    fn check(change: impl FnOnce(&mut Checkup), expected: &[Diagnosis]) {
        let mut checkup = quiet();
        change(&mut checkup);
        assert_eq!(checkup.diagnose(), expected);
    }

    #[test]
    fn each_figure_is_judged_at_its_threshold() {
        check(|_| (), &[]);
        check(|checkup| checkup.host.cpus = 1, &[Diagnosis::OneCpu]);
        check(|checkup| checkup.pressure = Some(0.011), &[Diagnosis::CpusWanted { share: 0.011 }]);
        check(|checkup| checkup.steal = Some(0.002), &[Diagnosis::Stolen { share: 0.002 }]);
        check(|checkup| checkup.pressure = None, &[]);
        let pauses = CpuPauses { share: 0.02, longest_ns: 7 };
        check(|checkup| checkup.pauses = pauses, &[Diagnosis::Paused(pauses)]);
        check(|checkup| checkup.clock.read_ns = 101.0, &[Diagnosis::SlowClock { read_ns: 101.0, source: None }]);
        let half = Parallel::measured([(2, 1.2)]);
        check(|checkup| checkup.parallel = half, &[Diagnosis::SharedCores { cpus: 2, at_once: 1.2 }]);
        check(|checkup| checkup.host.governor = Some("performance".into()), &[]);
        let governor = || "powersave".to_owned();
        check(
            |checkup| checkup.host.governor = Some(governor()),
            &[Diagnosis::ClockRateVaries { governor: governor() }],
        );
    }

    #[test]
    fn the_highest_rate_that_the_default_pacing_keeps_is_named() {
        let paced = |rate, pacing, late| {
            let round = PacedRound {
                late_p50_ns: 1.0,
                late_p99_ns: Some(late),
                response_p50_ns: 1.0,
                cpu_share: 0.5,
                per_s: rate,
            };
            PacedLoad { rate, pacing, rounds: vec![round] }
        };
        let (hybrid, spin) = (Pacing::default(), Pacing::Spin);
        let loads = vec![
            paced(1_000.0, hybrid, 50_000.0),
            paced(10_000.0, hybrid, 60_000.0),
            paced(50_000.0, hybrid, 100_000.0),
            paced(50_000.0, spin, 1_000.0),
        ];
        let kept = Diagnosis::ScheduleKept { pacing: hybrid, rate: 10_000.0, late_p99_ns: 60_000 };
        check(|checkup| checkup.pacing = loads, &[kept]);
    }

    #[test]
    fn timers_are_compared_if_both_were_measured() {
        let lateness = |timer, late_ns| {
            let mut late = Histogram::default();
            late.record(late_ns);
            TimerLateness { timer, requested: std::time::Duration::from_millis(1), late }
        };
        check(|checkup| checkup.timers = vec![lateness(Timer::Tokio, 500)], &[]);
        check(
            |checkup| checkup.timers = vec![lateness(Timer::Tokio, 500), lateness(Timer::Thread, 60)],
            &[Diagnosis::TimersLate { tokio_ns: 500, thread_ns: 60 }],
        );
    }
}
