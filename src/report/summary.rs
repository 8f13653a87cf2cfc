//! What the rounds of a cell have in common: medians with their intervals, and all their times in one histogram.
//!
//! A percentile is taken in each round and its median shown: percentiles are never averaged and never added. The
//! merged histogram draws curves only.

mod executing;
mod load;
mod times;

pub use executing::Executing;
pub use load::LoadSummary;
pub(super) use times::nines;
pub use times::{Percentile, SeriesSummary, Times};

use load::{Load, load};
use times::series;

use super::claims;
use super::versus::{self, RoundFigure};
use crate::gate::{self, Gate, Usual, Verdict, Victim};
use crate::lanes::Lanes;
use crate::record::{Ceiling, Conditions, Failure, Judged, Measured, Outcome, Record, Run};
use crate::scenario::{Cell, Metric, Model, Point, Scenario, Work, expect};
use crate::stats::Spread;
use crate::units;
use crate::usage::Footprint;

/// All cells at one point of the sweep.
#[derive(Clone, Debug)]
pub struct PointSummary {
    /// The point.
    pub at: Point,
    /// What is swept and its value; empty where nothing is.
    pub label: String,
    /// The work of a model that gets all jobs.
    pub work: Work,
    /// What the load generator can do; nothing where there is none, or it was not measured.
    pub ceiling: Option<Ceiling>,
    /// One a model, in the order of the scenario.
    pub cells: Vec<CellSummary>,
    /// The model that the others are compared with, and its second cell: what the two differ by is noise. Nothing where
    /// one model is alone.
    pub twin: Option<CellSummary>,
    /// What intervals are resampled with.
    pub seed: u64,
}

/// One cell over its rounds.
#[derive(Clone, Debug)]
pub struct CellSummary {
    /// Which.
    pub cell: Cell,
    /// What its rounds measured; nothing when none did.
    pub measures: Option<Measures>,
    /// Which of the run's trials each measured round was.
    pub orders: Vec<(u32, u64)>,
    /// Every measured round with a gate that it did not pass.
    pub doubts: Vec<(u32, Vec<Gate>)>,
    /// What its lanes show; nothing where they were not recorded.
    pub traced: Option<TracedSummary>,
    /// The lanes themselves; none where they were not recorded.
    pub lanes: Lanes,
    /// Why they were not recorded, where that was tried.
    pub untraced: Option<Failure>,
    /// Every round that failed, and why.
    pub failures: Vec<(u32, Failure)>,
    /// The shortest wall time any model could reach, in nanoseconds; nothing for echo.
    pub ideal_ns: Option<u64>,
    /// The wall time arithmetic gives this model, in nanoseconds; nothing for echo.
    pub predicted_ns: Option<u64>,
    /// The longest gap between two beats that arithmetic gives this model, in nanoseconds.
    pub predicted_gap_ns: Option<u64>,
}

/// What the lanes of a cell show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TracedSummary {
    /// The most jobs executed at one instant.
    pub most_executing: Executing,
    /// Wall time of the trial that was recorded, nanoseconds.
    pub wall_ns: u64,
    /// CPU time of the process that ran the model for a job or request, nanoseconds.
    pub cpu_per_job_ns: f64,
    /// How long its threads were ready and had no CPU, all together, nanoseconds; nothing where it is not told.
    pub run_queue_ns: Option<u64>,
    /// What the process held while its jobs waited, beyond what it held before; nothing where none did.
    pub footprint: Option<Footprint>,
}

/// What the measured rounds of a cell say. Times are nanoseconds.
#[derive(Clone, Debug)]
pub struct Measures {
    /// Jobs or requests completed.
    pub jobs: Spread,
    /// Wall time.
    pub wall_ns: Spread,
    /// Jobs or requests a second.
    pub throughput: Spread,
    /// OS threads that ran any part of a job.
    pub threads: Spread,
    /// The most jobs begun and not done at one instant.
    pub in_flight: Spread,
    /// CPU time of the process that ran the model.
    pub cpu_ns: Spread,
    /// The same, per job; nothing when no job was completed in some round.
    pub cpu_per_job_ns: Option<Spread>,
    /// Peak memory in bytes, where the kernel tells.
    pub memory_bytes: Option<Spread>,
    /// The share of that which the kernel used.
    pub cpu_system_share: Spread,
    /// The share of their time for which the runtime's workers were busy, where there is a runtime.
    pub runtime_busy: Option<Spread>,
    /// How often one of them went to sleep.
    pub runtime_parks: Option<Spread>,
    /// Page faults.
    pub faults: Spread,
    /// Context switches.
    pub switches: Spread,
    /// The same, per job; nothing when no job was completed in some round.
    pub switches_per_job: Option<Spread>,
    /// The longest time between two beats.
    pub longest_gap_ns: Option<Spread>,
    /// The distributions, the headline first.
    pub series: Vec<SeriesSummary>,
    /// The generator's side of an echo.
    pub load: Option<LoadSummary>,
    /// For each [`Metric`], its figures by round.
    by_round: [Vec<RoundFigure>; Metric::ALL.len()],
}

/// What became of the trials of a run, by the gates of each.
pub fn judged(scenarios: &[Scenario], run: &Run, records: &[Record]) -> Judged {
    let mut judged = Judged {
        failed: records.iter().filter(|record| matches!(record.outcome, Outcome::Failed(_))).count() as u64,
        ..Judged::default()
    };
    for scenario in scenarios {
        let points = of(scenario, run, records);
        for cell in points.iter().flat_map(|point| point.cells.iter().chain(&point.twin)) {
            judged.measured += cell.measures.as_ref().map_or(0, |measures| measures.rounds() as u64);
            judged.suspect += cell.rounds_that_are(Verdict::Suspect) as u64;
            judged.invalid += cell.rounds_that_are(Verdict::Invalid) as u64;
        }
        let claims = claims::of(scenario, &points, &run.parallel);
        let [reproduced, inconclusive, refuted] = claims::count(claims.iter().map(|judged| judged.verdict));
        judged.claims_reproduced += reproduced;
        judged.claims_inconclusive += inconclusive;
        judged.claims_refuted += refuted;
    }
    judged
}

/// Every cell of a scenario, point by point, without the bands of curves, which take most of the time. Records of other
/// scenarios are passed over.
pub fn of(scenario: &Scenario, run: &Run, records: &[Record]) -> Vec<PointSummary> {
    points(scenario, run, records, None)
}

/// The same with the bands.
pub fn with_bands(scenario: &Scenario, run: &Run, records: &[Record]) -> Vec<PointSummary> {
    points(scenario, run, records, Some(run.seed))
}

fn points(scenario: &Scenario, run: &Run, records: &[Record], bands: Option<u64>) -> Vec<PointSummary> {
    let (cells, twins) = (scenario.cells(), scenario.control_cells());
    let canary_ns = records.iter().map(|record| record.conditions.canary_ns).min().unwrap_or(0);
    let summary = |cell: &Cell| self::cell(cell.clone(), run, records, canary_ns, bands);
    scenario
        .points
        .iter()
        .map(|point| PointSummary {
            at: point.at.clone(),
            label: point.at.to_string(),
            work: point.work.clone(),
            ceiling: match &point.work {
                Work::Echo(echo) => run.ceilings.iter().find(|ceiling| ceiling.is_of(&echo.load)).copied(),
                Work::Sleep(_) | Work::Offload(_) => None,
            },
            cells: cells.iter().filter(|cell| cell.id.point == point.at).map(summary).collect(),
            twin: twins.iter().find(|cell| cell.id.point == point.at).map(summary),
            seed: run.seed,
        })
        .collect()
}

impl PointSummary {
    /// The cell of a model.
    pub fn cell(&self, model: Model) -> Option<&CellSummary> {
        self.cells.iter().find(|cell| cell.cell.id.model == model)
    }

    /// Every kind of job that a cell has times of, in the order they first appear.
    pub fn series_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for series in self.cells.iter().filter_map(|cell| cell.measures.as_ref()).flat_map(|m| &m.series) {
            if !names.contains(&series.name.as_str()) {
                names.push(&series.name);
            }
        }
        names
    }
}

impl CellSummary {
    /// The rounds that something beside them disturbed.
    pub fn disturbed(&self) -> Vec<u32> {
        let is_disturbed = |gates: &[Gate]| gates.iter().any(Gate::is_disturbance);
        self.doubts.iter().filter(|(_, gates)| is_disturbed(gates)).map(|(round, _)| *round).collect()
    }

    /// A figure of the other rounds; nothing where no round was disturbed.
    pub fn undisturbed(&self, metric: Metric) -> Option<Spread> {
        let disturbed = self.disturbed();
        let all = self.measures.as_ref()?.by_round(metric);
        let calm: Vec<f64> =
            all.iter().filter(|figure| !disturbed.contains(&figure.round)).map(|figure| figure.value).collect();
        if calm.len() < all.len() { Spread::of(calm) } else { None }
    }

    /// Memory of a job that waits, bytes: all of it, and what of it is resident. Nothing of fewer than a hundred that wait
    /// at once, whose process weighs more than they do.
    pub fn per_waiting_job(&self) -> Option<(f64, f64)> {
        const FEWEST: f64 = 100.0;
        let footprint = self.traced?.footprint?;
        let waiting = self.measures.as_ref()?.in_flight.median;
        let each = |bytes: u64| bytes as f64 / waiting;
        (waiting >= FEWEST).then(|| (each(footprint.total()), each(footprint.resident_bytes)))
    }

    /// A figure of each round that has it, by the round; what only the recorded trial has, as of the first.
    pub fn by_round(&self, metric: Metric) -> Vec<RoundFigure> {
        let of_trial = |value: Option<f64>| value.map(|value| RoundFigure::exact(0, value)).into_iter().collect();
        match metric {
            Metric::Executing => {
                let executing = self.traced.map(|traced| traced.most_executing);
                executing.map(|executing| executing.as_round()).into_iter().collect()
            }
            Metric::Memory => of_trial(self.per_waiting_job().map(|(all, _)| all)),
            _ => self.measures.as_ref().map(|measures| measures.by_round(metric).to_vec()).unwrap_or_default(),
        }
    }

    /// The median of a figure over the rounds that have it.
    pub fn median(&self, metric: Metric) -> Option<f64> {
        versus::spread(&self.by_round(metric)).map(|(spread, _)| spread.median)
    }

    /// What the gates of a round say.
    pub fn verdict(&self, round: u32) -> Verdict {
        let gates = self.doubts.iter().find(|(other, _)| *other == round).map(|(_, gates)| gates.as_slice());
        gate::verdict(gates.unwrap_or_default())
    }

    /// In how many of its measured rounds the gates say so.
    pub fn rounds_that_are(&self, verdict: Verdict) -> usize {
        self.doubts.iter().filter(|(round, _)| self.verdict(*round) == verdict).count()
    }

    /// The times of one kind of job.
    pub fn series(&self, name: &str) -> Option<&SeriesSummary> {
        self.measures.as_ref()?.series.iter().find(|series| series.name == name)
    }
}

impl Measures {
    /// A figure of each round that has it, by the round.
    pub fn by_round(&self, metric: Metric) -> &[RoundFigure] {
        &self.by_round[metric as usize]
    }

    /// How many rounds were measured.
    pub fn rounds(&self) -> usize {
        self.wall_ns.rounds
    }
}

fn cell(cell: Cell, run: &Run, records: &[Record], canary_ns: u64, bands: Option<u64>) -> CellSummary {
    let (mut measured, mut failures, mut conditions) = (Vec::new(), Vec::new(), Vec::new());
    let (mut traced, mut untraced, mut orders) = (None, None, Vec::new());
    for record in records.iter().filter(|record| record.cell == cell.id) {
        match (record.round(), &record.outcome) {
            (Some(round), Outcome::Measured(found)) => {
                measured.push((round, found.as_ref()));
                orders.push((round, record.order));
                conditions.push(record.conditions);
            }
            (_, Outcome::Traced(found)) => traced = Some(found.as_ref()),
            (None, Outcome::Failed(why)) => untraced = Some(why.clone()),
            (Some(round), Outcome::Failed(why)) => failures.push((round, why.clone())),
            // The trial whose lanes are recorded measures nothing else.
            (None, Outcome::Measured(_)) => {}
        }
    }
    let doubts = doubts(&measured, &conditions, canary_ns);
    let (has_jobs, machine) = (cell.work.jobs().is_some(), run.parallel.of(&cell.work));
    let gap = match &cell.work {
        Work::Offload(offload) => expect::longest_gap(offload, cell.id.model),
        _ => None,
    };
    CellSummary {
        measures: measures(&measured, bands),
        orders,
        doubts,
        traced: traced.map(|traced| TracedSummary {
            most_executing: Executing::of(traced),
            wall_ns: traced.wall_ns,
            cpu_per_job_ns: traced.cpu_ns as f64 / traced.jobs.max(1) as f64,
            run_queue_ns: traced.lanes.run_queue_ns,
            footprint: traced.footprint,
        }),
        lanes: traced.map(|traced| traced.lanes.clone()).unwrap_or_default(),
        untraced,
        failures,
        ideal_ns: expect::ideal(&cell.work, &machine).map(units::nanos),
        predicted_ns: has_jobs.then(|| units::nanos(expect::wall(&cell.work, cell.id.model, &machine))),
        predicted_gap_ns: gap.map(units::nanos),
        cell,
    }
}

/// The gates that each round did not pass.
fn doubts(measured: &[(u32, &Measured)], conditions: &[Conditions], canary_ns: u64) -> Vec<(u32, Vec<Gate>)> {
    let pressure = Spread::of(conditions.iter().filter_map(|conditions| conditions.pressure));
    let usual = Usual { canary_ns, pressure: pressure.map(|pressure| pressure.median) };
    let of_round = |((round, measured), conditions): (&(u32, &Measured), &Conditions)| {
        let mut gates = gate::of_conditions(conditions, &usual);
        let of = if measured.load.is_some() { Victim::Server } else { Victim::Jobs };
        gates.extend(measured.others.as_ref().and_then(|others| gate::of_others(others, of)));
        if let Some(load) = &measured.load {
            let of_load = gate::of_load(load, &measured.series, measured.wall_ns);
            gates.extend(of_load.into_iter().filter(|gate| !matches!(gate, Gate::Stolen { .. })));
        }
        (*round, gates)
    };
    measured.iter().zip(conditions).map(of_round).filter(|(_, gates)| !gates.is_empty()).collect()
}

fn measures(numbered: &[(u32, &Measured)], bands: Option<u64>) -> Option<Measures> {
    let rounds: Vec<&Measured> = numbered.iter().map(|(_, round)| *round).collect();
    let each = |value: fn(&Measured) -> u64| Spread::of(rounds.iter().map(|round| value(round) as f64));
    let per_job = |value: fn(&Measured) -> u64| {
        // Of all rounds or of none: one without a job would have the most.
        let each = rounds.iter().map(|round| (round.jobs > 0).then(|| value(round) as f64 / round.jobs as f64));
        Spread::of(each.collect::<Option<Vec<f64>>>()?)
    };
    let names = rounds.first()?.series.iter().map(|series| series.name.as_str());
    let loads: Vec<Load<'_>> = rounds.iter().filter_map(|r| Some((r.load.as_ref()?, r.wall_ns, r.jobs))).collect();
    Some(Measures {
        jobs: each(|round| round.jobs)?,
        wall_ns: each(|round| round.wall_ns)?,
        throughput: Spread::of(rounds.iter().map(|round| round.throughput()))?,
        threads: each(|round| round.threads)?,
        in_flight: each(|round| round.most_in_flight)?,
        cpu_ns: each(|round| round.usage.cpu_ns())?,
        cpu_per_job_ns: per_job(|round| round.usage.cpu_ns()),
        memory_bytes: Spread::of(rounds.iter().filter_map(|round| Some(round.usage.memory_peak_bytes? as f64))),
        cpu_system_share: Spread::of(
            rounds.iter().map(|round| round.usage.cpu_system_ns as f64 / round.usage.cpu_ns().max(1) as f64),
        )?,
        runtime_busy: Spread::of(rounds.iter().filter_map(|round| {
            let runtime = round.runtime?;
            Some(runtime.busy_ns as f64 / (round.wall_ns * u64::from(runtime.workers)).max(1) as f64)
        })),
        runtime_parks: Spread::of(rounds.iter().filter_map(|round| Some(round.runtime?.parks as f64))),
        faults: each(|round| round.usage.faults_minor + round.usage.faults_major)?,
        switches: each(|round| round.usage.switches())?,
        switches_per_job: per_job(|round| round.usage.switches()),
        longest_gap_ns: Spread::of(rounds.iter().filter_map(|round| Some(round.heartbeat?.longest_gap_ns as f64))),
        series: names.map(|name| series(name, &rounds, bands)).collect(),
        load: load(&loads),
        by_round: Metric::ALL.map(|metric| metric.by_round(numbered)),
    })
}
