//! Parses and judges the objectives for a server: `p99<5ms,errors<0.1%,rate>=990`.

use std::str::FromStr;

use super::single_load::LoadFigures;
use crate::stats::Bound;
use crate::units;

/// The conditions of an objective, all of which must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Slo(Vec<Condition>);

#[derive(Clone, Debug, PartialEq)]
struct Condition {
    /// The condition as written.
    text: String,
    measure: Measure,
    relation: Relation,
    /// The limit: nanoseconds, a share, or requests a second.
    limit: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Measure {
    /// A quantile of the response time.
    Quantile(f64),
    Max,
    Mean,
    /// The share of the planned requests without a good answer.
    Errors,
    /// The answers a second.
    Rate,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Relation {
    Below,
    AtMost,
    Above,
    AtLeast,
}

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

impl FromStr for Slo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(|part| Condition::parse(part.trim())).collect::<Result<_, _>>().map(Self)
    }
}

impl Condition {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("`{text}`: {what}; write it as 'p99<5ms,errors<0.1%,rate>=990'");
        let at = text.find(['<', '>']).ok_or_else(|| wrong("expected <, <=, > or >="))?;
        let (name, rest) = text.split_at(at);
        let (relation, limit) = match (rest.strip_prefix("<="), rest.strip_prefix(">=")) {
            (Some(limit), _) => (Relation::AtMost, limit),
            (_, Some(limit)) => (Relation::AtLeast, limit),
            _ if rest.starts_with('<') => (Relation::Below, &rest[1..]),
            _ => (Relation::Above, &rest[1..]),
        };
        let limit = limit.trim();
        let measure = match name.trim() {
            "max" => Measure::Max,
            "mean" => Measure::Mean,
            "errors" => Measure::Errors,
            "rate" => Measure::Rate,
            name => {
                let percent: Option<f64> = name.strip_prefix('p').and_then(|percent| percent.parse().ok());
                let percent = percent.filter(|percent| *percent > 0.0 && *percent < 100.0);
                let known = "expected a percentile such as p99, max, mean, errors or rate";
                Measure::Quantile(percent.ok_or_else(|| wrong(known))? / 100.0)
            }
        };
        let limit = match measure {
            Measure::Errors => share(limit).ok_or_else(|| wrong("expected a share of errors in %"))?,
            Measure::Rate => number(limit).ok_or_else(|| wrong("expected a rate in requests per second"))?,
            _ => units::nanos(units::parse_duration(limit).map_err(|error| wrong(&error.to_string()))?) as f64,
        };
        Ok(Self { text: text.to_owned(), measure, relation, limit })
    }

    fn judge(&self, figures: &LoadFigures<'_>) -> JudgedCondition {
        let (is_kept, measured) = self.measure(figures);
        JudgedCondition { condition: self.text.clone(), is_kept, measured }
    }

    fn measure(&self, figures: &LoadFigures<'_>) -> (bool, MeasuredValue) {
        let LoadFigures { series, load, .. } = figures;
        let (requests, times) = (load.requests, &series.response_time);
        let value = match self.measure {
            Measure::Errors => {
                let refused: u64 = load.status.iter().filter(|(status, _)| **status >= 400).map(|(_, n)| n).sum();
                let bad = requests.planned - requests.completed + refused;
                let share = bad as f64 / requests.planned.max(1) as f64;
                return (self.holds(share), MeasuredValue::Share(share));
            }
            Measure::Rate => {
                let Some(rate) = figures.rate() else { return (false, MeasuredValue::NoTime) };
                return (self.holds(rate), MeasuredValue::Rate(rate));
            }
            Measure::Quantile(share) if share <= 0.5 => times.quantile(share),
            Measure::Quantile(share) => times.credible_quantile(share),
            Measure::Max => times.max(),
            Measure::Mean => times.mean().map(|mean| mean as u64),
        };
        let Some(nanos) = value else { return (false, MeasuredValue::TooFew(times.len())) };
        // A time based on unfinished requests can only be longer; a mean or a maximum includes all requests.
        let rests_on_all = matches!(self.measure, Measure::Mean | Measure::Max);
        let is_bound = series.lower_bound_from_ns.is_some_and(|from| nanos >= from || rests_on_all);
        let bound = if is_bound { Bound::AtLeast } else { Bound::Exact };
        let holds = self.holds(nanos as f64);
        let is_kept = holds && (!is_bound || matches!(self.relation, Relation::Above | Relation::AtLeast));
        (is_kept, MeasuredValue::Time(nanos, bound))
    }

    fn holds(&self, value: f64) -> bool {
        match self.relation {
            Relation::Below => value < self.limit,
            Relation::AtMost => value <= self.limit,
            Relation::Above => value > self.limit,
            Relation::AtLeast => value >= self.limit,
        }
    }
}

impl Slo {
    /// Judges each condition by the measured figures.
    pub fn judge(&self, figures: &LoadFigures<'_>) -> Vec<JudgedCondition> {
        self.0.iter().map(|condition| condition.judge(figures)).collect()
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

fn share(text: &str) -> Option<f64> {
    Some(number(text.strip_suffix('%')?.trim())? / 100.0)
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
        let figures = LoadFigures { series: &series, load: &load, wall_ns: 1_000_000_000, requests_in_window: 9_900 };
        slo.parse::<Slo>().unwrap().judge(&figures)
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

    #[test]
    fn an_invalid_condition_is_refused_with_the_reason() {
        for (slo, what) in [
            ("", "expected <, <=, > or >="),
            ("p99", "expected <, <=, > or >="),
            ("p99<5", "missing unit"),
            ("p99<", "invalid duration"),
            ("p0<5ms", "expected a percentile"),
            ("p100<5ms", "expected a percentile"),
            ("q99<5ms", "expected a percentile"),
            ("p99=5ms", "expected <, <=, > or >="),
            ("errors<0.1", "in %"),
            ("errors<-1%", "in %"),
            ("rate>=many", "requests per second"),
            ("p99<5ms,,max<1s", "expected <, <=, > or >="),
        ] {
            let error = slo.parse::<Slo>().unwrap_err();
            assert!(error.contains(what) && error.contains("write it as"), "{slo}: {error}");
        }
    }
}
