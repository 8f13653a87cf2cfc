//! Checks on the measurement itself: how far its figures can be believed, and what to do where they can't.
//!
//! A gate that does not pass never hides a figure; it stands beside it. [`of_trial`] judges a trial by its record alone,
//! [`of_single_load`] a load without a trial around it. What limits the load at a point by design, such as a generator that asks
//! as fast as it can, flags no trial and is one sentence a point ([`of_point_load`]).
//!
//! A flag is worth reading if flagged trials are off more often than the others. `cargo bench --bench gates -- RUN...`
//! prints that for each gate. The thresholds were chosen on two runs of the tour, one on a quiet machine and one of which the
//! host took up to a third of the CPU time, and checked on a third, of which it took up to 40 %.

mod load;
mod machine;
mod over_time;
mod point;
mod rounds;
mod thresholds;
mod trial;
mod wording;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::scenario::CpusWanted;
use crate::units;
use crate::usage::{Gaps, Stranger};

use thresholds::*;

pub use load::of_load;
pub use point::{Limit, PointLimit, of_point_load};
pub use rounds::{are_too_many, control, disturbed, drift, workers};
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

/// What a gate found that did not pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Finding {
    /// Requests left later than they were due though a connection was free.
    Late {
        /// The median lateness, nanoseconds.
        p50_ns: u64,
        /// The 99th percentile of the lateness and that of the response times, nanoseconds; nothing where there are too few
        /// requests.
        p99_ns: Option<(u64, u64)>,
        /// The median response time, nanoseconds.
        response_p50_ns: u64,
        /// What made it late, as far as that can be seen.
        cause: Cause,
    },
    /// The generator itself stood still: it was stopped, or had lost its CPU, or the whole machine stood still.
    Paused {
        /// The longest pause, nanoseconds.
        longest_ns: u64,
        /// The part of the window for which the thread stood still that did so for the longest.
        share: f64,
        /// Of the response times from the 99th percentile on, the part of which the pause made up half or more.
        tail: f64,
        /// That percentile, and what it would be without those, nanoseconds; nothing where there are too few requests.
        p99_ns: Option<(u64, u64)>,
        /// What made it stand still, as far as that can be seen.
        cause: Cause,
    },
    /// Fewer requests were sent in the window than were due in it, and that was not the server's doing.
    Behind {
        /// Requests sent, for each that was due.
        share: f64,
    },
    /// Fewer requests were sent or answered than were due, and a generator thread had hardly any time to spare.
    Busy {
        /// The largest part of the window for which a thread worked.
        share: f64,
        /// Requests sent or answered in the window, whichever is less, for each that was due.
        kept_up: f64,
    },
    /// A generator thread was ready and waited for a CPU.
    Queued {
        /// The largest part of the window for which a thread waited.
        share: f64,
    },
    /// The machine's host gave CPU time to others.
    Stolen {
        /// The part of all CPU time.
        share: f64,
    },
    /// Processes that do not belong to the trial used the CPUs of its server, or of its jobs.
    Stranger {
        /// The part of the time of those CPUs.
        share: f64,
        /// The process that used the most, where it is known.
        most: Option<Stranger>,
        /// Whose CPUs they were.
        of: Victim,
    },
    /// Server and generator compete for the same CPUs. Stands for every gate that the generator's waiting for them explains.
    SharedCpus {
        /// How many both may run on.
        cpus: usize,
        /// The largest part of the window for which a generator thread waited for one; nothing where the kernel does not
        /// record it.
        waited: Option<f64>,
        /// The worst verdict of the gates that it stands for; SUSPECT if there are none.
        verdict: Verdict,
    },
    /// Most of the longest response times belong to requests that were due close together: one event made the 99th
    /// percentile.
    OneEvent {
        /// The part of the response times from the 99th percentile on that were due within the stretch.
        share: f64,
        /// When the stretch begins, nanoseconds from the beginning of the window.
        from_ns: u64,
        /// How long it is, nanoseconds.
        length_ns: u64,
        /// The 99th percentile, to 6 %, nanoseconds.
        p99_ns: u64,
        /// The 99th percentile of all requests that were due outside of the stretch, nanoseconds.
        without_ns: u64,
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
    /// Requests that ended in an error: the figures are those of the others.
    Failed {
        /// Requests that failed.
        requests: u64,
        /// Requests that were planned.
        of: u64,
    },
    /// Connections that were asked and never got an answer: the percentiles describe the others.
    Starved {
        /// Connections without an answer.
        connections: u32,
        /// Connections that were asked.
        of: u32,
    },
    /// The generator's machine had no port, or the generator no open file, left for a connection.
    Exhausted {
        /// The share of all requests that got no connection for this reason.
        share: f64,
    },
    /// The server's processes ended within the window.
    ServerEnded {
        /// How far into the window, nanoseconds.
        after_ns: u64,
    },
    /// The jobs' own computing took more CPU time than the calibration gives it: the CPUs were slower.
    SlowCpu {
        /// By which share of the calibrated time.
        share: f64,
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
    Control {
        /// The second by the first.
        ratio: f64,
    },
    /// Something beside the trials disturbed many rounds of a cell.
    Disturbed {
        /// Rounds that were disturbed.
        rounds: usize,
        /// Rounds of the cell.
        of: usize,
    },
    /// Models that compute on different numbers of workers stand side by side.
    Workers {
        /// The fewest.
        least: u16,
        /// The most.
        most: u16,
    },
    /// Server and generator did not measure the same stretch of time, as an order between them came late.
    Windows {
        /// The time that only one of them measured, as a part of the generator's window.
        share: f64,
    },
    /// Figures of an external server could not be determined and are missing.
    Unknown {
        /// The missing figures, with the reasons.
        gaps: Gaps,
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
    /// Those of a server, whose response times wait for its CPU.
    Server,
    /// Those of jobs, which may run on others meanwhile where some are idle.
    Jobs,
}

/// Why a generator was late, or stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Something else ran on its CPU.
    Queued,
    /// It had more to do than it has time for.
    Busy,
    /// Its pacing is a timer alone, which is some 50 us late.
    Timer,
    /// None of these.
    Unknown,
}

impl Finding {
    /// What it makes of the measurement.
    pub fn verdict(&self) -> Verdict {
        let worse_than = |share: f64, invalid: f64| if share > invalid { Verdict::Invalid } else { Verdict::Suspect };
        match *self {
            Self::Paused { longest_ns, share, tail, p99_ns, .. } => {
                let is_long = p99_ns.is_some_and(|(p99, _)| p99 >= SHORT_TAIL);
                let is_in_tail = tail > PAUSED_TAIL.1 && is_long && lengthened(p99_ns) > LENGTHENED.1;
                let is_invalid = longest_ns >= PAUSE.1 || share > PAUSED.1 || is_in_tail;
                if is_invalid { Verdict::Invalid } else { Verdict::Suspect }
            }
            Self::Late { p50_ns, p99_ns, response_p50_ns, .. } => {
                let is_typical = ratio(p50_ns, response_p50_ns) > LATE_P50.1;
                let is_heavy = p99_ns.is_some_and(|(late, all)| ratio(late, all) > LATE_P99.1 && late >= SHORT_TAIL);
                if is_typical || is_heavy { Verdict::Invalid } else { Verdict::Suspect }
            }
            Self::Behind { .. } => Verdict::Invalid,
            Self::Queued { share } => worse_than(share, QUEUED.1),
            Self::Stolen { share } => worse_than(share, STOLEN.1),
            Self::Stranger { of: Victim::Jobs, .. } => Verdict::Suspect,
            Self::Stranger { share, of: Victim::Server, .. } => worse_than(share, STRANGER.1),
            Self::SharedCpus { verdict, .. } => verdict,
            Self::Throttled { .. } | Self::FewCpus { .. } | Self::ServerEnded { .. } => Verdict::Invalid,
            Self::Windows { share } => worse_than(share, WINDOWS.1),
            Self::Unknown { .. } => Verdict::Suspect,
            Self::Exhausted { share } => worse_than(share, EXHAUSTED.1),
            Self::Busy { .. } | Self::OneEvent { .. } | Self::Little { .. } => Verdict::Suspect,
            Self::Unanswered { .. } | Self::Starved { .. } | Self::SlowCpu { .. } => Verdict::Suspect,
            Self::Failed { requests, of } => worse_than(ratio(requests, of), FAILED.1),
            Self::Drift { ratio } => worse_than(distance(ratio) - 1.0, DRIFT.1),
            Self::Control { ratio } => worse_than(distance(ratio) - 1.0, CONTROL.1),
            Self::Disturbed { rounds, of } => worse_than(rounds as f64 / of.max(1) as f64, MOSTLY),
            Self::Unsteady { .. } | Self::Workers { .. } => Verdict::Suspect,
        }
    }

    /// Whether it is what the server did, measured rightly, that the percentiles do not show.
    fn is_of_the_server(&self) -> bool {
        matches!(self, Self::Starved { .. } | Self::Unanswered { .. } | Self::Failed { .. })
    }

    /// Whether something beside the trial disturbed it, so that the same trial at another time would not show it.
    pub fn is_disturbance(&self) -> bool {
        matches!(self, Self::Stolen { .. } | Self::Stranger { .. } | Self::SlowCpu { .. } | Self::Throttled { .. })
    }

    /// Whether it says in other words that the generator waited for its CPU.
    fn is_wait_for_cpu(&self) -> bool {
        matches!(
            self,
            Self::Queued { .. } | Self::Late { cause: Cause::Queued, .. } | Self::Paused { cause: Cause::Queued, .. }
        )
    }

    /// How bad it is among others of its kind: the larger, the worse.
    pub fn severity(&self) -> f64 {
        match *self {
            Self::Late { p50_ns, p99_ns, response_p50_ns, .. } => {
                let p99 = p99_ns.map_or(0.0, |(late, all)| ratio(late, all) / LATE_P99.0);
                p99.max(ratio(p50_ns, response_p50_ns) / LATE_P50.0)
            }
            Self::Paused { longest_ns, .. } => longest_ns as f64,
            Self::Behind { share } => -share,
            Self::Unanswered { in_flight, unanswered } => unanswered / in_flight.max(f64::MIN_POSITIVE),
            Self::Busy { kept_up, .. } => -kept_up,
            Self::Queued { share }
            | Self::Stolen { share }
            | Self::Stranger { share, .. }
            | Self::Windows { share }
            | Self::SlowCpu { share }
            | Self::Exhausted { share } => share,
            Self::ServerEnded { after_ns } => -(after_ns as f64),
            Self::Unknown { .. } => 0.0,
            Self::SharedCpus { waited, .. } => waited.unwrap_or(0.0),
            Self::OneEvent { p99_ns, without_ns, .. } => ratio(p99_ns, without_ns),
            Self::Little { in_flight, expected } => (in_flight - expected).abs() / expected.max(f64::MIN_POSITIVE),
            Self::Starved { connections, of } => f64::from(connections) / f64::from(of.max(1)),
            Self::Failed { requests, of } => ratio(requests, of),
            Self::Throttled { for_ns } => for_ns as f64,
            Self::FewCpus { wanted, cpus } => f64::from(wanted.all()) - f64::from(cpus),
            Self::Drift { ratio } | Self::Unsteady { ratio } | Self::Control { ratio } => distance(ratio),
            Self::Disturbed { rounds, of } => rounds as f64 / of.max(1) as f64,
            Self::Workers { least, most } => f64::from(most) / f64::from(least.max(1)),
        }
    }
}

/// How many times as long the 99th percentile is as it would be without the pauses.
fn lengthened(p99_ns: Option<(u64, u64)>) -> f64 {
    p99_ns.map_or(1.0, |(p99, without)| ratio(p99, without))
}

/// A ratio or its inverse, whichever is at least 1.
fn distance(ratio: f64) -> f64 {
    ratio.max(1.0 / ratio)
}

/// Returns the ratio of two numbers.
fn ratio(number: u64, by: u64) -> f64 {
    number as f64 / by.max(1) as f64
}

/// The worst of what they say.
pub fn verdict(findings: &[Finding]) -> Verdict {
    findings.iter().map(Finding::verdict).max().unwrap_or_default()
}
