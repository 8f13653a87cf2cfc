//! Runs a `sleep` or `offload` trial, entirely in this process.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::histogram::Histogram;
use crate::host;
use crate::job_log::{JobLog, JobTimes};
use crate::lanes;
use crate::model::{self, JobsOutcome};
use crate::protocol::{Role, TrialReply, TrialSpec};
use crate::record::{self, Failure, Measured, Series, Traced, Waits};
use crate::scenario::{HeartbeatSpec, OffloadSpec, SleepSpec, Work};
use crate::thread_count;
use crate::units;
use crate::usage::Footprint;
use crate::workload::offload::{Heartbeat, Offload};
use crate::workload::{self, Checksum, Shared, Sleep, Workload};

use super::{refuse_own, steps, write_reply};

/// The pause between two readings of the memory of waiting jobs.
const LOOK: Duration = Duration::from_millis(5);

pub(super) fn run(spec: &TrialSpec, traced: bool) -> Result<(), Failure> {
    let footprint = if traced { waiting(spec)? } else { None };
    if traced {
        lanes::prepare("job");
        lanes::start(lanes::LENGTH);
    }
    let done = match &spec.work {
        Work::Sleep(sleep) => run_sleep(spec, sleep)?,
        Work::Offload(offload) => run_offload(spec, offload)?,
        Work::Own(_) => return refuse_own(spec),
        Work::Echo(_) => return Err(Failure::WrongWork { what: "echo needs a server and a load generator".into() }),
    };
    reply(done, traced, footprint)
}

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
fn reply(done: Measured, traced: bool, footprint: Option<Footprint>) -> Result<(), Failure> {
    if traced {
        let cpus = host::cpus().len() as u32;
        let (lanes, cpu_ns) = (lanes::end(), done.usage.cpu_ns());
        let traced = Traced { cpus, wall_ns: done.wall_ns, jobs: done.jobs, cpu_ns, lanes, footprint };
        return write_reply(&TrialReply::Traced(Box::new(traced)));
    }
    write_reply(&TrialReply::Done(Box::new(done)))
}

/// Measures the memory of waiting jobs, in a pass of its own: neither a recording nor another thread belongs in a
/// measured one.
fn waiting(spec: &TrialSpec) -> Result<Option<Footprint>, Failure> {
    let Work::Sleep(sleep) = &spec.work else { return Ok(None) };
    let workload = Arc::new(Sleep { steps: steps(&spec.work.steps(), &Shared::new(None), spec)? });
    let log = Arc::new(JobLog::new(sleep.jobs));
    let (over, is_over) = mpsc::channel::<Infallible>();
    let (ready, is_ready) = mpsc::channel();
    thread::scope(|scope| {
        let watch = move || {
            let before = Footprint::read();
            let _ = ready.send(());
            let mut most = before;
            // Until the sender is dropped.
            while is_over.recv_timeout(LOOK).is_err_and(|why| why == RecvTimeoutError::Timeout) {
                most =
                    most.zip(Footprint::read()).map(|(most, now)| if now.total() > most.total() { now } else { most });
            }
            Some(most?.since(&before?))
        };
        let watcher = thread::Builder::new().name("footprint".into()).spawn_scoped(scope, watch);
        let watcher = watcher.map_err(|error| Failure::Refused {
            what: format!("cannot start a thread to sample the memory: {error}"),
        })?;
        let _ = is_ready.recv();
        let outcome = model::run(spec.model, spec.work.compose(), workload, &log);
        drop(over);
        let footprint = watcher.join().expect("the watcher does not panic");
        outcome.map(|_| footprint)
    })
}

fn run_sleep(spec: &TrialSpec, sleep: &SleepSpec) -> Result<Measured, Failure> {
    let steps = steps(&spec.work.steps(), &Shared::new(None), spec)?;
    let checksum = steps.checksum();
    let (outcome, entries) = run_all(spec, Arc::new(Sleep { steps }), sleep.jobs)?;
    check(&entries, checksum)?;
    Ok(done(outcome, vec![series(&entries)], None, &entries))
}

fn run_offload(spec: &TrialSpec, offload: &OffloadSpec) -> Result<Measured, Failure> {
    let shared = Shared::new(offload.steps.permits);
    let steps = steps(&offload.steps, &shared, spec)?;
    let checksum = steps.checksum();
    let heartbeat = offload.heartbeat.map(|heartbeat| Heartbeat::new(heartbeat.every, heartbeat.beats));
    let workload = Arc::new(Offload { steps, heartbeat });
    let heartbeats = u32::from(offload.heartbeat.is_some());
    let (outcome, entries) = run_all(spec, Arc::clone(&workload), offload.jobs + heartbeats)?;
    let (heart, jobs) = entries.split_at(heartbeats as usize);
    check(jobs, checksum)?;
    let mut all = vec![series(jobs)];
    let fared = match (offload.heartbeat, &workload.heartbeat) {
        (Some(planned), Some(heartbeat)) => {
            let beats = heartbeat.beats();
            all.push(series_of_beats(planned, heart[0].begun, &beats));
            Some(fared(planned, heart[0].begun, &beats)?)
        }
        _ => None,
    };
    let measured = done(outcome, all, fared, &entries);
    Ok(Measured { waits: Waits { permit: shared.permit_waits(), ..measured.waits }, ..measured })
}

fn run_all<W: Workload>(
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

/// Fails unless every job returned the checksum of its steps.
fn check(entries: &[JobTimes], checksum: Checksum) -> Result<(), Failure> {
    match entries.iter().position(|entry| entry.checksum != checksum) {
        None => Ok(()),
        Some(job) => {
            let what = format!("job {job} has checksum {}, expected {checksum}", entries[job].checksum);
            Err(Failure::WrongWork { what })
        }
    }
}

/// Builds the measurement. `entries` holds all jobs, the heartbeat's first: it is in flight as well but does not count
/// as a job.
fn done(
    outcome: JobsOutcome,
    series: Vec<Series>,
    heartbeat: Option<record::HeartbeatRecord>,
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
fn series(entries: &[JobTimes]) -> Series {
    let (mut response_time, mut service_time) = (Histogram::default(), Histogram::default());
    for entry in entries {
        response_time.record(entry.done);
        service_time.record(entry.done.saturating_sub(entry.begun));
    }
    Series::of_jobs("jobs", response_time, service_time)
}

/// Computes how late each beat was: against the start of the trial, and against the heartbeat's own first beat.
fn series_of_beats(planned: HeartbeatSpec, begun: u64, beats: &[u64]) -> Series {
    let (mut response_time, mut service_time) = (Histogram::default(), Histogram::default());
    for (k, beat) in (0..).zip(beats) {
        let due = units::nanos(planned.every * k);
        response_time.record((begun + beat).saturating_sub(due));
        service_time.record(beat.saturating_sub(due));
    }
    Series::of_jobs("beats", response_time, service_time)
}

fn fared(planned: HeartbeatSpec, begun: u64, beats: &[u64]) -> Result<record::HeartbeatRecord, Failure> {
    if beats.contains(&u64::MAX) || !beats.is_sorted() {
        return Err(Failure::WrongWork { what: "a beat is missing or out of order".into() });
    }
    let gaps = beats.windows(2).map(|pair| pair[1] - pair[0]);
    // If the heartbeat began late, its first gap lies before its first beat.
    let longest_gap_ns = gaps.chain([begun + beats[0]]).max().unwrap_or(0);
    Ok(record::HeartbeatRecord { every_ns: units::nanos(planned.every), beats: planned.beats, longest_gap_ns })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY_10: HeartbeatSpec = HeartbeatSpec { every: Duration::from_nanos(10), beats: 4 };

    #[test]
    fn the_longest_gap_is_between_beats_or_before_the_first() {
        let gap = |begun, beats: &[u64]| fared(EVERY_10, begun, beats).map(|fared| fared.longest_gap_ns).ok();
        assert_eq!(gap(1, &[0, 11, 45, 46]), Some(34));
        assert_eq!(gap(50, &[1, 11, 45, 46]), Some(51));
        assert_eq!(gap(1, &[0, 11, u64::MAX, 46]), None);
    }

    #[test]
    fn the_delay_of_a_beat_counts_from_when_it_was_due() {
        let series = series_of_beats(EVERY_10, 5, &[0, 10, 45, 45]);
        assert_eq!(series.response_time.max(), Some(30));
        assert_eq!(series.service_time.max(), Some(25));
    }

    #[test]
    fn jobs_that_follow_each_other_are_not_in_flight_together() {
        let entry = |(begun, done)| JobTimes { begun, done, checksum: Checksum::default() };
        let most = |spans: &[(u64, u64)]| most_in_flight(&spans.iter().copied().map(entry).collect::<Vec<_>>());
        assert_eq!(most(&[(0, 10), (10, 20), (20, 30)]), 1);
        assert_eq!(most(&[(0, 10), (9, 20), (5, 6), (0, 30)]), 3);
        assert_eq!(most(&[]), 0);
    }

    #[test]
    fn a_wrong_checksum_is_found() {
        let entry = |checksum| JobTimes { begun: 0, done: 1, checksum: Checksum(checksum) };
        assert_eq!(check(&[entry(7), entry(7)], Checksum(7)), Ok(()));
        assert!(matches!(check(&[entry(7), entry(8)], Checksum(7)), Err(Failure::WrongWork { .. })));
    }
}
