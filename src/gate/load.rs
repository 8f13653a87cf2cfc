//! The gates of a load.

use super::over_time::{one_event, unsteady};
use super::{
    BUSY, Cause, ENOUGH, EXHAUSTED, FAILED, Gate, KEPT_UP, LATE_P50, LATE_P99, LENGTHENED, LITTLE, PAUSE, PAUSED,
    PAUSED_TAIL, QUEUED, Verdict, lengthened, machine, ratio, verdict,
};
use crate::record::{GeneratorThread, LoadRecord, Series};
use crate::schedule::Pacing;

/// Returns the gates that a load did not pass, of which so many requests were answered within its window of `wall_ns`.
pub fn of_load(load: &LoadRecord, series: &[Series], wall_ns: u64, answered: u64) -> Vec<Gate> {
    let mut gates = of_generator(load, series, wall_ns, answered);
    gates.extend(load.stolen.and_then(machine::stolen));
    gates
}

/// The same without what the host took, which a trial counts for itself.
pub(super) fn of_generator(load: &LoadRecord, series: &[Series], wall_ns: u64, answered: u64) -> Vec<Gate> {
    let busy = busy(load, wall_ns);
    let queued = waited(load, wall_ns);
    let (behind, paused) = (behind(load), paused(load, series, wall_ns));
    let kept_up = kept_up(load, answered);
    let gates = [
        late(load, series, busy, queued),
        paused,
        behind,
        overworked(busy, kept_up).filter(|_| behind.is_none()),
        queued.filter(|share| *share > QUEUED.0).map(|share| Gate::Queued { share }),
        one_event(load, wall_ns).filter(|_| paused.is_none()),
        little(load, series, wall_ns),
        exhausted(load),
        unsteady(&load.over_time, wall_ns).filter(|_| kept_up.is_some_and(|share| share >= KEPT_UP)),
        failed(load),
        (load.connections_starved > 0)
            .then_some(Gate::Starved { connections: load.connections_starved, of: load.connections_asked }),
    ];
    let gates = gates.into_iter().flatten().collect();
    match shared_cpus(load) {
        None => gates,
        Some(cpus) => blame_shared_cpus(gates, cpus, queued),
    }
}

/// The largest part of the window for which a generator thread worked; nothing where the kernel does not record it.
pub(super) fn busy(load: &LoadRecord, wall_ns: u64) -> Option<f64> {
    largest(load, wall_ns, |thread| Some(thread.ran_ns?.saturating_sub(thread.spun_ns)))
}

/// Requests sent or answered in the window, whichever is less, for each that was due in it; nothing in a closed loop, in
/// which no request is due whatever happens.
pub(super) fn kept_up(load: &LoadRecord, answered: u64) -> Option<f64> {
    load.offered_per_s?;
    Some(sent(load).min(load.answered_share(answered)))
}

/// Requests sent in the window for each that was due in it.
fn sent(load: &LoadRecord) -> f64 {
    load.sent_in_window as f64 / load.requests.planned.max(1) as f64
}

fn waited(load: &LoadRecord, wall_ns: u64) -> Option<f64> {
    largest(load, wall_ns, |thread| thread.waited_ns)
}

fn late(load: &LoadRecord, series: &[Series], busy: Option<f64>, queued: Option<f64>) -> Option<Gate> {
    /// A thread that waited for its CPU this share of the time was late because of it.
    const HELD_UP: f64 = 0.005;
    let response_time = &series.first()?.response_time;
    let late = &load.send_lag.late;
    let (p50_ns, response_p50_ns) = (late.quantile(0.5)?, response_time.quantile(0.5)?);
    // Too few requests have no 99th percentile, and none is judged.
    let p99_ns = late.credible_quantile(0.99).zip(response_time.credible_quantile(0.99));
    let has_stepped_down = load.thread_costs.iter().any(|thread| thread.timer_only_ns > 0);
    let cause = match load.pacing {
        _ if has_stepped_down || queued.is_some_and(|share| share > HELD_UP) => Cause::Queued,
        _ if busy.is_some_and(|share| share > BUSY) => Cause::Busy,
        Some(Pacing::Sleep) => Cause::Timer,
        _ => Cause::Unknown,
    };
    let is_late =
        ratio(p50_ns, response_p50_ns) > LATE_P50.0 || p99_ns.is_some_and(|(late, all)| ratio(late, all) > LATE_P99.0);
    is_late.then_some(Gate::Late { p50_ns, p99_ns, response_p50_ns, cause })
}

fn paused(load: &LoadRecord, series: &[Series], wall_ns: u64) -> Option<Gate> {
    let longest_ns = load.thread_costs.iter().map(|thread| thread.longest_pause_ns).max()?;
    let most = load.thread_costs.iter().max_by_key(|thread| thread.paused_ns)?;
    let share = ratio(most.paused_ns, wall_ns);
    let tail = |series: &Series| {
        let p99 = series.response_time.credible_quantile(0.99)?;
        let all = series.response_time.count_from(p99);
        let without = series.response_time.quantile_without(&series.paused_response_time, 0.99)?;
        Some((series.paused_response_time.count_from(p99) as f64 / all.max(1) as f64, (p99, without)))
    };
    let worst = series.iter().filter_map(tail).max_by(|(a, _), (b, _)| a.total_cmp(b));
    let (tail, p99_ns) = worst.map_or((0.0, None), |(tail, p99)| (tail, Some(p99)));
    let is_in_tail = tail > PAUSED_TAIL.0 && lengthened(p99_ns) > LENGTHENED.0;
    let is_long = longest_ns >= PAUSE.0 || share > PAUSED.0 || is_in_tail;
    // A thread that is stopped does not wait for a CPU meanwhile.
    let is_for_cpu = most.waited_ns.is_some_and(|waited| waited >= most.paused_ns / 2);
    let cause = if is_for_cpu { Cause::Queued } else { Cause::Unknown };
    is_long.then_some(Gate::Paused { longest_ns, share, tail, p99_ns, cause })
}

/// Only an open loop has requests that are due whatever happens. What was sent in time and not answered is the server's
/// doing, and what waited for a connection waited for the server.
fn behind(load: &LoadRecord) -> Option<Gate> {
    load.offered_per_s?;
    let share = sent(load);
    let is_ours = load.send_lag.late.mean() > load.send_lag.no_connection.mean();
    (share < KEPT_UP && is_ours && load.requests.planned >= ENOUGH).then_some(Gate::Behind { share })
}

/// A generator that has no time left notices late that a connection is free, and books the wait as the server's: whoever
/// it was that did not keep up cannot be told.
fn overworked(busy: Option<f64>, kept_up: Option<f64>) -> Option<Gate> {
    let (share, kept_up) = (busy?, kept_up?);
    (share > BUSY && kept_up < KEPT_UP).then_some(Gate::Busy { share, kept_up })
}

/// The largest share of the window that one of the threads spent so.
fn largest(load: &LoadRecord, wall_ns: u64, part: impl Fn(&GeneratorThread) -> Option<u64>) -> Option<f64> {
    let most = load.thread_costs.iter().filter_map(part).max()?;
    Some(ratio(most, wall_ns))
}

/// How many CPUs server and generator compete for. Where there is room for both, the kernel keeps them apart by itself.
fn shared_cpus(load: &LoadRecord) -> Option<usize> {
    let (server, generator) = &load.cpus;
    let cpus = server.iter().filter(|cpu| generator.contains(cpu)).count();
    (cpus > 0 && cpus <= load.threads as usize + 1).then_some(cpus)
}

/// Says once that server and generator share CPUs, in place of each gate that follows from it.
fn blame_shared_cpus(gates: Vec<Gate>, cpus: usize, waited: Option<f64>) -> Vec<Gate> {
    let (explained, mut others): (Vec<Gate>, Vec<Gate>) = gates.into_iter().partition(Gate::is_wait_for_cpu);
    others.push(Gate::SharedCpus { cpus, waited, verdict: verdict(&explained).max(Verdict::Suspect) });
    others
}

/// What failed, where that is a share to speak of. Those that were waited for are found by Little's law.
fn failed(load: &LoadRecord) -> Option<Gate> {
    let (requests, of) = (load.requests.failed, load.requests.planned);
    (ratio(requests, of) > FAILED.0).then_some(Gate::Failed { requests, of })
}

/// Whether many requests got no connection because this machine had nothing left to make one of.
fn exhausted(load: &LoadRecord) -> Option<Gate> {
    const CLASSES: [&str; 2] = ["local_no_port", "local_no_descriptor"];
    let failed: u64 = CLASSES.iter().filter_map(|class| load.errors.get(*class)).sum();
    let share = failed as f64 / load.requests.planned.max(1) as f64;
    (share > EXHAUSTED.0).then_some(Gate::Exhausted { share })
}

fn little(load: &LoadRecord, series: &[Series], wall_ns: u64) -> Option<Gate> {
    let nanos: f64 =
        series.iter().filter_map(|one| Some(one.service_time.mean()? * one.service_time.len() as f64)).sum();
    let in_window = |nanos: f64| nanos / wall_ns.max(1) as f64;
    let expected = in_window(nanos - load.at_the_edges_ns as f64);
    let unanswered = in_window(load.unanswered_ns as f64);
    let in_flight = load.mean_in_flight;
    if (in_flight - expected).abs() > LITTLE * in_flight.max(expected) {
        return Some(Gate::Little { in_flight, expected });
    }
    (unanswered > LITTLE * in_flight).then_some(Gate::Unanswered { in_flight, unanswered })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Histogram;
    use crate::record::{Requests, SendLag};
    use crate::usage::Stolen;

    const WALL: u64 = 1_000_000_000;

    /// A second of 10,000 answers, each 1 ms after its request was due.
    fn good() -> (LoadRecord, Vec<Series>) {
        let of = |nanos| {
            let mut histogram = Histogram::default();
            histogram.record_many(nanos, 10_000);
            histogram
        };
        let times = || of(1_000_000);
        let load = LoadRecord {
            offered_per_s: Some(10_000.0),
            pacing: Some(Pacing::Hybrid),
            sent_in_window: 10_000,
            connections_asked: 50,
            connections_opened: 50,
            requests: Requests { planned: 10_000, completed: 10_000, ..Requests::default() },
            send_lag: SendLag { total: of(2_000), late: of(2_000), no_connection: of(0) },
            mean_in_flight: 10.0,
            threads: 1,
            thread_costs: vec![GeneratorThread {
                ran_ns: Some(WALL),
                waited_ns: Some(0),
                spun_ns: WALL / 2,
                ..GeneratorThread::default()
            }],
            stolen: Some(Stolen { cpu_ns: 0, of_ns: 2 * WALL }),
            cpus: (vec![0], vec![1]),
            ..LoadRecord::default()
        };
        (load, vec![Series::of_jobs("requests", times(), times())])
    }

    fn judge(load: &LoadRecord, series: &[Series]) -> Vec<Gate> {
        of_load(load, series, WALL, load.requests.completed)
    }

    fn judged(change: impl FnOnce(&mut LoadRecord)) -> (Verdict, Vec<Gate>) {
        let (mut load, series) = good();
        change(&mut load);
        let gates = judge(&load, &series);
        (verdict(&gates), gates)
    }

    #[test]
    fn a_good_load_passes_every_gate() {
        assert_eq!(judged(|_| ()), (Verdict::Valid, vec![]));
    }

    #[test]
    fn each_sign_of_a_sick_generator_is_found() {
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
            let (verdict, gates) = judged(change);
            assert_eq!((verdict, gates.len()), (expected, usize::from(expected != Verdict::Valid)), "{gates:?}");
            assert!(gates.iter().all(|gate| !gate.to_string().is_empty() && !gate.advice().is_empty()));
        }
    }

    /// The good second with a response time for each of its 10,000 requests, which are due at equal steps.
    fn over_time(took: &dyn Fn(u64) -> u64) -> (LoadRecord, Vec<Series>) {
        let (mut load, series) = good();
        (0..10_000).for_each(|k| load.over_time.record(k * 100_000, took(k)));
        (load, series)
    }

    #[test]
    fn a_line_that_grows_is_found_and_a_stall_or_a_jump_is_not() {
        let took = |took: &dyn Fn(u64) -> u64| {
            let (load, series) = over_time(took);
            judge(&load, &series)
        };
        assert_eq!(took(&|_| 1_000_000), []);
        assert_eq!(took(&|k| if k / 1_000 == 4 { 80_000_000 } else { 1_000_000 + k % 7 * 10_000 }), [], "a stall");
        assert_eq!(took(&|k| 1_000_000 + 30 * k), [], "by 20 %");
        let gates = took(&|k| 1_000_000 + 100 * k);
        let [Gate::Unsteady { ratio }] = gates[..] else { panic!("{gates:?}") };
        assert!((1.4..1.8).contains(&ratio), "{ratio}");
        let gates = took(&|k| 3_000_000 - 200 * k);
        assert!(matches!(gates[..], [Gate::Unsteady { ratio }] if ratio < 0.6), "{gates:?}");
    }

    #[test]
    fn a_load_is_called_unsteady_only_where_it_can_be_steady() {
        let (mut load, series) = over_time(&|k| 1_000_000 + 100 * k);
        assert_eq!(of_load(&load, &series, WALL - 1, 10_000), [], "too short a window");
        assert_eq!(of_load(&load, &series, WALL, 9_899), [], "an overloaded server");
        load.offered_per_s = None;
        assert_eq!(judge(&load, &series), [], "a closed loop");
    }

    #[test]
    fn a_99th_percentile_that_one_event_makes_is_suspect() {
        const MS: u64 = 1_000_000;
        let check = |took: &dyn Fn(u64) -> u64, expected: bool| {
            let (load, series) = over_time(took);
            let gates = judge(&load, &series);
            assert_eq!(gates.iter().any(|gate| matches!(gate, Gate::OneEvent { .. })), expected, "{gates:?}");
            assert!(gates.len() <= 1 && verdict(&gates) <= Verdict::Suspect, "{gates:?}");
        };
        let stall = |requests: u64, length: u64| move |k| if k / requests == 3 { length } else { MS };
        check(&stall(101, 5 * MS), true);
        check(&stall(99, 5 * MS), false);
        check(&stall(101, 19 * MS / 10), false);
        // As many that are heavy, one after the other: many events.
        check(&|k| if k % 50 == 0 { 5 * MS } else { MS }, false);
        // Two fifths of the tail are of one event, and the others of many.
        check(&|k| if k / 80 == 3 || k % 80 == 0 { 5 * MS } else { MS }, false);
        // An event that lasts for longer than a tenth of the window is what the load was like.
        check(&stall(2_000, 5 * MS), false);
        let (mut load, series) = over_time(&stall(101, 5 * MS));
        load.connections_starved = 1;
        assert!(matches!(judge(&load, &series)[..], [Gate::Starved { .. }]));
    }

    #[test]
    fn a_generator_without_time_to_spare_is_named_where_a_rate_was_not_reached() {
        let check = |busy: u64, sent: u64, answered: u64, expected: &[&str]| {
            let (mut load, series) = good();
            load.thread_costs[0] =
                GeneratorThread { ran_ns: Some(WALL * busy / 100), waited_ns: Some(0), ..GeneratorThread::default() };
            load.sent_in_window = sent;
            // What it books where it notices late that a connection is free.
            load.send_lag.no_connection.record_many(1_000_000_000, 1_000);
            let names = |load: &LoadRecord| -> Vec<&str> {
                of_load(load, &series, WALL, answered).iter().map(Gate::name).collect()
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
    fn a_shared_cpu_is_named_once_and_as_bad_as_what_it_explains() {
        let check = |waited: u64, late: u64, paused: u64, expected: Verdict| {
            let (verdict, gates) = judged(|load| {
                load.cpus.0 = vec![1];
                load.send_lag.late.record_many(late, 20_000);
                let thread = &mut load.thread_costs[0];
                thread.waited_ns = Some(waited);
                (thread.pauses, thread.paused_ns, thread.longest_pause_ns) = (1, paused, paused);
            });
            assert!(matches!(gates[..], [Gate::SharedCpus { .. }]), "{gates:?}");
            assert_eq!(verdict, expected, "{gates:?}");
        };
        check(0, 0, 0, Verdict::Suspect);
        check(WALL / 10, 200_000, WALL / 50, Verdict::Suspect);
        check(WALL / 10, 800_000, 0, Verdict::Invalid);
        check(WALL / 4, 0, 0, Verdict::Invalid);
        check(WALL / 10, 0, WALL / 10, Verdict::Invalid);
        // One that was stopped did not wait for a CPU.
        let (_, gates) = judged(|load| {
            load.cpus.0 = vec![1];
            (load.thread_costs[0].paused_ns, load.thread_costs[0].longest_pause_ns) = (WALL / 10, WALL / 10);
        });
        assert!(matches!(gates[..], [Gate::Paused { .. }, Gate::SharedCpus { .. }]), "{gates:?}");
    }

    #[test]
    fn what_was_not_sent_in_time_is_ours_unless_the_server_kept_it_waiting() {
        let (mut load, series) = good();
        load.sent_in_window = 9_000;
        assert_eq!(judge(&load, &series), [Gate::Behind { share: 0.9 }]);
        load.send_lag.no_connection.record_many(1_000_000_000, 1_000);
        assert_eq!(judge(&load, &series), []);
        load.offered_per_s = None;
        assert_eq!(judge(&load, &series), []);
    }

    #[test]
    fn what_was_sent_and_not_answered_is_the_server_s() {
        let (mut load, series) = good();
        load.requests = Requests { planned: 10_000, completed: 9_000, unfinished: 1_000, ..Requests::default() };
        assert_eq!(judge(&load, &series), []);
    }

    #[test]
    fn a_pause_of_the_generator_is_judged_by_its_length_and_by_what_it_makes_of_the_tail() {
        let check = |pauses: GeneratorThread, paused: &[(u64, u64)], tail: &[(u64, u64)], expected: Verdict| {
            let (mut load, mut series) = good();
            load.thread_costs[0] = GeneratorThread { ran_ns: Some(WALL / 2), waited_ns: Some(0), ..pauses };
            paused.iter().for_each(|(nanos, n)| series[0].paused_response_time.record_many(*nanos, *n));
            paused.iter().chain(tail).for_each(|(nanos, n)| series[0].response_time.record_many(*nanos, *n));
            let gates = judge(&load, &series);
            assert_eq!(verdict(&gates), expected, "{gates:?}");
            assert!(gates.iter().all(|gate| matches!(gate, Gate::Paused { .. })), "{gates:?}");
        };
        const MS: u64 = 1_000_000;
        let one = |nanos| GeneratorThread {
            pauses: 1,
            paused_ns: nanos,
            longest_pause_ns: nanos,
            ..GeneratorThread::default()
        };
        check(one(4 * MS), &[], &[], Verdict::Valid);
        check(one(12 * MS), &[], &[], Verdict::Suspect);
        check(one(100 * MS), &[], &[], Verdict::Invalid);
        let many =
            GeneratorThread { pauses: 60, paused_ns: 60 * MS, longest_pause_ns: MS, ..GeneratorThread::default() };
        check(many, &[], &[], Verdict::Invalid);
        check(GeneratorThread { paused_ns: 31 * MS, ..many }, &[], &[], Verdict::Suspect);
        check(GeneratorThread { paused_ns: 30 * MS, ..many }, &[], &[], Verdict::Valid);
        // Of 10,200 requests 102 are from p99 on.
        check(one(4 * MS), &[(5 * MS, 200)], &[], Verdict::Invalid);
        check(one(4 * MS), &[(5 * MS, 40)], &[(6 * MS, 160)], Verdict::Valid);
        check(one(4 * MS), &[(7 * MS, 110)], &[(4 * MS, 110)], Verdict::Suspect);
        // They are a third of the tail, which would be no shorter without them.
        check(one(4 * MS), &[(7 * MS, 60)], &[(4 * MS, 110)], Verdict::Valid);
    }

    #[test]
    fn a_late_generator_comes_with_what_would_help() {
        let advice = |change: fn(&mut LoadRecord)| {
            let (_, gates) = judged(|load| {
                load.send_lag.late.record_many(900_000, 300);
                change(load);
            });
            let late = gates.iter().find(|gate| matches!(gate, Gate::Late { .. }));
            late.unwrap_or_else(|| panic!("{gates:?}")).advice()
        };
        assert!(advice(|_| ()).contains("quiet"));
        assert!(advice(|load| load.pacing = Some(Pacing::Sleep)).contains("--pacing hybrid"));
        assert!(advice(|load| load.thread_costs[0].waited_ns = Some(WALL / 100)).contains("CPU of its own"));
        assert!(advice(|load| load.thread_costs[0].timer_only_ns = WALL / 2).contains("CPU of its own"));
        assert!(advice(|load| load.thread_costs[0].spun_ns = 0).contains("more generator threads"), "busy");
    }

    #[test]
    fn a_load_most_of_which_failed_is_no_measurement() {
        let check = |failed: u64, expected: Verdict| {
            let (mut load, series) = good();
            load.requests.failed = failed;
            load.requests.planned += failed;
            // Answered is what was sent and due, so that nothing else is wrong.
            load.offered_per_s = None;
            let gates = judge(&load, &series);
            assert_eq!(verdict(&gates), expected, "{failed}: {gates:?}");
            assert_eq!(gates.iter().any(|gate| matches!(gate, Gate::Failed { .. })), expected != Verdict::Valid);
        };
        check(500, Verdict::Valid);
        check(600, Verdict::Suspect);
        check(9_900, Verdict::Suspect);
        check(10_100, Verdict::Invalid);
        check(490_000, Verdict::Invalid);
    }

    #[test]
    fn requests_that_never_end_are_seen_by_little_s_law() {
        let (mut load, series) = good();
        // 184 requests hang for the whole window, beside 10 that are served on the average.
        load.mean_in_flight = 194.0;
        load.unanswered_ns = 184 * WALL;
        load.at_the_edges_ns = -184 * WALL as i64;
        let gates = judge(&load, &series);
        let [Gate::Unanswered { in_flight, unanswered }] = gates[..] else { panic!("{gates:?}") };
        assert_eq!((in_flight, unanswered), (194.0, 184.0));
        // A request that nobody knows of is a defect.
        load.unanswered_ns = 0;
        load.at_the_edges_ns = 0;
        assert!(matches!(judge(&load, &series)[..], [Gate::Little { .. }]));
    }
}
