//! The thresholds of the gates. Where two of them stand side by side, a trial is SUSPECT from the first on and INVALID from
//! the second on. *Off* means slower than in the quiet run: a median by a quarter, a 99th percentile by a factor of 2, a
//! wall time by 5 %.

/// The median lateness of a generator, as shares of the median response time. All 5 trials above a tenth were off, and 13
/// of 13 in the third run.
pub(super) const LATE_P50: (f64, f64) = (0.1, 0.5);
/// The 99th percentile of its lateness, as shares of that of the response times. 17 of 18 trials above a third were off, and
/// 35 of 35 in the third run; of the 12 between a quarter and a third, 9.
pub(super) const LATE_P99: (f64, f64) = (1.0 / 3.0, 0.5);
/// One pause of a generator, nanoseconds. Both trials with one of 10 ms were off, and 29 of 29 in the third run; from 4 ms
/// on, 22 of 36.
pub(super) const PAUSE: (u64, u64) = (10_000_000, 100_000_000);
/// All pauses of a generator thread together, as shares of the window. 41 of 43 trials above 3 % were off, and 81 of 85 in the
/// third run; of the 52 between 1 and 3 %, 12.
pub(super) const PAUSED: (f64, f64) = (0.03, 0.05);
/// The part of the tail that pauses make up, as shares of the response times from the 99th percentile on, where that
/// percentile would be shorter without them by [`LENGTHENED`]. 17 of 20 such trials were off, and 32 of 32 in the third run.
pub(super) const PAUSED_TAIL: (f64, f64) = (0.25, 0.5);
/// How many times as long as without the pauses.
pub(super) const LENGTHENED: (f64, f64) = (1.25, 2.0);
/// A tail of shorter times than this is suspect at most, nanoseconds: the timers and the host of many a machine make it.
pub(super) const SHORT_TAIL: u64 = 1_000_000;
/// A generator thread is busy above this share of its time. One that asks as fast as it can is busy for 70 to 99 %.
pub(super) const BUSY: f64 = 0.9;
/// The time for which a generator thread waits for a CPU, as shares of the window. All 10 trials above 3 % were off, and 32
/// of 32 in the third run; of the 9 between 2 and 3 %, 6.
pub(super) const QUEUED: (f64, f64) = (0.03, 0.2);
/// CPU time that the host took, as shares of all, where it is [`STOLEN_TICKS`] at least. 38 of 39 loads were off, and 82
/// of 86 in the third run.
pub(super) const STOLEN: (f64, f64) = (0.01, 0.05);
/// Three ticks of the kernel's, nanoseconds: one is more than 1 % of a window of half a second on two CPUs, and may be as
/// little as a microsecond. Of the 12 loads above 1 % with fewer ticks, 5 were off.
pub(super) const STOLEN_TICKS: u64 = 30_000_000;
/// The part of the time of a server's CPUs that strangers use. 12 of 17 trials above 2 % were off, and 28 of 28 in the third
/// run; of the 46 between 1 and 2 %, 16.
pub(super) const STRANGER: (f64, f64) = (0.02, 0.1);
/// The part of the time of the CPUs of jobs that strangers use, where both together use [`CONTENDED`]. Both such trials were
/// off; none of the 9 in which other CPUs were idle.
pub(super) const STRANGER_OF_JOBS: f64 = 0.05;
/// Where the trial and the strangers use less than this part of its CPUs' time, the kernel finds an idle CPU for either.
pub(super) const CONTENDED: f64 = 0.5;
/// The part of the response times from the 99th percentile on that are due within two columns of the [`Timeline`], and the
/// factor by which they lengthen it. In the quiet run 3 of 5 such trials were off, and 2 of the 7 with a factor between 1.5
/// and 2; the third run has none. They are SUSPECT at most, as the event may be the server's own.
///
/// [`Timeline`]: crate::timeline::Timeline
pub(super) const ONE_EVENT: (f64, f64) = (0.5, 2.0);
/// A generator, and a server, keep up from this share of the requests that were due on.
pub(super) const KEPT_UP: f64 = 0.99;
/// A server that answers less than this share of the requests that were due is overloaded. One that keeps up is at 99.2 %
/// now and then, with what was under way when the window ended.
pub(super) const OVERLOADED: f64 = 0.95;
/// Little's law holds within this share.
pub(super) const LITTLE: f64 = 0.05;
/// Requests that ended in an error, as shares of all: a policy, and no threshold that was measured. One that fails at once
/// weighs nothing in Little's law.
pub(super) const FAILED: (f64, f64) = (0.05, 0.5);
/// The part of the requests that got no connection because the generator's machine had no port or no open file left. More
/// than a thousandth is seen in p99.9; of more than a tenth the rate is the generator's.
pub(super) const EXHAUSTED: (f64, f64) = (0.001, 0.1);
/// Fewer requests than this average nothing out.
pub(super) const ENOUGH: u64 = 1_000;

/// CPU time of jobs beyond what the calibration gives their computing, as a share of it. 6 of 9 trials above 6 % were off, and
/// 4 of 6 in the third run; of the 129 others that compute, 6.
pub(super) const SLOW_CPU: f64 = 0.06;
/// The time that only one of server and generator measured, as shares of the window: what the server used is off by as much.
pub(super) const WINDOWS: (f64, f64) = (0.05, 0.2);
/// A figure that rises or falls by these shares over the rounds makes them suspect, and invalid: of half as much again the
/// median says no more than when it was measured.
pub(super) const DRIFT: (f64, f64) = (0.1, 0.5);
/// An A/A control that differs by these shares makes the rounds suspect, and invalid: such a bias is in every ratio beside it.
pub(super) const CONTROL: (f64, f64) = (0.05, 0.25);
/// Response times may rise or fall by this share within a window, and windows shorter than [`LONG_WINDOW`] are not judged: of
/// 468 windows of 300 ms on an idle machine 61 went one way by more than a tenth, and were off no more often than others.
pub(super) const UNSTEADY: f64 = 0.25;
/// The shortest window whose steadiness is judged, nanoseconds.
pub(super) const LONG_WINDOW: u64 = 1_000_000_000;
/// This share of a cell's rounds may be disturbed: of fewer than half, the median is of an undisturbed one or beside it.
pub(super) const DISTURBED: f64 = 1.0 / 3.0;
/// Where more than this share of the rounds is disturbed, the median is of a disturbed one.
pub(super) const MOSTLY: f64 = 0.5;
