//! Decides which model suits a load: which of them meet the objective, and which is the simplest of the best.

use super::load::LoadFigures;
use super::point::{KEPT_UP, PointSummary};
use super::ratios::Difference;
use super::round::Estimate;
use super::slo::judge;
use crate::gate::Verdict;
use crate::record::{Measured, Outcome, Record, Run};
use crate::scenario::{Capacity, Metric, Model, Scenario, Slo, Work, capacity};

/// The comparison of all models at one load.
#[derive(Clone, Debug)]
pub struct Advice {
    /// The work at which the models are compared: in an open loop that of the highest offered rate.
    pub work: Work,
    /// The offered rate, in requests per second; `None` in a closed loop, and for jobs.
    pub offered: Option<f64>,
    /// The objective; `None` if the scenario sets none, and a model only has to keep up with the offered rate.
    pub slo: Option<String>,
    /// One row per model, in the order of the scenario.
    pub rows: Vec<AdviceRow>,
    /// The conclusion.
    pub choice: Choice,
}

/// The figures of one model.
#[derive(Clone, Debug)]
pub struct AdviceRow {
    /// The model.
    pub model: Model,
    /// Whether the model meets the objective.
    pub meets: Meets,
    /// The figure by which models are compared: the p99 response time, or the wall time of jobs.
    pub time: Option<Estimate>,
    /// The same time of all rounds together, in nanoseconds, if each round alone has too few requests for it.
    pub time_of_all: Option<u64>,
    /// CPU time per request or job.
    pub cpu: Option<Estimate>,
    /// The peak memory of the process per connection or job, in bytes; it includes the memory of the program itself.
    pub memory_each: Option<f64>,
    /// The largest measured rate, in requests per second.
    pub largest_rate: Option<LargestRate>,
    /// The largest rate that arithmetic allows.
    pub capacity: Option<Capacity>,
}

/// The largest measured rate of a model.
#[derive(Clone, Debug)]
pub struct LargestRate {
    /// The rate.
    pub rate: Estimate,
    /// Whether the server was asked for more, so that this is its limit; else it kept up with all that was offered.
    pub is_limit: bool,
}

/// Whether a model meets the objective in all rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meets {
    /// In every round.
    Yes,
    /// In no round.
    No,
    /// In some rounds and not in others.
    NotDecided,
    /// The model was not measured, or its trials are INVALID.
    NotMeasurable,
}

/// The conclusion from the comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// A model is recommended.
    Model {
        /// The simplest model that is as good as the best.
        model: Model,
        /// The others that are as good within the noise.
        as_good: Vec<Model>,
        /// Models that meet the objective and are worse by more than the noise.
        worse: Vec<Model>,
        /// Models that meet the objective and cannot be compared with the best, as with too few rounds.
        unknown: Vec<Model>,
    },
    /// No model meets the objective; `undecided` are those that met it in some rounds.
    NoneMeets {
        /// The models that met the objective in some rounds.
        undecided: Vec<Model>,
    },
    /// No trial can be relied on.
    NotMeasurable,
}

impl Advice {
    /// Returns the row of a model.
    pub fn row(&self, model: Model) -> Option<&AdviceRow> {
        self.rows.iter().find(|row| row.model == model)
    }

    /// Returns the metric by which the models are compared.
    pub fn metric(&self) -> Metric {
        metric(&self.work)
    }
}

/// Compares the models of a scenario; `None` without points.
pub(super) fn advise(scenario: &Scenario, points: &[PointSummary], run: &Run, records: &[Record]) -> Option<Advice> {
    let open = points.iter().filter_map(|point| Some((offered(&point.work)?, point)));
    let highest = open.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, point)| point);
    let point = highest.or(points.last())?;
    let slo = scenario.slo.as_ref();
    let rows: Vec<AdviceRow> = scenario
        .models
        .iter()
        .map(|model| AdviceRow {
            model: *model,
            meets: meets(point, *model, slo, records),
            time: point.cell(*model).and_then(|cell| cell.figure(time_metric(&point.work)).cloned()),
            time_of_all: point
                .cell(*model)
                .and_then(|cell| cell.measures.as_ref()?.series.first()?.response.credible_quantile(0.99)),
            cpu: point.cell(*model).and_then(|cell| cell.figure(Metric::Cpu).cloned()),
            memory_each: memory_each(point, *model),
            largest_rate: largest_rate(points, *model),
            capacity: match &point.work {
                Work::Echo(echo) => {
                    let machine = run.parallel.for_work(&point.work);
                    capacity(echo, *model, &machine.at_most(echo.load.cpus_left_for_server(run.host.cpus)))
                }
                Work::Sleep(_) | Work::Offload(_) | Work::Own(_) => None,
            },
        })
        .collect();
    let choice = choose(point, &rows);
    let slo = slo.map(ToString::to_string);
    Some(Advice { work: point.work.clone(), offered: offered(&point.work), slo, rows, choice })
}

fn offered(work: &Work) -> Option<f64> {
    if let Work::Echo(echo) = work { echo.load.arrival.offered() } else { None }
}

/// Returns the metric by which models are compared: the tail at an offered rate, the rate of a closed loop.
fn metric(work: &Work) -> Metric {
    match work {
        Work::Echo(_) if offered(work).is_none() => Metric::Rate,
        Work::Echo(_) => Metric::P99,
        Work::Sleep(_) | Work::Offload(_) | Work::Own(_) => Metric::Wall,
    }
}

/// Returns the time that the comparison shows: the p99 response time, or the wall time of jobs.
fn time_metric(work: &Work) -> Metric {
    if work.is_echo() { Metric::P99 } else { Metric::Wall }
}

fn meets(point: &PointSummary, model: Model, slo: Option<&Slo>, records: &[Record]) -> Meets {
    let Some(cell) = point.cell(model).filter(|cell| cell.rounds() > 0) else { return Meets::NotMeasurable };
    if point.invalidity(model).is_some() {
        return Meets::NotMeasurable;
    }
    let is_open = offered(&point.work).is_some();
    let rounds = records.iter().filter(|record| record.cell == cell.cell.id && record.round().is_some());
    let valid = rounds.filter(|record| record.round().is_some_and(|round| cell.verdict(round) != Verdict::Invalid));
    let (mut measured, mut kept) = (Vec::new(), Vec::new());
    for record in valid {
        match &record.outcome {
            Outcome::Measured(round) => {
                measured.push(round.as_ref());
                kept.extend(keeps(round, slo, is_open));
            }
            _ => kept.push(false),
        }
    }
    match kept.iter().filter(|kept| **kept).count() {
        // Each round alone has too few requests.
        _ if kept.is_empty() => match merge(&measured).and_then(|all| keeps(&all, slo, is_open)) {
            Some(true) => Meets::Yes,
            Some(false) => Meets::No,
            None => Meets::NotDecided,
        },
        n if n == kept.len() => Meets::Yes,
        0 => Meets::No,
        _ => Meets::NotDecided,
    }
}

/// Returns whether a trial meets the objective and keeps up with the offered rate; `None` if it has too few requests to
/// decide.
fn keeps(measured: &Measured, slo: Option<&Slo>, is_open: bool) -> Option<bool> {
    let (Some(load), Some(series)) = (&measured.load, measured.series.first()) else { return Some(true) };
    let keeps_up = !is_open || load.answered_share(measured.jobs) >= KEPT_UP;
    let figures = LoadFigures::new(series, load, measured.wall_ns, measured.jobs);
    let judged = slo.map(|slo| judge(slo, &figures)).unwrap_or_default();
    // A collapsed server answers few requests, so what is certain comes before what is unknown.
    let is_broken = judged.iter().any(|judged| !judged.is_kept && !judged.is_unknown());
    if is_broken || !keeps_up || measured.jobs == 0 {
        return Some(false);
    }
    judged.iter().all(|judged| judged.is_kept).then_some(true)
}

/// Adds up the requests of all rounds.
fn merge(rounds: &[&Measured]) -> Option<Measured> {
    let (first, others) = rounds.split_first()?;
    let mut all = Measured::clone(first);
    for other in others {
        all.jobs += other.jobs;
        all.wall_ns += other.wall_ns;
        let (Some(series), Some(more)) = (all.series.first_mut(), other.series.first()) else { continue };
        series.response_time.merge(&more.response_time);
        let bounds = [series.lower_bound_from_ns, more.lower_bound_from_ns];
        series.lower_bound_from_ns = bounds.into_iter().flatten().min();
        let (Some(load), Some(more)) = (&mut all.load, &other.load) else { continue };
        load.requests.planned += more.requests.planned;
        load.requests.completed += more.requests.completed;
        more.status.iter().for_each(|(status, n)| *load.status.entry(*status).or_default() += n);
    }
    Some(all)
}

fn memory_each(point: &PointSummary, model: Model) -> Option<f64> {
    let each = match &point.work {
        Work::Echo(echo) => echo.load.connections,
        work => work.jobs()?,
    };
    Some(point.cell(model)?.value(Metric::PeakMemory)? / f64::from(each.max(1)))
}

/// Returns the largest rate of a model over all points whose trials are valid.
fn largest_rate(points: &[PointSummary], model: Model) -> Option<LargestRate> {
    let rate = |point: &PointSummary| {
        if !point.work.is_echo() || point.invalidity(model).is_some() {
            return None;
        }
        let rate = point.cell(model)?.figure(Metric::Rate)?.clone();
        let kept_up = point.answered.iter().find(|answered| answered.model == model).map(|answered| answered.kept_up);
        Some(LargestRate { rate, is_limit: kept_up != Some(true) })
    };
    points.iter().filter_map(rate).max_by(|a, b| a.rate.value().total_cmp(&b.rate.value()))
}

fn choose(point: &PointSummary, rows: &[AdviceRow]) -> Choice {
    if rows.iter().all(|row| row.meets == Meets::NotMeasurable) {
        return Choice::NotMeasurable;
    }
    let metric = metric(&point.work);
    let value = |row: &&AdviceRow| point.cell(row.model).and_then(|cell| cell.value(metric));
    let mut good: Vec<&AdviceRow> = rows.iter().filter(|row| row.meets == Meets::Yes).collect();
    if good.is_empty() {
        let undecided = rows.iter().filter(|row| row.meets == Meets::NotDecided).map(|row| row.model).collect();
        return Choice::NoneMeets { undecided };
    }
    let sign = if metric.less_is_better() { 1.0 } else { -1.0 };
    // A model without the figure, because its requests are too few, comes last, as it cannot be compared.
    let rank = |row: &&AdviceRow| value(row).map_or(f64::INFINITY, |value| sign * value);
    good.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
    let best = good[0].model;
    let (mut as_good, mut worse, mut unknown) = (vec![best], Vec::new(), Vec::new());
    for row in &good[1..] {
        // The best is at the front, so another model is worse or no different.
        match point.ratio(metric, row.model, best).map(|ratio| ratio.difference) {
            Some(Difference::More | Difference::Less) => worse.push(row.model),
            Some(Difference::NoneFound { .. }) => as_good.push(row.model),
            Some(Difference::Incomparable(_)) | None => unknown.push(row.model),
        }
    }
    Model::sort_by_complexity(&mut as_good);
    let model = as_good.remove(0);
    Choice::Model { model, as_good, worse, unknown }
}
