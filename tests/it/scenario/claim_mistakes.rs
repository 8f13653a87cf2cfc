//! Mistakes in claims: each gives one message at the right position.

use async_vs_threads::scenario::parse;

use super::SLEEP;
use super::mistakes::check;

#[test]
fn mistakes_in_claims_are_reported() {
    const CLAIMED: &str = r#"question = "How long?"
analysis = "Long."
workload = "sleep"
models = ["threads", "async"]
jobs = [10, 20]
wait = "10ms"
[[claim]]
says = "They wait at once"
metric = "wall"
model = "async"
expect = "wait"
ratio = [0.9, 1.1]
point = "jobs = 10"
[[claim]]
says = "Threads are as fast"
metric = "wall"
model = "threads"
baseline = "async"
ratio = [0.9, inf]
"#;
    assert!(parse("f.toml", CLAIMED).is_ok_and(|scenario| scenario.claims.len() == 2));
    check(&[
        (
            CLAIMED,
            "metric = \"wall\"",
            "metric = \"walls\"",
            "9:10: claim.metric: unknown value \"walls\"; did you mean \"wall\"?",
        ),
        (
            CLAIMED,
            "model = \"async\"",
            "model = [\"async\", \"pool/2\"]",
            "10:19: claim.model: pool/2 is not listed in models; add it to models",
        ),
        (
            CLAIMED,
            "model = \"async\"",
            "model = [\"async\", \"async\"]",
            "10:19: claim.model: duplicate value async; remove one",
        ),
        (CLAIMED, "model = \"async\"", "model = []", "10:9: claim.model: empty list; write at least one"),
        (
            CLAIMED,
            "model = \"async\"",
            "model = [\"async\", 2]",
            "10:19: claim.model: expected text, found a number: 2",
        ),
        (
            CLAIMED,
            "model = \"threads\"",
            "model = [\"threads\", \"async\"]",
            "18:12: claim.baseline: async is compared with itself; remove it from `model`",
        ),
        (
            CLAIMED,
            "expect = \"wait\"",
            "expect = \"wait\"\nkind = \"predicted\"",
            "12:8: claim.kind: unknown value \"predicted\"; did you mean \"prediction\"?",
        ),
        (
            CLAIMED,
            "expect = \"wait\"",
            "expect = \"wait\"\nkind = \"published\"\nurl = \"https://example.org\"",
            "12:8: claim.source: missing, but required by kind = \"published\"; write source = \"Who",
        ),
        (
            CLAIMED,
            "expect = \"wait\"",
            "expect = \"wait\"\nkind = \"published\"\nsource = \"A (2020)\"",
            "12:8: claim.url: missing, but required by kind = \"published\"; write url = \"https://...\", or another",
        ),
        (
            CLAIMED,
            "expect = \"wait\"",
            "expect = \"wait\"\nrevised = \"\"",
            "12:11: claim.revised: must not be empty; write one line of 1 to 300 characters",
        ),
        (
            CLAIMED,
            "metric = \"wall\"",
            "metric = \"switches\"",
            "9:10: claim.metric: switches was renamed to context_switches_per_job; write \"context_switches_per_job\"",
        ),
        (
            CLAIMED,
            "metric = \"wall\"",
            "metric = \"longest_gap\"",
            "9:10: claim.metric: this workload has no longest_gap;",
        ),
        (
            CLAIMED,
            "model = \"async\"",
            "model = \"pool/2\"",
            "10:9: claim.model: pool/2 is not listed in models; add it to models",
        ),
        (
            CLAIMED,
            "baseline = \"async\"",
            "baseline = \"threads\"",
            "18:12: claim.baseline: threads is compared with itself; use another",
        ),
        (
            CLAIMED,
            "expect = \"wait\"\n",
            "",
            "7:1: claim: nothing to compare with; write at least one of expect, baseline",
        ),
        (
            CLAIMED,
            "expect = \"wait\"",
            "expect = \"wait\"\nbaseline = \"threads\"",
            "12:12: claim.baseline: conflicts with expect; remove expect or baseline",
        ),
        (
            CLAIMED,
            "expect = \"wait\"",
            "expect = \"waits\"",
            "11:10: claim.expect: unknown name waits; did you mean wait?; write a formula",
        ),
        (
            CLAIMED,
            "expect = \"wait\"",
            "expect = \"jobs\"",
            "11:10: claim.expect: the formula gives a number, but wall is a time; write a formula",
        ),
        (
            CLAIMED,
            "expect = \"wait\"",
            "expect = \"jobs + wait\"",
            "11:10: claim.expect: cannot combine a number and a time; combine",
        ),
        (
            CLAIMED,
            "expect = \"wait\"",
            "expect = \"every\"",
            "11:10: claim.expect: the scenario lacks one of its values",
        ),
        (
            CLAIMED,
            "expect = \"wait\"",
            "expect = \"wait - wait\"",
            "11:10: claim.expect: the scenario lacks one of its values, or the result is not",
        ),
        (
            CLAIMED,
            "expect = \"wait\"",
            "expect = 5",
            "11:10: claim.expect: expected text, found a number: 5; write a formula",
        ),
        (CLAIMED, "[0.9, 1.1]", "[1.1, 0.9]", "12:9: claim.ratio: empty range [1.1, 0.9]; write two numbers"),
        (CLAIMED, "[0.9, 1.1]", "[0.9]", "12:9: claim.ratio: expected two numbers, found a list of 1"),
        (CLAIMED, "[0.9, 1.1]", "[0.9, \"1\"]", "12:9: claim.ratio: expected two numbers, found a list of 2"),
        (CLAIMED, "[0.9, 1.1]", "1.1", "12:9: claim.ratio: expected a list, found a number: 1.1"),
        (CLAIMED, "ratio = [0.9, 1.1]\n", "", "7:1: claim.ratio: missing; write two numbers"),
        (
            CLAIMED,
            "jobs = 10\"",
            "jobs = 11\"",
            "13:9: claim.point: unknown point \"jobs = 11\"; did you mean \"jobs = 10\"?",
        ),
        (CLAIMED, "ratio", "ration", "12:1: claim.ration: unknown key; did you mean ratio?"),
        (CLAIMED, "metric = \"wall\"", "figure = \"wall\"", "9:1: claim.figure: renamed to metric; write metric"),
        (CLAIMED, "model = \"async\"", "of = \"async\"", "10:1: claim.of: renamed to model; write model"),
        (CLAIMED, "expect = \"wait\"", "is = \"wait\"", "11:1: claim.is: renamed to expect; write expect"),
        (CLAIMED, "baseline = ", "than = ", "18:1: claim.than: renamed to baseline; write baseline"),
        (CLAIMED, "ratio = [0.9, 1.1]", "between = [0.9, 1.1]", "12:1: claim.between: renamed to ratio; write ratio"),
        (CLAIMED, "point = ", "at = ", "13:1: claim.at: renamed to point; write point"),
        (SLEEP, "\"10ms\"", "\"10ms\"\n[jobs_for]\nasync = 1", "7:2: jobs_for: renamed to max_jobs; write max_jobs"),
        (
            CLAIMED,
            "metric = \"wall\"",
            "metric = \"memory\"",
            "9:10: claim.metric: memory was renamed to memory_per_job; write",
        ),
        (CLAIMED, "[[claim]]\nsays = \"They", "[[clam]]\nsays = \"They", "7:3: clam: unknown key; did you mean claim?"),
        (
            SLEEP,
            "\"10ms\"",
            "\"10ms\"\n[claim]\nsays = \"x\"",
            "7:2: claim: expected a list of tables, found one table; write [[claim]]",
        ),
        (SLEEP, "\"10ms\"", "\"10ms\"\nclaim = [1]", "7:10: claim: expected a table, found a number; write [[claim]]"),
    ]);
}

#[test]
fn invalid_urls_of_claims_are_reported() {
    let with_url = |url: &str| {
        format!(
            "{SLEEP}[[claim]]\nsays = \"S.\"\nmetric = \"wall\"\nmodel = \"async\"\nexpect = \"wait\"\nratio = [1, 2]\nurl = \"{url}\"\n"
        )
    };
    for url in [
        "http://a",
        "https://example.org/a/b?c=d&e=%20#f",
        "https://example.org:8080",
        "https://[::1]:80/",
        "https://en.wikipedia.org/wiki/Thread_(computing)",
    ] {
        let scenario = parse("f.toml", &with_url(url)).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(scenario.claims[0].url.as_deref(), Some(url));
    }
    let most = format!("https://{}", "a".repeat(492));
    assert!(parse("f.toml", &with_url(&most)).is_ok());
    let long = format!("{most}a");
    for (url, expected) in [
        ("", "\"\" does not start with http:// or https://"),
        ("example.org", "\"example.org\" does not start with http:// or https://"),
        ("/paper", "\"/paper\" does not start with http:// or https://"),
        ("javascript:alert(1)", "\"javascript:alert(1)\" does not start with http:// or https://"),
        (" https://a", "\" https://a\" does not start with http:// or https://"),
        ("https://", "\"https://\" has no host"),
        ("https:///a", "\"https:///a\" has no host"),
        ("https://:80", "\"https://:80\" has no host"),
        ("https://a@b.org/", "invalid host name \"a@b.org\""),
        ("https://-a", "invalid host name \"-a\""),
        ("https://[]", "invalid host name \"[]\""),
        ("https://a:port/", "invalid port \"port\""),
        ("https://a:65536/", "invalid port \"65536\""),
        ("https://a/b c", "\"https://a/b c\" contains \" \", which must be percent-encoded in a URL"),
        ("https://a/\\\"b", "\"https://a/\\\"b\" contains \"\\\"\", which must be percent-encoded in a URL"),
        ("https://é.org", "\"https://é.org\" contains \"é\", which must be percent-encoded in a URL"),
        ("https://a/\\u0007", "\"https://a/\\u{7}\" contains \"\\u{7}\""),
        (&long, "must be at most 500 characters, found 501"),
    ] {
        let message = parse("f.toml", &with_url(url)).expect_err(url).to_string();
        let expected = format!("f.toml:13:7: claim.url: {expected}");
        assert!(message.starts_with(&expected) && message.contains("write an absolute URL"), "{message}");
    }
}
