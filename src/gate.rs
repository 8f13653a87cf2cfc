//! Checks on the measurement itself: how far its figures can be believed, and what to do where they can't.
//!
//! A gate that does not pass never hides a figure; it stands beside it. Some are the load generator's ([`of_load`]),
//! some the machine's ([`of_conditions`]). The thresholds are conventions, stated with every reason: what a reader wants
//! to know is the value.

mod load;
mod machine;
mod rounds;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::scenario::CpusWanted;
use crate::units;
use crate::usage::Stranger;

pub use load::of_load;
pub use machine::{Usual, of_conditions, of_others};
pub use rounds::{disturbed, drift, twins, workers};

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
        /// That percentile, nanoseconds; nothing where there are too few requests.
        response_p99_ns: Option<u64>,
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
    /// A fixed piece of work before the trial took longer than it can.
    Canary {
        /// By which share of the best.
        share: f64,
    },
    /// The thread of that work was ready and waited for a CPU.
    Crowded {
        /// Of its time, the share that it waited.
        share: f64,
    },
    /// Ready tasks had no CPU for more of the trial than is usual for the cell.
    Pressed {
        /// Of the trial's time.
        share: f64,
        /// In the median round.
        usual: f64,
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
/// The part of the tail that pauses make up, as shares of the response times from the 99th percentile on.
const PAUSED_TAIL: (f64, f64) = (0.25, 0.5);
/// A tail of shorter times than this is suspect at most, nanoseconds: the timers and the host of many a machine make it.
const SHORT_TAIL: u64 = 1_000_000;
/// A generator thread is busy above this share of its time.
const BUSY: f64 = 0.8;
/// A generator thread waits too long for a CPU above these shares of its time.
const QUEUED: (f64, f64) = (0.05, 0.2);
/// Too much is stolen above these shares of all CPU time.
const STOLEN: (f64, f64) = (0.01, 0.05);
/// Strangers use too much of the CPUs of a trial above these shares of their time: of requests that come at any time, one
/// in a hundred meets a CPU that is taken for a hundredth of the time, and so the 99th percentile is that.
const STRANGER: (f64, f64) = (0.01, 0.1);
/// The generator keeps up from this share of the requests on.
const KEPT_UP: f64 = 0.99;
/// Little's law holds within this share.
const LITTLE: f64 = 0.05;
/// Fewer requests than this average nothing out.
const ENOUGH: u64 = 1_000;

/// The canary is slow above this share of its best.
const CANARY: f64 = 0.05;
/// It waits too long for a CPU above this share of its time.
const CROWDED: f64 = 0.05;
/// A figure may rise or fall by this share over the rounds, or over the window of a load.
const DRIFT: f64 = 0.1;
/// This share of a cell's rounds may be disturbed: of fewer than half, the median is of an undisturbed one or beside it.
pub const DISTURBED: f64 = 1.0 / 3.0;
/// Pressure is out of the usual above this share of the trial's time more.
const PRESSED: f64 = 0.1;

impl Gate {
    /// What it makes of the measurement.
    pub fn verdict(&self) -> Verdict {
        let worse_than = |share: f64, invalid: f64| if share > invalid { Verdict::Invalid } else { Verdict::Suspect };
        match *self {
            Self::Paused { longest_ns, share, tail, response_p99_ns } => {
                let is_in_tail = tail > PAUSED_TAIL.1 && response_p99_ns.is_some_and(|p99| p99 >= SHORT_TAIL);
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
            Self::Canary { .. } | Self::Crowded { .. } | Self::Pressed { .. } => Verdict::Suspect,
            Self::Drift { .. } | Self::Unsteady { .. } | Self::Twins { .. } => Verdict::Suspect,
            Self::Disturbed { .. } | Self::Workers { .. } => Verdict::Suspect,
        }
    }

    /// In a word or two, for a table.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Late { .. } => "generator late",
            Self::Paused { .. } => "generator paused",
            Self::Behind { .. } => "generator behind",
            Self::Busy { .. } => "generator busy",
            Self::Queued { .. } => "generator queued",
            Self::Stolen { .. } => "CPU time stolen",
            Self::Stranger { .. } => "stranger on the CPU",
            Self::SharedCpus { .. } => "CPUs shared",
            Self::Little { .. } => "Little's law broken",
            Self::Unanswered { .. } => "never answered",
            Self::Starved { .. } => "connections starved",
            Self::Canary { .. } => "slow CPU",
            Self::Crowded { .. } => "CPU shared",
            Self::Pressed { .. } => "CPUs pressed",
            Self::Throttled { .. } => "throttled",
            Self::FewCpus { .. } => "too few CPUs",
            Self::Drift { .. } => "drift",
            Self::Unsteady { .. } => "not steady",
            Self::Disturbed { .. } => "often disturbed",
            Self::Twins { .. } => "twins apart",
            Self::Workers { .. } => "unequal workers",
        }
    }

    /// Whether something beside the trial disturbed it, so that the same trial at another time would not show it.
    pub fn is_disturbance(&self) -> bool {
        matches!(
            self,
            Self::Stolen { .. }
                | Self::Stranger { .. }
                | Self::Canary { .. }
                | Self::Crowded { .. }
                | Self::Pressed { .. }
                | Self::Throttled { .. }
        )
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
            Self::Busy { share }
            | Self::Queued { share }
            | Self::Stolen { share }
            | Self::Stranger { share, .. }
            | Self::Canary { share }
            | Self::Crowded { share } => share,
            Self::Pressed { share, usual } => share - usual,
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

    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Queued { .. } | Self::Late { cause: LateCause::Queued, .. } => {
                "give the generator a CPU of its own (taskset), or stop what else runs on it"
            }
            Self::Late { cause: LateCause::Busy, .. } => "use more generator threads, or offer less",
            Self::Late { cause: LateCause::Timer, .. } => {
                "use --pacing hybrid, which looks at the clock before a request is due"
            }
            Self::Late { cause: LateCause::Unknown, .. } => "measure again when machine and host are quiet",
            Self::Paused { .. } => {
                "measure again, and leave the generator alone; if it happens each time, give it a CPU of its own (taskset)"
            }
            Self::Behind { .. } => "offer less, or use more generator threads",
            Self::Busy { .. } => "use more generator threads, or take the rate for the generator's own ceiling",
            Self::Stolen { .. } => "measure again when the host is quiet",
            Self::Disturbed { .. } => {
                "measure again when machine and host are quiet: the median itself may be of such a round"
            }
            Self::Canary { .. } => "measure again when machine and host are quiet, and with a steady clock rate",
            Self::Stranger { .. } | Self::Crowded { .. } | Self::Pressed { .. } => {
                "stop what else runs on this machine"
            }
            Self::Drift { .. } => "measure again with --full, when the machine is warm",
            Self::Unsteady { .. } => "offer less if a line grows before the server; else warm up or measure for longer",
            Self::Workers { .. } => "give them the same number, and compare the models and not their pools",
            Self::Twins { .. } => "trust no smaller difference, and measure again with --full",
            Self::Throttled { .. } => "lift the quota of the control group (cpu.max)",
            Self::FewCpus { .. } => {
                "measure on a machine with as many, and without a taskset or cpuset that takes some away"
            }
            Self::SharedCpus { .. } => "pin server and generator to different CPUs (taskset)",
            Self::Little { .. } => "this is a defect of the generator: please report it",
            Self::Unanswered { .. } => "read the percentiles as those of the requests that were answered",
            Self::Starved { .. } => "offer no more connections than the server has threads for",
        }
    }
}

impl fmt::Display for Gate {
    /// The value and the threshold, in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: &f64| format!("{:.1} %", share * 100.0);
        match self {
            Self::Paused { longest_ns, share, tail, .. } => write!(
                f,
                "the generator itself stood still, for up to {}, {} of the window ({} and {} are allowed), and made up half or \
                 more of {} of the response times from p99 on ({} are allowed)",
                units::duration(*longest_ns),
                percent(share),
                units::duration(PAUSE.0),
                percent(&PAUSED.0),
                percent(tail),
                percent(&PAUSED_TAIL.0)
            ),
            Self::Late { p50_ns, p99_ns, response_p50_ns, .. } => write!(
                f,
                "the generator was late: p50 {}, p99 {}, where the median response time is {} (a tenth of it and all of it \
                 are allowed)",
                units::duration(*p50_ns),
                units::duration(*p99_ns),
                units::duration(*response_p50_ns)
            ),
            Self::Behind { share } => write!(
                f,
                "the generator fell behind: {} of the requests that were due were sent in the window, and not because of the \
                 server ({} are asked for)",
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
            Self::Stranger { share, most, .. } => {
                write!(f, "other programs used {} of the time of the CPUs that were measured", percent(share))?;
                if let Some(most) = most {
                    write!(f, ", {most} the most")?;
                }
                write!(f, " ({} are allowed)", percent(&STRANGER.0))
            }
            Self::SharedCpus { cpus } => {
                write!(f, "server and generator share {} CPU{}", cpus, if *cpus == 1 { "" } else { "s" })
            }
            Self::Little { in_flight, expected } => write!(
                f,
                "{} requests were in flight, but their times add up to {} ({} apart is allowed)",
                units::three_digits(*in_flight),
                units::three_digits(*expected),
                percent(&LITTLE)
            ),
            Self::Unanswered { in_flight, unanswered } => write!(
                f,
                "of {} requests in flight on the average, {} never got their answer, so that rate times service time is {} \
                 ({} apart is allowed)",
                units::three_digits(*in_flight),
                units::three_digits(*unanswered),
                units::three_digits(in_flight - unanswered),
                percent(&LITTLE)
            ),
            Self::Starved { connections, of } => {
                write!(f, "{connections} of {of} connections got no answer at all")
            }
            Self::Canary { share } => write!(
                f,
                "a fixed piece of work before the trial took {} longer than the best ({} are allowed)",
                percent(share),
                percent(&CANARY)
            ),
            Self::Crowded { share } => write!(
                f,
                "before the trial a thread that only computed waited for a CPU {} of the time ({} are allowed)",
                percent(share),
                percent(&CROWDED)
            ),
            Self::Pressed { share, usual } => write!(
                f,
                "ready tasks had no CPU for {} of the trial, where {} are usual for it ({} more are allowed)",
                percent(share),
                percent(usual),
                percent(&PRESSED)
            ),
            Self::Drift { ratio } => write!(
                f,
                "the headline figure went from round to round, by {} from the first to the last ({} are allowed)",
                percent(&(ratio - 1.0)),
                percent(&DRIFT)
            ),
            Self::Unsteady { ratio } => write!(
                f,
                "response times went one way within the window: in its last third their median was {} times that of the \
                 first ({} are allowed), and depends on how long one measures",
                units::three_digits(*ratio),
                percent(&DRIFT)
            ),
            Self::Twins { ratio } => {
                write!(
                    f,
                    "two cells of the same model differ by {}, and the interval does not hold 0",
                    percent(&(ratio - 1.0))
                )
            }
            Self::Disturbed { rounds, of } => write!(
                f,
                "something beside the trial disturbed {rounds} of {of} rounds ({} are allowed)",
                percent(&DISTURBED)
            ),
            Self::Workers { least, most } => {
                write!(f, "models that compute have from {least} to {most} workers (one number is allowed)")
            }
            Self::Throttled { for_ns } => {
                write!(f, "a quota held the process back for {} (none is allowed)", units::duration(*for_ns))
            }
            Self::FewCpus { wanted, cpus } => {
                write!(f, "the scenario asks for {wanted}, this machine has {cpus} for it")
            }
        }
    }
}

/// The worst of what they say.
pub fn verdict(gates: &[Gate]) -> Verdict {
    gates.iter().map(Gate::verdict).max().unwrap_or_default()
}
