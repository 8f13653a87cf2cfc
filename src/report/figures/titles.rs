//! Writes titles that state what a chart shows: the lowest and the highest of its models.

use super::super::wording;
use crate::analysis::Estimate;
use crate::stats::Bound;

/// Returns a title from figures over the rounds.
pub(super) fn of_estimates<'a>(subject: &str, figures: impl Iterator<Item = (String, &'a Estimate)> + Clone) -> String {
    let Some(metric) = figures.clone().next().map(|(_, figure)| figure.metric) else { return subject.to_owned() };
    let values = figures.map(|(model, figure)| (model, figure.value(), figure.bound())).collect();
    extremes(subject, values, &|value| wording::figure(metric, value))
}

/// Returns a title: `Wall time: async 102 ms, pool/50 2.01 s`; the subject alone without a figure.
pub(super) fn extremes(subject: &str, mut figures: Vec<(String, f64, Bound)>, show: &dyn Fn(f64) -> String) -> String {
    /// The ratio up to which two figures look alike in a chart.
    const ALIKE: f64 = 1.02;
    figures.retain(|(_, figure, _)| figure.is_finite());
    let show = |figure: f64, bound: Bound| format!("{}{}", bound.sign(), show(figure));
    figures.sort_by(|a, b| a.1.total_cmp(&b.1));
    match figures.as_slice() {
        [] => subject.to_owned(),
        [(model, figure, bound)] => format!("{subject}: {model} {}", show(*figure, *bound)),
        [(_, low, bound), .., (_, high, other)] if high / low <= ALIKE => {
            format!("{subject}: {} for all models", show((low * high).sqrt(), bound.and(*other)))
        }
        [(fewest, low, of_low), .., (most, high, of_high)] => {
            format!("{subject}: {fewest} {}, {most} {}", show(*low, *of_low), show(*high, *of_high))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_names_the_lowest_and_the_highest() {
        let title = |figures: &[(&str, f64)]| {
            let figures = figures.iter().map(|(model, f)| ((*model).to_owned(), *f, Bound::Exact)).collect();
            extremes("Wall time", figures, &|f| format!("{f:.0} ms"))
        };
        assert_eq!(title(&[("b", 20.0), ("a", 10.0), ("c", 15.0)]), "Wall time: a 10 ms, b 20 ms");
        assert_eq!(title(&[("a", 10.0), ("b", 10.1)]), "Wall time: 10 ms for all models");
        assert_eq!(title(&[("a", 10.0)]), "Wall time: a 10 ms");
        assert_eq!(title(&[("a", f64::NAN), ("b", 0.0), ("c", 7.0)]), "Wall time: b 0 ms, c 7 ms");
        assert_eq!(title(&[]), "Wall time");
    }

    #[test]
    fn a_title_keeps_the_sign_of_a_bound() {
        let figures = [("a".to_owned(), 10.0, Bound::Exact), ("b".to_owned(), 20.0, Bound::AtLeast)];
        let title = extremes("p99", figures.into(), &|f| format!("{f:.0} ms"));
        assert_eq!(title, "p99: a 10 ms, b ≥ 20 ms");
    }
}
