//! Which measurements are doubtful and why, in words: the gates that did not pass, one sentence a kind.

use super::summary::{CellSummary, PointSummary};
use super::versus;
use crate::gate::{self, Gate, Verdict};
use crate::scenario::Metric;
use crate::units;

/// `2 of 6 rounds suspect`; nothing where every gate passed.
pub(super) fn of_cell(cell: &CellSummary) -> Option<String> {
    let rounds = cell.measures.as_ref()?.rounds();
    let told = |verdict: Verdict, word: &str| {
        let count = cell.rounds_that_are(verdict);
        (count > 0).then(|| format!("{count} {word}"))
    };
    let told: Vec<String> =
        [told(Verdict::Suspect, "suspect"), told(Verdict::Invalid, "invalid")].into_iter().flatten().collect();
    (!told.is_empty()).then(|| format!("{} of {rounds} rounds", told.join(", ")))
}

/// Every kind of gate that some trial of a point did not pass: how many, the worst of them, and what to do about it.
pub(super) fn of_point(point: &PointSummary) -> Vec<String> {
    let cells = || point.cells.iter().chain(&point.twin);
    let trials: usize = cells().filter_map(|cell| Some(cell.measures.as_ref()?.rounds())).sum();
    let mut kinds: Vec<(Gate, [usize; 2], Vec<String>)> = Vec::new();
    for cell in cells() {
        let model = format!("{}{}", cell.cell.id.model, if cell.cell.id.control { " again" } else { "" });
        for gate in cell.doubts.iter().flat_map(|(_, gates)| gates) {
            match kinds.iter_mut().find(|(known, ..)| known.name() == gate.name()) {
                Some((worst, counts, models)) => {
                    counts[usize::from(gate.verdict() == Verdict::Invalid)] += 1;
                    if gate.severity() > worst.severity() {
                        *worst = *gate;
                    }
                    if !models.contains(&model) {
                        models.push(model.clone());
                    }
                }
                None => {
                    let is_invalid = gate.verdict() == Verdict::Invalid;
                    kinds.push((*gate, [usize::from(!is_invalid), usize::from(is_invalid)], vec![model.clone()]));
                }
            }
        }
    }
    let sentence = |(worst, [suspect, invalid], models): (Gate, [usize; 2], Vec<String>)| {
        let (name, advice) = (worst.name(), worst.advice());
        let said =
            [(Verdict::Suspect, suspect), (Verdict::Invalid, invalid)].into_iter().filter(|(_, count)| *count > 0);
        let said: Vec<String> =
            said.map(|(verdict, count)| format!("{verdict} in {}", units::count(count as u64))).collect();
        let of = format!("{} of {} trials ({})", said.join(" and "), units::count(trials as u64), models.join(", "));
        let most = if suspect + invalid == 1 { "" } else { "at worst, " };
        format!("{name}: {of}: {most}{worst}; {advice}.")
    };
    kinds.into_iter().map(sentence).chain(over_rounds(point)).collect()
}

/// The gates of whole cells, by the headline figure.
fn over_rounds(point: &PointSummary) -> Vec<String> {
    let Some(metric) = Metric::of(&point.work).first() else { return Vec::new() };
    let sentence =
        |gate: Gate, who: String| format!("{}, {}, {who}: {gate}; {}.", gate.verdict(), gate.name(), gate.advice());
    let heading = metric.heading(&point.work);
    let drift = |cell: &CellSummary| {
        let figures = cell.measures.as_ref()?.by_round(*metric).iter();
        let gate = gate::drift(&figures.map(|figure| (figure.round, figure.value)).collect::<Vec<_>>())?;
        Some(sentence(gate, format!("{heading} under {}", cell.cell.id.model)))
    };
    let disturbed = |cell: &CellSummary| {
        let gate = gate::disturbed(cell.disturbed().len(), cell.measures.as_ref()?.rounds())?;
        Some(sentence(gate, cell.cell.id.model.to_string()))
    };
    let twins = versus::noise(point, *metric).and_then(|noise| gate::twins(&noise));
    let twins = twins
        .zip(point.twin.as_ref())
        .map(|(gate, twin)| sentence(gate, format!("{heading} under {}", twin.cell.id.model)));
    let numbers = point.cells.iter().filter_map(|cell| cell.cell.id.model.workers());
    let workers = if point.work.steps().compute.is_zero() { None } else { gate::workers(numbers) };
    let workers = workers.map(|gate| sentence(gate, "models side by side".into()));
    let of_cells = point.cells.iter().filter_map(drift).chain(point.cells.iter().filter_map(disturbed));
    of_cells.chain(twins).chain(workers).collect()
}

/// What the headline figure is without the rounds that something disturbed, for each cell that has some.
pub(super) fn without_disturbed(point: &PointSummary) -> Vec<String> {
    let Some(metric) = Metric::of(&point.work).first() else { return Vec::new() };
    let told = |cell: &CellSummary| {
        let calm = cell.undisturbed(*metric)?;
        let (all, bound) = versus::spread(cell.measures.as_ref()?.by_round(*metric))?;
        let [with, without] = [all, calm].map(|spread| format!("{}{}", bound.sign(), metric.show(spread.median)));
        let (left_out, rounds) = (all.rounds - calm.rounds, all.rounds);
        let changed =
            format!("{} {without} instead of {with} (without {left_out} of {rounds} rounds)", cell.cell.id.model);
        Some((with != without).then_some(changed))
    };
    let cells: Vec<Option<String>> = point.cells.iter().filter_map(told).collect();
    let (heading, disturbed) = (metric.heading(&point.work), cells.len());
    let changed: Vec<String> = cells.into_iter().flatten().collect();
    match (disturbed, changed.is_empty()) {
        (0, _) => Vec::new(),
        (_, true) => vec![format!("With the disturbed rounds left out, every median {heading} reads the same.")],
        (_, false) => vec![format!("With the disturbed rounds left out, {heading} would be: {}.", changed.join("; "))],
    }
}

/// A banner for a page: how many of its trials are doubtful.
pub(super) fn banner<'a>(points: impl Iterator<Item = &'a PointSummary> + Clone) -> Option<String> {
    let cells = || points.clone().flat_map(|point| point.cells.iter().chain(&point.twin));
    let trials: usize = cells().filter_map(|cell| Some(cell.measures.as_ref()?.rounds())).sum();
    let count = |verdict| cells().map(|cell| cell.rounds_that_are(verdict)).sum::<usize>();
    let (suspect, invalid) = (count(Verdict::Suspect), count(Verdict::Invalid));
    if suspect + invalid == 0 {
        return None;
    }
    let told: Vec<String> = [(suspect, "suspect"), (invalid, "invalid")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{} {word}", units::count(count as u64)))
        .collect();
    Some(format!(
        "Of {} trials the gates on the measurement itself find {}. Each page says under \u{201c}How \
         sure are we?\u{201d} why, and what to do about it.",
        units::count(trials as u64),
        told.join(" and ")
    ))
}
