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
//! | `rayon/k` | as `pool/k` |
//! | `async`, `async/k`, `per-core/k` | w + ceil(N/k) b + C, with k = 1 for `async` |
//! | any with `+rayon/k`, `+runtime/k` | the same |
//! | any with `+blocking/k`, `+in-place` | w + ceil(N/k) b + max(c, N c / P(N)), k = 512 unless the name sets it |
//! | the ideal | w + b + max(c, N c / P(N)) |
//!
//! Composed in turn, an async model takes N (w + b + c); joined in one task, k is 1 where steps hold the task's own
//! thread. A lock that each job holds for l adds l to c, and no model takes less than N l, or ceil(N/p) (w + l + b + c)
//! with p permits, or N (l + c) / q with a CPU limit of q.

use std::time::Duration;

use super::{Composition, Model, OffloadSpec, Parallel, PoolKind, RuntimeKind, StepsSpec, Work};

/// The time that a trial of a user's own jobs is planned with. Only the progress shown before the first trials rests on
/// it.
pub const OWN: Duration = Duration::from_millis(200);

/// Returns the shortest wall time that any model could reach on this machine; `None` for echo, whose clock decides, and
/// for a user's own jobs, whose steps are unknown.
pub fn ideal(work: &Work, machine: &Parallel) -> Option<Duration> {
    work.jobs().filter(|_| !work.is_own()).map(|jobs| least(work, jobs, &part(work, machine)))
}

/// Returns the part of the machine that the work is pinned to.
fn part(work: &Work, machine: &Parallel) -> Parallel {
    machine.at_most(work.cpus().unwrap_or(u32::MAX))
}

fn least(work: &Work, jobs: u32, machine: &Parallel) -> Duration {
    let steps = work.steps();
    let alone = steps.wait + steps.block + shared(jobs, steps.compute + steps.lock, machine);
    alone.max(shared_limit(work, jobs)).max(heartbeat(work))
}

/// Returns the wall time of this model; for echo the length of its warm-up, window and drain, and for a user's own jobs,
/// whose steps are unknown, [`OWN`].
pub fn wall(work: &Work, model: Model, machine: &Parallel) -> Duration {
    let (jobs, steps) = match work {
        Work::Sleep(sleep) => (sleep.jobs, work.steps()),
        Work::Offload(offload) => (offload.jobs, offload.steps),
        Work::Own(_) => return OWN,
        Work::Echo(echo) => return echo.load.warmup + echo.load.duration + echo.load.drain,
    };
    let StepsSpec { wait, block, .. } = steps;
    let compute = steps.compute + steps.lock;
    let (beating, machine) = (heartbeat(work), &part(work, machine));
    let wall = match model {
        Model::Sequential => beating + steps.alone() * jobs,
        Model::Threads => (wait + block + shared(jobs, compute, machine)).max(beating),
        Model::Pool(k) | Model::Rayon(k) if k.get() == 1 => beating + steps.alone() * jobs,
        Model::Pool(k) | Model::Rayon(k) => {
            // The heartbeat occupies one worker.
            let workers = u32::from(k.get()) - u32::from(!beating.is_zero());
            let turns = (wait + block) * jobs.div_ceil(workers);
            (turns + in_turns(jobs, compute, workers, machine)).max(beating)
        }
        Model::Async(runtime, _) if work.compose() == Composition::InTurn => {
            (steps.alone() * jobs.div_ceil(runtime.runtimes().into())).max(beating)
        }
        Model::Async(runtime, pool) => {
            let is_one_task =
                work.compose() == Composition::Join && matches!(pool, PoolKind::Inline | PoolKind::InPlace);
            let threads = if is_one_task { runtime.runtimes().into() } else { model.step_threads(jobs).max(1) };
            let computing = match pool {
                // Enough threads for every job, or for every CPU: the jobs share the CPUs.
                PoolKind::Blocking(_) | PoolKind::InPlace if threads >= jobs.min(machine.cpus()) => {
                    shared(jobs, compute, machine)
                }
                _ => in_turns(jobs, compute, threads, machine),
            };
            (wait + block * jobs.div_ceil(threads) + computing).max(beating)
        }
        // An external server runs no jobs, and no scenario can ask it to.
        Model::External(_) => least(work, jobs, machine),
    };
    wall.max(shared_limit(work, jobs))
}

/// Returns the shortest time in which the lock, the permits and the CPU limit let all jobs through.
fn shared_limit(work: &Work, jobs: u32) -> Duration {
    let steps = work.steps();
    let permits = steps.permits.map_or(Duration::ZERO, |permits| steps.alone() * jobs.div_ceil(permits));
    let computed = (steps.compute + steps.lock) * jobs;
    let cpu_time = work.cpu_limit().map_or(Duration::ZERO, |cpus| computed.div_f64(cpus));
    (steps.exclusive() * jobs).max(permits).max(cpu_time)
}

/// Returns the longest gap between two beats that the model should show: its interval, or the whole time for which its
/// one thread is held. Returns `None` if every worker may be held, as the gap then depends on the order.
pub fn longest_gap(offload: &OffloadSpec, model: Model) -> Option<Duration> {
    let every = offload.heartbeat?.every;
    let held = (offload.steps.block + offload.steps.compute) * offload.jobs;
    match model {
        Model::Async(runtime, PoolKind::Inline) if runtime.threads() == 1 => Some(every.max(held)),
        Model::Async(RuntimeKind::Workers(k), PoolKind::Inline) if offload.jobs >= u32::from(k.get()) => None,
        // The heartbeat is job 0 and shares its core with every k-th job.
        Model::Async(RuntimeKind::PerCore(k), PoolKind::Inline) => {
            let beside = offload.jobs / u32::from(k.get());
            Some(every.max((offload.steps.block + offload.steps.compute) * beside))
        }
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
        let work = Work::Sleep(SleepSpec { jobs: 10, wait: MS * 100, ..SleepSpec::default() });
        check(
            &work,
            &[("sequential", 1000), ("threads", 100), ("pool/4", 300), ("async", 100), ("async+rayon/2", 100)],
        );
        assert_eq!(ideal(&work, &Parallel::ideal(2)), Some(MS * 100));
    }

    #[test]
    fn computing_needs_cpus() {
        let steps = StepsSpec { compute: MS * 50, ..StepsSpec::default() };
        let work = Work::Offload(OffloadSpec { jobs: 8, steps, ..OffloadSpec::default() });
        check(
            &work,
            &[("sequential", 400), ("async", 400), ("async/2", 200), ("threads", 200), ("async+blocking", 200)],
        );
        assert_eq!(ideal(&work, &Parallel::ideal(2)), Some(MS * 200));
    }

    #[test]
    fn pinned_work_gains_nothing_from_other_cpus() {
        let steps = StepsSpec { wait: MS * 20, compute: MS * 50, ..StepsSpec::default() };
        let work = |cpus| {
            Work::Offload(OffloadSpec { jobs: 8, steps, heartbeat: None, cpus: Some(cpus), ..OffloadSpec::default() })
        };
        for model in ["async", "async/2", "threads", "async+blocking", "async+rayon/2"] {
            let wall = |cpus, machine| wall(&work(cpus), model.parse().unwrap(), &Parallel::ideal(machine));
            assert_eq!((wall(1, 1), wall(1, 16)), (MS * 420, MS * 420), "{model}");
            // More CPUs than exist count as all of them.
            assert_eq!((wall(2, 16), wall(64, 2)), (wall(2, 2), wall(2, 2)), "{model}");
        }
        assert_eq!(ideal(&work(1), &Parallel::ideal(16)), Some(MS * 420));
        assert_eq!(ideal(&work(4), &Parallel::ideal(16)), Some(MS * 120));
    }

    #[test]
    fn a_cpu_limit_lets_no_more_cpu_time_through() {
        let steps = StepsSpec { compute: MS * 50, ..StepsSpec::default() };
        for (limit, millis) in [(None, 200), (Some(4.0), 200), (Some(1.0), 400), (Some(0.5), 800)] {
            let work = Work::Offload(OffloadSpec {
                jobs: 8,
                steps,
                heartbeat: None,
                cpus: None,
                cpu_limit: limit,
                compose: Composition::Spawn,
            });
            for model in ["threads", "pool/2", "async/2"] {
                assert_eq!(wall(&work, model.parse().unwrap(), &Parallel::ideal(2)), MS * millis, "{model} {limit:?}");
            }
            assert_eq!(ideal(&work, &Parallel::ideal(2)), Some(MS * millis), "{limit:?}");
        }
    }

    #[test]
    fn two_halves_of_a_core_are_not_two_cores() {
        let steps = StepsSpec { compute: MS * 50, ..StepsSpec::default() };
        let work = Work::Offload(OffloadSpec { jobs: 8, steps, ..OffloadSpec::default() });
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
        let offload = OffloadSpec { jobs: 1, steps, heartbeat, ..OffloadSpec::default() };
        assert_eq!(longest_gap(&offload, Model::ASYNC), Some(MS * 300));
        assert_eq!(longest_gap(&offload, Model::ASYNC_BLOCKING), Some(MS * 10));
        let workers = |name: &str, jobs| longest_gap(&OffloadSpec { jobs, ..offload.clone() }, name.parse().unwrap());
        assert_eq!((workers("async/2", 1), workers("async/2", 2)), (Some(MS * 10), None));
        assert_eq!(workers("async/1", 1), Some(MS * 300));
        check(&Work::Offload(offload), &[("sequential", 700), ("threads", 400), ("pool/2", 400), ("async", 400)]);
    }
}
