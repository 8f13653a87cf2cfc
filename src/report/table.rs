//! Rows and columns of text, one row a cell: what the pages and the terminal both print.

mod column;

pub(super) use column::{Column, Figure};

use column::{plain, ratio};

use super::doubts;
use super::summary::{CellSummary, PointSummary};
use super::versus;
use super::words;
use crate::gate::Gate;
use crate::record::Ceiling;
use crate::scenario::{Family, Metric, Work};
use crate::stats::Finding;
use crate::units;

/// Figures of the cells at one point.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
    /// Where the trials ran, and which requests got no answer, in sentences.
    about_load: Vec<String>,
}

/// The figures of one cell.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) model: String,
    pub(super) family: Family,
    /// `10 of 1,000 jobs`, where this model ran fewer than the others.
    pub(super) fewer: Option<String>,
    /// One a column; empty when no round was measured.
    pub(super) figures: Vec<Figure>,
    /// Why there is no figure, or a figure of fewer rounds.
    pub(super) reasons: Vec<String>,
    /// `2 suspect of 6 rounds`, where not all gates passed.
    pub(super) doubt: Option<String>,
}

/// Everything about every cell, with the percentiles of the headline series.
pub(super) fn full(point: &PointSummary) -> Table {
    let mut columns = headline(&point.work);
    if point.work.is_echo() {
        columns.splice(0..0, [Column::InFlight, Column::Executing]);
    }
    columns.extend([Column::P50, Column::P90, Column::P99, Column::Max]);
    columns.extend([
        Column::Cpu,
        Column::System,
        Column::CpuPerJob,
        Column::Memory,
        Column::SwitchesPerJob,
        Column::Faults,
        Column::RunQueue,
        Column::RuntimeBusy,
        Column::Parks,
    ]);
    if has_heartbeat(&point.work) {
        // They are those of the process, most of it the beats', and of no job.
        columns.retain(|column| !matches!(column, Column::CpuPerJob | Column::SwitchesPerJob));
    }
    if is_open(&point.work) {
        columns.extend([Column::Answered, Column::ServiceP99, Column::Waited, Column::Late]);
    }
    if point.work.is_echo() {
        columns.extend([Column::GeneratorCpu, Column::Warmup]);
    }
    if starves(point) {
        columns.push(Column::Starved);
    }
    of(point, columns, point.series_names().first().copied().unwrap_or_default())
}

fn has_heartbeat(work: &Work) -> bool {
    matches!(work, Work::Offload(offload) if offload.heartbeat.is_some())
}

/// Only these figures.
pub(super) fn columns(point: &PointSummary, columns: &[Column]) -> Table {
    of(point, columns.to_vec(), "")
}

/// Only these figures, of all points of a sweep.
pub(super) fn over_points(points: &[PointSummary], columns: &[Column]) -> Option<Table> {
    let mut all: Option<Table> = None;
    for point in points {
        let name = point.series_names().first().copied().unwrap_or_default();
        let mut table = of(point, columns.to_vec(), name);
        let label = words::one_line(&point.label);
        table.rows.iter_mut().for_each(|row| row.model = format!("{}, {label}", row.model));
        table.about_load.clear();
        match &mut all {
            Some(all) => all.rows.extend(table.rows),
            None => all = Some(table),
        }
    }
    all
}

/// What fits a terminal.
pub(super) fn brief(point: &PointSummary) -> Table {
    let mut columns = headline(&point.work);
    columns.retain(|column| !matches!((&point.work, column), (Work::Sleep(_) | Work::Offload(_), Column::Rate)));
    columns.extend([Column::P50, Column::P99, Column::Max]);
    if is_open(&point.work) {
        columns.extend([Column::ServiceP99, Column::Late]);
    }
    columns.extend([Column::Cpu, Column::Memory, Column::Switches]);
    if starves(point) {
        columns.push(Column::Starved);
    }
    of(point, columns, point.series_names().first().copied().unwrap_or_default())
}

/// The percentiles of one kind of job, and what the cells cost that it ran in.
pub(super) fn of_series(point: &PointSummary, name: &str) -> Table {
    use Column::{Count, Cpu, Max, Memory, P50, P90, P99, Rate, ServiceP50, ServiceP99, SwitchesPerJob, Threads};
    let times = [Count, P50, P90, P99, Max, ServiceP50, ServiceP99];
    of(point, [[Threads, Rate].as_slice(), &times, &[Cpu, Memory, SwitchesPerJob]].concat(), name)
}

/// Every model as a multiple of the reference, and the reference's second cell; nothing where there is none.
pub(super) fn against_reference(point: &PointSummary) -> Option<Table> {
    let twin = point.twin.as_ref()?;
    let reference = twin.cell.id.model;
    let metrics = Metric::of(&point.work);
    let others = point.cells.iter().filter(|cell| cell.cell.id.model != reference && cell.cell.jobs_wanted.is_none());
    let row = |cell: &CellSummary| {
        let figure = |metric: &Metric| match versus::between(point, *metric, cell.cell.id.model, reference) {
            Some(versus) => ratio(&versus.ratio, versus.finding(), versus.noise),
            None => plain("n/a".into()),
        };
        let has_any = cell.measures.is_some();
        Row {
            model: cell.cell.id.model.to_string(),
            family: cell.cell.id.model.family(),
            fewer: None,
            figures: if has_any { metrics.iter().map(figure).collect() } else { Vec::new() },
            reasons: words::reasons(cell),
            doubt: None,
        }
    };
    let of_noise = |metric: &Metric| {
        versus::noise(point, *metric).map_or_else(|| plain("n/a".into()), |noise| ratio(&noise, Finding::More, 1.0))
    };
    let again = Row {
        model: format!("{reference} again"),
        family: reference.family(),
        fewer: None,
        figures: if twin.measures.is_some() { metrics.iter().map(of_noise).collect() } else { Vec::new() },
        reasons: words::reasons(twin),
        doubt: doubts::of_cell(twin),
    };
    let columns = metrics.iter().map(|metric| Column::Versus(*metric)).collect();
    Some(Table { columns, rows: others.map(row).chain([again]).collect(), about_load: Vec::new() })
}

/// The columns that answer the question, which come first.
fn headline(work: &Work) -> Vec<Column> {
    match work {
        Work::Sleep(_) => {
            use Column::{Executing, InFlight, PerWaiting, Rate, Threads, Wall};
            vec![InFlight, Executing, Threads, Wall, PerWaiting, Rate]
        }
        Work::Offload(offload) if offload.heartbeat.is_some() => {
            vec![Column::InFlight, Column::Executing, Column::Threads, Column::Gap, Column::Wall, Column::Rate]
        }
        Work::Offload(_) => {
            vec![Column::InFlight, Column::Executing, Column::Threads, Column::Wall, Column::Rate]
        }
        Work::Echo(_) => vec![Column::Threads, Column::Rate],
    }
}

/// Whether requests come by a schedule: then response time and service time differ, and the difference is told.
fn is_open(work: &Work) -> bool {
    matches!(work, Work::Echo(echo) if echo.load.arrival.offered().is_some())
}

fn starves(point: &PointSummary) -> bool {
    let loads = point.cells.iter().filter_map(|cell| cell.measures.as_ref()?.load.as_ref());
    loads.into_iter().any(|load| load.starved.max > 0.0)
}

fn of(point: &PointSummary, columns: Vec<Column>, series: &str) -> Table {
    let rows: Vec<Row> = point.cells.iter().map(|cell| row(cell, &columns, series)).collect();
    Table {
        columns,
        rows,
        about_load: placement(point).into_iter().chain(share_of_ceiling(point)).chain(lost(point)).collect(),
    }
}

/// The cells with requests that got no answer, in words.
fn lost(point: &PointSummary) -> impl Iterator<Item = String> {
    point.cells.iter().filter_map(|cell| {
        let load = cell.measures.as_ref()?.load.as_ref().filter(|load| load.lost > 0)?;
        let (lost, planned) = (units::count(load.lost), units::count(load.planned));
        let why: Vec<String> = load.errors.iter().map(|(class, n)| format!("{} {class}", units::count(*n))).collect();
        let why = if why.is_empty() { String::new() } else { format!(" ({})", words::one_line(&why.join(", "))) };
        Some(format!("{}: {lost} of {planned} requests of all rounds got no answer{why}.", cell.cell.id.model))
    })
}

/// Where server and generator ran, or what jobs are pinned to, in words; nothing where jobs had all CPUs.
fn placement(point: &PointSummary) -> Option<String> {
    if let (Work::Sleep(_) | Work::Offload(_), Some(cpus)) = (&point.work, point.work.cpus()) {
        let doubts = point.cells.iter().flat_map(|cell| &cell.doubts).flat_map(|(_, gates)| gates);
        let there =
            doubts.filter_map(|gate| if let Gate::FewCpus { cpus, .. } = gate { Some(*cpus) } else { None }).min();
        let s = |cpus| if cpus == 1 { "" } else { "s" };
        return Some(match there {
            None => format!("Each trial was pinned to {cpus} CPU{}, as the scenario asks.", s(cpus)),
            Some(there) => format!(
                "Each trial was pinned to {there} CPU{}, where the scenario asks for {cpus}: there were no more.",
                s(there)
            ),
        });
    }
    let load = point.cells.iter().find_map(|cell| cell.measures.as_ref()?.load.as_ref())?;
    let (server, generator) = &load.cpus;
    if server.is_empty() || generator.is_empty() {
        return Some("Server and load generator ran on whichever CPUs the kernel chose.".into());
    }
    if server == generator {
        let which = if server.len() == 1 { "" } else { ", on whichever of them the kernel chose" };
        return Some(format!("Server and load generator shared {}{which}.", words::cpus(server)));
    }
    Some(format!("The server ran on {}, the load generator on {}.", words::cpus(server), words::cpus(generator)))
}

/// From this share of the ceiling on, a faster server would not look faster.
const NEAR_THE_CEILING: f64 = 0.9;

/// How much of what the generator can do was used by the fastest.
fn share_of_ceiling(point: &PointSummary) -> Option<String> {
    let Ceiling { floor_ns, per_s, connections, goes, lowest_per_s, .. } = point.ceiling?;
    let rates = point.cells.iter().filter_map(|cell| Some((cell.measures.as_ref()?.throughput.median, cell)));
    let (most, fastest) = rates.max_by(|one, other| one.0.total_cmp(&other.0))?;
    Some(format!(
        "Against a server that does nothing, the generator itself reached up to {}/s over {connections} connections ({}/s in \
         the worst of {goes} goes), of which {} used {}{}; over one, where both sides have to be woken for each request, it \
         took {}.",
        words::per_second(per_s),
        words::per_second(lowest_per_s),
        fastest.cell.id.model,
        words::percent(most / per_s),
        if most / per_s > NEAR_THE_CEILING { " (a limit of the generator's as much as of the server's)" } else { "" },
        words::time(floor_ns as f64),
    ))
}

impl Table {
    /// What a reader has to know about the figures.
    pub(super) fn notes(&self) -> Vec<String> {
        let texts = || self.rows.iter().flat_map(|row| &row.figures).map(|figure| figure.text.as_str());
        let mut notes = self.about_load.clone();
        if self.columns.contains(&Column::Executing) {
            notes.push(
                "In flight: the most jobs begun and not done at one instant. Executing: the most that were on a CPU at one \
                 instant, in one trial more; ≤ where CPU time does not prove as many as threads recorded or CPUs allow."
                    .into(),
            );
        }
        if self.columns.contains(&Column::PerWaiting) {
            notes.push(
                "Per waiter: memory of a job that waits, resident, page tables, kernel stacks and what else the kernel keeps, beyond \
                 what there was before; the usual figure is what is resident. The last two are counted for the whole machine."
                    .into(),
            );
        }
        if self.columns.contains(&Column::RunQueue) {
            notes.push(
                "Run queue: for how long threads were ready and had no CPU, all of them together, in that same trial."
                    .into(),
            );
        }
        if texts().any(|text| text == "n/a") {
            notes.push(
                "n/a: in some round fewer than ten samples lie beyond this percentile, too few to tell it.".into(),
            );
        }
        if self.columns.contains(&Column::Late) {
            notes.push(
                "p50, p99 and max are response times, from when a request was due. A tool that asks the next one when it has \
                 an answer would print service times. Late p99: how late the generator itself was, which is in them too."
                    .into(),
            );
        }
        if texts().any(|text| text.starts_with("under ")) {
            notes.push("under 4 %: no difference that these rounds tell; one of 4 % they could have told.".into());
        }
        if texts().any(|text| text.starts_with('≥')) {
            notes.push(
                "≥: rests on requests that never finished; they count with the time they had waited so far.".into(),
            );
        }
        if self.rows.iter().any(|row| row.fewer.is_some()) {
            notes.push("A model that ran fewer jobs is not to be compared with the others by its wall time.".into());
        }
        notes
    }
}

fn row(cell: &CellSummary, columns: &[Column], series: &str) -> Row {
    let figures = cell.measures.as_ref().map(|measures| {
        let series = cell.series(series);
        columns.iter().map(|column| column.figure(cell, measures, series)).collect()
    });
    Row {
        model: cell.cell.id.model.to_string(),
        family: cell.cell.id.model.family(),
        fewer: words::fewer_jobs(&cell.cell),
        figures: figures.unwrap_or_default(),
        reasons: words::reasons(cell),
        doubt: doubts::of_cell(cell),
    }
}
