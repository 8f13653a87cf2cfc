//! Renders the analysis as JSON, for `avt run --json` and `avt report --json`. Durations are nanoseconds; a missing
//! figure is null.

use serde_json::{Map, Value, json};

use super::claims;
use crate::analysis::claims::ClaimVerdict;
use crate::analysis::{
    Analysis, CellSummary, Difference, Estimate, JudgedClaim, ModelRatio, PointFinding, PointSummary, ScenarioAnalysis,
    Scoreboard, SeriesSummary,
};
use crate::gate::{self, Finding};
use crate::record::{Failure, SCHEMA};
use crate::scenario::{Against, CellId, ClaimKind, Metric, Origin};
use crate::stats::{Bound, Interval, Ratio};

/// Renders the analysis of a run; `folder` and `report` are paths of its files.
pub fn run(analysis: &Analysis<'_>, folder: &str, report: &str) -> Value {
    let run = analysis.run;
    let claims =
        analysis.scenarios.iter().flat_map(|scenario| scenario.claims.iter().map(|judged| claim(scenario, judged)));
    let points = analysis.scenarios.iter().flat_map(|scenario| scenario.points.iter().map(|at| point(scenario, at)));
    let cells = analysis.scenarios.iter().flat_map(|scenario| &scenario.points).flat_map(|at| &at.cells);
    let advice = analysis
        .scenarios
        .iter()
        .filter_map(|of| Some((of.scenario.name.clone(), super::advice::json(of.advice.as_ref()?))));
    json!({
        "schema": SCHEMA,
        "folder": folder,
        "report": report,
        "state": run.state,
        "seed": run.seed,
        "shard": run.shard,
        "skipped": run.skipped,
        "trials": { "planned": run.trials_planned, "done": analysis.records.len() },
        "verdict": analysis.verdict(),
        "judged": analysis.judged,
        "findings": findings(analysis),
        "strays": strays(analysis),
        "scoreboard": scoreboard(&analysis.scoreboard),
        "claims": claims.collect::<Vec<_>>(),
        "points": points.collect::<Vec<_>>(),
        "advice": object(advice),
        "cells": cells.map(cell).collect::<Vec<_>>(),
    })
}

/// Renders the records that belong to no scenario of the run.
pub(super) fn strays(analysis: &Analysis<'_>) -> Vec<Value> {
    let stray = |(cell, records): (&&CellId, &u64)| {
        json!({
            "scenario": cell.scenario, "point": cell.point.to_string(), "model": cell.model, "control": cell.control,
            "records": records,
        })
    };
    analysis.strays.iter().map(stray).collect()
}

/// Renders every finding over the rounds of a run.
pub(super) fn findings(analysis: &Analysis<'_>) -> Vec<Value> {
    let of_point = |scenario: &ScenarioAnalysis<'_>, at: &PointSummary| {
        let mut all = Vec::new();
        for PointFinding { found, model, metric } in &at.findings {
            let mut finding = finding(found);
            finding["scenario"] = json!(scenario.scenario.name);
            finding["point"] = json!(at.at.to_string());
            finding["model"] = json!(model);
            finding["metric"] = json!(metric.map(Metric::name));
            all.push(finding);
        }
        all
    };
    analysis
        .scenarios
        .iter()
        .flat_map(|scenario| scenario.points.iter().flat_map(move |at| of_point(scenario, at)))
        .collect()
}

/// Builds an object of these entries. Collecting them would compile a sort for every kind of iterator.
fn object(entries: impl Iterator<Item = (String, Value)>) -> Map<String, Value> {
    let mut object = Map::new();
    object.extend(entries);
    object
}

/// Renders the number of claims by kind and verdict.
fn scoreboard(board: &Scoreboard) -> Value {
    let row = |kind| ClaimVerdict::ALL.map(|verdict| (verdict.word().to_owned(), json!(board.count(kind, verdict))));
    let rows = ClaimKind::ALL.map(|kind| (kind.name().to_owned(), Value::Object(object(row(kind).into_iter()))));
    Value::Object(object(rows.into_iter()))
}

/// Renders a claim; an infinite bound is null.
fn claim(scenario: &ScenarioAnalysis<'_>, judged: &JudgedClaim<'_>) -> Value {
    let claim = judged.claim;
    let (expect, baseline) = match &claim.against {
        Against::Formula(formula) => (Some(formula.to_string()), None),
        Against::Model(model) => (None, Some(model)),
    };
    json!({
        "scenario": scenario.scenario.name,
        "point": judged.point.to_string(),
        "says": claim.says,
        "kind": claim.kind.name(),
        "source": claim.source,
        "url": claim.url,
        "revised": claim.revised,
        "refuted_before": claim.refuted_before,
        "metric": claim.metric.name(),
        "model": judged.model,
        "expect": expect,
        "baseline": baseline,
        "bounds": [claim.bounds.0, claim.bounds.1],
        "statistic": claims::statistic(judged),
        "measured": judged.rounds.as_ref().map(estimate),
        "compared": judged.measured,
        "expected": judged.expected,
        "ratio": judged.ratio.map(|ratio| ratio.ratio),
        "ratio_bound": judged.ratio.map(|ratio| ratio.bound),
        "interval": judged.ratio.as_ref().and_then(interval),
        "verdict": judged.verdict,
        "why": claims::reason(judged),
    })
}

fn interval(ratio: &Ratio) -> Option<[f64; 2]> {
    ratio.interval.map(|Interval { low, high }| [low, high])
}

fn point(scenario: &ScenarioAnalysis<'_>, at: &PointSummary) -> Value {
    let control = at.control.as_ref().map(|control| {
        let ratios = control.ratios.iter().map(|(metric, ratio)| {
            let floor = control.noise(*metric).map(|noise| noise.floor(ratio.rounds));
            let value = json!({
                "ratio": ratio.ratio, "interval": interval(ratio), "means": ratio.means, "noise_floor": floor,
            });
            (metric.name().to_owned(), value)
        });
        json!({ "model": control.cell.cell.id.model, "ratios": object(ratios) })
    });
    json!({
        "scenario": scenario.scenario.name,
        "point": at.at.to_string(),
        "control": control,
        "ratios": at.ratios.iter().map(ratio).collect::<Vec<_>>(),
        "findings": at.findings.iter().map(|finding| json!({
            "name": finding.found.name(),
            "verdict": finding.found.verdict(),
            "model": finding.model,
            "metric": finding.metric.map(Metric::name),
        })).collect::<Vec<_>>(),
        "limits": at.limits.iter().map(|limit| json!({
            "name": limit.limit.name(), "models": limit.models, "trials": limit.trials, "of": limit.of,
            "why": limit.to_string(),
        })).collect::<Vec<_>>(),
        "answered": at.answered.iter().map(|answered| json!({
            "model": answered.model, "share": answered.share, "kept_up": answered.kept_up,
        })).collect::<Vec<_>>(),
    })
}

fn ratio(versus: &ModelRatio) -> Value {
    let (difference, detectable) = match versus.difference {
        Difference::More => ("more", None),
        Difference::Less => ("less", None),
        Difference::NoneFound { detectable } => ("none_found", Some(detectable)),
        Difference::Incomparable(_) => ("cannot_be_compared", None),
    };
    let why = match &versus.difference {
        Difference::Incomparable(obstacle) => Some(super::ratios::obstacle(obstacle)),
        _ => None,
    };
    json!({
        "metric": versus.metric.name(),
        "model": versus.model,
        "reference": versus.reference,
        "ratio": versus.ratio.ratio,
        "ratio_bound": versus.ratio.bound,
        "interval": interval(&versus.ratio),
        "means": versus.ratio.means,
        "noise_floor": versus.floor,
        "difference": difference,
        "would_be_found": detectable,
        "why": why,
    })
}

fn cell(summary: &CellSummary) -> Value {
    let CellSummary { cell, measures, flagged, failures, refusals, traced, ideal_ns, predicted_ns, .. } = summary;
    let unmeasured = |rounds: &[(u32, Failure)]| -> Vec<Value> {
        rounds.iter().map(|(round, failure)| json!({ "round": round, "why": failure.to_string() })).collect()
    };
    let of_lanes = Metric::ALL.into_iter().filter(|metric| metric.origin() == Origin::Lanes);
    let mut value = json!({
        "scenario": cell.id.scenario,
        "point": cell.id.point.to_string(),
        "model": cell.id.model,
        "jobs_wanted": cell.jobs_wanted,
        "ideal_ns": ideal_ns,
        "predicted_ns": predicted_ns,
        "failures": unmeasured(failures),
        "refusals": unmeasured(refusals),
        "gates": flagged.iter().map(of_round).collect::<Vec<_>>(),
        "measured": measures.as_ref().map(|_| measured(summary)),
    });
    for metric in of_lanes.filter(|metric| *metric != Metric::Executing) {
        value[metric.json_key()] = json!(summary.value(metric));
    }
    value["executing"] = json!(traced.as_ref().map(|traced| {
        json!({ "at_least": traced.most_executing.at_least, "at_most": traced.most_executing.at_most })
    }));
    value
}

/// Renders the findings of a round.
fn of_round((round, findings): &(u32, Vec<Finding>)) -> Value {
    let not_passed = findings.iter().map(finding).collect::<Vec<_>>();
    json!({ "round": round, "verdict": gate::verdict(findings), "not_passed": not_passed })
}

fn finding(finding: &Finding) -> Value {
    json!({ "name": finding.name(), "verdict": finding.verdict(), "why": finding.to_string(), "advice": finding.advice() })
}

/// Renders every figure of the rounds under its own key, then the series and the load.
fn measured(summary: &CellSummary) -> Value {
    let figures = Metric::ALL.into_iter().filter(|metric| metric.origin() == Origin::Trial);
    let mut all = object(figures.map(|metric| (metric.json_key(), json!(summary.figure(metric).map(estimate)))));
    all.insert("rounds".into(), json!(summary.rounds()));
    let measures = summary.measures.as_ref();
    let series = measures.into_iter().flat_map(|measures| &measures.series).map(series).collect::<Vec<_>>();
    all.insert("series".into(), json!(series));
    let load = measures.and_then(|measures| measures.load.as_ref()).map(
        |load| json!({ "connections": load.connections, "requests_planned": load.planned, "requests_lost": load.lost }),
    );
    all.insert("load".into(), json!(load));
    Value::Object(all)
}

fn series(series: &SeriesSummary) -> Value {
    let figure = |metric| series.figure(metric).map(estimate);
    json!({
        "name": series.name,
        "response_time_ns": {
            "count": series.response.len(),
            "p50": figure(Metric::P50),
            "p90": figure(Metric::P90),
            "p95": figure(Metric::P95),
            "p99": figure(Metric::P99),
            "max": figure(Metric::Max),
        },
        "service_time_ns": {
            "count": series.service.len(),
            "p50": figure(Metric::ServiceP50),
            "p99": figure(Metric::ServiceP99),
            "max": series.service.max(),
        },
    })
}

/// Renders a figure over the rounds. `value` is the median, or the largest; a bound at either end of the interval is
/// named beside it.
pub(super) fn estimate(estimate: &Estimate) -> Value {
    let spread = &estimate.spread;
    let mut value = json!({
        "value": estimate.value(),
        "bound": estimate.bound(),
        "median": spread.median,
        "min": spread.min,
        "max": spread.max,
        "interval": spread.interval.map(|Interval { low, high }| [low, high]),
        "rounds": spread.rounds,
    });
    if let Some((_, bounds)) = estimate.range().filter(|(_, bounds)| bounds.iter().any(|bound| *bound != Bound::Exact))
    {
        value["interval_bounds"] = json!(bounds);
    }
    value
}
