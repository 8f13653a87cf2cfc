//! Draws charts of the summaries: coordinates by plotters, drawn by our own [`backend`] as SVG that takes its colours
//! from the page.
//!
//! Every chart is drawn twice, [`Size::Wide`] and [`Size::Narrow`], and the page shows the one that fits, because text
//! shrunk to fit a telephone would be illegible.

pub(super) mod bars;
pub(super) mod curve;
pub(super) mod density;
pub(super) mod forest;
pub(super) mod heat;
pub(super) mod lanes;
pub(super) mod order;
pub(super) mod sweep;
pub(super) mod trial_lanes;

mod axis;
mod backend;
mod theme;

use std::convert::Infallible;
use std::iter;

use plotters::coord::Shift;
use plotters::element::{Drawable, PointCollection};
use plotters::prelude::{DrawingArea, IntoDrawingArea as _, PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontStyle, IntoFont as _, TextStyle};

use plotters_backend::{BackendCoord, DrawingErrorKind};

use backend::{FINE, Svg};
pub(super) use theme::{Ink, Paint};

use crate::scenario::{Family, Model};
use crate::text::columns;

/// The area that a chart is drawn on.
pub(super) type Area<'svg> = DrawingArea<Svg<'svg>, Shift>;

/// The width of a chart, in the units of its own view box: CSS pixels when shown at full size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// The width for a page.
    Wide,
    /// The width for a telephone and for the cards of the index.
    Narrow,
    /// The width of a cell in the first table of the report.
    Cell,
}

/// The texts of a chart for screen readers, and its id in the page.
pub(super) struct Caption<'a> {
    /// The id, unique in the page.
    pub(super) id: &'a str,
    /// The subject of the chart.
    pub(super) title: &'a str,
    /// The finding that the chart shows.
    pub(super) finding: &'a str,
}

/// The visual style that distinguishes a model from the others of its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) family: Family,
    /// The model's number in its family, which selects dash pattern and marker.
    pub(super) variant: u8,
}

impl Size {
    pub(super) const BOTH: [Self; 2] = [Self::Wide, Self::Narrow];

    pub(super) fn width(self) -> i32 {
        match self {
            Self::Wide => 800,
            Self::Narrow => 340,
            Self::Cell => 216,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
            Self::Cell => "cell",
        }
    }
}

impl Look {
    /// Returns the look of a model among these.
    pub(super) fn for_model(model: Model, among: impl Iterator<Item = Model>) -> Self {
        let family = model.family();
        let before = among.take_while(|other| *other != model).filter(|other| other.family() == family);
        Self { family, variant: before.count() as u8 }
    }

    pub(super) fn ink(self) -> Ink {
        Ink { paint: Paint::Family(self.family), variant: self.variant }
    }
}

/// Returns an `<svg>` of this size with the output of `draw`. A chart is drawn into memory, so drawing cannot fail.
pub(super) fn svg(size: Size, height: i32, caption: &Caption, draw: impl FnOnce(&Area)) -> String {
    let Caption { id, title, finding } = caption;
    let (class, width) = (size.class(), size.width());
    let (title, finding) = (backend::escaped(title), backend::escaped(finding));
    let mut out = format!(
        "<svg class=\"chart {class}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-labelledby=\"{id}-{class}-t {id}-{class}-d\">\
         <title id=\"{id}-{class}-t\">{title}</title><desc id=\"{id}-{class}-d\">{finding}</desc>\n"
    );
    let body = backend::Sheet::new(width, height);
    draw(&Svg::on(&body).into_drawing_area());
    out.push_str(&body.into_text());
    out.push_str("</svg>\n");
    out
}

/// Converts CSS pixels to the finer units of the backend.
fn fine(pixels: f64) -> i32 {
    (pixels * f64::from(FINE)).round() as i32
}

/// Draws a straight line between two places in pixels.
fn line(area: &Area, from: (f64, f64), to: (f64, f64), ink: Ink, width: u32) {
    path(area, &[from, to], ink, width);
}

/// Draws a line through places in pixels.
fn path(area: &Area, places: &[(f64, f64)], ink: Ink, width: u32) {
    let places: Vec<(i32, i32)> = places.iter().map(|(x, y)| (fine(*x), fine(*y))).collect();
    dashed(area, ink, |area| {
        area.draw(&PathElement::new(places, ink.color().stroke_width(width))).expect("drawing into memory");
    });
}

/// Draws lines in the dash pattern of an ink.
fn dashed(area: &Area, ink: Ink, draw: impl FnOnce(&Area)) {
    if ink.variant == 0 {
        return draw(area);
    }
    raw(area, format!("<g class=\"d{}\">\n", ink.variant % 4));
    draw(area);
    raw(area, "</g>\n".into());
}

/// Draws a filled rectangle between two corners in pixels.
fn fill(area: &Area, from: (f64, f64), to: (f64, f64), ink: Ink) {
    let corners = [(fine(from.0), fine(from.1)), (fine(to.0), fine(to.1))];
    let rectangle = Rectangle::new(corners, ink.color().filled());
    area.draw(&rectangle).expect("drawing into memory");
}

/// A box, given by two corners in pixels.
type Box2 = ((f64, f64), (f64, f64));

/// Draws filled boxes of one ink, as one element where plotters would write one each.
fn boxes(area: &Area, boxes: &[Box2], ink: Ink) {
    raw(area, backend::boxes(&fine_boxes(boxes), ink));
}

/// Draws boxes that all have the same height, in half the bytes; the ink may be a hatch or a shade.
fn bands(area: &Area, boxes: &[Box2], ink: Ink) {
    raw(area, backend::bands(&fine_boxes(boxes), ink));
}

/// Converts the corners of boxes to the finer units of the backend.
fn fine_boxes(boxes: &[Box2]) -> Vec<(BackendCoord, BackendCoord)> {
    let fine = |(x, y): (f64, f64)| (fine(x), fine(y));
    boxes.iter().map(|(from, to)| (fine(*from), fine(*to))).collect()
}

/// Draws what belongs to one model as a group, which the page can fade out.
fn of_model(area: &Area, model: &str, draw: impl FnOnce(&Area)) {
    raw(area, format!("<g data-m=\"{}\">\n", backend::escaped(model)));
    draw(area);
    raw(area, "</g>\n".into());
}

/// Makes the area between two corners, in pixels, answer the pointer with this text about a model.
fn answer(area: &Area, (from, to): Box2, model: &str, text: &str) {
    let [x, y] = [from.0.min(to.0), from.1.min(to.1)].map(tenths);
    let [width, height] = [(to.0 - from.0).abs(), (to.1 - from.1).abs()].map(tenths);
    let (model, text) = (backend::escaped(model), backend::escaped(text));
    raw(
        area,
        format!(
            "<rect class=\"hit\" data-m=\"{model}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\">\
             <title>{text}</title></rect>\n"
        ),
    );
}

/// Rounds pixels to tenths.
fn tenths(pixels: f64) -> f64 {
    (pixels * 10.0).round() / 10.0
}

/// Adds SVG as it is.
fn raw(area: &Area, text: String) {
    area.draw(&Raw(text)).expect("drawing into memory");
}

/// SVG that bypasses plotters.
struct Raw(String);

impl<'a> PointCollection<'a, BackendCoord> for &'a Raw {
    type Point = BackendCoord;
    type IntoIter = iter::Empty<BackendCoord>;

    fn point_iter(self) -> Self::IntoIter {
        iter::empty()
    }
}

impl Drawable<Svg<'_>> for Raw {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        _: I,
        backend: &mut Svg<'_>,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        backend.raw(&self.0)
    }
}

/// Draws a filled polygon with these corners in pixels.
fn polygon(area: &Area, corners: &[(f64, f64)], ink: Ink) {
    let corners: Vec<(i32, i32)> = corners.iter().map(|(x, y)| (fine(*x), fine(*y))).collect();
    area.draw(&Polygon::new(corners, ink.color().filled())).expect("drawing into memory");
}

/// Draws text anchored at a place in pixels, vertically centred.
fn text(area: &Area, content: &str, at: (f64, f64), side: HPos, face: Face) {
    let (ink, size, style) = match face {
        Face::Plain => (Ink::TEXT, 13, FontStyle::Normal),
        Face::Strong => (Ink::TEXT, 13, FontStyle::Bold),
        Face::Small => (Ink::MUTED, 12, FontStyle::Normal),
        Face::Named(look) => (look.ink(), 12, FontStyle::Bold),
    };
    let font = ("sans-serif", size).into_font().style(style);
    let color = ink.color();
    let style = TextStyle::from(font).color(&color).pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(content.to_owned(), (fine(at.0), fine(at.1)), style)).expect("drawing into memory");
}

/// The style of text in a chart.
#[derive(Clone, Copy)]
enum Face {
    Plain,
    Strong,
    Small,
    Named(Look),
}

/// Estimates the width of text in a chart, in pixels. The browser lays the text out; this only keeps labels apart, so
/// it errs on the wide side.
fn text_width(content: &str) -> f64 {
    columns(content) as f64 * 7.2
}

/// Estimates the width of text in [`Face::Strong`], in pixels.
fn strong_width(content: &str) -> f64 {
    columns(content) as f64 * 8.8
}

/// The end of a line in pixels, with its label and look.
struct LineEnd<'a> {
    at: (f64, f64),
    label: &'a str,
    look: Look,
}

/// Draws the names to the right of the ends of lines, moved apart until none covers another; the plot ends at `right`
/// and `bottom`.
fn end_labels(area: &Area, (right, bottom): (f64, f64), mut ends: Vec<LineEnd>) {
    const ROOM: f64 = 16.0;
    ends.sort_by(|a, b| a.at.1.total_cmp(&b.at.1));
    let mut heights: Vec<f64> = ends.iter().map(|end| end.at.1).collect();
    for i in 1..heights.len() {
        heights[i] = heights[i].max(heights[i - 1] + ROOM);
    }
    // Names pushed below the plot move back up, and push those above them.
    let mut limit = bottom;
    for height in heights.iter_mut().rev() {
        *height = height.min(limit);
        limit = *height - ROOM;
    }
    for (LineEnd { at: (x, y), label, look }, height) in ends.into_iter().zip(heights) {
        let ink = Ink { variant: 0, ..look.ink() };
        path(area, &[(x + 5.0, y), (right + 6.0, y), (right + 16.0, height)], ink, 1);
        text(area, label, (right + 20.0, height), HPos::Left, Face::Named(look));
    }
}

/// Draws a small marker at a place in pixels, shaped by the variant of the look.
fn marker(area: &Area, at: (f64, f64), look: Look) {
    let (x, y) = at;
    let r = 4.0;
    let corners: &[(f64, f64)] = match look.variant % 4 {
        0 => &[
            (-0.38, -0.92),
            (0.38, -0.92),
            (0.92, -0.38),
            (0.92, 0.38),
            (0.38, 0.92),
            (-0.38, 0.92),
            (-0.92, 0.38),
            (-0.92, -0.38),
        ],
        1 => &[(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
        2 => &[(0.0, -1.15), (1.1, 0.8), (-1.1, 0.8)],
        _ => &[(0.0, -1.2), (1.2, 0.0), (0.0, 1.2), (-1.2, 0.0)],
    };
    let corners: Vec<(f64, f64)> = corners.iter().map(|(dx, dy)| (x + r * dx, y + r * dy)).collect();
    polygon(area, &corners, look.ink());
}
