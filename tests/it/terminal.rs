//! Output on a terminal: lines fit it, escape sequences appear only if it supports them, and untrusted text is never
//! raw.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use async_vs_threads::record::{Failure, Folder, Outcome};
use async_vs_threads::scenario::parse;
use async_vs_threads::text;
use nix::pty::{Winsize, openpty};
use serde_json::json;

use crate::fixture;
use crate::support::{avt, run, scenario};

/// Runs a command on a terminal of this width; returns its exit code, and both output streams together.
fn on_terminal(mut command: Command, columns: u16, term: Option<&str>) -> (Option<i32>, String) {
    let size = Winsize { ws_row: 30, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(Some(&size), None).unwrap();
    command.env_remove("COLUMNS");
    match term {
        Some(term) => command.env("TERM", term),
        None => command.env_remove("TERM"),
    };
    let mut child =
        command.stdout(Stdio::from(pty.slave.try_clone().unwrap())).stderr(Stdio::from(pty.slave)).spawn().unwrap();
    // The command holds the terminal open, and the read ends only when it is closed everywhere.
    drop(command);
    let mut written = Vec::new();
    let mut bytes = [0; 4_096];
    let mut master = File::from(pty.master);
    // Reading a closed terminal fails.
    while let Ok(count @ 1..) = master.read(&mut bytes) {
        written.extend_from_slice(&bytes[..count]);
    }
    (child.wait().unwrap().code(), String::from_utf8(written).unwrap())
}

/// Removes the sequences that colour the text or move the cursor.
fn without_escapes(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| &part[part.find(|c: char| c.is_ascii_alphabetic()).map_or(part.len(), |at| at + 1)..]);
    first + &rest.collect::<String>()
}

fn widest(text: &str) -> usize {
    without_escapes(text).split(['\r', '\n']).map(text::columns).max().unwrap_or(0)
}

/// Writes a scenario in characters of two columns each, and a made-up run of it.
fn write_wide_run(home: &Path) -> (PathBuf, PathBuf) {
    let words = "待機するジョブは何本のスレッドを必要とするか、千のタイマーと一本のスレッド 待機 ❤\u{fe0f}";
    let toml = format!(
        "question = \"{words}\"\nanalysis = \"A.\"\nworkload = \"sleep\"\njobs = [2, 20]\nwait = \"1ms\"\nmodels = \
         [\"async\", \"threads\", \"async+rayon/16\"]\n[rounds]\nquick = 1\nfull = 6\n[[claim]]\nsays = \
         \"{words}{words}\"\nmetric = \"wall\"\nmodel = \"async\"\nexpect = \"wait\"\nratio = [0.9, 1.1]\n"
    );
    let file = scenario(home, "wide", &toml);
    let scenarios = [parse("wide.toml", &toml).unwrap_or_else(|mistakes| panic!("{mistakes}"))];
    let mut records = fixture::records(&scenarios, 6);
    let (how, last_words) = ("ended \x1b[31mred\x07".into(), "\u{202e}word \u{9b}2J 待機待機待機待機待機待機".into());
    records[0].outcome = Outcome::Failed(Failure::Died { process: "trial".into(), how, last_words });
    // A process that takes the CPUs of a trial; its name is untrusted.
    let name = "\x1b[2J\u{202e}evil\u{9b}\0\0";
    let others = json!({ "cpu_ns": 900, "of_ns": 1_000, "most": { "pid": 7, "name": name.as_bytes() } });
    let Outcome::Measured(measured) = &mut records[1].outcome else { panic!("{:?}", records[1]) };
    measured.others = Some(serde_json::from_value(others).unwrap());
    let path = home.join("run");
    let mut folder = Folder::create(&path, &fixture::run(&scenarios, records.len() as u64)).unwrap();
    records.iter().for_each(|record| folder.append(record).unwrap());
    (file, path)
}

#[test]
fn every_line_fits_and_foreign_text_is_escaped() {
    let home = tempfile::tempdir().unwrap();
    let (file, folder) = write_wide_run(home.path());
    let invalid = scenario(home.path(), "wrong", "question = \"待機 待機 待機 待機 待機\" # 待\nquestion = 3\n");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (file, folder, invalid) = (text(&file), text(&folder), text(&invalid));
    for columns in [40, 60, 80, 132] {
        for args in [
            vec!["check", &file],
            vec!["check", &invalid],
            vec!["list"],
            vec!["report", &folder],
            vec!["compare", &folder, &folder],
            vec!["run", "no-such-scenario"],
            vec!["run", &file, "--rounds", "1", "--out", &format!("{folder}-{columns}")],
        ] {
            let mut command = avt(args.clone());
            command.current_dir(home.path());
            let (code, shown) = on_terminal(command, columns, Some("xterm"));
            assert!(matches!(code, Some(0 | 2 | 4)), "{args:?}: {code:?} {shown}");
            // Paths are never broken, so that they can be copied.
            let lines: Vec<&str> = shown.split(['\r', '\n']).filter(|line| !line.contains("report: ")).collect();
            assert!(widest(&lines.join("\n")) <= usize::from(columns), "{columns} {args:?}:\n{shown}");
            let plain = without_escapes(&shown).replace('\r', "");
            let hidden = plain.chars().find(|c| text::is_hidden(*c) && *c != '\n');
            assert_eq!(hidden, None, "{args:?}: {plain}");
            if args[0] == "report" {
                let page = fs::read_to_string(Path::new(&folder).join("wide.html")).unwrap();
                assert!(
                    page.contains("\\u{202e}evil") && !page.contains(|c| text::is_hidden(c) && c != '\n'),
                    "{page}"
                );
                for words in ["\\u{1b}[31mred\\u{7}", "Columns left out for lack of width:", "failed in round 1"] {
                    let one_line: String = plain.split_whitespace().collect();
                    let words: String = words.split_whitespace().collect();
                    assert!(one_line.contains(&words) || columns == 132, "{columns}: {words} in {plain}");
                }
            }
        }
    }
}

#[test]
fn a_terminal_without_escape_sequences_gets_none() {
    let home = tempfile::tempdir().unwrap();
    let invalid = scenario(home.path(), "wrong", "question = 3\n");
    let commands = |nth: usize| {
        let out = home.path().join(format!("run-{nth}"));
        let mut check = avt(["check"]);
        check.arg(&invalid);
        let mut smoke = avt(["run", "smoke", "--rounds", "1", "--out"]);
        smoke.arg(out);
        [check, smoke, avt(["list"]), avt(["--help"]), avt(["run", "--rounds", "none"])]
    };
    for (nth, term) in [Some("dumb"), Some(""), Some("unknown"), None].into_iter().enumerate() {
        for command in commands(nth) {
            let what = format!("{term:?} {command:?}");
            let is_run = what.contains("smoke");
            let (_, shown) = on_terminal(command, 80, term);
            assert!(!shown.contains('\x1b'), "{what}: {shown:?}");
            // Progress is shown in lines instead.
            assert!(!is_run || shown.contains("smoke: trial 1 of 5"), "{what}: {shown}");
        }
    }
    let [check, mut smoke, ..] = commands(9);
    assert!(on_terminal(check, 80, Some("xterm")).1.contains("\x1b["));
    smoke.env("NO_COLOR", "1");
    let (_, shown) = on_terminal(smoke, 80, Some("xterm"));
    let commands: Vec<&str> = shown.split("\x1b[").skip(1).collect();
    let kind = |command: &&str| command.chars().find(char::is_ascii_alphabetic);
    assert!(!commands.is_empty() && commands.iter().all(|command| kind(command) != Some('m')), "{shown:?}");
}

#[test]
fn a_table_without_a_terminal_has_80_columns_by_default() {
    let home = tempfile::tempdir().unwrap();
    let (_, folder) = write_wide_run(home.path());
    for (columns, most) in [(None, 80), (Some("50"), 50), (Some("0"), 80), (Some("wide"), 80), (Some("200"), 200)] {
        let mut command = avt(["report"]);
        command.arg(&folder).env_remove("COLUMNS").envs(columns.map(|columns| ("COLUMNS", columns)));
        let ended = run(command);
        let lines: Vec<&str> = ended.stdout.lines().filter(|line| !line.starts_with("report: ")).collect();
        let found = widest(&lines.join("\n"));
        assert!((most / 2..=most).contains(&found), "{columns:?}: {found}\n{}", ended.stdout);
    }
}

#[test]
fn escape_sequences_in_arguments_never_reach_the_terminal() {
    let hostile = "a\x1b]0;title\x07\x1b[2J\u{202e}b";
    for args in [
        vec!["check", hostile],
        vec!["check", "a\x1b[31m.toml"],
        vec!["run", hostile],
        vec!["run", "sleep", "--rounds", hostile],
        vec!["run", "sleep", "--model", hostile],
        vec!["run", "sleep", "--calibration", hostile],
        vec!["report", hostile],
        vec!["compare", hostile, hostile],
        vec![hostile],
        vec!["--", hostile],
    ] {
        let (code, shown) = on_terminal(avt(args.clone()), 80, Some("dumb"));
        assert_eq!(code, Some(2), "{args:?}: {shown:?}");
        let hidden = shown.chars().find(|c| text::is_hidden(*c) && !matches!(c, '\r' | '\n'));
        assert_eq!(hidden, None, "{args:?}: {shown:?}");
        // clap removes the escape sequences that it recognizes.
        assert!(shown.contains("\\u{"), "{args:?}: {shown:?}");
    }
}
