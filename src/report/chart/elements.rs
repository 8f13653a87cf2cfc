//! Draws what charts are made of, at places in the coordinates of the chart: lines, bars, markers and text by plotters,
//! and as SVG of our own what plotters has no element for.

use std::convert::Infallible;

use plotters::coord::CoordTranslate;
use plotters::element::{Drawable, PointCollection};
use plotters::prelude::{Circle, DrawingArea, EmptyElement, LineSeries, PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontStyle, IntoFont as _, TextStyle};
use plotters_backend::{BackendCoord, DrawingErrorKind};

use super::backend::{self, Svg};
use super::{Area, Box2, Ink, Look, Paint, Place, Plane, fine};

/// Draws an element of plotters. It is drawn into memory, which cannot fail.
fn draw<'svg, E>(chart: &mut Plane<'svg>, element: E)
where
    E: Drawable<Svg<'svg>>,
    for<'a> &'a E: PointCollection<'a, Place>,
{
    chart.draw_series([element]).expect("drawing into memory");
}

/// Draws a straight line.
pub(super) fn line(chart: &mut Plane, from: Place, to: Place, ink: Ink, width: u32) {
    path(chart, vec![from, to], ink, width);
}

/// Draws a line through places, in the dash pattern of the ink.
pub(super) fn path(chart: &mut Plane, places: Vec<Place>, ink: Ink, width: u32) {
    if ink.variant > 0 {
        raw(chart.plotting_area(), format!("<g class=\"d{}\">\n", ink.variant % 4));
    }
    chart.draw_series(LineSeries::new(places, ink.color().stroke_width(width))).expect("drawing into memory");
    if ink.variant > 0 {
        raw(chart.plotting_area(), "</g>\n".into());
    }
}

/// Draws a line through points in pixels around a place.
pub(super) fn stroke(chart: &mut Plane, at: Place, points: &[(f64, f64)], ink: Ink, width: u32) {
    draw(chart, EmptyElement::at(at) + PathElement::new(all_fine(points), ink.color().stroke_width(width)));
}

/// Draws the outline of a box.
pub(super) fn outline(chart: &mut Plane, (from, to): Box2, ink: Ink) {
    draw(chart, Rectangle::new([from, to], ink.color()));
}

/// Draws a filled rectangle.
pub(super) fn fill(chart: &mut Plane, (from, to): Box2, ink: Ink) {
    draw(chart, Rectangle::new([from, to], ink.color().filled()));
}

/// Draws a filled polygon.
pub(super) fn polygon(chart: &mut Plane, corners: Vec<Place>, ink: Ink) {
    draw(chart, Polygon::new(corners, ink.color().filled()));
}

/// Draws a bar of slanted lines, for a figure that cannot be compared.
pub(super) fn hatched(chart: &mut Plane, bar: Box2, look: Look) {
    let ink = Ink { variant: 0, ..look.ink() };
    fill(chart, bar, Ink { paint: Paint::Tint(look.family), variant: 0 });
    write(chart.plotting_area(), vec![bar.0, bar.1], |corners| backend::slants((corners[0], corners[1]), ink));
    outline(chart, bar, ink);
}

/// Draws a polygon with corners in pixels around a place.
pub(super) fn shape(chart: &mut Plane, at: Place, corners: &[(f64, f64)], ink: Ink) {
    draw(chart, EmptyElement::at(at) + Polygon::new(all_fine(corners), ink.color().filled()));
}

fn all_fine(pixels: &[(f64, f64)]) -> Vec<BackendCoord> {
    pixels.iter().map(|(x, y)| (fine(*x), fine(*y))).collect()
}

/// Draws a small marker, shaped by the variant of the look.
pub(super) fn marker(chart: &mut Plane, at: Place, look: Look) {
    let ink = look.ink();
    match look.variant % 4 {
        0 => draw(chart, Circle::new(at, fine(3.8), ink.color().filled())),
        1 => shape(chart, at, &[(-3.4, -3.4), (3.4, -3.4), (3.4, 3.4), (-3.4, 3.4)], ink),
        2 => shape(chart, at, &[(0.0, -4.6), (4.4, 3.2), (-4.4, 3.2)], ink),
        _ => shape(chart, at, &[(0.0, -4.8), (4.8, 0.0), (0.0, 4.8), (-4.8, 0.0)], ink),
    }
}

/// The style of text in a chart.
#[derive(Clone, Copy)]
pub(super) enum Face {
    Plain,
    Strong,
    Small,
    Named(Look),
}

/// Returns the style of text that is anchored at this side, vertically centred.
pub(super) fn style(face: Face, side: HPos) -> TextStyle<'static> {
    let (ink, size, style) = match face {
        Face::Plain => (Ink::TEXT, 13, FontStyle::Normal),
        Face::Strong => (Ink::TEXT, 13, FontStyle::Bold),
        Face::Small => (Ink::MUTED, 12, FontStyle::Normal),
        Face::Named(look) => (look.ink(), 12, FontStyle::Bold),
    };
    let font = ("sans-serif", size).into_font().style(style);
    TextStyle { font, color: ink.color().to_backend_color(), pos: Pos::new(side, VPos::Center) }
}

/// Draws text at a place in pixels of an area, vertically centred.
pub(super) fn text(area: &Area, content: &str, (x, y): (f64, f64), side: HPos, face: Face) {
    area.draw(&Text::new(content, (fine(x), fine(y)), style(face, side))).expect("drawing into memory");
}

/// Draws text this far from a place of a chart, in pixels, vertically centred.
pub(super) fn label(chart: &mut Plane, content: &str, at: Place, (dx, dy): (f64, f64), side: HPos, face: Face) {
    draw(chart, EmptyElement::at(at) + Text::new(content.to_owned(), (fine(dx), fine(dy)), style(face, side)));
}

/// Estimates the width of text, in pixels.
pub(super) fn text_width(chart: &Plane, content: &str, face: Face) -> f64 {
    let size = chart.plotting_area().estimate_text_size(content, &style(face, HPos::Left));
    f64::from(size.expect("drawing into memory").0) / f64::from(backend::FINE)
}

/// The end of a line, with its label and look.
pub(super) struct LineEnd<'a> {
    pub(super) at: Place,
    pub(super) label: &'a str,
    pub(super) look: Look,
}

/// Draws the names to the right of the ends of lines, moved apart until none covers another.
pub(super) fn end_labels(chart: &mut Plane, mut ends: Vec<LineEnd>) {
    const ROOM: f64 = 16.0;
    ends.sort_by(|a, b| b.at.1.total_cmp(&a.at.1));
    let places: Vec<(f64, f64)> = ends.iter().map(|end| pixels(chart, end.at)).collect();
    let (right, bottom) = pixels(chart, (chart.x_range().end, chart.y_range().start));
    let mut heights: Vec<f64> = places.iter().map(|(_, y)| *y).collect();
    for i in 1..heights.len() {
        heights[i] = heights[i].max(heights[i - 1] + ROOM);
    }
    // Names pushed below the plot move back up, and push those above them.
    let mut limit = bottom;
    for height in heights.iter_mut().rev() {
        *height = height.min(limit);
        limit = *height - ROOM;
    }
    for ((LineEnd { at, label: name, look }, (x, y)), height) in ends.into_iter().zip(places).zip(heights) {
        let ink = Ink { variant: 0, ..look.ink() };
        let (beside, up) = (right - x, height - y);
        stroke(chart, at, &[(5.0, 0.0), (beside + 6.0, 0.0), (beside + 16.0, up)], ink, 1);
        label(chart, name, at, (beside + 20.0, up), HPos::Left, Face::Named(look));
    }
}

/// Returns where a place of a chart lies in the picture, in pixels.
pub(super) fn pixels(chart: &Plane, at: Place) -> (f64, f64) {
    let (x, y) = chart.backend_coord(&at);
    (f64::from(x) / f64::from(backend::FINE), f64::from(y) / f64::from(backend::FINE))
}

/// Draws filled boxes of one ink, as one element where plotters would write one each.
pub(super) fn boxes(chart: &Plane, boxes: &[Box2], ink: Ink) {
    write(chart.plotting_area(), corners(boxes), |corners| backend::boxes(corners, ink));
}

/// Draws boxes that all have the same height, in half the bytes; the ink may be a hatch or a shade.
pub(super) fn bands(chart: &Plane, boxes: &[Box2], ink: Ink) {
    if !boxes.is_empty() {
        write(chart.plotting_area(), corners(boxes), |corners| backend::bands(corners, ink));
    }
}

fn corners(boxes: &[Box2]) -> Vec<Place> {
    boxes.iter().flat_map(|(from, to)| [*from, *to]).collect()
}

/// Draws what belongs to one model as a group, which the page can fade out.
pub(super) fn of_model<'svg>(chart: &mut Plane<'svg>, model: &str, draw: impl FnOnce(&mut Plane<'svg>)) {
    raw(chart.plotting_area(), format!("<g data-m=\"{}\">\n", backend::escaped(model)));
    draw(chart);
    raw(chart.plotting_area(), "</g>\n".into());
}

/// Makes a box of a chart answer the pointer with this text about a model.
pub(super) fn answer(chart: &Plane, (from, to): Box2, model: &str, says: &str) {
    write(chart.plotting_area(), vec![from, to], |corners| backend::hit((corners[0], corners[1]), model, says));
}

/// Makes the surroundings of a place answer, this far to each side in pixels.
pub(super) fn answer_around(chart: &Plane, at: Place, far: f64, model: &str, says: &str) {
    let far = fine(far);
    write(chart.plotting_area(), vec![at], |places| {
        let (x, y) = places[0];
        backend::hit(((x - far, y - far), (x + far, y + far)), model, says)
    });
}

/// Makes a whole area answer.
pub(super) fn answer_everywhere(area: &Area, model: &str, says: &str) {
    let (width, height) = area.dim_in_pixel();
    let whole = vec![(0, 0), (width as i32, height as i32)];
    write(area, whole, |corners| backend::hit((corners[0], corners[1]), model, says));
}

/// Adds SVG as it is.
pub(super) fn raw<C: CoordTranslate>(area: &DrawingArea<Svg, C>, svg: String) {
    write(area, Vec::new(), |_| svg.clone());
}

/// Draws the SVG that `write` makes of places, which it receives in units of the backend.
fn write<C: CoordTranslate>(
    area: &DrawingArea<Svg, C>,
    places: Vec<C::From>,
    write: impl Fn(&[BackendCoord]) -> String,
) {
    area.draw(&SvgElement { places, write }).expect("drawing into memory");
}

/// An element for which plotters has no shape.
struct SvgElement<P, W> {
    places: Vec<P>,
    write: W,
}

impl<'a, P, W> PointCollection<'a, P> for &'a SvgElement<P, W> {
    type Point = &'a P;
    type IntoIter = &'a [P];

    fn point_iter(self) -> &'a [P] {
        &self.places
    }
}

impl<P, W: Fn(&[BackendCoord]) -> String> Drawable<Svg<'_>> for SvgElement<P, W> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        places: I,
        backend: &mut Svg<'_>,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        backend.raw(&(self.write)(&places.collect::<Vec<_>>()))
    }
}
