//! Draws the lanes of one trial small enough for a cell of a table: a row for each OS thread, time to the right.

use plotters::style::text_anchor::HPos;

use super::elements::{Face, answer, bands, boxes, label, line, outline, stroke, text};
use super::mesh::{Mesh, draw_mesh};
use super::scale::Scale;
use super::{Box2, Caption, Ink, Look, Paint, Plane, Size, labels, plane, svg};
use crate::lanes::{Span, What};
use crate::scenario::Model;
use crate::units;

/// The lanes of one trial.
pub(in crate::floors::report) struct TrialLanes<'a> {
    /// The spans of each thread, in the order in which the threads began.
    pub(in crate::floors::report) rows: Vec<Vec<&'a Span>>,
    /// The end of the axis, in nanoseconds.
    pub(in crate::floors::report) until: u64,
    /// The wall time to mark, in nanoseconds; beyond the axis, an arrow shows that the trial goes on.
    pub(in crate::floors::report) wall_ns: f64,
    /// The share of the time in which threads executed jobs for which they had a CPU, 0 to 1.
    pub(in crate::floors::report) on_cpu: f64,
    /// What happens at a moment, in nanoseconds.
    pub(in crate::floors::report) notes: Vec<(f64, String)>,
    pub(in crate::floors::report) model: Model,
}

/// The ends of the axis and of the rows, in pixels.
const LEFT: f64 = 1.0;
const RIGHT: f64 = 214.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 64.0;

/// The height of a row with room, in pixels.
const ROW: f64 = 13.0;

/// The most rows that are drawn one by one; more are sampled, one for each pixel.
const MOST_ROWS: usize = 20;

/// From this share on, a thread had a CPU all the time, as far as the eye can see.
const ALWAYS: f64 = 0.9;

impl TrialLanes<'_> {
    /// Draws the cell.
    pub(in crate::floors::report) fn draw(&self, caption: &Caption) -> String {
        let until = self.until.max(1) as f64;
        let shown = self.shown_rows();
        // There is room for this many rows; those shown lie in the middle.
        let n = shown.len() as f64;
        let span = n.max((BOTTOM - TOP) / ROW);
        let (above, below) = ((n - span) / 2.0, (n + span) / 2.0);
        let x = Scale::linear(0.0, until).with_ticks(4, labels::time);
        svg(Size::Cell, 84, caption, |area| {
            let mut chart = plane(area, ((LEFT, TOP), (RIGHT, BOTTOM)), &x, &Scale::linear(below, above));
            draw_mesh(area, &mut chart, Mesh::GridAndLabels, Some(Ink::MUTED));
            self.draw_rows(&mut chart, &shown, (BOTTOM - TOP) / span);
            if self.wall_ns <= until {
                line(&mut chart, (self.wall_ns, above), (self.wall_ns, below), Ink::DOTTED, 1);
            } else {
                // An arrow: the trial goes on.
                let arrow = [(-8.0, -7.0), (-1.0, 0.0), (-8.0, 7.0)];
                stroke(&mut chart, (until, n / 2.0), &arrow, Ink::GROUND, 5);
                stroke(&mut chart, (until, n / 2.0), &arrow, Ink::TEXT, 2);
            }
            let look = Look { family: self.model.family(), variant: 0 };
            text(area, &self.model.to_string(), (RIGHT, TOP - 6.0), HPos::Right, Face::Named(look));
            for (at, note) in &self.notes {
                let (side, beside) = if *at > until / 2.0 { (HPos::Right, -3.0) } else { (HPos::Left, 3.0) };
                label(&mut chart, note, (*at, above), (beside, 4.0), side, Face::Small);
            }
        })
    }

    /// Returns the numbers of the rows that are drawn.
    fn shown_rows(&self) -> Vec<usize> {
        let n = self.rows.len();
        let pixels = if n <= MOST_ROWS { n } else { n.min((BOTTOM - TOP) as usize) };
        (0..pixels).map(|k| k * n / pixels).collect()
    }

    /// Draws these rows, which are this high in pixels.
    fn draw_rows(&self, chart: &mut Plane, shown: &[usize], row_height: f64) {
        let (mut free, mut held, mut busy, mut ready) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut large: Vec<(Box2, &Span)> = Vec::new();
        let pixel = self.until.max(1) as f64 / (RIGHT - LEFT);
        // A row that is high enough ends a pixel before the next one.
        let height = if shown.len() <= MOST_ROWS { 1.0 - 1.0 / row_height } else { 1.0 };
        let is_high = row_height >= 5.0;
        for (place, k) in shown.iter().enumerate() {
            let (top, foot) = (place as f64, place as f64 + height);
            let spans = &self.rows[*k];
            let ends = spans.iter().fold((u64::MAX, 0), |(from, to), span| (span.start.min(from), span.end.max(to)));
            free.push(((ends.0 as f64, top), (ends.1 as f64, foot)));
            for span in spans.iter().filter(|span| span.what == What::Run) {
                for (from, to) in executing(span, spans) {
                    let (from, to) = (from as f64, (to as f64).max(from as f64 + pixel));
                    let solid = if self.on_cpu >= ALWAYS { 1.0 } else { self.on_cpu };
                    busy.push(((from, foot - height * solid), (to, foot)));
                    if solid < 1.0 && is_high {
                        ready.push(((from, top), (to, foot)));
                    }
                }
                let (start, end) = (span.start as f64, span.end.min(self.until) as f64);
                if end - start >= 2.0 * pixel && is_high {
                    large.push((((start, top), (end, foot)), span));
                }
            }
            let is_held = |span: &&&Span| matches!(span.what, What::Block | What::Wait);
            for span in spans.iter().filter(is_held).filter(|span| span.start < span.end.min(self.until)) {
                held.push(((span.start as f64, top), (span.end as f64, foot)));
            }
        }
        let ink = |paint| Ink { paint, variant: 0 };
        boxes(chart, &free, ink(Paint::Free));
        bands(chart, &held, ink(Paint::Hatch));
        boxes(chart, &ready, Ink::GROUND);
        boxes(chart, &busy, ink(Paint::Busy));
        for place in ready {
            outline(chart, place, ink(Paint::Busy));
        }
        for ((from, to), _) in large.iter().filter(|((from, to), _)| to.0 - from.0 >= 4.0 * pixel) {
            line(chart, (to.0, from.1), *to, Ink::GROUND, 1);
        }
        // What a pointer can hit answers.
        for (place, span) in large {
            let (length, start) = (units::duration(span.end - span.start), units::duration(span.start));
            let says = format!("job {} under {}: {length}, from {start}", span.job, self.model);
            answer(chart, place, &self.model.to_string(), &says);
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
        let rows = lanes(1_000).shown_rows();
        assert!(rows.len() <= 62 && rows.is_sorted_by(|a, b| a < b), "{rows:?}");
        assert_eq!(lanes(2).shown_rows(), [0, 1]);
    }
}
