//! The resource usage of processes between two instants: CPU time, memory, threads, context switches and page faults.
//!
//! `getrusage` counts every thread of the process, including ended ones. Its `ru_maxrss` is not used, since a new child
//! inherits its parent's value; peak memory is `VmHWM` of `/proc/self/status`. A figure that the kernel does not report
//! is `None`, never 0.

#[cfg(feature = "cli")]
mod listeners;
mod others;
mod processes;
mod tree;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

#[cfg(feature = "cli")]
pub use listeners::{listeners_at, listeners_at_path, sockets_at};
pub use others::{OtherProcess, Others, OthersMeter};
pub use processes::{ProcessesMeter, ProcessesUsage};
pub use tree::{Tree, process_cpu_ns};

use crate::proc::{TICK_NS, kibibytes, number};

/// The resource usage of one or several processes between two instants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time in user mode, nanoseconds.
    pub cpu_user_ns: u64,
    /// CPU time in the kernel, nanoseconds.
    pub cpu_system_ns: u64,
    /// Context switches because a thread began to wait.
    pub switches_voluntary: u64,
    /// Context switches because a thread was preempted.
    pub switches_involuntary: u64,
    /// Page faults without a disk read.
    pub faults_minor: u64,
    /// Page faults with a disk read.
    pub faults_major: u64,
    /// Peak resident memory (`VmHWM`) up to the second instant, bytes.
    pub memory_peak_bytes: Option<u64>,
    /// Resident memory (`VmRSS`) at the first instant, bytes.
    pub memory_start_bytes: Option<u64>,
    /// The number of threads at the second instant, as the kernel counts them.
    pub threads_at_end: Option<u64>,
    /// Figures of external processes that could not be determined.
    #[serde(default, skip_serializing_if = "Gaps::is_none")]
    pub gaps: Gaps,
}

/// Figures that could not be determined for external processes, mostly because some of them ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gaps {
    /// Why CPU time and page faults are unknown; `None` if they are known.
    pub cpu: Option<CpuGap>,
    /// Whether peak memory is unknown, because a process ended with its peak unread.
    pub memory: bool,
    /// Whether context switches are unknown, because a thread ended, and no other thread inherits its count.
    pub switches: bool,
}

/// The reason why CPU time is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CpuGap {
    /// A process ignores SIGCHLD, so the kernel drops the usage of its children when they end.
    ChildrenIgnored,
    /// A process ended, and none of the known processes inherited its usage.
    Ended,
    /// The processes used far less CPU time than responding takes: other processes did the work.
    TooLittle,
}

impl Gaps {
    /// Returns whether CPU time or memory is unknown. Context switches are unknown for every server that ends a thread.
    pub fn is_serious(&self) -> bool {
        self.cpu.is_some() || self.memory
    }

    /// Returns whether every figure is known.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Usage {
    /// Returns the CPU time of both kinds, nanoseconds.
    pub fn cpu_ns(&self) -> u64 {
        self.cpu_user_ns + self.cpu_system_ns
    }

    /// Returns the CPU time of both kinds, nanoseconds; `None` if it is unknown.
    pub fn known_cpu_ns(&self) -> Option<u64> {
        self.gaps.cpu.is_none().then(|| self.cpu_ns())
    }

    /// Adds the usage of other processes.
    pub fn add(&mut self, other: &Self) {
        let sum = |one: Option<u64>, other: Option<u64>| Some(one? + other?);
        self.cpu_user_ns += other.cpu_user_ns;
        self.cpu_system_ns += other.cpu_system_ns;
        self.switches_voluntary += other.switches_voluntary;
        self.switches_involuntary += other.switches_involuntary;
        self.faults_minor += other.faults_minor;
        self.faults_major += other.faults_major;
        self.memory_peak_bytes = sum(self.memory_peak_bytes, other.memory_peak_bytes);
        self.memory_start_bytes = sum(self.memory_start_bytes, other.memory_start_bytes);
        self.threads_at_end = sum(self.threads_at_end, other.threads_at_end);
        self.gaps.cpu = self.gaps.cpu.or(other.gaps.cpu);
        self.gaps.memory |= other.gaps.memory;
        self.gaps.switches |= other.gaps.switches;
    }

    /// Returns the context switches of both kinds; `None` if they are unknown.
    pub fn known_switches(&self) -> Option<u64> {
        (!self.gaps.switches).then_some(self.switches_voluntary + self.switches_involuntary)
    }
}

/// Measures the usage of this process. Holds the counters at the first instant.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    at_start: Usage,
}

impl Meter {
    /// Reads the counters of this process. Costs about 30 us, most of it for `/proc/self/status`.
    pub fn start() -> Self {
        Self { at_start: counters() }
    }

    /// Returns the usage of the process since the start.
    pub fn stop(self) -> Usage {
        let (before, after) = (self.at_start, counters());
        Usage {
            cpu_user_ns: after.cpu_user_ns.saturating_sub(before.cpu_user_ns),
            cpu_system_ns: after.cpu_system_ns.saturating_sub(before.cpu_system_ns),
            switches_voluntary: after.switches_voluntary.saturating_sub(before.switches_voluntary),
            switches_involuntary: after.switches_involuntary.saturating_sub(before.switches_involuntary),
            faults_minor: after.faults_minor.saturating_sub(before.faults_minor),
            faults_major: after.faults_major.saturating_sub(before.faults_major),
            memory_peak_bytes: after.memory_peak_bytes,
            memory_start_bytes: before.memory_start_bytes,
            threads_at_end: after.threads_at_end,
            gaps: Gaps::default(),
        }
    }
}

/// The memory that a process takes up at one instant, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footprint {
    /// Resident memory (`VmRSS`), the figure that most tools show.
    pub resident_bytes: u64,
    /// Page tables (`VmPTE`).
    pub page_table_bytes: u64,
    /// Kernel stacks of all processes (`KernelStack` of `/proc/meminfo`). A difference belongs to this process if no
    /// other one starts or ends threads.
    pub kernel_stack_bytes: u64,
    /// Kernel objects (`Slab` of `/proc/meminfo`), including a `task_struct` per thread; also of all processes.
    pub slab_bytes: u64,
}

impl Footprint {
    /// Reads the footprint of this process. Costs about 60 us.
    pub fn read() -> Option<Self> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
        Some(Self {
            resident_bytes: kibibytes(&status, "VmRSS:")?,
            page_table_bytes: kibibytes(&status, "VmPTE:")?,
            kernel_stack_bytes: kibibytes(&meminfo, "KernelStack:")?,
            slab_bytes: kibibytes(&meminfo, "Slab:")?,
        })
    }

    /// Returns the sum of all parts, bytes.
    pub fn total(&self) -> u64 {
        self.resident_bytes + self.page_table_bytes + self.kernel_stack_bytes + self.slab_bytes
    }

    /// Returns the increase since an earlier instant; 0 for a part that has shrunk.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            resident_bytes: self.resident_bytes.saturating_sub(earlier.resident_bytes),
            page_table_bytes: self.page_table_bytes.saturating_sub(earlier.page_table_bytes),
            kernel_stack_bytes: self.kernel_stack_bytes.saturating_sub(earlier.kernel_stack_bytes),
            slab_bytes: self.slab_bytes.saturating_sub(earlier.slab_bytes),
        }
    }
}

/// Measures stolen CPU time. Holds the counters at the first instant.
#[derive(Clone, Copy, Debug)]
pub struct StealMeter {
    at_start: Option<(u64, u64)>,
}

impl StealMeter {
    /// Reads `/proc/stat`. Costs about 30 us.
    pub fn start() -> Self {
        Self { at_start: all_and_stolen() }
    }

    /// Returns the CPU time stolen since the start; `None` if the kernel does not count it or no tick has passed.
    pub fn stop(self) -> Option<Stolen> {
        let ((all, stolen), (all_before, stolen_before)) = (all_and_stolen()?, self.at_start?);
        let all = all.checked_sub(all_before).filter(|all| *all > 0)?;
        Some(Stolen { cpu_ns: stolen.saturating_sub(stolen_before) * TICK_NS, of_ns: all * TICK_NS })
    }
}

/// CPU time that the host of a virtual machine gave to others while this machine needed it. The kernel counts it in
/// ticks of 10 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stolen {
    /// The stolen CPU time, nanoseconds.
    pub cpu_ns: u64,
    /// The time of all CPUs of this machine in the same interval, nanoseconds.
    pub of_ns: u64,
}

impl Stolen {
    /// Returns the sum of two machines or intervals.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { cpu_ns: self.cpu_ns + other.cpu_ns, of_ns: self.of_ns + other.of_ns }
    }

    /// Returns the stolen share of the CPU time, from 0 to 1.
    pub fn share(&self) -> f64 {
        self.cpu_ns as f64 / self.of_ns.max(1) as f64
    }
}

/// Returns the ticks of all CPUs since boot: the sum of user, nice, system, idle, iowait, irq, softirq and steal, and
/// steal alone (proc_stat(5)).
fn all_and_stolen() -> Option<(u64, u64)> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let cpus = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = cpus.split_whitespace().take(8).map_while(|ticks| ticks.parse().ok()).collect();
    Some((ticks.iter().sum(), *ticks.get(7)?))
}

/// The total time since boot during which some task of this machine was ready and waited for a CPU.
#[derive(Clone, Copy, Debug)]
pub struct Pressure {
    some_us: u64,
}

impl Pressure {
    /// Reads `/proc/pressure/cpu`; `None` if the kernel does not provide it. Costs about 20 us.
    pub fn read() -> Option<Self> {
        let pressure = std::fs::read_to_string("/proc/pressure/cpu").ok()?;
        let some = pressure.lines().find(|line| line.starts_with("some "))?;
        Some(Self { some_us: some.split_once("total=")?.1.trim().parse().ok()? })
    }

    /// Returns the increase since an earlier reading, nanoseconds.
    pub fn since(self, earlier: Self) -> u64 {
        self.some_us.saturating_sub(earlier.some_us) * 1_000
    }
}

/// The scheduler's statistics of one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scheduled {
    /// Time on a CPU, nanoseconds.
    pub ran_ns: u64,
    /// Time ready to run and waiting for a CPU, nanoseconds.
    pub waited_ns: u64,
}

impl Scheduled {
    /// Returns the calling thread's statistics since its start; `None` if the kernel does not record them
    /// (`CONFIG_SCHED_INFO`). Costs about 10 us.
    pub fn of_this_thread() -> Option<Self> {
        Self::read("/proc/thread-self/schedstat")
    }

    /// Returns the statistics of a running thread of this process, given its thread ID.
    pub fn of_thread(thread: i32) -> Option<Self> {
        Self::read(&format!("/proc/self/task/{thread}/schedstat"))
    }

    fn read(path: &str) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(path).ok()?)
    }

    /// Parses the text of a `schedstat` file (Documentation/scheduler/sched-stats.rst).
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split_whitespace().map_while(|number| number.parse().ok());
        Some(Self { ran_ns: numbers.next()?, waited_ns: numbers.next()? })
    }

    /// Returns the increase since an earlier instant.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            ran_ns: self.ran_ns.saturating_sub(earlier.ran_ns),
            waited_ns: self.waited_ns.saturating_sub(earlier.waited_ns),
        }
    }
}

/// Returns this process's counters since its start, and its current memory and number of threads.
fn counters() -> Usage {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut now = Usage {
        memory_peak_bytes: kibibytes(&status, "VmHWM:"),
        memory_start_bytes: kibibytes(&status, "VmRSS:"),
        threads_at_end: number(&status, "Threads:"),
        ..Usage::default()
    };
    if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        now.cpu_user_ns = nanos(usage.user_time());
        now.cpu_system_ns = nanos(usage.system_time());
        now.switches_voluntary = count(usage.voluntary_context_switches());
        now.switches_involuntary = count(usage.involuntary_context_switches());
        now.faults_minor = count(usage.minor_page_faults());
        now.faults_major = count(usage.major_page_faults());
    }
    now
}

fn nanos(time: TimeVal) -> u64 {
    u64::try_from(time.tv_sec() * 1_000_000_000 + time.tv_usec() * 1_000).unwrap_or(0)
}

/// Returns the CPU time of all threads of this process so far, nanoseconds; `None` if the kernel has no such clock.
/// Costs about 1 us.
pub fn own_cpu_ns() -> Option<u64> {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).ok()?;
    u64::try_from(time.num_nanoseconds()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touched_memory_and_page_faults_are_counted() {
        let meter = Meter::start();
        let memory = vec![1_u8; 32 << 20];
        std::thread::spawn(std::thread::yield_now).join().unwrap();
        let usage = meter.stop();
        assert_eq!(memory.iter().map(|byte| u64::from(*byte)).sum::<u64>(), 32 << 20);
        assert!(usage.memory_peak_bytes.is_some_and(|peak| peak >= 32 << 20), "{usage:?}");
        assert!(usage.faults_minor > 0, "{usage:?}");
        assert!(usage.threads_at_end.is_some_and(|threads| threads >= 1), "{usage:?}");
    }
}
