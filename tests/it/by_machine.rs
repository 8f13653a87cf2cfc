//! `avt run --shard`, and `avt merge` of the runs of several machines.

use std::fs;
use std::path::{Path, PathBuf};

use async_vs_threads::record::{Folder, Outcome, Pass, RECORDS, RUN, Record, Run, RunState};
use async_vs_threads::scenario::{Model, builtin};
use async_vs_threads::schedule::Shard;

use crate::fixture;
use crate::support::{Ended, avt, run};

/// Runs a shard of the smallest scenario, and returns its folder.
fn run_shard(out: &Path, shard: &str) -> PathBuf {
    let mut command = avt(["run", "smoke", "--seed", "1", "--rounds", "4", "--shard", shard, "--out"]);
    command.arg(out);
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let shard: Shard = shard.parse().unwrap();
    let says =
        format!("Shard {} of 2: this run holds one round in 2, from round {} on", shard.number(), shard.number());
    assert!(unwrapped(&ended.stdout).contains(&says) && ended.stderr.contains(&says), "{ended:?}");
    out.join(shard.file_name())
}

fn merge(path: &Path, more: &[&str]) -> Ended {
    let mut command = avt(["merge"]);
    command.arg(path).args(more);
    run(command)
}

/// Returns a text on one line with single blanks, as no width would break it.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn merged_json(path: &Path) -> serde_json::Value {
    let ended = merge(path, &["--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

/// Checks that a merge is refused with these words.
fn check_refused(path: &Path, more: &[&str], words: &[&str]) {
    let ended = merge(path, more);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
    for word in words {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
}

/// Changes the description of a run.
fn describe(folder: &Path, change: impl FnOnce(&mut Run)) {
    let mut made = Folder::read_run(folder).unwrap();
    change(&mut made);
    fs::write(folder.join(RUN), serde_json::to_vec(&made).unwrap()).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in [RUN, "trials.jsonl"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

#[test]
fn shards_hold_the_rounds_of_one_run_and_are_merged_by_machine() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("rounds");
    let [first, second] = ["1/2", "2/2"].map(|shard| run_shard(&out, shard));
    assert!(first.ends_with("shard-001-of-002"), "{}", first.display());

    let rounds = |folder: &Path| {
        let (made, records) = Folder::read(folder).unwrap();
        assert!(made.host.hostname.is_some() && made.shard.is_some() && made.rounds == "4", "{made:?}");
        let mut rounds: Vec<Option<u32>> = records.iter().map(Record::round).collect();
        rounds.sort_unstable();
        rounds.dedup();
        (
            rounds,
            records.iter().map(|record| record.order).collect::<Vec<_>>(),
            records.len() as u64 == made.trials_planned,
        )
    };
    assert_eq!(rounds(&first), (vec![None, Some(1), Some(3)], vec![1, 2, 3, 7, 8, 9, 13, 14], true), "and the lanes");
    assert_eq!(rounds(&second), (vec![Some(2), Some(4)], vec![4, 5, 6, 10, 11, 12], true));
    let page = fs::read_to_string(second.join("index.html")).unwrap();
    assert!(page.contains("Shard 2 of 2: this run holds one round in 2") && page.contains("--shard 2/2"));

    // One machine: its shards share a row.
    let json = merged_json(&out);
    assert_eq!(json["machines"].as_array().map(Vec::len), Some(1), "{json}");
    assert_eq!(json["machines"][0]["shards"], serde_json::json!(["1/2", "2/2"]));
    assert_eq!((&json["points"][0]["by_machine"][0]["rounds"], &json["complete"]), (&4.into(), &true.into()));

    describe(&second, |made| made.host.hostname = Some("other".into()));
    let ended = merge(&out, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for words in
        ["smoke: wall time, as a ratio to async", "all machines", "other", "over so few machines (2) means little"]
    {
        assert!(unwrapped(&ended.stdout).contains(words), "{words}: {ended:?}");
    }
    let json = merged_json(&out);
    let point = &json["points"][0];
    let ratio = |row: &serde_json::Value| row["ratio"].as_f64().unwrap().ln();
    let rows = point["by_machine"].as_array().unwrap();
    let mean = rows.iter().map(|row| ratio(&row["figures"][0])).sum::<f64>() / 2.0;
    assert!((ratio(&point["all_machines"][0]) - mean).abs() < 1e-9, "{json}");
    assert_eq!((rows.len(), &point["all_machines"][0]["interval"]), (2, &serde_json::Value::Null));
    let ended = merge(&out, &["--markdown", "-"]);
    assert!(ended.stdout.starts_with("## avt merge") && ended.stdout.contains("| all machines | 4 |"), "{ended:?}");

    // Two runs of one shard.
    let again = out.join("again");
    copy(&second, &again);
    check_refused(&out, &[], &["again and ", "shard-002-of-002 are both shard 2 of 2"]);
    fs::remove_dir_all(&again).unwrap();

    // A shard that lost a record, an interrupted one, and a missing one.
    let records = second.join(RECORDS);
    let text = fs::read_to_string(&records).unwrap();
    let (kept, _) = text.trim_end().rsplit_once('\n').unwrap();
    fs::write(&records, format!("{kept}\n")).unwrap();
    let ended = merge(&out, &[]);
    assert!(
        ended.code == Some(0) && unwrapped(&ended.stdout).contains("1 record is missing from trials.jsonl"),
        "{ended:?}"
    );
    describe(&second, |made| made.state = RunState::Partial("SIGTERM".into()));
    let ended = merge(&out, &[]);
    assert!(
        ended.code == Some(0) && unwrapped(&ended.stdout).contains("is partial: SIGTERM ended it early"),
        "{ended:?}"
    );
    fs::remove_dir_all(&second).unwrap();
    let ended = merge(&out, &[]);
    assert!(ended.code == Some(0) && unwrapped(&ended.stdout).contains("1 shard of 2 is missing: 2/2."), "{ended:?}");
    assert_eq!(merge(&out, &["--strict"]).code, Some(4));
}

#[test]
fn a_shard_needs_a_seed_a_folder_and_a_round() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let out = out.to_str().unwrap();
    for (arguments, environment, words) in [
        (&["--shard", "1/2", "--out", out][..], &[][..], "add --seed N"),
        (&["--shard", "1/2", "--seed", "1"], &[], "add --out DIR"),
        (&["--shard", "1/2", "--seed", "1", "--out", out], &[], "smoke has only 1 round for 2 shards"),
        (&["--shard", "auto", "--seed", "1", "--out", out], &[], "no launcher found"),
        (
            &["--seed", "1", "--out", out],
            &[("PMI_RANK", "1"), ("PMI_SIZE", "4")],
            "for one run, or `--shard none` for 4",
        ),
        (
            &["--shard", "auto", "--seed", "1", "--out", out],
            &[("SLURM_PROCID", "1"), ("SLURM_STEP_NUM_TASKS", "4")],
            "smoke has only 1 round for 4 shards",
        ),
    ] {
        let mut command = avt(["run", "smoke"]);
        command.args(arguments).envs(environment.iter().copied());
        let ended = run(command);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(words), "{arguments:?}: {}", ended.stderr);
        assert!(!Path::new(out).exists(), "nothing was started");
    }
}

/// Writes a made-up run of a machine, after changing it; of a shard only its rounds.
fn write(
    home: &Path,
    name: &str,
    scenario: &str,
    shard: Option<Shard>,
    change: impl FnOnce(&mut Run, &mut Vec<Record>),
) {
    let scenarios = [builtin::find(scenario).unwrap().scenario()];
    let mut records = fixture::records(&scenarios, 12);
    let mut made = fixture::run(&scenarios, records.len() as u64);
    made.host.hostname = Some(format!("host-{name}"));
    made.shard = shard;
    let is_in = |pass: Pass| shard.is_none_or(|shard| pass.round().is_none_or(|round| shard.has_round(round)));
    records.retain(|record| is_in(record.pass));
    change(&mut made, &mut records);
    let mut folder = Folder::create(&home.join(name), &made).unwrap();
    records.iter().for_each(|record| folder.append(record).unwrap());
}

/// Writes the shards of a made-up run, one on each machine. Threads take three times as long as they would.
fn write_shards(home: &Path, of: u32) {
    for shard in Shard::all(of) {
        write(home, &shard.file_name(), "compute", Some(shard), |_, records| {
            for record in records.iter_mut().filter(|record| record.cell.model == Model::Threads) {
                if let Outcome::Measured(measured) = &mut record.outcome {
                    measured.wall_ns *= 3;
                }
            }
        });
    }
}

#[test]
fn an_interval_over_machines_takes_six_of_them() {
    for (of, has_interval) in [(5, false), (6, true)] {
        let home = tempfile::tempdir().unwrap();
        write_shards(home.path(), of);
        let json = merged_json(home.path());
        let all = &json["points"][0]["all_machines"];
        let threads = all.as_array().unwrap().iter().find(|one| one["model"] == "threads").unwrap();
        assert_eq!(threads["interval"].is_array(), has_interval, "{threads}");
        assert_eq!((&threads["machines"], &threads["rounds"]), (&of.into(), &12.into()));
        let ended = merge(home.path(), &[]);
        assert_eq!(unwrapped(&ended.stdout).contains("over machines (bootstrap"), has_interval, "{ended:?}");
    }
}

#[test]
fn whole_runs_are_shown_by_machine_and_never_pooled() {
    let home = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        write(home.path(), name, "compute", None, |made, _| made.host.hostname = Some("node".into()));
    }
    let ended = merge(home.path(), &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(unwrapped(&ended.stdout).contains("never pooled") && !ended.stdout.contains("all machines"), "{ended:?}");
    for name in ["a", "b"] {
        let machine = format!("node ({})", home.path().join(name).display());
        assert!(ended.stdout.split_whitespace().collect::<String>().contains(&machine.replace(' ', "")), "{ended:?}");
    }
    let json = merged_json(home.path());
    let figures = &json["points"][0]["by_machine"][1]["figures"][0];
    assert!(figures["value"].is_f64() && figures["interval"].is_array() && json["shards"].is_null(), "{json}");

    // A scenario that only one of the runs has.
    write(home.path(), "c", "sleep", None, |_, _| ());
    check_refused(home.path(), &[], &["no scenario is in all runs"]);
}

#[test]
fn runs_that_are_not_of_one_kind_are_refused() {
    const REASON: &str = "models measured on different machines: the machines would be compared, not the models";
    let home = tempfile::tempdir().unwrap();
    let of = |name: &str| home.path().join(name);
    let two = |number| Shard::new(number, 2).ok();
    let pair = |folder: &str, change: &dyn Fn(&mut Run)| {
        fs::create_dir(of(folder)).unwrap();
        write(&of(folder), "one", "compute", two(1), |_, _| ());
        write(&of(folder), "two", "compute", two(2), |made, _| change(made));
        of(folder)
    };
    let by_model = pair("by-model", &|made| made.models = vec![Model::Threads]);
    check_refused(&by_model, &[], &[REASON, "one and ", "two hold different models: all and threads"]);
    describe(&by_model.join("one"), |made| made.shard = None);
    describe(&by_model.join("two"), |made| made.shard = None);
    check_refused(&by_model, &[], &[REASON]);
    let by_text = pair("by-text", &|made| made.scenarios[0].toml += "\n# another\n");
    check_refused(&by_text, &[], &[REASON, "texts of a scenario"]);
    check_refused(
        &pair("seeds", &|made| made.rounds = "full".into()),
        &[],
        &["different runs: rounds: quick and full"],
    );
    check_refused(
        &pair("whole", &|made| made.shard = None),
        &[],
        &["one is a shard of a run and", "two is a whole run"],
    );
    check_refused(&pair("of", &|made| made.shard = Shard::new(2, 3).ok()), &[], &["shards: 2 and 3"]);

    let good = pair("good", &|_| ());
    for option in ["--hgrm", "--hlog", "--html", "--junit", "--bmf"] {
        check_refused(&good, &[option, of("file").to_str().unwrap()], &[option, "only for a load"]);
    }
    check_refused(&good, &["--slo", "p99<5ms"], &["--slo: only for a load"]);
    check_refused(&good, &[good.join("one").to_str().unwrap()], &["given twice"]);
    fs::write(good.join("shard-001-of-002.jsonl"), "").unwrap();
    check_refused(&good, &[], &["good holds records of a load", "one is a run"]);
}
