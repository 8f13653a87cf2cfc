//! Checks on the measurement itself: how far its figures can be believed, and what to do where they can't.
//!
//! A gate that does not pass never hides a figure; it stands beside it. [`of_trial`] judges a trial by its record alone,
//! [`of_single_load`] a load without a trial around it. The thresholds are conventions, stated with every reason: what a reader wants
//! to know is the value.

mod load;
mod machine;
mod rounds;
mod trial;
mod words;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::scenario::CpusWanted;
use crate::units;
use crate::usage::Stranger;

pub use load::of_load;
pub use rounds::{disturbed, drift, twins, workers};
pub use trial::{of_single_load, of_trial};

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
        /// What made it late, as far as that can be seen.
        cause: LateCause,
    },
    /// The generator itself stood still: it was stopped, or had lost its CPU, or the whole machine stood still.
    Paused {
        /// The longest time, nanoseconds.
        longest_ns: u64,
        /// Of the window, for the thread for which it was the most.
        share: f64,
        /// Of the response times from the 99th percentile on, those of which the pause made up half or more.
        tail: f64,
        /// That percentile, and what it would be without those, nanoseconds; nothing where there are too few requests.
        p99_ns: Option<(u64, u64)>,
    },
    /// Fewer requests were sent in the window than were due in it, and that was not the server's doing.
    Behind {
        /// Requests sent, for each that was due.
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
    /// Processes that do not belong to the trial used the CPUs of its server, or of its jobs.
    Stranger {
        /// Of the time of those CPUs.
        share: f64,
        /// The process that used the most, where it is known.
        most: Option<Stranger>,
        /// Whose CPUs they were.
        of: Victim,
    },
    /// Server and generator compete for the same CPUs.
    SharedCpus {
        /// How many both may run on.
        cpus: usize,
    },
    /// Requests in flight are not what their times add up to (Little 1961): some were lost on the way.
    Little {
        /// In flight on the average, as counted.
        in_flight: f64,
        /// What the times of all requests give.
        expected: f64,
    },
    /// Requests in flight are more than rate times service time, because some of them never got their answer.
    Unanswered {
        /// In flight on the average.
        in_flight: f64,
        /// Of these, the ones that got no answer.
        unanswered: f64,
    },
    /// Connections that were asked and never got an answer: the percentiles tell of the others.
    Starved {
        /// How many.
        connections: u32,
        /// Of how many.
        of: u32,
    },
    /// A figure rose or fell from round to round.
    Drift {
        /// From the first round to the last, as a ratio.
        ratio: f64,
    },
    /// Response times rose or fell within the window: no steady state.
    Unsteady {
        /// From the first third to the last, as a ratio.
        ratio: f64,
    },
    /// Two cells of the same thing differ, and not by chance.
    Twins {
        /// The second by the first.
        ratio: f64,
    },
    /// Something beside the trials disturbed many rounds of a cell.
    Disturbed {
        /// How many.
        rounds: usize,
        /// Of how many.
        of: usize,
    },
    /// Models that compute on different numbers of workers stand side by side.
    Workers {
        /// The fewest.
        least: u16,
        /// The most.
        most: u16,
    },
    /// A quota held the process back.
    Throttled {
        /// For how long, nanoseconds.
        for_ns: u64,
    },
    /// The machine has fewer CPUs than the scenario asks for.
    FewCpus {
        /// What it asks for.
        wanted: CpusWanted,
        /// What there was.
        cpus: u32,
    },
}

/// Whose CPUs a stranger used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// Of a server, whose response times wait for its CPU.
    Server,
    /// Of jobs, which as a rule may run on others meanwhile.
    Jobs,
}

/// Why a generator was late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateCause {
    /// Something else ran on its CPU.
    Queued,
    /// It had more to do than it has time for.
    Busy,
    /// Its pacing is a timer alone, which is some 50 us late.
    Timer,
    /// Nothing of that.
    Unknown,
}

/// A generator stands still too long: one pause, nanoseconds.
const PAUSE: (u64, u64) = (10_000_000, 100_000_000);
/// All pauses together, as shares of the window.
const PAUSED: (f64, f64) = (0.01, 0.05);
/// The part of the tail that pauses make up, as shares of the response times from the 99th percentile on, where that
/// percentile would be shorter without them by these factors.
const PAUSED_TAIL: (f64, f64) = (0.25, 0.5);
const LENGTHENED: (f64, f64) = (1.25, 2.0);
/// A tail of shorter times than this is suspect at most, nanoseconds: the timers and the host of many a machine make it.
const SHORT_TAIL: u64 = 1_000_000;
/// A generator thread is busy above this share of its time.
const BUSY: f64 = 0.8;
/// A generator thread waits too long for a CPU above these shares of its time.
const QUEUED: (f64, f64) = (0.05, 0.2);
/// Too much is stolen above these shares of all CPU time, where it is [`STOLEN_TICKS`] at least.
const STOLEN: (f64, f64) = (0.01, 0.05);
/// Three ticks of the kernel's, nanoseconds: one is more than 1 % of a window of half a second on two CPUs, and may be as
/// little as a microsecond.
const STOLEN_TICKS: u64 = 30_000_000;
/// Strangers use too much of the CPUs of a trial above these shares of their time: of requests that come at any time, one
/// in a hundred meets a CPU that is taken for a hundredth of the time, and so the 99th percentile is that.
const STRANGER: (f64, f64) = (0.01, 0.1);
/// The generator keeps up from this share of the requests on.
const KEPT_UP: f64 = 0.99;
/// Little's law holds within this share.
const LITTLE: f64 = 0.05;
/// Fewer requests than this average nothing out.
const ENOUGH: u64 = 1_000;

/// A figure may rise or fall by this share over the rounds, or over the window of a load.
const DRIFT: f64 = 0.1;
/// This share of a cell's rounds may be disturbed: of fewer than half, the median is of an undisturbed one or beside it.
pub const DISTURBED: f64 = 1.0 / 3.0;
impl Gate {
    /// What it makes of the measurement.
    pub fn verdict(&self) -> Verdict {
        let worse_than = |share: f64, invalid: f64| if share > invalid { Verdict::Invalid } else { Verdict::Suspect };
        match *self {
            Self::Paused { longest_ns, share, tail, p99_ns } => {
                let is_long = p99_ns.is_some_and(|(p99, _)| p99 >= SHORT_TAIL);
                let is_in_tail = tail > PAUSED_TAIL.1 && is_long && lengthened(p99_ns) > LENGTHENED.1;
                let is_invalid = longest_ns >= PAUSE.1 || share > PAUSED.1 || is_in_tail;
                if is_invalid { Verdict::Invalid } else { Verdict::Suspect }
            }
            Self::Late { p50_ns, p99_ns, response_p50_ns, .. } => {
                let is_typical = p50_ns > response_p50_ns / 2;
                let is_heavy = p99_ns > 10 * response_p50_ns && p99_ns > 1_000_000;
                if is_typical || is_heavy { Verdict::Invalid } else { Verdict::Suspect }
            }
            Self::Behind { .. } => Verdict::Invalid,
            Self::Queued { share } => worse_than(share, QUEUED.1),
            Self::Stolen { share } => worse_than(share, STOLEN.1),
            Self::Stranger { of: Victim::Jobs, .. } => Verdict::Suspect,
            Self::Stranger { share, of: Victim::Server, .. } => worse_than(share, STRANGER.1),
            Self::Throttled { .. } | Self::FewCpus { .. } => Verdict::Invalid,
            Self::Busy { .. } | Self::SharedCpus { .. } | Self::Little { .. } => Verdict::Suspect,
            Self::Unanswered { .. } | Self::Starved { .. } => Verdict::Suspect,
            Self::Drift { .. } | Self::Unsteady { .. } | Self::Twins { .. } => Verdict::Suspect,
            Self::Disturbed { .. } | Self::Workers { .. } => Verdict::Suspect,
        }
    }

    /// Whether something beside the trial disturbed it, so that the same trial at another time would not show it.
    pub fn is_disturbance(&self) -> bool {
        matches!(self, Self::Stolen { .. } | Self::Stranger { .. } | Self::Throttled { .. })
    }

    /// How bad it is among others of its kind: the larger, the worse.
    pub fn severity(&self) -> f64 {
        match *self {
            Self::Late { p50_ns, p99_ns, response_p50_ns, .. } => {
                (p99_ns as f64).max(10.0 * p50_ns as f64) / response_p50_ns.max(1) as f64
            }
            Self::Paused { longest_ns, .. } => longest_ns as f64,
            Self::Behind { share } => -share,
            Self::Unanswered { in_flight, unanswered } => unanswered / in_flight.max(f64::MIN_POSITIVE),
            Self::Busy { share } | Self::Queued { share } | Self::Stolen { share } | Self::Stranger { share, .. } => {
                share
            }
            Self::SharedCpus { cpus } => -(cpus as f64),
            Self::Little { in_flight, expected } => (in_flight - expected).abs() / expected.max(f64::MIN_POSITIVE),
            Self::Starved { connections, of } => f64::from(connections) / f64::from(of.max(1)),
            Self::Throttled { for_ns } => for_ns as f64,
            Self::FewCpus { wanted, cpus } => f64::from(wanted.all()) - f64::from(cpus),
            Self::Drift { ratio } | Self::Unsteady { ratio } | Self::Twins { ratio } => ratio.max(1.0 / ratio),
            Self::Disturbed { rounds, of } => rounds as f64 / of.max(1) as f64,
            Self::Workers { least, most } => f64::from(most) / f64::from(least.max(1)),
        }
    }
}

/// How many times as long the 99th percentile is as it would be without the pauses.
fn lengthened(p99_ns: Option<(u64, u64)>) -> f64 {
    p99_ns.map_or(1.0, |(p99, without)| p99 as f64 / without.max(1) as f64)
}

/// The worst of what they say.
pub fn verdict(gates: &[Gate]) -> Verdict {
    gates.iter().map(Gate::verdict).max().unwrap_or_default()
}
