//! Draws one bar per model: the median, its interval over the rounds, and the value that arithmetic predicts.

use plotters::style::text_anchor::HPos;

use super::elements::{
    Face, answer_everywhere, fill, hatched, label, line, of_model, path, shape, stroke, text, text_width,
};
use super::mesh::{Mesh, draw_mesh};
use super::scale::Scale;
use super::{Area, Caption, Ink, Look, Plane, Size, labels, plane, rows, svg};
use crate::analysis::Estimate;
use crate::report::wording;
use crate::scenario::Unit;
use crate::stats::Interval;

/// A chart of bars that begin at 0.
pub(in crate::floors::report) struct Bars {
    pub(in crate::floors::report) rows: Vec<Bar>,
    /// The unit of the axis.
    pub(in crate::floors::report) unit: Unit,
    /// The name of the line through the bars, if there is one: `ideal 100 ms`.
    pub(in crate::floors::report) line: Option<String>,
}

/// A bar of the chart.
pub(in crate::floors::report) struct Bar {
    pub(in crate::floors::report) label: String,
    pub(in crate::floors::report) look: Look,
    /// The figure; `None` if no round was measured.
    pub(in crate::floors::report) value: Option<Estimate>,
    /// The position of the line in this row.
    pub(in crate::floors::report) line: Option<f64>,
    /// The end of the bar that arithmetic predicts.
    pub(in crate::floors::report) predicted: Option<f64>,
    /// The number of jobs if it is reduced, `10 of 1,000 jobs`; the bar is then hatched.
    pub(in crate::floors::report) fewer: Option<String>,
    /// The text in place of the bar if there is no value.
    pub(in crate::floors::report) missing: &'static str,
}

/// The top and the bottom of a bar in the chart of its row, which reaches from 0 down to 1.
const BAR: (f64, f64) = (0.29, 0.75);

/// The middle of a bar.
const MIDDLE: f64 = 0.52;

impl Bars {
    /// Draws the chart in one size.
    pub(in crate::floors::report) fn draw(&self, size: Size, caption: &Caption) -> String {
        // The chart of a row leaves out its label, which its lines must not cross.
        let (left, right, row_height, label_height) = match size {
            Size::Wide => (142.0, 590.0, 36.0, 0.0),
            _ => (1.0, 330.0, 54.0, 20.0),
        };
        let top = if self.line.is_some() { 26.0 } else { 6.0 };
        let bottom = top + row_height * self.rows.len() as f64;
        let most = self.rows.iter().flat_map(Bar::values).fold(0.0, f64::max);
        let most = if most > 0.0 { most } else { 1.0 };
        let ticks = if size == Size::Wide { 6 } else { 4 };
        let x = Scale::linear(0.0, most).with_ticks(ticks, |value| labels::round(self.unit, value));
        svg(size, (bottom + 24.0) as i32, caption, |area| {
            let mut all = plane(area, ((left, top), (right, bottom)), &x, &Scale::linear(0.0, 1.0));
            draw_mesh(area, &mut all, Mesh::Labels, None);
            if let (Some(name), Some(first)) = (&self.line, self.rows.iter().find_map(Bar::line_place)) {
                label(&mut all, name, (first, 1.0), (0.0, -12.0), HPos::Center, Face::Small);
            }
            for (bar, row) in self.rows.iter().zip(rows(area, top, row_height, self.rows.len())) {
                let corners = ((left, label_height), (right, row_height));
                let mut chart = plane(&row, corners, &x, &Scale::linear(1.0, 0.0));
                draw_mesh(&row, &mut chart, Mesh::Grid, None);
                of_model(&mut chart, &bar.label, |chart| {
                    match size {
                        Size::Wide => text(&row, &bar.label, (132.0, 19.0), HPos::Right, Face::Plain),
                        _ => text(&row, &bar.label, (1.0, 13.0), HPos::Left, Face::Plain),
                    }
                    bar.draw(chart, most / (right - left));
                    bar.write_value(chart, &row, size);
                });
                if let Some(place) = bar.line_place() {
                    path(&mut chart, vec![(place, 0.0), (place, 1.0)], Ink::DOTTED, 1);
                }
                if let Some(says) = bar.says() {
                    answer_everywhere(&row, &bar.label, &says);
                }
            }
        })
    }
}

impl Bar {
    /// States the value, its interval and what arithmetic predicts; `None` if no round was measured.
    fn says(&self) -> Option<String> {
        let value = self.value.as_ref()?;
        let mut says = format!("{}: {}", self.label, wording::with_rounds(value));
        if let Some(fewer) = &self.fewer {
            says += &format!("; only {fewer}");
        }
        if let Some(predicted) = self.predicted {
            says += &format!("; by arithmetic {}", wording::figure(value.metric, predicted));
        }
        Some(says)
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        let highest = self.value.as_ref().map(|value| value.spread.range().high);
        [highest, self.line, self.predicted].into_iter().flatten()
    }

    /// Returns the position of the line; `None` in a row without a bar.
    fn line_place(&self) -> Option<f64> {
        self.line.filter(|_| self.value.is_some())
    }

    /// Draws the bar, its interval and its prediction; `pixel` is the width of a pixel in the unit of the axis.
    fn draw(&self, chart: &mut Plane, pixel: f64) {
        let Some(value) = &self.value else { return };
        let bar = ((0.0, BAR.0), (value.value().max(pixel), BAR.1));
        match self.fewer {
            None => fill(chart, bar, self.look.ink()),
            Some(_) => hatched(chart, bar, self.look),
        }
        let Interval { low, high } = value.spread.range();
        if high - low >= 2.0 * pixel {
            whisker(chart, low, high);
        }
        if let Some(predicted) = self.predicted {
            let tip = [(0.0, -0.5), (-4.0, -6.5), (4.0, -6.5)];
            shape(chart, (predicted, BAR.0), &tip, Ink::TEXT);
        }
    }

    /// Writes the value at the end of the bar, or the reason why there is no bar.
    fn write_value(&self, chart: &mut Plane, row: &Area, size: Size) {
        let value = self.value.as_ref().map_or_else(|| self.missing.into(), wording::estimate);
        let width = text_width(chart, &value, Face::Strong);
        let fewer = self.fewer.as_ref().map(|fewer| format!("only {fewer}"));
        if size == Size::Wide {
            let end = (self.values().fold(0.0, f64::max), MIDDLE);
            label(chart, &value, end, (10.0, 0.0), HPos::Left, Face::Strong);
            if let Some(more) = fewer.or_else(|| self.value.as_ref().and_then(wording::estimate_range)) {
                label(chart, &more, end, (width + 18.0, 0.0), HPos::Left, Face::Small);
            }
        } else {
            text(row, &value, (338.0, 13.0), HPos::Right, Face::Strong);
            if let Some(fewer) = fewer {
                text(row, &fewer, (332.0 - width, 13.0), HPos::Right, Face::Small);
            }
        }
    }
}

/// Draws a line from the lowest to the highest round, on a light ground so that it shows on the bar too.
fn whisker(chart: &mut Plane, low: f64, high: f64) {
    for (ink, width) in [(Ink::GROUND, 4), (Ink::TEXT, 1)] {
        line(chart, (low, MIDDLE), (high, MIDDLE), ink, width);
        for end in [low, high] {
            stroke(chart, (end, MIDDLE), &[(0.0, -4.0), (0.0, 4.0)], ink, width);
        }
    }
}
