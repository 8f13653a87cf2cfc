//! Invisible characters, and names and numbers that no report can hold: each is refused with its position.

use async_vs_threads::scenario::{Scenario, parse};

use super::SLEEP;

fn messages(text: &str) -> String {
    match parse("f.toml", text) {
        Ok(_) => "nothing".to_owned(),
        Err(mistakes) => mistakes.list().iter().map(|it| format!("{}:{}: {it}", it.line, it.column)).collect(),
    }
}

#[test]
fn an_invisible_character_is_reported_wherever_it_appears() {
    let hidden =
        ['\u{61c}', '\u{200b}', '\u{200e}', '\u{200f}', '\u{feff}', '\u{ad}', '\u{2028}', '\u{2060}', '\u{202e}']
            .into_iter()
            .chain([
                '\u{2066}',
                '\u{85}',
                '\u{9b}',
                '\u{180e}',
                '\u{3164}',
                '\u{fff9}',
                '\u{e0041}',
                '\u{2029}',
                '\u{200d}',
            ]);
    for c in hidden {
        let name = format!("U+{:04X}", u32::from(c));
        for (text, place) in [
            (SLEEP.replace("How long?", &format!("How{c} long?")), "1:16"),
            (SLEEP.replace("analysis", &format!("# se{c}en\nanalysis")), "2:5"),
            (SLEEP.replace("analysis", &format!("\"ana{c}lysis\"")), "2:5"),
        ] {
            assert_eq!(messages(&text), format!("{place}: invisible character {name}; remove it"), "{text:?}");
        }
        // An escape sequence also puts the character into the text.
        let escaped = SLEEP.replace("How long?", &format!("How\\U{:08x} long?", u32::from(c)));
        assert!(
            messages(&escaped)
                .starts_with(&format!("1:12: question: contains the invisible character {name} at position 4")),
            "{escaped}"
        );
        let mistakes = parse("f.toml", &SLEEP.replace("How", &format!("H{c}w"))).unwrap_err();
        let rendered = mistakes.render(Some(60), false);
        assert!(!rendered.contains(c) && rendered.contains("\\u{"), "{rendered:?}");
    }
    // A byte order mark is not part of the text; a variation selector after an emoji is.
    assert!(parse("f.toml", &format!("\u{feff}{SLEEP}")).is_ok());
    assert!(parse("f.toml", &SLEEP.replace("How long?", "How ❤\u{fe0f} 待機?")).is_ok());
}

#[test]
fn a_scenario_cannot_have_the_name_of_a_report_page() {
    for name in ["index", "INDEX", "Index"] {
        let text = format!("name = \"{name}\"\n{SLEEP}");
        let expected =
            format!("1:8: name: \"{name}\" is reserved for the first page of the report; write \"my-scenario\"");
        assert!(messages(&text).starts_with(&expected), "{}", messages(&text));
    }
}

#[test]
fn the_bounds_of_a_claim_must_be_drawable() {
    let with_claim = |ratio: &str| {
        let claim = "[[claim]]\nsays = \"S.\"\nmetric = \"wall\"\nmodel = \"async\"\nexpect = \"wait\"\nratio = ";
        format!("{SLEEP}{claim}{ratio}\n")
    };
    for (ratio, why) in [
        ("[0.9, 1e300]", "must be from 1e-9 to 1e9, found 1e300"),
        ("[0.9, 1e291]", "must be from 1e-9 to 1e9, found 1e291"),
        ("[1e-305, 1.1]", "must be from 1e-9 to 1e9, found 1e-305"),
        ("[0, 1e-310]", "must be from 1e-9 to 1e9, found 1e-310"),
        ("[0, 0]", "must be from 1e-9 to 1e9, found 0e0"),
        ("[inf, inf]", "empty range [inf, inf]"),
        ("[nan, 1]", "expected a number, found nan"),
        ("[0.5, nan]", "expected a number, found nan"),
        ("[-1, 1]", "must not be negative, found -1"),
        ("[-inf, inf]", "must not be negative, found -inf"),
        ("[2, 1]", "empty range [2, 1]"),
    ] {
        let messages = messages(&with_claim(ratio));
        assert!(messages.contains(&format!("claim.ratio: {why}; write two numbers")), "{ratio}: {messages}");
    }
    for (ratio, bounds) in [
        ("[0.9, inf]", (0.9, f64::INFINITY)),
        ("[0, 2]", (0.0, 2.0)),
        ("[1e-9, 1e9]", (1e-9, 1e9)),
        ("[1, 1]", (1.0, 1.0)),
        ("[0x1, 0x10]", (1.0, 16.0)),
        ("[0b1, 1_000]", (1.0, 1_000.0)),
    ] {
        let claims = parse("f.toml", &with_claim(ratio)).map(|Scenario { claims, .. }| claims);
        assert_eq!(claims.unwrap_or_else(|why| panic!("{ratio}: {why}"))[0].bounds, bounds, "{ratio}");
    }
}
