//! Checks on the measurement itself: how far its figures can be believed, and what to do where they can't.
//!
//! A gate that does not pass never hides a figure; it stands beside it. These are the load generator's. The thresholds
//! are conventions, stated with every reason: what a reader wants to know is the value.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::{GeneratorThread, LoadRecord, Series};
use crate::units;

/// What all gates together say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every gate passed.
    #[default]
    Valid,
    /// Some figures may tell of the generator or the machine beside the server.
    Suspect,
    /// They do.
    Invalid,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Valid => "VALID",
            Self::Suspect => "SUSPECT",
            Self::Invalid => "INVALID",
        })
    }
}

/// A check that did not pass, with what was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gate {
    /// Requests left later than they were due though a connection was free.
    Late {
        /// The median of how late, nanoseconds.
        p50_ns: u64,
        /// Its 99th percentile, nanoseconds.
        p99_ns: u64,
        /// The median response time, nanoseconds.
        response_p50_ns: u64,
    },
    /// Fewer requests were answered than offered, and that was not the server's doing.
    Behind {
        /// Answers within the window, for each request that was due in it.
        share: f64,
    },
    /// A generator thread had hardly any time to spare.
    Busy {
        /// Of the window, the largest share that a thread worked.
        share: f64,
    },
    /// A generator thread was ready and waited for a CPU.
    Queued {
        /// Of the window, the largest share that a thread waited.
        share: f64,
    },
    /// The machine's host gave CPU time to others.
    Stolen {
        /// Of all CPU time of the window.
        share: f64,
    },
    /// Server and generator compete for the same CPUs.
    SharedCpus {
        /// How many both may run on.
        cpus: usize,
    },
    /// Requests in flight are not rate times service time (Little 1961), as far as both lie in the window: the books do not
    /// add up.
    Little {
        /// In flight on the average, as counted.
        in_flight: f64,
        /// What rate and service time give.
        expected: f64,
    },
    /// Connections that were asked and never got an answer: the percentiles tell of the others.
    Starved {
        /// How many.
        connections: u32,
        /// Of how many.
        of: u32,
    },
}

/// A generator thread is busy above this share of its time.
const BUSY: f64 = 0.8;
/// A generator thread waits too long for a CPU above these shares of its time.
const QUEUED: (f64, f64) = (0.05, 0.2);
/// Too much is stolen above these shares of all CPU time.
const STOLEN: (f64, f64) = (0.01, 0.05);
/// The generator keeps up from this share of the requests on.
const KEPT_UP: f64 = 0.99;
/// Little's law holds within this share.
const LITTLE: f64 = 0.05;
/// Fewer requests than this average nothing out.
const ENOUGH: u64 = 1_000;

impl Gate {
    /// What it makes of the measurement.
    pub fn verdict(&self) -> Verdict {
        let worse_than = |share: f64, invalid: f64| if share > invalid { Verdict::Invalid } else { Verdict::Suspect };
        match *self {
            Self::Late { p50_ns, p99_ns, response_p50_ns } => {
                let is_typical = p50_ns > response_p50_ns / 2;
                let is_heavy = p99_ns > 10 * response_p50_ns && p99_ns > 1_000_000;
                if is_typical || is_heavy { Verdict::Invalid } else { Verdict::Suspect }
            }
            Self::Behind { .. } => Verdict::Invalid,
            Self::Queued { share } => worse_than(share, QUEUED.1),
            Self::Stolen { share } => worse_than(share, STOLEN.1),
            Self::Busy { .. } | Self::SharedCpus { .. } | Self::Little { .. } | Self::Starved { .. } => {
                Verdict::Suspect
            }
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Late { .. } | Self::Queued { .. } => {
                "give the generator a CPU of its own (taskset), or --pacing spin"
            }
            Self::Behind { .. } => "offer less, or use more generator threads",
            Self::Busy { .. } => "use more generator threads, or take the rate for the generator's own ceiling",
            Self::Stolen { .. } => "measure again when the host is quiet",
            Self::SharedCpus { .. } => "pin server and generator to different CPUs (taskset)",
            Self::Little { .. } => "this is a defect of the generator: please report it",
            Self::Starved { .. } => "offer no more connections than the server has threads for",
        }
    }
}

impl fmt::Display for Gate {
    /// The value and the threshold, in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: &f64| format!("{:.1} %", share * 100.0);
        match self {
            Self::Late { p50_ns, p99_ns, response_p50_ns } => write!(
                f,
                "the generator was late: p50 {}, p99 {}, where the median response time is {} (a tenth of it and all of it \
                 are allowed)",
                units::duration(*p50_ns),
                units::duration(*p99_ns),
                units::duration(*response_p50_ns)
            ),
            Self::Behind { share } => write!(
                f,
                "the generator fell behind: {} of the rate that was due was reached, and not because of the server ({} are \
                 asked for)",
                percent(share),
                percent(&KEPT_UP)
            ),
            Self::Busy { share } => {
                write!(f, "a generator thread was busy {} of the time ({} are allowed)", percent(share), percent(&BUSY))
            }
            Self::Queued { share } => write!(
                f,
                "a generator thread waited for a CPU {} of the time ({} are allowed)",
                percent(share),
                percent(&QUEUED.0)
            ),
            Self::Stolen { share } => write!(
                f,
                "the host gave {} of this machine's CPU time to others ({} are allowed)",
                percent(share),
                percent(&STOLEN.0)
            ),
            Self::SharedCpus { cpus } => {
                write!(f, "server and generator share {} CPU{}", cpus, if *cpus == 1 { "" } else { "s" })
            }
            Self::Little { in_flight, expected } => write!(
                f,
                "{in_flight:.2} requests were in flight, but rate times service time is {expected:.2} ({} apart is allowed)",
                percent(&LITTLE)
            ),
            Self::Starved { connections, of } => {
                write!(f, "{connections} of {of} connections got no answer at all")
            }
        }
    }
}

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
        (load.connections_starved > 0)
            .then_some(Gate::Starved { connections: load.connections_starved, of: load.connections_asked }),
    ];
    gates.into_iter().flatten().collect()
}

/// The worst of what they say.
pub fn verdict(gates: &[Gate]) -> Verdict {
    gates.iter().map(Gate::verdict).max().unwrap_or_default()
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
    fn falling_behind_is_ours_unless_the_server_kept_it_waiting() {
        let (mut load, series) = good();
        assert_eq!(of_load(&load, &series, WALL, 9_000), [Gate::Behind { share: 0.9 }]);
        load.send_lag.no_connection.record_many(1_000_000_000, 1_000);
        assert_eq!(of_load(&load, &series, WALL, 9_000), []);
        load.offered_per_s = None;
        assert_eq!(of_load(&load, &series, WALL, 9_000), []);
    }
}
