//! Implements a plotters backend that writes SVG for a page: classes in place of colours, real text, named groups.
//!
//! plotters counts whole pixels, so the canvas is [`FINE`] times as large as the view box. It draws with the colours of
//! the light [`theme`], and a colour of the theme becomes a class, so that the page can use another theme.

use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::Write as _;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
};

use super::theme::{self, Ink};
use crate::text::columns;

/// The number of canvas units in one unit of the view box.
pub(in crate::floors::report) const FINE: i32 = 10;

type DrawResult = Result<(), DrawingErrorKind<Infallible>>;

/// The backend of a picture, which appends to its text.
pub(in crate::floors::report) struct Svg<'text> {
    /// The width and height, in units of the view box.
    pub(in crate::floors::report) size: (i32, i32),
    pub(in crate::floors::report) text: &'text RefCell<String>,
}

impl Svg<'_> {
    /// Adds SVG as it is.
    pub(in crate::floors::report) fn raw(&self, text: &str) -> DrawResult {
        self.text.borrow_mut().push_str(text);
        Ok(())
    }

    fn path(&self, places: impl IntoIterator<Item = BackendCoord>, close: &str, paint: &str, more: &str) -> DrawResult {
        let mut d = String::new();
        // A step along one axis, which may go on.
        let (mut before, mut step) = (None, (0, 0));
        for (x, y) in places {
            let Some((from_x, from_y)) = before.replace((x, y)) else {
                d += &format!("M{}", pair(x, y));
                continue;
            };
            let next = (x - from_x, y - from_y);
            let goes_on = |a: i32, b: i32| a.signum() * b.signum() >= 0;
            let is_along = (step.1 == 0 && next.1 == 0 && goes_on(step.0, next.0))
                || (step.0 == 0 && next.0 == 0 && goes_on(step.1, next.1));
            if is_along {
                step = (step.0 + next.0, step.1 + next.1);
            } else {
                d += &relative(step);
                step = next;
            }
        }
        d += &relative(step);
        self.add_to_path(&format!("<path {paint}{more} d=\""), &(d + close));
        Ok(())
    }

    /// Adds to the last path if it looks the same and only text was drawn since, and else begins a new one.
    fn add_to_path(&self, head: &str, d: &str) {
        const END: &str = "\"/>\n";
        let mut text = self.text.borrow_mut();
        let mut end = text.len();
        while let Some(begin) = text[..end].strip_suffix('\n').map(|before| before.rfind('\n').map_or(0, |at| at + 1)) {
            let line = &text[begin..end];
            if line.starts_with(head) {
                return text.insert_str(end - END.len(), d);
            }
            if !line.starts_with("<text ") {
                break;
            }
            end = begin;
        }
        text.push_str(&[head, d, END].concat());
    }
}

impl DrawingBackend for Svg<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        ((self.size.0 * FINE) as u32, (self.size.1 * FINE) as u32)
    }

    fn ensure_prepared(&mut self) -> DrawResult {
        Ok(())
    }

    fn present(&mut self) -> DrawResult {
        Ok(())
    }

    fn draw_pixel(&mut self, at: BackendCoord, color: BackendColor) -> DrawResult {
        self.draw_rect(at, (at.0 + 1, at.1 + 1), &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> DrawResult {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> DrawResult {
        let corners = [from, (to.0, from.1), to, (from.0, to.1)];
        self.path(corners, "Z", &paint(if fill { "f" } else { "s" }, style.color()), "")
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> DrawResult {
        // The axes of a chart that shows none.
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        let width = style.stroke_width();
        let more = if width == 1 { String::new() } else { format!(" stroke-width=\"{width}\"") };
        self.path(path, "", &paint("s", style.color()), &more)
    }

    fn draw_circle<S: BackendStyle>(&mut self, center: BackendCoord, radius: u32, style: &S, fill: bool) -> DrawResult {
        let paint = paint(if fill { "f" } else { "s" }, style.color());
        let (x, y, r) = (coordinate(center.0), coordinate(center.1), coordinate(radius as i32));
        self.raw(&format!("<circle {paint} cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>\n"))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> DrawResult {
        self.path(corners, "Z", &paint("f", style.color()), "")
    }

    /// Writes text; a centred one that would run out of the picture is moved into it.
    fn draw_text<S: BackendTextStyle>(&mut self, words: &str, style: &S, at: BackendCoord) -> DrawResult {
        if words.is_empty() {
            return Ok(());
        }
        let half = self.estimate_text_size(words, style)?.0 as i32 / 2;
        let (x, anchor) = match style.anchor().h_pos {
            HPos::Left => (at.0, ""),
            HPos::Center => (at.0.min(self.size.0 * FINE - half).max(half), " text-anchor=\"middle\""),
            HPos::Right => (at.0, " text-anchor=\"end\""),
        };
        // Browsers and printers disagree on `dominant-baseline`, so the middle of small letters is computed here.
        let drop = match style.anchor().v_pos {
            VPos::Top => 0.75,
            VPos::Center => 0.35,
            VPos::Bottom => -0.2,
        };
        let size = style.size();
        let y = at.1 + (size * drop * f64::from(FINE)).round() as i32;
        let bold = if matches!(style.style(), FontStyle::Bold) { " b" } else { "" };
        let paint = paint(&format!("f{bold}"), style.color());
        let (x, y, words) = (coordinate(x), coordinate(y), escaped(words));
        self.raw(&format!("<text {paint} x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{anchor}>{words}</text>\n"))
    }

    /// Estimates the size of text, which the browser lays out; it errs on the wide side.
    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        words: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let column = if matches!(style.style(), FontStyle::Bold) { 0.68 } else { 0.6 };
        let size = style.size() * f64::from(FINE);
        Ok(((columns(words) as f64 * size * column) as u32, size as u32))
    }
}

/// Writes boxes of one height as horizontal lines of that width: half the bytes, and hatched if dashed. Each box is two
/// corners, the upper left and the lower right.
pub(in crate::floors::report) fn bands(corners: &[BackendCoord], ink: Ink) -> String {
    let mut d = String::new();
    for ((x, y), (right, bottom)) in pairs(corners) {
        let (x0, middle) = (coordinate(x), coordinate(i32::midpoint(y, bottom)));
        write!(d, "M{x0} {middle}h{}", coordinate(right - x)).expect("writing into a string");
    }
    let width = pairs(corners).next().map_or(0, |((_, top), (_, bottom))| bottom - top);
    let (class, width) = (ink.class(), coordinate(width));
    let shade = if ink.variant == 0 { String::new() } else { format!(" o{}", ink.variant) };
    format!("<path class=\"s {class}{shade}\" stroke-width=\"{width}\" d=\"{d}\"/>\n")
}

/// Writes filled boxes, two corners each.
pub(in crate::floors::report) fn boxes(corners: &[BackendCoord], ink: Ink) -> String {
    let mut d = String::new();
    for ((x, y), (right, bottom)) in pairs(corners) {
        let [x0, y0, width, height] = [x, y, right - x, bottom - y].map(coordinate);
        write!(d, "M{x0} {y0}h{width}v{height}h-{width}z").expect("writing into a string");
    }
    format!("<path class=\"f {}\" d=\"{d}\"/>\n", ink.class())
}

fn pairs(corners: &[BackendCoord]) -> impl Iterator<Item = (BackendCoord, BackendCoord)> {
    corners.chunks_exact(2).map(|pair| (pair[0], pair[1]))
}

/// Writes slanted lines through a box, each cut off at its edges.
pub(in crate::floors::report) fn slants((from, to): (BackendCoord, BackendCoord), ink: Ink) -> String {
    const APART: i32 = 6 * FINE;
    let height = to.1 - from.1;
    let mut d = String::new();
    for start in (from.0 - height + APART..to.0).step_by(APART as usize) {
        let (left, right) = (start.max(from.0), (start + height).min(to.0));
        let [low, high] = [left, right].map(|x| coordinate(to.1 - (x - start)));
        write!(d, "M{} {low}L{} {high}", coordinate(left), coordinate(right)).expect("writing into a string");
    }
    format!("<path class=\"s {}\" d=\"{d}\"/>\n", ink.class())
}

/// Writes a transparent rectangle that answers the pointer with this text about a model.
pub(in crate::floors::report) fn hit((from, to): (BackendCoord, BackendCoord), model: &str, says: &str) -> String {
    let [x, y, width, height] = [from.0, from.1, to.0 - from.0, to.1 - from.1].map(coordinate);
    let (model, says) = (escaped(model), escaped(says));
    format!(
        "<path class=\"hit\" data-m=\"{model}\" d=\"M{x} {y}h{width}v{height}h-{width}z\"><title>{says}</title></path>\n"
    )
}

/// Returns the attribute that paints an element: the class of its colour beside these classes.
fn paint(classes: &str, color: BackendColor) -> String {
    format!("class=\"{classes} {}\"", theme::class(color))
}

/// Formats a canvas coordinate in the units of the view box: `12.3`, `12`, `-.5`.
fn coordinate(fine: i32) -> String {
    let number = (f64::from(fine) / f64::from(FINE)).to_string();
    match number
        .strip_prefix("0.")
        .map(|tenths| ("", tenths))
        .or(number.strip_prefix("-0.").map(|tenths| ("-", tenths)))
    {
        Some((sign, tenths)) => format!("{sign}.{tenths}"),
        None => number,
    }
}

/// Formats a step of a path, which is shorter than a place; nothing if it leads nowhere.
fn relative(step: (i32, i32)) -> String {
    match step {
        (0, 0) => String::new(),
        (x, 0) => format!("h{}", coordinate(x)),
        (0, y) => format!("v{}", coordinate(y)),
        (x, y) => format!("l{}", pair(x, y)),
    }
}

/// Formats a pair of coordinates, parted by a blank only where a sign does not part them.
fn pair(x: i32, y: i32) -> String {
    let (x, y) = (coordinate(x), coordinate(y));
    if y.starts_with('-') { x + &y } else { format!("{x} {y}") }
}

/// Escapes text for use in an element or an attribute.
pub(in crate::floors::report) fn escaped(text: &str) -> String {
    askama::filters::escape(text, askama::filters::Html).map(|safe| safe.to_string()).expect("escaping cannot fail")
}
