//! Titles that state what a chart shows: the lowest and the highest of its models.

/// `Wall time: 102 ms under async, 2.01 s under pool/50`; the subject alone where there is no figure.
pub(super) fn extremes(
    subject: &str,
    figures: impl Iterator<Item = (String, f64)>,
    show: impl Fn(f64) -> String,
) -> String {
    /// No more apart than this nobody sees it.
    const ALIKE: f64 = 1.02;
    let mut figures: Vec<(String, f64)> = figures.filter(|(_, figure)| figure.is_finite() && *figure > 0.0).collect();
    figures.sort_by(|a, b| a.1.total_cmp(&b.1));
    match figures.as_slice() {
        [] => subject.to_owned(),
        [(model, figure)] => format!("{subject}: {} under {model}", show(*figure)),
        [(_, low), .., (_, high)] if high / low <= ALIKE => {
            format!("{subject}: {} under each", show((low * high).sqrt()))
        }
        [(fewest, low), .., (most, high)] => {
            format!("{subject}: {} under {fewest}, {} under {most}", show(*low), show(*high))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_says_from_where_to_where() {
        let title = |figures: &[(&str, f64)]| {
            extremes("Wall time", figures.iter().map(|(model, f)| ((*model).to_owned(), *f)), |f| format!("{f:.0} ms"))
        };
        assert_eq!(title(&[("b", 20.0), ("a", 10.0), ("c", 15.0)]), "Wall time: 10 ms under a, 20 ms under b");
        assert_eq!(title(&[("a", 10.0), ("b", 10.1)]), "Wall time: 10 ms under each");
        assert_eq!(title(&[("a", 10.0)]), "Wall time: 10 ms under a");
        assert_eq!(title(&[("a", f64::NAN), ("b", 0.0)]), "Wall time");
    }
}
