//! Draws the trials in the order of the run, each relative to its model's median, so that drift is visible.

use plotters::style::text_anchor::HPos;

use super::elements::{Face, answer_around, label, line, marker, of_model, text};
use super::scale::Scale;
use super::{Caption, Ink, Look, Plane, Size, labels, plane, rows, svg};
use crate::units;

/// The trials of a point.
pub(in crate::floors::report) struct RunOrder {
    pub(in crate::floors::report) rows: Vec<OrderRow>,
}

/// A model's name and look, and for each of its trials the position in the run and the ratio of its figure to the
/// model's median.
pub(in crate::floors::report) type OrderRow = (String, Look, Vec<(u64, f64)>);

const ROW: f64 = 34.0;

impl RunOrder {
    /// Draws the chart in one size: one row per model, with values above the median above its line.
    pub(in crate::floors::report) fn draw(&self, size: Size, caption: &Caption) -> String {
        let (left, right) = match size {
            Size::Wide => (142.0, 640.0),
            _ => (118.0, 340.0),
        };
        let trials = || self.rows.iter().flat_map(|(.., trials)| trials);
        let (first, last) = trials().fold((u64::MAX, 0), |(low, high), (at, _)| (low.min(*at), high.max(*at)));
        let far = trials().map(|(_, ratio)| ratio.max(1.0 / ratio)).fold(1.05, f64::max);
        let x = Scale::linear(first as f64, last.max(first.saturating_add(1)) as f64);
        let y = Scale::log(1.0 / far, far);
        let bottom = 8.0 + ROW * self.rows.len() as f64;
        svg(size, bottom as i32 + 40, caption, |area| {
            for ((name, look, trials), row) in self.rows.iter().zip(rows(area, 8.0, ROW, self.rows.len())) {
                let mut chart = plane(&row, ((left, 4.0), (right, ROW - 4.0)), &x, &y);
                of_model(&mut chart, name, |chart| {
                    text(&row, name, (left - 10.0, ROW / 2.0), HPos::Right, Face::Plain);
                    line(chart, (f64::NEG_INFINITY, 1.0), (f64::INFINITY, 1.0), Ink::GRID, 1);
                    for (at, ratio) in trials {
                        marker(chart, (*at as f64, *ratio), *look);
                    }
                    if size == Size::Wide {
                        write_spread(chart, trials);
                    }
                });
                for (at, ratio) in trials {
                    let times = units::three_digits(*ratio);
                    let says = format!("trial {at}, {name}: {times} times its median");
                    answer_around(&chart, (*at as f64, *ratio), 6.0, name, &says);
                }
            }
            for (at, place, side) in [(first, left, HPos::Left), (last, right, HPos::Right)] {
                text(area, &format!("trial {at}"), (place, bottom + 12.0), side, Face::Small);
            }
            let note = format!(
                "trials in the order of the run; each row spans {} to {} × its median",
                labels::number(1.0 / far),
                labels::number(far)
            );
            let note = if size == Size::Wide { note } else { "trials in the order of the run".into() };
            text(area, &note, (left, bottom + 30.0), HPos::Left, Face::Small);
        })
    }
}

/// Writes the ratio of the highest to the lowest trial at the end of a row.
fn write_spread(chart: &mut Plane, trials: &[(u64, f64)]) {
    let ratios = || trials.iter().map(|(_, ratio)| *ratio);
    let spread = ratios().fold(0.0, f64::max) / ratios().fold(f64::INFINITY, f64::min);
    if spread.is_finite() {
        let spread = format!("max/min {}", labels::number((spread * 100.0).round() / 100.0));
        let end = (chart.x_range().end, 1.0);
        label(chart, &spread, end, (14.0, 0.0), HPos::Left, Face::Small);
    }
}
