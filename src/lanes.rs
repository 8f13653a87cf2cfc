//! Who did what on which OS thread, and when: the lanes of a trial, and the spans on them.
//!
//! Recorded in a trial of its own, never in a measured one. Where nothing is recorded, a [`span`] costs one load and one
//! branch. Spans are written down by the threads that made them, each in a list of its own, until the time or the room
//! is used up; what did not fit is counted.

use std::cell::{Cell, OnceCell};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::units;
use crate::usage::Scheduled;

/// What a thread did for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Worked on it: one poll of its future, or a stretch of its blocking face. Holds the ones below.
    Run,
    /// Computed.
    Compute,
    /// Sat in a call that held the thread.
    Block,
    /// Waited, holding the thread.
    Wait,
    /// Nothing: the job had been woken and no thread had polled it yet.
    Ready,
}

/// A stretch of time on a lane. Times are nanoseconds since the recording began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u32, u32, What, u64, u64)", into = "(u32, u32, What, u64, u64)")]
pub struct Span {
    /// Which lane.
    pub lane: u32,
    /// For which job.
    pub job: u32,
    /// What was done.
    pub what: What,
    /// From when.
    pub start: u64,
    /// Until when.
    pub end: u64,
}

impl From<(u32, u32, What, u64, u64)> for Span {
    fn from((lane, job, what, start, end): (u32, u32, What, u64, u64)) -> Self {
        Self { lane, job, what, start, end }
    }
}

impl From<Span> for (u32, u32, What, u64, u64) {
    fn from(span: Span) -> Self {
        (span.lane, span.job, span.what, span.start, span.end)
    }
}

/// The lane of a thread, which keeps for it what only the thread itself can tell when it ends.
struct Mine(Arc<Lane>);

impl Drop for Mine {
    fn drop(&mut self) {
        if let Some(scheduled) = Scheduled::of_this_thread() {
            self.0.waited_ns.store(scheduled.waited_ns, Ordering::Relaxed);
        }
    }
}

/// A recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lanes {
    /// The threads by what they are, in the order in which they came: `main`, `worker 1`, `blocking 3`, `job 17`.
    pub names: Vec<String>,
    /// What they did; each lane's in the order in which it ended.
    pub spans: Vec<Span>,
    /// Spans for which there was no room or no time left.
    pub left_out: u64,
    /// How long its threads were ready and had no CPU, all of them together and from the beginning of each to its end,
    /// nanoseconds; nothing where the kernel does not tell.
    pub run_queue_ns: Option<u64>,
}

impl Lanes {
    /// The most lanes on which a job was being executed at one instant: worked on, and neither blocked nor waiting. Never
    /// more than there are CPUs, as a thread that has none executes nothing.
    pub fn most_executing(&self, cpus: u32) -> u32 {
        // Runs and computing hold the times when a thread was not executing after all; computing lies within a run.
        let stretches = self.spans.iter().filter_map(|span| match span.what {
            What::Run => Some((span.start, span.end, 1)),
            What::Block | What::Wait => Some((span.start, span.end, -1)),
            What::Compute | What::Ready => None,
        });
        (most_at_once(stretches) as u32).min(cpus)
    }
}

/// The most there ever is of something at one instant, from when to when there is how much more of it.
pub fn most_at_once(stretches: impl Iterator<Item = (u64, u64, i64)>) -> u64 {
    let mut changes: Vec<(u64, i64)> =
        stretches.flat_map(|(start, end, change)| [(start, change), (end, -change)]).collect();
    // What ends at an instant ends before anything begins.
    changes.sort_unstable();
    let mut now = 0;
    let most = changes.iter().fold(0, |most, (_, change)| {
        now += change;
        now.max(most)
    });
    most.unsigned_abs()
}

static RECORDER: OnceLock<Recorder> = OnceLock::new();

thread_local! {
    static LANE: OnceCell<Mine> = const { OnceCell::new() };
    static JOB: Cell<u32> = const { Cell::new(0) };
}

struct Recorder {
    began: Instant,
    until: u64,
    room: AtomicUsize,
    left_out: AtomicU64,
    lanes: Mutex<Vec<Arc<Lane>>>,
}

/// No thread waits for 600 years.
const UNTOLD: u64 = u64::MAX;

struct Lane {
    number: u32,
    name: String,
    /// As the kernel counts.
    thread: i32,
    /// How long it was ready and waited for a CPU, nanoseconds; [`UNTOLD`] while it runs.
    waited_ns: AtomicU64,
    /// Of its own thread until the end, so nobody ever waits for it.
    spans: Mutex<Vec<Span>>,
}

/// Records from now on, for so long and so many spans. Once in a process.
pub fn begin(length: Duration, most: usize) {
    RECORDER.get_or_init(|| Recorder {
        began: Instant::now(),
        until: units::nanos(length),
        room: AtomicUsize::new(most),
        left_out: AtomicU64::new(0),
        lanes: Mutex::default(),
    });
}

/// What was recorded so far.
pub fn end() -> Lanes {
    let Some(recorder) = RECORDER.get() else { return Lanes::default() };
    let lanes = recorder.lanes.lock().unwrap_or_else(PoisonError::into_inner);
    let spans = |lane: &Arc<Lane>| lane.spans.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Lanes {
        names: lanes.iter().map(|lane| lane.name.clone()).collect(),
        spans: lanes.iter().flat_map(spans).collect(),
        left_out: recorder.left_out.load(Ordering::Relaxed),
        run_queue_ns: lanes.iter().map(|lane| lane.waited_ns()).sum(),
    }
}

/// Does a part of the job that the thread is at, as a span where something is recorded.
#[inline]
pub fn span<T>(what: What, work: impl FnOnce() -> T) -> T {
    match RECORDER.get() {
        None => work(),
        Some(recorder) => recorder.span(what, JOB.get(), work),
    }
}

/// Works for a job on a thread that is called so if it has no name yet, as a [`What::Run`].
pub fn run<T>(name: &dyn Fn(usize) -> String, job: u32, work: impl FnOnce() -> T) -> T {
    let Some(recorder) = RECORDER.get() else { return work() };
    LANE.with(|lane| {
        lane.get_or_init(|| Mine(recorder.lane(name)));
    });
    let before = JOB.replace(job);
    let done = recorder.span(What::Run, job, work);
    JOB.set(before);
    done
}

/// Nanoseconds since the recording began; 0 where none has.
pub fn now() -> u64 {
    RECORDER.get().map_or(0, Recorder::now)
}

/// A stretch that has passed: a job that was ready from then on, until the thread that calls this comes to it.
pub fn ready(job: u32, since: u64) {
    if let Some(recorder) = RECORDER.get() {
        recorder.enter(What::Ready, job, since, recorder.now());
    }
}

impl Lane {
    /// So far, where the thread still runs.
    fn waited_ns(&self) -> Option<u64> {
        match self.waited_ns.load(Ordering::Relaxed) {
            UNTOLD => Scheduled::of_thread(self.thread).map(|scheduled| scheduled.waited_ns),
            told => Some(told),
        }
    }
}

impl Recorder {
    fn now(&self) -> u64 {
        units::nanos(self.began.elapsed())
    }

    /// A lane for the thread that calls, by how many others there are whose names begin alike.
    fn lane(&self, name: &dyn Fn(usize) -> String) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = name(0);
        let kind = kind.trim_end_matches(|c: char| c.is_ascii_digit());
        let alike = lanes.iter().filter(|lane| lane.name.starts_with(kind)).count();
        let lane = Lane {
            number: lanes.len() as u32,
            name: name(alike + 1),
            thread: nix::unistd::gettid().as_raw(),
            waited_ns: AtomicU64::new(UNTOLD),
            spans: Mutex::default(),
        };
        lanes.push(Arc::new(lane));
        Arc::clone(&lanes[lanes.len() - 1])
    }

    fn span<T>(&self, what: What, job: u32, work: impl FnOnce() -> T) -> T {
        let start = self.now();
        let done = work();
        self.enter(what, job, start, self.now());
        done
    }

    fn enter(&self, what: What, job: u32, start: u64, end: u64) {
        LANE.with(|lane| {
            let Some(Mine(lane)) = lane.get() else { return };
            let has_room = |room: usize| room.checked_sub(1);
            let fits =
                start < self.until && self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, has_room).is_ok();
            if fits {
                let span = Span { lane: lane.number, job, what, start, end };
                lane.spans.lock().unwrap_or_else(PoisonError::into_inner).push(span);
            } else {
                self.left_out.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(lane: u32, what: What, start: u64, end: u64) -> Span {
        Span { lane, job: lane, what, start, end }
    }

    #[test]
    fn who_waits_or_is_blocked_executes_nothing() {
        // Two threads that wait for most of their time, and begin and end one after the other.
        let spans = vec![
            span(0, What::Wait, 1, 100),
            span(0, What::Run, 0, 101),
            span(1, What::Wait, 11, 111),
            span(1, What::Run, 10, 112),
        ];
        let lanes = Lanes { spans, ..Lanes::default() };
        assert_eq!(lanes.most_executing(8), 1);
    }

    #[test]
    fn no_more_are_executed_than_there_are_cpus() {
        let spans = (0..8).flat_map(|lane| [span(lane, What::Compute, 1, 99), span(lane, What::Run, 0, 100)]);
        let lanes = Lanes { spans: spans.collect(), ..Lanes::default() };
        assert_eq!((lanes.most_executing(2), lanes.most_executing(64)), (2, 8));
        assert_eq!(Lanes::default().most_executing(2), 0);
    }

    #[test]
    fn one_poll_ends_before_the_next_begins() {
        let lanes = Lanes { spans: vec![span(0, What::Run, 0, 10), span(1, What::Run, 10, 20)], ..Lanes::default() };
        assert_eq!(lanes.most_executing(8), 1);
    }

    #[test]
    fn a_span_is_five_numbers() {
        let json = serde_json::to_string(&span(1, What::Compute, 5, 9)).unwrap();
        assert_eq!(json, r#"[1,1,"compute",5,9]"#);
        assert_eq!(serde_json::from_str::<Span>(&json).unwrap(), span(1, What::Compute, 5, 9));
    }
}
