//! The report of a made-up run: its contents, that foreign text stays text, and its notices if figures are missing.

use std::fs;
use std::path::Path;

use async_vs_threads::analysis::Difference;
use async_vs_threads::record::{Failure, Outcome, Pass, Record, RunState};
use async_vs_threads::report::{self, Page, terminal};
use async_vs_threads::scenario::{Metric, Model, SweptValue};
use async_vs_threads::usage::Stolen;

use crate::fixture::{self, Fixture};
use crate::support::{avt, run};

fn pages(fixture: &Fixture) -> Vec<Page> {
    report::pages(&fixture.analysis())
}

fn html<'a>(pages: &'a [Page], name: &str) -> &'a str {
    &pages.iter().find(|page| page.name == name).expect("a page with that name").html
}

/// Returns every part of the text between `start` and `end`.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start).skip(1).map(|rest| rest.split(end).next().expect("a split has a first part")).collect()
}

#[test]
fn the_index_comes_first_and_every_scenario_has_a_page() {
    let fixture = fixture::tour();
    let pages = pages(&fixture);
    let names: Vec<&str> = pages.iter().map(|page| page.name.as_str()).collect();
    assert_eq!(
        names,
        ["index.html", "waiting.html", "computing.html", "heartbeat.html", "echo.html", "rates.html", "price.html"]
    );
    for name in &names[1..] {
        assert!(pages[0].html.contains(&format!("href=\"{name}\"")), "{name} is not linked");
    }
}

/// Snapshots a complete page, so that no change goes unnoticed. The page depends on the records alone.
#[test]
fn a_complete_page_matches_its_snapshot() {
    let mut fixture = fixture::tour();
    fixture.scenarios.truncate(1);
    fixture.scenarios[0].models.retain(|model| matches!(*model, Model::Threads | Model::ASYNC));
    let [first, again] = [pages(&fixture), pages(&fixture)];
    assert_eq!(first, again);
    // Style and script are files of their own.
    let page = html(&first, "waiting.html");
    let body = page.split("</style>").nth(1).and_then(|rest| rest.split("<script>").next()).unwrap();
    insta::assert_snapshot!("golden", body);
}

#[test]
fn each_page_answers_in_sentences() {
    let pages = pages(&fixture::tour());
    let sentences = |page: &Page| {
        let answer = between(&page.html, "<div class=\"answer\">", "</div>")[0];
        format!("{}:\n{}\n", page.name, between(answer, "<p>", "</p>").join("\n"))
    };
    insta::assert_snapshot!(pages[1..].iter().map(sentences).collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_terminal_shows_one_row_per_cell() {
    let fixture = fixture::tour();
    let analysis = fixture.analysis();
    let tables: Vec<String> =
        analysis.scenarios.iter().map(|scenario| terminal::table(scenario, Some(100), false)).collect();
    insta::assert_snapshot!(tables.join("\n"));
}

#[test]
fn a_narrow_terminal_shows_fewer_columns() {
    let fixture = fixture::tour();
    let analysis = fixture.analysis();
    for scenario in &analysis.scenarios {
        for width in [40, 60, 80] {
            let text = terminal::table(scenario, Some(width), false);
            for line in text.lines() {
                assert!(line.chars().count() <= width, "wider than {width}: {line}");
            }
        }
    }
    insta::assert_snapshot!(terminal::table(&analysis.scenarios[3], Some(44), false));
}

#[test]
fn colour_is_used_only_on_request() {
    let fixture = fixture::tour();
    let waiting = &fixture.analysis().scenarios[0];
    assert!(!terminal::table(waiting, None, false).contains('\x1b'));
    assert!(terminal::table(waiting, None, true).contains("\x1b[34masync\x1b[0m "));
}

#[test]
fn the_same_records_give_the_same_bytes() {
    assert_eq!(pages(&fixture::tour()), pages(&fixture::tour()));
}

#[test]
fn pages_load_nothing_and_run_no_foreign_script() {
    for Page { name, html } in pages(&fixture::tour()) {
        for foreign in ["http://", "https://", "//cdn", "<script ", " src=", "url(", "@import", " onload"] {
            assert!(!html.contains(foreign), "{name} has {foreign}");
        }
        assert!(html.contains("default-src 'none'"), "{name}");
        assert!(html.len() < 1_500_000, "{name} has {} bytes", html.len());
    }
}

#[test]
fn every_chart_has_a_title_and_a_description() {
    let mut n_charts = 0;
    for Page { name, html } in pages(&fixture::tour()) {
        let mut ids = between(&html, " id=\"", "\"");
        let n_ids = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), n_ids, "{name} has a duplicate id");
        for svg in between(&html, "<svg", "</svg>") {
            n_charts += 1;
            let [labels] = between(svg, "aria-labelledby=\"", "\"")[..] else {
                panic!("{name}: a chart without labels")
            };
            assert!(labels.split(' ').all(|id| ids.contains(&id)), "{name}: {labels}");
            assert!(svg.contains("role=\"img\""), "{name}");
            for part in ["title", "desc"] {
                let text = between(svg, &format!("<{part} "), &format!("</{part}>"));
                assert!(text.len() == 1 && text[0].len() > 20, "{name}: {part} {text:?}");
            }
            assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{name}");
            assert!(!svg.contains("rgb(") && !svg.contains("\"#"), "{name}: colours belong to the page");
        }
    }
    assert!(n_charts > 20, "{n_charts}");
}

#[test]
fn bars_are_drawn_with_their_values_and_the_ideal() {
    let pages = pages(&fixture::tour());
    let svg = between(html(&pages, "computing.html"), "<svg", "</svg>")[0];
    insta::assert_snapshot!(svg);
}

#[test]
fn foreign_text_stays_text() {
    let hostile = "<script>alert(1)</script>\"'><img src=x onerror=y>&\x1b[31m\u{202e}";
    let mut fixture = fixture::tour();
    let scenario = &mut fixture.scenarios[0];
    (scenario.question, scenario.analysis) = (hostile.into(), hostile.into());
    scenario.source = hostile.into();
    scenario.points[0].at = fixture::swept(hostile, SweptValue::Word(hostile.into()));
    let cell = scenario.cells()[1].clone();
    let why = Failure::Died { process: "trial".into(), how: hostile.into(), last_words: hostile.into() };
    fixture.records.retain(|record| record.cell.scenario != "waiting");
    let first = Pass::rounds(1).next().unwrap();
    fixture.records.push(fixture::record(&cell, first, 1, Outcome::Failed(why)));
    fixture.run.started = hostile.into();
    fixture.run.rounds = hostile.into();
    fixture.run.host.cpu = Some(hostile.into());
    fixture.run.state = RunState::Partial(hostile.into());
    for Page { name, html } in pages(&fixture) {
        for raw in ["<script>a", "<script ", "<img", "\x1b", "\u{202e}", "\"'>"] {
            assert!(!html.contains(raw), "{name} has {raw:?}");
        }
    }
    let text = terminal::table(&fixture.analysis().scenarios[0], Some(80), false);
    assert!(!text.contains('\x1b') && !text.contains('\u{202e}'), "{text}");
    assert!(text.contains("failed in round 1: the trial"), "{text}");
}

#[test]
fn a_run_without_records_is_labelled() {
    let mut fixture = fixture::tour();
    fixture.records.clear();
    fixture.run.state = RunState::Running;
    let pages = pages(&fixture);
    let so_far = format!("This run has not ended: 0 of {} trials left a record.", fixture.run.trials_planned);
    assert!(pages[0].html.contains(&so_far));
    assert!(html(&pages, "echo.html").contains("No trial was run, so there is no answer."));
    let text = terminal::table(&fixture.analysis().scenarios[0], None, false);
    assert!(text.contains("no trial"), "{text}");
}

#[test]
fn records_lost_after_the_end_of_a_run_are_pointed_out() {
    let mut fixture = fixture::tour();
    assert!(!pages(&fixture)[0].html.contains("missing from trials.jsonl"));
    fixture.records.truncate(fixture.records.len() - 2);
    let warning = "Of this run, 2 records are missing from trials.jsonl, although every trial was done";
    for Page { name, html } in pages(&fixture) {
        assert!(html.contains(warning), "{name}");
    }
}

#[test]
fn failed_trials_show_the_reason() {
    let mut fixture = fixture::tour();
    for record in &mut fixture.records {
        record.outcome = Outcome::Failed(Failure::TimedOut { after_ns: 30_000_000_000 });
    }
    let pages = pages(&fixture);
    let page = html(&pages, "waiting.html");
    assert!(page.contains("Every trial failed, so there is no answer."));
    assert!(page.contains("failed in rounds 1, 2, 3, 4, 5, 6: timed out after 30.0 s"));
    assert!(!page.contains("<svg"));
}

#[test]
fn a_build_without_optimisation_is_labelled() {
    let mut fixture = fixture::tour();
    fixture.run.host.debug_build = true;
    assert!(pages(&fixture).iter().all(|page| page.html.contains("without optimisation")));
}

#[test]
fn a_disturbed_trial_is_kept_and_labelled() {
    let mut fixture = fixture::tour();
    let of_threads = |record: &&mut Record| {
        record.cell.scenario == "computing" && record.cell.model == Model::Threads && record.round() == Some(2)
    };
    let record = fixture.records.iter_mut().find(of_threads).unwrap();
    record.conditions.stolen = Some(Stolen { cpu_ns: 30_000_000, of_ns: 1_000_000_000 });
    let Outcome::Measured(measured) = &mut record.outcome else { panic!("{record:?}") };
    measured.wall_ns *= 3;
    let pages = pages(&fixture);
    let page = html(&pages, "computing.html");
    for words in [
        "CPU time stolen: SUSPECT in 1 of 42 trials (threads): the host gave 3.0 % of this machine",
        "1 suspect of 6 rounds",
        "(without 1 of 6 rounds)",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let all = "the gates on the measurement itself found ";
    assert!(html(&pages, "index.html").contains(all), "{all}");
    assert!(!page.contains("class=\"banner\""), "no figure rests on INVALID trials");
    let undisturbed = html(&pages, "waiting.html");
    assert!(!undisturbed.contains("suspect") && !undisturbed.contains("gates on the measurement"));
    let table = terminal::table(&fixture.analysis().scenarios[1], Some(100), false);
    assert!(table.contains("threads: gates: 1 suspect of 6 rounds"), "{table}");
}

#[test]
fn the_control_limits_what_is_called_a_difference() {
    let mut fixture = fixture::tour();
    // Every round of the control takes 50 % longer, so no smaller difference counts.
    for record in fixture.records.iter_mut().filter(|record| record.cell.scenario == "computing") {
        let factor = match (record.cell.model, record.cell.control) {
            (Model::ASYNC, true) => 1.5,
            (Model::Sequential, _) => 1.2,
            _ => 1.0,
        };
        if let Outcome::Measured(measured) = &mut record.outcome {
            measured.wall_ns = (measured.wall_ns as f64 * factor) as u64;
        }
    }
    let analysis = fixture.analysis();
    let point = &analysis.scenarios[1].points[0];
    let against_async = |model| point.ratio(Metric::Wall, model, Model::ASYNC).unwrap();
    let control = point.control.as_ref().unwrap();
    let ratio = control.ratio(Metric::Wall).unwrap();
    assert!((1.45..1.55).contains(&ratio.distance()), "{ratio:?}");
    let sequential = against_async(Model::Sequential);
    assert!(sequential.ratio.interval.is_some_and(|interval| interval.low > 1.1), "{sequential:?}");
    assert!(!matches!(sequential.difference, Difference::More | Difference::Less), "20 % is less than the noise");
    assert_eq!(against_async(Model::Threads).difference, Difference::Less, "50 % is more than the noise");
    let page = html(&pages(&fixture), "computing.html").to_owned();
    assert!(page.contains("async ran twice in every round, as an A/A control."), "{page}");
}

#[test]
fn the_index_opens_with_the_two_switches() {
    let fixture = fixture::tour();
    let pages = pages(&fixture);
    let index = html(&pages, "index.html");
    let grids = between(index, "<table class=\"grid\">", "</table>");
    assert_eq!(grids.len(), 2, "waiting and computing");
    for (grid, kind) in grids.iter().zip(["Waiting", "Computing"]) {
        assert!(grid.contains(&format!("<strong>{kind}</strong>")), "{grid}");
        let rows = between(grid, "<tr>", "</tr>");
        assert_eq!(rows.len(), 3, "a heading, blocking and async: {grid}");
        assert_eq!(rows[2].matches("<td>").count(), 2, "{grid}");
        assert!(rows[2].contains("1 thread<") && rows[2].contains("2 threads<"), "{grid}");
    }
    let answer = between(index, "<div class=\"answer\">", "</div>")[0];
    for expected in ["one async thread", "blocking threads", "async threads", "async adds no thread"] {
        assert!(answer.contains(expected), "{expected}: {answer}");
    }

    let mut without = fixture::tour();
    without.records.retain(|record| !["waiting", "computing"].contains(&record.cell.scenario.as_str()));
    let pages = self::pages(&without);
    assert!(!html(&pages, "index.html").contains("class=\"grid\""), "nothing was measured");
}

#[test]
fn sweeps_and_recorded_trials_are_drawn() {
    let pages = pages(&fixture::tour());
    let price = html(&pages, "price.html");
    for heading in
        ["Wall time by number of jobs", "Memory of all waiting jobs by number of jobs", "Threads by number of jobs"]
    {
        assert!(price.contains(heading), "{heading}");
    }
    assert!(!html(&pages, "waiting.html").contains("by number of jobs"), "one point is no line");
    for page in ["waiting.html", "computing.html", "echo.html"] {
        let text = html(&pages, page);
        for by in ["thread", "job"] {
            assert!(text.contains(&format!(" by {by}: at most 2 executing at once</h")), "{page}, {by}");
        }
        assert!(text.contains("in flight ") && text.contains("executing 2, threads"), "{page}");
    }
    let rates = html(&pages, "rates.html");
    assert!(rates.contains("Response times over time") && rates.contains("grey: warm-up"));
}

/// After changing the pages, run `cargo run --release -- report reports/sample`.
#[test]
fn the_sample_report_matches_its_records() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/sample");
    let copy = tempfile::tempdir().unwrap();
    for file in ["run.json", "trials.jsonl"] {
        fs::copy(sample.join(file), copy.path().join(file)).unwrap();
    }
    let mut command = avt(["report"]);
    command.arg(copy.path());
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let end: Vec<&str> = ended.stdout.rsplit("\n\n").take(2).collect();
    assert!(end[0].starts_with("report: ") && end[1].starts_with("claims "), "the scoreboard, then the path: {end:?}");
    for file in ["index.html", "sleep.html", "compute.html", "compute.trace.json"] {
        let [kept, written] = [&sample, copy.path()].map(|folder| fs::read_to_string(folder.join(file)).unwrap());
        assert!(kept == written, "reports/sample/{file} is not what this version writes");
    }
}

#[test]
fn the_first_page_says_when_to_use_which() {
    let pages = pages(&fixture::tour());
    let index = html(&pages, "index.html");
    let table = index.split("words which").nth(1).unwrap().split("</table>").next().unwrap();
    let rows: Vec<&str> = table.split("<tr>").skip(2).collect();
    let expected = [
        // Threads are the simplest of those that differ by little.
        (
            "many things to wait for",
            "<b>threads</b><small>or async, async/2 or async+blocking: within 5 %",
            "pool/100 takes 9.97 times",
        ),
        ("blocking calls beside async work", "<b>async+blocking</b>", "under async for at least 300 ms"),
        ("CPU work", "<b>threads</b>", "async takes 2.01 times as long on 1 thread"),
        ("cheap requests", "<b>async</b>", "the other models do not keep up"),
        ("a few heavy requests", "<b>async+blocking</b>", "threads answers 0.901 times as many"),
    ];
    assert_eq!(rows.len(), expected.len(), "{rows:#?}");
    for (row, (work, best, because)) in rows.iter().zip(expected) {
        assert!(row.contains(work) && row.contains(best) && row.contains(because), "{rows:#?}");
    }
}
