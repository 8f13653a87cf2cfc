//! Draws one bar per model: the median, its interval over the rounds, and the value that arithmetic predicts.

use plotters::style::text_anchor::HPos;

use super::axis::{self, Scale};
use super::{
    Area, Caption, Face, Ink, Look, Paint, Size, answer, fill, line, of_model, path, polygon, strong_width, svg, text,
    text_width,
};
use crate::analysis::Estimate;
use crate::report::wording;
use crate::scenario::Unit;
use crate::stats::Interval;

/// A chart of bars that begin at 0.
pub(in crate::report) struct Bars {
    pub(in crate::report) rows: Vec<Bar>,
    /// The unit of the axis.
    pub(in crate::report) unit: Unit,
    /// The name of the line through the bars, if there is one: `ideal 100 ms`.
    pub(in crate::report) line: Option<String>,
}

/// A bar of the chart.
pub(in crate::report) struct Bar {
    pub(in crate::report) label: String,
    pub(in crate::report) look: Look,
    /// The figure; `None` if no round was measured.
    pub(in crate::report) value: Option<Estimate>,
    /// The position of the line in this row.
    pub(in crate::report) line: Option<f64>,
    /// The end of the bar that arithmetic predicts.
    pub(in crate::report) predicted: Option<f64>,
    /// The number of jobs if it is reduced, `10 of 1,000 jobs`; the bar is then hatched.
    pub(in crate::report) fewer: Option<String>,
    /// The text in place of the bar if there is no value.
    pub(in crate::report) missing: &'static str,
}

/// The positions of the parts of a row, in pixels.
struct Layout {
    left: f64,
    right: f64,
    top: f64,
    row: f64,
    /// The distance from the top of a row to the top of its bar, and the height of the bar.
    bar: (f64, f64),
}

impl Layout {
    fn new(size: Size, has_line: bool) -> Self {
        let top = if has_line { 26.0 } else { 6.0 };
        match size {
            Size::Wide => Self { left: 142.0, right: 590.0, top, row: 36.0, bar: (10.0, 18.0) },
            _ => Self { left: 1.0, right: 330.0, top, row: 54.0, bar: (30.0, 14.0) },
        }
    }
}

impl Layout {
    /// Returns the vertical range in which a line may cross a row without crossing its label.
    fn beside_bar(&self, top: f64) -> (f64, f64) {
        let label = (self.bar.0 - 10.0).max(0.0);
        (top + label, top + self.row)
    }
}

impl Bars {
    /// Draws the chart in one size.
    pub(in crate::report) fn draw(&self, size: Size, caption: &Caption) -> String {
        let layout = Layout::new(size, self.line.is_some());
        let bottom = layout.top + layout.row * self.rows.len() as f64;
        svg(size, (bottom + 24.0) as i32, caption, |area| {
            let most = self.rows.iter().flat_map(Bar::values).fold(0.0, f64::max);
            let scale = Scale::Linear(0.0, if most > 0.0 { most } else { 1.0 });
            let x = |value: f64| layout.left + scale.place(value) * (layout.right - layout.left);
            for tick in scale.ticks(if size == Size::Wide { 6 } else { 4 }) {
                for i in 0..self.rows.len() {
                    let (upper, lower) = layout.beside_bar(layout.top + layout.row * i as f64);
                    line(area, (x(tick), upper), (x(tick), lower), Ink::GRID, 1);
                }
                let label = axis::label(self.unit, tick);
                let half = text_width(&label) / 2.0;
                let side = match x(tick) {
                    at if at < half => HPos::Left,
                    at if at + half > f64::from(size.width()) => HPos::Right,
                    _ => HPos::Center,
                };
                text(area, &label, (x(tick), bottom + 14.0), side, Face::Small);
            }
            for (i, bar) in self.rows.iter().enumerate() {
                let top = layout.top + layout.row * i as f64;
                of_model(area, &bar.label, |area| {
                    match size {
                        Size::Wide => text(area, &bar.label, (132.0, top + 19.0), HPos::Right, Face::Plain),
                        _ => text(area, &bar.label, (1.0, top + 13.0), HPos::Left, Face::Plain),
                    }
                    bar.draw(area, &layout, top, &x);
                    self.write_value(area, size, bar, top, &x);
                });
            }
            self.draw_line(area, &layout, &x);
            for (i, bar) in self.rows.iter().enumerate() {
                let top = layout.top + layout.row * i as f64;
                let row = ((0.0, top), (f64::from(size.width()), top + layout.row));
                if let Some(says) = bar.says() {
                    answer(area, row, &bar.label, &says);
                }
            }
        })
    }

    /// Writes the value at the end of the bar, or the reason why there is no bar.
    fn write_value(&self, area: &Area, size: Size, bar: &Bar, top: f64, x: &dyn Fn(f64) -> f64) {
        let value = bar.value.as_ref().map(wording::estimate);
        let more = match (&bar.fewer, bar.value.as_ref().and_then(wording::estimate_range)) {
            (Some(fewer), _) => Some(format!("only {fewer}")),
            (None, range) => range,
        };
        let value = value.unwrap_or_else(|| bar.missing.into());
        match size {
            Size::Wide => {
                let end = bar.values().fold(x(0.0), |end, value| end.max(x(value))) + 10.0;
                text(area, &value, (end, top + 19.0), HPos::Left, Face::Strong);
                if let Some(more) = more {
                    text(area, &more, (end + strong_width(&value) + 8.0, top + 19.0), HPos::Left, Face::Small);
                }
            }
            _ => {
                text(area, &value, (338.0, top + 13.0), HPos::Right, Face::Strong);
                if let Some(fewer) = &bar.fewer {
                    let at = 338.0 - strong_width(&value) - 6.0;
                    text(area, &format!("only {fewer}"), (at, top + 13.0), HPos::Right, Face::Small);
                }
            }
        }
    }

    /// Draws the line through all rows, at its own position in each, and its name above the first.
    fn draw_line(&self, area: &Area, layout: &Layout, x: &dyn Fn(f64) -> f64) {
        let Some(name) = &self.line else { return };
        let mut name = Some(name);
        for (i, bar) in self.rows.iter().enumerate() {
            let Some(place) = bar.line.filter(|_| bar.value.is_some()).map(x) else { continue };
            let top = layout.top + layout.row * i as f64;
            let dashed = Ink { paint: Paint::Text, variant: 2 };
            let (upper, lower) = layout.beside_bar(top);
            line(area, (place, upper), (place, lower), dashed, 1);
            if let Some(name) = name.take() {
                let half = text_width(name) / 2.0;
                let middle = place.clamp(half, f64::from(Size::Narrow.width()).max(layout.right) - half);
                text(area, name, (middle, layout.top - 12.0), HPos::Center, Face::Small);
            }
        }
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

    fn draw(&self, area: &Area, layout: &Layout, top: f64, x: &dyn Fn(f64) -> f64) {
        let (upper, lower) = (top + layout.bar.0, top + layout.bar.0 + layout.bar.1);
        let middle = f64::midpoint(upper, lower);
        if let Some(value) = &self.value {
            let end = x(value.value()).max(x(0.0) + 1.0);
            match self.fewer {
                None => fill(area, (x(0.0), upper), (end, lower), self.look.ink()),
                Some(_) => hatch(area, (x(0.0), upper), (end, lower), self.look),
            }
            let Interval { low, high } = value.spread.range();
            if x(high) - x(low) >= 2.0 {
                whisker(area, (x(low), x(high)), middle);
            }
        }
        if let Some(predicted) = self.predicted.filter(|_| self.value.is_some()) {
            let (at, tip) = (x(predicted), upper - 0.5);
            polygon(area, &[(at, tip), (at - 4.0, tip - 6.0), (at + 4.0, tip - 6.0)], Ink::TEXT);
        }
    }
}

/// Draws a line from the lowest to the highest round, on a light ground so that it shows on the bar too.
fn whisker(area: &Area, (from, to): (f64, f64), y: f64) {
    for (ink, width) in [(Ink::GROUND, 4), (Ink::TEXT, 1)] {
        line(area, (from, y), (to, y), ink, width);
        line(area, (from, y - 4.0), (from, y + 4.0), ink, width);
        line(area, (to, y - 4.0), (to, y + 4.0), ink, width);
    }
}

/// Draws a bar of slanted lines, each cut off at the bar's edges.
fn hatch(area: &Area, from: (f64, f64), to: (f64, f64), look: Look) {
    let ink = Ink { variant: 0, ..look.ink() };
    let height = to.1 - from.1;
    fill(area, from, to, Ink { paint: Paint::Tint(look.family), variant: 0 });
    let mut start = from.0 - height + 6.0;
    while start < to.0 {
        let (left, right) = (start.max(from.0), (start + height).min(to.0));
        line(area, (left, to.1 - (left - start)), (right, to.1 - (right - start)), ink, 1);
        start += 6.0;
    }
    path(area, &[from, (to.0, from.1), to, (from.0, to.1), from], ink, 1);
}
