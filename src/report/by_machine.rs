//! Describes the runs of several machines in words, and renders them as JSON, for `avt merge`.

use serde_json::{Value, json};

use super::{warnings, wording};
use crate::analysis::Estimate;
use crate::analysis::by_machine::{
    ByMachine, MachineFigures, MachineRow, MachineSummary, MachineWarning, PointByMachine,
};
use crate::record::RunState;
use crate::scenario::Model;
use crate::schedule::Shard;
use crate::stats::{BlockRatio, Bound, FEWEST, Interval, Ratio};
use crate::text;
use crate::units;

/// A table of text: its headings, and the cells of each row.
pub struct TextTable {
    /// The headings, the name of the machine first.
    pub headings: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

/// Returns the table of all machines.
pub fn machines(found: &ByMachine<'_>) -> TextTable {
    let mut headings = vec!["machine", "processor", "CPUs", "trials", "verdict"];
    if found.shards.is_some() {
        headings.insert(3, "shards");
    }
    let row = |machine: &MachineSummary| {
        let mut cells = vec![
            name(machine),
            machine.cpu.as_deref().map_or_else(|| "unknown".into(), text::one_line),
            units::count(machine.cpus.into()),
            units::count(machine.trials as u64),
            machine.verdict.to_string(),
        ];
        if found.shards.is_some() {
            cells.insert(3, shards(&machine.shards));
        }
        cells
    };
    TextTable {
        headings: headings.into_iter().map(str::to_owned).collect(),
        rows: found.machines.iter().map(row).collect(),
    }
}

fn name(machine: &MachineSummary) -> String {
    text::one_line(&machine.name)
}

/// Lists shards: `1/4, 3/4`.
fn shards(shards: &[Shard]) -> String {
    shards.iter().map(Shard::to_string).collect::<Vec<_>>().join(", ")
}

/// Returns the title of a table: `echo, load.rate = max: throughput, as a ratio to async`.
pub fn title(point: &PointByMachine) -> String {
    let place = wording::place(&point.scenario, &point.at);
    let metric = point.metric.heading(&point.work);
    match &point.figures {
        MachineFigures::Ratios { baseline, .. } => format!("{place}: {metric}, as a ratio to {baseline}"),
        MachineFigures::Values { .. } => format!("{place}: {metric}"),
    }
}

/// Returns the table of a point: a row for each machine, and one for all machines if there are ratios.
pub fn table(found: &ByMachine<'_>, point: &PointByMachine) -> TextTable {
    let headings = |models: &[Model]| {
        let fixed = ["machine", "rounds"].map(str::to_owned);
        fixed.into_iter().chain(models.iter().map(Model::to_string)).collect()
    };
    match &point.figures {
        MachineFigures::Ratios { models, rows, all, .. } => {
            let mut cells: Vec<Vec<String>> = rows.iter().map(|row| machine_cells(found, row, ratio)).collect();
            let rounds = rows.iter().map(|row| row.rounds as u64).sum();
            let fixed = ["all machines".to_owned(), units::count(rounds)];
            let machines = found.machines.len();
            let pooled = all.iter().map(|all| all.as_ref().map_or_else(missing, |all| ratio_of_all(all, machines)));
            cells.push(fixed.into_iter().chain(pooled).collect());
            TextTable { headings: headings(models), rows: cells }
        }
        MachineFigures::Values { models, rows } => TextTable {
            headings: headings(models),
            rows: rows.iter().map(|row| machine_cells(found, row, value)).collect(),
        },
    }
}

fn machine_cells<T>(found: &ByMachine<'_>, row: &MachineRow<T>, show: fn(&T) -> String) -> Vec<String> {
    let fixed = [name(&found.machines[row.machine]), units::count(row.rounds as u64)];
    let cell = |(figure, is_invalid): (&Option<T>, &bool)| match figure {
        None => missing(),
        Some(figure) if *is_invalid => format!("{} INVALID", show(figure)),
        Some(figure) => show(figure),
    };
    fixed.into_iter().chain(row.figures.iter().zip(&row.invalid).map(cell)).collect()
}

fn missing() -> String {
    "n/a".into()
}

/// Formats a ratio with its interval: `1.31 (1.22 to 1.41)`.
fn ratio(ratio: &Ratio) -> String {
    with_interval(ratio.ratio, ratio.interval, ratio.bound)
}

/// Formats the ratio over all machines. `machines` is the number of all machines.
fn ratio_of_all(all: &BlockRatio, machines: usize) -> String {
    let shown = with_interval(all.ratio, all.interval, all.bound);
    match all.blocks {
        blocks if blocks == machines => shown,
        blocks => format!("{shown}, {}", units::counted(blocks as u64, "machine", "machines")),
    }
}

fn with_interval(ratio: f64, interval: Option<Interval>, bound: Bound) -> String {
    let show = |ratio: f64| format!("{}{}", bound.sign(), units::three_digits(ratio));
    let interval = interval.map(|Interval { low, high }| format!(" ({} to {})", show(low), show(high)));
    show(ratio) + &interval.unwrap_or_default()
}

/// Formats a figure with its interval; without one if there are too few rounds.
fn value(of: &Estimate) -> String {
    let range = of.spread.interval.and_then(|_| wording::estimate_range(of));
    wording::estimate(of) + &range.map_or_else(String::new, |range| format!(" ({range})"))
}

/// Returns what the tables show, in a few sentences.
pub fn conclusion(found: &ByMachine<'_>) -> String {
    let own = format!("In brackets: the 95 % interval of a machine, from {FEWEST} rounds on.");
    if found.shards.is_none() {
        return format!("{own} Each row is a machine of its own. Runs of different machines are never pooled.");
    }
    let machines = found.machines.len();
    if machines < FEWEST {
        return format!(
            "{own} All machines: the geometric mean of their ratios. It has no interval, because an interval over so few \
             machines ({machines}) means little; it takes {FEWEST} or more. Compare the rows."
        );
    }
    format!(
        "{own} All machines: the geometric mean of their ratios, with the 95 % interval over machines (bootstrap over \
         machines, then over the rounds of each)."
    )
}

/// Returns the doubts about the runs, then those about the measurement on each machine, one sentence each.
pub fn warnings(found: &ByMachine<'_>) -> Vec<String> {
    let of_machine = |machine: &MachineSummary| {
        let scenarios = machine.runs.iter().flat_map(|run| &found.runs[*run].analysis.scenarios);
        let flagged = warnings::flagged_measurements(scenarios.flat_map(|scenario| &scenario.points));
        (!flagged.is_empty()).then(|| format!("{}: {}", name(machine), flagged.join(" ")))
    };
    let of = found.shards.as_ref().map_or(0, |shards| shards.of);
    found.warnings.iter().map(|one| warning(one, of)).chain(found.machines.iter().filter_map(of_machine)).collect()
}

/// Returns a warning as a sentence; `of` is the number of shards.
fn warning(warning: &MachineWarning, of: u32) -> String {
    let line = text::one_line;
    match warning {
        MachineWarning::Missing(missing) => {
            let n = missing.len() as u64;
            let verb = if n == 1 { "is" } else { "are" };
            format!("{} of {of} {verb} missing: {}.", units::counted(n, "shard", "shards"), shards(missing))
        }
        MachineWarning::Unfinished(folder, RunState::Partial(signal)) => {
            format!("{} is partial: {} ended it early.", line(folder), line(signal))
        }
        MachineWarning::Unfinished(folder, _) => format!("{} has not ended, or was killed.", line(folder)),
        MachineWarning::MissingRecords(folder, n) => {
            format!("{}: {}", line(folder), warnings::missing_records(*n))
        }
        MachineWarning::FailedTrials(folder, n) => {
            format!("{}: {} failed.", line(folder), units::counted(*n, "trial", "trials"))
        }
        MachineWarning::Versions([(first, one), (second, other)]) => format!(
            "The versions of avt differ: {} in {}, {} in {}.",
            line(one),
            line(first),
            line(other),
            line(second)
        ),
        MachineWarning::DebugBuilds(n) => format!(
            "avt was built without optimisation in {}, so the figures are meaningless.",
            units::counted(*n as u64, "run", "runs")
        ),
        MachineWarning::OnlyInSome(scenario, folder) => {
            format!("The scenario {scenario} is left out, because {} lacks it.", line(folder))
        }
        MachineWarning::OtherText(scenario, folder) => {
            format!("The scenario {scenario} is left out, because its text in {} is a different one.", line(folder))
        }
        MachineWarning::OneKernel(names) => {
            let names: Vec<String> = names.iter().map(|name| line(name)).collect();
            format!(
                "{} run under one kernel: they are one machine, but the mean counts them as several.",
                names.join(", ")
            )
        }
        MachineWarning::OwnCalibrations => {
            "Each machine was calibrated by itself, so the same time of computing is more \
                                            work on a faster machine."
                .into()
        }
    }
}

/// Renders the runs as JSON.
pub fn json(found: &ByMachine<'_>) -> Value {
    let machine = |machine: &MachineSummary| {
        json!({
            "name": machine.name,
            "cpu": machine.cpu,
            "cpus": machine.cpus,
            "iterations_per_s": machine.iterations_per_s,
            "folders": machine.runs.iter().map(|run| found.runs[*run].folder.as_str()).collect::<Vec<_>>(),
            "shards": machine.shards,
            "trials": machine.trials,
            "verdict": machine.verdict,
        })
    };
    let shards = found.shards.as_ref();
    json!({
        "shards": shards.map(|shards| json!({ "of": shards.of, "missing": shards.missing, "seed": shards.seed })),
        "complete": found.is_complete(),
        "warnings": warnings(found),
        "machines": found.machines.iter().map(machine).collect::<Vec<_>>(),
        "points": found.points.iter().map(|point| json_point(found, point)).collect::<Vec<_>>(),
    })
}

fn json_point(found: &ByMachine<'_>, point: &PointByMachine) -> Value {
    let mut value = json!({
        "scenario": point.scenario,
        "point": point.at.to_string(),
        "metric": point.metric.name(),
    });
    match &point.figures {
        MachineFigures::Ratios { baseline, models, rows, all } => {
            let of_all = |(model, all): (&Model, &Option<BlockRatio>)| {
                let mut value = json_ratio(all.map(|all| (all.ratio, all.interval, all.bound)));
                value["model"] = json!(model);
                value["machines"] = json!(all.map_or(0, |all| all.blocks));
                value["rounds"] = json!(all.map_or(0, |all| all.rounds));
                value
            };
            let of_machine = |ratio: Option<&Ratio>| json_ratio(ratio.map(|one| (one.ratio, one.interval, one.bound)));
            value["baseline"] = json!(baseline);
            value["by_machine"] = json_rows(found, models, rows, of_machine);
            value["all_machines"] = models.iter().zip(all).map(of_all).collect();
        }
        MachineFigures::Values { models, rows } => {
            let of_machine = |estimate: Option<&Estimate>| {
                let interval = estimate.and_then(|one| one.spread.interval);
                json!({
                    "value": estimate.map(Estimate::value),
                    "bound": estimate.map(Estimate::bound),
                    "interval": interval.map(|Interval { low, high }| [low, high]),
                })
            };
            value["by_machine"] = json_rows(found, models, rows, of_machine);
        }
    }
    value
}

fn json_ratio(ratio: Option<(f64, Option<Interval>, Bound)>) -> Value {
    let interval = ratio.and_then(|(_, interval, _)| interval);
    json!({
        "ratio": ratio.map(|(ratio, ..)| ratio),
        "ratio_bound": ratio.map(|(.., bound)| bound),
        "interval": interval.map(|Interval { low, high }| [low, high]),
    })
}

/// Renders a row for each machine, with an object for each model.
fn json_rows<T>(
    found: &ByMachine<'_>,
    models: &[Model],
    rows: &[MachineRow<T>],
    render: impl Fn(Option<&T>) -> Value,
) -> Value {
    let figure = |((model, figure), is_invalid): ((&Model, &Option<T>), &bool)| {
        let mut value = render(figure.as_ref());
        value["model"] = json!(model);
        value["invalid"] = json!(is_invalid);
        value
    };
    let row = |row: &MachineRow<T>| {
        json!({
            "machine": found.machines[row.machine].name,
            "rounds": row.rounds,
            "figures": models.iter().zip(&row.figures).zip(&row.invalid).map(figure).collect::<Vec<_>>(),
        })
    };
    rows.iter().map(row).collect()
}
