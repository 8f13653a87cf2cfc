//! Draws the trials in the order of the run, each relative to its model's median, so that drift is visible.

use plotters::style::text_anchor::HPos;

use super::axis::{self, Scale};
use super::{Area, Caption, Face, Ink, Look, Size, answer, line, marker, of_model, svg, text};
use crate::units;

/// The trials of a point.
pub(in crate::report) struct RunOrder {
    pub(in crate::report) rows: Vec<OrderRow>,
}

/// A model's name and look, and for each of its trials the position in the run and the ratio of its figure to the
/// model's median.
pub(in crate::report) type OrderRow = (String, Look, Vec<(u64, f64)>);

const ROW: f64 = 34.0;

impl RunOrder {
    /// Draws the chart in one size: one row per model, with values above the median above its line.
    pub(in crate::report) fn draw(&self, size: Size, caption: &Caption) -> String {
        let (left, right) = match size {
            Size::Wide => (142.0, 640.0),
            _ => (118.0, 340.0),
        };
        let trials = || self.rows.iter().flat_map(|(.., trials)| trials);
        let (first, last) = trials().fold((u64::MAX, 0), |(low, high), (at, _)| (low.min(*at), high.max(*at)));
        let far = trials().map(|(_, ratio)| ratio.max(1.0 / ratio)).fold(1.05, f64::max);
        let x = |at: u64| left + (at - first) as f64 / (last - first).max(1) as f64 * (right - left);
        let scale = Scale::log_around(1.0 / far, far, 1.0);
        let bottom = 8.0 + ROW * self.rows.len() as f64;
        svg(size, bottom as i32 + 40, caption, |area| {
            for (i, (label, look, trials)) in self.rows.iter().enumerate() {
                let top = 8.0 + ROW * i as f64;
                let y = |ratio: f64| top + ROW - 4.0 - scale.place(ratio) * (ROW - 8.0);
                of_model(area, label, |area| {
                    text(area, label, (left - 10.0, y(1.0)), HPos::Right, Face::Plain);
                    line(area, (left, y(1.0)), (right, y(1.0)), Ink::GRID, 1);
                    for (at, ratio) in trials {
                        marker(area, (x(*at), y(*ratio)), *look);
                    }
                    self.draw_range(area, size, (right, y(1.0)), trials);
                });
                for (at, ratio) in trials {
                    let around = ((x(*at) - 6.0, y(*ratio) - 6.0), (x(*at) + 6.0, y(*ratio) + 6.0));
                    let times = units::three_digits(*ratio);
                    answer(area, around, label, &format!("trial {at}, {label}: {times} times its median"));
                }
            }
            for (at, side) in [(first, HPos::Left), (last, HPos::Right)] {
                text(area, &format!("trial {at}"), (x(at), bottom + 12.0), side, Face::Small);
            }
            let note = format!(
                "trials in the order of the run; each row spans {} to {} × its median",
                axis::number_label(1.0 / far),
                axis::number_label(far)
            );
            let note = if size == Size::Wide { note } else { "trials in the order of the run".into() };
            text(area, &note, (left, bottom + 30.0), HPos::Left, Face::Small);
        })
    }

    fn draw_range(&self, area: &Area, size: Size, at: (f64, f64), trials: &[(u64, f64)]) {
        let ratios = || trials.iter().map(|(_, ratio)| *ratio);
        let spread = ratios().fold(0.0, f64::max) / ratios().fold(f64::INFINITY, f64::min);
        if size == Size::Wide && spread.is_finite() {
            let label = format!("max/min {}", axis::number_label((spread * 100.0).round() / 100.0));
            text(area, &label, (at.0 + 14.0, at.1), HPos::Left, Face::Small);
        }
    }
}
