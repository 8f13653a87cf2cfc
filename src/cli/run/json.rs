//! What `avt run --json` prints: the cells' medians over their rounds, with their intervals and ranges.

use serde_json::{Value, json};

use crate::gate::{self, Gate};
use crate::record::{Record, Run, SCHEMA};
use crate::report::claims::{self, Judged};
use crate::report::summary::{self, CellSummary, Measures, Percentile, PointSummary, Times};
use crate::scenario::{Against, Scenario};
use crate::stats::{Interval, Spread};

/// All cells of a run. Durations are nanoseconds; a figure that does not exist is null.
pub(super) fn json(run: &Run, scenarios: &[Scenario], records: &[Record], folder: &str, report: &str) -> Value {
    let summaries: Vec<(&Scenario, Vec<PointSummary>)> =
        scenarios.iter().map(|scenario| (scenario, summary::of(scenario, run, records))).collect();
    let claims = summaries.iter().flat_map(|(scenario, points)| {
        let judged = claims::of(scenario, points, &run.parallel);
        judged.iter().map(|judged| claim(scenario, judged)).collect::<Vec<_>>()
    });
    let cells = summaries.iter().flat_map(|(_, points)| points).flat_map(|point| &point.cells);
    json!({
        "schema": SCHEMA,
        "folder": folder,
        "report": report,
        "state": run.state,
        "seed": run.seed,
        "trials": { "planned": run.trials_planned, "done": records.len() },
        "claims": claims.collect::<Vec<_>>(),
        "cells": cells.map(cell).collect::<Vec<_>>(),
    })
}

/// Times are nanoseconds; bounds without end have null there.
fn claim(scenario: &Scenario, judged: &Judged<'_>) -> Value {
    let claim = judged.claim;
    let (is, than) = match &claim.against {
        Against::Formula(formula) => (Some(formula.to_string()), None),
        Against::Model(model) => (None, Some(model)),
    };
    let interval = judged.ratio.and_then(|ratio| ratio.interval).map(|Interval { low, high }| [low, high]);
    json!({
        "scenario": scenario.name,
        "point": judged.point,
        "says": claim.says,
        "source": claim.source,
        "figure": claim.metric.word(),
        "of": claim.of,
        "is": is,
        "than": than,
        "between": [claim.between.0, claim.between.1],
        "measured": judged.measured.as_ref().map(spread),
        "expected": judged.expected,
        "ratio": judged.ratio.map(|ratio| ratio.ratio),
        "ratio_bound": judged.ratio.map(|ratio| ratio.bound),
        "interval": interval,
        "verdict": judged.verdict,
        "why": judged.why,
    })
}

fn cell(summary: &CellSummary) -> Value {
    let CellSummary { cell, measures, doubts, failures, traced, ideal_ns, predicted_ns, .. } = summary;
    json!({
        "scenario": cell.id.scenario,
        "point": cell.id.point.to_string(),
        "model": cell.id.model,
        "jobs_wanted": cell.jobs_wanted,
        "ideal_ns": ideal_ns,
        "predicted_ns": predicted_ns,
        "failures": failures
            .iter()
            .map(|(round, failure)| json!({ "round": round, "why": failure.to_string() }))
            .collect::<Vec<_>>(),
        "gates": doubts.iter().map(of_round).collect::<Vec<_>>(),
        "most_executing": traced.map(|traced| {
            json!({ "at_least": traced.most_executing.at_least, "at_most": traced.most_executing.at_most })
        }),
        "memory_per_waiting_job_bytes": summary.per_waiting_job().map(|(all, resident)| json!({ "all": all, "resident": resident })),
        "run_queue_ns": traced.and_then(|traced| traced.run_queue_ns),
        "measured": measures.as_ref().map(measured),
    })
}

/// The gates that a round did not pass.
fn of_round((round, gates): &(u32, Vec<Gate>)) -> Value {
    let not_passed = gates.iter().map(|gate| {
        json!({ "name": gate.name(), "verdict": gate.verdict(), "why": gate.to_string(), "advice": gate.advice() })
    });
    json!({ "round": round, "verdict": gate::verdict(gates), "not_passed": not_passed.collect::<Vec<_>>() })
}

fn measured(measures: &Measures) -> Value {
    json!({
        "rounds": measures.wall_ns.rounds,
        "wall_ns": spread(&measures.wall_ns),
        "jobs": spread(&measures.jobs),
        "throughput_per_s": spread(&measures.throughput),
        "threads": spread(&measures.threads),
        "most_in_flight": spread(&measures.in_flight),
        "cpu_ns": spread(&measures.cpu_ns),
        "memory_peak_bytes": measures.memory_bytes.as_ref().map(spread),
        "switches": spread(&measures.switches),
        "cpu_system_share": spread(&measures.cpu_system_share),
        "runtime_busy_share": measures.runtime_busy.as_ref().map(spread),
        "runtime_parks": measures.runtime_parks.as_ref().map(spread),
        "page_faults": spread(&measures.faults),
        "longest_gap_ns": measures.longest_gap_ns.as_ref().map(spread),
        "series": measures
            .series
            .iter()
            .map(|series| json!({
                "name": series.name,
                "response_time_ns": times(&series.response),
                "service_time_ns": times(&series.service),
            }))
            .collect::<Vec<_>>(),
        "load": measures.load.as_ref().map(|load| json!({
            "connections": load.connections,
            "connections_starved": spread(&load.starved),
            "requests_planned": load.planned,
            "answered_share": spread(&load.reached),
            "requests_lost": load.lost,
            "generator_cpu_ns": spread(&load.cpu_ns),
            "generator_cpu_share": spread(&load.cpu_share),
        })),
    })
}

fn times(times: &Times) -> Value {
    let percentile = |percentile: &Option<Percentile>| {
        percentile.as_ref().map(|Percentile { spread: over_rounds, at_least, high_at_least }| {
            let mut told = spread(over_rounds);
            told["at_least"] = json!(at_least);
            told["high_at_least"] = json!(high_at_least);
            told
        })
    };
    json!({
        "count": times.merged.len(),
        "p50": percentile(&times.p50),
        "p90": percentile(&times.p90),
        "p99": percentile(&times.p99),
        "max": percentile(&times.max),
    })
}

fn spread(spread: &Spread) -> Value {
    let interval = spread.interval.map(|Interval { low, high }| [low, high]);
    json!({ "median": spread.median, "min": spread.min, "max": spread.max, "interval": interval, "rounds": spread.rounds })
}
