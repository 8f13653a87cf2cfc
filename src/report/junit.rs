//! Renders verdicts as JUnit XML, as Jenkins, GitLab and the report actions of GitHub read it.
//!
//! A test case that fails agrees with exit code 1, and one that is skipped decides nothing: a claim that was refuted
//! before, as its scenario states, and everything that rests on an INVALID measurement are skipped.

use std::fmt::Write as _;

use super::load::{LoadReport, measured};
use super::{claims, compare as wording, compare_loads, warnings};
use crate::analysis::claims::ClaimVerdict;
use crate::analysis::compare::{Change, Comparison, Direction};
use crate::analysis::compare_loads::LoadComparison;
use crate::analysis::fail_over::FailOver;
use crate::analysis::{Analysis, CellSummary, JudgedClaim, PointSummary, ScenarioAnalysis};
use crate::gate::Verdict;
use crate::text;
use crate::units;

/// A group of test cases.
struct TestSuite {
    name: String,
    cases: Vec<TestCase>,
}

/// A test case, and its result.
struct TestCase {
    /// The class, for readers that group by it.
    class: String,
    name: String,
    result: CaseResult,
}

/// The result of a test case; the texts give the reason.
enum CaseResult {
    Passed,
    /// A requirement does not hold.
    Failed(String),
    /// The measurement itself failed.
    Error(String),
    /// Nothing was decided.
    Skipped(String),
}

/// Escapes a text for the contents of an element or for an attribute. Hidden characters, which XML does not allow, are
/// shown as in a terminal.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text::one_line(text).chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&apos;"),
            _ => shown.push(c),
        }
    }
    shown
}

/// Returns the numbers of cases, failures, errors and skipped cases, as attributes.
fn counts<'a>(cases: impl Iterator<Item = &'a TestCase> + Clone) -> String {
    let count = |is: fn(&CaseResult) -> bool| cases.clone().filter(|case| is(&case.result)).count();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        cases.clone().count(),
        count(|result| matches!(result, CaseResult::Failed(_))),
        count(|result| matches!(result, CaseResult::Error(_))),
        count(|result| matches!(result, CaseResult::Skipped(_))),
    )
}

fn render(suites: &[TestSuite]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(xml, "<testsuites name=\"avt\" {}>", counts(suites.iter().flat_map(|suite| &suite.cases)));
    for TestSuite { name, cases } in suites {
        let _ = writeln!(xml, "  <testsuite name=\"{}\" {}>", escaped(name), counts(cases.iter()));
        for TestCase { class, name, result } in cases {
            let _ = write!(xml, "    <testcase classname=\"{}\" name=\"{}\"", escaped(class), escaped(name));
            let _ = match result {
                CaseResult::Passed => writeln!(xml, "/>"),
                CaseResult::Failed(why) => writeln!(xml, ">{}</testcase>", element("failure", why)),
                CaseResult::Error(why) => writeln!(xml, ">{}</testcase>", element("error", why)),
                CaseResult::Skipped(why) => writeln!(xml, "><skipped message=\"{}\"/></testcase>", escaped(why)),
            };
        }
        let _ = writeln!(xml, "  </testsuite>");
    }
    xml + "</testsuites>\n"
}

fn element(name: &str, why: &str) -> String {
    let why = escaped(why);
    format!("<{name} type=\"{name}\" message=\"{why}\">{why}</{name}>")
}

/// Renders a run: a suite per scenario, with a case for the measurement at each point, for each claim and for each
/// failed trial.
pub fn run(analysis: &Analysis<'_>) -> String {
    let skipped = analysis.run.skipped.iter().map(|skipped| TestSuite {
        name: skipped.scenario.clone(),
        cases: vec![TestCase {
            class: skipped.scenario.clone(),
            name: "measurement".into(),
            result: CaseResult::Skipped(warnings::skipped_sentence(skipped)),
        }],
    });
    render(&analysis.scenarios.iter().map(of_scenario).chain(skipped).collect::<Vec<_>>())
}

fn of_scenario(scenario: &ScenarioAnalysis<'_>) -> TestSuite {
    let class = &scenario.scenario.name;
    let case = |(name, result): (String, CaseResult)| TestCase { class: class.clone(), name, result };
    let points = scenario.points.iter().map(measurement);
    let claims = scenario.claims.iter().map(claim);
    let failures = scenario.points.iter().flat_map(failed_trials);
    TestSuite { name: class.clone(), cases: points.chain(claims).chain(failures).map(case).collect() }
}

/// Returns the case of the measurement at a point: skipped if a trial or a finding over the rounds is INVALID.
fn measurement(point: &PointSummary) -> (String, CaseResult) {
    let is_invalid = point.trials_that_are(Verdict::Invalid) > 0
        || point.findings.iter().any(|finding| finding.found.verdict() == Verdict::Invalid);
    let result = if is_invalid {
        CaseResult::Skipped(format!("INVALID: {}", warnings::point_findings(point).join(" ")))
    } else {
        CaseResult::Passed
    };
    (at("measurement".into(), point), result)
}

fn claim(judged: &JudgedClaim<'_>) -> (String, CaseResult) {
    let name = format!("{}: {}", claims::subject(judged), judged.claim.says);
    let sentence = || claims::sentence(judged);
    let result = match judged.verdict {
        ClaimVerdict::Reproduced => CaseResult::Passed,
        ClaimVerdict::Refuted if judged.claim.refuted_before.is_none() => CaseResult::Failed(sentence()),
        ClaimVerdict::Refuted | ClaimVerdict::Inconclusive => CaseResult::Skipped(sentence()),
    };
    (name, result)
}

/// Returns a case for each failed trial of a point.
fn failed_trials(point: &PointSummary) -> Vec<(String, CaseResult)> {
    let of_cell = |cell: &CellSummary| {
        let control = if cell.cell.id.control { " (control)" } else { "" };
        let model = format!("{}{control}", cell.cell.id.model);
        let rounds = cell.failures.iter().map(|(round, why)| (format!("round {round}"), why.to_string()));
        let lanes = cell.untraced.iter().map(|why| ("recording of lanes".to_owned(), why.to_string()));
        let case = move |(trial, why): (String, String)| {
            (at(format!("trial of {model}, {trial}"), point), CaseResult::Error(why))
        };
        rounds.chain(lanes).map(case).collect::<Vec<_>>()
    };
    point.all_cells().flat_map(of_cell).collect()
}

/// Adds the point of a sweep to a name.
fn at(name: String, point: &PointSummary) -> String {
    if point.at.is_empty() { name } else { format!("{name} ({})", point.at) }
}

/// Renders a load: a case for the measurement, and one for each condition of its objective.
pub fn load(report: &LoadReport<'_>) -> String {
    let (analysis, requests) = (report.analysis, &report.figures.load.requests);
    let invalid = (analysis.verdict == Verdict::Invalid).then(|| {
        let reasons: Vec<String> = analysis.findings.iter().map(ToString::to_string).collect();
        format!("the measurement is INVALID: {}", reasons.join("; "))
    });
    let measurement = match &invalid {
        _ if !analysis.has_answers => {
            CaseResult::Error(format!("none of {} requests was answered", units::count(requests.planned)))
        }
        Some(why) => CaseResult::Skipped(why.clone()),
        None if report.partial => CaseResult::Skipped("the load ended early".into()),
        None => CaseResult::Passed,
    };
    let conditions = analysis.objectives.iter().flatten().map(|one| {
        let result = match &invalid {
            // Without a response, the load fails whatever its verdict is.
            Some(why) if analysis.has_answers => CaseResult::Skipped(why.clone()),
            _ if one.is_kept => CaseResult::Passed,
            _ => CaseResult::Failed(format!("{}: violated ({})", one.condition, measured(one))),
        };
        (one.condition.clone(), result)
    });
    let cases = [("measurement".to_owned(), measurement)].into_iter().chain(conditions);
    let case = |(name, result)| TestCase { class: "load".into(), name, result };
    render(&[TestSuite { name: format!("load {}", report.url()), cases: cases.map(case).collect() }])
}

/// Renders a comparison of runs: a case for each figure, which fails if it is over its limit.
pub fn compare(found: &Comparison, limits: &FailOver) -> String {
    let case = |change: &Change| TestCase {
        class: change.scenario.clone(),
        name: format!("{} {}, {}", change.model, wording::heading(change), wording::place(change)),
        result: match change.direction {
            _ if change.exceeds(limits) => CaseResult::Failed(wording::over_the_limit(change)),
            Direction::Incomparable(_) => CaseResult::Skipped(wording::verdict(change)),
            _ => CaseResult::Passed,
        },
    };
    render(&[TestSuite { name: "compare".into(), cases: found.changes.iter().map(case).collect() }])
}

/// Renders a comparison of two loads: a case for each figure, which fails if it is over its limit.
pub fn compare_of_loads(found: &LoadComparison<'_>, limits: &FailOver) -> String {
    let cases = found.changes.iter().map(|change| TestCase {
        class: "load".into(),
        name: change.name.clone(),
        result: if found.is_invalid() {
            CaseResult::Skipped(compare_loads::warnings(found).join(" "))
        } else if change.exceeds(limits) {
            CaseResult::Failed(compare_loads::over_the_limit(change))
        } else if change.is_undecidable() {
            CaseResult::Skipped(compare_loads::UNDECIDABLE.into())
        } else {
            CaseResult::Passed
        },
    });
    render(&[TestSuite { name: "compare".into(), cases: cases.collect() }])
}
