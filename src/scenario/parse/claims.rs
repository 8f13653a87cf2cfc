//! The claims of a file, and whether they can be told by what it runs.

use super::fields::{Field, Fields};
use super::mistakes::{Found, quoted};
use super::values::Value;
use crate::scenario::keys::Section;
use crate::scenario::{Against, Claim, Metric, Model, Parallel, Point, PointSpec, Scenario, Work, closest};

/// Every claim about these points, in the order of the file.
pub(super) fn claims(fields: &Fields, points: &[PointSpec]) -> Vec<Claim> {
    (0..count(fields)).map(|nth| claim(fields, nth, points)).collect()
}

fn count(fields: &Fields) -> usize {
    let of_claims = fields.list.iter().filter(|field| field.key.section == Section::Claim);
    of_claims.map(|field| field.nth + 1).max().unwrap_or(0)
}

fn claim(fields: &Fields, nth: usize, points: &[PointSpec]) -> Claim {
    let value = |name| fields.get_of(Section::Claim, nth, name).map(|field| &field.values[0].0);
    let text = |name| match value(name) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let model = |name| match value(name) {
        Some(Value::Model(model)) => Some(*model),
        _ => None,
    };
    let against = match value("is") {
        Some(Value::Formula(formula)) => Against::Formula(formula.clone()),
        _ => Against::Model(model("than").expect("one of the two was asked for")),
    };
    let between = match value("between") {
        Some(Value::Bounds(low, high)) => (*low, *high),
        other => unreachable!("bounds were checked to be bounds: {other:?}"),
    };
    Claim {
        says: text("says").expect("it is required"),
        metric: text("figure").and_then(|word| Metric::find(&word)).expect("it was checked to be one"),
        of: model("of").expect("it is required"),
        against,
        between,
        at: text("at").and_then(|label| labelled(points, &label)).cloned(),
        source: text("source"),
    }
}

/// The point with this label.
fn labelled<'a>(points: &'a [PointSpec], label: &str) -> Option<&'a Point> {
    points.iter().map(|point| &point.at).find(|at| at.to_string() == label)
}

/// Claims that no run of this scenario could tell.
pub(super) fn check(fields: &Fields, scenario: &Scenario) -> Vec<Found> {
    let mut found = Vec::new();
    for (nth, claim) in scenario.claims.iter().enumerate() {
        let field = |name: &str| fields.get_of(Section::Claim, nth, name);
        let mut wrong = |name: &str, message: String, remedy: String| {
            let span = field(name).map_or(0..0, |field: &Field| field.span.clone());
            found.push(Found::new(span, format!("claim.{name}"), message, remedy));
        };
        if field("is").is_some() && field("than").is_some() {
            wrong("than", "there is a formula as well".into(), "leave one of is and than out".into());
        }
        for name in ["of", "than"] {
            let named = field(name).map(|field| &field.values[0].0);
            if let Some(Value::Model(model)) = named
                && !scenario.models.contains(model)
            {
                wrong(name, format!("{model} is not among models"), "add it there, or name one of them".into());
            }
        }
        if let Against::Model(other) = claim.against
            && other == claim.of
        {
            wrong("than", format!("{other} is compared with itself"), "name another model".into());
        }
        let written = field("at").map(|field| field.values[0].0.to_string());
        let unknown = written.filter(|_| claim.at.is_none());
        if let Some(at) = &unknown {
            let labels: Vec<String> = scenario.points.iter().map(|point| point.at.to_string()).collect();
            let remedy = match closest(at, labels.iter().map(String::as_str)) {
                _ if labels.iter().all(String::is_empty) => "leave it out: nothing is swept".to_owned(),
                Some(nearest) => format!("did you mean {}?", quoted(nearest)),
                None => {
                    let labels: Vec<String> = labels.iter().map(|label| quoted(label)).collect();
                    format!("the points are {}", labels.join(", "))
                }
            };
            wrong("at", format!("there is no point {}", quoted(at)), remedy);
        }
        let points = || scenario.points.iter().filter(|point| unknown.is_none() && claim.is_about(&point.at));
        if !points().all(|point| claim.metric.applies_to(&point.work)) {
            let (word, why) = (claim.metric.name(), "name another figure, or give the scenario what it needs");
            wrong("figure", format!("such work has no {word}"), why.into());
        }
        if let Against::Formula(formula) = &claim.against {
            match formula.dimension() {
                Err(why) => wrong("is", why, "add and compare only what is alike".into()),
                Ok(other) if other != claim.metric.dimension() => {
                    let message =
                        format!("it gives {other}, but {} is {}", claim.metric.name(), claim.metric.dimension());
                    wrong("is", message, "write a formula that gives the same".into());
                }
                Ok(_) => {
                    let models: &[Model] = &scenario.models;
                    let value = |work: &Work| formula.value(work, claim.of, &Parallel::ideal(work.cpus().unwrap_or(2)));
                    let is_told =
                        models.is_empty() || points().all(|point| value(&point.work).is_some_and(is_positive));
                    if !is_told {
                        let message = "this work lacks one of its numbers, or it does not give one above 0".into();
                        wrong("is", message, "use only what the scenario has".into());
                    }
                }
            }
        }
    }
    found
}

fn is_positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}
