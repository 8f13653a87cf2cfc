//! Tests loads that are sound except for one fault, and the gate that finds it.

use super::*;
use crate::histogram::Histogram;
use crate::record::{Requests, SendLag};
use crate::usage::Stolen;

const WALL: u64 = 1_000_000_000;

/// One second with 10,000 responses, each 1 ms after its request was due.
fn sound() -> (LoadRecord, Vec<Series>) {
    let recorded = |nanos| {
        let mut histogram = Histogram::default();
        histogram.record_many(nanos, 10_000);
        histogram
    };
    let times = || recorded(1_000_000);
    let load = LoadRecord {
        offered_per_s: Some(10_000.0),
        pacing: Some(Pacing::Hybrid),
        sent_in_window: 10_000,
        connections_planned: 50,
        connections_opened: 50,
        requests: Requests { planned: 10_000, completed: 10_000, ..Requests::default() },
        send_lag: SendLag { total: recorded(2_000), late: recorded(2_000), no_connection: recorded(0) },
        mean_in_flight: 10.0,
        threads: 1,
        thread_costs: vec![GeneratorThread {
            ran_ns: Some(WALL),
            waited_ns: Some(0),
            busy_waited_ns: WALL / 2,
            ..GeneratorThread::default()
        }],
        stolen: Some(Stolen { cpu_ns: 0, of_ns: 2 * WALL }),
        cpus: (vec![0], vec![1]),
        ..LoadRecord::default()
    };
    (load, vec![Series::of_jobs("requests", times(), times())])
}

fn judge(load: &LoadRecord, series: &[Series]) -> Vec<Finding> {
    check_load(load, series, WALL, load.requests.completed)
}

fn judge_changed(change: impl FnOnce(&mut LoadRecord)) -> (Verdict, Vec<Finding>) {
    let (mut load, series) = sound();
    change(&mut load);
    let findings = judge(&load, &series);
    (verdict(&findings), findings)
}

#[test]
fn a_sound_load_passes_every_gate() {
    assert_eq!(judge_changed(|_| ()), (Verdict::Valid, vec![]));
}

#[test]
fn each_single_fault_is_found() {
    let late = |share_of_all: u64, nanos| {
        move |load: &mut LoadRecord| load.send_lag.late.record_many(nanos, 10_000 * share_of_all / 100)
    };
    for (change, expected) in [
        (Box::new(late(2, 330_000)) as Box<dyn FnOnce(&mut LoadRecord)>, Verdict::Valid),
        (Box::new(late(2, 340_000)), Verdict::Suspect),
        (Box::new(late(2, 990_000)), Verdict::Suspect),
        (Box::new(late(2, 1_100_000)), Verdict::Invalid),
        (Box::new(late(200, 99_000)), Verdict::Valid),
        (Box::new(late(200, 102_000)), Verdict::Suspect),
        (Box::new(late(200, 510_000)), Verdict::Invalid),
        (Box::new(|load| load.thread_costs[0].waited_ns = Some(WALL * 3 / 100)), Verdict::Valid),
        (Box::new(|load| load.thread_costs[0].waited_ns = Some(WALL * 4 / 100)), Verdict::Suspect),
        (Box::new(|load| load.thread_costs[0].waited_ns = Some(WALL * 21 / 100)), Verdict::Invalid),
        (Box::new(|load| load.stolen = Some(Stolen { cpu_ns: WALL / 50, of_ns: WALL })), Verdict::Valid),
        (Box::new(|load| load.stolen = Some(Stolen { cpu_ns: WALL / 50, of_ns: 3 * WALL / 2 })), Verdict::Valid),
        (Box::new(|load| load.stolen = Some(Stolen { cpu_ns: WALL / 20, of_ns: 2 * WALL })), Verdict::Suspect),
        (Box::new(|load| load.stolen = Some(Stolen { cpu_ns: WALL / 5, of_ns: 2 * WALL })), Verdict::Invalid),
        (Box::new(|load| load.cpus.0 = vec![1]), Verdict::Suspect),
        (Box::new(|load| load.mean_in_flight = 11.0), Verdict::Suspect),
        (Box::new(|load| load.connections_starved = 1), Verdict::Suspect),
        (
            Box::new(|load| {
                load.errors.insert("local_no_port".into(), 10);
            }),
            Verdict::Valid,
        ),
        (
            Box::new(|load| {
                load.errors.insert("local_no_port".into(), 11);
            }),
            Verdict::Suspect,
        ),
        (
            Box::new(|load| {
                load.errors.insert("local_no_descriptor".into(), 1_001);
            }),
            Verdict::Invalid,
        ),
        (
            Box::new(|load| {
                load.errors.insert("refused".into(), 5_000);
            }),
            Verdict::Valid,
        ),
    ] {
        let (verdict, findings) = judge_changed(change);
        assert_eq!((verdict, findings.len()), (expected, usize::from(expected != Verdict::Valid)), "{findings:?}");
        assert!(findings.iter().all(|finding| !finding.to_string().is_empty() && !finding.advice().is_empty()));
    }
}

/// The sound load, with a response time for each of its 10,000 requests, which are due at equal intervals.
fn over_time(took: &dyn Fn(u64) -> u64) -> (LoadRecord, Vec<Series>) {
    let (mut load, series) = sound();
    (0..10_000).for_each(|k| load.over_time.record(k * 100_000, took(k)));
    (load, series)
}

#[test]
fn a_growing_queue_is_unsteady_and_a_stall_is_not() {
    let took = |took: &dyn Fn(u64) -> u64| {
        let (load, series) = over_time(took);
        judge(&load, &series)
    };
    assert_eq!(took(&|_| 1_000_000), []);
    assert_eq!(took(&|k| if k / 1_000 == 4 { 80_000_000 } else { 1_000_000 + k % 7 * 10_000 }), [], "a stall");
    assert_eq!(took(&|k| 1_000_000 + 30 * k), [], "slower by 20 %");
    let findings = took(&|k| 1_000_000 + 100 * k);
    let [Finding::Unsteady { ratio }] = findings[..] else { panic!("{findings:?}") };
    assert!((1.4..1.8).contains(&ratio), "{ratio}");
    let findings = took(&|k| 3_000_000 - 200 * k);
    assert!(matches!(findings[..], [Finding::Unsteady { ratio }] if ratio < 0.6), "{findings:?}");
}

#[test]
fn unsteadiness_is_judged_only_if_the_load_can_be_steady() {
    let (mut load, series) = over_time(&|k| 1_000_000 + 100 * k);
    assert_eq!(check_load(&load, &series, WALL - 1, 10_000), [], "too short a window");
    assert_eq!(check_load(&load, &series, WALL, 9_899), [], "an overloaded server");
    load.offered_per_s = None;
    assert_eq!(judge(&load, &series), [], "a closed loop");
}

#[test]
fn a_p99_caused_by_a_single_event_is_suspect() {
    const MS: u64 = 1_000_000;
    let check = |took: &dyn Fn(u64) -> u64, expected: bool| {
        let (load, series) = over_time(took);
        let findings = judge(&load, &series);
        assert_eq!(
            findings.iter().any(|finding| matches!(finding, Finding::OneEvent { .. })),
            expected,
            "{findings:?}"
        );
        assert!(findings.len() <= 1 && verdict(&findings) <= Verdict::Suspect, "{findings:?}");
    };
    let stall = |requests: u64, length: u64| move |k| if k / requests == 3 { length } else { MS };
    check(&stall(101, 5 * MS), true);
    check(&stall(99, 5 * MS), false);
    check(&stall(101, 19 * MS / 10), false);
    // As many slow requests, spread out: many events.
    check(&|k| if k % 50 == 0 { 5 * MS } else { MS }, false);
    // Two fifths of the tail come from one event, the rest from many.
    check(&|k| if k / 80 == 3 || k % 80 == 0 { 5 * MS } else { MS }, false);
    // An event that lasts longer than a tenth of the window is part of the load.
    check(&stall(2_000, 5 * MS), false);
    let (mut load, series) = over_time(&stall(101, 5 * MS));
    load.connections_starved = 1;
    assert!(matches!(judge(&load, &series)[..], [Finding::Starved { .. }]));
}

#[test]
fn a_busy_generator_is_reported_if_the_rate_was_not_reached() {
    let check = |busy: u64, sent: u64, answered: u64, expected: &[&str]| {
        let (mut load, series) = sound();
        load.thread_costs[0] =
            GeneratorThread { ran_ns: Some(WALL * busy / 100), waited_ns: Some(0), ..GeneratorThread::default() };
        load.sent_in_window = sent;
        // The wait it records because it notices late that a connection is free.
        load.send_lag.no_connection.record_many(1_000_000_000, 1_000);
        let names = |load: &LoadRecord| -> Vec<&str> {
            check_load(load, &series, WALL, answered).iter().map(Finding::name).collect()
        };
        assert_eq!(names(&load), expected, "{busy} {sent} {answered}");
        load.offered_per_s = None;
        assert_eq!(names(&load), [""; 0], "a closed loop is as fast as it can be");
    };
    check(99, 10_000, 10_000, &[]);
    check(99, 9_900, 9_900, &[]);
    check(91, 9_899, 9_900, &["generator busy"]);
    check(91, 10_000, 9_899, &["generator busy"]);
    check(90, 9_000, 9_000, &[]);
}

#[test]
fn a_shared_cpu_is_reported_once_with_the_verdict_of_what_it_explains() {
    let check = |waited: u64, late: u64, paused: u64, expected: Verdict| {
        let (verdict, findings) = judge_changed(|load| {
            load.cpus.0 = vec![1];
            load.send_lag.late.record_many(late, 20_000);
            let thread = &mut load.thread_costs[0];
            thread.waited_ns = Some(waited);
            (thread.pauses, thread.paused_ns, thread.longest_pause_ns) = (1, paused, paused);
        });
        assert!(matches!(findings[..], [Finding::SharedCpus { .. }]), "{findings:?}");
        assert_eq!(verdict, expected, "{findings:?}");
    };
    check(0, 0, 0, Verdict::Suspect);
    check(WALL / 10, 200_000, WALL / 50, Verdict::Suspect);
    check(WALL / 10, 800_000, 0, Verdict::Invalid);
    check(WALL / 4, 0, 0, Verdict::Invalid);
    check(WALL / 10, 0, WALL / 10, Verdict::Invalid);
    // A stopped thread did not wait for a CPU.
    let (_, findings) = judge_changed(|load| {
        load.cpus.0 = vec![1];
        (load.thread_costs[0].paused_ns, load.thread_costs[0].longest_pause_ns) = (WALL / 10, WALL / 10);
    });
    assert!(matches!(findings[..], [Finding::Paused { .. }, Finding::SharedCpus { .. }]), "{findings:?}");
}

#[test]
fn the_generator_is_blamed_for_unsent_requests_unless_no_connection_was_free() {
    let (mut load, series) = sound();
    load.sent_in_window = 9_000;
    assert_eq!(judge(&load, &series), [Finding::Behind { share: 0.9 }]);
    load.send_lag.no_connection.record_many(1_000_000_000, 1_000);
    assert_eq!(judge(&load, &series), []);
    load.offered_per_s = None;
    assert_eq!(judge(&load, &series), []);
}

#[test]
fn the_generator_is_not_blamed_for_requests_that_lacked_a_connection() {
    // The first requests of an overloaded server found free connections, and the others were never sent.
    let (mut load, series) = sound();
    load.sent_in_window = 2_000;
    load.requests =
        Requests { planned: 10_000, completed: 1_950, unfinished: 50, unsent: 8_000, ..Requests::default() };
    assert!(!judge(&load, &series).iter().any(|finding| matches!(finding, Finding::Behind { .. })));
    // With a free connection left, they could have been sent.
    load.requests = Requests { completed: 1_951, unfinished: 49, ..load.requests };
    assert!(judge(&load, &series).contains(&Finding::Behind { share: 0.2 }));
}

#[test]
fn the_generator_is_not_blamed_for_unanswered_requests() {
    let (mut load, series) = sound();
    load.requests = Requests { planned: 10_000, completed: 9_000, unfinished: 1_000, ..Requests::default() };
    assert_eq!(judge(&load, &series), []);
}

#[test]
fn a_generator_pause_is_judged_by_its_length_and_its_effect_on_the_tail() {
    let check = |pauses: GeneratorThread, paused: &[(u64, u64)], tail: &[(u64, u64)], expected: Verdict| {
        let (mut load, mut series) = sound();
        load.thread_costs[0] = GeneratorThread { ran_ns: Some(WALL / 2), waited_ns: Some(0), ..pauses };
        paused.iter().for_each(|(nanos, n)| series[0].paused_response_time.record_many(*nanos, *n));
        paused.iter().chain(tail).for_each(|(nanos, n)| series[0].response_time.record_many(*nanos, *n));
        let findings = judge(&load, &series);
        assert_eq!(verdict(&findings), expected, "{findings:?}");
        assert!(findings.iter().all(|finding| matches!(finding, Finding::Paused { .. })), "{findings:?}");
    };
    const MS: u64 = 1_000_000;
    let one =
        |nanos| GeneratorThread { pauses: 1, paused_ns: nanos, longest_pause_ns: nanos, ..GeneratorThread::default() };
    check(one(4 * MS), &[], &[], Verdict::Valid);
    check(one(12 * MS), &[], &[], Verdict::Suspect);
    check(one(100 * MS), &[], &[], Verdict::Invalid);
    let many = GeneratorThread { pauses: 60, paused_ns: 60 * MS, longest_pause_ns: MS, ..GeneratorThread::default() };
    check(many, &[], &[], Verdict::Invalid);
    check(GeneratorThread { paused_ns: 31 * MS, ..many }, &[], &[], Verdict::Suspect);
    check(GeneratorThread { paused_ns: 30 * MS, ..many }, &[], &[], Verdict::Valid);
    // Of 10,200 requests, 102 are from the 99th percentile on.
    check(one(4 * MS), &[(5 * MS, 200)], &[], Verdict::Invalid);
    check(one(4 * MS), &[(5 * MS, 40)], &[(6 * MS, 160)], Verdict::Valid);
    check(one(4 * MS), &[(7 * MS, 110)], &[(4 * MS, 110)], Verdict::Suspect);
    // They are a third of the tail, but without them the tail would be no shorter.
    check(one(4 * MS), &[(7 * MS, 60)], &[(4 * MS, 110)], Verdict::Valid);
}

#[test]
fn a_late_generator_comes_with_advice() {
    let advice = |change: fn(&mut LoadRecord)| {
        let (_, findings) = judge_changed(|load| {
            load.send_lag.late.record_many(900_000, 300);
            change(load);
        });
        let late = findings.iter().find(|finding| matches!(finding, Finding::Late { .. }));
        late.unwrap_or_else(|| panic!("{findings:?}")).advice()
    };
    assert!(advice(|_| ()).contains("quiet"));
    assert!(advice(|load| load.pacing = Some(Pacing::Sleep)).contains("--pacing hybrid"));
    assert!(advice(|load| load.thread_costs[0].waited_ns = Some(WALL / 100)).contains("CPU of its own"));
    assert!(advice(|load| load.thread_costs[0].timer_only_ns = WALL / 2).contains("CPU of its own"));
    assert!(advice(|load| load.thread_costs[0].busy_waited_ns = 0).contains("more generator threads"), "busy");
}

#[test]
fn a_load_with_mostly_failed_requests_is_invalid() {
    let check = |failed: u64, expected: Verdict| {
        let (mut load, series) = sound();
        load.requests.failed = failed;
        load.requests.planned += failed;
        // The numbers of responses, sent and due requests are equal, so that no other gate fires.
        load.offered_per_s = None;
        let findings = judge(&load, &series);
        assert_eq!(verdict(&findings), expected, "{failed}: {findings:?}");
        assert_eq!(
            findings.iter().any(|finding| matches!(finding, Finding::Failed { .. })),
            expected != Verdict::Valid
        );
    };
    check(500, Verdict::Valid);
    check(600, Verdict::Suspect);
    check(9_900, Verdict::Suspect);
    check(10_100, Verdict::Invalid);
    check(490_000, Verdict::Invalid);
}

#[test]
fn littles_law_reveals_requests_that_never_end() {
    let (mut load, series) = sound();
    // 184 requests hang for the whole window, beside an average of 10 that are served.
    load.mean_in_flight = 194.0;
    load.unanswered_ns = 184 * WALL;
    load.at_the_edges_ns = -184 * WALL as i64;
    let findings = judge(&load, &series);
    let [Finding::Unanswered { in_flight, unanswered }] = findings[..] else { panic!("{findings:?}") };
    assert_eq!((in_flight, unanswered), (194.0, 184.0));
    // A request that is not accounted for is a defect.
    load.unanswered_ns = 0;
    load.at_the_edges_ns = 0;
    assert!(matches!(judge(&load, &series)[..], [Finding::Little { .. }]));
}
