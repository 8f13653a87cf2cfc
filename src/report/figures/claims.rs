//! The claims of a scenario: each figure as a multiple of what was claimed, over the bounds.

use super::super::chart::forest::{Forest, Panel};
use super::super::claims::Judged;
use super::super::summary::PointSummary;
use super::{both, look};
use crate::scenario::Against;
use crate::stats::Interval;

/// A panel a claim, numbered as in the table; empty where nothing was measured.
pub(in crate::report) fn svg(claims: &[Judged<'_>], points: &[PointSummary], id: &str) -> String {
    let panel = |(i, judged): (usize, &Judged<'_>)| {
        let point = points.iter().find(|point| point.label == judged.point)?;
        let (ratio, of) = (judged.ratio?, point.cell(judged.claim.of)?);
        let (low, high) = judged.claim.between;
        let than = match &judged.claim.against {
            Against::Formula(formula) => formula.to_string(),
            Against::Model(model) => model.to_string(),
        };
        let title = format!("{}. {} ÷ {than}", i + 1, judged.claim.metric.heading(&point.work));
        Some(Panel {
            title: shortened(&title),
            band: Interval { low, high },
            rows: vec![(judged.claim.of.to_string(), look(point, of), ratio)],
        })
    };
    let forest = Forest { panels: claims.iter().enumerate().filter_map(panel).collect() };
    if forest.panels.is_empty() {
        return String::new();
    }
    let told = |(i, judged): (usize, &Judged<'_>)| {
        let (word, bounds) = (judged.verdict.word(), judged.bounds_in_words());
        format!("{}: {word}, {} times where {bounds} was claimed.", i + 1, judged.ratio_in_words())
    };
    let finding: Vec<String> = claims.iter().enumerate().map(told).collect();
    let title = "What was measured, as a multiple of what was claimed";
    both(id, title, &finding.join(" "), |size, caption| forest.draw(size, caption))
}

/// As much as the narrow picture holds.
fn shortened(title: &str) -> String {
    const MOST: usize = 34;
    if title.chars().count() <= MOST {
        return title.to_owned();
    }
    format!("{}…", title.chars().take(MOST - 1).collect::<String>().trim_end())
}
