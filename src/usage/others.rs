//! Measures what processes outside of a trial use of its CPUs, since they would distort its figures.
//!
//! Combines two sources, since neither is complete. The clocks of all threads are exact and identify the process, but
//! miss threads that started and ended between the two readings, and show only the CPU on which each thread ran last.
//! The idle time of each CPU in `/proc/stat` misses no thread, but counts in ticks of 10 ms.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{Scheduled, process_cpu_ns};
use crate::host;
use crate::proc::{self, TICK_NS};

/// The usage of some CPUs by processes outside of a trial, between two instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Others {
    /// A lower bound of the CPU time that they used on those CPUs, nanoseconds.
    pub cpu_ns: u64,
    /// The time between the instants, times the number of CPUs, nanoseconds.
    pub of_ns: u64,
    /// The process that used the most, if known.
    pub most: Option<OtherProcess>,
}

impl Others {
    /// Returns the share of those CPUs' time, from 0 to 1.
    pub fn share(&self) -> f64 {
        self.cpu_ns as f64 / self.of_ns.max(1) as f64
    }
}

/// A process outside of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherProcess {
    /// The process ID.
    pub pid: u32,
    /// The process name, padded with zeros: the kernel cuts names at 15 bytes (proc_pid_comm(5)).
    name: [u8; 15],
}

impl OtherProcess {
    fn new(pid: u32, name: &str) -> Self {
        let mut bytes = [0; 15];
        bytes.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
        Self { pid, name: bytes }
    }
}

impl fmt::Display for OtherProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = String::from_utf8_lossy(&self.name);
        let clean: String = name.chars().filter(|c| !c.is_control()).collect();
        write!(f, "{clean} (process {})", self.pid)
    }
}

/// Measures the usage by other processes. Holds the counters at the first instant.
#[derive(Debug)]
pub struct OthersMeter {
    cpus: Vec<usize>,
    begun: Instant,
    idle_ns: Option<u64>,
    threads: Vec<Thread>,
}

/// A thread of any process, and its CPU time so far.
#[derive(Clone, Copy, Debug)]
struct Thread {
    pid: u32,
    tid: u32,
    ran_ns: u64,
}

impl OthersMeter {
    /// Starts a meter for these CPUs. Reads the clocks of all threads of the machine, about 10 us each.
    pub fn start(cpus: Vec<usize>) -> Self {
        Self { idle_ns: idle_ns(&cpus), threads: threads(), begun: Instant::now(), cpus }
    }

    /// Returns the CPU time that these processes have used since the start, nanoseconds. Counts only those that still
    /// run and may use one of the CPUs.
    pub fn used_by(&self, processes: &[u32]) -> u64 {
        let may = |pid: &&u32| host::cpus_of(**pid).iter().any(|cpu| self.cpus.contains(cpu));
        let used = |pid: &u32| process_cpu_ns(*pid)?.checked_sub(self.before(*pid));
        processes.iter().filter(may).filter_map(used).sum()
    }

    /// Returns the CPU time of a process at the start, nanoseconds; 0 if it did not exist then.
    fn before(&self, pid: u32) -> u64 {
        self.threads.iter().filter(|thread| thread.pid == pid).map(|thread| thread.ran_ns).sum()
    }

    /// Returns the usage since the start by processes other than `own`, which used `own_ns` of CPU time. Returns `None`
    /// if there are no CPUs.
    pub fn stop(&self, own: &[u32], own_ns: u64) -> Option<Others> {
        let of_ns = self.begun.elapsed().as_nanos() as u64 * self.cpus.len() as u64;
        let idle_ns = idle_ns(&self.cpus).zip(self.idle_ns).map(|(now, before)| now.saturating_sub(before));
        let mut used_by_pid: BTreeMap<u32, u64> = BTreeMap::new();
        for thread in threads().into_iter().filter(|thread| !own.contains(&thread.pid)) {
            let before = self.threads.iter().find(|other| other.tid == thread.tid).map_or(0, |other| other.ran_ns);
            let used = thread.ran_ns.saturating_sub(before);
            if used > 0 && last_cpu(thread).is_some_and(|cpu| self.cpus.contains(&cpu)) {
                *used_by_pid.entry(thread.pid).or_default() += used;
            }
        }
        let by_clocks = used_by_pid.values().sum();
        let by_idle = idle_ns.map_or(0, |idle| unexplained(of_ns, idle, own_ns, self.cpus.len()));
        let most = used_by_pid.into_iter().max_by_key(|(_, used)| *used);
        let most = most.and_then(|(pid, _)| Some(OtherProcess::new(pid, proc::read(pid, "comm")?.trim_end())));
        (of_ns > 0).then(|| Others { cpu_ns: at_least(by_clocks, by_idle, of_ns, own_ns), of_ns, most })
    }
}

/// Returns the larger of the two sources' lower bounds, at most the time that the trial's own processes left.
fn at_least(by_clocks: u64, by_idle: u64, of_ns: u64, own_ns: u64) -> u64 {
    by_clocks.max(by_idle).min(of_ns.saturating_sub(own_ns))
}

/// Returns the time that was neither idle nor used by the trial itself, minus the maximum error of counting in ticks.
fn unexplained(of_ns: u64, idle_ns: u64, own_ns: u64, cpus: usize) -> u64 {
    of_ns.saturating_sub(idle_ns + own_ns + 2 * TICK_NS * cpus as u64)
}

/// Returns all threads of this machine that this user may see.
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

/// Returns the CPU on which a thread ran last; `None` if the thread has ended.
fn last_cpu(Thread { pid, tid, .. }: Thread) -> Option<usize> {
    let stat = proc::read(pid, &format!("task/{tid}/stat"))?;
    proc::fields_from_third(&stat)?.get(39 - 3)?.parse().ok()
}

/// Returns the idle time of these CPUs since boot, including iowait and stolen time, nanoseconds.
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
    fn cpu_time_neither_idle_nor_own_is_unexplained() {
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
        assert_eq!(at_least(950, 0, 1_000, 100), 900, "no more than what the own processes left");
    }

    #[test]
    fn another_process_is_named_and_an_own_one_is_not() {
        let burn = || {
            let spin = ["-c", "while :; do :; done"];
            Command::new("sh").args(spin).stdin(Stdio::null()).spawn().expect("every system has sh")
        };
        let (mut other, mut own) = (burn(), burn());
        let meter = OthersMeter::start(host::cpus());
        // Wait until both have used some CPU time.
        let used = |pid| process_cpu_ns(pid).unwrap_or(0);
        let before = (used(other.id()), used(own.id()));
        while used(other.id()) < before.0 + 20_000_000 || used(own.id()) < before.1 + 20_000_000 {
            std::thread::yield_now();
        }
        assert!(meter.used_by(&[own.id()]) >= 20_000_000);
        let others = meter.stop(&[own.id(), id()], 0).unwrap();
        for process in [&mut other, &mut own] {
            process.kill().unwrap();
            process.wait().unwrap();
        }
        assert!(others.cpu_ns >= 20_000_000 && others.share() > 0.0, "{others:?}");
        assert!(others.most.is_some_and(|most| most.pid != own.id() && most.pid != id()), "{others:?}");
        assert_eq!(OtherProcess::new(7, "a very long name of a process").to_string(), "a very long nam (process 7)");
    }
}
