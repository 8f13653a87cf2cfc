//! The lanes of a trial: what each OS thread did for which job, and when.
//!
//! Lanes are recorded in a trial of their own, never in a measured one. Without a recording, a [`span`] costs one load
//! and one branch. Each thread writes its spans into a list of its own, until the time or the capacity is used up;
//! later spans are only counted.

mod slices;

use std::cell::{Cell, OnceCell};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::units;
use crate::usage::Scheduled;

pub use slices::Slice;

use slices::SliceMeter;

/// The kind of work that a thread did for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Worked on the job: one poll of its future, or a part of its blocking form. Contains the variants below.
    Run,
    /// Computed.
    Compute,
    /// Was blocked in a call that held the thread.
    Block,
    /// Waited, holding the thread.
    Wait,
    /// Did nothing: the job had been woken, and no thread had polled it yet.
    Ready,
}

/// A period on a lane. Times are nanoseconds since the recording began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u32, u32, What, u64, u64)", into = "(u32, u32, What, u64, u64)")]
pub struct Span {
    /// The lane's index in [`Lanes::names`].
    pub lane: u32,
    /// The job's number.
    pub job: u32,
    /// The activity.
    pub what: What,
    /// The start.
    pub start: u64,
    /// The end.
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

/// The lane of the current thread; when the thread ends, it stores what only the thread itself can read.
struct CurrentLane(Arc<Lane>);

impl Drop for CurrentLane {
    fn drop(&mut self) {
        if let Some(scheduled) = Scheduled::of_this_thread() {
            self.0.waited_ns.store(scheduled.waited_ns, Ordering::Relaxed);
        }
    }
}

/// The longest recording. It covers the beginning, as more could not be viewed.
pub const LENGTH: Duration = Duration::from_millis(500);

/// The most spans of a recording.
const CAPACITY: usize = 6_000;

/// A recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lanes {
    /// The kind of job: `job`, `connection`.
    pub jobs_are: String,
    /// The names of the threads, in the order in which they appeared: `main`, `worker 1`, `blocking 3`, `job 17`.
    pub names: Vec<String>,
    /// The spans; those of each lane in the order of their ends, the last ones cut off at the end of the recording.
    pub spans: Vec<Span>,
    /// The number of spans left out for lack of capacity or time.
    pub left_out: u64,
    /// The time that the threads were ready without a CPU, summed over their lives, nanoseconds; `None` if the kernel
    /// does not report it.
    pub run_queue_ns: Option<u64>,
    /// The millisecond in which the process used the most CPU time; `None` if its clock was not read.
    pub busiest: Option<Slice>,
}

impl Lanes {
    /// Returns the largest number of lanes on which a job was being worked on at one instant, neither blocked nor
    /// waiting, as their threads recorded it. A thread cannot see when another has its CPU, so this can exceed the
    /// number of CPUs.
    pub fn max_executing(&self) -> u32 {
        // Runs and computations include times when the thread was not executing; a computation lies within a run.
        let stretches = self.spans.iter().filter_map(|span| match span.what {
            What::Run => Some((span.start, span.end, 1)),
            What::Block | What::Wait => Some((span.start, span.end, -1)),
            What::Compute | What::Ready => None,
        });
        max_concurrent(stretches) as u32
    }

    /// Returns the time in which threads worked on jobs, neither blocked nor waiting, summed over the threads, in
    /// nanoseconds. It includes times when a thread was ready and had no CPU.
    pub fn executed_ns(&self) -> u64 {
        let length = |span: &Span| span.end.saturating_sub(span.start);
        let sum =
            |kinds: &[What]| -> u64 { self.spans.iter().filter(|span| kinds.contains(&span.what)).map(length).sum() };
        sum(&[What::Run]).saturating_sub(sum(&[What::Block, What::Wait]))
    }
}

/// Returns the largest sum at one instant, where each item adds an amount from its start to its end.
pub fn max_concurrent(stretches: impl Iterator<Item = (u64, u64, i64)>) -> u64 {
    let mut changes: Vec<(u64, i64)> =
        stretches.flat_map(|(start, end, change)| [(start, change), (end, -change)]).collect();
    // At equal times, ends sort before begins.
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
    static LANE: OnceCell<CurrentLane> = const { OnceCell::new() };
    static JOB: Cell<u32> = const { Cell::new(0) };
}

/// The recording. All times are nanoseconds since `made`.
struct Recorder {
    made: Instant,
    /// The start of the recording; `u64::MAX` until it is known.
    from: AtomicU64,
    /// The end of the recording, by time or for lack of capacity.
    until: AtomicU64,
    capacity: AtomicUsize,
    left_out: AtomicU64,
    jobs_are: &'static str,
    lanes: Mutex<Vec<Arc<Lane>>>,
    slices: Mutex<Option<SliceMeter>>,
}

/// Marks an unknown waiting time: no thread waits for 600 years.
const NOT_YET: u64 = u64::MAX;

struct Lane {
    number: u32,
    name: String,
    /// The kernel's thread id.
    thread: i32,
    /// The time the thread was ready and waited for a CPU, nanoseconds; [`NOT_YET`] while it runs.
    waited_ns: AtomicU64,
    /// Used only by the lane's own thread until the end, so the lock is never contended.
    spans: Mutex<LaneSpans>,
}

/// The spans of a thread.
#[derive(Default)]
struct LaneSpans {
    done: Vec<Span>,
    /// The spans in progress, the outermost first; they have no end yet.
    open: Vec<Span>,
}

/// Prepares a recording that begins with [`start`]; until then, jobs already mark what they are doing, so that the
/// recording knows it. Call once in a process, before any job.
pub fn prepare(jobs_are: &'static str) {
    RECORDER.get_or_init(|| Recorder {
        made: Instant::now(),
        from: AtomicU64::new(u64::MAX),
        until: AtomicU64::new(u64::MAX),
        capacity: AtomicUsize::new(CAPACITY),
        left_out: AtomicU64::new(0),
        jobs_are,
        lanes: Mutex::default(),
        slices: Mutex::default(),
    });
}

/// Begins the recording. Spans that ended before now, or that begin later than `length` from now, are left out.
pub fn start(length: Duration) {
    if let Some(recorder) = RECORDER.get() {
        let now = recorder.now();
        recorder.until.fetch_min(now.saturating_add(units::nanos(length)), Ordering::Relaxed);
        recorder.from.store(now, Ordering::Relaxed);
        *recorder.slices.lock().unwrap_or_else(PoisonError::into_inner) = SliceMeter::start(length);
    }
}

/// Returns whether lanes are recorded in this process.
pub fn are_recorded() -> bool {
    RECORDER.get().is_some()
}

/// Returns the recording so far. Spans in progress end now.
pub fn end() -> Lanes {
    let Some(recorder) = RECORDER.get() else { return Lanes::default() };
    let slices = recorder.slices.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (from, until) = recorder.ends();
    let until = until.min(recorder.now());
    let within = |span: &Span| {
        let (start, end) = (span.start.clamp(from, until), span.end.clamp(from, until));
        Span { start: start - from, end: end - from, ..*span }
    };
    let lanes = recorder.lanes.lock().unwrap_or_else(PoisonError::into_inner);
    let spans = |lane: &Arc<Lane>| {
        let spans = lane.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let open = spans.open.iter().rev().filter(|span| span.start < until);
        spans.done.iter().chain(open).map(within).collect::<Vec<Span>>()
    };
    Lanes {
        jobs_are: recorder.jobs_are.to_owned(),
        names: lanes.iter().map(|lane| lane.name.clone()).collect(),
        spans: lanes.iter().flat_map(spans).collect(),
        left_out: recorder.left_out.load(Ordering::Relaxed),
        run_queue_ns: lanes.iter().map(|lane| lane.waited_ns()).sum(),
        busiest: slices.and_then(SliceMeter::stop),
    }
}

/// Does a part of the thread's current job, as a span if lanes are recorded.
#[inline]
pub fn span<T>(what: What, work: impl FnOnce() -> T) -> T {
    match RECORDER.get() {
        None => work(),
        Some(recorder) => recorder.span(what, JOB.get(), work),
    }
}

/// Works for a job, as a [`What::Run`] on the lane of the thread.
#[inline]
pub fn run<T>(job: u32, work: impl FnOnce() -> T) -> T {
    match RECORDER.get() {
        None => work(),
        Some(recorder) => recorder.run(job, work),
    }
}

/// Wraps a part of the thread's current job, so that another thread can do it for the same job.
#[inline]
pub fn carry<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let job = JOB.get();
    move || run(job, work)
}

/// Returns the time of the recording, nanoseconds; 0 without a recording.
pub fn now() -> u64 {
    RECORDER.get().map_or(0, Recorder::now)
}

/// Records a period that has passed: a job was ready from `since` until the calling thread came to it.
pub fn ready(job: u32, since: u64) {
    if let Some(recorder) = RECORDER.get() {
        recorder.on_lane(|lane, spans| {
            recorder.keep(spans, Span { lane, job, what: What::Ready, start: since, end: recorder.now() });
        });
    }
}

impl Lane {
    /// Returns the waiting time, so far if the thread still runs.
    fn waited_ns(&self) -> Option<u64> {
        let known = || Some(self.waited_ns.load(Ordering::Relaxed)).filter(|waited| *waited != NOT_YET);
        let of_kernel = || Scheduled::of_thread(self.thread).map(|scheduled| scheduled.waited_ns);
        // A thread that the kernel no longer knows has stored its time in the meantime.
        known().or_else(of_kernel).or_else(known)
    }
}

impl Recorder {
    fn now(&self) -> u64 {
        units::nanos(self.made.elapsed())
    }

    /// Returns the start and end of the recording.
    fn ends(&self) -> (u64, u64) {
        (self.from.load(Ordering::Relaxed), self.until.load(Ordering::Relaxed))
    }

    #[cold]
    fn run<T>(&self, job: u32, work: impl FnOnce() -> T) -> T {
        LANE.with(|lane| {
            lane.get_or_init(|| CurrentLane(self.lane(job)));
        });
        let before = JOB.replace(job);
        let done = self.span(What::Run, job, work);
        JOB.set(before);
        done
    }

    /// Makes a lane for the calling thread, named after the thread, or after the job it was started for.
    fn lane(&self, job: u32) -> Arc<Lane> {
        let thread = thread::current();
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = Lane {
            number: lanes.len() as u32,
            name: thread.name().map_or_else(|| format!("{} {job}", self.jobs_are), str::to_owned),
            thread: nix::unistd::gettid().as_raw(),
            waited_ns: AtomicU64::new(NOT_YET),
            spans: Mutex::default(),
        };
        lanes.push(Arc::new(lane));
        Arc::clone(&lanes[lanes.len() - 1])
    }

    fn span<T>(&self, what: What, job: u32, work: impl FnOnce() -> T) -> T {
        let is_open = self.on_lane(|lane, spans| {
            spans.open.push(Span { lane, job, what, start: self.now(), end: NOT_YET });
        });
        let done = work();
        if is_open {
            self.on_lane(|_, spans| {
                if let Some(span) = spans.open.pop() {
                    self.keep(spans, Span { end: self.now(), ..span });
                }
            });
        }
        done
    }

    /// Calls `work` with the thread's lane; returns whether it has one.
    fn on_lane(&self, work: impl FnOnce(u32, &mut LaneSpans)) -> bool {
        LANE.with(|lane| {
            let Some(CurrentLane(lane)) = lane.get() else { return false };
            work(lane.number, &mut lane.spans.lock().unwrap_or_else(PoisonError::into_inner));
            true
        })
    }

    /// Keeps a span that overlaps the recording. The first one beyond the capacity ends the recording for all threads,
    /// because it would mislead if only some lanes went on; that span is kept, and so are those in progress.
    fn keep(&self, spans: &mut LaneSpans, span: Span) {
        let (from, until) = self.ends();
        if span.end < from {
            return;
        }
        if span.start >= until {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let take_one = |capacity: usize| capacity.checked_sub(1);
        if self.capacity.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take_one).is_err() {
            self.until.fetch_min(span.end, Ordering::Relaxed);
        }
        spans.done.push(span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(lane: u32, what: What, start: u64, end: u64) -> Span {
        Span { lane, job: lane, what, start, end }
    }

    #[test]
    fn a_waiting_or_blocked_thread_executes_nothing() {
        // Two threads that mostly wait, and begin and end one after the other.
        let spans = vec![
            span(0, What::Wait, 1, 100),
            span(0, What::Run, 0, 101),
            span(1, What::Wait, 11, 111),
            span(1, What::Run, 10, 112),
        ];
        let lanes = Lanes { spans, ..Lanes::default() };
        assert_eq!(lanes.max_executing(), 1);
    }

    #[test]
    fn threads_record_their_work_with_or_without_a_cpu() {
        let spans = (0..8).flat_map(|lane| [span(lane, What::Compute, 1, 99), span(lane, What::Run, 0, 100)]);
        let lanes = Lanes { spans: spans.collect(), ..Lanes::default() };
        assert_eq!(lanes.max_executing(), 8);
        assert_eq!(Lanes::default().max_executing(), 0);
    }

    #[test]
    fn adjacent_polls_do_not_overlap() {
        let lanes = Lanes { spans: vec![span(0, What::Run, 0, 10), span(1, What::Run, 10, 20)], ..Lanes::default() };
        assert_eq!(lanes.max_executing(), 1);
    }

    #[test]
    fn a_span_is_serialized_as_an_array_of_five() {
        let json = serde_json::to_string(&span(1, What::Compute, 5, 9)).unwrap();
        assert_eq!(json, r#"[1,1,"compute",5,9]"#);
        assert_eq!(serde_json::from_str::<Span>(&json).unwrap(), span(1, What::Compute, 5, 9));
    }
}
