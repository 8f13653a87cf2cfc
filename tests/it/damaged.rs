//! Damaged files: reading any bytes as a record or a scenario ends in figures or in a message, soon, and without a
//! panic.
//!
//! Every case is drawn from one seed and its number, which a failure names.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use async_vs_threads::analysis::{self, analyze};
use async_vs_threads::record::{Folder, Measured, Outcome, Pass, RECORDS, RUN, Record, Run, Traced};
use async_vs_threads::report::{self, terminal};
use async_vs_threads::scenario::{Scenario, builtin, parse, parse_bytes};
use async_vs_threads::text;
use async_vs_threads::usage::Stolen;
use fastrand::Rng;
use tempfile::TempDir;

use crate::fixture;
use crate::support::{avt, run};

const SEED: u64 = 0x5eed;

/// The number of damaged runs, of each of three kinds.
const RUNS: u64 = 1_000;

/// The number of damaged scenario files.
const SCENARIOS: u64 = 4_000;

/// The time after which a case counts as hung: a hundred times what the slowest takes.
const HANG: Duration = Duration::from_secs(60);

/// Runs the cases on a thread of their own, and fails with the number of a case that panics or does not end.
fn run_cases(cases: u64, mut case: impl FnMut(u64, &mut Rng) + Send + 'static) {
    let (sender, done) = mpsc::channel();
    let worker = thread::spawn(move || {
        for number in 0..cases {
            let mut random = Rng::with_seed(SEED ^ (number << 20));
            let ended = catch_unwind(AssertUnwindSafe(|| case(number, &mut random)));
            sender.send((number, ended.is_ok())).unwrap();
        }
    });
    for number in 0..cases {
        let (ended, is_ok) = done.recv_timeout(HANG).unwrap_or_else(|_| panic!("case {number} of {SEED:#x} hangs"));
        assert!(is_ok, "case {ended} of {SEED:#x} panicked; see its message above");
    }
    worker.join().unwrap();
}

/// Returns the two files of a run with every kind of work.
fn files() -> (Vec<u8>, Vec<u8>) {
    let head = "analysis = \"A.\"\n[rounds]\nquick = 2\nfull = 6\n";
    let claim = |comparison: &str| {
        format!(
            "[[claim]]\nsays = \"S.\"\nmetric = \"{}\"\nmodel = \"async\"\n{}\nratio = [0.9, 1.1]\n",
            if comparison == "formula" { "wall" } else { "p50" },
            if comparison == "formula" { "expect = \"wait\"" } else { "baseline = \"threads\"" },
        )
    };
    let texts = [
        format!(
            "name = \"waits\"\nquestion = \"Q?\"\nworkload = \"sleep\"\njobs = [2, 20]\nwait = \"1ms\"\n\
             models = [\"async\", \"threads\"]\n{head}{}",
            claim("formula")
        ),
        format!(
            "name = \"beats\"\nquestion = \"Q?\"\nworkload = \"offload\"\njobs = 2\nblock = \"20ms\"\n\
             models = [\"async\", \"threads\"]\n{head}[heartbeat]\nevery = \"2ms\"\nbeats = 20\n"
        ),
        format!(
            "name = \"serves\"\nquestion = \"Q?\"\nworkload = \"echo\"\nmodels = [\"async\", \"threads\"]\n{head}\
             [load]\nloop = \"open\"\nrate = [1000, 2000]\nconnections = 4\nwarmup = \"10ms\"\nduration = \"100ms\"\n{}",
            claim("baseline")
        ),
    ];
    let scenarios: Vec<Scenario> =
        texts.iter().map(|text| parse("x.toml", text).unwrap_or_else(|mistakes| panic!("{mistakes}"))).collect();
    let records = fixture::records(&scenarios, 2);
    let run = fixture::run(&scenarios, records.len() as u64);
    let home = tempfile::tempdir().unwrap();
    let mut folder = Folder::create(&home.path().join("run"), &run).unwrap();
    records.iter().for_each(|record| folder.append(record).unwrap());
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    (read(RUN), read(RECORDS))
}

/// Computes every view of a run's folder.
fn read_and_report(path: &Path) -> Result<(), String> {
    let (run, records) = Folder::read(path).map_err(|error| error.to_string())?;
    let scenarios: Result<Vec<Scenario>, _> =
        run.scenarios.iter().map(|source| parse(&format!("{}.toml", source.name), &source.toml)).collect();
    let scenarios = scenarios.map_err(|mistakes| mistakes.to_string())?;
    let analysis = analyze(&run, &scenarios, &records);
    let _ = report::warn_of_strays(&analysis);
    let _ = report::json::run(&analysis, "folder", "report").to_string();
    for page in report::pages(&analysis) {
        check_figures(&page.html);
    }
    let _ = report::traces(&analysis);
    for scenario in &analysis.scenarios {
        check_figures(&terminal::table(scenario, Some(80), false));
    }
    let both = [analysis];
    let found = analysis::compare::compare(&both, &both);
    let _ = report::compare::json(&found, &both, &both, None).to_string();
    for change in &found.changes {
        report::compare::columns(change).iter().for_each(|column| check_figures(column));
    }
    found.warnings.iter().for_each(|warning| check_text(&report::compare::warning(warning)));
    let _ = report::list(&[("run".into(), Ok(run.clone()))]);
    Ok(())
}

/// Fails if the shown text has a hidden character.
fn check_text(shown: &str) {
    let hidden = shown.chars().find(|c| text::is_hidden(*c) && !matches!(c, '\n' | '\t'));
    assert_eq!(hidden, None, "{shown}");
}

/// Fails if the shown text has a hidden character, or a figure that is not a number.
fn check_figures(shown: &str) {
    check_text(shown);
    for invalid in ["NaN", "inf ", "inf\u{a0}"] {
        assert!(!shown.contains(invalid), "{invalid} in {shown}");
    }
}

/// Flips, cuts, repeats or exchanges some bytes.
fn damage(bytes: &mut Vec<u8>, random: &mut Rng) {
    for _ in 0..random.usize(1..4) {
        let at = random.usize(0..bytes.len().max(1));
        let some = at..(at + random.usize(1..40)).min(bytes.len());
        match random.u8(0..8) {
            _ if bytes.is_empty() => {}
            0..4 => bytes[at] ^= 1 << random.u8(0..8),
            4 => bytes.truncate(at),
            5 => drop(bytes.drain(some)),
            6 => {
                let copy = bytes[some].to_vec();
                bytes.splice(at..at, copy);
            }
            _ => bytes[at] = random.u8(..),
        }
    }
}

/// Numbers that may break a computation, and values that are not numbers.
const VALUES: [&str; 22] = [
    "0",
    "1",
    "-1",
    "2",
    "0.5",
    "-0.0",
    "1e308",
    "-1e308",
    "1e-308",
    "5e-324",
    "1e999",
    "4294967295",
    "4294967296",
    "9007199254740992",
    "9007199254740993",
    "9223372036854775807",
    "18446744073709551615",
    "null",
    "true",
    "\"\"",
    "[]",
    "{}",
];

/// Replaces some numbers with other values.
fn change_numbers(bytes: &mut Vec<u8>, random: &mut Rng) {
    for _ in 0..random.usize(1..4) {
        let is_number = |at: usize| bytes[at].is_ascii_digit() && matches!(bytes[at - 1], b':' | b',' | b'[' | b' ');
        let numbers: Vec<usize> = (1..bytes.len()).filter(|at| is_number(*at)).collect();
        let Some(at) = random.choice(&numbers).copied() else { return };
        let end = bytes[at..].iter().position(|byte| !b"0123456789.e-+".contains(byte)).map_or(bytes.len(), |n| at + n);
        bytes.splice(at..end, random.choice(VALUES).unwrap().bytes());
    }
}

/// Computes the CRC-32 bit by bit, as in RFC 1952, section 8.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// Returns a line of records with the right checksum for its contents.
fn signed(line: &[u8]) -> Vec<u8> {
    const BEGIN: usize = "{\"crc32\":\"01234567\",".len();
    let rest = line.get(BEGIN..).unwrap_or_default();
    [format!("{{\"crc32\":\"{:08x}\",", crc32(&[b"{", rest].concat())).as_bytes(), rest, b"\n"].concat()
}

/// Writes both files and has_report them back. Returns whether they gave a report.
fn has_report(home: &Path, run: &[u8], records: &[u8]) -> bool {
    fs::write(home.join(RUN), run).unwrap();
    fs::write(home.join(RECORDS), records).unwrap();
    match read_and_report(home) {
        Ok(()) => true,
        Err(why) => {
            assert!(!why.is_empty());
            false
        }
    }
}

#[test]
fn a_damaged_line_is_never_read_as_a_record() {
    let (run, records) = files();
    let home = tempfile::tempdir().unwrap();
    assert!(has_report(home.path(), &run, &records), "undamaged files are readable");
    let lines: Vec<&[u8]> = records.split_inclusive(|byte| *byte == b'\n').collect();
    let signed_again: Vec<u8> = lines.iter().flat_map(|line| signed(&line[..line.len() - 1])).collect();
    assert_eq!(signed_again, records, "the checksum is CRC-32");
    let lines: Vec<Vec<u8>> = lines.into_iter().map(<[u8]>::to_vec).collect();
    run_cases(RUNS, move |_, random| {
        let mut damaged = records.clone();
        damage(&mut damaged, random);
        fs::write(home.path().join(RUN), &run).unwrap();
        fs::write(home.path().join(RECORDS), &damaged).unwrap();
        match Folder::read(home.path()) {
            // An incomplete last line is ignored: a killed run leaves one. A blank line is not a record.
            Ok((_, read)) => {
                let whole = damaged.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
                let whole: Vec<&[u8]> = whole.filter(|line| line.len() > 1).collect();
                assert!(lines.iter().zip(&whole).all(|(line, kept)| line == kept) && read.len() == whole.len());
            }
            Err(why) => {
                let why = why.to_string();
                assert!(why.contains("trials.jsonl:"), "{why}");
            }
        }
    });
}

#[test]
fn a_record_with_changed_numbers_gives_an_error_or_a_report() {
    let (run, records) = files();
    let home = tempfile::tempdir().unwrap();
    let lines: Vec<Vec<u8>> = records.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let mut read = 0;
    run_cases(RUNS, move |number, random| {
        let mut lines = lines.clone();
        let line = random.choice(&mut lines).unwrap();
        line.pop();
        if number % 4 == 0 {
            damage(line, random)
        } else {
            change_numbers(line, random)
        }
        *line = signed(line);
        read += u64::from(has_report(home.path(), &run, &lines.concat()));
        assert!(number + 1 < RUNS || read > RUNS / 20, "only {read} of {RUNS} could be read, too few to test reports");
    });
}

#[test]
fn a_damaged_run_gives_an_error_or_a_report() {
    let (run, records) = files();
    let home = tempfile::tempdir().unwrap();
    let mut read = 0;
    run_cases(RUNS, move |number, random| {
        let mut run = run.clone();
        if number % 2 == 0 {
            damage(&mut run, random)
        } else {
            change_numbers(&mut run, random)
        }
        read += u64::from(has_report(home.path(), &run, &records));
        assert!(number + 1 < RUNS || read > RUNS / 20, "only {read} of {RUNS} could be read, too few to test reports");
    });
}

#[test]
fn a_damaged_scenario_gives_a_scenario_or_a_list_of_mistakes() {
    let texts: Vec<Vec<u8>> = builtin::all().iter().map(|builtin| builtin.scenario().source.into_bytes()).collect();
    run_cases(SCENARIOS, move |number, random| {
        let mut text = random.choice(&texts).unwrap().clone();
        match number % 3 {
            0 => change_numbers(&mut text, random),
            1 => {
                // Whole lines of another scenario.
                let other = random.choice(&texts).unwrap();
                let lines: Vec<&[u8]> = other.split_inclusive(|byte| *byte == b'\n').collect();
                let line = random.choice(&lines).unwrap().to_vec();
                let ends: Vec<usize> = (0..text.len()).filter(|at| text[*at] == b'\n').collect();
                let at = random.choice(&ends).unwrap() + 1;
                text.splice(at..at, line);
            }
            _ => damage(&mut text, random),
        }
        match parse_bytes("x\u{1b}[31m.toml", &text) {
            Ok(scenario) => {
                assert!(!scenario.cells().is_empty());
                for claim in &scenario.claims {
                    let (low, high) = claim.bounds;
                    assert!(low <= high && low <= 1e9 && high > 0.0, "{low} to {high}");
                }
            }
            Err(mistakes) => {
                assert!(!mistakes.list().is_empty());
                check_text(&mistakes.to_string());
                check_text(&mistakes.render(Some(60), false));
            }
        }
    });
}

/// Writes a run after changing its description or records, with valid checksums.
fn write_changed(change: impl FnOnce(&mut Run, &mut Vec<Record>)) -> (TempDir, PathBuf) {
    let scenarios = [builtin::find("compute").unwrap().scenario()];
    let mut records = fixture::records(&scenarios, 2);
    let mut run = fixture::run(&scenarios, records.len() as u64);
    change(&mut run, &mut records);
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("run");
    let mut folder = Folder::create(&path, &run).unwrap();
    records.iter().for_each(|record| folder.append(record).unwrap());
    (home, path)
}

fn measured(record: &mut Record) -> &mut Measured {
    match &mut record.outcome {
        Outcome::Measured(measured) => measured,
        other => panic!("{other:?}"),
    }
}

fn traced(records: &mut [Record]) -> &mut Traced {
    let found = records.iter_mut().find_map(|record| match &mut record.outcome {
        Outcome::Traced(traced) => Some(traced),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn an_impossible_record_is_refused_by_file_line_and_field() {
    type Change = fn(&mut Run, &mut Vec<Record>);
    let cases: [(Change, &str); 18] = [
        (|run, _| run.iterations_per_s = 0, "run.json: iterations_per_s: must be greater than 0"),
        (|run, _| run.host.cpus = 0, "run.json: host.cpus: must be greater than 0"),
        (|run, _| run.ceilings[0].per_s = -1.0, "run.json: ceilings.per_s: -1 is negative"),
        (|run, _| run.ceilings[0].generator_cpu = 1e308, "run.json: ceilings.generator_cpu: 1"),
        (|run, _| run.trials_planned = u64::MAX, "run.json: trials_planned: 18446744073709552000 is more than 2^53"),
        (|run, _| run.scenarios.push(run.scenarios[0].clone()), "run.json: scenarios: duplicate name `compute`"),
        (|_, records| records[1].order = 0, "trials.jsonl:2: order: must be greater than 0"),
        (|_, records| records[1].conditions.cpus = 0, "trials.jsonl:2: conditions.cpus: must be greater than 0"),
        (
            |_, records| records[0].conditions.stolen = Some(Stolen { cpu_ns: 2, of_ns: 1 }),
            "trials.jsonl:1: conditions.stolen.cpu_ns: must be at most conditions.stolen.of_ns",
        ),
        (|_, records| records[0].pass = Pass::Lanes, "trials.jsonl:1: pass is lanes, but the outcome is a measurement"),
        (
            |_, records| measured(&mut records[0]).wall_ns = 0,
            "trials.jsonl:1: outcome.measured.wall_ns: must be greater than 0",
        ),
        (
            |_, records| measured(&mut records[0]).usage.cpu_user_ns = u64::MAX,
            "trials.jsonl:1: outcome.measured.usage.cpu_user_ns: 18446744073709552000 is more than 2^53",
        ),
        (
            |_, records| measured(&mut records[0]).series.clear(),
            "trials.jsonl:1: outcome.measured.series: must not be empty",
        ),
        (
            |_, records| measured(&mut records[0]).series[0].lower_bound_from_ns = Some(1 << 50),
            "outcome.measured.series.lower_bound_from_ns: longer than the longest response time",
        ),
        (
            |_, records| traced(records).lanes.spans[0].start = 1 << 40,
            "outcome.traced.lanes.spans: a span ends before it begins",
        ),
        (|_, records| traced(records).lanes.spans.reverse(), "lanes.spans: a span ends before the previous one"),
        (|_, records| traced(records).lanes.names.truncate(1), "lanes.spans: unknown lane 1"),
        (|_, records| records.swap(0, 1), ""),
    ];
    for (change, expected) in cases {
        let (_home, path) = write_changed(change);
        for verb in ["report", "compare"] {
            let mut command = avt([verb]);
            command.arg(&path).args((verb == "compare").then_some(&path));
            let ended = run(command);
            if expected.is_empty() {
                assert!(matches!(ended.code, Some(0 | 4)), "{ended:?}");
                continue;
            }
            assert_eq!(ended.code, Some(2), "{expected}: {ended:?}");
            assert!(ended.stderr.contains(expected) && ended.stdout.is_empty(), "{expected}: {}", ended.stderr);
        }
    }
}

#[test]
fn impossible_figures_of_a_machine_are_refused() {
    for parallel in ["[[1,1.0],[2,0]]", "[]", "[[1,1e308]]", "[[2,2.0]]", "[[1,1.0],[4294967295,2.0]]", "[[1,null]]"] {
        let (_home, path) = write_changed(|_, _| ());
        let text = fs::read_to_string(path.join(RUN)).unwrap();
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value["parallel"]["all"] = serde_json::from_str(parallel).unwrap();
        fs::write(path.join(RUN), value.to_string()).unwrap();
        let mut command = avt(["report"]);
        command.arg(&path);
        let ended = run(command);
        assert_eq!(ended.code, Some(2), "{parallel}: {ended:?}");
        assert!(ended.stderr.contains("run.json: "), "{parallel}: {}", ended.stderr);
    }
}

#[test]
fn trials_of_an_unknown_scenario_are_reported() {
    let (_home, path) = write_changed(|_, records| {
        records.iter_mut().take(3).for_each(|record| record.cell.scenario = "gone\x1b[31m".into());
    });
    let mut command = avt(["report"]);
    command.arg(&path);
    let ended = run(command);
    assert!(matches!(ended.code, Some(0 | 4)), "{ended:?}");
    let expected = "3 records belong to no scenario of run.json and are not shown: gone\\u{1b}[31m under ";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    assert!(fs::read_to_string(path.join("index.html")).unwrap().contains(expected));
    let mut command = avt(["compare"]);
    command.args([&path, &path]);
    assert!(run(command).stderr.contains(expected));
    let mut command = avt(["report", "--json"]);
    command.arg(&path);
    let json: serde_json::Value = serde_json::from_str(&run(command).stdout).unwrap();
    assert_eq!(json["strays"][0]["scenario"], "gone\x1b[31m");
}

#[test]
fn the_files_of_a_run_must_be_regular_files() {
    let (_home, path) = write_changed(|_, _| ());
    for name in [RUN, RECORDS] {
        let kept = fs::read(path.join(name)).unwrap();
        fs::remove_file(path.join(name)).unwrap();
        for target in ["/dev/zero", "/dev/stdin", "/"] {
            symlink(target, path.join(name)).unwrap();
            let mut command = avt(["report"]);
            command.arg(&path);
            let ended = run(command);
            fs::remove_file(path.join(name)).unwrap();
            assert_eq!(ended.code, Some(2), "{name} {target}: {ended:?}");
            assert!(ended.stderr.contains(&format!("{name}: not a regular file")), "{}", ended.stderr);
        }
        fs::write(path.join(name), kept).unwrap();
    }
}

#[test]
fn a_run_is_listed_whatever_the_name_of_its_folder() {
    let (home, path) = write_changed(|_, _| ());
    let names: [&[u8]; 5] = [b"\xff", b"caf\xc3\xa9", b"a\nb", b"%41#\"<i>", b"\xe2\x80\xae"];
    for name in names {
        let folder = home.path().join(OsStr::from_bytes(name));
        fs::create_dir(&folder).unwrap();
        for file in [RUN, RECORDS] {
            fs::copy(path.join(file), folder.join(file)).unwrap();
        }
        let mut command = avt(["report"]);
        command.arg(&folder);
        let ended = run(command);
        assert!(matches!(ended.code, Some(0 | 4)), "{ended:?}");
    }
    let mut command = avt(["report"]);
    command.arg(home.path());
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let page = fs::read_to_string(home.path().join("index.html")).unwrap();
    for (address, shown) in [
        ("%FF", "\u{fffd}"),
        ("caf%C3%A9", "café"),
        ("a%0Ab", "a b"),
        ("%2541%23%22%3Ci%3E", "%41#"),
        ("%E2%80%AE", "\\u{202e}"),
        ("run", "run"),
    ] {
        assert!(page.contains(&format!("href=\"{address}/index.html\"")) && page.contains(shown), "{address}: {page}");
    }
}
