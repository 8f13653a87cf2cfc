//! Draws a figure over the swept value: one line per model, its interval at each point, and the ideal if there is one.

use plotters::style::text_anchor::HPos;

use super::axis::{self, Scale};
use super::{
    Area, Caption, Face, Ink, LineEnd, Look, Paint, Size, answer, end_labels, line, marker, of_model, path, svg, text,
    text_width,
};
use crate::scenario::Unit;
use crate::stats::{Bound, Interval};

/// The lines of one figure.
pub(in crate::report) struct Sweep {
    pub(in crate::report) lines: Vec<SweepLine>,
    /// The name of the swept value, below the axis.
    pub(in crate::report) over: String,
    pub(in crate::report) unit: Unit,
    /// The ideal, if there is one: its name, and its value over the swept value.
    pub(in crate::report) ideal: Option<(String, Vec<(f64, f64)>)>,
    /// Marks on the axis where something ends, each with its label.
    pub(in crate::report) marks: Vec<(f64, String)>,
}

/// The line of a model.
pub(in crate::report) struct SweepLine {
    pub(in crate::report) label: String,
    pub(in crate::report) look: Look,
    /// The points, in rising order of the swept value.
    pub(in crate::report) places: Vec<SweepPoint>,
}

/// A point of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct SweepPoint {
    pub(in crate::report) at: f64,
    pub(in crate::report) value: f64,
    pub(in crate::report) interval: Interval,
    /// Whether the value is exact or only a bound.
    pub(in crate::report) bound: Bound,
}

impl Sweep {
    /// Draws the chart in one size, with log scales on both axes.
    pub(in crate::report) fn draw(&self, size: Size, caption: &Caption) -> String {
        let (left, right, bottom, height) = match size {
            Size::Wide => (84.0, 640.0, 280.0, 326),
            _ => (72.0, 212.0, 240.0, 286),
        };
        let top = 14.0;
        let places = || self.lines.iter().flat_map(|line| &line.places);
        let ideal = || self.ideal.iter().flat_map(|(_, places)| places.iter().copied());
        let ends = |values: &mut dyn Iterator<Item = f64>| {
            values
                .filter(|value| *value > 0.0)
                .fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)))
        };
        let (first, last) = ends(&mut places().map(|place| place.at));
        let heights = places().flat_map(|place| [place.value, place.interval.low, place.interval.high]);
        let (low, high) = ends(&mut heights.chain(ideal().map(|(_, value)| value)));
        let (across, up) =
            (Scale::log_around(first, last.max(first), 1.12), Scale::log_around(low, high.max(low), 1.25));
        let x = |at: f64| left + across.place(at) * (right - left);
        let y = |value: f64| bottom - up.place(value) * (bottom - top);
        svg(size, height, caption, |area| {
            let ticks = if self.unit == Unit::Bytes { binary_ticks(low, high) } else { up.ticks(6) };
            for tick in ticks {
                line(area, (left, y(tick)), (right, y(tick)), Ink::GRID, 1);
                text(area, &axis::label(self.unit, tick), (left - 8.0, y(tick)), HPos::Right, Face::Small);
            }
            self.draw_axis(area, size, &x, (top, bottom));
            let over = format!("{}; both axes on a log scale", self.over);
            text(area, &over, (if size == Size::Wide { left } else { 1.0 }, bottom + 38.0), HPos::Left, Face::Small);
            // The place of the ideal's name: its left and right end, and its height.
            let mut name_of_ideal = None;
            if let Some((name, places)) = &self.ideal {
                let places: Vec<(f64, f64)> = places.iter().map(|(at, value)| (x(*at), y(*value))).collect();
                path(area, &places, Ink { paint: Paint::Text, variant: 2 }, 1);
                if let Some((at, height)) = places.last() {
                    text(area, name, (at - 12.0, height - 9.0), HPos::Right, Face::Small);
                    name_of_ideal = Some((at - 12.0 - text_width(name), at - 12.0, height - 9.0));
                }
            }
            let marks = || self.marks.iter().filter(|(at, _)| (first..=last).contains(at));
            for (at, _) in marks() {
                path(area, &[(x(*at), top), (x(*at), bottom)], Ink { paint: Paint::Text, variant: 2 }, 1);
            }
            for line in &self.lines {
                of_model(area, &line.label, |area| line.draw(area, &x, &y));
            }
            for line in &self.lines {
                for place in &line.places {
                    let (x, y) = (x(place.at), y(place.value));
                    let says = line.says(place, self.unit, &self.over);
                    answer(area, ((x - 8.0, y - 8.0), (x + 8.0, y + 8.0)), &line.label, &says);
                }
            }
            // Labels stand below each other, on the side with room and clear of the lines; in two rows on a narrow
            // chart.
            let mut lowest = bottom - 10.0;
            for (at, name) in marks() {
                let rows: Vec<&str> = if size == Size::Wide { vec![name] } else { name.split(": ").collect() };
                let is_right_half = x(*at) > (left + right) / 2.0;
                let (side, beside) =
                    if size == Size::Wide && is_right_half { (HPos::Right, -6.0) } else { (HPos::Left, 6.0) };
                let widest = rows.iter().map(|row| text_width(row)).fold(0.0, f64::max).copysign(beside);
                let span = (x(*at).min(x(*at) + widest), x(*at).max(x(*at) + widest));
                let is_free = |foot: &f64| {
                    let mut heights = (0..rows.len()).map(|row| foot - 15.0 * row as f64);
                    heights.all(|height| {
                        let covers = |(from, to, of_name): (f64, f64, f64)| {
                            from <= span.1 && to >= span.0 && (height - of_name).abs() < 14.0
                        };
                        !name_of_ideal.is_some_and(covers)
                            && !self.lines.iter().any(|line| line.is_near(span, height, &x, &y))
                    })
                };
                let foot = (0..8).map(|step| lowest - 15.0 * f64::from(step)).find(is_free).unwrap_or(lowest);
                for (i, row) in rows.iter().rev().enumerate() {
                    text(area, row, (x(*at) + beside, foot - 15.0 * i as f64), side, Face::Small);
                }
                lowest = foot - 15.0 * rows.len() as f64;
            }
            let ends = self.lines.iter().filter_map(|line| {
                let last = line.places.last()?;
                Some(LineEnd { at: (x(last.at), y(last.value)), label: &line.label, look: line.look })
            });
            end_labels(area, (right, bottom), ends.collect());
        })
    }

    /// Draws a tick for each point of the sweep, labelled as far as there is room.
    fn draw_axis(&self, area: &Area, size: Size, x: &dyn Fn(f64) -> f64, (top, bottom): (f64, f64)) {
        let mut points: Vec<f64> = self.lines.iter().flat_map(|line| &line.places).map(|place| place.at).collect();
        points.sort_unstable_by(f64::total_cmp);
        points.dedup();
        let mut free_from = f64::NEG_INFINITY;
        for at in points {
            line(area, (x(at), top), (x(at), bottom + 4.0), Ink::GRID, 1);
            let label = axis::number_label(at);
            let half = text_width(&label) / 2.0;
            if x(at) - half >= free_from && x(at) + half <= f64::from(size.width()) {
                text(area, &label, (x(at), bottom + 16.0), HPos::Center, Face::Small);
                free_from = x(at) + half + 4.0;
            }
        }
    }
}

/// Returns powers of two, as memory is counted in: seven at most.
fn binary_ticks(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log2().ceil() as i32, high.log2().floor() as i32);
    let every = ((last - first) / 7 + 1).max(1);
    (first..=last).filter(|power| power % every == 0).map(|power| 2_f64.powi(power)).collect()
}

impl SweepLine {
    /// States the value at a point: `async at 1,000 jobs: 102 ms (101 to 103 ms)`.
    fn says(&self, place: &SweepPoint, unit: Unit, over: &str) -> String {
        let [value, low, high] =
            [place.value, place.interval.low, place.interval.high].map(|value| axis::exact_label(unit, value));
        let range = if low == high { String::new() } else { format!(" ({low} to {high})") };
        let sign = place.bound.sign();
        format!("{} at {} {over}: {sign}{value}{range}", self.label, axis::number_label(place.at))
    }

    /// Returns whether the line passes near a row of text at this height, between these two ends.
    fn is_near(&self, (from, to): (f64, f64), height: f64, x: &dyn Fn(f64) -> f64, y: &dyn Fn(f64) -> f64) -> bool {
        const CLEAR: f64 = 11.0;
        self.places.windows(2).any(|pair| {
            let [(x0, y0), (x1, y1)] = [pair[0], pair[1]].map(|place| (x(place.at), y(place.value)));
            let at = |x: f64| y0 + (y1 - y0) * ((x - x0) / (x1 - x0)).clamp(0.0, 1.0);
            let (first, last) = (at(from.max(x0)), at(to.min(x1)));
            x0 <= to && x1 >= from && first.min(last) < height + CLEAR && first.max(last) > height - CLEAR
        })
    }

    fn draw(&self, area: &Area, x: &dyn Fn(f64) -> f64, y: &dyn Fn(f64) -> f64) {
        let places: Vec<(f64, f64)> = self.places.iter().map(|place| (x(place.at), y(place.value))).collect();
        path(area, &places, self.look.ink(), 2);
        let plain = Ink { variant: 0, ..self.look.ink() };
        for (place, at) in self.places.iter().zip(places) {
            let (low, high) = (y(place.interval.low), y(place.interval.high));
            if low - high >= 2.0 {
                line(area, (at.0, low), (at.0, high), plain, 1);
            }
            marker(area, at, self.look);
            if place.bound != Bound::Exact {
                text(
                    area,
                    place.bound.sign().trim_end(),
                    (at.0 - 8.0, at.1 - 9.0),
                    HPos::Center,
                    Face::Named(self.look),
                );
            }
        }
    }
}
