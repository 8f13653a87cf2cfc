//! Computes when each request of an open loop is due: a pure, seeded sequence of offsets, without a clock.
//!
//! Request k is due when the expected number of requests reaches `u(k)`: `u(k) = k` for even arrivals. For a Poisson
//! process, `u(k)` is the sum of k + 1 exponential variates of mean 1 (Lewis and Shedler 1979: for a rate that changes
//! with time, put the same `u` through the inverse of the integrated rate). With a constant rate the inverse is `u /
//! rate`. Every offset has a closed form in `u`, so errors never accumulate.

mod shard;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::random;

pub use shard::{ScheduledRequest, Shard, ShardError, ShardRequests};

/// The arrival process of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// A Poisson process: arrivals are independent of each other, like those of many people.
    #[default]
    Poisson,
    /// Arrivals at equal intervals, like a metronome.
    Even,
}

impl Arrivals {
    /// The words of scenarios and the command line.
    pub const NAMES: &'static [&'static str] = &["poisson", "even"];

    /// Returns the word of scenarios and the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Poisson => "poisson",
            Self::Even => "even",
        }
    }
}

/// How a generator thread waits until a request is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pacing {
    /// A timer wakes the thread: some 50 us late, without CPU use while it waits.
    Sleep,
    /// A timer wakes the thread shortly before, and it polls the clock from then on, yielding its CPU between two
    /// readings; after a request it polls for the answer for a moment before it sleeps. If another program takes the
    /// CPU meanwhile, the thread uses the timer alone for a while, because polling would then make it later.
    #[default]
    Hybrid,
    /// The thread polls the clock all the time, yielding its CPU between two readings: the load of one CPU.
    Spin,
}

impl Pacing {
    /// The words of scenarios and the command line.
    pub const NAMES: &'static [&'static str] = &["hybrid", "sleep", "spin"];

    /// Returns the word of scenarios and the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sleep => "sleep",
            Self::Hybrid => "hybrid",
            Self::Spin => "spin",
        }
    }
}

/// The schedule of an open loop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Requests per second, greater than 0.
    pub rate: f64,
    /// The arrival process.
    pub arrivals: Arrivals,
    /// The seed of the random draws.
    pub seed: u64,
}

impl Schedule {
    /// Returns when each request is due, in nanoseconds from the start, without end. Reproducible; takes a few
    /// nanoseconds each and no memory.
    pub fn offsets(&self) -> Offsets {
        Offsets { schedule: *self, rng: random::stream(self.seed, u64::MAX), n: 0, expected: 0.0 }
    }
}

/// The iterator that [`Schedule::offsets`] returns.
#[derive(Clone, Debug)]
pub struct Offsets {
    schedule: Schedule,
    rng: Rng,
    n: u64,
    expected: f64,
}

impl Iterator for Offsets {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        match self.schedule.arrivals {
            Arrivals::Even => self.expected = self.n as f64,
            // The argument is never 0, because the random number is less than 1; the logarithm of 0 is infinite.
            Arrivals::Poisson => self.expected -= (1.0 - self.rng.f64()).ln(),
        }
        self.n += 1;
        Some((self.expected / self.schedule.rate * 1e9).round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 1_000.0;

    fn poisson(seed: u64) -> impl Iterator<Item = u64> {
        Schedule { rate: RATE, arrivals: Arrivals::Poisson, seed }.offsets()
    }

    #[test]
    fn even_arrivals_stay_exact_over_a_long_time() {
        let offsets = |rate| Schedule { rate, arrivals: Arrivals::Even, seed: 1 }.offsets();
        assert_eq!(offsets(1_000.0).take(4).collect::<Vec<_>>(), [0, 1_000_000, 2_000_000, 3_000_000]);
        assert_eq!(offsets(3.0).nth(3_000_000), Some(1_000_000_000_000_000));
        assert_eq!(offsets(1_000.0).take_while(|at| *at < 10_000_000_000).count(), 10_000);
        assert_eq!(offsets(0.1).nth(1), Some(10_000_000_000));
    }

    #[test]
    fn the_same_seed_gives_the_same_schedule() {
        assert!(poisson(7).take(1_000).eq(poisson(7).take(1_000)));
        assert!(poisson(7).take(1_000).ne(poisson(8).take(1_000)));
        assert!(poisson(7).take(100_000).is_sorted());
    }

    /// Kolmogorov-Smirnov test: the largest distance between the gaps' distribution and the exponential one. At n =
    /// 10,000 a true Poisson process stays below 1.95 / sqrt(n) in 999 of 1,000 cases; all 20 seeds here do.
    #[test]
    fn gaps_of_poisson_arrivals_pass_a_ks_test() {
        const N: usize = 10_000;
        for seed in 0..20 {
            let offsets: Vec<u64> = poisson(seed).take(N).collect();
            let gap = |k: usize| (offsets[k] - k.checked_sub(1).map_or(0, |before| offsets[before])) as f64;
            let mut gaps: Vec<f64> = (0..N).map(|k| gap(k) / 1e9 * RATE).collect();
            gaps.sort_by(f64::total_cmp);
            let distance = |(k, gap): (usize, &f64)| {
                let law = 1.0 - (-gap).exp();
                (law - k as f64 / N as f64).abs().max((law - (k + 1) as f64 / N as f64).abs())
            };
            let largest = gaps.iter().enumerate().map(distance).fold(0.0, f64::max);
            assert!(largest < 1.95 / (N as f64).sqrt(), "seed {seed}: {largest}");
        }
    }

    /// Counts in windows of one second: their variance equals their mean for a Poisson process, and is zero for even
    /// arrivals. With 1,000 windows the ratio's standard deviation is 0.045; four of them are allowed.
    #[test]
    fn counts_have_the_dispersion_of_their_process() {
        for (arrivals, low, high) in [(Arrivals::Poisson, 0.82, 1.18), (Arrivals::Even, 0.0, 1e-9)] {
            let mut counts = [0_f64; 1_000];
            for at in (Schedule { rate: RATE, arrivals, seed: 3 }).offsets() {
                match counts.get_mut((at / 1_000_000_000) as usize) {
                    Some(count) => *count += 1.0,
                    None => break,
                }
            }
            let mean = counts.iter().sum::<f64>() / 1e3;
            let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 1e3;
            assert!((low..=high).contains(&(variance / mean)), "{arrivals:?}: {}", variance / mean);
        }
    }
}
