//! The gates of a whole trial, and of a load without one.

use super::{Gate, load, machine};
use crate::record::{Conditions, LoadRecord, Measured, Series};
use crate::usage::ProcessesUsage;

/// Returns every gate that a trial did not pass, from its record alone.
pub fn of_trial(conditions: &Conditions, measured: &Measured) -> Vec<Gate> {
    let mut gates = machine::of_conditions(conditions);
    match &measured.load {
        Some(load) => {
            gates.extend(measured.others.as_ref().and_then(machine::of_server_cpus));
            let of_load = load::of_generator(load, &measured.series, measured.wall_ns, measured.jobs);
            // A pool that leaves connections without an answer is measured as it is; one sentence a point says so.
            gates.extend(of_load.into_iter().filter(|gate| !gate.is_of_the_server()));
        }
        None => {
            let own_ns = measured.usage.cpu_ns();
            gates.extend(measured.others.as_ref().and_then(|others| machine::of_job_cpus(others, own_ns)));
            gates.extend(machine::slow_cpu(conditions, own_ns));
        }
    }
    gates
}

/// Returns every gate that a load by itself did not pass, of which so many requests were answered within its window of
/// `wall_ns`. `server` is what the processes behind its address used.
pub fn of_single_load(
    load: &LoadRecord,
    series: &Series,
    wall_ns: u64,
    answered: u64,
    server: Option<&ProcessesUsage>,
) -> Vec<Gate> {
    let mut gates = load::of_load(load, std::slice::from_ref(series), wall_ns, answered);
    gates.extend(server.and_then(|server| machine::of_server_cpus(server.others.as_ref()?)));
    gates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::LoadRecord;
    use crate::usage::{Others, Stolen, Usage};

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
            load,
        }
    }

    fn names(conditions: &Conditions, load: Option<LoadRecord>) -> Vec<&'static str> {
        of_trial(conditions, &measured(load)).iter().map(Gate::name).collect()
    }

    #[test]
    fn jobs_and_loads_are_judged_by_what_disturbs_them() {
        let conditions = Conditions {
            stolen: Some(Stolen { cpu_ns: 40 * MS, of_ns: 400 * MS }),
            calibrated_ns: Some(160 * MS),
            ..Conditions::default()
        };
        assert_eq!(names(&Conditions::default(), None), [""; 0]);
        assert_eq!(names(&conditions, None), ["CPU time stolen", "slow CPU"]);
        // The host's part of the window is in what it took during the trial.
        let stolen = LoadRecord { stolen: conditions.stolen, ..LoadRecord::default() };
        assert_eq!(names(&Conditions::default(), Some(stolen.clone())), ["stranger on the CPU"]);
        assert_eq!(names(&conditions, Some(stolen)), ["CPU time stolen", "stranger on the CPU"]);
        // What the server did is measured rightly.
        let starved = LoadRecord { connections_starved: 1, connections_asked: 2, ..LoadRecord::default() };
        assert_eq!(names(&Conditions::default(), Some(starved)), ["stranger on the CPU"]);
    }
}
