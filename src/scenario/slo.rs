//! Parses the objectives for a server: `p99<5ms,errors<0.1%,rate>=990`.

use std::fmt;
use std::str::FromStr;

use crate::units;

/// The conditions of an objective, all of which must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Slo(Vec<Condition>);

/// One condition of an objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The condition as written.
    pub text: String,
    /// The figure that is limited.
    pub measure: Measure,
    /// The relation of the figure to the limit.
    pub relation: Relation,
    /// The limit: nanoseconds, a share, or requests per second.
    pub limit: f64,
}

/// The figure that a condition limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    /// A quantile of the response time.
    Quantile(f64),
    /// The longest response time.
    Max,
    /// The mean response time.
    Mean,
    /// The share of the planned requests without a good response.
    Errors,
    /// The responses per second.
    Rate,
}

/// The relation that a value must have to its limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Relation {
    /// The value must be less than the limit.
    Below,
    /// The value must not be greater than the limit.
    AtMost,
    /// The value must be greater than the limit.
    Above,
    /// The value must not be less than the limit.
    AtLeast,
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
        if text.contains(char::is_control) {
            return Err(wrong("expected one line without control characters").escape_debug().to_string());
        }
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
                let digits =
                    name.strip_prefix('p').filter(|text| text.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
                let percent: Option<f64> = digits.and_then(|percent| percent.parse().ok());
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
        if limit == 0.0 && relation == Relation::Below {
            return Err(wrong("nothing is less than 0"));
        }
        Ok(Self { text: text.to_owned(), measure, relation, limit })
    }

    /// Returns whether a value meets the condition.
    pub fn holds(&self, value: f64) -> bool {
        match self.relation {
            Relation::Below => value < self.limit,
            Relation::AtMost => value <= self.limit,
            Relation::Above => value > self.limit,
            Relation::AtLeast => value >= self.limit,
        }
    }
}

impl Slo {
    /// Returns the conditions, all of which must hold.
    pub fn conditions(&self) -> &[Condition] {
        &self.0
    }
}

impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<&str> = self.0.iter().map(|condition| condition.text.as_str()).collect();
        f.write_str(&texts.join(","))
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
            ("p+99<5ms", "expected a percentile"),
            ("p99<0ms", "nothing is less than 0"),
            ("p99\n<5ms", "control characters"),
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
