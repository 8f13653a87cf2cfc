//! Words the advice on which model suits a load: a table, three sentences, and JSON.

use serde_json::{Value, json};

use super::wording;
use crate::analysis::{Advice, AdviceRow, Choice, Estimate, Meets};
use crate::scenario::{Capacity, CapacityLimit, Metric, Model};
use crate::units;

/// Returns the headings of the table.
pub(super) fn headings(advice: &Advice) -> Vec<String> {
    let mut all = vec!["model".to_owned()];
    all.extend(has_objective(advice).then(|| objective(advice)));
    let [time, cpu, memory] = if advice.work.is_echo() {
        ["p99", "CPU per request", "memory per connection"]
    } else {
        ["wall time", "CPU per job", "memory per job"]
    };
    all.extend([time, cpu, memory].map(str::to_owned));
    if advice.work.is_echo() {
        all.extend(["largest rate", "by arithmetic"].map(str::to_owned));
    }
    all
}

/// Returns one row per model, under [`headings`].
pub(super) fn rows(advice: &Advice) -> Vec<(Model, Vec<String>)> {
    let row = |row: &AdviceRow| {
        let mut cells = Vec::new();
        cells.extend(has_objective(advice).then(|| meets(row.meets).to_owned()));
        cells.push(time(row));
        cells.push(row.cpu.as_ref().map_or_else(missing, wording::estimate));
        cells.push(row.memory_each.map_or_else(missing, wording::memory));
        if advice.work.is_echo() {
            let largest = row.largest_rate.as_ref().map(|largest| {
                let sign = if largest.is_limit { "" } else { "≥ " };
                format!("{sign}{}", wording::estimate(&largest.rate))
            });
            cells.push(largest.unwrap_or_else(missing));
            cells.push(row.capacity.map_or_else(|| "no limit".into(), |capacity| units::rate(rounded(capacity.per_s))));
        }
        (row.model, cells)
    };
    advice.rows.iter().map(row).collect()
}

/// Returns the conclusion in at most three sentences: which model, why, and what it does when the rate doubles.
pub(super) fn sentences(advice: &Advice) -> Vec<String> {
    match &advice.choice {
        Choice::NotMeasurable => vec![
            "Nothing is recommended, because no model has enough valid trials; the findings give the reasons.".into(),
        ],
        Choice::NoneMeets { undecided } => none_meets(advice, undecided),
        Choice::Model { model, as_good, worse, unknown } => {
            let mut all = vec![recommendation(advice, *model, [as_good, worse, unknown])];
            all.extend(reason(advice, *model));
            all.extend(doubled(advice, *model));
            all
        }
    }
}

/// Returns the rates that arithmetic allows, one line per model.
pub fn expectations(capacities: &[(Model, Option<Capacity>)]) -> Vec<String> {
    let line = |(model, capacity): &(Model, Option<Capacity>)| match capacity {
        Some(capacity) => {
            format!("{model}: at most {}, limited by {}", units::rate(rounded(capacity.per_s)), limit(capacity.limit))
        }
        None => format!("{model}: no limit but the cost of a request itself"),
    };
    capacities.iter().map(line).collect()
}

/// Renders the advice as JSON.
pub(super) fn json(advice: &Advice) -> Value {
    let row = |row: &AdviceRow| {
        json!({
            "model": row.model,
            "meets": match row.meets {
                Meets::Yes => Some("yes"),
                Meets::No => Some("no"),
                Meets::NotDecided => Some("not decided"),
                Meets::NotMeasurable => None,
            },
            "time_ns": row.time.as_ref().map(Estimate::value),
            "time_interval_ns": row.time.as_ref().and_then(|time| time.range()).map(|(interval, _)| [interval.low, interval.high]),
            "cpu_ns": row.cpu.as_ref().map(Estimate::value),
            "memory_bytes": row.memory_each,
            "largest_rate_per_s": row.largest_rate.as_ref().map(|largest| largest.rate.value()),
            "largest_rate_is_limit": row.largest_rate.as_ref().map(|largest| largest.is_limit),
            "capacity_per_s": row.capacity.map(|capacity| capacity.per_s),
        })
    };
    let none = Vec::new();
    let (model, as_good, worse, unknown) = match &advice.choice {
        Choice::Model { model, as_good, worse, unknown } => (Some(model), as_good, worse, unknown),
        _ => (None, &none, &none, &none),
    };
    json!({
        "offered_per_s": advice.offered,
        "slo": advice.slo,
        "rows": advice.rows.iter().map(row).collect::<Vec<_>>(),
        "model": model,
        "as_good": as_good,
        "worse": worse,
        "not_comparable": unknown,
        "says": sentences(advice),
    })
}

fn missing() -> String {
    "n/a".into()
}

fn meets(meets: Meets) -> &'static str {
    match meets {
        Meets::Yes => "yes",
        Meets::No => "no",
        Meets::NotDecided => "not decided",
        Meets::NotMeasurable => "INVALID",
    }
}

/// Returns whether there is anything to meet: an objective, or an offered rate to keep up with.
fn has_objective(advice: &Advice) -> bool {
    advice.slo.is_some() || advice.offered.is_some()
}

/// Names the objective: `p99<50ms at 2,000/s`.
fn objective(advice: &Advice) -> String {
    match (&advice.slo, advice.offered) {
        (Some(slo), Some(offered)) => format!("{slo} at {}", units::rate(offered)),
        (Some(slo), None) => slo.clone(),
        (None, Some(offered)) => format!("keeps up with {}", units::rate(offered)),
        (None, None) => String::new(),
    }
}

/// Formats the time of a model; without an interval if only all rounds together have enough requests for it.
fn time(row: &AdviceRow) -> String {
    let of_all = || row.time_of_all.map_or_else(missing, |ns| format!("{} (all rounds)", wording::time(ns as f64)));
    row.time.as_ref().map_or_else(of_all, with_interval)
}

fn with_interval(estimate: &Estimate) -> String {
    let range = wording::estimate_range(estimate);
    range.map_or_else(|| wording::estimate(estimate), |range| format!("{} ({range})", wording::estimate(estimate)))
}

/// Rounds a rate to three digits, which is more than arithmetic about a real machine is worth.
fn rounded(rate: f64) -> f64 {
    let scale = 10f64.powi(rate.abs().max(1.0).log10().floor() as i32 - 2);
    (rate / scale).round() * scale
}

fn limit(limit: CapacityLimit) -> String {
    match limit {
        CapacityLimit::Connections => "its connections".into(),
        CapacityLimit::Threads(1) => "its one thread".into(),
        CapacityLimit::Threads(n) => format!("its {n} threads"),
        CapacityLimit::Cpus => "the CPUs".into(),
        CapacityLimit::Permits(n) => format!("the {}", units::counted(n.into(), "permit", "permits")),
        CapacityLimit::Lock => "the lock".into(),
    }
}

fn list(models: &[Model]) -> String {
    let names: Vec<String> = models.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn recommendation(advice: &Advice, model: Model, others: [&Vec<Model>; 3]) -> String {
    let goal = match (model, advice.slo.is_some()) {
        (Model::Threads, true) => "they meet the objective",
        (Model::Threads, false) => "they keep up",
        (_, true) => "it meets the objective",
        (_, false) => "it keeps up",
    };
    let compared = match advice.metric() {
        Metric::Rate => "rate",
        Metric::Wall => "wall time",
        _ => "p99",
    };
    let name = if model == Model::Threads {
        "Plain threads will do (threads)".to_owned()
    } else {
        format!("{model} is the choice")
    };
    let meets = if has_objective(advice) { format!("; {goal}") } else { String::new() };
    let verdicts = ["is no different within the noise", "is worse", "cannot be compared with it in these rounds"];
    let others: Vec<String> = others
        .into_iter()
        .zip(verdicts)
        .filter(|(models, _)| !models.is_empty())
        .map(|(models, verdict)| format!("the {compared} of {} {verdict}", list(models)))
        .collect();
    let others = if others.is_empty() { String::new() } else { format!("; {}", others.join(", ")) };
    format!("{name}{meets}{others}.")
}

/// States what limits the model, and what limits the others that do not meet the objective.
fn reason(advice: &Advice, model: Model) -> Option<String> {
    if !advice.work.is_echo() {
        return None;
    }
    let row = advice.row(model)?;
    let own = match row.capacity {
        Some(capacity) => format!(
            "{model} is limited by {}, by arithmetic at {}",
            limit(capacity.limit),
            units::rate(rounded(capacity.per_s))
        ),
        None => format!("a request takes no time beside its own handling, so {model} is limited by the CPUs alone"),
    };
    let failing = advice.rows.iter().filter(|row| row.meets == Meets::No);
    let others: Vec<String> = failing
        .filter_map(|row| {
            let capacity = row.capacity?;
            Some(format!("{} by {}, at {}", row.model, limit(capacity.limit), units::rate(rounded(capacity.per_s))))
        })
        .collect();
    let others = if others.is_empty() { String::new() } else { format!("; {}", others.join("; ")) };
    Some(format!("Why: {own}{others}."))
}

/// States what the model does at twice the offered rate.
fn doubled(advice: &Advice, model: Model) -> Option<String> {
    let twice = 2.0 * advice.offered?;
    let largest = advice.row(model)?.largest_rate.as_ref()?;
    let (rate, shown) = (largest.rate.value(), wording::estimate(&largest.rate));
    let low = largest.rate.range().map_or(rate, |(interval, _)| interval.low);
    Some(match (twice <= low, largest.is_limit) {
        (true, _) => format!("If the rate doubles to {}, {model} keeps up: it reached {shown}.", units::rate(twice)),
        (false, true) if twice > rate => format!(
            "If the rate doubles to {}, {model} does not keep up: its largest rate is {shown}, and every further request \
             makes all later ones wait longer.",
            units::rate(twice)
        ),
        _ => format!(
            "Whether {model} keeps up if the rate doubles to {} is not decided: it reached {shown}.",
            units::rate(twice)
        ),
    })
}

fn none_meets(advice: &Advice, undecided: &[Model]) -> Vec<String> {
    let goal = objective(advice);
    if !undecided.is_empty() {
        let why = "not decided, as rounds differ or have too few requests; more rounds (--full) may decide";
        return vec![format!("No model is recommended for {goal}: for {} it is {why}.", list(undecided))];
    }
    let mut all = vec![if has_objective(advice) {
        format!("No model meets {goal}, so none is recommended.")
    } else {
        "No model answered the requests, so none is recommended.".into()
    }];
    let rates = advice.rows.iter().filter_map(|row| Some((row.model, row.largest_rate.as_ref()?)));
    let best = rates.max_by(|(_, a), (_, b)| a.rate.value().total_cmp(&b.rate.value()));
    if let Some((model, largest)) = best {
        all.push(format!("The largest measured rate is {}, under {model}.", wording::estimate(&largest.rate)));
    }
    let capacities = advice.rows.iter().filter_map(|row| row.capacity);
    let most = capacities.max_by(|a, b| a.per_s.total_cmp(&b.per_s));
    if let Some(most) = most.filter(|most| advice.offered.is_some_and(|offered| most.per_s < offered)) {
        all.push(format!(
            "By arithmetic no model gets beyond {}, the limit of {}: offer less, or make a request shorter.",
            units::rate(rounded(most.per_s)),
            limit(most.limit)
        ));
    }
    all
}
