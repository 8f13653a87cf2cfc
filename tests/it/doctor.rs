//! `avt doctor`: every part is measured and reported. The figures themselves depend on the machine.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{Running, avt, run};

#[test]
fn doctor_measures_every_part() {
    let ended = run(avt(["doctor", "--quick", "--json"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&report["partial"], &report["failures"]), (&Value::Bool(false), &Value::Array(vec![])), "{report}");
    assert!(report["clock"]["read_ns"].as_f64().unwrap() > 0.0, "{report}");

    assert!((0.0..=1.0).contains(&report["pauses"]["share"].as_f64().unwrap()), "{report}");

    let timers = report["timers"].as_array().unwrap();
    assert_eq!(timers.len(), 6, "three timers with two durations each: {report}");
    assert!(timers.iter().all(|timer| timer["late_us"]["count"] == 300), "{report}");

    let generator = &report["generator"];
    for figure in [&generator["floor_us"], &generator["ceiling"]["per_s"], &generator["ceiling"]["server_cpu_share"]] {
        assert!(figure["median"].as_f64().unwrap() > 0.0, "{report}");
    }
    let pacing = generator["pacing"].as_array().unwrap();
    let distinct = |key: &str| pacing.iter().map(|one| one[key].to_string()).collect::<std::collections::BTreeSet<_>>();
    assert_eq!((pacing.len(), distinct("pacing").len(), distinct("offered_per_s").len()), (9, 3, 3), "{report}");
    for one in pacing {
        let median = |key: &str| one[key]["median"].as_f64().unwrap();
        assert!(median("late_p99_us") >= median("late_p50_us") && median("achieved_per_s") > 0.0, "{one}");
    }
    assert!(report["advice"].as_array().unwrap().len() >= 2, "{report}");
}

#[test]
fn a_signal_prints_what_was_measured_so_far() {
    let mut doctor = avt(["doctor"]);
    let mut doctor = Running(doctor.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut first_line = String::new();
    BufReader::new(doctor.0.stderr.as_mut().unwrap()).read_line(&mut first_line).unwrap();
    kill(Pid::from_raw(doctor.0.id() as i32), Signal::SIGINT).unwrap();
    let mut text = String::new();
    doctor.0.stdout.as_mut().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(doctor.0.wait().unwrap().code(), Some(130), "{first_line}{text}");
    assert!(text.starts_with("Ended early"), "{text}");
    assert!(text.contains("This machine\n") && text.contains("a read takes"), "{text}");
}
