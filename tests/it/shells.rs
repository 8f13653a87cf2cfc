//! `avt completions` and `avt man`: what a shell and `man` get.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use async_vs_threads::scenario::builtin;

use crate::support::{avt, run};

fn names() -> String {
    builtin::all().iter().map(|builtin| builtin.name).collect::<Vec<_>>().join(" ")
}

/// Returns the words that bash offers for the last word of a command line.
fn in_bash(words: &[&str]) -> Vec<String> {
    let script = run(avt(["completions", "bash"])).stdout;
    let last = words.len() - 1;
    let line = format!(
        "COMP_WORDS=({}); COMP_CWORD={last}; _avt avt {} {}; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        words[last],
        words[last - 1]
    );
    let mut bash = Command::new("bash");
    bash.args(["-c", &format!("{script}\n{line}")]);
    let ended = run(bash);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{words:?}");
    ended.stdout.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn bash_completes_scenarios_and_models() {
    for verb in ["run", "check", "show"] {
        assert_eq!(in_bash(&["avt", verb, "held"]), ["held-connections"], "{verb}");
    }
    assert_eq!(in_bash(&["avt", "run", "--model", "seq"]), ["sequential"]);
    assert!(in_bash(&["avt", "run", "my-own-fi"]).is_empty(), "bash then offers files");
}

#[test]
fn zsh_and_fish_complete_scenarios_and_files() {
    let names = names();
    let zsh = run(avt(["completions", "zsh"])).stdout;
    assert!(zsh.contains(&format!("_alternative 'scenarios:scenario:({names})' 'files:file:_files'")));
    assert_eq!(zsh.matches(":_avt_scenarios'").count(), 2, "run and check take files too");
    assert!(zsh.lines().any(|line| line.starts_with("':scenario") && line.contains(&format!(":({names})"))), "show");
    let fish = run(avt(["completions", "fish"])).stdout;
    for (verb, files) in [("run", ""), ("check", ""), ("show", "-f ")] {
        let line = format!("\"__fish_avt_using_subcommand {verb}\" {files}-a \"{names}\"");
        assert!(fish.contains(&line), "{verb}");
    }
    assert!(fish.contains("function __fish_avt_using_subcommand"), "the function that these lines call");
}

#[test]
fn man_writes_a_page_for_each_verb() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("man1");
    let mut command = avt(["man", "--out"]);
    command.arg(&folder);
    let ended = run(command);
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), "", ""));
    let pages: BTreeSet<String> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let help = run(avt(["--help"])).stdout;
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let verbs = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let verbs = verbs.map(|line| line.split_whitespace().next().unwrap()).filter(|verb| *verb != "help");
    let expected: BTreeSet<String> =
        verbs.map(|verb| format!("avt-{verb}.1")).chain(std::iter::once("avt.1".to_owned())).collect();
    assert!(expected.contains("avt-man.1"), "{expected:?}");
    assert_eq!(pages, expected);
    let page = fs::read_to_string(folder.join("avt-run.1")).unwrap();
    assert!(page.contains(".TH avt-run 1") && page.contains("\\-\\-rounds"), "{page}");
    let printed = run(avt(["man"])).stdout;
    assert_eq!(printed, fs::read_to_string(folder.join("avt.1")).unwrap());
    assert!(printed.contains(".TH avt 1") && printed.contains("avt\\-run(1)"), "{printed}");
}
