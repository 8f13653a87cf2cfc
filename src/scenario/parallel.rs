//! How much a machine computes in parallel.

use serde::{Deserialize, Serialize};

use super::Work;

/// The parallel speed-up P(t): how much t computing threads do, as a multiple of one. Two CPUs may be halves of one
/// core, so it is measured and not counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(u32, f64)>", into = "Vec<(u32, f64)>")]
pub struct Parallel {
    /// Numbers of threads, rising from 1 to the number of CPUs, each with its factor.
    points: Vec<(u32, f64)>,
}

/// An upper bound on the CPUs of any machine.
const MOST_CPUS: u32 = 1 << 16;

impl Parallel {
    /// Returns the speed-up of a machine on which every CPU is a whole core.
    pub fn ideal(cpus: u32) -> Self {
        Self { points: vec![(1, 1.0), (cpus.max(1), f64::from(cpus.max(1)))] }
    }

    /// Builds the speed-up from measurements: numbers of threads, rising from 1, each with its factor. Corrects noise:
    /// more threads never do less, and no thread does more than one alone.
    pub fn measured(factors: impl IntoIterator<Item = (u32, f64)>) -> Self {
        let mut points: Vec<(u32, f64)> = vec![(1, 1.0)];
        for (threads, factor) in factors {
            let (before, least) = points[points.len() - 1];
            if threads > before && factor.is_finite() {
                points.push((threads, factor.clamp(least, f64::from(threads))));
            }
        }
        Self { points }
    }

    /// Returns the better of two measurements of one machine, because disturbances only reduce the result.
    pub fn best(&self, other: &Self) -> Self {
        Self::measured(self.points.iter().map(|(threads, factor)| (*threads, factor.max(other.factor(*threads)))))
    }

    /// Returns the speed-up of at most this many of its CPUs.
    pub fn at_most(&self, cpus: u32) -> Self {
        let cpus = cpus.clamp(1, self.cpus());
        let fewer = self.points.iter().copied().filter(|(threads, _)| *threads < cpus);
        Self::measured(fewer.chain([(cpus, self.factor(cpus))]))
    }

    /// Returns the number of CPUs.
    pub fn cpus(&self) -> u32 {
        self.points.last().map_or(1, |(threads, _)| *threads)
    }

    /// Returns the factor of this many threads, interpolated linearly; beyond the number of CPUs, that of all CPUs.
    pub fn factor(&self, threads: u32) -> f64 {
        let beyond = self.points.iter().position(|(at, _)| *at >= threads);
        match beyond {
            None => self.points.last().map_or(1.0, |(_, factor)| *factor),
            Some(0) => 1.0,
            Some(i) => {
                let ((from, low), (to, high)) = (self.points[i - 1], self.points[i]);
                low + (high - low) * f64::from(threads - from) / f64::from(to - from)
            }
        }
    }

    /// Returns the measured numbers of threads, each with its factor.
    pub fn points(&self) -> &[(u32, f64)] {
        &self.points
    }
}

impl From<Parallel> for Vec<(u32, f64)> {
    fn from(parallel: Parallel) -> Self {
        parallel.points
    }
}

impl TryFrom<Vec<(u32, f64)>> for Parallel {
    type Error = String;

    /// Parses the points of a file; only those that [`measured`](Self::measured) returns are valid.
    fn try_from(points: Vec<(u32, f64)>) -> Result<Self, String> {
        let measured = Self::measured(points.iter().skip(1).copied());
        if measured.points == points && measured.cpus() <= MOST_CPUS {
            Ok(measured)
        } else {
            Err(format!("parallel: invalid points {points:?}"))
        }
    }
}

/// The speed-up of a machine on all CPUs, and on each number of CPUs that a scenario pins to. The first two CPUs may
/// differ from any other two, so each number is measured separately.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The speed-up on all CPUs.
    all: Parallel,
    /// For each number of CPUs that a scenario pins to, the speed-up on that many of the first CPUs, or on all if there
    /// are fewer.
    pinned: Vec<(u32, Parallel)>,
}

impl Machine {
    /// Builds a machine from measurements.
    pub fn new(all: Parallel, pinned: Vec<(u32, Parallel)>) -> Self {
        Self { all, pinned }
    }

    /// Returns the speed-up on all CPUs.
    pub fn all(&self) -> &Parallel {
        &self.all
    }

    /// Returns each number of CPUs that a scenario pins to, with its speed-up.
    pub fn pinned(&self) -> &[(u32, Parallel)] {
        &self.pinned
    }

    /// Returns the speed-up on the CPUs that this work is pinned to, or on all.
    pub fn for_work(&self, work: &Work) -> Parallel {
        match work.cpus() {
            None => self.all.clone(),
            Some(cpus) => {
                let measured = self.pinned.iter().find(|(pinned, _)| *pinned == cpus);
                measured.map_or_else(|| self.all.at_most(cpus), |(_, parallel)| parallel.clone())
            }
        }
    }

    /// Returns the better of two measurements for each number of CPUs.
    pub fn best(&self, other: &Self) -> Self {
        let better = |(cpus, parallel): &(u32, Parallel)| {
            let again = other.pinned.iter().find(|(pinned, _)| pinned == cpus);
            (*cpus, again.map_or_else(|| parallel.clone(), |(_, again)| parallel.best(again)))
        };
        Self { all: self.all.best(&other.all), pinned: self.pinned.iter().map(better).collect() }
    }
}

/// Builds a machine without any pinned numbers of CPUs.
impl From<Parallel> for Machine {
    fn from(all: Parallel) -> Self {
        Self { all, pinned: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario::SleepSpec;

    #[test]
    fn a_part_of_a_machine_has_no_more_cpus_than_its_limit() {
        let machine = Parallel::measured([(2, 1.9), (4, 2.5)]);
        for (cpus, points) in [
            (0, vec![(1, 1.0)]),
            (1, vec![(1, 1.0)]),
            (2, vec![(1, 1.0), (2, 1.9)]),
            (3, vec![(1, 1.0), (2, 1.9), (3, 2.2)]),
            (4, vec![(1, 1.0), (2, 1.9), (4, 2.5)]),
            (64, vec![(1, 1.0), (2, 1.9), (4, 2.5)]),
        ] {
            assert_eq!(machine.at_most(cpus).points(), points, "{cpus} CPUs");
        }
    }

    #[test]
    fn pinned_work_uses_the_measurement_of_its_own_cpus() {
        let work =
            |cpus| Work::Sleep(SleepSpec { jobs: 1, wait: Duration::from_millis(1), cpus, ..SleepSpec::default() });
        let all = Parallel::measured([(2, 1.9), (4, 2.5)]);
        let two = Parallel::measured([(2, 1.25)]);
        let machine = Machine::new(all.clone(), vec![(2, two.clone()), (64, all.clone())]);
        assert_eq!((machine.for_work(&work(None)), machine.for_work(&work(Some(2)))), (all.clone(), two.clone()));
        assert_eq!(machine.for_work(&work(Some(64))), all, "measured on all CPUs of the machine");
        assert_eq!(machine.for_work(&work(Some(1))), Parallel::measured([]), "not measured: derived from all CPUs");

        let again = Machine::new(Parallel::measured([(2, 1.8), (4, 3.0)]), vec![(2, Parallel::measured([(2, 1.5)]))]);
        let best = machine.best(&again);
        assert_eq!(best.all(), &Parallel::measured([(2, 1.9), (4, 3.0)]));
        assert_eq!(best.pinned(), [(2, Parallel::measured([(2, 1.5)])), (64, all)]);
        let text = serde_json::to_string(&best).unwrap();
        assert_eq!(serde_json::from_str::<Machine>(&text).unwrap(), best);
    }

    #[test]
    fn the_factor_is_interpolated_and_constant_beyond_the_last_measurement() {
        let machine = Parallel::measured([(2, 1.9), (4, 2.5)]);
        assert_eq!((machine.factor(0), machine.factor(1), machine.factor(2), machine.factor(4)), (1.0, 1.0, 1.9, 2.5));
        assert!((machine.factor(3) - 2.2).abs() < 1e-9);
        assert_eq!((machine.factor(1_000), machine.cpus()), (2.5, 4));
        assert_eq!((Parallel::ideal(8).factor(3), Parallel::ideal(8).factor(100)), (3.0, 8.0));
        assert_eq!(
            (Parallel::ideal(1).factor(1), Parallel::ideal(1).factor(9), Parallel::ideal(1).cpus()),
            (1.0, 1.0, 1)
        );
    }

    #[test]
    fn implausible_measurements_are_clamped() {
        let machine = Parallel::measured([(2, 2.3), (4, 1.5), (8, f64::NAN)]);
        assert_eq!(machine.points(), [(1, 1.0), (2, 2.0), (4, 2.0)]);
    }

    #[test]
    fn only_plausible_measurements_are_read() {
        let read = |json: &str| serde_json::from_str::<Parallel>(json).map(|parallel| parallel.points);
        assert_eq!(read("[[1,1.0]]").unwrap(), [(1, 1.0)]);
        assert_eq!(read("[[1,1.0],[2,1.9],[4,2.5]]").unwrap(), [(1, 1.0), (2, 1.9), (4, 2.5)]);
        for wrong in ["[]", "[[2,1.0]]", "[[1,0.5]]", "[[1,1.0],[1,1.0]]", "[[1,1.0],[4,2.0],[2,2.0]]"]
            .into_iter()
            .chain(["[[1,1.0],[2,0]]", "[[1,1.0],[2,2.5]]", "[[1,1.0],[2,1.9],[4,1.5]]", "[[1,1.0],[4000000000,2.0]]"])
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_better_of_two_measurements_counts() {
        let (quiet, disturbed) = (Parallel::measured([(2, 2.0), (4, 3.0)]), Parallel::measured([(2, 1.5), (4, 3.5)]));
        assert_eq!(quiet.best(&disturbed).points(), [(1, 1.0), (2, 2.0), (4, 3.5)]);
        assert_eq!(disturbed.best(&quiet), quiet.best(&disturbed));
    }
}
