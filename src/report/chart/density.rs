//! Draws histograms of times, one per model, stacked on the same axes: they show clusters, combs and gaps that
//! percentiles hide.

use plotters::series::AreaSeries;
use plotters::style::text_anchor::HPos;

use super::elements::{Face, answer, label, line, of_model, pixels, stroke, text, text_width};
use super::mesh::{Mesh, draw_mesh};
use super::scale::{Scale, part};
use super::{Caption, Ink, Look, Paint, Plane, Size, labels, plane, rows, svg, with_data};
use crate::histogram::Histogram;
use crate::report::wording;
use crate::units;

/// The histograms of one kind of job.
pub(in crate::floors::report) struct Densities<'a> {
    pub(in crate::floors::report) rows: Vec<Density<'a>>,
}

/// The histogram of one model.
pub(in crate::floors::report) struct Density<'a> {
    pub(in crate::floors::report) label: String,
    pub(in crate::floors::report) look: Look,
    pub(in crate::floors::report) times: &'a Histogram,
}

impl Densities<'_> {
    /// Draws the chart in one size.
    pub(in crate::floors::report) fn draw(&self, size: Size, caption: &Caption) -> String {
        let (left, right, row_height, height, n_bins) = match size {
            Size::Wide => (142.0, 780.0, 58.0, 48.0, 106),
            _ => (1.0, 334.0, 72.0, 46.0, 66),
        };
        let low = self.rows.iter().filter_map(|row| row.times.min()).min().unwrap_or(1).max(1) as f64;
        let high = self.rows.iter().filter_map(|row| row.times.max()).max().unwrap_or(2) as f64;
        // A bin is never narrower than the resolution of the histograms, three digits.
        let margin = (1.002_f64.powi(n_bins) / (high / low)).sqrt().max(1.02);
        let x = Scale::log_around(low, high.max(low), margin);
        let ends = x.log_parts(n_bins as usize);
        let x = x.with_ticks(if size == Size::Wide { 8 } else { 5 }, labels::time);
        let bins: Vec<Vec<f64>> = self.rows.iter().map(|row| binned(row.times, &ends)).collect();
        let most = bins.iter().flatten().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let bottom = 4.0 + row_height * self.rows.len() as f64;
        let drawn = svg(size, (bottom + 40.0) as i32, caption, |area| {
            let mut all = plane(area, ((left, 4.0), (right, bottom)), &x, &Scale::linear(0.0, 1.0));
            draw_mesh(area, &mut all, Mesh::GridAndLabels, Some(Ink::GRID));
            let rows = rows(area, 4.0, row_height, self.rows.len());
            for ((density, bins), row) in self.rows.iter().zip(&bins).zip(rows) {
                let corners = ((left, row_height - height), (right, row_height));
                let mut chart = plane(&row, corners, &x, &Scale::linear(0.0, most));
                of_model(&mut chart, &density.label, |chart| {
                    match size {
                        Size::Wide => text(&row, &density.label, (132.0, 46.0), HPos::Right, Face::Plain),
                        _ => text(&row, &density.label, (1.0, 14.0), HPos::Left, Face::Plain),
                    }
                    // A bin with few times is still visible.
                    draw_bins(chart, density.look, &ends, bins, most * 1.5 / height);
                    density.mark_percentiles(chart, size, 0.75 * height);
                    if size == Size::Wide {
                        let samples = units::counted(density.times.len(), "sample", "samples");
                        text(&row, &samples, (132.0, 30.0), HPos::Right, Face::Small);
                    }
                });
                if size == Size::Wide {
                    density.answer_bins(&chart, &ends, bins);
                }
            }
            let note = format!("the tallest bin holds {:.1} % of its model's samples", most * 100.0);
            text(area, &note, (left, bottom + 32.0), HPos::Left, Face::Small);
        });
        // The page's script can lay the rows over each other.
        if size == Size::Wide { with_data(&drawn, "overlay", &row_height.to_string()) } else { drawn }
    }
}

impl Density<'_> {
    /// Marks the percentiles that enough samples support, with a line of this height in pixels, and names them.
    fn mark_percentiles(&self, chart: &mut Plane, size: Size, height: f64) {
        const MARKED: [(f64, &str); 3] = [(0.5, "p50"), (0.99, "p99"), (0.999, "p99.9")];
        let ink = Ink { variant: 0, ..self.look.ink() };
        let mut free_from = f64::NEG_INFINITY;
        for (share, name) in MARKED {
            let Some(ns) = self.times.credible_quantile(share) else { continue };
            let foot = (ns as f64, 0.0);
            stroke(chart, foot, &[(0.0, -height), (0.0, 3.0)], ink, 1);
            let (middle, half) = (pixels(chart, foot).0, text_width(chart, name, Face::Small) / 2.0);
            if size == Size::Wide && middle - half > free_from {
                label(chart, name, foot, (0.0, -height - 7.0), HPos::Center, Face::Small);
                free_from = middle + half;
            }
        }
    }

    /// Makes each bin that is not empty answer with its times and their number.
    fn answer_bins(&self, chart: &Plane, ends: &[f64], bins: &[f64]) {
        let all = self.times.len();
        for (ends, share) in ends.windows(2).zip(bins).filter(|(_, share)| **share > 0.0) {
            let count = (share * all as f64).round() as u64;
            let says = format!(
                "{}: {} to {}: {} of {} ({})",
                self.label,
                wording::time(ends[0]),
                wording::time(ends[1]),
                units::count(count),
                units::count(all),
                wording::percent(*share)
            );
            answer(chart, ((ends[0], chart.y_range().end), (ends[1], 0.0)), &self.label, &says);
        }
    }
}

/// Returns the share of all times in each of the bins with these ends.
fn binned(times: &Histogram, ends: &[f64]) -> Vec<f64> {
    let mut bins = vec![0.0; ends.len() - 1];
    for (ns, count) in times.buckets() {
        bins[part(ends, ns as f64)] += count as f64 / times.len() as f64;
    }
    bins
}

/// Draws the bins that are not empty as areas, at least this high, on a base line.
fn draw_bins(chart: &mut Plane, look: Look, ends: &[f64], bins: &[f64], least: f64) {
    let tint = Ink { paint: Paint::Tint(look.family), variant: 0 }.color();
    let border = Ink { variant: 0, ..look.ink() }.color();
    let filled = |k: &usize| bins[*k] > 0.0;
    let mut next = (0..bins.len()).find(filled);
    while let Some(first) = next {
        let end = (first..bins.len()).find(|k| !filled(k)).unwrap_or(bins.len());
        let tops = (first..end).flat_map(|k| [ends[k], ends[k + 1]].map(|ns| (ns, bins[k].max(least))));
        let outline: Vec<(f64, f64)> = [(ends[first], 0.0)].into_iter().chain(tops).chain([(ends[end], 0.0)]).collect();
        let series = AreaSeries::new(outline, 0.0, tint).border_style(border);
        chart.draw_series(series).expect("drawing into memory");
        next = (end..bins.len()).find(filled);
    }
    line(chart, (ends[0], 0.0), (ends[bins.len()], 0.0), Ink::MUTED, 1);
}
