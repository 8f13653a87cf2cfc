//! Words the conclusions of a check-up, one sentence each.

use crate::clock_cost::Timer;
use crate::runner::doctor::Diagnosis;
use crate::units;

/// Returns the diagnosis in words, with advice.
pub(super) fn advice(diagnosis: &Diagnosis) -> String {
    match diagnosis {
        Diagnosis::OneCpu => {
            "Server and generator share the only CPU: each figure is about both. Measure with two CPUs or more.".into()
        }
        Diagnosis::GeneratorLimits { floor_ns, per_s } => format!(
            "A rate near {} is the generator's and the kernel's own: two servers that both come so close cannot be told \
             apart with one generator thread. So is a response time near {} where requests come one at a time: both \
             sides sleep in between and have to be woken.",
            units::rate(*per_s),
            units::duration(*floor_ns),
        ),
        Diagnosis::SharedCores { cpus, at_once } => format!(
            "{cpus} CPUs compute only {} times as much as one, so some are halves of a core or shared with other guests: \
             what arithmetic expects in a report rests on that figure, not on their number.",
            units::three_digits(*at_once),
        ),
        Diagnosis::ClockRateVaries { governor } => format!(
            "The clock rate of the CPUs follows the load (governor {governor}): the first trials may be slower than the \
             last. Set it to performance (cpupower frequency-set -g performance) while you measure."
        ),
        Diagnosis::CpusWanted { share } => format!(
            "Ready tasks had no CPU {:.1} % of the time though this program used one thread: something else runs here. \
             Stop it, or see the marks on disturbed trials.",
            share * 100.0,
        ),
        Diagnosis::Stolen { share } => format!(
            "The host gave {:.1} % of this machine's CPU time to others: no figure can be steadier than that. Measure \
             when it is quiet.",
            share * 100.0,
        ),
        Diagnosis::ScheduleKept { pacing, rate, late_p99_ns } => format!(
            "With --pacing {} a schedule of {} was kept within {} for 99 of 100 requests; that much of a response time may \
             be ours, and every load tells how much was.",
            pacing.name(),
            units::rate(*rate),
            units::duration(*late_p99_ns),
        ),
        Diagnosis::TimersLate { tokio_ns, thread_ns } => format!(
            "Requests sent by {} would leave {} late at the median, by {} {}; the generator uses a timerfd and looks at the \
             clock for the rest.",
            Timer::Tokio.name(),
            units::duration(*tokio_ns),
            Timer::Thread.name(),
            units::duration(*thread_ns),
        ),
        Diagnosis::Paused(pauses) => format!(
            "A thread that never stops lost {:.1} % of its time to others, {} at once: no 99th percentile is better than \
             that here. Measure when the machine, or its host, is quiet.",
            pauses.share * 100.0,
            units::duration(pauses.longest_ns),
        ),
        Diagnosis::SlowClock { read_ns, source } => format!(
            "A look at the clock costs {read_ns:.0} ns, a sample two of them; the clock source is {}. With tsc it would \
             be some 25 ns (/sys/devices/system/clocksource/clocksource0/available_clocksource).",
            source.as_deref().unwrap_or("unknown"),
        ),
        Diagnosis::ThreadLimit(limit) => format!(
            "The model threads ends at {} more threads, where {} = {} stops it first.",
            units::count(limit.allows),
            limit.name,
            units::count(limit.value),
        ),
    }
}
