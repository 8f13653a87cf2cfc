//! Draws ratios with their intervals, one panel per figure, over a grey band of no difference or of the claimed bounds.

use plotters::style::text_anchor::HPos;

use super::elements::{Face, answer_everywhere, fill, label, line, marker, of_model, stroke, text};
use super::mesh::{Mesh, draw_mesh};
use super::scale::Scale;
use super::{Area, Caption, Ink, Look, Size, fine, labels, plane, rows, svg};
use crate::report::ratios;
use crate::stats::{Interval, Ratio};
use crate::units;

/// The panels, from top to bottom.
pub(in crate::floors::report) struct Forest {
    pub(in crate::floors::report) panels: Vec<ForestPanel>,
}

/// The ratios of one figure under all models.
pub(in crate::floors::report) struct ForestPanel {
    /// The subject of the comparison.
    pub(in crate::floors::report) title: String,
    /// The shaded interval: the difference between two cells of the same model, or the bounds of a claim. Its upper end
    /// may be infinite.
    pub(in crate::floors::report) band: Interval,
    pub(in crate::floors::report) rows: Vec<ForestRow>,
}

/// A ratio with its interval and the ratios of the rounds that it is made of.
pub(in crate::floors::report) struct ForestRow {
    pub(in crate::floors::report) label: String,
    pub(in crate::floors::report) look: Look,
    pub(in crate::floors::report) ratio: Ratio,
    /// The ratio in each round, drawn as ticks.
    pub(in crate::floors::report) rounds: Vec<f64>,
}

const ROW: f64 = 24.0;
const HEAD: f64 = 26.0;
const FOOT: f64 = 34.0;

impl ForestPanel {
    fn height(&self) -> f64 {
        HEAD + ROW * self.rows.len() as f64 + FOOT
    }

    /// Returns a log scale from the lowest to the highest value drawn, including 1.
    fn scale(&self) -> Scale {
        let ratios = || self.rows.iter().map(|row| &row.ratio);
        let ends = ratios().filter_map(|ratio| ratio.interval).flat_map(|Interval { low, high }| [low, high]);
        let rounds = self.rows.iter().flat_map(|row| row.rounds.iter().copied());
        let values = ends.chain(ratios().map(|ratio| ratio.ratio)).chain(rounds).chain([self.band.low, self.band.high]);
        // Bounds of 0 or infinity, and extreme values, are clipped at the edge of the chart.
        let values = values.filter(|value| (1e-12..=1e12).contains(value));
        let (low, high) = values.fold((1.0_f64, 1.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        Scale::log_around(low, high, (high / low).powf(0.06).max(1.03))
    }

    /// Draws the panel into an area of its own.
    fn draw(&self, area: &Area, size: Size) {
        let (left, right, ticks) = match size {
            Size::Wide => (142.0, 590.0, 7),
            _ => (118.0, 330.0, 4),
        };
        let n = self.rows.len() as f64;
        let x = self.scale().with_ticks(ticks, |ratio| format!("{} ×", labels::number(ratio)));
        let mut chart = plane(area, ((left, HEAD), (right, HEAD + ROW * n)), &x, &Scale::linear(n, 0.0));
        text(area, &self.title, (left, 12.0), HPos::Left, Face::Strong);
        fill(&mut chart, ((self.band.low, 0.0), (self.band.high, n)), Ink::GRID);
        draw_mesh(area, &mut chart, Mesh::Labels, Some(Ink::MUTED));
        line(&mut chart, (1.0, 0.0), (1.0, n), Ink::TEXT, 1);
        let areas = rows(area, HEAD, ROW, self.rows.len());
        for (i, (ForestRow { label: name, look, ratio, rounds }, row)) in self.rows.iter().zip(areas).enumerate() {
            let y = i as f64 + 0.5;
            of_model(&mut chart, name, |chart| {
                let ink = Ink { variant: 0, ..look.ink() };
                text(&row, name, (left - 10.0, ROW / 2.0), HPos::Right, Face::Plain);
                for round in rounds {
                    stroke(chart, (*round, y), &[(0.0, -7.0), (0.0, 7.0)], ink, 1);
                }
                if let Some(Interval { low, high }) = ratio.interval {
                    line(chart, (low, y), (high, y), ink, 2);
                }
                marker(chart, (ratio.ratio, y), *look);
                if size == Size::Wide {
                    let value = format!("{} ×", units::three_digits(ratio.ratio));
                    label(chart, &value, (f64::INFINITY, y), (14.0, 0.0), HPos::Left, Face::Small);
                }
            });
            answer_everywhere(&row, name, &says(name, ratio));
        }
    }
}

/// States a ratio with its interval and the number of rounds.
fn says(label: &str, ratio: &Ratio) -> String {
    let interval = ratios::confidence(ratio).map_or_else(String::new, |interval| format!(", {interval}"));
    let sign = ratio.bound.sign();
    let rounds = units::counted(ratio.rounds as u64, "round", "rounds");
    format!(
        "{label}: {sign}{} times{interval}; geometric mean of the ratios of {rounds}",
        units::three_digits(ratio.ratio)
    )
}

impl Forest {
    /// Draws the chart in one size.
    pub(in crate::floors::report) fn draw(&self, size: Size, caption: &Caption) -> String {
        let height: f64 = self.panels.iter().map(ForestPanel::height).sum();
        svg(size, height as i32, caption, |area| {
            let mut rest = area.clone();
            for panel in &self.panels {
                let (head, below) = rest.split_vertically(fine(panel.height()));
                panel.draw(&head, size);
                rest = below;
            }
        })
    }
}
