//! Loads with a known result, in simulated time: tests what is recorded, and to which side it is attributed.
//!
//! `cargo bench --bench oracles` runs such loads on a real clock and real sockets.

use std::time::Duration;

use super::simulation::{Frozen, MS, START, Simulated, SimulatedServer, Simulation, ThreadPool, US, constant};
use super::*;
use crate::gate::{Finding, Verdict};
use crate::schedule::{Arrivals, Pacing};

const SECOND: u64 = 1_000 * MS;
const CLOSED: ArrivalSpec = ArrivalSpec::Closed { think: Duration::ZERO };

fn open(rate: f64, arrivals: Arrivals) -> ArrivalSpec {
    ArrivalSpec::Open { rate, arrivals, pacing: Pacing::Hybrid }
}

fn even(rate: f64) -> ArrivalSpec {
    open(rate, Arrivals::Even)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Checks that a value is within this share of the expected one. Values are in nanoseconds.
fn assert_near(found: u64, expected: u64, share: f64, what: &str) {
    let distance = (found as f64 - expected as f64).abs();
    assert!(distance <= share * expected as f64, "{what}: {found} instead of {expected}");
}

#[test]
fn an_undisturbed_load_is_valid_at_every_rate() {
    for (rate, length) in [(0.1, 40), (1.0, 20), (10.0, 10), (1_000.0, 8), (20_000.0, 3), (100_000.0, 1)] {
        for arrivals in [Arrivals::Even, Arrivals::Poisson] {
            for pacing in [Pacing::Sleep, Pacing::Hybrid, Pacing::Spin] {
                // Busy-waiting for a minute of simulated time takes longer than a test should.
                if pacing == Pacing::Spin && length > 10 {
                    continue;
                }
                let simulation = Simulation::new(ArrivalSpec::Open { rate, arrivals, pacing }, 50, seconds(length));
                let Simulated { load, series, findings, .. } = simulation.run(constant(100 * US));
                let expected = rate * length as f64;
                if arrivals == Arrivals::Even {
                    assert_near(load.requests.planned, expected.ceil() as u64, 1.0 / expected, "planned");
                }
                assert_eq!(load.requests.completed, load.requests.planned, "{rate} {arrivals:?} {pacing:?}");
                // The last request may be due just before the window ends.
                assert!(load.sent_in_window + 1 >= load.requests.planned, "{rate} {arrivals:?} {pacing:?}");
                assert_near(series[0].service_time.quantile(0.5).unwrap(), 100 * US, 0.05, "service time");
                let blames_generator = |finding: &&Finding| {
                    matches!(finding, Finding::Paused { .. } | Finding::Behind { .. } | Finding::Little { .. })
                };
                assert_eq!(findings.iter().find(blames_generator), None, "{rate} {arrivals:?} {pacing:?}");
                assert_eq!(load.thread_costs[0].pauses, 0, "{rate} {arrivals:?} {pacing:?}");
            }
        }
    }
}

#[test]
fn a_stop_of_the_generator_makes_the_load_invalid() {
    for connections in [10, 50] {
        for arrival in [even(1_000.0), open(1_000.0, Arrivals::Poisson), even(20_000.0), CLOSED] {
            for at in [0, 1_300, 4_000, 7_800] {
                let mut simulation = Simulation::new(arrival, connections, seconds(8));
                let undisturbed = simulation.run(constant(100 * US));
                assert_ne!(undisturbed.verdict(), Verdict::Invalid, "{:?}", undisturbed.findings);
                let stop = START + at * MS + 137 * US;
                simulation.stops = vec![(stop, stop + 300 * MS)];
                let stopped = simulation.run(constant(100 * US));
                let what = format!("{arrival:?} over {connections}, stopped at {at} ms");
                assert_eq!(stopped.verdict(), Verdict::Invalid, "{what}: {:?}", stopped.findings);
                let lag = &stopped.load.send_lag;
                let total = |histogram: &Histogram| histogram.mean().unwrap() * histogram.len() as f64;
                if arrival.offered().is_some() {
                    // In 300 ms, rate x 0.3 requests were due, each late by half of that on average, plus the time to
                    // catch up: a quarter of the time at 20,000/s over 10 connections.
                    let due = arrival.offered().unwrap() * 0.3;
                    let by_pause = total(&lag.late) / (due * 150e6);
                    assert!((0.75..1.35).contains(&by_pause), "{what}: {by_pause}");
                    // While the generator caught up, no connection was free for a moment; that is its own doing too.
                    assert!(total(&lag.no_connection) < 0.02 * total(&lag.late), "{what}");
                }
                // Requests in flight during the stop were answered long before the generator noticed.
                if connections == 50 && arrival == CLOSED && at > 0 {
                    assert_near(stopped.load.service_pauses.max().unwrap(), 300 * MS, 0.02, &what);
                }
                assert_near(stopped.load.thread_costs[0].longest_pause_ns, 300 * MS, 0.02, &what);
            }
        }
    }
}

#[test]
fn a_short_generator_pause_does_not_excuse_a_saturated_server() {
    // The server answers 5,000 of the 10,000 requests/s that are due.
    let mut simulation = Simulation::new(even(10_000.0), 10, seconds(4));
    simulation.stops = vec![(START + 500 * MS, START + 502 * MS)];
    let mut free_at = 0;
    let saturated = simulation.run(move |_: usize, at: u64| {
        free_at = at.max(free_at) + 200 * US;
        Some(free_at)
    });
    let lag = &saturated.load.send_lag;
    assert!(lag.no_connection.mean().unwrap() > 100.0 * lag.late.mean().unwrap(), "{lag:?}");
    let blamed =
        |finding: &&Finding| matches!(finding, Finding::Behind { .. } | Finding::Late { .. } | Finding::Paused { .. });
    assert_eq!(saturated.findings.iter().find(blamed), None, "{:?}", saturated.findings);
}

#[test]
fn short_stops_of_the_generator_are_detected_too() {
    for (length, expected) in [(1, Verdict::Valid), (20, Verdict::Suspect), (150, Verdict::Invalid)] {
        for arrival in [even(1_000.0), CLOSED] {
            let mut simulation = Simulation::new(arrival, 10, seconds(20));
            simulation.stops = vec![(START + 5_003 * MS, START + (5_003 + length) * MS)];
            let stopped = simulation.run(constant(100 * US));
            let paused = |finding: &&Finding| matches!(finding, Finding::Paused { .. });
            let verdict = stopped.findings.iter().find(paused).map_or(Verdict::Valid, Finding::verdict);
            assert_eq!(verdict, expected, "{length} ms, {arrival:?}: {:?}", stopped.findings);
            // While a closed loop waits for a response, only its timer reveals a stop.
            let is_detected = stopped.load.thread_costs[0].pauses == 1;
            assert!(is_detected || arrival == CLOSED && length < 5, "{length} ms, {arrival:?}");
        }
    }
}

#[test]
fn only_the_part_of_a_stop_within_the_window_counts() {
    let mut simulation = Simulation::new(even(1_000.0), 10, seconds(1));
    simulation.stops = vec![(START + 900 * MS, START + 1_200 * MS)];
    let stopped = simulation.run(constant(100 * US));
    let thread = &stopped.load.thread_costs[0];
    assert_near(thread.paused_ns, 100 * MS, 0.02, "in the window");
    assert_near(thread.longest_pause_ns, 300 * MS, 0.02, "until its end");
}

#[test]
fn the_generator_is_not_blamed_for_a_frozen_server() {
    for connections in [10, 500] {
        for at in [300, 1_000, 2_000, 3_300, 3_800] {
            let simulation = Simulation::new(even(1_000.0), connections, seconds(4));
            let from = START + at * MS;
            let frozen = simulation.run(Frozen::new(10 * US, from, from + 400 * MS));
            let what = format!("over {connections}, frozen at {at} ms");
            // 5 % of all requests were due in the second half of the freeze, 1 % in its first tenth.
            let held = 400.min(4_000 - at);
            assert_near(frozen.response(1.0), 400 * MS, 0.02, &what);
            if held == 400 {
                assert_near(frozen.response(0.95), 200 * MS, 0.04, &what);
                assert_near(frozen.response(0.99), 360 * MS, 0.04, &what);
            }
            assert_eq!(frozen.load.requests.completed, 4_000, "{what}");
            let blamed = |finding: &&Finding| {
                matches!(
                    finding,
                    Finding::Behind { .. } | Finding::Paused { .. } | Finding::Late { .. } | Finding::Little { .. }
                )
            };
            assert_eq!(frozen.findings.iter().find(blamed), None, "{what}: {:?}", frozen.findings);
        }
    }
}

#[test]
fn a_connection_stuck_since_the_warm_up_is_starved() {
    for arrival in [even(2_000.0), open(2_000.0, Arrivals::Poisson), CLOSED] {
        for warmup in [0, 300] {
            let mut simulation = Simulation::new(arrival, 200, seconds(2));
            simulation.plan.warmup = millis(warmup);
            simulation.plan.drain = millis(200);
            let Simulated { load, series, findings, in_window } = simulation.run(ThreadPool::new(16, 100 * US));
            let what = format!("{arrival:?} after a warm-up of {warmup} ms");
            assert_eq!(load.connections_starved, 184, "{what}");
            assert_eq!(load.requests.unfinished, 184, "{what}: {:?}", load.requests);
            // All requests that were due in the window are answered, on the connections that are served.
            assert_eq!(load.carried_over, if warmup == 0 { 0 } else { 184 }, "{what}");
            let share = load.answered_share(in_window);
            assert!(arrival == CLOSED || warmup == 0 || (0.98..1.02).contains(&share), "{what}: {share}");
            assert_eq!(load.most_in_flight.min(184), 184, "{what}");
            assert!(load.mean_in_flight <= 200.0 && load.mean_in_flight > 150.0, "{what}: {}", load.mean_in_flight);
            // Unfinished requests have waited for most of the window, and for longer than all of it if they are stuck
            // since the warm-up.
            assert!(series[0].response_time.max().unwrap() >= 2 * SECOND, "{what}");
            assert!(series[0].lower_bound_from_ns.is_some(), "{what}");
            assert!(findings.contains(&Finding::Starved { connections: 184, of: 200 }), "{what}: {findings:?}");
            assert!(
                findings.iter().any(|finding| matches!(finding, Finding::Unanswered { .. })),
                "{what}: {findings:?}"
            );
            assert!(!findings.iter().any(|finding| matches!(finding, Finding::Little { .. })), "{what}: {findings:?}");
        }
    }
}

#[test]
fn a_starved_connection_times_out_and_starves_again() {
    for arrival in [even(2_000.0), CLOSED] {
        for warmup in [0, 300] {
            let mut simulation = Simulation::new(arrival, 200, seconds(2));
            simulation.plan.warmup = millis(warmup);
            simulation.plan.timeout = millis(700);
            let Simulated { load, .. } = simulation.run(ThreadPool::new(16, 100 * US));
            let what = format!("{arrival:?} after a warm-up of {warmup} ms: {:?}", load.requests);
            assert_eq!(load.connections_starved, 184, "{what}");
            assert!(load.requests.timed_out >= 2 * 184, "{what}");
        }
    }
}

#[test]
fn a_request_count_is_exact_apart_from_requests_stuck_since_the_warm_up() {
    for warmup in [0, 50] {
        let mut simulation = Simulation::new(CLOSED, 20, seconds(1));
        simulation.plan.warmup = millis(warmup);
        simulation.plan.until = Until::Requests(1_000);
        simulation.plan.timeout = seconds(1);
        let Simulated { load, .. } = simulation.run(ThreadPool::new(16, 100 * US));
        assert_eq!(load.connections_starved, 4, "{:?}", load.requests);
        assert_eq!(load.requests.timed_out, 4, "{:?}", load.requests);
        let extra = if warmup == 0 { 0 } else { 4 };
        assert_eq!(load.requests.planned, 1_000 + extra, "{:?}", load.requests);
        let served = Simulation { plan: LoadPlan { connections: 16, ..simulation.plan.clone() }, ..simulation };
        let Simulated { load, .. } = served.run(ThreadPool::new(16, 100 * US));
        assert_eq!((load.requests.planned, load.requests.completed), (1_000, 1_000));
    }
}

#[test]
fn a_short_window_does_not_overrepresent_long_requests() {
    /// On each connection, 7 of 1,000 requests take 100 ms, the others 200 us.
    struct SomeAreSlow {
        asked: Vec<u64>,
    }
    impl SimulatedServer for SomeAreSlow {
        fn respond(&mut self, connection: usize, at: u64) -> Option<u64> {
            self.asked[connection] += 1;
            let mut drawn = crate::random::stream(connection as u64, self.asked[connection]);
            Some(at + if drawn.f64() < 0.007 { 100 * MS } else { 200 * US })
        }
    }
    let share = |window: u64| {
        let mut simulation = Simulation::new(CLOSED, 400, millis(window));
        simulation.plan.warmup = seconds(1);
        let Simulated { load, series, .. } = simulation.run(SomeAreSlow { asked: vec![0; 400] });
        assert_eq!(load.requests.completed, load.requests.planned);
        series[0].response_time.count_from(50 * MS) as f64 / load.requests.completed as f64
    };
    for window in [150, 1_000] {
        let share = share(window);
        assert!((0.006..0.008).contains(&share), "{window} ms: {share}");
    }
}

#[test]
fn one_unanswered_request_in_a_hundred_times_out() {
    for warmup in [0, 1_000] {
        let mut simulation = Simulation::new(even(500.0), 50, seconds(5));
        simulation.plan.warmup = millis(warmup);
        simulation.plan.timeout = seconds(1);
        let mut asked = 0;
        let some = move |_: usize, at: u64| {
            asked += 1;
            (asked % 100 != 0).then_some(at + 100 * US)
        };
        let Simulated { load, series, .. } = simulation.run(some);
        assert_eq!((load.requests.planned, load.requests.timed_out), (2_500, 25), "{:?}", load.requests);
        assert_eq!(load.requests.completed, 2_475);
        assert!(series[0].lower_bound_from_ns.unwrap() >= SECOND);
        assert_eq!(load.connections_starved, 0);
        assert_eq!(load.warmup_requests.planned, 500 * warmup / 1_000);
    }
}

#[test]
fn a_server_that_never_answers_is_measured() {
    for arrival in [even(1_000.0), CLOSED] {
        let mut simulation = Simulation::new(arrival, 5, seconds(1));
        simulation.plan.warmup = millis(100);
        simulation.plan.drain = millis(100);
        let Simulated { load, series, in_window, .. } = simulation.run(|_: usize, _: u64| None);
        assert_eq!((in_window, load.connections_starved, load.requests.completed), (0, 5, 0));
        assert_eq!(load.requests.unfinished, 5, "{arrival:?}");
        assert_eq!(series[0].response_time.len(), load.requests.planned, "{arrival:?}");
    }
}

#[test]
fn a_server_that_closes_after_each_response_obeys_littles_law() {
    struct Closing;
    impl SimulatedServer for Closing {
        fn respond(&mut self, _connection: usize, at: u64) -> Option<u64> {
            Some(at + 100 * US)
        }

        fn connect_ns(&self) -> Option<u64> {
            Some(80 * US)
        }
    }
    for arrival in [even(1_000.0), CLOSED] {
        let closing = Simulation::new(arrival, 10, seconds(2)).run(Closing);
        assert_eq!(closing.load.requests.completed, closing.load.requests.planned);
        let broken = |finding: &&Finding| matches!(finding, Finding::Little { .. } | Finding::Unanswered { .. });
        assert_eq!(closing.findings.iter().find(broken), None, "{arrival:?}");
        assert_near(closing.series[0].service_time.quantile(0.5).unwrap(), 100 * US, 0.02, "service time");
    }
}

#[test]
fn a_single_server_with_one_queue_behaves_like_m_m_1() {
    /// Handles one request at a time, with an exponential service time of this mean, nanoseconds. Logs each response
    /// time.
    struct SingleQueue {
        mean: f64,
        free_at: u64,
        rng: fastrand::Rng,
        log: std::rc::Rc<std::cell::RefCell<Vec<u64>>>,
    }
    impl SimulatedServer for SingleQueue {
        fn respond(&mut self, _connection: usize, at: u64) -> Option<u64> {
            let service = -self.mean * (1.0 - self.rng.f64()).ln();
            self.free_at = self.free_at.max(at) + service as u64;
            self.log.borrow_mut().push(self.free_at - at);
            Some(self.free_at)
        }
    }
    let log = std::rc::Rc::default();
    let simulation = Simulation::new(open(400.0, Arrivals::Poisson), 1_000, seconds(100));
    let mean = 2e6;
    let found = simulation.run(SingleQueue {
        mean,
        free_at: 0,
        rng: crate::random::stream(7, 7),
        log: std::rc::Rc::clone(&log),
    });
    let mut log = log.borrow_mut();
    log.sort_unstable();
    for share in [0.5, 0.9, 0.99] {
        let expected = log[(share * log.len() as f64) as usize];
        assert_near(found.response(share), expected, 0.03, "against the server's own log");
    }
    // Response times of M/M/1 at a load of 0.8 are exponential with mean 1 / (1 / s - rate).
    assert_near(found.series[0].response_time.mean().unwrap() as u64, 10 * MS, 0.15, "against theory");
    assert_ne!(found.verdict(), Verdict::Invalid, "{:?}", found.findings);
}

#[test]
fn constant_and_bimodal_service_times_are_measured_correctly() {
    let constant = Simulation::new(even(1_000.0), 50, seconds(4)).run(constant(5 * MS));
    for share in [0.5, 0.99] {
        assert_near(constant.response(share), 5 * MS, 0.02, "constant");
    }
    let mut asked = 0;
    let bimodal = move |_: usize, at: u64| {
        asked += 1;
        Some(at + if asked % 50 == 0 { 100 * MS } else { MS })
    };
    let bimodal = Simulation::new(even(1_000.0), 50, seconds(4)).run(bimodal);
    assert_near(bimodal.response(0.5), MS, 0.05, "bimodal");
    assert_near(bimodal.response(0.99), 100 * MS, 0.02, "bimodal");
}

#[test]
fn busy_waiting_is_abandoned_if_it_costs_the_cpu() {
    let run = |pacing| {
        let arrival = ArrivalSpec::Open { rate: 1_000.0, arrivals: Arrivals::Poisson, pacing };
        let mut simulation = Simulation::new(arrival, 10, seconds(10));
        // Another program takes the CPU for a time slice each time it is yielded.
        simulation.hog_ns = 4 * MS;
        simulation.run(constant(100 * US))
    };
    let (sleep, hybrid, spin) = (run(Pacing::Sleep), run(Pacing::Hybrid), run(Pacing::Spin));
    let p50 = |one: &Simulated| one.response(0.5) as f64;
    assert!(p50(&hybrid) <= 1.2 * p50(&sleep), "{} against {}", p50(&hybrid), p50(&sleep));
    assert!(p50(&spin) > 5.0 * p50(&sleep), "busy-waiting is late on a busy CPU");
    assert!(hybrid.load.thread_costs[0].timer_only_ns > 9 * SECOND, "{:?}", hybrid.load.thread_costs);
    assert_eq!((sleep.load.thread_costs[0].timer_only_ns, spin.load.thread_costs[0].timer_only_ns), (0, 0));
}
