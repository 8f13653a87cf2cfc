//! Reads the processes of this machine from `/proc`.
//!
//! Files of a process are read as bytes and shown as text, since its name may hold anything.

use std::collections::BTreeSet;
use std::fs;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// `USER_HZ`, the tick in which `/proc` counts CPU time, nanoseconds. Part of the kernel's interface: 100 a second
/// wherever Rust runs.
pub const TICK_NS: u64 = 10_000_000;

/// Returns the processes of this machine, without their threads.
pub fn processes() -> Vec<u32> {
    numbers("/proc")
}

/// Returns the threads of a process; none if it has ended.
pub fn threads(pid: u32) -> Vec<u32> {
    numbers(&format!("/proc/{pid}/task"))
}

/// Returns the entries of a folder whose names are numbers.
fn numbers(folder: &str) -> Vec<u32> {
    let all = fs::read_dir(folder).into_iter().flatten().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Reads a file of a process, such as `status`; `None` if the process has ended. Invalid UTF-8 becomes U+FFFD.
pub fn read(pid: u32, file: &str) -> Option<String> {
    Some(String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/{file}")).ok()?).into_owned())
}

/// Returns the name of a process, at most 15 bytes, without control characters; `None` if it has ended.
pub fn name(pid: u32) -> Option<String> {
    Some(read(pid, "comm")?.chars().filter(|c| !c.is_control()).collect())
}

/// Returns the fields of a `stat` file from the third one on. The second is the name, in brackets, and may hold
/// anything.
pub fn fields_from_third(stat: &str) -> Option<Vec<&str>> {
    Some(stat.rsplit_once(") ")?.1.split_whitespace().collect())
}

/// Returns the first number of the line that starts with this key, converted from KiB to bytes.
pub fn kibibytes(status: &str, key: &str) -> Option<u64> {
    number(status, key).map(|n| n * 1_024)
}

/// Returns the first number of the line that starts with this key.
pub fn number(status: &str, key: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

/// Returns whether a process ignores a signal, from its `status` (`SigIgn` of proc_pid_status(5), one bit per signal).
pub fn is_ignored(status: &str, signal: Signal) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal as i32 - 1) & 1 == 1
}

/// A process and its parent: the process that started it, or that adopted it when the starter ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// The process id.
    pub pid: u32,
    /// The parent's process id; 0 without a parent.
    pub parent: u32,
    /// Whether the process has ended and was not waited for.
    pub is_zombie: bool,
}

impl Process {
    /// Reads a process; `None` if it has ended.
    pub fn read(pid: u32) -> Option<Self> {
        let stat = read(pid, "stat")?;
        let fields = fields_from_third(&stat)?;
        Some(Self { pid, parent: fields.get(1)?.parse().ok()?, is_zombie: *fields.first()? == "Z" })
    }
}

/// Returns every process of this machine. If a parent ends while the list is read, its children have a new one, so the
/// list is read again until it holds every parent, at most three times. Takes about 10 us a process.
fn everybody() -> Vec<Process> {
    let mut all = Vec::new();
    for _ in 0..3 {
        all = processes().into_iter().filter_map(Process::read).collect();
        let known: BTreeSet<u32> = all.iter().map(|process| process.pid).chain([0]).collect();
        if all.iter().all(|process| known.contains(&process.parent)) {
            break;
        }
    }
    all
}

/// Returns the descendants of these processes, children first, without the processes themselves. Omits the processes of
/// `except` and their descendants.
pub fn descendants(roots: &[u32], except: &[u32]) -> Vec<Process> {
    let all = everybody();
    let mut found: Vec<Process> = Vec::new();
    let mut next: Vec<u32> = roots.to_vec();
    while !next.is_empty() {
        let is_new = |process: &&Process| {
            next.contains(&process.parent)
                && !roots.contains(&process.pid)
                && !except.contains(&process.pid)
                && found.iter().all(|other| other.pid != process.pid)
        };
        let children: Vec<Process> = all.iter().filter(is_new).copied().collect();
        next = children.iter().map(|process| process.pid).collect();
        found.extend(children);
    }
    found
}

/// Kills all descendants of this process, and any started meanwhile, until none are left or `patience` is over. Spares
/// the processes of `except` and their descendants. Returns the processes that did not end: they belong to another
/// user, or the kernel holds them. A process that left its group or session is found if this process is a subreaper
/// (`PR_SET_CHILD_SUBREAPER` of prctl(2)).
pub fn end_descendants(except: &[u32], patience: Duration) -> Vec<u32> {
    /// Typical time for a killed process to end.
    const PAUSE: Duration = Duration::from_millis(1);
    let until = Instant::now() + patience;
    loop {
        let (ended, running): (Vec<Process>, Vec<Process>) =
            descendants(&[process::id()], except).into_iter().partition(|process| process.is_zombie);
        // An ended child remains until it is waited for.
        for process in ended.iter().filter(|process| process.parent == process::id()) {
            let _ = waitpid(pid(process), Some(WaitPidFlag::WNOHANG));
        }
        if running.is_empty() || Instant::now() >= until {
            return running.iter().map(|process| process.pid).collect();
        }
        for process in &running {
            let _ = kill(pid(process), Signal::SIGKILL);
        }
        thread::sleep(PAUSE);
    }
}

fn pid(process: &Process) -> Pid {
    Pid::from_raw(process.pid as i32)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio, id};

    use super::*;

    #[test]
    fn status_fields_are_read_by_key() {
        let status = "Name:\tavt\nVmHWM:\t   13604 kB\nVmRSS:\t   1 kB\nThreads:\t7\n";
        assert_eq!(kibibytes(status, "VmHWM:"), Some(13_604 * 1_024));
        assert_eq!(number(status, "Threads:"), Some(7));
        assert_eq!(number(status, "VmPTE:"), None);
        assert_eq!(number("Threads:\tmany\n", "Threads:"), None);
    }

    #[test]
    fn ignored_signals_are_read_from_the_mask() {
        let nohup = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000006\n";
        assert!(is_ignored(nohup, Signal::SIGHUP) && is_ignored(nohup, Signal::SIGPIPE));
        assert!(!is_ignored(nohup, Signal::SIGINT) && !is_ignored(nohup, Signal::SIGTERM));
        assert!(!is_ignored("", Signal::SIGHUP) && !is_ignored("SigIgn:\tnonsense\n", Signal::SIGHUP));
    }

    #[test]
    fn a_process_name_may_contain_parentheses() {
        assert_eq!(fields_from_third("7 (a) b) c) S 1 7"), Some(vec!["S", "1", "7"]));
    }

    #[test]
    fn descendants_are_found_except_below_an_excluded_process() {
        // The inner `cat` reads until its standard input is closed; `true` keeps the shell from becoming `cat` itself.
        let mut shell = Command::new("sh").args(["-c", "cat; true"]).stdin(Stdio::piped()).spawn().unwrap();
        let is_cat = |process: &Process| process.parent == shell.id();
        let found = loop {
            let found = descendants(&[id()], &[]);
            if found.iter().any(is_cat) {
                break found;
            }
        };
        let place = |wanted: &dyn Fn(&Process) -> bool| found.iter().position(wanted).unwrap();
        assert!(place(&|process| process.pid == shell.id()) < place(&is_cat), "{found:?}");
        assert!(!found.iter().any(|process| process.pid == id()), "{found:?}");
        let without = descendants(&[id()], &[shell.id()]);
        assert!(!without.iter().any(|process| process.pid == shell.id() || is_cat(process)), "{without:?}");
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert_eq!(Process::read(u32::MAX), None);
    }

    #[test]
    fn a_process_whose_name_is_not_utf_8_is_found() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"a\xff\x1b) b"));
        let installed = Command::new("cp").arg("/bin/cat").arg(&path).status();
        assert!(installed.unwrap().success());
        let mut child = Command::new(&path).stdin(Stdio::piped()).spawn().unwrap();
        // Wait until the process is that program.
        while !name(child.id()).is_some_and(|name| name.starts_with('a')) {}
        assert_eq!(name(child.id()).unwrap(), "a\u{fffd}) b");
        assert_eq!(Process::read(child.id()).unwrap().parent, id());
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
