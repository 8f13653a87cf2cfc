//! Draws percentile curves: time over percentile, on an axis that gives each further nine (90 %, 99 %, 99.9 %) the same
//! width.

use std::convert::Infallible;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::combinators::IntoLogRange as _;
use plotters::coord::ranged1d::Ranged;
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::element::Polygon;
use plotters::series::LineSeries;
use plotters::style::Color as _;
use plotters::style::text_anchor::HPos;

use super::axis::{self, Scale};
use super::{
    Area, Caption, Face, Ink, LineEnd, Look, Paint, Size, Svg, dashed, end_labels, fine, line, marker, of_model, svg,
    text, text_width,
};
use crate::histogram::Histogram;
use crate::stats::{self, Band, Interval};

/// The percentile curves of one kind of job.
pub(in crate::report) struct Curves {
    pub(in crate::report) series: Vec<Curve>,
}

/// The curve of one model.
pub(in crate::report) struct Curve {
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
    pub(in crate::report) fn from_times(
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
    pub(in crate::report) fn within(self, band: &[Band]) -> Self {
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

/// The corners of the plot in pixels.
struct Plot {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Curves {
    /// Returns whether any curve has a confidence band.
    pub(in crate::report) fn has_bands(&self) -> bool {
        self.series.iter().any(|curve| !curve.band.is_empty())
    }

    /// Returns whether service times are drawn too.
    pub(in crate::report) fn has_service(&self) -> bool {
        self.series.iter().any(|curve| !curve.service.is_empty())
    }

    /// Draws the chart in one size.
    pub(in crate::report) fn draw(&self, size: Size, caption: &Caption) -> String {
        let (plot, height) = match size {
            Size::Wide => (Plot { left: 62.0, right: 650.0, top: 12.0, bottom: 330.0 }, 376),
            _ => (Plot { left: 46.0, right: 212.0, top: 12.0, bottom: 270.0 }, 314),
        };
        let low = self.series.iter().flat_map(Curve::values).fold(f64::INFINITY, f64::min);
        let high = self.series.iter().flat_map(Curve::values).fold(0.0, f64::max);
        let scale = Scale::of_times(low, high);
        let last = self.series.iter().filter_map(|curve| curve.response.last()).map(|(x, _)| *x).fold(0.31, f64::max);
        let x = |nines: f64| plot.left + nines / last * (plot.right - plot.left);
        let y = |ns: f64| plot.bottom - scale.place(ns) * (plot.bottom - plot.top);
        let drawn = svg(size, height, caption, |area| {
            grid(area, size, &plot, scale, last, (&x, &y));
            let size = (fine(plot.right - plot.left), fine(plot.bottom - plot.top));
            let inside = area.clone().shrink((fine(plot.left), fine(plot.top)), size);
            let mut chart = ChartBuilder::on(&inside);
            let (from, to) = scale.ends();
            match scale {
                Scale::Linear(..) => self.draw_lines(chart.build_cartesian_2d(0.0..last, from..to), area, &y),
                Scale::Log(..) => {
                    self.draw_lines(chart.build_cartesian_2d(0.0..last, (from..to).log_scale()), area, &y)
                }
            }
            for curve in &self.series {
                of_model(area, &curve.label, |area| curve.draw_markers(area, &x, &y));
            }
            self.label_gap(area, &x, &y);
            let ends = self.series.iter().filter_map(|curve| {
                let (nines, ns) = curve.response.last()?;
                Some(LineEnd { at: (x(*nines), y(*ns)), label: &curve.label, look: curve.look })
            });
            end_labels(area, (plot.right, plot.bottom), ends.collect());
        });
        drawn.replacen("<svg ", &format!("<svg data-curves=\"{}\" ", self.readings(&plot, last)), 1)
    }

    /// Draws the bands, then the curves above them.
    fn draw_lines<Y: Ranged<ValueType = f64>>(&self, chart: Built<'_, '_, Y>, area: &Area, y: AxisMap) {
        let mut chart = chart.expect("drawing into memory");
        for curve in &self.series {
            of_model(area, &curve.label, |_| curve.draw_band(&mut chart));
        }
        for curve in &self.series {
            of_model(area, &curve.label, |area| curve.draw(&mut chart, area, y));
        }
    }

    /// Labels the gap between response and service time, at its widest place and only if there is room for the label.
    fn label_gap(&self, area: &Area, x: AxisMap, y: AxisMap) {
        const ROOM: f64 = 26.0;
        let gaps = self.series.iter().flat_map(|curve| {
            let pairs = curve.response.iter().zip(&curve.service);
            pairs.map(move |((nines, response), (_, service))| {
                (y(*service) - y(*response), (x(*nines), y(*response)), curve.look)
            })
        });
        if let Some((gap, (at, top), look)) = gaps.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(gap, ..)| *gap > ROOM) {
            text(area, "queueing", (at - 6.0, top + gap / 2.0), HPos::Right, Face::Named(look));
        }
    }

    /// Returns the data that the page's script reads out: the corners of the plot, the step and the whole width in
    /// nines, then each curve's name and its time at every step, in nanoseconds to three digits.
    fn readings(&self, plot: &Plot, width: f64) -> String {
        /// The number of nines between two readings.
        const STEP: f64 = 0.1;
        let mut text = format!("{} {} {} {} {STEP} {width:.4}", plot.left, plot.right, plot.top, plot.bottom);
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

type AxisMap<'a> = &'a dyn Fn(f64) -> f64;

fn grid(area: &Area, size: Size, plot: &Plot, scale: Scale, last: f64, (x, y): (AxisMap, AxisMap)) {
    for tick in scale.ticks(6) {
        line(area, (plot.left, y(tick)), (plot.right, y(tick)), Ink::GRID, 1);
        text(area, &axis::time_label(tick), (plot.left - 8.0, y(tick)), HPos::Right, Face::Small);
    }
    let names = ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"];
    let nines = [0.0, 2_f64.log10(), 1.0, 2.0, 3.0, 4.0, 5.0];
    let mut free_from = f64::NEG_INFINITY;
    for (name, at) in names.iter().zip(nines).filter(|(_, at)| *at <= last + 1e-9) {
        line(area, (x(at), plot.top), (x(at), plot.bottom + 4.0), Ink::GRID, 1);
        let half = text_width(name) / 2.0;
        if x(at) - half > free_from {
            text(area, name, (x(at), plot.bottom + 15.0), HPos::Center, Face::Small);
            free_from = x(at) + half + 2.0;
        }
    }
    let axis = match scale {
        Scale::Log(..) => "; times on a log scale",
        Scale::Linear(..) if !scale.begins_at_zero() => "; times do not start at 0",
        Scale::Linear(..) => "",
    };
    let note = match size {
        Size::Wide => format!("percentile, on a log scale in 1 \u{2212} p{axis}"),
        _ => format!("percentile, log scale in 1 \u{2212} p{axis}"),
    };
    text(area, &note, (plot.left, plot.bottom + 35.0), HPos::Left, Face::Small);
}

/// A plot of times over nines, and whether it could be built.
type Built<'a, 'svg, Y> = Result<Plane<'a, 'svg, Y>, DrawingAreaErrorKind<Infallible>>;
type Plane<'a, 'svg, Y> = ChartContext<'a, Svg<'svg>, Cartesian2d<RangedCoordf64, Y>>;

impl Curve {
    fn draw_band<Y: Ranged<ValueType = f64>>(&self, chart: &mut Plane<'_, '_, Y>) {
        let upper = self.band.iter().map(|(nines, band)| (*nines, band.high));
        let lower = self.band.iter().rev().map(|(nines, band)| (*nines, band.low));
        self.fill(chart, upper.chain(lower).collect());
    }

    /// Fills an area in the thinned colour of the family.
    fn fill<Y: Ranged<ValueType = f64>>(&self, chart: &mut Plane<'_, '_, Y>, corners: Vec<(f64, f64)>) {
        let tint = Ink { paint: Paint::Tint(self.look.family), variant: 0 };
        if corners.len() > 2 {
            let polygon = Polygon::new(corners, tint.color().filled());
            chart.draw_series([polygon]).expect("drawing into memory");
        }
    }

    fn draw<Y: Ranged<ValueType = f64>>(&self, chart: &mut Plane<'_, '_, Y>, area: &Area, y: AxisMap) {
        if !self.service.is_empty() {
            self.fill(chart, self.response.iter().chain(self.service.iter().rev()).copied().collect());
            let thin = Ink { variant: 3, ..self.look.ink() };
            dashed(area, thin, |_| {
                let line = LineSeries::new(thinned(&self.service, y), thin.color());
                chart.draw_series(line).expect("drawing into memory");
            });
        }
        dashed(area, self.look.ink(), |_| {
            let line = LineSeries::new(thinned(&self.response, y), self.look.ink().color().stroke_width(2));
            chart.draw_series(line).expect("drawing into memory");
        });
    }

    fn draw_markers(&self, area: &Area, x: AxisMap, y: AxisMap) {
        for nines in [2_f64.log10(), 1.0, 2.0, 3.0, 4.0] {
            if let Some(point) = self.response.iter().find(|(x, _)| *x >= nines - 1e-9) {
                marker(area, (x(point.0), y(point.1)), self.look);
            }
        }
        let bounded = self.bound.and_then(|bound| self.response.iter().find(|(_, ns)| *ns >= bound));
        if let Some((nines, ns)) = bounded {
            text(area, "≥", (x(*nines), y(*ns) - 10.0), HPos::Center, Face::Named(self.look));
        }
    }
}

/// Returns the points without those that lie between two others of the same height in the chart.
fn thinned(points: &[(f64, f64)], y: AxisMap) -> Vec<(f64, f64)> {
    let heights: Vec<f64> = points.iter().map(|(_, ns)| y(*ns)).collect();
    let needed = |i: usize| {
        let around = (i.checked_sub(1).and_then(|before| heights.get(before)), heights.get(i + 1));
        !matches!(around, (Some(a), Some(b)) if (a - heights[i]).abs() < 0.05 && (b - heights[i]).abs() < 0.05)
    };
    (0..points.len()).filter(|i| needed(*i)).map(|i| points[i]).collect()
}
