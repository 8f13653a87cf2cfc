//! How much a machine computes at once.

use serde::{Deserialize, Serialize};

/// How many times the work of one thread so many threads that compute do: P of so many. Two CPUs may be two halves of
/// one core, so it is measured and not counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parallel {
    /// Threads, rising from 1 to the number of CPUs, and their factor.
    points: Vec<(u32, f64)>,
}

impl Parallel {
    /// As if every CPU were a core of its own.
    pub fn ideal(cpus: u32) -> Self {
        Self { points: vec![(1, 1.0), (cpus.max(1), f64::from(cpus.max(1)))] }
    }

    /// As measured: threads, rising from 1, and what they do by what one does. More threads never do less, and none does
    /// more than its own.
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

    /// The better of two measurements of one machine: what disturbs one of them only takes away.
    pub fn best(&self, other: &Self) -> Self {
        Self::measured(self.points.iter().map(|(threads, factor)| (*threads, factor.max(other.of(*threads)))))
    }

    /// CPUs.
    pub fn cpus(&self) -> u32 {
        self.points.last().map_or(1, |(threads, _)| *threads)
    }

    /// The factor of so many threads; of more than there are CPUs that of all CPUs, in between on a straight line.
    pub fn of(&self, threads: u32) -> f64 {
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

    /// What was measured, threads and factor.
    pub fn points(&self) -> &[(u32, f64)] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_measurements_is_a_line_and_beyond_the_last_nothing_more() {
        let machine = Parallel::measured([(2, 1.9), (4, 2.5)]);
        assert_eq!((machine.of(0), machine.of(1), machine.of(2), machine.of(4)), (1.0, 1.0, 1.9, 2.5));
        assert!((machine.of(3) - 2.2).abs() < 1e-9);
        assert_eq!((machine.of(1_000), machine.cpus()), (2.5, 4));
        assert_eq!((Parallel::ideal(8).of(3), Parallel::ideal(8).of(100)), (3.0, 8.0));
        assert_eq!((Parallel::ideal(1).of(1), Parallel::ideal(1).of(9), Parallel::ideal(1).cpus()), (1.0, 1.0, 1));
    }

    #[test]
    fn a_measurement_beyond_sense_is_brought_back() {
        let machine = Parallel::measured([(2, 2.3), (4, 1.5), (8, f64::NAN)]);
        assert_eq!(machine.points(), [(1, 1.0), (2, 2.0), (4, 2.0)]);
    }

    #[test]
    fn of_two_measurements_the_better_one_counts() {
        let (calm, disturbed) = (Parallel::measured([(2, 2.0), (4, 3.0)]), Parallel::measured([(2, 1.5), (4, 3.5)]));
        assert_eq!(calm.best(&disturbed).points(), [(1, 1.0), (2, 2.0), (4, 3.5)]);
        assert_eq!(disturbed.best(&calm), calm.best(&disturbed));
    }
}
