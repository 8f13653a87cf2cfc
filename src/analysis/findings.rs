//! What the gates over the rounds find: drift, a control that differs, rounds that something disturbed, and pools
//! of different sizes side by side.

use super::cell::CellSummary;
use super::point::PointSummary;
use crate::gate::{self, Finding, Verdict};
use crate::scenario::{Metric, Model};

/// A gate that the cells of a point did not pass over their rounds.
#[derive(Clone, Debug, PartialEq)]
pub struct PointFinding {
    /// Which gate, and what was found.
    pub found: Finding,
    /// Whose cell; nothing where it is all of them.
    pub model: Option<Model>,
    /// Which figure; nothing where it is all of them.
    pub metric: Option<Metric>,
}

/// Why nothing can be concluded from the figures of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Invalidity {
    /// Too many of its trials are INVALID.
    Trials {
        /// The number of INVALID trials.
        invalid: usize,
        /// The number of all trials.
        rounds: usize,
    },
    /// This gate over its rounds found them INVALID.
    Rounds(Finding),
}

/// One kind of gate that trials of a point did not pass.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialFindings {
    /// The worst of them.
    pub worst: Finding,
    /// Trials that are suspect because of it.
    pub suspect: usize,
    /// Trials that are invalid because of it.
    pub invalid: usize,
    /// Measured trials of the point.
    pub trials: usize,
    /// The models of these trials, and whether they were the control.
    pub models: Vec<(Model, bool)>,
}

/// The gates over the rounds, by the figure that answers the question.
pub(super) fn of_point(point: &PointSummary) -> Vec<PointFinding> {
    let Some(metric) = Metric::compared(&point.work).first().copied() else { return Vec::new() };
    let drift = |cell: &CellSummary| {
        let rounds = cell.figure(metric)?.rounds.iter();
        let finding =
            gate::drift(&rounds.filter_map(|(round, figure)| Some(((*round)?, figure.value))).collect::<Vec<_>>())?;
        Some(PointFinding { found: finding, model: Some(cell.cell.id.model), metric: Some(metric) })
    };
    let disturbed = |cell: &CellSummary| {
        let finding = gate::disturbed(cell.disturbed().len(), cell.rounds())?;
        Some(PointFinding { found: finding, model: Some(cell.cell.id.model), metric: None })
    };
    let control = point.control.as_ref().and_then(|control| {
        let finding = gate::control(control.ratio(metric)?)?;
        Some(PointFinding { found: finding, model: Some(control.cell.cell.id.model), metric: Some(metric) })
    });
    let numbers = point.cells.iter().filter_map(|cell| cell.cell.id.model.workers());
    let workers = if point.work.steps().compute.is_zero() { None } else { gate::workers(numbers) };
    let workers = workers.map(|finding| PointFinding { found: finding, model: None, metric: None });
    let of_cells = point.cells.iter().filter_map(drift).chain(point.cells.iter().filter_map(disturbed));
    of_cells.chain(control).chain(workers).collect()
}

impl PointSummary {
    /// Every kind of gate that some trial did not pass, with the worst of its kind.
    pub fn trial_findings(&self) -> Vec<TrialFindings> {
        let trials = self.all_cells().map(CellSummary::rounds).sum();
        let mut kinds: Vec<TrialFindings> = Vec::new();
        for cell in self.all_cells() {
            let model = (cell.cell.id.model, cell.cell.id.control);
            for finding in cell.doubts.iter().flat_map(|(_, findings)| findings) {
                let place = kinds.iter().position(|kind| kind.worst.name() == finding.name()).unwrap_or_else(|| {
                    kinds.push(TrialFindings { worst: *finding, suspect: 0, invalid: 0, trials, models: Vec::new() });
                    kinds.len() - 1
                });
                let kind = &mut kinds[place];
                match finding.verdict() {
                    Verdict::Valid => {}
                    Verdict::Suspect => kind.suspect += 1,
                    Verdict::Invalid => kind.invalid += 1,
                }
                if finding.severity() > kind.worst.severity() {
                    kind.worst = *finding;
                }
                if !kind.models.contains(&model) {
                    kind.models.push(model);
                }
            }
        }
        kinds
    }

    /// The trials of this point with a verdict.
    pub fn trials_that_are(&self, verdict: Verdict) -> usize {
        self.all_cells().map(|cell| cell.rounds_that_are(verdict)).sum()
    }

    /// What makes the figures of a model at this point INVALID: more than a third of its trials, so that the median may be
    /// one of theirs, or a finding over its rounds. Nothing is concluded from such figures, neither whether a claim holds
    /// nor whether they changed since another run.
    pub fn invalidity(&self, model: Model) -> Option<Invalidity> {
        let cell = self.cell(model)?;
        let (invalid, rounds) = (cell.rounds_that_are(Verdict::Invalid), cell.rounds());
        if gate::are_too_many(invalid, rounds) {
            return Some(Invalidity::Trials { invalid, rounds });
        }
        let mut of_model = self.findings.iter().filter(|finding| finding.model.is_none_or(|other| other == model));
        let finding = of_model.find(|finding| finding.found.verdict() == Verdict::Invalid)?;
        Some(Invalidity::Rounds(finding.found))
    }

    /// Whether the figure that answers the question drifted under a model.
    pub fn drifts(&self, model: Model) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.model == Some(model) && matches!(finding.found, Finding::Drift { .. }))
    }
}
