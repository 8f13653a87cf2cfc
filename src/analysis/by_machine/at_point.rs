//! Takes the figures of all machines at one point of a scenario.

use super::{MachineFigures, MachineRow, MachineSummary, PointByMachine};
use crate::analysis::ScenarioAnalysis;
use crate::analysis::point::PointSummary;
use crate::analysis::ratios;
use crate::analysis::round::Estimate;
use crate::scenario::{Metric, Model};
use crate::stats::{self, Bound};

/// Returns the figures of all machines at a point. `all` holds the scenario of each run.
pub(super) fn figures(
    scenario: &ScenarioAnalysis<'_>,
    point: &PointSummary,
    all: &[&ScenarioAnalysis<'_>],
    machines: &[MachineSummary],
    is_sharded: bool,
) -> PointByMachine {
    let points_of = |machine: &MachineSummary| -> Vec<&PointSummary> {
        let at = |run: &usize| all[*run].points.iter().find(|other| other.at == point.at);
        machine.runs.iter().filter_map(at).collect()
    };
    let by_machine: Vec<Vec<&PointSummary>> = machines.iter().map(points_of).collect();
    let models = scenario.scenario.models.iter().copied();
    // At a rate, the tail is the question, if there are enough requests for it.
    let is_tail_known = || by_machine.iter().flatten().all(|point| models.clone().any(|model| has_p99(point, model)));
    let metric =
        if point.offered().is_some() && is_tail_known() { Metric::P99 } else { Metric::compared(&point.work)[0] };
    let baseline = scenario.scenario.reference().filter(|_| is_sharded);
    let others: Vec<Model> = models.clone().filter(|model| Some(*model) != baseline).collect();
    let figures = match baseline {
        Some(baseline) if !others.is_empty() => ratios_at(&by_machine, metric, baseline, others),
        Some(_) | None => values_at(&by_machine, metric, models.collect()),
    };
    PointByMachine {
        scenario: scenario.scenario.name.clone(),
        at: point.at.clone(),
        work: point.work.clone(),
        metric,
        figures,
    }
}

fn has_p99(point: &PointSummary, model: Model) -> bool {
    point.cell(model).is_some_and(|cell| cell.figure(Metric::P99).is_some())
}

fn ratios_at(machines: &[Vec<&PointSummary>], metric: Metric, baseline: Model, models: Vec<Model>) -> MachineFigures {
    let pairs = |model: Model| machines.iter().map(move |points| pairs_on(points, metric, model, baseline));
    let seed = machines.iter().flatten().next().map_or(0, |point| point.seed);
    let ratio = |points: &[&PointSummary], model: Model| {
        let (pairs, bound) = pairs_on(points, metric, model, baseline);
        stats::ratio(&pairs, seed).map(|ratio| ratio.with_bound(bound))
    };
    let row = |(machine, points): (usize, &Vec<&PointSummary>)| MachineRow {
        machine,
        rounds: rounds(points),
        figures: models.iter().map(|model| ratio(points, *model)).collect(),
        invalid: models.iter().map(|model| is_invalid(points, &[baseline, *model])).collect(),
    };
    let over_all = |model: &Model| {
        let measured = pairs(*model).filter(|(pairs, _)| !pairs.is_empty());
        let (blocks, bounds): (Vec<_>, Vec<_>) = measured.unzip();
        let ratio = stats::ratio_of_blocks(&blocks, seed)?;
        Some(ratio.with_bound(bounds.into_iter().fold(Bound::Exact, Bound::and)))
    };
    let (rows, all) = (machines.iter().enumerate().map(row).collect(), models.iter().map(over_all).collect());
    MachineFigures::Ratios { baseline, models, rows, all }
}

/// Returns the figures of two models in the rounds of one machine, the baseline's first.
fn pairs_on(points: &[&PointSummary], metric: Metric, model: Model, baseline: Model) -> (Vec<(f64, f64)>, Bound) {
    let mut all = (Vec::new(), Bound::Exact);
    for point in points {
        let (Some(below), Some(above)) = (point.with_all_jobs(baseline), point.with_all_jobs(model)) else { continue };
        let (pairs, bound) = ratios::pairs(below, above, metric);
        all.0.extend(pairs);
        all.1 = all.1.and(bound);
    }
    all
}

/// Returns the figures of each machine. Several shards of one machine share a row, so their rounds are taken together.
fn values_at(machines: &[Vec<&PointSummary>], metric: Metric, models: Vec<Model>) -> MachineFigures {
    let value = |points: &[&PointSummary], model: Model| {
        let estimates = points.iter().map(|point| point.cell(model)?.figure(metric));
        let estimates = estimates.collect::<Option<Vec<&Estimate>>>()?;
        Estimate::from_rounds(metric, estimates.into_iter().flat_map(|one| one.rounds.iter().copied()).collect())
    };
    let row = |(machine, points): (usize, &Vec<&PointSummary>)| MachineRow {
        machine,
        rounds: rounds(points),
        figures: models.iter().map(|model| value(points, *model)).collect(),
        invalid: models.iter().map(|model| is_invalid(points, &[*model])).collect(),
    };
    let rows = machines.iter().enumerate().map(row).collect();
    MachineFigures::Values { models, rows }
}

/// Returns whether a figure of these models rests on an INVALID measurement.
fn is_invalid(points: &[&PointSummary], models: &[Model]) -> bool {
    points.iter().any(|point| models.iter().any(|model| point.invalidity(*model).is_some()))
}

/// Returns the number of rounds that one machine measured.
fn rounds(points: &[&PointSummary]) -> usize {
    let most = |point: &&PointSummary| point.cells.iter().map(|cell| cell.rounds()).max().unwrap_or(0);
    points.iter().map(most).sum()
}
