//! Computes the minimum detectable difference from the noise of an A/A control.

use super::student;
use super::{FEWEST, Ratio};

/// The noise between two identical cells (A/A) from round to round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// The sum of the squared logarithms of their ratios.
    squares: f64,
    /// The number of pairs.
    pairs: usize,
}

impl Noise {
    /// Computes the noise from the figures of two identical cells in the same rounds; `None` without a pair, or if a
    /// figure is not above 0.
    pub fn from_pairs(pairs: &[(f64, f64)]) -> Option<Self> {
        let squares = pairs.iter().map(|(a, b)| Some((super::ratio::ln(*b)? - super::ratio::ln(*a)?).powi(2)));
        let squares: f64 = squares.sum::<Option<f64>>()?;
        (!pairs.is_empty()).then_some(Self { squares, pairs: pairs.len() })
    }

    /// Pools this noise with other noise of the same metric.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { squares: self.squares + other.squares, pairs: self.pairs + other.pairs }
    }

    /// Returns the noise floor: the ratio (at least 1) that two identical cells exceed in 5 of 100 cases over this many
    /// rounds.
    ///
    /// The noise floor is Student's quantile times the standard error of the mean logarithm. The true mean of an A/A
    /// pair is 0, so every pair is a degree of freedom.
    pub fn floor(&self, rounds: usize) -> f64 {
        let error = (self.squares / self.pairs as f64 / rounds.max(1) as f64).sqrt();
        (student::quantile(self.pairs, super::CONFIDENCE) * error).exp()
    }
}

impl Ratio {
    /// Returns the minimum detectable difference, as a ratio of at least 1: a true difference of this size would be
    /// found four times in five, where found means that its interval leaves out 1 and that it exceeds the noise floor.
    /// `None` for a bound, or with fewer than [`FEWEST`] rounds.
    ///
    /// For a paired t-test with n - 1 degrees of freedom it is (t(0.975) + t(0.80)) s / sqrt(n) on the log scale
    /// (Cohen, Statistical Power Analysis, 1988, section 2.4, with Student's quantiles in place of the normal ones).
    /// The variance s² is pooled over the A/A control and the rounds of the ratio itself. With ν degrees of freedom in
    /// all, the factor 1 + 1.25/ν allows for the noise floor and for s² being an estimate. In simulations with 6 and 10
    /// rounds and controls at 1, 2 and 4 points, a difference of this size is found in 78 to 83 of 100 cases, and in 80
    /// to 84 if one round in ten is an outlier (`tests/it/stats.rs`).
    pub fn detectable(&self, control: Option<Noise>) -> Option<f64> {
        let known = self.rounds >= FEWEST && self.bound == super::Bound::Exact;
        known.then(|| self.detectable_in(self.rounds, control))
    }

    /// Returns the number of rounds in which a difference of this ratio would be found four times in five, if they are
    /// as noisy as these; `None` if these rounds cannot predict it, or if it exceeds `most`.
    pub fn rounds_to_find(&self, control: Option<Noise>, difference: f64, most: usize) -> Option<usize> {
        self.detectable(control)?;
        let (mut too_few, mut enough) = (FEWEST - 1, most);
        if self.detectable_in(most, control) > difference {
            return None;
        }
        while enough - too_few > 1 {
            let middle = usize::midpoint(too_few, enough);
            if self.detectable_in(middle, control) > difference { too_few = middle } else { enough = middle }
        }
        Some(enough)
    }

    /// Returns the minimum detectable difference in this many rounds that are as noisy as these.
    fn detectable_in(&self, rounds: usize, control: Option<Noise>) -> f64 {
        let own = (self.rounds - 1) as f64;
        let (squares, pairs) = control.map_or((0.0, 0.0), |control| (control.squares, control.pairs as f64));
        let variance = (self.variance * own + squares) / (own + pairs);
        // With more rounds, the control has more pairs as well.
        let freedom = (own + pairs) * rounds as f64 / self.rounds as f64;
        // One-sided 80 % is two-sided 60 %.
        let quantiles = student::quantile(rounds - 1, super::CONFIDENCE) + student::quantile(rounds - 1, 0.6);
        (quantiles * (variance / rounds as f64).sqrt() * (1.0 + 1.25 / freedom)).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::ratio;

    #[test]
    fn the_noise_floor_of_equal_pairs_is_1_and_grows_with_their_difference() {
        let noise =
            |by: f64| Noise::from_pairs(&[(1.0, by), (by, 1.0), (1.0, by), (by, 1.0), (1.0, by), (by, 1.0)]).unwrap();
        assert_eq!(noise(1.0).floor(6), 1.0);
        // t(0.975, 6) = 2.447, and the standard error is ln(1.1) / sqrt(6).
        assert!((noise(1.1).floor(6).ln() - 2.447 * 1.1_f64.ln() / 6_f64.sqrt()).abs() < 1e-3);
        assert!(noise(1.1).and(noise(1.3)).floor(6) > noise(1.1).floor(6));
        assert_eq!((Noise::from_pairs(&[]), Noise::from_pairs(&[(1.0, 0.0)])), (None, None));
    }

    #[test]
    fn more_rounds_detect_smaller_differences() {
        let pairs = |n: usize| (0..n).map(|i| (1.0, if i % 2 == 0 { 1.1 } else { 0.9 })).collect::<Vec<_>>();
        let [six, twenty] = [6, 20].map(|n| ratio(&pairs(n), 1).unwrap());
        let (few, many) = (six.detectable(None).unwrap(), twenty.detectable(None).unwrap());
        assert!(1.05 < many && many < few && few < 1.3, "{few} {many}");
        assert!(six.rounds_to_find(None, many, 1_000).unwrap().abs_diff(20) <= 3);
        assert_eq!(
            (six.rounds_to_find(None, few * 1.01, 1_000), six.rounds_to_find(None, 1.001, 1_000)),
            (Some(6), None)
        );
        assert_eq!(ratio(&pairs(5), 1).unwrap().detectable(None), None);
    }
}
