//! Records when each job of a trial began and ended, without a lock or an allocation.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// The value in a slot of a job that is not done.
const OPEN: u64 = u64::MAX;

/// The times of every job, each written once by the thread that did it. Takes 24 bytes per job, all of them touched
/// when the log is made.
#[derive(Debug)]
pub struct JobLog {
    start: OnceLock<Instant>,
    slots: Box<[JobSlot]>,
}

#[derive(Debug)]
struct JobSlot {
    begun: AtomicU64,
    done: AtomicU64,
    checksum: AtomicU64,
}

/// The times of a job, and its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobTimes {
    /// The time from the start of the trial until the job was begun, nanoseconds.
    pub begun: u64,
    /// The time from the start of the trial until the job was done, nanoseconds.
    pub done: u64,
    /// The checksum that the job returned.
    pub checksum: u64,
}

impl JobLog {
    /// Makes a log for this many jobs. Writes every slot, so that no page is touched for the first time in the trial.
    pub fn new(jobs: u32) -> Self {
        let open =
            || JobSlot { begun: AtomicU64::new(OPEN), done: AtomicU64::new(OPEN), checksum: AtomicU64::new(OPEN) };
        Self { start: OnceLock::new(), slots: (0..jobs).map(|_| open()).collect() }
    }

    /// Returns the number of jobs.
    pub fn jobs(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Starts the clock. Further calls change nothing.
    pub fn start(&self) {
        self.start.get_or_init(Instant::now);
    }

    /// Returns the nanoseconds since the start. Takes one clock reading, 20 to 40 ns.
    #[inline]
    pub fn now(&self) -> u64 {
        let start = self.start.get().expect("the clock is started before the first job");
        start.elapsed().as_nanos() as u64
    }

    /// Records a job that ends now.
    #[inline]
    pub fn finish(&self, job: u32, begun: u64, checksum: u64) {
        let slot = &self.slots[job as usize];
        // Relaxed: the slots are read after every job has been joined, which orders these stores.
        slot.begun.store(begun, Ordering::Relaxed);
        slot.checksum.store(checksum, Ordering::Relaxed);
        slot.done.store(self.now(), Ordering::Relaxed);
    }

    /// Returns the times of all jobs in order, or the number of the first job that was never done.
    pub fn times(&self) -> Result<Vec<JobTimes>, u32> {
        let times = |(job, slot): (usize, &JobSlot)| {
            let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
            let done = read(&slot.done);
            if done == OPEN {
                return Err(job as u32);
            }
            Ok(JobTimes { begun: read(&slot.begun), done, checksum: read(&slot.checksum) })
        };
        self.slots.iter().enumerate().map(times).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_in_order_and_a_missing_one_is_named() {
        let log = JobLog::new(3);
        log.start();
        for job in [2, 0] {
            log.finish(job, u64::from(job), 7);
        }
        assert_eq!(log.times(), Err(1));
        log.finish(1, 1, 7);
        let times = log.times().unwrap();
        assert_eq!(times.iter().map(|job| job.begun).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(times.iter().all(|job| job.checksum == 7 && job.done >= times[2].done));
    }
}
