//! Bounds the largest number of jobs that were on a CPU at one instant.

use super::round::RoundFigure;
use crate::record::Traced;
use crate::stats::Bound;

/// The largest number of jobs on a CPU at one instant, as far as it is known: a thread records what it works on, and
/// cannot observe when another thread has its CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Executing {
    /// The lower bound: the CPU time of the busiest millisecond needs this many CPUs at some instant.
    pub at_least: u32,
    /// The upper bound: the most jobs worked on at once by the threads' own record, or the number of CPUs if that is
    /// less.
    pub at_most: u32,
}

impl Executing {
    pub(super) fn from_traced(traced: &Traced) -> Self {
        /// The CPUs that the harness itself uses while it records.
        const HARNESS: f64 = 0.1;
        let at_most = traced.lanes.max_executing().min(traced.cpus);
        let average = traced.cpu_ns as f64 / traced.wall_ns.max(1) as f64;
        let used = traced.lanes.busiest.map_or(average, |busiest| busiest.cpus().max(average));
        let at_least = ((used - HARNESS).ceil() as u32).clamp(at_most.min(1), at_most);
        Self { at_least, at_most }
    }

    /// Returns the upper bound as a figure, exact if the two bounds agree.
    pub(super) fn as_figure(self) -> RoundFigure {
        let bound = if self.at_least == self.at_most { Bound::Exact } else { Bound::AtMost };
        RoundFigure::exact(self.at_most.into()).with_bound(bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Lanes, Slice, Span, What};

    #[test]
    fn executing_is_limited_by_cpu_time_and_by_recorded_lanes() {
        // The CPUs, their time in one second, and the number of lanes that work on a job each in that second.
        let traced = |cpus, cpu_ms: u64, worked_on: u32, busiest: Option<Slice>| {
            let span = |lane| Span { lane, job: lane, what: What::Run, start: 0, end: 1_000_000_000 };
            let lanes = Lanes { spans: (0..worked_on).map(span).collect(), busiest, ..Lanes::default() };
            let cpu_ns = cpu_ms * 1_000_000;
            Traced { cpus, wall_ns: 1_000_000_000, jobs: 8, cpu_ns, lanes, footprint: None }
        };
        let shown = |traced: Traced| {
            let figure = Executing::from_traced(&traced).as_figure();
            format!("{}{}", figure.bound.sign(), figure.value)
        };
        let check = |cpus, cpu_ms: u64, worked_on: u32, expected: &str| {
            assert_eq!(shown(traced(cpus, cpu_ms, worked_on, None)), expected, "{cpus} {cpu_ms} {worked_on}");
        };
        // Hardly any CPU time on average, but all of two CPUs in one millisecond.
        let busiest = Some(Slice { cpu_ns: 1_900_000, wall_ns: 1_010_000 });
        assert_eq!(shown(traced(2, 20, 4, busiest)), "2");
        assert_eq!(shown(traced(4, 20, 4, busiest)), "≤ 4");
        assert_eq!(shown(traced(2, 20, 1, busiest)), "1");
        check(2, 1_950, 8, "2");
        check(2, 990, 1, "1");
        check(2, 20, 4, "≤ 2");
        check(64, 5_000, 8, "≤ 8");
        check(2, 20, 1, "1");
        check(2, 0, 0, "0");
        // The harness itself uses some CPU time too.
        check(2, 1_030, 2, "≤ 2");
    }
}
