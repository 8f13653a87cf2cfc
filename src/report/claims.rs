//! Describes a claim and its verdict.

use super::wording::{self, SideBySide};
use crate::analysis::claims::{Reason, Statistic};
use crate::analysis::{JudgedClaim, STALL_NS};
use crate::scenario::Against;
use crate::stats::{FEWEST, Interval};
use crate::text;
use crate::units;

/// Returns the figure and the model, `wall time of async`, with the point if something is swept.
pub(super) fn subject(judged: &JudgedClaim<'_>) -> String {
    let at = if judged.point.is_empty() {
        String::new()
    } else {
        format!(", {}", text::one_line(&judged.point.to_string()))
    };
    format!("{} of {}{at}", judged.claim.metric.heading(judged.work), judged.model)
}

/// Returns the measured figure, `n/a` if there is none.
pub(super) fn measured(judged: &JudgedClaim<'_>) -> String {
    let bound = judged.rounds.as_ref().map_or_else(Default::default, |rounds| rounds.bound());
    match (beside(judged), judged.measured) {
        (Some(beside), _) => format!("{}{}", bound.sign(), beside.above),
        (None, Some(value)) => wording::bounded(judged.claim.metric, value, bound),
        (None, None) => "n/a".into(),
    }
}

/// Returns the two figures of a ratio, with enough digits to agree with it; `None` if there is no ratio.
fn beside(judged: &JudgedClaim<'_>) -> Option<SideBySide> {
    judged.ratio.as_ref().map(|ratio| wording::side_by_side(judged.claim.metric, ratio))
}

/// Returns the value that the figure is compared with: `jobs * wait = 100 s`, `threads: 171 ms`.
pub(super) fn expected(judged: &JudgedClaim<'_>) -> String {
    let value = match (beside(judged), judged.expected) {
        (Some(beside), _) => beside.below,
        (None, Some(value)) => wording::figure(judged.claim.metric, value),
        (None, None) => "n/a".into(),
    };
    match &judged.claim.against {
        Against::Formula(formula) if formula.is_literal() => value,
        Against::Formula(formula) => format!("{formula} = {value}"),
        Against::Model(model) => format!("{model}: {value}"),
    }
}

/// Returns the ratio and its interval: `1.02 (1.01 to 1.03)`.
pub(super) fn ratio(judged: &JudgedClaim<'_>) -> String {
    let (Some(ratio), Some(beside)) = (judged.ratio, beside(judged)) else { return "n/a".into() };
    let sign = ratio.bound.sign();
    let ends = ratio.interval.map(|Interval { low, high }| [low, high].map(units::three_digits));
    let sure = ends.filter(|[low, high]| low != high).map(|[low, high]| format!(" ({sign}{low} to {sign}{high})"));
    format!("{sign}{}{}", units::three_digits(beside.ratio), sure.unwrap_or_default())
}

/// Returns the claimed bounds: `0.9 to 1.1`, `5 or more`.
pub(super) fn bounds(judged: &JudgedClaim<'_>) -> String {
    match judged.claim.bounds {
        (low, f64::INFINITY) => format!("{low} or more"),
        (low, high) if low == high => format!("exactly {low}"),
        (0.0, high) => format!("{high} or less"),
        (low, high) => format!("{low} to {high}"),
    }
}

/// Returns why the claim could not be decided, or the reservation about its verdict; empty if there is nothing to add.
pub(super) fn reason(judged: &JudgedClaim<'_>) -> String {
    match judged.reason {
        Reason::Plain => String::new(),
        Reason::NotMeasured => "not measured".into(),
        Reason::TooFewRounds => format!("fewer than {FEWEST} rounds"),
        Reason::Crosses => "the interval crosses a bound".into(),
        Reason::AtMost => "only an upper bound of executing is known".into(),
        Reason::Unanswered => "based on requests that never got an answer".into(),
        Reason::OneStall => format!("a single stall of {} decides it", units::duration(STALL_NS)),
        Reason::OneTrial => "from one trial".into(),
        Reason::Invalid { invalid, rounds } => format!("{invalid} of {rounds} rounds are INVALID"),
        Reason::InvalidRounds(finding) => format!("INVALID: {}", finding.name()),
    }
}

/// Returns where the claim was refuted before, and why; `None` if the scenario states nothing.
pub(super) fn refuted_before(judged: &JudgedClaim<'_>) -> Option<String> {
    judged.claim.refuted_before.as_deref().map(text::one_line)
}

/// Returns what was changed in the scenario after the claim was first tested; `None` if nothing was.
pub(super) fn revised(judged: &JudgedClaim<'_>) -> Option<String> {
    judged.claim.revised.as_deref().map(text::one_line)
}

/// Returns the claim with its verdict: `reproduced (published): Waiting is free on one thread: 1.02 (1.01 to 1.03) times
/// wait = 100 ms; claimed 0.99 to 1.1`.
pub(super) fn sentence(judged: &JudgedClaim<'_>) -> String {
    format!("{} {}", judged.verdict.word(), sentence_after_verdict(judged))
}

/// Returns the [`sentence`] without its first word, the verdict.
pub(super) fn sentence_after_verdict(judged: &JudgedClaim<'_>) -> String {
    let model = (judged.claim.models.len() > 1).then(|| judged.model.to_string());
    let point = (!judged.point.is_empty()).then(|| text::one_line(&judged.point.to_string()));
    let at: Vec<String> = model.into_iter().chain(point).collect();
    let at = if at.is_empty() { String::new() } else { format!(" ({})", at.join(", ")) };
    let why = reason(judged);
    let why = if why.is_empty() { String::new() } else { format!("; {why}") };
    let revised = revised(judged).map_or_else(String::new, |what| format!(" [revised: {what}]"));
    let before = refuted_before(judged).map_or_else(String::new, |why| format!(" [refuted before: {why}]"));
    format!(
        "({}{why}): {}{at}: {} times {}; claimed {}{before}{revised}",
        judged.claim.kind.name(),
        text::one_line(&judged.claim.says),
        ratio(judged),
        expected(judged),
        bounds(judged),
    )
}

/// Returns the statistic of the rounds that is compared.
pub(super) fn statistic(judged: &JudgedClaim<'_>) -> &'static str {
    match judged.statistic {
        Statistic::Median => "median",
        Statistic::GeometricMean => "geometric mean",
    }
}
