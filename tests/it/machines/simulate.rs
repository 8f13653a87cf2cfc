//! Threads, queues and CPUs in simulated time, nanoseconds.
//!
//! A [`Machine`] moves items through their [`Stage`]s. Threads that compute share the CPUs evenly: together, `n` of
//! them are as fast as [`Parallel`] states for `n`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use async_vs_threads::scenario::Parallel;

/// A wait, or a stay on a thread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stage {
    /// Waits without a thread.
    Wait(f64),
    /// Takes a thread of a station, blocks it for `blocked`, computes for `computed` and releases it.
    Hold { station: usize, blocked: f64, computed: f64 },
}

/// A number of equal threads with a first-in, first-out queue.
#[derive(Debug)]
pub(super) struct Station {
    threads: usize,
    held: usize,
    queue: VecDeque<usize>,
    /// The highest number of threads held at once.
    pub(super) most_held: usize,
    /// The number of times that an item found all threads idle, so that one had to be woken.
    pub(super) woken: u64,
    /// The time since which all threads are held.
    full_since: Option<f64>,
    /// The longest time for which all threads were held.
    pub(super) longest_full: f64,
    /// The times for which items waited in the queue.
    pub(super) waits: Vec<f64>,
}

impl Station {
    pub(super) fn new(threads: usize) -> Self {
        Self {
            threads,
            held: 0,
            queue: VecDeque::new(),
            most_held: 0,
            woken: 0,
            full_since: None,
            longest_full: 0.0,
            waits: Vec::new(),
        }
    }
}

/// A job or a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Item {
    /// The time at which it is due.
    pub(super) due: f64,
    /// The time at which it enters its first stage; once it has begun, the time of that.
    pub(super) begun: f64,
    /// The number of stages before it counts as begun: 1 for a thread that has to be started, else 0.
    pub(super) started_after: usize,
    /// Whether it is one of the heavy requests.
    pub(super) is_heavy: bool,
    /// Its connection; 0 for jobs.
    pub(super) connection: usize,
    pub(super) stages: Vec<Stage>,
    /// The number of stages it has passed.
    pub(super) passed: usize,
    /// The time at which it entered the queue of its current station.
    pub(super) queued: f64,
}

/// An event at a known time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// An item begins its next stage.
    Next(usize),
    /// A held thread has blocked for long enough, and computes.
    Compute(usize),
}

/// Returns a time as the key of a heap: the bits of non-negative numbers have the same order as the numbers.
fn key(time: f64) -> u64 {
    time.to_bits()
}

/// The CPUs, the stations and the items in flight.
pub(super) struct Machine<'a> {
    parallel: &'a Parallel,
    pub(super) now: f64,
    pub(super) stations: Vec<Station>,
    items: Vec<Item>,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    /// The work done so far by a thread that has always computed.
    done_by_each: f64,
    /// The value of `done_by_each` at which each computing item is done.
    computing: BinaryHeap<Reverse<(u64, usize)>>,
    /// CPU time of all threads.
    pub(super) cpu: f64,
    /// The highest number of threads that computed at once.
    pub(super) most_computing: usize,
    counter: u64,
    in_flight: u64,
    pub(super) most_in_flight: u64,
}

impl<'a> Machine<'a> {
    pub(super) fn new(parallel: &'a Parallel, stations: Vec<Station>) -> Self {
        Self {
            parallel,
            now: 0.0,
            stations,
            items: Vec::new(),
            events: BinaryHeap::new(),
            done_by_each: 0.0,
            computing: BinaryHeap::new(),
            cpu: 0.0,
            most_computing: 0,
            counter: 0,
            in_flight: 0,
            most_in_flight: 0,
        }
    }

    /// Begins an item at its time, which must not be in the past.
    pub(super) fn begin(&mut self, item: Item) {
        let (begun, id) = (item.begun, self.items.len());
        self.items.push(item);
        self.schedule(begun, Event::Next(id));
    }

    fn schedule(&mut self, time: f64, event: Event) {
        self.counter += 1;
        self.events.push(Reverse((key(time), self.counter, event)));
    }

    /// Runs until no item is left or the time is over. Calls `done` with each finished item; it may begin others.
    pub(super) fn run(&mut self, until: f64, mut done: impl FnMut(&mut Self, &Item)) {
        loop {
            let event = self.events.peek().map_or(f64::INFINITY, |Reverse((time, ..))| f64::from_bits(*time));
            let computed = self.computing.peek().map_or(f64::INFINITY, |Reverse((by, _))| {
                self.now + (f64::from_bits(*by) - self.done_by_each).max(0.0) / self.speed()
            });
            let next = event.min(computed);
            if next > until || next.is_infinite() {
                self.advance(until.min(self.now.max(until)));
                return;
            }
            self.advance(next);
            if computed <= event {
                let Some(Reverse((_, id))) = self.computing.pop() else { return };
                self.release(id);
                self.next(id, &mut done);
            } else if let Some(Reverse((_, _, event))) = self.events.pop() {
                match event {
                    Event::Next(id) => self.next(id, &mut done),
                    Event::Compute(id) => self.compute(id),
                }
            }
        }
    }

    /// Returns the speed of each computing thread.
    fn speed(&self) -> f64 {
        let threads = self.computing.len().max(1);
        self.parallel.factor(threads as u32) / threads as f64
    }

    fn advance(&mut self, to: f64) {
        if to.is_infinite() {
            return;
        }
        let passed = (to - self.now).max(0.0);
        if !self.computing.is_empty() {
            self.cpu += passed * self.computing.len().min(self.parallel.cpus() as usize) as f64;
            self.done_by_each += passed * self.speed();
        }
        self.now = self.now.max(to);
    }

    fn next(&mut self, id: usize, done: &mut impl FnMut(&mut Self, &Item)) {
        let item = &mut self.items[id];
        if item.passed == item.started_after {
            item.begun = self.now;
            self.in_flight += 1;
            self.most_in_flight = self.most_in_flight.max(self.in_flight);
        }
        let stage = item.stages.get(item.passed).copied();
        item.passed += 1;
        item.queued = self.now;
        match stage {
            Some(Stage::Wait(time)) => self.schedule(self.now + time, Event::Next(id)),
            Some(Stage::Hold { station, .. }) => {
                let station = &mut self.stations[station];
                if station.held < station.threads { self.take(id) } else { station.queue.push_back(id) }
            }
            None => {
                self.in_flight -= 1;
                let item = std::mem::take(&mut self.items[id]);
                done(self, &item);
            }
        }
    }

    /// Returns the current stage of an item that holds a thread.
    fn hold(&self, id: usize) -> (usize, f64, f64) {
        let item = &self.items[id];
        match item.stages[item.passed - 1] {
            Stage::Hold { station, blocked, computed } => (station, blocked, computed),
            Stage::Wait(_) => unreachable!("a wait holds no thread"),
        }
    }

    fn take(&mut self, id: usize) {
        let (station, blocked, _) = self.hold(id);
        let (now, queued) = (self.now, self.items[id].queued);
        let station = &mut self.stations[station];
        station.waits.push(now - queued);
        station.woken += u64::from(station.held == 0);
        station.held += 1;
        station.most_held = station.most_held.max(station.held);
        if station.held == station.threads {
            station.full_since = Some(now);
        }
        if blocked > 0.0 { self.schedule(now + blocked, Event::Compute(id)) } else { self.compute(id) }
    }

    fn compute(&mut self, id: usize) {
        let (.., computed) = self.hold(id);
        self.computing.push(Reverse((key(self.done_by_each + computed), id)));
        if computed > 0.0 {
            self.most_computing = self.most_computing.max(self.computing.len());
        }
    }

    fn release(&mut self, id: usize) {
        let (at, ..) = self.hold(id);
        let now = self.now;
        let station = &mut self.stations[at];
        station.held -= 1;
        match station.queue.pop_front() {
            // The thread takes the next item at once, so it counts as held all the time.
            Some(next) => {
                let (woken, since) = (station.woken, station.full_since);
                self.take(next);
                let station = &mut self.stations[at];
                (station.woken, station.full_since) = (woken, since);
            }
            None => {
                if let Some(since) = station.full_since.take() {
                    station.longest_full = station.longest_full.max(now - since);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: f64 = 1e6;

    /// Checks when the last of these jobs is done, and the CPU time of all.
    fn check(jobs: usize, threads: usize, (blocked, computed): (f64, f64), parallel: &Parallel, expected: (f64, f64)) {
        let mut machine = Machine::new(parallel, vec![Station::new(threads)]);
        for _ in 0..jobs {
            let stages = vec![Stage::Hold { station: 0, blocked, computed }];
            machine.begin(Item { stages, ..Item::default() });
        }
        let mut last = 0.0;
        machine.run(f64::INFINITY, |machine, _| last = machine.now);
        assert!((last - expected.0).abs() < 1.0, "{last}, expected {}", expected.0);
        assert!((machine.cpu - expected.1).abs() < 1.0, "{}, expected {}", machine.cpu, expected.1);
    }

    #[test]
    fn threads_share_cpus_and_jobs_queue_for_threads() {
        check(8, 8, (0.0, 50.0 * MS), &Parallel::ideal(2), (200.0 * MS, 400.0 * MS));
        check(8, 2, (0.0, 50.0 * MS), &Parallel::ideal(64), (200.0 * MS, 400.0 * MS));
        check(8, 8, (0.0, 50.0 * MS), &Parallel::ideal(64), (50.0 * MS, 400.0 * MS));
        check(8, 2, (200.0 * MS, 0.0), &Parallel::ideal(1), (800.0 * MS, 0.0));
        // Two halves of a core: both compute for longer, and the time counts for both.
        check(8, 8, (0.0, 50.0 * MS), &Parallel::measured([(2, 1.25)]), (320.0 * MS, 640.0 * MS));
        check(1, 8, (10.0 * MS, 50.0 * MS), &Parallel::measured([(2, 1.25)]), (60.0 * MS, 50.0 * MS));
    }
}
