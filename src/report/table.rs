//! Rows and columns of text, one row a cell: what the pages and the terminal both print.

use super::doubts;
use super::summary::{CellSummary, Measures, Percentile, PointSummary, SeriesSummary};
use super::versus::{self, Metric};
use super::words;
use crate::record::Ceiling;
use crate::scenario::{Family, Work};
use crate::stats::{Finding, Interval, Ratio, Spread};
use crate::units;

/// Figures of the cells at one point.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
    /// Where server and generator ran, and which requests got no answer, in sentences.
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

/// A median and, where the rounds differ, its interval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Figure {
    pub(super) text: String,
    pub(super) range: Option<String>,
}

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Threads,
    InFlight,
    Executing,
    RunQueue,
    Faults,
    PerWaiting,
    Wall,
    Gap,
    Rate,
    Count,
    P50,
    P90,
    P99,
    Max,
    ServiceP50,
    ServiceP99,
    Cpu,
    CpuPerJob,
    Memory,
    Switches,
    SwitchesPerJob,
    Waited,
    Late,
    GeneratorCpu,
    Starved,
    /// As a multiple of the reference's.
    Versus(Metric),
}

/// Everything about every cell, with the percentiles of the headline series.
pub(super) fn full(point: &PointSummary) -> Table {
    let mut columns = headline(&point.work);
    if matches!(point.work, Work::Echo(_)) {
        columns.insert(0, Column::InFlight);
    }
    columns.extend([Column::P50, Column::P90, Column::P99, Column::Max]);
    columns.extend([Column::Cpu, Column::CpuPerJob, Column::Memory, Column::SwitchesPerJob, Column::Faults]);
    if matches!(point.work, Work::Sleep(_)) {
        columns.push(Column::PerWaiting);
    }
    if !matches!(point.work, Work::Echo(_)) {
        columns.push(Column::RunQueue);
    }
    if is_open(&point.work) {
        columns.extend([Column::ServiceP99, Column::Waited, Column::Late]);
    }
    if matches!(point.work, Work::Echo(_)) {
        columns.push(Column::GeneratorCpu);
    }
    if starves(point) {
        columns.push(Column::Starved);
    }
    of(point, columns, point.series_names().first().copied().unwrap_or_default())
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
    let reference = twin.cell.model;
    let metrics = Metric::of(&point.work);
    let others = point.cells.iter().filter(|cell| cell.cell.model != reference && cell.cell.jobs_wanted.is_none());
    let row = |cell: &CellSummary| {
        let figure = |metric: &Metric| match versus::between(point, *metric, cell.cell.model, reference) {
            Some(versus) => ratio(&versus.ratio, versus.finding(), versus.noise),
            None => plain("n/a".into()),
        };
        let has_any = cell.measures.is_some();
        Row {
            model: cell.cell.model.to_string(),
            family: cell.cell.model.family(),
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

/// `1.71 x`, its interval and how many rounds agree; or that no difference was found.
fn ratio(ratio: &Ratio, finding: Finding, noise: f64) -> Figure {
    let times = format!("{} ×", units::three_digits(ratio.ratio));
    let agree = format!("{} of {} rounds", ratio.agreeing, ratio.rounds);
    let range = match ratio.interval {
        None => agree.clone(),
        Some(Interval { low, high }) => {
            format!("{} to {}; {agree}", units::three_digits(low), units::three_digits(high))
        }
    };
    match finding {
        Finding::More | Finding::Less => Figure { text: times, range: Some(range) },
        Finding::TooFew => Figure { text: times, range: Some(format!("too few rounds; {agree}")) },
        Finding::None => {
            let could = ratio.detectable(noise).map_or_else(String::new, words::excess);
            Figure { text: format!("under {could}"), range: Some(range) }
        }
    }
}

/// The columns that answer the question, which come first.
fn headline(work: &Work) -> Vec<Column> {
    match work {
        Work::Sleep(_) => vec![Column::InFlight, Column::Executing, Column::Threads, Column::Wall, Column::Rate],
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
        Some(format!("{}: {lost} of {planned} requests of all rounds got no answer{why}.", cell.cell.model))
    })
}

/// Where server and generator ran, in words; nothing where there was none.
fn placement(point: &PointSummary) -> Option<String> {
    let load = point.cells.iter().find_map(|cell| cell.measures.as_ref()?.load.as_ref())?;
    let (server, generator) = &load.cpus;
    if server.is_empty() || generator.is_empty() {
        return Some("Server and load generator ran on whichever CPUs the kernel chose.".into());
    }
    Some(format!("The server ran on {}, the load generator on {}.", words::cpus(server), words::cpus(generator)))
}

/// From this share of the ceiling on, a faster server would not look faster.
const NEAR_THE_CEILING: f64 = 0.9;

/// How much of what the generator can do was used by the fastest.
fn share_of_ceiling(point: &PointSummary) -> Option<String> {
    let Ceiling { floor_ns, per_s, connections, .. } = point.ceiling?;
    let rates = point.cells.iter().filter_map(|cell| Some((cell.measures.as_ref()?.throughput.median, cell)));
    let (most, fastest) = rates.max_by(|one, other| one.0.total_cmp(&other.0))?;
    Some(format!(
        "Against a server that does nothing, the generator itself reached {}/s over {connections} connections, of which {} \
         used {}{}; over one, where both sides have to be woken for each request, it took {}.",
        words::per_second(per_s),
        fastest.cell.model,
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
                "In flight: the most jobs begun and not done at one instant. Executing: the most that threads worked on at \
                 one instant, as recorded in one trial more."
                    .into(),
            );
        }
        if self.columns.contains(&Column::PerWaiting) {
            notes.push(
                "Memory per waiting job: resident, page tables and kernel stacks together, beyond what the process held \
                 before; the usual figure is what is resident."
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
        model: cell.cell.model.to_string(),
        family: cell.cell.model.family(),
        fewer: words::fewer_jobs(&cell.cell),
        figures: figures.unwrap_or_default(),
        reasons: words::reasons(cell),
        doubt: doubts::of_cell(cell),
    }
}

impl Column {
    /// What stands above it.
    pub(super) fn heading(self, work: &Work) -> &'static str {
        match self {
            Self::Threads => "threads",
            Self::InFlight => "in flight",
            Self::Executing => "executing",
            Self::RunQueue => "run queue",
            Self::PerWaiting => "memory per waiting job",
            Self::Faults => "page faults",
            Self::Wall => "wall time",
            Self::Gap => "longest gap",
            Self::Rate if matches!(work, Work::Echo(_)) => "requests/s",
            Self::Rate => "jobs/s",
            Self::Count => "samples",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::Max => "max",
            Self::ServiceP50 => "service p50",
            Self::ServiceP99 => "service p99",
            Self::Cpu => "CPU",
            Self::CpuPerJob if matches!(work, Work::Echo(_)) => "CPU per request",
            Self::CpuPerJob => "CPU per job",
            Self::Memory => "peak memory",
            Self::Switches => "switches",
            Self::SwitchesPerJob if matches!(work, Work::Echo(_)) => "switches per request",
            Self::SwitchesPerJob => "switches per job",
            Self::Waited => "no connection p99",
            Self::Late => "late p99",
            Self::GeneratorCpu => "generator CPU",
            Self::Starved => "starved",
            Self::Versus(metric) => metric.heading(work),
        }
    }

    fn figure(self, cell: &CellSummary, measures: &Measures, series: Option<&SeriesSummary>) -> Figure {
        let response = series.map(|series| &series.response);
        let service = series.map(|series| &series.service);
        let load = measures.load.as_ref();
        match self {
            Self::Threads => spread(Some(measures.threads), words::count),
            Self::InFlight => spread(Some(measures.in_flight), words::count),
            Self::Executing => {
                plain(cell.traced.map_or_else(|| "–".into(), |traced| units::count(traced.most_executing.into())))
            }
            Self::Wall => spread(Some(measures.wall_ns), words::time),
            Self::RunQueue => {
                let waited = cell.traced.and_then(|traced| traced.run_queue_ns);
                plain(waited.map_or_else(|| "–".into(), units::duration))
            }
            Self::PerWaiting => cell.per_waiting_job().map_or_else(
                || plain("–".into()),
                |(all, resident)| Figure {
                    text: words::memory(all),
                    range: Some(format!("{} resident", words::memory(resident))),
                },
            ),
            Self::Faults => spread(Some(measures.faults), words::count),
            Self::Gap => spread(measures.longest_gap_ns, words::time),
            Self::Rate => spread(Some(measures.throughput), words::per_second),
            Self::Count => response.map(|r| plain(units::count(r.merged.len()))).unwrap_or_default(),
            Self::P50 => percentile(response.and_then(|times| times.p50)),
            Self::P90 => percentile(response.and_then(|times| times.p90)),
            Self::P99 => percentile(response.and_then(|times| times.p99)),
            Self::Max => percentile(response.and_then(|times| times.max)),
            Self::ServiceP50 => percentile(service.and_then(|times| times.p50)),
            Self::ServiceP99 => percentile(service.and_then(|times| times.p99)),
            Self::Cpu => spread(Some(measures.cpu_ns), words::time),
            Self::CpuPerJob => spread(measures.cpu_per_job_ns, words::time),
            Self::Memory => spread(measures.memory_bytes, words::memory),
            Self::Switches => spread(Some(measures.switches), words::count),
            Self::SwitchesPerJob => spread(measures.switches_per_job, units::three_digits),
            Self::Waited => spread(load.and_then(|load| load.waited_p99_ns), words::time),
            Self::Late => spread(load.and_then(|load| load.late_p99_ns), words::time),
            Self::GeneratorCpu => spread(load.map(|load| load.cpu_share), words::percent),
            Self::Starved => match load {
                Some(load) => {
                    let starved = spread(Some(load.starved), words::count);
                    Figure { text: format!("{} of {}", starved.text, units::count(load.connections.into())), ..starved }
                }
                None => plain("–".into()),
            },
            Self::Versus(_) => plain("–".into()),
        }
    }
}

fn plain(text: String) -> Figure {
    Figure { text, range: None }
}

/// A figure that a kernel may not tell is a dash, never 0.
fn spread(value: Option<Spread>, text: fn(f64) -> String) -> Figure {
    value.map_or_else(
        || plain("–".into()),
        |value| Figure { text: text(value.median), range: words::range(&value, text) },
    )
}

fn percentile(value: Option<Percentile>) -> Figure {
    let Some(value) = value else { return plain("n/a".into()) };
    let shown = spread(Some(value.spread), words::time);
    if value.at_least { Figure { text: format!("≥ {}", shown.text), ..shown } } else { shown }
}
