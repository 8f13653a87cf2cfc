//! Claims: what a scenario says will be measured, so that a run can reproduce or refute it.

use std::fmt;

use super::formula::Formula;
use super::{Metric, Model, Point};

/// A statement about one figure, with the bounds that it holds within. It is judged for each of its models on its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The statement, in one sentence.
    pub says: String,
    /// What the statement rests on.
    pub kind: ClaimKind,
    /// What is measured.
    pub metric: Metric,
    /// The models whose figure it is: one or more, each once.
    pub models: Vec<Model>,
    /// What it is compared with.
    pub against: Against,
    /// How many times as much as that it is claimed to be, from and to.
    pub bounds: (f64, f64),
    /// The only point it is about; every point where there is none.
    pub point: Option<Point>,
    /// Who said so, and where.
    pub source: Option<String>,
    /// The address of the source; absolute, http or https.
    pub url: Option<String>,
    /// What was changed in the scenario after the claim was first tested, and why.
    pub revised: Option<String>,
    /// Where the claim was refuted before, and why: it stays as it was written, and does not make a run fail.
    pub refuted_before: Option<String>,
}

/// What a claim rests on, and so what a refuted one would mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClaimKind {
    /// Somebody published it, with a figure or a statement that one can look up.
    Published,
    /// Our own statement, written down before it was measured.
    Prediction,
    /// It follows from the numbers of the scenario and of the machine.
    Arithmetic,
    /// It is true by the definition of the model.
    Definition,
}

impl ClaimKind {
    /// All of them, the ones that could turn out to be false first.
    pub const ALL: [Self; 4] = [Self::Published, Self::Prediction, Self::Arithmetic, Self::Definition];

    /// The words of scenarios and JSON, in the order of [`ALL`](Self::ALL).
    pub(super) const NAMES: &[&str] = &["published", "prediction", "arithmetic", "definition"];

    /// The word of scenarios and JSON.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The kind of this name.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether such a claim checks the harness: if it is refuted, the measurement is wrong and not the statement.
    pub fn is_check_of_harness(self) -> bool {
        matches!(self, Self::Arithmetic | Self::Definition)
    }
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
        self.point.as_ref().is_none_or(|only| only == point)
    }

    /// The models whose figures are needed to judge it for one of its models: that one, and the one it is compared with.
    pub fn compared(&self, of: Model) -> impl Iterator<Item = Model> {
        std::iter::once(of).chain(self.than())
    }

    /// The model that it compares with.
    fn than(&self) -> Option<Model> {
        match self.against {
            Against::Formula(_) => None,
            Against::Model(model) => Some(model),
        }
    }

    /// The part of the claim that can be judged when only some models run; nothing where no part can.
    pub fn among(mut self, runs: impl Fn(&Model) -> bool) -> Option<Self> {
        self.models.retain(&runs);
        (!self.models.is_empty() && self.than().is_none_or(|model| runs(&model))).then_some(self)
    }
}
