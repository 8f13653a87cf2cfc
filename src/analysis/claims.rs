//! Judges claims by the measurements: reproduced, refuted, or inconclusive.
//!
//! An INVALID round stays among the others and widens the interval. If there are too many of them, or a gate over the
//! rounds calls them INVALID, the claim is inconclusive ([`PointSummary::invalidity`]).

use super::cell::CellSummary;
use super::findings::Invalidity;
use super::point::PointSummary;
use super::ratios;
use super::round::Estimate;
use crate::gate::{self, Finding};
use crate::scenario::{Against, Claim, Machine, Metric, Model, Point, PointSpec, Scenario, Work};
use crate::stats::{Bound, Interval, Ratio};

/// The verdict on a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimVerdict {
    /// The confidence interval lies within the bounds.
    Reproduced,
    /// The confidence interval lies partly within the bounds, or there is none.
    Inconclusive,
    /// The confidence interval lies outside the bounds.
    Refuted,
}

impl ClaimVerdict {
    /// All verdicts, the best first.
    pub const ALL: [Self; 3] = [Self::Reproduced, Self::Inconclusive, Self::Refuted];

    /// Returns the word for this verdict.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::Inconclusive => "inconclusive",
            Self::Refuted => "refuted",
        }
    }
}

/// The reason why a claim could not be decided, or the reservation about its verdict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reason {
    /// No reservation.
    Plain,
    /// The figure was not measured.
    NotMeasured,
    /// There are fewer rounds than an interval needs.
    TooFewRounds,
    /// The interval crosses a bound.
    Crosses,
    /// Only an upper bound of the figure is known.
    AtMost,
    /// The figure is based on requests that were never answered.
    Unanswered,
    /// A single stall of one kernel tick decides the figure.
    OneStall,
    /// The verdict is based on one trial.
    OneTrial,
    /// Some rounds are INVALID.
    Invalid {
        /// The number of INVALID rounds.
        invalid: usize,
        /// The number of all rounds.
        rounds: usize,
    },
    /// A gate over the rounds found them INVALID.
    InvalidRounds(Finding),
}

/// The statistic of the rounds that a claim compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// The median, for a comparison with a number.
    Median,
    /// The geometric mean, for a comparison with another model: the ratio of two such means is the mean ratio of the
    /// rounds.
    GeometricMean,
}

/// A claim, judged for one of its models at one point of its scenario.
#[derive(Clone, Debug)]
pub struct JudgedClaim<'a> {
    /// The claim.
    pub claim: &'a Claim,
    /// The model whose figure is judged, one of [`Claim::models`].
    pub model: Model,
    /// The point of the sweep; empty if nothing is swept.
    pub point: &'a Point,
    /// The work of the point.
    pub work: &'a Work,
    /// The figure over the rounds; `None` if it was not measured.
    pub rounds: Option<Estimate>,
    /// The statistic that `measured`, `expected` and `ratio` are taken from.
    pub statistic: Statistic,
    /// The measured figure, in the unit of its metric.
    pub measured: Option<f64>,
    /// The value to compare with, in the same unit: the formula's value, or the other model's figure.
    pub expected: Option<f64>,
    /// The ratio of `measured` to `expected`, with the interval that decides.
    pub ratio: Option<Ratio>,
    /// The verdict on the claim.
    pub verdict: ClaimVerdict,
    /// The reason for the verdict.
    pub reason: Reason,
}

/// Judges each claim of a scenario at each point it is about, for each of its models.
pub(super) fn judge_all<'a>(
    scenario: &'a Scenario,
    points: &[PointSummary],
    machine: &Machine,
) -> Vec<JudgedClaim<'a>> {
    let mut judged = Vec::new();
    for claim in &scenario.claims {
        let about = scenario.points.iter().zip(points).filter(|(point, _)| claim.is_about(&point.at));
        for (place, point) in about {
            judged.extend(claim.models.iter().map(|model| judge(claim, *model, place, point, machine)));
        }
    }
    judged
}

fn judge<'a>(
    claim: &'a Claim,
    model: Model,
    place: &'a PointSpec,
    point: &PointSummary,
    machine: &Machine,
) -> JudgedClaim<'a> {
    let cell = point.cell(model);
    let rounds = cell.and_then(|cell| cell.figure(claim.metric)).cloned();
    let (statistic, measured, expected, ratio) = match &claim.against {
        Against::Formula(formula) => {
            let value = cell.and_then(|cell| formula.value(&cell.cell.work, model, &machine.for_work(&cell.cell.work)));
            let expected = value.map(|value| value / claim.metric.scale());
            let ratio = rounds.as_ref().zip(expected).map(|(rounds, expected)| by_number(rounds, expected));
            (Statistic::Median, rounds.as_ref().map(Estimate::value), expected, ratio)
        }
        Against::Model(other) => {
            let ratio = point
                .with_all_jobs(*other)
                .zip(point.with_all_jobs(model))
                .and_then(|(below, above)| ratios::ratio(below, above, claim.metric, point.seed));
            let means = ratio.map(|ratio| ratio.means);
            (Statistic::GeometricMean, means.map(|[_, measured]| measured), means.map(|[expected, _]| expected), ratio)
        }
    };
    let (verdict, reason) = decide(claim, model, point, expected, ratio.as_ref());
    let PointSpec { at, work } = place;
    JudgedClaim { claim, model, point: at, work, rounds, statistic, measured, expected, ratio, verdict, reason }
}

fn decide(
    claim: &Claim,
    model: Model,
    point: &PointSummary,
    expected: Option<f64>,
    ratio: Option<&Ratio>,
) -> (ClaimVerdict, Reason) {
    let inconclusive = |reason| (ClaimVerdict::Inconclusive, reason);
    let Some(ratio) = ratio else { return inconclusive(Reason::NotMeasured) };
    let models: Vec<Model> = claim.compared(model).collect();
    let cells = || models.iter().filter_map(|model| point.cell(*model));
    // Figures that only the recorded trial has depend on the validity of the rounds as well.
    match models.iter().find_map(|model| point.invalidity(*model)) {
        Some(Invalidity::Trials { invalid, rounds }) => return inconclusive(Reason::Invalid { invalid, rounds }),
        Some(Invalidity::Rounds(finding)) => return inconclusive(Reason::InvalidRounds(finding)),
        None => {}
    }
    let invalid = cells().map(|cell| cell.rounds_that_are(gate::Verdict::Invalid)).max().unwrap_or(0);
    let rounds = cells().map(CellSummary::rounds).min().unwrap_or(0);
    if point.find_single_stall(claim.metric, &models).is_some() {
        return inconclusive(Reason::OneStall);
    }
    let (interval, bound) = match executing_within(claim, model, point, expected) {
        Some(interval) => (Some(interval), Bound::Exact),
        None if claim.metric.is_of_one_trial() => (Some(Interval { low: ratio.ratio, high: ratio.ratio }), ratio.bound),
        None => (ratio.interval, ratio.bound),
    };
    let Some(interval) = interval else { return inconclusive(Reason::TooFewRounds) };
    match verdict(interval, bound, claim.bounds) {
        ClaimVerdict::Inconclusive if ratio.bound == Bound::Exact => inconclusive(Reason::Crosses),
        ClaimVerdict::Inconclusive if claim.metric == Metric::Executing => inconclusive(Reason::AtMost),
        ClaimVerdict::Inconclusive => inconclusive(Reason::Unanswered),
        decided if invalid > 0 => (decided, Reason::Invalid { invalid, rounds }),
        decided if claim.metric.is_of_one_trial() => (decided, Reason::OneTrial),
        decided => (decided, Reason::Plain),
    }
}

/// Returns the interval of the number of executing jobs, as a multiple of the expected number. One trial yields bounds,
/// and these serve as an interval.
fn executing_within(claim: &Claim, model: Model, point: &PointSummary, expected: Option<f64>) -> Option<Interval> {
    let traced = point.cell(model)?.traced.as_ref().filter(|_| claim.metric == Metric::Executing)?;
    let (Against::Formula(_), Some(expected)) = (&claim.against, expected) else { return None };
    let executing = traced.most_executing;
    Some(Interval { low: f64::from(executing.at_least) / expected, high: f64::from(executing.at_most) / expected })
}

/// Decides whether the true ratio lies within the bounds of a claim. If the ratio is only a bound, the interval is open
/// on that side.
fn verdict(interval: Interval, bound: Bound, (low, high): (f64, f64)) -> ClaimVerdict {
    let Interval { low: least, high: most } = match bound {
        Bound::Exact => interval,
        Bound::AtLeast => Interval { high: f64::INFINITY, ..interval },
        Bound::AtMost => Interval { low: 0.0, ..interval },
        Bound::Unknown => Interval { low: 0.0, high: f64::INFINITY },
    };
    if low <= least && most <= high {
        ClaimVerdict::Reproduced
    } else if most < low || high < least {
        ClaimVerdict::Refuted
    } else {
        ClaimVerdict::Inconclusive
    }
}

/// Returns a figure as a multiple of a number that is not measured.
fn by_number(rounds: &Estimate, number: f64) -> Ratio {
    let spread = &rounds.spread;
    let interval = spread.interval.map(|Interval { low, high }| Interval { low: low / number, high: high / number });
    // The verdict looks at both ends of the interval, so if either end is only a bound, the ratio is one.
    let ends = rounds.range().map_or([Bound::Exact; 2], |(_, bounds)| bounds);
    Ratio {
        ratio: rounds.value() / number,
        means: [number, rounds.value()],
        variance: 0.0,
        interval,
        rounds: spread.rounds,
        agreeing: spread.rounds,
        bound: ends.into_iter().fold(rounds.bound(), Bound::and),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_depends_on_the_whole_interval() {
        let judge = |low, high| verdict(Interval { low, high }, Bound::Exact, (0.9, 1.1));
        assert_eq!((judge(0.9, 1.1), judge(1.0, 1.0)), (ClaimVerdict::Reproduced, ClaimVerdict::Reproduced));
        assert_eq!((judge(0.5, 0.89), judge(1.11, 2.0)), (ClaimVerdict::Refuted, ClaimVerdict::Refuted));
        for (low, high) in [(0.8, 1.0), (1.0, 1.2), (0.5, 2.0), (0.8, 0.9), (1.1, 1.2)] {
            assert_eq!(judge(low, high), ClaimVerdict::Inconclusive, "{low} to {high}");
        }
        let judge_unlimited = |low, high| verdict(Interval { low, high }, Bound::Exact, (5.0, f64::INFINITY));
        assert_eq!(
            (judge_unlimited(5.0, 1e9), judge_unlimited(1.0, 4.0)),
            (ClaimVerdict::Reproduced, ClaimVerdict::Refuted)
        );
    }

    #[test]
    fn a_bounded_figure_yields_only_the_verdicts_it_proves() {
        let judge = |low, high, bound| verdict(Interval { low, high }, bound, (0.9, 1.1));
        assert_eq!(judge(1.2, 2.0, Bound::AtLeast), ClaimVerdict::Refuted);
        assert_eq!(judge(0.95, 1.05, Bound::AtLeast), ClaimVerdict::Inconclusive, "the true value may be higher");
        assert_eq!(judge(0.1, 0.5, Bound::AtLeast), ClaimVerdict::Inconclusive, "the true value may be higher");
        assert_eq!(judge(0.1, 0.5, Bound::AtMost), ClaimVerdict::Refuted);
        assert_eq!(judge(1.2, 2.0, Bound::AtMost), ClaimVerdict::Inconclusive, "the true value may be lower");
        assert_eq!(judge(1.2, 2.0, Bound::Unknown), ClaimVerdict::Inconclusive);
        let judge_unlimited = |low, high, bound| verdict(Interval { low, high }, bound, (5.0, f64::INFINITY));
        assert_eq!(judge_unlimited(6.0, 9.0, Bound::AtLeast), ClaimVerdict::Reproduced, "the claim has no upper limit");
        assert_eq!(verdict(Interval { low: 0.1, high: 0.9 }, Bound::AtMost, (0.0, 1.0)), ClaimVerdict::Reproduced);
    }
}
