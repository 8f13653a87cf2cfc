//! The gates of a load.

use super::{BUSY, DRIFT, ENOUGH, Gate, KEPT_UP, LITTLE, QUEUED, STOLEN};
use crate::record::{GeneratorThread, LoadRecord, Series};
use crate::stats::{self, Spread};
use crate::timeline::Timeline;

/// The gates that a load did not pass. `requests_in_window` are the answers within the window of `wall_ns`.
pub fn of_load(load: &LoadRecord, series: &[Series], wall_ns: u64, requests_in_window: u64) -> Vec<Gate> {
    let response_p50 = series.first().and_then(|series| series.response_time.quantile(0.5));
    let late = &load.send_lag.late;
    let gates = [
        late.quantile(0.5).zip(response_p50).and_then(|(p50_ns, response_p50_ns)| {
            // Of too few requests no 99th percentile is told, and none is judged.
            let p99_ns = late.credible_quantile(0.99).unwrap_or(p50_ns);
            let is_late = p50_ns > response_p50_ns / 10 || p99_ns > response_p50_ns;
            is_late.then_some(Gate::Late { p50_ns, p99_ns, response_p50_ns })
        }),
        behind(load, requests_in_window),
        largest(load, wall_ns, |thread| Some(thread.ran_ns?.saturating_sub(thread.spun_ns)))
            .filter(|share| *share > BUSY)
            .map(|share| Gate::Busy { share }),
        largest(load, wall_ns, |thread| thread.waited_ns)
            .filter(|share| *share > QUEUED.0)
            .map(|share| Gate::Queued { share }),
        load.steal.filter(|share| *share > STOLEN.0).map(|share| Gate::Stolen { share }),
        shared_cpus(load),
        little(load, series, wall_ns),
        unsteady(&load.over_time),
        (load.connections_starved > 0)
            .then_some(Gate::Starved { connections: load.connections_starved, of: load.connections_asked }),
    ];
    gates.into_iter().flatten().collect()
}

/// Only an open loop offers more than it gets answered; and what waited for a connection waited for the server.
fn behind(load: &LoadRecord, requests_in_window: u64) -> Option<Gate> {
    load.offered_per_s?;
    let share = requests_in_window as f64 / load.requests.planned.max(1) as f64;
    let is_ours = load.send_lag.late.mean() > load.send_lag.no_connection.mean();
    let is_answered = load.requests.planned == load.requests.completed;
    (share < KEPT_UP && is_ours && is_answered && load.requests.planned >= ENOUGH).then_some(Gate::Behind { share })
}

/// The largest share of the window that one of the threads spent so.
fn largest(load: &LoadRecord, wall_ns: u64, part: impl Fn(&GeneratorThread) -> Option<u64>) -> Option<f64> {
    let most = load.thread_costs.iter().filter_map(part).max()?;
    Some(most as f64 / wall_ns.max(1) as f64)
}

fn shared_cpus(load: &LoadRecord) -> Option<Gate> {
    let (server, generator) = &load.cpus;
    let cpus = server.iter().filter(|cpu| generator.contains(cpu)).count();
    // Where there is room for both, the kernel keeps them apart by itself.
    (cpus > 0 && cpus <= load.threads as usize + 1).then_some(Gate::SharedCpus { cpus })
}

/// The medians of ten stretches of the window go one way, as [`drift`](super::drift) tells of rounds.
fn unsteady(times: &Timeline) -> Option<Gate> {
    /// Of so many stretches, of which each third has three at least.
    const STRETCHES: usize = 10;
    /// A median of fewer says little.
    const FEWEST: u64 = 20;
    let stretches = times.stretches(STRETCHES);
    if stretches.len() < STRETCHES || stretches.iter().any(|stretch| stretch.len() < FEWEST) {
        return None;
    }
    let medians: Vec<f64> = stretches.iter().map(|stretch| stretch.median().map_or(0.0, f64::ln)).collect();
    let points: Vec<(f64, f64)> = (0_u32..).map(f64::from).zip(medians.iter().copied()).collect();
    let goes_one_way = stats::slope(&points)?.interval.is_some_and(|interval| !interval.holds(0.0));
    let third = STRETCHES / 3;
    let middle = |part: &[f64]| Spread::of(part.iter().copied()).map(|spread| spread.median);
    let ratio = (middle(&medians[STRETCHES - third..])? - middle(&medians[..third])?).exp();
    (goes_one_way && ratio.max(1.0 / ratio) > 1.0 + DRIFT).then_some(Gate::Unsteady { ratio })
}

fn little(load: &LoadRecord, series: &[Series], wall_ns: u64) -> Option<Gate> {
    // What was never answered was in flight as well, for a time that no histogram of answers knows.
    if load.requests.completed < ENOUGH || load.requests.completed < load.requests.planned {
        return None;
    }
    let nanos: f64 =
        series.iter().filter_map(|one| Some(one.service_time.mean()? * one.service_time.len() as f64)).sum();
    let expected = (nanos - load.at_the_edges_ns as f64) / wall_ns.max(1) as f64;
    let in_flight = load.mean_in_flight;
    ((in_flight - expected).abs() > LITTLE * expected).then_some(Gate::Little { in_flight, expected })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Verdict, verdict};
    use crate::histogram::Histogram;
    use crate::record::{Requests, SendLag};

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
            connections_asked: 50,
            connections_opened: 50,
            requests: Requests { planned: 10_000, completed: 10_000, ..Requests::default() },
            send_lag: SendLag { total: of(2_000), late: of(2_000), no_connection: of(0) },
            mean_in_flight: 10.0,
            threads: 1,
            thread_costs: vec![GeneratorThread { ran_ns: Some(WALL), waited_ns: Some(0), spun_ns: WALL / 2 }],
            steal: Some(0.0),
            cpus: (vec![0], vec![1]),
            ..LoadRecord::default()
        };
        let series = Series {
            name: "requests".into(),
            response_time: times(),
            service_time: times(),
            lower_bound_from_ns: None,
        };
        (load, vec![series])
    }

    fn judged(change: impl FnOnce(&mut LoadRecord)) -> (Verdict, Vec<Gate>) {
        let (mut load, series) = good();
        change(&mut load);
        let gates = of_load(&load, &series, WALL, 10_000);
        (verdict(&gates), gates)
    }

    #[test]
    fn a_good_load_passes_every_gate() {
        assert_eq!(judged(|_| ()), (Verdict::Valid, vec![]));
    }

    #[test]
    fn each_sign_of_a_sick_generator_is_told() {
        let late = |share_of_all: u64, nanos| {
            move |load: &mut LoadRecord| load.send_lag.late.record_many(nanos, 10_000 * share_of_all / 100)
        };
        for (change, expected) in [
            (Box::new(late(2, 900_000)) as Box<dyn FnOnce(&mut LoadRecord)>, Verdict::Valid),
            (Box::new(late(2, 1_500_000)), Verdict::Suspect),
            (Box::new(late(2, 20_000_000)), Verdict::Invalid),
            (Box::new(late(200, 200_000)), Verdict::Suspect),
            (Box::new(late(200, 800_000)), Verdict::Invalid),
            (Box::new(|load| load.thread_costs[0].spun_ns = 0), Verdict::Suspect),
            (Box::new(|load| load.thread_costs[0].waited_ns = Some(WALL / 10)), Verdict::Suspect),
            (Box::new(|load| load.thread_costs[0].waited_ns = Some(WALL / 2)), Verdict::Invalid),
            (Box::new(|load| load.steal = Some(0.02)), Verdict::Suspect),
            (Box::new(|load| load.steal = Some(0.10)), Verdict::Invalid),
            (Box::new(|load| load.cpus.0 = vec![1]), Verdict::Suspect),
            (Box::new(|load| load.mean_in_flight = 11.0), Verdict::Suspect),
            (Box::new(|load| load.connections_starved = 1), Verdict::Suspect),
        ] {
            let (verdict, gates) = judged(change);
            assert_eq!((verdict, gates.len()), (expected, usize::from(expected != Verdict::Valid)), "{gates:?}");
            assert!(gates.iter().all(|gate| !gate.to_string().is_empty() && !gate.advice().is_empty()));
        }
    }

    #[test]
    fn a_line_that_grows_is_told_and_a_stall_or_a_jump_is_not() {
        let took = |at: &dyn Fn(u64) -> u64| {
            let (mut load, series) = good();
            (0..10_000).for_each(|k| load.over_time.record(k * 100_000, at(k)));
            of_load(&load, &series, WALL, 10_000)
        };
        assert_eq!(took(&|_| 1_000_000), []);
        assert_eq!(took(&|k| if k / 1_000 == 4 { 80_000_000 } else { 1_000_000 + k % 7 * 10_000 }), [], "a stall");
        assert_eq!(took(&|k| 1_000_000 + k), [], "by 1 %");
        let gates = took(&|k| 1_000_000 + 100 * k);
        let [Gate::Unsteady { ratio }] = gates[..] else { panic!("{gates:?}") };
        assert!((1.4..1.8).contains(&ratio), "{ratio}");
        let gates = took(&|k| 3_000_000 - 200 * k);
        assert!(matches!(gates[..], [Gate::Unsteady { ratio }] if ratio < 0.6), "{gates:?}");
    }

    #[test]
    fn falling_behind_is_ours_unless_the_server_kept_it_waiting() {
        let (mut load, series) = good();
        assert_eq!(of_load(&load, &series, WALL, 9_000), [Gate::Behind { share: 0.9 }]);
        load.send_lag.no_connection.record_many(1_000_000_000, 1_000);
        assert_eq!(of_load(&load, &series, WALL, 9_000), []);
        load.offered_per_s = None;
        assert_eq!(of_load(&load, &series, WALL, 9_000), []);
    }
}
