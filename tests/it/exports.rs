//! The files for continuous integration: Markdown, JUnit XML and the Bencher Metric Format.

mod verbs;
mod xml;

use async_vs_threads::analysis::fail_over::FailOver;
use async_vs_threads::analysis::{LoadAnalysis, LoadFigures, analyze_load, compare};
use async_vs_threads::record::{Failure, Measured, Outcome, Record, Skipped};
use async_vs_threads::report::{LoadReport, bmf, junit, markdown};
use async_vs_threads::scenario::{ArrivalSpec, Model, Slo, parse};
use async_vs_threads::schedule::{Arrivals, Pacing};
use serde_json::Value;

use crate::fixture::{self, Fixture};

/// Text that each format must escape.
const HOSTILE: &str = "</testcase>]]><script>|x|`y`\n## @admin #1 \"'&amp;\u{1b}[31m\u{202e}\u{0}";

/// Returns a run with every verdict: claims reproduced, refuted, refuted before and inconclusive, a failed trial, a
/// skipped scenario.
fn run_of_all_verdicts() -> Fixture {
    let mut fixture = fixture::tour();
    fixture.scenarios.retain(|scenario| ["waiting", "rates"].contains(&scenario.name.as_str()));
    fixture.records.retain(|record| ["waiting", "rates"].contains(&record.cell.scenario.as_str()));
    fixture.run.trials_planned = fixture.records.len() as u64;
    let claim = |says: &str, comparison: &str, ratio: &str, more: &str| {
        format!(
            "[[claim]]\nsays = \"{says}\"\nmetric = \"wall\"\nmodel = \"async\"\n{comparison}\nratio = {ratio}\n\
             source = \"Somebody (2020)\"\n{more}\n"
        )
    };
    let claims = [
        claim("Waiting is free", "expect = \"wait\"", "[0.9, 1.2]", ""),
        claim("Waiting is dear", "expect = \"jobs * wait\"", "[0.9, 1.2]", ""),
        claim("Waiting takes hours", "expect = \"jobs * wait\"", "[9, inf]", "refuted_before = \"on one machine\""),
        claim("Fewer jobs do not compare", "baseline = \"sequential\"", "[0.1, 9]", ""),
    ];
    let text = format!(
        "question = \"Q?\"\nanalysis = \"A.\"\nworkload = \"sleep\"\njobs = 1000\nwait = \"20ms\"\n\
         models = [\"sequential\", \"threads\", \"pool/100\", \"async\", \"async/2\"]\n{}",
        claims.concat()
    );
    fixture.scenarios[0].claims = parse("claims.toml", &text).unwrap_or_else(|mistakes| panic!("{mistakes}")).claims;
    let failed = fixture.records.iter_mut().find(|record| record.cell.model == Model::Threads && is_round(record, 2));
    failed.unwrap().outcome = Outcome::Failed(Failure::WrongWork { what: "no <more> memory".into() });
    fixture.run.skipped = vec![Skipped { scenario: "cpu-limit".into(), why: "no cgroup & no limit".into() }];
    fixture
}

fn is_round(record: &Record, round: u32) -> bool {
    record.cell.scenario == "waiting" && !record.cell.control && record.round() == Some(round)
}

/// Returns the same run with hostile text in every name that a file determines.
fn hostile_run() -> Fixture {
    let mut fixture = run_of_all_verdicts();
    let scenario = &mut fixture.scenarios[0];
    scenario.question = HOSTILE.into();
    for claim in &mut scenario.claims {
        (claim.says, claim.refuted_before) = (HOSTILE.into(), None);
    }
    fixture.run.host.cpu = Some(HOSTILE.into());
    fixture.run.skipped[0].why = HOSTILE.into();
    for record in &mut fixture.records {
        if let Outcome::Failed(Failure::WrongWork { what }) = &mut record.outcome {
            *what = HOSTILE.into();
        }
    }
    fixture
}

/// A load of the fixture, judged by an objective.
struct FixtureLoad {
    measured: Box<Measured>,
    analysis: LoadAnalysis,
}

impl FixtureLoad {
    fn new(slo: &str) -> Self {
        let measured = fixture::tour().records.into_iter().find_map(|record| match record.outcome {
            Outcome::Measured(measured) if record.cell.scenario == "rates" => Some(measured),
            _ => None,
        });
        let measured = measured.unwrap();
        let slo: Slo = slo.parse().unwrap();
        let analysis = analyze_load(&figures(&measured), None, None, Some(&slo));
        Self { measured, analysis }
    }

    fn render<T>(&self, url: &str, render: impl Fn(&LoadReport<'_>) -> T) -> T {
        let host = fixture::run(&[], 0).host;
        render(&LoadReport {
            urls: &[url.to_owned()],
            targets: &[],
            arrival: ArrivalSpec::Open { rate: 20_000.0, arrivals: Arrivals::Poisson, pacing: Pacing::Hybrid },
            seed: 1,
            started: "2026-11-20T10:00:00Z".into(),
            command: "avt load".into(),
            host: &host,
            figures: figures(&self.measured),
            analysis: &self.analysis,
            server: None,
            partial: false,
            merged: None,
        })
    }
}

fn figures(measured: &Measured) -> LoadFigures<'_> {
    LoadFigures::new(&measured.series[0], measured.load.as_ref().unwrap(), measured.wall_ns, measured.jobs)
}

const URL: &str = "http://127.0.0.1:8080/echo/hello";

/// Returns a run of one scenario in which threads take 1.3 times as long as in the other.
fn sides() -> [Fixture; 2] {
    let mut before = fixture::tour();
    before.scenarios.retain(|scenario| scenario.name == "computing");
    let mut after = fixture::tour();
    after.scenarios.retain(|scenario| scenario.name == "computing");
    for record in after.records.iter_mut().filter(|record| record.cell.model == Model::Threads) {
        if let Outcome::Measured(measured) = &mut record.outcome {
            measured.wall_ns = measured.wall_ns * 13 / 10;
        }
    }
    [before, after]
}

#[test]
fn a_run_in_markdown() {
    let fixture = run_of_all_verdicts();
    insta::assert_snapshot!(markdown::run(&fixture.analysis(), Some("reports/a_b/index.html")));
}

#[test]
fn a_run_in_junit_xml() {
    let fixture = run_of_all_verdicts();
    let xml = junit::run(&fixture.analysis());
    insta::assert_snapshot!(xml);
    let cases = xml::cases(&xml);
    let count = |result: &str| cases.iter().filter(|case| case.result == result).count();
    let judged = fixture.analysis().judged;
    assert_eq!(count("failure") as u64, judged.refuted_anew(), "a failure agrees with exit code 1");
    assert_eq!(count("error") as u64, judged.failed);
}

#[test]
fn a_run_in_bencher_metric_format() {
    let fixture = run_of_all_verdicts();
    let bmf = bmf::run(&fixture.analysis());
    check_bmf(&bmf);
    insta::assert_snapshot!(serde_json::to_string_pretty(&bmf).unwrap());
}

/// Checks the rules of <https://bencher.dev/docs/reference/bencher-metric-format/>: names, then measures, then a value
/// with optional bounds around it.
fn check_bmf(bmf: &Value) {
    for (benchmark, measures) in bmf.as_object().unwrap() {
        assert!(!benchmark.is_empty() && benchmark.chars().count() <= 1024, "{benchmark}");
        assert!(!measures.as_object().unwrap().is_empty(), "{benchmark}");
        for (measure, metric) in measures.as_object().unwrap() {
            let is_slug = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(measure.chars().all(is_slug) && measure.len() <= 64, "{measure}");
            let number = |key: &str| metric.get(key).map(|value| value.as_f64().unwrap());
            let value = number("value").unwrap();
            assert!(number("lower_value").is_none_or(|lower| lower <= value), "{benchmark} {measure}: {metric}");
            assert!(number("upper_value").is_none_or(|upper| upper >= value), "{benchmark} {measure}: {metric}");
            let known = ["value", "lower_value", "upper_value"];
            assert!(metric.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{metric}");
        }
    }
}

#[test]
fn an_invalid_measurement_gets_no_benchmark_and_fails_no_test() {
    let mut fixture = run_of_all_verdicts();
    for record in fixture.records.iter_mut().filter(|record| record.cell.model == Model::ASYNC) {
        record.conditions.throttled_ns = Some(1_000_000_000);
    }
    let analysis = fixture.analysis();
    let bmf = bmf::run(&analysis);
    let names: Vec<&String> = bmf.as_object().unwrap().keys().collect();
    assert!(
        names.contains(&&"waiting/threads".to_owned()) && !names.contains(&&"waiting/async".to_owned()),
        "{names:?}"
    );
    let cases = xml::cases(&junit::run(&analysis));
    let of_waiting: Vec<_> = cases.iter().filter(|case| case.class == "waiting").collect();
    assert!(of_waiting.iter().all(|case| case.result != "failure"), "{of_waiting:?}");
    let measurement = of_waiting.iter().find(|case| case.name == "measurement").unwrap();
    assert!(measurement.result == "skipped" && measurement.text.starts_with("INVALID: "), "{measurement:?}");
}

#[test]
fn hostile_names_stay_text() {
    let fixture = hostile_run();
    let analysis = fixture.analysis();
    let load = FixtureLoad::new("p99<1ns");
    let documents = [junit::run(&analysis), load.render(HOSTILE, junit::load)];
    for xml in &documents {
        let cases = xml::cases(xml);
        assert!(cases.iter().any(|case| case.result == "failure"), "{xml}");
    }
    let failed = xml::cases(&documents[0]).into_iter().find(|case| case.result == "error").unwrap();
    assert!(failed.text.contains("</testcase>]]><script>|x|`y` ## @admin #1 \"'&amp;\\u{1b}[31m"), "{failed:?}");

    for text in [markdown::run(&analysis, Some(HOSTILE)), load.render(HOSTILE, markdown::load)] {
        let expected = "&lt;script&gt;\\|x\\|\\`y\\` #<!-- -->#<!-- --> @<!-- -->admin #<!-- -->1";
        assert!(text.contains(expected), "{text}");
        for forbidden in ["<script", "|x|", " `y`", "\n## @", "@admin", "#1", "\u{1b}", "\u{202e}", "\u{0}", "&amp;\\u"]
        {
            assert!(!text.contains(forbidden), "{forbidden:?}: {text}");
        }
        check_tables(&text);
    }
    let bmf = load.render(HOSTILE, bmf::load);
    check_bmf(&bmf);
}

/// Checks that every row of a table has as many cells as its headings.
fn check_tables(text: &str) {
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    for table in text.split("\n\n").filter(|block| block.starts_with("| ")) {
        let lines: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
        assert!(lines.iter().all(|line| cells(line) == cells(lines[0])), "{table}");
    }
}

#[test]
fn a_load_in_every_format() {
    let load = FixtureLoad::new("p99<1ns,errors<50%");
    let (md, xml) = (load.render(URL, markdown::load), load.render(URL, junit::load));
    let bmf = load.render(URL, bmf::load);
    check_tables(&md);
    check_bmf(&bmf);
    let results: Vec<_> = xml::cases(&xml).into_iter().map(|case| (case.name, case.result)).collect();
    let expected = [("measurement", "passed"), ("p99<1ns", "failure"), ("errors<50%", "passed")];
    assert_eq!(results, expected.map(|(name, result)| (name.to_owned(), result)));
    insta::assert_snapshot!(format!("{md}\n{xml}\n{}", serde_json::to_string_pretty(&bmf).unwrap()));
}

#[test]
fn an_objective_on_an_invalid_load_is_skipped() {
    let mut load = FixtureLoad::new("p99<1ns");
    load.analysis.verdict = async_vs_threads::gate::Verdict::Invalid;
    let results: Vec<_> = xml::cases(&load.render(URL, junit::load)).into_iter().map(|case| case.result).collect();
    assert_eq!(results, ["skipped", "skipped"]);
    assert_eq!(load.render(URL, bmf::load), serde_json::json!({}));
    assert!(load.render(URL, markdown::load).contains("| p99&lt;1ns | not judged |"));

    load.analysis.has_answers = false;
    let results: Vec<_> = xml::cases(&load.render(URL, junit::load)).into_iter().map(|case| case.result).collect();
    assert_eq!(results, ["error", "failure"], "a load without a response fails whatever its verdict is");
}

#[test]
fn a_comparison_in_every_format() {
    let [before, after] = sides();
    let (before, after) = ([before.analysis()], [after.analysis()]);
    let found = compare::compare(&before, &after);
    let limits = FailOver(vec!["wall@threads=10%".parse().unwrap(), "cpu=10%".parse().unwrap()]);
    let (md, xml) = (markdown::compare(&found, &before, &after, &limits), junit::compare(&found, &limits));
    let bmf = bmf::compare(&found);
    check_tables(&md);
    check_bmf(&bmf);
    let failed: Vec<_> = xml::cases(&xml).into_iter().filter(|case| case.result == "failure").collect();
    assert!(failed.len() == 1 && failed[0].name.starts_with("threads wall time"), "{failed:?}");
    insta::assert_snapshot!(format!("{md}\n{xml}\n{}", serde_json::to_string_pretty(&bmf).unwrap()));
    let without = junit::compare(&found, &FailOver::default());
    assert!(xml::cases(&without).iter().all(|case| case.result == "passed"), "no limit, no failure: {without}");
}
