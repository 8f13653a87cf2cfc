//! Draws histograms of times, one per model, stacked on the same axes: they show clusters, combs and gaps that
//! percentiles hide.

use plotters::chart::ChartBuilder;
use plotters::coord::combinators::IntoLogRange as _;
use plotters::series::AreaSeries;
use plotters::style::text_anchor::HPos;

use super::axis::{self, Scale};
use super::{Area, Box2, Caption, Face, Ink, Look, Paint, Size, answer, fine, line, of_model, svg, text, text_width};
use crate::histogram::Histogram;
use crate::report::wording;
use crate::units;

/// The histograms of one kind of job.
pub(in crate::report) struct Densities<'a> {
    pub(in crate::report) rows: Vec<Density<'a>>,
}

/// The histogram of one model.
pub(in crate::report) struct Density<'a> {
    pub(in crate::report) label: String,
    pub(in crate::report) look: Look,
    pub(in crate::report) times: &'a Histogram,
}

impl Densities<'_> {
    /// Draws the chart in one size.
    pub(in crate::report) fn draw(&self, size: Size, caption: &Caption) -> String {
        let (left, right, row, n_bins) = match size {
            Size::Wide => (142.0, 780.0, 58.0, 106),
            _ => (1.0, 334.0, 72.0, 66),
        };
        let low = self.rows.iter().filter_map(|row| row.times.min()).min().unwrap_or(1).max(1) as f64;
        let high = self.rows.iter().filter_map(|row| row.times.max()).max().unwrap_or(2) as f64;
        // A bin is never narrower than the resolution of the histograms, three digits.
        let margin = (1.002_f64.powi(n_bins) / (high / low)).sqrt().max(1.02);
        let scale = Scale::log_around(low, high.max(low), margin);
        let bins: Vec<Vec<f64>> = self.rows.iter().map(|row| binned(row.times, scale, n_bins as usize)).collect();
        let most = bins.iter().flatten().copied().fold(0.0, f64::max);
        let bottom = 4.0 + row * self.rows.len() as f64;
        let x = |value: f64| left + scale.place(value) * (right - left);
        let drawn = svg(size, (bottom + 40.0) as i32, caption, |area| {
            let mut free_from = f64::NEG_INFINITY;
            for tick in scale.ticks(if size == Size::Wide { 8 } else { 5 }) {
                line(area, (x(tick), 4.0), (x(tick), bottom + 4.0), Ink::GRID, 1);
                let label = axis::time_label(tick);
                let half = text_width(&label) / 2.0;
                if x(tick) - half > free_from && x(tick) + half < f64::from(size.width()) {
                    let side = if x(tick) < half { HPos::Left } else { HPos::Center };
                    text(area, &label, (x(tick), bottom + 14.0), side, Face::Small);
                    free_from = x(tick) + half + 4.0;
                }
            }
            for (i, (density, bins)) in self.rows.iter().zip(&bins).enumerate() {
                let base = 4.0 + row * (i + 1) as f64;
                let height = if size == Size::Wide { row - 10.0 } else { row - 26.0 };
                of_model(area, &density.label, |area| {
                    match size {
                        Size::Wide => text(area, &density.label, (132.0, base - 12.0), HPos::Right, Face::Plain),
                        _ => text(area, &density.label, (1.0, base - row + 14.0), HPos::Left, Face::Plain),
                    }
                    let most = most.max(f64::MIN_POSITIVE);
                    steps(area, density.look, bins, scale, ((left, base - height), (right, base)), most);
                    density.mark_percentiles(area, size, &x, (base, height));
                    if size == Size::Wide {
                        let samples = units::counted(density.times.len(), "sample", "samples");
                        text(area, &samples, (132.0, base - 28.0), HPos::Right, Face::Small);
                    }
                });
                if size == Size::Wide {
                    density.answer_bins(area, bins, scale, ((left, base - height), (right, base)));
                }
            }
            let note = format!("the tallest bin holds {:.1} % of its model's samples", most * 100.0);
            text(area, &note, (left, bottom + 32.0), HPos::Left, Face::Small);
        });
        // The page's script can lay the rows over each other.
        if size == Size::Wide { drawn.replacen("<svg ", &format!("<svg data-overlay=\"{row}\" "), 1) } else { drawn }
    }
}

impl Density<'_> {
    /// Marks the percentiles that enough samples support, the higher ones with their names.
    fn mark_percentiles(&self, area: &Area, size: Size, x: &dyn Fn(f64) -> f64, (base, height): (f64, f64)) {
        const MARKED: [(f64, &str); 3] = [(0.5, "p50"), (0.99, "p99"), (0.999, "p99.9")];
        let ink = Ink { variant: 0, ..self.look.ink() };
        let mut free_from = f64::NEG_INFINITY;
        for (share, name) in MARKED {
            let Some(ns) = self.times.credible_quantile(share) else { continue };
            let at = x(ns as f64);
            line(area, (at, base - height * 0.75), (at, base + 3.0), ink, 1);
            let half = text_width(name) / 2.0;
            if size == Size::Wide && at - half > free_from {
                text(area, name, (at, base - height * 0.75 - 7.0), HPos::Center, Face::Small);
                free_from = at + half;
            }
        }
    }

    /// Makes each bin that is not empty answer with its times and their number.
    fn answer_bins(&self, area: &Area, bins: &[f64], scale: Scale, ((left, top), (right, base)): Box2) {
        let width = (right - left) / bins.len() as f64;
        let all = self.times.len();
        for (i, share) in bins.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            let ends = [i, i + 1].map(|k| wording::time(scale.value(k as f64 / bins.len() as f64)));
            let count = (share * all as f64).round() as u64;
            let says = format!(
                "{}: {} to {}: {} of {} ({})",
                self.label,
                ends[0],
                ends[1],
                units::count(count),
                units::count(all),
                wording::percent(*share)
            );
            let from = left + width * i as f64;
            answer(area, ((from, top), (from + width, base)), &self.label, &says);
        }
    }
}

/// Returns the share of all times in each of this many equal parts of the scale.
fn binned(times: &Histogram, scale: Scale, n_bins: usize) -> Vec<f64> {
    let mut bins = vec![0.0; n_bins];
    for (ns, count) in times.buckets() {
        let bin = (scale.place(ns as f64) * n_bins as f64) as usize;
        bins[bin.min(n_bins - 1)] += count as f64 / times.len() as f64;
    }
    bins
}

/// Draws the histogram of a model as areas over the bins that are not empty, on a base line.
fn steps(area: &Area, look: Look, bins: &[f64], scale: Scale, ((left, top), (right, base)): Box2, most: f64) {
    let plot = area.clone().shrink((fine(left), fine(top)), (fine(right - left), fine(base - top)));
    let (from, to) = scale.ends();
    let mut chart =
        ChartBuilder::on(&plot).build_cartesian_2d((from..to).log_scale(), 0.0..most).expect("drawing into memory");
    let tint = Ink { paint: Paint::Tint(look.family), variant: 0 }.color();
    let border = Ink { variant: 0, ..look.ink() }.color();
    // A bin with few times is still visible.
    let least = most * 1.5 / (base - top);
    let at = |k: usize| scale.value(k as f64 / bins.len() as f64);
    let filled = |k: &usize| bins[*k] > 0.0;
    let mut next = (0..bins.len()).find(filled);
    while let Some(first) = next {
        let end = (first..bins.len()).find(|k| !filled(k)).unwrap_or(bins.len());
        let tops = (first..end).flat_map(|k| [at(k), at(k + 1)].map(|ns| (ns, bins[k].max(least))));
        let outline: Vec<(f64, f64)> = [(at(first), 0.0)].into_iter().chain(tops).chain([(at(end), 0.0)]).collect();
        let series = AreaSeries::new(outline, 0.0, tint).border_style(border);
        chart.draw_series(series).expect("drawing into memory");
        next = (end..bins.len()).find(filled);
    }
    line(area, (left, base), (right, base), Ink::MUTED, 1);
}
