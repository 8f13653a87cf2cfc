//! Scenarios: one question, the work that answers it, and the models to compare.
//!
//! The TOML syntax stays private to [`parse`](self::parse()); every [`Scenario`] can run. Its
//! [`cells`](Scenario::cells) are every model at every point of its sweep.

#[cfg(feature = "cli")]
pub mod builtin;
pub mod expect;

mod capacity;
mod cell;
mod claim;
mod formula;
mod keys;
mod metric;
mod model;
mod parallel;
mod parse;
mod point;
#[cfg(feature = "cli")]
mod reference;
#[cfg(feature = "cli")]
mod schema;
mod server_name;
mod slo;
mod steps;
mod work;

pub use capacity::{Capacity, CapacityLimit, capacity};
pub use cell::{Cell, CellId};
pub use claim::{Against, Claim, ClaimKind};
pub use formula::{Dimension, Formula};
pub use metric::{Metric, Origin, OverRounds, Unit};
pub use model::{BLOCKING_THREADS, Family, Model, ModelError, PoolKind, RuntimeKind, closest};
pub use parallel::{Machine, Parallel};
pub use parse::{MOST_BYTES, Mistake, Mistakes, parse, parse_bytes};
pub use point::{Finite, Point, SweptValue};
#[cfg(feature = "cli")]
pub use reference::reference;
#[cfg(feature = "cli")]
pub use schema::schema;
pub use server_name::ServerName;
pub use slo::{Condition, Measure, Relation, Slo};
pub use steps::{LockKind, LockScope, StepsSpec};
pub use work::{
    ArrivalSpec, ClientKind, Composition, CpusWanted, EchoSpec, ExpectSpec, HeartbeatSpec, HeavySpec, LoadSpec,
    OffloadSpec, OwnSpec, Pin, RequestSpec, ServerSpec, SleepSpec, Work,
};

/// One question, parsed and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The name, which is also a file name: 1 to 80 of `a-z 0-9 . _ -`, no dot first.
    pub name: String,
    /// The question, in one sentence.
    pub question: String,
    /// The analysis: what is asked and why, what to expect, and the caveat, in paragraphs separated by an empty line.
    pub analysis: String,
    /// The models that run the jobs, in the order of the report.
    pub models: Vec<Model>,
    /// The number of rounds.
    pub rounds: Rounds,
    /// Models limited to fewer jobs because they would take too long, with the limit.
    pub max_jobs: Vec<(Model, u32)>,
    /// Models to which the machine may refuse threads: for them a refusal is a result and not a failure.
    pub may_refuse: Vec<Model>,
    /// Every point of the sweep; a single one without values if nothing is swept.
    pub points: Vec<PointSpec>,
    /// The model that the others are compared with; `None` for async, or the first model without it.
    pub baseline: Option<Model>,
    /// The objective that `avt advise` and the report judge each model by; `None` if there is none.
    pub slo: Option<Slo>,
    /// The claims, in the order of the file.
    pub claims: Vec<Claim>,
    /// The text of the scenario's file, byte for byte.
    pub source: String,
}

/// The number of times every cell is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounds {
    /// The default number.
    pub quick: u32,
    /// The number with `--full`.
    pub full: u32,
}

/// A point of a sweep and its work.
#[derive(Clone, Debug, PartialEq)]
pub struct PointSpec {
    /// The swept values.
    pub at: Point,
    /// The work, with every number decided.
    pub work: Work,
}

impl Scenario {
    /// Returns every model at every point, in the order of the report.
    pub fn cells(&self) -> Vec<Cell> {
        let cell = |point: &PointSpec, model: Model| {
            let most = self.max_jobs.iter().find(|(limited, _)| *limited == model).map(|(_, most)| *most);
            let fewer = most.filter(|most| point.work.jobs().is_some_and(|wanted| wanted > *most));
            let work = point.work.clone();
            Cell {
                id: CellId { scenario: self.name.clone(), model, point: point.at.clone(), control: false },
                work: match fewer {
                    Some(most) => work.with_at_most(most),
                    None => work,
                },
                jobs_wanted: fewer.and(point.work.jobs()),
            }
        };
        self.points.iter().flat_map(|point| self.models.iter().map(move |model| cell(point, *model))).collect()
    }

    /// Returns the baseline that the other models are compared with: the scenario's `baseline`, else async if it runs
    /// all jobs, else the first model that does.
    pub fn reference(&self) -> Option<Model> {
        let has_all = |model: &&Model| !self.max_jobs.iter().any(|(limited, _)| limited == *model);
        if let Some(baseline) = self.baseline.filter(|baseline| has_all(&baseline)) {
            return Some(baseline);
        }
        let is_async = self.models.iter().find(|model| **model == Model::ASYNC).filter(has_all);
        is_async.or_else(|| self.models.iter().find(has_all)).copied()
    }

    /// Returns the cells of the A/A control: those of the [`reference`](Self::reference) a second time. A single model
    /// has a control too, because its figures are compared with those of other runs.
    pub fn control_cells(&self) -> Vec<Cell> {
        let reference = self.reference();
        let mut cells = self.cells();
        cells.retain(|cell| Some(cell.id.model) == reference);
        cells.iter_mut().for_each(|cell| cell.id.control = true);
        cells
    }
}
