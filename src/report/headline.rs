//! Describes the result in sentences made from the figures.
//!
//! A sentence names the figure, the model and the threads, and calls one model slower than another only if the analysis
//! found a difference.

use std::iter;

use super::ratios;
use super::wording;
use crate::analysis::{
    Beats, CellSummary, Difference, KeptUp, PointSummary, ScenarioAnalysis, Unmeasured, WaitingMemory,
};
use crate::record::Failure;
use crate::scenario::{
    EchoSpec, HeartbeatSpec, Metric, Model, OffloadSpec, OwnSpec, PoolKind, RuntimeKind, SleepSpec, StepsSpec, Work,
};
use crate::text;
use crate::units;

/// Returns at most three sentences about a scenario: first those about the sweep as a whole, then those about its last
/// point, which is the hardest.
pub(super) fn for_scenario(scenario: &ScenarioAnalysis<'_>) -> Vec<String> {
    let Some(point) = scenario.points.last() else { return vec!["This scenario has no cells.".into()] };
    let mut sentences = for_point(point);
    if !point.at.is_empty() {
        sentences[0] = format!("At {}, {}", text::one_line(&point.at.to_string()), uncapitalize(&sentences[0]));
    }
    highest_rates(scenario).into_iter().chain(waiting_memory(scenario)).chain(sentences).take(3).collect()
}

/// Returns at most three sentences about one point of the sweep.
pub(super) fn for_point(point: &PointSummary) -> Vec<String> {
    if point.cells.iter().all(|cell| cell.measures.is_none()) {
        return describe_missing(point);
    }
    let mut sentences = match &point.work {
        Work::Sleep(sleep) => waits(point, sleep),
        Work::Offload(OffloadSpec { heartbeat: Some(heartbeat), jobs, steps, .. }) => {
            heartbeats(point, heartbeat, *jobs, steps)
        }
        Work::Offload(offload) => computations(point, offload),
        Work::Own(own) => own_jobs(point, own),
        Work::Echo(echo) => requests(point, echo),
    };
    // A model without figures matters more than any difference between the others.
    let missing: Vec<String> = refused(point).into_iter().chain(failed(point)).collect();
    sentences.truncate(3 - missing.len());
    sentences.extend(missing);
    sentences
}

fn describe_missing(point: &PointSummary) -> Vec<String> {
    let failed = point.cells.iter().find(|cell| cell.unmeasured() == Some(Unmeasured::Failed));
    let why = failed.and_then(|cell| {
        let why = wording::reasons(cell).into_iter().next()?;
        Some(format!("First reason: {} {}.", cell.cell.id.model, text::one_line(&why)))
    });
    match (why, refused(point)) {
        (Some(why), None) => vec!["Every trial failed, so there is no answer.".into(), why],
        (Some(why), Some(refused)) => vec!["No trial was measured, so there is no answer.".into(), why, refused],
        (None, Some(refused)) => vec![refused],
        (None, None) => vec!["No trial was run, so there is no answer.".into()],
    }
}

/// States which models failed in every round, and the limit if it is the reason.
fn failed(point: &PointSummary) -> Option<String> {
    let (names, limit) = unmeasured(point, Unmeasured::Failed)?;
    let why = limit.map_or_else(|| "every trial failed".into(), |limit| format!("each trial {limit}"));
    Some(format!("No figure for {names}: {why}."))
}

/// States which models the machine refused threads in every round, as the scenario expects, and the limit if it is the
/// reason.
fn refused(point: &PointSummary) -> Option<String> {
    let (names, limit) = unmeasured(point, Unmeasured::Refused)?;
    let why = limit.map_or_else(String::new, |limit| format!(": each {limit}"));
    Some(format!("The machine refused every trial of {names}, as the scenario expects{why}."))
}

/// Returns the models without figures for this reason, and the limit on threads if it is the reason in all their
/// rounds.
fn unmeasured(point: &PointSummary, wanted: Unmeasured) -> Option<(String, Option<String>)> {
    let cells = || point.cells.iter().filter(|cell| cell.unmeasured() == Some(wanted));
    let names: Vec<String> = cells().map(|cell| cell.cell.id.model.to_string()).collect();
    let mut failures = cells().flat_map(|cell| cell.failures.iter().chain(&cell.refusals)).map(|(_, failure)| failure);
    let limit = match failures.next()? {
        limit @ Failure::ThreadLimit { .. } if failures.all(|failure| failure == limit) => {
            Some(text::one_line(&limit.to_string()))
        }
        _ => None,
    };
    Some((text::listed(&names), limit))
}

fn waits(point: &PointSummary, sleep: &SleepSpec) -> Vec<String> {
    let what = format!("{} of {}", count_of(sleep.jobs, "wait"), wording::exact(sleep.wait));
    let mut sentences = vec![wall_times(point, &what)];
    sentences.extend(reduced(point));
    if let Some(one) = one_thread(point).filter(|_| sleep.jobs > 1) {
        let together = one.ideal_ns.map_or(f64::INFINITY, |ns| ns as f64);
        if one.value(Metric::Wall).is_some_and(|wall| wall < 1.5 * together) {
            sentences
                .push(format!("async: one thread waited for all {} jobs at once.", units::count(sleep.jobs.into())));
        }
    }
    sentences.extend(compare(point, Metric::Wall, Model::ASYNC, Model::Threads));
    sentences
}

fn computations(point: &PointSummary, offload: &OffloadSpec) -> Vec<String> {
    let StepsSpec { wait, block, compute, lock, .. } = offload.steps;
    let each = wording::exact(offload.steps.alone());
    let what = if (wait + block + lock).is_zero() {
        format!("{} of {each}", count_of(offload.jobs, "computation"))
    } else if (wait + compute + lock).is_zero() {
        format!("{} of {each}", count_of(offload.jobs, "blocking call"))
    } else {
        format!("{} ({})", count_of(offload.jobs, "job"), offload.steps.in_words())
    };
    let mut sentences = vec![wall_times(point, &what)];
    sentences.extend(reduced(point));
    let many = complete_cells(point).filter(|cell| cell.value(Metric::Threads).is_some_and(|threads| threads > 1.0));
    let walls = many.filter_map(|cell| Some((cell, cell.value(Metric::Wall)?)));
    let fastest = walls.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(cell, _)| cell);
    if let (Some(_), Some(fastest)) = (one_thread(point), fastest) {
        let other = fastest.cell.id.model;
        let slower = point.ratio(Metric::Wall, Model::ASYNC, other).filter(|v| v.difference == Difference::More);
        if let Some(slower) = slower.filter(|slower| slower.ratio.ratio > 1.3) {
            sentences.push(format!(
                "async took {} times as long as {other} with {} threads, because its tasks share one thread{}.",
                units::three_digits(wording::side_by_side(Metric::Wall, &slower.ratio).ratio),
                format_figure(fastest, Metric::Threads),
                ratios::in_brackets(Metric::Wall, &slower.ratio),
            ));
        }
    }
    let workers = point
        .cells
        .iter()
        .map(|cell| cell.cell.id.model)
        .find(|m| matches!(m, Model::Async(RuntimeKind::Workers(_), PoolKind::Inline)));
    sentences.extend(workers.and_then(|workers| compare(point, Metric::Wall, workers, Model::Threads)));
    sentences
}

/// States the wall times of a user's own jobs, and how each model with a figure compares with the fastest.
fn own_jobs(point: &PointSummary, own: &OwnSpec) -> Vec<String> {
    let size = own.size.map_or_else(String::new, |size| format!(" of size {}", units::count(size.into())));
    let mut sentences = vec![wall_times(point, &format!("{}{size}", count_of(own.jobs, "job")))];
    sentences.extend(reduced(point));
    let walls = complete_cells(point).filter_map(|cell| Some((cell.cell.id.model, cell.value(Metric::Wall)?)));
    let fastest = walls.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(model, _)| model);
    if let Some(fastest) = fastest {
        let others = complete_cells(point).map(|cell| cell.cell.id.model).filter(|model| *model != fastest);
        let no_slower: Vec<String> = others
            .filter(|model| {
                point
                    .ratio(Metric::Wall, *model, fastest)
                    .is_some_and(|found| matches!(found.difference, Difference::NoneFound { .. }))
            })
            .map(|model| model.to_string())
            .collect();
        sentences.push(if no_slower.is_empty() {
            format!("{fastest} is the fastest.")
        } else {
            format!("{fastest} has the shortest time, and {} no different within the noise.", is_or_are(&no_slower))
        });
    }
    sentences
}

/// Writes `a is` or `a and b are`.
fn is_or_are(names: &[String]) -> String {
    format!("{} {}", text::listed(names), if names.len() == 1 { "is" } else { "are" })
}

fn heartbeats(point: &PointSummary, heartbeat: &HeartbeatSpec, jobs: u32, steps: &StepsSpec) -> Vec<String> {
    let held = steps.block + steps.compute;
    let (who, whose, each) = if jobs == 1 {
        ("one job".to_owned(), "its thread", "")
    } else {
        (format!("{} jobs", units::count(jobs.into())), "their threads", " each")
    };
    let mut sentences = vec![format!(
        "Longest gap between heartbeats while {who} held {whose} for {}{each} (one due every {}): {}.",
        wording::exact(held),
        wording::exact(heartbeat.every),
        figures_by_model(point, Metric::Gap).join(", "),
    )];
    let names = |wanted: Beats| -> Vec<String> {
        let cells = complete_cells(point).filter(|cell| point.beats(cell) == Some(wanted));
        cells.map(|cell| cell.cell.id.model.to_string()).collect()
    };
    let (stalled, steady) = (names(Beats::Stalled), names(Beats::Steady));
    if !stalled.is_empty() && !steady.is_empty() {
        sentences.push(format!(
            "The heartbeat stopped under {} while the thread was held, and continued under {}.",
            text::listed(&stalled),
            text::listed(&steady)
        ));
    }
    sentences
}

/// States which models did not keep up with the offered rate.
fn overloaded(point: &PointSummary) -> Option<String> {
    let behind = point.answered.iter().filter(|answered| !answered.kept_up);
    let behind: Vec<String> =
        behind.map(|answered| format!("{} {}", answered.model, wording::percent(answered.share))).collect();
    (!behind.is_empty())
        .then(|| format!("Saturated, with a growing queue: {} of due requests answered.", behind.join(", ")))
}

/// States the highest of several offered rates that each model kept up with.
pub(super) fn highest_rates(scenario: &ScenarioAnalysis<'_>) -> Option<String> {
    let mut tried: Vec<f64> = scenario.points.iter().filter_map(PointSummary::offered).collect();
    tried.sort_unstable_by(f64::total_cmp);
    if tried.first()? == tried.last()? {
        return None;
    }
    let of_rate = |KeptUp { rate, models }: &KeptUp| {
        let rate = if *rate > 0.0 { units::rate(*rate) } else { "none".into() };
        format!("{} {rate}", text::listed(&models.iter().map(ToString::to_string).collect::<Vec<_>>()))
    };
    let highest: Vec<String> = scenario.kept_up.iter().map(of_rate).collect();
    let tried: Vec<String> = tried.into_iter().map(units::rate).collect();
    Some(format!("Highest rate sustained, of {} offered: {}.", text::listed(&tried), highest.join("; ")))
}

/// States the memory per additional waiting job.
fn waiting_memory(scenario: &ScenarioAnalysis<'_>) -> Option<String> {
    let memory = |memory: &WaitingMemory| {
        let [all, resident] = [memory.all, memory.resident].map(wording::memory);
        format!("{} {all} ({resident} resident)", memory.model)
    };
    let by_model: Vec<String> = scenario.waiting_memory.iter().map(memory).collect();
    (!by_model.is_empty()).then(|| format!("Memory per additional waiting job: {}.", by_model.join(", ")))
}

fn requests(point: &PointSummary, echo: &EchoSpec) -> Vec<String> {
    let rates = figures_by_model(point, Metric::Rate).join(", ");
    let connections = count_of(echo.load.connections, "connection");
    let mut sentences = match echo.load.arrival.offered() {
        None => vec![format!("Requests answered ({connections}, closed loop): {rates}.")],
        Some(offered) => {
            let offered = units::rate(offered);
            let answered = format!("Requests answered of {offered} offered ({connections}, open loop): {rates}.");
            iter::once(answered).chain(overloaded(point)).collect()
        }
    };
    let starved =
        complete_cells(point).filter_map(|cell| Some((cell.cell.id.model, cell.figure(Metric::Starved)?.spread)));
    let starved: Vec<(Model, String)> = starved
        .filter(|(_, starved)| starved.max > 0.0)
        .map(|(model, starved)| {
            let (of, most) = (units::count(echo.load.connections.into()), wording::count(starved.max));
            let up_to = if starved.min < starved.max { "up to " } else { "" };
            (model, format!("{model} {up_to}{most} of {of}"))
        })
        .collect();
    if !starved.is_empty() {
        let counts: Vec<String> = starved.iter().map(|(_, count)| count.clone()).collect();
        sentences.push(format!("Connections starved, without an answer in the window: {}.", counts.join(", ")));
    }
    if starved.iter().any(|(model, _)| matches!(model, Model::Sequential | Model::Pool(_))) {
        let why = "A thread of sequential or pool/N serves one connection until it closes, so keep-alive connections \
                   beyond the number of threads starve.";
        sentences.push(why.into());
    }
    let p99 = figures_by_model(point, Metric::P99);
    if !p99.is_empty() {
        let which = match &echo.heavy {
            Some(heavy) => format!(
                "p99 response time of light requests, beside {} heavy ones ({})",
                wording::percent(heavy.share),
                heavy.steps.in_words()
            ),
            None => "p99 response time".into(),
        };
        sentences.push(format!("{which}: {}.", p99.join(", ")));
    }
    if echo.heavy.is_none() {
        // With an offered rate that is kept, there is no rate to compare.
        let metric = match echo.load.arrival.offered() {
            Some(_) if overloaded(point).is_none() => Metric::P99,
            _ => Metric::Rate,
        };
        sentences.extend(compare(point, metric, Model::ASYNC, Model::Threads));
    }
    sentences
}

/// States the wall times:
/// `Wall time of 8 computations of 50 ms: async 402 ms (1 thread), async/2 203 ms (2 threads).`
fn wall_times(point: &PointSummary, what: &str) -> String {
    let walls = choose_cells(point).into_iter().filter_map(|cell| {
        let threads = count_of(cell.value(Metric::Threads)?.round() as u32, "thread");
        Some(format!("{} {} ({threads})", cell.cell.id.model, format_figure(cell, Metric::Wall)))
    });
    let walls: Vec<String> = walls.collect();
    if walls.is_empty() {
        format!("No model completed all {what}.")
    } else {
        format!("Wall time of {what}: {}.", walls.join(", "))
    }
}

/// States which models ran fewer jobs, and how long these took.
fn reduced(point: &PointSummary) -> Option<String> {
    let texts = point.cells.iter().filter_map(|cell| {
        let (fewer, wall) = (wording::fewer_jobs(&cell.cell)?, cell.figure(Metric::Wall)?);
        Some(format!("{} ran only {fewer}, in {}", cell.cell.id.model, wording::estimate(wall)))
    });
    let texts: Vec<String> = texts.collect();
    (!texts.is_empty()).then(|| format!("{}.", texts.join("; ")))
}

/// States which of two models took more, or that these rounds show no difference.
fn compare(point: &PointSummary, metric: Metric, a: Model, b: Model) -> Option<String> {
    point.ratio(metric, b, a).map(|versus| ratios::sentence(&versus, &point.work))
}

/// Iterates over the measured models that ran all jobs.
fn complete_cells(point: &PointSummary) -> impl Iterator<Item = &CellSummary> {
    point.cells.iter().filter(|cell| cell.ran_all_jobs() && cell.measures.is_some())
}

/// Returns the cell of async if it ran on one thread only.
fn one_thread(point: &PointSummary) -> Option<&CellSummary> {
    let has_one = |cell: &&CellSummary| cell.figure(Metric::Threads).is_some_and(|threads| threads.spread.max <= 1.0);
    complete_cells(point).find(|cell| cell.cell.id.model == Model::ASYNC).filter(has_one)
}

/// Formats a figure of a cell, `n/a` if it has none.
fn format_figure(cell: &CellSummary, metric: Metric) -> String {
    cell.figure(metric).map_or_else(|| "n/a".into(), wording::estimate)
}

/// Returns a figure of each model that a sentence names: `async 13.4 ms`.
fn figures_by_model(point: &PointSummary, metric: Metric) -> Vec<String> {
    let figures = choose_cells(point).into_iter().filter_map(|cell| Some((cell.cell.id.model, cell.figure(metric)?)));
    figures.map(|(model, figure)| format!("{model} {}", wording::estimate(figure))).collect()
}

/// Returns the cells of [`complete_cells`] that a sentence names: all if they are few, else the plainest of each kind.
fn choose_cells(point: &PointSummary) -> Vec<&CellSummary> {
    const MOST: usize = 4;
    let rank = |model: Model| match model {
        Model::ASYNC => 0,
        Model::Threads => 1,
        Model::Async(_, PoolKind::Inline) => 2,
        Model::Async(_, PoolKind::Blocking(_)) => 3,
        Model::Async(..) => 4,
        Model::Pool(_) | Model::Rayon(_) => 5,
        Model::Sequential => 6,
        Model::External(_) => 7,
    };
    let mut cells: Vec<_> = complete_cells(point).collect();
    if cells.len() > MOST {
        cells.sort_by_key(|cell| rank(cell.cell.id.model));
        cells.truncate(MOST);
    }
    cells
}

/// Formats a count with its noun: `1 job`, `1,000 jobs`.
fn count_of(n: u32, noun: &str) -> String {
    units::counted(n.into(), noun, &format!("{noun}s"))
}

/// Returns a sentence to stand after a comma, with its first letter in lower case.
fn uncapitalize(sentence: &str) -> String {
    let (first, rest) = sentence.split_at(sentence.chars().next().map_or(0, char::len_utf8));
    first.to_lowercase() + rest
}
