//! What some processes use between two instants, all of them together.

use std::collections::BTreeSet;

use crate::host;

use super::proc::{self, kibibytes};
use super::{Others, OthersMeter, process_cpu_ns};

/// What some processes used between two instants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessesUsage {
    /// The processes.
    pub processes: Vec<u32>,
    /// CPU time of all their threads, ended ones too, nanoseconds: by the clocks of the processes, which count no ticks.
    pub cpu_ns: u64,
    /// The most memory that was ever resident, added up; nothing where the kernel does not tell.
    pub memory_peak_bytes: Option<u64>,
    /// CPUs that they may run on.
    pub cpus: Vec<usize>,
    /// What others than them and this process used of those CPUs, from when the meter was made.
    pub others: Option<Others>,
}

/// The first of the two instants.
#[derive(Debug)]
pub struct ProcessesMeter {
    processes: Vec<u32>,
    cpus: Vec<usize>,
    cpu_ns: u64,
    others: OthersMeter,
}

impl ProcessesMeter {
    /// For these processes; nothing where there is none, or one of them has ended. Costs as much as [`OthersMeter::start`].
    pub fn start(processes: Vec<u32>) -> Option<Self> {
        if processes.is_empty() {
            return None;
        }
        let cpus = cpus_of(&processes);
        Some(Self { cpu_ns: cpu_ns(&processes)?, others: OthersMeter::start(cpus.clone()), cpus, processes })
    }

    /// CPUs that one of the processes may run on.
    pub fn cpus(&self) -> &[usize] {
        &self.cpus
    }

    /// Takes their CPU time anew: from now on it counts.
    pub fn restart(&mut self) {
        self.cpu_ns = cpu_ns(&self.processes).unwrap_or(self.cpu_ns);
    }

    /// What they used since; nothing when one of them has ended.
    pub fn stop(&self) -> Option<ProcessesUsage> {
        let after = cpu_ns(&self.processes)?;
        let peak = |pid: &u32| kibibytes(&proc::read(*pid, "status")?, "VmHWM:");
        let own: Vec<u32> = self.processes.iter().copied().chain([std::process::id()]).collect();
        Some(ProcessesUsage {
            processes: self.processes.clone(),
            cpu_ns: after.saturating_sub(self.cpu_ns),
            memory_peak_bytes: self.processes.iter().map(peak).sum(),
            cpus: self.cpus.clone(),
            others: self.others.stop(&own, self.others.used_by(&own)),
        })
    }
}

/// CPUs that one of these processes may run on.
fn cpus_of(processes: &[u32]) -> Vec<usize> {
    let cpus: BTreeSet<usize> = processes.iter().flat_map(|pid| host::cpus_of(*pid)).collect();
    cpus.into_iter().collect()
}

/// CPU time of these processes together; nothing where one of them has ended.
fn cpu_ns(processes: &[u32]) -> Option<u64> {
    processes.iter().map(|pid| process_cpu_ns(*pid)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_a_tick_of_the_kernel_is_seen() {
        let meter = ProcessesMeter::start(vec![std::process::id()]).unwrap();
        let first = meter.stop().unwrap();
        assert!(first.memory_peak_bytes.is_some_and(|peak| peak > 0) && first.cpus == host::cpus(), "{first:?}");
        let until = first.cpu_ns + 100_000;
        let mut sum = 0_u64;
        while meter.stop().unwrap().cpu_ns < until {
            sum = std::hint::black_box((0..1_000_u64).fold(sum, u64::wrapping_add));
        }
        assert!(ProcessesMeter::start(Vec::new()).is_none());
        assert!(ProcessesMeter::start(vec![u32::MAX]).is_none());
    }
}
