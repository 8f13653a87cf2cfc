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
        (SLEEP, "jobs = 10", "jobs =", "5:7: there is no value"),
        (SLEEP, "jobs = 10", "jobs", "5:5: key with no value"),
        (SLEEP, "jobs = 10", "jobs = 10\njobs = 20", "6:1: jobs is there twice; leave one out"),
        (SLEEP, "jobs = 10", "jobs = 010", "5:8: unexpected leading zero; leave it out"),
        (SLEEP, "\"async\"]", "\"async\"", "4:10: the list that begins here has no end; write `]`"),
        (SLEEP, "jobs = 10", "jobs = 10 wait = 3", "5:"),
        (SLEEP, "\"Long.\"", "\"Long.", "2:"),
        (OFFLOAD, "[heartbeat]", "[heartbeat", "7:11: unclosed table; write `]`"),
        (OFFLOAD, "[heartbeat]", "[heartbeat]\n[heartbeat]", "8:2: heartbeat is there twice"),
        (
            SLEEP,
            "wait = \"10ms\"",
            "wait = \"10ms\"\n[max_jobs]\npool/2 = 1",
            "8:5: \"/\" cannot be in a bare key; put the key in quotes",
        ),
    ]);
}

#[test]
fn mistakes_in_keys_are_reported() {
    check(&[
        (SLEEP, "jobs", "job", "5:1: job: there is no such key; did you mean jobs?"),
        (SLEEP, "wait =", "x = 1\nwait =", "6:1: x: there is no such key; the keys here are question, analysis, name"),
        (SLEEP, "wait =", "modells = 1\nwait =", "6:1: modells: there is no such key; did you mean models?"),
        (ECHO, "what", "\"wh at\"", "5:1: \"wh at\": there is no such key; did you mean what?"),
        (ECHO, "what =", "connections = 5\nwhat =", "5:1: connections: there is no such key; it belongs below [load]"),
        (ECHO, "[load]", "[load]\nwhat = \"x\"", "10:1: load.what: there is no such key; move it to the top"),
        (ECHO, "[load]", "[laod]", "9:2: laod: there is no such key; did you mean load?"),
        (
            SLEEP,
            "jobs = 10\nwait = \"10ms\"",
            "wait = \"10ms\"\n[rounds]\njobs = 10",
            "7:1: rounds.jobs: there is no such key; move it to the top",
        ),
        (ECHO, "[load]", "[load]\nthinks = \"1s\"", "10:1: load.thinks: there is no such key; did you mean think?"),
        (ECHO, "what =", "jobs = 3\nwhat =", "5:1: jobs: this is for sleep and offload, not for echo; leave it out"),
        (SLEEP, "wait =", "compute = \"1ms\"\nwait =", "6:1: compute: this is for offload and echo, not for sleep"),
        (
            SLEEP,
            "wait = \"10ms\"",
            "wait = \"10ms\"\n[load]\nconnections = 5",
            "7:2: load: this is for echo, not for sleep",
        ),
        (SLEEP, "jobs = 10\n", "", "3:12: jobs: it is missing; write a whole number from 1 to 1000000"),
        (SLEEP, "question = \"How long?\"\n", "", "1:1: question: it is missing; write one line"),
        (
            SLEEP,
            "workload = \"sleep\"\n",
            "",
            "1:1: workload: it is missing; write \"sleep\" or \"offload\" or \"echo\"",
        ),
        (OFFLOAD, "beats = 5\n", "", "7:2: heartbeat.beats: it is missing; write a whole number from 2 to 100000"),
        (
            OFFLOAD,
            "block = \"10ms\"",
            "wait = \"1s\"",
            "3:12: there is nothing to do; write at least one of block, compute",
        ),
        (
            ECHO,
            "compute = \"1ms\"\n",
            "",
            "6:2: heavy: there is nothing to do; write at least one of wait, block, compute",
        ),
        (
            ECHO,
            "[load]\nconnections = 5\nloop = \"closed\"\n",
            "",
            "3:12: load: the table is missing; write [load] and its keys below",
        ),
        (ECHO, "connections = 5\n", "", "9:2: load.connections: it is missing"),
        (ECHO, "[load]", "[[load]]", "9:3: load: a list of tables, not a table; write [load] once"),
        (
            SLEEP,
            "wait =",
            "rounds = 5\nwait =",
            "6:10: rounds: a number, not a table; write [rounds] and its keys below",
        ),
        (SLEEP, "jobs = 10", "jobs.x = 10", "5:1: jobs: {..} is a table, not a whole number"),
    ]);
}

#[test]
fn invalid_numbers_are_reported() {
    check(&[
        (
            ECHO,
            "connections = 5",
            "connections = 0",
            "10:15: load.connections: 0 opens nothing; write a whole number from 1 to 20000",
        ),
        (ECHO, "loop = \"closed\"\n", "", "9:2: load.loop: it is missing; write \"closed\" or \"open\""),
        (ECHO, "\"closed\"", "\"opened\"", "11:8: load.loop: there is no \"opened\"; did you mean \"open\"?"),
        (ECHO, "\"closed\"", "\"open\"", "11:8: load.rate: an open loop has none; write rate = 1000"),
        (ECHO, "\"closed\"", "\"closed\"\nrate = 5", "12:1: load.rate: this is for a loop that is open; leave it out"),
        (ECHO, "\"closed\"", "\"closed\"\npacing = \"spin\"", "12:1: load.pacing: this is for a loop that is open"),
        (ECHO, "\"closed\"", "\"closed\"\narrivals = \"even\"", "12:1: load.arrivals: this is for a loop that is open"),
        (
            ECHO,
            "\"closed\"",
            "\"open\"\nrate = 5\nthink = \"1s\"",
            "13:1: load.think: this is for a loop that is closed",
        ),
        (
            ECHO,
            "\"closed\"",
            "\"open\"\nrate = 0",
            "12:8: load.rate: 0 asks nothing; write a number of requests a second",
        ),
        (ECHO, "\"closed\"", "\"open\"\nrate = -1.5", "12:8: load.rate: -1.5 is negative"),
        (ECHO, "\"closed\"", "\"open\"\nrate = 1e9", "12:8: load.rate: 1e9 is above 100000000"),
        (ECHO, "\"closed\"", "\"open\"\nrate = nan", "12:8: load.rate: nan is no rate"),
        (ECHO, "\"closed\"", "\"open\"\nrate = \"fast\"", "12:8: load.rate: \"fast\" is text, not a number"),
        (ECHO, "\"closed\"", "\"open\"\nrate = [5, 5.0]", "12:12: load.rate: 5.00/s is there twice"),
        (ECHO, "connections = 5", "connections = 20_001", "10:15: load.connections: 20001 is above 20000"),
        (SLEEP, "jobs = 10", "jobs = -5", "5:8: jobs: -5 is negative; write a whole number from 1 to 1000000"),
        (SLEEP, "jobs = 10", "jobs = 1.5", "5:8: jobs: 1.5 is no whole number"),
        (SLEEP, "jobs = 10", "jobs = 1e3", "5:8: jobs: 1e3 is no whole number"),
        (SLEEP, "jobs = 10", "jobs = nan", "5:8: jobs: nan is no whole number"),
        (SLEEP, "jobs = 10", "jobs = 9223372036854775808", "5:8: jobs: 9223372036854775808 is above 1000000"),
        (SLEEP, "jobs = 10", "jobs = 99999999999999999999999999999999999999999", "5:8: jobs: 9999"),
        (SLEEP, "jobs = 10", "jobs = \"10\"", "5:8: jobs: \"10\" is text, not a whole number; write a whole number"),
        (SLEEP, "jobs = 10", "jobs = true", "5:8: jobs: true is true or false, not a whole number"),
        (SLEEP, "jobs = 10", "jobs = 1979-05-27", "5:8: jobs: 1979-05-27 is a date"),
        (OFFLOAD, "jobs = 2", "jobs = 100001", "5:8: jobs: 100001 is above 100000"),
        (OFFLOAD, "beats = 5", "beats = 1", "9:9: heartbeat.beats: 1 is below 2"),
        (
            ECHO,
            "share = 0.1",
            "share = 0",
            "7:9: heavy.share: 0 makes no request heavy; write a number above 0 and at most 1",
        ),
        (ECHO, "share = 0.1", "share = 2", "7:9: heavy.share: 2 is above 1"),
        (ECHO, "share = 0.1", "share = -0.1", "7:9: heavy.share: -0.1 is negative"),
        (ECHO, "share = 0.1", "share = nan", "7:9: heavy.share: nan is no share"),
        (ECHO, "share = 0.1", "share = -inf", "7:9: heavy.share: -inf is no share"),
        (ECHO, "share = 0.1", "share = 1e999", "7:9: heavy.share: 1e999 is no share"),
    ]);
}

#[test]
fn invalid_durations_are_reported() {
    check(&[
        (SLEEP, "\"10ms\"", "5", "6:8: wait: 5 has no unit; write \"5ms\" or \"5s\""),
        (SLEEP, "\"10ms\"", "\"5\"", "6:8: wait: 5 has no unit; write \"5ms\" or \"5s\""),
        (SLEEP, "\"10ms\"", "0.5", "6:8: wait: 0.5 has no unit"),
        (SLEEP, "\"10ms\"", "-5", "6:8: wait: -5 is negative; write a duration from \"1us\" to \"1h\""),
        (SLEEP, "\"10ms\"", "\"-5ms\"", "6:8: wait: \"-5ms\" is negative"),
        (SLEEP, "\"10ms\"", "nan", "6:8: wait: nan is not a duration"),
        (SLEEP, "\"10ms\"", "\"inf\"", "6:8: wait: inf is not a duration"),
        (SLEEP, "\"10ms\"", "\"soon\"", "6:8: wait: \"soon\" is not a duration; write a duration from"),
        (SLEEP, "\"10ms\"", "\"\"", "6:8: wait: \"\" is not a duration"),
        (SLEEP, "\"10ms\"", "\"0s\"", "6:8: wait: \"0s\" is no time at all"),
        (SLEEP, "\"10ms\"", "\"10ns\"", "6:8: wait: \"10ns\" is below 1us"),
        (SLEEP, "\"10ms\"", "\"2h\"", "6:8: wait: \"2h\" is above 1h"),
        (SLEEP, "\"10ms\"", "\"99999999999999999999s\"", "6:8: wait: \"99999999999999999999s\" is not a duration"),
        (OFFLOAD, "\"10ms\"", "\"0ms\"", "6:9: block: \"0ms\" is no step"),
        (ECHO, "= 5", "= 5\nduration = \"11m\"", "11:12: load.duration: \"11m\" is above 10m"),
    ]);
}

#[test]
fn invalid_words_are_reported() {
    check(&[
        (SLEEP, "\"sleep\"", "\"slep\"", "3:12: workload: there is no \"slep\"; did you mean \"sleep\"?"),
        (SLEEP, "\"sleep\"", "3", "3:12: workload: 3 is a number, not text; write \"sleep\" or"),
        (
            ECHO,
            "= 5",
            "= 5\nclient = \"hyper\"",
            "11:10: load.client: there is no \"hyper\"; write \"raw\" or \"reqwest\"",
        ),
        (SLEEP, "\"async\"]", "\"asinc\"]", "4:22: models: no model is called \"asinc\"; did you mean \"async\"?"),
        (
            SLEEP,
            "\"async\"]",
            "\"goroutines\"]",
            "4:22: models: no model is called \"goroutines\"; the models are sequential",
        ),
        (
            SLEEP,
            "\"async\"]",
            "\"pool/0\"]",
            "4:22: models: \"pool/0\" needs a number of workers; write a whole number",
        ),
        (SLEEP, "\"async\"]", "\"threads\"]", "4:22: models: threads is there twice; leave one out"),
        (
            SLEEP,
            "jobs = 10",
            "jobs = 10\nmay_refuse = [\"thread\"]",
            "6:15: may_refuse: no model is called \"thread\"; did you mean \"threads\"?",
        ),
        (SLEEP, "[\"threads\", \"async\"]", "[]", "4:10: models: the list is empty; write at least one"),
        (
            SLEEP,
            "[\"threads\", \"async\"]",
            "\"async\"",
            "4:10: models: text, not a list; write a list in square brackets",
        ),
        (SLEEP, "\"async\"]", "[\"async\"]]", "4:22: models: [..] is a list, not text"),
        (SLEEP, "\"How long?\"", "\" \"", "1:12: question: an empty text says nothing"),
        (SLEEP, "\"How long?\"", "\"How\\nlong?\"", "1:12: question: a line break is in it; write one line"),
        (SLEEP, "\"Long.\"", "\"Lo\\u0007ng.\"", "2:12: analysis: character 3 is the invisible U+0007"),
        (SLEEP, "\"Long.\"", "\"Lo\\u202eng.\"", "2:12: analysis: character 3 is the invisible U+202E"),
        (SLEEP, "\"Long.\"", "12", "2:12: analysis: 12 is a number, not text"),
        (SLEEP, "question", "name = \"../x\"\nquestion", "1:8: name: \"../x\" has two dots in a row; write \"x\""),
        (SLEEP, "question", "name = \"a/b\"\nquestion", "1:8: name: \"a/b\" has \"/\" in it; write \"a-b\""),
        (
            SLEEP,
            "question",
            "name = \"Echo\"\nquestion",
            "1:8: name: \"Echo\" does not begin with a letter or digit; write \"echo\"",
        ),
        (SLEEP, "question", "name = \"e\\u0000\"\nquestion", "1:8: name: \"e\\0\" has \"\\0\" in it; write \"e\""),
        (SLEEP, "question", "name = \"\"\nquestion", "1:8: name: an empty name names nothing; write \"my-scenario\""),
        (ECHO, "\"hi\"", "\"heavy\"", "5:8: what: \"heavy\" is what heavy requests ask for"),
        (ECHO, "\"hi\"", "\"a/b\"", "5:8: what: \"a/b\" has \"/\" in it; write 1 to 1024 printable"),
        (ECHO, "\"hi\"", "\"..\"", "5:8: what: \"..\" is a way through folders"),
        (ECHO, "\"hi\"", "\"é\"", "5:8: what: \"é\" has \"é\" in it"),
    ]);
}

#[test]
fn invalid_lists_are_reported() {
    check(&[
        (SLEEP, "jobs = 10", "jobs = []", "5:8: jobs: the list is empty; write at least one: a whole number"),
        (SLEEP, "jobs = 10", "jobs = [10, 0]", "5:13: jobs: 0 does nothing"),
        (SLEEP, "jobs = 10", "jobs = [10, 1_0]", "5:13: jobs: 10 is there twice"),
        (SLEEP, "\"10ms\"", "[\"1s\", \"1000ms\"]", "6:15: wait: 1s is there twice; leave one out"),
        (SLEEP, "jobs = 10", "jobs = [[10]]", "5:9: jobs: [..] is a list, not a whole number"),
        (SLEEP, "jobs = 10", "jobs = 10\nmay_refuse = []", "6:14: may_refuse: the list is empty; write at least one"),
        (
            SLEEP,
            "jobs = 10",
            "jobs = 10\nmay_refuse = \"threads\"",
            "6:14: may_refuse: text, not a list; write a list in square brackets",
        ),
        (
            SLEEP,
            "jobs = 10",
            "jobs = 10\nmay_refuse = [\"threads\", \"threads\"]",
            "6:26: may_refuse: threads is there twice; leave one out",
        ),
        (
            ECHO,
            "= 5",
            "= 5\nduration = [\"1s\"]",
            "11:12: load.duration: a list, but this key cannot be swept; write one value",
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
            "8:9: rounds.quick: quick rounds are 11, full rounds only 10",
        ),
        (SLEEP, "\"10ms\"", "\"10ms\"\n[rounds]\nfull = 5", "8:8: rounds.full: quick rounds are 6, full rounds only 5"),
        (
            SLEEP,
            "\"10ms\"",
            "\"10ms\"\n[max_jobs]\nsequential = 5",
            "8:1: max_jobs.sequential: the model is not among models",
        ),
        (
            SLEEP,
            "\"10ms\"",
            "\"10ms\"\n[max_jobs]\nasync = 11",
            "8:9: max_jobs.async: 11 is above the 10 jobs there are",
        ),
        (SLEEP, "\"10ms\"", "\"10ms\"\n[max_jobs]\nasync = 0", "8:9: max_jobs.async: 0 does nothing"),
        (
            SLEEP,
            "\"10ms\"",
            "\"10ms\"\nmay_refuse = [\"async\", \"pool/2\"]",
            "7:24: may_refuse: pool/2 is not among models; write it there too, or one of threads, async here",
        ),
        (
            SLEEP,
            "[\"threads\", \"async\"]\njobs = 10",
            "[\"sequential\"]\njobs = 1_000_000",
            "4:10: rounds.full: 10 full rounds are planned to take 27.8 h, more than 24 h; sequential alone 27.8 h; cut rounds.full",
        ),
        (
            ECHO,
            "\"closed\"",
            "\"closed\"\nduration = \"10m\"\n[rounds]\nfull = 1000",
            "14:8: rounds.full: 1000 full rounds are planned to take 333.6 h, more than 24 h; cut the sweep",
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
        (SLEEP, "jobs", "cpus = 0\njobs", "5:8: cpus: 0 runs nothing; write a whole number from 1 to 1024"),
        (SLEEP, "jobs", "cpus = 1025\njobs", "5:8: cpus: 1025 is above 1024; write a whole number from 1 to 1024"),
        (SLEEP, "jobs", "cpus = -1\njobs", "5:8: cpus: -1 is negative"),
        (SLEEP, "jobs", "cpus = \"2\"\njobs", "5:8: cpus: \"2\" is text, not a whole number"),
        (SLEEP, "jobs", "cpus = [1, 2]\njobs", "5:8: cpus: a list, but this key cannot be swept; write one value"),
        (OFFLOAD, "jobs", "cpu = 1\njobs", "5:1: cpu: there is no such key; did you mean cpus?"),
        (SLEEP, "jobs", "server_cpus = 1\njobs", "5:1: server_cpus: this is for echo, not for sleep"),
        (ECHO, "what", "cpus = 1\nwhat", "5:1: cpus: this is for sleep and offload, not for echo"),
        (ECHO, "what", "server_cpus = 0\nwhat", "5:15: server_cpus: 0 serves nothing; write a whole number"),
        (ECHO, "what", "server_cpus = 1025\nwhat", "5:15: server_cpus: 1025 is above 1024"),
        (ECHO, "= 5", "= 5\nserver_cpus = 1", "11:1: load.server_cpus: there is no such key; move it to the top"),
    ]);
    let both = ECHO.replacen("what", PINNED, 1) + "pin = \"split\"\n";
    assert!(parse("f.toml", &both).is_ok());
    let refused = parse("f.toml", &both.replace("split", "none")).unwrap_err().list().to_vec();
    let [mistake] = refused.as_slice() else { panic!("{refused:?}") };
    assert_eq!((mistake.line, mistake.column), (5, 1));
    assert_eq!(
        mistake.to_string(),
        "server_cpus: the server is pinned, and load.pin = \"none\" leaves it to the kernel; leave one of the two out"
    );
}

#[test]
fn a_sweep_with_too_many_cells_is_refused() {
    for (n, expected) in [
        (1001, "f.toml:5:8: jobs: 2 models x 1001 jobs are more than 2000 cells; shorten this list"),
        (5000, "f.toml:5:8: jobs: 5000 values are more than 2000 cells; shorten this list"),
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
        (SERVED, ", \"external\"", "", "6:1: server: no model asks for this server; write \"external\" among models"),
        (
            SERVED,
            "[server]\ncommand = [\"a\", \"-v\", \"-v\"]\n",
            "",
            "4:20: models: there is no server behind external; write [server]",
        ),
        (SERVED, "[\"a\", \"-v\", \"-v\"]", "\"a -v\"", "6:11: server.command: text, not a list; write a list"),
        (SERVED, "[\"a\", \"-v\", \"-v\"]", "[]", "6:11: server.command: the list is empty; write at least one"),
        (
            SERVED,
            "[server]\n",
            "[server]\nport = 0\n",
            "6:8: server.port: 0 is no port of its own; write a whole number",
        ),
        (SERVED, "[server]\n", "[server]\nready = \"x\"\n", "6:9: server.ready: \"x\" does not begin with /"),
        (SERVED, "[server]\n", "[server]\nready = \"/a b\"\n", "6:9: server.ready: \"/a b\" has \" \" in it"),
        (SERVED, "[server]\n", "[server]\nready = \"/a#b\"\n", "6:9: server.ready: \"/a#b\" has \"#\" in it"),
        (SERVED, "command", "comand", "6:1: server.comand: there is no such key; did you mean command?"),
        (
            SLEEP,
            "\"threads\", ",
            "\"threads\", \"external\", ",
            "4:22: models: external serves, and runs no jobs; leave it",
        ),
    ]);
}
