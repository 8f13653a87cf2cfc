//! What a server of somebody else's leaves behind when the trial that watched over it was killed.
//!
//! The trial's process ends all that its server started. Where that process itself is killed, its descendants come to the
//! runner, which is a subreaper (prctl(2)) as long as such a trial runs.

use std::time::Duration;

use nix::sys::prctl;

use crate::proc;

/// How long the processes may take to end after they were killed.
const TO_END: Duration = Duration::from_millis(900);

/// Ends what came to this process when it is dropped: that is when the processes of the trial are gone.
#[derive(Debug)]
pub(super) struct Orphans {
    /// Children that this process had before: whoever started them, it was no trial.
    before: Vec<u32>,
}

impl Orphans {
    /// From now on whatever a trial leaves behind comes to this process.
    pub(super) fn adopt() -> Self {
        let own = std::process::id();
        let children = proc::descendants(&[own], &[]).into_iter().filter(|kin| kin.parent == own);
        let before = children.map(|kin| kin.pid).collect();
        // Where a kernel refuses it, the trial's own process ends what it started, unless it is killed.
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
