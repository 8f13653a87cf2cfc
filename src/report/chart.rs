//! Draws charts of the summaries by plotters, on our own [`backend`] that writes SVG with the colours of the page.
//!
//! Each chart lays out its picture in pixels and puts one plotters chart, a [`Plane`], or one for each of its rows into
//! it. What it shows, it draws in the values of the [`scale`]s: the axes by [`mesh`], all else by [`elements`].
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

mod backend;
mod elements;
mod labels;
mod mesh;
mod scale;
mod theme;

use std::cell::RefCell;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::prelude::{DrawingArea, IntoDrawingArea as _};

use backend::{FINE, Svg};
use scale::Scale;
pub(super) use theme::{Ink, Paint};

use crate::scenario::{Family, Model};

/// The picture that a chart is drawn on, or a part of it.
pub(super) type Area<'svg> = DrawingArea<Svg<'svg>, Shift>;

/// A chart of plotters in a part of the picture: a scale across and a scale up.
type Plane<'svg> = ChartContext<'svg, Svg<'svg>, Cartesian2d<Scale, Scale>>;

/// A place in the coordinates of a chart.
type Place = (f64, f64);

/// A box, given by two corners: the upper left and the lower right.
type Box2 = (Place, Place);

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
    let body = RefCell::default();
    draw(&Svg { size: (width, height), text: &body }.into_drawing_area());
    out += &body.into_inner();
    out + "</svg>\n"
}

/// Adds data for the page's script to an `<svg>`.
fn with_data(svg: &str, name: &str, data: &str) -> String {
    svg.replacen("<svg ", &format!("<svg data-{name}=\"{data}\" "), 1)
}

/// Builds a chart between two corners, in pixels of the area.
fn plane<'svg>(area: &Area<'svg>, (from, to): Box2, across: &Scale, up: &Scale) -> Plane<'svg> {
    let (width, height) = area.dim_in_pixel();
    // The coordinates of plotters end one unit before the plotting area.
    let (right, below) = (width as i32 - fine(to.0) - 1, height as i32 - fine(to.1) - 1);
    ChartBuilder::on(area)
        .margin_top(fine(from.1))
        .margin_right(right)
        .y_label_area_size(fine(from.0))
        .x_label_area_size(below.max(0))
        .build_cartesian_2d(across.clone(), up.clone())
        .expect("drawing into memory")
}

/// Returns `n` rows of an area below each other, from `top` on; it and the height of a row are in pixels.
fn rows<'svg>(area: &Area<'svg>, top: f64, height: f64, n: usize) -> Vec<Area<'svg>> {
    let size = (area.dim_in_pixel().0 as i32, fine(height) * n as i32);
    area.clone().shrink((0, fine(top)), size).split_evenly((n, 1))
}

/// Converts CSS pixels to the finer units of the backend.
fn fine(pixels: f64) -> i32 {
    (pixels * f64::from(FINE)).round() as i32
}
