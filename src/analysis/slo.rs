//! Judges the objectives for a server: `p99<5ms,errors<0.1%,rate>=990`.

use super::load::LoadFigures;
use crate::scenario::{Condition, Measure, Relation, Slo};
use crate::stats::Bound;

/// A condition, and whether it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedCondition {
    /// The condition as written.
    pub condition: String,
    /// Whether the condition holds.
    pub is_kept: bool,
    /// The measured value.
    pub measured: MeasuredValue,
}

impl JudgedCondition {
    /// Returns whether there are too few requests to judge the condition.
    pub(super) fn is_unknown(&self) -> bool {
        matches!(self.measured, MeasuredValue::TooFew(_) | MeasuredValue::NoTime)
    }
}

/// The measured value that a condition is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MeasuredValue {
    /// A share of the requests.
    Share(f64),
    /// A rate, in answers a second.
    Rate(f64),
    /// A time in nanoseconds; a lower bound if it is based on requests that never ended.
    Time(u64, Bound),
    /// Too few requests for this percentile, and their number.
    TooFew(u64),
    /// The window has zero length.
    NoTime,
}

/// Judges each condition of an objective by the measured figures.
pub fn judge(slo: &Slo, figures: &LoadFigures<'_>) -> Vec<JudgedCondition> {
    let judge = |condition: &Condition| {
        let (is_kept, measured) = measure(condition, figures);
        JudgedCondition { condition: condition.text.clone(), is_kept, measured }
    };
    slo.conditions().iter().map(judge).collect()
}

fn measure(condition: &Condition, figures: &LoadFigures<'_>) -> (bool, MeasuredValue) {
    let LoadFigures { series, load, .. } = figures;
    let (requests, times) = (load.requests, &series.response_time);
    let value = match condition.measure {
        Measure::Errors => {
            let refused: u64 = load.status.iter().filter(|(status, _)| **status >= 400).map(|(_, n)| n).sum();
            let bad = requests.planned - requests.completed + refused;
            let share = bad as f64 / requests.planned.max(1) as f64;
            return (condition.holds(share), MeasuredValue::Share(share));
        }
        Measure::Rate => {
            let Some(rate) = figures.rate else { return (false, MeasuredValue::NoTime) };
            return (condition.holds(rate), MeasuredValue::Rate(rate));
        }
        Measure::Quantile(share) if share <= 0.5 => times.quantile(share),
        Measure::Quantile(share) => times.credible_quantile(share),
        Measure::Max => times.max(),
        Measure::Mean => times.mean().map(|mean| mean as u64),
    };
    let Some(nanos) = value else { return (false, MeasuredValue::TooFew(times.len())) };
    // A time that rests on unfinished requests can only be longer; a mean or a maximum rests on all requests.
    let rests_on_all = matches!(condition.measure, Measure::Mean | Measure::Max);
    let is_bound = series.lower_bound_from_ns.is_some_and(|from| nanos >= from || rests_on_all);
    let bound = if is_bound { Bound::AtLeast } else { Bound::Exact };
    let holds = condition.holds(nanos as f64);
    let is_kept = holds && (!is_bound || matches!(condition.relation, Relation::Above | Relation::AtLeast));
    (is_kept, MeasuredValue::Time(nanos, bound))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Histogram;
    use crate::record::{LoadRecord, Requests, Series};

    /// Judges 10,000 requests in a second: 9,900 answered, half of them in 1 ms and half in 3 ms, and 100 that never
    /// ended.
    fn judge(slo: &str) -> Vec<JudgedCondition> {
        let mut times = Histogram::default();
        times.record_many(1_000_000, 5_000);
        times.record_many(3_000_000, 4_900);
        times.record_many(4_000_000, 100);
        let requests = Requests { planned: 10_000, completed: 9_900, unfinished: 100, ..Requests::default() };
        let status = [(200, 9_850), (500, 50)].into();
        let series =
            Series { lower_bound_from_ns: Some(4_000_000), ..Series::of_jobs("requests", times.clone(), times) };
        let load = LoadRecord { requests, status, ..LoadRecord::default() };
        let figures = LoadFigures::new(&series, &load, 1_000_000_000, 9_900);
        super::judge(&slo.parse().unwrap(), &figures)
    }

    #[test]
    fn conditions_are_judged_at_their_limits() {
        for (slo, is_kept) in [
            ("p50<2ms", true),
            ("p50<=1.1ms", true),
            ("p50<0.9ms", false),
            ("p90<5ms", true),
            // These are based on requests that never ended.
            ("p99.5<5ms", false),
            ("max<5s", false),
            ("max>1ms", true),
            ("mean<1s", false),
            // Only two times lie beyond it: too few for a percentile.
            ("p99.99<1h", false),
            ("errors<2%", true),
            ("errors<1.5%", false),
            ("errors<=1.5%", true),
            ("rate>=9900", true),
            ("rate>9900", false),
        ] {
            let judged = judge(slo);
            assert_eq!(judged[0].is_kept, is_kept, "{judged:?}");
        }
        let judged = judge(" p50 < 2ms , errors < 0.1 % ");
        assert_eq!(judged.iter().map(|one| one.is_kept).collect::<Vec<_>>(), [true, false]);
        let JudgedCondition { condition, measured, .. } = &judged[1];
        assert_eq!((condition.as_str(), *measured), ("errors < 0.1 %", MeasuredValue::Share(0.015)));
    }
}
