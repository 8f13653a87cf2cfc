//! Reads the claims of a file, and checks whether its runs can decide them.

use std::ops::Range;

use super::fields::{Field, Fields};
use super::mistakes::{SpannedMistake, quoted};
use super::values::{self, Value};
use crate::scenario::keys::{self, Section};
use crate::scenario::{
    Against, Claim, ClaimKind, Formula, Metric, Model, Parallel, Point, PointSpec, Scenario, Work, closest,
};

/// Returns every claim about these points, in the order of the file.
pub(super) fn claims(fields: &Fields, points: &[PointSpec]) -> Vec<Claim> {
    (0..fields.n_tables(Section::Claim)).map(|nth| claim(fields, nth, points)).collect()
}

fn claim(fields: &Fields, nth: usize, points: &[PointSpec]) -> Claim {
    let field = |name| fields.get_of(Section::Claim, nth, name);
    let value = |name| {
        let default = || keys::rows(Section::Claim, name).find_map(values::default);
        field(name).map(|field| field.values[0].0.clone()).or_else(default)
    };
    let text = |name| match value(name) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    };
    let models = |name| field(name).into_iter().flat_map(models);
    let against = match value("expect") {
        Some(Value::Formula(formula)) => Against::Formula(formula),
        _ => Against::Model(models("baseline").map(|(model, _)| model).next().expect("a claim has one of the two")),
    };
    let bounds = match value("ratio") {
        Some(Value::Bounds(low, high)) => (low, high),
        other => unreachable!("bounds were checked to be bounds: {other:?}"),
    };
    Claim {
        says: text("says").expect("it is required"),
        kind: text("kind").and_then(|word| ClaimKind::by_name(&word)).expect("it has a default"),
        metric: text("metric").and_then(|word| Metric::find(&word)).expect("it was checked to be one"),
        models: models("model").map(|(model, _)| model).collect(),
        against,
        bounds,
        point: text("point").and_then(|label| labelled(points, &label)).cloned(),
        source: text("source"),
        url: text("url"),
        revised: text("revised"),
        refuted_before: text("refuted_before"),
    }
}

/// Returns the models that a key names, each with its place.
fn models(field: &Field) -> impl Iterator<Item = (Model, &Range<usize>)> {
    field.values.iter().filter_map(|(value, span)| match value {
        Value::Model(model) => Some((*model, span)),
        _ => None,
    })
}

/// Returns the point with this label.
fn labelled<'a>(points: &'a [PointSpec], label: &str) -> Option<&'a Point> {
    points.iter().map(|point| &point.at).find(|at| at.to_string() == label)
}

/// Finds claims that no run of this scenario could decide, and claims that lack what their kind requires.
pub(super) fn check(fields: &Fields, scenario: &Scenario) -> Vec<SpannedMistake> {
    let written = scenario.claims.iter().enumerate().map(|(nth, claim)| ClaimSource { fields, nth, claim, scenario });
    written
        .flat_map(|claim| {
            let checks = [claim.unsourced(), claim.wrong_models(), claim.wrong_point(), claim.wrong_figure()];
            checks.into_iter().flatten().chain(claim.wrong_formula()).collect::<Vec<_>>()
        })
        .collect()
}

/// A claim, the place of its keys, and the scenario that it belongs to.
struct ClaimSource<'a> {
    fields: &'a Fields,
    nth: usize,
    claim: &'a Claim,
    scenario: &'a Scenario,
}

impl ClaimSource<'_> {
    fn field(&self, name: &str) -> Option<&Field> {
        self.fields.get_of(Section::Claim, self.nth, name)
    }

    /// Builds a mistake in the value of this key.
    fn wrong(&self, name: &str, message: String, remedy: String) -> SpannedMistake {
        let span = self.field(name).map_or(0..0, |field| field.span.clone());
        SpannedMistake::new(span, format!("claim.{name}"), message, remedy)
    }

    /// Finds what a published claim lacks; the mistake points at its kind.
    fn unsourced(&self) -> Vec<SpannedMistake> {
        let Some(kind) = self.field("kind").filter(|_| self.claim.kind == ClaimKind::Published) else {
            return Vec::new();
        };
        let required = [("source", "Who, where (when)"), ("url", "https://...")];
        let missing = required.into_iter().filter(|(name, _)| self.field(name).is_none());
        missing
            .map(|(name, example)| {
                let message = "missing, but required by kind = \"published\"";
                let remedy = format!("write {name} = \"{example}\", or another kind");
                SpannedMistake::new(kind.span.clone(), format!("claim.{name}"), message, remedy)
            })
            .collect()
    }

    fn wrong_models(&self) -> Vec<SpannedMistake> {
        let mut found = Vec::new();
        if self.field("expect").is_some() && self.field("baseline").is_some() {
            let message = "conflicts with expect".into();
            found.push(self.wrong("baseline", message, "remove expect or baseline".into()));
        }
        for name in ["model", "baseline"] {
            for (model, span) in self.field(name).into_iter().flat_map(models) {
                if !self.scenario.models.contains(&model) {
                    let message = format!("{model} is not listed in models");
                    let remedy = "add it to models, or use one of them";
                    found.push(SpannedMistake::new(span.clone(), format!("claim.{name}"), message, remedy));
                }
            }
        }
        if let Against::Model(other) = self.claim.against
            && self.claim.models.contains(&other)
        {
            let remedy = if self.claim.models.len() == 1 { "use another model" } else { "remove it from `model`" };
            found.push(self.wrong("baseline", format!("{other} is compared with itself"), remedy.into()));
        }
        found
    }

    /// Returns the label of a point that the scenario does not have.
    fn unknown_point(&self) -> Option<String> {
        let written = self.field("point").map(|field| field.values[0].0.to_string());
        written.filter(|_| self.claim.point.is_none())
    }

    fn wrong_point(&self) -> Vec<SpannedMistake> {
        let Some(at) = self.unknown_point() else { return Vec::new() };
        let labels: Vec<String> = self.scenario.points.iter().map(|point| point.at.to_string()).collect();
        let remedy = match closest(&at, labels.iter().map(String::as_str)) {
            _ if labels.iter().all(String::is_empty) => "remove it: nothing is swept".to_owned(),
            Some(nearest) => format!("did you mean {}?", quoted(nearest)),
            None => {
                let labels: Vec<String> = labels.iter().map(|label| quoted(label)).collect();
                format!("the points are {}", labels.join(", "))
            }
        };
        vec![self.wrong("point", format!("unknown point {}", quoted(&at)), remedy)]
    }

    /// Returns the work of the points that the claim is about.
    fn work(&self) -> impl Iterator<Item = &Work> {
        let is_known = self.unknown_point().is_none();
        let about = self.scenario.points.iter().filter(move |point| is_known && self.claim.is_about(&point.at));
        about.map(|point| &point.work)
    }

    fn wrong_figure(&self) -> Vec<SpannedMistake> {
        if self.work().all(|work| self.claim.metric.applies_to(work)) {
            return Vec::new();
        }
        let message = format!("this workload has no {}", self.claim.metric.name());
        vec![self.wrong("metric", message, "use another metric, or add what it needs to the scenario".into())]
    }

    fn wrong_formula(&self) -> Option<SpannedMistake> {
        let Against::Formula(formula) = &self.claim.against else { return None };
        let metric = self.claim.metric;
        match formula.dimension() {
            Err(why) => Some(self.wrong("expect", why, "combine only values of the same unit".into())),
            Ok(other) if other != metric.dimension() => {
                let message = format!("the formula gives {other}, but {} is {}", metric.name(), metric.dimension());
                Some(self.wrong("expect", message, format!("write a formula that gives {}", metric.dimension())))
            }
            Ok(_) if self.scenario.models.is_empty() || self.work().all(|work| self.has_value(formula, work)) => None,
            Ok(_) => {
                let message = "the scenario lacks one of its values, or the result is not greater than 0".into();
                Some(self.wrong("expect", message, "use only values that the scenario defines".into()))
            }
        }
    }

    /// Returns whether the formula gives a positive number for each model of the claim.
    fn has_value(&self, formula: &Formula, work: &Work) -> bool {
        let value = |model: &Model| formula.value(work, *model, &Parallel::ideal(work.cpus().unwrap_or(2)));
        self.claim.models.iter().all(|model| value(model).is_some_and(is_positive))
    }
}

fn is_positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}
