//! What processes that do not belong to a trial use of its CPUs: a stranger there makes the figures, and not the model.
//!
//! Two sources, as neither sees everything. The clocks of all threads are exact and say who it was, but a thread that began
//! and ended between the two readings is missed, and only the CPU that it ran on last is known. The idle time of each CPU
//! in `/proc/stat` misses nobody, but counts in ticks of 10 ms.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{Scheduled, process_cpu_ns};
use crate::host;
use crate::proc::{self, TICK_NS};

/// What strangers used of some CPUs between two instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Others {
    /// CPU time of those CPUs that they used, nanoseconds: what is known of it, at least.
    pub cpu_ns: u64,
    /// The time between the instants, times the number of CPUs, nanoseconds.
    pub of_ns: u64,
    /// Who used the most, where a process is known.
    pub most: Option<Stranger>,
}

impl Others {
    /// The part of those CPUs' time, 0 to 1.
    pub fn share(&self) -> f64 {
        self.cpu_ns as f64 / self.of_ns.max(1) as f64
    }
}

/// A process by its number and the name that the kernel keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stranger {
    /// Its number.
    pub pid: u32,
    /// Its name, padded with zeros: the kernel cuts names at 15 bytes (proc_pid_comm(5)).
    name: [u8; 15],
}

impl Stranger {
    fn new(pid: u32, name: &str) -> Self {
        let mut bytes = [0; 15];
        bytes.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
        Self { pid, name: bytes }
    }
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = String::from_utf8_lossy(&self.name);
        let clean: String = name.chars().filter(|c| !c.is_control()).collect();
        write!(f, "{clean} (process {})", self.pid)
    }
}

/// The first of the two instants.
#[derive(Debug)]
pub struct OthersMeter {
    cpus: Vec<usize>,
    begun: Instant,
    idle_ns: Option<u64>,
    threads: Vec<Thread>,
}

/// A thread of some process, and the CPU time that it has used.
#[derive(Clone, Copy, Debug)]
struct Thread {
    pid: u32,
    tid: u32,
    ran_ns: u64,
}

impl OthersMeter {
    /// For these CPUs. Reads the clocks of all threads of the machine: about 10 us for each of them.
    pub fn start(cpus: Vec<usize>) -> Self {
        Self { idle_ns: idle_ns(&cpus), threads: threads(), begun: Instant::now(), cpus }
    }

    /// CPU time that these processes have used since, nanoseconds: those that still run, and may run on one of the CPUs.
    pub fn used_by(&self, processes: &[u32]) -> u64 {
        let may = |pid: &&u32| host::cpus_of(**pid).iter().any(|cpu| self.cpus.contains(cpu));
        let used = |pid: &u32| process_cpu_ns(*pid)?.checked_sub(self.before(*pid));
        processes.iter().filter(may).filter_map(used).sum()
    }

    /// CPU time that a process had used at the first instant; none of one that was not there.
    fn before(&self, pid: u32) -> u64 {
        self.threads.iter().filter(|thread| thread.pid == pid).map(|thread| thread.ran_ns).sum()
    }

    /// What was used since by others than these processes, which used `own_ns` of CPU time; nothing where there is no CPU.
    pub fn stop(&self, own: &[u32], own_ns: u64) -> Option<Others> {
        let of_ns = self.begun.elapsed().as_nanos() as u64 * self.cpus.len() as u64;
        let idle_ns = idle_ns(&self.cpus).zip(self.idle_ns).map(|(now, before)| now.saturating_sub(before));
        let mut strangers: BTreeMap<u32, u64> = BTreeMap::new();
        for thread in threads().into_iter().filter(|thread| !own.contains(&thread.pid)) {
            let before = self.threads.iter().find(|other| other.tid == thread.tid).map_or(0, |other| other.ran_ns);
            let used = thread.ran_ns.saturating_sub(before);
            if used > 0 && last_cpu(thread).is_some_and(|cpu| self.cpus.contains(&cpu)) {
                *strangers.entry(thread.pid).or_default() += used;
            }
        }
        let by_clocks = strangers.values().sum();
        let by_idle = idle_ns.map_or(0, |idle| unexplained(of_ns, idle, own_ns, self.cpus.len()));
        let most = strangers.into_iter().max_by_key(|(_, used)| *used);
        let most = most.and_then(|(pid, _)| Some(Stranger::new(pid, proc::read(pid, "comm")?.trim_end())));
        (of_ns > 0).then(|| Others { cpu_ns: at_least(by_clocks, by_idle, of_ns, own_ns), of_ns, most })
    }
}

/// What both sources together prove, and no more than there was.
fn at_least(by_clocks: u64, by_idle: u64, of_ns: u64, own_ns: u64) -> u64 {
    by_clocks.max(by_idle).min(of_ns.saturating_sub(own_ns))
}

/// What was neither idle nor the trial's own of that time, less what counting in ticks may be off by at either end.
fn unexplained(of_ns: u64, idle_ns: u64, own_ns: u64, cpus: usize) -> u64 {
    of_ns.saturating_sub(idle_ns + own_ns + 2 * TICK_NS * cpus as u64)
}

/// Every thread of this machine that this user may know of.
fn threads() -> Vec<Thread> {
    let of_process = |pid: u32| {
        let thread = move |tid| {
            let schedstat = proc::read(pid, &format!("task/{tid}/schedstat"))?;
            Some(Thread { pid, tid, ran_ns: Scheduled::parse(&schedstat)?.ran_ns })
        };
        proc::threads(pid).into_iter().filter_map(thread)
    };
    proc::processes().into_iter().flat_map(of_process).collect()
}

/// The CPU that a thread ran on last; nothing of one that has ended.
fn last_cpu(Thread { pid, tid, .. }: Thread) -> Option<usize> {
    let stat = proc::read(pid, &format!("task/{tid}/stat"))?;
    proc::fields_from_third(&stat)?.get(39 - 3)?.parse().ok()
}

/// How long these CPUs were idle since the machine began, waiting for a disk included, and how long the host had them.
fn idle_ns(cpus: &[usize]) -> Option<u64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let ticks = cpus.iter().map(|cpu| {
        let line = stat.lines().find_map(|line| line.strip_prefix(&format!("cpu{cpu} ")))?;
        // user, nice, system, idle, iowait, irq, softirq, steal (proc_stat(5)).
        let fields: Vec<u64> = line.split_whitespace().map_while(|field| field.parse().ok()).collect();
        Some(fields.get(3)? + fields.get(4)? + fields.get(7)?)
    });
    ticks.sum::<Option<u64>>().map(|ticks| ticks * TICK_NS)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio, id};

    use super::*;

    #[test]
    fn what_is_neither_idle_nor_own_is_a_strangers() {
        const MS: u64 = 1_000_000;
        for (of, idle, own, cpus, expected) in [
            (1_000, 600, 400, 1, 0),
            (1_000, 300, 400, 1, 280),
            (1_000, 590, 400, 1, 0),
            (2_000, 600, 400, 2, 960),
            (150, 0, 140, 1, 0),
        ] {
            assert_eq!(unexplained(of * MS, idle * MS, own * MS, cpus), expected * MS, "{of} {idle} {own}");
        }
        assert_eq!(at_least(50, 30, 1_000, 100), 50);
        assert_eq!(at_least(50, 70, 1_000, 100), 70);
        assert_eq!(at_least(950, 0, 1_000, 100), 900, "no more than there was");
    }

    #[test]
    fn a_stranger_is_named_and_an_own_process_is_not() {
        let burn = || {
            let spin = ["-c", "while :; do :; done"];
            Command::new("sh").args(spin).stdin(Stdio::null()).spawn().expect("every system has sh")
        };
        let (mut stranger, mut own) = (burn(), burn());
        let meter = OthersMeter::start(host::cpus());
        // Until both have used some.
        let used = |pid| process_cpu_ns(pid).unwrap_or(0);
        let before = (used(stranger.id()), used(own.id()));
        while used(stranger.id()) < before.0 + 20_000_000 || used(own.id()) < before.1 + 20_000_000 {
            std::thread::yield_now();
        }
        assert!(meter.used_by(&[own.id()]) >= 20_000_000);
        let others = meter.stop(&[own.id(), id()], 0).unwrap();
        for process in [&mut stranger, &mut own] {
            process.kill().unwrap();
            process.wait().unwrap();
        }
        assert!(others.cpu_ns >= 20_000_000 && others.share() > 0.0, "{others:?}");
        assert!(others.most.is_some_and(|most| most.pid != own.id() && most.pid != id()), "{others:?}");
        assert_eq!(Stranger::new(7, "a very long name of a process").to_string(), "a very long nam (process 7)");
    }
}
