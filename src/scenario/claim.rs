//! Claims: what a scenario says will be measured, so that a run can reproduce or refute it.

use std::fmt;

use super::formula::Formula;
use super::{Metric, Model, Point};

/// A statement about one figure of one model, with the bounds that it holds within.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The statement, in one sentence.
    pub says: String,
    /// What is measured.
    pub metric: Metric,
    /// Whose figure it is.
    pub of: Model,
    /// What it is compared with.
    pub against: Against,
    /// How many times as much as that it is claimed to be, from and to.
    pub between: (f64, f64),
    /// The only point it is about; every point where there is none.
    pub at: Option<Point>,
    /// Who said so, and where.
    pub source: Option<String>,
}

/// What a claimed figure is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Against {
    /// What arithmetic gives.
    Formula(Formula),
    /// The same figure of another model in the same rounds.
    Model(Model),
}

/// As a table shows it.
impl fmt::Display for Against {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Formula(formula) => formula.fmt(f),
            Self::Model(model) => model.fmt(f),
        }
    }
}

impl Claim {
    /// Whether it is about this point.
    pub fn is_about(&self, point: &Point) -> bool {
        self.at.as_ref().is_none_or(|at| at == point)
    }

    /// Every model that it needs.
    pub fn models(&self) -> impl Iterator<Item = Model> {
        let other = match self.against {
            Against::Formula(_) => None,
            Against::Model(model) => Some(model),
        };
        std::iter::once(self.of).chain(other)
    }
}
