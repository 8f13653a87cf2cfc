//! A machine that refuses threads: a result where the scenario expects it, a failure everywhere else.

use std::fs;

use async_vs_threads::analysis::{Standing, Strictness, Unmeasured};
use async_vs_threads::host;
use async_vs_threads::record::{Failure, Outcome, Record, RunTally};
use async_vs_threads::report::{self, terminal};
use async_vs_threads::scenario::Model;
use serde_json::{Value, json};

use crate::fixture::{self, Fixture};
use crate::support::{Ended, avt, run, scenario};

/// The scenario of the tour whose trials of `threads` with 20,000 jobs are refused.
const SWEPT: &str = "price";

fn limit() -> Failure {
    Failure::ThreadLimit { needed: 20_000, limit: "vm.max_map_count".into(), value: 65_530, allows: 15_882 }
}

fn belongs_to_refused_cell(record: &Record) -> bool {
    let cell = &record.cell;
    cell.scenario == SWEPT && cell.model == Model::Threads && cell.point.to_string() == "jobs = 20000"
}

/// Returns the tour, with all seven trials of one cell failed because of `why`.
fn tour(may_refuse: &[Model], why: &Failure) -> Fixture {
    let mut tour = fixture::tour();
    let swept = tour.scenarios.iter_mut().find(|scenario| scenario.name == SWEPT).unwrap();
    swept.may_refuse = may_refuse.to_vec();
    for record in tour.records.iter_mut().filter(|record| belongs_to_refused_cell(record)) {
        record.outcome = Outcome::Failed(why.clone());
    }
    tour
}

/// Checks the numbers of failed and refused trials, the standing of the run, and why the cell has no figure.
fn check(may_refuse: &[Model], why: &Failure, (failed, refused): (u64, u64), unmeasured: Unmeasured) {
    let tour = tour(may_refuse, why);
    let analysis = tour.analysis();
    assert_eq!((analysis.judged.failed, analysis.judged.refused), (failed, refused), "{may_refuse:?}: {why}");
    let standing = if failed == 0 { Standing::Good } else { Standing::Bad };
    assert_eq!(analysis.standing(Strictness::Lenient), standing, "{may_refuse:?}: {why}");
    let cell = analysis.scenario(SWEPT).unwrap().points[2].cell(Model::Threads).unwrap();
    assert_eq!(cell.unmeasured(), Some(unmeasured), "{may_refuse:?}: {why}");
}

#[test]
fn only_an_expected_refusal_is_a_result() {
    let (threads, others) = (&[Model::Threads][..], &[Model::ASYNC][..]);
    let refused_midway = Failure::ThreadRefused {
        at: 16_001,
        needed: 20_000,
        error: "Resource temporarily unavailable".into(),
        limit: "unknown".into(),
        value: 0,
    };
    for why in [limit(), refused_midway] {
        check(threads, &why, (0, 7), Unmeasured::Refused);
        check(others, &why, (7, 0), Unmeasured::Failed);
        check(&[], &why, (7, 0), Unmeasured::Failed);
    }
    for why in [
        Failure::TimedOut { after_ns: 30_000_000_000 },
        Failure::Died { process: "trial".into(), how: "was killed by signal 9".into(), last_words: String::new() },
        Failure::WrongWork { what: "a checksum".into() },
        Failure::Refused { what: "no port on 127.0.0.1: in use".into() },
    ] {
        check(threads, &why, (7, 0), Unmeasured::Failed);
    }
}

#[test]
fn a_refusal_is_expected_only_in_cells_of_its_scenario() {
    let mut tour = tour(&[Model::Threads], &limit());
    let strays = tour.records.iter_mut().filter(|record| belongs_to_refused_cell(record)).take(2);
    for (record, scenario) in strays.zip(["waiting", "gone"]) {
        record.cell.scenario = scenario.into();
    }
    let RunTally { failed, refused, .. } = tour.analysis().judged;
    assert_eq!((failed, refused), (2, 5));
}

#[test]
fn a_timed_out_round_between_refused_ones_is_a_failure() {
    let mut tour = tour(&[Model::Threads], &limit());
    let second =
        tour.records.iter_mut().find(|record| belongs_to_refused_cell(record) && record.round() == Some(2)).unwrap();
    second.outcome = Outcome::Failed(Failure::TimedOut { after_ns: 30_000_000_000 });
    let analysis = tour.analysis();
    assert_eq!((analysis.judged.failed, analysis.judged.refused), (1, 6));
    let text = terminal::table(analysis.scenario(SWEPT).unwrap(), Some(100), false);
    assert_eq!(shown_for_threads(&text), "failed");
    let text = join_words(&text);
    for words in [
        "threads: failed in round 2: timed out after 30.0 s",
        "threads: refused in rounds 1, 3, 4, 5, 6, as the scenario expects: needs 20,000 threads",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

/// Returns what the last table shows instead of figures for `threads`.
fn shown_for_threads(text: &str) -> &str {
    let mut rows = text.lines().filter_map(|line| line.strip_prefix("threads "));
    rows.next_back().unwrap_or_else(|| panic!("no row of threads: {text}")).trim()
}

/// Joins the words of a text with single spaces.
fn join_words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_view_shows_a_refusal_as_a_result() {
    const REASON: &str = "refused, as the scenario expects: needs 20,000 threads, but vm.max_map_count = 65,530 leaves \
                          room for 15,882";
    let mut tour = tour(&[Model::Threads], &limit());
    let analysis = tour.analysis();
    let text = terminal::table(analysis.scenario(SWEPT).unwrap(), Some(100), false);
    assert_eq!(shown_for_threads(&text), "refused");
    assert!(!text.contains("failed"), "{text}");
    assert!(join_words(&text).contains(&format!("threads: {REASON}")), "{text}");

    let pages = report::pages(&analysis);
    let page = |name: &str| &pages.iter().find(|page| page.name == name).unwrap().html;
    for (name, words) in [
        ("price.html", format!("<td class=\"why\" colspan=\"1\">{REASON}</td>")),
        ("price.html", ">threads: refused<".into()),
        (
            "price.html",
            "The machine refused every trial of threads, as the scenario expects: each needs 20,000 threads, but \
             vm.max_map_count = 65,530 leaves room for 15,882."
                .into(),
        ),
        ("index.html", "; 7 trials refused by the machine, as their scenarios expect</dd>".into()),
        ("index.html", format!("<td class=\"why\">{REASON}</td>")),
    ] {
        assert!(page(name).contains(&words), "{name}: {words}");
    }
    assert!(!page("price.html").contains("failed") && !page("index.html").contains(" of them failed"));

    let json = report::json::run(&analysis, "folder", "report");
    let cells = json["cells"].as_array().unwrap();
    let cell = |point: &str| cells.iter().find(|cell| cell["model"] == "threads" && cell["point"] == point).unwrap();
    let refused = cell("jobs = 20000");
    let why = REASON.trim_start_matches("refused, as the scenario expects: ");
    let expected: Vec<Value> = (1..=6).map(|round| json!({ "round": round, "why": why })).collect();
    assert_eq!((&refused["refusals"], &refused["failures"]), (&json!(expected), &json!([])), "{refused}");
    assert_eq!(cell("jobs = 100")["refusals"], json!([]));
    let count = |key: &str| json["judged"][key].as_u64().unwrap();
    let traced = tour.records.iter().filter(|record| matches!(record.outcome, Outcome::Traced(_))).count() as u64;
    assert_eq!((count("failed"), count("refused")), (0, 7));
    assert_eq!(
        json["trials"]["done"],
        count("measured") + count("failed") + count("refused") + traced,
        "{}",
        json["judged"]
    );

    tour.run.judged = Some(analysis.judged);
    let list = report::list(&[("run".into(), Ok(tour.run))]).html;
    assert!(list.contains(", 7 refused as expected</td>") && !list.contains("failed"), "{list}");
}

#[test]
fn a_page_without_figures_names_the_refusal() {
    let mut tour = tour(&[Model::Threads, Model::ASYNC, "async/2".parse().unwrap()], &limit());
    for record in tour.records.iter_mut().filter(|record| record.cell.scenario == SWEPT) {
        record.outcome = Outcome::Failed(limit());
    }
    let pages = report::pages(&tour.analysis());
    let page = &pages.iter().find(|page| page.name == "price.html").unwrap().html;
    assert!(
        page.contains("The machine refused every trial of threads, async and async/2, as the scenario expects: each")
    );
    assert!(!page.contains("failed"), "{page}");
}

/// Runs a scenario with one job more than this machine allows threads, under `threads` and `async`.
fn run_too_many_threads(home: &std::path::Path, name: &str, top: &str) -> (Ended, Ended) {
    let limits = host::thread_limits();
    let allows = limits.first().expect("every Linux has a pid_max").allows;
    let toml = format!(
        "question = \"Q?\"\nanalysis = \"A.\"\nworkload = \"sleep\"\nmodels = [\"threads\", \"async\"]\n{top}\njobs = {}\n\
         wait = \"1us\"\nrounds = {{ quick = 1, full = 1 }}\n",
        allows.max(1) + 1
    );
    let (file, out) = (scenario(home, name, &toml), home.join(name));
    let mut command = avt(["run", "--out"]);
    command.arg(&out).arg(file);
    let ended = run(command);
    let mut command = avt(["report", "--json"]);
    command.arg(&out);
    (ended, run(command))
}

#[test]
fn a_run_with_only_expected_refusals_succeeds() {
    let home = tempfile::tempdir().unwrap();
    let (ended, report) = run_too_many_threads(home.path(), "declared", "may_refuse = [\"threads\"]");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(shown_for_threads(&ended.stdout), "refused");
    assert!(
        join_words(&ended.stdout).contains("threads: refused, as the scenario expects: needs "),
        "{}",
        ended.stdout
    );
    assert!(!ended.stdout.contains("failed") && !ended.stderr.contains("failed"), "{ended:?}");
    let json: Value = serde_json::from_str(&report.stdout).unwrap_or_else(|error| panic!("{error}: {report:?}"));
    assert_eq!(
        (&json["judged"]["failed"], &json["judged"]["refused"]),
        (&json!(0), &json!(2)),
        "one round and the recorded trial"
    );
    let kept: Value =
        serde_json::from_str(&fs::read_to_string(home.path().join("declared/run.json")).unwrap()).unwrap();
    assert_eq!(kept["judged"]["refused"], 2, "{kept}");

    let (ended, report) = run_too_many_threads(home.path(), "undeclared", "");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(shown_for_threads(&ended.stdout), "failed");
    assert!(ended.stderr.contains("2 trials failed"), "{}", ended.stderr);
    let json: Value = serde_json::from_str(&report.stdout).unwrap_or_else(|error| panic!("{error}: {report:?}"));
    assert_eq!((&json["judged"]["failed"], &json["judged"]["refused"]), (&json!(2), &json!(0)));
}
