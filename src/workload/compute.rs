//! The CPU-bound kernel: a fixed number of steps that no optimizer can remove, and its calibration on this machine.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::io;
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::host;
use crate::job_log::Checksum;
use crate::random::scramble;
use crate::scenario::{Machine, Parallel};

/// The initial state of every computation, so that the same number of iterations always gives the same checksum.
const SEED: u64 = 0x0123_4567_89AB_CDEF;

/// A computation and its expected checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Computation {
    /// The number of steps.
    pub iterations: u64,
    /// The value that [`compute`] returns for this number of steps.
    pub checksum: Checksum,
}

/// Runs the kernel: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) with each output added into the next state, so that
/// every step depends on the previous one. Costs about 4 ns a step, in registers only: no memory access, no branch, no
/// system call.
#[inline(never)]
pub fn compute(iterations: u64) -> Checksum {
    let mut state = black_box(SEED);
    for _ in 0..iterations {
        state = state.wrapping_add(scramble(state));
    }
    Checksum(black_box(state))
}

/// Measures the iterations per second on one CPU. Takes the fastest of several short passes, since any other program
/// only slows a pass down. Takes about 100 ms.
pub fn calibrate() -> u64 {
    const PASSES: u32 = 10;
    const PASS: Duration = Duration::from_millis(10);
    let timed = |iterations| {
        let start = Instant::now();
        compute(iterations);
        start.elapsed()
    };
    // Doubled until a pass is long compared with a clock read and a timer interrupt.
    let mut iterations = 10_000;
    while timed(iterations) < PASS {
        iterations *= 2;
    }
    let fastest = (0..PASSES).map(|_| timed(iterations)).min().expect("there is at least one pass");
    (iterations as f64 / fastest.as_secs_f64()) as u64
}

/// Measures how much 1, 2, 4 ... and all of `cpus` compute in parallel, relative to one thread. Takes the fastest of
/// eight passes of about 20 ms each. The numbers of threads alternate, so a temporary disturbance of one pass does not
/// affect the others. Takes about half a second with two CPUs. If the kernel refuses a thread, measures with as many as
/// possible, and also returns the error.
pub fn parallel(cpus: u32, iterations_per_s: u64) -> (Parallel, Option<io::Error>) {
    const PASSES: u32 = 8;
    let iterations = iterations_per_s / 50;
    let counts = (0..).map(|power| 1 << power).take_while(|threads| *threads < cpus).chain([cpus.max(1)]);
    let mut fastest: Vec<(u32, Duration)> = counts.map(|threads| (threads, Duration::MAX)).collect();
    let mut refused = None;
    for _ in 0..PASSES {
        for k in 0..fastest.len() {
            match at_once(fastest[k].0, iterations) {
                Ok(time) => fastest[k].1 = time.min(fastest[k].1),
                Err(error) => {
                    refused = Some(error);
                    fastest.truncate(k);
                    break;
                }
            }
        }
    }
    let alone = fastest.first().map_or(1.0, |(_, time)| time.as_secs_f64());
    let factor = |(threads, least): &(u32, Duration)| (*threads, f64::from(*threads) * alone / least.as_secs_f64());
    (Parallel::measured(fastest.iter().map(factor)), refused)
}

/// Measures how much a machine with these CPUs computes in parallel, and how much the first n of them do, for each n in
/// `pinned`. Runs [`parallel`] for each n above 1 and below the number of CPUs.
pub fn machine(
    cpus: &[usize],
    pinned: impl IntoIterator<Item = u32>,
    iterations_per_s: u64,
) -> (Machine, Option<io::Error>) {
    let (all, mut refused) = parallel(cpus.len() as u32, iterations_per_s);
    let numbers: BTreeSet<u32> = pinned.into_iter().collect();
    let mut of = |number: u32| match cpus.get(..number as usize) {
        None | Some([]) => all.clone(),
        Some([_]) => Parallel::measured([]),
        Some(part) if part.len() == cpus.len() => all.clone(),
        Some(part) => {
            let (parallel, why) = parallel_on(part, iterations_per_s);
            refused = refused.take().or(why);
            parallel.unwrap_or_else(|| all.at_most(number))
        }
    };
    let pinned = numbers.into_iter().map(|number| (number, of(number))).collect();
    (Machine::new(all, pinned), refused)
}

/// Runs [`parallel`] in a thread pinned to these CPUs. Returns no result if the thread cannot be pinned or started.
fn parallel_on(cpus: &[usize], iterations_per_s: u64) -> (Option<Parallel>, Option<io::Error>) {
    thread::scope(|scope| {
        let pinned = || host::pin(cpus).is_ok().then(|| parallel(cpus.len() as u32, iterations_per_s));
        match thread::Builder::new().spawn_scoped(scope, pinned) {
            Ok(thread) => thread.join().ok().flatten().map_or((None, None), |(found, why)| (Some(found), why)),
            Err(error) => (None, Some(error)),
        }
    })
}

/// Returns the time from the common start of the threads until the last one has finished. If one cannot be started, the
/// others end without computing.
fn at_once(threads: u32, iterations: u64) -> io::Result<Duration> {
    // Each thread waits for its own message, and returns if its channel is closed.
    thread::scope(|scope| {
        let (mut starts, mut running) = (Vec::new(), Vec::new());
        for k in 0..threads {
            let (start, released) = mpsc::sync_channel::<Arc<Barrier>>(1);
            let work = move || {
                let barrier = released.recv().ok()?;
                barrier.wait();
                let begun = Instant::now();
                compute(iterations);
                Some((begun, Instant::now()))
            };
            let started = thread::Builder::new().spawn_scoped(scope, work).map_err(|error| {
                io::Error::new(error.kind(), format!("only {k} of {threads} threads could be started: {error}"))
            })?;
            starts.push(start);
            running.push(started);
        }
        let barrier = Arc::new(Barrier::new(threads as usize));
        starts.iter().for_each(|start| drop(start.send(Arc::clone(&barrier))));
        let spans: Vec<(Instant, Instant)> =
            running.into_iter().filter_map(|thread| thread.join().ok().flatten()).collect();
        let first = spans.iter().map(|(begun, _)| *begun).min();
        let last = spans.iter().map(|(_, ended)| *ended).max();
        Ok(first.zip(last).map(|(first, last)| last - first).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_depends_on_every_iteration() {
        let sums: Vec<Checksum> = (0..100).map(compute).collect();
        let mut different = sums.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), sums.len());
        assert_eq!(compute(100), compute(100));
        assert_eq!(compute(0), Checksum(SEED));
    }

    #[test]
    fn each_number_of_cpus_is_measured_only_on_the_given_ones() {
        let before = host::cpus();
        let cpus = &before[..before.len().min(3)];
        let (machine, refused) = machine(cpus, [64, 1, 2, 1], 1_000_000);
        assert!(refused.is_none(), "{refused:?}");
        let numbers: Vec<u32> = machine.pinned().iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 2, 64]);
        for (number, parallel) in machine.pinned() {
            assert_eq!(parallel.cpus(), (*number).min(cpus.len() as u32), "{machine:?}");
        }
        assert_eq!(host::cpus(), before, "the calling thread keeps its CPUs");
    }
}
