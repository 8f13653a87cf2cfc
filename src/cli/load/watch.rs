//! Detects when the processes behind a server's address have ended.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::proc;

/// The processes that listened when the load began.
#[derive(Debug)]
pub(super) struct ServerWatch {
    /// Process id and start time of each; the kernel reuses ids.
    processes: Vec<(u32, String)>,
    /// The start of the window, and the time from then until the processes were seen to have ended.
    window: Option<Instant>,
    ended_after: Cell<Option<Duration>>,
}

impl ServerWatch {
    /// Watches these processes; an empty list means that none are known.
    pub(super) fn new(processes: &[u32]) -> Self {
        let started = |pid: &u32| Some((*pid, started(*pid)?));
        Self { processes: processes.iter().filter_map(started).collect(), window: None, ended_after: Cell::new(None) }
    }

    /// Marks the beginning of the window.
    pub(super) fn begin(&mut self) {
        self.window = Some(Instant::now());
    }

    /// Marks the end of the window: the server may end from now on.
    pub(super) fn end(&mut self) {
        self.processes.clear();
    }

    /// Returns whether all processes ended before the window did. Reads one file per process, up to the first that
    /// runs.
    pub(super) fn has_ended(&self) -> bool {
        let runs = |(pid, since): &(u32, String)| started(*pid).is_some_and(|started| started == *since);
        if self.processes.is_empty() || self.processes.iter().any(runs) {
            return self.ended_after.get().is_some();
        }
        if self.ended_after.get().is_none() {
            self.ended_after.set(Some(self.window.map_or(Duration::ZERO, |window| window.elapsed())));
        }
        true
    }

    /// Returns how far into the window the processes were seen to have ended.
    pub(super) fn ended_after(&self) -> Option<Duration> {
        self.ended_after.get()
    }
}

/// Returns the start time of a process, in kernel ticks; `None` if it has ended, whether reaped or not.
fn started(pid: u32) -> Option<String> {
    let stat = proc::read(pid, "stat")?;
    let fields = proc::fields_from_third(&stat)?;
    let (state, started) = (*fields.first()?, *fields.get(19)?);
    (!matches!(state, "Z" | "X" | "x")).then(|| started.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command, Stdio};

    fn child() -> Child {
        Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    #[test]
    fn a_server_has_ended_when_all_of_its_processes_have() {
        let (mut first, mut second) = (child(), child());
        let mut watch = ServerWatch::new(&[first.id(), second.id()]);
        watch.begin();
        first.kill().unwrap();
        first.wait().unwrap();
        assert!(!watch.has_ended());
        second.kill().unwrap();
        // A killed process becomes a zombie soon, as nothing waits for it.
        let start = Instant::now();
        while !watch.has_ended() {
            assert!(start.elapsed() < Duration::from_secs(60), "a killed process still runs");
            std::thread::yield_now();
        }
        assert!(watch.ended_after().is_some());
        second.wait().unwrap();
    }

    #[test]
    fn a_server_may_end_after_the_window_and_unknown_processes_are_not_watched() {
        let mut process = child();
        let mut watch = ServerWatch::new(&[process.id()]);
        watch.begin();
        watch.end();
        process.kill().unwrap();
        process.wait().unwrap();
        assert!(!watch.has_ended() && !ServerWatch::new(&[]).has_ended() && !ServerWatch::new(&[u32::MAX]).has_ended());
    }
}
