//! `offload`: jobs hold their thread while a heartbeat should go on.
//!
//! The heartbeat is job 0, begun before all others; it makes a fixed number of beats, each due a whole number of
//! intervals after the first. A beat that comes late does not move the ones after it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::lanes::{What, span};
use crate::thread_count;

use super::{Checksum, JobId, Pool, Steps, Workload};

/// Jobs that do their steps, beside a heartbeat or alone.
#[derive(Debug)]
pub struct Offload {
    /// What each job does.
    pub steps: Steps,
    /// What goes on beside them: job 0, if there is one.
    pub heartbeat: Option<Heartbeat>,
}

/// Beats and when they came.
#[derive(Debug)]
pub struct Heartbeat {
    every: Duration,
    /// Nanoseconds from the first beat's due time.
    beats: Box<[AtomicU64]>,
}

impl Workload for Offload {
    fn run_blocking(&self, job: JobId) -> Checksum {
        match &self.heartbeat {
            Some(heartbeat) if job == 0 => heartbeat.run_blocking(|_| ()),
            _ => self.steps.run_blocking(),
        }
    }

    async fn run_async<P: Pool>(&self, job: JobId, pool: &P) -> Checksum {
        match &self.heartbeat {
            Some(heartbeat) if job == 0 => heartbeat.run_async(|_| ()).await,
            _ => self.steps.run_async(pool).await,
        }
    }
}

impl Heartbeat {
    /// So many beats, from one to the next so long.
    pub fn new(every: Duration, beats: u32) -> Self {
        Self { every, beats: (0..beats).map(|_| AtomicU64::new(u64::MAX)).collect() }
    }

    /// When each beat came, in nanoseconds from when the first was due. Meaningful once the heartbeat has ended.
    pub fn beats(&self) -> Vec<u64> {
        self.beats.iter().map(|beat| beat.load(Ordering::Relaxed)).collect()
    }

    /// Beats on the calling thread, and says so.
    pub(super) fn run_blocking(&self, says: impl Fn(u32)) -> Checksum {
        let start = Instant::now();
        for (k, beat) in (0..).zip(&self.beats) {
            if let Some(early) = (self.every * k).checked_sub(start.elapsed()) {
                span(What::Wait, || thread::sleep(early));
            }
            beat.store(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
            says(k);
        }
        0
    }

    /// The same as one state machine.
    pub(super) async fn run_async(&self, says: impl Fn(u32)) -> Checksum {
        let start = Instant::now();
        for (k, beat) in (0..).zip(&self.beats) {
            if let Some(early) = (self.every * k).checked_sub(start.elapsed()) {
                tokio::time::sleep(early).await;
                thread_count::mark_current();
            }
            beat.store(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
            says(k);
        }
        0
    }
}
