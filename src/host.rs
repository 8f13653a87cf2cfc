//! Describes the machine, its limits, and the CPUs a process may run on.

mod cgroup;
mod clock;
mod cpu_limit;

use std::fs;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

pub use cgroup::throttled_ns;
pub use clock::{ClockDiscipline, MachineClocks};
pub use cpu_limit::{CpuLimit, CpuLimitError};

/// The machine and the software of a run. A value that cannot be read is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// The name of the machine, or of the container; `None` also in files of versions that did not record it.
    #[serde(default)]
    pub hostname: Option<String>,
    /// The identity of the running kernel, which is new at each start; files of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
    /// The processor's model name.
    pub cpu: Option<String>,
    /// The number of CPUs this process may use.
    pub cpus: u32,
    /// CPU time that a quota allows this process each second, seconds; `None` without a quota.
    pub cpu_quota: Option<f64>,
    /// Bytes of memory that this process may use: the machine's, or the lower limit of its control groups.
    pub memory_bytes: Option<u64>,
    /// Kernel release.
    pub kernel: Option<String>,
    /// The kernel's clock source.
    pub clocksource: Option<String>,
    /// The policy that sets the clock rate of the CPUs; `None` if the kernel does not control it.
    pub governor: Option<String>,
    /// The soft limit of open files per process.
    pub open_files: Option<u64>,
    /// The limits on the number of threads, the lowest first.
    pub thread_limits: Vec<ThreadLimit>,
    /// The compiler that built avt.
    pub rustc: String,
    /// The version of tokio in avt.
    pub tokio: String,
    /// The version of rayon in avt.
    pub rayon: String,
    /// The version of avt.
    pub avt: String,
    /// Whether avt was built without optimisation, which makes all figures meaningless.
    pub debug_build: bool,
}

/// A limit on the number of threads of one process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadLimit {
    /// The name of the setting: `kernel.pid_max`.
    pub name: String,
    /// The value of the setting.
    pub value: u64,
    /// The number of further threads the limit allows.
    pub allows: u64,
}

impl Host {
    /// Reads the machine. Takes about a millisecond.
    pub fn read() -> Self {
        let first_line = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
        Self {
            hostname: first_line("/proc/sys/kernel/hostname").filter(|name| !name.is_empty()),
            boot_id: boot_id(),
            cpu: fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| field(&text, "model name")),
            cpus: cpus().len() as u32,
            cpu_quota: cgroup::cpu_quota(),
            memory_bytes: {
                let all = fs::read_to_string("/proc/meminfo").ok().and_then(|text| memory_bytes(&text));
                all.into_iter().chain(cgroup::memory()).min()
            },
            kernel: first_line("/proc/sys/kernel/osrelease"),
            clocksource: first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            governor: first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            open_files: getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft),
            thread_limits: thread_limits(),
            rustc: env!("AVT_RUSTC_VERSION").into(),
            tokio: env!("AVT_TOKIO_VERSION").into(),
            rayon: env!("AVT_RAYON_VERSION").into(),
            avt: env!("CARGO_PKG_VERSION").into(),
            debug_build: cfg!(debug_assertions),
        }
    }
}

/// Returns the identity of the running kernel, which is new at each start.
fn boot_id() -> Option<String> {
    Some(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned())
}

/// Returns the CPUs this process may run on, by number; `[0]` if the kernel does not report them.
pub fn cpus() -> Vec<usize> {
    allowed(Pid::from_raw(0)).unwrap_or_else(|| vec![0])
}

/// Returns the CPUs another process may run on, by number; none if the kernel does not report them.
pub fn cpus_of(pid: u32) -> Vec<usize> {
    i32::try_from(pid).ok().and_then(|pid| allowed(Pid::from_raw(pid))).unwrap_or_default()
}

fn allowed(process: Pid) -> Option<Vec<usize>> {
    let set = sched_getaffinity(process).ok()?;
    Some((0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).collect())
}

/// Pins this thread, and every thread it starts from now on, to these CPUs.
pub fn pin(cpus: &[usize]) -> nix::Result<()> {
    let mut set = CpuSet::new();
    for cpu in cpus {
        set.set(*cpu)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set)
}

/// Returns the number of this process's threads that the kernel has not released; 0 if it does not report them.
pub fn own_threads() -> u64 {
    fs::read_dir("/proc/self/task").map_or(0, |tasks| tasks.count() as u64)
}

/// Raises the soft limit of open files to the hard one, and returns the limit that then applies.
pub fn raise_open_files() -> nix::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
}

/// Returns the number of local ports for connections to one address and port.
pub fn outgoing_ports() -> Option<u64> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = range.split_whitespace().map(|end| end.parse::<u64>().ok());
    let (first, last) = (ends.next()??, ends.next()??);
    Some((last + 1).saturating_sub(first))
}

/// Returns every limit on the number of threads this process may still start, the lowest first.
///
/// A Rust thread takes up to four memory mappings: its stack, the stack's guard page, and the same for the
/// alternative signal stack. Past `vm.max_map_count` the standard library does not return an error but aborts *in the
/// new thread* (rust-lang/rust#78497), so that limit has to be known before it is met; 500 mappings are kept for the
/// rest of the process.
pub fn thread_limits() -> Vec<ThreadLimit> {
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let running = fs::read_to_string("/proc/loadavg").ok().and_then(|text| tasks(&text)).unwrap_or(0);
    let mut limits = Vec::new();
    let mut limit = |name: &str, value: Option<u64>, allows: &dyn Fn(u64) -> u64| {
        if let Some(value) = value {
            limits.push(ThreadLimit { name: name.into(), value, allows: allows(value) });
        }
    };
    limit("vm.max_map_count", number("/proc/sys/vm/max_map_count"), &|maps| (maps / 4).saturating_sub(500));
    limit("kernel.pid_max", number("/proc/sys/kernel/pid_max"), &|pids| pids.saturating_sub(running));
    limit("kernel.threads-max", number("/proc/sys/kernel/threads-max"), &|threads| threads.saturating_sub(running));
    // This limit does not bind a superuser, so its value would mislead there.
    let nproc = getrlimit(Resource::RLIMIT_NPROC).ok().map(|(soft, _)| soft);
    if !nix::unistd::geteuid().is_root() {
        let own = threads_of_this_user().unwrap_or(0);
        limit("RLIMIT_NPROC", nproc.filter(|n| *n != u64::MAX), &|threads| threads.saturating_sub(own));
    }
    for group in cgroup::pids() {
        let (max, current) = group.value;
        let name = format!("pids.max of {}", group.folder.display());
        limit(&name, Some(max), &|pids| pids.saturating_sub(current));
    }
    limits.sort_by_key(|limit| limit.allows);
    limits
}

/// Returns the number of threads that belong to this user, summed over `/proc`.
fn threads_of_this_user() -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let me = nix::unistd::getuid().as_raw();
    let threads = |entry: fs::DirEntry| {
        let named_by_id = entry.file_name().to_str()?.bytes().all(|byte| byte.is_ascii_digit());
        let mine = named_by_id && entry.metadata().ok()?.uid() == me;
        let status = mine.then(|| fs::read_to_string(entry.path().join("status")).ok())??;
        field(&status, "Threads")?.parse::<u64>().ok()
    };
    Some(fs::read_dir("/proc").ok()?.filter_map(|entry| threads(entry.ok()?)).sum())
}

/// Returns the first value of a key in a `key : value` file.
fn field(text: &str, key: &str) -> Option<String> {
    let line = text.lines().find(|line| line.split(':').next().is_some_and(|name| name.trim() == key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory_bytes(meminfo: &str) -> Option<u64> {
    let kibibytes: u64 = field(meminfo, "MemTotal")?.trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

/// Returns the number of tasks on the machine: the number after the slash in `/proc/loadavg`.
fn tasks(loadavg: &str) -> Option<u64> {
    loadavg.split_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_proc_are_read_by_key() {
        assert_eq!(field("processor\t: 0\nmodel name\t: A: B\n", "model name").as_deref(), Some("A: B"));
        assert_eq!(memory_bytes("MemTotal:       24689500 kB\nMemFree: 1 kB\n"), Some(24_689_500 * 1_024));
        assert_eq!(tasks("0.00 0.01 0.05 1/162 4711\n"), Some(162));
        assert_eq!(tasks(""), None);
    }

    #[test]
    fn thread_limits_are_sorted_lowest_first() {
        let limits = thread_limits();
        assert!(limits.is_sorted_by_key(|limit| limit.allows), "{limits:?}");
        assert!(limits.iter().any(|limit| limit.name == "kernel.pid_max"), "{limits:?}");
    }

    #[test]
    fn this_process_has_at_least_one_cpu() {
        assert!(!cpus().is_empty());
    }
}
