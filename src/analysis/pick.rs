//! Picks the model to use for some work: the simplest of those that differ so little from the best that it does not
//! matter.

use super::advice::{Advice, Choice};
use super::point::PointSummary;
use super::ratios::{Difference, ModelRatio};
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
    /// The others that do not, the simplest first.
    pub equal: Vec<Model>,
    /// The model that the pick is contrasted with: plain threads or one async thread if they are worse, else the nearest
    /// that is worse; its ratio to the best. `None` if no model is worse.
    pub contrast: Option<ModelRatio>,
    /// The models that cannot be compared with the best in these rounds.
    pub unknown: Vec<Model>,
    /// The largest difference from the best that might have been missed, as a ratio of at least 1; `None` if no pair was
    /// without a difference.
    pub detectable: Option<f64>,
}

/// Picks a model at this point, to which the advice belongs; `None` if the advice recommends none.
pub fn pick(advice: &Advice, point: &PointSummary) -> Option<Pick> {
    let Choice::Model { model, as_good, worse, unknown } = &advice.choice else { return None };
    let metric = advice.metric();
    let sign = if metric.less_is_better() { 1.0 } else { -1.0 };
    let rank = |model: &Model| {
        point.cell(*model).and_then(|cell| cell.value(metric)).map_or(f64::INFINITY, |value| sign * value)
    };
    let mut equal: Vec<Model> = [*model].into_iter().chain(as_good.iter().copied()).collect();
    let best = *equal.iter().min_by(|a, b| rank(a).total_cmp(&rank(b)))?;
    let to_best = |other: &Model| point.ratio(metric, *other, best);
    let is_small = |ratio: &ModelRatio| ratio.ratio.ratio.max(1.0 / ratio.ratio.ratio) < SMALL;
    let (small, large): (Vec<ModelRatio>, Vec<ModelRatio>) = worse.iter().filter_map(to_best).partition(is_small);
    equal.extend(small.iter().map(|ratio| ratio.model));
    equal.sort_by_key(|model| model.complexity());
    let model = equal.remove(0);
    let of = |wanted: Model| large.iter().find(|ratio| ratio.model == wanted);
    let nearest = || large.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    let contrast = of(Model::Threads).or_else(|| of(Model::ASYNC)).or_else(nearest).copied();
    let missed = equal.iter().chain([&model]).filter_map(to_best).filter_map(|ratio| match ratio.difference {
        Difference::NoneFound { detectable } => Some(detectable),
        _ => None,
    });
    let detectable = missed.reduce(f64::max);
    Some(Pick { metric, model, equal, contrast, unknown: unknown.clone(), detectable })
}

fn distance(ratio: &ModelRatio) -> f64 {
    ratio.ratio.ratio.ln().abs()
}
