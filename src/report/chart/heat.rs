//! Draws response times over time, one map per model on the same axes: when requests were due, how long they took, and
//! how many took that long. It shows what a percentile hides: stalls, growing queues, a warm-up that was too short.

use plotters::style::text_anchor::HPos;

use super::axis::{self, Scale};
use super::{
    Area, Box2, Caption, Face, Ink, Look, Paint, Size, answer, bands, line, of_model, path, svg, text, text_width,
};
use crate::report::wording;
use crate::timeline::Timeline;
use crate::units;

/// The maps of a point.
pub(in crate::report) struct Heat<'a> {
    pub(in crate::report) rows: Vec<HeatMap<'a>>,
    /// The length of the warm-up, in nanoseconds; the window follows it.
    pub(in crate::report) warmup_ns: u64,
    pub(in crate::report) window_ns: u64,
}

/// The response times of one model over the window, as shades of a grid.
pub(in crate::report) struct HeatMap<'a> {
    pub(in crate::report) label: String,
    pub(in crate::report) look: Look,
    /// The response times of the warm-up, from its beginning.
    pub(in crate::report) warmup: &'a Timeline,
    pub(in crate::report) window: &'a Timeline,
}

/// The number of steps on the vertical axis.
const STEPS: usize = 32;

/// The number of shades, from few to many requests; the page defines how dark they are.
const SHADES: u8 = 4;

/// The positions of the parts of a map, in pixels.
struct HeatLayout {
    left: f64,
    right: f64,
    top: f64,
    height: f64,
}

impl Heat<'_> {
    /// Draws the chart in one size.
    pub(in crate::report) fn draw(&self, size: Size, caption: &Caption) -> String {
        let (left, right) = match size {
            Size::Wide => (64.0, 790.0),
            _ => (56.0, 334.0),
        };
        let (head, height) = (24.0, 96.0);
        let row = head + height + 6.0;
        let bottom = row * self.rows.len() as f64;
        let (low, high) = self.ends();
        let times = Scale::log_around(low, high, 1.05);
        let whole = (self.warmup_ns + self.window_ns).max(1) as f64;
        let clock = Scale::Linear(0.0, whole);
        let x = |nanos: f64| left + clock.place(nanos) * (right - left);
        svg(size, (bottom + 40.0) as i32, caption, |area| {
            for (i, map) in self.rows.iter().enumerate() {
                let place = HeatLayout { left, right, top: row * i as f64 + head, height };
                of_model(area, &map.label, |area| self.draw_map(area, map, &place, (times, whole)));
                if size == Size::Wide {
                    self.answer_columns(area, map, &place, whole);
                }
            }
            let mut free_from = 0.0;
            // Times count from the beginning of the window; the warm-up lies before it.
            for tick in Scale::Linear(0.0, self.window_ns.max(1) as f64).ticks(if size == Size::Wide { 6 } else { 3 }) {
                let label = axis::time_label(tick);
                let (at, half) = (x(tick + self.warmup_ns as f64), text_width(&label) / 2.0);
                let at = at.min(f64::from(size.width()) - half);
                if at - half >= free_from {
                    text(area, &label, (at, bottom + 6.0), HPos::Center, Face::Small);
                    free_from = at + half + 4.0;
                }
            }
            text(area, "time at which a request was due", (left, bottom + 26.0), HPos::Left, Face::Small);
        })
    }

    fn draw_map(&self, area: &Area, map: &HeatMap, place: &HeatLayout, (times, whole): (Scale, f64)) {
        let &HeatLayout { left, right, top, height } = place;
        let x = |nanos: f64| left + (right - left) * (nanos / whole).clamp(0.0, 1.0);
        let y = |nanos: f64| top + height * (1.0 - times.place(nanos));
        text(area, &map.label, (1.0, top - 11.0), HPos::Left, Face::Strong);
        for tick in times.ticks(4) {
            line(area, (left, y(tick)), (right, y(tick)), Ink::GRID, 1);
            text(area, &axis::time_label(tick), (left - 6.0, y(tick)), HPos::Right, Face::Small);
        }
        // Warm-up and window get columns of the same width.
        let warmup = map.warmup.widened(map.window.width_ns());
        let parts = [(&warmup, 0.0, Paint::Muted), (map.window, self.warmup_ns as f64, Paint::Family(map.look.family))];
        for (timeline, from, paint) in parts {
            let ends = (from, if from > 0.0 { whole } else { self.warmup_ns as f64 });
            for (shade, found) in (1..).zip(cells(timeline, times)) {
                let placed = found.iter().map(|cell| {
                    let begin = (from + cell.begin).min(ends.1);
                    let end = (from + cell.end).min(ends.1);
                    let step = height / STEPS as f64;
                    let head = top + height - step * (cell.step + 1) as f64;
                    ((x(begin), head), (x(end), head + step))
                });
                let placed: Vec<Box2> = placed.filter(|((from, _), (to, _))| to > from).collect();
                if !placed.is_empty() {
                    bands(area, &placed, Ink { paint, variant: shade });
                }
            }
            let middles: Vec<(f64, f64)> =
                middles(timeline).into_iter().map(|(at, median)| (x((from + at).min(ends.1)), y(median))).collect();
            if middles.len() > 1 {
                path(area, &middles, Ink::TEXT, 1);
            }
        }
        if self.warmup_ns > 0 {
            let edge = x(self.warmup_ns as f64);
            line(area, (edge, top), (edge, top + height), Ink { paint: Paint::Text, variant: 2 }, 1);
        }
        line(area, (left, top + height), (right, top + height), Ink::MUTED, 1);
    }

    /// Makes each column of the window answer with its requests.
    fn answer_columns(&self, area: &Area, map: &HeatMap, place: &HeatLayout, whole: f64) {
        let &HeatLayout { left, right, top, height } = place;
        let width = map.window.width_ns() as f64;
        let x = |nanos: f64| left + (right - left) * ((nanos + self.warmup_ns as f64) / whole).clamp(0.0, 1.0);
        for (k, column) in map.window.columns().iter().enumerate() {
            let (Some(median), Some((_, longest, _))) = (column.median(), column.bins().last()) else { continue };
            let from = width * k as f64;
            let says = format!(
                "{}, due {} to {}: {}, median {}, longest up to {}",
                map.label,
                wording::time(from),
                wording::time(from + width),
                units::counted(column.len(), "request", "requests"),
                wording::time(median),
                wording::time(longest)
            );
            answer(area, ((x(from), top), (x(from + width), top + height)), &map.label, &says);
        }
    }

    /// Returns the shortest and the longest time.
    fn ends(&self) -> (f64, f64) {
        let columns = || self.rows.iter().flat_map(|map| [map.warmup, map.window]).flat_map(Timeline::columns);
        let low = columns().filter_map(|column| column.bins().next()).map(|(begin, ..)| begin.max(500.0));
        let high = columns().filter_map(|column| column.bins().last()).map(|(_, end, _)| end);
        let (low, high) = (low.fold(f64::INFINITY, f64::min), high.fold(0.0, f64::max));
        if low < high { (low, high) } else { (1e3, 1e6) }
    }
}

/// A rectangle of the map: its beginning and end in time, and its step of response time.
struct HeatCell {
    begin: f64,
    end: f64,
    step: usize,
}

/// Returns the non-empty rectangles, grouped by shade: their count relative to the fullest one, on a log scale.
fn cells(timeline: &Timeline, times: Scale) -> Vec<Vec<HeatCell>> {
    let width = timeline.width_ns() as f64;
    let mut counts: Vec<[f64; STEPS]> = vec![[0.0; STEPS]; timeline.columns().len()];
    for (column, counts) in timeline.columns().iter().zip(&mut counts) {
        for (begin, end, count) in column.bins() {
            let middle = (begin.max(1.0) * end).sqrt();
            counts[((times.place(middle) * STEPS as f64) as usize).min(STEPS - 1)] += f64::from(count);
        }
    }
    let most = counts.iter().flatten().copied().fold(1.0, f64::max);
    let mut all: Vec<Vec<HeatCell>> = (0..SHADES).map(|_| Vec::new()).collect();
    for (k, counts) in counts.iter().enumerate() {
        for (step, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0.0) {
            // On a log scale, a single request is visible even beside thousands.
            let share = (1.0 + count).ln() / (1.0 + most).ln();
            let shade = &mut all[((share * f64::from(SHADES)).ceil() as usize).clamp(1, SHADES.into()) - 1];
            let (begin, end) = (width * k as f64, width * (k + 1) as f64);
            match shade.iter_mut().rev().find(|before| before.step == step) {
                Some(before) if before.end == begin => before.end = end,
                _ => shade.push(HeatCell { begin, end, step }),
            }
        }
    }
    all
}

/// Returns the median of each column with enough requests, at the middle of the column.
fn middles(timeline: &Timeline) -> Vec<(f64, f64)> {
    /// The fewest requests in a column for a stable median.
    const FEWEST: u64 = 10;
    let width = timeline.width_ns() as f64;
    let columns = timeline.columns().iter().enumerate().filter(|(_, column)| column.len() >= FEWEST);
    columns.filter_map(|(k, column)| Some((width * (k as f64 + 0.5), column.median()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_cell_is_darkest_and_a_single_sample_is_visible() {
        let mut timeline = Timeline::default();
        (0..1_000).for_each(|_| timeline.record(0, 100_000));
        timeline.record(0, 10_000_000);
        let shades = cells(&timeline, Scale::Log(1e4, 1e8));
        let counts: Vec<usize> = shades.iter().map(Vec::len).collect();
        assert_eq!(counts, [1, 0, 0, 1]);
        assert_eq!((shades[3][0].step, shades[0][0].step), (8, 24), "a quarter and three quarters of the way");
        assert_eq!(middles(&timeline).len(), 1);
    }
}
