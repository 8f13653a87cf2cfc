//! Draws percentile curves: time over percentile, on an axis that gives each further nine (90 %, 99 %, 99.9 %) the same
//! width.

use plotters::coord::ranged1d::Ranged as _;
use plotters::style::text_anchor::HPos;

use super::elements::{Face, LineEnd, end_labels, label, marker, of_model, path, pixels, polygon, text};
use super::mesh::{Mesh, draw_mesh};
use super::scale::{Scale, Tick};
use super::{Box2, Caption, Ink, Look, Paint, Plane, Size, labels, plane, svg, with_data};
use crate::histogram::Histogram;
use crate::stats::{self, Band, Interval};

/// The percentile curves of one kind of job.
pub(in crate::floors::report) struct Curves {
    pub(in crate::floors::report) series: Vec<Curve>,
}

/// The curve of one model.
pub(in crate::floors::report) struct Curve {
    label: String,
    look: Look,
    /// Nines, from 0, and nanoseconds, both rising.
    response: Vec<(f64, f64)>,
    /// The curve of the service time, if it differs.
    service: Vec<(f64, f64)>,
    /// The confidence band of the response time: nines, and an interval in nanoseconds.
    band: Vec<(f64, Interval)>,
    /// The value from which times are only lower bounds.
    bound: Option<f64>,
}

impl Curve {
    /// Builds a curve of these times, up to the last percentile with ten samples beyond it; `None` if there is none.
    pub(in crate::floors::report) fn from_times(
        label: String,
        look: Look,
        (response, service): (&Histogram, Option<&Histogram>),
        lower_bound_from_ns: Option<u64>,
    ) -> Option<Self> {
        let (response, mut service) = (points(response), service.map(points).unwrap_or_default());
        let differs = |(a, b): (&(f64, f64), &(f64, f64))| (a.1 - b.1).abs() > 0.05 * a.1.max(b.1);
        if !response.iter().zip(&service).any(differs) {
            service.clear();
        }
        (response.len() > 1).then(|| Self {
            label,
            look,
            response,
            service,
            band: Vec::new(),
            bound: lower_bound_from_ns.map(|ns| ns as f64),
        })
    }

    /// Returns the curve with a confidence band around the response times.
    pub(in crate::floors::report) fn within(self, band: &[Band]) -> Self {
        Self { band: band.iter().map(|band| (-(1.0 - band.share).log10(), band.interval)).collect(), ..self }
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        self.response.iter().chain(&self.service).map(|(_, ns)| *ns)
    }
}

/// Returns the value at each step in nines, in one pass over the histogram's buckets.
fn points(histogram: &Histogram) -> Vec<(f64, f64)> {
    let all = histogram.len() as f64;
    let mut buckets = histogram.buckets();
    let (mut value, mut seen) = (0, 0);
    let at = |nines: f64| {
        let wanted = all * (1.0 - 10_f64.powf(-nines));
        while (seen as f64) < wanted.max(1.0) - 1e-6 {
            let Some((up_to, count)) = buckets.next() else { break };
            (value, seen) = (up_to, seen + count);
        }
        (nines, value as f64)
    };
    stats::curve_places(histogram.len()).into_iter().map(at).collect()
}

impl Curves {
    /// Returns whether any curve has a confidence band.
    pub(in crate::floors::report) fn has_bands(&self) -> bool {
        self.series.iter().any(|curve| !curve.band.is_empty())
    }

    /// Returns whether service times are drawn too.
    pub(in crate::floors::report) fn has_service(&self) -> bool {
        self.series.iter().any(|curve| !curve.service.is_empty())
    }

    /// Draws the chart in one size.
    pub(in crate::floors::report) fn draw(&self, size: Size, caption: &Caption) -> String {
        let (corners, height) = match size {
            Size::Wide => (((62.0, 12.0), (650.0, 330.0)), 376),
            _ => (((46.0, 12.0), (212.0, 270.0)), 314),
        };
        let low = self.series.iter().flat_map(Curve::values).fold(f64::INFINITY, f64::min);
        let high = self.series.iter().flat_map(Curve::values).fold(0.0, f64::max);
        let last = self.series.iter().filter_map(|curve| curve.response.last()).map(|(x, _)| *x).fold(0.31, f64::max);
        let x = Scale::linear(0.0, last).with_ticks_at(nines(last));
        let y = Scale::of_times(low, high).with_ticks(6, labels::time);
        let drawn = svg(size, height, caption, |area| {
            let mut chart = plane(area, corners, &x, &y);
            draw_mesh(area, &mut chart, Mesh::GridAndLabels, Some(Ink::GRID));
            let note = ((corners.0).0, (corners.1).1 + 35.0);
            text(area, &about_axes(size, &y), note, HPos::Left, Face::Small);
            for draw in [Curve::draw_band, Curve::draw_lines, Curve::draw_markers] {
                for curve in &self.series {
                    of_model(&mut chart, &curve.label, |chart| draw(curve, chart));
                }
            }
            self.label_gap(&mut chart);
            let ends = self.series.iter().filter_map(|curve| {
                Some(LineEnd { at: *curve.response.last()?, label: &curve.label, look: curve.look })
            });
            end_labels(&mut chart, ends.collect());
        });
        with_data(&drawn, "curves", &self.readings(corners, last))
    }

    /// Labels the gap between response and service time, at its widest place and only if there is room for the label.
    fn label_gap(&self, chart: &mut Plane) {
        const ROOM: f64 = 26.0;
        let gaps = self.series.iter().flat_map(|curve| {
            let pairs = curve.response.iter().zip(&curve.service);
            pairs.map(|(response, service)| {
                (pixels(chart, *service).1 - pixels(chart, *response).1, *response, curve.look)
            })
        });
        let widest = gaps.max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((gap, at, look)) = widest.filter(|(gap, ..)| *gap > ROOM) {
            label(chart, "queueing", at, (-6.0, gap / 2.0), HPos::Right, Face::Named(look));
        }
    }

    /// Returns the data that the page's script reads out: the corners of the plot, the step and the whole width in
    /// nines, then each curve's name and its time at every step, in nanoseconds to three digits.
    fn readings(&self, ((left, top), (right, bottom)): Box2, width: f64) -> String {
        /// The number of nines between two readings.
        const STEP: f64 = 0.1;
        let mut text = format!("{left} {right} {top} {bottom} {STEP} {width:.4}");
        for curve in &self.series {
            let last = curve.response.last().map_or(0.0, |(nines, _)| *nines);
            let at = |step: u32| {
                let wanted = f64::from(step) * STEP;
                let found = curve.response.iter().find(|(nines, _)| *nines >= wanted - 1e-9);
                let ns = found.map_or(0.0, |(_, ns)| *ns);
                let unit = 10_f64.powf((ns.max(1.0).log10().floor() - 2.0).max(0.0));
                format!("{}", ((ns / unit).round() * unit) as u64)
            };
            let times: Vec<String> = (0..=(last / STEP + 1e-9) as u32).map(at).collect();
            text += &format!("|{};{}", curve.label, times.join(" "));
        }
        text
    }
}

/// Returns the ticks of the percentiles, up to this one.
fn nines(last: f64) -> Vec<Tick> {
    let names = ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"];
    let nines = [0.0, 2_f64.log10(), 1.0, 2.0, 3.0, 4.0, 5.0];
    let ticks = nines.into_iter().zip(names.map(str::to_owned));
    ticks.filter(|(at, _)| *at <= last + 1e-9).collect()
}

/// States how the axes are scaled.
fn about_axes(size: Size, times: &Scale) -> String {
    let percentiles = if size == Size::Wide { "percentile, on a log scale" } else { "percentile, log scale" };
    let times = match times {
        times if times.is_log() => "; times on a log scale",
        times if times.range().start == 0.0 => "",
        _ => "; times do not start at 0",
    };
    format!("{percentiles} in 1 \u{2212} p{times}")
}

impl Curve {
    fn draw_band(&self, chart: &mut Plane) {
        let upper = self.band.iter().map(|(nines, band)| (*nines, band.high));
        let lower = self.band.iter().rev().map(|(nines, band)| (*nines, band.low));
        self.fill(chart, upper.chain(lower).collect());
    }

    /// Fills an area in the thinned colour of the family.
    fn fill(&self, chart: &mut Plane, corners: Vec<(f64, f64)>) {
        if corners.len() > 2 {
            polygon(chart, corners, Ink { paint: Paint::Tint(self.look.family), variant: 0 });
        }
    }

    fn draw_lines(&self, chart: &mut Plane) {
        if !self.service.is_empty() {
            self.fill(chart, self.response.iter().chain(self.service.iter().rev()).copied().collect());
            path(chart, thinned(chart, &self.service), Ink { variant: 3, ..self.look.ink() }, 1);
        }
        path(chart, thinned(chart, &self.response), self.look.ink(), 2);
    }

    fn draw_markers(&self, chart: &mut Plane) {
        for nines in [2_f64.log10(), 1.0, 2.0, 3.0, 4.0] {
            if let Some(point) = self.response.iter().find(|(x, _)| *x >= nines - 1e-9) {
                marker(chart, *point, self.look);
            }
        }
        let bounded = self.bound.and_then(|bound| self.response.iter().find(|(_, ns)| *ns >= bound));
        if let Some(point) = bounded {
            label(chart, "≥", *point, (0.0, -10.0), HPos::Center, Face::Named(self.look));
        }
    }
}

/// Returns the points without those that lie between two others of the same height in the chart.
fn thinned(chart: &Plane, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let heights: Vec<i32> = points.iter().map(|point| chart.backend_coord(point).1).collect();
    let is_needed = |i: &usize| {
        let is_between = *i > 0 && *i + 1 < points.len();
        !(is_between && heights[*i - 1..=*i + 1].iter().all(|height| *height == heights[*i]))
    };
    (0..points.len()).filter(is_needed).map(|i| points[i]).collect()
}
