//! Measures the total usage of several processes between two instants.

use std::collections::BTreeSet;

use crate::host;

use super::{Others, OthersMeter, Tree, Usage};

/// The total usage of some processes and their descendants between two instants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessesUsage {
    /// The processes at the second instant.
    pub processes: Vec<u32>,
    /// CPU time, memory, threads, context switches and page faults.
    pub usage: Usage,
    /// The CPUs that they may run on.
    pub cpus: Vec<usize>,
    /// The usage of those CPUs by all processes except these and this one, since the meter was created; `None` if the
    /// CPU time of these processes is unknown.
    pub others: Option<Others>,
    /// The time for which a CPU quota throttled them or this process, nanoseconds; `None` if the kernel does not count
    /// it.
    pub throttled_ns: Option<u64>,
}

/// Measures the usage of some processes. Holds the counters at the first instant.
#[derive(Debug)]
pub struct ProcessesMeter {
    roots: Vec<u32>,
    cpus: Vec<usize>,
    /// The processes when the meter was created, and when counting began.
    trees: [Tree; 2],
    throttled_ns: Option<u64>,
    others: OthersMeter,
}

impl ProcessesMeter {
    /// Starts a meter for these processes and their descendants, without this process; `None` if none are left. Costs
    /// as much as [`OthersMeter::start`].
    pub fn start(mut roots: Vec<u32>) -> Option<Self> {
        /// The first process of a machine: it may hold the sockets of services that it starts, and is an ancestor of
        /// every process.
        const INIT: u32 = 1;
        if roots.len() > 1 {
            roots.retain(|pid| *pid != INIT);
        }
        let tree = tree(&roots);
        let cpus = cpus_of(&tree);
        let is_there = tree.pids().next().is_some();
        is_there.then(|| Self {
            trees: [tree.clone(), tree],
            throttled_ns: throttled_ns(&roots),
            others: OthersMeter::start(cpus.clone()),
            cpus,
            roots,
        })
    }

    /// Returns the processes given to `start`, without their descendants.
    pub fn roots(&self) -> &[u32] {
        &self.roots
    }

    /// Returns the CPUs that one of the processes may run on.
    pub fn cpus(&self) -> &[usize] {
        &self.cpus
    }

    /// Reads the counters again; usage counts from here.
    pub fn restart(&mut self) {
        self.trees[1] = tree(&self.roots);
        self.throttled_ns = throttled_ns(&self.roots);
    }

    /// Returns the usage since the last restart, or since the start.
    pub fn stop(&self) -> ProcessesUsage {
        let now = tree(&self.roots);
        let [made, counted] = &self.trees;
        let (usage, since_made) = (now.since(counted), now.since(made));
        let this = std::process::id();
        let own: Vec<u32> = now.pids().chain([this]).collect();
        let others = || self.others.stop(&own, since_made.cpu_ns() + self.others.used_by(&[this]));
        ProcessesUsage {
            processes: now.pids().collect(),
            usage,
            cpus: self.cpus.clone(),
            throttled_ns: throttled_ns(&self.roots).zip(self.throttled_ns).map(|(now, then)| now.saturating_sub(then)),
            others: since_made.gaps.cpu.is_none().then(others).flatten(),
        }
    }
}

/// Returns how long a quota throttled these processes or this one, nanoseconds.
fn throttled_ns(roots: &[u32]) -> Option<u64> {
    host::throttled_ns(&[roots, &[std::process::id()]].concat())
}

fn tree(roots: &[u32]) -> Tree {
    Tree::read(roots, &[std::process::id()])
}

/// Returns the CPUs that one of these processes may run on.
fn cpus_of(tree: &Tree) -> Vec<usize> {
    let cpus: BTreeSet<usize> = tree.pids().flat_map(host::cpus_of).collect();
    cpus.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn the_usage_of_given_processes_is_measured_and_their_end_detected() {
        let mut shell = Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; echo done; read x"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let meter = ProcessesMeter::start(vec![shell.id()]).unwrap();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
        let used = meter.stop();
        assert!(
            used.usage.cpu_ns() > 1_000_000 && used.usage.memory_peak_bytes.is_some_and(|peak| peak > 0),
            "{used:?}"
        );
        assert_eq!((used.processes.as_slice(), &used.cpus), ([shell.id()].as_slice(), &host::cpus()));
        drop(shell.stdin.take());
        shell.wait().unwrap();
        let used = meter.stop();
        assert!(used.processes.is_empty() && used.usage.gaps.cpu.is_some() && used.others.is_none(), "{used:?}");
        assert!(ProcessesMeter::start(Vec::new()).is_none());
        assert!(ProcessesMeter::start(vec![u32::MAX]).is_none());
        assert!(ProcessesMeter::start(vec![std::process::id()]).is_none(), "this process is not an external server");
    }
}
