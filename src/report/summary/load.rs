//! The generator's side of an echo over the rounds.

use std::collections::BTreeMap;

use crate::histogram::Histogram;
use crate::record::LoadRecord;
use crate::stats::Spread;
use crate::timeline::Timeline;

/// The generator's side of an echo over the rounds.
#[derive(Clone, Debug)]
pub struct LoadSummary {
    /// Connections asked for.
    pub connections: u32,
    /// Connections that got no answer in the whole window.
    pub starved: Spread,
    /// The 99th percentile of how long requests waited for a free connection, nanoseconds; nothing in a closed loop,
    /// and of too few requests.
    pub waited_p99_ns: Option<Spread>,
    /// The 99th percentile of how late the generator was, nanoseconds; nothing as above.
    pub late_p99_ns: Option<Spread>,
    /// The median response time of the warm-up, all kinds of requests together, nanoseconds; nothing where there was none.
    pub warmup_p50_ns: Option<Spread>,
    /// Response times of all rounds by when the requests were due, in the window and in the warm-up before it.
    pub over_time: Timeline,
    /// As above.
    pub warmup: Timeline,
    /// Answers within the window for each request that was due in it: of a schedule, the share of its rate.
    pub reached: Spread,
    /// CPU time of the generator, nanoseconds.
    pub cpu_ns: Spread,
    /// Share of all its threads' time that the generator used, 0 to 1.
    pub cpu_share: Spread,
    /// Requests of all rounds that were not answered.
    pub lost: u64,
    /// Requests of all rounds.
    pub planned: u64,
    /// Transport errors of all rounds by class, and `unsent` and `unfinished` beside them.
    pub errors: BTreeMap<String, u64>,
    /// CPUs of the server and of the generator; empty where the kernel chose.
    pub cpus: (Vec<usize>, Vec<usize>),
}

/// The generator's side of a round, its window in nanoseconds, and the answers within it.
pub(super) type Load<'a> = (&'a LoadRecord, u64, u64);

pub(super) fn load(rounds: &[Load<'_>]) -> Option<LoadSummary> {
    let each =
        |value: &dyn Fn(&LoadRecord, u64) -> f64| Spread::of(rounds.iter().map(|(load, wall, _)| value(load, *wall)));
    let share =
        |load: &LoadRecord, wall: u64| load.usage.cpu_ns() as f64 / (wall * u64::from(load.threads)).max(1) as f64;
    let first = rounds.first()?.0;
    // Only a schedule can be missed.
    let p99 = |part: fn(&LoadRecord) -> &Histogram| {
        first.offered_per_s?;
        let told = rounds.iter().map(|(load, ..)| Some(part(load).credible_quantile(0.99)? as f64));
        Spread::of(told.collect::<Option<Vec<f64>>>()?)
    };
    Some(LoadSummary {
        connections: first.connections_asked,
        starved: each(&|load, _| f64::from(load.connections_starved))?,
        waited_p99_ns: p99(|load| &load.send_lag.no_connection),
        late_p99_ns: p99(|load| &load.send_lag.late),
        warmup_p50_ns: Spread::of(rounds.iter().filter_map(|(load, ..)| load.warmup.median())),
        over_time: merged(rounds, |load| &load.over_time),
        warmup: merged(rounds, |load| &load.warmup),
        cpu_ns: each(&|load, _| load.usage.cpu_ns() as f64)?,
        cpu_share: each(&share)?,
        reached: Spread::of(rounds.iter().map(|(load, _, jobs)| load.answered_share(*jobs)))?,
        lost: rounds.iter().map(|(load, ..)| load.requests.planned - load.requests.completed).sum(),
        planned: rounds.iter().map(|(load, ..)| load.requests.planned).sum(),
        errors: errors(rounds.iter().map(|(load, ..)| *load)),
        cpus: first.cpus.clone(),
    })
}

fn merged(rounds: &[Load<'_>], part: fn(&LoadRecord) -> &Timeline) -> Timeline {
    let mut all = Timeline::default();
    rounds.iter().for_each(|(load, ..)| all.merge(part(load)));
    all
}

fn errors<'a>(loads: impl Iterator<Item = &'a LoadRecord>) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for load in loads {
        let own = [("unsent", load.requests.unsent), ("unfinished", load.requests.unfinished)];
        let classes = load.errors.iter().map(|(class, n)| (class.as_str(), *n));
        for (class, n) in classes.chain(own).filter(|(_, n)| *n > 0) {
            *all.entry(class.to_owned()).or_default() += n;
        }
    }
    all
}
