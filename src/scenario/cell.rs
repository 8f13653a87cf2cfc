//! Cells: what a run measures, one trial of each in every round.

use serde::{Deserialize, Serialize};

use super::{Model, Point, Work};

/// The identity of a cell: scenario x model x point of a sweep. Records are matched to cells by equality.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CellId {
    /// The scenario's name.
    pub scenario: String,
    /// The model that runs the jobs.
    pub model: Model,
    /// The point of the scenario's sweep.
    pub point: Point,
    /// Whether the cell is the A/A control: the second of two cells of one model, whose difference is noise.
    pub control: bool,
}

/// A cell and its work.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The cell's identity.
    pub id: CellId,
    /// The work of its jobs.
    pub work: Work,
    /// The number of jobs the scenario requests, if this model gets fewer.
    pub jobs_wanted: Option<u32>,
}
