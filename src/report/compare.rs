//! Two runs against each other, cell by cell: before and after a change, or one machine and another.
//!
//! Rounds of different runs share nothing, so they are not paired; what two cells of the same thing differed by within a
//! run is the least that is called a difference. What two whole runs differ by, an hour apart, nobody knows from one of
//! each: a finding here is worth a second look, and a third run.

use super::summary::{self, PointSummary};
use super::versus::{self, RoundFigure};
use super::words;
use crate::record::{Record, Run, State};
use crate::scenario::{Metric, Model, Scenario};
use crate::stats::{self, Bound, Finding, Interval, Ratio, Spread};
use crate::units;

/// One run, whole.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// What was asked of which machine.
    pub run: &'a Run,
    /// Its scenarios.
    pub scenarios: &'a [Scenario],
    /// Its records.
    pub records: &'a [Record],
}

/// What two runs have in common and where they differ.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What may explain a difference beside what was meant to, in sentences.
    pub warnings: Vec<String>,
    /// Every figure that both runs have.
    pub changes: Vec<Change>,
}

/// One figure of one cell in both runs.
#[derive(Clone, Debug)]
pub struct Change {
    /// The scenario's name.
    pub scenario: String,
    /// The point of its sweep.
    pub point: String,
    /// Who ran the jobs.
    pub model: Model,
    /// Which figure.
    pub metric: Metric,
    /// How a column names the figure.
    pub heading: &'static str,
    /// It, over the rounds of the first run.
    pub before: Spread,
    /// It, over the rounds of the second.
    pub after: Spread,
    /// The second by the first.
    pub ratio: Ratio,
    /// What two cells of the same thing differed by in the noisier of the runs, a ratio of at least 1.
    pub noise: f64,
}

/// What a [`Change`] is to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Less time, less CPU, more answers.
    Better,
    /// The contrary.
    Worse,
    /// No difference that these rounds tell.
    Same,
    /// Too few rounds to tell.
    Unknown,
}

/// Compares every figure of every cell that both runs have.
pub fn compare(before: Side<'_>, after: Side<'_>) -> Comparison {
    let mut warnings = warnings(before.run, after.run);
    let mut changes = Vec::new();
    for scenario in before.scenarios {
        let Some(other) = after.scenarios.iter().find(|other| other.name == scenario.name) else {
            warnings.push(format!("Only the first run has the scenario {}.", scenario.name));
            continue;
        };
        if other.source != scenario.source {
            warnings.push(format!("The scenario {} is not the same text in both runs.", scenario.name));
        }
        let points = |side: Side<'_>, scenario| summary::of(scenario, side.run, side.records);
        let others = points(after, other);
        for point in points(before, scenario) {
            if let Some(other) = others.iter().find(|other| other.at == point.at) {
                changes.extend(changes_at(&scenario.name, &point, other));
            }
        }
    }
    let only_after = |scenario: &&Scenario| !before.scenarios.iter().any(|other| other.name == scenario.name);
    for scenario in after.scenarios.iter().filter(only_after) {
        warnings.push(format!("Only the second run has the scenario {}.", scenario.name));
    }
    Comparison { warnings, changes }
}

fn changes_at<'a>(
    scenario: &'a str,
    before: &'a PointSummary,
    after: &'a PointSummary,
) -> impl Iterator<Item = Change> + 'a {
    let models = before.cells.iter().map(|cell| cell.cell.id.model);
    models.flat_map(move |model| {
        let metrics = Metric::of(&before.work).iter();
        metrics.filter_map(move |metric| change(scenario, (before, after), model, *metric))
    })
}

fn change(
    scenario: &str,
    (before, after): (&PointSummary, &PointSummary),
    model: Model,
    metric: Metric,
) -> Option<Change> {
    let figures = |point: &'_ PointSummary| -> Option<(Vec<f64>, Bound, Spread)> {
        let figures = point.cell(model)?.measures.as_ref()?.by_round(metric);
        let (values, bounds): (Vec<f64>, Vec<Bound>) = figures.iter().map(RoundFigure::in_ratio).unzip();
        Some((values, bounds.into_iter().fold(Bound::Exact, Bound::and), versus::spread(figures)?.0))
    };
    let ((first, below, spread_before), (second, above, spread_after)) = (figures(before)?, figures(after)?);
    let noise = [before, after].into_iter().filter_map(|point| Some(versus::noise(point, metric)?.distance()));
    Some(Change {
        scenario: scenario.to_owned(),
        point: before.label.clone(),
        model,
        metric,
        heading: metric.heading(&before.work),
        ratio: stats::ratio_unpaired(&first, &second, before.seed)?.with_bound(above.and(below.inverse())),
        before: spread_before,
        after: spread_after,
        noise: noise.fold(1.0, f64::max),
    })
}

impl Change {
    /// What it is to the user.
    pub fn direction(&self) -> Direction {
        match (self.ratio.finding(self.noise), self.metric.less_is_better()) {
            (Finding::TooFew, _) => Direction::Unknown,
            (Finding::None, _) => Direction::Same,
            (Finding::More, true) | (Finding::Less, false) => Direction::Worse,
            (Finding::Less, true) | (Finding::More, false) => Direction::Better,
        }
    }

    /// Which cell it is of, without the model: `echo, load.rate = max`.
    pub fn place(&self) -> String {
        match words::one_line(&self.point) {
            point if point.is_empty() => self.scenario.clone(),
            point => format!("{}, {point}", self.scenario),
        }
    }

    /// By how much it is worse or better, as a ratio of at least 1.
    pub fn by(&self) -> f64 {
        self.ratio.distance()
    }

    /// Whether it got worse by more than this ratio, without doubt: the better end of the interval is beyond it.
    pub fn is_beyond(&self, limit: f64) -> bool {
        let least = self.ratio.interval.map(|Interval { low, high }| low.max(1.0 / high));
        self.direction() == Direction::Worse && least.is_some_and(|least| least > limit)
    }

    /// The two figures, their ratio, its interval and what it is, as the columns of a table.
    pub fn columns(&self) -> [String; 5] {
        let show = |figure: f64| self.metric.show(figure);
        let interval = self.ratio.interval.map_or_else(
            || "n/a".into(),
            |Interval { low, high }| format!("{} to {}", words::change(low), words::change(high)),
        );
        let change = words::change(self.ratio.ratio);
        [show(self.before.median), show(self.after.median), change, interval, self.verdict()]
    }

    /// `worse by 12 %`, `no difference; 4 % could have been told`.
    pub fn verdict(&self) -> String {
        match self.direction() {
            Direction::Worse => format!("worse by {}", words::excess(self.by())),
            Direction::Better => format!("better by {}", words::excess(self.by())),
            Direction::Same => match self.ratio.detectable(self.noise) {
                Some(least) => format!("no difference; {} could have been told", words::excess(least)),
                None => "cannot be compared: it rests on requests that never got their answer".into(),
            },
            Direction::Unknown => format!("fewer than {} rounds cannot tell", stats::FEWEST),
        }
    }
}

/// Differences of machine, versions and completeness.
fn warnings(before: &Run, after: &Run) -> Vec<String> {
    let known = |text: &Option<String>| text.as_deref().map_or_else(|| "unknown".into(), words::one_line);
    let facts = |run: &Run| {
        let host = &run.host;
        [
            ("The processor", known(&host.cpu)),
            ("The number of CPUs", units::count(host.cpus.into())),
            ("The memory", host.memory_bytes.map_or_else(|| "unknown".into(), units::bytes)),
            ("The kernel", known(&host.kernel)),
            ("The clock", known(&host.clocksource)),
            ("avt", words::one_line(&host.avt)),
            ("rustc", words::one_line(&host.rustc)),
            ("tokio", words::one_line(&host.tokio)),
            ("rayon", words::one_line(&host.rayon)),
        ]
    };
    let pairs = facts(before).into_iter().zip(facts(after));
    let mut warnings: Vec<String> = pairs
        .filter(|((_, first), (_, second))| first != second)
        .map(|((what, first), (_, second))| format!("{what} differs: {first}, then {second}."))
        .collect();
    let speed = after.iterations_per_s as f64 / before.iterations_per_s.max(1) as f64;
    if !(0.95..=1.05).contains(&speed) {
        let speed = units::three_digits(speed);
        warnings.push(format!(
            "A CPU computed {speed} times as fast before the second run as before the first; jobs that compute are \
             calibrated in time, so the same job is another number of iterations."
        ));
    }
    for (run, which) in [(before, "first"), (after, "second")] {
        if run.state != State::Complete {
            warnings.push(format!("The {which} run did not end: it has fewer rounds than were planned."));
        }
        if run.host.debug_build {
            warnings.push(format!("In the {which} run avt was built without optimisation, so it means nothing."));
        }
    }
    warnings
}
