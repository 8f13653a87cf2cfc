//! Claims against what was measured: reproduced, refuted, or more rounds are needed.
//!
//! A round that a gate calls INVALID stays among the others and widens the interval; where there are more of them than
//! [`gate::DISTURBED`], nothing is decided.

use super::summary::{CellSummary, PointSummary};
use super::versus;
use super::words;
use crate::gate;
use crate::scenario::{Against, Claim, Machine, Metric, Scenario};
use crate::stats::{Bound, FEWEST, Interval, Ratio, Spread};
use crate::units;

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interval lies within the bounds.
    Reproduced,
    /// It lies partly within, or there is none.
    Inconclusive,
    /// It lies outside.
    Refuted,
}

impl Verdict {
    /// All of them, the good ones first.
    pub const ALL: [Self; 3] = [Self::Reproduced, Self::Inconclusive, Self::Refuted];

    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::Inconclusive => "inconclusive",
            Self::Refuted => "refuted",
        }
    }
}

/// A claim at one point of its scenario.
#[derive(Clone, Debug)]
pub struct Judged<'a> {
    /// The claim.
    pub claim: &'a Claim,
    /// The point's label; empty where nothing is swept.
    pub point: &'a str,
    /// The figure over the rounds; times in nanoseconds. Nothing where it was not measured.
    pub measured: Option<Spread>,
    /// Whether that is only a bound, as of times of requests that never got their answer.
    pub bound: Bound,
    /// What it is compared with, in the same unit: the formula's value, or the other model's median.
    pub expected: Option<f64>,
    /// The one by the other, with the interval that decides.
    pub ratio: Option<Ratio>,
    /// What became of it.
    pub verdict: Verdict,
    /// Why nothing could be decided, or what to know of how it was; empty where there is nothing to say.
    pub why: String,
}

/// Every claim of a scenario at every point that it is about.
pub fn of<'a>(scenario: &'a Scenario, points: &'a [PointSummary], machine: &Machine) -> Vec<Judged<'a>> {
    let of_claim = |claim: &'a Claim| {
        let about = points.iter().filter(|point| claim.is_about(&point.at));
        about.map(|point| judge(claim, point, machine))
    };
    scenario.claims.iter().flat_map(of_claim).collect()
}

/// How many came to each verdict, in the order of [`Verdict::ALL`].
pub fn count(verdicts: impl Iterator<Item = Verdict> + Clone) -> [u64; 3] {
    Verdict::ALL.map(|wanted| verdicts.clone().filter(|verdict| *verdict == wanted).count() as u64)
}

fn judge<'a>(claim: &'a Claim, point: &'a PointSummary, machine: &Machine) -> Judged<'a> {
    let spread = |cell: Option<&CellSummary>| versus::spread(&cell?.by_round(claim.metric));
    let cell = point.cell(claim.of);
    let (measured, bound) = spread(cell).unzip();
    let bound = bound.unwrap_or_default();
    let (expected, ratio) = match &claim.against {
        Against::Formula(formula) => {
            let value = cell.and_then(|cell| formula.value(&cell.cell.work, claim.of, &machine.of(&cell.cell.work)));
            let expected = value.map(|value| value / claim.metric.unit());
            (expected, measured.zip(expected).map(|(measured, expected)| by_number(&measured, bound, expected)))
        }
        Against::Model(other) => {
            let expected = spread(point.cell(*other)).map(|(spread, _)| spread.median);
            (expected, versus::ratio(point, claim.metric, claim.of, *other))
        }
    };
    let invalid = |cell: &CellSummary| cell.rounds_that_are(gate::Verdict::Invalid);
    let invalid = claim.models().filter_map(|model| point.cell(model)).map(invalid).max().unwrap_or(0);
    // What only the recorded trial has rests on the rounds beside it as well.
    let rounds = match cell.and_then(|cell| cell.measures.as_ref()) {
        Some(measures) if claim.metric.is_of_one_trial() => measures.rounds(),
        _ => measured.map_or(0, |measured| measured.rounds),
    };
    let (verdict, why) = match ratio {
        None => (Verdict::Inconclusive, "not measured".to_owned()),
        Some(_) if invalid as f64 > rounds as f64 * gate::DISTURBED => {
            (Verdict::Inconclusive, format!("{invalid} of {rounds} rounds are INVALID"))
        }
        Some(ratio) => {
            let single = claim.metric.is_of_one_trial().then_some(Interval { low: ratio.ratio, high: ratio.ratio });
            // What one trial shows within bounds is as good as an interval.
            let executing = cell.and_then(|cell| cell.traced).filter(|_| claim.metric == Metric::Executing);
            let (single, bound) = match (executing, &claim.against, expected) {
                (Some(traced), Against::Formula(_), Some(expected)) => {
                    let [low, high] = [traced.most_executing.at_least, traced.most_executing.at_most].map(f64::from);
                    (Some(Interval { low: low / expected, high: high / expected }), Bound::Exact)
                }
                _ => (single, ratio.bound),
            };
            match ratio.interval.or(single) {
                None => (Verdict::Inconclusive, format!("fewer than {FEWEST} rounds")),
                Some(interval) => {
                    let verdict = verdict(interval, bound, claim.between);
                    let why = match (verdict, invalid) {
                        (Verdict::Inconclusive, _)
                            if ratio.bound != Bound::Exact && claim.metric == Metric::Executing =>
                        {
                            "how many executed is only known to be no more".into()
                        }
                        (Verdict::Inconclusive, _) if ratio.bound != Bound::Exact => {
                            "it rests on requests that never got their answer".into()
                        }
                        (Verdict::Inconclusive, _) => "the interval crosses a bound".into(),
                        (_, 0) if claim.metric.is_of_one_trial() => "from one trial".into(),
                        (_, 0) => String::new(),
                        (_, invalid) => format!("{invalid} of {rounds} rounds INVALID"),
                    };
                    (verdict, why)
                }
            }
        }
    };
    Judged { claim, point: &point.label, measured, bound, expected, ratio, verdict, why }
}

/// Whether the true ratio lies within the bounds of a claim, wherever in the interval it is; where the interval is one of
/// bounds, wherever beyond.
fn verdict(interval: Interval, bound: Bound, (low, high): (f64, f64)) -> Verdict {
    let Interval { low: least, high: most } = match bound {
        Bound::Exact => interval,
        Bound::AtLeast => Interval { high: f64::INFINITY, ..interval },
        Bound::AtMost => Interval { low: 0.0, ..interval },
        Bound::Unknown => Interval { low: 0.0, high: f64::INFINITY },
    };
    if low <= least && most <= high {
        Verdict::Reproduced
    } else if most < low || high < least {
        Verdict::Refuted
    } else {
        Verdict::Inconclusive
    }
}

/// A figure as a multiple of a number that is no measurement.
fn by_number(measured: &Spread, bound: Bound, number: f64) -> Ratio {
    let interval = measured.interval.map(|Interval { low, high }| Interval { low: low / number, high: high / number });
    Ratio { ratio: measured.median / number, interval, rounds: measured.rounds, agreeing: measured.rounds, bound }
}

impl Judged<'_> {
    /// `wall time of async`, the point beside it where something is swept.
    pub fn subject(&self, work: &crate::scenario::Work) -> String {
        let at = if self.point.is_empty() { String::new() } else { format!(", {}", words::one_line(self.point)) };
        format!("{} of {}{at}", self.claim.metric.heading(work), self.claim.of)
    }

    /// The figure, `n/a` where there is none.
    pub fn measured_in_words(&self) -> String {
        let show = |measured: Spread| format!("{}{}", self.bound.sign(), self.claim.metric.show(measured.median));
        self.measured.map_or_else(|| "n/a".into(), show)
    }

    /// `jobs * wait = 100 s`, `threads: 171 ms`.
    pub fn expected_in_words(&self) -> String {
        let value = self.expected.map_or_else(|| "n/a".into(), |expected| self.claim.metric.show(expected));
        match &self.claim.against {
            Against::Formula(formula) if formula.is_literal() => value,
            Against::Formula(formula) => format!("{formula} = {value}"),
            Against::Model(model) => format!("{model}: {value}"),
        }
    }

    /// `1.02 (1.01 to 1.03)`.
    pub fn ratio_in_words(&self) -> String {
        let Some(ratio) = self.ratio else { return "n/a".into() };
        let ends = ratio.interval.map(|Interval { low, high }| [low, high].map(units::three_digits));
        let sure = ends.filter(|[low, high]| low != high).map(|[low, high]| format!(" ({low} to {high})"));
        format!("{}{}{}", ratio.bound.sign(), units::three_digits(ratio.ratio), sure.unwrap_or_default())
    }

    /// `0.9 to 1.1`, `5 or more`.
    pub fn bounds_in_words(&self) -> String {
        match self.claim.between {
            (low, f64::INFINITY) => format!("{low} or more"),
            (low, high) if low == high => format!("exactly {low}"),
            (0.0, high) => format!("{high} or less"),
            (low, high) => format!("{low} to {high}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_interval_decides() {
        let of = |low, high| verdict(Interval { low, high }, Bound::Exact, (0.9, 1.1));
        assert_eq!((of(0.9, 1.1), of(1.0, 1.0)), (Verdict::Reproduced, Verdict::Reproduced));
        assert_eq!((of(0.5, 0.89), of(1.11, 2.0)), (Verdict::Refuted, Verdict::Refuted));
        for (low, high) in [(0.8, 1.0), (1.0, 1.2), (0.5, 2.0), (0.8, 0.9), (1.1, 1.2)] {
            assert_eq!(of(low, high), Verdict::Inconclusive, "{low} to {high}");
        }
        let open = |low, high| verdict(Interval { low, high }, Bound::Exact, (5.0, f64::INFINITY));
        assert_eq!((open(5.0, 1e9), open(1.0, 4.0)), (Verdict::Reproduced, Verdict::Refuted));
    }

    #[test]
    fn a_claim_that_even_the_bound_refutes_is_refuted() {
        let of = |low, high, bound| verdict(Interval { low, high }, bound, (0.9, 1.1));
        assert_eq!(of(1.2, 2.0, Bound::AtLeast), Verdict::Refuted);
        assert_eq!(of(0.95, 1.05, Bound::AtLeast), Verdict::Inconclusive, "it may be more");
        assert_eq!(of(0.1, 0.5, Bound::AtLeast), Verdict::Inconclusive, "it may be more");
        assert_eq!(of(0.1, 0.5, Bound::AtMost), Verdict::Refuted);
        assert_eq!(of(1.2, 2.0, Bound::AtMost), Verdict::Inconclusive, "it may be less");
        assert_eq!(of(1.2, 2.0, Bound::Unknown), Verdict::Inconclusive);
        let open = |low, high, bound| verdict(Interval { low, high }, bound, (5.0, f64::INFINITY));
        assert_eq!(open(6.0, 9.0, Bound::AtLeast), Verdict::Reproduced, "more is claimed as well");
        assert_eq!(verdict(Interval { low: 0.1, high: 0.9 }, Bound::AtMost, (0.0, 1.0)), Verdict::Reproduced);
    }

    #[test]
    fn verdicts_are_counted() {
        use Verdict::{Inconclusive, Refuted, Reproduced};
        assert_eq!(count([Reproduced, Refuted, Reproduced, Inconclusive].into_iter()), [2, 1, 1]);
        assert_eq!(count(std::iter::empty()), [0, 0, 0]);
    }
}
