//! Draws who did what and when: one row per thread or job, one panel per model, all on one time axis.
//!
//! A row is drawn column by column, one pixel each, so that the SVG is never larger than its pixels. A column shows
//! what took most of its time, and a job that was worked on for less than half of it as a lower mark.

use std::collections::BTreeMap;

use plotters::style::text_anchor::HPos;

use super::elements::{Face, bands, boxes, label, line, of_model, outline, raw, text, text_width};
use super::mesh::{Mesh, draw_mesh};
use super::scale::Scale;
use super::{Area, Box2, Caption, Ink, Paint, Plane, Size, fine, labels, plane, svg, with_data};
use crate::lanes::{Span, What};

/// The panels of all models.
pub(in crate::floors::report) struct Rows<'a> {
    pub(in crate::floors::report) panels: Vec<LanesPanel<'a>>,
    /// The end of the axis, in nanoseconds.
    pub(in crate::floors::report) until: u64,
    /// The job that beats, if there is a heartbeat; its beats are marked below the rows.
    pub(in crate::floors::report) heartbeat: Option<u32>,
}

/// The rows of one model.
pub(in crate::floors::report) struct LanesPanel<'a> {
    pub(in crate::floors::report) title: String,
    /// The note beside the title.
    pub(in crate::floors::report) about: String,
    pub(in crate::floors::report) rows: Vec<(String, Vec<&'a Span>)>,
    /// A note on the rows that are left out.
    pub(in crate::floors::report) more: String,
}

/// The state that a column shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shown {
    Nothing,
    /// A job was worked on for less than half of the time.
    Touched(u8),
    /// A job was worked on.
    Executed(u8),
    /// A job held its thread, waiting or blocked.
    Held(u8),
}

/// The number of colours for jobs; they repeat after that.
const COLOURS: u32 = 6;

/// Returns the height of a panel's title, including the note beside or below it.
fn title(size: Size) -> f64 {
    if size == Size::Wide { 22.0 } else { 38.0 }
}

impl Rows<'_> {
    /// Draws the chart in one size.
    pub(in crate::floors::report) fn draw(&self, size: Size, caption: &Caption) -> String {
        let (left, right) = match size {
            Size::Wide => (142.0, 790.0),
            _ => (84.0, 336.0),
        };
        let height = self.panels.iter().map(|panel| panel.height(size)).sum::<f64>();
        let ticks = if size == Size::Wide { 8 } else { 4 };
        let x = Scale::linear(0.0, self.until.max(1) as f64).with_ticks(ticks, labels::time);
        let drawn = svg(size, (height + 28.0) as i32, caption, |area| {
            let mut rest = area.clone();
            let mut charts = Vec::new();
            for panel in &self.panels {
                let (head, below) = rest.split_vertically(fine(panel.height(size)));
                let (top, bottom) = (title(size), panel.height(size) - 8.0);
                // The rows are numbered from the top; the chart ends below the note on further ones.
                let y = Scale::linear((bottom - top) / panel.row(), 0.0);
                let mut chart = plane(&head, ((left, top), (right, bottom)), &x, &y);
                panel.write_names(&head, &mut chart, size, left);
                charts.push(chart);
                rest = below;
            }
            // What the page's script draws anew when it zooms.
            raw(area, "<g class=\"still\">\n".into());
            for (panel, chart) in self.panels.iter().zip(&mut charts) {
                draw_mesh(area, chart, Mesh::Grid, None);
                of_model(chart, &panel.title, |chart| self.draw_rows(chart, panel, (right - left) as usize));
            }
            let mut all = plane(area, ((left, 0.0), (right, height - 4.0)), &x, &Scale::linear(0.0, 1.0));
            draw_mesh(area, &mut all, Mesh::Labels, None);
            raw(area, "</g>\n".into());
        });
        let spans = || self.spans(size, (left, right), height);
        if size == Size::Wide { with_data(&drawn, "lanes", &spans()) } else { drawn }
    }

    /// Returns the data from which the page's script draws a part of the lanes: the ends of the axis and its foot, then
    /// each panel with its top, the height of its rows, its model and its rows. A span is its job, the kind of work, its
    /// start after that of the span before it, and its length, in units of 100 ns: `17r25+310`.
    fn spans(&self, size: Size, (left, right): (f64, f64), height: f64) -> String {
        let mut data = format!("{left} {right} {} {}", self.until, height - 8.0);
        let mut top = 0.0;
        for panel in &self.panels {
            data += &format!("|{} {} {}", top + title(size), panel.row(), panel.title);
            for (_, spans) in &panel.rows {
                let mut spans: Vec<&&Span> = spans.iter().collect();
                spans.sort_by_key(|span| (span.start, span.end));
                let mut before = 0;
                let written = spans.into_iter().map(|span| {
                    let kind = match span.what {
                        What::Run => 'r',
                        What::Compute => 'c',
                        What::Block => 'b',
                        What::Wait => 'w',
                        What::Ready => 'y',
                    };
                    let start = span.start / 100;
                    let after = start - before;
                    before = start;
                    format!("{}{kind}{after}+{}", span.job, (span.end - span.start).div_ceil(100))
                });
                data.push(';');
                data += &written.collect::<Vec<_>>().join(" ");
            }
            top += panel.height(size);
        }
        data
    }

    /// Draws the rows of a panel, this many pixels wide.
    fn draw_rows(&self, chart: &mut Plane, panel: &LanesPanel, columns: usize) {
        let column = self.until.max(1) as f64 / columns as f64;
        let mut all: BTreeMap<Shown, Vec<Box2>> = BTreeMap::new();
        let mut ready: Vec<(u8, Box2)> = Vec::new();
        for (i, (_, spans)) in panel.rows.iter().enumerate() {
            let (head, foot) = panel.ends(i);
            for (shown, from, to) in stretches(&column_states(spans, self.until, columns)) {
                let top = if matches!(shown, Shown::Touched(_)) { f64::midpoint(head, foot) } else { head };
                let place = ((from as f64 * column, top), (to as f64 * column, foot));
                all.entry(shown).or_default().push(place);
            }
            for (job, from, to) in ready_stretches(spans) {
                let (from, to) = (from as f64, to.min(self.until) as f64);
                if to - from >= column {
                    ready.push((job, ((from, head), (to, foot))));
                }
            }
            for at in self.beats(spans) {
                line(chart, (at as f64, i as f64), (at as f64, i as f64 + 1.0), Ink::TEXT, 2);
            }
        }
        for (shown, found) in all {
            let job = |paint: fn(u8) -> Paint, colour| Ink { paint: paint(colour), variant: 0 };
            match shown {
                Shown::Nothing => {}
                Shown::Executed(colour) | Shown::Touched(colour) => boxes(chart, &found, job(Paint::Job, colour)),
                Shown::Held(colour) => {
                    boxes(chart, &found, job(Paint::JobTint, colour));
                    bands(chart, &found, Ink { paint: Paint::Hatch, variant: 0 });
                }
            }
        }
        for (colour, place) in ready {
            outline(chart, place, Ink { paint: Paint::Job(colour), variant: 0 });
        }
    }

    /// Returns the times of the heartbeats: a task beats when it is polled, a thread when its sleep ends.
    fn beats(&self, spans: &[&Span]) -> Vec<u64> {
        let Some(heart) = self.heartbeat else { return Vec::new() };
        let of_heart = || spans.iter().filter(|span| span.job == heart);
        let woken: Vec<u64> = of_heart().filter(|span| span.what == What::Wait).map(|span| span.end).collect();
        let polled = of_heart().filter(|span| span.what == What::Run).map(|span| span.start);
        let beats: Vec<u64> = if woken.is_empty() { polled.collect() } else { woken };
        beats.into_iter().filter(|at| *at < self.until).collect()
    }
}

impl LanesPanel<'_> {
    /// Returns the height of a row.
    fn row(&self) -> f64 {
        if self.rows.len() > 8 { 8.0 } else { 17.0 }
    }

    fn height(&self, size: Size) -> f64 {
        let more = if self.more.is_empty() { 0.0 } else { 16.0 };
        title(size) + self.row() * self.rows.len() as f64 + more + 14.0
    }

    /// Returns the upper and the lower end of what is drawn in a row.
    fn ends(&self, row: usize) -> (f64, f64) {
        (row as f64 + 1.0 / self.row(), (row + 1) as f64 - 2.0 / self.row())
    }

    /// Writes the title, the notes and the names of the rows, and draws the line below each.
    fn write_names(&self, area: &Area, chart: &mut Plane, size: Size, left: f64) {
        text(area, &self.title, (1.0, 11.0), HPos::Left, Face::Strong);
        let about = match size {
            Size::Wide => (left.max(14.0 + text_width(chart, &self.title, Face::Strong)), 11.0),
            _ => (1.0, 27.0),
        };
        text(area, &self.about, about, HPos::Left, Face::Small);
        for (i, (name, _)) in self.rows.iter().enumerate() {
            let (head, foot) = self.ends(i);
            if self.row() > 12.0 || i == 0 || i + 1 == self.rows.len() {
                label(chart, name, (0.0, f64::midpoint(head, foot)), (-8.0, 0.0), HPos::Right, Face::Small);
            }
            let below = foot + 1.0 / self.row();
            line(chart, (f64::NEG_INFINITY, below), (f64::INFINITY, below), Ink::GRID, 1);
        }
        if !self.more.is_empty() {
            label(chart, &self.more, (0.0, f64::INFINITY), (0.0, -7.0), HPos::Left, Face::Small);
        }
    }
}

fn colour(job: u32) -> u8 {
    (job % COLOURS) as u8
}

/// Returns the state that each column of a row shows.
fn column_states(spans: &[&Span], until: u64, columns: usize) -> Vec<Shown> {
    let mut executed = vec![0.0; columns];
    let mut held = vec![0.0; columns];
    // The longest part of a span in each column, and its job.
    let mut longest = vec![(0.0, 0_u32); columns];
    let width = until.max(1) as f64 / columns as f64;
    for span in spans {
        let (sign, is_held) = match span.what {
            What::Run => (1.0, false),
            What::Block | What::Wait => (-1.0, true),
            What::Compute | What::Ready => continue,
        };
        let (from, to) = (span.start as f64 / width, span.end as f64 / width);
        let last = (to.ceil() as usize).min(columns);
        for column in (from as usize).min(columns)..last {
            let part = (to.min(column as f64 + 1.0) - from.max(column as f64)).max(0.0);
            executed[column] += sign * part;
            if is_held {
                held[column] += part;
            }
            if part >= longest[column].0 {
                longest[column] = (part, span.job);
            }
        }
    }
    let column = |k: usize| {
        let colour = colour(longest[k].1);
        match (executed[k], held[k]) {
            (executed, held) if executed >= 0.5 && executed >= held => Shown::Executed(colour),
            (_, held) if held >= 0.5 => Shown::Held(colour),
            (executed, held) if executed > 1e-9 || held > 0.0 => Shown::Touched(colour),
            _ => Shown::Nothing,
        }
    };
    (0..columns).map(column).collect()
}

/// Merges neighbouring columns that show the same state; returns the range of each stretch, its end excluded.
fn stretches(columns: &[Shown]) -> Vec<(Shown, usize, usize)> {
    let mut next = 0;
    let all = columns.chunk_by(|a, b| a == b).map(|same| {
        let from = next;
        next += same.len();
        (same[0], from, next)
    });
    all.filter(|(shown, ..)| *shown != Shown::Nothing).collect()
}

/// Returns when some job was ready but not worked on. Overlapping stretches are merged, in the colour of the first.
fn ready_stretches(spans: &[&Span]) -> Vec<(u8, u64, u64)> {
    let mut ready: Vec<&&Span> = spans.iter().filter(|span| span.what == What::Ready).collect();
    ready.sort_unstable_by_key(|span| span.start);
    let mut all: Vec<(u8, u64, u64)> = Vec::new();
    for span in ready {
        match all.last_mut() {
            Some((_, _, end)) if span.start <= *end => *end = (*end).max(span.end),
            _ => all.push((colour(span.job), span.start, span.end)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(job: u32, what: What, start: u64, end: u64) -> Span {
        Span { lane: 0, job, what, start, end }
    }

    #[test]
    fn a_column_shows_the_state_that_took_most_of_it() {
        let spans = [
            span(1, What::Run, 0, 40),
            span(1, What::Wait, 10, 29),
            span(2, What::Run, 52, 53),
            span(3, What::Run, 60, 66),
        ];
        let columns = column_states(&spans.iter().collect::<Vec<_>>(), 80, 8);
        let expected = [
            Shown::Executed(1),
            Shown::Held(1),
            Shown::Held(1),
            Shown::Executed(1),
            Shown::Nothing,
            Shown::Touched(2),
            Shown::Executed(3),
            Shown::Nothing,
        ];
        assert_eq!(columns, expected);
        assert_eq!(
            stretches(&columns),
            [
                (Shown::Executed(1), 0, 1),
                (Shown::Held(1), 1, 3),
                (Shown::Executed(1), 3, 4),
                (Shown::Touched(2), 5, 6),
                (Shown::Executed(3), 6, 7)
            ]
        );
    }

    #[test]
    fn overlapping_ready_spans_become_one_box() {
        let spans = [span(1, What::Ready, 0, 10), span(2, What::Ready, 5, 30), span(3, What::Ready, 40, 50)];
        assert_eq!(ready_stretches(&spans.iter().collect::<Vec<_>>()), [(1, 0, 30), (3, 40, 50)]);
    }
}
