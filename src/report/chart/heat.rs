//! Draws response times over time, one map per model on the same axes: when requests were due, how long they took, and
//! how many took that long. It shows what a percentile hides: stalls, growing queues, a warm-up that was too short.

use plotters::style::text_anchor::HPos;

use super::elements::{Face, answer, bands, line, of_model, path, text};
use super::mesh::{Mesh, draw_mesh};
use super::scale::{Scale, part};
use super::{Box2, Caption, Ink, Look, Paint, Plane, Size, labels, plane, rows, svg};
use crate::report::wording;
use crate::timeline::Timeline;
use crate::units;

/// The maps of a point.
pub(in crate::floors::report) struct Heat<'a> {
    pub(in crate::floors::report) rows: Vec<HeatMap<'a>>,
    /// The length of the warm-up, in nanoseconds; the window follows it.
    pub(in crate::floors::report) warmup_ns: u64,
    pub(in crate::floors::report) window_ns: u64,
}

/// The response times of one model over the window, as shades of a grid.
pub(in crate::floors::report) struct HeatMap<'a> {
    pub(in crate::floors::report) label: String,
    pub(in crate::floors::report) look: Look,
    /// The response times of the warm-up, from its beginning.
    pub(in crate::floors::report) warmup: &'a Timeline,
    pub(in crate::floors::report) window: &'a Timeline,
}

/// The number of steps on the vertical axis.
const STEPS: usize = 32;

/// The number of shades, from few to many requests; the page defines how dark they are.
const SHADES: u8 = 4;

impl Heat<'_> {
    /// Draws the chart in one size.
    pub(in crate::floors::report) fn draw(&self, size: Size, caption: &Caption) -> String {
        const HEAD: f64 = 24.0;
        const ROW: f64 = 126.0;
        let (left, right, ticks) = match size {
            Size::Wide => (64.0, 790.0, 6),
            _ => (56.0, 334.0, 3),
        };
        let bottom = ROW * self.rows.len() as f64;
        let (low, high) = self.ends();
        let times = Scale::log_around(low, high, 1.05).with_ticks(4, labels::time);
        let (warmup, window) = (self.warmup_ns as f64, self.window_ns.max(1) as f64);
        // Times count from the beginning of the window; the warm-up lies before it.
        let ticks = Scale::linear(0.0, window).round_values(ticks);
        let ticks = ticks.into_iter().map(|at| (warmup + at, labels::time(at))).collect();
        let clock = Scale::linear(0.0, warmup + window);
        svg(size, (bottom + 40.0) as i32, caption, |area| {
            for (map, row) in self.rows.iter().zip(rows(area, 0.0, ROW, self.rows.len())) {
                let mut chart = plane(&row, ((left, HEAD), (right, ROW - 6.0)), &clock, &times);
                of_model(&mut chart, &map.label, |chart| {
                    text(&row, &map.label, (1.0, HEAD - 11.0), HPos::Left, Face::Strong);
                    draw_mesh(&row, chart, Mesh::GridAndLabels, None);
                    self.draw_map(chart, map, &times);
                });
                if size == Size::Wide {
                    self.answer_columns(&chart, map);
                }
            }
            let all = ((left, 0.0), (right, bottom - 6.0));
            let mut all = plane(area, all, &clock.with_ticks_at(ticks), &Scale::linear(0.0, 1.0));
            draw_mesh(area, &mut all, Mesh::Labels, None);
            text(area, "time at which a request was due", (left, bottom + 26.0), HPos::Left, Face::Small);
        })
    }

    fn draw_map(&self, chart: &mut Plane, map: &HeatMap, times: &Scale) {
        let (warmup_ns, end) = (self.warmup_ns as f64, chart.x_range().end);
        let steps = times.log_parts(STEPS);
        // Warm-up and window get columns of the same width.
        let warmup = map.warmup.widened(map.window.width_ns());
        let parts =
            [(&warmup, 0.0, warmup_ns, Paint::Muted), (map.window, warmup_ns, end, Paint::Family(map.look.family))];
        for (timeline, from, to, paint) in parts {
            for (shade, cells) in (1..).zip(cells(timeline, &steps)) {
                let cells = cells.into_iter().map(|HeatCell { begin, end, step }| {
                    (((from + begin).min(to), steps[step + 1]), ((from + end).min(to), steps[step]))
                });
                let cells: Vec<Box2> = cells.filter(|((begin, _), (end, _))| end > begin).collect();
                bands(chart, &cells, Ink { paint, variant: shade });
            }
            let middles = middles(timeline).into_iter().map(|(at, median)| ((from + at).min(to), median));
            path(chart, middles.collect(), Ink::TEXT, 1);
        }
        let heights = chart.y_range();
        if self.warmup_ns > 0 {
            line(chart, (warmup_ns, heights.end), (warmup_ns, heights.start), Ink::DOTTED, 1);
        }
        line(chart, (0.0, heights.start), (end, heights.start), Ink::MUTED, 1);
    }

    /// Makes each column of the window answer with its requests.
    fn answer_columns(&self, chart: &Plane, map: &HeatMap) {
        let (width, warmup, heights) = (map.window.width_ns() as f64, self.warmup_ns as f64, chart.y_range());
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
            let corners = ((warmup + from, heights.end), (warmup + from + width, heights.start));
            answer(chart, corners, &map.label, &says);
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
fn cells(timeline: &Timeline, steps: &[f64]) -> Vec<Vec<HeatCell>> {
    let width = timeline.width_ns() as f64;
    let mut counts: Vec<[f64; STEPS]> = vec![[0.0; STEPS]; timeline.columns().len()];
    for (column, counts) in timeline.columns().iter().zip(&mut counts) {
        for (begin, end, count) in column.bins() {
            counts[part(steps, (begin.max(1.0) * end).sqrt())] += f64::from(count);
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
        let shades = cells(&timeline, &Scale::log(1e4, 1e8).log_parts(STEPS));
        let counts: Vec<usize> = shades.iter().map(Vec::len).collect();
        assert_eq!(counts, [1, 0, 0, 1]);
        assert_eq!((shades[3][0].step, shades[0][0].step), (8, 24), "a quarter and three quarters of the way");
        assert_eq!(middles(&timeline).len(), 1);
    }
}
