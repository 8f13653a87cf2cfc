//! Draws a figure over the swept value: one line per model, its interval at each point, and the ideal if there is one.

use std::ops::Range;

use plotters::style::text_anchor::HPos;

use super::elements::{
    Face, LineEnd, answer_around, end_labels, label, line, marker, of_model, path, pixels, text, text_width,
};
use super::mesh::{Mesh, draw_mesh};
use super::scale::Scale;
use super::{Caption, Ink, Look, Place, Plane, Size, labels, plane, svg};
use crate::scenario::Unit;
use crate::stats::{Bound, Interval};

/// The lines of one figure.
pub(in crate::floors::report) struct Sweep {
    pub(in crate::floors::report) lines: Vec<SweepLine>,
    /// The name of the swept value, below the axis.
    pub(in crate::floors::report) over: String,
    pub(in crate::floors::report) unit: Unit,
    /// The ideal, if there is one: its name, and its value over the swept value.
    pub(in crate::floors::report) ideal: Option<(String, Vec<(f64, f64)>)>,
    /// Marks on the axis where something ends, each with its label.
    pub(in crate::floors::report) marks: Vec<(f64, String)>,
}

/// The line of a model.
pub(in crate::floors::report) struct SweepLine {
    pub(in crate::floors::report) label: String,
    pub(in crate::floors::report) look: Look,
    /// The points, in rising order of the swept value.
    pub(in crate::floors::report) places: Vec<SweepPoint>,
}

/// A point of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::floors::report) struct SweepPoint {
    pub(in crate::floors::report) at: f64,
    pub(in crate::floors::report) value: f64,
    pub(in crate::floors::report) interval: Interval,
    /// Whether the value is exact or only a bound.
    pub(in crate::floors::report) bound: Bound,
}

/// A row of text: its left and right end and its height, in pixels.
type TextRow = (f64, f64, f64);

impl Sweep {
    /// Draws the chart in one size, with log scales on both axes.
    pub(in crate::floors::report) fn draw(&self, size: Size, caption: &Caption) -> String {
        let (left, right, bottom, height) = match size {
            Size::Wide => (84.0, 640.0, 280.0, 326),
            _ => (72.0, 212.0, 240.0, 286),
        };
        let (x, y) = self.scales();
        svg(size, height, caption, |area| {
            let mut chart = plane(area, ((left, 14.0), (right, bottom)), &x, &y);
            draw_mesh(area, &mut chart, Mesh::GridAndLabels, Some(Ink::GRID));
            let over = format!("{}; both axes on a log scale", self.over);
            text(area, &over, (if size == Size::Wide { left } else { 1.0 }, bottom + 38.0), HPos::Left, Face::Small);
            let name_of_ideal = self.draw_ideal(&mut chart);
            for (at, _) in self.marks_within(chart.x_range()) {
                path(&mut chart, vec![(*at, f64::INFINITY), (*at, f64::NEG_INFINITY)], Ink::DOTTED, 1);
            }
            for line in &self.lines {
                of_model(&mut chart, &line.label, |chart| line.draw(chart));
            }
            for line in &self.lines {
                for point in &line.places {
                    let says = line.says(point, self.unit, &self.over);
                    answer_around(&chart, point.place(), 8.0, &line.label, &says);
                }
            }
            self.label_marks(&mut chart, size, name_of_ideal);
            let ends = self.lines.iter().filter_map(|line| {
                Some(LineEnd { at: line.places.last()?.place(), label: &line.label, look: line.look })
            });
            end_labels(&mut chart, ends.collect());
        })
    }

    /// Returns the scales of both axes, with a tick for each point of the sweep.
    fn scales(&self) -> (Scale, Scale) {
        let points = || self.lines.iter().flat_map(|line| &line.places);
        let ideal = self.ideal.iter().flat_map(|(_, places)| places.iter().map(|(_, value)| *value));
        let (first, last) = ends(points().map(|point| point.at));
        let (low, high) = ends(points().flat_map(|at| [at.value, at.interval.low, at.interval.high]).chain(ideal));
        let mut swept: Vec<f64> = points().map(|point| point.at).collect();
        swept.sort_unstable_by(f64::total_cmp);
        swept.dedup();
        let (x, y) = (Scale::log_around(first, last.max(first), 1.12), Scale::log_around(low, high.max(low), 1.25));
        let values = if self.unit == Unit::Bytes { powers_of_two(low, high) } else { y.round_values(6) };
        (
            x.with_ticks_at(swept.into_iter().map(|at| (at, labels::number(at))).collect()),
            y.with_ticks_at(values.into_iter().map(|value| (value, labels::round(self.unit, value))).collect()),
        )
    }

    fn marks_within(&self, swept: Range<f64>) -> impl Iterator<Item = &(f64, String)> {
        self.marks.iter().filter(move |(at, _)| swept.contains(at))
    }

    /// Draws the ideal, and returns where its name stands.
    fn draw_ideal(&self, chart: &mut Plane) -> Option<TextRow> {
        let (name, places) = self.ideal.as_ref()?;
        path(chart, places.clone(), Ink::DOTTED, 1);
        let last = *places.last()?;
        label(chart, name, last, (-12.0, -9.0), HPos::Right, Face::Small);
        let (right, height) = pixels(chart, last);
        Some((right - 12.0 - text_width(chart, name, Face::Small), right - 12.0, height - 9.0))
    }

    /// Labels the marks, below each other, on the side with room and clear of the lines; in two rows on a narrow chart.
    fn label_marks(&self, chart: &mut Plane, size: Size, name_of_ideal: Option<TextRow>) {
        const ROW: f64 = 15.0;
        let [(left, bottom), (right, _)] = [f64::NEG_INFINITY, f64::INFINITY].map(|end| pixels(chart, (end, 0.0)));
        let mut lowest = bottom - 10.0;
        for (at, name) in self.marks_within(chart.x_range()) {
            let rows: Vec<&str> = if size == Size::Wide { vec![name] } else { name.split(": ").collect() };
            let (x, _) = pixels(chart, (*at, 0.0));
            let is_right_half = x > f64::midpoint(left, right);
            let (side, beside) =
                if size == Size::Wide && is_right_half { (HPos::Right, -6.0) } else { (HPos::Left, 6.0) };
            let widest = rows.iter().map(|row| text_width(chart, row, Face::Small)).fold(0.0, f64::max);
            let far = x + widest.copysign(beside);
            let is_free = |foot: &f64| {
                (0..rows.len()).map(|row| foot - ROW * row as f64).all(|height| {
                    let row = (x.min(far), x.max(far), height);
                    !name_of_ideal.is_some_and(|name| overlap(row, name))
                        && !self.lines.iter().any(|line| line.is_near(chart, row))
                })
            };
            let foot = (0..8).map(|step| lowest - ROW * f64::from(step)).find(is_free).unwrap_or(lowest);
            for (i, row) in rows.iter().rev().enumerate() {
                let up = bottom - foot + ROW * i as f64;
                label(chart, row, (*at, 0.0), (beside, -up), side, Face::Small);
            }
            lowest = foot - ROW * rows.len() as f64;
        }
    }
}

/// Returns the lowest and the highest of the values above 0.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let values = values.filter(|value| *value > 0.0);
    values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)))
}

/// Returns whether two rows of text cover each other.
fn overlap(a: TextRow, b: TextRow) -> bool {
    a.0 <= b.1 && a.1 >= b.0 && (a.2 - b.2).abs() < 14.0
}

/// Returns powers of two, as memory is counted in: seven at most.
fn powers_of_two(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log2().ceil() as i32, high.log2().floor() as i32);
    let every = ((last - first) / 7 + 1).max(1);
    (first..=last).filter(|power| power % every == 0).map(|power| 2_f64.powi(power)).collect()
}

impl SweepLine {
    /// States the value at a point: `async at 1,000 jobs: 102 ms (101 to 103 ms)`.
    fn says(&self, place: &SweepPoint, unit: Unit, over: &str) -> String {
        let [value, low, high] =
            [place.value, place.interval.low, place.interval.high].map(|value| labels::exact(unit, value));
        let range = if low == high { String::new() } else { format!(" ({low} to {high})") };
        let sign = place.bound.sign();
        format!("{} at {} {over}: {sign}{value}{range}", self.label, labels::number(place.at))
    }

    /// Returns whether the line passes near a row of text.
    fn is_near(&self, chart: &Plane, (from, to, height): TextRow) -> bool {
        const CLEAR: f64 = 11.0;
        self.places.windows(2).any(|pair| {
            let [(x0, y0), (x1, y1)] = [pair[0], pair[1]].map(|point| pixels(chart, point.place()));
            let at = |x: f64| y0 + (y1 - y0) * ((x - x0) / (x1 - x0)).clamp(0.0, 1.0);
            let (first, last) = (at(from.max(x0)), at(to.min(x1)));
            x0 <= to && x1 >= from && first.min(last) < height + CLEAR && first.max(last) > height - CLEAR
        })
    }

    fn draw(&self, chart: &mut Plane) {
        path(chart, self.places.iter().map(SweepPoint::place).collect(), self.look.ink(), 2);
        let plain = Ink { variant: 0, ..self.look.ink() };
        for point in &self.places {
            let [low, high] = [point.interval.low, point.interval.high].map(|end| (point.at, end));
            if pixels(chart, low).1 - pixels(chart, high).1 >= 2.0 {
                line(chart, low, high, plain, 1);
            }
            marker(chart, point.place(), self.look);
            if point.bound != Bound::Exact {
                let sign = point.bound.sign().trim_end();
                label(chart, sign, point.place(), (-8.0, -9.0), HPos::Center, Face::Named(self.look));
            }
        }
    }
}

impl SweepPoint {
    fn place(&self) -> Place {
        (self.at, self.value)
    }
}
