//! A process that is none of ours, with all it started: read from `/proc`, as it cannot be asked itself.

use nix::sys::time::TimeValLike as _;
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

use super::Usage;
use super::proc::{self, kibibytes, number};

/// A process and everything that it started, at one instant.
#[derive(Clone, Debug)]
pub struct Tree {
    /// By process.
    processes: Vec<(u32, Usage)>,
}

impl Tree {
    /// Reads it from `/proc`: some 50 us a process. CPU time is that of each process's clock, ended threads and all; its
    /// division into user and kernel is the kernel's, by ticks. Switches are those of the threads that live.
    pub fn read(root: u32) -> Self {
        let mut processes: Vec<(u32, Usage)> = Vec::new();
        let mut left = vec![root];
        while let Some(pid) = left.pop() {
            processes.extend(of_process(pid).map(|usage| (pid, usage)));
            left.extend(children(pid));
        }
        Self { processes }
    }

    /// The numbers of its processes.
    pub fn pids(&self) -> impl Iterator<Item = u32> {
        self.processes.iter().map(|(pid, _)| *pid)
    }

    /// Threads of all its processes.
    pub fn threads(&self) -> u64 {
        self.processes.iter().filter_map(|(_, usage)| usage.threads_at_end).sum()
    }

    /// What it used since an earlier instant. A process that was started in between counts from its start; one that ended
    /// is lost. Memory of several processes that share pages is counted in each.
    pub fn since(&self, earlier: &Self) -> Usage {
        let sum = |of: fn(&Usage) -> u64| {
            let each = self.processes.iter().map(|(pid, now)| {
                let before = earlier.processes.iter().find(|(other, _)| other == pid).map_or(0, |(_, then)| of(then));
                of(now).saturating_sub(before)
            });
            each.sum::<u64>()
        };
        let total =
            |tree: &Self, of: fn(&Usage) -> Option<u64>| tree.processes.iter().map(|(_, usage)| of(usage)).sum();
        Usage {
            cpu_user_ns: sum(|usage| usage.cpu_user_ns),
            cpu_system_ns: sum(|usage| usage.cpu_system_ns),
            switches_voluntary: sum(|usage| usage.switches_voluntary),
            switches_involuntary: sum(|usage| usage.switches_involuntary),
            faults_minor: sum(|usage| usage.faults_minor),
            faults_major: sum(|usage| usage.faults_major),
            memory_peak_bytes: total(self, |usage| usage.memory_peak_bytes),
            memory_start_bytes: total(earlier, |usage| usage.memory_start_bytes),
            threads_at_end: Some(self.threads()),
        }
    }
}

fn children(pid: u32) -> Vec<u32> {
    let lists = proc::threads(pid).into_iter().filter_map(|tid| proc::read(pid, &format!("task/{tid}/children")));
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()).collect()
}

/// CPU time of a process and all its threads, ended ones too, nanoseconds: by its own clock (clock_getcpuclockid(3)), not
/// by the ticks of `/proc/PID/stat`. Nothing of a process that has ended. About 1 us.
pub fn process_cpu_ns(pid: u32) -> Option<u64> {
    let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(pid).ok()?)).ok()?;
    u64::try_from(clock.now().ok()?.num_nanoseconds()).ok()
}

/// Nothing of a process that has ended.
fn of_process(pid: u32) -> Option<Usage> {
    let cpu_ns = process_cpu_ns(pid)?;
    let (stat, status) = (proc::read(pid, "stat")?, proc::read(pid, "status")?);
    let fields = proc::fields_from_third(&stat)?;
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let (faults_minor, faults_major, user, system) = (field(10)?, field(12)?, field(14)?, field(15)?);
    let cpu_system_ns = if user + system == 0 { 0 } else { cpu_ns as u128 * system as u128 / (user + system) as u128 };
    let cpu_system_ns = cpu_system_ns as u64;
    let statuses = proc::threads(pid).into_iter().filter_map(|tid| proc::read(pid, &format!("task/{tid}/status")));
    let (voluntary, involuntary) = statuses.fold((0, 0), |(voluntary, involuntary), status| {
        let switches = |name| number(&status, name).unwrap_or(0);
        (voluntary + switches("voluntary_ctxt_switches:"), involuntary + switches("nonvoluntary_ctxt_switches:"))
    });
    Some(Usage {
        cpu_user_ns: cpu_ns - cpu_system_ns,
        cpu_system_ns,
        switches_voluntary: voluntary,
        switches_involuntary: involuntary,
        faults_minor,
        faults_major,
        memory_peak_bytes: kibibytes(&status, "VmHWM:"),
        memory_start_bytes: kibibytes(&status, "VmRSS:"),
        threads_at_end: number(&status, "Threads:"),
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio, id};

    use super::*;

    #[test]
    fn a_tree_holds_what_was_started() {
        // `cat` reads until its standard input is closed.
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let tree = Tree::read(id());
        assert!(tree.processes.iter().any(|(pid, _)| *pid == child.id()), "{tree:?}");
        // Of the same reading: other tests start and end threads meanwhile.
        let own = tree.processes.iter().find(|(pid, _)| *pid == id()).and_then(|(_, usage)| usage.threads_at_end);
        assert!(tree.threads() > own.unwrap(), "{tree:?}");
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!Tree::read(id()).processes.iter().any(|(pid, _)| *pid == child.id()));
    }

    #[test]
    fn what_a_tree_used_is_a_difference() {
        let before = Tree::read(id());
        let mut sum = 0_u64;
        while Tree::read(id()).since(&before).cpu_ns() < 2_000_000 {
            sum = std::hint::black_box((0..100_000_u64).fold(sum, u64::wrapping_add));
        }
        let used = Tree::read(id()).since(&before);
        assert!(used.memory_peak_bytes.is_some_and(|bytes| bytes > 100_000), "{used:?}");
        assert_eq!(Tree::read(u32::MAX).processes, []);
    }
}
