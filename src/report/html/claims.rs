//! The scoreboard: claims, what was measured, and the verdicts.

use super::super::claims;
use super::super::figures;
use crate::analysis::claims::{Verdict, count};
use crate::analysis::{Analysis, JudgedClaim, ScenarioAnalysis};
use crate::text;

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
    /// The statistic of the rounds: median, or geometric mean.
    pub(super) statistic: &'static str,
    pub(super) expected: String,
    pub(super) ratio: String,
    pub(super) bounds: String,
}

/// Those of all scenarios, the refuted ones first, for the index.
pub(super) fn of_run(analysis: &Analysis<'_>) -> Claims {
    let of_scenario = |scenario: &'_ ScenarioAnalysis<'_>| {
        let href = format!("{}.html", scenario.scenario.name);
        scenario.claims.iter().map(|judged| (judged.verdict, view(judged, href.clone()))).collect::<Vec<_>>()
    };
    let mut judged: Vec<(Verdict, ClaimView)> = analysis.scenarios.iter().flat_map(of_scenario).collect();
    let score = score(&judged.iter().map(|(verdict, _)| *verdict).collect::<Vec<_>>());
    judged.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
    let rows = judged.into_iter().map(|(_, view)| view).collect();
    Claims { caption: "What was claimed, and what became of it", score, rows, svg: String::new() }
}

/// Those of one scenario, in its order.
pub(super) fn of_scenario(scenario: &ScenarioAnalysis<'_>) -> Claims {
    Claims {
        caption: "The claims of this scenario",
        score: score(&scenario.claims.iter().map(|judged| judged.verdict).collect::<Vec<_>>()),
        svg: figures::claims::svg(&scenario.claims, &scenario.points, "claims"),
        rows: scenario.claims.iter().map(|judged| view(judged, String::new())).collect(),
    }
}

fn score(verdicts: &[Verdict]) -> String {
    let told: Vec<String> = Verdict::ALL
        .into_iter()
        .zip(count(verdicts.iter().copied()))
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| format!("{count} {}", verdict.word()))
        .collect();
    format!("{} claim{}: {}.", verdicts.len(), if verdicts.len() == 1 { "" } else { "s" }, told.join(", "))
}

fn view(judged: &JudgedClaim<'_>, href: String) -> ClaimView {
    ClaimView {
        says: text::one_line(&judged.claim.says),
        href,
        source: judged.claim.source.as_deref().map(text::one_line),
        verdict: judged.verdict.word(),
        why: claims::reason(judged),
        subject: claims::subject(judged),
        measured: claims::measured(judged),
        statistic: claims::statistic(judged),
        expected: claims::expected(judged),
        ratio: claims::ratio(judged),
        bounds: claims::bounds(judged),
    }
}
