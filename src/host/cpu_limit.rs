//! A control group that limits the CPU time of one process and its descendants, as a container's CPU limit does.
//!
//! The kernel gives the group a quota of CPU time each period of 100 ms, the default of both versions. Once the
//! group's threads have used it, all of them stop until the next period (the kernel's
//! `Documentation/scheduler/sched-bwc.rst`).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

use super::cgroup;

/// The period of the limit, microseconds.
const PERIOD_US: u64 = 100_000;

/// The beginning of the names of groups; the process id and a number follow.
const PREFIX: &str = "avt-";

/// The error for a control group that could not be made.
#[derive(Debug, Error)]
#[error("cannot make a control group with a CPU limit: {why}; run avt as root, or with `systemd-run --user --scope`")]
pub struct CpuLimitError {
    why: String,
}

/// A control group with a CPU limit; removed on drop, when its processes must have ended.
#[derive(Debug)]
pub struct CpuLimit {
    folder: PathBuf,
}

impl CpuLimit {
    /// Makes a group whose processes may together use this many CPUs, at least 0.01.
    pub fn new(cpus: f64) -> Result<Self, CpuLimitError> {
        Self::in_one_of(&cgroup::own("cpu"), cpus)
    }

    /// Makes the group in the first of these folders that allows it: this process's own group, then those above it.
    /// In version 2, a group that has processes gives its children no controllers, but one above it may.
    fn in_one_of(parents: &[PathBuf], cpus: f64) -> Result<Self, CpuLimitError> {
        let mut why = String::from("no control group with the CPU controller is mounted");
        for parent in parents {
            match Self::inside(parent, cpus) {
                Ok(limit) => return Ok(limit),
                Err(error) => why = error,
            }
        }
        Err(CpuLimitError { why })
    }

    fn inside(parent: &Path, cpus: f64) -> Result<Self, String> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        remove_abandoned(parent);
        let name = format!("{PREFIX}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = parent.join(name);
        fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        // From here on `drop` removes the group if anything goes wrong.
        let limit = Self { folder };
        let quota_us = (cpus * PERIOD_US as f64).round() as u64;
        if limit.folder.join("cpu.cfs_quota_us").exists() {
            limit.write("cpu.cfs_period_us", &PERIOD_US.to_string())?;
            limit.write("cpu.cfs_quota_us", &quota_us.to_string())?;
        } else if limit.folder.join("cpu.max").exists() {
            limit.write("cpu.max", &format!("{quota_us} {PERIOD_US}"))?;
        } else {
            return Err(format!("{}: its groups have no CPU controller", parent.display()));
        }
        Ok(limit)
    }

    /// Moves a process into the group, with all its threads. Processes that it starts from now on belong to the group.
    pub fn add(&self, pid: u32) -> Result<(), CpuLimitError> {
        self.write("cgroup.procs", &pid.to_string()).map_err(|why| CpuLimitError { why })
    }

    /// Returns the time for which the limit has stopped the group, summed over the CPUs that it was stopped on,
    /// nanoseconds; `None` if the kernel does not count it.
    pub fn throttled_ns(&self) -> Option<u64> {
        cgroup::throttled_ns_of(&self.folder)
    }

    fn write(&self, file: &str, text: &str) -> Result<(), String> {
        let path = self.folder.join(file);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl Drop for CpuLimit {
    fn drop(&mut self) {
        // A group that still has a process cannot be removed; the next avt that makes one here removes it.
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Removes the groups of runs that were killed. Only groups without a process can be removed.
fn remove_abandoned(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.filter_map(io::Result::ok) {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split_once('-')?.0.parse::<u32>().ok());
        if pid.is_some_and(|pid| pid != std::process::id() && !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_the_controller_is_refused_and_left_empty() {
        let home = tempfile::tempdir().unwrap();
        let error = CpuLimit::in_one_of(&[home.path().to_owned()], 1.0).unwrap_err().to_string();
        assert!(error.contains("have no CPU controller; run avt as root"), "{error}");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        let error = CpuLimit::in_one_of(&[], 1.0).unwrap_err().to_string();
        assert!(error.contains("no control group with the CPU controller"), "{error}");
        let error = CpuLimit::in_one_of(&[PathBuf::from("/proc")], 1.0).unwrap_err().to_string();
        assert!(error.contains("/proc/avt-"), "{error}");
    }

    #[test]
    fn abandoned_groups_are_removed() {
        let home = tempfile::tempdir().unwrap();
        // No process has this number: it is above the largest pid_max.
        let [abandoned, own, other] =
            ["avt-4194305-1".to_owned(), format!("avt-{}-7", std::process::id()), "avt-list".to_owned()]
                .map(|name| home.path().join(name));
        [&abandoned, &own, &other].iter().for_each(|folder| fs::create_dir(folder).unwrap());
        remove_abandoned(home.path());
        assert_eq!([abandoned, own, other].map(|folder| folder.exists()), [false, true, true]);
    }
}
