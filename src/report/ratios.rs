//! Describes the ratio of two models.

use super::wording::{self, SideBySide};
use crate::analysis::{AIM, Difference, ModelRatio, Obstacle, STALL_NS};
use crate::scenario::{Metric, Work};
use crate::stats::{Bound, FEWEST, Interval, Ratio};
use crate::units;

/// States whether the two differ:
/// `threads took 1.9 times as long as async (geometric means of 6 rounds: 190 ms and 100 ms; 95 % CI 1.8 to 2.0).`
pub(super) fn sentence(versus: &ModelRatio, work: &Work) -> String {
    let ModelRatio { metric, model: a, reference: b, ratio, .. } = versus;
    let what = metric.heading(work);
    match versus.difference {
        Difference::More => format!("{}{}.", describe_larger(versus, work), in_brackets(*metric, ratio)),
        Difference::Less => {
            let turned = ModelRatio { model: *b, reference: *a, ratio: ratio.inverse(), ..*versus };
            format!("{}{}.", describe_larger(&turned, work), in_brackets(*metric, &turned.ratio))
        }
        Difference::NoneFound { detectable } => format!(
            "{b} and {a}: no difference in {what} found in {} rounds (minimum detectable difference {}).",
            ratio.rounds,
            wording::excess(detectable)
        ),
        Difference::Incomparable(obstacle) => {
            let why = self::obstacle(&obstacle);
            format!("{b} and {a}: {what} cannot be compared: {why}.")
        }
    }
}

/// States why two figures cannot be compared, and what would help.
pub(super) fn obstacle(obstacle: &Obstacle) -> String {
    match *obstacle {
        Obstacle::TooFewRounds { rounds: 1 } => format!("only 1 round; run {FEWEST} or more"),
        Obstacle::TooFewRounds { rounds } => format!("only {rounds} rounds; run {FEWEST} or more"),
        Obstacle::Unanswered => {
            "it is based on requests that never got an answer; offer a lower rate, or lengthen the drain".into()
        }
        Obstacle::OneStall { window_ns: Some(window) } => format!(
            "a single stall of {} (one kernel tick) decides it in a window this short; measure for more than {}",
            units::duration(STALL_NS),
            units::duration(window)
        ),
        Obstacle::OneStall { window_ns: None } => format!(
            "a single stall of {} (one kernel tick) decides it with so few requests per connection; measure for longer",
            units::duration(STALL_NS)
        ),
        Obstacle::TooNoisy { detectable, rounds } => {
            let found = format!("the minimum detectable difference is {}", wording::excess(detectable));
            match rounds {
                Some(rounds) => format!("{found}; run {rounds} rounds to detect {}", wording::excess(AIM)),
                None => format!("{found}; use a longer window or a quieter machine"),
            }
        }
    }
}

fn describe_larger(versus: &ModelRatio, work: &Work) -> String {
    let ModelRatio { metric, model: more, reference: less, ratio, .. } = versus;
    let least = match ratio.bound {
        Bound::Exact => "",
        // A difference that is found despite a bound can only be larger than shown.
        Bound::AtLeast | Bound::AtMost | Bound::Unknown => "at least ",
    };
    let times = format!("{least}{} times", units::three_digits(wording::side_by_side(*metric, ratio).ratio));
    match metric {
        Metric::Wall => format!("{more} took {times} as long as {less}"),
        Metric::Gap => format!("{more}: longest gap {times} that of {less}"),
        Metric::Rate => format!("{more} answered {times} as many requests per second as {less}"),
        Metric::P50 => format!("{more}: median response time {times} that of {less}"),
        Metric::P99 => format!("{more}: p99 response time {times} that of {less}"),
        Metric::Cpu if work.is_echo() => format!("{more} used {times} as much CPU time per request as {less}"),
        Metric::Cpu => format!("{more} used {times} as much CPU time per job as {less}"),
        other => format!("{more}: {} {times} that of {less}", other.heading(work)),
    }
}

/// States the interval of a ratio, `95 % CI 1.22 to 1.41`; `None` with too few rounds for one.
pub(super) fn confidence(ratio: &Ratio) -> Option<String> {
    let Interval { low, high } = ratio.interval?;
    Some(format!("95 % CI {} to {}", units::three_digits(low), units::three_digits(high)))
}

/// Returns the two means of a ratio and its interval:
/// ` (geometric means of 6 rounds: 190 ms and 100 ms; 95 % CI 1.8 to 2.0)`.
pub(super) fn in_brackets(metric: Metric, ratio: &Ratio) -> String {
    let SideBySide { below, above, .. } = wording::side_by_side(metric, ratio);
    let sign = ratio.bound.sign();
    let sure = ratio.interval.map_or_else(String::new, |Interval { low, high }| {
        format!("; 95 % CI {sign}{} to {sign}{}", units::three_digits(low), units::three_digits(high))
    });
    format!(" (geometric means of {} rounds: {sign}{above} and {below}{sure})", ratio.rounds)
}
