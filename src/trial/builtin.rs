//! The jobs and the servers of scenario files. A bench program of a user contains none of them.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::histogram::Histogram;
use crate::job_log::{JobLog, JobTimes};
use crate::lanes;
use crate::model;
use crate::protocol::{Role, TrialSpec};
use crate::record::{Failure, HeartbeatRecord, Measured, Series, Waits};
use crate::scenario::{HeartbeatSpec, OffloadSpec, SleepSpec, StepsSpec, Work};
use crate::service::echo::Echo;
use crate::units;
use crate::usage::Footprint;
use crate::workload::offload::{Heartbeat, Offload};
use crate::workload::{Checksum, Shared, Sleep, Steps};

use super::external;
use super::jobs::{done, reply, run_all, series};
use super::server::{self, serve};

/// The pause between two readings of the memory of waiting jobs.
const LOOK: Duration = Duration::from_millis(5);

/// Runs the jobs or the server of a trial, and writes its replies.
pub fn run_builtin(spec: &TrialSpec) -> Result<(), Failure> {
    match &spec.role {
        _ if spec.work.bench().is_some() => {
            Err(Failure::WrongWork { what: "only its own bench program can run this workload".into() })
        }
        Role::Jobs { traced } => run_jobs(spec, *traced),
        Role::Server { nonce, traced } => run_echo(spec, nonce, *traced),
        Role::External { nonce, environment } => external::run(spec, nonce, environment),
        other => Err(Failure::WrongWork { what: format!("no built-in work is a {other:?}") }),
    }
}

fn run_jobs(spec: &TrialSpec, traced: bool) -> Result<(), Failure> {
    let footprint = if traced { waiting(spec)? } else { None };
    if traced {
        lanes::prepare("job");
        lanes::start(lanes::LENGTH);
    }
    let done = match &spec.work {
        Work::Sleep(sleep) => run_sleep(spec, sleep)?,
        Work::Offload(offload) => run_offload(spec, offload)?,
        Work::Own(_) | Work::Echo(_) => {
            return Err(Failure::WrongWork { what: format!("`{}` is no built-in jobs", spec.work.workload()) });
        }
    };
    reply(done, traced, footprint)
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

fn fared(planned: HeartbeatSpec, begun: u64, beats: &[u64]) -> Result<HeartbeatRecord, Failure> {
    if beats.contains(&u64::MAX) || !beats.is_sorted() {
        return Err(Failure::WrongWork { what: "a beat is missing or out of order".into() });
    }
    let gaps = beats.windows(2).map(|pair| pair[1] - pair[0]);
    // If the heartbeat began late, its first gap lies before its first beat.
    let longest_gap_ns = gaps.chain([begun + beats[0]]).max().unwrap_or(0);
    Ok(HeartbeatRecord { every_ns: units::nanos(planned.every), beats: planned.beats, longest_gap_ns })
}

/// Runs the echo server, and records its lanes if `traced`.
fn run_echo(spec: &TrialSpec, nonce: &str, traced: bool) -> Result<(), Failure> {
    let work = server::work(spec)?;
    let shared = Shared::new(work.steps.permits);
    let heavy = work.heavy.map(|heavy| steps(&heavy.steps, &shared, spec)).transpose()?;
    let echo = Arc::new(Echo::new(steps(&work.steps, &shared, spec)?, heavy));
    let (begun, ended) = (Arc::clone(&echo), Arc::clone(&echo));
    let check = move || match ended.wrong() {
        0 => Ok(ended.permit_waits()),
        wrong => Err(Failure::WrongWork {
            what: format!("wrong checksum for {}", units::counted(wrong, "request", "requests")),
        }),
    };
    serve(spec, nonce, traced, echo, || begun.clear_waits(), check)
}

/// Builds the steps of a spec, with the checksums they must return. All jobs of the trial must get the same `shared`.
fn steps(spec: &StepsSpec, shared: &Arc<Shared>, trial: &TrialSpec) -> Result<Steps, Failure> {
    let unknown = || Failure::WrongWork { what: format!("no checksum is known for `{}`", spec.in_words()) };
    Steps::new(spec, &trial.calibration, Arc::clone(shared)).ok_or_else(unknown)
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
    fn a_wrong_checksum_is_found() {
        let entry = |checksum| JobTimes { begun: 0, done: 1, checksum: Checksum(checksum) };
        assert_eq!(check(&[entry(7), entry(7)], Checksum(7)), Ok(()));
        assert!(matches!(check(&[entry(7), entry(8)], Checksum(7)), Err(Failure::WrongWork { .. })));
    }
}
