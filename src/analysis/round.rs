//! Holds a figure in one round, and its estimate over the rounds.

use crate::scenario::{Metric, OverRounds};
use crate::stats::{Bound, Interval, Spread};

/// The figure of one trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoundFigure {
    /// The value, in the unit of its metric.
    pub value: f64,
    /// Whether the value is exact or only a bound.
    pub bound: Bound,
    /// The smallest figure above 0 that the trial could measure.
    pub(super) smallest: f64,
}

impl RoundFigure {
    /// Returns an exact figure.
    pub(super) fn exact(value: f64) -> Self {
        Self { value, bound: Bound::Exact, smallest: 0.0 }
    }

    /// Returns the figure with this bound.
    pub(super) fn with_bound(self, bound: Bound) -> Self {
        Self { bound, ..self }
    }

    /// Returns the figure for use in a ratio, where it must be above 0: 0 becomes the smallest figure the trial could
    /// measure, as an upper bound.
    pub(super) fn in_ratio(&self) -> (f64, Bound) {
        if self.value > 0.0 { (self.value, self.bound) } else { (self.smallest, Bound::AtMost) }
    }
}

/// A figure of a cell over its rounds. Exists only if no round lacks the figure, as those that lack it are the worst as
/// a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The metric of the figure.
    pub metric: Metric,
    /// The figure of each trial, by its round; the round is `None` for the trial that recorded lanes.
    pub rounds: Vec<(Option<u32>, RoundFigure)>,
    /// The median, the extremes and the interval.
    pub spread: Spread,
}

impl Estimate {
    /// Builds the estimate from the rounds; `None` if there are none.
    pub(super) fn from_rounds(metric: Metric, rounds: Vec<(Option<u32>, RoundFigure)>) -> Option<Self> {
        let spread = Spread::summarize(rounds.iter().map(|(_, figure)| figure.value))?;
        Some(Self { metric, rounds, spread })
    }

    /// Returns the figure of the cell: the median of the rounds, or the largest.
    pub fn value(&self) -> f64 {
        match self.metric.over_rounds() {
            OverRounds::Median => self.spread.median,
            OverRounds::Largest => self.spread.max,
        }
    }

    /// Returns whether [`value`](Self::value) is exact or only a bound.
    pub fn bound(&self) -> Bound {
        match self.metric.over_rounds() {
            OverRounds::Median => self.bound_at(self.spread.median),
            // Any round with a bound may have had the largest.
            OverRounds::Largest => self.bounds().fold(Bound::Exact, Bound::and),
        }
    }

    /// Returns the confidence interval of the median, or the range if there are too few rounds, with the bound of each
    /// end; `None` for the largest, which has no interval.
    pub fn range(&self) -> Option<(Interval, [Bound; 2])> {
        let interval = self.spread.range();
        let bounds = [interval.low, interval.high].map(|end| self.bound_at(end));
        (self.metric.over_rounds() == OverRounds::Median).then_some((interval, bounds))
    }

    /// Returns whether a quantile at this value is only a bound: a lower bound below it may truly lie above it, and an
    /// upper bound above it may truly lie below.
    fn bound_at(&self, value: f64) -> Bound {
        let reaches = |figure: &RoundFigure| match figure.bound {
            Bound::Exact => false,
            Bound::AtLeast => figure.value <= value,
            Bound::AtMost => figure.value >= value,
            Bound::Unknown => true,
        };
        let reaching = self.rounds.iter().map(|(_, figure)| figure).filter(|figure| reaches(figure));
        reaching.fold(Bound::Exact, |all, figure| all.and(figure.bound))
    }

    fn bounds(&self) -> impl Iterator<Item = Bound> {
        self.rounds.iter().map(|(_, figure)| figure.bound)
    }

    /// Returns the estimate without these rounds; `None` if none is left out, or all are.
    pub fn without(&self, left_out: &[u32]) -> Option<Self> {
        let is_kept = |round: &Option<u32>| round.is_none_or(|round| !left_out.contains(&round));
        let kept: Vec<_> = self.rounds.iter().filter(|(round, _)| is_kept(round)).copied().collect();
        (kept.len() < self.rounds.len()).then(|| Self::from_rounds(self.metric, kept)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(metric: Metric, rounds: &[(f64, Bound)]) -> Estimate {
        let figures = rounds.iter().map(|(value, bound)| RoundFigure::exact(*value).with_bound(*bound));
        Estimate::from_rounds(metric, (1..).map(Some).zip(figures).collect()).unwrap()
    }

    #[test]
    fn a_bound_marks_only_the_figures_based_on_it() {
        const EXACT: Bound = Bound::Exact;
        let check = |rounds: [(f64, Bound); 6], median: Bound, ends: [Bound; 2]| {
            let found = estimate(Metric::P99, &rounds);
            assert_eq!((found.value(), found.bound(), found.range().unwrap().1), (3.5, median, ends), "{rounds:?}");
        };
        let rounds = |place: usize, bound| {
            let mut rounds = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0].map(|value| (value, EXACT));
            rounds[place].1 = bound;
            rounds
        };
        check(rounds(0, EXACT), EXACT, [EXACT, EXACT]);
        // The median does not depend on the slowest round.
        check(rounds(5, Bound::AtLeast), EXACT, [EXACT, Bound::AtLeast]);
        check(rounds(0, Bound::AtLeast), Bound::AtLeast, [Bound::AtLeast, Bound::AtLeast]);
        check(rounds(0, Bound::AtMost), EXACT, [Bound::AtMost, EXACT]);
        check(rounds(5, Bound::AtMost), Bound::AtMost, [Bound::AtMost, Bound::AtMost]);
        check(rounds(2, Bound::Unknown), Bound::Unknown, [Bound::Unknown, Bound::Unknown]);
    }

    #[test]
    fn the_maximum_is_taken_over_all_rounds_and_has_no_interval() {
        let found = estimate(Metric::Max, &[(0.4, Bound::Exact), (12.4, Bound::Exact), (0.5, Bound::Exact)]);
        assert_eq!((found.value(), found.bound(), found.range()), (12.4, Bound::Exact, None));
        let found = estimate(Metric::Max, &[(0.4, Bound::AtLeast), (12.4, Bound::Exact)]);
        assert_eq!((found.value(), found.bound()), (12.4, Bound::AtLeast));
    }

    #[test]
    fn rounds_are_excluded_by_number() {
        let all = estimate(Metric::Wall, &[(1.0, Bound::Exact), (2.0, Bound::Exact), (9.0, Bound::Exact)]);
        assert_eq!(all.without(&[3]).unwrap().value(), 1.5);
        assert_eq!((all.without(&[]), all.without(&[1, 2, 3])), (None, None));
    }
}
