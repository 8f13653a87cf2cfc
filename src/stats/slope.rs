//! Estimates whether something rose or fell over time.

use super::Interval;
use super::student::Z;

/// The slope of a line through points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slope {
    /// The median of the slopes between all pairs of points.
    pub slope: f64,
    /// The interval of the slope, with [`CONFIDENCE`](super::CONFIDENCE); `None` with fewer than six points.
    pub interval: Option<Interval>,
}

/// Returns Theil's slope through points, and Sen's interval for it (Sen, Journal of the American Statistical
/// Association, 1968: the slopes that Kendall's test would not reject, by the normal law); `None` with fewer than two
/// different places. One point in four may be an outlier. Takes n² / 2 steps.
pub fn slope(points: &[(f64, f64)]) -> Option<Slope> {
    let pairs = points.iter().enumerate().flat_map(|(i, a)| points[i + 1..].iter().map(move |b| (a, b)));
    let mut slopes: Vec<f64> = pairs.filter(|(a, b)| a.0 != b.0).map(|(a, b)| (b.1 - a.1) / (b.0 - a.0)).collect();
    slopes.sort_unstable_by(f64::total_cmp);
    let count = slopes.len();
    let median = f64::midpoint(*slopes.get(count.checked_sub(1)? / 2)?, slopes[count / 2]);
    let n = points.len() as f64;
    let width = Z * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    // Gilbert's ranks (Statistical Methods for Environmental Pollution Monitoring, 16.5), counted from 0.
    let (low, high) = (((count as f64 - width) / 2.0).floor() - 1.0, ((count as f64 + width) / 2.0).ceil());
    let known = points.len() >= 6 && low >= 0.0 && (high as usize) < count;
    let interval = known.then(|| Interval { low: slopes[low as usize], high: slopes[high as usize] });
    Some(Slope { slope: median, interval })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlier_does_not_change_the_slope() {
        let mut points: Vec<(f64, f64)> = (0..10).map(|x| (f64::from(x), 3.0 * f64::from(x) + 1.0)).collect();
        points[4].1 = 1e9;
        let found = slope(&points).unwrap();
        assert!((found.slope - 3.0).abs() < 1e-9 && found.interval.is_some_and(|i| i.holds(3.0)), "{found:?}");
    }

    #[test]
    fn too_few_points_have_no_slope() {
        assert_eq!((slope(&[]), slope(&[(1.0, 1.0)]), slope(&[(1.0, 1.0), (1.0, 2.0)])), (None, None, None));
        assert_eq!(slope(&[(0.0, 0.0), (2.0, 1.0)]), Some(Slope { slope: 0.5, interval: None }));
    }
}
