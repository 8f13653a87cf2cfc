//! Claims: their verdicts, and where these are shown.

use async_vs_threads::analysis::claims::{ClaimVerdict, Reason};
use async_vs_threads::analysis::{Standing, Strictness};
use async_vs_threads::report::{self, terminal};
use async_vs_threads::scenario::{Against, Claim, ClaimKind, Model, Parallel, parse};

use crate::fixture::{self, Fixture};
use crate::support::{avt, run, scenario};

/// Parses claims about the work of the fixture's first scenario.
fn read(claims: &str) -> Vec<Claim> {
    let text = format!(
        "question = \"Q?\"\nanalysis = \"A.\"\nworkload = \"sleep\"\njobs = 1000\nwait = \"20ms\"\n\
         models = [\"sequential\", \"threads\", \"pool/100\", \"async\", \"async/2\"]\n{claims}"
    );
    parse("claims.toml", &text).unwrap_or_else(|mistakes| panic!("{mistakes}")).claims
}

fn claim(says: &str, metric: &str, model: &str, comparison: &str, ratio: &str) -> String {
    format!(
        "[[claim]]\nsays = \"{says}\"\nmetric = \"{metric}\"\nmodel = \"{model}\"\n{comparison}\nratio = {ratio}\n\
         source = \"Somebody (2020)\"\n"
    )
}

fn waiting(claims: &str) -> Fixture {
    let mut fixture = fixture::tour();
    fixture.scenarios[0].claims = read(claims);
    fixture
}

fn verdicts(fixture: &Fixture) -> Vec<(ClaimVerdict, Reason)> {
    let claims = &fixture.analysis().scenarios[0].claims;
    claims.iter().map(|judged| (judged.verdict, judged.reason)).collect()
}

/// Six claims that together get every verdict.
fn claims_of_all_verdicts() -> String {
    [
        claim("Waiting is free", "wall", "async", "expect = \"wait\"", "[0.9, 1.2]"),
        claim("Waiting is dear", "wall", "async", "expect = \"jobs * wait\"", "[0.9, 1.2]"),
        claim("Threads are slower", "wall", "threads", "baseline = \"async\"", "[0.5, inf]"),
        claim("Ten of a thousand", "wall", "sequential", "expect = \"jobs * wait\"", "[0.9, 1.2]"),
        claim("Fewer jobs do not compare", "wall", "sequential", "baseline = \"async\"", "[0.1, 9]"),
        claim("Two at once", "executing", "async", "expect = \"2\"", "[1, 1]"),
    ]
    .concat()
}

#[test]
fn the_interval_over_the_rounds_decides_the_verdict() {
    let fixture = waiting(&claims_of_all_verdicts());
    let found: Vec<ClaimVerdict> = verdicts(&fixture).into_iter().map(|(verdict, _)| verdict).collect();
    use ClaimVerdict::{Inconclusive, Refuted, Reproduced};
    assert_eq!(found, [Reproduced, Refuted, Reproduced, Reproduced, Inconclusive, Reproduced]);
    assert_eq!(verdicts(&fixture)[4].1, Reason::NotMeasured);
}

#[test]
fn a_formula_uses_the_measured_parallelism() {
    let mut fixture = fixture::tour();
    fixture.scenarios[1].claims = parse(
        "compute.toml",
        &format!(
            "question = \"Q?\"\nanalysis = \"A.\"\nworkload = \"offload\"\njobs = 8\ncompute = \"50ms\"\n\
             models = [\"threads\", \"async\"]\n{}",
            claim("Two at once", "wall", "threads", "expect = \"jobs * compute / P\"", "[0.9, 1.3]")
        ),
    )
    .unwrap()
    .claims;
    let mut expected = |machine: Parallel| {
        fixture.run.parallel = machine.into();
        fixture.analysis().scenarios[1].claims[0].expected
    };
    let mut millis = |machine| expected(machine).map(|ns| (ns / 1e6).round());
    assert_eq!(millis(Parallel::ideal(2)), Some(200.0));
    assert_eq!(millis(Parallel::measured([(2, 1.25)])), Some(320.0));
}

#[test]
fn a_claim_about_several_models_is_judged_for_each() {
    let each = claim("Waiting is free", "wall", "async", "expect = \"wait\"", "[0.9, 1.2]")
        .replace("\"async\"", "[\"async\", \"pool/100\", \"threads\"]");
    let fixture = waiting(&each);
    let analysis = fixture.analysis();
    let claims = &analysis.scenarios[0].claims;
    let judged: Vec<_> = claims.iter().map(|judged| (judged.model.to_string(), judged.verdict)).collect();
    use ClaimVerdict::{Refuted, Reproduced};
    let expected = [("async", Reproduced), ("pool/100", Refuted), ("threads", Reproduced)];
    assert_eq!(judged, expected.map(|(model, verdict)| (model.to_owned(), verdict)));

    let json = report::json::run(&analysis, "", "");
    let models: Vec<_> =
        json["claims"].as_array().unwrap().iter().map(|claim| claim["model"].as_str().unwrap()).collect();
    assert_eq!(models, ["async", "pool/100", "threads"]);
    let page = &report::pages(&analysis)[1].html;
    for model in models {
        assert!(page.contains(&format!("wall time of {model}, median")), "{model}: {page}");
        let line = format!("Waiting is free ({model}): ");
        assert!(terminal::table(&analysis.scenarios[0], None, false).contains(&line), "{line}");
    }

    let kept = |wanted: &[&str]| {
        let claim = read(&each)[0].clone().among(|model| wanted.contains(&model.to_string().as_str()));
        claim.map(|claim| claim.models.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(kept(&["threads", "async"]), Some(vec!["async".into(), "threads".into()]), "in the order of the claim");
    assert_eq!(kept(&["sequential"]), None);
    let against_async = read(&claim("T", "wall", "threads", "baseline = \"async\"", "[0.5, inf]"))[0].clone();
    assert_eq!(against_async.among(|model| model.to_string() == "threads"), None, "its baseline is missing");
}

#[test]
fn a_claim_is_a_prediction_by_default() {
    let text = claim("Waiting is free", "wall", "async", "expect = \"wait\"", "[0.9, 1.2]");
    let with = |more: &str| read(&format!("{text}{more}"))[0].clone();
    let plain = with("");
    assert_eq!((plain.kind, plain.url, plain.revised), (ClaimKind::Prediction, None, None));
    for kind in ClaimKind::ALL {
        let more =
            format!("kind = \"{}\"\nurl = \"https://example.org/a\"\nrevised = \" wait: 10 to 20 ms \"\n", kind.name());
        let claim = with(&more);
        assert_eq!(claim.kind, kind);
        assert_eq!(claim.url.as_deref(), Some("https://example.org/a"));
        assert_eq!(claim.revised.as_deref(), Some("wait: 10 to 20 ms"));
    }
}

#[test]
fn five_rounds_are_too_few_for_a_verdict() {
    let mut fixture = waiting(&claims_of_all_verdicts());
    fixture.records.retain(|record| record.round().is_none_or(|round| round < 6));
    let found = verdicts(&fixture);
    assert_eq!(found[0], (ClaimVerdict::Inconclusive, Reason::TooFewRounds));
    // A figure of the recorded trial needs no rounds.
    assert_eq!(found[5].0, ClaimVerdict::Reproduced);
    fixture.records.clear();
    assert!(verdicts(&fixture).iter().all(|found| *found == (ClaimVerdict::Inconclusive, Reason::NotMeasured)));
}

#[test]
fn the_index_opens_with_the_scoreboard() {
    let fixture = waiting(&claims_of_all_verdicts());
    let analysis = fixture.analysis();
    let pages = report::pages(&analysis);
    let index = &pages[0].html;
    assert!(index.contains("6 predictions: 4 reproduced, 1 inconclusive, 1 refuted."), "{index}");
    let table = index.split("<h2 id=\"claims\">").nth(1).unwrap();
    let order: Vec<_> = ["Waiting is dear", "Fewer jobs do not", "Waiting is free"].map(|says| table.find(says)).into();
    assert!(order.is_sorted() && order[0].is_some(), "the refuted ones come first: {order:?}");
    assert!(table.contains("Somebody (2020)") && table.contains("href=\"waiting.html\""));
    let page = &pages[1].html;
    assert!(page.contains("id=\"claims\"") || page.contains("claims-w"), "the page has no chart of its claims");
    let judged = analysis.judged;
    assert_eq!((judged.claims_reproduced, judged.claims_inconclusive, judged.claims_refuted), (4, 1, 1));
}

#[test]
fn the_terminal_shows_each_claim_in_a_sentence() {
    let fixture = waiting(&claims_of_all_verdicts());
    let text = terminal::table(&fixture.analysis().scenarios[0], Some(100), false);
    insta::assert_snapshot!(text.split("\n\n").last().unwrap());
}

/// The claims of [`claims_of_all_verdicts`] with kinds: two published, two predictions, and two checks of the harness.
fn claims_of_all_kinds() -> String {
    let kinds = [
        "kind = \"arithmetic\"",
        "kind = \"published\"\nurl = \"https://example.org/?a=1&b='2'\"",
        "kind = \"definition\"\nrevised = \"bounds: <5> to 2\"",
        "",
        "url = \"http://localhost/\"",
        "kind = \"published\"\nurl = \"https://example.org/two\"",
    ];
    let claims = claims_of_all_verdicts();
    let claims = claims.split("[[claim]]").skip(1).zip(kinds);
    claims.map(|(claim, kind)| format!("[[claim]]{claim}{kind}\n")).collect()
}

#[test]
fn the_scoreboard_counts_checks_of_the_harness_separately() {
    let fixture = waiting(&claims_of_all_kinds());
    let analysis = fixture.analysis();
    let pages = report::pages(&analysis);
    let score = "2 published claims and 2 predictions: 2 reproduced, 1 inconclusive, 1 refuted. \
                 2 checks of the harness: 2 reproduced.";
    assert!(pages[0].html.contains(score) && pages[1].html.contains(score), "{}", pages[0].html);
    let table =
        pages[0].html.split("<caption>Claims by kind</caption>").nth(1).unwrap().split("</table>").next().unwrap();
    let cells: Vec<&str> =
        table.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text.trim()).collect();
    let cells: Vec<&str> = cells.into_iter().filter(|text| !text.is_empty()).collect();
    let expected =
        "claims reproduced inconclusive refuted published 1 0 1 prediction 1 1 0 arithmetic 1 0 0 definition 1 0 0";
    assert_eq!(cells.join(" "), expected);

    let board = terminal::scoreboard(&analysis.scoreboard, Some(60));
    insta::assert_snapshot!("scoreboard", board);
    let narrow = terminal::scoreboard(&analysis.scoreboard, Some(40));
    assert!(
        narrow.starts_with("published: 1 reproduced, 1 refuted\nprediction: 1 reproduced, 1 inconclusive\n"),
        "{narrow}"
    );
    let none = waiting("");
    assert_eq!(terminal::scoreboard(&none.analysis().scoreboard, None), "");

    let json = report::json::run(&analysis, "", "");
    let counts = |reproduced, inconclusive, refuted| serde_json::json!({ "reproduced": reproduced, "inconclusive": inconclusive, "refuted": refuted });
    let expected = serde_json::json!({
        "published": counts(1, 0, 1), "prediction": counts(1, 1, 0),
        "arithmetic": counts(1, 0, 0), "definition": counts(1, 0, 0),
    });
    assert_eq!(json["scoreboard"], expected);
    let [second, third, fourth] = [1, 2, 3].map(|nth| &json["claims"][nth]);
    assert_eq!((&second["kind"], &second["url"]), (&"published".into(), &"https://example.org/?a=1&b='2'".into()));
    assert_eq!((&third["kind"], &third["revised"]), (&"definition".into(), &"bounds: <5> to 2".into()));
    assert_eq!((&fourth["kind"], &fourth["url"], &fourth["revised"]), (&"prediction".into(), &().into(), &().into()));
}

#[test]
fn kind_source_and_revision_are_shown_beside_each_claim() {
    let fixture = waiting(&claims_of_all_kinds());
    let analysis = fixture.analysis();
    for page in &report::pages(&analysis)[..2] {
        for expected in [
            "<small>arithmetic: Somebody (2020)</small>",
            "<small>published: <a href=\"https://example.org/?a=1&#38;b=&#39;2&#39;\" rel=\"noreferrer\">Somebody (2020)</a></small>",
            "<small>definition: Somebody (2020)</small><small>revised: bounds: &#60;5&#62; to 2</small>",
        ] {
            assert!(page.html.contains(expected), "{expected}: {}", page.html);
        }
    }
    let text = terminal::table(&analysis.scenarios[0], None, false);
    for expected in [
        "reproduced (arithmetic): Waiting is free: ",
        "refuted (published): Waiting is dear: ",
        "inconclusive (prediction; not measured): Fewer jobs do not compare: ",
        "; claimed 0.5 or more [revised: bounds: <5> to 2]\n",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn a_claim_without_a_source_links_its_address() {
    let text = claim("Waiting is free", "wall", "async", "expect = \"wait\"", "[0.9, 1.2]");
    let fixture = waiting(&text.replace("source = \"Somebody (2020)\"", "url = \"http://localhost/\""));
    let page = &report::pages(&fixture.analysis())[1].html;
    let expected = "<small>prediction: <a href=\"http://localhost/\" rel=\"noreferrer\">http://localhost/</a></small>";
    assert!(page.contains(expected), "{page}");
}

#[test]
fn a_claim_can_expect_a_number_for_every_counted_figure() {
    let read = |figure: &str, formula: &str| {
        let claims = claim("So many", figure, "async", &format!("expect = \"{formula}\""), "[0.9, 1.1]");
        let text = format!("{}{claims}", crate::scenario::ECHO.replace("\"closed\"", "\"open\"\nrate = 100"));
        parse("claims.toml", &text).unwrap_or_else(|mistakes| panic!("{figure}: {mistakes}")).claims.remove(0)
    };
    for figure in
        ["in_flight", "threads", "answered_share", "executing", "cpus_used", "starved", "context_switches_per_job"]
    {
        for (text, expected) in [("1", 1.0), ("512 + 1", 513.0)] {
            let Against::Formula(formula) = read(figure, text).against else { panic!("{figure}") };
            let work = parse("echo.toml", crate::scenario::ECHO).unwrap().points[0].work.clone();
            assert_eq!(formula.value(&work, Model::ASYNC, &Parallel::ideal(2)), Some(expected), "{figure}");
        }
    }
    assert_eq!(read("p95", "1ms").metric.name(), "p95");
}

#[test]
fn a_refuted_claim_makes_the_standing_bad() {
    for (between, verdict, standing) in
        [("[0, 0.5]", ClaimVerdict::Refuted, Standing::Bad), ("[0.9, inf]", ClaimVerdict::Reproduced, Standing::Good)]
    {
        let fixture = waiting(&claim("It waits", "wall", "async", "expect = \"wait\"", between));
        assert_eq!(verdicts(&fixture)[0].0, verdict);
        let mut analysis = fixture.analysis();
        // Failed trials do not matter in this test.
        analysis.judged.failed = 0;
        assert_eq!(analysis.standing(Strictness::Lenient), standing);
    }
}

#[test]
fn a_claim_refuted_before_is_shown_as_refuted_and_does_not_fail_the_run() {
    let refuted_before = claim("It was wrong", "wall", "async", "expect = \"wait\"", "[0, 0.5]")
        + "refuted_before = \"2026, a machine: it waits\"\n";
    let refuted_now = claim("It is wrong", "wall", "async", "expect = \"wait\"", "[0, 0.4]");
    for (claims, refuted, anew, standing) in
        [(refuted_before.clone(), 1, 0, Standing::Good), ([refuted_before, refuted_now].concat(), 2, 1, Standing::Bad)]
    {
        let fixture = waiting(&claims);
        let mut analysis = fixture.analysis();
        analysis.judged.failed = 0;
        assert_eq!((analysis.judged.claims_refuted, analysis.judged.refuted_anew()), (refuted, anew));
        assert_eq!(analysis.standing(Strictness::Lenient), standing);
        let text = terminal::table(&analysis.scenarios[0], None, false);
        assert!(text.contains("refuted (prediction): It was wrong:"), "{text}");
        assert!(text.contains("[refuted before: 2026, a machine: it waits]"), "{text}");
        let index = &report::pages(&analysis)[0].html;
        assert!(index.contains("refuted before: 2026, a machine: it waits"), "{index}");
        assert!(index.contains("1 refuted claim was refuted before, as its scenario states"), "{index}");
    }
}

#[test]
fn a_refuted_claim_ends_the_run_with_exit_code_1() {
    let home = tempfile::tempdir().unwrap();
    let text = |between: &str| {
        format!(
            "question = \"Q?\"\nanalysis = \"A.\"\nworkload = \"sleep\"\njobs = 2\nwait = \"20ms\"\n\
             models = [\"async\"]\n{}",
            claim("It waits", "wall", "async", "expect = \"wait\"", between)
        )
    };
    let ended = |name: &str, between: &str, rounds: &str| {
        let mut command = avt(["run"]);
        command
            .arg(scenario(home.path(), name, &text(between)))
            .args(["--json", "--rounds", rounds, "--out"])
            .arg(home.path().join(format!("{name}-out")));
        let ended = run(command);
        let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
        let claim = json["claims"][0].clone();
        assert_eq!((claim["says"].as_str(), claim["expect"].as_str()), (Some("It waits"), Some("wait")));
        // If other tests take the CPUs in most rounds, the claim stays undecided.
        let is_disturbed = claim["why"].as_str().is_some_and(|why| why.contains("INVALID"));
        (ended.code, claim["verdict"].as_str().unwrap().to_owned(), is_disturbed)
    };
    // A wait never ends early.
    for (name, between, rounds, expected) in [
        ("refuted", "[0, 0.5]", "6", (Some(1), "refuted".to_owned())),
        ("few", "[0, 0.5]", "2", (Some(0), "inconclusive".to_owned())),
        ("kept", "[0.9, inf]", "6", (Some(0), "reproduced".to_owned())),
    ] {
        let (code, verdict, is_disturbed) = ended(name, between, rounds);
        assert!((code, &verdict) == (expected.0, &expected.1) || is_disturbed, "{name}: {code:?} {verdict}");
        assert_eq!(code == Some(1), verdict == "refuted", "{name}");
    }
}
