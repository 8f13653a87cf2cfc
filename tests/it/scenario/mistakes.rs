//! Mistakes in scenario files: each gives one message at the right position.

use async_vs_threads::scenario::parse;

use super::{ECHO, OFFLOAD, SLEEP};

/// A mistake: the valid file, the text to replace, its replacement, and the start of the message.
type Mistake = (&'static str, &'static str, &'static str, &'static str);

pub(super) fn check(mistakes: &[Mistake]) {
    let mut failures = Vec::new();
    for (file, valid, invalid, expected) in mistakes {
        assert!(file.contains(valid), "{valid}");
        let found = match parse("f.toml", &file.replacen(valid, invalid, 1)) {
            Ok(_) => "nothing".to_owned(),
            Err(mistakes) => {
                let all = mistakes.list().iter().map(|it| format!("{}:{}: {it}", it.line, it.column));
                all.collect::<Vec<_>>().join(" | ")
            }
        };
        // Exactly one message.
        if !found.starts_with(expected) || found.contains(" | ") {
            failures.push(format!("{invalid:?}\n  expected {expected}\n     found {found}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn syntax_errors_are_reported() {
    check(&[
        (SLEEP, "\"10ms\"", "10ms", "6:8: text without quotes: 10ms; write \"10ms\""),
        (SLEEP, "\"threads\"", "threads", "4:11: text without quotes: threads; write \"threads\""),
        (SLEEP, "jobs = 10", "jobs =", "5:7: missing value"),
        (SLEEP, "jobs = 10", "jobs", "5:5: key with no value"),
        (SLEEP, "jobs = 10", "jobs = 10\njobs = 20", "6:1: duplicate key jobs; remove one"),
        (SLEEP, "jobs = 10", "jobs = 010", "5:8: unexpected leading zero; remove it"),
        (SLEEP, "\"async\"]", "\"async\"", "4:10: unclosed list; write `]`"),
        (SLEEP, "jobs = 10", "jobs = 10 wait = 3", "5:"),
        (SLEEP, "\"Long.\"", "\"Long.", "2:"),
        (OFFLOAD, "[heartbeat]", "[heartbeat", "7:11: unclosed table; write `]`"),
        (OFFLOAD, "[heartbeat]", "[heartbeat]\n[heartbeat]", "8:2: duplicate key heartbeat"),
        (
            SLEEP,
            "wait = \"10ms\"",
            "wait = \"10ms\"\n[max_jobs]\npool/2 = 1",
            "8:5: \"/\" is not allowed in a bare key; put the key in quotes",
        ),
    ]);
}

#[test]
fn mistakes_in_keys_are_reported() {
    check(&[
        (SLEEP, "jobs", "job", "5:1: job: unknown key; did you mean jobs?"),
        (SLEEP, "wait =", "x = 1\nwait =", "6:1: x: unknown key; the keys here are question, analysis, name"),
        (SLEEP, "wait =", "modells = 1\nwait =", "6:1: modells: unknown key; did you mean models?"),
        (ECHO, "what", "\"wh at\"", "5:1: \"wh at\": unknown key; did you mean what?"),
        (ECHO, "what =", "connections = 5\nwhat =", "5:1: connections: unknown key; move it below [load]"),
        (ECHO, "[load]", "[load]\nwhat = \"x\"", "10:1: load.what: unknown key; move it to the top"),
        (ECHO, "[load]", "[laod]", "9:2: laod: unknown key; did you mean load?"),
        (
            SLEEP,
            "jobs = 10\nwait = \"10ms\"",
            "wait = \"10ms\"\n[rounds]\njobs = 10",
            "7:1: rounds.jobs: unknown key; move it to the top",
        ),
        (ECHO, "[load]", "[load]\nthinks = \"1s\"", "10:1: load.thinks: unknown key; did you mean think?"),
        (ECHO, "what =", "jobs = 3\nwhat =", "5:1: jobs: only for sleep, offload and own, not for echo; remove it"),
        (SLEEP, "wait =", "compute = \"1ms\"\nwait =", "6:1: compute: only for offload and echo, not for sleep"),
        (
            SLEEP,
            "wait = \"10ms\"",
            "wait = \"10ms\"\n[load]\nconnections = 5",
            "7:2: load: only for echo, not for sleep",
        ),
        (SLEEP, "jobs = 10\n", "", "3:12: jobs: missing; write a whole number from 1 to 1000000"),
        (SLEEP, "question = \"How long?\"\n", "", "1:1: question: missing; write one line"),
        (
            SLEEP,
            "workload = \"sleep\"\n",
            "",
            "1:1: workload: missing; write \"sleep\", \"offload\", \"echo\" or \"own\"",
        ),
        (OFFLOAD, "beats = 5\n", "", "7:2: heartbeat.beats: missing; write a whole number from 2 to 100000"),
        (
            OFFLOAD,
            "block = \"10ms\"",
            "wait = \"1s\"",
            "3:12: no work to do; write at least one of block, compute, lock",
        ),
        (ECHO, "compute = \"1ms\"\n", "", "6:2: heavy: no work to do; write at least one of wait, block, compute"),
        (
            ECHO,
            "[load]\nconnections = 5\nloop = \"closed\"\n",
            "",
            "3:12: load: missing table; write [load] and its keys below",
        ),
        (ECHO, "connections = 5\n", "", "9:2: load.connections: missing"),
        (ECHO, "[load]", "[[load]]", "9:3: load: expected one table, found a list of tables; write [load] once"),
        (
            SLEEP,
            "wait =",
            "rounds = 5\nwait =",
            "6:10: rounds: expected a table, found a number; write [rounds] and its keys below",
        ),
        (SLEEP, "jobs = 10", "jobs.x = 10", "5:1: jobs: expected a whole number, found a table: {..}"),
    ]);
}

#[test]
fn invalid_numbers_are_reported() {
    check(&[
        (
            ECHO,
            "connections = 5",
            "connections = 0",
            "10:15: load.connections: must be greater than 0, found 0; write a whole number from 1 to 20000",
        ),
        (ECHO, "loop = \"closed\"\n", "", "9:2: load.loop: missing; write \"closed\" or \"open\""),
        (ECHO, "\"closed\"", "\"opened\"", "11:8: load.loop: unknown value \"opened\"; did you mean \"open\"?"),
        (
            ECHO,
            "\"closed\"",
            "\"open\"",
            "11:8: load.rate: missing, but required by loop = \"open\"; write rate = 1000",
        ),
        (ECHO, "\"closed\"", "\"closed\"\nrate = 5", "12:1: load.rate: only for loop = \"open\"; remove it"),
        (ECHO, "\"closed\"", "\"closed\"\npacing = \"spin\"", "12:1: load.pacing: only for loop = \"open\""),
        (ECHO, "\"closed\"", "\"closed\"\narrivals = \"even\"", "12:1: load.arrivals: only for loop = \"open\""),
        (ECHO, "\"closed\"", "\"open\"\nrate = 5\nthink = \"1s\"", "13:1: load.think: only for loop = \"closed\""),
        (
            ECHO,
            "\"closed\"",
            "\"open\"\nrate = 0",
            "12:8: load.rate: must be greater than 0, found 0; write requests per second",
        ),
        (ECHO, "\"closed\"", "\"open\"\nrate = -1.5", "12:8: load.rate: must not be negative, found -1.5"),
        (ECHO, "\"closed\"", "\"open\"\nrate = 1e9", "12:8: load.rate: must be at most 100000000, found 1e9"),
        (ECHO, "\"closed\"", "\"open\"\nrate = nan", "12:8: load.rate: expected a number, found nan"),
        (ECHO, "\"closed\"", "\"open\"\nrate = \"fast\"", "12:8: load.rate: expected a number, found text: \"fast\""),
        (ECHO, "\"closed\"", "\"open\"\nrate = [5, 5.0]", "12:12: load.rate: duplicate value 5.00/s"),
        (
            ECHO,
            "connections = 5",
            "connections = 20_001",
            "10:15: load.connections: must be at most 20000, found 20001",
        ),
        (
            SLEEP,
            "jobs = 10",
            "jobs = -5",
            "5:8: jobs: must not be negative, found -5; write a whole number from 1 to 1000000",
        ),
        (SLEEP, "jobs = 10", "jobs = 1.5", "5:8: jobs: expected a whole number, found 1.5"),
        (SLEEP, "jobs = 10", "jobs = 1e3", "5:8: jobs: expected a whole number, found 1e3"),
        (SLEEP, "jobs = 10", "jobs = nan", "5:8: jobs: expected a whole number, found nan"),
        (
            SLEEP,
            "jobs = 10",
            "jobs = 9223372036854775808",
            "5:8: jobs: must be at most 1000000, found 9223372036854775808",
        ),
        (
            SLEEP,
            "jobs = 10",
            "jobs = 99999999999999999999999999999999999999999",
            "5:8: jobs: must be at most 1000000, found 9999",
        ),
        (
            SLEEP,
            "jobs = 10",
            "jobs = \"10\"",
            "5:8: jobs: expected a whole number, found text: \"10\"; write a whole number",
        ),
        (SLEEP, "jobs = 10", "jobs = true", "5:8: jobs: expected a whole number, found true or false: true"),
        (SLEEP, "jobs = 10", "jobs = 1979-05-27", "5:8: jobs: expected a whole number, found a date: 1979-05-27"),
        (OFFLOAD, "jobs = 2", "jobs = 100001", "5:8: jobs: must be at most 100000, found 100001"),
        (OFFLOAD, "beats = 5", "beats = 1", "9:9: heartbeat.beats: must be at least 2, found 1"),
        (
            ECHO,
            "share = 0.1",
            "share = 0",
            "7:9: heavy.share: must be greater than 0, found 0; write a number greater than 0 and at most 1",
        ),
        (ECHO, "share = 0.1", "share = 2", "7:9: heavy.share: must be at most 1, found 2"),
        (ECHO, "share = 0.1", "share = -0.1", "7:9: heavy.share: must not be negative, found -0.1"),
        (ECHO, "share = 0.1", "share = nan", "7:9: heavy.share: expected a number, found nan"),
        (ECHO, "share = 0.1", "share = -inf", "7:9: heavy.share: expected a number, found -inf"),
        (ECHO, "share = 0.1", "share = 1e999", "7:9: heavy.share: expected a number, found 1e999"),
        (
            SLEEP,
            "jobs = 10",
            "jobs = 10\ncpu_limit = 0",
            "6:13: cpu_limit: must be from 0.01 to 1024, found 0; write a number of CPUs from 0.01 to 1024, such as 1 or 0.5",
        ),
        (SLEEP, "jobs = 10", "jobs = 10\ncpu_limit = -1.5", "6:13: cpu_limit: must be from 0.01 to 1024, found -1.5"),
        (SLEEP, "jobs = 10", "jobs = 10\ncpu_limit = inf", "6:13: cpu_limit: must be from 0.01 to 1024, found inf"),
        (SLEEP, "jobs = 10", "jobs = 10\ncpu_limit = nan", "6:13: cpu_limit: must be from 0.01 to 1024, found NaN"),
        (SLEEP, "jobs = 10", "jobs = 10\ncpu_limit = \"1\"", "6:13: cpu_limit: expected a number, found text: \"1\""),
        (SLEEP, "jobs = 10", "jobs = 10\ncpu_limit = [1, 2]", "6:13: cpu_limit: "),
    ]);
}

#[test]
fn invalid_durations_are_reported() {
    check(&[
        (SLEEP, "\"10ms\"", "5", "6:8: wait: missing unit in 5; write \"5ms\" or \"5s\""),
        (SLEEP, "\"10ms\"", "\"5\"", "6:8: wait: missing unit in 5; write \"5ms\" or \"5s\""),
        (SLEEP, "\"10ms\"", "0.5", "6:8: wait: missing unit in 0.5"),
        (SLEEP, "\"10ms\"", "-5", "6:8: wait: must not be negative, found -5; write a duration from \"1us\" to \"1h\""),
        (SLEEP, "\"10ms\"", "\"-5ms\"", "6:8: wait: must not be negative, found \"-5ms\""),
        (SLEEP, "\"10ms\"", "nan", "6:8: wait: invalid duration nan"),
        (SLEEP, "\"10ms\"", "\"inf\"", "6:8: wait: invalid duration inf"),
        (SLEEP, "\"10ms\"", "\"soon\"", "6:8: wait: invalid duration \"soon\"; write a duration from"),
        (SLEEP, "\"10ms\"", "\"\"", "6:8: wait: invalid duration \"\""),
        (SLEEP, "\"10ms\"", "\"0s\"", "6:8: wait: must be greater than 0, found \"0s\""),
        (SLEEP, "\"10ms\"", "\"10ns\"", "6:8: wait: must be at least 1us, found \"10ns\""),
        (SLEEP, "\"10ms\"", "\"2h\"", "6:8: wait: must be at most 1h, found \"2h\""),
        (SLEEP, "\"10ms\"", "\"99999999999999999999s\"", "6:8: wait: invalid duration \"99999999999999999999s\""),
        (OFFLOAD, "\"10ms\"", "\"0ms\"", "6:9: block: must be greater than 0, found \"0ms\""),
        (ECHO, "= 5", "= 5\nduration = \"11m\"", "11:12: load.duration: must be at most 10m, found \"11m\""),
    ]);
}

#[test]
fn invalid_words_are_reported() {
    check(&[
        (SLEEP, "\"sleep\"", "\"slep\"", "3:12: workload: unknown value \"slep\"; did you mean \"sleep\"?"),
        (
            SLEEP,
            "\"sleep\"",
            "3",
            "3:12: workload: expected text, found a number: 3; write \"sleep\", \"offload\", \"echo\" or",
        ),
        (
            ECHO,
            "= 5",
            "= 5\nclient = \"hyper\"",
            "11:10: load.client: unknown value \"hyper\"; write \"raw\" or \"reqwest\"",
        ),
        (SLEEP, "\"async\"]", "\"asinc\"]", "4:22: models: unknown model \"asinc\"; did you mean \"async\"?"),
        (
            SLEEP,
            "\"async\"]",
            "\"goroutines\"]",
            "4:22: models: unknown model \"goroutines\"; the models are sequential",
        ),
        (
            SLEEP,
            "\"async\"]",
            "\"pool/0\"]",
            "4:22: models: \"pool/0\" needs a number of threads; write a whole number",
        ),
        (
            SLEEP,
            "\"async\"]",
            "\"hybrid/rayon-4\"]",
            "4:22: models: the model \"hybrid/rayon-4\" has a new name; write \"async+rayon/4\"",
        ),
        (
            SLEEP,
            "\"async\"]",
            "\"async+in-place\"]",
            "4:22: models: \"async+in-place\": on a runtime with one thread, tokio's block_in_place panics; write",
        ),
        (
            SLEEP,
            "\"async\"]",
            "\"async+blockin/4\"]",
            "4:22: models: unknown model \"async+blockin/4\"; did you mean \"async+blocking/4\"?",
        ),
        (
            SLEEP,
            "jobs = 10",
            "compose = \"in-turn\"\njobs = 10",
            "5:11: compose: in-turn is for async models only, but models contains threads; remove threads",
        ),
        (SLEEP, "\"async\"]", "\"threads\"]", "4:22: models: duplicate value threads; remove one"),
        (
            SLEEP,
            "jobs = 10",
            "jobs = 10\nmay_refuse = [\"thread\"]",
            "6:15: may_refuse: unknown model \"thread\"; did you mean \"threads\"?",
        ),
        (SLEEP, "[\"threads\", \"async\"]", "[]", "4:10: models: empty list; write at least one"),
        (
            SLEEP,
            "[\"threads\", \"async\"]",
            "\"async\"",
            "4:10: models: expected a list, found text; write a list in square brackets",
        ),
        (SLEEP, "\"async\"]", "[\"async\"]]", "4:22: models: expected text, found a list: [..]"),
        (SLEEP, "\"How long?\"", "\" \"", "1:12: question: must not be empty"),
        (SLEEP, "\"How long?\"", "\"How\\nlong?\"", "1:12: question: contains a line break; write one line"),
        (
            SLEEP,
            "\"Long.\"",
            "\"Lo\\u0007ng.\"",
            "2:12: analysis: contains the invisible character U+0007 at position 3",
        ),
        (
            SLEEP,
            "\"Long.\"",
            "\"Lo\\u202eng.\"",
            "2:12: analysis: contains the invisible character U+202E at position 3",
        ),
        (SLEEP, "\"Long.\"", "12", "2:12: analysis: expected text, found a number: 12"),
        (SLEEP, "question", "name = \"../x\"\nquestion", "1:8: name: \"../x\" has two dots in a row; write \"x\""),
        (SLEEP, "question", "name = \"a/b\"\nquestion", "1:8: name: \"a/b\" contains \"/\"; write \"a-b\""),
        (
            SLEEP,
            "question",
            "name = \"Echo\"\nquestion",
            "1:8: name: \"Echo\" does not start with a letter or digit; write \"echo\"",
        ),
        (SLEEP, "question", "name = \"e\\u0000\"\nquestion", "1:8: name: \"e\\0\" contains \"\\0\"; write \"e\""),
        (SLEEP, "question", "name = \"\"\nquestion", "1:8: name: must not be empty; write \"my-scenario\""),
        (ECHO, "\"hi\"", "\"heavy\"", "5:8: what: \"heavy\" is reserved for heavy requests"),
        (ECHO, "\"hi\"", "\"a/b\"", "5:8: what: \"a/b\" contains \"/\"; write 1 to 1024 printable"),
        (ECHO, "\"hi\"", "\"..\"", "5:8: what: \"..\" is a relative path segment"),
        (ECHO, "\"hi\"", "\"é\"", "5:8: what: \"é\" contains \"é\""),
    ]);
}

#[test]
fn invalid_lists_are_reported() {
    check(&[
        (SLEEP, "jobs = 10", "jobs = []", "5:8: jobs: empty list; write at least one: a whole number"),
        (SLEEP, "jobs = 10", "jobs = [10, 0]", "5:13: jobs: must be greater than 0, found 0"),
        (SLEEP, "jobs = 10", "jobs = [10, 1_0]", "5:13: jobs: duplicate value 10"),
        (SLEEP, "\"10ms\"", "[\"1s\", \"1000ms\"]", "6:15: wait: duplicate value 1s; remove one"),
        (SLEEP, "jobs = 10", "jobs = [[10]]", "5:9: jobs: expected a whole number, found a list: [..]"),
        (SLEEP, "jobs = 10", "jobs = 10\nmay_refuse = []", "6:14: may_refuse: empty list; write at least one"),
        (
            SLEEP,
            "jobs = 10",
            "jobs = 10\nmay_refuse = \"threads\"",
            "6:14: may_refuse: expected a list, found text; write a list in square brackets",
        ),
        (
            SLEEP,
            "jobs = 10",
            "jobs = 10\nmay_refuse = [\"threads\", \"threads\"]",
            "6:26: may_refuse: duplicate value threads; remove one",
        ),
        (
            ECHO,
            "= 5",
            "= 5\nduration = [\"1s\"]",
            "11:12: load.duration: found a list, but this key cannot be swept; write one value",
        ),
    ]);
}

#[test]
fn inconsistent_keys_are_reported() {
    check(&[
        (
            SLEEP,
            "\"10ms\"",
            "\"10ms\"\n[rounds]\nquick = 11",
            "8:9: rounds.quick: 11 quick rounds, but only 10 full rounds",
        ),
        (SLEEP, "\"10ms\"", "\"10ms\"\n[rounds]\nfull = 5", "8:8: rounds.full: 6 quick rounds, but only 5 full rounds"),
        (SLEEP, "\"10ms\"", "\"10ms\"\n[max_jobs]\nsequential = 5", "8:1: max_jobs.sequential: not listed in models"),
        (
            SLEEP,
            "\"10ms\"",
            "\"10ms\"\n[max_jobs]\nasync = 11",
            "8:9: max_jobs.async: must be at most the 10 jobs of the scenario, found 11",
        ),
        (SLEEP, "\"10ms\"", "\"10ms\"\n[max_jobs]\nasync = 0", "8:9: max_jobs.async: must be greater than 0, found 0"),
        (
            SLEEP,
            "\"10ms\"",
            "\"10ms\"\nmay_refuse = [\"async\", \"pool/2\"]",
            "7:24: may_refuse: pool/2 is not listed in models; add it to models, or use one of threads, async",
        ),
        (
            SLEEP,
            "[\"threads\", \"async\"]\njobs = 10",
            "[\"sequential\"]\njobs = 1_000_000",
            "4:10: rounds.full: 10 full rounds would take 27.8 h, more than 24 h; sequential alone 27.8 h; reduce",
        ),
        (
            ECHO,
            "\"closed\"",
            "\"closed\"\nduration = \"10m\"\n[rounds]\nfull = 1000",
            "14:8: rounds.full: 1000 full rounds would take 333.6 h, more than 24 h; reduce the sweep",
        ),
    ]);
}

#[test]
fn cpus_and_server_cpus_are_checked() {
    const PINNED: &str = "server_cpus = 1\nwhat";
    let pinned =
        |text: &str, line: &str| parse("f.toml", &text.replacen("what", line, 1)).unwrap().points[0].work.cpus();
    assert_eq!([pinned(ECHO, "what"), pinned(ECHO, PINNED)], [None, Some(1)]);
    for (line, cpus) in [("", None), ("cpus = 1\n", Some(1)), ("cpus = 1_024\n", Some(1024))] {
        for text in [SLEEP, OFFLOAD] {
            let work =
                parse("f.toml", &text.replacen("jobs", &format!("{line}jobs"), 1)).unwrap().points[0].work.clone();
            assert_eq!(work.cpus(), cpus, "{text}");
        }
    }
    check(&[
        (
            SLEEP,
            "jobs",
            "cpus = 0\njobs",
            "5:8: cpus: must be greater than 0, found 0; write a whole number from 1 to 1024",
        ),
        (
            SLEEP,
            "jobs",
            "cpus = 1025\njobs",
            "5:8: cpus: must be at most 1024, found 1025; write a whole number from 1 to 1024",
        ),
        (SLEEP, "jobs", "cpus = -1\njobs", "5:8: cpus: must not be negative, found -1"),
        (SLEEP, "jobs", "cpus = \"2\"\njobs", "5:8: cpus: expected a whole number, found text: \"2\""),
        (
            SLEEP,
            "jobs",
            "cpus = [1, 2]\njobs",
            "5:8: cpus: found a list, but this key cannot be swept; write one value",
        ),
        (OFFLOAD, "jobs", "cpu = 1\njobs", "5:1: cpu: unknown key; did you mean cpus?"),
        (SLEEP, "jobs", "server_cpus = 1\njobs", "5:1: server_cpus: only for echo, not for sleep"),
        (ECHO, "what", "cpus = 1\nwhat", "5:1: cpus: only for sleep, offload and own, not for echo"),
        (
            ECHO,
            "what",
            "server_cpus = 0\nwhat",
            "5:15: server_cpus: must be greater than 0, found 0; write a whole number",
        ),
        (ECHO, "what", "server_cpus = 1025\nwhat", "5:15: server_cpus: must be at most 1024, found 1025"),
        (ECHO, "= 5", "= 5\nserver_cpus = 1", "11:1: load.server_cpus: unknown key; move it to the top"),
    ]);
    let both = ECHO.replacen("what", PINNED, 1) + "pin = \"split\"\n";
    assert!(parse("f.toml", &both).is_ok());
    let refused = parse("f.toml", &both.replace("split", "none")).unwrap_err().list().to_vec();
    let [mistake] = refused.as_slice() else { panic!("{refused:?}") };
    assert_eq!((mistake.line, mistake.column), (5, 1));
    assert_eq!(mistake.to_string(), "server_cpus: conflicts with load.pin = \"none\"; remove one of the two");
}

#[test]
fn a_sweep_with_too_many_cells_is_refused() {
    for (n, expected) in [
        (1001, "f.toml:5:8: jobs: 2 models x 1001 jobs give more than 2000 cells; shorten this list"),
        (5000, "f.toml:5:8: jobs: 5000 values give more than 2000 cells; shorten this list"),
    ] {
        let list: Vec<String> = (1..=n).map(|n| n.to_string()).collect();
        let text = SLEEP.replace("jobs = 10", &format!("jobs = [{}]", list.join(", ")));
        let message = parse("f.toml", &text).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn mistakes_in_external_servers_are_reported() {
    const SERVED: &str = "question = \"How long?\"\nanalysis = \"Long.\"\nworkload = \"echo\"\n\
                          models = [\"async\", \"external\"]\n[server]\ncommand = [\"a\", \"-v\", \"-v\"]\n\
                          [load]\nconnections = 5\nloop = \"closed\"\n";
    assert!(parse("f.toml", SERVED).is_ok());
    check(&[
        (SERVED, ", \"external\"", "", "6:1: server: not used by any model; add \"external\" to models"),
        (
            SERVED,
            "[server]\ncommand = [\"a\", \"-v\", \"-v\"]\n",
            "",
            "4:20: models: external has no [server]; add a [server]",
        ),
        (
            SERVED,
            "[\"a\", \"-v\", \"-v\"]",
            "\"a -v\"",
            "6:11: server.command: expected a list, found text; write a list",
        ),
        (SERVED, "[\"a\", \"-v\", \"-v\"]", "[]", "6:11: server.command: empty list; write at least one"),
        (
            SERVED,
            "[server]\n",
            "[server]\nport = 0\n",
            "6:8: server.port: must be greater than 0, found 0; write a whole number",
        ),
        (SERVED, "[server]\n", "[server]\nready = \"x\"\n", "6:9: server.ready: \"x\" does not start with /"),
        (SERVED, "[server]\n", "[server]\nready = \"/a b\"\n", "6:9: server.ready: \"/a b\" contains \" \""),
        (SERVED, "[server]\n", "[server]\nready = \"/a#b\"\n", "6:9: server.ready: \"/a#b\" contains \"#\""),
        (SERVED, "command", "comand", "6:1: server.comand: unknown key; did you mean command?"),
        (
            SLEEP,
            "\"threads\", ",
            "\"threads\", \"external\", ",
            "4:22: models: external is a server and runs no jobs; remove it",
        ),
    ]);
}
