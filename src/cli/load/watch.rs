//! Whether the processes behind an address still run.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::proc;

/// The processes that listened when the load began.
#[derive(Debug)]
pub(super) struct Watch {
    /// Each by its number and when it was started, since numbers are given again.
    processes: Vec<(u32, String)>,
    /// Since when the window is open, and after how long they were seen to be gone.
    window: Option<Instant>,
    ended_after: Cell<Option<Duration>>,
}

impl Watch {
    /// Watches over these processes; over none where nothing is known of them.
    pub(super) fn over(processes: &[u32]) -> Self {
        let started = |pid: &u32| Some((*pid, started(*pid)?));
        Self { processes: processes.iter().filter_map(started).collect(), window: None, ended_after: Cell::new(None) }
    }

    /// The window begins.
    pub(super) fn begin(&mut self) {
        self.window = Some(Instant::now());
    }

    /// The window has ended: from now on the server may end too.
    pub(super) fn end(&mut self) {
        self.processes.clear();
    }

    /// Whether all of them have ended before the window did. Reads a file of each, until the first that runs.
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

    /// After how much of the window they were gone.
    pub(super) fn ended_after(&self) -> Option<Duration> {
        self.ended_after.get()
    }
}

/// When a process was started, in ticks of the kernel; nothing of one that has ended, waited for or not.
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
        let mut watch = Watch::over(&[first.id(), second.id()]);
        watch.begin();
        first.kill().unwrap();
        first.wait().unwrap();
        assert!(!watch.has_ended());
        second.kill().unwrap();
        // Not waited for yet: it has ended all the same, as soon as the kernel is done with it.
        let start = Instant::now();
        while !watch.has_ended() {
            assert!(start.elapsed() < Duration::from_secs(60), "a killed process still runs");
            std::thread::yield_now();
        }
        assert!(watch.ended_after().is_some());
        second.wait().unwrap();
    }

    #[test]
    fn after_the_window_a_server_may_end_and_nobody_is_watched_over_where_nothing_is_known() {
        let mut process = child();
        let mut watch = Watch::over(&[process.id()]);
        watch.begin();
        watch.end();
        process.kill().unwrap();
        process.wait().unwrap();
        assert!(!watch.has_ended() && !Watch::over(&[]).has_ended() && !Watch::over(&[u32::MAX]).has_ended());
    }
}
