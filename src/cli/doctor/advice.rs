//! Words the conclusions of a check-up, one sentence each.

use crate::clock_cost::Timer;
use crate::runner::doctor::Diagnosis;
use crate::units;

/// Returns the diagnosis in words, with advice.
pub(super) fn advice(diagnosis: &Diagnosis) -> String {
    match diagnosis {
        Diagnosis::OneCpu => {
            "Server and generator share the only CPU, so every figure includes both. Measure on two CPUs or more."
                .into()
        }
        Diagnosis::GeneratorLimits { floor_ns, per_s } => format!(
            "The limit of the generator and the kernel is {}: with one generator thread, servers that come close to \
             this rate cannot be distinguished. Over one connection the p50 response time is at least {}, because both \
             sides sleep between requests and have to be woken.",
            units::rate(*per_s),
            units::duration(*floor_ns),
        ),
        Diagnosis::SharedCores { cpus, at_once } => format!(
            "{cpus} CPUs compute only {} times as much as one CPU, so some share a core or are shared with other \
             guests. Claims based on arithmetic use this factor and not the number of CPUs.",
            units::three_digits(*at_once),
        ),
        Diagnosis::ClockRateVaries { governor } => format!(
            "The clock rate of the CPUs follows the load (governor {governor}), so the first trials may be slower than \
             the last. Set the governor to performance (cpupower frequency-set -g performance) while you measure."
        ),
        Diagnosis::CpusWanted { share } => format!(
            "Runnable tasks waited for a CPU {:.1} % of the time although avt used one thread: other programs run \
             here. Stop them, or check the report for disturbed trials.",
            share * 100.0,
        ),
        Diagnosis::Stolen { share } => format!(
            "The host gave {:.1} % of this machine's CPU time to other guests, which limits the precision of every \
             figure. Measure when the host is quiet.",
            share * 100.0,
        ),
        Diagnosis::ScheduleKept { pacing, rate, late_p99_ns } => format!(
            "With --pacing {} at {}, the generator's p99 lateness was {}. A response time may include as much of the \
             generator's own delay; every load reports how much.",
            pacing.name(),
            units::rate(*rate),
            units::duration(*late_p99_ns),
        ),
        Diagnosis::TimersLate { tokio_ns, thread_ns } => format!(
            "At the median, requests paced by {} would be sent {} late, and by {} {} late; the generator therefore \
             uses a timerfd and polls the clock for the rest.",
            Timer::Tokio.name(),
            units::duration(*tokio_ns),
            Timer::Thread.name(),
            units::duration(*thread_ns),
        ),
        Diagnosis::Paused(pauses) => format!(
            "A thread that never sleeps lost {:.1} % of its CPU time, up to {} at a time, which limits every p99 \
             measured here. Measure when the machine and its host are quiet.",
            pauses.share * 100.0,
            units::duration(pauses.longest_ns),
        ),
        Diagnosis::SlowClock { read_ns, source } => format!(
            "Reading the clock takes {read_ns:.0} ns, and each sample needs two reads; the clock source is {}. With \
             tsc a read would take about 25 ns (/sys/devices/system/clocksource/clocksource0/available_clocksource).",
            source.as_deref().unwrap_or("unknown"),
        ),
        Diagnosis::ThreadLimit(limit) => format!(
            "The model `threads` is limited to {} more threads by {} = {}.",
            units::count(limit.allows),
            limit.name,
            units::count(limit.value),
        ),
    }
}
