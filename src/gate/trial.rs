//! Evaluates the gates of a whole trial, and of a load outside a trial.

use super::{Finding, WINDOWS, load, machine};
use crate::record::{Conditions, LoadRecord, Measured, Series};
use crate::usage::{ProcessesUsage, Usage};

/// Returns the findings of a trial, from its record alone.
pub fn check_trial(conditions: &Conditions, measured: &Measured) -> Vec<Finding> {
    let mut findings = machine::check_conditions(conditions);
    match &measured.load {
        Some(load) => {
            findings.extend(measured.others.as_ref().and_then(machine::check_server_cpus));
            findings.extend(check_windows(measured));
            findings.extend(check_usage(&measured.usage));
            let of_load = load::check_generator(load, &measured.series, measured.wall_ns, measured.jobs);
            // Connections that a pool leaves unanswered are measured correctly; the point's limits name them in one
            // sentence.
            findings.extend(of_load.into_iter().filter(|finding| !finding.describes_server()));
        }
        None => {
            let own_ns = measured.usage.cpu_ns();
            findings.extend(measured.others.as_ref().and_then(|others| machine::check_job_cpus(others, own_ns)));
            findings.extend(machine::check_cpu_speed(conditions, own_ns));
        }
    }
    findings
}

/// Returns the findings of a load by itself that received `answered` responses within its window of `wall_ns`. `server`
/// is the usage of the processes behind its address.
pub fn check_single_load(
    load: &LoadRecord,
    series: &Series,
    wall_ns: u64,
    answered: u64,
    server: Option<&ProcessesUsage>,
) -> Vec<Finding> {
    let mut findings = load::check_load(load, std::slice::from_ref(series), wall_ns, answered);
    findings.extend(server.and_then(|server| machine::check_server_cpus(server.others.as_ref()?)));
    findings.extend(server.and_then(|server| check_usage(&server.usage)));
    findings.extend(server.and_then(|server| machine::check_throttling(server.throttled_ns)));
    findings
}

/// Checks whether server and generator measured the same stretch of time.
fn check_windows(measured: &Measured) -> Option<Finding> {
    let (begin, end) = measured.server_window_ns?;
    let share = super::ratio(begin.unsigned_abs().saturating_add(end.unsigned_abs()), measured.wall_ns);
    (share > WINDOWS.0).then_some(Finding::Windows { share })
}

/// Checks whether the usage of a server is completely known.
fn check_usage(usage: &Usage) -> Option<Finding> {
    usage.gaps.is_serious().then_some(Finding::Unknown { gaps: usage.gaps })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Verdict;
    use crate::record::{LoadRecord, Waits};
    use crate::usage::{CpuGap, Gaps, Others, Stolen};

    const MS: u64 = 1_000_000;

    fn measured(load: Option<LoadRecord>) -> Measured {
        Measured {
            wall_ns: 100 * MS,
            jobs: 8,
            threads: 2,
            most_in_flight: 8,
            series: Vec::new(),
            heartbeat: None,
            usage: Usage { cpu_user_ns: 190 * MS, ..Usage::default() },
            others: Some(Others { cpu_ns: 10 * MS, of_ns: 200 * MS, most: None }),
            runtime: None,
            cores: Vec::new(),
            waits: Waits::default(),
            throttled_ns: None,
            load,
            server_window_ns: None,
        }
    }

    fn names(conditions: &Conditions, load: Option<LoadRecord>) -> Vec<&'static str> {
        check_trial(conditions, &measured(load)).iter().map(Finding::name).collect()
    }

    #[test]
    fn jobs_and_loads_are_judged_by_their_own_disturbances() {
        let conditions = Conditions {
            stolen: Some(Stolen { cpu_ns: 40 * MS, of_ns: 400 * MS }),
            calibrated_ns: Some(160 * MS),
            ..Conditions::default()
        };
        assert_eq!(names(&Conditions::default(), None), [""; 0]);
        assert_eq!(names(&conditions, None), ["CPU time stolen", "slow CPU"]);
        // The stolen time in the load's window is part of the stolen time of the trial.
        let stolen = LoadRecord { stolen: conditions.stolen, ..LoadRecord::default() };
        assert_eq!(names(&Conditions::default(), Some(stolen.clone())), ["other programs"]);
        assert_eq!(names(&conditions, Some(stolen)), ["CPU time stolen", "other programs"]);
        // The server's behaviour is measured correctly.
        let starved = LoadRecord { connections_starved: 1, connections_planned: 2, ..LoadRecord::default() };
        assert_eq!(names(&Conditions::default(), Some(starved)), ["other programs"]);
    }

    #[test]
    fn different_windows_make_the_servers_usage_suspect() {
        let check = |window: Option<(i64, i64)>, expected: Option<Verdict>| {
            let measured = Measured { server_window_ns: window, ..measured(Some(LoadRecord::default())) };
            assert_eq!(check_windows(&measured).map(|finding| finding.verdict()), expected, "{window:?}");
        };
        const MS: i64 = 1_000_000;
        check(None, None);
        check(Some((0, 4 * MS)), None);
        check(Some((3 * MS, 3 * MS)), Some(Verdict::Suspect));
        check(Some((-30 * MS, 0)), Some(Verdict::Invalid));
        check(Some((i64::MIN, i64::MAX)), Some(Verdict::Invalid));
    }

    #[test]
    fn unknown_figures_of_a_server_are_named() {
        let usage = |gaps| Usage { gaps, ..Usage::default() };
        assert_eq!(check_usage(&usage(Gaps::default())), None);
        let gaps = Gaps { cpu: Some(CpuGap::TooLittle), memory: true, switches: false };
        let text = check_usage(&usage(gaps)).unwrap().to_string();
        assert!(text.contains("CPU time") && text.contains("peak memory") && !text.contains("switches"), "{text}");
    }
}
