//! What happened, in sentences made from the figures.
//!
//! A sentence names the figure, the model and the threads, and calls one model slower than another only where the
//! interval of their ratio says so, and by more than two runs of the same thing differed ([`versus`]).

use std::iter;

use super::summary::{CellSummary, Measures, PointSummary};
use super::versus;
use super::words;
use crate::record::Failure;
use crate::scenario::{EchoSpec, HeartbeatSpec, Metric, Model, OffloadSpec, SleepSpec, StepsSpec, Work};
use crate::stats::{self, Finding};
use crate::units;

/// At most three sentences about a scenario: what only all points of its sweep tell, then those of the last one, which
/// asks the most.
pub(super) fn of(points: &[PointSummary]) -> Vec<String> {
    let Some(point) = points.last() else { return vec!["This scenario has no cells.".into()] };
    let mut sentences = at(point);
    if !point.label.is_empty() {
        sentences[0] = format!("With {}: {}", words::one_line(&point.label), sentences[0]);
    }
    highest_rates(points).into_iter().chain(price_of_waiting(points)).chain(sentences).take(3).collect()
}

/// At most three sentences about one point of the sweep.
pub(super) fn at(point: &PointSummary) -> Vec<String> {
    if point.cells.iter().all(|cell| cell.measures.is_none()) {
        return nothing(point);
    }
    let mut sentences = match &point.work {
        Work::Sleep(sleep) => waits(point, sleep),
        Work::Offload(OffloadSpec { heartbeat: Some(heartbeat), jobs, steps, .. }) => {
            beats(point, heartbeat, *jobs, steps)
        }
        Work::Offload(offload) => computations(point, offload),
        Work::Echo(echo) => requests(point, echo),
    };
    // A model that left nothing is part of the answer, before any finer point.
    if let Some(missing) = missing(point) {
        sentences.truncate(2);
        sentences.push(missing);
    }
    sentences.truncate(3);
    sentences
}

fn nothing(point: &PointSummary) -> Vec<String> {
    match point.cells.iter().find_map(|cell| words::reasons(cell).into_iter().next().map(|why| (cell, why))) {
        Some((cell, why)) => vec![
            "Every trial failed, so there is no answer.".into(),
            format!("The first reason: {} {}.", cell.cell.id.model, words::one_line(&why)),
        ],
        None => vec!["No trial was run, so there is no answer.".into()],
    }
}

/// Models of which every round failed, and the limit where that is why.
fn missing(point: &PointSummary) -> Option<String> {
    let failed = || point.cells.iter().filter(|cell| cell.measures.is_none() && !cell.failures.is_empty());
    let names: Vec<String> = failed().map(|cell| cell.cell.id.model.to_string()).collect();
    let mut failures = failed().flat_map(|cell| &cell.failures).map(|(_, failure)| failure);
    let why = match failures.next()? {
        limit @ Failure::ThreadLimit { .. } if failures.all(|failure| failure == limit) => {
            format!("each trial {}", words::one_line(&limit.to_string()))
        }
        _ => "every trial failed".into(),
    };
    Some(format!("There is no figure for {}: {why}.", listed(&names)))
}

fn waits(point: &PointSummary, sleep: &SleepSpec) -> Vec<String> {
    let what = format!("{} of {}", counted(sleep.jobs, "wait"), words::exact(sleep.wait));
    let mut sentences = vec![walls(point, &what)];
    sentences.extend(fewer(point));
    if let Some(one) = measured(point, Model::Async).filter(|m| m.threads.max <= 1.0 && sleep.jobs > 1) {
        let together = point.cell(Model::Async).and_then(|cell| cell.ideal_ns).map_or(f64::INFINITY, |ns| ns as f64);
        if one.wall_ns.median < 1.5 * together {
            sentences.push(format!("One thread waited for all {} at once.", units::count(sleep.jobs.into())));
        }
    }
    sentences.extend(compared(point, Metric::Wall, Model::Async, Model::Threads));
    sentences
}

fn computations(point: &PointSummary, offload: &OffloadSpec) -> Vec<String> {
    let StepsSpec { wait, block, compute } = offload.steps;
    let each = words::exact(offload.steps.alone());
    let what = if wait.is_zero() && block.is_zero() {
        format!("{} of {each}", counted(offload.jobs, "computation"))
    } else if wait.is_zero() && compute.is_zero() {
        format!("{} of {each}", counted(offload.jobs, "blocking call"))
    } else {
        format!("{} ({})", counted(offload.jobs, "job"), offload.steps.in_words())
    };
    let mut sentences = vec![walls(point, &what)];
    sentences.extend(fewer(point));
    let fastest = full(point)
        .filter(|(_, m)| m.threads.median > 1.0)
        .min_by(|(_, a), (_, b)| a.wall_ns.median.total_cmp(&b.wall_ns.median));
    let one = measured(point, Model::Async).filter(|m| m.threads.max <= 1.0);
    if let (Some(_), Some((other, m))) = (one, fastest) {
        let slower = versus::between(point, Metric::Wall, Model::Async, other).filter(|v| v.finding() == Finding::More);
        if let Some(slower) = slower.filter(|slower| slower.ratio.ratio > 1.3) {
            sentences.push(format!(
                "async shared its one thread and did not add one: it took {} times as long as {other} on {} threads{}.",
                units::three_digits(slower.ratio.ratio),
                words::count(m.threads.median),
                slower.in_brackets(),
            ));
        }
    }
    let workers = point.cells.iter().map(|cell| cell.cell.id.model).find(|m| matches!(m, Model::AsyncWorkers(_)));
    sentences.extend(workers.and_then(|workers| compared(point, Metric::Wall, workers, Model::Threads)));
    sentences
}

fn beats(point: &PointSummary, heartbeat: &HeartbeatSpec, jobs: u32, steps: &StepsSpec) -> Vec<String> {
    let held = steps.block + steps.compute;
    let (who, whose, each) = if jobs == 1 {
        ("one job".to_owned(), "its thread", "")
    } else {
        (format!("{} jobs", units::count(jobs.into())), "their threads", " each")
    };
    let gap = |m: &Measures| m.longest_gap_ns;
    let gaps = chosen(point)
        .into_iter()
        .filter_map(|(model, m)| Some(format!("{} under {model}", words::time(gap(m)?.median))));
    let mut sentences = vec![format!(
        "While {who} held {whose} for {}{each}, the longest gap between two beats was {}; one was due every {}.",
        words::exact(held),
        listed(&gaps.collect::<Vec<_>>()),
        words::exact(heartbeat.every),
    )];
    let stopped = |m: &Measures| {
        let gap = gap(m).map_or(0.0, |gap| gap.median);
        gap > 3.0 * units::nanos(heartbeat.every) as f64 && gap >= 0.5 * units::nanos(held) as f64
    };
    let names = |wanted: bool| -> Vec<String> {
        let models = full(point).filter(|(_, m)| gap(m).is_some() && stopped(m) == wanted);
        models.map(|(model, _)| model.to_string()).collect()
    };
    let (stalled, steady) = (names(true), names(false));
    if !stalled.is_empty() && !steady.is_empty() {
        sentences.push(format!(
            "Under {} the beats stopped while the thread was held; under {} they went on.",
            listed(&stalled),
            listed(&steady)
        ));
    }
    sentences
}

/// From this share of the offered rate on a model keeps up: what came at the end of the window is answered after it.
const KEPT_UP: f64 = 0.98;

/// Which models did not keep up with a schedule.
fn behind(point: &PointSummary) -> Option<String> {
    let loads = full(point).filter_map(|(model, m)| Some((model, m.load.as_ref()?.reached.median)));
    let behind: Vec<String> = loads
        .filter(|(_, share)| *share < KEPT_UP)
        .map(|(model, share)| format!("{} of what came was answered under {model}", words::percent(share)))
        .collect();
    let told = listed(&behind);
    (!behind.is_empty()).then(|| format!("Not all kept up: {told}; there the line grew for as long as it lasted."))
}

/// Where several rates were offered, the highest that models kept up with, and which they are; 0 of those that kept up
/// with none.
pub(super) fn kept_up(points: &[PointSummary]) -> Vec<(f64, Vec<String>)> {
    let open: Vec<(f64, &PointSummary)> = points.iter().filter_map(|point| Some((offered(point)?, point))).collect();
    let mut by_rate: Vec<(f64, Vec<String>)> = Vec::new();
    let Some((_, first)) = open.first() else { return by_rate };
    for (model, _) in full(first) {
        let reached = |point| Some(measured(point, model)?.load.as_ref()?.reached.median);
        let kept_up = open.iter().filter(|(_, point)| reached(*point).is_some_and(|share| share >= KEPT_UP));
        let rate = kept_up.map(|(rate, _)| *rate).fold(0.0, f64::max);
        match by_rate.iter_mut().find(|(other, _)| *other == rate) {
            Some((_, models)) => models.push(model.to_string()),
            None => by_rate.push((rate, vec![model.to_string()])),
        }
    }
    by_rate
}

fn offered(point: &PointSummary) -> Option<f64> {
    match &point.work {
        Work::Echo(echo) => echo.load.arrival.offered(),
        _ => None,
    }
}

/// The same in a sentence.
pub(super) fn highest_rates(points: &[PointSummary]) -> Option<String> {
    let rates = || points.iter().filter_map(offered);
    let mut tried: Vec<f64> = rates().collect();
    tried.sort_by(f64::total_cmp);
    if tried.first()? == tried.last()? {
        return None;
    }
    let by_rate = kept_up(points);
    let told: Vec<String> = by_rate
        .iter()
        .map(|(rate, models)| {
            let rate = if *rate > 0.0 { units::rate(*rate) } else { "none".into() };
            format!("{rate} under {}", listed(models))
        })
        .collect();
    let tried: Vec<String> = tried.into_iter().map(units::rate).collect();
    Some(format!(
        "Of the rates that were tried, {}, the highest that was kept up with: {}.",
        listed(&tried),
        told.join("; ")
    ))
}

/// What one more waiting job costs, by the line through the points of a sweep: what the process itself weighs is in none
/// of it.
fn price_of_waiting(points: &[PointSummary]) -> Option<String> {
    const FEWEST_POINTS: usize = 3;
    let models = points.first()?.cells.iter().map(|cell| cell.cell.id.model);
    let price = |model: Model| {
        let at = |point: &PointSummary| {
            let cell = point.cell(model).filter(|cell| cell.cell.jobs_wanted.is_none())?;
            let (footprint, jobs) = (cell.traced?.footprint?, cell.measures.as_ref()?.in_flight.median);
            Some((jobs, footprint.total() as f64, footprint.resident_bytes as f64))
        };
        let known: Vec<(f64, f64, f64)> = points.iter().filter_map(at).collect();
        let slope = |value: fn(&(f64, f64, f64)) -> f64| {
            let places: Vec<(f64, f64)> = known.iter().map(|place| (place.0, value(place))).collect();
            stats::slope(&places).map(|slope| slope.slope.max(0.0))
        };
        let (all, resident) = (slope(|place| place.1)?, slope(|place| place.2)?);
        // Two medians of slopes may cross where there is nothing but what is resident.
        let (all, resident) = (words::memory(all), words::memory(resident.min(all)));
        (known.len() >= FEWEST_POINTS).then(|| format!("{all} under {model} ({resident} of it resident)"))
    };
    let told: Vec<String> = models.filter_map(price).collect();
    (!told.is_empty()).then(|| format!("Each job more that waits costs {}.", listed(&told)))
}

fn requests(point: &PointSummary, echo: &EchoSpec) -> Vec<String> {
    let rates = chosen(point)
        .into_iter()
        .map(|(model, m)| format!("{}/s under {model}", words::per_second(m.throughput.median)));
    let rates = listed(&rates.collect::<Vec<_>>());
    let connections = counted(echo.load.connections, "connection");
    let mut sentences = match echo.load.arrival.offered() {
        None => vec![format!("{connections}, each asking again when it had its answer, got {rates}.")],
        Some(rate) => {
            let offered = format!("Of {} that were due, over {connections}, were answered {rates}.", units::rate(rate));
            iter::once(offered).chain(behind(point)).collect()
        }
    };
    let starved =
        full(point).filter_map(|(model, m)| Some((model, m.load.as_ref()?))).filter(|(_, load)| load.starved.max > 0.0);
    let starved: Vec<(Model, String)> = starved
        .map(|(model, load)| {
            let of = units::count(load.connections.into());
            let most = words::count(load.starved.max);
            let up_to = if load.starved.min < load.starved.max { "up to " } else { "" };
            (model, format!("{up_to}{most} of {of} under {model}"))
        })
        .collect();
    if !starved.is_empty() {
        let told: Vec<String> = starved.iter().map(|(_, told)| told.clone()).collect();
        sentences.push(format!("Connections that got no answer in the whole window: {}.", listed(&told)));
    }
    if starved.iter().any(|(model, _)| matches!(model, Model::Sequential | Model::Pool(_))) {
        let why = "A thread of sequential or pool/N keeps its connection until that ends: of more than N that are kept \
                   alive, the rest starve.";
        sentences.push(why.into());
    }
    let p99 = chosen(point)
        .into_iter()
        .filter_map(|(model, m)| Some(format!("{} under {model}", m.series.first()?.response.p99?.in_words())));
    let p99: Vec<String> = p99.collect();
    if !p99.is_empty() {
        let which = match &echo.heavy {
            Some(heavy) => format!(
                "Beside {} of heavy requests ({}), 99 of 100 others",
                words::percent(heavy.share),
                heavy.steps.in_words()
            ),
            None => "99 of 100".into(),
        };
        sentences.push(format!("{which} were answered within {}.", listed(&p99)));
    }
    if echo.heavy.is_none() {
        // A schedule that is kept leaves no rate to compare.
        let metric = match echo.load.arrival.offered() {
            Some(_) if behind(point).is_none() => Metric::P99,
            _ => Metric::Rate,
        };
        sentences.extend(compared(point, metric, Model::Async, Model::Threads));
    }
    sentences
}

/// `8 computations of 50 ms took 402 ms under async (1 thread) and 203 ms under async/2 (2 threads).`
fn walls(point: &PointSummary, what: &str) -> String {
    let walls = chosen(point).into_iter().map(|(model, m)| {
        let threads = counted(m.threads.median.round() as u32, "thread");
        format!("{} under {model} ({threads})", words::time(m.wall_ns.median))
    });
    let walls: Vec<String> = walls.collect();
    if walls.is_empty() {
        format!("No model ran all of the {what}.")
    } else {
        format!("{what} took {}.", listed(&walls))
    }
}

/// Which models ran fewer jobs, and how long they took for those.
fn fewer(point: &PointSummary) -> Option<String> {
    let cells =
        point.cells.iter().filter_map(|cell| Some((cell, words::fewer_jobs(&cell.cell)?, cell.measures.as_ref()?)));
    let texts: Vec<String> = cells
        .map(|(cell, fewer, m)| {
            format!("{} ran only {fewer} and took {} for those", cell.cell.id.model, words::time(m.wall_ns.median))
        })
        .collect();
    (!texts.is_empty()).then(|| format!("{}.", listed(&texts)))
}

/// Which of two models took more, or that these rounds cannot tell.
fn compared(point: &PointSummary, metric: Metric, a: Model, b: Model) -> Option<String> {
    versus::between(point, metric, b, a).map(|versus| versus.sentence(&point.work))
}

/// Every model that ran all jobs and left a measurement.
fn full(point: &PointSummary) -> impl Iterator<Item = (Model, &Measures)> {
    let all_jobs = |cell: &&CellSummary| cell.cell.jobs_wanted.is_none();
    point.cells.iter().filter(all_jobs).filter_map(|cell| Some((cell.cell.id.model, cell.measures.as_ref()?)))
}

fn measured(point: &PointSummary, model: Model) -> Option<&Measures> {
    full(point).find(|(other, _)| *other == model).map(|(_, measures)| measures)
}

/// Those of [`full`] a sentence names: all when they are few, else the plainest of each kind.
fn chosen(point: &PointSummary) -> Vec<(Model, &Measures)> {
    const MOST: usize = 4;
    let rank = |model: Model| match model {
        Model::Async => 0,
        Model::Threads => 1,
        Model::AsyncWorkers(_) => 2,
        Model::HybridBlocking => 3,
        Model::HybridRayon(_) => 4,
        Model::Pool(_) => 5,
        Model::Sequential => 6,
        Model::External => 7,
    };
    let mut models: Vec<_> = full(point).collect();
    if models.len() > MOST {
        models.sort_by_key(|(model, _)| rank(*model));
        models.truncate(MOST);
    }
    models
}

/// `1 job`, `1,000 jobs`.
fn counted(n: u32, noun: &str) -> String {
    format!("{} {noun}{}", units::count(n.into()), if n == 1 { "" } else { "s" })
}

/// `a, b and c`.
fn listed(items: &[String]) -> String {
    match items {
        [] => "nothing".into(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
