//! The ratio of every model to every other, as a matrix.

use super::wording;
use crate::analysis::{Difference, ModelRatio, PointSummary};
use crate::scenario::{Metric, Model};
use crate::stats::Interval;
use crate::units;

/// The ratios of one figure between all models of a point.
pub(super) struct Matrix {
    /// The figure's heading.
    pub(super) title: String,
    pub(super) models: Vec<Model>,
    /// For each model, its ratio to each of them; empty on the diagonal.
    pub(super) rows: Vec<(Model, Vec<String>)>,
}

/// Returns a matrix for each figure that models are compared by; none with fewer than three models, whose only ratio is
/// that to the baseline.
pub(super) fn matrices(point: &PointSummary) -> Vec<Matrix> {
    let measured = point.cells.iter().filter(|cell| cell.ran_all_jobs() && cell.measures.is_some());
    let models: Vec<Model> = measured.map(|cell| cell.cell.id.model).collect();
    if models.len() < 3 {
        return Vec::new();
    }
    let matrix = |metric: &Metric| {
        let row = |model: &Model| {
            let cells = models.iter().map(|other| match point.ratio(*metric, *model, *other) {
                _ if model == other => String::new(),
                Some(ratio) => cell(&ratio),
                None => "n/a".into(),
            });
            (*model, cells.collect())
        };
        Matrix {
            title: metric.heading(&point.work).into(),
            models: models.clone(),
            rows: models.iter().map(row).collect(),
        }
    };
    Metric::compared(&point.work).iter().map(matrix).collect()
}

/// Formats a ratio with its confidence interval, and an equals sign if no difference was found.
fn cell(ratio: &ModelRatio) -> String {
    let sign = match ratio.difference {
        Difference::NoneFound { .. } => "= ",
        Difference::Incomparable(_) => "? ",
        Difference::More | Difference::Less => ratio.ratio.bound.sign(),
    };
    let shown = units::three_digits(wording::side_by_side(ratio.metric, &ratio.ratio).ratio);
    let interval = ratio.ratio.interval.map_or_else(String::new, |Interval { low, high }| {
        format!(" ({} to {})", units::three_digits(low), units::three_digits(high))
    });
    format!("{sign}{shown}{interval}")
}
