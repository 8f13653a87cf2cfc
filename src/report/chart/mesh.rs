//! Draws the grid, the axes and the labels of a chart, by plotters' mesh.

use plotters::coord::ranged1d::ValueFormatter as _;
use plotters::style::text_anchor::HPos;
use plotters::style::{TRANSPARENT, TextStyle};

use super::elements::{Face, style};
use super::scale::Scale;
use super::{Area, Ink, Plane, fine};

/// The parts of a mesh, for each axis with ticks.
pub(super) enum Mesh {
    Grid,
    Labels,
    GridAndLabels,
}

/// The length of the mark at a tick, in pixels; plotters writes the label at twice this distance.
const MARK: f64 = 4.0;

/// The least distance between two labels below a chart, in pixels.
const GAP: f64 = 4.0;

/// Draws the mesh of a chart on `area`; the lines of the labelled axes, and the marks at their ticks, only if they have
/// an ink.
pub(super) fn draw_mesh(area: &Area, chart: &mut Plane, mesh: Mesh, axis: Option<Ink>) {
    let small = style(Face::Small, HPos::Center);
    let below = labels_below(area, chart, &small);
    let label_below = |value: &f64| below.format_ext(value);
    let has_ticks_up = !chart.as_coord_spec().y_spec().ticks.is_empty();
    let mut drawn = chart.configure_mesh();
    drawn.bold_line_style(Ink::GRID.color()).axis_style(axis.map_or(TRANSPARENT, Ink::color));
    drawn.label_style(small).set_all_tick_mark_size(fine(MARK)).x_label_formatter(&label_below);
    match mesh {
        Mesh::Grid => _ = drawn.disable_axes(),
        Mesh::Labels => _ = drawn.disable_mesh(),
        Mesh::GridAndLabels => {}
    }
    if !has_ticks_up {
        drawn.disable_y_axis();
    }
    drawn.draw().expect("drawing into memory");
}

/// Returns the scale across without the ticks whose labels would touch the one before: plotters draws all labels.
fn labels_below(area: &Area, chart: &Plane, style: &TextStyle) -> Scale {
    let (scale, width) = (chart.as_coord_spec().x_spec(), area.dim_in_pixel().0 as i32);
    let mut free_from = i32::MIN;
    let mut fitting = Vec::new();
    for (value, label) in &scale.ticks {
        let half = area.estimate_text_size(label, style).expect("drawing into memory").0 as i32 / 2;
        // The backend moves the label into the picture.
        let middle = chart.backend_coord(&(*value, 0.0)).0.min(width - half).max(half);
        if middle - half >= free_from {
            fitting.push((*value, label.clone()));
            free_from = middle + half + fine(GAP);
        }
    }
    scale.clone().with_ticks_at(fitting)
}
