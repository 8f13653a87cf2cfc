//! The scoreboard: claims, what was measured, and the verdicts.

use super::super::claims::{self, Judged, Verdict};
use super::super::figures;
use super::super::summary::PointSummary;
use super::super::words;
use crate::record::Run;
use crate::scenario::Scenario;

/// A table of claims.
pub(super) struct Claims {
    pub(super) caption: &'static str,
    /// `23 claims: 21 reproduced, 2 inconclusive.`
    pub(super) score: String,
    pub(super) rows: Vec<ClaimView>,
    /// Their picture, where it stands beside.
    pub(super) svg: String,
}

pub(super) struct ClaimView {
    pub(super) says: String,
    /// The page of its scenario, where that is another.
    pub(super) href: String,
    pub(super) source: Option<String>,
    pub(super) verdict: &'static str,
    pub(super) why: String,
    pub(super) subject: String,
    pub(super) measured: String,
    pub(super) expected: String,
    pub(super) ratio: String,
    pub(super) bounds: String,
}

/// Those of all scenarios, the refuted ones first, for the index.
pub(super) fn of_run(run: &Run, scenarios: &[(&Scenario, Vec<PointSummary>)]) -> Claims {
    let mut judged: Vec<(&Scenario, &[PointSummary], Judged<'_>)> = Vec::new();
    for (scenario, points) in scenarios {
        let of_it = claims::of(scenario, points, &run.parallel);
        judged.extend(of_it.into_iter().map(|one| (*scenario, points.as_slice(), one)));
    }
    let score = score(&judged.iter().map(|(.., judged)| judged.verdict).collect::<Vec<_>>());
    judged.sort_by_key(|(.., judged)| std::cmp::Reverse(judged.verdict));
    let rows = judged
        .iter()
        .map(|(scenario, points, judged)| view(judged, points, format!("{}.html", scenario.name)))
        .collect();
    Claims { caption: "What was claimed, and what became of it", score, rows, svg: String::new() }
}

/// Those of one scenario, in its order.
pub(super) fn of_scenario(run: &Run, scenario: &Scenario, points: &[PointSummary]) -> Claims {
    let judged = claims::of(scenario, points, &run.parallel);
    Claims {
        caption: "The claims of this scenario",
        score: score(&judged.iter().map(|judged| judged.verdict).collect::<Vec<_>>()),
        svg: figures::claims::svg(&judged, points, "claims"),
        rows: judged.iter().map(|judged| view(judged, points, String::new())).collect(),
    }
}

fn score(verdicts: &[Verdict]) -> String {
    let told: Vec<String> = Verdict::ALL
        .into_iter()
        .zip(claims::count(verdicts.iter().copied()))
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| format!("{count} {}", verdict.word()))
        .collect();
    format!("{} claim{}: {}.", verdicts.len(), if verdicts.len() == 1 { "" } else { "s" }, told.join(", "))
}

fn view(judged: &Judged<'_>, points: &[PointSummary], href: String) -> ClaimView {
    let point = points.iter().find(|point| point.label == judged.point);
    ClaimView {
        says: words::one_line(&judged.claim.says),
        href,
        source: judged.claim.source.as_deref().map(words::one_line),
        verdict: judged.verdict.word(),
        why: judged.why.clone(),
        subject: point.map_or_else(String::new, |point| judged.subject(&point.work)),
        measured: judged.measured_in_words(),
        expected: judged.expected_in_words(),
        ratio: judged.ratio_in_words(),
        bounds: judged.bounds_in_words(),
    }
}
