//! Checks whether the values of a file go together, and how long the whole would take.

use std::ops::Range;
use std::time::Duration;

use super::fields::{Field, Fields};
use super::mistakes::SpannedMistake;
use super::values::{self, Value};
use super::{models, points};
use crate::scenario::keys::{self, Section, WorkloadName};
use crate::scenario::{Model, Parallel, Scenario, expect};

/// The largest number of cells; more suggest a slip in a sweep.
pub(super) const MOST_CELLS: usize = 2000;

/// The longest time, in hours; more suggests a slip in a number.
const MOST_HOURS: u32 = 24;

/// Finds values that contradict each other, in fields that are each valid.
pub(super) fn check(fields: &Fields, workload: WorkloadName) -> Vec<SpannedMistake> {
    let mut found = Vec::new();
    let [(quick, quick_span), (full, full_span)] = rounds(fields);
    if quick > full {
        let (span, key) = match (quick_span, full_span) {
            (Some(span), _) => (span, "rounds.quick"),
            (None, full) => (full.unwrap_or(0..0), "rounds.full"),
        };
        let message = format!("{quick} quick rounds, but only {full} full rounds");
        found.push(SpannedMistake::new(
            span,
            key,
            message,
            format!("write full = {quick} or more, or a smaller quick"),
        ));
    }
    found.extend(max_jobs_for_nobody(fields, workload));
    found.extend(refused_to_nobody(fields));
    found.extend(too_many_cells(fields));
    found.extend(other_loop(fields));
    found.extend(models::check(fields, workload));
    found.extend(pinned_and_not(fields));
    found
}

/// Returns the numbers of quick and full rounds, each with its place.
pub(super) fn rounds(fields: &Fields) -> [(u32, Option<Range<usize>>); 2] {
    ["quick", "full"].map(|name| {
        let field = fields.get(Section::Rounds, name);
        let written = field.map(|field| field.values[0].0.clone());
        let default = || keys::rows(Section::Rounds, name).find_map(values::default);
        match written.or_else(default) {
            Some(Value::Count(count)) => (count, field.map(|field| field.span.clone())),
            other => unreachable!("rounds were checked to be counts: {other:?}"),
        }
    })
}

/// Returns every entry of `[max_jobs]` that names a model, in the order of the file.
pub(super) fn max_jobs(fields: &Fields) -> impl Iterator<Item = (Model, u32, &Field)> {
    fields.in_order(|field| field.key.section == Section::MaxJobs).into_iter().filter_map(|field| {
        match field.values[0].0 {
            Value::Count(most) => field.name.parse().ok().map(|model| (model, most, field)),
            _ => None,
        }
    })
}

/// Finds entries of `[max_jobs]` for models that do not run, or for more jobs than the scenario has.
fn max_jobs_for_nobody(fields: &Fields, workload: WorkloadName) -> Vec<SpannedMistake> {
    let names: Vec<String> = models::values(fields).map(Value::to_string).collect();
    let jobs = keys::row(Section::Top, "jobs", workload).and_then(|key| fields.get(Section::Top, key.name));
    let most_jobs = jobs.into_iter().flat_map(|field| &field.values).filter_map(|(value, _)| match value {
        Value::Count(jobs) => Some(*jobs),
        _ => None,
    });
    let most_jobs = most_jobs.max().unwrap_or(u32::MAX);
    let entries = fields.list.iter().filter(|field| field.key.section == Section::MaxJobs);
    let contradiction = |field: &Field| {
        if !names.contains(&field.name) {
            let message = "not listed in models";
            let remedy = format!("add it to models, or use one of {}", names.join(", "));
            return Some(SpannedMistake::new(field.name_span.clone(), field.path(), message, remedy));
        }
        match field.values[0].0 {
            Value::Count(most) if most > most_jobs => {
                let message = format!("must be at most the {most_jobs} jobs of the scenario, found {most}");
                let remedy = format!("write a whole number from 1 to {most_jobs}, or remove it");
                Some(SpannedMistake::new(field.span.clone(), field.path(), message, remedy))
            }
            _ => None,
        }
    };
    entries.filter_map(contradiction).collect()
}

/// Finds models in `may_refuse` that are not among `models`.
fn refused_to_nobody(fields: &Fields) -> Vec<SpannedMistake> {
    let Some(may_refuse) = fields.get(Section::Top, "may_refuse") else { return Vec::new() };
    let strangers = may_refuse.values.iter().filter(|(value, _)| !models::values(fields).any(|model| model == value));
    let mistake = |(value, span): &(Value, Range<usize>)| {
        let names: Vec<String> = models::values(fields).map(Value::to_string).collect();
        let remedy = format!("add it to models, or use one of {}", names.join(", "));
        SpannedMistake::new(span.clone(), may_refuse.path(), format!("{value} is not listed in models"), remedy)
    };
    strangers.map(mistake).collect()
}

/// Finds keys of the open loop in a closed one and vice versa, and an open loop without a rate.
fn other_loop(fields: &Fields) -> Vec<SpannedMistake> {
    const OPEN: [&str; 3] = ["rate", "arrivals", "pacing"];
    let Some(written) = fields.get(Section::Load, "loop") else { return Vec::new() };
    let is_open = matches!(&written.values[..], [(Value::Text(word), _)] if word == "open");
    let (strange, own): (&[&str], _) = if is_open { (&["think"], "closed") } else { (&OPEN, "open") };
    let strangers = strange.iter().filter_map(|name| fields.get(Section::Load, name));
    let mut found: Vec<SpannedMistake> = strangers
        .map(|field| {
            let remedy = format!("remove it, or write loop = \"{own}\"");
            SpannedMistake::new(field.name_span.clone(), field.path(), format!("only for loop = \"{own}\""), remedy)
        })
        .collect();
    if is_open && fields.get(Section::Load, "rate").is_none() {
        let remedy = "write rate = 1000, in requests per second, or a list of rates";
        found.push(SpannedMistake::new(
            written.span.clone(),
            "load.rate",
            "missing, but required by loop = \"open\"",
            remedy,
        ));
    }
    found
}

/// Finds a number of CPUs for a server that the kernel may put anywhere.
fn pinned_and_not(fields: &Fields) -> Option<SpannedMistake> {
    let pin = fields.get(Section::Load, "pin")?;
    let server_cpus = fields.get(Section::Top, "server_cpus")?;
    matches!(&pin.values[..], [(Value::Text(word), _)] if word == "none").then(|| {
        let message = "conflicts with load.pin = \"none\"";
        SpannedMistake::new(server_cpus.name_span.clone(), server_cpus.path(), message, "remove one of the two")
    })
}

fn too_many_cells(fields: &Fields) -> Option<SpannedMistake> {
    let swept = points::swept(fields);
    let n_models = models::values(fields).count();
    let n_cells = swept.iter().try_fold(n_models, |n, field| n.checked_mul(field.values.len()));
    if n_cells.is_some_and(|n| n <= MOST_CELLS) {
        return None;
    }
    let longest = swept.iter().max_by_key(|field| field.values.len())?;
    let factors: Vec<String> = swept.iter().map(|field| format!("{} {}", field.values.len(), field.path())).collect();
    let message = format!("{n_models} models x {} give more than {MOST_CELLS} cells", factors.join(" x "));
    Some(SpannedMistake::new(longest.span.clone(), longest.path(), message, "shorten this list"))
}

/// Reports a mistake if all full rounds would take more than a day, computed for one processor.
pub(super) fn planned_time(fields: &Fields, scenario: &Scenario) -> Vec<SpannedMistake> {
    let (cells, one) = (scenario.cells(), Parallel::ideal(1));
    let time_of = |model: &Model| {
        let walls =
            cells.iter().filter(|cell| cell.id.model == *model).map(|cell| expect::wall(&cell.work, *model, &one));
        let once = walls.fold(Duration::ZERO, Duration::saturating_add);
        once.checked_mul(scenario.rounds.full).unwrap_or(Duration::MAX)
    };
    let times: Vec<(Duration, &Model)> = scenario.models.iter().map(|model| (time_of(model), model)).collect();
    let planned = times.iter().map(|(time, _)| *time).fold(Duration::ZERO, Duration::saturating_add);
    if planned <= Duration::from_secs(3600) * MOST_HOURS {
        return Vec::new();
    }
    let hours = |time: Duration| format!("{:.1} h", time.as_secs_f64() / 3600.0);
    let slowest = times.iter().max_by_key(|(time, _)| *time).filter(|_| !fields.has(Section::Load));
    let (alone, remedy) = match slowest {
        // The time of an echo trial does not depend on its model.
        None => (String::new(), "reduce the sweep, load.duration or rounds.full".to_owned()),
        Some((time, model)) => (
            format!("; {model} alone {}", hours(*time)),
            format!("reduce rounds.full, the jobs or their work, or limit {model} in [max_jobs]"),
        ),
    };
    let [_, (full, span)] = rounds(fields);
    let place = span.or_else(|| fields.get(Section::Top, "models").map(|field| field.span.clone())).unwrap_or(0..0);
    let message = format!("{full} full rounds would take {}, more than {MOST_HOURS} h{alone}", hours(planned));
    vec![SpannedMistake::new(place, "rounds.full", message, remedy)]
}
