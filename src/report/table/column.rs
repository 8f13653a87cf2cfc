//! Holds the columns of a table: the heading, and the figure of a cell as text.

use crate::analysis::{CellSummary, Control, Difference, Estimate, ModelRatio, SeriesSummary};
use crate::report::{ratios, wording};
use crate::scenario::{Metric, Origin, Unit, Work};
use crate::stats::{Interval, Ratio};
use crate::units;

/// A figure and, if the rounds differ, its interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::floors::report) struct FigureText {
    pub(in crate::floors::report) text: String,
    pub(in crate::floors::report) range: Option<String>,
    /// The estimate behind the text, if it is a time or a size, which a page shows in one unit per column.
    pub(in crate::floors::report) estimate: Option<Estimate>,
}

/// The content of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::floors::report) enum Column {
    /// A figure of the cell; a figure of times is that of one series.
    Figure(Metric),
    /// The number of times in all rounds together.
    Samples,
    /// The ratio of a figure to the reference's.
    Versus(Metric),
}

impl Column {
    /// Returns the heading of the column.
    pub(in crate::floors::report) fn heading(self, work: &Work) -> &'static str {
        match self {
            Self::Figure(metric) | Self::Versus(metric) => metric.heading(work),
            Self::Samples => "samples",
        }
    }

    pub(super) fn figure(self, cell: &CellSummary, series: Option<&SeriesSummary>) -> FigureText {
        match self {
            Self::Figure(metric) if metric.origin() == Origin::Series => {
                series.and_then(|series| series.figure(metric)).map_or_else(|| plain("n/a".into()), estimate)
            }
            Self::Figure(metric) => {
                cell.figure(metric).map_or_else(|| plain("–".into()), |figure| of_cell(cell, figure))
            }
            Self::Samples => series.map(|series| plain(units::count(series.response.len()))).unwrap_or_default(),
            Self::Versus(_) => plain("–".into()),
        }
    }
}

pub(super) fn plain(text: String) -> FigureText {
    FigureText { text, range: None, estimate: None }
}

fn estimate(figure: &Estimate) -> FigureText {
    let text = match figure.metric.unit() {
        // The heading names the unit.
        Unit::PerSecond => format!("{}{}", figure.bound().sign(), wording::per_second(figure.value())),
        _ => wording::estimate(figure),
    };
    let is_scaled = matches!(figure.metric.unit(), Unit::Nanoseconds | Unit::Bytes);
    FigureText { text, range: wording::estimate_range(figure), estimate: is_scaled.then(|| figure.clone()) }
}

/// Formats a figure of a cell, with what belongs beside it.
fn of_cell(cell: &CellSummary, figure: &Estimate) -> FigureText {
    let shown = estimate(figure);
    match figure.metric {
        Metric::Memory => {
            let resident = cell.figure(Metric::ResidentMemory).map(wording::estimate);
            FigureText { range: resident.map(|resident| format!("{resident} resident")), estimate: None, ..shown }
        }
        Metric::Starved => {
            let connections = cell.measures.as_ref().and_then(|measures| Some(measures.load.as_ref()?.connections));
            let of = connections.map_or_else(String::new, |all| format!(" of {}", units::count(all.into())));
            FigureText { text: format!("{}{of}", shown.text), ..shown }
        }
        _ => shown,
    }
}

/// Formats a ratio, `1.71 ×`, with its interval and the two means, or that no difference was found.
pub(super) fn ratio(versus: &ModelRatio) -> FigureText {
    let FigureText { text, range, .. } = multiple(versus.metric, &versus.ratio);
    match versus.difference {
        Difference::More | Difference::Less => FigureText { text, range, estimate: None },
        Difference::NoneFound { detectable } => FigureText {
            text: format!("under {}", wording::excess(detectable)),
            range: range.map(|range| format!("{text}, {range}")),
            estimate: None,
        },
        Difference::Incomparable(obstacle) => {
            FigureText { text: "n/a".into(), range: Some(ratios::obstacle(&obstacle)), estimate: None }
        }
    }
}

/// Formats the ratio of the control to the model that it repeats.
pub(super) fn control(control: &Control, metric: Metric) -> FigureText {
    control.ratio(metric).map_or_else(|| plain("n/a".into()), |ratio| multiple(metric, ratio))
}

fn multiple(metric: Metric, ratio: &Ratio) -> FigureText {
    let sign = ratio.bound.sign();
    let wording::SideBySide { below, above, ratio: shown } = wording::side_by_side(metric, ratio);
    let interval = ratio.interval.map_or_else(String::new, |Interval { low, high }| {
        format!("{sign}{} to {sign}{}; ", units::three_digits(low), units::three_digits(high))
    });
    FigureText {
        text: format!("{sign}{} ×", units::three_digits(shown)),
        range: Some(format!("{interval}{above} / {below}")),
        estimate: None,
    }
}
