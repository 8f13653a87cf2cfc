//! Renders the pages from templates, which escape everything except charts.

mod advice;
mod claims;
mod pairs;

use askama::Template;

use self::advice::AdviceView;
use self::claims::{ByKind, Claims};
use self::pairs::PairsView;

use super::figures::{self, Figure, Sign};
use super::quadrants::{self, Quadrants};
use super::table::{Table, TableRow};
use super::wording;
use super::{headline, warnings};
use crate::analysis::{Analysis, CellSummary, PointSummary, ScenarioAnalysis, Unmeasured};
use crate::record::{CalibrationOrigin, Record, Run, RunTally, Source};
use crate::scenario::{Family, Parallel};
use crate::text;
use crate::units;

pub(super) const STYLE: &str = include_str!("templates/style.css");
pub(super) const SCRIPT: &str = include_str!("templates/page.js");
/// The hash of the only script that a page runs, [`SCRIPT`]: SHA-256 in base64. A test fails if the script changes.
pub(super) const SCRIPT_HASH: &str = "wM/8ysnmbUbhHRiRvK51ESzENu+6b9G4+7pnrSI0kG8=";

#[derive(Template)]
#[template(path = "index.html", config = "src/report/templates/askama.toml")]
struct Index {
    head: PageHead,
    answer: Vec<String>,
    grids: Vec<Quadrants>,
    claims: Claims,
    by_kind: ByKind,
    cards: Vec<Card>,
    unmeasured: Vec<UnmeasuredTrial>,
    machine: Vec<(&'static str, String)>,
    iterations: String,
    command: String,
}

#[derive(Template)]
#[template(path = "scenario.html", config = "src/report/templates/askama.toml")]
struct ScenarioPage {
    head: PageHead,
    name: String,
    question: String,
    answer: Vec<String>,
    analysis: Vec<String>,
    claims: Claims,
    /// The charts over the whole sweep.
    sweep: Vec<ChartView>,
    points: Vec<PointView>,
    /// The advice on which model suits the load; `None` for jobs.
    advice: Option<AdviceView>,
    models: Vec<(&'static str, String, String)>,
    command: String,
    source: String,
    /// The name of the file with the lanes.
    trace: Option<String>,
    /// The cost of recording lanes.
    recording: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

/// The head of every page.
struct PageHead {
    when: String,
    warnings: Vec<String>,
    facts: Vec<(&'static str, String)>,
}

struct Card {
    name: String,
    href: String,
    question: String,
    answer: Vec<String>,
    chart: String,
}

/// Trials of a cell that failed or were refused for the same reason.
struct UnmeasuredTrial {
    scenario: String,
    point: String,
    model: String,
    why: String,
}

struct PointView {
    label: String,
    answer: Vec<String>,
    charts: Vec<ChartView>,
    pairs: Vec<PairsView>,
}

struct ChartView {
    heading: String,
    text: Vec<String>,
    svg: String,
    legend: Vec<(&'static str, &'static str)>,
    table: TableView,
    folded: bool,
}

struct TableView {
    caption: String,
    headings: Vec<&'static str>,
    rows: Vec<RowView>,
    notes: Vec<String>,
}

struct RowView {
    class: &'static str,
    row: TableRow,
}

/// Renders the page that leads to all others.
pub(super) fn index(analysis: &Analysis<'_>) -> String {
    let (run, scenarios) = (analysis.run, &analysis.scenarios);
    let card = |(i, scenario): (usize, &ScenarioAnalysis<'_>)| Card {
        name: scenario.scenario.name.clone(),
        href: format!("{}.html", scenario.scenario.name),
        question: text::one_line(&scenario.scenario.question),
        answer: headline::for_scenario(scenario),
        chart: scenario
            .points
            .last()
            .and_then(|point| figures::small_chart(point, &format!("c{i}")))
            .unwrap_or_default(),
    };
    let points = || scenarios.iter().flat_map(|scenario| &scenario.points);
    let unmeasured = |cell: &CellSummary| {
        let (model, point) = (cell.cell.id.model.to_string(), text::one_line(&cell.cell.id.point.to_string()));
        let trial = |why| UnmeasuredTrial {
            scenario: cell.cell.id.scenario.clone(),
            point: point.clone(),
            model: model.clone(),
            why,
        };
        let untraced = cell.untraced.iter().map(|why| text::one_line(&format!("lanes not recorded: {why}")));
        // If all rounds are refused too, the refused lanes need no line of their own.
        let refused_lanes = cell.refused_lanes.iter().filter(|_| cell.unmeasured() != Some(Unmeasured::Refused));
        let refused_lanes =
            refused_lanes.map(|why| text::one_line(&format!("lanes refused, as the scenario expects: {why}")));
        wording::reasons(cell).into_iter().chain(untraced).chain(refused_lanes).map(trial).collect::<Vec<_>>()
    };
    let mut head = head(analysis, points());
    head.warnings.extend(warnings::warn_of_strays(analysis));
    let page = Index {
        head,
        answer: quadrants::sentences(scenarios),
        grids: quadrants::from_scenarios(scenarios),
        claims: claims::of_run(analysis),
        by_kind: claims::by_kind(analysis),
        cards: scenarios.iter().enumerate().map(card).collect(),
        unmeasured: points().flat_map(PointSummary::all_cells).flat_map(unmeasured).collect(),
        machine: machine(run),
        iterations: units::count(run.iterations_per_s),
        command: command(run, run.scenarios.iter()),
    };
    page.render().expect("writing into a string")
}

/// Renders the page of one scenario, with links to its neighbours in the order of the report.
pub(super) fn scenario(
    analysis: &Analysis<'_>,
    of: &ScenarioAnalysis<'_>,
    neighbours: (Option<&str>, Option<&str>),
) -> String {
    let (run, scenario, points) = (analysis.run, of.scenario, &of.points);
    let page = ScenarioPage {
        head: head(analysis, points.iter()),
        name: scenario.name.clone(),
        question: text::one_line(&scenario.question),
        answer: headline::for_scenario(of),
        analysis: paragraphs(&scenario.analysis),
        claims: claims::of_scenario(of),
        sweep: sweep(of, run),
        points: points.iter().enumerate().map(|(i, point)| point_view(point, &format!("p{i}"))).collect(),
        advice: advice::view(of),
        models: scenario.models.iter().map(|m| (class(m.family()), m.to_string(), m.description())).collect(),
        command: command(run, run.scenarios.iter().filter(|source| source.name == scenario.name)),
        source: text::printable(&scenario.source).into_owned(),
        trace: points
            .iter()
            .any(|point| point.cells.iter().any(|cell| cell.traced.is_some()))
            .then(|| super::trace_name(scenario)),
        recording: recording(of),
        before: neighbours.0.map(str::to_owned),
        after: neighbours.1.map(str::to_owned),
    };
    page.render().expect("writing into a string")
}

/// States the median and the largest cost of recording lanes over the cells: in wall time for jobs, in CPU time for a
/// server.
fn recording(scenario: &ScenarioAnalysis<'_>) -> Option<String> {
    let is_echo = scenario.points.first()?.work.is_echo();
    let costs = scenario.recording?;
    Some(format!(
        "Cost of recording, in {}: median {} over the models, maximum {}.",
        if is_echo { "CPU time per request" } else { "wall time" },
        wording::change(costs.median),
        wording::change(costs.max)
    ))
}

fn point_view(point: &PointSummary, id: &str) -> PointView {
    // The first table has the main figures and is open; the others are folded.
    let chart = |(i, figure): (usize, Figure)| chart_view(point, figure, i > 0);
    PointView {
        label: text::one_line(&point.at.to_string()),
        answer: headline::for_point(point),
        charts: figures::for_point(point, id).into_iter().enumerate().map(chart).collect(),
        pairs: pairs::views(point),
    }
}

/// Returns the figures over the sweep, each with a folded table below it.
fn sweep(scenario: &ScenarioAnalysis<'_>, run: &Run) -> Vec<ChartView> {
    let Some(first) = scenario.points.first() else { return Vec::new() };
    figures::sweep::for_scenario(scenario, &run.host.thread_limits, "sweep")
        .into_iter()
        .map(|figure| chart_view(first, figure, true))
        .collect()
}

fn chart_view(point: &PointSummary, figure: Figure, folded: bool) -> ChartView {
    ChartView {
        heading: figure.heading,
        text: figure.text,
        legend: figure.legend.into_iter().map(sign).collect(),
        folded: folded && !figure.svg.is_empty(),
        svg: figure.svg,
        table: table_view(point, figure.table),
    }
}

fn table_view(point: &PointSummary, (caption, table): (String, Table)) -> TableView {
    TableView {
        caption,
        headings: table.columns.iter().map(|column| column.heading(&point.work)).collect(),
        notes: table.notes(),
        rows: table.rows.into_iter().map(|row| RowView { class: class(row.family), row }).collect(),
    }
}

pub(super) fn class(family: Family) -> &'static str {
    match family {
        Family::Async => "async",
        Family::Threads => "threads",
        Family::Hybrid => "hybrid",
        Family::External => "external",
    }
}

/// Returns the class of a sign in the legend, and its meaning.
fn sign(sign: Sign) -> (&'static str, &'static str) {
    match sign {
        Sign::Range => ("i-range", "lowest to highest round"),
        Sign::Sure => ("i-range", "confidence interval of the median, 95 % or more"),
        Sign::Ideal => ("i-line", "ideal: the work alone, without overhead"),
        Sign::Interval => ("i-line", "planned interval of the heartbeat"),
        Sign::Predicted => ("i-predicted", "time expected by arithmetic"),
        Sign::Fewer => ("i-fewer", "ran fewer jobs: not comparable"),
        Sign::Noise => ("i-noise", "noise floor, from the A/A control"),
        Sign::Likely => ("i-likely", "95 % confidence interval of the ratio"),
        Sign::Ribbon => ("i-ribbon", "95 % confidence band (bootstrap over whole rounds)"),
        Sign::Executed => ("i-executed", "executing, in the colour of the job; lower bar: part of the time"),
        Sign::Held => ("i-held", "waiting or blocked, and holding its thread"),
        Sign::Ready => ("i-ready", "a job was ready, but no thread ran it"),
        Sign::Beat => ("i-beat", "a heartbeat"),
        Sign::Warm => ("i-warm", "grey: warm-up"),
        Sign::Median => ("i-median", "median at that time"),
        Sign::Service => ("i-service", "thin dashed line: service time, from sent to done"),
    }
}

/// Returns the head of a page, with a banner about the doubtful measurements at these points.
fn head<'a>(analysis: &Analysis<'_>, points: impl Iterator<Item = &'a PointSummary> + Clone) -> PageHead {
    let (run, records) = (analysis.run, analysis.records);
    let done = records.len() as u64;
    let warnings = warnings::banner(analysis, points);
    let host = &run.host;
    let cpu = host.cpu.as_deref().unwrap_or("unknown processor");
    let trials = trials(done, &analysis.judged);
    let most = records.iter().filter_map(Record::round).max().unwrap_or(0);
    let asked = text::one_line(&run.rounds);
    let rounds = if asked == most.to_string() { asked } else { format!("{most} ({asked})") };
    PageHead {
        when: text::one_line(&run.started),
        warnings,
        facts: vec![
            ("when", text::one_line(&run.started)),
            ("machine", format!("{} × {}", units::count(host.cpus.into()), text::one_line(cpu))),
            ("trials", trials),
            ("rounds", rounds),
            ("seed", run.seed.to_string()),
        ],
    }
}

/// Returns the number of trials that left a record, and of those that failed or were refused:
/// `96, 2 of them failed; 24 trials refused by the machine, as their scenarios expect`.
fn trials(done: u64, judged: &RunTally) -> String {
    let mut text = units::count(done);
    if judged.failed > 0 {
        text += &format!(", {} of them failed", units::count(judged.failed));
    }
    if judged.refused > 0 {
        let one = "trial refused by the machine, as its scenario expects";
        let many = "trials refused by the machine, as their scenarios expect";
        text += &format!("; {}", units::counted(judged.refused, one, many));
    }
    text
}

fn machine(run: &Run) -> Vec<(&'static str, String)> {
    let host = &run.host;
    let known = |text: &Option<String>| text.as_deref().map_or_else(|| "unknown".into(), text::one_line);
    let mut facts = vec![
        ("processor", known(&host.cpu)),
        ("CPUs", units::count(host.cpus.into())),
        ("memory", host.memory_bytes.map_or_else(|| "unknown".into(), units::bytes)),
        ("kernel", known(&host.kernel)),
        ("clock", known(&host.clocksource)),
        ("governor", known(&host.governor)),
        ("avt", text::one_line(&host.avt)),
        ("rustc", text::one_line(&host.rustc)),
        ("tokio", text::one_line(&host.tokio)),
        ("rayon", text::one_line(&host.rayon)),
    ];
    facts.extend(host.cpu_quota.map(|quota| ("CPU quota", format!("{} CPUs", units::three_digits(quota)))));
    facts.push(("calibration", calibration(run)));
    facts.extend(speed_up(run.parallel.all()).map(|speed_up| ("parallel speed-up", speed_up)));
    // Jobs pinned to as many CPUs as there are, or more, compute at the same speed.
    let part = run.parallel.pinned().iter().filter(|(cpus, _)| *cpus < run.parallel.all().cpus());
    facts.extend(part.filter_map(|(cpus, parallel)| {
        speed_up(parallel).map(|speed_up| ("parallel speed-up", format!("pinned to {cpus} CPUs: {speed_up}")))
    }));
    facts.extend(host.open_files.map(|n| ("open files limit", units::count(n))));
    facts.extend(host.thread_limits.first().map(|limit| {
        let most = units::count(limit.allows);
        ("thread limit", format!("{most} more threads ({} = {})", text::one_line(&limit.name), limit.value))
    }));
    facts
}

/// Returns the number of iterations per second by which computations are calibrated, and its origin.
fn calibration(run: &Run) -> String {
    let used = format!("{} iterations/s", units::count(run.iterations_per_s));
    match &run.calibration {
        CalibrationOrigin::New => format!("{used}, measured before this run"),
        CalibrationOrigin::Kept { run: kept, measured_per_s } => format!(
            "{used}, kept from {}; {} measured before this run",
            text::one_line(kept),
            units::count(*measured_per_s)
        ),
        CalibrationOrigin::Changed { run: kept, kept_per_s } => {
            format!("{used}, measured before this run; {} in {}", units::count(*kept_per_s), text::one_line(kept))
        }
    }
}

/// Returns the speed-up of parallel computing, `1.93 with 2 threads`; `None` on one CPU.
fn speed_up(parallel: &Parallel) -> Option<String> {
    let more = parallel.points().iter().filter(|(threads, _)| *threads > 1);
    let factors: Vec<String> =
        more.map(|(threads, factor)| format!("{} with {threads} threads", units::three_digits(*factor))).collect();
    (!factors.is_empty()).then(|| factors.join(", "))
}

/// Returns the command that repeats the same trials in the same order; for a single scenario, its trials in a different
/// order.
fn command<'a>(run: &'a Run, sources: impl Iterator<Item = &'a Source>) -> String {
    let rounds = match run.rounds.as_str() {
        "quick" => String::new(),
        "full" => " --full".into(),
        given => format!(" --rounds {}", text::one_line(given)),
    };
    let names: Vec<String> = sources.map(|source| text::one_line(&source.given)).collect();
    let models: String = run.models.iter().map(|model| format!(" --model {model}")).collect();
    format!("avt run {}{models} --seed {}{rounds}", names.join(" "), run.seed)
}

fn paragraphs(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n");
    text.split("\n\n").map(text::one_line).filter(|paragraph| !paragraph.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn the_page_allows_only_its_own_script() {
        assert_eq!(SCRIPT_HASH, STANDARD.encode(Sha256::digest(SCRIPT)), "the script has changed, its hash has not");
        assert!(SCRIPT.len() <= 12 << 10 && !SCRIPT.contains("</"), "{} bytes", SCRIPT.len());
    }
}
