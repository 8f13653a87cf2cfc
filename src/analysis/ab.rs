//! Compares two servers at one load, as `avt ab` does: whether the second differs from the first.

use super::findings::Invalidity;
use super::point::PointSummary;
use super::ratios::{Difference, ModelRatio, Obstacle};
use super::{CellSummary, ScenarioAnalysis};
use crate::gate::{Finding, Verdict};
use crate::record::Failure;
use crate::scenario::{Metric, Model};
use crate::stats::{Interval, Ratio};

/// The comparison of the second model of a scenario, head, with the first, base.
#[derive(Clone, Debug)]
pub struct HeadToBase {
    /// The metric that decides: the p99 response time at an offered rate, the throughput in a closed loop.
    pub metric: Metric,
    /// The ratio of head to base in each metric that models are compared by and that both have.
    pub ratios: Vec<ModelRatio>,
    /// The ratio of base to itself in the deciding metric, from the A/A control.
    pub control: Option<Ratio>,
    /// The conclusion.
    pub outcome: AbOutcome,
}

/// The conclusion of a comparison of two servers.
#[derive(Clone, Debug)]
pub enum AbOutcome {
    /// The two servers differ by this ratio of head to base.
    Differ(ModelRatio),
    /// No difference was found.
    Alike {
        /// The minimum detectable difference, as a ratio of at least 1.
        detectable: f64,
        /// The number of rounds.
        rounds: usize,
    },
    /// No conclusion can be drawn.
    NotMeasurable(Unmeasurable),
}

/// The reason why two servers cannot be compared.
#[derive(Clone, Debug)]
pub enum Unmeasurable {
    /// A trial of this model failed.
    Failed {
        /// The model of the trial.
        model: Model,
        /// The number of failed trials of the model.
        trials: usize,
        /// The reason of the first of them.
        why: Failure,
    },
    /// The figures of this model are INVALID.
    Invalid {
        /// The model with the figures.
        model: Model,
        /// The number of INVALID trials and of all trials; `None` if a gate over the rounds found them INVALID.
        trials: Option<(usize, usize)>,
        /// The worst finding.
        finding: Finding,
    },
    /// A round of this model has no figure.
    NoFigure(Model),
    /// The rounds do not allow a conclusion.
    Rounds(Obstacle),
}

/// Compares the second model of a scenario with the first at its first point; `None` if there are not two models.
pub fn head_to_base(analysis: &ScenarioAnalysis<'_>) -> Option<HeadToBase> {
    let (point, [base, head, ..]) = (analysis.points.first()?, analysis.scenario.models.as_slice()) else {
        return None;
    };
    let (base, head) = (*base, *head);
    let metric = if point.offered().is_some() { Metric::P99 } else { Metric::Rate };
    let compared = Metric::compared(&point.work).iter();
    let ratios: Vec<ModelRatio> = compared.filter_map(|metric| point.ratio(*metric, head, base)).collect();
    let control = point.control.as_ref().and_then(|control| control.ratio(metric)).copied();
    let unmeasurable = find_failure(point).or_else(|| find_invalid(point, &[base, head]));
    let outcome = match (unmeasurable, ratios.iter().find(|ratio| ratio.metric == metric)) {
        (Some(reason), _) => AbOutcome::NotMeasurable(reason),
        (None, None) => {
            let lacks = |model: &Model| point.cell(*model).and_then(|cell| cell.figure(metric)).is_none();
            let model = [base, head].into_iter().find(lacks).unwrap_or(head);
            AbOutcome::NotMeasurable(Unmeasurable::NoFigure(model))
        }
        (None, Some(ratio)) => match ratio.difference {
            Difference::More | Difference::Less => AbOutcome::Differ(*ratio),
            Difference::NoneFound { detectable } => AbOutcome::Alike { detectable, rounds: ratio.ratio.rounds },
            Difference::Incomparable(obstacle) => AbOutcome::NotMeasurable(Unmeasurable::Rounds(obstacle)),
        },
    };
    Some(HeadToBase { metric, ratios, control, outcome })
}

impl HeadToBase {
    /// Returns whether head is certainly worse than base by more than this ratio: it differs beyond the noise, and even
    /// the better end of the interval lies beyond the limit.
    pub fn is_worse_than(&self, limit: f64) -> bool {
        let AbOutcome::Differ(ModelRatio { metric, ratio: Ratio { interval: Some(interval), .. }, .. }) = self.outcome
        else {
            return false;
        };
        let Interval { low, high } = interval;
        let better_end = if metric == Metric::Rate { 1.0 / high } else { low };
        better_end > limit
    }
}

/// Finds a failed trial, among those of the control too.
fn find_failure(point: &PointSummary) -> Option<Unmeasurable> {
    let cell = point.all_cells().find(|cell| !cell.failures.is_empty())?;
    let (_, why) = cell.failures.first()?;
    Some(Unmeasurable::Failed { model: cell.cell.id.model, trials: cell.failures.len(), why: why.clone() })
}

fn find_invalid(point: &PointSummary, models: &[Model]) -> Option<Unmeasurable> {
    models.iter().find_map(|model| {
        let (trials, finding) = match point.invalidity(*model)? {
            Invalidity::Trials { invalid, rounds } => (Some((invalid, rounds)), worst_finding(point.cell(*model)?)?),
            Invalidity::Rounds(finding) => (None, finding),
        };
        Some(Unmeasurable::Invalid { model: *model, trials, finding })
    })
}

/// Returns the most severe of the findings that make trials of a cell INVALID.
fn worst_finding(cell: &CellSummary) -> Option<Finding> {
    let all = cell.flagged.iter().flat_map(|(_, findings)| findings);
    all.filter(|finding| finding.verdict() == Verdict::Invalid)
        .max_by(|one, other| one.severity().total_cmp(&other.severity()))
        .copied()
}
