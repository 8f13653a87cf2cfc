//! `cpus` and `server_cpus` end to end: where trials run, what is predicted for them, and what happens on a machine
//! with too few CPUs.

use std::fs;
use std::path::{Path, PathBuf};

use async_vs_threads::host;
use async_vs_threads::record::{Folder, Outcome, Record, Run};
use async_vs_threads::scenario::{CpusWanted, Parallel};
use serde_json::Value;

use crate::support::{Ended, avt, run, scenario};

/// Returns a scenario that computes on this many CPUs, with claims about the result.
fn computing(cpus: usize) -> String {
    format!(
        r#"
question = "how many at once?"
analysis = "As many as there are CPUs."
workload = "offload"
models = ["threads", "async"]
jobs = 4
compute = "1ms"
cpus = {cpus}
rounds = {{ quick = 2, full = 2 }}

[[claim]]
says = "The work by what these CPUs do at once"
metric = "wall"
model = "threads"
expect = "jobs * compute / P"
ratio = [0, inf]

[[claim]]
says = "At least one executes"
metric = "executing"
model = "threads"
expect = "1"
ratio = [1, inf]
"#
    )
}

/// Returns an echo scenario with these models, more keys at the top and at the end, and as little load as possible.
fn echo(models: &str, top: &str, more: &str) -> String {
    format!(
        "question = \"does it echo?\"\nanalysis = \"It should.\"\nworkload = \"echo\"\nmodels = {models}\n{top}\n\
         rounds = {{ quick = 1, full = 1 }}\n\
         [load]\nloop = \"closed\"\nconnections = 2\nwarmup = \"0s\"\nduration = \"20ms\"\ndrain = \"50ms\"\n{more}\n"
    )
}

/// Runs a scenario with `--json`. Returns its exit, its output, and the folder of the run.
fn run_scenario(home: &Path, name: &str, toml: &str, more: &[&str]) -> (Ended, Value, PathBuf) {
    let out = home.join(format!("{name}-{}", more.len()));
    let mut command = avt(["run", "--json", "--out"]);
    command.arg(&out).arg(scenario(home, name, toml)).args(more);
    let ended = run(command);
    let json = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    (ended, json, out)
}

fn read(folder: &Path) -> (Run, Vec<Record>) {
    Folder::read(folder).unwrap()
}

/// Returns the reasons for too few CPUs, one per round and cell, from the JSON output.
fn too_few(json: &Value) -> Vec<String> {
    let rounds = json["cells"].as_array().unwrap().iter().flat_map(|cell| cell["gates"].as_array().unwrap());
    let gates = rounds.flat_map(|round| round["not_passed"].as_array().unwrap());
    gates.filter(|gate| gate["name"] == "too few CPUs").map(|gate| gate["why"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_trial_on_one_cpu_is_pinned_and_predicted_accordingly() {
    let home = tempfile::tempdir().unwrap();
    let (ended, json, out) = run_scenario(home.path(), "one", &computing(1), &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(too_few(&json).is_empty(), "{json}");
    for cell in json["cells"].as_array().unwrap() {
        assert_eq!((&cell["ideal_ns"], &cell["predicted_ns"]), (&4_000_000.into(), &4_000_000.into()), "{cell}");
    }
    assert_eq!(json["claims"][0]["expected"], 4_000_000.0, "P of one CPU is 1: {json}");

    let (run, records) = read(&out);
    assert_eq!(run.parallel.pinned(), [(1, Parallel::measured([]))]);
    assert_eq!(run.parallel.all().cpus() as usize, host::cpus().len());
    for record in records {
        let (cpus, wanted) = (record.conditions.cpus, record.conditions.cpus_wanted);
        assert_eq!((cpus as usize, wanted), (host::cpus().len(), Some(CpusWanted { model: 1, generator: 0 })));
        if let Outcome::Traced(traced) = record.outcome {
            assert_eq!(traced.cpus, 1, "the recorded trial is pinned as well");
        }
    }
    let page = fs::read_to_string(out.join("one.html")).unwrap();
    assert!(page.contains("Each trial was pinned to 1 CPU, as the scenario requires."), "{page}");
}

#[test]
fn a_trial_that_requires_too_many_cpus_is_measured_and_invalid() {
    let home = tempfile::tempdir().unwrap();
    let wanted = 64.max(host::cpus().len() + 1);
    let why = format!("the scenario requires {wanted} CPUs, but this machine offers {}", host::cpus().len());
    let (ended, json, out) = run_scenario(home.path(), "many", &computing(wanted), &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let before = format!("many needs {wanted} CPUs, but avt may use only {}", host::cpus().len());
    assert!(ended.stderr.contains(&before), "{}", ended.stderr);
    assert_eq!(too_few(&json), vec![why.clone(); 4], "two rounds of two models: {json}");
    for cell in json["cells"].as_array().unwrap() {
        assert!(cell["measured"]["wall_ns"]["median"].as_f64().unwrap() > 0.0, "{cell}");
        assert!(cell["gates"].as_array().unwrap().iter().all(|round| round["verdict"] == "invalid"), "{cell}");
    }
    for claim in json["claims"].as_array().unwrap() {
        assert_eq!((&claim["verdict"], &claim["why"]), (&"inconclusive".into(), &"2 of 2 rounds are INVALID".into()));
    }

    let (run, _) = read(&out);
    assert_eq!(run.judged.unwrap().invalid, 6, "two rounds of two models and the control");
    assert_eq!(
        run.parallel.pinned(),
        [(wanted as u32, run.parallel.all().clone())],
        "measured on all CPUs of the machine"
    );
    // The page is computed from the records alone.
    let page = out.join("many.html");
    let before = fs::read_to_string(&page).unwrap();
    assert!(before.contains("too few CPUs: INVALID in 6 of 6 trials") && before.contains(&why), "{before}");
    assert!(before.contains(&format!("the scenario requires {wanted}, but no more were available.")), "{before}");
    fs::remove_file(&page).unwrap();
    assert_eq!(crate::support::run(avt(["report".as_ref(), out.as_os_str()])).code, Some(0));
    assert_eq!(fs::read_to_string(&page).unwrap(), before);

    let (ended, ..) = run_scenario(home.path(), "many", &computing(wanted), &["--strict"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
}

#[test]
fn a_server_on_one_cpu_is_pinned_with_all_its_children() {
    let home = tempfile::tempdir().unwrap();
    let seen = home.path().join("seen");
    let serve = format!(
        "grep Cpus_allowed_list /proc/self/status >> {}; {} serve --model async --addr 127.0.0.1:$PORT & wait",
        seen.display(),
        env!("CARGO_BIN_EXE_avt"),
    );
    let server = format!("[server]\ncommand = [\"sh\", \"-c\", {serve:?}]");
    let toml = echo("[\"async/2\", \"external\"]", "server_cpus = 1", &server);
    let (ended, json, out) = run_scenario(home.path(), "served", &toml, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let cpus = host::cpus();
    let enough = cpus.len() >= 2;
    assert_eq!(too_few(&json).is_empty(), enough, "{json}");

    let (run, records) = read(&out);
    assert!(run.ceilings.iter().all(|ceiling| ceiling.server_cpus == Some(1)) && run.ceilings.len() == 1);
    assert_eq!(run.parallel.pinned(), [(1, Parallel::measured([]))]);
    for record in records {
        assert_eq!(record.conditions.cpus_wanted, Some(CpusWanted { model: 1, generator: 1 }));
        match record.outcome {
            Outcome::Traced(traced) => assert_eq!(traced.cpus, 1),
            Outcome::Measured(measured) if enough => {
                let (server, generator) = measured.load.unwrap().cpus;
                assert_eq!((server, generator), (vec![cpus[0]], vec![cpus[cpus.len() - 1]]), "{}", record.cell.model);
            }
            Outcome::Measured(_) => {}
            Outcome::Failed(failure) => panic!("{}: {failure}", record.cell.model),
        }
    }
    let seen = fs::read_to_string(seen).unwrap();
    let expected = format!("Cpus_allowed_list:\t{}\n", cpus[0]);
    assert!(!seen.is_empty() && seen.lines().all(|line| line == expected.trim_end()), "{seen}");
}

#[test]
fn a_server_that_leaves_no_cpu_to_the_generator_is_measured_and_invalid() {
    let home = tempfile::tempdir().unwrap();
    let all = host::cpus().len();
    let toml = echo("[\"async\"]", &format!("server_cpus = {all}"), "");
    let (ended, json, out) = run_scenario(home.path(), "greedy", &toml, &["--strict"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    let cpus = if all == 1 { "1 CPU".to_owned() } else { format!("{all} CPUs") };
    let why = format!(
        "the scenario requires {cpus} for the server and 1 for the load generator, but this machine offers {all}"
    );
    assert_eq!(too_few(&json), [why]);
    let (_, records) = read(&out);
    assert!(matches!(&records[0].outcome, Outcome::Measured(measured) if measured.jobs > 0), "{records:?}");
}

#[test]
fn shared_cpus_of_server_and_generator_are_reported() {
    let home = tempfile::tempdir().unwrap();
    let (ended, _, out) = run_scenario(home.path(), "shared", &echo("[\"async\"]", "", "pin = \"none\""), &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (_, records) = read(&out);
    for record in &records {
        let Outcome::Measured(measured) = &record.outcome else { continue };
        assert_eq!(measured.load.as_ref().unwrap().cpus, (host::cpus(), host::cpus()));
    }
    let page = fs::read_to_string(out.join("shared.html")).unwrap();
    assert!(page.contains("Server and load generator shared CPU"), "{page}");
    // The finding is reported only if the machine has no CPUs to spare.
    assert_eq!(page.contains("CPUs shared: "), host::cpus().len() <= 2, "{page}");
}
