//! Reads the limits of this process's control groups and of those above them, all of which apply to it.
//!
//! Supports versions 1 and 2, and machines that mount both. Groups above the root of a control group namespace
//! (cgroup_namespaces(7)) are invisible from here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A limit of a control group, and the group that sets it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GroupLimit<T> {
    /// The group's folder.
    pub(super) folder: PathBuf,
    /// The limit's value.
    pub(super) value: T,
}

/// Returns the process limit of each group and its number of processes and threads: `pids.max` and `pids.current`.
pub(super) fn pids() -> Vec<GroupLimit<(u64, u64)>> {
    limits("pids", |folder| Some((number(folder, "pids.max")?, number(folder, "pids.current").unwrap_or(0))))
}

/// Returns the tightest quota, in CPUs; `None` without a quota.
pub(super) fn cpu_quota() -> Option<f64> {
    let quota_of = |folder: &Path| read(folder, "cpu.max").and_then(|text| quota(&text)).or_else(|| quota_of_1(folder));
    limits("cpu", quota_of).into_iter().map(|limit| limit.value).min_by(f64::total_cmp)
}

/// Returns the lowest memory limit of the groups, bytes; `None` without a limit.
pub(super) fn memory() -> Option<u64> {
    /// Version 1 has no value for "no limit" and reports the largest number of whole pages.
    const NONE: u64 = 1 << 62;
    let bytes = |folder: &Path| number(folder, "memory.max").or_else(|| number(folder, "memory.limit_in_bytes"));
    limits("memory", bytes).into_iter().map(|limit| limit.value).filter(|bytes| *bytes < NONE).min()
}

/// Returns the time for which quotas have throttled the groups of these processes, and all groups above, since the
/// groups were made, nanoseconds; `None` if no group counts it. Counts a group that they share once.
pub fn throttled_ns(processes: &[u32]) -> Option<u64> {
    let mounts = lossy("/proc/self/mountinfo");
    let groups = processes.iter().map(|pid| lossy(&format!("/proc/{pid}/cgroup")));
    let all: BTreeSet<PathBuf> = groups.flat_map(|groups| folders(&groups, &mounts, "cpu")).collect();
    all.iter().filter_map(|folder| throttled_ns_of(folder)).reduce(u64::saturating_add)
}

/// Returns the time for which a quota has throttled this one group since it was made, nanoseconds; `None` if it does
/// not count it.
pub(super) fn throttled_ns_of(folder: &Path) -> Option<u64> {
    let stat = read(folder, "cpu.stat")?;
    // Microseconds in version 2 and nanoseconds in version 1.
    let field = |name: &str| stat.lines().find_map(|line| line.strip_prefix(name))?.trim().parse::<u64>().ok();
    field("throttled_usec ").map(|us| us * 1_000).or_else(|| field("throttled_time "))
}

/// Reads a value from each group of a controller, this process's own group first; groups without the value are left
/// out.
fn limits<T>(controller: &str, read: impl Fn(&Path) -> Option<T>) -> Vec<GroupLimit<T>> {
    own(controller).into_iter().filter_map(|folder| Some(GroupLimit { value: read(&folder)?, folder })).collect()
}

/// Returns the folders of a controller's groups that this process belongs to, its own group first.
pub(super) fn own(controller: &str) -> Vec<PathBuf> {
    folders(&lossy("/proc/self/cgroup"), &lossy("/proc/self/mountinfo"), controller)
}

/// Reads a text whose paths may hold any bytes.
fn lossy(path: &str) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

fn read(folder: &Path, file: &str) -> Option<String> {
    fs::read_to_string(folder.join(file)).ok()
}

/// Reads a number from a group's file; `None` also for the word `max`.
fn number(folder: &Path, file: &str) -> Option<u64> {
    read(folder, file)?.trim().parse().ok()
}

/// Returns quota divided by period, from `cpu.max`: `50000 100000` is half a CPU, `max 100000` is no quota.
fn quota(text: &str) -> Option<f64> {
    let mut words = text.split_whitespace();
    let (quota, period): (f64, f64) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    (period > 0.0).then(|| quota / period)
}

/// Returns quota divided by period in version 1, where -1 is no quota.
fn quota_of_1(folder: &Path) -> Option<f64> {
    let (quota, period) = (number(folder, "cpu.cfs_quota_us")?, number(folder, "cpu.cfs_period_us")?);
    (period > 0).then(|| quota as f64 / period as f64)
}

/// Returns the folders of a controller's groups, from the process's own up to the root of the mount. `groups` is
/// `/proc/self/cgroup` (cgroups(7)), `mounts` is `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
fn folders(groups: &str, mounts: &str, controller: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for line in mounts.lines() {
        let Some((root, mount, is_of)) = mounted(line, controller) else { continue };
        let group = groups.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            is_of(controllers).then_some(path)
        });
        let Some(group) = group else { continue };
        // A container may see only a part of the hierarchy, mounted as if it were the whole.
        let below = Path::new(group).strip_prefix(&root).unwrap_or(Path::new(""));
        let own = mount.join(below);
        found.extend(own.ancestors().take_while(|folder| folder.starts_with(&mount)).map(Path::to_owned));
    }
    found
}

/// Parses a mount: the mounted part of the hierarchy, where it is mounted, and whether a list of controllers in
/// `/proc/self/cgroup` belongs to it. Returns `None` for a mount without this controller.
fn mounted(line: &str, controller: &str) -> Option<(PathBuf, PathBuf, impl Fn(&str) -> bool)> {
    let (place, kind) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(3);
    let (root, mount) = (unescaped(place.next()?), unescaped(place.next()?));
    let mut kind = kind.split(' ');
    let (system, options) = (kind.next()?, kind.nth(1)?);
    let names = |list: &str| list.split(',').any(|name| name == controller);
    let is_second = system == "cgroup2";
    let is_first = system == "cgroup" && names(options);
    let controller = controller.to_owned();
    let is_of = move |controllers: &str| match is_second {
        true => controllers.is_empty(),
        false => controllers.split(',').any(|name| name == controller),
    };
    (is_first || is_second).then_some((root, mount, is_of))
}

/// Unescapes a path of `mountinfo`, which writes spaces and the like in octal: `\040`.
fn unescaped(path: &str) -> PathBuf {
    let mut parts = path.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                plain.push(char::from(byte));
                plain.push_str(&part[3..]);
            }
            None => plain.push_str(part),
        }
    }
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V2: &str = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
    const V1: &str = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n\
                         32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n\
                         39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n\
                         41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

    fn check(groups: &str, mounts: &str, controller: &str, expected: &[&str]) {
        let found = folders(groups, mounts, controller);
        assert_eq!(found, expected.iter().map(PathBuf::from).collect::<Vec<_>>(), "{controller} of {groups}");
    }

    #[test]
    fn every_group_up_to_the_root_is_listed() {
        check(
            "0::/a.slice/b.scope\n",
            V2,
            "pids",
            &["/sys/fs/cgroup/a.slice/b.scope", "/sys/fs/cgroup/a.slice", "/sys/fs/cgroup"],
        );
        let groups = "8:pids:/a/in\n1:cpu,cpuacct:/b\n0::/c\n";
        check(
            groups,
            V1,
            "pids",
            &[
                "/sys/fs/cgroup/pids/a/in",
                "/sys/fs/cgroup/pids/a",
                "/sys/fs/cgroup/pids",
                "/sys/fs/cgroup/unified/c",
                "/sys/fs/cgroup/unified",
            ],
        );
        check(
            groups,
            V1,
            "cpu",
            &[
                "/sys/fs/cgroup/cpu,cpuacct/b",
                "/sys/fs/cgroup/cpu,cpuacct",
                "/sys/fs/cgroup/unified/c",
                "/sys/fs/cgroup/unified",
            ],
        );
        check("", "", "cpu", &[]);
        check("nonsense", "more - nonsense", "cpu", &[]);
    }

    #[test]
    fn paths_are_relative_to_the_mounted_part_of_the_hierarchy() {
        let mounts = "31 23 0:28 /docker/a\\040b /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        check("0::/docker/a b/in\n", mounts, "cpu", &["/sys/fs/cgroup/in", "/sys/fs/cgroup"]);
        // In a control group namespace, the path is relative to the namespace.
        check("0::/\n", mounts, "cpu", &["/sys/fs/cgroup"]);
    }

    #[test]
    fn a_quota_is_a_number_of_cpus() {
        assert_eq!(quota("50000 100000\n"), Some(0.5));
        assert_eq!(quota("max 100000\n"), None);
        assert_eq!(quota("1 0"), None);
        let home = tempfile::tempdir().unwrap();
        for (value, expected) in [("-1", None), ("150000", Some(1.5))] {
            fs::write(home.path().join("cpu.cfs_quota_us"), value).unwrap();
            fs::write(home.path().join("cpu.cfs_period_us"), "100000\n").unwrap();
            assert_eq!(quota_of_1(home.path()), expected, "{value}");
        }
    }
}
