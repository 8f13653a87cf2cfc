//! Evaluates the gates of a load.

use super::over_time::{check_single_event, check_steadiness};
use super::{
    BUSY, Cause, ENOUGH, EXHAUSTED, FAILED, Finding, KEPT_UP, LATE_P50, LATE_P99, LENGTHENED, LITTLE, PAUSE, PAUSED,
    PAUSED_TAIL, QUEUED, Verdict, machine, ratio, tail_ratio, verdict,
};
use crate::record::{GeneratorThread, LoadRecord, Series};
use crate::schedule::Pacing;

/// Returns the findings of a load that received `answered` responses within its window of `wall_ns`.
pub fn check_load(load: &LoadRecord, series: &[Series], wall_ns: u64, answered: u64) -> Vec<Finding> {
    let mut findings = check_generator(load, series, wall_ns, answered);
    findings.extend(load.stolen.and_then(machine::check_steal));
    findings
}

/// Returns the findings of a load without the stolen CPU time, which a trial counts for itself.
pub(super) fn check_generator(load: &LoadRecord, series: &[Series], wall_ns: u64, answered: u64) -> Vec<Finding> {
    let busy = busy_share(load, wall_ns);
    let queued = queued_share(load, wall_ns);
    let (behind, paused) = (check_unsent(load), check_pauses(load, series, wall_ns));
    let kept_up = kept_up_share(load, answered);
    let findings = [
        check_lateness(load, series, busy, queued),
        paused,
        behind,
        check_headroom(busy, kept_up).filter(|_| behind.is_none()),
        queued.filter(|share| *share > QUEUED.0).map(|share| Finding::Queued { share }),
        check_single_event(load, wall_ns).filter(|_| paused.is_none()),
        check_littles_law(load, series, wall_ns),
        check_exhaustion(load),
        check_steadiness(&load.over_time, wall_ns).filter(|_| kept_up.is_some_and(|share| share >= KEPT_UP)),
        check_failures(load),
        (load.connections_starved > 0)
            .then_some(Finding::Starved { connections: load.connections_starved, of: load.connections_planned }),
    ];
    let findings = findings.into_iter().flatten().collect();
    match shared_cpus(load) {
        None => findings,
        Some(cpus) => blame_shared_cpus(findings, cpus, queued),
    }
}

/// Returns the largest part of the window for which a generator thread worked; `None` if the kernel does not record it.
pub(super) fn busy_share(load: &LoadRecord, wall_ns: u64) -> Option<f64> {
    largest_share(load, wall_ns, |thread| Some(thread.ran_ns?.saturating_sub(thread.busy_waited_ns)))
}

/// Returns the requests sent or answered in the window, whichever is less, per request due in it; `None` in a closed
/// loop, in which no request is due at a set time.
pub(super) fn kept_up_share(load: &LoadRecord, answered: u64) -> Option<f64> {
    load.offered_per_s?;
    Some(sent_share(load).min(load.answered_share(answered)))
}

/// Returns the requests sent in the window, per request due in it.
fn sent_share(load: &LoadRecord) -> f64 {
    load.sent_in_window as f64 / load.requests.planned.max(1) as f64
}

fn queued_share(load: &LoadRecord, wall_ns: u64) -> Option<f64> {
    largest_share(load, wall_ns, |thread| thread.waited_ns)
}

fn check_lateness(load: &LoadRecord, series: &[Series], busy: Option<f64>, queued: Option<f64>) -> Option<Finding> {
    /// The share of the window above which a thread's wait for its CPU explains lateness.
    const HELD_UP: f64 = 0.005;
    let response_time = &series.first()?.response_time;
    let late = &load.send_lag.late;
    let (p50_ns, response_p50_ns) = (late.quantile(0.5)?, response_time.quantile(0.5)?);
    // With too few requests there is no 99th percentile to judge.
    let p99_ns = late.credible_quantile(0.99).zip(response_time.credible_quantile(0.99));
    let has_stepped_down = load.thread_costs.iter().any(|thread| thread.timer_only_ns > 0);
    let cause = match load.pacing {
        _ if has_stepped_down || queued.is_some_and(|share| share > HELD_UP) => Cause::Queued,
        _ if busy.is_some_and(|share| share > BUSY) => Cause::Busy,
        Some(Pacing::Sleep) => Cause::Timer,
        _ => Cause::Unknown,
    };
    let is_late =
        ratio(p50_ns, response_p50_ns) > LATE_P50.0 || p99_ns.is_some_and(|(late, all)| ratio(late, all) > LATE_P99.0);
    is_late.then_some(Finding::Late { p50_ns, p99_ns, response_p50_ns, cause })
}

fn check_pauses(load: &LoadRecord, series: &[Series], wall_ns: u64) -> Option<Finding> {
    let longest_ns = load.thread_costs.iter().map(|thread| thread.longest_pause_ns).max()?;
    let most = load.thread_costs.iter().max_by_key(|thread| thread.paused_ns)?;
    let share = ratio(most.paused_ns, wall_ns);
    let tail = |series: &Series| {
        let p99 = series.response_time.credible_quantile(0.99)?;
        let all = series.response_time.count_from(p99);
        let without = series.response_time.quantile_without(&series.paused_response_time, 0.99)?;
        Some((series.paused_response_time.count_from(p99) as f64 / all.max(1) as f64, (p99, without)))
    };
    let worst = series.iter().filter_map(tail).max_by(|(a, _), (b, _)| a.total_cmp(b));
    let (tail, p99_ns) = worst.map_or((0.0, None), |(tail, p99)| (tail, Some(p99)));
    let is_in_tail = tail > PAUSED_TAIL.0 && tail_ratio(p99_ns) > LENGTHENED.0;
    let is_long = longest_ns >= PAUSE.0 || share > PAUSED.0 || is_in_tail;
    // A stopped thread does not wait for a CPU meanwhile.
    let is_for_cpu = most.waited_ns.is_some_and(|waited| waited >= most.paused_ns / 2);
    let cause = if is_for_cpu { Cause::Queued } else { Cause::Unknown };
    is_long.then_some(Finding::Paused { longest_ns, share, tail, p99_ns, cause })
}

/// Checks that the due requests were sent. Only an open loop has due requests. A request sent in time but not answered
/// is attributed to the server, as is a wait for a connection.
fn check_unsent(load: &LoadRecord) -> Option<Finding> {
    load.offered_per_s?;
    let share = sent_share(load);
    // A request that was never sent has no lag: if every connection was waiting for a response at the end, it lacked a
    // connection.
    let all_waited = load.requests.unfinished >= u64::from(load.connections_opened.max(1));
    let is_ours = !all_waited && load.send_lag.late.mean() > load.send_lag.no_connection.mean();
    (share < KEPT_UP && is_ours && load.requests.planned >= ENOUGH).then_some(Finding::Behind { share })
}

/// Checks that the generator had time to spare. An overworked generator notices late that a connection is free, and
/// attributes that wait to the server, so either of the two may have failed to keep up.
fn check_headroom(busy: Option<f64>, kept_up: Option<f64>) -> Option<Finding> {
    let (share, kept_up) = (busy?, kept_up?);
    (share > BUSY && kept_up < KEPT_UP).then_some(Finding::Busy { share, kept_up })
}

/// Returns the largest share of the window that a single thread spent this way.
fn largest_share(load: &LoadRecord, wall_ns: u64, part: impl Fn(&GeneratorThread) -> Option<u64>) -> Option<f64> {
    let most = load.thread_costs.iter().filter_map(part).max()?;
    Some(ratio(most, wall_ns))
}

/// Returns the number of CPUs that server and generator compete for; `None` if they share none, or so many that the
/// kernel keeps the two apart by itself.
fn shared_cpus(load: &LoadRecord) -> Option<usize> {
    let (server, generator) = &load.cpus;
    let cpus = server.iter().filter(|cpu| generator.contains(cpu)).count();
    (cpus > 0 && cpus <= load.threads as usize + 1).then_some(cpus)
}

/// Replaces the gates that follow from shared CPUs by a single finding.
fn blame_shared_cpus(findings: Vec<Finding>, cpus: usize, waited: Option<f64>) -> Vec<Finding> {
    let (explained, mut others): (Vec<Finding>, Vec<Finding>) =
        findings.into_iter().partition(Finding::is_wait_for_cpu);
    others.push(Finding::SharedCpus { cpus, waited, verdict: verdict(&explained).max(Verdict::Suspect) });
    others
}

/// Checks the share of requests that failed. Failed requests that took long are found by Little's law.
fn check_failures(load: &LoadRecord) -> Option<Finding> {
    let (requests, of) = (load.requests.failed, load.requests.planned);
    (ratio(requests, of) > FAILED.0).then_some(Finding::Failed { requests, of })
}

/// Checks whether many requests got no connection because this machine had no port or descriptor left.
fn check_exhaustion(load: &LoadRecord) -> Option<Finding> {
    const CLASSES: [&str; 2] = ["local_no_port", "local_no_descriptor"];
    let failed: u64 = CLASSES.iter().filter_map(|class| load.errors.get(*class)).sum();
    let share = failed as f64 / load.requests.planned.max(1) as f64;
    (share > EXHAUSTED.0).then_some(Finding::Exhausted { share })
}

fn check_littles_law(load: &LoadRecord, series: &[Series], wall_ns: u64) -> Option<Finding> {
    let nanos: f64 =
        series.iter().filter_map(|one| Some(one.service_time.mean()? * one.service_time.len() as f64)).sum();
    let in_window = |nanos: f64| nanos / wall_ns.max(1) as f64;
    let expected = in_window(nanos - load.at_the_edges_ns as f64);
    let unanswered = in_window(load.unanswered_ns as f64);
    let in_flight = load.mean_in_flight;
    if (in_flight - expected).abs() > LITTLE * in_flight.max(expected) {
        return Some(Finding::Little { in_flight, expected });
    }
    (unanswered > LITTLE * in_flight).then_some(Finding::Unanswered { in_flight, unanswered })
}

#[cfg(test)]
mod tests;
