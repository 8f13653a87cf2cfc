//! Checks how far the figures of a measurement can be believed, and what to do if they cannot.
//!
//! A gate that does not pass never hides a figure; its finding stands beside it. [`check_trial`] judges a trial by its
//! record alone, [`check_single_load`] a load outside a trial. A limit of the load by design, such as a generator in a
//! closed loop, flags no trial and is stated once per point ([`find_limits`]).
//!
//! A flag is worth reading if flagged trials are off more often than others. `cargo bench --bench gates -- RUN...`
//! prints this for each gate. The thresholds were chosen on two runs of the tour, one on a quiet machine and one in
//! which the host took up to a third of the CPU time. They were checked on a third run, in which the host took up to 40
//! %.

mod load;
mod machine;
mod over_time;
mod point;
mod rounds;
#[cfg(feature = "cli")]
mod shards;
mod thresholds;
mod trial;
mod wording;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::scenario::CpusWanted;
use crate::units;
use crate::usage::{Gaps, OtherProcess};

use thresholds::*;

pub use load::check_load;
pub use point::{Limit, PointLimit, find_limits};
pub use rounds::{are_too_many, check_control, check_disturbed, check_drift, check_workers};
#[cfg(feature = "cli")]
pub use shards::{ShardFinding, check_medians, check_overlap, check_skew, ranges};
pub use trial::{check_single_load, check_trial};

/// The verdict of all gates together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every gate passed.
    #[default]
    Valid,
    /// Some figures may reflect the generator or the machine beside the server.
    Suspect,
    /// Some figures do reflect the generator or the machine beside the server.
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

/// A gate that did not pass, with the values found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Finding {
    /// Requests left later than they were due although a connection was free.
    Late {
        /// The median lateness, in nanoseconds.
        p50_ns: u64,
        /// The 99th percentile of the lateness and that of the response times, in nanoseconds; `None` if there are too
        /// few requests.
        p99_ns: Option<(u64, u64)>,
        /// The median response time, in nanoseconds.
        response_p50_ns: u64,
        /// The cause of the lateness, as far as it can be seen.
        cause: Cause,
    },
    /// The generator itself stood still: it was stopped, it lost its CPU, or the whole machine stood still.
    Paused {
        /// The longest pause, in nanoseconds.
        longest_ns: u64,
        /// The largest part of the window for which a thread stood still.
        share: f64,
        /// The part of the response times from the 99th percentile on to which the pause contributed half or more.
        tail: f64,
        /// The 99th percentile with and without the pauses, in nanoseconds; `None` if there are too few requests.
        p99_ns: Option<(u64, u64)>,
        /// The cause of the pause, as far as it can be seen.
        cause: Cause,
    },
    /// Fewer requests were sent in the window than were due in it, and the server was not the reason.
    Behind {
        /// Requests sent, per request due.
        share: f64,
    },
    /// Fewer requests were sent or answered than were due, and a generator thread was busy nearly all the time.
    Busy {
        /// The largest part of the window for which a thread worked.
        share: f64,
        /// Requests sent or answered in the window, whichever is less, per request due.
        kept_up: f64,
    },
    /// A generator thread was ready but waited for a CPU.
    Queued {
        /// The largest part of the window for which a thread waited.
        share: f64,
    },
    /// The machine's host gave CPU time to other guests.
    Stolen {
        /// The part of all CPU time that was taken.
        share: f64,
    },
    /// Processes outside the trial used the CPUs of its server or of its jobs.
    OtherPrograms {
        /// The part of the time of those CPUs that the processes used.
        share: f64,
        /// The process that used the most, if it is known.
        most: Option<OtherProcess>,
        /// The part of the trial that the CPUs belong to.
        of: CpuOwner,
    },
    /// Server and generator compete for the same CPUs. Replaces every gate that the generator's wait for a CPU
    /// explains.
    SharedCpus {
        /// The number of CPUs that both may run on.
        cpus: usize,
        /// The largest part of the window for which a generator thread waited for a CPU; `None` if the kernel does not
        /// record it.
        waited: Option<f64>,
        /// The worst verdict of the replaced gates; SUSPECT if there are none.
        verdict: Verdict,
    },
    /// Most of the longest response times belong to requests that were due close together: a single event made the 99th
    /// percentile.
    OneEvent {
        /// The part of the response times from the 99th percentile on whose requests were due within the stretch.
        share: f64,
        /// The beginning of the stretch, in nanoseconds from the beginning of the window.
        from_ns: u64,
        /// The length of the stretch, in nanoseconds.
        length_ns: u64,
        /// The 99th percentile, to within 6 %, in nanoseconds.
        p99_ns: u64,
        /// The 99th percentile of the requests that were due outside the stretch, in nanoseconds.
        without_ns: u64,
    },
    /// The average number in flight contradicts Little's law (1961): some requests were lost.
    Little {
        /// The average number of requests in flight, as counted.
        in_flight: f64,
        /// The average number of requests in flight, as computed from the times of all requests.
        expected: f64,
    },
    /// More requests are in flight than rate times service time, because some were never answered.
    Unanswered {
        /// The average number of requests in flight.
        in_flight: f64,
        /// The average number of those that were never answered.
        unanswered: f64,
    },
    /// Requests ended in an error: the figures describe the others.
    Failed {
        /// The number of failed requests.
        requests: u64,
        /// The number of planned requests.
        of: u64,
    },
    /// Connections that sent a request were never answered: the percentiles describe the others.
    Starved {
        /// The number of connections without a response.
        connections: u32,
        /// The number of connections that sent a request.
        of: u32,
    },
    /// The generator's machine had no port left for a connection, or the generator no open file.
    Exhausted {
        /// The share of all requests that got no connection for this reason.
        share: f64,
    },
    /// The server's processes ended within the window.
    ServerEnded {
        /// The time into the window after which they had ended, in nanoseconds.
        after_ns: u64,
    },
    /// The jobs' own computation took more CPU time than its calibrated time: the CPUs were slower.
    SlowCpu {
        /// The excess, as a share of the calibrated time.
        share: f64,
    },
    /// A figure rose or fell from round to round.
    Drift {
        /// The change from the first round to the last, as a ratio.
        ratio: f64,
    },
    /// Response times rose or fell within the window: there is no steady state.
    Unsteady {
        /// The change from the first third to the last, as a ratio.
        ratio: f64,
    },
    /// Two identical cells differ, and not by chance.
    Control {
        /// The ratio of the second cell to the first.
        ratio: f64,
    },
    /// Many rounds of a cell were disturbed from outside the trials.
    Disturbed {
        /// The number of disturbed rounds.
        rounds: usize,
        /// The number of rounds of the cell.
        of: usize,
    },
    /// Models that compute on different numbers of workers are compared.
    Workers {
        /// The smallest number of workers.
        least: u16,
        /// The largest number of workers.
        most: u16,
    },
    /// Server and generator measured different stretches of time, because an order between them came late.
    Windows {
        /// The time that only one of them measured, as a share of the generator's window.
        share: f64,
    },
    /// Figures of an external server could not be determined and are missing.
    Unknown {
        /// The missing figures, with the reasons.
        gaps: Gaps,
    },
    /// A quota throttled the process.
    Throttled {
        /// The throttled time, in nanoseconds.
        for_ns: u64,
    },
    /// The machine has fewer CPUs than the scenario requires.
    FewCpus {
        /// The number of CPUs that the scenario requires.
        wanted: CpusWanted,
        /// The number of CPUs of the machine.
        cpus: u32,
    },
}

/// The user of the CPUs that other programs used as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuOwner {
    /// A server, whose response times depend on its CPU.
    Server,
    /// Jobs, which may run on other CPUs meanwhile if some are idle.
    Jobs,
}

/// The cause of a generator's lateness or pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Something else ran on the generator's CPU.
    Queued,
    /// The generator had more to do than it had time for.
    Busy,
    /// The generator paces requests by a timer alone, which is about 50 us late.
    Timer,
    /// None of the other causes.
    Unknown,
}

impl Finding {
    /// Returns the verdict that this finding leads to.
    pub fn verdict(&self) -> Verdict {
        let worse_than = |share: f64, invalid: f64| if share > invalid { Verdict::Invalid } else { Verdict::Suspect };
        match *self {
            Self::Paused { longest_ns, share, tail, p99_ns, .. } => {
                let is_long = p99_ns.is_some_and(|(p99, _)| p99 >= SHORT_TAIL);
                let is_in_tail = tail > PAUSED_TAIL.1 && is_long && tail_ratio(p99_ns) > LENGTHENED.1;
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
            Self::OtherPrograms { of: CpuOwner::Jobs, .. } => Verdict::Suspect,
            Self::OtherPrograms { share, of: CpuOwner::Server, .. } => worse_than(share, OTHERS_OF_SERVER.1),
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

    /// Returns whether the finding is correctly measured behaviour of the server that the percentiles do not show.
    fn describes_server(&self) -> bool {
        matches!(self, Self::Starved { .. } | Self::Unanswered { .. } | Self::Failed { .. })
    }

    /// Returns whether something outside the trial disturbed it, so that a repetition at another time would not show
    /// it.
    pub fn is_disturbance(&self) -> bool {
        matches!(self, Self::Stolen { .. } | Self::OtherPrograms { .. } | Self::SlowCpu { .. } | Self::Throttled { .. })
    }

    /// Returns whether the finding is another sign of the generator's wait for its CPU.
    fn is_wait_for_cpu(&self) -> bool {
        matches!(
            self,
            Self::Queued { .. } | Self::Late { cause: Cause::Queued, .. } | Self::Paused { cause: Cause::Queued, .. }
        )
    }

    /// Returns how bad the finding is among others of its kind: a larger value is worse.
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
            | Self::OtherPrograms { share, .. }
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

/// Returns the ratio of the 99th percentile to what it would be without the pauses.
fn tail_ratio(p99_ns: Option<(u64, u64)>) -> f64 {
    p99_ns.map_or(1.0, |(p99, without)| ratio(p99, without))
}

/// Returns the ratio or its inverse, whichever is at least 1.
fn distance(ratio: f64) -> f64 {
    ratio.max(1.0 / ratio)
}

/// Returns the ratio of two numbers.
fn ratio(number: u64, by: u64) -> f64 {
    number as f64 / by.max(1) as f64
}

/// Returns the worst verdict of these findings.
pub fn verdict(findings: &[Finding]) -> Verdict {
    findings.iter().map(Finding::verdict).max().unwrap_or_default()
}
