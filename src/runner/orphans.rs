//! Ends the processes that an external server leaves behind when the trial that watches it is killed.
//!
//! The trial's process ends all descendants of its server. If it is killed itself, the runner adopts them: the runner
//! is a subreaper (prctl(2)) while such a trial runs.

use std::time::Duration;

use nix::sys::prctl;

use crate::proc;

/// The longest wait for killed processes to end.
const TO_END: Duration = Duration::from_millis(900);

/// Ends the adopted processes on drop, after the trial's own processes are gone.
#[derive(Debug)]
pub(super) struct Orphans {
    /// Children that this process had before the trial, which are not part of it.
    before: Vec<u32>,
}

impl Orphans {
    /// Makes this process adopt the processes that a trial leaves behind.
    pub(super) fn adopt() -> Self {
        let own = std::process::id();
        let children = proc::descendants(&[own], &[]).into_iter().filter(|process| process.parent == own);
        let before = children.map(|process| process.pid).collect();
        // If the kernel refuses, the trial's own process still ends what it started, unless it is killed.
        let _ = prctl::set_child_subreaper(true);
        Self { before }
    }
}

impl Drop for Orphans {
    fn drop(&mut self) {
        proc::end_descendants(&self.before, TO_END);
        let _ = prctl::set_child_subreaper(false);
    }
}
