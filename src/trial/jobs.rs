//! A trial of jobs, entirely in this process.

use std::sync::Arc;

use crate::histogram::Histogram;
use crate::host;
use crate::job_log::{JobLog, JobTimes};
use crate::lanes;
use crate::model::{self, JobsOutcome};
use crate::protocol::{Role, TrialReply, TrialSpec};
use crate::record::{Failure, HeartbeatRecord, Measured, Series, Traced, Waits};
use crate::scenario::Work;
use crate::thread_count;
use crate::usage::Footprint;
use crate::workload::{self, Workload};

use super::write_reply;

/// Runs a trial of a user's own workload, and writes its replies.
pub fn run_own<W: Workload>(spec: &TrialSpec, workload: Arc<W>) -> Result<(), Failure> {
    let (Role::Jobs { traced }, Work::Own(own)) = (&spec.role, &spec.work) else {
        return Err(Failure::WrongWork { what: format!("a bench program cannot be a {:?}", spec.role) });
    };
    if *traced {
        lanes::prepare("job");
        lanes::start(lanes::LENGTH);
    }
    let (outcome, entries) = run_all(spec, workload, own.jobs)?;
    write_reply(&TrialReply::Checksums(entries.iter().map(|entry| entry.checksum.0).collect()))?;
    reply(done(outcome, vec![series(&entries)], None, &entries), *traced, None)
}

/// Writes the measurement, or what was recorded instead.
pub(super) fn reply(done: Measured, traced: bool, footprint: Option<Footprint>) -> Result<(), Failure> {
    if traced {
        let cpus = host::cpus().len() as u32;
        let (lanes, cpu_ns) = (lanes::end(), done.usage.cpu_ns());
        let traced = Traced { cpus, wall_ns: done.wall_ns, jobs: done.jobs, cpu_ns, lanes, footprint };
        return write_reply(&TrialReply::Traced(Box::new(traced)));
    }
    write_reply(&TrialReply::Done(Box::new(done)))
}

pub(super) fn run_all<W: Workload>(
    spec: &TrialSpec,
    workload: Arc<W>,
    jobs: u32,
) -> Result<(JobsOutcome, Vec<JobTimes>), Failure> {
    let log = Arc::new(JobLog::new(jobs));
    let compose = spec.work.compose();
    let outcome = match spec.role {
        Role::Jobs { traced: true } => {
            model::run(spec.model, compose, Arc::new(workload::TracedWorkload(workload)), &log)?
        }
        _ => model::run(spec.model, compose, workload, &log)?,
    };
    let entries = log.times().map_err(|job| Failure::WrongWork { what: format!("job {job} never completed") })?;
    Ok((outcome, entries))
}

/// Builds the measurement. `entries` holds all jobs, the heartbeat's first: it is in flight as well but does not count
/// as a job.
pub(super) fn done(
    outcome: JobsOutcome,
    series: Vec<Series>,
    heartbeat: Option<HeartbeatRecord>,
    entries: &[JobTimes],
) -> Measured {
    let JobsOutcome { wall_ns, usage, runtime, queue_waits } = outcome;
    Measured {
        wall_ns,
        jobs: (entries.len() - usize::from(heartbeat.is_some())) as u64,
        threads: thread_count::count(),
        most_in_flight: most_in_flight(entries),
        series,
        heartbeat,
        usage,
        others: None,
        runtime,
        cores: Vec::new(),
        waits: Waits { queue: queue_waits, permit: None },
        throttled_ns: None,
        server_window_ns: None,
        load: None,
    }
}

/// Returns the largest number of jobs that were begun and not done at one instant.
fn most_in_flight(jobs: &[JobTimes]) -> u64 {
    lanes::max_concurrent(jobs.iter().map(|job| (job.begun, job.done, 1)))
}

/// Computes the times of the jobs, all of which are due at the start.
pub(super) fn series(entries: &[JobTimes]) -> Series {
    let (mut response_time, mut service_time) = (Histogram::default(), Histogram::default());
    for entry in entries {
        response_time.record(entry.done);
        service_time.record(entry.done.saturating_sub(entry.begun));
    }
    Series::of_jobs("jobs", response_time, service_time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Checksum;

    #[test]
    fn jobs_that_follow_each_other_are_not_in_flight_together() {
        let entry = |(begun, done)| JobTimes { begun, done, checksum: Checksum::default() };
        let most = |spans: &[(u64, u64)]| most_in_flight(&spans.iter().copied().map(entry).collect::<Vec<_>>());
        assert_eq!(most(&[(0, 10), (10, 20), (20, 30)]), 1);
        assert_eq!(most(&[(0, 10), (9, 20), (5, 6), (0, 30)]), 3);
        assert_eq!(most(&[]), 0);
    }
}
