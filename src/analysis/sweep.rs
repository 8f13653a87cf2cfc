//! Derives what only all points of a sweep together show.

use super::point::PointSummary;
use crate::scenario::{Metric, Model};
use crate::stats;

/// The highest offered rate that some models kept up with.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptUp {
    /// The rate, in requests per second; 0 if the models kept up with none.
    pub rate: f64,
    /// The models.
    pub models: Vec<Model>,
}

/// The memory per additional waiting job: the slope of a line through the points of a sweep, which excludes the memory
/// of the process itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WaitingMemory {
    /// The model that ran the jobs.
    pub model: Model,
    /// All memory of the job, in bytes.
    pub all: f64,
    /// The resident part, in bytes.
    pub resident: f64,
}

/// Returns the highest offered rate that each model kept up with, grouped by rate; empty if no rate was offered.
pub(super) fn highest_rates(points: &[PointSummary]) -> Vec<KeptUp> {
    let open: Vec<(f64, &PointSummary)> = points.iter().filter_map(|point| Some((point.offered()?, point))).collect();
    let mut by_rate: Vec<KeptUp> = Vec::new();
    let Some((_, first)) = open.first() else { return by_rate };
    for model in first.answered.iter().map(|answered| answered.model) {
        let kept_up = |point: &PointSummary| point.answered.iter().any(|one| one.model == model && one.kept_up);
        let rate = open.iter().filter(|(_, point)| kept_up(point)).map(|(rate, _)| *rate).fold(0.0, f64::max);
        match by_rate.iter_mut().find(|other| other.rate == rate) {
            Some(same) => same.models.push(model),
            None => by_rate.push(KeptUp { rate, models: vec![model] }),
        }
    }
    by_rate
}

/// Returns the memory per waiting job under each model whose jobs waited at three points or more.
pub(super) fn waiting_memory(points: &[PointSummary]) -> Vec<WaitingMemory> {
    const FEWEST_POINTS: usize = 3;
    let models = points.first().into_iter().flat_map(|point| &point.cells).map(|cell| cell.cell.id.model);
    let memory = |model: Model| {
        let at = |point: &PointSummary| {
            let cell = point.with_all_jobs(model)?;
            Some((cell.value(Metric::InFlight)?, cell.traced.as_ref()?.waiting_bytes?))
        };
        let known: Vec<_> = points.iter().filter_map(at).collect();
        let slope = |bytes: fn(&super::Waiting) -> f64| {
            let places: Vec<(f64, f64)> = known.iter().map(|(jobs, waiting)| (*jobs, bytes(waiting))).collect();
            stats::slope(&places).map(|slope| slope.slope.max(0.0))
        };
        let (all, resident) = (slope(|waiting| waiting.all)?, slope(|waiting| waiting.resident)?);
        // Two medians of slopes may cross if all of the memory is resident.
        (known.len() >= FEWEST_POINTS).then(|| WaitingMemory { model, all, resident: resident.min(all) })
    };
    models.filter_map(memory).collect()
}
