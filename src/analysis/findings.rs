//! Evaluates the gates over the rounds: drift, an A/A control that differs, disturbed rounds, and pools of different
//! sizes side by side.

use super::cell::CellSummary;
use super::point::PointSummary;
use crate::gate::{self, Finding, Verdict};
use crate::scenario::{Metric, Model};

/// A gate over the rounds that the cells of a point did not pass.
#[derive(Clone, Debug, PartialEq)]
pub struct PointFinding {
    /// The finding of the gate.
    pub found: Finding,
    /// The model of the cell; `None` if the finding is about all cells.
    pub model: Option<Model>,
    /// The metric of the figure; `None` if the finding is about all figures.
    pub metric: Option<Metric>,
}

/// The reason why no conclusion can be drawn from the figures of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Invalidity {
    /// Too many trials of the cell are INVALID.
    Trials {
        /// The number of INVALID trials.
        invalid: usize,
        /// The number of all trials.
        rounds: usize,
    },
    /// A gate over the rounds found them INVALID.
    Rounds(Finding),
}

/// The findings of one kind in the trials of a point.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialFindings {
    /// The worst finding of this kind.
    pub worst: Finding,
    /// The number of trials that are SUSPECT because of it.
    pub suspect: usize,
    /// The number of trials that are INVALID because of it.
    pub invalid: usize,
    /// The number of measured trials of the point.
    pub trials: usize,
    /// The models of the flagged trials, each with whether the trial belonged to the control.
    pub models: Vec<(Model, bool)>,
}

/// Returns the findings over the rounds of a point, judged by the headline metric of its work.
pub(super) fn evaluate(point: &PointSummary) -> Vec<PointFinding> {
    let Some(metric) = Metric::compared(&point.work).first().copied() else { return Vec::new() };
    let drift = |cell: &CellSummary| {
        let rounds = cell.figure(metric)?.rounds.iter();
        let finding = gate::check_drift(
            &rounds.filter_map(|(round, figure)| Some(((*round)?, figure.value))).collect::<Vec<_>>(),
        )?;
        Some(PointFinding { found: finding, model: Some(cell.cell.id.model), metric: Some(metric) })
    };
    let disturbed = |cell: &CellSummary| {
        let finding = gate::check_disturbed(cell.disturbed().len(), cell.rounds())?;
        Some(PointFinding { found: finding, model: Some(cell.cell.id.model), metric: None })
    };
    let control = point.control.as_ref().and_then(|control| {
        let finding = gate::check_control(control.ratio(metric)?)?;
        Some(PointFinding { found: finding, model: Some(control.cell.cell.id.model), metric: Some(metric) })
    });
    // A CPU limit lets no more workers compute at once than it has CPUs.
    let most = point.work.cpu_limit().map_or(u16::MAX, |cpus| cpus.ceil() as u16);
    let numbers = point.cells.iter().filter_map(|cell| Some(cell.cell.id.model.workers()?.min(most)));
    let workers = if point.work.steps().compute.is_zero() { None } else { gate::check_workers(numbers) };
    let workers = workers.map(|finding| PointFinding { found: finding, model: None, metric: None });
    let of_cells = point.cells.iter().filter_map(drift).chain(point.cells.iter().filter_map(disturbed));
    of_cells.chain(control).chain(workers).collect()
}

impl PointSummary {
    /// Returns the findings of the point's trials, grouped by kind, with the worst of each kind.
    pub fn trial_findings(&self) -> Vec<TrialFindings> {
        let trials = self.all_cells().map(CellSummary::rounds).sum();
        let mut kinds: Vec<TrialFindings> = Vec::new();
        for cell in self.all_cells() {
            let model = (cell.cell.id.model, cell.cell.id.control);
            for finding in cell.flagged.iter().flat_map(|(_, findings)| findings) {
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

    /// Returns the number of trials of this point with this verdict.
    pub fn trials_that_are(&self, verdict: Verdict) -> usize {
        self.all_cells().map(|cell| cell.rounds_that_are(verdict)).sum()
    }

    /// Returns why the figures of a model at this point are INVALID: more than a third of its trials are, so that the
    /// median may be that of an INVALID trial, or a finding over its rounds is. Such figures decide no claim and no
    /// comparison with another run.
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

    /// Returns whether the headline metric of the work drifted under this model.
    pub fn drifts(&self, model: Model) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.model == Some(model) && matches!(finding.found, Finding::Drift { .. }))
    }
}
