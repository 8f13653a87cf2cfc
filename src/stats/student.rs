//! Computes Student's t, and the factors that widen intervals from few values.

use super::CONFIDENCE;

/// The value that a standard normal variable exceeds, in absolute terms, in 5 of 100 cases.
pub(super) const Z: f64 = 1.959_964;

/// Returns the factor by which to move the percentiles of a bootstrap of `n` values away from the figure itself.
///
/// A resample of few values spreads too little: its variance is that of the values, divided by n and not by n - 1, and
/// the bootstrap does not allow for that variance being unknown. The factor is the ratio of Student's t to the normal
/// law, √(n/(n-1)) t/z: 1.44 for 6 values, 1.22 for 10. Hesterberg (What Teachers Should Know About the Bootstrap,
/// 2015, section 4.4) goes further out into the tail instead. With 6 values, whose resamples have no long tails, that
/// interval contains the truth in 93.3 of 100 cases and this one in 94.6; with outliers, in 93.6 and 95.7 (20,000
/// simulated runs each).
pub(super) fn t_factor(n: usize) -> f64 {
    let free = n.saturating_sub(1).max(1);
    (n as f64 / free as f64).sqrt() * quantile(free, CONFIDENCE) / Z
}

/// Returns the factor for the difference of the means of two groups, with Welch's degrees of freedom (Biometrika,
/// 1947), rounded down.
pub(super) fn t_factor_of_two(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (Spreading::from_values(a), Spreading::from_values(b));
    let all = a.of_mean + b.of_mean;
    if all <= 0.0 {
        return 1.0;
    }
    let free = all * all / (a.of_mean * a.of_mean / (a.n - 1.0) + b.of_mean * b.of_mean / (b.n - 1.0));
    let resampled = a.of_mean * (a.n - 1.0) / a.n + b.of_mean * (b.n - 1.0) / b.n;
    (all / resampled).sqrt() * quantile((free as usize).max(1), CONFIDENCE) / Z
}

/// The variation of the mean of `n` values.
struct Spreading {
    n: f64,
    of_mean: f64,
}

impl Spreading {
    /// Computes the variation from at least two values.
    fn from_values(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { n, of_mean: squares / (n - 1.0) / n }
    }
}

/// Returns the two-sided quantile of Student's distribution: with `free` degrees of freedom, a variable lies within
/// this distance of 0 with the probability `within`.
pub(super) fn quantile(free: usize, within: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1_000.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if probability(middle, free) < within { low = middle } else { high = middle }
    }
    low
}

/// Returns the probability that a variable with `free` degrees of freedom lies between -t and t (Abramowitz and Stegun,
/// 26.7.3 and 26.7.4).
fn probability(t: f64, free: usize) -> f64 {
    let angle = (t / (free as f64).sqrt()).atan();
    let (sin, cos) = angle.sin_cos();
    let odd = free % 2 == 1;
    // 1 + 1/2 cos^2 + 1*3/(2*4) cos^4 ... for even degrees, cos + 2/3 cos^3 + 2*4/(3*5) cos^5 ... for odd ones.
    let mut term = if odd { cos } else { 1.0 };
    let mut sum = 0.0;
    let mut power = usize::from(odd);
    while power + 2 <= free {
        sum += term;
        term *= cos * cos * (power + 1) as f64 / (power + 2) as f64;
        power += 2;
    }
    if odd { (angle + sin * sum) * std::f64::consts::FRAC_2_PI } else { sin * sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantiles_match_the_tables() {
        for (free, t) in [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (9, 2.262), (30, 2.042), (1_000, 1.962)] {
            let found = quantile(free, CONFIDENCE);
            assert!((found - t).abs() < 0.001, "{free}: {found}");
        }
        // One-sided 80 %.
        for (free, t) in [(5, 0.920), (9, 0.883), (30, 0.854)] {
            assert!((quantile(free, 0.6) - t).abs() < 0.001, "{free}: {}", quantile(free, 0.6));
        }
    }

    #[test]
    fn two_groups_of_equal_size_have_twice_the_degrees_of_freedom() {
        let group = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        // t with 10 degrees of freedom is 2.228.
        assert!((t_factor_of_two(&group, &group) - (6.0_f64 / 5.0).sqrt() * 2.228 / Z).abs() < 0.001);
        assert!((t_factor_of_two(&group, &[1.0; 6]) - t_factor(6)).abs() < 0.001, "only one group varies");
        assert_eq!(t_factor_of_two(&[1.0; 6], &[2.0; 6]), 1.0);
    }

    #[test]
    fn fewer_values_have_a_larger_t_factor() {
        assert!((t_factor(6) - 1.437).abs() < 0.001, "{}", t_factor(6));
        assert!((t_factor(10) - 1.217).abs() < 0.001, "{}", t_factor(10));
        assert!((t_factor(10_000) - 1.0).abs() < 0.001, "{}", t_factor(10_000));
    }
}
