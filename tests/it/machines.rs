//! The built-in scenarios on simulated machines of 1 to 64 CPUs: no number of CPUs refutes a claim.
//!
//! The simulation does not use the formulas of the claims: its threads hold, queue and share CPUs as real threads do.

mod records;
mod simulate;

use std::collections::{BTreeMap, BTreeSet};

use async_vs_threads::analysis::claims::{ClaimVerdict, Reason};
use async_vs_threads::analysis::{Choice, Meets};
use async_vs_threads::scenario::{Parallel, Scenario, builtin, parse};

use self::records::simulate_run;

/// Returns machines whose CPUs are whole cores, and machines whose CPUs are hyper-threads.
fn machines() -> Vec<(&'static str, Parallel)> {
    vec![
        ("1 CPU", Parallel::ideal(1)),
        ("2 CPUs", Parallel::ideal(2)),
        ("2 halves of a core", Parallel::measured([(2, 1.25)])),
        ("4 CPUs", Parallel::ideal(4)),
        ("6 CPUs", Parallel::ideal(6)),
        ("8 halves of 4 cores", Parallel::measured([(2, 2.0), (4, 4.0), (8, 5.2)])),
        ("8 CPUs", Parallel::ideal(8)),
        ("64 CPUs", Parallel::ideal(64)),
    ]
}

/// Returns the verdict on each claim on this machine, by scenario, statement, model and point.
fn verdicts(scenarios: &[Scenario], machine: &Parallel) -> BTreeMap<[String; 4], (ClaimVerdict, Reason, String)> {
    let fixture = simulate_run(scenarios, machine);
    let analysis = fixture.analysis();
    let mut all = BTreeMap::new();
    for scenario in &analysis.scenarios {
        for judged in &scenario.claims {
            let name = scenario.scenario.name.clone();
            let key = [name, judged.claim.says.clone(), judged.model.to_string(), judged.point.to_string()];
            let figures = format!(
                "{:?} times {} = {:?}, claimed {:?}",
                judged.ratio.map(|ratio| ratio.ratio),
                judged.claim.against,
                judged.expected,
                judged.claim.bounds
            );
            all.insert(key, (judged.verdict, judged.reason, figures));
        }
    }
    all
}

/// The scenarios whose claims depend on what is not simulated: to which core the kernel assigns a connection and what it
/// costs that one worker wakes another, and the periods of a CPU limit.
const NOT_SIMULATED: [&str; 2] = ["thread-per-core", "cpu-limit"];

/// Returns the built-in scenarios that have claims and can be simulated.
fn scenarios() -> Vec<Scenario> {
    let all = builtin::all().iter().map(builtin::Builtin::scenario);
    all.filter(|scenario| !scenario.claims.is_empty() && !NOT_SIMULATED.contains(&scenario.name.as_str())).collect()
}

/// A claim that depends on the ticks of a real kernel.
const TICKS: &str = "On one CPU, the p99 of cheap requests beside offloaded work is at least that among threads";

/// Simulates a server on two CPUs, one of them its own, and checks which models meet the objective, and the choice.
fn check_advice(steps: &str, load: &str, meet: &[&str], choice: Option<&str>) {
    let text = format!(
        "question = \"Q?\"\nanalysis = \"A.\"\nworkload = \"echo\"\n\
         models = [\"threads\", \"async\", \"async+blocking\"]\n{steps}\n[load]\nloop = \"open\"\nduration = \"2s\"\n{load}\n"
    );
    let scenario = parse("advise.toml", &text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let fixture = simulate_run(&[scenario], &Parallel::ideal(2));
    let analysis = fixture.analysis();
    let advice = analysis.scenarios[0].advice.as_ref().unwrap();
    let met = advice.rows.iter().filter(|row| row.meets == Meets::Yes).map(|row| row.model.to_string());
    assert_eq!(met.collect::<Vec<_>>(), meet, "{steps}, {load}: {advice:?}");
    let chosen = if let Choice::Model { model, .. } = &advice.choice { Some(model.to_string()) } else { None };
    assert_eq!(chosen.as_deref(), choice, "{steps}, {load}: {:?}", advice.choice);
}

#[test]
fn advice_agrees_with_arithmetic() {
    let all = ["threads", "async", "async+blocking"];
    // 2,000 calls of 3 ms per second hold six threads.
    let blocking = "connections = 200\nrate = [2000, \"max\"]\nslo = \"p99<50ms\"";
    check_advice("block = \"3ms\"", blocking, &["threads", "async+blocking"], Some("threads"));
    // A CPU computes 200 times 5 ms per second, under any model.
    check_advice("compute = \"5ms\"", "connections = 50\nrate = 100\nslo = \"p99<500ms\"", &all, Some("threads"));
    check_advice("compute = \"5ms\"", "connections = 50\nrate = 400\nslo = \"p99<500ms\"", &[], None);
    // 20 permits let 1,000 requests of 20 ms through.
    let permits = "wait = \"20ms\"\npermits = 20";
    check_advice(permits, "connections = 200\nrate = 700\nslo = \"p99<200ms\"", &all, Some("threads"));
    check_advice(permits, "connections = 200\nrate = 1500\nslo = \"p99<200ms\"", &[], None);
}

#[test]
fn no_number_of_cpus_refutes_a_claim() {
    let scenarios = scenarios();
    let mut failures = Vec::new();
    let mut decided = BTreeSet::new();
    for (name, machine) in machines() {
        for (claim, (verdict, reason, figures)) in verdicts(&scenarios, &machine) {
            match verdict {
                ClaimVerdict::Refuted => failures.push(format!("{name}: {claim:?}: {figures}")),
                ClaimVerdict::Reproduced => drop(decided.insert(claim)),
                // A machine with too few CPUs for the scenario decides no claim.
                ClaimVerdict::Inconclusive if matches!(reason, Reason::Invalid { .. }) && machine.cpus() <= 2 => {}
                // The simulated kernel shares its CPUs evenly at every instant, without ticks.
                ClaimVerdict::Inconclusive if claim[1] == TICKS => {}
                ClaimVerdict::Inconclusive => failures.push(format!("{name}: {claim:?}: {reason:?}: {figures}")),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(decided.len() > 100, "only {} claims were decided", decided.len());
}

#[test]
fn a_claim_about_two_cpus_is_refuted_by_eight() {
    let text = r#"
question = "Are threads as fast as two workers?"
analysis = "On two CPUs they are."
workload = "offload"
models = ["threads", "async/2"]
jobs = 8
compute = "50ms"

[[claim]]
says = "Threads and async workers compute alike"
metric = "wall"
model = "threads"
baseline = "async/2"
ratio = [0.9, 1.1]
"#;
    let pinned = text.replace("jobs = 8", "jobs = 8\ncpus = 2");
    for (text, cpus, expected) in [
        (text, 2, ClaimVerdict::Reproduced),
        (text, 8, ClaimVerdict::Refuted),
        (&pinned, 8, ClaimVerdict::Reproduced),
        (&pinned, 1, ClaimVerdict::Inconclusive),
    ] {
        let scenario = parse("threads.toml", text).unwrap();
        let verdicts: Vec<_> = verdicts(&[scenario], &Parallel::ideal(cpus)).into_values().collect();
        assert_eq!(verdicts.len(), 1);
        assert_eq!(verdicts[0].0, expected, "{cpus} CPUs: {:?}", verdicts[0]);
    }
}

#[test]
fn a_machine_with_too_few_cpus_decides_no_claim() {
    let scenarios: Vec<Scenario> = scenarios().into_iter().filter(requires_two_cpus).collect();
    assert!(scenarios.len() > 8, "only {} scenarios require a number of CPUs", scenarios.len());
    for (claim, (verdict, reason, _)) in verdicts(&scenarios, &Parallel::ideal(1)) {
        assert_eq!(verdict, ClaimVerdict::Inconclusive, "{claim:?}");
        assert!(matches!(reason, Reason::Invalid { .. }), "{claim:?}: {reason:?}");
    }
}

fn requires_two_cpus(scenario: &Scenario) -> bool {
    let mut wanted = scenario
        .points
        .iter()
        .flat_map(|point| scenario.models.iter().filter_map(|model| point.work.cpus_wanted(*model)));
    wanted.any(|wanted| wanted.all() >= 2)
}
