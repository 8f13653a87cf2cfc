//! The records of one load, and the load generator's side of an echo over the rounds.

use std::collections::BTreeMap;

use crate::record::{LoadRecord, Measured, Series};
use crate::timeline::Timeline;

/// The records of one load.
#[derive(Clone, Copy, Debug)]
pub struct LoadFigures<'a> {
    /// The times of the load's requests.
    pub series: &'a Series,
    /// The load generator's record.
    pub load: &'a LoadRecord,
    /// The length of the window, in nanoseconds.
    pub wall_ns: u64,
    /// The number of answers within the window.
    pub requests_in_window: u64,
    /// Answers a second within the window; `None` for a window of zero length, and for shards whose windows have too
    /// little in common.
    pub rate: Option<f64>,
}

impl<'a> LoadFigures<'a> {
    /// Returns the figures of a load in one window.
    pub fn new(series: &'a Series, load: &'a LoadRecord, wall_ns: u64, requests_in_window: u64) -> Self {
        let rate = (wall_ns > 0).then(|| requests_in_window as f64 / (wall_ns as f64 / 1e9));
        Self { series, load, wall_ns, requests_in_window, rate }
    }
}

/// The load generator's figures over all rounds of a cell.
#[derive(Clone, Debug)]
pub struct LoadSummary {
    /// The number of connections of the load.
    pub connections: u32,
    /// The response times in the window, by the time the requests were due.
    pub over_time: Timeline,
    /// The response times in the warm-up, by the time the requests were due.
    pub warmup: Timeline,
    /// The number of requests without a response.
    pub lost: u64,
    /// The number of planned requests.
    pub planned: u64,
    /// The number of transport errors by class, along with `unsent` and `unfinished` requests.
    pub errors: BTreeMap<String, u64>,
    /// The CPUs of the server and of the generator; empty if the kernel chose them.
    pub cpus: (Vec<usize>, Vec<usize>),
}

/// Summarizes the loads of these rounds; `None` if no round had a load.
pub(super) fn load(rounds: &[(u32, &Measured)]) -> Option<LoadSummary> {
    let loads: Vec<&LoadRecord> = rounds.iter().filter_map(|(_, measured)| measured.load.as_ref()).collect();
    let first = loads.first()?;
    let merged = |part: fn(&LoadRecord) -> &Timeline| {
        let mut all = Timeline::default();
        loads.iter().for_each(|load| all.merge(part(load)));
        all
    };
    Some(LoadSummary {
        connections: first.connections_planned,
        over_time: merged(|load| &load.over_time),
        warmup: merged(|load| &load.warmup),
        lost: loads.iter().map(|load| load.requests.planned - load.requests.completed).sum(),
        planned: loads.iter().map(|load| load.requests.planned).sum(),
        errors: errors(&loads),
        cpus: first.cpus.clone(),
    })
}

fn errors(loads: &[&LoadRecord]) -> BTreeMap<String, u64> {
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
