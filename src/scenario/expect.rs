//! Computes how long a cell should take: for the ideal in charts, the length of the progress bar, and the time-out.
//!
//! Take N jobs of wait w, block b and compute c, k workers and n CPUs, where n counts only the CPUs that the work is
//! pinned to, if any. P(t) is how much t threads compute in parallel, as a multiple of one ([`Parallel`], measured;
//! from n threads on it is P(n)):
//!
//! | model | wall time |
//! |---|---|
//! | `sequential` | N (w + b + c) |
//! | `threads` | w + b + max(c, N c / P(N)) |
//! | `pool/k` | ceil(N/k) (w + b) + C, C = ceil(N/m) c m/P(m) with m = min(k, n) |
//! | `async` | w + N (b + c) |
//! | `async/k`, `hybrid/rayon-k` | w + ceil(N/k) b + C |
//! | `hybrid/blocking` | w + ceil(N/512) b + max(c, N c / P(N)) |
//! | the ideal | w + b + max(c, N c / P(N)) |

use std::time::Duration;

use super::{Model, OffloadSpec, Parallel, StepsSpec, Work};

/// tokio's default size of the blocking pool (`Builder::max_blocking_threads`).
pub(super) const BLOCKING_THREADS: u32 = 512;

/// Returns the shortest wall time that any model could reach on this machine; `None` for echo, whose clock decides.
pub fn ideal(work: &Work, machine: &Parallel) -> Option<Duration> {
    work.jobs().map(|jobs| least(work, jobs, &part(work, machine)))
}

/// Returns the part of the machine that the work is pinned to.
fn part(work: &Work, machine: &Parallel) -> Parallel {
    machine.at_most(work.cpus().unwrap_or(u32::MAX))
}

fn least(work: &Work, jobs: u32, machine: &Parallel) -> Duration {
    let steps = work.steps();
    (steps.wait + steps.block + shared(jobs, steps.compute, machine)).max(heartbeat(work))
}

/// Returns the wall time of this model; for echo the length of its warm-up, window and drain.
pub fn wall(work: &Work, model: Model, machine: &Parallel) -> Duration {
    let (jobs, steps) = match work {
        Work::Sleep(sleep) => (sleep.jobs, work.steps()),
        Work::Offload(offload) => (offload.jobs, offload.steps),
        Work::Echo(echo) => return echo.load.warmup + echo.load.duration + echo.load.drain,
    };
    let StepsSpec { wait, block, compute } = steps;
    let (beating, machine) = (heartbeat(work), &part(work, machine));
    match model {
        Model::Sequential => beating + steps.alone() * jobs,
        Model::Threads => (wait + block + shared(jobs, compute, machine)).max(beating),
        Model::Pool(k) if k.get() == 1 => beating + steps.alone() * jobs,
        Model::Pool(k) => {
            // The heartbeat occupies one worker.
            let workers = u32::from(k.get()) - u32::from(!beating.is_zero());
            let turns = (wait + block) * jobs.div_ceil(workers);
            (turns + in_turns(jobs, compute, workers, machine)).max(beating)
        }
        Model::Async => (wait + (block + compute) * jobs).max(beating),
        Model::AsyncWorkers(k) | Model::HybridRayon(k) => {
            let workers = u32::from(k.get());
            let held = block * jobs.div_ceil(workers) + in_turns(jobs, compute, workers, machine);
            (wait + held).max(beating)
        }
        // An external server runs no jobs, and no scenario can ask it to.
        Model::External => least(work, jobs, machine),
        Model::HybridBlocking => {
            let held = block * jobs.div_ceil(BLOCKING_THREADS) + shared(jobs, compute, machine);
            (wait + held).max(beating)
        }
    }
}

/// Returns the longest gap between two beats that the model should show: its interval, or the whole time for which its
/// one thread is held. Returns `None` if every worker may be held, as the gap then depends on the order.
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

/// Returns the time of N computations of length c that the CPUs share evenly.
fn shared(jobs: u32, compute: Duration, machine: &Parallel) -> Duration {
    compute.max(compute.mul_f64(f64::from(jobs) / machine.factor(jobs)))
}

/// Returns the time of N computations of length c, done by this many workers one after the other.
fn in_turns(jobs: u32, compute: Duration, workers: u32, machine: &Parallel) -> Duration {
    let at_once = workers.min(machine.cpus());
    compute.mul_f64(f64::from(jobs.div_ceil(at_once)) * f64::from(at_once) / machine.factor(at_once))
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
            assert_eq!(wall(work, model.parse().unwrap(), &Parallel::ideal(2)), MS * *millis, "{model}");
        }
    }

    #[test]
    fn waiting_needs_no_threads() {
        let work = Work::Sleep(SleepSpec { jobs: 10, wait: MS * 100, cpus: None });
        check(
            &work,
            &[("sequential", 1000), ("threads", 100), ("pool/4", 300), ("async", 100), ("hybrid/rayon-2", 100)],
        );
        assert_eq!(ideal(&work, &Parallel::ideal(2)), Some(MS * 100));
    }

    #[test]
    fn computing_needs_cpus() {
        let steps = StepsSpec { compute: MS * 50, ..StepsSpec::default() };
        let work = Work::Offload(OffloadSpec { jobs: 8, steps, heartbeat: None, cpus: None });
        check(
            &work,
            &[("sequential", 400), ("async", 400), ("async/2", 200), ("threads", 200), ("hybrid/blocking", 200)],
        );
        assert_eq!(ideal(&work, &Parallel::ideal(2)), Some(MS * 200));
    }

    #[test]
    fn pinned_work_gains_nothing_from_other_cpus() {
        let steps = StepsSpec { wait: MS * 20, compute: MS * 50, ..StepsSpec::default() };
        let work = |cpus| Work::Offload(OffloadSpec { jobs: 8, steps, heartbeat: None, cpus: Some(cpus) });
        for model in ["async", "async/2", "threads", "hybrid/blocking", "hybrid/rayon-2"] {
            let wall = |cpus, machine| wall(&work(cpus), model.parse().unwrap(), &Parallel::ideal(machine));
            assert_eq!((wall(1, 1), wall(1, 16)), (MS * 420, MS * 420), "{model}");
            // More CPUs than exist count as all of them.
            assert_eq!((wall(2, 16), wall(64, 2)), (wall(2, 2), wall(2, 2)), "{model}");
        }
        assert_eq!(ideal(&work(1), &Parallel::ideal(16)), Some(MS * 420));
        assert_eq!(ideal(&work(4), &Parallel::ideal(16)), Some(MS * 120));
    }

    #[test]
    fn two_halves_of_a_core_are_not_two_cores() {
        let steps = StepsSpec { compute: MS * 50, ..StepsSpec::default() };
        let work = Work::Offload(OffloadSpec { jobs: 8, steps, heartbeat: None, cpus: None });
        let machine = Parallel::measured([(2, 1.25)]);
        for (model, millis) in
            [("sequential", 400), ("async", 400), ("threads", 320), ("async/2", 320), ("pool/8", 320)]
        {
            assert_eq!(wall(&work, model.parse().unwrap(), &machine), MS * millis, "{model}");
        }
        assert_eq!(ideal(&work, &machine), Some(MS * 320));
    }

    #[test]
    fn a_held_thread_stops_the_heartbeat() {
        let steps = StepsSpec { block: MS * 300, ..StepsSpec::default() };
        let heartbeat = Some(HeartbeatSpec { every: MS * 10, beats: 41 });
        let offload = OffloadSpec { jobs: 1, steps, heartbeat, cpus: None };
        assert_eq!(longest_gap(&offload, Model::Async), Some(MS * 300));
        assert_eq!(longest_gap(&offload, Model::HybridBlocking), Some(MS * 10));
        let workers = |name: &str, jobs| longest_gap(&OffloadSpec { jobs, ..offload.clone() }, name.parse().unwrap());
        assert_eq!((workers("async/2", 1), workers("async/2", 2)), (Some(MS * 10), None));
        assert_eq!(workers("async/1", 1), Some(MS * 300));
        check(&Work::Offload(offload), &[("sequential", 700), ("threads", 400), ("pool/2", 400), ("async", 400)]);
    }
}
