//! Renders claims with their measurements and verdicts, and the scoreboard.

use super::super::claims;
use super::super::figures;
use super::super::scoreboard;
use crate::analysis::claims::ClaimVerdict;
use crate::analysis::{Analysis, JudgedClaim, ScenarioAnalysis};
use crate::text;

/// A table of claims.
pub(super) struct Claims {
    pub(super) caption: &'static str,
    /// The scoreboard in words: `14 predictions: 12 reproduced, 2 refuted. 9 checks of the harness: 9 reproduced.`
    pub(super) score: String,
    pub(super) rows: Vec<ClaimView>,
    /// The chart of the claims; empty if the table has none.
    pub(super) svg: String,
}

pub(super) struct ClaimView {
    pub(super) says: String,
    /// The page of the claim's scenario; empty on that page itself.
    pub(super) href: String,
    pub(super) kind: &'static str,
    pub(super) source: Option<String>,
    /// The address of the source; the parser let only http and https through.
    pub(super) url: Option<String>,
    pub(super) revised: Option<String>,
    pub(super) refuted_before: Option<String>,
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

/// The number of claims by kind and verdict.
pub(super) struct ByKind {
    pub(super) headings: [&'static str; 4],
    pub(super) rows: Vec<[String; 4]>,
}

/// Returns the scoreboard of a run.
pub(super) fn by_kind(analysis: &Analysis<'_>) -> ByKind {
    ByKind { headings: scoreboard::headings(), rows: scoreboard::rows(&analysis.scoreboard) }
}

/// Returns the claims of all scenarios, the refuted ones first, for the index.
pub(super) fn of_run(analysis: &Analysis<'_>) -> Claims {
    let of_scenario = |scenario: &'_ ScenarioAnalysis<'_>| {
        let href = format!("{}.html", scenario.scenario.name);
        scenario.claims.iter().map(|judged| (judged.verdict, view(judged, href.clone()))).collect::<Vec<_>>()
    };
    let mut judged: Vec<(ClaimVerdict, ClaimView)> = analysis.scenarios.iter().flat_map(of_scenario).collect();
    judged.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
    let rows = judged.into_iter().map(|(_, view)| view).collect();
    Claims {
        caption: "Claims and their verdicts",
        score: scoreboard::sentence(&analysis.scoreboard),
        rows,
        svg: String::new(),
    }
}

/// Returns the claims of one scenario, in its order.
pub(super) fn of_scenario(scenario: &ScenarioAnalysis<'_>) -> Claims {
    Claims {
        caption: "The claims of this scenario",
        score: scoreboard::sentence(&scenario.scoreboard),
        svg: figures::claims::svg(&scenario.claims, &scenario.points, "claims"),
        rows: scenario.claims.iter().map(|judged| view(judged, String::new())).collect(),
    }
}

fn view(judged: &JudgedClaim<'_>, href: String) -> ClaimView {
    ClaimView {
        says: text::one_line(&judged.claim.says),
        href,
        kind: judged.claim.kind.name(),
        source: judged.claim.source.as_deref().map(text::one_line),
        url: judged.claim.url.clone(),
        revised: claims::revised(judged),
        refuted_before: claims::refuted_before(judged),
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
