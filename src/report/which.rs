//! "When to use which": for each kind of work that the run measured, the models that did best, by how much, and how sure
//! that is.

use super::html;
use super::quadrants;
use super::ratios;
use super::wording;
use crate::analysis::{
    Advice, Beats, CellSummary, Choice, Meets, ModelRatio, Pick, PointSummary, SMALL, ScenarioAnalysis, Unknown, pick,
};
use crate::scenario::{Metric, Model, OffloadSpec, PoolKind, Work};
use crate::stats::Spread;
use crate::units;

/// A row of the table.
pub(super) struct WhichRow {
    /// The kind of work, and what this run measured.
    pub(super) work: &'static str,
    pub(super) measured: String,
    /// The page of the scenario.
    pub(super) href: String,
    /// The model that did best, or why none is named, and the class of its family.
    pub(super) best: String,
    pub(super) class: &'static str,
    /// The models that are as good.
    pub(super) equal: String,
    /// By how much.
    pub(super) because: String,
    /// How sure it is.
    pub(super) sure: String,
}

/// The kinds of work that the table tells apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Waits,
    Blocking,
    Computing,
    Mix,
    Requests,
    Heavy,
}

impl Kind {
    fn of(work: &Work) -> Option<Self> {
        Some(match work {
            Work::Sleep(_) => Self::Waits,
            Work::Offload(OffloadSpec { heartbeat: Some(_), .. }) => Self::Blocking,
            Work::Offload(_) if quadrants::computes(work).is_some() => Self::Computing,
            Work::Offload(_) => Self::Mix,
            Work::Echo(echo) if echo.heavy.is_some() => Self::Heavy,
            Work::Echo(_) => Self::Requests,
            // A bench has one question, which its headline answers.
            Work::Own(_) => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Waits => "many things to wait for",
            Self::Blocking => "blocking calls beside async work",
            Self::Computing => "CPU work",
            Self::Mix => "waits and CPU work",
            Self::Requests => "cheap requests",
            Self::Heavy => "a few heavy requests among many",
        }
    }
}

/// Returns a row for the first scenario of each kind of work.
pub(super) fn rows(scenarios: &[ScenarioAnalysis<'_>]) -> Vec<WhichRow> {
    let mut rows: Vec<(Kind, WhichRow)> = Vec::new();
    for scenario in scenarios {
        // Servers of a user are compared with each other, not recommended.
        let is_ours = |advice: &&Advice| advice.rows.iter().any(|row| !row.model.is_external());
        let Some(advice) = scenario.advice.as_ref().filter(is_ours) else { continue };
        let Some(kind) = Kind::of(&advice.work).filter(|kind| rows.iter().all(|(known, _)| known != kind)) else {
            continue;
        };
        let Some(point) = scenario.points.iter().find(|point| point.work == advice.work) else { continue };
        let measured = describe(&point.work);
        let found = if kind == Kind::Blocking { steady(point) } else { picked(point, advice) };
        if let Some(Found { best, model, equal, because, sure }) = found {
            let href = format!("{}.html", scenario.scenario.name);
            let class = model.map_or("", |model| html::class(model.family()));
            rows.push((kind, WhichRow { work: kind.name(), measured, href, best, class, equal, because, sure }));
        }
    }
    rows.sort_by_key(|(kind, _)| *kind);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Describes the work that was measured: `1,000 waits of 100 ms`.
fn describe(work: &Work) -> String {
    if let Some(text) = quadrants::waits(work).or_else(|| quadrants::computes(work)) {
        return text;
    }
    match work {
        Work::Echo(echo) => {
            let connections = units::counted(echo.load.connections.into(), "connection", "connections");
            let rate = echo.load.arrival.offered();
            let load = rate.map_or_else(|| "closed loop".into(), |rate| format!("{} offered", units::rate(rate)));
            match &echo.heavy {
                Some(heavy) => format!("{load}, {} heavy ({})", wording::percent(heavy.share), heavy.steps.in_words()),
                None => format!("{connections}, {load}"),
            }
        }
        work => {
            let jobs = units::counted(work.jobs().unwrap_or(0).into(), "job", "jobs");
            format!("{jobs} ({})", work.steps().in_words())
        }
    }
}

/// What was found for one kind of work.
#[derive(Default)]
struct Found {
    best: String,
    /// The model that is named, if one is.
    model: Option<Model>,
    equal: String,
    because: String,
    sure: String,
}

impl Found {
    /// Returns that no model is named, and why.
    fn none(best: &str, because: impl Into<String>) -> Self {
        Self { best: best.into(), because: because.into(), ..Self::default() }
    }
}

/// Names the simplest model with a pool under which the heartbeat went on.
fn steady(point: &PointSummary) -> Option<Found> {
    let with = |wanted: Beats| -> Vec<&CellSummary> {
        let cells = point.cells.iter().filter(|cell| cell.ran_all_jobs() && point.beats(cell) == Some(wanted));
        cells.filter(|cell| point.invalidity(cell.cell.id.model).is_none()).collect()
    };
    let (steady, stalled) = (with(Beats::Steady), with(Beats::Stalled));
    let gaps = |cells: &[&CellSummary]| -> Vec<Spread> {
        cells.iter().filter_map(|cell| Some(cell.figure(Metric::Gap)?.spread)).collect()
    };
    let longest = gaps(&steady).iter().map(|gap| gap.max).reduce(f64::max)?;
    let shortest = gaps(&stalled).iter().map(|gap| gap.min).reduce(f64::min)?;
    let models = |cells: &[&CellSummary]| cells.iter().map(|cell| cell.cell.id.model).collect::<Vec<_>>();
    let rounds = steady.iter().chain(&stalled).map(|cell| cell.rounds()).min()?;
    // A second worker keeps the heartbeat going for one such call; a pool does so for as many as it has threads.
    let rank =
        |model: &Model| (!matches!(model, Model::Async(_, pool) if *pool != PoolKind::Inline), model.complexity());
    let mut all = models(&steady);
    all.sort_by_key(rank);
    let (best, others) = all.split_first()?;
    Some(Found {
        best: best.to_string(),
        model: Some(*best),
        equal: if others.is_empty() { String::new() } else { format!("or {}", either(others)) },
        because: format!(
            "the heartbeat beside it stopped for at most {}; under {} for at least {}",
            wording::time(longest),
            either(&models(&stalled)),
            wording::time(shortest)
        ),
        sure: format!("the extremes of {}", units::counted(rounds as u64, "round", "rounds")),
    })
}

/// Names the model that the analysis picks.
fn picked(point: &PointSummary, advice: &Advice) -> Option<Found> {
    match &advice.choice {
        Choice::Model { .. } => {}
        Choice::NoneMeets { undecided } if undecided.is_empty() => {
            return Some(Found::none("none", "no model meets the objective"));
        }
        Choice::NoneMeets { undecided } => {
            let because = format!("{}: in some rounds, and not in others", either(undecided));
            return Some(Found::none("not decided", because));
        }
        Choice::NotMeasurable => return Some(Found::none("not decided", "too few valid trials")),
    }
    let Pick { metric, model, close, alike, contrast, unknown, detectable } = pick(advice, point)?;
    if let Some(why) = unknown.filter(|_| contrast.is_none()) {
        return Some(undecided(point, metric, &why));
    }
    let figure = point.cell(model)?.figure(metric).map(wording::estimate)?;
    let n_others = advice.rows.len() - 1;
    // A tie of all has no winner.
    let is_tie = n_others > 0 && close.len() + alike.len() == n_others;
    let mut because = match metric {
        Metric::P99 => format!("p99 {figure}"),
        _ => figure,
    };
    because += &if is_tie { format!(" under {model}") } else { threads(point, model) };
    if n_others > 0 && advice.rows.iter().filter(|row| row.meets == Meets::No).count() == n_others {
        because += "; the other models do not keep up";
    }
    let sure = match &contrast {
        Some(ratio) => {
            because += &format!("; {}{}", compared(ratio), threads(point, ratio.model));
            certainty(ratio)
        }
        None => detectable.map_or_else(String::new, |missed| {
            format!("a difference of {} would have been found", wording::excess(missed))
        }),
    };
    if is_tie {
        return Some(Found { best: "any of them".into(), because, sure, ..Found::default() });
    }
    let within = format!("within {} %", ((SMALL - 1.0) * 100.0).round());
    let equal: Vec<String> = [(close, within), (alike, "no difference found".to_owned())]
        .into_iter()
        .filter(|(models, _)| !models.is_empty())
        .map(|(models, why)| format!("or {}: {why}", either(&models)))
        .collect();
    Some(Found { best: model.to_string(), model: Some(model), equal: equal.join("; "), because, sure })
}

/// States the interval of a ratio within rounds: `95 % CI 1.48 to 1.61 times, 6 rounds`.
fn certainty(ratio: &ModelRatio) -> String {
    let rounds = units::counted(ratio.ratio.rounds as u64, "round", "rounds");
    match ratios::confidence(&ratio.ratio) {
        Some(interval) => format!("{interval} times, {rounds}"),
        None => rounds,
    }
}

/// States the figure of each model where the rounds do not allow a choice between them, and why not.
fn undecided(point: &PointSummary, metric: Metric, why: &Unknown) -> Found {
    let figures = point
        .cells
        .iter()
        .filter(|cell| cell.ran_all_jobs())
        .filter_map(|cell| Some(format!("{} {}", cell.cell.id.model, wording::estimate(cell.figure(metric)?))));
    let figures: Vec<String> = figures.collect();
    let name = if metric == Metric::P99 { "p99: " } else { "" };
    let why = match why {
        Unknown::NoFigure => "too few requests for this figure".to_owned(),
        Unknown::Rounds(obstacle) => ratios::obstacle(obstacle),
    };
    if figures.is_empty() {
        return Found::none("not decided", why);
    }
    Found::none("not decided", format!("{name}{}; {why}", figures.join(", ")))
}

/// Writes the number of threads of a model: ` on 1 thread`.
fn threads(point: &PointSummary, model: Model) -> String {
    let threads = point.cell(model).and_then(|cell| cell.value(Metric::Threads));
    threads.map_or_else(String::new, |n| format!(" on {}", units::counted(n.round() as u64, "thread", "threads")))
}

/// Writes how the contrasted model compares: `threads takes 1.53 times as long`.
fn compared(ratio: &ModelRatio) -> String {
    let times = units::three_digits(ratio.ratio.ratio);
    let sign = ratio.ratio.bound.sign();
    match ratio.metric {
        Metric::Rate => format!("{} answers {sign}{times} times as many", ratio.model),
        _ => format!("{} takes {sign}{times} times as long", ratio.model),
    }
}

/// Joins models with `or`; the first three if they are more.
fn either(models: &[Model]) -> String {
    const MOST: usize = 3;
    let names: Vec<String> = models.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if names.len() <= MOST => format!("{} or {last}", first.join(", ")),
        first => format!("{} or {} others", first[..MOST - 1].join(", "), names.len() - (MOST - 1)),
    }
}
