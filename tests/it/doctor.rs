//! `avt doctor`: that every part of it is measured and told. How large the figures are is the machine's affair.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{Running, avt, run};

#[test]
fn every_part_is_measured() {
    let ended = run(avt(["doctor", "--quick", "--json"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&told["partial"], &told["failures"]), (&Value::Bool(false), &Value::Array(vec![])), "{told}");
    assert!(told["clock"]["read_ns"].as_f64().unwrap() > 0.0, "{told}");

    assert!((0.0..=1.0).contains(&told["pauses"]["share"].as_f64().unwrap()), "{told}");

    let timers = told["timers"].as_array().unwrap();
    assert_eq!(timers.len(), 6, "three timers, asked for two times: {told}");
    assert!(timers.iter().all(|timer| timer["late_us"]["count"] == 300), "{told}");

    let generator = &told["generator"];
    for figure in [&generator["floor_us"], &generator["ceiling"]["per_s"], &generator["ceiling"]["server_cpu_share"]] {
        assert!(figure["median"].as_f64().unwrap() > 0.0, "{told}");
    }
    let pacing = generator["pacing"].as_array().unwrap();
    let of = |key: &str| pacing.iter().map(|one| one[key].to_string()).collect::<std::collections::BTreeSet<_>>();
    assert_eq!((pacing.len(), of("pacing").len(), of("offered_per_s").len()), (9, 3, 3), "{told}");
    for one in pacing {
        let median = |key: &str| one[key]["median"].as_f64().unwrap();
        assert!(median("late_p99_us") >= median("late_p50_us") && median("achieved_per_s") > 0.0, "{one}");
    }
    assert!(told["advice"].as_array().unwrap().len() >= 2, "{told}");
}

#[test]
fn what_was_measured_before_a_signal_is_told() {
    let mut doctor = avt(["doctor"]);
    let mut doctor = Running(doctor.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut began = String::new();
    BufReader::new(doctor.0.stderr.as_mut().unwrap()).read_line(&mut began).unwrap();
    kill(Pid::from_raw(doctor.0.id() as i32), Signal::SIGINT).unwrap();
    let mut text = String::new();
    doctor.0.stdout.as_mut().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(doctor.0.wait().unwrap().code(), Some(130), "{began}{text}");
    assert!(text.starts_with("Ended early"), "{text}");
    assert!(text.contains("This machine\n") && text.contains("a look at it costs"), "{text}");
}
