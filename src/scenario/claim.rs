//! Claims: what a scenario expects to be measured, so that a run can reproduce or refute it.

use std::fmt;

use super::formula::Formula;
use super::{Metric, Model, Point};

/// A statement about one figure, with the bounds within which it holds. Each of its models is judged separately.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The statement, in one sentence.
    pub says: String,
    /// The basis of the statement.
    pub kind: ClaimKind,
    /// The measured figure.
    pub metric: Metric,
    /// The models that the claim is about: one or more, each once.
    pub models: Vec<Model>,
    /// The baseline of the comparison.
    pub against: Against,
    /// The lowest and highest claimed ratio of the figure to the baseline.
    pub bounds: (f64, f64),
    /// The only point that the claim is about; `None` for every point.
    pub point: Option<Point>,
    /// The author of the statement, and where it was published.
    pub source: Option<String>,
    /// The URL of the source; absolute, http or https.
    pub url: Option<String>,
    /// The change made to the scenario after the claim was first tested, and its reason.
    pub revised: Option<String>,
    /// Where and why the claim was refuted before: it stays as it was written, and does not make a run fail.
    pub refuted_before: Option<String>,
}

/// The basis of a claim, and so the meaning of a refutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClaimKind {
    /// A published figure or statement, with a source to look up.
    Published,
    /// Our own statement, written down before it was measured.
    Prediction,
    /// A consequence of the numbers of the scenario and the machine.
    Arithmetic,
    /// True by the definition of the model.
    Definition,
}

impl ClaimKind {
    /// All kinds, those that could turn out to be false first.
    pub const ALL: [Self; 4] = [Self::Published, Self::Prediction, Self::Arithmetic, Self::Definition];

    /// The words of scenarios and JSON, in the order of [`ALL`](Self::ALL).
    pub(super) const NAMES: &[&str] = &["published", "prediction", "arithmetic", "definition"];

    /// Returns the word of scenarios and JSON.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// Returns the kind of this name, if any.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns whether such a claim checks the harness: a refutation means that the measurement is wrong, not the
    /// statement.
    pub fn is_check_of_harness(self) -> bool {
        matches!(self, Self::Arithmetic | Self::Definition)
    }
}

/// The baseline of a claimed figure.
#[derive(Clone, Debug, PartialEq)]
pub enum Against {
    /// The value of a formula.
    Formula(Formula),
    /// The same figure of another model in the same rounds.
    Model(Model),
}

/// Writes the baseline as in a table.
impl fmt::Display for Against {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Formula(formula) => formula.fmt(f),
            Self::Model(model) => model.fmt(f),
        }
    }
}

impl Claim {
    /// Returns whether the claim is about this point.
    pub fn is_about(&self, point: &Point) -> bool {
        self.point.as_ref().is_none_or(|only| only == point)
    }

    /// Returns the models whose figures are needed to judge the claim for `of`: `of` itself, and the baseline.
    pub fn compared(&self, of: Model) -> impl Iterator<Item = Model> {
        std::iter::once(of).chain(self.than())
    }

    /// Returns the model that is the baseline, if any.
    fn than(&self) -> Option<Model> {
        match self.against {
            Against::Formula(_) => None,
            Against::Model(model) => Some(model),
        }
    }

    /// Returns the part of the claim that can be judged when only some models run; `None` if no part can.
    pub fn among(mut self, runs: impl Fn(&Model) -> bool) -> Option<Self> {
        self.models.retain(&runs);
        (!self.models.is_empty() && self.than().is_none_or(|model| runs(&model))).then_some(self)
    }
}
