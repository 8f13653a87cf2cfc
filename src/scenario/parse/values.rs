//! Checks one value of the file against its key.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::{DeInteger, DeValue};

use super::mistakes::quoted;
use super::texts::{entries, exact, header, path, slug, text, url, variable, what};
use crate::scenario::keys::{AS_FAST_AS_IT_GOES, Key, Need, ValueKind};
use crate::scenario::{Finite, Formula, Metric, Model, ModelError, ServerName, Slo, SweptValue, closest};
use crate::units;

/// A checked value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    /// The entries of a table, in the order of their names.
    Table(Vec<(String, String)>),
    Model(Model),
    Count(u32),
    Length(Duration),
    Share(f64),
    /// Requests per second; `None` means as many as are answered.
    Rate(Option<f64>),
    Cpus(f64),
    Formula(Formula),
    Objective(Slo),
    Bounds(f64, f64),
}

impl Value {
    /// Returns the value as a point of a sweep holds it; `None` if it cannot be swept.
    pub(super) fn swept(&self) -> Option<SweptValue> {
        Some(match self {
            Self::Text(text) => SweptValue::Word(text.clone()),
            Self::Count(count) => SweptValue::Count(*count),
            Self::Length(length) => SweptValue::Length(*length),
            Self::Share(share) => SweptValue::Share(finite(*share)),
            Self::Rate(Some(rate)) => SweptValue::Rate(finite(*rate)),
            Self::Rate(None) => SweptValue::MaxRate,
            Self::Table(_)
            | Self::Model(_)
            | Self::Formula(_)
            | Self::Objective(_)
            | Self::Bounds(..)
            | Self::Cpus(_) => return None,
        })
    }
}

fn finite(number: f64) -> Finite {
    Finite::new(number).expect("shares and rates were checked to be finite")
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Table(_) => f.write_str("{..}"),
            Self::Model(model) => model.fmt(f),
            Self::Formula(formula) => formula.fmt(f),
            Self::Objective(slo) => slo.fmt(f),
            Self::Bounds(low, high) => write!(f, "[{low}, {high}]"),
            Self::Cpus(cpus) => cpus.fmt(f),
            Self::Count(_) | Self::Length(_) | Self::Share(_) | Self::Rate(_) => {
                self.swept().expect("numbers can be swept").fmt(f)
            }
        }
    }
}

/// The reason why a value is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) remedy: String,
}

/// Parses a value as this kind.
pub(super) fn check(kind: ValueKind, written: &DeValue<'_>) -> Result<Value, Wrong> {
    let instead = |message: String| Wrong { message, remedy: format!("write {}", kind.expected()) };
    match (kind, written) {
        (ValueKind::Count { from, to }, DeValue::Integer(integer)) => {
            count(integer, from, to).map(Value::Count).map_err(instead)
        }
        (ValueKind::Count { .. }, DeValue::Float(float)) => {
            Err(instead(format!("expected a whole number, found {float}")))
        }
        (ValueKind::Share, DeValue::Integer(integer)) => share(&decimal(integer)).map(Value::Share).map_err(instead),
        (ValueKind::Share, DeValue::Float(float)) => share(float.as_str()).map(Value::Share).map_err(instead),
        (ValueKind::Rate, DeValue::Integer(integer)) => rate(&decimal(integer)).map_err(instead),
        (ValueKind::Rate, DeValue::Float(float)) => rate(float.as_str()).map_err(instead),
        (ValueKind::Rate, DeValue::String(word)) if *word == AS_FAST_AS_IT_GOES => Ok(Value::Rate(None)),
        (ValueKind::Cpus, DeValue::Integer(_) | DeValue::Float(_)) => {
            number(written).ok_or_else(|| shown(written)).and_then(cpus).map(Value::Cpus).map_err(instead)
        }
        (ValueKind::Length { .. }, DeValue::Integer(integer)) => Err(without_unit(&decimal(integer), kind)),
        (ValueKind::Length { .. }, DeValue::Float(float)) => Err(without_unit(float.as_str(), kind)),
        (ValueKind::Length { from, to }, DeValue::String(text)) => {
            let length = read_length(text, kind)?;
            let within = within(length, from, to);
            within.map(|()| Value::Length(length)).map_err(|why| instead(format!("{why}, found {}", quoted(text))))
        }
        (ValueKind::Model, DeValue::String(name)) => model(name).map(Value::Model),
        (ValueKind::Choice(words), DeValue::String(word)) => choice(word, words).map(Value::Text),
        (ValueKind::Slug, DeValue::String(name)) => slug(name).map(Value::Text),
        (ValueKind::Formula, DeValue::String(text)) => Formula::parse(text).map(Value::Formula).map_err(instead),
        (ValueKind::Objective, DeValue::String(text)) => objective(text),
        (ValueKind::Bounds, DeValue::Array(list)) => {
            let numbers: Vec<f64> = list.iter().filter_map(|item| number(item.get_ref())).collect();
            match (numbers.as_slice(), list.len()) {
                ([low, high], 2) => bounds(*low, *high).map_err(instead),
                (_, n) => Err(instead(format!("expected two numbers, found a list of {n}"))),
            }
        }
        (ValueKind::Url, DeValue::String(text)) => url(text).map(Value::Text).map_err(instead),
        (ValueKind::Exact { least, most, lines }, DeValue::String(text)) => {
            exact(text, least, most, lines).map(Value::Text).map_err(instead)
        }
        (ValueKind::ServerName, DeValue::String(name)) => match name.parse::<ServerName>() {
            Ok(name) => Ok(Value::Text(name.to_string())),
            Err(_) => Err(instead(format!("{} is not the name of a server", quoted(name)))),
        },
        (ValueKind::Variables, DeValue::Table(table)) => entries(table, variable).map(Value::Table).map_err(instead),
        (ValueKind::Headers, DeValue::Table(table)) => entries(table, header).map(Value::Table).map_err(instead),
        (ValueKind::Path, DeValue::String(text)) => path(text).map(Value::Text).map_err(instead),
        (ValueKind::What, DeValue::String(text)) => what(text).map(Value::Text).map_err(instead),
        (ValueKind::Text { most, lines }, DeValue::String(written)) => {
            text(written, most, lines).map(Value::Text).map_err(instead)
        }
        _ => {
            let wanted = match kind {
                ValueKind::Count { .. } => "a whole number",
                ValueKind::Share | ValueKind::Rate | ValueKind::Cpus => "a number",
                ValueKind::Bounds => "a list",
                ValueKind::Variables | ValueKind::Headers => "a table",
                ValueKind::Length { .. } => "a duration",
                _ => "text",
            };
            Err(instead(format!("expected {wanted}, found {}: {}", type_of(written), shown(written))))
        }
    }
}

/// Returns the default of a key, if it has one.
pub(super) fn default(key: &Key) -> Option<Value> {
    let Need::Default(text) = key.need else { return None };
    let value = match key.kind {
        ValueKind::Count { .. } => text.parse().ok().map(Value::Count),
        ValueKind::Length { .. } => units::parse_duration(text).ok().map(Value::Length),
        _ => Some(Value::Text(text.to_owned())),
    };
    Some(value.expect("a test reads every default"))
}

fn count(integer: &DeInteger<'_>, from: u32, to: u32) -> Result<u32, String> {
    let number = i128::from_str_radix(integer.as_str(), integer.radix()).unwrap_or(i128::MAX);
    match u32::try_from(number) {
        Ok(0) => Err(format!("must be greater than 0, found {integer}")),
        Ok(number) if number < from => Err(format!("must be at least {from}, found {integer}")),
        Ok(number) if number <= to => Ok(number),
        _ if number < 0 => Err(format!("must not be negative, found {integer}")),
        _ => Err(format!("must be at most {to}, found {integer}")),
    }
}

/// Checks the bounds of a claim; outside of this range no ratio and no chart is meaningful.
fn bounds(low: f64, high: f64) -> Result<Value, String> {
    const RANGE: RangeInclusive<f64> = 1e-9..=1e9;
    let far = |bound: f64| Err(format!("must be from 1e-9 to 1e9, found {bound:e}"));
    match (low, high) {
        (low, high) if low.is_nan() || high.is_nan() => Err("expected a number, found nan".into()),
        (low, high) if low > high => Err(format!("empty range [{low}, {high}]")),
        (f64::INFINITY, _) => Err("empty range [inf, inf]".into()),
        (low, _) if low < 0.0 => Err(format!("must not be negative, found {low}")),
        (low, _) if low != 0.0 && !RANGE.contains(&low) => far(low),
        (_, high) if high != f64::INFINITY && !RANGE.contains(&high) => far(high),
        (low, high) => Ok(Value::Bounds(low, high)),
    }
}

/// Formats a whole number, written in any radix, in decimal digits.
fn decimal(integer: &DeInteger<'_>) -> String {
    let number = i128::from_str_radix(integer.as_str(), integer.radix());
    number.map_or_else(|_| integer.to_string(), |number| number.to_string())
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(integer) => decimal(integer).parse().ok(),
        DeValue::Float(float) => float.as_str().replace('_', "").parse().ok(),
        _ => None,
    }
}

fn share(digits: &str) -> Result<f64, String> {
    let share: f64 = digits.parse().map_err(|_| format!("expected a number, found {digits}"))?;
    match share {
        _ if !share.is_finite() => Err(format!("expected a number, found {digits}")),
        0.0 => Err(format!("must be greater than 0, found {digits}")),
        _ if share < 0.0 => Err(format!("must not be negative, found {digits}")),
        _ if share > 1.0 => Err(format!("must be at most 1, found {digits}")),
        _ => Ok(share),
    }
}

fn rate(digits: &str) -> Result<Value, String> {
    match digits.replace('_', "").parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate <= 1e8 => Ok(Value::Rate(Some(rate))),
        Ok(0.0) => Err(format!("must be greater than 0, found {digits}")),
        Ok(rate) if rate < 0.0 => Err(format!("must not be negative, found {digits}")),
        Ok(rate) if rate.is_finite() => Err(format!("must be at most 100000000, found {digits}")),
        _ => Err(format!("expected a number, found {digits}")),
    }
}

/// Checks a number of CPUs: the kernel's shortest quota is 1 ms of 100 ms.
fn cpus(number: f64) -> Result<f64, String> {
    match number {
        _ if (0.01..=1024.0).contains(&number) => Ok(number),
        _ => Err(format!("must be from 0.01 to 1024, found {number}")),
    }
}

/// Builds the error for a number that needs a unit.
fn without_unit(digits: &str, kind: ValueKind) -> Wrong {
    let number: f64 = digits.parse().unwrap_or(f64::INFINITY);
    if number.is_finite() && number >= 0.0 {
        Wrong {
            message: format!("missing unit in {digits}"),
            remedy: format!("write \"{digits}ms\" or \"{digits}s\": {}", kind.expected()),
        }
    } else {
        let why = if number < 0.0 { "must not be negative, found" } else { "invalid duration" };
        Wrong { message: format!("{why} {digits}"), remedy: format!("write {}", kind.expected()) }
    }
}

fn read_length(text: &str, kind: ValueKind) -> Result<Duration, Wrong> {
    let trimmed = text.trim();
    if !trimmed.is_empty() && trimmed.parse::<f64>().is_ok() {
        return Err(without_unit(trimmed, kind));
    }
    units::parse_duration(trimmed).map_err(|_| {
        let negative = trimmed.starts_with('-') && units::parse_duration(&trimmed[1..]).is_ok();
        let why = if negative { "must not be negative, found" } else { "invalid duration" };
        Wrong { message: format!("{why} {}", quoted(text)), remedy: format!("write {}", kind.expected()) }
    })
}

fn within(length: Duration, from: &str, to: &str) -> Result<(), String> {
    let bound = |text| units::parse_duration(text).expect("a test reads every bound");
    match length {
        _ if length.is_zero() && !bound(from).is_zero() => Err("must be greater than 0".to_owned()),
        _ if length < bound(from) => Err(format!("must be at least {from}")),
        _ if length > bound(to) => Err(format!("must be at most {to}")),
        _ => Ok(()),
    }
}

fn model(name: &str) -> Result<Model, Wrong> {
    name.parse().map_err(|error| match error {
        ModelError::Unknown { nearest: Some(nearest), .. } => {
            Wrong { message: format!("unknown model {}", quoted(name)), remedy: format!("did you mean \"{nearest}\"?") }
        }
        ModelError::Unknown { nearest: None, .. } => Wrong {
            message: format!("unknown model {}", quoted(name)),
            remedy: format!("the models are {}", Model::EXAMPLES.join(", ")),
        },
        ModelError::Renamed { now, .. } => {
            Wrong { message: format!("the model {} has a new name", quoted(name)), remedy: format!("write \"{now}\"") }
        }
        ModelError::InPlace { .. } => Wrong {
            message: format!("{}: on a runtime with one thread, tokio's block_in_place panics", quoted(name)),
            remedy: "write \"async/2+in-place\"".into(),
        },
        ModelError::Server { .. } => Wrong {
            message: format!("{} does not end in the name of a server", quoted(name)),
            remedy: format!("write {} after \"external/\"", ServerName::EXPECTED),
        },
        ModelError::Workers { example, .. } => Wrong {
            message: format!("{} needs a number of threads", quoted(name)),
            remedy: format!("write a whole number from 1 to {}, as in \"{example}\"", Model::MOST_WORKERS),
        },
    })
}

fn objective(text: &str) -> Result<Value, Wrong> {
    let slo = text.parse().map(Value::Objective);
    slo.map_err(|message| Wrong { message, remedy: "each condition limits one figure".into() })
}

fn choice(written: &str, words: &'static [&'static str]) -> Result<String, Wrong> {
    if words.contains(&written) {
        return Ok(written.to_owned());
    }
    if let Some(new) = Metric::renamed(written).map(Metric::name).filter(|new| words.contains(new)) {
        return Err(Wrong { message: format!("{written} was renamed to {new}"), remedy: format!("write \"{new}\"") });
    }
    let remedy = match closest(&written.to_lowercase(), words.iter().copied()) {
        Some(nearest) => format!("did you mean \"{nearest}\"?"),
        None => format!("write {}", ValueKind::Choice(words).expected()),
    };
    Err(Wrong { message: format!("unknown value {}", quoted(written)), remedy })
}

pub(super) fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => quoted(text),
        DeValue::Integer(integer) => integer.to_string(),
        DeValue::Float(float) => float.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(_) => "[..]".into(),
        DeValue::Table(_) => "{..}".into(),
    }
}

pub(super) fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
