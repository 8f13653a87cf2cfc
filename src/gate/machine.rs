//! Evaluates the gates of the machine around a trial.

use super::{CONTENDED, CpuOwner, Finding, OTHERS_OF_JOBS, OTHERS_OF_SERVER, SLOW_CPU, STOLEN, STOLEN_TICKS, ratio};
use crate::record::Conditions;
use crate::usage::{Others, Stolen};

/// Returns the findings about the machine around a trial.
pub(super) fn check_conditions(conditions: &Conditions) -> Vec<Finding> {
    let Conditions { throttled_ns, stolen, cpus, cpus_wanted, .. } = *conditions;
    let findings = [
        cpus_wanted.filter(|wanted| wanted.all() > cpus).map(|wanted| Finding::FewCpus { wanted, cpus }),
        check_throttling(throttled_ns),
        stolen.and_then(check_steal),
    ];
    findings.into_iter().flatten().collect()
}

/// Checks whether a quota throttled something.
pub(super) fn check_throttling(for_ns: Option<u64>) -> Option<Finding> {
    for_ns.filter(|for_ns| *for_ns > 0).map(|for_ns| Finding::Throttled { for_ns })
}

/// Checks whether the host took CPU time, and more of it than a few ticks.
pub(super) fn check_steal(stolen: Stolen) -> Option<Finding> {
    let share = stolen.share();
    (share > STOLEN.0 && stolen.cpu_ns >= STOLEN_TICKS).then_some(Finding::Stolen { share })
}

/// Checks whether other programs used the CPUs of a server.
pub(super) fn check_server_cpus(others: &Others) -> Option<Finding> {
    let share = others.share();
    (share > OTHERS_OF_SERVER.0).then_some(Finding::OtherPrograms { share, most: others.most, of: CpuOwner::Server })
}

/// Checks whether other programs used the CPUs of jobs that used `own_ns` of CPU time themselves.
pub(super) fn check_job_cpus(others: &Others, own_ns: u64) -> Option<Finding> {
    let share = others.share();
    let is_contended = share + ratio(own_ns, others.of_ns) > CONTENDED;
    (is_contended && share > OTHERS_OF_JOBS).then_some(Finding::OtherPrograms {
        share,
        most: others.most,
        of: CpuOwner::Jobs,
    })
}

/// Checks whether jobs that used `own_ns` of CPU time took longer for their computation than the calibration gives it.
pub(super) fn check_cpu_speed(conditions: &Conditions, own_ns: u64) -> Option<Finding> {
    let share = ratio(own_ns, conditions.calibrated_ns?) - 1.0;
    (share > SLOW_CPU).then_some(Finding::SlowCpu { share })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Verdict;
    use crate::scenario::CpusWanted;

    const MS: u64 = 1_000_000;

    const QUIET: Conditions = Conditions {
        throttled_ns: Some(0),
        stolen: Some(Stolen { cpu_ns: 0, of_ns: 1_000 * MS }),
        cpus: 2,
        cpus_wanted: None,
        calibrated_ns: None,
    };

    fn check(conditions: Conditions, expected: &[(&str, Verdict)]) {
        let findings = check_conditions(&conditions);
        let found: Vec<(&str, Verdict)> = findings.iter().map(|finding| (finding.name(), finding.verdict())).collect();
        assert_eq!(found, expected, "{conditions:?}");
    }

    #[test]
    fn another_process_on_the_servers_cpus_is_judged_by_its_share() {
        for (cpu_ns, expected) in
            [(20, None), (21, Some(Verdict::Suspect)), (100, Some(Verdict::Suspect)), (101, Some(Verdict::Invalid))]
        {
            let finding = check_server_cpus(&Others { cpu_ns, of_ns: 1_000, most: None });
            assert_eq!(finding.map(|finding| finding.verdict()), expected, "{cpu_ns}");
        }
    }

    #[test]
    fn another_process_on_the_jobs_cpus_counts_only_if_no_cpu_is_idle() {
        for (cpu_ns, own_ns, expected) in [
            (50, 900, None),
            (51, 900, Some(Verdict::Suspect)),
            (51, 450, Some(Verdict::Suspect)),
            (51, 449, None),
            (499, 1, None),
            (600, 400, Some(Verdict::Suspect)),
        ] {
            let finding = check_job_cpus(&Others { cpu_ns, of_ns: 1_000, most: None }, own_ns);
            assert_eq!(finding.map(|finding| finding.verdict()), expected, "{cpu_ns} beside {own_ns}");
        }
    }

    #[test]
    fn stolen_time_is_judged_from_three_ticks_on() {
        let stolen = |cpu_ns, of_ns| Conditions { stolen: Some(Stolen { cpu_ns, of_ns }), ..QUIET };
        check(QUIET, &[]);
        check(stolen(20 * MS, 200 * MS), &[]);
        check(stolen(30 * MS, 3_000 * MS), &[]);
        check(stolen(30 * MS, 2_900 * MS), &[("CPU time stolen", Verdict::Suspect)]);
        check(stolen(50 * MS, 1_000 * MS), &[("CPU time stolen", Verdict::Suspect)]);
        check(stolen(60 * MS, 1_000 * MS), &[("CPU time stolen", Verdict::Invalid)]);
    }

    #[test]
    fn a_throttled_trial_is_invalid() {
        check(Conditions { throttled_ns: Some(1), ..QUIET }, &[("throttled", Verdict::Invalid)]);
    }

    #[test]
    fn missing_kernel_figures_cause_no_finding() {
        check(Conditions { throttled_ns: None, stolen: None, ..QUIET }, &[]);
    }

    #[test]
    fn a_computation_slower_than_calibrated_is_found() {
        let slow = |used| check_cpu_speed(&Conditions { calibrated_ns: Some(400 * MS), ..QUIET }, used);
        assert_eq!((slow(300 * MS), slow(423 * MS)), (None, None));
        let Some(Finding::SlowCpu { share }) = slow(426 * MS) else { panic!("{:?}", slow(426 * MS)) };
        assert!((share - 0.065).abs() < 1e-9, "{share}");
        assert_eq!(check_cpu_speed(&QUIET, 426 * MS), None, "nothing to compare with");
    }

    #[test]
    fn a_machine_with_fewer_cpus_than_the_scenario_requires_is_named() {
        let found = |model, generator| {
            let wanted = Some(CpusWanted { model, generator });
            check_conditions(&Conditions { cpus_wanted: wanted, ..QUIET })
        };
        assert!(found(1, 0).is_empty() && found(2, 0).is_empty() && found(1, 1).is_empty());
        for (model, generator, text) in [
            (64, 0, "the scenario requires 64 CPUs, but this machine offers 2"),
            (
                2,
                1,
                "the scenario requires 2 CPUs for the server and 1 for the load generator, but this machine offers 2",
            ),
        ] {
            let findings = found(model, generator);
            assert_eq!(findings.iter().map(ToString::to_string).collect::<Vec<_>>(), [text]);
            assert_eq!((findings[0].verdict(), findings[0].is_disturbance()), (Verdict::Invalid, false));
        }
    }
}
