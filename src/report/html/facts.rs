//! The facts about a run: its machine and its trials.

use crate::record::{CalibrationOrigin, Run, RunTally};
use crate::scenario::Parallel;
use crate::text;
use crate::units;

/// Returns the number of trials that left a record, and of those that failed or were refused:
/// `96, 2 of them failed; 24 trials refused by the machine, as their scenarios expect`.
pub(super) fn trials(done: u64, judged: &RunTally) -> String {
    let mut text = units::count(done);
    if judged.failed > 0 {
        text += &format!(", {} of them failed", units::count(judged.failed));
    }
    if judged.refused > 0 {
        let one = "trial refused by the machine, as its scenario expects";
        let many = "trials refused by the machine, as their scenarios expect";
        text += &format!("; {}", units::counted(judged.refused, one, many));
    }
    text
}

pub(super) fn machine(run: &Run) -> Vec<(&'static str, String)> {
    let host = &run.host;
    let known = |text: &Option<String>| text.as_deref().map_or_else(|| "unknown".into(), text::one_line);
    let mut facts = vec![
        ("processor", known(&host.cpu)),
        ("CPUs", units::count(host.cpus.into())),
        ("memory", host.memory_bytes.map_or_else(|| "unknown".into(), units::bytes)),
        ("kernel", known(&host.kernel)),
        ("clock", known(&host.clocksource)),
        ("governor", known(&host.governor)),
        ("avt", text::one_line(&host.avt)),
        ("rustc", text::one_line(&host.rustc)),
        ("tokio", text::one_line(&host.tokio)),
        ("rayon", text::one_line(&host.rayon)),
    ];
    facts.extend(host.cpu_quota.map(|quota| ("CPU quota", format!("{} CPUs", units::three_digits(quota)))));
    facts.push(("calibration", calibration(run)));
    facts.extend(speed_up(run.parallel.all()).map(|speed_up| ("parallel speed-up", speed_up)));
    // Jobs pinned to as many CPUs as there are, or more, compute at the same speed.
    let part = run.parallel.pinned().iter().filter(|(cpus, _)| *cpus < run.parallel.all().cpus());
    facts.extend(part.filter_map(|(cpus, parallel)| {
        speed_up(parallel).map(|speed_up| ("parallel speed-up", format!("pinned to {cpus} CPUs: {speed_up}")))
    }));
    facts.extend(host.open_files.map(|n| ("open files limit", units::count(n))));
    facts.extend(host.thread_limits.first().map(|limit| {
        let most = units::count(limit.allows);
        ("thread limit", format!("{most} more threads ({} = {})", text::one_line(&limit.name), limit.value))
    }));
    facts
}

/// Returns the number of iterations per second by which computations are calibrated, and its origin.
fn calibration(run: &Run) -> String {
    let used = format!("{} iterations/s", units::count(run.iterations_per_s));
    match &run.calibration {
        CalibrationOrigin::New => format!("{used}, measured before this run"),
        CalibrationOrigin::Kept { run: kept, measured_per_s } => format!(
            "{used}, kept from {}; {} measured before this run",
            text::one_line(kept),
            units::count(*measured_per_s)
        ),
        CalibrationOrigin::Changed { run: kept, kept_per_s } => {
            format!("{used}, measured before this run; {} in {}", units::count(*kept_per_s), text::one_line(kept))
        }
    }
}

/// Returns the speed-up of parallel computing, `1.93 with 2 threads`; `None` on one CPU.
fn speed_up(parallel: &Parallel) -> Option<String> {
    let more = parallel.points().iter().filter(|(threads, _)| *threads > 1);
    let factors: Vec<String> =
        more.map(|(threads, factor)| format!("{} with {threads} threads", units::three_digits(*factor))).collect();
    (!factors.is_empty()).then(|| factors.join(", "))
}
