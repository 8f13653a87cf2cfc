//! Draws ratios with their intervals, one panel per figure, over a grey band of no difference or of the claimed bounds.

use plotters::style::text_anchor::HPos;

use super::axis::{self, Scale};
use super::{Area, Caption, Face, Ink, Look, Size, answer, fill, line, marker, of_model, svg, text};
use crate::report::ratios;
use crate::stats::{Interval, Ratio};
use crate::units;

/// The panels, from top to bottom.
pub(in crate::report) struct Forest {
    pub(in crate::report) panels: Vec<ForestPanel>,
}

/// The ratios of one figure under all models.
pub(in crate::report) struct ForestPanel {
    /// The subject of the comparison.
    pub(in crate::report) title: String,
    /// The shaded interval: the difference between two cells of the same model, or the bounds of a claim. Its upper end
    /// may be infinite.
    pub(in crate::report) band: Interval,
    pub(in crate::report) rows: Vec<ForestRow>,
}

/// A ratio with its interval and the ratios of the rounds that it is made of.
pub(in crate::report) struct ForestRow {
    pub(in crate::report) label: String,
    pub(in crate::report) look: Look,
    pub(in crate::report) ratio: Ratio,
    /// The ratio in each round, drawn as ticks.
    pub(in crate::report) rounds: Vec<f64>,
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

    fn draw(&self, area: &Area, size: Size, top: f64) {
        let (left, right) = match size {
            Size::Wide => (142.0, 590.0),
            _ => (118.0, 330.0),
        };
        let scale = self.scale();
        let x = |ratio: f64| left + scale.place(ratio) * (right - left);
        let (upper, lower) = (top + HEAD, top + HEAD + ROW * self.rows.len() as f64);
        text(area, &self.title, (left, top + 12.0), HPos::Left, Face::Strong);
        let [from, to] =
            [self.band.low.max(f64::MIN_POSITIVE), self.band.high.min(f64::MAX)].map(|end| x(end).clamp(left, right));
        fill(area, (from, upper), (to, lower), Ink::GRID);
        for tick in scale.ticks(if size == Size::Wide { 7 } else { 4 }) {
            line(area, (x(tick), lower), (x(tick), lower + 4.0), Ink::MUTED, 1);
            text(area, &format!("{} ×", axis::number_label(tick)), (x(tick), lower + 14.0), HPos::Center, Face::Small);
        }
        line(area, (left, lower), (right, lower), Ink::MUTED, 1);
        line(area, (x(1.0), upper), (x(1.0), lower), Ink::TEXT, 1);
        for (i, ForestRow { label, look, ratio, rounds }) in self.rows.iter().enumerate() {
            let y = upper + ROW * (i as f64 + 0.5);
            of_model(area, label, |area| {
                text(area, label, (left - 10.0, y), HPos::Right, Face::Plain);
                for round in rounds {
                    line(area, (x(*round), y - 7.0), (x(*round), y + 7.0), Ink { variant: 0, ..look.ink() }, 1);
                }
                if let Some(Interval { low, high }) = ratio.interval {
                    line(area, (x(low), y), (x(high), y), Ink { variant: 0, ..look.ink() }, 2);
                }
                marker(area, (x(ratio.ratio), y), *look);
                if size == Size::Wide {
                    let label = format!("{} ×", units::three_digits(ratio.ratio));
                    text(area, &label, (right + 14.0, y), HPos::Left, Face::Small);
                }
            });
            let row = ((0.0, y - ROW / 2.0), (f64::from(size.width()), y + ROW / 2.0));
            answer(area, row, label, &says(label, ratio));
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
    pub(in crate::report) fn draw(&self, size: Size, caption: &Caption) -> String {
        let height: f64 = self.panels.iter().map(ForestPanel::height).sum();
        svg(size, height as i32, caption, |area| {
            let mut top = 0.0;
            for panel in &self.panels {
                panel.draw(area, size, top);
                top += panel.height();
            }
        })
    }
}
