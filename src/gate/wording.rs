//! Describes findings in words: their names for a table, the value against the threshold, and the advice.

use std::fmt;

use super::*;
use crate::usage::CpuGap;

impl Finding {
    /// Returns the name of the finding in one or two words, for a table.
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
            Self::OneEvent { .. } => "p99 of one event",
            Self::Little { .. } => "Little's law broken",
            Self::Unanswered { .. } => "never answered",
            Self::Failed { .. } => "requests failed",
            Self::Starved { .. } => "connections starved",
            Self::Exhausted { .. } => "generator out of ports",
            Self::ServerEnded { .. } => "server ended",
            Self::SlowCpu { .. } => "slow CPU",
            Self::Windows { .. } => "windows differ",
            Self::Unknown { .. } => "figures missing",
            Self::Throttled { .. } => "throttled",
            Self::FewCpus { .. } => "too few CPUs",
            Self::Drift { .. } => "drift",
            Self::Unsteady { .. } => "not steady",
            Self::Disturbed { .. } => "often disturbed",
            Self::Control { .. } => "control differs",
            Self::Workers { .. } => "unequal workers",
        }
    }

    /// Returns advice on what to do about the finding.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Queued { .. }
            | Self::Late { cause: Cause::Queued, .. }
            | Self::Paused { cause: Cause::Queued, .. } => {
                "give the generator a CPU of its own (taskset), or stop what else runs on it"
            }
            Self::Late { cause: Cause::Busy, .. } => "use more generator threads, or offer less",
            Self::Late { cause: Cause::Timer, .. } => {
                "use --pacing hybrid, which looks at the clock before a request is due"
            }
            Self::Late { cause: Cause::Unknown, .. } => "measure again when machine and host are quiet",
            Self::Paused { .. } => "measure again, and leave the generator alone",
            Self::Behind { .. } | Self::Busy { .. } => "offer less, or use more generator threads",
            Self::Stolen { .. } => "measure again when the host is quiet",
            Self::Disturbed { .. } => {
                "measure again when machine and host are quiet: the median itself may be of such a round"
            }
            Self::SlowCpu { .. } => "measure again when machine and host are quiet, and with a steady clock rate",
            Self::Stranger { .. } => "stop what else runs on this machine",
            Self::OneEvent { .. } => "measure for longer, so that p99 rests on more than one event",
            Self::Drift { .. } => "measure again with --full, when the machine is warm",
            Self::Unsteady { .. } => "offer less if a line grows before the server; else warm up or measure for longer",
            Self::Workers { .. } => "give them the same number, and compare the models and not their pools",
            Self::Control { .. } => "trust no smaller difference, and measure again with --full",
            Self::Windows { .. } => "measure again, and do not stop avt meanwhile",
            Self::Unknown { gaps } if gaps.cpu == Some(CpuGap::ChildrenIgnored) => {
                "let the server wait for its children: do not ignore SIGCHLD"
            }
            Self::Unknown { .. } => "measure with a server whose processes live as long as the window",
            Self::Throttled { .. } => "lift the quota of the control groups (cpu.max, cpu.cfs_quota_us)",
            Self::FewCpus { .. } => {
                "measure on a machine with as many, and without a taskset or cpuset that takes some away"
            }
            Self::SharedCpus { .. } => "pin server and generator to different CPUs (taskset)",
            Self::Little { .. } => "this is a defect of the generator: please report it",
            Self::Unanswered { .. } => "read the percentiles as those of the requests that were answered",
            Self::Failed { .. } => "find out why they failed; the figures are those of the requests that were answered",
            Self::Exhausted { .. } => {
                "let the server keep its connections open, widen net.ipv4.ip_local_port_range, or raise the limit of open files"
            }
            Self::ServerEnded { .. } => "find out why it ended, and measure again",
            Self::Starved { .. } => "offer no more connections than the server has threads for",
        }
    }
}

impl fmt::Display for Finding {
    /// Writes the value and the threshold in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: &f64| format!("{:.1} %", share * 100.0);
        match self {
            Self::Paused { longest_ns, share, tail, p99_ns, .. } => {
                write!(
                    f,
                    "the generator itself stood still, for up to {} at a time and {} of the window ({} and {} are allowed)",
                    units::duration(*longest_ns),
                    percent(share),
                    units::duration(PAUSE.0),
                    percent(&PAUSED.0),
                )?;
                let Some((p99, without)) = p99_ns.filter(|(p99, without)| p99 > without) else { return Ok(()) };
                write!(
                    f,
                    ", and made up half or more of {} of the response times from p99 on ({} are allowed): p99 is {}, and {} \
                     without them",
                    percent(tail),
                    percent(&PAUSED_TAIL.0),
                    units::duration(p99),
                    units::duration(without)
                )
            }
            Self::Late { p50_ns, p99_ns, response_p50_ns, .. } => {
                let times = |nanos: [u64; 2]| {
                    let [late, all] = nanos.map(units::duration);
                    format!("{late} of a response time of {all}")
                };
                write!(f, "the generator was late: p50 {}", times([*p50_ns, *response_p50_ns]))?;
                if let Some((late, all)) = *p99_ns {
                    write!(f, ", p99 {}", times([late, all]))?;
                }
                f.write_str(" (a tenth and a third are allowed)")
            }
            Self::Behind { share } => write!(
                f,
                "the generator fell behind: {} of the requests that were due were sent in the window, and not because of the \
                 server ({} are asked for)",
                percent(share),
                percent(&KEPT_UP)
            ),
            Self::Busy { share, kept_up } => write!(
                f,
                "a generator thread was busy {} of the time, and {} of the requests that were due were sent and answered in \
                 the window: the generator, and not the server, may be what did not keep up ({} busy are allowed where less \
                 than {} are)",
                percent(share),
                percent(kept_up),
                percent(&BUSY),
                percent(&KEPT_UP)
            ),
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
            Self::Stranger { share, most, of } => {
                let allowed = match of {
                    Victim::Server => STRANGER.0,
                    Victim::Jobs => STRANGER_OF_JOBS,
                };
                write!(f, "other programs used {} of the time of the CPUs that were measured", percent(share))?;
                if let Some(most) = most {
                    write!(f, ", {most} the most")?;
                }
                write!(f, " ({} are allowed)", percent(&allowed))
            }
            Self::SharedCpus { cpus, waited, .. } => {
                write!(f, "server and generator share {} CPU{}", cpus, if *cpus == 1 { "" } else { "s" })?;
                match waited {
                    Some(waited) => write!(f, ", for which the generator waited {} of the time", percent(waited)),
                    None => Ok(()),
                }
            }
            Self::OneEvent { share, from_ns, length_ns, p99_ns, without_ns } => write!(
                f,
                "p99 is that of one event: {} of the response times from p99 on are of requests that were due within {}, {} \
                 after the window began; p99 is {}, and {} without that stretch (half of them, or twice as long, are allowed)",
                percent(share),
                units::duration(*length_ns),
                units::duration(*from_ns),
                units::duration(*p99_ns),
                units::duration(*without_ns)
            ),
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
            Self::Failed { requests, of } => write!(
                f,
                "{} of {} requests failed ({} are allowed)",
                units::count(*requests),
                units::count(*of),
                percent(&FAILED.0)
            ),
            Self::Starved { connections, of } => {
                write!(f, "{connections} of {of} connections got no answer at all")
            }
            Self::Exhausted { share } => write!(
                f,
                "the generator's machine was the limit: {} of the requests got no connection because no port or no open file \
                 was left ({} are allowed)",
                percent(share),
                percent(&EXHAUSTED.0)
            ),
            Self::ServerEnded { after_ns } => {
                write!(f, "the server's processes had all ended {} after the window began", units::duration(*after_ns))
            }
            Self::SlowCpu { share } => write!(
                f,
                "the jobs' computing took {} more CPU time than the calibration gives it ({} are allowed)",
                percent(share),
                percent(&SLOW_CPU)
            ),
            Self::Drift { ratio } => write!(
                f,
                "the headline figure went from round to round, by {} from the first to the last ({} are allowed)",
                percent(&(ratio - 1.0)),
                percent(&DRIFT.0)
            ),
            Self::Unsteady { ratio } => write!(
                f,
                "response times went one way within the window: in its last third their median was {} times that of the \
                 first ({} are allowed), and depends on how long one measures",
                units::three_digits(*ratio),
                percent(&UNSTEADY)
            ),
            Self::Control { ratio } => {
                write!(
                    f,
                    "the same model, run twice in every round, differs from itself by {} ({} are allowed), and its interval \
                     leaves out 0",
                    percent(&(ratio - 1.0)),
                    percent(&CONTROL.0)
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
            Self::Windows { share } => write!(
                f,
                "server and generator did not measure the same time: {} of the window was measured by one of them only ({} \
                 are allowed), and what the server used is off by as much",
                percent(share),
                percent(&WINDOWS.0)
            ),
            Self::Unknown { gaps } => {
                let cpu = gaps.cpu.map(|gap| format!("CPU time, as {}", why(gap)));
                let memory = gaps.memory.then(|| "peak memory, as processes of it ended".to_owned());
                let switches = gaps.switches.then(|| "context switches, as threads of it ended".to_owned());
                let all: Vec<String> = [cpu, memory, switches].into_iter().flatten().collect();
                write!(f, "not known of the server: {}", all.join("; "))
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

/// Returns why the CPU time of a server is unknown.
fn why(gap: CpuGap) -> &'static str {
    match gap {
        CpuGap::ChildrenIgnored => {
            "a process of it ignores its children (SIGCHLD), and what they used is lost when they end"
        }
        CpuGap::Ended => "a process ended that handed what it used to none of the others",
        CpuGap::TooLittle => "it used less than answering takes: other processes did the work",
    }
}
