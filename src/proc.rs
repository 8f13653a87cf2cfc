//! What several readers of `/proc` share.

use std::fs;

/// `USER_HZ`, in which `/proc/stat` counts: part of the kernel's interface, 100 wherever Rust runs.
pub(super) const TICK_NS: u64 = 10_000_000;

/// The processes of this machine.
pub(super) fn processes() -> Vec<u32> {
    numbers("/proc")
}

/// The threads of a process; none of one that has ended.
pub(super) fn threads(pid: u32) -> Vec<u32> {
    numbers(&format!("/proc/{pid}/task"))
}

/// The entries of a folder whose names are numbers.
fn numbers(folder: &str) -> Vec<u32> {
    let all = fs::read_dir(folder).into_iter().flatten().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// A file of a process, such as `status`; nothing of one that has ended.
pub(super) fn read(pid: u32, file: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/{file}")).ok()
}

/// The fields of a `stat` file from the third one on. The name, which is the second, stands in brackets and may hold
/// anything.
pub(super) fn fields_from_third(stat: &str) -> Option<Vec<&str>> {
    Some(stat.rsplit_once(") ")?.1.split_whitespace().collect())
}

/// The first number of the line that starts with this key, as kibibytes in bytes.
pub(super) fn kibibytes(status: &str, key: &str) -> Option<u64> {
    number(status, key).map(|n| n * 1_024)
}

/// The first number of the line that starts with this key.
pub(super) fn number(status: &str, key: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_page_is_read_by_its_keys() {
        let status = "Name:\tavt\nVmHWM:\t   13604 kB\nVmRSS:\t   1 kB\nThreads:\t7\n";
        assert_eq!(kibibytes(status, "VmHWM:"), Some(13_604 * 1_024));
        assert_eq!(number(status, "Threads:"), Some(7));
        assert_eq!(number(status, "VmPTE:"), None);
        assert_eq!(number("Threads:\tmany\n", "Threads:"), None);
    }

    #[test]
    fn a_name_with_brackets_is_no_field() {
        assert_eq!(fields_from_third("7 (a) b) c) S 1 7"), Some(vec!["S", "1", "7"]));
    }
}
