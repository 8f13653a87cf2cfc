//! Renders the pages from templates, which escape everything except charts.

mod advice;
mod claims;
#[cfg(feature = "cli")]
mod comparison;
mod facts;
mod pairs;
mod tables;

#[cfg(feature = "cli")]
pub(super) use comparison::page as comparison;

use std::collections::BTreeSet;

use askama::Template;

use self::advice::AdviceView;
use self::claims::{ByKind, Claims};
use self::facts::{machine, trials};
use self::pairs::PairsView;
use self::tables::{TableView, table_view};

use super::figures::{self, Figure, Sign};
use super::quadrants::{self, Quadrants};
use super::which::{self, WhichRow};
use super::wording;
use super::{ab, headline, warnings};
use crate::analysis::{Analysis, CellSummary, PointSummary, ScenarioAnalysis, Unmeasured, head_to_base};
use crate::record::{Record, Run, Source};
use crate::scenario::{Family, Model};
use crate::text;
use crate::units;

pub(super) const STYLE: &str = include_str!("templates/style.css");
/// The icon of the pages: a hatched square above a solid one, as waiting and computing are drawn.
pub(super) const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http:%2F%2Fwww.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M1 5h14' \
    stroke='%23d55e00' stroke-width='5' stroke-dasharray='2 1'/%3E%3Cpath d='M1 11h9' stroke='%230072b2' \
    stroke-width='5'/%3E%3C/svg%3E";
pub(super) const SCRIPT: &str = include_str!("templates/page.js");
/// The hash of the only script that a page runs, [`SCRIPT`]: SHA-256 in base64. A test fails if the script changes.
pub(super) const SCRIPT_HASH: &str = "xjO8l7fNKlVN+3PnYi1HLD4bY8Ewte9qn970oZTdtRg=";

#[derive(Template)]
#[template(path = "index.html", config = "src/report/templates/askama.toml")]
struct Index {
    head: PageHead,
    answer: Vec<String>,
    grids: Vec<Quadrants>,
    which: Vec<WhichRow>,
    /// Every model of the run, with the class of its family and its description.
    models: Vec<(&'static str, String, String)>,
    claims: Claims,
    by_kind: ByKind,
    cards: Vec<Card>,
    findings: Vec<String>,
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
    /// The id and the name of each section.
    sections: Vec<(String, String)>,
    /// The names of all scenarios of the run.
    questions: Vec<String>,
    command: String,
    source: String,
    /// The name of the file with the lanes.
    trace: Option<String>,
    /// Whether the page shows the lanes of the first and the last point only.
    hides_lanes: bool,
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
    /// The id of the section.
    id: String,
    heading: String,
    text: Vec<String>,
    svg: String,
    legend: Vec<(&'static str, &'static str)>,
    table: TableView,
    folded: bool,
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
        grids: quadrants::from_scenarios(scenarios, &run.parallel),
        which: which::rows(scenarios),
        models: switches(scenarios.iter().flat_map(|scenario| scenario.scenario.models.iter().copied())),
        claims: claims::of_run(analysis),
        by_kind: claims::by_kind(analysis),
        cards: scenarios.iter().enumerate().map(card).collect(),
        findings: warnings::flagged_measurements(points()),
        unmeasured: points().flat_map(PointSummary::all_cells).flat_map(unmeasured).collect(),
        machine: machine(run),
        iterations: units::count(run.iterations_per_s),
        command: command(run, run.scenarios.iter()),
    };
    page.render().expect("writing into a string")
}

/// Returns each of these models once, in the order of their first appearance, with the class of its family and its
/// description.
fn switches(models: impl Iterator<Item = Model>) -> Vec<(&'static str, String, String)> {
    let mut distinct = Vec::new();
    for model in models {
        if !distinct.contains(&model) {
            distinct.push(model);
        }
    }
    distinct.into_iter().map(|model| (class(model.family()), model.to_string(), model.description())).collect()
}

/// Renders the page of one scenario, with links to its neighbours in the order of the report.
pub(super) fn scenario(
    analysis: &Analysis<'_>,
    of: &ScenarioAnalysis<'_>,
    neighbours: (Option<&str>, Option<&str>),
) -> String {
    let (run, scenario, points) = (analysis.run, of.scenario, &of.points);
    let sweep = sweep(of, run);
    let points_views: Vec<PointView> = points
        .iter()
        .enumerate()
        .map(|(i, point)| point_view(point, &format!("p{i}"), has_lanes(i, points.len())))
        .collect();
    let page = ScenarioPage {
        sections: sections(of, &sweep, &points_views),
        questions: analysis.scenarios.iter().map(|scenario| scenario.scenario.name.clone()).collect(),
        head: head(analysis, points.iter()),
        name: scenario.name.clone(),
        question: text::one_line(&scenario.question),
        answer: answer(of),
        analysis: paragraphs(&scenario.analysis),
        claims: claims::of_scenario(of),
        sweep,
        points: points_views,
        advice: advice::view(of),
        models: switches(scenario.models.iter().copied()),
        command: command(run, run.scenarios.iter().filter(|source| source.name == scenario.name)),
        source: text::printable(&scenario.source).into_owned(),
        trace: points
            .iter()
            .any(|point| point.cells.iter().any(|cell| cell.traced.is_some()))
            .then(|| super::trace_name(scenario)),
        hides_lanes: points.len() > FEW_POINTS,
        recording: recording(of),
        before: neighbours.0.map(str::to_owned),
        after: neighbours.1.map(str::to_owned),
    };
    page.render().expect("writing into a string")
}

/// Returns the answer of a scenario; of two servers, beginning with the sentence that `avt ab` ends with.
fn answer(of: &ScenarioAnalysis<'_>) -> Vec<String> {
    let mut all = headline::for_scenario(of);
    let models = &of.scenario.models;
    if let Some(found) =
        head_to_base(of).filter(|_| models.len() == 2 && models.iter().all(|model| model.is_external()))
    {
        all.insert(0, format!("{}.", ab::sentence(&found)));
        all.truncate(3);
    }
    all
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

/// Returns whether a page shows the lanes of this one of `n` points: of many only the first and the last, since lanes
/// make up a quarter of a page. The trace holds all.
fn has_lanes(point: usize, n: usize) -> bool {
    n <= FEW_POINTS || point == 0 || point + 1 == n
}

/// The largest number of points whose lanes are all shown.
const FEW_POINTS: usize = 3;

fn point_view(point: &PointSummary, id: &str, shows_lanes: bool) -> PointView {
    // The first table has the main figures and is open; the others are folded.
    let chart = |(i, figure): (usize, Figure)| chart_view(point, figure, format!("{id}-s{i}"), i > 0);
    PointView {
        label: text::one_line(&point.at.to_string()),
        answer: headline::for_point(point),
        charts: figures::for_point(point, id, shows_lanes).into_iter().enumerate().map(chart).collect(),
        pairs: pairs::views(point),
    }
}

/// Returns the figures over the sweep, each with a folded table below it.
fn sweep(scenario: &ScenarioAnalysis<'_>, run: &Run) -> Vec<ChartView> {
    let Some(first) = scenario.points.first() else { return Vec::new() };
    figures::sweep::for_scenario(scenario, &run.host.thread_limits, "sweep")
        .into_iter()
        .enumerate()
        .map(|(i, figure)| chart_view(first, figure, format!("sweep-s{i}"), true))
        .collect()
}

fn chart_view(point: &PointSummary, figure: Figure, id: String, folded: bool) -> ChartView {
    ChartView {
        id,
        heading: figure.heading,
        text: figure.text,
        legend: figure.legend.into_iter().map(sign).collect(),
        folded: folded && !figure.svg.is_empty(),
        svg: figure.svg,
        table: table_view(point, figure.table, folded),
    }
}

/// Returns the sections of a scenario's page: the id of each and a short name.
fn sections(of: &ScenarioAnalysis<'_>, sweep: &[ChartView], points: &[PointView]) -> Vec<(String, String)> {
    let mut all = vec![("question".to_owned(), "The question".to_owned())];
    let short = |chart: &ChartView| {
        let name = chart.heading.split([':', ',', '?']).next().unwrap_or_default();
        (chart.id.clone(), text::shortened(name, 44).into_owned())
    };
    all.extend(sweep.iter().map(short));
    // The charts of the last point, which is the hardest, stand for those of the others.
    all.extend(points.last().iter().flat_map(|point| point.charts.iter().map(short)));
    if !of.claims.is_empty() {
        all.push(("claims".into(), "Claims".into()));
    }
    if of.advice.as_ref().is_some_and(|advice| advice.work.is_echo()) {
        all.push(("which".into(), "Which model?".into()));
    }
    all.push(("models".into(), "The models".into()));
    all
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
    let most = records.iter().filter_map(Record::round).collect::<BTreeSet<u32>>().len();
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
    let shard = run.shard.map_or_else(String::new, |shard| format!(" --shard {shard} --out DIR"));
    format!("avt run {}{models} --seed {}{rounds}{shard}", names.join(" "), run.seed)
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
        assert!(SCRIPT.len() <= 30 << 10 && !SCRIPT.contains("</"), "{} bytes", SCRIPT.len());
    }
}
