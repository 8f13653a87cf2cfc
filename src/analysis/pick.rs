//! Picks the model to use for some work: the simplest of those that differ so little from the best that it does not
//! matter.

use super::advice::{Advice, Choice};
use super::point::PointSummary;
use super::ratios::{Difference, ModelRatio, Obstacle};
use crate::scenario::{Metric, Model};

/// The largest ratio to the best that does not matter for a choice, though it may be certain.
pub const SMALL: f64 = 1.05;

/// The model to use for some work.
#[derive(Clone, Debug)]
pub struct Pick {
    /// The figure that the models are compared by.
    pub metric: Metric,
    /// The simplest of the models that do not differ from the best by more than [`SMALL`] or the noise.
    pub model: Model,
    /// The others of these whose figure is within [`SMALL`] of the model's, the simplest first.
    pub close: Vec<Model>,
    /// The others of these whose figure is farther away, but for the noise, the simplest first.
    pub alike: Vec<Model>,
    /// The ratio to the model of one that is worse: plain threads or one async thread, else the nearest. `None` if none is
    /// worse.
    pub contrast: Option<ModelRatio>,
    /// The reason why a model cannot be compared with the best; `None` if all can.
    pub unknown: Option<Unknown>,
    /// The largest difference from the model that might have been missed, as a ratio of at least 1; `None` if no pair was
    /// without a difference.
    pub detectable: Option<f64>,
}

/// The reason why a model cannot be compared with the best.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unknown {
    /// One of the two has too few requests for the figure.
    NoFigure,
    /// The rounds do not allow a conclusion.
    Rounds(Obstacle),
}

/// Picks a model at this point, to which the advice belongs; `None` if the advice recommends none.
pub fn pick(advice: &Advice, point: &PointSummary) -> Option<Pick> {
    let Choice::Model { model, as_good, worse, unknown } = &advice.choice else { return None };
    let metric = advice.metric();
    let (sign, is_worse) = if metric.less_is_better() { (1.0, Difference::More) } else { (-1.0, Difference::Less) };
    let rank = |model: &Model| {
        point.cell(*model).and_then(|cell| cell.value(metric)).map_or(f64::INFINITY, |value| sign * value)
    };
    let is_small = |ratio: &ModelRatio| ratio.ratio.distance() < SMALL;
    let mut equal: Vec<Model> = [*model].into_iter().chain(as_good.iter().copied()).collect();
    let best = *equal.iter().min_by(|a, b| rank(a).total_cmp(&rank(b)))?;
    let (small, large): (Vec<&Model>, Vec<&Model>) =
        worse.iter().partition(|other| point.ratio(metric, **other, best).is_some_and(|ratio| is_small(&ratio)));
    equal.extend(small);
    Model::sort_by_complexity(&mut equal);
    let model = equal.remove(0);
    let to_model = |other: &Model| point.ratio(metric, *other, model);
    let (close, alike) = equal.iter().partition(|other| to_model(other).is_some_and(|ratio| is_small(&ratio)));
    let large: Vec<ModelRatio> =
        large.into_iter().filter_map(to_model).filter(|ratio| ratio.difference == is_worse).collect();
    let of = |wanted: Model| large.iter().find(|ratio| ratio.model == wanted);
    let nearest = || large.iter().min_by(|a, b| a.ratio.distance().total_cmp(&b.ratio.distance()));
    let contrast = of(Model::Threads).or_else(|| of(Model::ASYNC)).or_else(nearest).copied();
    let missed = equal.iter().filter_map(to_model).filter_map(|ratio| match ratio.difference {
        Difference::NoneFound { detectable } => Some(detectable),
        _ => None,
    });
    let detectable = missed.reduce(f64::max);
    let mut reasons =
        unknown.iter().map(|other| match point.ratio(metric, *other, best).map(|ratio| ratio.difference) {
            Some(Difference::Incomparable(obstacle)) => Unknown::Rounds(obstacle),
            _ => Unknown::NoFigure,
        });
    let unknown = reasons.next();
    Some(Pick { metric, model, close, alike, contrast, unknown, detectable })
}
