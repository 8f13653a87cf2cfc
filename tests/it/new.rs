//! `avt show`, `avt new` and the external examples: from an installed program to a scenario of one's own.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use async_vs_threads::record::{Folder, Outcome};
use async_vs_threads::scenario::{builtin, parse};

use crate::support::{Ended, avt, run};

const TEMPLATES: [&str; 4] = ["sleep", "offload", "echo", "server"];

/// Runs avt in a folder, with avt on its path as after an installation.
fn installed(folder: &Path, args: &[&str]) -> Ended {
    let own = PathBuf::from(env!("CARGO_BIN_EXE_avt"));
    let usual = env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(own.parent().unwrap().to_owned()).chain(env::split_paths(&usual));
    let mut command = avt(args);
    command.current_dir(folder).env("PATH", env::join_paths(path).unwrap());
    run(command)
}

#[test]
fn show_prints_a_built_in_scenario_byte_for_byte() {
    for builtin in builtin::all() {
        let ended = run(avt(["show", builtin.name]));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), builtin.text), "{}", builtin.name);
    }
}

#[test]
fn show_suggests_the_nearest_name() {
    let ended = run(avt(["show", "slep"]));
    assert_eq!(ended.code, Some(2));
    assert_eq!(ended.stderr, "avt: no scenario is called `slep`; did you mean `sleep`?\n");
    assert!(run(avt(["show", "zzzzzzzz"])).stderr.contains("the built-in ones are sleep, "));
}

#[test]
fn every_template_passes_check_and_runs() {
    for name in TEMPLATES {
        let home = tempfile::tempdir().unwrap();
        let ended = installed(home.path(), &["new", name, "--out", "mine.toml"]);
        assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), "", ""), "{name}");
        let printed = run(avt(["new", name])).stdout;
        assert_eq!(fs::read_to_string(home.path().join("mine.toml")).unwrap(), printed, "{name}");
        assert!(printed.starts_with("# "), "{name} begins with a comment");
        let checked = installed(home.path(), &["check", "mine.toml"]);
        assert_eq!((checked.code, checked.stderr.as_str()), (Some(0), ""), "{name}");
        // One round decides no claim, so the exit code is that of the trials.
        let ended = installed(home.path(), &["run", "mine.toml", "--rounds", "1", "--out", "out"]);
        assert_eq!(ended.code, Some(0), "{name}: {ended:?}");
        let (_, records) = Folder::read(&home.path().join("out")).unwrap();
        // The lanes of a model are recorded in a trial of their own.
        let is_complete = |outcome: &Outcome| matches!(outcome, Outcome::Measured(_) | Outcome::Traced(_));
        assert!(!records.is_empty() && records.iter().all(|record| is_complete(&record.outcome)), "{name}: {ended:?}");
        let has_external = records.iter().any(|record| record.cell.model.is_external());
        assert_eq!(has_external, name == "server", "{name}");
    }
}

#[test]
fn new_never_overwrites_a_file() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("mine.toml"), "mine").unwrap();
    let ended = installed(home.path(), &["new", "echo", "--out", "mine.toml"]);
    assert_eq!(ended.code, Some(3));
    assert_eq!(ended.stderr, "avt: mine.toml: already exists, and is never overwritten; choose another --out\n");
    assert_eq!(fs::read_to_string(home.path().join("mine.toml")).unwrap(), "mine");
}

#[test]
fn several_models_can_be_separated_by_commas() {
    let home = tempfile::tempdir().unwrap();
    let models = |args: &[&str]| {
        let out = tempfile::tempdir_in(home.path()).unwrap().path().join("out");
        let mut command = avt(["run", "smoke", "--rounds", "1", "--out"]);
        command.arg(&out).args(args);
        let ended = run(command);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let (_, records) = Folder::read(&out).unwrap();
        let mut models: Vec<String> = records.iter().map(|record| record.cell.model.to_string()).collect();
        models.sort();
        models.dedup();
        models.join(" ")
    };
    let all = builtin::find("smoke").unwrap().scenario().models;
    let (one, two) = (all[0].to_string(), all[1].to_string());
    assert_eq!(models(&["-m", &format!("{one},{two}")]), models(&["-m", &one, "-m", &two]));
    let ended = run(avt(["run", "smoke", "-m", "async,thread"]));
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("unknown model `thread`; did you mean `threads`?"), "{}", ended.stderr);
}

#[test]
fn external_examples_need_no_file_beside_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/external");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let scenario = parse("example.toml", &text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert!(scenario.models.iter().any(|model| model.is_external()), "{}", path.display());
        assert!(!text.contains("scenarios/") && !text.contains("pwd"), "{} names another file", path.display());
        assert!(text.contains("{port}"), "{} takes the port that it is given", path.display());
    }
}

#[test]
fn nginx_runs_from_an_empty_folder_or_the_error_names_it() {
    let home = tempfile::tempdir().unwrap();
    let nginx = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/external/nginx.toml");
    let ended = installed(home.path(), &["run", nginx, "--rounds", "1", "-m", "async,external", "--out", "out"]);
    let is_installed = Command::new("nginx").arg("-v").output().is_ok();
    if is_installed {
        assert_eq!(ended.code, Some(0), "{ended:?}");
    } else {
        assert!(ended.code == Some(1) && ended.stderr.contains("nginx"), "{ended:?}");
    }
}
