//! `cpu_limit` end to end: what is recorded where a control group can be made, and what is printed where it cannot.

use async_vs_threads::host::CpuLimit;
use async_vs_threads::record::{Folder, Outcome, Record};
use async_vs_threads::scenario::Metric;
use serde_json::Value;

use crate::support::{avt, run, scenario};

/// Two jobs that compute on two CPUs for 150 ms of CPU time each, under this limit.
fn computing(limit: &str) -> String {
    format!(
        "question = \"How long?\"\nanalysis = \"As long as the limit lets it.\"\nworkload = \"offload\"\n\
         models = [\"pool/2\"]\njobs = 2\ncompute = \"150ms\"\n{limit}\nrounds = {{ quick = 1, full = 1 }}\n"
    )
}

/// Requests that compute, to a server under this limit.
fn serving(limit: &str) -> String {
    format!(
        "question = \"How fast?\"\nanalysis = \"As fast as the limit lets it.\"\nworkload = \"echo\"\n\
         models = [\"async\"]\ncompute = \"5ms\"\n{limit}\nrounds = {{ quick = 1, full = 1 }}\n\
         [load]\nloop = \"closed\"\nconnections = 2\nwarmup = \"100ms\"\nduration = \"500ms\"\ndrain = \"500ms\"\n"
    )
}

/// Runs a scenario, and returns the throttled time of each measured trial, nanoseconds; `None` if it was skipped, with
/// the reason that this test process finds too.
fn throttled(name: &str, toml: &str) -> Option<Vec<Option<u64>>> {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let mut command = avt(["run", "--json", "--out"]);
    command.arg(&out).arg(scenario(home.path(), name, toml));
    let ended = run(command);
    if let Err(error) = CpuLimit::new(1.0) {
        assert_eq!(ended.code, Some(3), "{ended:?}");
        let reason = error.to_string();
        let (before, after) = reason.split_once("/avt-").unwrap_or((&reason, ""));
        assert!(ended.stderr.contains(&format!("{name} was skipped: ")), "{ended:?}");
        let remedy = after.rsplit("; ").next().unwrap_or_default();
        let joined = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(joined.contains(before) && joined.contains(remedy), "{reason}: {ended:?}");
        return None;
    }
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let json: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(json["skipped"], Value::Array(Vec::new()));
    let (_, records) = Folder::read(&out).unwrap();
    let measured = records.into_iter().filter_map(|record: Record| match record.outcome {
        Outcome::Measured(measured) => Some(measured.throttled_ns),
        Outcome::Traced(_) => None,
        Outcome::Failed(failure) => panic!("{failure:?}"),
    });
    Some(measured.collect())
}

#[test]
fn jobs_under_a_cpu_limit_are_stopped_once_they_have_used_it_up() {
    // 300 ms of CPU time at 0.5 CPUs: at least two periods end with a stop.
    let Some(limited) = throttled("limited", &computing("cpu_limit = 0.5")) else { return };
    assert_eq!(limited.len(), 2, "the model and its control");
    assert!(limited.iter().all(|ns| ns.is_some_and(|ns| ns > 0)), "{limited:?}");
    assert_eq!(throttled("free", &computing("")).unwrap(), [None, None], "without a limit, nothing is recorded");
    let ample = throttled("ample", &computing("cpu_limit = 1024")).unwrap();
    assert_eq!(ample, [Some(0), Some(0)], "no machine of this test has as many CPUs");
}

#[test]
fn a_server_under_a_cpu_limit_is_stopped_and_its_load_generator_is_not() {
    let Some(limited) = throttled("limited", &serving("cpu_limit = 0.2")) else { return };
    assert!(limited.iter().all(|ns| ns.is_some_and(|ns| ns > 100_000_000)), "{limited:?}");
}

#[test]
fn throttled_time_is_a_figure_only_under_a_limit() {
    for (limit, expected) in [("", false), ("cpu_limit = 1", true)] {
        let scenario = async_vs_threads::scenario::parse("test.toml", &computing(limit)).unwrap();
        assert_eq!(Metric::Throttled.applies_to(&scenario.points[0].work), expected, "{limit:?}");
    }
}
