//! The folded matrices below a point's charts: every model against every other.

use crate::analysis::PointSummary;
use crate::report::html;
use crate::report::pairs::{Matrix, matrices};
use crate::scenario::Model;

/// The ratios of one figure between all models.
pub(super) struct PairsView {
    pub(super) title: String,
    pub(super) models: Vec<String>,
    /// The class of the model's family, the model, and its ratios.
    pub(super) rows: Vec<(&'static str, String, Vec<String>)>,
}

/// Builds a view of each matrix of a point.
pub(super) fn views(point: &PointSummary) -> Vec<PairsView> {
    let view = |matrix: Matrix| PairsView {
        title: matrix.title,
        models: matrix.models.iter().map(ToString::to_string).collect(),
        rows: matrix
            .rows
            .into_iter()
            .map(|(model, cells): (Model, Vec<String>)| (html::class(model.family()), model.to_string(), cells))
            .collect(),
    };
    matrices(point).into_iter().map(view).collect()
}
