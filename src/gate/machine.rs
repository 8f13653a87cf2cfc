//! The gates of the machine around a trial.

use super::{CANARY, CROWDED, Gate, PRESSED, STOLEN, STOLEN_TICKS, STRANGER, Victim};
use crate::record::Conditions;
use crate::usage::{Others, Stolen};

/// What a machine does when nothing disturbs it, as far as a run has seen.
#[derive(Clone, Copy, Debug)]
pub struct Usual {
    /// The shortest canary of the run, nanoseconds.
    pub canary_ns: u64,
    /// The median over the rounds of the cell of the share of a trial in which ready tasks had no CPU; nothing where it is
    /// not told.
    pub pressure: Option<f64>,
}

/// The gates that the machine did not pass around one trial.
pub fn of_conditions(conditions: &Conditions, usual: &Usual) -> Vec<Gate> {
    let Conditions { canary_ns, canary_waited_ns, pressure, throttled_ns, stolen, cpus, cpus_wanted } = *conditions;
    let longer = canary_ns as f64 / usual.canary_ns.max(1) as f64 - 1.0;
    let waited = canary_waited_ns.map(|waited| waited as f64 / canary_ns.max(1) as f64);
    let gates = [
        cpus_wanted.filter(|wanted| wanted.all() > cpus).map(|wanted| Gate::FewCpus { wanted, cpus }),
        (longer > CANARY).then_some(Gate::Canary { share: longer }),
        waited.filter(|share| *share > CROWDED).map(|share| Gate::Crowded { share }),
        pressure
            .zip(usual.pressure)
            .filter(|(share, usual)| share - usual > PRESSED)
            .map(|(share, usual)| Gate::Pressed { share, usual }),
        throttled_ns.filter(|for_ns| *for_ns > 0).map(|for_ns| Gate::Throttled { for_ns }),
        stolen.and_then(self::stolen),
    ];
    gates.into_iter().flatten().collect()
}

/// Whether the host took CPU time, and more of it than a few ticks.
pub(super) fn stolen(stolen: Stolen) -> Option<Gate> {
    let share = stolen.share();
    (share > STOLEN.0 && stolen.cpu_ns >= STOLEN_TICKS).then_some(Gate::Stolen { share })
}

/// Whether strangers used the CPUs of a trial.
pub fn of_others(others: &Others, of: Victim) -> Option<Gate> {
    let share = others.share();
    (share > STRANGER.0).then_some(Gate::Stranger { share, most: others.most, of })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Verdict;
    use crate::scenario::CpusWanted;

    const MS: u64 = 1_000_000;

    const CALM: Conditions = Conditions {
        canary_ns: 5_000_000,
        canary_waited_ns: Some(0),
        pressure: Some(0.3),
        throttled_ns: Some(0),
        stolen: Some(Stolen { cpu_ns: 0, of_ns: 1_000 * MS }),
        cpus: 2,
        cpus_wanted: None,
    };

    fn names(conditions: Conditions) -> Vec<&'static str> {
        let usual = Usual { canary_ns: 5_000_000, pressure: Some(0.3) };
        of_conditions(&conditions, &usual).iter().map(Gate::name).collect()
    }

    #[test]
    fn a_stranger_on_the_cpus_of_a_trial_is_judged_by_its_share() {
        let verdict =
            |cpu_ns, of| of_others(&Others { cpu_ns, of_ns: 1_000, most: None }, of).map(|gate| gate.verdict());
        for (cpu_ns, server, jobs) in [
            (10, None, None),
            (20, Some(Verdict::Suspect), Some(Verdict::Suspect)),
            (101, Some(Verdict::Invalid), Some(Verdict::Suspect)),
        ] {
            assert_eq!((verdict(cpu_ns, Victim::Server), verdict(cpu_ns, Victim::Jobs)), (server, jobs), "{cpu_ns}");
        }
    }

    #[test]
    fn what_the_host_takes_is_judged_from_three_ticks_on() {
        let check = |(cpu_ns, of_ns), expected| {
            let gate = stolen(Stolen { cpu_ns, of_ns });
            assert_eq!(gate.map(|gate| gate.verdict()), expected, "{cpu_ns} of {of_ns}");
        };
        check((20 * MS, 200 * MS), None);
        check((30 * MS, 3_000 * MS), None);
        check((30 * MS, 2_900 * MS), Some(Verdict::Suspect));
        check((50 * MS, 1_000 * MS), Some(Verdict::Suspect));
        check((60 * MS, 1_000 * MS), Some(Verdict::Invalid));
    }

    #[test]
    fn what_disturbs_a_trial_is_named() {
        assert!(names(CALM).is_empty());
        assert!(names(Conditions { canary_ns: 5_200_000, pressure: Some(0.39), ..CALM }).is_empty());
        assert_eq!(names(Conditions { canary_ns: 5_300_000, ..CALM }), ["slow CPU"]);
        assert_eq!(names(Conditions { canary_waited_ns: Some(300_000), ..CALM }), ["CPU shared"]);
        assert_eq!(names(Conditions { pressure: Some(0.45), ..CALM }), ["CPUs pressed"]);
        assert_eq!(names(Conditions { throttled_ns: Some(1), ..CALM }), ["throttled"]);
        let nothing_told =
            Conditions { canary_waited_ns: None, pressure: None, throttled_ns: None, stolen: None, ..CALM };
        assert!(names(nothing_told).is_empty(), "what a kernel does not tell is no reason");
    }

    #[test]
    fn a_machine_with_fewer_cpus_than_the_scenario_asks_for_is_named() {
        let found = |model, generator| {
            let wanted = Some(CpusWanted { model, generator });
            of_conditions(&Conditions { cpus_wanted: wanted, ..CALM }, &Usual { canary_ns: 5_000_000, pressure: None })
        };
        assert!(found(1, 0).is_empty() && found(2, 0).is_empty() && found(1, 1).is_empty());
        for (model, generator, text) in [
            (64, 0, "the scenario asks for 64 CPUs, this machine has 2 for it"),
            (
                2,
                1,
                "the scenario asks for 2 CPUs for the server and 1 for the load generator, this machine has 2 for it",
            ),
        ] {
            let gates = found(model, generator);
            assert_eq!(gates.iter().map(ToString::to_string).collect::<Vec<_>>(), [text]);
            assert_eq!((gates[0].verdict(), gates[0].is_disturbance()), (Verdict::Invalid, false));
        }
    }
}
