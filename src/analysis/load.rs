//! The load generator's side of an echo over the rounds.

use std::collections::BTreeMap;

use crate::record::{LoadRecord, Measured};
use crate::timeline::Timeline;

/// What the load generator did in all rounds of a cell.
#[derive(Clone, Debug)]
pub struct LoadSummary {
    /// Connections asked for.
    pub connections: u32,
    /// Response times by when the requests were due in the window.
    pub over_time: Timeline,
    /// Response times of the warm-up by when the requests were due.
    pub warmup: Timeline,
    /// Requests without an answer.
    pub lost: u64,
    /// Requests planned.
    pub planned: u64,
    /// Transport errors by class, and `unsent` and `unfinished` beside them.
    pub errors: BTreeMap<String, u64>,
    /// CPUs of the server and of the generator; empty where the kernel chose.
    pub cpus: (Vec<usize>, Vec<usize>),
}

/// Nothing where no round had a load.
pub(super) fn load(rounds: &[(u32, &Measured)]) -> Option<LoadSummary> {
    let loads: Vec<&LoadRecord> = rounds.iter().filter_map(|(_, measured)| measured.load.as_ref()).collect();
    let first = loads.first()?;
    let merged = |part: fn(&LoadRecord) -> &Timeline| {
        let mut all = Timeline::default();
        loads.iter().for_each(|load| all.merge(part(load)));
        all
    };
    Some(LoadSummary {
        connections: first.connections_asked,
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
