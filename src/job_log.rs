//! Records when each job of a trial began and ended, without a lock or an allocation.

use std::fmt;
use std::iter::Sum;
use std::ops::AddAssign;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// The number of a job in its trial, from 0.
///
/// ```
/// use async_vs_threads::JobId;
///
/// let inputs = ["a.png", "b.png"];
/// let input = |job: JobId| inputs[job.0 as usize % inputs.len()];
/// assert_eq!(input(JobId(3)), "b.png");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u32);

/// The checksum of a job's work, which is the same under every model. Sums wrap around.
///
/// It shows that every model did the same work, and keeps the compiler from removing that work. So it has to depend on
/// everything that the job computed.
///
/// ```
/// use async_vs_threads::Checksum;
///
/// let words = ["async", "threads"];
/// let checksum: Checksum = words.iter().map(|word| Checksum(word.len() as u64)).sum();
/// assert_eq!(checksum, Checksum(12));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Checksum(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl AddAssign for Checksum {
    fn add_assign(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
    }
}

impl Sum for Checksum {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        let mut sum = Self::default();
        all.for_each(|checksum| sum += checksum);
        sum
    }
}

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
    pub checksum: Checksum,
}

impl JobLog {
    /// Makes a log for this many jobs. Writes every slot, so that no page is touched for the first time in the trial.
    pub fn new(jobs: u32) -> Self {
        let open =
            || JobSlot { begun: AtomicU64::new(OPEN), done: AtomicU64::new(OPEN), checksum: AtomicU64::new(OPEN) };
        Self { start: OnceLock::new(), slots: (0..jobs).map(|_| open()).collect() }
    }

    /// Returns the number of jobs.
    pub fn len(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Returns whether there are no jobs.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Returns the jobs in order.
    pub fn jobs(&self) -> impl Iterator<Item = JobId> + use<> {
        (0..self.len()).map(JobId)
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
    pub fn finish(&self, job: JobId, begun: u64, checksum: Checksum) {
        let slot = &self.slots[job.0 as usize];
        // Relaxed: the slots are read after every job has been joined, which orders these stores.
        slot.begun.store(begun, Ordering::Relaxed);
        slot.checksum.store(checksum.0, Ordering::Relaxed);
        slot.done.store(self.now(), Ordering::Relaxed);
    }

    /// Returns the times of all jobs in order, or the first job that was never done.
    pub fn times(&self) -> Result<Vec<JobTimes>, JobId> {
        let times = |(job, slot): (usize, &JobSlot)| {
            let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
            let done = read(&slot.done);
            if done == OPEN {
                return Err(JobId(job as u32));
            }
            Ok(JobTimes { begun: read(&slot.begun), done, checksum: Checksum(read(&slot.checksum)) })
        };
        self.slots.iter().enumerate().map(times).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_returned_in_job_order_and_a_missing_job_is_named() {
        let log = JobLog::new(3);
        log.start();
        for job in [2, 0] {
            log.finish(JobId(job), u64::from(job), Checksum(7));
        }
        assert_eq!(log.times(), Err(JobId(1)));
        log.finish(JobId(1), 1, Checksum(7));
        let times = log.times().unwrap();
        assert_eq!(times.iter().map(|job| job.begun).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(times.iter().all(|job| job.checksum == Checksum(7) && job.done >= times[2].done));
    }
}
