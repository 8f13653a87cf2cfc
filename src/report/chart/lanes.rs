//! Draws who did what and when: one row per thread or job, one panel per model, all on one time axis.
//!
//! A row is drawn column by column, one pixel each, so that the SVG is never larger than its pixels. A column shows
//! what took most of its time, and a job that was worked on for less than half of it as a lower mark.

use std::collections::BTreeMap;

use plotters::style::text_anchor::HPos;

use super::axis::{self, Scale};
use super::{
    Area, Box2, Caption, Face, Ink, Paint, Size, bands, boxes, line, of_model, path, raw, strong_width, svg, text,
    text_width,
};
use crate::lanes::{Span, What};

/// The panels of all models.
pub(in crate::report) struct Rows<'a> {
    pub(in crate::report) panels: Vec<LanesPanel<'a>>,
    /// The end of the axis, in nanoseconds.
    pub(in crate::report) until: u64,
    /// The job that beats, if there is a heartbeat; its beats are marked below the rows.
    pub(in crate::report) heartbeat: Option<u32>,
}

/// The rows of one model.
pub(in crate::report) struct LanesPanel<'a> {
    pub(in crate::report) title: String,
    /// The note beside the title.
    pub(in crate::report) about: String,
    pub(in crate::report) rows: Vec<(String, Vec<&'a Span>)>,
    /// A note on the rows that are left out.
    pub(in crate::report) more: String,
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
    pub(in crate::report) fn draw(&self, size: Size, caption: &Caption) -> String {
        let (left, right) = match size {
            Size::Wide => (142.0, 790.0),
            _ => (84.0, 336.0),
        };
        let height = self.panels.iter().map(|panel| panel.height(size)).sum::<f64>();
        let scale = Scale::Linear(0.0, self.until.max(1) as f64);
        let x = |nanos: f64| left + scale.place(nanos) * (right - left);
        let drawn = svg(size, (height + 28.0) as i32, caption, |area| {
            let ticks = scale.ticks(if size == Size::Wide { 8 } else { 4 });
            let mut top = 0.0;
            for panel in &self.panels {
                let (upper, lower) = (top + title(size), top + panel.height(size) - 8.0);
                text(area, &panel.title, (1.0, top + 11.0), HPos::Left, Face::Strong);
                let about = match size {
                    Size::Wide => (left.max(14.0 + strong_width(&panel.title)), top + 11.0),
                    _ => (1.0, top + 27.0),
                };
                text(area, &panel.about, about, HPos::Left, Face::Small);
                self.name_rows(area, panel, upper, (left, right));
                if !panel.more.is_empty() {
                    text(area, &panel.more, (left, lower - 7.0), HPos::Left, Face::Small);
                }
                top += panel.height(size);
            }
            // What the page's script draws anew when it zooms.
            raw(area, "<g class=\"still\">\n".into());
            let mut top = 0.0;
            for panel in &self.panels {
                let (upper, lower) = (top + title(size), top + panel.height(size) - 8.0);
                ticks.iter().for_each(|tick| line(area, (x(*tick), upper), (x(*tick), lower), Ink::GRID, 1));
                of_model(area, &panel.title, |area| self.draw_rows(area, panel, upper, (left, right)));
                top += panel.height(size);
            }
            let mut free_from = 0.0;
            for tick in ticks {
                let label = axis::time_label(tick);
                let half = text_width(&label) / 2.0;
                let at = x(tick).min(f64::from(size.width()) - half);
                if at - half >= free_from {
                    text(area, &label, (at, height + 10.0), HPos::Center, Face::Small);
                    free_from = at + half + 4.0;
                }
            }
            raw(area, "</g>\n".into());
        });
        if size == Size::Wide {
            drawn.replacen("<svg ", &format!("<svg data-lanes=\"{}\" ", self.spans(size, (left, right), height)), 1)
        } else {
            drawn
        }
    }

    /// Returns the data from which the page's script draws a part of the lanes: the ends of the axis and its foot, then
    /// each panel with its top, the height of its rows, its model and its rows. A span is its job, the kind of work, its start after that of the span
    /// before it, and its length, in units of 100 ns: `17r25+310`.
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

    /// Writes the names of a panel's rows, and draws the line below each.
    fn name_rows(&self, area: &Area, panel: &LanesPanel, upper: f64, (left, right): (f64, f64)) {
        let row = panel.row();
        for (i, (label, _)) in panel.rows.iter().enumerate() {
            let top = upper + row * i as f64;
            let (head, foot) = (top + 1.0, top + row - 2.0);
            if row > 12.0 || i == 0 || i + 1 == panel.rows.len() {
                text(area, label, (left - 8.0, f64::midpoint(head, foot)), HPos::Right, Face::Small);
            }
            line(area, (left, foot + 1.0), (right, foot + 1.0), Ink::GRID, 1);
        }
    }

    fn draw_rows(&self, area: &Area, panel: &LanesPanel, upper: f64, (left, right): (f64, f64)) {
        let row = panel.row();
        let columns = (right - left) as usize;
        let mut all: BTreeMap<Shown, Vec<Box2>> = BTreeMap::new();
        let mut ready: BTreeMap<u8, Vec<Box2>> = BTreeMap::new();
        for (i, (_, spans)) in panel.rows.iter().enumerate() {
            let top = upper + row * i as f64;
            let (head, foot) = (top + 1.0, top + row - 2.0);
            for (shown, from, to) in stretches(&column_states(spans, self.until, columns)) {
                let (x0, x1) = (left + from as f64, left + to as f64);
                let low = if matches!(shown, Shown::Touched(_)) { f64::midpoint(head, foot) } else { head };
                all.entry(shown).or_default().push(((x0, low), (x1, foot)));
            }
            for (job, from, to) in ready_stretches(spans) {
                let place =
                    |nanos: u64| left + (right - left) * nanos.min(self.until) as f64 / self.until.max(1) as f64;
                if place(to) - place(from) >= 1.0 {
                    ready.entry(job).or_default().push(((place(from), head), (place(to), foot)));
                }
            }
            for at in self.beats(spans) {
                let at = left + (right - left) * at as f64 / self.until.max(1) as f64;
                line(area, (at, head - 1.0), (at, foot + 2.0), Ink::TEXT, 2);
            }
        }
        for (shown, found) in all {
            let job = |paint: fn(u8) -> Paint, colour| Ink { paint: paint(colour), variant: 0 };
            match shown {
                Shown::Nothing => {}
                Shown::Executed(colour) | Shown::Touched(colour) => boxes(area, &found, job(Paint::Job, colour)),
                Shown::Held(colour) => {
                    boxes(area, &found, job(Paint::JobTint, colour));
                    bands(area, &found, Ink { paint: Paint::Hatch, variant: 0 });
                }
            }
        }
        for (colour, found) in ready {
            for ((x0, y0), (x1, y1)) in found {
                let corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)];
                path(area, &corners, Ink { paint: Paint::Job(colour), variant: 0 }, 1);
            }
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
    let mut all: Vec<(Shown, usize, usize)> = Vec::new();
    for (k, shown) in columns.iter().enumerate().filter(|(_, shown)| **shown != Shown::Nothing) {
        match all.last_mut() {
            Some((last, _, end)) if last == shown && *end == k => *end = k + 1,
            _ => all.push((*shown, k, k + 1)),
        }
    }
    all
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
