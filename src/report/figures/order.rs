//! Draws the headline figure of each trial, in the order of the run.

use super::super::chart::order::RunOrder;
use super::super::table;
use super::{Figure, caption_at, draw_both, look_of};
use crate::analysis::{CellSummary, PointSummary};
use crate::scenario::Metric;

/// Returns the headline figure of each trial; `None` if no model has two trials.
pub(super) fn for_point(point: &PointSummary, id: &str) -> Option<Figure> {
    let metric = *Metric::compared(&point.work).first()?;
    let row = |cell: &CellSummary| {
        let figure = cell.figure(metric)?;
        let order = |round: u32| cell.orders.iter().find(|(other, _)| *other == round).map(|(_, order)| *order);
        let trials = figure
            .rounds
            .iter()
            .filter_map(|(round, of_round)| Some((order((*round)?)?, of_round.value / figure.value())));
        let trials: Vec<(u64, f64)> = trials.collect();
        (trials.len() > 1).then(|| (cell.cell.id.model.to_string(), look_of(point, cell), trials))
    };
    let rows: Vec<_> = point.cells.iter().filter_map(row).collect();
    if rows.is_empty() {
        return None;
    }
    let models = point.cells.iter().map(|cell| cell.cell.id.model);
    let drifting: Vec<String> = models.filter(|model| point.drifts(*model)).map(|model| model.to_string()).collect();
    let what = metric.heading(&point.work);
    let heading = if drifting.is_empty() {
        format!("Trial by trial: no drift in {what}")
    } else {
        format!("Trial by trial: {what} drifted under {}", drifting.join(", "))
    };
    let order = RunOrder { rows };
    let text = "Each trial relative to the median of its model, above the line if larger. A row that rises or falls \
                indicates a machine that warms up, slows down or is shared; a scattered row, a figure that its median \
                represents poorly.";
    let svg = draw_both(id, &heading, &heading, |size, caption| order.draw(size, caption));
    let table = (
        caption_at(&heading, point, "medians of the rounds, with confidence intervals or ranges"),
        table::brief(point),
    );
    Some(Figure { heading, text: vec![text.into()], svg, legend: Vec::new(), table })
}
