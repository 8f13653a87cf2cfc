//! `offload`: jobs block their threads while a heartbeat should continue.
//!
//! The heartbeat is job 0, which starts before all others. It makes a fixed number of beats, each due a whole number of
//! intervals after the first. A late beat does not delay the beats after it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::lanes::{What, span};
use crate::thread_count;

use super::{Checksum, JobId, Pool, Steps, Workload};

/// Jobs that run their steps, with or without a heartbeat.
#[derive(Debug)]
pub struct Offload {
    /// The steps of each job.
    pub steps: Steps,
    /// The heartbeat, which is job 0; `None` if there is none.
    pub heartbeat: Option<Heartbeat>,
}

/// A heartbeat, and when each beat came.
#[derive(Debug)]
pub struct Heartbeat {
    every: Duration,
    /// The time of each beat, nanoseconds after the first was due.
    beats: Box<[AtomicU64]>,
}

impl Workload for Offload {
    fn run_blocking(&self, job: JobId) -> Checksum {
        match &self.heartbeat {
            Some(heartbeat) if job == JobId(0) => heartbeat.run_blocking(|_| ()),
            _ => self.steps.run_blocking(),
        }
    }

    async fn run_async<P: Pool>(&self, job: JobId, pool: &P) -> Checksum {
        match &self.heartbeat {
            Some(heartbeat) if job == JobId(0) => heartbeat.run_async(|_| ()).await,
            _ => self.steps.run_async(pool).await,
        }
    }
}

impl Heartbeat {
    /// Creates a heartbeat with this interval and this number of beats.
    pub fn new(every: Duration, beats: u32) -> Self {
        Self { every, beats: (0..beats).map(|_| AtomicU64::new(u64::MAX)).collect() }
    }

    /// Returns when each beat came, nanoseconds after the first was due. Valid once the heartbeat has ended.
    pub fn beats(&self) -> Vec<u64> {
        self.beats.iter().map(|beat| beat.load(Ordering::Relaxed)).collect()
    }

    /// Beats on the calling thread, and calls `on_beat` with the number of each beat, from 0.
    pub(super) fn run_blocking(&self, on_beat: impl Fn(u32)) -> Checksum {
        let start = Instant::now();
        for (k, beat) in (0..).zip(&self.beats) {
            if let Some(early) = (self.every * k).checked_sub(start.elapsed()) {
                span(What::Wait, || thread::sleep(early));
            }
            beat.store(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
            on_beat(k);
        }
        Checksum::default()
    }

    /// Does the same as a future.
    pub(super) async fn run_async(&self, on_beat: impl Fn(u32)) -> Checksum {
        let start = Instant::now();
        for (k, beat) in (0..).zip(&self.beats) {
            if let Some(early) = (self.every * k).checked_sub(start.elapsed()) {
                tokio::time::sleep(early).await;
                thread_count::mark_current();
            }
            beat.store(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
            on_beat(k);
        }
        Checksum::default()
    }
}
