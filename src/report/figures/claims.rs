//! Draws the claims of a scenario: the ratio of each measured figure to the claimed one, over the claimed bounds.

use super::super::chart::forest::{Forest, ForestPanel, ForestRow};
use super::super::claims;
use super::{draw_both, look_of};
use crate::analysis::{JudgedClaim, PointSummary};
use crate::scenario::Against;
use crate::stats::Interval;
use crate::text;

/// The maximum length of a title in the narrow chart, in characters.
const NARROW: usize = 34;

/// Draws one panel per claim, numbered as in the table; empty if nothing was measured.
pub(in crate::floors::report) fn svg(all: &[JudgedClaim<'_>], points: &[PointSummary], id: &str) -> String {
    let panel = |(i, judged): (usize, &JudgedClaim<'_>)| {
        let point = points.iter().find(|point| point.at == *judged.point)?;
        let (ratio, of) = (judged.ratio?, point.cell(judged.model)?);
        let (low, high) = judged.claim.bounds;
        let than = match &judged.claim.against {
            Against::Formula(formula) => formula.to_string(),
            Against::Model(model) => model.to_string(),
        };
        let rounds = match &judged.claim.against {
            Against::Model(model) => {
                point.cell(*model).map(|below| point.round_ratios(judged.claim.metric, of, below)).unwrap_or_default()
            }
            Against::Formula(_) => Vec::new(),
        };
        let title = format!("{}. {} ÷ {than}", i + 1, judged.claim.metric.heading(&point.work));
        Some(ForestPanel {
            title: text::shortened(&title, NARROW).into_owned(),
            band: Interval { low, high },
            rows: vec![ForestRow { label: judged.model.to_string(), look: look_of(point, of), ratio, rounds }],
        })
    };
    let forest = Forest { panels: all.iter().enumerate().filter_map(panel).collect() };
    if forest.panels.is_empty() {
        return String::new();
    }
    let sentence = |(i, judged): (usize, &JudgedClaim<'_>)| {
        let (word, bounds) = (judged.verdict.word(), claims::bounds(judged));
        format!("{}: {word}, ratio {}, claimed {bounds}.", i + 1, claims::ratio(judged))
    };
    let finding: Vec<String> = all.iter().enumerate().map(sentence).collect();
    let title = "Ratio of the measured to the claimed value";
    draw_both(id, title, &finding.join(" "), |size, caption| forest.draw(size, caption))
}
