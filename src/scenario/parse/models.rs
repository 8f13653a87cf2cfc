//! Checks whether the models of a file can do its work.

use std::ops::Range;

use super::fields::{Field, Fields};
use super::mistakes::SpannedMistake;
use super::servers;
use super::values::Value;
use crate::scenario::Model;
use crate::scenario::keys::{Section, WorkloadName};

/// Returns the models of the file.
pub(super) fn values(fields: &Fields) -> impl Iterator<Item = &Value> {
    fields.get(Section::Top, "models").into_iter().flat_map(|field| field.values.iter().map(|(value, _)| value))
}

/// Finds models that cannot do the work, and keys that are for other models.
pub(super) fn check(fields: &Fields, workload: WorkloadName) -> Vec<SpannedMistake> {
    let mut found: Vec<SpannedMistake> = servers::check(fields, workload);
    found.extend(foreign_baseline(fields));
    found.extend(cannot_serve(fields, workload));
    found.extend(composed_threads(fields));
    found.extend(no_lock(fields));
    found.extend(std_lock_across_await(fields));
    found
}

/// Returns the models of the file for which `is` holds, each with its place.
pub(super) fn named(fields: &Fields, is: impl Fn(Model) -> bool) -> impl Iterator<Item = (Model, Range<usize>)> {
    let values = fields.get(Section::Top, "models").into_iter().flat_map(|field| field.values.iter());
    values.filter_map(move |(value, span)| match value {
        Value::Model(model) if is(*model) => Some((*model, span.clone())),
        _ => None,
    })
}

/// Returns whether a key has this word, or has it in its list.
fn has_word(fields: &Fields, name: &str, word: &str) -> bool {
    let field = fields.get(Section::Top, name);
    field.is_some_and(|field| field.values.iter().any(|(value, _)| *value == Value::Text(word.into())))
}

/// Finds a baseline that is not among the models, or that gets fewer jobs than the others.
fn foreign_baseline(fields: &Fields) -> Option<SpannedMistake> {
    let field = fields.get(Section::Top, "baseline")?;
    let (baseline, span) = field.values.first()?;
    let names: Vec<String> = values(fields).map(Value::to_string).collect();
    if !names.contains(&baseline.to_string()) {
        let remedy = format!("add it to models, or use one of {}", names.join(", "));
        let message = format!("{baseline} is not listed in models");
        return Some(SpannedMistake::new(span.clone(), field.path(), message, remedy));
    }
    let has_fewer = fields.get(Section::MaxJobs, &baseline.to_string()).is_some();
    has_fewer.then(|| {
        let message = format!("{baseline} gets fewer jobs than the others, so nothing can be compared with it");
        SpannedMistake::new(
            span.clone(),
            field.path(),
            message,
            "remove its line below [max_jobs], or use another model",
        )
    })
}

/// Finds models that run jobs only, in a scenario with a server.
fn cannot_serve(fields: &Fields, workload: WorkloadName) -> Vec<SpannedMistake> {
    if workload != WorkloadName::Echo {
        return Vec::new();
    }
    let mistake = |(model, span): (Model, _)| {
        let remedy = "write \"async+rayon/2\", whose tasks wait for the connections, or remove it";
        SpannedMistake::new(span, "models", format!("{model} runs jobs, and serves no connections"), remedy)
    };
    named(fields, |model| !model.serves()).map(mistake).collect()
}

/// Finds thread models in a scenario that composes its jobs in tasks.
fn composed_threads(fields: &Fields) -> Option<SpannedMistake> {
    let compose = fields.get(Section::Top, "compose")?;
    let (composed, span) = compose.values.iter().find(|(value, _)| *value != Value::Text("spawn".into()))?;
    let (model, _) = named(fields, |model| !matches!(model, Model::Async(..))).next()?;
    let message = format!("{composed} is for async models only, but models contains {model}");
    Some(SpannedMistake::new(span.clone(), compose.path(), message, format!("remove {model}, or write \"spawn\"")))
}

/// Finds properties of a lock that no step takes.
fn no_lock(fields: &Fields) -> Vec<SpannedMistake> {
    if fields.get(Section::Top, "lock").is_some() {
        let scope = fields.get(Section::Top, "lock_scope").filter(|_| fields.get(Section::Top, "wait").is_none());
        let mistake = |field: &Field| {
            let remedy = "write wait = \"10ms\", or remove this";
            SpannedMistake::new(
                field.name_span.clone(),
                field.path(),
                "there is no wait during which to hold it",
                remedy,
            )
        };
        return scope.map(mistake).into_iter().collect();
    }
    let mistake = |field: &Field| {
        let remedy = "write lock = \"100us\", the time for which each job holds it, or remove this";
        SpannedMistake::new(field.name_span.clone(), field.path(), "there is no lock", remedy)
    };
    ["lock_kind", "lock_scope"].iter().filter_map(|name| fields.get(Section::Top, name)).map(mistake).collect()
}

/// Finds a lock of std that a task would hold while it waits.
fn std_lock_across_await(fields: &Fields) -> Option<SpannedMistake> {
    for needed in ["lock", "wait"] {
        fields.get(Section::Top, needed)?;
    }
    let scope = fields.get(Section::Top, "lock_scope").filter(|_| has_word(fields, "lock_scope", "wait"))?;
    let is_std = fields.get(Section::Top, "lock_kind").is_none() || has_word(fields, "lock_kind", "std");
    let (model, _) = named(fields, |model| matches!(model, Model::Async(..))).next().filter(|_| is_std)?;
    let message = format!(
        "{model} cannot hold std's lock during the wait: its guard is not Send, so the compiler refuses the task, and on one \
         thread the next job would block the one that holds it"
    );
    Some(SpannedMistake::new(scope.span.clone(), scope.path(), message, "write lock_kind = \"tokio\""))
}
