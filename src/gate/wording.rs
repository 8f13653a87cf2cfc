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
            Self::OtherPrograms { .. } => "other programs",
            Self::SharedCpus { .. } => "CPUs shared",
            Self::OneEvent { .. } => "p99 from one event",
            Self::Little { .. } => "Little's law violated",
            Self::Unanswered { .. } => "unanswered requests",
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
            Self::Unsteady { .. } => "unsteady",
            Self::Disturbed { .. } => "disturbed rounds",
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
                "give the generator a CPU of its own (taskset), or stop other programs on that CPU"
            }
            Self::Late { cause: Cause::Busy, .. } => "use more generator threads, or offer a lower rate",
            Self::Late { cause: Cause::Timer, .. } => {
                "use --pacing hybrid, which polls the clock just before a request is due"
            }
            Self::Late { cause: Cause::Unknown, .. } => "measure again on a quiet machine and host",
            Self::Paused { .. } => "measure again without suspending the generator",
            Self::Behind { .. } | Self::Busy { .. } => "offer a lower rate, or use more generator threads",
            Self::Stolen { .. } => "measure again on a quiet host",
            Self::Disturbed { .. } => {
                "measure again on a quiet machine and host: the median itself may come from a disturbed round"
            }
            Self::SlowCpu { .. } => "measure again on a quiet machine and host, at a constant CPU frequency",
            Self::OtherPrograms { .. } => "stop other programs on this machine",
            Self::OneEvent { .. } => "measure for longer, so that p99 depends on more than one event",
            Self::Drift { .. } => "measure again with --full, once the machine is warm",
            Self::Unsteady { .. } => {
                "offer a lower rate if the server's queue grows; otherwise warm up or measure for longer"
            }
            Self::Workers { .. } => "give all models the same number of workers",
            Self::Control { .. } => "disregard smaller differences, and measure again with --full",
            Self::Windows { .. } => "measure again without suspending avt",
            Self::Unknown { gaps } if gaps.cpu == Some(CpuGap::ChildrenIgnored) => {
                "make the server wait for its children instead of ignoring SIGCHLD"
            }
            Self::Unknown { .. } => "use a server whose processes live until the end of the window",
            Self::Throttled { .. } => "lift the quota of the control groups (cpu.max, cpu.cfs_quota_us)",
            Self::FewCpus { .. } => {
                "use a machine with enough CPUs, and no taskset or cpuset that excludes some of them"
            }
            Self::SharedCpus { .. } => "pin server and generator to different CPUs (taskset)",
            Self::Little { .. } => "report this defect of the generator",
            Self::Unanswered { .. } => "read the percentiles as those of the answered requests",
            Self::Failed { .. } => "find out why requests failed; the figures cover only the answered ones",
            Self::Exhausted { .. } => {
                "keep connections open in the server, widen net.ipv4.ip_local_port_range, or raise the open-file limit"
            }
            Self::ServerEnded { .. } => "find out why the server ended, and measure again",
            Self::Starved { .. } => "open no more connections than the server has threads",
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
                    "the generator paused for up to {} at a time, {} of the window in total (limits {} and {})",
                    units::duration(*longest_ns),
                    percent(share),
                    units::duration(PAUSE.0),
                    percent(&PAUSED.0),
                )?;
                let Some((p99, without)) = p99_ns.filter(|(p99, without)| p99 > without) else { return Ok(()) };
                write!(
                    f,
                    "; of the response times from p99 on, {} are at least half pause (limit {}); p99 is {}, and {} \
                     without the pauses",
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
                write!(f, "the generator sent requests late: p50 {}", times([*p50_ns, *response_p50_ns]))?;
                if let Some((late, all)) = *p99_ns {
                    write!(f, ", p99 {}", times([late, all]))?;
                }
                f.write_str(" (limits 10 % of p50 and 33 % of p99)")
            }
            Self::Behind { share } => write!(
                f,
                "the generator, not the server, fell behind: it sent {} of the requests due in the window (at least {} \
                 required)",
                percent(share),
                percent(&KEPT_UP)
            ),
            Self::Busy { share, kept_up } => write!(
                f,
                "a generator thread was busy {} of the time, and only {} of the requests due were sent and answered in \
                 the window: the generator may be the bottleneck, not the server (limit {} busy while less than {} are \
                 answered)",
                percent(share),
                percent(kept_up),
                percent(&BUSY),
                percent(&KEPT_UP)
            ),
            Self::Queued { share } => write!(
                f,
                "a generator thread waited for a CPU {} of the time (limit {})",
                percent(share),
                percent(&QUEUED.0)
            ),
            Self::Stolen { share } => write!(
                f,
                "the host gave {} of this machine's CPU time to other guests (limit {})",
                percent(share),
                percent(&STOLEN.0)
            ),
            Self::OtherPrograms { share, most, of } => {
                let allowed = match of {
                    CpuOwner::Server => OTHERS_OF_SERVER.0,
                    CpuOwner::Jobs => OTHERS_OF_JOBS,
                };
                write!(f, "other programs used {} of the measured CPUs' time", percent(share))?;
                if let Some(most) = most {
                    write!(f, ", mainly {most}")?;
                }
                write!(f, " (limit {})", percent(&allowed))
            }
            Self::SharedCpus { cpus, waited, .. } => {
                write!(f, "server and generator share {}", units::counted(*cpus as u64, "CPU", "CPUs"))?;
                match waited {
                    Some(waited) => write!(f, "; the generator waited for a CPU {} of the time", percent(waited)),
                    None => Ok(()),
                }
            }
            Self::OneEvent { share, from_ns, length_ns, p99_ns, without_ns } => write!(
                f,
                "one event determines p99: {} of the response times from p99 on belong to requests due within {}, {} \
                 after the start of the window; p99 is {}, and {} without that interval (limits 50 % and twice the \
                 p99)",
                percent(share),
                units::duration(*length_ns),
                units::duration(*from_ns),
                units::duration(*p99_ns),
                units::duration(*without_ns)
            ),
            Self::Little { in_flight, expected } => write!(
                f,
                "{} requests were in flight, but rate times service time is {} (limit {} apart)",
                units::three_digits(*in_flight),
                units::three_digits(*expected),
                percent(&LITTLE)
            ),
            Self::Unanswered { in_flight, unanswered } => write!(
                f,
                "of {} requests in flight on average, {} never got an answer, so rate times service time is only {} \
                 (limit {} apart)",
                units::three_digits(*in_flight),
                units::three_digits(*unanswered),
                units::three_digits(in_flight - unanswered),
                percent(&LITTLE)
            ),
            Self::Failed { requests, of } => write!(
                f,
                "{} of {} requests failed (limit {})",
                units::count(*requests),
                units::count(*of),
                percent(&FAILED.0)
            ),
            Self::Starved { connections, of } => {
                write!(f, "{connections} of {of} connections got no answer")
            }
            Self::Exhausted { share } => write!(
                f,
                "the generator's machine ran out of ports or open files: {} of requests got no connection (limit {})",
                percent(share),
                percent(&EXHAUSTED.0)
            ),
            Self::ServerEnded { after_ns } => write!(
                f,
                "all processes of the server had ended {} after the start of the window",
                units::duration(*after_ns)
            ),
            Self::SlowCpu { share } => write!(
                f,
                "computations took {} more CPU time than calibrated (limit {})",
                percent(share),
                percent(&SLOW_CPU)
            ),
            Self::Drift { ratio } => write!(
                f,
                "the headline figure drifted by {} from the first round to the last (limit {})",
                percent(&(ratio - 1.0)),
                percent(&DRIFT.0)
            ),
            Self::Unsteady { ratio } => write!(
                f,
                "response times drifted within the window: the median of its last third is {} times that of its first \
                 (limit {} apart), so the figures depend on the length of the window",
                units::three_digits(*ratio),
                percent(&UNSTEADY)
            ),
            Self::Control { ratio } => {
                write!(
                    f,
                    "the A/A control, the same model run twice in every round, differs by {} (limit {}), and its \
                     interval excludes 0",
                    percent(&(ratio - 1.0)),
                    percent(&CONTROL.0)
                )
            }
            Self::Disturbed { rounds, of } => write!(
                f,
                "something other than the trial disturbed {rounds} of {of} rounds (limit {})",
                percent(&DISTURBED)
            ),
            Self::Workers { least, most } => {
                write!(f, "models that compute have between {least} and {most} workers (equal numbers required)")
            }
            Self::Windows { share } => write!(
                f,
                "server and generator measured different periods: only one of them measured {} of the window (limit \
                 {}), and the server's CPU time is off by as much",
                percent(share),
                percent(&WINDOWS.0)
            ),
            Self::Unknown { gaps } => {
                let cpu = gaps.cpu.map(|gap| format!("CPU time, because {}", describe_gap(gap)));
                let memory = gaps.memory.then(|| "peak memory, because some of its processes ended".to_owned());
                let switches = gaps.switches.then(|| "context switches, because some of its threads ended".to_owned());
                let all: Vec<String> = [cpu, memory, switches].into_iter().flatten().collect();
                write!(f, "unknown for the server: {}", all.join("; "))
            }
            Self::Throttled { for_ns } => {
                write!(f, "a CPU quota throttled the process for {} (limit 0)", units::duration(*for_ns))
            }
            Self::FewCpus { wanted, cpus } => {
                write!(f, "the scenario requires {wanted}, but this machine offers {cpus}")
            }
        }
    }
}

/// Returns why the CPU time of a server is unknown.
fn describe_gap(gap: CpuGap) -> &'static str {
    match gap {
        CpuGap::ChildrenIgnored => {
            "one of its processes ignores SIGCHLD, which discards the CPU time of its children when they end"
        }
        CpuGap::Ended => "a process ended whose CPU time no other process inherited",
        CpuGap::TooLittle => "it used less than answering requires: other processes did the work",
    }
}
