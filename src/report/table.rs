//! Builds tables of text, one row per cell, for pages and terminal alike.

mod column;

pub(super) use column::{Column, FigureText};

use column::plain;

use super::warnings;
use super::wording;
use crate::analysis::{CellSummary, Control, PointSummary};
use crate::gate::Finding;
use crate::record::Ceiling;
use crate::scenario::{Family, Metric, Work};
use crate::text;
use crate::units;

/// The figures of the cells at one point.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<TableRow>,
    /// Notes on where the trials ran, and on requests without a response.
    about_load: Vec<String>,
}

/// The figures of one cell.
#[derive(Clone, Debug)]
pub(super) struct TableRow {
    pub(super) model: String,
    pub(super) family: Family,
    /// The number of jobs, `10 of 1,000 jobs`, if this model ran fewer than the others.
    pub(super) fewer: Option<String>,
    /// One figure per column; empty if no round was measured.
    pub(super) figures: Vec<FigureText>,
    /// The text in place of the figures if there are none.
    pub(super) unmeasured: Option<&'static str>,
    /// The reasons why a figure is missing, or is one of fewer rounds.
    pub(super) reasons: Vec<String>,
    /// The number of flagged rounds, `2 suspect of 6 rounds`, if not all gates passed.
    pub(super) flagged: Option<String>,
    /// The findings of the gates in the flagged rounds, each once: its name, and a sentence.
    pub(super) findings: Vec<(&'static str, String)>,
}

/// Returns a table of all figures of every cell, with the percentiles of the headline series.
pub(super) fn full(point: &PointSummary) -> Table {
    let mut columns = headline(&point.work);
    if point.work.is_echo() {
        columns.splice(0..0, [Metric::InFlight, Metric::Executing]);
    }
    columns.extend([Metric::P50, Metric::P90, Metric::P99, Metric::Max]);
    columns.extend([
        Metric::CpuTotal,
        Metric::KernelShare,
        Metric::Cpu,
        Metric::PeakMemory,
        Metric::ContextSwitchesPerJob,
        Metric::Faults,
        Metric::RunQueue,
        Metric::RuntimeBusy,
        Metric::RuntimeParks,
    ]);
    if has_heartbeat(&point.work) {
        // These are figures of the process, mostly due to the heartbeat, and not of a job.
        columns.retain(|column| !matches!(column, Metric::Cpu | Metric::ContextSwitchesPerJob));
    }
    if is_open(&point.work) {
        columns.extend([Metric::AnsweredShare, Metric::ServiceP99, Metric::WaitedP99, Metric::LateP99]);
    }
    if point.work.is_echo() {
        columns.extend([Metric::GeneratorShare, Metric::WarmupP50]);
    }
    columns.extend(waits(point));
    if starves(point) {
        columns.push(Metric::Starved);
    }
    build(point, figures(columns), point.series_names().first().copied().unwrap_or_default())
}

/// Returns the columns of the waits for what jobs share, a CPU limit included, if any cell has such waits.
fn waits(point: &PointSummary) -> impl Iterator<Item = Metric> {
    let waits = [Metric::QueueWaitP50, Metric::QueueWaitP99, Metric::PermitWaitP50, Metric::PermitWaitP99];
    waits
        .into_iter()
        .chain([Metric::Throttled])
        .filter(|metric| point.cells.iter().any(|cell| cell.figure(*metric).is_some()))
}

fn has_heartbeat(work: &Work) -> bool {
    matches!(work, Work::Offload(offload) if offload.heartbeat.is_some())
}

/// Returns a table of only these columns.
pub(super) fn columns(point: &PointSummary, columns: &[Column]) -> Table {
    build(point, columns.to_vec(), "")
}

/// Returns a table of only these columns, with the times of the headline series.
pub(super) fn headline_series(point: &PointSummary, columns: &[Column]) -> Table {
    build(point, columns.to_vec(), point.series_names().first().copied().unwrap_or_default())
}

/// Returns a table of only these columns, for all points of a sweep.
pub(super) fn over_points(points: &[PointSummary], columns: &[Column]) -> Option<Table> {
    let mut all: Option<Table> = None;
    for point in points {
        let name = point.series_names().first().copied().unwrap_or_default();
        let mut table = build(point, columns.to_vec(), name);
        let label = text::one_line(&point.at.to_string());
        table.rows.iter_mut().for_each(|row| row.model = format!("{}, {label}", row.model));
        table.about_load.clear();
        match &mut all {
            Some(all) => all.rows.extend(table.rows),
            None => all = Some(table),
        }
    }
    all
}

/// Returns a table that fits a terminal.
pub(super) fn brief(point: &PointSummary) -> Table {
    let mut columns = headline(&point.work);
    columns.retain(|column| {
        !matches!((&point.work, column), (Work::Sleep(_) | Work::Offload(_) | Work::Own(_), Metric::Rate))
    });
    columns.extend([Metric::P50, Metric::P99, Metric::Max]);
    if is_open(&point.work) {
        columns.extend([Metric::ServiceP99, Metric::LateP99]);
    }
    columns.extend([Metric::CpuTotal, Metric::PeakMemory, Metric::ContextSwitches]);
    columns.extend(waits(point));
    if starves(point) {
        columns.push(Metric::Starved);
    }
    build(point, figures(columns), point.series_names().first().copied().unwrap_or_default())
}

/// Returns a table of the percentiles of one kind of job, and of the costs of the cells that ran it.
pub(super) fn of_series(point: &PointSummary, name: &str) -> Table {
    use Metric::{
        ContextSwitchesPerJob, CpuTotal, Max, P50, P90, P99, PeakMemory, Rate, ServiceP50, ServiceP99, Threads,
    };
    let mut columns = figures(vec![Threads, Rate]);
    columns.push(Column::Samples);
    columns.extend(figures(vec![
        P50,
        P90,
        P99,
        Max,
        ServiceP50,
        ServiceP99,
        CpuTotal,
        PeakMemory,
        ContextSwitchesPerJob,
    ]));
    build(point, columns, name)
}

fn figures(metrics: Vec<Metric>) -> Vec<Column> {
    metrics.into_iter().map(Column::Figure).collect()
}

/// Returns a table of the ratios of every model, and of the control, to the model that the control repeats.
pub(super) fn against_reference(point: &PointSummary, control: &Control) -> Option<Table> {
    let reference = control.cell.cell.id.model;
    let metrics = Metric::compared(&point.work);
    let others = point.cells.iter().filter(|cell| cell.cell.id.model != reference && cell.ran_all_jobs());
    let row = |cell: &CellSummary| {
        let figure = |metric: &Metric| {
            let versus = point.ratio(*metric, cell.cell.id.model, reference);
            versus.map_or_else(|| plain("n/a".into()), |versus| column::ratio(&versus))
        };
        TableRow {
            model: cell.cell.id.model.to_string(),
            family: cell.cell.id.model.family(),
            fewer: None,
            figures: if cell.measures.is_some() { metrics.iter().map(figure).collect() } else { Vec::new() },
            unmeasured: cell.unmeasured().map(wording::unmeasured),
            reasons: wording::reasons(cell),
            flagged: None,
            findings: Vec::new(),
        }
    };
    let of_control = |metric: &Metric| column::control(control, *metric);
    let has_any = control.cell.measures.is_some();
    let control_row = TableRow {
        model: format!("{reference} (control)"),
        family: reference.family(),
        fewer: None,
        figures: if has_any { metrics.iter().map(of_control).collect() } else { Vec::new() },
        unmeasured: control.cell.unmeasured().map(wording::unmeasured),
        reasons: wording::reasons(&control.cell),
        flagged: warnings::flagged_rounds(&control.cell),
        findings: warnings::cell_findings(&control.cell),
    };
    let columns = metrics.iter().map(|metric| Column::Versus(*metric)).collect();
    Some(Table { columns, rows: others.map(row).chain([control_row]).collect(), about_load: Vec::new() })
}

/// Returns the headline figures, which come first.
fn headline(work: &Work) -> Vec<Metric> {
    use Metric::{Executing, Gap, InFlight, Memory, Rate, Threads, Wall};
    match work {
        Work::Sleep(_) => vec![InFlight, Executing, Threads, Wall, Memory, Rate],
        Work::Offload(offload) if offload.heartbeat.is_some() => {
            vec![InFlight, Executing, Threads, Gap, Wall, Rate]
        }
        Work::Offload(_) | Work::Own(_) => vec![InFlight, Executing, Threads, Wall, Rate],
        Work::Echo(_) => vec![Threads, Rate],
    }
}

/// Returns whether the load is an open loop: then response time and service time differ, and both are shown.
fn is_open(work: &Work) -> bool {
    matches!(work, Work::Echo(echo) if echo.load.arrival.offered().is_some())
}

fn starves(point: &PointSummary) -> bool {
    point.cells.iter().filter_map(|cell| cell.figure(Metric::Starved)).any(|starved| starved.spread.max > 0.0)
}

fn build(point: &PointSummary, columns: Vec<Column>, series: &str) -> Table {
    let rows: Vec<TableRow> = point.cells.iter().map(|cell| row(cell, &columns, series)).collect();
    Table {
        columns,
        rows,
        about_load: placement(point)
            .into_iter()
            .chain(share_of_ceiling(point))
            .chain(unanswered_requests(point))
            .collect(),
    }
}

/// States which cells have requests without a response.
fn unanswered_requests(point: &PointSummary) -> impl Iterator<Item = String> {
    point.cells.iter().filter_map(|cell| {
        let load = cell.measures.as_ref()?.load.as_ref().filter(|load| load.lost > 0)?;
        let (lost, planned) = (units::count(load.lost), units::count(load.planned));
        let why: Vec<String> = load.errors.iter().map(|(class, n)| format!("{} {class}", units::count(*n))).collect();
        let why = if why.is_empty() { String::new() } else { format!(" ({})", text::one_line(&why.join(", "))) };
        Some(format!("{}: {lost} of {planned} requests in all rounds got no answer{why}.", cell.cell.id.model))
    })
}

/// States where server and generator ran, or which CPUs jobs are pinned to; `None` if jobs had all CPUs.
fn placement(point: &PointSummary) -> Option<String> {
    if let (Work::Sleep(_) | Work::Offload(_) | Work::Own(_), Some(cpus)) = (&point.work, point.work.cpus()) {
        let flagged = point.cells.iter().flat_map(|cell| &cell.flagged).flat_map(|(_, findings)| findings);
        let there = flagged
            .filter_map(|finding| if let Finding::FewCpus { cpus, .. } = finding { Some(*cpus) } else { None })
            .min();
        let counted = |cpus: u64| units::counted(cpus, "CPU", "CPUs");
        return Some(match there {
            None => format!("Each trial was pinned to {}, as the scenario requires.", counted(cpus as u64)),
            Some(there) => format!(
                "Each trial was pinned to {}; the scenario requires {cpus}, but no more were available.",
                counted(there as u64)
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
        return Some(format!("Server and load generator shared {}{which}.", wording::cpus(server)));
    }
    Some(format!("The server ran on {}, the load generator on {}.", wording::cpus(server), wording::cpus(generator)))
}

/// States how much of the load generator's ceiling the fastest model used.
fn share_of_ceiling(point: &PointSummary) -> Option<String> {
    let Ceiling { floor_ns, per_s, connections, goes, lowest_per_s, .. } = point.ceiling?;
    let used = point.ceiling_use?;
    Some(format!(
        "Ceiling of the load generator, against a server that does nothing: {}/s over {connections} connections ({}/s \
         in the worst of {goes} attempts). {} used {} of it{}. Over one connection, where each request wakes both \
         sides, a request took {}.",
        wording::per_second(per_s),
        wording::per_second(lowest_per_s),
        used.model,
        wording::percent(used.share),
        if used.is_near { ", so the generator limits the rate as much as the server does" } else { "" },
        wording::time(floor_ns as f64),
    ))
}

impl Table {
    fn has(&self, metric: Metric) -> bool {
        self.columns.contains(&Column::Figure(metric))
    }

    /// Returns the notes that explain the figures.
    pub(super) fn notes(&self) -> Vec<String> {
        let texts = || self.rows.iter().flat_map(|row| &row.figures).map(|figure| figure.text.as_str());
        let mut notes = self.about_load.clone();
        if self.has(Metric::Executing) {
            notes.push(
                "in flight: the most jobs begun and not finished at one instant. executing: the most jobs on a CPU at \
                 one instant, from the recorded trial; ≤ if no millisecond used enough CPU time to prove that many."
                    .into(),
            );
        }
        if self.has(Metric::Memory) {
            notes.push(
                "memory per job: additional memory per waiting job, made up of resident pages, page tables, kernel \
                 stacks and other kernel memory. The last two are counted for the whole machine. Most tools show only \
                 the resident part."
                    .into(),
            );
        }
        if self.has(Metric::RunQueue) {
            notes.push(
                "run queue: the time for which threads were ready but had no CPU, added up; from the recorded trial."
                    .into(),
            );
        }
        if texts().any(|text| text == "n/a") {
            notes.push(
                "n/a: fewer than ten samples lie beyond this percentile in some round, or the figure is not \
                 comparable."
                    .into(),
            );
        }
        if self.has(Metric::Max) {
            notes.push("max: the maximum of all rounds; percentiles are medians of the rounds.".into());
        }
        if self.has(Metric::LateP99) {
            notes.push(
                "p50, p99 and max are response times, from when a request was due. Most tools print service times. \
                 late p99: the lateness of the generator itself, which response times include."
                    .into(),
            );
        }
        if texts().any(|text| text.starts_with("under ")) {
            notes.push("under 4 %: no difference found; the minimum detectable difference is 4 %.".into());
        }
        if texts().any(|text| text.starts_with('≥')) {
            notes.push(
                "≥: a lower bound, as some requests never finished; they count with the time they had waited.".into(),
            );
        }
        if self.rows.iter().any(|row| row.fewer.is_some()) {
            notes.push("The wall time of a model that ran fewer jobs cannot be compared with the others.".into());
        }
        notes
    }
}

fn row(cell: &CellSummary, columns: &[Column], series: &str) -> TableRow {
    let figures = cell.measures.as_ref().map(|_| {
        let series = cell.series(series);
        columns.iter().map(|column| column.figure(cell, series)).collect()
    });
    TableRow {
        model: cell.cell.id.model.to_string(),
        family: cell.cell.id.model.family(),
        fewer: wording::fewer_jobs(&cell.cell),
        figures: figures.unwrap_or_default(),
        unmeasured: cell.unmeasured().map(wording::unmeasured),
        reasons: wording::reasons(cell),
        flagged: warnings::flagged_rounds(cell),
        findings: warnings::cell_findings(cell),
    }
}
