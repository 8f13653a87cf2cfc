//! From TOML to a scenario, and from a mistake in it to the line, the column and the remedy.

mod claim_mistakes;
mod hidden;
mod mistakes;
mod model_mistakes;
mod server_mistakes;

use async_vs_threads::scenario::{Mistakes, Model, Scenario, Work, builtin, parse, parse_bytes};
use proptest::prelude::*;

pub(crate) const SLEEP: &str = r#"question = "How long?"
analysis = "Long."
workload = "sleep"
models = ["threads", "async"]
jobs = 10
wait = "10ms"
"#;

pub(crate) const OFFLOAD: &str = r#"question = "How long?"
analysis = "Long."
workload = "offload"
models = ["threads", "async"]
jobs = 2
block = "10ms"
[heartbeat]
every = "10ms"
beats = 5
"#;

pub(crate) const ECHO: &str = r#"question = "How long?"
analysis = "Long."
workload = "echo"
models = ["threads", "async"]
what = "hi"
[heavy]
share = 0.1
compute = "1ms"
[load]
connections = 5
loop = "closed"
"#;

fn read(text: &str) -> Scenario {
    parse("scenarios/test.toml", text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn refused(text: &str) -> Mistakes {
    parse("scenarios/test.toml", text).expect_err("the scenario has a mistake")
}

#[test]
fn defaults_are_filled_in() {
    let scenario = read(ECHO);
    assert_eq!((scenario.name.as_str(), scenario.rounds.quick, scenario.rounds.full), ("test", 6, 10));
    let [point] = scenario.points.as_slice() else { panic!("{:?}", scenario.points) };
    assert!(point.at.is_empty());
    insta::assert_snapshot!(serde_json::to_string_pretty(&point.work).unwrap());
}

#[test]
fn lists_are_swept_in_the_order_of_the_file() {
    let text = SLEEP.replace("jobs = 10\nwait = \"10ms\"", "wait = [\"1ms\", \"1.5s\"]\njobs = [1_000, 20]");
    let labels: Vec<String> = read(&text).points.into_iter().map(|point| point.at.to_string()).collect();
    let expected =
        ["wait = 1ms, jobs = 1000", "wait = 1ms, jobs = 20", "wait = 1500ms, jobs = 1000", "wait = 1500ms, jobs = 20"];
    assert_eq!(labels, expected);

    let text = ECHO.replace("share = 0.1", "share = [0.1, 1]").replace("= 5", "= [1, 2]") + "think = [\"0s\"]\n";
    let points = read(&text).points;
    assert_eq!(points.len(), 4);
    assert_eq!(points[1].at.to_string(), "heavy.share = 0.1, load.connections = 2, load.think = 0s");
    assert!(
        matches!(&points[3].work, Work::Echo(echo) if echo.heavy.unwrap().share == 1.0 && echo.load.connections == 2)
    );
}

#[test]
fn max_jobs_limits_the_jobs_of_a_model() {
    let cells = read(&format!("{SLEEP}[max_jobs]\nasync = 3\n")).cells();
    let jobs: Vec<_> = cells.iter().map(|cell| (cell.work.jobs(), cell.jobs_wanted)).collect();
    assert_eq!(jobs, [(Some(10), None), (Some(3), Some(10))]);
}

#[test]
fn may_refuse_is_allowed_in_every_workload() {
    assert_eq!(read(SLEEP).may_refuse, []);
    for text in [SLEEP, OFFLOAD, ECHO] {
        let text = text.replace("workload", "may_refuse = [\"async\", \"threads\"]\nworkload");
        assert_eq!(read(&text).may_refuse, [Model::ASYNC, Model::Threads]);
    }
}

#[test]
fn the_name_of_a_scenario_defaults_to_that_of_its_file() {
    let name = |file: &str, text: &str| {
        parse(file, text).map(|scenario| scenario.name).map_err(|mistakes| mistakes.to_string())
    };
    assert_eq!(name("a/b.c-1.toml", SLEEP), Ok("b.c-1".into()));
    assert_eq!(name("-", &format!("name = \"x\"\n{SLEEP}")), Ok("x".into()));
    for (file, suggested) in [
        ("My Test.toml", "my-test"),
        ("-", "my-scenario"),
        ("", "my-scenario"),
        ("a..b.toml", "a.b"),
        ("index.toml", "my-"),
    ] {
        let message = name(file, SLEEP).unwrap_err();
        let expected = format!("{file}:1:1: name: missing, and the file name is not a valid name: ");
        assert!(message.starts_with(&expected) && message.contains(&format!("name = \"{suggested}")), "{message}");
    }
}

#[test]
fn a_byte_order_mark_and_windows_line_endings_are_accepted() {
    let text = format!("\u{feff}{}", ECHO.replace('\n', "\r\n"));
    let scenario = parse_bytes("test.toml", text.as_bytes()).unwrap();
    assert_eq!(scenario.points, read(ECHO).points);
    assert_eq!(scenario.source, text);
    let mistakes = refused(&text.replace("question", "qestion"));
    let places: Vec<_> = mistakes.list().iter().map(|mistake| (mistake.line, mistake.column)).collect();
    assert_eq!(places, [(1, 1)], "{mistakes}");
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_with_their_position() {
    let refused = |bytes: &[u8]| parse_bytes("bad.toml", bytes).unwrap_err().to_string();
    let message = refused(b"name = \"\xc3\xa9\"\nwhat = \"\xff\"\n");
    assert!(message.starts_with("bad.toml:2:9: invalid UTF-8: byte 0xff; save the file as UTF-8"), "{message}");
    assert!(refused(b"\xff\xfeq\0").contains("it looks like UTF-16"));
    assert!(refused(&vec![b'#'; 2_000_000]).contains("must be at most 65536 bytes, found 2000000"));
}

#[test]
fn all_mistakes_of_a_file_are_reported_at_once() {
    let text =
        "question = \"How\\nlong?\"\nworkload = \"slep\"\nmodels = [\"asinc\", \"threads\", \"threads\"]\njobs = 0\n";
    insta::assert_snapshot!("values", refused(text));
    let text = ECHO.replace("connections = 5", "conections = 5\nduration = 2\ntimeout = \"nan\"\nclient = \"ab\"")
        + "[heartbeat]\nevery = \"1s\"\n";
    insta::assert_snapshot!("keys", refused(&text));
    insta::assert_snapshot!("syntax", refused("a = 1\na = 2\nwait = 5ms\n[load\n"));
}

#[test]
fn mistakes_are_available_as_a_list_and_in_colour() {
    let mistakes = refused(&SLEEP.replace("jobs = 10", "jobs = 0"));
    let json = serde_json::to_value(mistakes.list()).unwrap();
    let expected = serde_json::json!([{ "line": 5, "column": 8, "key": "jobs",
        "message": "must be greater than 0, found 0",
        "remedy": "write a whole number from 1 to 1000000" }]);
    assert_eq!(json, expected);
    assert!(mistakes.render(None, true).contains("\u{1b}["));
    assert!(!mistakes.to_string().contains('\u{1b}'));
}

#[test]
fn the_text_of_a_file_does_not_control_the_terminal() {
    let shown = refused("\"\u{200b}\\u001b[31m\" = \"\\u001b]0;x\\u0007\"\nworkload = \"\\u001b[2J\"\n").to_string();
    assert!(shown.chars().all(|c| !c.is_control() || c == '\n'), "{shown:?}");
}

#[test]
fn absurd_files_do_not_crash_the_parser() {
    let most = 65_000;
    for text in [
        format!("a = {}", "[".repeat(most)),
        format!("a = {}", "{a=".repeat(most / 3)),
        format!("{}a = 1", "a.".repeat(most / 2)),
        format!("[{}a]", "a.".repeat(most / 2)),
        "a=1\n".repeat(most / 4),
        format!("load = {{ {} }}", (0..6_000).map(|n| format!("x{n}=1")).collect::<Vec<_>>().join(",")),
    ] {
        parse_without_panic(&text);
    }
}

/// Generates a built-in scenario with one part replaced by other text.
fn mutated() -> impl Strategy<Value = String> {
    let inserted = prop_oneof![
        Just(String::new()),
        "[0-9a-z\\[\\]{}=\"'.,\\\\\n#-]{0,8}",
        "\\PC{0,4}",
        Just("99999999999999999999".into()),
        Just("nan".into()),
        Just("[1, 2]".into()),
        Just("\"1s\"".into()),
    ];
    let place = any::<prop::sample::Index>();
    (0..builtin::all().len(), place, 0..12_usize, inserted).prop_map(|(nth, place, length, inserted)| {
        let mut text: Vec<char> = builtin::all()[nth].text.chars().collect();
        let from = place.index(text.len());
        let to = (from + length).min(text.len());
        text.splice(from..to, inserted.chars());
        text.into_iter().collect()
    })
}

fn parse_without_panic(text: &str) {
    if let Err(mistakes) = parse("test.toml", text) {
        assert!(!mistakes.list().is_empty());
        assert!(mistakes.to_string().starts_with("test.toml:"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn no_text_makes_the_parser_panic(text in "(\\PC|[\\x00-\\x20\"'=\\[\\]{}.#\\\\])*") {
        parse_without_panic(&text);
    }

    #[test]
    fn no_mutation_makes_the_parser_panic(text in mutated()) {
        parse_without_panic(&text);
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(parse_bytes("test.toml", &bytes));
    }
}
