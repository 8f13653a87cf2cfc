//! Implements a plotters backend that writes SVG for a page: classes in place of colours, real text, named groups.
//!
//! plotters counts whole pixels, so the canvas is [`FINE`] times as large as the view box. It draws with the colours of
//! the light [`theme`](super::theme), and a colour of the theme becomes a class, so that the page can use another theme.

use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::Write as _;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
};

use super::theme::{self, Ink};

/// The number of canvas units in one unit of the view box.
pub(in crate::report) const FINE: i32 = 10;

type DrawResult = Result<(), DrawingErrorKind<Infallible>>;

/// The SVG drawn so far.
pub(in crate::report) struct Sheet {
    width: i32,
    height: i32,
    text: RefCell<String>,
}

impl Sheet {
    /// Creates an empty sheet; the size is in units of the view box.
    pub(in crate::report) fn new(width: i32, height: i32) -> Self {
        Self { width, height, text: RefCell::default() }
    }

    pub(in crate::report) fn into_text(self) -> String {
        self.text.into_inner()
    }
}

/// The backend, which appends to a sheet.
pub(in crate::report) struct Svg<'sheet> {
    sheet: &'sheet Sheet,
}

impl<'sheet> Svg<'sheet> {
    pub(in crate::report) fn on(sheet: &'sheet Sheet) -> Self {
        Self { sheet }
    }

    fn element(&self, text: std::fmt::Arguments) -> DrawResult {
        self.sheet.text.borrow_mut().write_fmt(text).expect("writing into a string");
        Ok(())
    }

    /// Adds SVG as it is.
    pub(in crate::report) fn raw(&self, text: &str) -> DrawResult {
        self.element(format_args!("{text}"))
    }

    fn path(&self, places: impl IntoIterator<Item = BackendCoord>, close: &str, paint: &str, more: &str) -> DrawResult {
        let mut d = String::new();
        for (i, place) in places.into_iter().enumerate() {
            let sign = if i == 0 { 'M' } else { 'L' };
            write!(d, "{sign}{} {}", coordinate(place.0), coordinate(place.1)).expect("writing into a string");
        }
        self.element(format_args!("<path {paint}{more} d=\"{d}{close}\"/>\n"))
    }
}

impl DrawingBackend for Svg<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        ((self.sheet.width * FINE) as u32, (self.sheet.height * FINE) as u32)
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
        let (x, y) = (coordinate(from.0.min(to.0)), coordinate(from.1.min(to.1)));
        let (width, height) = (coordinate((to.0 - from.0).abs()), coordinate((to.1 - from.1).abs()));
        let kind = if fill { "f" } else { "s" };
        let paint = paint(kind, style.color());
        self.element(format_args!("<rect {paint} x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>\n"))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> DrawResult {
        let width = style.stroke_width();
        let more = if width == 1 { String::new() } else { format!(" stroke-width=\"{width}\"") };
        self.path(path, "", &paint("s", style.color()), &more)
    }

    fn draw_circle<S: BackendStyle>(&mut self, center: BackendCoord, radius: u32, style: &S, fill: bool) -> DrawResult {
        let paint = paint(if fill { "f" } else { "s" }, style.color());
        let (x, y, r) = (coordinate(center.0), coordinate(center.1), coordinate(radius as i32));
        self.element(format_args!("<circle {paint} cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>\n"))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> DrawResult {
        self.path(corners, "Z", &paint("f", style.color()), "")
    }

    fn draw_text<S: BackendTextStyle>(&mut self, words: &str, style: &S, at: BackendCoord) -> DrawResult {
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => " text-anchor=\"middle\"",
            HPos::Right => " text-anchor=\"end\"",
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
        let (x, y, words) = (coordinate(at.0), coordinate(y), escaped(words));
        self.element(format_args!("<text {paint} x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{anchor}>{words}</text>\n"))
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        words: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let size = style.size() * f64::from(FINE);
        Ok(((words.chars().count() as f64 * size * 0.55) as u32, size as u32))
    }
}

/// Writes boxes of one height as horizontal lines of that width: half the bytes, and hatched if dashed.
pub(in crate::report) fn bands(boxes: &[(BackendCoord, BackendCoord)], ink: Ink) -> String {
    let Some(((_, top), (_, bottom))) = boxes.first() else { return String::new() };
    let mut d = String::new();
    for ((x, y), (right, bottom)) in boxes {
        let (x0, middle) = (coordinate(*x), coordinate(i32::midpoint(*y, *bottom)));
        write!(d, "M{x0} {middle}h{}", coordinate(right - x)).expect("writing into a string");
    }
    let (class, width) = (ink.class(), coordinate(bottom - top));
    let shade = if ink.variant == 0 { String::new() } else { format!(" o{}", ink.variant) };
    format!("<path class=\"s {class}{shade}\" stroke-width=\"{width}\" d=\"{d}\"/>\n")
}

/// Writes filled boxes, given by two corners each.
pub(in crate::report) fn boxes(boxes: &[(BackendCoord, BackendCoord)], ink: Ink) -> String {
    let mut d = String::new();
    for ((x, y), (right, bottom)) in boxes {
        let (x0, y0) = (coordinate(*x), coordinate(*y));
        let (width, height) = (coordinate(right - x), coordinate(bottom - y));
        write!(d, "M{x0} {y0}h{width}v{height}h-{width}z").expect("writing into a string");
    }
    format!("<path class=\"f {}\" d=\"{d}\"/>\n", ink.class())
}

/// Returns the attributes that paint an element: the class of a colour of the theme beside these classes, or the colour
/// itself.
fn paint(classes: &str, color: BackendColor) -> String {
    match theme::class(color) {
        Some(class) => format!("class=\"{classes} {class}\""),
        None => {
            let (red, green, blue) = color.rgb;
            let attribute = if classes.starts_with('s') { "stroke" } else { "fill" };
            format!(
                "class=\"{classes}\" {attribute}=\"#{red:02x}{green:02x}{blue:02x}\" {attribute}-opacity=\"{}\"",
                color.alpha
            )
        }
    }
}

/// Formats a canvas coordinate in the units of the view box: `12.3`, `12`.
fn coordinate(fine: i32) -> String {
    let sign = if fine < 0 { "-" } else { "" };
    match (fine.abs() / FINE, fine.abs() % FINE) {
        (whole, 0) => format!("{sign}{whole}"),
        (whole, tenths) => format!("{sign}{whole}.{tenths}"),
    }
}

/// Escapes text for use in an element or an attribute.
pub(in crate::report) fn escaped(text: &str) -> String {
    askama::filters::escape(text, askama::filters::Html).map(|safe| safe.to_string()).expect("escaping cannot fail")
}
