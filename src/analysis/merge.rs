//! Merges the records of all shards into one load.
//!
//! Counts, sums and histograms add up, so percentiles are those of all requests; no percentile is ever averaged. What a
//! lost shard had to send is counted out from the schedule. Its unknown requests enter the response times as 0, a lower
//! bound: every percentile then is one, too.

mod findings;
mod window;

use thiserror::Error;

use super::load::LoadFigures;
use super::single_load::{LoadAnalysis, LoadFinding};
use super::slo;
use crate::gate::{self, Finding, ShardFinding, Verdict};
use crate::histogram::Histogram;
use crate::record::{LoadRecord, PlannedLoad, Requests, Series, ShardEnd, ShardRecord, ShardSecond};
use crate::scenario::{ArrivalSpec, Slo};
use crate::schedule::{Schedule, Shard};

pub use window::Skew;

/// The length of a recorded second, nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// The load that all shards together are.
#[derive(Clone, Debug)]
pub struct MergedLoad<'a> {
    /// The plan.
    pub plan: &'a PlannedLoad,
    /// Every shard, in order.
    pub shards: Vec<MergedShard<'a>>,
    /// The number of different machines, as far as they are known.
    pub machines: usize,
    /// The times of all requests. Lost ones count with 0, a lower bound.
    pub series: Series,
    /// The times of the requests that were not lost.
    pub known: Series,
    /// All other figures.
    pub load: LoadRecord,
    /// The length of the longest window, nanoseconds.
    pub wall_ns: u64,
    /// Responses within the windows.
    pub requests_in_window: u64,
    /// The sum of the rates of all shards, responses per second; `None` unless all ran to the end, with enough of
    /// their windows in common.
    pub rate: Option<f64>,
    /// What is known of the difference between the clocks.
    pub skew: Skew,
    /// What the shards' records say about the measurement.
    pub findings: Vec<LoadFinding>,
}

/// A shard in a merged load.
#[derive(Clone, Debug)]
pub struct MergedShard<'a> {
    /// The shard.
    pub shard: Shard,
    /// Its record; `None` if there is none.
    pub record: Option<&'a ShardRecord>,
    /// What became of it.
    pub state: ShardState,
    /// Its requests, by outcome.
    pub requests: Requests,
    /// Its responses per second in its own window; `None` unless it was measured to the end.
    pub rate: Option<f64>,
    /// The response times of its requests. Lost ones count with 0, a lower bound.
    pub response_time: Histogram,
    /// The shortest time in `response_time` that is only a lower bound, nanoseconds.
    pub lower_bound_from_ns: Option<u64>,
    /// The start of its load after that of the earliest shard, nanoseconds; `None` unless it was measured.
    pub starts_after_ns: Option<u64>,
    /// The worst verdict on its measurement.
    pub verdict: Verdict,
}

/// What became of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardState {
    /// It was measured to the end.
    Complete,
    /// A signal ended it early.
    Partial,
    /// Its record has no end.
    Killed,
    /// It sent no request.
    Refused,
    /// It left no record.
    Missing,
}

impl ShardState {
    /// Returns the word for tables and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Killed => "killed",
            Self::Refused => "refused",
            Self::Missing => "missing",
        }
    }
}

/// Why records are not those of one load.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MergeError {
    /// There is no record.
    #[error("no record of a shard found; `avt load --shard K/N --out DIR` writes one")]
    Empty,
    /// Two records belong to different loads.
    #[error("{first} and {second} are shards of different loads: {}", differences.join("; "))]
    DifferentPlans {
        /// The source of one record.
        first: String,
        /// The source of the other.
        second: String,
        /// The fields that differ, with both values.
        differences: Vec<String>,
    },
    /// A shard was measured twice.
    #[error(
        "{first} and {second} are both shard {} of {}, and the server got its requests twice; merge one of them only if \
         the other ran at another time", shard.number(), shard.of()
    )]
    Duplicate {
        /// The shard.
        shard: Shard,
        /// The source of one record.
        first: String,
        /// The source of the other.
        second: String,
    },
}

/// Merges the records of a load. Returns an error unless all of them have one plan, and no shard was measured twice.
pub fn merge(records: &[ShardRecord]) -> Result<MergedLoad<'_>, MergeError> {
    let first = records.first().ok_or(MergeError::Empty)?;
    let plan = &first.begin.plan;
    for other in records {
        let differences = plan.differences(&other.begin.plan);
        if !differences.is_empty() {
            let (first, second) = (first.source.clone(), other.source.clone());
            return Err(MergeError::DifferentPlans { first, second, differences });
        }
    }
    let mut shards = Vec::new();
    for shard in Shard::all(plan.shards) {
        shards.push((shard, choose(records.iter().filter(|record| record.shard == shard), shard)?));
    }
    let due =
        if shards.iter().all(|(_, record)| record.is_some_and(is_complete)) { Vec::new() } else { requests_due(plan) };
    let mut merge = Merge::new(plan);
    for (shard, record) in shards {
        merge.add(shard, record, due.get(shard.number() as usize - 1).copied());
    }
    Ok(merge.finish())
}

/// Returns the record of a shard. An attempt that sent no request does not count beside another one.
fn choose<'a>(
    records: impl Iterator<Item = &'a ShardRecord>,
    shard: Shard,
) -> Result<Option<&'a ShardRecord>, MergeError> {
    let has_sent = |record: &&ShardRecord| !matches!(record.end, Some(Err(_)));
    let (sent, refused): (Vec<_>, Vec<_>) = records.partition(has_sent);
    match sent[..] {
        [] => Ok(refused.first().copied()),
        [one] => Ok(Some(one)),
        [one, other, ..] => {
            Err(MergeError::Duplicate { shard, first: one.source.clone(), second: other.source.clone() })
        }
    }
}

fn is_complete(record: &ShardRecord) -> bool {
    matches!(&record.end, Some(Ok(end)) if !end.partial)
}

/// Returns the number of requests of each shard that are due in the window: empty if only the server decides it, as in
/// a closed loop of a set length. Walks through the schedule: takes a few nanoseconds a request.
fn requests_due(plan: &PlannedLoad) -> Vec<u64> {
    let ArrivalSpec::Open { rate, arrivals, .. } = plan.arrival else {
        return plan.requests.map_or_else(Vec::new, |n| Shard::all(plan.shards).map(|shard| shard.part(n)).collect());
    };
    let mut due = vec![0; plan.shards as usize];
    let schedule = Schedule { rate, arrivals, seed: plan.seed };
    let end = plan.window_ns.map_or(u64::MAX, |length| plan.warmup_ns.saturating_add(length));
    let in_window = (0..).zip(schedule.offsets()).skip_while(|(_, at)| *at < plan.warmup_ns);
    let in_window = in_window.take_while(|(_, at)| *at < end).take(plan.requests.map_or(usize::MAX, |n| n as usize));
    in_window.for_each(|(k, _)| due[schedule.shard_of(k, plan.shards) as usize - 1] += 1);
    due
}

/// A merge under way.
struct Merge<'a> {
    plan: &'a PlannedLoad,
    shards: Vec<MergedShard<'a>>,
    series: Series,
    /// The sum of all measured shards.
    load: Option<LoadRecord>,
    /// The requests of every shard.
    requests: Requests,
    per_connection: Histogram,
    requests_in_window: u64,
    findings: Vec<LoadFinding>,
}

impl<'a> Merge<'a> {
    fn new(plan: &'a PlannedLoad) -> Self {
        let series = Series {
            name: "requests".into(),
            response_time: Histogram::default(),
            service_time: Histogram::default(),
            paused_response_time: Histogram::default(),
            lower_bound_from_ns: None,
        };
        Self {
            plan,
            shards: Vec::new(),
            series,
            load: None,
            requests: Requests::default(),
            per_connection: Histogram::default(),
            requests_in_window: 0,
            findings: Vec::new(),
        }
    }

    /// Adds a shard, of which this many requests are due; `None` if only the server decides it.
    fn add(&mut self, shard: Shard, record: Option<&'a ShardRecord>, due: Option<u64>) {
        let mut merged = MergedShard {
            shard,
            record,
            state: ShardState::Missing,
            requests: Requests::default(),
            rate: None,
            response_time: Histogram::default(),
            lower_bound_from_ns: None,
            starts_after_ns: None,
            verdict: Verdict::Invalid,
        };
        let finding = match record.map(|record| (record, &record.end)) {
            None => Some(ShardFinding::Missing(vec![shard])),
            Some((_, Some(Err(refused)))) => {
                merged.state = ShardState::Refused;
                Some(ShardFinding::Refused { shard, refused: refused.clone() })
            }
            Some((record, None)) => {
                merged.state = ShardState::Killed;
                self.add_seconds(record, &mut merged);
                Some(ShardFinding::Killed { shard, seconds: record.seconds.len() })
            }
            Some((_, Some(Ok(end)))) => {
                merged.state = if end.partial { ShardState::Partial } else { ShardState::Complete };
                self.add_measured(end, &mut merged);
                // That the server ended is a finding of its own.
                (end.partial && end.server_ended_after_ns.is_none()).then_some(ShardFinding::Partial(shard))
            }
        };
        if let Some(due) = due.filter(|_| merged.state != ShardState::Complete) {
            Self::add_lost(due, &mut merged);
        }
        self.requests.add(&merged.requests);
        self.findings.extend(finding.map(LoadFinding::Shards));
        self.shards.push(merged);
    }

    /// Adds the results of a shard.
    fn add_measured(&mut self, end: &ShardEnd, merged: &mut MergedShard<'a>) {
        let ShardEnd { wall_ns, requests_in_window, series, load, per_connection, .. } = end;
        let figures = LoadFigures::new(series, load, *wall_ns, *requests_in_window);
        let mut findings = gate::check_single_load(load, series, *wall_ns, *requests_in_window, None);
        findings.extend(end.server_ended_after_ns.map(|after_ns| Finding::ServerEnded { after_ns }));
        merged.verdict = gate::verdict(&findings);
        merged.requests = load.requests;
        merged.response_time = series.response_time.clone();
        merged.lower_bound_from_ns = series.lower_bound_from_ns;
        merged.rate = figures.rate.filter(|_| !end.partial);
        let of_shard = |finding| LoadFinding::OfShards { worst: merged.shard, finding, shards: 1 };
        self.findings.extend(findings.into_iter().map(of_shard));
        self.series.response_time.merge(&series.response_time);
        self.series.service_time.merge(&series.service_time);
        self.series.paused_response_time.merge(&series.paused_response_time);
        let bounds = [self.series.lower_bound_from_ns, series.lower_bound_from_ns];
        self.series.lower_bound_from_ns = bounds.into_iter().flatten().min();
        self.per_connection.merge(per_connection);
        self.requests_in_window += requests_in_window;
        match &mut self.load {
            Some(all) => all.add_shard(load),
            None => self.load = Some(load.clone()),
        }
    }

    /// Adds what a shard without a last line had recorded.
    fn add_seconds(&mut self, record: &ShardRecord, merged: &mut MergedShard<'a>) {
        for ShardSecond { second, requests, response_time, service_time } in record.seconds.iter() {
            merged.requests.add(&requests);
            merged.response_time.merge(&response_time);
            self.series.service_time.merge(&service_time);
            // The seconds of the drain follow those of the window.
            if self.plan.window_ns.is_none_or(|length| (second + 1) * SECOND <= length) {
                self.requests_in_window += requests.completed;
            }
        }
        merged.requests.planned = merged.requests.outcomes();
        self.series.response_time.merge(&merged.response_time);
    }

    /// Adds the requests of a shard that were due and have no known outcome.
    fn add_lost(due: u64, merged: &mut MergedShard<'a>) {
        let carried_over = match merged.record.map(|record| &record.end) {
            Some(Some(Ok(end))) => end.load.carried_over,
            _ => 0,
        };
        let lost = due.saturating_sub(merged.requests.planned - carried_over);
        merged.requests.planned += lost;
        merged.requests.lost += lost;
        merged.response_time.record_many(0, lost);
        if lost > 0 {
            merged.lower_bound_from_ns = Some(0);
        }
    }

    fn finish(self) -> MergedLoad<'a> {
        let Self { plan, mut shards, series, load, requests, per_connection, requests_in_window, findings } = self;
        let mut load = load.unwrap_or_default();
        let known = series.clone();
        let mut series = series;
        if requests.lost > 0 {
            series.response_time.record_many(0, requests.lost);
            series.lower_bound_from_ns = Some(0);
        }
        let mut findings = findings::grouped(findings);
        load.requests = requests;
        // The numbers of CPUs of different machines have nothing in common.
        load.cpus = Default::default();
        load.offered_per_s = plan.arrival.offered();
        load.pacing = plan.arrival.pacing();
        load.connections_planned = plan.connections;
        load.requests_per_connection = [0.0, 0.5, 1.0].map(|share| per_connection.quantile(share).unwrap_or(0));
        let windows = window::windows(&shards);
        for (shard, window) in shards.iter_mut().zip(&windows) {
            shard.starts_after_ns = window.map(|window| window.after_first_ns);
        }
        let wall_ns = windows.iter().flatten().map(|window| window.length_ns).max();
        let recorded = || shards.iter().filter_map(|shard| Some(shard.record?.seconds.len() as u64 * SECOND)).max();
        let wall_ns = wall_ns.or(plan.window_ns).or_else(recorded).unwrap_or(0);
        let complete = shards.iter().zip(&windows).filter(|(shard, _)| shard.state == ShardState::Complete);
        let overlap = window::overlap(complete.filter_map(|(_, window)| window.as_ref()), plan.requests.is_some());
        let skew = Skew::of(&shards);
        let across = overlap.and_then(gate::check_overlap);
        let is_complete = shards.iter().all(|shard| shard.state == ShardState::Complete);
        let rate = match plan.requests {
            _ if !is_complete => None,
            // Windows that a number of requests ends are of different lengths.
            Some(_) => (wall_ns > 0).then(|| requests_in_window as f64 / (wall_ns as f64 / 1e9)),
            None => shards.iter().filter_map(|shard| shard.rate).reduce(|sum, rate| sum + rate),
        };
        let rate = rate.filter(|_| across.is_none());
        // One clock differs from no other.
        let skewed = gate::check_skew(skew.at_most_ns(), wall_ns).filter(|_| shards.len() > 1);
        let together = across.into_iter().chain(skewed).chain(findings::slower_shards(&shards));
        findings.extend(together.map(LoadFinding::Shards));
        let machines = window::machines(&shards);
        MergedLoad { plan, shards, machines, series, known, load, wall_ns, requests_in_window, rate, skew, findings }
    }
}

impl MergedLoad<'_> {
    /// Returns the figures of the load.
    pub fn figures(&self) -> LoadFigures<'_> {
        let Self { series, load, wall_ns, requests_in_window, rate, .. } = self;
        LoadFigures { series, load, wall_ns: *wall_ns, requests_in_window: *requests_in_window, rate: *rate }
    }

    /// Returns whether every shard was measured to the end.
    pub fn is_complete(&self) -> bool {
        self.shards.iter().all(|shard| shard.state == ShardState::Complete)
    }

    /// Analyzes the load: its verdict is the worst of its shards' and of what they are together.
    pub fn analyze(&self, slo: Option<&Slo>) -> LoadAnalysis {
        let figures = self.figures();
        LoadAnalysis {
            verdict: self.findings.iter().map(LoadFinding::verdict).max().unwrap_or_default(),
            findings: self.findings.clone(),
            rate: self.rate,
            server_cpu_per_request_ns: None,
            objectives: slo.map(|slo| slo::judge(slo, &figures)),
            has_answers: self.load.requests.completed > 0,
            has_lost: self.load.requests.lost > 0,
        }
    }
}
