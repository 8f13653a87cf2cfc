//! Pictures of the summaries: plotters' coordinates, drawn by our own [`backend`] as SVG that takes its colours from the
//! page.
//!
//! Every chart is drawn twice, [`Size::Wide`] and [`Size::Narrow`], and the page shows the one that fits: text that is
//! shrunk to fit a telephone could not be read.

pub(super) mod bars;
pub(super) mod curve;
pub(super) mod density;
pub(super) mod forest;
pub(super) mod heat;
pub(super) mod lanes;
pub(super) mod order;
pub(super) mod sweep;

mod axis;
mod backend;

use std::convert::Infallible;
use std::iter;

use plotters::coord::Shift;
use plotters::element::{Drawable, PointCollection};
use plotters::prelude::{DrawingArea, IntoDrawingArea as _, PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontStyle, IntoFont as _, TextStyle};

use plotters_backend::{BackendCoord, DrawingErrorKind};

use backend::{FINE, Svg};
pub(super) use backend::{Ink, Paint};

use crate::scenario::{Family, Model};
use crate::text::columns;

/// Where a chart is drawn.
pub(super) type Area<'svg> = DrawingArea<Svg<'svg>, Shift>;

/// How wide a chart is, in the units of its own view box: pixels of CSS where it is shown at its full size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// For a page.
    Wide,
    /// For a telephone and for the cards of the index.
    Narrow,
}

/// What a chart says to those who do not see it, and what it is called in its page.
pub(super) struct Caption<'a> {
    /// Unique in the page.
    pub(super) id: &'a str,
    /// What is drawn.
    pub(super) title: &'a str,
    /// What is found.
    pub(super) finding: &'a str,
}

/// How a model is told from the others of its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) family: Family,
    /// Its number in its family: dash pattern and marker.
    pub(super) variant: u8,
}

impl Size {
    pub(super) const BOTH: [Self; 2] = [Self::Wide, Self::Narrow];

    pub(super) fn width(self) -> i32 {
        match self {
            Self::Wide => 800,
            Self::Narrow => 340,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }
}

impl Look {
    /// The look of a model among these.
    pub(super) fn for_model(model: Model, among: impl Iterator<Item = Model>) -> Self {
        let family = model.family();
        let before = among.take_while(|other| *other != model).filter(|other| other.family() == family);
        Self { family, variant: before.count() as u8 }
    }

    pub(super) fn ink(self) -> Ink {
        Ink { paint: Paint::Family(self.family), variant: self.variant }
    }
}

/// An `<svg>` of this size with what `draw` puts on it. A chart is drawn into memory, so drawing cannot fail.
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

/// Pixels of CSS in the finer units of the backend.
fn fine(pixels: f64) -> i32 {
    (pixels * f64::from(FINE)).round() as i32
}

/// A straight line between two places given in pixels.
fn line(area: &Area, from: (f64, f64), to: (f64, f64), ink: Ink, width: u32) {
    path(area, &[from, to], ink, width);
}

/// A line through places given in pixels.
fn path(area: &Area, places: &[(f64, f64)], ink: Ink, width: u32) {
    let places: Vec<(i32, i32)> = places.iter().map(|(x, y)| (fine(*x), fine(*y))).collect();
    area.draw(&PathElement::new(places, ink.color().stroke_width(width))).expect("drawing into memory");
}

/// A filled rectangle given in pixels by two corners.
fn fill(area: &Area, from: (f64, f64), to: (f64, f64), ink: Ink) {
    let corners = [(fine(from.0), fine(from.1)), (fine(to.0), fine(to.1))];
    let rectangle = Rectangle::new(corners, ink.color().filled());
    area.draw(&rectangle).expect("drawing into memory");
}

/// Two corners in pixels.
type Box2 = ((f64, f64), (f64, f64));

/// Filled boxes of one ink, as one element.
fn boxes(area: &Area, boxes: &[Box2], ink: Ink) {
    Boxes::new(boxes, ink, false).draw(area);
}

/// The same of boxes that are all of one height, in half the bytes; the ink may be a hatch or a shade.
fn bands(area: &Area, boxes: &[Box2], ink: Ink) {
    Boxes::new(boxes, ink, true).draw(area);
}

/// What plotters would write one by one.
struct Boxes {
    boxes: Vec<(BackendCoord, BackendCoord)>,
    ink: Ink,
    alike: bool,
}

impl Boxes {
    fn new(boxes: &[Box2], ink: Ink, alike: bool) -> Self {
        let fine = |(x, y): (f64, f64)| (fine(x), fine(y));
        Self { boxes: boxes.iter().map(|(from, to)| (fine(*from), fine(*to))).collect(), ink, alike }
    }

    fn draw(&self, area: &Area) {
        area.draw(self).expect("drawing into memory");
    }
}

impl<'a> PointCollection<'a, BackendCoord> for &'a Boxes {
    type Point = BackendCoord;
    type IntoIter = iter::Empty<BackendCoord>;

    /// None of them goes through plotters.
    fn point_iter(self) -> Self::IntoIter {
        iter::empty()
    }
}

impl Drawable<Svg<'_>> for Boxes {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        _: I,
        backend: &mut Svg<'_>,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        if self.alike { backend.bands(&self.boxes, self.ink) } else { backend.boxes(&self.boxes, self.ink) }
    }
}

/// A filled shape given in pixels by its corners.
fn polygon(area: &Area, corners: &[(f64, f64)], ink: Ink) {
    let corners: Vec<(i32, i32)> = corners.iter().map(|(x, y)| (fine(*x), fine(*y))).collect();
    area.draw(&Polygon::new(corners, ink.color().filled())).expect("drawing into memory");
}

/// Text anchored at a place given in pixels, vertically at its middle.
fn text(area: &Area, words: &str, at: (f64, f64), side: HPos, face: Face) {
    let (ink, size, style) = match face {
        Face::Plain => (Ink::TEXT, 13, FontStyle::Normal),
        Face::Strong => (Ink::TEXT, 13, FontStyle::Bold),
        Face::Small => (Ink::MUTED, 12, FontStyle::Normal),
        Face::Named(look) => (look.ink(), 12, FontStyle::Bold),
    };
    let font = ("sans-serif", size).into_font().style(style);
    let color = ink.color();
    let style = TextStyle::from(font).color(&color).pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(words.to_owned(), (fine(at.0), fine(at.1)), style)).expect("drawing into memory");
}

/// How text looks in a chart.
#[derive(Clone, Copy)]
enum Face {
    Plain,
    Strong,
    Small,
    Named(Look),
}

/// About how wide text of a chart is, in pixels. The browser lays the text out; this only keeps labels apart, so it is
/// on the wide side.
fn text_width(words: &str) -> f64 {
    columns(words) as f64 * 7.2
}

/// The same of [`Face::Strong`].
fn strong_width(words: &str) -> f64 {
    columns(words) as f64 * 8.8
}

/// The end of a line in pixels, and whose it is.
struct LineEnd<'a> {
    at: (f64, f64),
    label: &'a str,
    look: Look,
}

/// The names right of the ends of lines, moved apart until none covers another; the plot ends at `right` and `bottom`.
fn end_labels(area: &Area, (right, bottom): (f64, f64), mut ends: Vec<LineEnd>) {
    const ROOM: f64 = 16.0;
    ends.sort_by(|a, b| a.at.1.total_cmp(&b.at.1));
    let mut heights: Vec<f64> = ends.iter().map(|end| end.at.1).collect();
    for i in 1..heights.len() {
        heights[i] = heights[i].max(heights[i - 1] + ROOM);
    }
    // What was pushed below the plot goes back up, and takes the ones above along.
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

/// A small shape at a place given in pixels, by the variant of the look.
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
