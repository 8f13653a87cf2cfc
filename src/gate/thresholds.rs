//! Defines the thresholds of the gates. A pair holds the threshold from which a trial is SUSPECT, then the one from
//! which it is INVALID. *Off* means slower than in the quiet run: a median by a quarter, a 99th percentile by a factor
//! of 2, a wall time by 5 %.

/// The median lateness of a generator, as shares of the median response time. All 5 trials above a tenth were off, and
/// 13 of 13 in the third run.
pub(super) const LATE_P50: (f64, f64) = (0.1, 0.5);
/// The 99th percentile of a generator's lateness, as shares of that of the response times. 17 of 18 trials above a
/// third were off, and 35 of 35 in the third run; of the 12 between a quarter and a third, 9.
pub(super) const LATE_P99: (f64, f64) = (1.0 / 3.0, 0.5);
/// A single pause of a generator, in nanoseconds. Both trials with one of 10 ms were off, and 29 of 29 in the third
/// run; from 4 ms on, 22 of 36.
pub(super) const PAUSE: (u64, u64) = (10_000_000, 100_000_000);
/// All pauses of a generator thread together, as shares of the window. 41 of 43 trials above 3 % were off, and 81 of 85
/// in the third run; of the 52 between 1 and 3 %, 12.
pub(super) const PAUSED: (f64, f64) = (0.03, 0.05);
/// The part of the tail that pauses make up, as shares of the response times from the 99th percentile on, if that
/// percentile would be shorter without them by [`LENGTHENED`]. 17 of 20 such trials were off, and 32 of 32 in the third
/// run.
pub(super) const PAUSED_TAIL: (f64, f64) = (0.25, 0.5);
/// The ratio of the 99th percentile to what it would be without the pauses.
pub(super) const LENGTHENED: (f64, f64) = (1.25, 2.0);
/// The length of a tail, in nanoseconds, below which the tail makes a trial SUSPECT at most: the timers and the host of
/// many a machine cause such a tail.
pub(super) const SHORT_TAIL: u64 = 1_000_000;
/// The share of its time above which a generator thread is busy. In a closed loop a thread is busy for 70 to 99 %.
pub(super) const BUSY: f64 = 0.9;
/// The time a generator thread waits for a CPU, as shares of the window. All 10 trials above 3 % were off, and 32 of 32
/// in the third run; of the 9 between 2 and 3 %, 6.
pub(super) const QUEUED: (f64, f64) = (0.03, 0.2);
/// The CPU time that the host took, as shares of all, if it is at least [`STOLEN_TICKS`]. 38 of 39 loads were off, and
/// 82 of 86 in the third run.
pub(super) const STOLEN: (f64, f64) = (0.01, 0.05);
/// Three ticks of the kernel, in nanoseconds. One tick is more than 1 % of a window of half a second on two CPUs, and
/// may stand for as little as a microsecond. Of the 12 loads above 1 % with fewer ticks, 5 were off.
pub(super) const STOLEN_TICKS: u64 = 30_000_000;
/// The part of the time of a server's CPUs that other programs use. 12 of 17 trials above 2 % were off, and 28 of 28 in
/// the third run; of the 46 between 1 and 2 %, 16.
pub(super) const OTHERS_OF_SERVER: (f64, f64) = (0.02, 0.1);
/// The part of the time of the jobs' CPUs that other programs use, if both together use [`CONTENDED`]. Both such trials
/// were off; none of the 9 in which other CPUs were idle was.
pub(super) const OTHERS_OF_JOBS: f64 = 0.05;
/// The part of its CPUs' time below which the kernel finds an idle CPU for both the trial and the other programs.
pub(super) const CONTENDED: f64 = 0.5;
/// The part of the response times from the 99th percentile on that are due within two columns of the [`Timeline`], and
/// the factor by which they lengthen it. In the quiet run 3 of 5 such trials were off, and 2 of the 7 with a factor
/// between 1.5 and 2; the third run has none. Such trials are SUSPECT at most, because the event may be the server's
/// own.
///
/// [`Timeline`]: crate::timeline::Timeline
pub(super) const ONE_EVENT: (f64, f64) = (0.5, 2.0);
/// The share of the due requests from which a generator, or a server, keeps up.
pub(super) const KEPT_UP: f64 = 0.99;
/// The share of the due requests below which a server is overloaded. A server that keeps up is sometimes at 99.2 %,
/// because some requests are under way when the window ends.
pub(super) const OVERLOADED: f64 = 0.95;
/// The relative deviation from Little's law that is tolerated.
pub(super) const LITTLE: f64 = 0.05;
/// Requests that ended in an error, as shares of all. This is a policy, not a measured threshold. Little's law does not
/// notice a request that fails at once.
pub(super) const FAILED: (f64, f64) = (0.05, 0.5);
/// The part of the requests that got no connection because the generator's machine had no port or no open file left.
/// More than a thousandth shows in p99.9; above a tenth, the rate is the generator's.
pub(super) const EXHAUSTED: (f64, f64) = (0.001, 0.1);
/// The number of requests below which averages are too noisy to judge.
pub(super) const ENOUGH: u64 = 1_000;

/// The CPU time of jobs beyond the calibrated time of their computation, as a share of it. 6 of 9 trials above 6 % were
/// off, and 4 of 6 in the third run; of the 129 others that compute, 6.
pub(super) const SLOW_CPU: f64 = 0.06;
/// The time that only one of server and generator measured, as shares of the window: the server's usage is off by as
/// much.
pub(super) const WINDOWS: (f64, f64) = (0.05, 0.2);
/// The shares by which a figure may rise or fall over the rounds: above the second, the median depends on little but
/// the time of measurement.
pub(super) const DRIFT: (f64, f64) = (0.1, 0.5);
/// The shares by which an A/A control may differ: such a bias is in every ratio beside it.
pub(super) const CONTROL: (f64, f64) = (0.05, 0.25);
/// The share by which response times may rise or fall within a window. Windows shorter than [`LONG_WINDOW`] are not
/// judged: of 468 windows of 300 ms on an idle machine, 61 went one way by more than a tenth, and were off no more
/// often than others.
pub(super) const UNSTEADY: f64 = 0.25;
/// The shortest window whose steadiness is judged, in nanoseconds.
pub(super) const LONG_WINDOW: u64 = 1_000_000_000;
/// The share of a cell's rounds that may be disturbed: with fewer than half, the median is that of an undisturbed round
/// or next to it.
pub(super) const DISTURBED: f64 = 1.0 / 3.0;
/// The share of disturbed rounds above which the median is that of a disturbed round.
pub(super) const MOSTLY: f64 = 0.5;
