//! Counters of external processes and their descendants, read from `/proc`.
//!
//! An ended process hands its CPU time to the parent that waits for it (`cutime` of proc_pid_stat(5)). So the sum of
//! own and inherited CPU time over a tree does not shrink when processes end, and the difference of two sums is what
//! the tree used. Peak memory and context switches are lost with their process, and a process that ignores SIGCHLD
//! inherits nothing. Such figures are [gaps](Gaps).

use std::collections::BTreeSet;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::Signal;
use nix::sys::time::TimeValLike as _;
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

use super::{CpuGap, Gaps, Usage, nanos};
use crate::proc::{self, TICK_NS, kibibytes, number};

/// Processes and their descendants at one instant.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    members: Vec<Member>,
    /// Counters that the root inherited from ended processes, if the root itself is not a member.
    handed_to_root: Counted,
    /// The root, if it is not a member.
    root: Option<u32>,
}

/// A process of a tree.
#[derive(Clone, Debug)]
struct Member {
    pid: u32,
    parent: u32,
    /// Counters since the process began, including those inherited from its ended children.
    counted: Counted,
    /// The part of its minor faults that was inherited.
    handed_faults: u64,
    switches: [u64; 2],
    threads: BTreeSet<u32>,
    /// Peak and current resident memory, bytes; `None` if the kernel does not report it.
    memory: Option<[u64; 2]>,
    ignores_its_children: bool,
}

/// Counters that outlive a process, because its parent inherits them.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    cpu_ns: u64,
    /// The part of `cpu_ns` that was spent in the kernel.
    cpu_system_ns: u64,
    faults_minor: u64,
    faults_major: u64,
}

impl Tree {
    /// Reads these processes and their descendants, without those of `except` and their descendants. Costs about 50 us
    /// per process, and 10 us for each other process of the machine.
    pub fn read(roots: &[u32], except: &[u32]) -> Self {
        let roots = roots.iter().copied().filter(|root| !except.contains(root));
        let started = proc::descendants(&roots.clone().collect::<Vec<_>>(), except);
        Self {
            members: roots.chain(started.iter().map(|process| process.pid)).filter_map(Member::read).collect(),
            ..Self::default()
        }
    }

    /// Reads the descendants of this process, but not the process itself, which must be a subreaper
    /// (`PR_SET_CHILD_SUBREAPER` of prctl(2)) and wait for every orphan that it adopts.
    pub fn below_this_process() -> Self {
        let own = std::process::id();
        Self {
            members: proc::descendants(&[own], &[]).iter().filter_map(|process| Member::read(process.pid)).collect(),
            handed_to_root: Counted::by_own_children(),
            root: Some(own),
        }
    }

    /// Returns the IDs of the processes.
    pub fn pids(&self) -> impl Iterator<Item = u32> {
        self.members.iter().map(|member| member.pid)
    }

    /// Returns the number of threads of all processes.
    pub fn threads(&self) -> u64 {
        self.members.iter().map(|member| member.threads.len() as u64).sum()
    }

    /// Returns the usage since an earlier instant, including which figures are unknown. Memory shared by several
    /// processes counts in each of them.
    pub fn since(&self, earlier: &Self) -> Usage {
        let (now, before) = (self.counted(), earlier.counted());
        let cpu_ns = now.cpu_ns.saturating_sub(before.cpu_ns);
        let cpu_system_ns = now.cpu_system_ns.saturating_sub(before.cpu_system_ns).min(cpu_ns);
        let switches = |kind: usize| {
            let each = self.members.iter().map(|member| {
                let then = earlier.member(member.pid).map_or(0, |then| then.switches[kind]);
                member.switches[kind].saturating_sub(then)
            });
            each.sum()
        };
        let memory = |tree: &Self, kind: usize| {
            let each = tree.members.iter().map(|member| Some(member.memory?[kind]));
            each.sum::<Option<u64>>()
        };
        let gaps = self.gaps(earlier);
        Usage {
            cpu_user_ns: cpu_ns - cpu_system_ns,
            cpu_system_ns,
            switches_voluntary: switches(0),
            switches_involuntary: switches(1),
            faults_minor: now.faults_minor.saturating_sub(before.faults_minor),
            faults_major: now.faults_major.saturating_sub(before.faults_major),
            memory_peak_bytes: memory(self, 0).filter(|_| !gaps.memory),
            memory_start_bytes: memory(earlier, 1),
            threads_at_end: Some(self.threads()),
            gaps,
        }
    }

    fn gaps(&self, earlier: &Self) -> Gaps {
        let ended = || earlier.members.iter().filter(|member| self.member(member.pid).is_none());
        // Every process has page faults, so a process that inherited faults had a child that ended.
        let is_handed_more =
            |now: &Member| now.handed_faults > earlier.member(now.pid).map_or(0, |then| then.handed_faults);
        let to_root = (self.handed_to_root.faults_minor, earlier.handed_to_root.faults_minor);
        let has_ended_process =
            ended().next().is_some() || to_root.0 > to_root.1 || self.members.iter().any(is_handed_more);
        let has_ended_thread =
            |now: &Member| earlier.member(now.pid).is_some_and(|then| !then.threads.is_subset(&now.threads));
        let ignores = |tree: &Self| tree.members.iter().any(|member| member.ignores_its_children);
        // An ended process hands its usage to its parent; the chain must end at a process that still runs.
        let is_handed_on = |member: &Member| {
            let mut parent = member.parent;
            loop {
                if self.member(parent).is_some() || self.root == Some(parent) {
                    return true;
                }
                match earlier.member(parent) {
                    Some(next) => parent = next.parent,
                    None => return false,
                }
            }
        };
        let cpu = if ignores(self) || ignores(earlier) {
            Some(CpuGap::ChildrenIgnored)
        } else if ended().any(|member| !is_handed_on(member)) {
            Some(CpuGap::Ended)
        } else {
            None
        };
        Gaps {
            cpu,
            memory: has_ended_process,
            switches: cpu.is_some() || has_ended_process || self.members.iter().any(has_ended_thread),
        }
    }

    fn member(&self, pid: u32) -> Option<&Member> {
        self.members.iter().find(|member| member.pid == pid)
    }

    fn counted(&self) -> Counted {
        self.members.iter().map(|member| member.counted).fold(self.handed_to_root, Counted::and)
    }
}

impl Member {
    /// Reads a process; `None` if it no longer exists. A zombie still has its counters.
    fn read(pid: u32) -> Option<Self> {
        let (stat, status) = (proc::read(pid, "stat")?, proc::read(pid, "status")?);
        let fields = proc::fields_from_third(&stat)?;
        let threads: BTreeSet<u32> = proc::threads(pid).into_iter().collect();
        let statuses = threads.iter().filter_map(|tid| proc::read(pid, &format!("task/{tid}/status")));
        let switches = statuses.fold([0, 0], |[voluntary, involuntary], status| {
            let switches = |name| number(&status, name).unwrap_or(0);
            [voluntary + switches("voluntary_ctxt_switches:"), involuntary + switches("nonvoluntary_ctxt_switches:")]
        });
        // An ended process holds no memory, and its status omits it.
        let has_ended = matches!(*fields.first()?, "Z" | "X");
        let memory = kibibytes(&status, "VmHWM:").zip(kibibytes(&status, "VmRSS:")).map(|(most, now)| [most, now]);
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            counted: Counted::of_process(pid, &fields)?,
            handed_faults: fields.get(11 - 3)?.parse().ok()?,
            switches,
            threads,
            memory: memory.or(has_ended.then_some([0, 0])),
            ignores_its_children: proc::is_ignored(&status, Signal::SIGCHLD),
        })
    }
}

impl Counted {
    /// Reads the counters of a process and of the ended children that it waited for. Its own CPU time comes from its
    /// clock; the coarse ticks in `stat` only give the kernel's share.
    fn of_process(pid: u32, fields: &[&str]) -> Option<Self> {
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let ([user, system], [handed_user, handed_system]) = ([field(14)?, field(15)?], [field(16)?, field(17)?]);
        let cpu_ns = process_cpu_ns(pid).unwrap_or((user + system) * TICK_NS);
        let cpu_system_ns =
            if user + system == 0 { 0 } else { u128::from(cpu_ns) * u128::from(system) / u128::from(user + system) };
        Some(Self {
            cpu_ns: cpu_ns + (handed_user + handed_system) * TICK_NS,
            cpu_system_ns: cpu_system_ns as u64 + handed_system * TICK_NS,
            faults_minor: field(10)? + field(11)?,
            faults_major: field(12)? + field(13)?,
        })
    }

    /// Reads the counters of this process's ended children that it waited for, to the microsecond.
    fn by_own_children() -> Self {
        let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) else { return Self::default() };
        let (user, system) = (nanos(usage.user_time()), nanos(usage.system_time()));
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        Self {
            cpu_ns: user + system,
            cpu_system_ns: system,
            faults_minor: count(usage.minor_page_faults()),
            faults_major: count(usage.major_page_faults()),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            cpu_ns: self.cpu_ns + other.cpu_ns,
            cpu_system_ns: self.cpu_system_ns + other.cpu_system_ns,
            faults_minor: self.faults_minor + other.faults_minor,
            faults_major: self.faults_major + other.faults_major,
        }
    }
}

/// Returns the CPU time of all threads of a process, including ended ones, nanoseconds; `None` if the process no longer
/// exists. Reads its clock (clock_getcpuclockid(3)) instead of the ticks of `/proc/PID/stat`. Costs about 1 us.
pub fn process_cpu_ns(pid: u32) -> Option<u64> {
    let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(pid).ok()?)).ok()?;
    u64::try_from(clock.now().ok()?.num_nanoseconds()).ok()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A shell that runs a script one line at a time, on command, and reports the end of each line.
    struct Shell(Child, BufReader<std::process::ChildStdout>);

    impl Shell {
        fn start(script: &str) -> Self {
            let mut command = Command::new("sh");
            command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let stdout = BufReader::new(child.stdout.take().unwrap());
            Self(child, stdout)
        }

        fn tree(&self) -> Tree {
            Tree::read(&[self.0.id()], &[])
        }

        fn resume(&mut self) -> String {
            self.0.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
            self.read_line_trimmed()
        }

        fn read_line_trimmed(&mut self) -> String {
            let mut line = String::new();
            self.1.read_line(&mut line).unwrap();
            line.trim().to_owned()
        }
    }

    impl Drop for Shell {
        fn drop(&mut self) {
            drop(self.0.stdin.take());
            self.0.wait().unwrap();
        }
    }

    /// A shell command that uses about 100 ms of CPU time in a process of its own.
    const WORK: &str = "sh -c 'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done'";

    #[test]
    fn a_tree_holds_a_process_and_its_descendants() {
        let mut shell = Shell::start("sh -c 'echo there; read x; true'; true");
        // Until it says so, the second process may not have its own program yet.
        shell.read_line_trimmed();
        let tree = shell.tree();
        assert_eq!((tree.pids().count(), tree.threads()), (2, 2));
        assert!(tree.members.iter().all(|member| member.memory.is_some_and(|[most, _]| most > 100_000)), "{tree:?}");
        assert_eq!(Tree::read(&[shell.0.id()], &[shell.0.id()]).pids().count(), 0);
        assert_eq!(Tree::read(&[u32::MAX], &[]).pids().count(), 0);
    }

    #[test]
    fn an_ended_process_counts_for_the_parent_that_waited_for_it() {
        let mut shell = Shell::start(&format!("echo there; read x; {WORK}; echo done; read x"));
        shell.read_line_trimmed();
        let before = shell.tree();
        assert_eq!(shell.resume(), "done");
        let used = shell.tree().since(&before);
        assert!(used.cpu_ns() > 20_000_000, "{used:?}");
        // The process did not exist at either instant.
        assert_eq!(used.gaps, Gaps { cpu: None, memory: true, switches: true });
    }

    #[test]
    fn an_ended_process_leaves_its_cpu_time_and_not_its_peak_memory() {
        let mut shell = Shell::start(
            &format!("(read x; {WORK}) <&0 & echo there; wait; echo done; read x")
                .replace("(read x;", "exec 3<&0; (read x <&3;"),
        );
        shell.read_line_trimmed();
        let before = loop {
            let tree = shell.tree();
            if tree.pids().count() == 2 {
                break tree;
            }
        };
        assert_eq!(shell.resume(), "done");
        let used = shell.tree().since(&before);
        assert!(used.cpu_ns() > 20_000_000, "{used:?}");
        assert_eq!(used.gaps, Gaps { cpu: None, memory: true, switches: true });
        assert_eq!(used.memory_peak_bytes, None);
    }

    #[test]
    fn a_process_that_ignores_sigchld_loses_its_childrens_usage() {
        // A shell resets SIGCHLD, whatever it inherited.
        let shell = Shell::start("exec env --ignore-signal=CHLD cat");
        let gap = || {
            let tree = shell.tree();
            tree.since(&tree).gaps.cpu
        };
        while gap().is_none() {}
        assert_eq!(gap(), Some(CpuGap::ChildrenIgnored));
    }

    #[test]
    fn the_usage_of_an_ended_root_is_lost() {
        let shell = Shell::start("cat; true");
        let before = shell.tree();
        drop(shell);
        let gone = Tree::default();
        assert_eq!(gone.since(&before).gaps.cpu, Some(CpuGap::Ended));
    }
}
