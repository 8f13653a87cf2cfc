//! Points of a sweep: which keys are swept, and the value of each at one point.

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::keys::AS_FAST_AS_IT_GOES;
use crate::units::{self, as_nanos};

/// The swept keys of a scenario and their values at one point, in the order of the file; empty if nothing is swept.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Point(Vec<(String, SweptValue)>);

/// The value of a swept key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SweptValue {
    /// A whole number, such as jobs, connections or CPUs.
    Count(u32),
    /// A duration.
    #[serde(rename = "length_ns")]
    Length(#[serde(with = "as_nanos")] Duration),
    /// A share of the requests, above 0 and at most 1.
    Share(Finite),
    /// Requests per second.
    Rate(Finite),
    /// As many requests per second as are answered.
    MaxRate,
    /// Any other text.
    Word(String),
}

/// A finite number. Values of this type are totally ordered, so that a [`Point`] can be compared and sorted.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Finite(f64);

impl Point {
    /// Returns whether nothing is swept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the swept keys, such as `load.rate`, and their values.
    pub fn values(&self) -> &[(String, SweptValue)] {
        &self.0
    }
}

impl FromIterator<(String, SweptValue)> for Point {
    fn from_iter<I: IntoIterator<Item = (String, SweptValue)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// Writes the label of the point: `jobs = 1000, wait = 10ms`; empty if nothing is swept.
impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (key, value)) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{key} = {value}")?;
        }
        Ok(())
    }
}

impl fmt::Display for SweptValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Length(length) => f.write_str(&units::exact(*length)),
            Self::Share(share) => write!(f, "{}", share.0),
            Self::Rate(rate) => f.write_str(&units::rate(rate.0)),
            Self::MaxRate => f.write_str(AS_FAST_AS_IT_GOES),
            Self::Word(word) => f.write_str(word),
        }
    }
}

impl Finite {
    /// Returns the number, or `None` if it is infinite or NaN.
    pub fn new(number: f64) -> Option<Self> {
        // Zero gets one form, so that equal numbers have equal bits.
        number.is_finite().then_some(Self(number + 0.0))
    }

    /// Returns the number as a float.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Finite {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Finite {}

impl PartialOrd for Finite {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Finite {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_survives_json_and_its_label_shows_every_value() {
        let number = |number| Finite::new(number).unwrap();
        let values = [
            ("jobs", SweptValue::Count(1_000), "1000"),
            ("wait", SweptValue::Length(Duration::from_micros(1_500)), "1500us"),
            ("heavy.share", SweptValue::Share(number(0.1)), "0.1"),
            ("load.rate", SweptValue::Rate(number(40_000.0)), "40,000/s"),
            ("load.rate", SweptValue::MaxRate, "max"),
            ("load.pin", SweptValue::Word("split".into()), "split"),
        ];
        let point: Point = values.iter().map(|(key, value, _)| ((*key).to_owned(), value.clone())).collect();
        let label: Vec<String> = values.iter().map(|(key, _, shown)| format!("{key} = {shown}")).collect();
        assert_eq!(point.to_string(), label.join(", "));
        let json = serde_json::to_string(&point).unwrap();
        assert!(json.starts_with(r#"[["jobs",{"count":1000}],["wait",{"length_ns":1500000}],"#), "{json}");
        assert_eq!(serde_json::from_str::<Point>(&json).unwrap(), point);
        assert_eq!(Point::default().to_string(), "");
    }

    #[test]
    fn a_number_survives_json_exactly() {
        // Numbers that a parser without full precision reads back with an error of one unit in the last place.
        for number in [0.1 + 0.2, 1.0 / 3.0, 2.638_344_616_030_823e-5, 31.245_270_191_439_438] {
            let value = SweptValue::Share(Finite::new(number).unwrap());
            assert_eq!(serde_json::from_str::<SweptValue>(&serde_json::to_string(&value).unwrap()).unwrap(), value);
        }
        assert_eq!((Finite::new(f64::NAN), Finite::new(-0.0)), (None, Finite::new(0.0)));
    }
}
