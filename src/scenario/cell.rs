//! Cells: what a run measures, one trial of each in every round.

use serde::{Deserialize, Serialize};

use super::{Model, Point, Work};

/// Which cell a trial belongs to: scenario x model x point of a sweep. Records are matched to cells by equality of these.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CellId {
    /// The scenario's name.
    pub scenario: String,
    /// Who runs the jobs.
    pub model: Model,
    /// The point of the scenario's sweep.
    pub point: Point,
    /// Whether it is the A/A control: the second of two cells of one model, whose difference is noise.
    pub control: bool,
}

/// A cell and what is done in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Which cell it is.
    pub id: CellId,
    /// What its jobs do.
    pub work: Work,
    /// How many jobs the scenario wants, where this model gets fewer.
    pub jobs_wanted: Option<u32>,
}
