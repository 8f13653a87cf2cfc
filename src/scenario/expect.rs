//! What arithmetic says a cell should take: the ideal beside the bar, the length of the progress bar, the time-out.
//!
//! Nothing here is measured. With N jobs of wait w, block b and compute c, P processors and k workers:
//!
//! | model | wall time |
//! |---|---|
//! | `sequential` | N (w + b + c) |
//! | `threads` | w + b + max(c, N c / P) |
//! | `pool/k` | ceil(N/k) (w + b) + ceil(N / min(k, P)) c |
//! | `async` | w + N (b + c) |
//! | `async/k`, `hybrid/rayon-k` | w + ceil(N/k) b + ceil(N / min(k, P)) c |
//! | `hybrid/blocking` | w + ceil(N/512) b + max(c, N c / P) |
//! | the ideal | w + b + max(c, N c / P) |

use std::time::Duration;

use super::{Model, OffloadSpec, StepsSpec, Work};

/// tokio's default size of the blocking pool (`Builder::max_blocking_threads`).
const BLOCKING_THREADS: u32 = 512;

/// The shortest wall time any model could reach with so many processors; nothing for echo, whose clock decides.
pub fn ideal(work: &Work, processors: u32) -> Option<Duration> {
    let jobs = work.jobs()?;
    let steps = work.steps();
    let alone = steps.wait + steps.block + shared(jobs, steps.compute, processors);
    Some(alone.max(heartbeat(work)))
}

/// The wall time of this model; for echo the length of its warm-up, window and drain.
pub fn wall(work: &Work, model: Model, processors: u32) -> Duration {
    let (jobs, steps) = match work {
        Work::Sleep(sleep) => (sleep.jobs, work.steps()),
        Work::Offload(offload) => (offload.jobs, offload.steps),
        Work::Echo(echo) => return echo.load.warmup + echo.load.duration + echo.load.drain,
    };
    let StepsSpec { wait, block, compute } = steps;
    let beating = heartbeat(work);
    match model {
        Model::Sequential => beating + steps.alone() * jobs,
        Model::Threads => (wait + block + shared(jobs, compute, processors)).max(beating),
        Model::Pool(k) if k.get() == 1 => beating + steps.alone() * jobs,
        Model::Pool(k) => {
            // The heartbeat keeps one worker for itself.
            let workers = u32::from(k.get()) - u32::from(!beating.is_zero());
            let turns = (wait + block) * jobs.div_ceil(workers);
            (turns + compute * jobs.div_ceil(workers.min(processors))).max(beating)
        }
        Model::Async => (wait + (block + compute) * jobs).max(beating),
        Model::AsyncWorkers(k) | Model::HybridRayon(k) => {
            let workers = u32::from(k.get());
            let held = block * jobs.div_ceil(workers) + compute * jobs.div_ceil(workers.min(processors));
            (wait + held).max(beating)
        }
        Model::HybridBlocking => {
            let held = block * jobs.div_ceil(BLOCKING_THREADS) + shared(jobs, compute, processors);
            (wait + held).max(beating)
        }
    }
}

/// The longest gap between two beats that the model should show: its interval, or all that its one thread is held for.
/// Nothing where every worker may be held, as it depends on who is held when.
pub fn longest_gap(offload: &OffloadSpec, model: Model) -> Option<Duration> {
    let every = offload.heartbeat?.every;
    let held = (offload.steps.block + offload.steps.compute) * offload.jobs;
    match model {
        Model::Async => Some(every.max(held)),
        Model::AsyncWorkers(k) if k.get() == 1 => Some(every.max(held)),
        Model::AsyncWorkers(k) if offload.jobs >= u32::from(k.get()) => None,
        _ => Some(every),
    }
}

/// N computations of length c on P processors that share them evenly.
fn shared(jobs: u32, compute: Duration, processors: u32) -> Duration {
    compute.max(compute * jobs / processors.max(1))
}

fn heartbeat(work: &Work) -> Duration {
    match work {
        Work::Offload(OffloadSpec { heartbeat: Some(heartbeat), .. }) => heartbeat.every * (heartbeat.beats - 1),
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{HeartbeatSpec, SleepSpec};

    const MS: Duration = Duration::from_millis(1);

    fn check(work: &Work, expected: &[(&str, u32)]) {
        for (model, millis) in expected {
            assert_eq!(wall(work, model.parse().unwrap(), 2), MS * *millis, "{model}");
        }
    }

    #[test]
    fn waiting_needs_no_threads() {
        let work = Work::Sleep(SleepSpec { jobs: 10, wait: MS * 100 });
        check(
            &work,
            &[("sequential", 1000), ("threads", 100), ("pool/4", 300), ("async", 100), ("hybrid/rayon-2", 100)],
        );
        assert_eq!(ideal(&work, 2), Some(MS * 100));
    }

    #[test]
    fn computing_needs_processors() {
        let steps = StepsSpec { compute: MS * 50, ..StepsSpec::default() };
        let work = Work::Offload(OffloadSpec { jobs: 8, steps, heartbeat: None });
        check(
            &work,
            &[("sequential", 400), ("async", 400), ("async/2", 200), ("threads", 200), ("hybrid/blocking", 200)],
        );
        assert_eq!(ideal(&work, 2), Some(MS * 200));
    }

    #[test]
    fn a_held_thread_stops_the_heartbeat() {
        let steps = StepsSpec { block: MS * 300, ..StepsSpec::default() };
        let heartbeat = Some(HeartbeatSpec { every: MS * 10, beats: 41 });
        let offload = OffloadSpec { jobs: 1, steps, heartbeat };
        assert_eq!(longest_gap(&offload, Model::Async), Some(MS * 300));
        assert_eq!(longest_gap(&offload, Model::HybridBlocking), Some(MS * 10));
        let workers = |name: &str, jobs| longest_gap(&OffloadSpec { jobs, ..offload.clone() }, name.parse().unwrap());
        assert_eq!((workers("async/2", 1), workers("async/2", 2)), (Some(MS * 10), None));
        assert_eq!(workers("async/1", 1), Some(MS * 300));
        check(&Work::Offload(offload), &[("sequential", 700), ("threads", 400), ("pool/2", 400), ("async", 400)]);
    }
}
