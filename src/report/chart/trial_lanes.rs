//! Draws the lanes of one trial small enough for a cell of a table: a row for each OS thread, time to the right.

use plotters::style::text_anchor::HPos;

use super::axis::{self, Scale};
use super::{Area, Box2, Caption, Face, Ink, Look, Paint, Size, answer, bands, boxes, line, path, svg, text};
use crate::lanes::{Span, What};
use crate::scenario::Model;
use crate::units;

/// The lanes of one trial.
pub(in crate::report) struct TrialLanes<'a> {
    /// The spans of each thread, in the order in which the threads began.
    pub(in crate::report) rows: Vec<Vec<&'a Span>>,
    /// The end of the axis, in nanoseconds.
    pub(in crate::report) until: u64,
    /// The wall time to mark, in nanoseconds; beyond the axis, an arrow shows that the trial goes on.
    pub(in crate::report) wall_ns: f64,
    /// The share of the time in which threads executed jobs for which they had a CPU, 0 to 1.
    pub(in crate::report) on_cpu: f64,
    /// What happens at a moment, in nanoseconds.
    pub(in crate::report) notes: Vec<(f64, String)>,
    pub(in crate::report) model: Model,
}

/// The positions in pixels: the axis, and the ends of the rows.
const LEFT: f64 = 1.0;
const RIGHT: f64 = 214.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 66.0;

/// The height of a row with room.
const ROW: f64 = 13.0;

/// The most rows that are drawn one by one; more are sampled, one for each pixel.
const MOST_ROWS: usize = 20;

/// From this share on, a thread had a CPU all the time, as far as the eye can see.
const ALWAYS: f64 = 0.9;

impl TrialLanes<'_> {
    /// Draws the cell.
    pub(in crate::report) fn draw(&self, caption: &Caption) -> String {
        let scale = Scale::Linear(0.0, self.until.max(1) as f64);
        let x = |ns: f64| LEFT + scale.place(ns) * (RIGHT - LEFT);
        svg(Size::Cell, 84, caption, |area| {
            for tick in scale.ticks(4) {
                line(area, (x(tick), TOP), (x(tick), BOTTOM + 3.0), Ink::GRID, 1);
                let label = axis::time_label(tick);
                let side = match x(tick) {
                    at if at < 12.0 => HPos::Left,
                    at if at > RIGHT - 24.0 => HPos::Right,
                    _ => HPos::Center,
                };
                text(area, &label, (x(tick), BOTTOM + 11.0), side, Face::Small);
            }
            self.draw_rows(area, &x);
            line(area, (LEFT, BOTTOM), (RIGHT, BOTTOM), Ink::MUTED, 1);
            if self.wall_ns <= self.until as f64 {
                let end = x(self.wall_ns);
                line(area, (end, TOP), (end, BOTTOM), Ink { paint: Paint::Text, variant: 2 }, 1);
            } else {
                // An arrow: the trial goes on.
                let middle = f64::midpoint(TOP, BOTTOM);
                let corners = [(RIGHT - 8.0, middle - 7.0), (RIGHT - 1.0, middle), (RIGHT - 8.0, middle + 7.0)];
                path(area, &corners, Ink::GROUND, 5);
                path(area, &corners, Ink::TEXT, 2);
            }
            let look = Look { family: self.model.family(), variant: 0 };
            text(area, &self.model.to_string(), (RIGHT, TOP - 6.0), HPos::Right, Face::Named(look));
            for (at, note) in &self.notes {
                let at = x(*at);
                let (side, beside) =
                    if at > f64::midpoint(LEFT, RIGHT) { (HPos::Right, -3.0) } else { (HPos::Left, 3.0) };
                text(area, note, (at + beside, TOP + 4.0), side, Face::Small);
            }
        })
    }

    /// Returns the top and the height of each row that is drawn, and its number.
    fn places(&self) -> Vec<(f64, f64, usize)> {
        let (n, room) = (self.rows.len(), BOTTOM - TOP - 2.0);
        if n <= MOST_ROWS {
            let row = (room / n.max(1) as f64).min(ROW);
            let top = f64::midpoint(TOP, BOTTOM) - row * n as f64 / 2.0;
            return (0..n).map(|k| (top + row * k as f64, (row - 1.0).max(1.0), k)).collect();
        }
        let pixels = (room as usize).min(n);
        let height = room / pixels as f64;
        (0..pixels).map(|k| (TOP + 1.0 + height * k as f64, height, k * n / pixels)).collect()
    }

    fn draw_rows(&self, area: &Area, x: &dyn Fn(f64) -> f64) {
        let (mut free, mut held, mut busy, mut ready) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut borders: Vec<(f64, f64, f64)> = Vec::new();
        let at = |ns: u64| x(ns.min(self.until) as f64);
        for (top, height, k) in self.places() {
            let spans = &self.rows[k];
            let ends = spans.iter().fold((u64::MAX, 0), |(from, to), span| (span.start.min(from), span.end.max(to)));
            free.push(((at(ends.0), top), (at(ends.1), top + height)));
            for span in spans.iter().filter(|span| span.what == What::Run) {
                for (from, to) in executing(span, spans) {
                    let (from, to) = (at(from), at(to).max(at(from) + 1.0).min(RIGHT));
                    let solid = if self.on_cpu >= ALWAYS { 1.0 } else { self.on_cpu };
                    busy.push(((from, top + height * (1.0 - solid)), (to, top + height)));
                    if solid < 1.0 && height >= 4.0 {
                        ready.push(((from, top), (to, top + height)));
                    }
                }
                if at(span.end) - at(span.start) >= 4.0 && height >= 4.0 {
                    borders.push((at(span.end), top, top + height));
                }
            }
            let is_held = |span: &&&Span| matches!(span.what, What::Block | What::Wait);
            for span in spans.iter().filter(is_held) {
                held.push(((at(span.start), top), (at(span.end), top + height)));
            }
        }
        let ink = |paint| Ink { paint, variant: 0 };
        boxes(area, &free, ink(Paint::Free));
        let held: Vec<Box2> = held.into_iter().filter(|((from, _), (to, _))| to > from).collect();
        if !held.is_empty() {
            bands(area, &held, ink(Paint::Hatch));
        }
        boxes(area, &ready, Ink::GROUND);
        boxes(area, &busy, ink(Paint::Busy));
        for ((x0, y0), (x1, y1)) in ready {
            path(area, &[(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], ink(Paint::Busy), 1);
        }
        for (at, top, foot) in borders {
            line(area, (at, top), (at, foot), Ink::GROUND, 1);
        }
        self.answer_rows(area, &at);
    }

    /// Makes each row that a pointer can hit answer with its thread and its longest span.
    fn answer_rows(&self, area: &Area, at: &dyn Fn(u64) -> f64) {
        for (top, height, k) in self.places().into_iter().filter(|(_, height, _)| *height >= 4.0) {
            for span in self.rows[k].iter().filter(|span| span.what == What::Run) {
                let (from, to) = (at(span.start), at(span.end));
                if to - from >= 2.0 {
                    let length = units::duration(span.end - span.start);
                    let start = units::duration(span.start);
                    let says = format!("job {} under {}: {length}, from {start}", span.job, self.model);
                    answer(area, ((from, top), (to, top + height)), &self.model.to_string(), &says);
                }
            }
        }
    }
}

/// Returns the parts of a run in which it neither waited nor was blocked.
fn executing(run: &Span, spans: &[&Span]) -> Vec<(u64, u64)> {
    let mut held: Vec<(u64, u64)> = spans
        .iter()
        .filter(|span| matches!(span.what, What::Block | What::Wait) && span.start < run.end && span.end > run.start)
        .map(|span| (span.start, span.end))
        .collect();
    held.sort_unstable();
    let mut from = run.start;
    let mut parts = Vec::new();
    for (start, end) in held {
        if start > from {
            parts.push((from, start));
        }
        from = from.max(end);
    }
    if from < run.end {
        parts.push((from, run.end));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_executes_except_where_it_waits() {
        let span = |what, start, end| Span { lane: 0, job: 0, what, start, end };
        let spans = [span(What::Run, 0, 100), span(What::Wait, 10, 40), span(What::Block, 60, 100)];
        let spans: Vec<&Span> = spans.iter().collect();
        assert_eq!(executing(spans[0], &spans), [(0, 10), (40, 60)]);
        assert_eq!(executing(&span(What::Run, 100, 101), &spans), [(100, 101)]);
    }

    #[test]
    fn a_thousand_threads_are_sampled_in_order() {
        let lanes = |n| TrialLanes {
            rows: vec![Vec::new(); n],
            until: 1,
            wall_ns: 1.0,
            on_cpu: 1.0,
            notes: Vec::new(),
            model: Model::Threads,
        };
        let places = lanes(1_000).places();
        assert!(places.len() <= 62 && places.is_sorted_by(|a, b| a.0 < b.0 && a.2 < b.2), "{places:?}");
        assert_eq!(lanes(2).places().iter().map(|(.., k)| *k).collect::<Vec<_>>(), [0, 1]);
    }
}
